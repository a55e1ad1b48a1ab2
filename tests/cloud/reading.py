"""Reads the parameters of a call: a flat form of Query text becomes nested values by the service's model."""

import base64
import binascii
import datetime

from .errors import Refusal, invalid, missing, validation

# Members that name the call itself.
ENVELOPE = {"Action", "Version"}


def parameters(model, action, form):
    """The parameters of a call as nested dictionaries and lists, by the names of the model."""
    tree = {}
    for key, value in form:
        if key in ENVELOPE:
            continue
        node = tree
        for part in key.split("."):
            node = node.setdefault(part, {})
        node[None] = value
    shape = model.input_shape(action)
    if shape is None:
        return {}
    return _read(model, shape, tree, "", model.service == "ec2")


def _wire_ec2(name, reference):
    named = reference.get("queryName")
    if named is None:
        named = reference.get("locationName", name)
        named = named[:1].upper() + named[1:]
    return named


def _wire_query(name, reference):
    return reference.get("locationName", name)


def _read(model, shape, node, path, is_ec2):
    definition = model.shapes[shape]
    kind = definition["type"]
    if kind == "structure":
        return _structure(model, shape, definition, node, path, is_ec2)
    if kind == "list":
        return _list(model, definition, node, path, is_ec2)
    if kind == "map":
        raise Refusal("InternalError", f"the cloud for tests reads no maps ({path})", 500)
    text = node.get(None)
    if text is None or len(node) > 1:
        raise invalid(f"Value for parameter {path} is not a plain value")
    return _leaf(kind, definition, shape, text, path)


def _structure(model, shape, definition, node, path, is_ec2):
    known = {}
    unread = set(node) - {None}
    for wire, name, inner, flat in model.members(shape, _wire_ec2 if is_ec2 else _wire_query):
        if wire in node:
            unread.discard(wire)
            child = node[wire]
            if not is_ec2 and not flat and model.shapes[inner]["type"] == "list":
                member = model.shapes[inner]["member"].get("locationName", "member")
                child = child.get(member, {})
            known[name] = _read(model, inner, child, f"{path}.{wire}" if path else wire, is_ec2)
    if unread:
        stranger = f"{path}.{min(unread)}" if path else min(unread)
        raise Refusal("UnknownParameter", f"The parameter {stranger} is not recognized")
    for name in definition.get("required", []):
        if name not in known:
            if is_ec2:
                raise missing(f"{path}.{name}" if path else name)
            raise validation(f"1 validation error detected: Value null at '{name}' failed to satisfy constraint:"
                             " Member must not be null")
    return known


def _list(model, definition, node, path, is_ec2):
    try:
        places = sorted((int(place), place) for place in node if place is not None)
    except ValueError:
        raise invalid(f"The list {path} has a place that is no number") from None
    inner = definition["member"]["shape"]
    return [_read(model, inner, node[place], f"{path}.{place}", is_ec2) for _, place in places]


def _leaf(kind, definition, shape, text, path):
    try:
        if kind in ("integer", "long"):
            return int(text)
        if kind in ("double", "float"):
            return float(text)
        if kind == "boolean":
            return {"true": True, "false": False}[text.lower()]
        if kind == "timestamp":
            return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
        if kind == "blob":
            base64.b64decode(text, validate=True)
    except (ValueError, KeyError, binascii.Error):
        raise invalid(f"Invalid value '{text}' for {path}: it is no {kind}") from None
    # Instance types change by the week; which exist is the world's to say.
    if "enum" in definition and shape != "InstanceType" and text not in definition["enum"]:
        raise invalid(f"Value ({text}) for parameter {path} is invalid.")
    return text
