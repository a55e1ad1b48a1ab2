"""Faults on demand: rules that a test sets, each for some calls, before or after their effect."""

import random
import time

from .errors import Refusal
from .server import Breakage
from .writing import Reply

KINDS = {"error", "html", "reset", "close", "hang", "slow", "cut", "twice", "any"}
# What `any` chooses from, each before or after the effect but for throttles: whatever a sick cloud does but silence,
# which takes the time of a whole time-out; a rule of its own sets it. EC2 throttles a call instead of doing it.
THROTTLE = "RequestLimitExceeded"
ANY = (
    {"kind": "error", "status": 503, "code": THROTTLE, "message": "Request limit exceeded."},
    {"kind": "error", "status": 500, "code": "InternalError", "message": "An internal error has occurred"},
    {"kind": "error", "status": 503, "code": "Unavailable",
     "message": "The server is overloaded and can't handle the request."},
    {"kind": "html"}, {"kind": "reset"}, {"kind": "close"}, {"kind": "cut"}, {"kind": "twice"},
    {"kind": "slow", "seconds": 0.3},
)
# What a load balancer says in front of a server that is down.
HTML = b"<html><body><b>Http/1.1 Service Unavailable</b></body> </html>"
FIELDS = {"action", "when", "kind", "status", "code", "message", "p", "seed", "times", "skip", "seconds",
          "token", "fresh", "tag", "text", "zone", "retry_after"}


class Rule:
    """One rule. Fields: see README.md; an unknown one is an error, so that a test cannot pass by a typing error."""

    def __init__(self, fields):
        strange = set(fields) - FIELDS
        if strange:
            raise ValueError(f"a fault has no field {', '.join(sorted(strange))}")
        self.kind = fields.get("kind", "error")
        self.when = fields.get("when", "before")
        if self.kind not in KINDS or self.when not in ("before", "after"):
            raise ValueError(f"unknown fault: {self.kind} {self.when}")
        self.actions = fields.get("action", "*")
        self.actions = [self.actions] if isinstance(self.actions, str) else self.actions
        self.fields = fields
        self.left = fields.get("times")
        self.skip = fields.get("skip", 0)
        self.dice = random.Random(fields.get("seed", 0))
        self.used = 0

    def fits(self, call, zones):
        """Decides about a call; a rule with a probability rolls its own dice, so that a seed repeats a run."""
        if self.left == 0 or not ("*" in self.actions or call.action in self.actions):
            return False
        fields = self.fields
        if fields.get("fresh") and call.repeats:
            return False
        if "token" in fields and call.token != fields["token"]:
            return False
        if "tag" in fields and not call.names_tag(fields["tag"]):
            return False
        if "zone" in fields and zones is not None and fields["zone"] not in zones:
            return False
        if "text" in fields and fields["text"].encode() not in call.body:
            return False
        if self.dice.random() >= fields.get("p", 1):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.left is not None:
            self.left -= 1
        self.used += 1
        return True

    def chosen(self):
        """The rule that strikes: this one, or for `any` one that the dice choose."""
        if self.kind != "any":
            return self
        fields, when = self.dice.choice(ANY), self.dice.choice(("before", "after"))
        return Rule({**fields, "when": "before" if fields.get("code") == THROTTLE else when})

    def strike(self, request, reply):
        """Does the damage. `reply` is the true answer where there is one already; gives what is sent instead."""
        fields = self.fields
        if self.kind == "error":
            wait = fields.get("retry_after")
            headers = () if wait is None else (("x-amz-retry-after", wait),)
            raise Refusal(fields.get("code", "InternalError"),
                          fields.get("message", "An internal error has occurred"), fields.get("status", 500), headers)
        if self.kind == "html":
            return Reply(fields.get("status", 502), "text/html", HTML)
        if self.kind == "slow":
            time.sleep(fields.get("seconds", 2))
            return reply
        if self.kind == "cut":
            raise Breakage("cut", reply=(request, reply))
        raise Breakage(self.kind, fields.get("seconds", 3600))


class Faults:
    """The rules of one tenant."""

    def __init__(self):
        self.rules = []

    def replace(self, rules):
        """Sets all rules anew."""
        self.rules = [Rule(fields) for fields in rules]

    def add(self, rules):
        """Adds rules behind those that are set."""
        self.rules += [Rule(fields) for fields in rules]

    def pick(self, call, zones):
        """The first rule that strikes this call, if any. `zones` are those of the machines that it names by id.

        A call that names none has no zones (`None`) and is struck by a rule for any zone: while a zone is down, EC2
        answers only calls that name machines of other zones.
        """
        found = next((rule for rule in self.rules if rule.fits(call, zones)), None)
        return found and found.chosen()

    def report(self):
        """How often each rule has struck."""
        return [dict(rule.fields, used=rule.used) for rule in self.rules]
