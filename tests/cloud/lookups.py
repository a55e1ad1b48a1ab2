"""Calls that look at the network and the catalog, SSM's parameters and STS's identity."""

import re

from .errors import Refusal
from .filters import Filters
from .machines import tag_list
from .paging import page
from .table import serves


class _Named:
    """What the filters of lookups see: a thing with an id and no tags."""

    def __init__(self, thing, view):
        self.thing, self.view, self.tags = thing, view, {}


@serves("DescribeSubnets")
def describe_subnets(region, params):
    """Describes subnets with their free addresses."""
    world = region.world
    ids = params.get("SubnetIds") or list(world.subnets)
    for id in ids:
        if id not in world.subnets:
            raise Refusal("InvalidSubnetID.NotFound", f"The subnet ID '{id}' does not exist")
    things = []
    for id in ids:
        one = world.subnets[id]
        things.append(_Named(one, {
            "SubnetId": one.id, "VpcId": one.vpc, "AvailabilityZone": one.zone, "AvailabilityZoneId": one.zone_id,
            "AvailableIpAddressCount": one.free, "CidrBlock": one.cidr, "State": "available",
            "OwnerId": world.account, "DefaultForAz": False, "MapPublicIpOnLaunch": False,
            "PrivateDnsNameOptionsOnLaunch": {"HostnameType": one.hostnames},
        }))
    filters = Filters(params.get("Filters"), {
        "subnet-id": lambda t: [t.thing.id], "vpc-id": lambda t: [t.thing.vpc],
        "availability-zone": lambda t: [t.thing.zone], "state": lambda t: ["available"],
        "availability-zone-id": lambda t: [t.thing.zone_id],
    })
    part, following = page([one for one in things if filters.fit(one)], params)
    return {"Subnets": [one.view for one in part], "NextToken": following}


@serves("DescribeImages")
def describe_images(region, params):
    """Describes images; the device name of the root volume is read from here."""
    world = region.world
    ids = params.get("ImageIds") or list(world.images)
    for id in ids:
        if not id.startswith("ami-"):
            raise Refusal("InvalidAMIID.Malformed", f'Invalid id: "{id}" (expecting "ami-...")')
        if id not in world.images:
            raise Refusal("InvalidAMIID.NotFound", f"The image id '[{id}]' does not exist")
    things = []
    for id in ids:
        one = world.images[id]
        things.append(_Named(one, {
            "ImageId": one.id, "Name": one.name, "State": one.state, "Architecture": one.architecture,
            "RootDeviceName": one.root, "RootDeviceType": "ebs", "ImageType": "machine", "Public": True,
            "OwnerId": "137112412989", "ImageOwnerAlias": one.owner, "VirtualizationType": "hvm",
            "Hypervisor": "xen", "EnaSupport": True, "CreationDate": "2026-01-01T00:00:00.000Z",
            "BlockDeviceMappings": [{"DeviceName": one.root, "Ebs": {
                "VolumeSize": 8, "VolumeType": "gp3", "DeleteOnTermination": True, "SnapshotId": "snap-0" + id[-8:]}}],
        }))
    filters = Filters(params.get("Filters"), {
        "image-id": lambda t: [t.thing.id], "name": lambda t: [t.thing.name], "state": lambda t: [t.thing.state],
        "architecture": lambda t: [t.thing.architecture], "root-device-type": lambda t: ["ebs"],
    })
    part, following = page([one for one in things if filters.fit(one)], params)
    return {"Images": [one.view for one in part], "NextToken": following}


@serves("DescribeSecurityGroups")
def describe_security_groups(region, params):
    """Describes security groups by id or name."""
    groups = region.world.groups
    ids = params.get("GroupIds") or list(groups)
    for id in ids:
        if id not in groups:
            raise Refusal("InvalidGroup.NotFound", f"The security group '{id}' does not exist")
    names = params.get("GroupNames")
    things = [_Named(id, {
        "GroupId": id, "GroupName": groups[id], "Description": groups[id], "OwnerId": region.tenant.account,
        "VpcId": next(iter(region.world.subnets.values())).vpc,
    }) for id in ids if names is None or groups[id] in names]
    filters = Filters(params.get("Filters"), {
        "group-id": lambda t: [t.thing], "group-name": lambda t: [groups[t.thing]],
        "vpc-id": lambda t: [t.view["VpcId"]],
    })
    part, following = page([one for one in things if filters.fit(one)], params)
    return {"SecurityGroups": [one.view for one in part], "NextToken": following}


