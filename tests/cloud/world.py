"""What is there before any launch: zones, subnets, images, keys, profiles, instance types and their prices.

moto has all of this too, but takes five seconds to set up its first account and 0.3 s for every other.
"""

import fnmatch
import functools
import ipaddress
import re

from . import model

VPC = "vpc-0c0ffee0c0ffee000"
GROUP = "sg-0123456789abcdef0"
# Five addresses of each subnet are AWS's.
RESERVED = 5

# First letters of a family -> (GiB for a vCPU, USD for a vCPU hour). Which types exist is in the model of EC2; what
# they have is reckoned from their names, near enough for choosing and for quotas.
CLASSES = {
    "t": (4, 0.042), "m": (4, 0.048), "c": (2, 0.0425), "r": (8, 0.063), "x": (16, 0.104), "z": (8, 0.093),
    "g": (4, 0.13), "p": (10, 0.4), "i": (8, 0.078), "d": (8, 0.085), "h": (4, 0.06), "a": (2, 0.026),
}
OTHERS = (8, 0.1)
SIZES = {"nano": 1, "micro": 1, "small": 1, "medium": 2, "large": 2, "xlarge": 4, "metal": 96}
# Spot costs this part of the on-demand price, unless a test sets a price.
SPOT = 0.4


class InstanceType:
    """One instance type."""

    def __init__(self, name):
        family, size = name.split(".", 1)
        self.name = name
        # Graviton families have a g behind their generation: m6g, c7gn, t4g, x2gd; a1 came before the rule.
        arm = re.fullmatch(r"[a-z]+\d+g[a-z]*|a1", family) is not None
        self.architecture = "arm64" if arm else "x86_64"
        number = re.search(r"(\d+)xl", size)
        self.cpus = 4 * int(number[1]) if number else SIZES.get(size.split("-")[0], 2)
        memory, price = CLASSES.get(family[0], OTHERS)
        self.memory_mib = int(self.cpus * memory * 1024)
        self.price = round(self.cpus * price * (0.8 if arm else 1), 4)
        self.burstable = family.startswith("t") and not family.startswith("trn")


@functools.cache
def types():
    """Every instance type that the model of EC2 knows, by name."""
    names = model.load("ec2").shapes["InstanceType"]["enum"]
    return {name: InstanceType(name) for name in names if not name.startswith(("mac", "u-"))}


class Subnet:
    """One subnet. Addresses are dealt in order and taken back when a machine has ended."""

    def __init__(self, id, zone, cidr, zone_id=None, addresses=None, hostnames="ip-name", vpc=VPC):
        self.id, self.zone, self.cidr, self.vpc = id, zone, cidr, vpc
        self.zone_id = zone_id or zone
        self.network = ipaddress.ip_network(cidr)
        self.free = self.network.num_addresses - RESERVED if addresses is None else addresses
        self.hostnames = hostnames
        self.returned, self.next = [], 4

    def take(self):
        """A free address; the caller has looked that there is one."""
        self.free -= 1
        if self.returned and self.next >= self.network.num_addresses - 1:
            return self.returned.pop(0)
        # Fresh addresses first, so that a machine's address rarely comes back soon.
        self.next += 1
        return str(self.network[self.next - 1])

    def give_back(self, address):
        """Makes the address of an ended machine free."""
        self.free += 1
        self.returned.append(address)


def default_subnets(region):
    """Two subnets in the first zone, the second with resource names as host names; one in each other zone."""
    # us-east-1 -> use1, as in the ids of AWS's zones.
    first, *rest = region.split("-")
    short = first + "".join(part[0] for part in rest)
    # Every region has its own ids: a call to the wrong region finds nothing.
    mark = f"{sum(map(ord, region)) % 4096:03x}"
    made = {}
    for place, letter in enumerate("abcd"):
        id = f"subnet-{mark}{letter * 14}"
        made[id] = Subnet(id, region + letter, f"10.{place}.0.0/16", f"{short}-az{place + 1}")
    id = f"subnet-{mark}a{'e' * 13}"
    made[id] = Subnet(id, f"{region}a", "10.9.0.0/16", f"{short}-az1", hostnames="resource-name")
    return made


class Image:
    """One machine image."""

    def __init__(self, id, root="/dev/xvda", architecture="x86_64", name=None, state="available", owner="amazon"):
        self.id, self.root, self.architecture, self.state = id, root, architecture, state
        self.name, self.owner = name or f"image-{id[4:]}", owner


