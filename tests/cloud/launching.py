"""Launches: what a machine is made of, checked as EC2 checks it, and the making itself.

A `Plan` is what RunInstances, a fleet, a spot fleet or a group wants of a machine, whatever the call. Machines
are made of plans only here.
"""

import base64
import binascii
import re

from . import tags as tagging
from .errors import Refusal, combination, invalid, missing
from .machines import Machine
from .pools import no_addresses, no_capacity, no_quota, price_too_low
from .spot_requests import SpotRequest

LARGEST_USER_DATA = 16384
TAGGABLE = {"instance", "volume", "network-interface", "spot-instances-request", "elastic-gpu"}
WITH_IOPS = {"io1", "io2", "gp3"}


class Plan:
    """The wanted machine: fields by the names of RunInstances, and what they refer to."""

    def __init__(self, region, fields, template=None):
        self.region, self.fields = region, fields
        # The template and version that the fields come from, for AWS's own tags.
        self.template = template
        world = region.world
        self.image = _image(world, fields)
        self.kind = _kind(world, fields.get("InstanceType", "t2.small"))
        if self.kind.architecture != self.image.architecture:
            raise invalid(f"The architecture '{self.kind.architecture}' of the specified instance type does not match"
                          f" the architecture '{self.image.architecture}' of the specified AMI. Specify an instance"
                          " type and an AMI that have matching architectures, and try again.")
        self.groups = _groups(world, fields)
        self.profile = _profile(world, fields)
        _check_rest(world, fields)
        self.tags = tagging.specified(fields.get("TagSpecifications"), TAGGABLE)

    def market(self):
        """`spot` or `on-demand`, and the highest price, as the fields say it."""
        options = self.fields.get("InstanceMarketOptions") or {}
        if options.get("MarketType") != "spot":
            return "on-demand", None
        return "spot", options.get("SpotOptions", {}).get("MaxPrice")

    def subnet(self):
        """The subnet of the fields; the first one of the zone where only a zone is named."""
        fields, world = self.fields, self.region.world
        id = fields.get("SubnetId")
        for interface in fields.get("NetworkInterfaces") or []:
            id = interface.get("SubnetId", id)
        if id is not None:
            return subnet(world, id)
        zone = fields.get("Placement", {}).get("AvailabilityZone")
        for one in world.subnets.values():
            if zone in (None, one.zone):
                return one
        raise invalid(f"Invalid availability zone: [{zone}]")


def subnet(world, id):
    """A subnet by its id."""
    if id not in world.subnets:
        raise Refusal("InvalidSubnetID.NotFound", f"The subnet ID '{id}' does not exist")
    return world.subnets[id]


def room(plan, subnet, option, wanted, price=None):
    """How many machines of the plan the subnet would take, and the error that stands in the way of more."""
    region = plan.region
    if f"{plan.kind.name}@{subnet.zone}" in region.world.unsupported:
        others = [zone for zone in region.world.zones() if zone != subnet.zone]
        return 0, Refusal(
            "Unsupported",
            f"Your requested instance type ({plan.kind.name}) is not supported in your requested Availability Zone"
            f" ({subnet.zone}). Please retry your request by not specifying an Availability Zone or choosing"
            f" {', '.join(others)}.")
    if option == "spot" and price is not None:
        market = region.world.spot_price(plan.kind.name)
        if float(price) < market:
            return 0, price_too_low(price, market)
    free = region.pools.free(plan.kind.name, subnet, option)
    if free < wanted:
        return max(0, free), no_capacity(plan.kind, subnet, option)
    if subnet.free < wanted:
        return subnet.free, no_addresses(subnet)
    allowed = region.pools.within_quota(region.machines, plan.kind, option, wanted)
    if allowed < wanted:
        return allowed, no_quota(region.pools, option)
    return wanted, None


def launch(plan, subnet, option, count, *, tags, own_tags=(), owner=None, weight=1, token=None, index=0,
           reservation=None):
    """Makes machines. The caller has asked `room`. `tags` are by type of resource, `own_tags` are AWS's."""
    region = plan.region
    region.pools.take(plan.kind.name, subnet, option, count)
    reservation = reservation or region.tenant.new_id("r")
    made = []
    for place in range(count):
        machine = Machine(region, plan, subnet, option, subnet.take(), index + place)
        machine.reservation, machine.token = reservation, token
        machine.owner, machine.weight = owner, weight
        machine.tags = dict(tags.get("instance", {}))
        machine.tags |= dict(own_tags)
        if plan.template:
            template, version = plan.template
            machine.tags |= {"aws:ec2launchtemplate:id": template, "aws:ec2launchtemplate:version": str(version)}
        _attach(machine, tags)
        if option == "spot":
            machine.spot_request = SpotRequest(machine, tags.get("spot-instances-request", {}))
            region.spot_requests[machine.spot_request.id] = machine.spot_request
        region.machines[machine.id] = machine
        stillborn = region.stillborn.pop(0) if region.stillborn else None
        if stillborn:
            region.tenant.later(0, lambda machine=machine, cause=stillborn: machine.stillborn(*cause))
        else:
            machine.boot(region.tenant.setting("boot"))
        made.append(machine)
    return made


