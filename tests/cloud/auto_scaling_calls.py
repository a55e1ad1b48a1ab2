"""The calls of Auto Scaling."""

from . import launching
from .errors import Refusal, combination, invalid, validation
from .filters import Filters
from .groups import PROCESSES, Group
from .paging import page
from .table import serves

AUTO = "autoscaling"
WEIGHTS = range(1, 1000)


def group_named(region, name):
    """A group by its name."""
    if name not in region.groups:
        raise validation(f"AutoScalingGroup name not found - no such group: {name}")
    return region.groups[name]


@serves("CreateAutoScalingGroup", AUTO)
def create_group(region, params):
    """Makes a group. Its name is its token: the second call is told that it is there."""
    name = params["AutoScalingGroupName"]
    if name in region.groups:
        raise Refusal("AlreadyExists", f"AutoScalingGroup by this name already exists - A group with the name {name}"
                                       " already exists")
    sources = [key for key in ("LaunchTemplate", "MixedInstancesPolicy", "LaunchConfigurationName", "InstanceId")
               if params.get(key)]
    if len(sources) != 1 or sources[0] in ("LaunchConfigurationName", "InstanceId"):
        raise validation("Valid requests must contain either LaunchTemplate, LaunchConfigurationName, InstanceId or"
                         " MixedInstancesPolicy parameter.")
    _check(region, params, params["MinSize"], params["MaxSize"], params.get("DesiredCapacity", params["MinSize"]))
    tags = []
    for tag in params.get("Tags") or []:
        if tag["Key"].startswith("aws:"):
            raise validation("Tag keys starting with 'aws:' are reserved for internal use")
        tags.append((tag["Key"], tag.get("Value", ""), bool(tag.get("PropagateAtLaunch"))))
    if len(tags) > 50:
        raise validation("The number of tags exceeds the maximum of 50")
    try:
        group = Group(region, params, tags)
        if "MixedInstancesPolicy" in params and any(one.asks_for_spot() for one in group.candidates):
            raise invalid("Incompatible launch template: You cannot use a launch template that is set to request Spot"
                          " Instances (InstanceMarketOptions) when you configure an Auto Scaling group with a mixed"
                          " instances policy.")
        for candidate in group.candidates:
            candidate.plan()
    except Refusal as refused:
        # Auto Scaling tells errors of EC2 as its own.
        raise validation(f"You must use a valid fully-formed launch template. {refused.message}") from None
    region.groups[name] = group
    group.plan_launch(region.tenant.setting("fleet"))
    return None


def _check(region, params, least, most, desired):
    if not 0 <= least <= most:
        raise validation("Max bound must be greater than or equal to min bound")
    if not least <= desired <= most:
        raise validation(f"Desired capacity:{desired} must be between the specified min size:{least} and max"
                         f" size:{most}")
    for id in [text.strip() for text in params.get("VPCZoneIdentifier", "").split(",") if text.strip()]:
        if id not in region.world.subnets:
            raise validation(f"The subnet ID '{id}' does not exist")
    mixed = params.get("MixedInstancesPolicy")
    if mixed:
        overrides = (mixed.get("LaunchTemplate") or {}).get("Overrides") or []
        weights = [override.get("WeightedCapacity") for override in overrides]
        for weight in weights:
            if weight is not None and (not weight.isdecimal() or int(weight) not in WEIGHTS):
                raise validation(f"WeightedCapacity must be a whole number from 1 to 999, not {weight}")
        if any(weights) and not all(weights):
            raise validation("Either all or none of the overrides must have a WeightedCapacity")
        if not (mixed.get("LaunchTemplate") or {}).get("LaunchTemplateSpecification"):
            raise validation("MixedInstancesPolicy needs a LaunchTemplateSpecification")


@serves("UpdateAutoScalingGroup", AUTO)
def update_group(region, params):
    """Changes a group; a lower desired capacity ends members of AWS's choice at once."""
    group = group_named(region, params["AutoScalingGroupName"])
    least, most = params.get("MinSize", group.least), params.get("MaxSize", group.most)
    desired = params.get("DesiredCapacity")
    if desired is None:
        desired = min(max(group.desired, least), most)
    _check(region, params, least, most, desired)
    group.least, group.most = least, most
    group.configure({name: value for name, value in params.items() if value is not None})
    if desired != group.desired:
        group.set_desired(desired)
    return None


@serves("SetDesiredCapacity", AUTO)
def set_desired_capacity(region, params):
    """Changes the desired capacity within the bounds of the group."""
    group = group_named(region, params["AutoScalingGroupName"])
    desired = params["DesiredCapacity"]
    if desired > group.most:
        raise validation(f"New SetDesiredCapacity value {desired} is above max value {group.most} for the"
                         " AutoScalingGroup.")
    if desired < group.least:
        raise validation(f"New SetDesiredCapacity value {desired} is below min value {group.least} for the"
                         " AutoScalingGroup.")
    group.set_desired(desired)
    return None