class World:
    """The network and catalog of one region."""

    def __init__(self, region, account):
        self.region, self.account = region, account
        self.subnets = default_subnets(region)
        self.groups = {GROUP: "default", "sg-0aaaaaaaaaaaaaaaa": "cluster"}
        self.images = {
            image.id: image
            for image in (
                Image("ami-0abcdef1234567890", name="al2023-x86_64"),
                Image("ami-0fedcba9876543210", "/dev/sda1", name="ubuntu-x86_64"),
                Image("ami-0a0a0a0a0a0a0a0a0", architecture="arm64", name="al2023-arm64"),
            )
        }
        self.keys = {"ohfp-key"}
        self.profiles = {"ohfp-profile"}
        self.placement_groups = {"ohfp-placement": "cluster"}
        self.fleet_roles = {"aws-ec2-spot-fleet-tagging-role", "AWSServiceRoleForEC2SpotFleet", "ohfp-fleet-role"}
        self.types = types()
        self.market = {}
        # Types that a zone does not have, as TYPE@ZONE.
        self.unsupported = set()
        self.parameters = {
            "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64": "ami-0abcdef1234567890",
            "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64": "ami-0a0a0a0a0a0a0a0a0",
        }

    def zones(self):
        """Zone names with their ids, in order."""
        return dict(sorted((subnet.zone, subnet.zone_id) for subnet in self.subnets.values()))

    def spot_price(self, type_name):
        """What a machine hour costs at the spot market, in USD."""
        return self.market.get(type_name, round(self.types[type_name].price * SPOT, 4))

    def matching(self, requirements, architecture):
        """The instance types that attribute-based selection allows, cheapest first."""
        allowed = requirements.get("AllowedInstanceTypes")
        excluded = requirements.get("ExcludedInstanceTypes", [])
        found = []
        for kind in self.types.values():
            if kind.architecture != architecture or any(fnmatch.fnmatch(kind.name, text) for text in excluded):
                continue
            if allowed and not any(fnmatch.fnmatch(kind.name, text) for text in allowed):
                continue
            if kind.burstable and requirements.get("BurstablePerformance", "excluded") == "excluded":
                continue
            if _within(kind.cpus, requirements["VCpuCount"]) and _within(kind.memory_mib, requirements["MemoryMiB"]):
                found.append(kind)
        return [kind.name for kind in sorted(found, key=lambda kind: (kind.price, kind.name))]

    def change(self, fields):
        """Adds what a test needs: the control interface's `world`."""
        for entry in fields.pop("subnets", []):
            subnet = Subnet(**{"cidr": f"10.{100 + len(self.subnets)}.0.0/16", **entry})
            self.subnets[subnet.id] = subnet
        for entry in fields.pop("images", []):
            image = Image(**entry)
            self.images[image.id] = image
        self.groups.update(fields.pop("security_groups", {}))
        self.keys.update(fields.pop("keys", []))
        self.profiles.update(fields.pop("profiles", []))
        self.placement_groups.update({name: "cluster" for name in fields.pop("placement_groups", [])})
        self.fleet_roles.update(fields.pop("fleet_roles", []))
        self.market.update(fields.pop("spot_prices", {}))
        self.unsupported.update(fields.pop("unsupported", []))
        for name, value in fields.pop("parameters", {}).items():
            if value is None:
                self.parameters.pop(name, None)
            else:
                self.parameters[name] = value
        for id in fields.pop("gone", []):
            for kind in (self.subnets, self.images, self.groups, self.placement_groups):
                kind.pop(id, None)
            self.keys.discard(id)
            self.profiles.discard(id)
        if fields:
            raise ValueError(f"the world has no {', '.join(sorted(fields))}")

    def view(self):
        """The world as the control interface shows it."""
        return {
            "region": self.region, "account": self.account, "vpc": VPC,
            "subnets": [
                {"id": one.id, "zone": one.zone, "zone_id": one.zone_id, "free": one.free, "cidr": one.cidr}
                for one in self.subnets.values()
            ],
            "security_groups": self.groups,
            "images": [{"id": one.id, "root": one.root, "name": one.name} for one in self.images.values()],
            "keys": sorted(self.keys), "profiles": sorted(self.profiles),
            "placement_groups": sorted(self.placement_groups), "parameters": self.parameters,
        }


def _within(value, bounds):
    return bounds.get("Min", 0) <= value <= bounds.get("Max", float("inf"))
