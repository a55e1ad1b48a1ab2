"""The control interface: JSON under `/cloud/…`, for the tenant of the query parameter `tenant`."""

import json
import time

from .spot_requests import NOTICE
from .tenant import SETTINGS
from .writing import Reply

COMMANDS = {}


def command(function):
    """Registers `/cloud/NAME`, a function of the tenant, the body and the query."""
    COMMANDS[function.__name__] = function
    return function


def handle(app, request):
    """Answers a control call; what it cannot take is a 400 with a line that says why."""
    name = request.path.removeprefix("/cloud/").strip("/")
    key = request.query.get("tenant", "default")
    try:
        body = json.loads(request.body) if request.body else None
        if name == "forget":
            app.forget(key)
            return _json(200, True)
        if name not in COMMANDS:
            raise ValueError(f"there is no /cloud/{name}; there are {', '.join(sorted(COMMANDS))}, forget")
        tenant = app.tenant(key)
        with tenant.lock:
            tenant.catch_up()
            return _json(200, COMMANDS[name](tenant, body, request.query))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return _json(400, {"error": f"{type(error).__name__}: {error}"})


def _json(status, value):
    return Reply(status, "application/json", json.dumps(value).encode())


def _region(tenant, query):
    return tenant.region(query.get("region", "us-east-1"))


@command
def ping(_tenant, _body, _query):
    """Says that the cloud is there."""
    return True


@command
def reset(tenant, _body, _query):
    """Forgets everything of the tenant."""
    tenant.reset()
    return True


@command
def settings(tenant, body, _query):
    """Changes settings; gives them all."""
    for name, value in (body or {}).items():
        if name not in SETTINGS:
            raise ValueError(f"there is no setting {name}; there are {', '.join(SETTINGS)}")
        tenant.settings[name] = value
    return tenant.settings


@command
def faults(tenant, body, query):
    """Sets the rules anew, or adds to them with `add=1`; gives them with how often each has struck."""
    if body is not None:
        (tenant.faults.add if query.get("add") else tenant.faults.replace)(body)
    return tenant.faults.report()


@command
def capacity(tenant, body, query):
    """Sets limits of pools."""
    region = _region(tenant, query)
    if body is not None:
        region.pools.change(body)
        region.capacity_changed()
    return {f"{kind}@{place}/{option}": count for (kind, place, option), count in region.pools.limits.items()}


@command
def quotas(tenant, body, query):
    """Sets the vCPU quotas of `on-demand` and `spot`; null removes one."""
    region = _region(tenant, query)
    for option, count in (body or {}).items():
        if option not in ("on-demand", "spot"):
            raise ValueError(f"there is no quota for {option}")
        region.pools.quotas[option] = count
    return region.pools.quotas


@command
def world(tenant, body, query):
    """Adds to the network and catalog; gives them."""
    region = _region(tenant, query)
    if body is not None:
        region.world.change(dict(body))
    return region.world.view()


@command
def roles(tenant, body, _query):
    """Sets the roles that may be assumed, with their external ids; without any every role may."""
    if body is not None:
        tenant.roles = dict(body)
    return tenant.roles


def _machines(tenant, query, ids):
    machines = _region(tenant, query).machines
    strange = [id for id in ids if id not in machines]
    if strange:
        raise ValueError(f"there are no machines {', '.join(strange)}")
    return [machines[id] for id in ids]


@command
def interrupt(tenant, body, query):
    """Spot takes machines back: notice now, end after `notice` seconds (120)."""
    for machine in _machines(tenant, query, body["ids"]):
        if machine.spot_request is None:
            raise ValueError(f"{machine.id} is no spot machine")
        machine.spot_request.interrupt(body.get("notice", NOTICE))
    tenant.catch_up()
    return True


@command
def end(tenant, body, query):
    """Ends machines behind the caller's back, with the reason that the body gives."""
    reason = (body.get("code", "Server.InternalError"), body.get("message", "Server.InternalError: Internal error"))
    for machine in _machines(tenant, query, body["ids"]):
        machine.end(reason)
    tenant.catch_up()
    return True


@command
def change(tenant, body, query):
    """Changes machines behind the caller's back: `protected`, `tags` (null removes one), `stopped`."""
    strange = set(body) - {"ids", "protected", "tags", "stopped"}
    if strange:
        raise ValueError(f"a machine's {', '.join(strange)} cannot be changed")
    for machine in _machines(tenant, query, body["ids"]):
        machine.protected = body.get("protected", machine.protected)
        for key, value in body.get("tags", {}).items():
            machine.tags[key] = value
            if value is None:
                del machine.tags[key]
        if "stopped" in body:
            (machine.stop if body["stopped"] else machine.start)()
        machine.changed()
    return True


@command
def stillborn(tenant, body, query):
    """Lets the next `count` machines end before they run, with `code` and `message`."""
    cause = (body["code"], body.get("message", body["code"]))
    _region(tenant, query).stillborn += [cause] * body.get("count", 1)
    return True


@command
def foreign(tenant, body, query):
    """Makes machines that no call of the provider asked for, with the tags of the body."""
    from . import launching, templates

    region = _region(tenant, query)
    fields = {"ImageId": next(iter(region.world.images)), "InstanceType": body.get("type", "m5.large")}
    plan = templates.plan(region, None, fields)
    made = launching.launch(plan, plan.subnet(), body.get("option", "on-demand"), body.get("count", 1),
                            tags={"instance": body.get("tags", {})})
    return [machine.id for machine in made]


@command
def clock(tenant, body, _query):
    """Moves the time of this tenant forward by `advance` seconds, with all that happens meanwhile.

    Before its first call it can be moved back, so that machines are older than their test.
    """
    advance = (body or {}).get("advance", 0)
    if advance < 0:
        if tenant.log.made:
            raise ValueError("time goes back only before the first call")
        tenant.ahead += advance
    target = tenant.now() + max(0, advance)
    while tenant.events and tenant.events[0][0] <= target:
        tenant.ahead += max(0.0, tenant.events[0][0] - tenant.now())
        tenant.catch_up()
    tenant.ahead += max(0.0, target - tenant.now())
    tenant.catch_up()
    return {"now": tenant.now(), "ahead": tenant.ahead, "real": time.time()}


@command
def counts(tenant, _body, _query):
    """How often each action was called."""
    return dict(tenant.log.counts)


@command
def calls(tenant, body, query):
    """The log of calls, oldest first: `action=` and `since=` (a number) choose; `clear` in the body empties it."""
    if body and body.get("clear"):
        tenant.log.clear()
    since, action = int(query.get("since", 0)), query.get("action")
    return [
        call.view() for call in tenant.log.calls
        if call.number > since and action in (None, call.action)
    ]


@command
def truth(tenant, _body, query):
    """Every resource of a region as it is, whatever faults and delays show to the API."""
    return _region(tenant, query).truth()