@serves("SuspendProcesses", AUTO)
def suspend_processes(region, params):
    """Suspends processes, all of them where none is named."""
    group = group_named(region, params["AutoScalingGroupName"])
    group.suspended |= set(_processes(params))
    return None


@serves("ResumeProcesses", AUTO)
def resume_processes(region, params):
    """Resumes processes; what was missed is made up for."""
    group = group_named(region, params["AutoScalingGroupName"])
    group.suspended -= set(_processes(params))
    for machine in [one for one in group.members if not one.living]:
        group.machine_ends(machine)
    group.plan_launch(0)
    return None


def _processes(params):
    names = params.get("ScalingProcesses") or list(PROCESSES)
    for name in names:
        if name not in PROCESSES:
            raise validation(f"1 validation error detected: {name} is no scaling process")
    return names


def _member(region, id, group=None):
    for one in [group] if group else region.groups.values():
        for machine in one.members:
            if machine.id == id:
                return one, machine
    raise validation(f"Instance Id not found - No managed instance found for instance ID: {id}")


@serves("TerminateInstanceInAutoScalingGroup", AUTO)
def terminate_in_group(region, params):
    """Ends members that are named, with or without their place; with a wrong id none."""
    ids = params.get("InstanceIds") or ([params["InstanceId"]] if "InstanceId" in params else [])
    if not ids or ("InstanceIds" in params and "InstanceId" in params):
        raise validation("Either InstanceId or InstanceIds must be given.")
    if len(ids) > 100:
        raise validation("At most 100 instance IDs can be given.")
    name = params.get("AutoScalingGroupName")
    if "InstanceIds" in params and name is None:
        raise validation("InstanceIds need an AutoScalingGroupName.")
    group = group_named(region, name) if name else None
    found = [_member(region, id, group) for id in dict.fromkeys(ids)]
    decrement = params["ShouldDecrementDesiredCapacity"]
    for owner, machine in found:
        if decrement and owner.desired - machine.weight < owner.least:
            raise validation("Currently, desiredSize equals minSize. Terminating instance without replacement will"
                             " violate group's min size constraint.")
    activities = []
    for owner, machine in found:
        owner.remove(machine, decrement)
        machine.end()
        activities.append(owner.note(f"Terminating EC2 instance: {machine.id}",
                                     "instance was taken out of service in response to a user request."))
    return {"Activity": activities[0], "Activities": activities if "InstanceIds" in params else None}


@serves("DetachInstances", AUTO)
def detach_instances(region, params):
    """Takes members out and lets them live; without a decrement others are launched in their place."""
    group = group_named(region, params["AutoScalingGroupName"])
    found = [_member(region, id, group) for id in params.get("InstanceIds") or []]
    activities = []
    for owner, machine in found:
        owner.remove(machine, params["ShouldDecrementDesiredCapacity"])
        machine.owner = None
        machine.tags.pop(Group.own_tag, None)
        machine.changed()
        activities.append(owner.note(f"Detaching EC2 instance: {machine.id}",
                                     "instance was detached in response to a user request."))
    return {"Activities": activities}


@serves("DeleteAutoScalingGroup", AUTO)
def delete_group(region, params):
    """Deletes a group. With members only by force, and then they end too."""
    group = group_named(region, params["AutoScalingGroupName"])
    if not params.get("ForceDelete"):
        if group.members:
            raise Refusal("ResourceInUse", "You cannot delete an AutoScalingGroup while there are instances or pending"
                                           " Spot instance request(s) still in the group.")
    group.deleting = True
    for machine in group.living():
        machine.end()
        group.note(f"Terminating EC2 instance: {machine.id}", "the group was deleted by force.")
    del region.groups[group.name]
    return None


@serves("DescribeAutoScalingGroups", AUTO)
def describe_groups(region, params):
    """Describes groups by name or tag; unknown names are left out, as in AWS."""
    names = params.get("AutoScalingGroupNames")
    filters = params.get("Filters")
    if names and filters:
        raise combination("AutoScalingGroupNames and Filters exclude each other.")
    chosen = [region.groups[name] for name in dict.fromkeys(names) if name in region.groups] if names \
        else list(region.groups.values())
    chosen = [group for group in chosen if _tags_fit(group, filters or [])]
    size = params.get("MaxRecords")
    if size is not None and not 1 <= size <= 100:
        raise validation("MaxRecords must be 1 to 100.")
    if len(names or []) > (size or 50):
        raise validation(f"The number of group names that may be passed in is limited to {size or 50}; raise"
                         " MaxRecords.")
    part, following = page(chosen, params, size="MaxRecords", most=50)
    shown = params.get("IncludeInstances", True)
    return {"AutoScalingGroups": [group.view(shown) for group in part], "NextToken": following}


