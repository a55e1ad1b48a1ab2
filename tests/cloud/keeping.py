"""What EC2 fleets, spot fleets and groups share: members, units, launches over time, victims."""


class Keeper:
    """Launches machines by itself and counts them."""

    def __init__(self, region, id, tags):
        self.region, self.id, self.tags = region, id, dict(tags)
        self.created = region.tenant.now()
        self.members = []
        self.planned = None  # the time of the next attempt

    def plan_launch(self, delay):
        """Plans an attempt to launch what is missing; the earlier of two plans counts."""
        tenant = self.region.tenant
        due = tenant.now() + delay
        if self.planned is not None and self.planned <= due:
            return
        self.planned = due

        def act():
            # A plan that an earlier one has overtaken, or that a reset has forgotten, does nothing.
            if self.planned == due:
                self.planned = None
                self.attempt()

        tenant.later(delay, act)

    def attempt(self):
        """Launches what is missing now."""
        raise NotImplementedError

    def living(self, option=None):
        """Members that live."""
        return [one for one in self.members if one.living and option in (None, one.option)]

    def units(self, option=None):
        """Units of the members that live."""
        return sum(one.weight for one in self.living(option))

    def batched(self, missing):
        """How many of the missing units one attempt launches."""
        batch = self.region.tenant.setting("batch")
        return min(missing, batch) if batch and getattr(self, "type", None) != "instant" else missing

    def machine_ends(self, machine):
        """A member ends, by its own call or by AWS."""
        raise NotImplementedError

    def end_excess(self, target, option=None):
        """Ends members of AWS's choice until no more than the target is left; gives them."""
        setting = self.region.tenant.setting("victims")
        living = self.living(option)
        if setting == "random":
            self.region.tenant.dice.shuffle(living)
        elif setting == "newest":
            living.reverse()
        ended, units = [], self.units(option)
        for machine in living:
            if units - machine.weight < target:
                continue
            units -= machine.weight
            ended.append(machine)
            machine.end()
        return ended


def whole(number):
    """A capacity as AWS writes it: without a fraction where it has none."""
    return int(number) if float(number).is_integer() else number