@serves("DescribeKeyPairs")
def describe_key_pairs(region, params):
    """Describes key pairs by name."""
    names = params.get("KeyNames") or sorted(region.world.keys)
    for name in names:
        if name not in region.world.keys:
            raise Refusal("InvalidKeyPair.NotFound", f"The key pair '{name}' does not exist")
    return {"KeyPairs": [{"KeyName": name, "KeyType": "rsa"} for name in names]}


@serves("DescribePlacementGroups")
def describe_placement_groups(region, params):
    """Describes placement groups by name."""
    names = params.get("GroupNames") or sorted(region.world.placement_groups)
    for name in names:
        if name not in region.world.placement_groups:
            raise Refusal("InvalidPlacementGroup.Unknown", f"The placement group '{name}' is unknown.")
    return {"PlacementGroups": [
        {"GroupName": name, "Strategy": region.world.placement_groups[name], "State": "available"} for name in names
    ]}


@serves("DescribeAvailabilityZones")
def describe_availability_zones(region, params):
    """Describes the zones that have subnets."""
    wanted = params.get("ZoneNames") or list(region.world.zones())
    return {"AvailabilityZones": [
        {"ZoneName": zone, "ZoneId": id, "RegionName": region.name, "State": "available",
         "OptInStatus": "opt-in-not-required", "ZoneType": "availability-zone"}
        for zone, id in region.world.zones().items() if zone in wanted
    ]}


