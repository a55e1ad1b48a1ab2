"""Launch templates and their versions, and the plan that a template with fields over it makes."""

import re

from . import tags as tagging
from .errors import Refusal, dry_run, invalid
from .filters import Filters
from .launching import Plan
from .machines import tag_list
from .paging import page
from .table import serves


class Template:
    """One launch template."""

    def __init__(self, region, name, tags):
        self.region, self.name, self.tags = region, name, dict(tags)
        self.id = region.tenant.new_id("lt")
        self.created = region.tenant.now()
        self.versions, self.latest, self.default = {}, 0, 1

    def add(self, data, description):
        """Adds a version; numbers are never used twice."""
        self.latest += 1
        self.versions[self.latest] = (data, description, self.region.tenant.now())
        return self.latest

    def version(self, text):
        """The number of a version as a call names it: a number, `$Latest`, `$Default`, or nothing."""
        number = {None: self.default, "": self.default, "$Default": self.default, "$Latest": self.latest}.get(text)
        if number is None and str(text).isdecimal():
            number = int(text)
        if number not in self.versions:
            raise Refusal("InvalidLaunchTemplateId.VersionNotFound",
                          f"Could not find launch template version {text} for launch template {self.id}.")
        return number

    def view(self):
        """The structure `LaunchTemplate`."""
        return {
            "LaunchTemplateId": self.id, "LaunchTemplateName": self.name, "CreateTime": self.created,
            "CreatedBy": self.region.tenant.identity, "DefaultVersionNumber": self.default,
            "LatestVersionNumber": self.latest, "Tags": tag_list(self.tags),
        }

    def version_view(self, number):
        """The structure `LaunchTemplateVersion`."""
        data, description, created = self.versions[number]
        return {
            "LaunchTemplateId": self.id, "LaunchTemplateName": self.name, "VersionNumber": number,
            "VersionDescription": description, "CreateTime": created, "DefaultVersion": number == self.default,
            "CreatedBy": self.region.tenant.identity, "LaunchTemplateData": data,
        }

    def truth(self):
        """The template as the control interface shows it."""
        return {"id": self.id, "name": self.name, "tags": self.tags, "latest": self.latest, "default": self.default,
                "versions": {number: data for number, (data, _, _) in self.versions.items()}}


def named(region, specification):
    """The template of a specification, by id or by name; one that is too new may be unknown yet."""
    template = _named(region, specification)
    if template.created > region.tenant.now() - region.tenant.setting("template"):
        raise _unknown(template.id)
    return template


def _unknown(id):
    return Refusal("InvalidLaunchTemplateId.NotFound",
                   f"The specified launch template, with template ID {id}, does not exist.")


def _named(region, specification):
    id, name = specification.get("LaunchTemplateId"), specification.get("LaunchTemplateName")
    if (id is None) == (name is None):
        raise invalid("Either the launch template id or the launch template name must be specified, not both.")
    if id is not None:
        if not re.fullmatch(r"lt-([0-9a-f]{8}|[0-9a-f]{17})", id):
            raise Refusal("InvalidLaunchTemplateId.Malformed", f"Invalid id: '{id}'")
        if id not in region.templates:
            raise _unknown(id)
        return region.templates[id]
    for template in region.templates.values():
        if template.name == name:
            return template
    raise Refusal("InvalidLaunchTemplateName.NotFoundException",
                  f"The specified launch template, with template name {name}, does not exist.")


def plan(region, specification, own):
    """What a launch makes: the fields of the template, and the call's own over them."""
    if specification is None:
        return Plan(region, own)
    template = named(region, specification)
    number = template.version(specification.get("Version"))
    data = template.versions[number][0]
    fields = {**data, **own}
    if "Placement" in data and "Placement" in own:
        fields["Placement"] = {**data["Placement"], **own["Placement"]}
    return Plan(region, fields, (template.id, number))


