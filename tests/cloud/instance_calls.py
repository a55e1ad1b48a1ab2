"""RunInstances, TerminateInstances and the other calls that change machines."""

from . import launching, tags as tagging, templates
from .errors import Refusal, dry_run, invalid, unknown_instances
from .table import serves

# Fields of RunInstances that say something about the call and nothing of the machine.
OF_THE_CALL = {"MinCount", "MaxCount", "ClientToken", "DryRun", "LaunchTemplate", "TagSpecifications"}


@serves("RunInstances", token=("ClientToken",))
def run_instances(region, params):
    """Launches as many machines as the pool gives, between `MinCount` and `MaxCount`, or none."""
    least, most = params["MinCount"], params["MaxCount"]
    if least < 1:
        raise invalid(f"Invalid value '{least}' for minCount. It must be at least 1.")
    if most < least:
        raise invalid(f"Invalid value '{most}' for maxCount. It must be >= minCount.")
    own = {name: value for name, value in params.items() if name not in OF_THE_CALL}
    plan = templates.plan(region, params.get("LaunchTemplate"), own)
    given = tagging.specified(params.get("TagSpecifications"), launching.TAGGABLE)
    all_tags = tagging.merged(plan.tags, given)
    option, price = plan.market()
    subnet = plan.subnet()
    count, obstacle = launching.room(plan, subnet, option, most, price)
    if count < least:
        raise obstacle
    dry_run(params)
    made = launching.launch(plan, subnet, option, count, tags=all_tags, token=params.get("ClientToken"))
    return {
        "ReservationId": made[0].reservation, "OwnerId": region.tenant.account, "Groups": [],
        "Instances": Lively(made),
    }


class Lively:
    """Machines of an answer that a repeated call shows as they are by then."""

    def __init__(self, machines):
        self.machines = machines

    def __iter__(self):
        return (machine.markup() for machine in self.machines)


def found(region, ids, by="change"):
    """Machines by id, each once, or the error that names every id that is not there."""
    tenant = region.tenant
    for id in ids:
        if not _well_formed(id):
            raise Refusal("InvalidInstanceID.Malformed", f'Invalid id: "{id}"')
    wanted = list(dict.fromkeys(ids))
    seen_from = tenant.now() - tenant.setting("seen_by_id")
    machines = {
        id: machine for id in wanted
        if (machine := region.machines.get(id)) is not None and machine.launched <= seen_from
    }
    lost = [id for id in wanted if id not in machines]
    if by == "look" and tenant.setting("hide_by_id") == "absent":
        lost = [id for id in lost if id not in region.machines]
    if lost and by == "change" and tenant.setting("unknown_denied"):
        raise Refusal(
            "UnauthorizedOperation",
            f"You are not authorized to perform this operation. User: {tenant.identity} is not authorized to perform:"
            f" ec2:TerminateInstances on resource: arn:aws:ec2:{region.name}:{tenant.account}:instance/{lost[0]}"
            " because no identity-based policy allows the action. Encoded authorization failure message: bm9uZQ", 403)
    if lost:
        raise unknown_instances(lost)
    return list(machines.values())


def _well_formed(id):
    prefix, _, digits = id.partition("-")
    return prefix == "i" and len(digits) in (8, 17) and all(digit in "0123456789abcdef" for digit in digits)


@serves("TerminateInstances")
def terminate_instances(region, params):
    """Ends all machines or, with an unknown id, none. A protected machine keeps those of its zone alive."""
    machines = found(region, params["InstanceIds"])
    dry_run(params)
    if len(params["InstanceIds"]) > 1000:
        raise invalid("The maximum number of instance IDs is 1000")
    protected = [machine for machine in machines if machine.protected and machine.living]
    spared = {machine.subnet.zone for machine in protected}
    changes = []
    for machine in machines:
        if machine.subnet.zone in spared:
            continue
        before = machine.state
        machine.end()
        changes.append(_change(machine, before))
    if protected:
        raise Refusal(
            "OperationNotPermitted",
            f"The instance '{protected[0].id}' may not be terminated. Modify its 'disableApiTermination' instance"
            " attribute and try again.")
    return {"TerminatingInstances": changes}


def _change(machine, before):
    from .machines import CODES

    return {
        "InstanceId": machine.id,
        "CurrentState": {"Code": CODES[machine.state], "Name": machine.state},
        "PreviousState": {"Code": CODES[before], "Name": before},
    }


def _start_or_stop(region, params, allowed, act):
    machines = found(region, params["InstanceIds"])
    for machine in machines:
        if machine.state not in allowed:
            raise Refusal(
                "IncorrectInstanceState",
                f"The instance '{machine.id}' is not in a state from which it can be {act.__name__}ed.")
    dry_run(params)
    changes = []
    for machine in machines:
        before = machine.state
        if before != allowed[0]:
            act(machine)
        changes.append(_change(machine, before))
    return changes


@serves("StopInstances")
def stop_instances(region, params):
    """Stops machines; those that have ended cannot be stopped."""
    from .machines import Machine

    changes = _start_or_stop(region, params, ("stopped", "pending", "running"), Machine.stop)
    return {"StoppingInstances": changes}


@serves("StartInstances")
def start_instances(region, params):
    """Starts stopped machines."""
    from .machines import Machine

    changes = _start_or_stop(region, params, ("running", "pending", "stopped"), Machine.start)
    return {"StartingInstances": changes}


@serves("ModifyInstanceAttribute")
def modify_instance_attribute(region, params):
    """Changes termination protection; nothing else is served."""
    machine = found(region, [params["InstanceId"]])[0]
    if "DisableApiTermination" in params:
        machine.protected = params["DisableApiTermination"].get("Value", False)
    return {}


def tagged_things(region, id):
    """The tags of whatever has this id, to change them; and what to do after a change."""
    if id in region.machines:
        return region.machines[id].tags, region.machines[id].changed
    for kind in (region.volumes, region.interfaces):
        if id in kind:
            return kind[id]["tags"], lambda: None
    for kind in (region.templates, region.fleets, region.spot_fleets, region.spot_requests):
        if id in kind:
            return kind[id].tags, lambda: None
    if id.startswith("i-"):
        raise unknown_instances([id])
    raise Refusal("InvalidID", f"The ID '{id}' is not valid")


@serves("CreateTags")
def create_tags(region, params):
    """Sets tags on any resource; of several ids one unknown stops all."""
    tags = tagging.checked(params["Tags"])
    things = [tagged_things(region, id) for id in params["Resources"]]
    for existing, changed in things:
        existing.update(tags)
        changed()
    return {}


@serves("DeleteTags")
def delete_tags(region, params):
    """Removes tags, with a value only where that is the value."""
    things = [tagged_things(region, id) for id in params["Resources"]]
    for existing, changed in things:
        for pair in params.get("Tags") or [{"Key": key} for key in list(existing)]:
            if "Value" not in pair or existing.get(pair["Key"]) == pair["Value"]:
                existing.pop(pair["Key"], None)
        changed()
    return {}