class _Tagged:
    """What filters see of a group."""

    def __init__(self, group):
        self.tags = {key: value for key, (value, _) in group.own_tags.items()}


def _tags_fit(group, filters):
    return Filters(filters, {"tag-value": lambda thing: list(thing.tags.values())}).fit(_Tagged(group))


@serves("DescribeAutoScalingInstances", AUTO)
def describe_members(region, params):
    """Describes members of any group by id; ids that are no member are left out."""
    ids = params.get("InstanceIds")
    if ids and len(ids) > 50:
        raise validation("The number of instance ids that may be passed in is limited to 50")
    found = [
        {name: value for name, value in {**group.member_view(machine), "AutoScalingGroupName": group.name}.items()}
        for group in region.groups.values() for machine in group.members if not ids or machine.id in ids
    ]
    part, following = page(found, params, size="MaxRecords", most=50)
    return {"AutoScalingInstances": part, "NextToken": following}


@serves("DescribeScalingActivities", AUTO)
def describe_activities(region, params):
    """Tells what groups did, latest first, also of groups that are deleted where that is asked for."""
    name, ids = params.get("AutoScalingGroupName"), params.get("ActivityIds")
    if name is not None and name not in region.groups and not params.get("IncludeDeletedGroups"):
        raise validation(f"AutoScalingGroup name not found - no such group: {name}")
    found = [
        activity for activity in reversed(region.activities)
        if name in (None, activity["AutoScalingGroupName"]) and (not ids or activity["ActivityId"] in ids)
        and (params.get("IncludeDeletedGroups") or activity["AutoScalingGroupName"] in region.groups)
    ]
    part, following = page(found, params, size="MaxRecords", most=100)
    return {"Activities": part, "NextToken": following}


@serves("CreateOrUpdateTags", AUTO)
def create_or_update_tags(region, params):
    """Sets tags of groups; machines that live do not get them."""
    for tag in params["Tags"]:
        group = group_named(region, tag.get("ResourceId"))
        group.own_tags[tag["Key"]] = (tag.get("Value", ""), bool(tag.get("PropagateAtLaunch")))
    return None


@serves("DeleteTags", AUTO)
def delete_tags(region, params):
    """Removes tags of groups."""
    for tag in params["Tags"]:
        group_named(region, tag.get("ResourceId")).own_tags.pop(tag["Key"], None)
    return None


@serves("DescribeTags", AUTO)
def describe_tags(region, params):
    """Describes tags of groups."""
    filters = {one["Name"]: one.get("Values") or [] for one in params.get("Filters") or []}
    tests = {"auto-scaling-group": "ResourceId", "key": "Key", "value": "Value"}
    found = [
        tag for group in region.groups.values() for tag in group.tag_view()
        if all(tag[tests[name]] in values for name, values in filters.items() if name in tests)
    ]
    part, following = page(found, params, size="MaxRecords", most=50)
    return {"Tags": part, "NextToken": following}


@serves("LaunchInstances", AUTO, token=("ClientToken",))
def launch_instances(region, params):
    """Launches members at once in one subnet or zone, and tells of those that could not be launched."""
    group = group_named(region, params["AutoScalingGroupName"])
    wanted = params["RequestedCapacity"]
    if not 1 <= wanted <= 100:
        raise validation("RequestedCapacity must be 1 to 100.")
    if group.units() + wanted > group.most:
        raise validation("The requested capacity is above the max size of the group.")
    subnets = params.get("SubnetIds") or group.subnets[:1]
    usable = [one for one in group.candidates if one.subnet_id in (None, *subnets)]
    if not usable:
        raise validation("The group has no such subnet.")
    plan, subnet = usable[0].plan()
    option, price = plan.market()
    count, obstacle = launching.room(plan, subnet, option, wanted, price)
    made = []
    if count > 0:
        made = launching.launch(
            plan, subnet, option, count, tags={**plan.tags, "instance": {**plan.tags.get("instance", {}),
                                                                         **group.propagated()}},
            own_tags={Group.own_tag: group.name}, owner=group, weight=usable[0].weight)
    group.members += made
    group.desired = max(group.desired, int(group.units()))
    errors = []
    if obstacle is not None:
        errors.append({"InstanceType": plan.kind.name, "MarketType": option, "SubnetId": subnet.id,
                       "AvailabilityZone": subnet.zone, "ErrorCode": obstacle.code, "ErrorMessage": obstacle.message})
    return {
        "AutoScalingGroupName": group.name, "ClientToken": params["ClientToken"], "Errors": errors,
        "Instances": [{"InstanceType": plan.kind.name, "MarketType": option, "SubnetId": subnet.id,
                       "AvailabilityZone": subnet.zone, "InstanceIds": [one.id for one in made]}] if made else [],
    }
