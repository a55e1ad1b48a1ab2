"""The log of calls: what a test needs to look at the wire."""

import collections

MOST = 200_000


class Call:
    """One call as it came in, and how it ended."""

    def __init__(self, number, at, service, region, action, key, body):
        self.number, self.at, self.service, self.region = number, at, service, region
        self.action, self.key, self.body = action, key, body
        self.params, self.token = {}, None
        # Whether a call with this token has had its effect.
        self.repeats = False
        self.status, self.code, self.fault = None, None, None

    def names_tag(self, wanted):
        """Whether `key=value` (or `key`) is among the tags or the filters of the call."""
        key, _, value = wanted.partition("=")
        return _names(self.params, key, value)

    def view(self):
        """The call as the control interface shows it."""
        return {
            "number": self.number, "at": self.at, "service": self.service, "region": self.region,
            "action": self.action, "key": self.key, "token": self.token, "params": self.params,
            "body": self.body.decode("utf-8", "replace"), "status": self.status, "code": self.code,
            "fault": self.fault,
        }


def _names(value, key, wanted):
    if isinstance(value, list):
        return any(_names(element, key, wanted) for element in value)
    if not isinstance(value, dict):
        return False
    if value.get("Key") == key and wanted in ("", value.get("Value")):
        return True
    if value.get("Name") == f"tag:{key}" and (not wanted or wanted in value.get("Values", [])):
        return True
    return any(_names(element, key, wanted) for element in value.values())


class Log:
    """The calls of one tenant, oldest first. The oldest are forgotten beyond `MOST`."""

    def __init__(self):
        self.calls = collections.deque(maxlen=MOST)
        self.counts = collections.Counter()
        self.made = 0

    def begin(self, at, service, region, action, key, body):
        """Notes that a call has come in."""
        self.made += 1
        call = Call(self.made, at, service, region, action, key, body)
        self.calls.append(call)
        self.counts[action] += 1
        return call

    def clear(self):
        """Begins the log anew; numbers go on."""
        self.calls.clear()
        self.counts.clear()
