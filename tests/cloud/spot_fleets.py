"""Spot fleets: an EC2 fleet's kin with other names, in camel case, and a role."""

import uuid

from . import allocation, candidates, tags as tagging
from .fleets import Fleet
from .keeping import Keeper, whole
from .launching import TAGGABLE
from .machines import tag_list

POLICIES = {"default": "termination", "noTermination": "no-termination", None: "termination"}


class SpotFleet(Fleet):
    """One spot fleet request. Its states, target and refill are a fleet's."""

    own_tag = "aws:ec2spot:fleet-request-id"
    gone = "cancelled"

    def __init__(self, region, config, tags):
        id = f"sfr-{uuid.UUID(int=region.tenant.dice.getrandbits(128))}"
        Keeper.__init__(self, region, id, tags)
        self.params, self.machine_tags = config, {}
        self.type = config.get("Type", "maintain")
        self.state = "submitted"
        self.excess = POLICIES[config.get("ExcessCapacityTerminationPolicy")]
        self.candidates = _candidates(region, config)
        self.set_target(config["TargetCapacity"], config.get("OnDemandTargetCapacity") or 0)
        self.history, self.errors, self.made = [], [], []
        self.launched = {"spot": 0.0, "on-demand": 0.0}
        self.note("fleetRequestChange", "submitted", "")
        if "ValidUntil" in config:
            region.tenant.later(config["ValidUntil"] - region.tenant.now(), self._expire)

    def set_target(self, total, on_demand):
        """The units wanted: what is not on-demand is spot."""
        self.target = total
        self.targets = {"on-demand": on_demand, "spot": total - on_demand}

    def note(self, kind, sub, text, machine=None):
        names = {"fleet-change": "fleetRequestChange", "instance-change": "instanceChange", "service-error": "error"}
        super().note(names.get(kind, kind), sub, text, machine)

    def wishes(self):
        for option, target in self.targets.items():
            have = self.launched[option] if self.type != "maintain" else self.units(option)
            missing = self.batched(target - have)
            if missing <= 0:
                continue
            name = "AllocationStrategy" if option == "spot" else "OnDemandAllocationStrategy"
            budget = self.params.get("SpotMaxTotalPrice" if option == "spot" else "OnDemandMaxTotalPrice")
            yield {}, allocation.Wish(
                missing, option, self.params.get(name, "lowestPrice"),
                self.params.get("InstancePoolsToUseCount") if option == "spot" else None, budget,
                self.params.get("SpotPrice") if option == "spot" else None)

    def attempt(self):
        """Launches, if the role allows it: a role that is not there is seen in the history only."""
        role = self.params["IamFleetRole"].rsplit("/", 1)[-1]
        if self.may_launch and role not in self.region.world.fleet_roles:
            self.state = "active"
            self.errors = [{"ErrorCode": "iamFleetRoleInvalid", "ErrorMessage": f"The role {role} is not valid"}]
            self.note("error", "iamFleetRoleInvalid", f"The IAM fleet role {role} cannot be assumed")
            self.plan_launch(self.region.tenant.setting("retry"))
            return
        super().attempt()

    def modify(self, total, on_demand, excess):
        """Changes the target. Without `noTermination` AWS ends what is too much, by its own choice."""
        if excess is not None:
            self.excess = POLICIES[excess]
        if total is not None or on_demand is not None:
            kept = self.targets["on-demand"] if on_demand is None else on_demand
            whole_target = self.target if total is None else total
            self.set_target(whole_target, min(kept, whole_target))
        self.follow_target()

    @property
    def activity(self):
        if self.state.startswith("cancelled"):
            return "pending_termination" if self.state == "cancelled_terminating" else None
        return super().activity

    def view(self):
        """The structure `SpotFleetRequestConfig`."""
        config = {name: value for name, value in self.params.items() if name not in ("TagSpecifications",)}
        config |= {
            "TargetCapacity": self.target, "OnDemandTargetCapacity": self.targets["on-demand"], "Type": self.type,
            "FulfilledCapacity": whole(self.units()), "OnDemandFulfilledCapacity": whole(self.units("on-demand")),
            "ExcessCapacityTerminationPolicy": "default" if self.excess == "termination" else "noTermination",
        }
        return {
            "SpotFleetRequestId": self.id, "SpotFleetRequestState": self.state, "ActivityStatus": self.activity,
            "CreateTime": self.created, "SpotFleetRequestConfig": config, "Tags": tag_list(self.tags),
        }

    def truth(self):
        return super().truth() | {"kind": "spot-fleet"}


def _candidates(region, config):
    configs = config.get("LaunchTemplateConfigs")
    if configs:
        return candidates.of_templates(region, configs)
    found = []
    for specification in config.get("LaunchSpecifications") or []:
        fields = dict(specification)
        override = {
            "WeightedCapacity": fields.pop("WeightedCapacity", None), "SpotPrice": fields.pop("SpotPrice", None),
            "InstanceType": fields.get("InstanceType"),
        }
        groups = fields.pop("SecurityGroups", None) or []
        if groups:
            fields["SecurityGroupIds"] = [one.get("GroupId") for one in groups]
        # A launch specification tags instances only.
        tags = tagging.specified(fields.pop("TagSpecifications", None), {"instance"} & TAGGABLE)
        if tags:
            fields["TagSpecifications"] = [{"ResourceType": "instance", "Tags": tag_list(tags["instance"])}]
        zone = fields.get("Placement", {}).get("AvailabilityZone")
        for subnet in [text.strip() for text in fields.pop("SubnetId", "").split(",")]:
            found.append(candidates.Candidate(region, None, dict(fields), subnet or None, zone, override))
    return found