@serves("DescribeInstanceTypes")
def describe_instance_types(region, params):
    """Describes instance types: processors, memory, architecture."""
    types = region.world.types
    names = params.get("InstanceTypes") or list(types)
    strange = [name for name in names if name not in types]
    if strange:
        raise Refusal("InvalidInstanceType",
                      f"The following supplied instance types do not exist: [{', '.join(strange)}]")
    part, following = page(names, params, most=100)
    return {"InstanceTypes": [{
        "InstanceType": name, "CurrentGeneration": True, "SupportedUsageClasses": ["on-demand", "spot"],
        "ProcessorInfo": {"SupportedArchitectures": [types[name].architecture]},
        "VCpuInfo": {"DefaultVCpus": types[name].cpus, "DefaultCores": max(1, types[name].cpus // 2),
                     "DefaultThreadsPerCore": 2},
        "MemoryInfo": {"SizeInMiB": types[name].memory_mib}, "EbsInfo": {"EbsOptimizedSupport": "default"},
    } for name in part], "NextToken": following}


@serves("DescribeSpotPriceHistory")
def describe_spot_price_history(region, params):
    """The price of each type in each zone as it is now."""
    world = region.world
    names = params.get("InstanceTypes") or sorted(world.types)
    zones = [zone for zone in world.zones() if params.get("AvailabilityZone") in (None, zone)]
    found = [
        {"InstanceType": name, "AvailabilityZone": zone, "ProductDescription": "Linux/UNIX",
         "SpotPrice": f"{world.spot_price(name):.6f}", "Timestamp": region.tenant.now()}
        for name in names if name in world.types for zone in zones
    ]
    part, following = page(found, params, most=1000)
    return {"SpotPriceHistory": part, "NextToken": following}


@serves("DescribeVolumes")
def describe_volumes(region, params):
    """Describes the volumes of machines, with their tags."""
    ids = params.get("VolumeIds") or list(region.volumes)
    for id in ids:
        if id not in region.volumes:
            raise Refusal("InvalidVolume.NotFound", f"The volume '{id}' does not exist.")
    things = []
    for id in ids:
        one = region.volumes[id]
        thing = _Named(one, {
            "VolumeId": id, "Size": one["size"], "VolumeType": one["type"], "Iops": one["iops"], "State": "in-use",
            "Tags": tag_list(one["tags"]), "Attachments": [
                {"VolumeId": id, "InstanceId": one["machine"], "Device": one["device"], "State": "attached",
                 "DeleteOnTermination": True}],
        })
        thing.tags = one["tags"]
        things.append(thing)
    filters = Filters(params.get("Filters"), {
        "volume-id": lambda t: [t.thing["id"]], "attachment.instance-id": lambda t: [t.thing["machine"]],
    })
    part, following = page([one for one in things if filters.fit(one)], params)
    return {"Volumes": [one.view for one in part], "NextToken": following}


@serves("DescribeTags")
def describe_tags(region, params):
    """Describes tags of every kind of resource, one entry each."""
    kinds = {
        "instance": region.machines, "volume": region.volumes, "network-interface": region.interfaces,
        "launch-template": region.templates, "fleet": region.fleets, "spot-fleet-request": region.spot_fleets,
        "spot-instances-request": region.spot_requests,
    }
    things = []
    for kind, resources in kinds.items():
        for id, one in resources.items():
            for key, value in (one["tags"] if isinstance(one, dict) else one.tags).items():
                thing = _Named((key, value), {"Key": key, "Value": value, "ResourceId": id, "ResourceType": kind})
                thing.tags = {key: value}
                things.append(thing)
    filters = Filters(params.get("Filters"), {
        "key": lambda t: [t.thing[0]], "value": lambda t: [t.thing[1]], "resource-id": lambda t: [t.view["ResourceId"]],
        "resource-type": lambda t: [t.view["ResourceType"]],
    })
    part, following = page([one for one in things if filters.fit(one)], params, most=1000)
    return {"Tags": [one.view for one in part], "NextToken": following}


@serves("GetParameters", "ssm")
def get_parameters(region, params):
    """Gives the parameters that there are, and names those that there are not."""
    known = region.world.parameters
    names = params.get("Names") or []
    if not 1 <= len(names) <= 10:
        raise Refusal("ValidationException", "1 validation error detected: Value at 'names' failed to satisfy"
                                             " constraint: Member must have length less than or equal to 10")
    return {
        "Parameters": [_parameter(region, name) for name in dict.fromkeys(names) if _bare(name) in known],
        "InvalidParameters": [name for name in dict.fromkeys(names) if _bare(name) not in known],
    }


@serves("GetParameter", "ssm")
def get_parameter(region, params):
    """Gives one parameter."""
    if _bare(params["Name"]) not in region.world.parameters:
        raise Refusal("ParameterNotFound", "")
    return {"Parameter": _parameter(region, params["Name"])}


@serves("PutParameter", "ssm")
def put_parameter(region, params):
    """Sets a parameter."""
    if params["Name"] in region.world.parameters and not params.get("Overwrite"):
        raise Refusal("ParameterAlreadyExists", "The parameter already exists.")
    region.world.parameters[params["Name"]] = params["Value"]
    return {"Version": 1, "Tier": "Standard"}


def _bare(name):
    # `name:version` and `name:label` ask for one state of it; there is one only.
    return name.partition(":")[0]


def _parameter(region, name):
    bare = _bare(name)
    return {
        "Name": bare, "Type": "String", "Value": region.world.parameters[bare], "Version": 1,
        "LastModifiedDate": 1767225600.0, "DataType": "text",
        "ARN": f"arn:aws:ssm:{region.name}:{region.tenant.account}:parameter/{bare.lstrip('/')}",
    }


@serves("GetCallerIdentity", "sts")
def get_caller_identity(region, _params):
    """Says who calls."""
    tenant = region.tenant
    arn = tenant.assumed.get(tenant.caller, tenant.identity)
    return {"UserId": "AIDAEXAMPLE0000000000", "Account": tenant.account, "Arn": arn}


@serves("AssumeRole", "sts")
def assume_role(region, params):
    """Gives temporary credentials, which belong to the same tenant."""
    tenant, arn = region.tenant, params["RoleArn"]
    known = re.fullmatch(r"arn:aws[a-z-]*:iam::(\d{12}):role/(?:.*/)?([^/]+)", arn)
    if known is None:
        raise Refusal("ValidationError", f"{arn} is invalid")
    if tenant.roles and (arn not in tenant.roles or tenant.roles[arn] != params.get("ExternalId")):
        raise Refusal("AccessDenied", f"User: {tenant.identity} is not authorized to perform: sts:AssumeRole on"
                                      f" resource: {arn}", 403)
    session = params["RoleSessionName"]
    key = f"ASIA{tenant.dice.getrandbits(64):016X}"
    tenant.aliases[key] = tenant.name
    tenant.assumed[key] = f"arn:aws:sts::{known[1]}:assumed-role/{known[2]}/{session}"
    return {
        "Credentials": {
            "AccessKeyId": key, "SecretAccessKey": "secret", "SessionToken": f"token-of-{key}",
            "Expiration": tenant.now() + params.get("DurationSeconds", 3600),
        },
        "AssumedRoleUser": {"AssumedRoleId": f"AROAEXAMPLE0000000000:{session}", "Arn": tenant.assumed[key]},
    }
