"""EC2 fleets of the three types, as they fulfil, refill, shrink, expire and end."""

from . import allocation, candidates
from .keeping import Keeper, whole
from .machines import tag_list

# The oldest events of a history are forgotten beyond this.
LISTED_EVENTS = 1000


class Fleet(Keeper):
    """One EC2 fleet."""

    own_tag = "aws:ec2:fleet-id"
    # How the states of one that has ended begin.
    gone = "deleted"

    def __init__(self, region, params, tags, machine_tags):
        digits = region.tenant.dice.getrandbits(128)
        text = f"{digits:032x}"
        super().__init__(region, f"fleet-{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}", tags)
        self.params, self.machine_tags = params, machine_tags
        self.type = params.get("Type", "maintain")
        self.state, self.excess = "submitted", params.get("ExcessCapacityTerminationPolicy", "termination")
        self.candidates = candidates.of_templates(region, params["LaunchTemplateConfigs"])
        self.target, self.targets = 0, {}
        self.set_target(params["TargetCapacitySpecification"])
        self.history, self.errors, self.launched = [], [], {"spot": 0.0, "on-demand": 0.0}
        self.made = []
        self.note("fleet-change", "submitted", "")
        until = params.get("ValidUntil")
        if until is not None and self.type != "instant":
            region.tenant.later(until - region.tenant.now(), self._expire)

    def set_target(self, specification):
        """Reads how many units of each option are wanted; the rest of the total is of the default option."""
        self.target = specification["TotalTargetCapacity"]
        targets = {"on-demand": specification.get("OnDemandTargetCapacity") or 0,
                   "spot": specification.get("SpotTargetCapacity") or 0}
        rest = self.target - sum(targets.values())
        self.default = specification.get("DefaultTargetCapacityType") or getattr(self, "default", "on-demand")
        targets[self.default] += max(0, rest)
        self.targets = targets

    def note(self, kind, sub, text, machine=None):
        """Writes a line of the history."""
        self.history.append({
            "EventType": kind, "Timestamp": self.region.tenant.now(),
            "EventInformation": {"EventSubType": sub, "EventDescription": text,
                                 "InstanceId": machine.id if machine else None},
        })
        del self.history[:-LISTED_EVENTS]

    def wishes(self):
        """What is still missing, one wish for each purchase option."""
        for option, target in self.targets.items():
            have = self.launched[option] if self.type != "maintain" else self.units(option)
            missing = self.batched(target - have)
            if missing <= 0:
                continue
            options = self.params.get("SpotOptions" if option == "spot" else "OnDemandOptions") or {}
            yield options, allocation.Wish(
                missing, option, options.get("AllocationStrategy", "lowest-price"),
                options.get("InstancePoolsToUseCount"), options.get("MaxTotalPrice"))

    @property
    def may_launch(self):
        """Whether the fleet is in a state that launches."""
        return self.state in ("submitted", "active")

    def attempt(self):
        """Launches what is missing, and plans another attempt where something stood in the way."""
        if not self.may_launch:
            return
        if self.state == "submitted":
            self.state = "active"
            self.note("fleet-change", "active", "")
        outcome = self.launch_missing()
        self.errors = [_error(*failed) for failed in outcome.failed]
        for _, option, machine in outcome.made:
            self.note("instance-change", "launched", f'{{"instanceType":"{machine.kind.name}"}}', machine)
        for _, _, refused in outcome.failed:
            self.note("service-error", event_of(refused.code), f"{refused.code}: {refused.message}")
        if self.type != "instant" and any(True for _ in self.wishes()):
            self.plan_launch(self.region.tenant.setting("retry"))

    def launch_missing(self):
        """Spreads what is missing over the candidates."""
        outcome = allocation.Outcome()
        for options, wish in list(self.wishes()):
            usable = allocation.narrowed(
                self.candidates, options.get("SingleInstanceType"), options.get("SingleAvailabilityZone"))
            allocation.allocate(self.region, usable, wish, outcome, tags=self.machine_tags,
                                own_tags={self.own_tag: self.id}, owner=self)
        for _, option, machine in outcome.made:
            self.members.append(machine)
            self.launched[option] += machine.weight
        self.made += outcome.made
        return outcome

    def machine_ends(self, machine):
        """A maintain fleet replaces it, even when its owner has ended it."""
        self.note("instance-change", "terminated", "", machine)
        if self.type == "maintain" and self.may_launch:
            self.plan_launch(self.region.tenant.setting("replace"))
        if self.state.startswith(f"{self.gone}_") and not self._others(machine):
            self.become(self.gone)

    def _others(self, machine):
        return [one for one in self.living() if one is not machine]

    def become(self, state):
        """Changes the state."""
        self.state = state
        self.note("fleet-change", state, "")

    def modify(self, specification, excess):
        """Changes the target. Without `no-termination` AWS ends what is too much, by its own choice."""
        if excess is not None:
            self.excess = excess
        if specification is not None:
            self.set_target(specification)
        self.follow_target()

    def follow_target(self):
        """Ends what is too much by now, and launches what is missing."""
        self.note("fleet-change", "modify_in_progress", "")
        self.note("fleet-change", "modify_succeeded", "")
        if self.excess == "termination":
            for option, target in self.targets.items():
                self.end_excess(target, option)
        self.plan_launch(self.region.tenant.setting("fleet"))

    def delete(self, terminate):
        """Ends the fleet; its machines with it only if that is said."""
        if not self.living():
            self.become(self.gone)
            return
        self.become(f"{self.gone}_terminating" if terminate else f"{self.gone}_running")
        if terminate:
            for machine in self.living():
                machine.end()

    def _expire(self):
        if not self.may_launch:
            return
        self.note("fleet-change", "expired", "")
        self.delete(bool(self.params.get("TerminateInstancesWithExpiration")))

    @property
    def activity(self):
        """`ActivityStatus`."""
        if self.type == "instant" or self.state.startswith("deleted"):
            return "pending_termination" if self.state == "deleted_terminating" else None
        if any(True for _ in self.wishes()):
            return "error" if self.errors else "pending_fulfillment"
        if self.excess == "termination" and self.units() > self.target:
            return "pending_termination"
        return "fulfilled"

    def view(self):
        """The structure `FleetData`."""
        view = {
            "FleetId": self.id, "FleetState": self.state, "CreateTime": self.created, "Type": self.type,
            "ActivityStatus": self.activity, "ClientToken": self.params.get("ClientToken"),
            "FulfilledCapacity": whole(self.units()), "Tags": tag_list(self.tags),
            "FulfilledOnDemandCapacity": whole(self.units("on-demand")),
            "LaunchTemplateConfigs": self.params["LaunchTemplateConfigs"],
            "TargetCapacitySpecification": {
                "TotalTargetCapacity": self.target, "OnDemandTargetCapacity": self.targets["on-demand"],
                "SpotTargetCapacity": self.targets["spot"], "DefaultTargetCapacityType": self.default,
            },
            "TerminateInstancesWithExpiration": bool(self.params.get("TerminateInstancesWithExpiration")),
            "ValidFrom": self.params.get("ValidFrom"), "ValidUntil": self.params.get("ValidUntil"),
            "ReplaceUnhealthyInstances": bool(self.params.get("ReplaceUnhealthyInstances")),
            "SpotOptions": self.params.get("SpotOptions"), "OnDemandOptions": self.params.get("OnDemandOptions"),
        }
        if self.type == "maintain":
            view["ExcessCapacityTerminationPolicy"] = self.excess
        if self.type == "instant":
            view |= {"Errors": self.errors, "Instances": self.instances()}
        return view

    def instances(self):
        """What an instant fleet has made: one entry for each override and option."""
        together = {}
        for candidate, option, machine in self.made:
            entry = together.setdefault((id(candidate), option), {
                "LaunchTemplateAndOverrides": candidate.described(), "Lifecycle": option, "InstanceIds": [],
                "InstanceType": machine.kind.name, "SubnetId": machine.subnet.id,
                "AvailabilityZone": machine.subnet.zone, "AvailabilityZoneId": machine.subnet.zone_id,
            })
            entry["InstanceIds"].append(machine.id)
        return list(together.values())

    def truth(self):
        """The fleet as the control interface shows it."""
        return {
            "id": self.id, "kind": "fleet", "type": self.type, "state": self.state, "activity": self.activity,
            "tags": self.tags, "target": self.target, "targets": self.targets, "excess": self.excess,
            "units": self.units(), "machines": [one.id for one in self.members],
            "living": [one.id for one in self.living()], "token": self.params.get("ClientToken"),
            "params": self.params, "errors": self.errors,
        }


def event_of(code):
    """The sub-type of a history event for an error of a launch."""
    if "LaunchTemplate" in code or code.startswith("Invalid"):
        return "launchSpecUnusable"
    return {
        "MaxSpotInstanceCountExceeded": "spotInstanceCountLimitExceeded",
        "VcpuLimitExceeded": "allLaunchSpecsTemporarilyBlacklisted",
    }.get(code, "launchSpecTemporarilyBlacklisted")


def _error(candidate, option, refused):
    return {
        "LaunchTemplateAndOverrides": candidate.described(), "Lifecycle": option,
        "ErrorCode": refused.code, "ErrorMessage": refused.message,
    }