def _attach(machine, tags):
    region, fields = machine.region, machine.plan.fields
    devices = {machine.image.root: {"VolumeSize": 8, "VolumeType": "gp3"}}
    for mapping in fields.get("BlockDeviceMappings") or []:
        if "Ebs" in mapping:
            devices.setdefault(mapping["DeviceName"], {}).update(mapping["Ebs"])
    for device, settings in devices.items():
        id = region.tenant.new_id("vol")
        region.volumes[id] = {
            "id": id, "machine": machine.id, "device": device, "size": settings.get("VolumeSize", 8),
            "type": settings.get("VolumeType", "gp2"), "iops": settings.get("Iops"),
            "tags": dict(tags.get("volume", {})),
        }
        machine.volumes.append(id)
    machine.interface = region.tenant.new_id("eni")
    region.interfaces[machine.interface] = {
        "id": machine.interface, "machine": machine.id, "tags": dict(tags.get("network-interface", {})),
    }


def _image(world, fields):
    id = fields.get("ImageId")
    if not id:
        raise missing("ImageId")
    if id.startswith("resolve:ssm:"):
        name = id.removeprefix("resolve:ssm:")
        if name not in world.parameters:
            raise invalid(f"Parameter {name} could not be resolved")
        id = world.parameters[name]
    if not re.fullmatch(r"ami-([0-9a-f]{8}|[0-9a-f]{17})", id):
        raise Refusal("InvalidAMIID.Malformed", f'Invalid id: "{id}" (expecting "ami-...")')
    image = world.images.get(id)
    if image is None:
        raise Refusal("InvalidAMIID.NotFound", f"The image id '[{id}]' does not exist")
    if image.state != "available":
        raise Refusal("InvalidAMIID.Unavailable", f"The image ID '{id}' is not available")
    return image


def _kind(world, name):
    if name not in world.types:
        raise invalid(f"Invalid value '{name}' for InstanceType.")
    return world.types[name]


def _groups(world, fields):
    interfaces = fields.get("NetworkInterfaces") or []
    given = [*(fields.get("SecurityGroupIds") or []), *(id for one in interfaces for id in one.get("Groups") or [])]
    for id in given:
        if id not in world.groups:
            raise Refusal("InvalidGroup.NotFound", f"The security group '{id}' does not exist")
    for name in fields.get("SecurityGroups") or []:
        found = [id for id, known in world.groups.items() if known == name]
        if not found:
            raise Refusal("InvalidGroup.NotFound", f"The security group '{name}' does not exist in default VPC")
        given += found
    return given or [next(iter(world.groups))]


def _profile(world, fields):
    given = fields.get("IamInstanceProfile") or {}
    name, arn = given.get("Name"), given.get("Arn")
    if name is not None:
        if name not in world.profiles:
            raise invalid(f"Value ({name}) for parameter iamInstanceProfile.name is invalid."
                          " Invalid IAM Instance Profile name")
        return f"arn:aws:iam::{world.account}:instance-profile/{name}"
    if arn is not None and (not arn.startswith("arn:") or arn.rsplit("/", 1)[-1] not in world.profiles):
        raise invalid(f"Value ({arn}) for parameter iamInstanceProfile.arn is invalid."
                      " Invalid IAM Instance Profile ARN")
    return arn


def _check_rest(world, fields):
    key = fields.get("KeyName")
    if key is not None and key not in world.keys:
        raise Refusal("InvalidKeyPair.NotFound", f"The key pair '{key}' does not exist")
    placement = (fields.get("Placement") or {}).get("GroupName")
    if placement and placement not in world.placement_groups:
        raise Refusal("InvalidPlacementGroup.Unknown", f"The placement group '{placement}' is unknown.")
    if fields.get("NetworkInterfaces"):
        if fields.get("SubnetId"):
            raise combination("Network interfaces and an instance-level subnet ID may not be specified on the same"
                              " request")
        if fields.get("SecurityGroupIds") or fields.get("SecurityGroups"):
            raise combination("Network interfaces and an instance-level security groups may not be specified on"
                              " the same request")
    _check_user_data(fields.get("UserData"))
    for mapping in fields.get("BlockDeviceMappings") or []:
        _check_device(mapping)


def _check_user_data(text):
    if text is None:
        return
    try:
        data = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        raise Refusal("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data.") from None
    if len(data) > LARGEST_USER_DATA:
        raise invalid(f"User data is limited to {LARGEST_USER_DATA} bytes")


def _check_device(mapping):
    if not mapping.get("DeviceName"):
        raise missing("deviceName")
    settings = mapping.get("Ebs", {})
    kind = settings.get("VolumeType", "gp2")
    if "Iops" in settings and kind not in WITH_IOPS:
        raise combination(f"The parameter iops is not supported for {kind} volumes.")
    if kind in ("io1", "io2") and "Iops" not in settings:
        raise missing("iops")
    size = settings.get("VolumeSize")
    if size is not None and not 1 <= size <= 16384:
        raise Refusal("InvalidBlockDeviceMapping", f"Volume of size {size}GB is out of the range 1 to 16384")