@serves("CreateLaunchTemplate", token=("ClientToken",))
def create_launch_template(region, params):
    """Makes a template with version 1."""
    name = params["LaunchTemplateName"]
    if not re.fullmatch(r"[A-Za-z0-9().\-/_]{3,128}", name):
        raise Refusal("InvalidLaunchTemplateName.MalformedException",
                      "A launch template name must be 3 to 128 characters of a-z, A-Z, 0-9 and ().-/_")
    if any(template.name == name for template in region.templates.values()):
        raise Refusal("InvalidLaunchTemplateName.AlreadyExistsException", "Launch template name already in use.")
    tags = tagging.specified(params.get("TagSpecifications"), {"launch-template"})
    dry_run(params)
    template = Template(region, name, tags.get("launch-template", {}))
    template.add(params["LaunchTemplateData"], params.get("VersionDescription"))
    region.templates[template.id] = template
    return {"LaunchTemplate": template.view()}


@serves("CreateLaunchTemplateVersion", token=("ClientToken",))
def create_launch_template_version(region, params):
    """Adds a version, which takes over what its source has and it does not say."""
    template = named(region, params)
    data = params["LaunchTemplateData"]
    if source := params.get("SourceVersion"):
        data = {**template.versions[template.version(source)][0], **data}
    dry_run(params)
    number = template.add(data, params.get("VersionDescription"))
    return {"LaunchTemplateVersion": template.version_view(number)}


@serves("ModifyLaunchTemplate", token=("ClientToken",))
def modify_launch_template(region, params):
    """Changes the default version."""
    template = named(region, params)
    template.default = template.version(params.get("DefaultVersion"))
    return {"LaunchTemplate": template.view()}


@serves("DeleteLaunchTemplate")
def delete_launch_template(region, params):
    """Deletes a template with all versions. Machines go on; fleets and groups launch no more of it."""
    template = named(region, params)
    dry_run(params)
    del region.templates[template.id]
    return {"LaunchTemplate": template.view()}


@serves("DeleteLaunchTemplateVersions")
def delete_launch_template_versions(region, params):
    """Deletes versions; the default one cannot be deleted."""
    template = named(region, params)
    done, failed = [], []
    for text in params["Versions"]:
        same = {"LaunchTemplateId": template.id, "LaunchTemplateName": template.name}
        if not text.isdecimal() or int(text) not in template.versions:
            failed.append({**same, "VersionNumber": text if text.isdecimal() else 0, "ResponseError": {
                "Code": "launchTemplateVersionDoesNotExist", "Message": f"Version {text} does not exist"}})
        elif int(text) == template.default:
            failed.append({**same, "VersionNumber": text, "ResponseError": {
                "Code": "unexpectedError", "Message": "The default version cannot be deleted"}})
        else:
            del template.versions[int(text)]
            done.append({**same, "VersionNumber": text})
    return {"SuccessfullyDeletedLaunchTemplateVersions": done,
            "UnsuccessfullyDeletedLaunchTemplateVersions": failed}


FILTERS = {
    "launch-template-name": lambda t: [t.name],
    "create-time": lambda t: [str(t.created)],
}


@serves("DescribeLaunchTemplates")
def describe_launch_templates(region, params):
    """Describes templates by id, name or filter."""
    ids, names = params.get("LaunchTemplateIds") or [], params.get("LaunchTemplateNames") or []
    chosen = [named(region, {"LaunchTemplateId": id}) for id in ids]
    chosen += [named(region, {"LaunchTemplateName": name}) for name in names]
    if not ids and not names:
        chosen = list(region.templates.values())
    filters = Filters(params.get("Filters"), FILTERS)
    part, following = page([one for one in chosen if filters.fit(one)], params, most=200)
    return {"LaunchTemplates": [one.view() for one in part], "NextToken": following}


@serves("DescribeLaunchTemplateVersions")
def describe_launch_template_versions(region, params):
    """Describes versions of one template."""
    template = named(region, params)
    numbers = [template.version(text) for text in params.get("Versions") or []] or list(template.versions)
    part, following = page(numbers, params)
    return {"LaunchTemplateVersions": [template.version_view(number) for number in part], "NextToken": following}
