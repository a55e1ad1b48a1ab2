"""Allocation: how a number of units is spread over candidates by a strategy, and what each launch answers."""

import itertools

from . import launching, tags as tagging
from .errors import Refusal

BY_PRICE = {"lowest-price", "lowestPrice"}
BY_PRIORITY = {"prioritized", "capacity-optimized-prioritized", "capacityOptimizedPrioritized"}


class Wish:
    """What one launch wants: units of one purchase option."""

    def __init__(self, units, option, strategy, pools=None, budget=None, max_price=None):
        self.units, self.option, self.strategy = units, option, strategy
        # How many of the cheapest pools share the launch, with `lowest-price`.
        self.pools = pools or 1
        # Highest price of all machines together, in USD an hour.
        self.budget = None if budget is None else float(budget)
        self.max_price = max_price


class Outcome:
    """What a launch has made, and why it made no more."""

    def __init__(self):
        self.made = []  # (candidate, option, machine)
        self.failed = []  # (candidate, option, refusal)

    def units(self, option):
        """Units made of one option."""
        return sum(machine.weight for _, made, machine in self.made if made == option)


def allocate(region, candidates, wish, outcome, *, tags, own_tags, owner):
    """Launches until the units are there or every candidate is exhausted."""
    units, spent = 0.0, 0.0
    prepared = _prepared(candidates, wish, outcome)
    reservations = {}
    for group in _groups(region, prepared, wish):
        # Candidates of a group share it machine by machine.
        while group and units < wish.units:
            for entry in list(group):
                if units >= wish.units:
                    break
                candidate, plan, subnet = entry
                price = candidate.price(wish.option) * candidate.weight
                highest = candidate.max_price or wish.max_price
                free, obstacle = launching.room(plan, subnet, wish.option, 1, highest)
                if wish.budget is not None and spent + price > wish.budget:
                    free, obstacle = 0, Refusal("UnfulfillableCapacity",
                                                "The maximum total price of the fleet is reached.")
                if free < 1:
                    group.remove(entry)
                    outcome.failed.append((candidate, wish.option, _in_fleet(obstacle, wish.option)))
                    continue
                reservation = reservations.setdefault(id(candidate), region.tenant.new_id("r"))
                machine, = launching.launch(
                    plan, subnet, wish.option, 1, tags=tagging.merged(plan.tags, tags), own_tags=own_tags,
                    owner=owner, weight=candidate.weight, reservation=reservation)
                outcome.made.append((candidate, wish.option, machine))
                units += candidate.weight
                spent += price
    return outcome


def _in_fleet(obstacle, option):
    """Fleets call an empty spot pool by another name than RunInstances does."""
    if option == "spot" and obstacle.code == "InsufficientInstanceCapacity":
        return Refusal("UnfulfillableCapacity", obstacle.message)
    return obstacle


def _prepared(candidates, wish, outcome):
    prepared = []
    for candidate in candidates:
        try:
            prepared.append((candidate, *candidate.plan()))
        except Refusal as refused:
            outcome.failed.append((candidate, wish.option, refused))
    return prepared


def _groups(region, prepared, wish):
    def key(entry):
        candidate, plan, subnet = entry
        if wish.strategy in BY_PRICE:
            return candidate.price(wish.option)
        if wish.strategy in BY_PRIORITY:
            return candidate.priority
        if wish.strategy in ("diversified", None):
            return 0
        # Strategies by capacity: AWS knows it and says nothing; here it is what the test has set.
        return -region.pools.free(plan.kind.name, subnet, wish.option)

    ordered = sorted(prepared, key=key)
    groups = [list(group) for _, group in itertools.groupby(ordered, key=key)]
    if wish.strategy in BY_PRICE and wish.pools > 1:
        groups = [ordered[: wish.pools], *([entry] for entry in ordered[wish.pools:])]
    return groups


def narrowed(candidates, single_type, single_zone):
    """The candidates of the first one's type or zone, where all machines must share it."""
    if not candidates or not (single_type or single_zone):
        return candidates

    def place(candidate):
        world = candidate.region.world
        subnet = world.subnets.get(candidate.subnet_id)
        return subnet.zone if subnet else candidate.zone

    first = candidates[0]
    return [
        one for one in candidates
        if not (single_type and one.fields.get("InstanceType") != first.fields.get("InstanceType"))
        and not (single_zone and place(one) != place(first))
    ]
