"""A tenant: one account of the cloud, with its own machines, faults, settings and log of calls.

The access key of a request names its tenant, so that tests in many processes share one cloud and none sees the
machines of another.
"""

import hashlib
import heapq
import itertools
import random
import threading
import time

from .calls import Log
from .faults import Faults
from .region import Region

# Every delay is in seconds. Without a delay a machine is `pending` in the answer to its launch and `running`
# at the next call.
SETTINGS = {
    "boot": 0.0,  # pending -> running
    "end": 0.0,  # shutting-down -> terminated
    "listed": 3600.0,  # how long a terminated machine is still described
    "fleet": 0.0,  # how long fleets, spot fleets and groups take to launch
    "retry": 5.0,  # how long they wait after a lack of capacity
    "replace": 0.0,  # how long a maintain fleet or a group takes to replace a machine
    "seen_by_id": 0.0,  # how long a new machine is unknown to calls by id
    "seen_by_search": 0.0,  # how long a new machine is missing in searches by filter
    "hide_by_id": "error",  # an unseen id is "error" (NotFound) or "absent" (left out)
    "stale": 0.0,  # DescribeInstances answers as of so many seconds ago
    "skew": 0.0,  # added to the Date header; with `skew_refused` calls end with an error
    "skew_refused": False,
    "batch": 0,  # most units that a fleet or group launches at once, the rest after "retry"; 0 for no limit
    "template": 0.0,  # how long a new launch template is unknown to all but its creation
    "unknown_denied": False,  # as under a policy scoped by tags: changes with an unknown id are UnauthorizedOperation
    "empty_last_page": False,  # a full last page of DescribeInstances is followed by an empty one
    "page": 0,  # most machines on a page of DescribeInstances even without MaxResults; 0 for no limit
    "victims": "random",  # which machines AWS ends of its own choice: "random", "newest" or "oldest"
}


class Tenant:
    """State of one account. Callers hold `lock` for as long as they touch it."""

    def __init__(self, name, aliases):
        """`aliases` maps the keys of temporary credentials to tenants; it is the cloud's."""
        self.name, self.aliases = name, aliases
        self.caller = name
        self.lock = threading.RLock()
        digits = int(hashlib.sha256(name.encode()).hexdigest(), 16) % 10**12
        self.account = "123456789012" if name == "default" else f"{digits:012}"
        self.resets = 0
        self.reset()

    def reset(self):
        """Forgets everything, as if the tenant had never been."""
        self.settings = dict(SETTINGS)
        self.faults = Faults()
        self.log = Log()
        self.regions = {}
        self.ahead = 0.0
        self.events = []
        self.order = itertools.count()
        # Other ids after a reset and for other tenants: an id that leaks from one to the other is unknown there.
        self.dice = random.Random(f"{self.name} {self.resets}")
        self.resets += 1
        self.identity = f"arn:aws:iam::{self.account}:user/ohfp"
        # Keys of temporary credentials -> the assumed role as GetCallerIdentity names it.
        self.assumed = {}
        # Role ARN -> its external id or None; without any entry every role may be assumed.
        self.roles = {}

    def region(self, name):
        """A region; each begins with the same network and images."""
        if name not in self.regions:
            self.regions[name] = Region(self, name)
        return self.regions[name]

    def now(self):
        """The time of this cloud, which tests may move forward."""
        return time.time() + self.ahead

    def later(self, seconds, act):
        """Plans an event. It happens at the first call after its time: without a call no one could tell."""
        heapq.heappush(self.events, (self.now() + seconds, next(self.order), act))

    def catch_up(self):
        """Lets everything happen that is due, in the order of its time."""
        while self.events and self.events[0][0] <= self.now():
            heapq.heappop(self.events)[2]()

    def new_id(self, prefix):
        """An id as AWS makes them: seventeen hexadecimal digits. The same calls give the same ids."""
        return f"{prefix}-{self.dice.getrandbits(68):017x}"

    def setting(self, name):
        """The value of a setting."""
        return self.settings[name]
