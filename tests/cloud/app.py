"""From request to answer: tenant, log, faults, idempotency, and the function that serves the call."""

import contextlib
import hashlib
import json
import re
import threading
import time
import traceback
import urllib.parse

from . import control, fallback, model, reading, table, writing
from .errors import Refusal
from .server import Breakage
from .tenant import Tenant

CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/\d+/([^/]+)/([^/]+)/")
# The version parameter of Query calls tells the service.
SERVICES = {"2016-11-15": "ec2", "2011-01-01": "autoscaling", "2011-06-15": "sts"}
# Longest token of each call; beyond it AWS refuses.
LONGEST_TOKEN = {"RunInstances": 64, "CreateFleet": 64}
MISMATCH = "Arguments on this idempotent request are inconsistent with arguments used in previous request(s)."


class App:
    """All tenants of one process."""

    def __init__(self):
        self.lock = threading.Lock()
        self.tenants = {}
        # Temporary credentials -> the tenant whose role they are.
        self.aliases = {}

    def tenant(self, key):
        """The tenant of an access key."""
        with self.lock:
            key = self.aliases.get(key, key)
            if key not in self.tenants:
                self.tenants[key] = Tenant(key, self.aliases)
            return self.tenants[key]

    def forget(self, key):
        """Frees what a finished test has left."""
        with self.lock:
            self.tenants.pop(key, None)

    def clock(self, request):
        """The time of a `Date` header."""
        key, _ = _signer(request)
        tenant = self.tenants.get(self.aliases.get(key, key))
        return time.time() if tenant is None else tenant.now() + tenant.setting("skew")

    def handle(self, request):
        """Answers one request."""
        if request.path.startswith("/cloud/"):
            return control.handle(self, request)
        key, region_name = _signer(request)
        tenant = self.tenant(key)
        service, action, form = _addressed(request)
        with tenant.lock:
            call = tenant.log.begin(tenant.now(), service, region_name, action, key, request.body)
            unreadable = _read(call, form, request)
            known = (call.service, call.action, call.token)
            call.repeats = call.token is not None and known in tenant.region(call.region).tokens
            rule = tenant.faults.pick(call, _zones(tenant, call))
            call.fault = rule and f"{rule.kind} {rule.when}"
        try:
            reply = self._with_fault(rule, call, request, lambda: self._serve(tenant, call, request, unreadable))
            call.status = reply.status
            return reply
        except Refusal as refused:
            reply = writing.refusal(service, refused.status, refused.code, refused.message)
            reply.headers += refused.headers
            call.status, call.code = refused.status, refused.code
            return reply
        except Breakage as broken:
            call.code = broken.kind
            raise
        except Exception as error:  # A fault of this cloud: a test that trips over it must not blame the provider.
            traceback.print_exc()
            call.status, call.code = 500, "CloudForTests"
            return writing.refusal(service, 500, "CloudForTests", f"the cloud for tests failed: {error!r}")

    def _with_fault(self, rule, call, request, serve):
        if rule is None:
            return serve()
        if rule.kind == "twice":
            with contextlib.suppress(Refusal):
                serve()
            return serve()
        # Half an answer, or a late one, needs the answer, whenever the rule strikes.
        if rule.when == "after" or rule.kind == "cut":
            try:
                reply = serve()
            except Refusal as refused:
                reply = writing.refusal(call.service, refused.status, refused.code, refused.message)
            return rule.strike(request, reply)
        struck = rule.strike(request, None)
        return serve() if struck is None else struck

    def _serve(self, tenant, call, request, unreadable):
        with tenant.lock:
            tenant.catch_up()
            if unreadable is not None:
                raise unreadable
            if tenant.setting("skew_refused"):
                raise _skewed(call.service)
            region = tenant.region(call.region)
            tenant.caller = call.key
            known = (call.service, call.action)
            if known not in table.HANDLERS:
                return fallback.answer(tenant, call, request)
            result = self._once(region, call, table.HANDLERS[known])
            return writing.answer(model.load(call.service), call.action, result)

    def _once(self, region, call, serve):
        """Serves a call with a token once; later calls with it get the same result, or learn that they differ."""
        if call.token is None or call.params.get("DryRun"):
            return serve(region, call.params)
        longest = LONGEST_TOKEN.get(call.action, 128)
        if len(call.token) > longest or not call.token:
            raise Refusal("InvalidParameterValue", f"ClientToken must be 1 to {longest} characters long")
        text = json.dumps(call.params, sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()
        key = (call.service, call.action, call.token)
        if key in region.tokens:
            before, result = region.tokens[key]
            if before != digest:
                raise Refusal("IdempotentParameterMismatch", MISMATCH)
            return result
        # A call that fails leaves its token unused, so that it can be repeated.
        result = serve(region, call.params)
        region.tokens[key] = (digest, result)
        return result


def _signer(request):
    found = CREDENTIAL.search(request.headers.get("authorization", ""))
    return (found[1], found[2]) if found else ("default", "us-east-1")


def _zones(tenant, call):
    """The zones of the machines that a call names by id, `None` where it names none."""
    ids = call.params.get("InstanceIds") if call.service == "ec2" else None
    if not ids:
        return None
    machines = tenant.region(call.region).machines
    return {machines[id].subnet.zone for id in ids if id in machines}


def _addressed(request):
    target = request.headers.get("x-amz-target")
    if target:
        prefix, _, action = target.rpartition(".")
        return ("ssm" if prefix.startswith("AmazonSSM") else prefix.lower()), action, None
    text = request.body.decode("utf-8", "replace")
    form = urllib.parse.parse_qsl(text, keep_blank_values=True)
    fields = dict(form)
    return SERVICES.get(fields.get("Version"), "unknown"), fields.get("Action", request.path), form


def _read(call, form, request):
    """Reads the parameters into the call; gives the refusal where that cannot be done."""
    try:
        if call.service == "ssm":
            call.params = json.loads(request.body or b"{}")
        elif call.service in SERVICES.values():
            service = model.load(call.service)
            if call.action not in service.operations:
                raise Refusal("InvalidAction", f"The action {call.action} is not valid for this web service.")
            call.params = reading.parameters(service, call.action, form)
            call.token = table.token_of(call.service, call.action, call.params)
    except Refusal as refused:
        return refused
    except ValueError as error:
        return Refusal("SerializationException", str(error))
    return None


def _skewed(service):
    if service == "ec2":
        return Refusal("AuthFailure", "AWS was not able to validate the provided access credentials", 401)
    return Refusal("RequestTimeTooSkewed",
                   "The difference between the request time and the current time is too large.", 403)
