"""The calls of EC2 fleets."""

import re

from . import tags as tagging
from .errors import Refusal, combination, dry_run, invalid, missing
from .filters import Filters
from .fleets import Fleet
from .paging import page
from .table import serves

MOST_UNITS = 10_000
# DeleteFleets takes so many instant fleets, or others; over that none is deleted.
MOST_INSTANT, MOST_OTHERS = 25, 100
ID = re.compile(r"fleet-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
INSTANT_TAGS = {"fleet", "instance", "volume", "network-interface", "spot-instances-request"}


@serves("CreateFleet", token=("ClientToken",))
def create_fleet(region, params):
    """Makes a fleet; an instant one launches before it answers."""
    kind = params.get("Type", "maintain")
    _check(region, params, kind)
    allowed = INSTANT_TAGS if kind == "instant" else {"fleet"}
    tags = tagging.specified(params.get("TagSpecifications"), allowed)
    fleet = Fleet(region, params, tags.pop("fleet", {}), tags)
    if any(one.asks_for_spot() for one in fleet.candidates):
        raise Refusal("InvalidFleetConfig", "A launch template of a fleet may not have InstanceMarketOptions.")
    dry_run(params)
    region.fleets[fleet.id] = fleet
    if kind != "instant":
        fleet.plan_launch(region.tenant.setting("fleet"))
        return {"FleetId": fleet.id}
    fleet.attempt()
    _all_or_none(fleet)
    return {"FleetId": fleet.id, "Errors": fleet.errors, "Instances": fleet.instances()}


def _check(region, params, kind):
    capacity = params["TargetCapacitySpecification"]
    check_capacity(capacity)
    if not params["LaunchTemplateConfigs"]:
        raise missing("LaunchTemplateConfigs")
    if "ExcessCapacityTerminationPolicy" in params and kind != "maintain":
        raise invalid("ExcessCapacityTerminationPolicy is supported only for fleets of type maintain.")
    if params.get("ValidUntil", float("inf")) <= region.tenant.now():
        raise invalid("The value for ValidUntil is in the past.")
    spot = params.get("SpotOptions") or {}
    if spot.get("InstancePoolsToUseCount") and spot.get("AllocationStrategy", "lowest-price") != "lowest-price":
        raise combination("InstancePoolsToUseCount is valid only with the lowest-price allocation strategy.")
    for options in (spot, params.get("OnDemandOptions") or {}):
        narrow = [name for name in ("SingleInstanceType", "SingleAvailabilityZone", "MinTargetCapacity")
                  if options.get(name)]
        if narrow and kind != "instant":
            raise combination(f"{narrow[0]} is supported only for fleets of type instant.")
        if narrow == ["MinTargetCapacity"]:
            raise combination("MinTargetCapacity needs SingleAvailabilityZone or SingleInstanceType.")
    if kind == "instant":
        for config in params["LaunchTemplateConfigs"]:
            for override in config.get("Overrides") or []:
                if "," in override.get("SubnetId", ""):
                    raise Refusal("InvalidFleetConfig",
                                  "Fleets of type instant take one subnet in each override.")


def check_capacity(capacity):
    """Checks a target: the parts may not be more than the whole."""
    total = capacity["TotalTargetCapacity"]
    parts = (capacity.get("OnDemandTargetCapacity") or 0) + (capacity.get("SpotTargetCapacity") or 0)
    if not 0 <= total <= MOST_UNITS:
        raise Refusal("InvalidTargetCapacitySpecification", f"TotalTargetCapacity must be 0 to {MOST_UNITS}.")
    if parts > total:
        raise Refusal("InvalidTargetCapacitySpecification",
                      "The on-demand and spot target capacities are more than the total target capacity.")


def _all_or_none(fleet):
    for option, name in (("spot", "SpotOptions"), ("on-demand", "OnDemandOptions")):
        least = (fleet.params.get(name) or {}).get("MinTargetCapacity")
        if least and fleet.units(option) < min(least, fleet.targets[option]):
            for machine in fleet.living(option):
                # It was never there: what EC2 rolls back is not described.
                machine.owner = None
                machine.end()
                fleet.region.machines.pop(machine.id, None)
                if machine.spot_request is not None:
                    fleet.region.spot_requests.pop(machine.spot_request.id, None)
            fleet.made = [entry for entry in fleet.made if entry[1] != option]
            fleet.members = [machine for machine in fleet.members if machine.option != option]


def _fleet(region, id):
    if not ID.fullmatch(id):
        raise Refusal("InvalidFleetId.Malformed", f"The fleet ID '{id}' is malformed")
    if id not in region.fleets:
        raise Refusal("InvalidFleetId.NotFound", f"The fleet ID '{id}' does not exist")
    return region.fleets[id]


FILTERS = {
    "activity-status": lambda f: [f.activity],
    "excess-capacity-termination-policy": lambda f: [f.excess],
    "fleet-state": lambda f: [f.state],
    "replace-unhealthy-instances": lambda f: [str(bool(f.params.get("ReplaceUnhealthyInstances"))).lower()],
    "type": lambda f: [f.type],
}


@serves("DescribeFleets")
def describe_fleets(region, params):
    """Describes fleets; instant ones only by id."""
    ids = params.get("FleetIds") or []
    chosen = [_fleet(region, id) for id in dict.fromkeys(ids)]
    if not ids:
        chosen = [fleet for fleet in region.fleets.values() if fleet.type != "instant"]
    filters = Filters(params.get("Filters"), FILTERS)
    part, following = page([fleet for fleet in chosen if filters.fit(fleet)], params, most=100)
    return {"Fleets": [fleet.view() for fleet in part], "NextToken": following}


@serves("DescribeFleetInstances")
def describe_fleet_instances(region, params):
    """Describes the machines of a request or maintain fleet."""
    fleet = _fleet(region, params["FleetId"])
    if fleet.type == "instant":
        raise Refusal("Unsupported", f"Fleet {fleet.id} is instant fleet. Describe fleet instances is not supported"
                                     " by this type of fleet")
    filters = Filters(params.get("Filters"), {"instance-type": lambda m: [m.kind.name]})
    part, following = page([one for one in fleet.living() if filters.fit(one)], params, most=1000)
    return {"FleetId": fleet.id, "NextToken": following, "ActiveInstances": [active(one) for one in part]}


def active(machine):
    """The structure `ActiveInstance`."""
    return {
        "InstanceId": machine.id, "InstanceType": machine.kind.name, "InstanceHealth": "healthy",
        "SpotInstanceRequestId": machine.spot_request.id if machine.spot_request else None,
    }


@serves("DescribeFleetHistory")
def describe_fleet_history(region, params):
    """Tells what happened since `StartTime`."""
    fleet = _fleet(region, params["FleetId"])
    if fleet.type == "instant":
        raise Refusal("Unsupported", f"Fleet {fleet.id} is instant fleet. Describe fleet history is not supported by"
                                     " this type of fleet")
    wanted = params.get("EventType")
    events = [event for event in fleet.history
              if event["Timestamp"] >= params["StartTime"] and wanted in (None, event["EventType"])]
    part, following = page(events, params, most=1000)
    return {"FleetId": fleet.id, "HistoryRecords": part, "StartTime": params["StartTime"],
            "LastEvaluatedTime": region.tenant.now(), "NextToken": following}


@serves("ModifyFleet")
def modify_fleet(region, params):
    """Changes the target of a maintain fleet."""
    fleet = _fleet(region, params["FleetId"])
    if fleet.type != "maintain":
        raise Refusal("UnsupportedOperation", f"Fleet {fleet.id} is of type {fleet.type}. Only fleets of type maintain"
                                              " can be modified.")
    if not fleet.may_launch:
        raise Refusal("IncorrectFleetState", f"Fleet {fleet.id} is in state {fleet.state} and cannot be modified.")
    capacity = params.get("TargetCapacitySpecification")
    if capacity is not None:
        check_capacity(capacity)
    dry_run(params)
    fleet.modify(capacity, params.get("ExcessCapacityTerminationPolicy"))
    return {"Return": True}


@serves("DeleteFleets")
def delete_fleets(region, params):
    """Deletes fleets one by one; an instant one never without its machines."""
    ids, terminate = params["FleetIds"], params["TerminateInstances"]
    kinds = [region.fleets[id].type == "instant" for id in ids if id in region.fleets]
    if sum(kinds) > MOST_INSTANT or len(ids) - sum(kinds) > MOST_OTHERS:
        raise invalid(f"At most {MOST_INSTANT} instant fleets and {MOST_OTHERS} other fleets can be deleted in a"
                      " request.")
    dry_run(params)
    done, failed = [], []
    for id in ids:
        fleet = region.fleets.get(id)
        if fleet is None:
            code = "fleetIdDoesNotExist" if ID.fullmatch(id) else "fleetIdMalformed"
            failed.append({"FleetId": id, "Error": {"Code": code, "Message": f"The fleet ID '{id}' is not known"}})
        elif fleet.type == "instant" and not terminate:
            failed.append({"FleetId": id, "Error": {
                "Code": "fleetNotInDeletableState",
                "Message": "NoTerminateInstances is not supported for instant fleets"}})
        elif fleet.state.startswith("deleted"):
            failed.append({"FleetId": id, "Error": {
                "Code": "fleetNotInDeletableState", "Message": f"The fleet is in state {fleet.state}"}})
        else:
            before = fleet.state
            fleet.delete(terminate)
            done.append({"FleetId": id, "CurrentFleetState": fleet.state, "PreviousFleetState": before})
    return {"SuccessfulFleetDeletions": done, "UnsuccessfulFleetDeletions": failed}
