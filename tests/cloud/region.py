"""A region of a tenant: every resource in it."""

from .pools import Pools
from .world import World


class Region:
    """State of one region of one account."""

    def __init__(self, tenant, name):
        self.tenant, self.name = tenant, name
        self.world = World(name, tenant.account)
        self.pools = Pools()
        # All by id, in the order of their making.
        self.machines, self.volumes, self.interfaces = {}, {}, {}
        self.spot_requests = {}
        self.templates, self.fleets, self.spot_fleets, self.groups = {}, {}, {}, {}
        # Activities outlive their group.
        self.activities = []
        # Causes (code, message) by which the next machines end before they run.
        self.stillborn = []
        # (service, action, token) -> (digest of the parameters, result)
        self.tokens = {}

    def owners(self):
        """Whatever launches machines by itself."""
        yield from self.fleets.values()
        yield from self.spot_fleets.values()
        yield from self.groups.values()

    def capacity_changed(self):
        """Lets those that wait for capacity try at once, instead of after their pause."""
        for owner in self.owners():
            # An instant fleet has launched what it will ever launch.
            if getattr(owner, "type", None) != "instant":
                owner.plan_launch(0)

    def truth(self):
        """All of it, as the control interface shows it."""
        return {
            "machines": [machine.truth() for machine in self.machines.values()],
            "fleets": [fleet.truth() for fleet in self.fleets.values()],
            "spot_fleets": [fleet.truth() for fleet in self.spot_fleets.values()],
            "groups": [group.truth() for group in self.groups.values()],
            "templates": [template.truth() for template in self.templates.values()],
            "spot_requests": [request.truth() for request in self.spot_requests.values()],
            "volumes": list(self.volumes.values()),
        }
