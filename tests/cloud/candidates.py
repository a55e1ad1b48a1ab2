"""Candidates: the pools that a fleet, spot fleet or group may launch from, read from templates and overrides."""

from . import launching, templates
from .errors import Refusal, combination, missing

# Parts of an override that replace what the template says of the machine.
REPLACING = ("ImageId", "BlockDeviceMappings", "Placement")


class Candidate:
    """One instance type in one subnet of one template, with its weight."""

    def __init__(self, region, specification, fields, subnet_id, zone, override):
        self.region, self.specification = region, specification
        self.fields, self.subnet_id, self.zone, self.override = fields, subnet_id, zone, override
        self.weight = float(override.get("WeightedCapacity") or 1)
        self.priority = float(override.get("Priority", float("inf")))
        self.max_price = override.get("MaxPrice") or override.get("SpotPrice")
        self.template = None
        if specification is not None:
            template = templates.named(region, specification)
            self.template = (template.id, template.version(specification.get("Version")))

    def plan(self):
        """What to launch and where. Read at every launch: a template that is deleted meanwhile is missed."""
        fields = dict(self.fields)
        if self.specification is not None:
            template = templates.named(self.region, self.specification)
            number = template.version(self.specification.get("Version"))
            fields = {**template.versions[number][0], **fields}
            self.template = (template.id, number)
        # The subnet of an override also stands above that of the template's interfaces.
        interfaces = [
            {name: value for name, value in one.items() if name != "SubnetId"} if self.subnet_id else one
            for one in fields.get("NetworkInterfaces") or []
        ]
        if interfaces:
            fields["NetworkInterfaces"] = interfaces
        if self.zone is not None:
            fields["Placement"] = {**fields.get("Placement", {}), "AvailabilityZone": self.zone}
        plan = launching.Plan(self.region, fields, self.template)
        if self.subnet_id:
            return plan, launching.subnet(self.region.world, self.subnet_id)
        return plan, plan.subnet()

    def asks_for_spot(self):
        """Whether its template says the purchase option, which fleets refuse: that is theirs to say."""
        if self.specification is None:
            return False
        template = templates.named(self.region, self.specification)
        data = template.versions[template.version(self.specification.get("Version"))][0]
        return "InstanceMarketOptions" in data

    def price(self, option):
        """Price of one unit of capacity."""
        world, kind = self.region.world, self.fields.get("InstanceType")
        if kind not in world.types:
            return 0.0
        price = world.types[kind].price if option == "on-demand" else world.spot_price(kind)
        return price / self.weight

    def described(self):
        """`LaunchTemplateAndOverrides` of answers; they name a template by its id, however the call named it."""
        override = dict(self.override)
        if "InstanceRequirements" not in override:
            override["InstanceType"] = self.fields.get("InstanceType")
        if self.subnet_id:
            override["SubnetId"] = self.subnet_id
        specification = None
        if self.template is not None:
            specification = {"LaunchTemplateId": self.template[0], "Version": str(self.template[1])}
        return {"LaunchTemplateSpecification": specification, "Overrides": override}


def of_templates(region, configs):
    """Candidates of `LaunchTemplateConfigs`; an unknown template ends the call."""
    found = []
    for config in configs:
        specification = config.get("LaunchTemplateSpecification")
        if specification is None:
            raise missing("LaunchTemplateSpecification")
        if not specification.get("Version"):
            raise missing("LaunchTemplateSpecification.Version")
        template = templates.named(region, specification)
        data = template.versions[template.version(specification["Version"])][0]
        for override in config.get("Overrides") or [{}]:
            found += _expanded(region, specification, data, override)
    return found


def _expanded(region, specification, data, override):
    requirements = override.get("InstanceRequirements") or data.get("InstanceRequirements")
    if override.get("InstanceType") and override.get("InstanceRequirements"):
        raise combination("Instance requirements and instance type may not be specified in the same override")
    kinds = [override.get("InstanceType") or data.get("InstanceType")]
    if requirements and not override.get("InstanceType"):
        image = region.world.images.get(override.get("ImageId") or data.get("ImageId"))
        kinds = region.world.matching(requirements, image.architecture if image else "x86_64")
        if not kinds:
            raise Refusal("InvalidFleetConfig", "No instance types match the instance requirements.")
    subnets = [text.strip() for text in (override.get("SubnetId") or "").split(",") if text.strip()] or [None]
    zone = override.get("AvailabilityZone")
    made = []
    for kind in kinds:
        for subnet in subnets:
            fields = {name: override[name] for name in REPLACING if name in override}
            if kind is not None:
                fields["InstanceType"] = kind
            made.append(Candidate(region, specification, fields, subnet, zone, override))
    return made
