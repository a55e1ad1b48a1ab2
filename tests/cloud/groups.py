"""Auto Scaling groups: members, launches and ends by AWS's choice, suspended processes, activities."""

import math
import uuid

from . import allocation, candidates
from .keeping import Keeper, whole
from .writing import moment

PROCESSES = (
    "Launch", "Terminate", "AddToLoadBalancer", "AlarmNotification", "AZRebalance", "HealthCheck", "InstanceRefresh",
    "ReplaceUnhealthy", "ScheduledActions",
)


class Group(Keeper):
    """One Auto Scaling group."""

    own_tag = "aws:autoscaling:groupName"

    def __init__(self, region, params, tags):
        """`tags` are (key, value, propagated) in order."""
        name = params["AutoScalingGroupName"]
        super().__init__(region, name, {})
        self.name, self.params = name, params
        self.arn = (f"arn:aws:autoscaling:{region.name}:{region.tenant.account}:autoScalingGroup:"
                    f"{uuid.UUID(int=region.tenant.dice.getrandbits(128))}:autoScalingGroupName/{name}")
        self.own_tags = {key: (value, spread) for key, value, spread in tags}
        self.least, self.most = params["MinSize"], params["MaxSize"]
        self.desired = params.get("DesiredCapacity", self.least)
        self.suspended, self.deleting = set(), False
        self.configure(params)

    def configure(self, params):
        """Reads what the group launches from."""
        self.params = {**self.params, **params}
        self.subnets = [text.strip() for text in self.params.get("VPCZoneIdentifier", "").split(",") if text.strip()]
        mixed = self.params.get("MixedInstancesPolicy")
        self.distribution = (mixed or {}).get("InstancesDistribution") or {}
        specification = self.params.get("LaunchTemplate")
        overrides = [{}]
        if mixed:
            specification = mixed["LaunchTemplate"]["LaunchTemplateSpecification"]
            overrides = mixed["LaunchTemplate"].get("Overrides") or [{}]
        specification = {**specification, "Version": specification.get("Version") or "$Default"}
        # The order of the overrides is their priority.
        ordered = [{**override, "Priority": place} for place, override in enumerate(overrides)]
        joined = ",".join(self.subnets)
        zones = self.params.get("AvailabilityZones") or [None]
        spread = [
            {**override, **({"SubnetId": joined} if joined else {"AvailabilityZone": zone} if zone else {})}
            for override in ordered for zone in ([None] if joined else zones)
        ]
        self.candidates = candidates.of_templates(
            self.region, [{"LaunchTemplateSpecification": specification, "Overrides": spread}])

    def propagated(self):
        """The tags that machines get."""
        return {key: value for key, (value, spread) in self.own_tags.items() if spread}

    def runs(self, process):
        """Whether a process is not suspended."""
        return process not in self.suspended

    def set_desired(self, count):
        """Changes the desired capacity; AWS ends what is then too much, by its own choice."""
        self.desired = count
        if self.runs("Terminate"):
            before = {machine.id for machine in self.living()}
            for machine in self.end_excess(count):
                self.note(f"Terminating EC2 instance: {machine.id}",
                          f"a user request update of AutoScalingGroup constraints changing the desired capacity"
                          f" to {count}; instance {machine.id} was selected for termination.")
            self.members = [one for one in self.members if one.living or one.id not in before]
        self.plan_launch(self.region.tenant.setting("fleet"))

    def attempt(self):
        """Launches what is missing."""
        if self.deleting or not self.runs("Launch"):
            return
        outcome = allocation.Outcome()
        for wish in self._wishes():
            allocation.allocate(
                self.region, self.candidates, wish, outcome, tags={"instance": self.propagated()},
                own_tags={self.own_tag: self.name}, owner=self)
        cause = "an instance was started in response to a difference between desired and actual capacity"
        for _, _, machine in outcome.made:
            self.members.append(machine)
            self.note(f"Launching a new EC2 instance: {machine.id}", cause)
        if self.units() < self.desired:
            for _, _, refused in outcome.failed[:1]:
                self.note("Launching a new EC2 instance.  Status Reason: " + refused.message, cause, "Failed",
                          f"{refused.message} Launching EC2 instance failed.")
            self.plan_launch(self.region.tenant.setting("retry"))

    def _wishes(self):
        missing = self.batched(self.desired - self.units())
        if missing <= 0:
            return
        mixed = "MixedInstancesPolicy" in self.params
        if not mixed:
            # Without a policy the template alone says whether machines are spot.
            template = self.region.templates.get(self.candidates[0].template[0])
            data = template.versions[self.candidates[0].template[1]][0] if template else {}
            option = (data.get("InstanceMarketOptions") or {}).get("MarketType", "on-demand")
            yield allocation.Wish(missing, option, "diversified")
            return
        base = self.distribution.get("OnDemandBaseCapacity", 0)
        percent = self.distribution.get("OnDemandPercentageAboveBaseCapacity", 100)
        wanted = min(self.desired, base + math.ceil(max(0, self.desired - base) * percent / 100))
        on_demand = max(0, wanted - self.units("on-demand"))
        if on_demand > 0:
            strategy = self.distribution.get("OnDemandAllocationStrategy", "prioritized")
            yield allocation.Wish(min(missing, on_demand), "on-demand", strategy)
        if missing > on_demand:
            strategy = self.distribution.get("SpotAllocationStrategy", "lowest-price")
            yield allocation.Wish(missing - on_demand, "spot", strategy, self.distribution.get("SpotInstancePools", 2),
                                  None, self.distribution.get("SpotMaxPrice") or None)

    def machine_ends(self, machine):
        """A member ends that the group has not ended itself."""
        if machine not in self.members or self.deleting:
            return
        tenant = self.region.tenant
        if self.runs("HealthCheck") and self.runs("ReplaceUnhealthy"):
            tenant.later(0, lambda: self._lose(machine))
            self.plan_launch(tenant.setting("replace"))

    def _lose(self, machine):
        if machine in self.members:
            self.members.remove(machine)
            self.note(f"Terminating EC2 instance: {machine.id}",
                      "an instance was taken out of service in response to an EC2 health check indicating it has been"
                      " terminated or stopped.")

    def remove(self, machine, decrement):
        """Takes a member out, its place with it if so said; the caller ends it or leaves it."""
        self.members.remove(machine)
        if decrement:
            self.desired = max(0, self.desired - whole(machine.weight))
        else:
            self.plan_launch(self.region.tenant.setting("replace"))

    def note(self, description, cause, status="Successful", message=None):
        """Writes an activity; gives it."""
        now = self.region.tenant.now()
        activity = {
            "ActivityId": str(uuid.UUID(int=self.region.tenant.dice.getrandbits(128))),
            "AutoScalingGroupName": self.name, "AutoScalingGroupARN": self.arn, "Description": description,
            "Cause": f"At {_minute(now)} {cause}", "StartTime": now, "EndTime": now, "StatusCode": status,
            "StatusMessage": message, "Progress": 100, "Details": "{}",
        }
        self.region.activities.append(activity)
        return activity

    def state_of(self, machine):
        """`LifecycleState` of a member."""
        return {"pending": "Pending", "running": "InService"}.get(machine.state, "Terminating"
                                                                   if self.runs("HealthCheck") else "InService")

    def member_view(self, machine):
        """The structure `Instance` of Auto Scaling."""
        template = machine.plan.template
        return {
            "InstanceId": machine.id, "InstanceType": machine.kind.name, "AvailabilityZone": machine.subnet.zone,
            "LifecycleState": self.state_of(machine), "HealthStatus": "Healthy", "ProtectedFromScaleIn": False,
            "LaunchTemplate": {"LaunchTemplateId": template[0], "Version": str(template[1])} if template else None,
            "WeightedCapacity": str(whole(machine.weight)) if machine.weight != 1 else None,
        }

    def tag_view(self):
        """The structures `TagDescription`."""
        return [
            {"ResourceId": self.name, "ResourceType": "auto-scaling-group", "Key": key, "Value": value,
             "PropagateAtLaunch": spread}
            for key, (value, spread) in self.own_tags.items()
        ]

    def view(self, with_members=True):
        """The structure `AutoScalingGroup`."""
        zones = {self.region.world.subnets[id].zone for id in self.subnets if id in self.region.world.subnets}
        return {
            "AutoScalingGroupName": self.name, "AutoScalingGroupARN": self.arn, "MinSize": self.least,
            "MaxSize": self.most, "DesiredCapacity": self.desired,
            "DefaultCooldown": self.params.get("DefaultCooldown", 300),
            "AvailabilityZones": sorted(zones) or self.params.get("AvailabilityZones", []),
            "HealthCheckType": self.params.get("HealthCheckType", "EC2"), "HealthCheckGracePeriod": 0,
            "LaunchTemplate": self.params.get("LaunchTemplate"),
            "MixedInstancesPolicy": self.params.get("MixedInstancesPolicy"),
            "Instances": [self.member_view(one) for one in self.members] if with_members else [],
            "CreatedTime": self.created, "VPCZoneIdentifier": ",".join(self.subnets),
            "SuspendedProcesses": [
                {"ProcessName": name, "SuspensionReason": "User suspended"} for name in sorted(self.suspended)
            ],
            "Tags": self.tag_view(), "TerminationPolicies": ["Default"], "LoadBalancerNames": [],
            "Status": "Delete in progress" if self.deleting else None, "NewInstancesProtectedFromScaleIn": False,
        }

    def truth(self):
        """The group as the control interface shows it."""
        return {
            "id": self.name, "kind": "group", "desired": self.desired, "min": self.least, "max": self.most,
            "tags": {key: value for key, (value, _) in self.own_tags.items()}, "suspended": sorted(self.suspended),
            "machines": [one.id for one in self.members], "living": [one.id for one in self.living()],
            "params": self.params,
        }


def _minute(seconds):
    return moment(seconds)[:19] + "Z"
