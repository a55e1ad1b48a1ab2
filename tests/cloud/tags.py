"""Tags: what a user may set, and on what a call sets them."""

from .errors import Refusal, invalid

MOST = 50
LONGEST_KEY, LONGEST_VALUE = 128, 256


def checked(pairs):
    """Tags of a call as a dictionary, if EC2 would take them."""
    tags = {}
    for pair in pairs or []:
        key, value = pair.get("Key", ""), pair.get("Value", "")
        if key.startswith("aws:"):
            raise invalid("Tag keys starting with 'aws:' are reserved for internal use")
        if not key:
            raise invalid("Tag key cannot be empty.")
        if len(key) > LONGEST_KEY:
            raise invalid(f"Tag key exceeds the maximum length of {LONGEST_KEY} characters")
        if len(value) > LONGEST_VALUE:
            raise invalid(f"Tag value exceeds the maximum length of {LONGEST_VALUE} characters")
        if key in tags:
            raise invalid(f"Duplicate tag key '{key}' specified.")
        tags[key] = value
    if len(tags) > MOST:
        raise Refusal("TagLimitExceeded", f"More than {MOST} tags specified")
    return tags


def specified(specifications, allowed):
    """Tags by type of resource; a type that the call does not make is an error."""
    found = {}
    for specification in specifications or []:
        kind = specification.get("ResourceType")
        if kind not in allowed:
            raise invalid(f"'{kind}' is not a valid taggable resource type for this operation.")
        if kind in found:
            raise invalid(f"Multiple tag specifications of resource type '{kind}' specified.")
        found[kind] = checked(specification.get("Tags"))
    return found


def merged(lower, upper):
    """Tags by type of resource, the upper ones winning."""
    return {kind: {**lower.get(kind, {}), **upper.get(kind, {})} for kind in {*lower, *upper}}
