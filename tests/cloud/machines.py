"""Machines: their states over time, what ends with them, and how DescribeInstances shows them."""

from . import model, writing

CODES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}
LIVING = ("pending", "running", "stopping", "stopped")

USER_ENDED = ("Client.UserInitiatedShutdown", "Client.UserInitiatedShutdown: User initiated shutdown")
SPOT_ENDED = ("Server.SpotInstanceTermination", "Server.SpotInstanceTermination: Spot instance termination")


class Machine:
    """One EC2 instance."""

    def __init__(self, region, plan, subnet, option, address, index):
        self.region, self.plan, self.subnet, self.option = region, plan, subnet, option
        self.id = region.tenant.new_id("i")
        self.kind, self.image = plan.kind, plan.image
        self.address, self.index = address, index
        self.launched = region.tenant.now()
        self.reservation = self.token = None
        self.tags, self.volumes, self.interface = {}, [], None
        self.spot_request = None
        # The fleet, spot fleet or group that made the machine, and how many units it counts there.
        self.owner, self.weight = None, 1
        self.protected = bool(plan.fields.get("DisableApiTermination"))
        self.state, self.reason, self.transition = "pending", None, ""
        self.history = [(self.launched, "pending", None)]
        self.ended = None
        self._markup = None

    @property
    def living(self):
        """Whether it counts for its owner."""
        return self.state in LIVING

    @property
    def host_name(self):
        """The private DNS name, made as the subnet says."""
        first = self.id if self.subnet.hostnames == "resource-name" else f"ip-{self.address.replace('.', '-')}"
        zone = "ec2.internal" if self.region.name == "us-east-1" else f"{self.region.name}.compute.internal"
        return f"{first}.{zone}"

    def become(self, state, reason=None):
        """Changes the state."""
        self.state = state
        self.reason = reason or self.reason
        self.history.append((self.region.tenant.now(), state, self.reason))
        self.changed()

    def changed(self):
        """Forgets the kept XML; to be called after every change that a description shows."""
        self._markup = None

    def boot(self, seconds):
        """Plans that it comes up."""
        self.region.tenant.later(seconds, lambda: self.state == "pending" and self.become("running"))

    def end(self, reason=USER_ENDED):
        """Begins the end. A machine that is ending already stays as it is."""
        if self.state in ("shutting-down", "terminated"):
            return
        tenant = self.region.tenant
        self.transition = f"User initiated ({writing.moment(tenant.now())[:19].replace('T', ' ')} GMT)"
        if reason is not USER_ENDED:
            self.transition = reason[1].split(":", 1)[0]
        self.become("shutting-down", reason)
        tenant.later(tenant.setting("end"), self._ended)
        if self.spot_request is not None:
            self.spot_request.machine_ends(reason)
        if self.owner is not None:
            self.owner.machine_ends(self)

    def _ended(self):
        if self.state == "terminated":
            return
        tenant = self.region.tenant
        self.ended = tenant.now()
        self.become("terminated")
        self.subnet.give_back(self.address)
        for volume in self.volumes:
            self.region.volumes.pop(volume, None)
        self.region.interfaces.pop(self.interface, None)
        tenant.later(tenant.setting("listed"), lambda: self.region.machines.pop(self.id, None))

    def stillborn(self, code, message):
        """Goes from pending to terminated by AWS's will, as with a volume that cannot be made."""
        self.end((code, message))

    def stop(self):
        """Stops at once; EC2 takes its time, but no caller of ours waits for it."""
        self.become("stopped", USER_ENDED)

    def start(self):
        """Starts again."""
        self.become("pending", None)
        self.boot(self.region.tenant.setting("boot"))

    def at(self, moment):
        """State and reason as they were at a time; `None` before the launch."""
        known = None
        for when, state, reason in self.history:
            if when > moment:
                break
            known = (state, reason)
        return known

    def markup(self):
        """Its XML in an answer."""
        if self._markup is None:
            self._markup = writing.item(model.load("ec2"), "Instance", self.view(self.state, self.reason))
        return self._markup

    def view_at(self, moment):
        """Its XML as of an earlier time."""
        state, reason = self.at(moment)
        return writing.item(model.load("ec2"), "Instance", self.view(state, reason))

    def view(self, state, reason):
        """The structure `Instance`."""
        fields, subnet = self.plan.fields, self.subnet
        view = {
            "AmiLaunchIndex": self.index, "ImageId": self.image.id, "InstanceId": self.id,
            "InstanceType": self.kind.name, "KeyName": fields.get("KeyName"), "LaunchTime": self.launched,
            "Monitoring": {"State": "disabled"},
            "Placement": {
                "AvailabilityZone": subnet.zone, "AvailabilityZoneId": subnet.zone_id,
                "GroupName": fields.get("Placement", {}).get("GroupName", ""),
                "Tenancy": fields.get("Placement", {}).get("Tenancy", "default"),
            },
            "State": {"Code": CODES[state], "Name": state},
            "StateTransitionReason": self.transition if state in ("shutting-down", "terminated") else "",
            "Architecture": self.image.architecture, "ClientToken": self.token or "",
            "EbsOptimized": bool(fields.get("EbsOptimized")), "EnaSupport": True, "Hypervisor": "xen",
            "RootDeviceName": self.image.root, "RootDeviceType": "ebs", "VirtualizationType": "hvm",
            "Tags": tag_list(self.tags),
            "CpuOptions": {"CoreCount": max(1, self.kind.cpus // 2), "ThreadsPerCore": 2},
            "MetadataOptions": {
                "State": "applied", "HttpTokens": "required", "HttpPutResponseHopLimit": 2,
                "HttpEndpoint": "enabled",
            },
            "PlatformDetails": "Linux/UNIX", "UsageOperation": "RunInstances",
        }
        if profile := self.plan.profile:
            view["IamInstanceProfile"] = {"Arn": profile, "Id": "AIPAEXAMPLE0000000000"}
        if self.option == "spot":
            view["InstanceLifecycle"] = "spot"
            view["SpotInstanceRequestId"] = self.spot_request.id
        if reason:
            view["StateReason"] = {"Code": reason[0], "Message": reason[1]}
        if state == "terminated":
            # EC2 takes name, address and network from what has ended.
            view |= {"PrivateDnsName": "", "PublicDnsName": "", "BlockDeviceMappings": [], "NetworkInterfaces": []}
            return view
        groups = [{"GroupId": id, "GroupName": self.region.world.groups.get(id, "")} for id in self.plan.groups]
        view |= {
            "PrivateDnsName": self.host_name, "PrivateIpAddress": self.address, "PublicDnsName": "",
            "SubnetId": subnet.id, "VpcId": subnet.vpc, "SecurityGroups": groups, "SourceDestCheck": True,
            "PrivateDnsNameOptions": {"HostnameType": subnet.hostnames},
            "BlockDeviceMappings": [
                {"DeviceName": volume["device"], "Ebs": {
                    "VolumeId": id, "Status": "attached", "DeleteOnTermination": True, "AttachTime": self.launched}}
                for id in self.volumes if (volume := self.region.volumes.get(id))
            ],
            "NetworkInterfaces": [{
                "NetworkInterfaceId": self.interface, "SubnetId": subnet.id, "VpcId": subnet.vpc,
                "PrivateIpAddress": self.address, "PrivateDnsName": self.host_name, "Status": "in-use",
                "InterfaceType": "interface", "Groups": groups, "SourceDestCheck": True,
                "Attachment": {"DeviceIndex": 0, "NetworkCardIndex": 0, "Status": "attached",
                               "DeleteOnTermination": True},
                "PrivateIpAddresses": [{"Primary": True, "PrivateIpAddress": self.address,
                                        "PrivateDnsName": self.host_name}],
            }],
        }
        return view

    def truth(self):
        """The machine as the control interface shows it."""
        region = self.region
        return {
            "id": self.id, "state": self.state, "reason": self.reason, "tags": self.tags, "region": region.name,
            "type": self.kind.name, "subnet": self.subnet.id, "zone": self.subnet.zone, "option": self.option,
            "launched": self.launched, "ended": self.ended, "address": self.address, "name": self.host_name,
            "owner": getattr(self.owner, "id", None), "weight": self.weight, "token": self.token,
            "image": self.image.id, "reservation": self.reservation, "protected": self.protected,
            "spot_request": self.spot_request.truth() if self.spot_request else None,
            "volumes": [region.volumes[id] for id in self.volumes if id in region.volumes],
            "interface": region.interfaces.get(self.interface), "fields": self.plan.fields,
        }


def tag_list(tags):
    """Tags as answers list them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]
