"""Spot instance requests: one for each spot machine, where the two-minute notice can be read."""

from .machines import SPOT_ENDED, tag_list

NOTICE = 120.0
MESSAGES = {
    "fulfilled": "Your spot request is fulfilled.",
    "marked-for-termination": "Your Spot instance is marked for termination.",
    "instance-terminated-by-user": "Spot Instance terminated due to user-initiated termination.",
    "instance-terminated-no-capacity":
        "Your Spot instance was terminated because there is no Spot capacity available that matches your request.",
}


class SpotRequest:
    """One spot instance request."""

    def __init__(self, machine, tags):
        tenant = machine.region.tenant
        # Eight characters, of which EC2 never uses some letters; the length is what clients check.
        self.id = f"sir-{tenant.dice.getrandbits(32):08x}"
        self.machine, self.tags, self.created = machine, dict(tags), tenant.now()
        self.state, self.code, self.updated = "active", "fulfilled", self.created

    def become(self, state, code):
        """Changes the status, and when it did."""
        self.state, self.code, self.updated = state, code, self.machine.region.tenant.now()

    def machine_ends(self, reason):
        """Its machine ends."""
        by_spot = reason is SPOT_ENDED
        self.become("closed", "instance-terminated-no-capacity" if by_spot else "instance-terminated-by-user")

    def interrupt(self, notice):
        """Spot wants the machine back: a notice now, the end after `notice` seconds."""
        if self.state != "active":
            return
        self.become("active", "marked-for-termination")
        self.machine.region.tenant.later(notice, lambda: self.machine.end(SPOT_ENDED))

    def view(self):
        """The structure `SpotInstanceRequest`."""
        machine = self.machine
        kind = machine.kind.name
        return {
            "CreateTime": self.created, "InstanceId": machine.id, "LaunchedAvailabilityZone": machine.subnet.zone,
            "LaunchSpecification": {
                "ImageId": machine.image.id, "InstanceType": kind, "SubnetId": machine.subnet.id,
                "KeyName": machine.plan.fields.get("KeyName"),
            },
            "ProductDescription": "Linux/UNIX", "SpotInstanceRequestId": self.id,
            "SpotPrice": f"{machine.kind.price:.6f}", "State": self.state,
            "Status": {"Code": self.code, "Message": MESSAGES[self.code], "UpdateTime": self.updated},
            "Tags": tag_list(self.tags), "Type": "one-time", "InstanceInterruptionBehavior": "terminate",
        }

    def truth(self):
        """The request as the control interface shows it."""
        return {"id": self.id, "state": self.state, "code": self.code, "updated": self.updated, "tags": self.tags,
                "machine": self.machine.id}
