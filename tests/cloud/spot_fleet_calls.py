"""The calls of spot fleets."""

import re

from . import tags as tagging
from .errors import Refusal, combination, dry_run, invalid
from .fleet_calls import MOST_UNITS, active
from .paging import page
from .spot_fleets import SpotFleet
from .table import serves

ID = re.compile(r"sfr-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/\S+")


def _refused(message):
    return Refusal("InvalidSpotFleetRequestConfig", message)


@serves("RequestSpotFleet", token=("SpotFleetRequestConfig", "ClientToken"))
def request_spot_fleet(region, params):
    """Makes a spot fleet; its machines come later."""
    config = params["SpotFleetRequestConfig"]
    if not ROLE.fullmatch(config["IamFleetRole"]):
        raise _refused("Parameter: SpotFleetRequestConfig.IamFleetRole is invalid.")
    if config.get("Type") == "instant":
        raise _refused("Parameter: SpotFleetRequestConfig.Type is invalid.")
    specifications, configs = config.get("LaunchSpecifications"), config.get("LaunchTemplateConfigs")
    if bool(specifications) == bool(configs):
        raise _refused("Either SpotFleetRequestConfig.LaunchSpecifications or"
                       " SpotFleetRequestConfig.LaunchTemplateConfigs must be specified.")
    total, on_demand = config["TargetCapacity"], config.get("OnDemandTargetCapacity") or 0
    if not 0 <= total <= MOST_UNITS or not 0 <= on_demand <= total:
        raise _refused("Parameter: SpotFleetRequestConfig.TargetCapacity is invalid.")
    if config.get("ValidUntil", float("inf")) <= region.tenant.now():
        raise _refused("Parameter: SpotFleetRequestConfig.ValidUntil is in the past.")
    if config.get("InstancePoolsToUseCount") and config.get("AllocationStrategy", "lowestPrice") != "lowestPrice":
        raise _refused("Parameter: SpotFleetRequestConfig.InstancePoolsToUseCount needs the strategy lowestPrice.")
    tags = tagging.specified(config.get("TagSpecifications"), {"spot-fleet-request"})
    fleet = SpotFleet(region, config, tags.get("spot-fleet-request", {}))
    if any(one.asks_for_spot() for one in fleet.candidates):
        raise _refused("A launch template of a spot fleet may not have InstanceMarketOptions.")
    dry_run(params)
    region.spot_fleets[fleet.id] = fleet
    fleet.plan_launch(region.tenant.setting("fleet"))
    return {"SpotFleetRequestId": fleet.id}


def _fleet(region, id):
    if not ID.fullmatch(id):
        raise Refusal("InvalidSpotFleetRequestId.Malformed", f"The spot fleet request ID '{id}' is malformed")
    if id not in region.spot_fleets:
        raise Refusal("InvalidSpotFleetRequestId.NotFound", f"The spot fleet request ID '{id}' does not exist")
    return region.spot_fleets[id]


@serves("ModifySpotFleetRequest")
def modify_spot_fleet_request(region, params):
    """Changes the target of a request of type maintain."""
    fleet = _fleet(region, params["SpotFleetRequestId"])
    if fleet.type != "maintain":
        raise Refusal("UnsupportedOperation", "Only Spot Fleet requests of type maintain can be modified.")
    if not fleet.may_launch:
        raise Refusal("IncorrectSpotFleetRequestState", f"{fleet.id} is in state {fleet.state}")
    total, on_demand = params.get("TargetCapacity"), params.get("OnDemandTargetCapacity")
    if total is not None and not 0 <= total <= MOST_UNITS:
        raise invalid(f"TargetCapacity must be 0 to {MOST_UNITS}.")
    if on_demand is not None and on_demand > (fleet.target if total is None else total):
        raise combination("OnDemandTargetCapacity is more than TargetCapacity.")
    fleet.modify(total, on_demand, params.get("ExcessCapacityTerminationPolicy"))
    return {"Return": True}


@serves("CancelSpotFleetRequests")
def cancel_spot_fleet_requests(region, params):
    """Cancels requests one by one."""
    ids, terminate = params["SpotFleetRequestIds"], params["TerminateInstances"]
    if len(ids) > 100:
        raise invalid("At most 100 Spot Fleet requests can be cancelled in a request.")
    dry_run(params)
    done, failed = [], []
    for id in ids:
        fleet = region.spot_fleets.get(id)
        if fleet is None:
            code = "fleetRequestIdDoesNotExist" if ID.fullmatch(id) else "fleetRequestIdMalformed"
            failed.append({"SpotFleetRequestId": id, "Error": {"Code": code, "Message": f"{id} is not known"}})
        elif fleet.state.startswith("cancelled"):
            failed.append({"SpotFleetRequestId": id, "Error": {
                "Code": "fleetRequestNotInCancellableState", "Message": f"{id} is in state {fleet.state}"}})
        else:
            before = fleet.state
            fleet.delete(terminate)
            done.append({"SpotFleetRequestId": id, "CurrentSpotFleetRequestState": fleet.state,
                         "PreviousSpotFleetRequestState": before})
    return {"SuccessfulFleetRequests": done, "UnsuccessfulFleetRequests": failed}


@serves("DescribeSpotFleetRequests")
def describe_spot_fleet_requests(region, params):
    """Describes requests by id, or all."""
    ids = params.get("SpotFleetRequestIds") or []
    chosen = [_fleet(region, id) for id in dict.fromkeys(ids)] or list(region.spot_fleets.values())
    part, following = page(chosen, params, most=100)
    return {"SpotFleetRequestConfigs": [fleet.view() for fleet in part], "NextToken": following}


@serves("DescribeSpotFleetInstances")
def describe_spot_fleet_instances(region, params):
    """Describes the machines of a request that live."""
    fleet = _fleet(region, params["SpotFleetRequestId"])
    part, following = page(fleet.living(), params, most=1000)
    return {"SpotFleetRequestId": fleet.id, "ActiveInstances": [active(one) for one in part],
            "NextToken": following}


@serves("DescribeSpotFleetRequestHistory")
def describe_spot_fleet_request_history(region, params):
    """Tells what happened since `StartTime`."""
    fleet = _fleet(region, params["SpotFleetRequestId"])
    wanted = params.get("EventType")
    events = [event for event in fleet.history
              if event["Timestamp"] >= params["StartTime"] and wanted in (None, event["EventType"])]
    part, following = page(events, params, most=1000)
    return {"SpotFleetRequestId": fleet.id, "HistoryRecords": part, "StartTime": params["StartTime"],
            "LastEvaluatedTime": region.tenant.now(), "NextToken": following}
