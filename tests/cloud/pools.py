"""Capacity: how many machines may still be launched in a pool, and how much the account's quotas allow.

A limit is named `TYPE@PLACE/OPTION`: a type, a zone or subnet, `spot` or `on-demand`. Each part may be `*`, and
what is left out on the right counts as `*`. A limit is a number of launches, not of machines that live: a
machine that ends gives nothing back, so that a test says in advance how a sequence of launches goes.
"""

import re

from .errors import Refusal

NAME = re.compile(r"([^@/]+)(?:@([^/]+))?(?:/(spot|on-demand|\*))?\Z")
# The highest number of vCPUs that an account may use, where a test sets none.
UNLIMITED = float("inf")


class Pools:
    """The limits of one region."""

    def __init__(self):
        self.limits = {}
        self.quotas = {}

    def change(self, limits):
        """Sets limits; `null` removes one."""
        for name, count in limits.items():
            parts = NAME.match(name)
            if parts is None:
                raise ValueError(f"a pool is TYPE@PLACE/OPTION, not {name}")
            key = tuple(part or "*" for part in parts.groups())
            if count is None:
                self.limits.pop(key, None)
            else:
                self.limits[key] = count

    def _fitting(self, kind, subnet, option):
        places = ("*", subnet.zone, subnet.zone_id, subnet.id)
        for key in self.limits:
            if key[0] in ("*", kind) and key[1] in places and key[2] in ("*", option):
                yield key

    def free(self, kind, subnet, option):
        """How many machines the pool would still give."""
        return min((self.limits[key] for key in self._fitting(kind, subnet, option)), default=UNLIMITED)

    def take(self, kind, subnet, option, count):
        """Uses the capacity of a launch."""
        for key in list(self._fitting(kind, subnet, option)):
            self.limits[key] -= count

    def within_quota(self, machines, kind, option, wanted):
        """How many of the wanted machines the account's vCPU quota leaves."""
        quota = self.quotas.get(option)
        if quota is None:
            return wanted
        used = sum(
            machine.kind.cpus for machine in machines.values()
            if machine.option == option and machine.state in ("pending", "running")
        )
        return max(0, min(wanted, int((quota - used) // kind.cpus)))


def no_capacity(kind, subnet, option):
    """The error of an empty pool. EC2 says it with status 500, which makes SDKs repeat the call."""
    if option == "spot":
        return Refusal("InsufficientInstanceCapacity",
                       "There is no Spot capacity available that matches your request.", 500)
    return Refusal(
        "InsufficientInstanceCapacity",
        f"We currently do not have sufficient {kind.name} capacity in the Availability Zone you requested"
        f" ({subnet.zone}). Our system will be working on provisioning additional capacity. You can currently get"
        f" {kind.name} capacity by not specifying an Availability Zone in your request or choosing another.", 500)


def no_quota(pools, option):
    """The error of a full quota."""
    if option == "spot":
        return Refusal("MaxSpotInstanceCountExceeded", "Max spot instance count exceeded")
    return Refusal(
        "VcpuLimitExceeded",
        "You have requested more vCPU capacity than your current vCPU limit of"
        f" {pools.quotas['on-demand']} allows for the instance bucket that the specified instance type belongs to."
        " Please visit http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit.")


def no_addresses(subnet):
    """The error of a full subnet."""
    return Refusal(
        "InsufficientFreeAddressesInSubnet",
        f"There are not enough free addresses in subnet '{subnet.id}' to satisfy the requested number of"
        " instances.")


def price_too_low(offered, market):
    """The error of a bid below the market."""
    return Refusal("SpotMaxPriceTooLow",
                   f"Your Spot request price of {offered} is lower than the minimum required Spot request"
                   f" fulfillment price of {market}.")
