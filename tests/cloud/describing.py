"""DescribeInstances, as fast for a thousand machines as a test needs it, and DescribeSpotInstanceRequests."""

from . import writing
from .errors import Refusal, combination, invalid
from .filters import Filters
from .instance_calls import found
from .machines import CODES
from .paging import page
from .table import serves

MOST_IDS = 1000

MACHINE_FILTERS = {
    "instance-id": lambda m: [m.id],
    "instance-state-name": lambda m: [m.state],
    "instance-state-code": lambda m: [str(CODES[m.state])],
    "instance-type": lambda m: [m.kind.name],
    "instance-lifecycle": lambda m: [m.option] if m.option == "spot" else [],
    "image-id": lambda m: [m.image.id],
    "subnet-id": lambda m: [m.subnet.id],
    "network-interface.subnet-id": lambda m: [m.subnet.id],
    "vpc-id": lambda m: [m.subnet.vpc],
    "availability-zone": lambda m: [m.subnet.zone],
    "availability-zone-id": lambda m: [m.subnet.zone_id],
    "private-dns-name": lambda m: [m.host_name] if m.living else [],
    "private-ip-address": lambda m: [m.address] if m.living else [],
    "network-interface.addresses.private-ip-address": lambda m: [m.address] if m.living else [],
    "reservation-id": lambda m: [m.reservation],
    "client-token": lambda m: [m.token],
    "spot-instance-request-id": lambda m: [m.spot_request.id] if m.spot_request else [],
    "launch-time": lambda m: [writing.moment(m.launched)],
    "key-name": lambda m: [m.plan.fields.get("KeyName")],
    "placement-group-name": lambda m: [m.plan.fields.get("Placement", {}).get("GroupName")],
    "tenancy": lambda m: [m.plan.fields.get("Placement", {}).get("Tenancy", "default")],
    "instance.group-id": lambda m: m.plan.groups,
    "iam-instance-profile.arn": lambda m: [m.plan.profile],
    "architecture": lambda m: [m.image.architecture],
    "reason": lambda m: [m.transition],
    "state-reason-code": lambda m: [m.reason[0]] if m.reason else [],
    "owner-id": lambda m: [m.region.tenant.account],
}


@serves("DescribeInstances")
def describe_instances(region, params):
    """Describes machines by id, by filter, or all; pages count machines, not reservations."""
    ids = params.get("InstanceIds") or []
    if ids and params.get("MaxResults"):
        raise combination("The parameter instancesSet cannot be used with the parameter maxResults")
    size = params.get("MaxResults")
    if size is not None and not 5 <= size <= 1000:
        raise invalid(f"Value ( {size} ) for parameter maxResults is invalid. Expecting a value between 5 and 1000.")
    if len(ids) > MOST_IDS:
        raise invalid(f"The maximum number of instance IDs that can be specified is {MOST_IDS}")
    tenant = region.tenant
    if ids:
        machines = found(region, ids, by="look")
    else:
        seen_from = tenant.now() - tenant.setting("seen_by_search")
        machines = [machine for machine in region.machines.values() if machine.launched <= seen_from]
    filters = Filters(params.get("Filters"), MACHINE_FILTERS)
    moment = tenant.now() - tenant.setting("stale")
    if tenant.setting("stale") > 0:
        machines = [machine for machine in machines if machine.at(moment) is not None]
        shown = [machine for machine in machines if filters.fit(_Earlier(machine, moment))]
    else:
        moment = None
        shown = [machine for machine in machines if filters.fit(machine)]
    part, following = page(shown, params, most=None if ids else tenant.setting("page"),
                           empty_last=tenant.setting("empty_last_page"))
    return {"Reservations": _reservations(region, part, moment), "NextToken": following}


class _Earlier:
    """A machine as it was: filters see the old state too."""

    def __init__(self, machine, moment):
        self._machine = machine
        self.state, self.reason = machine.at(moment)
        self.living = self.state in ("pending", "running", "stopping", "stopped")

    def __getattr__(self, name):
        return getattr(self._machine, name)


def _reservations(region, machines, moment):
    together = {}
    for machine in machines:
        together.setdefault(machine.reservation, []).append(machine)
    return [
        {
            "ReservationId": id, "OwnerId": region.tenant.account, "Groups": [],
            "Instances": [one.markup() if moment is None else one.view_at(moment) for one in members],
        }
        for id, members in together.items()
    ]


SPOT_FILTERS = {
    "spot-instance-request-id": lambda r: [r.id],
    "instance-id": lambda r: [r.machine.id],
    "state": lambda r: [r.state],
    "status-code": lambda r: [r.code],
    "launched-availability-zone": lambda r: [r.machine.subnet.zone],
    "type": lambda r: ["one-time"],
}


@serves("DescribeSpotInstanceRequests")
def describe_spot_instance_requests(region, params):
    """Describes spot instance requests; here alone the two-minute notice can be read."""
    ids = params.get("SpotInstanceRequestIds") or []
    for id in ids:
        if id not in region.spot_requests:
            raise Refusal("InvalidSpotInstanceRequestID.NotFound",
                          f"The spot instance request ID '{id}' does not exist")
    filters = Filters(params.get("Filters"), SPOT_FILTERS)
    requests = [region.spot_requests[id] for id in dict.fromkeys(ids)] if ids else list(region.spot_requests.values())
    part, following = page([one for one in requests if filters.fit(one)], params)
    return {"SpotInstanceRequests": [one.view() for one in part], "NextToken": following}
