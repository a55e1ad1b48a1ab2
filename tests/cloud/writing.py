"""Writes answers: nested values become the XML of a service by its model, and refusals its error envelope."""

import datetime
import json
import uuid
from xml.sax.saxutils import escape

XML_EC2 = "text/xml;charset=UTF-8"
XML_QUERY = "text/xml"
JSON = "application/x-amz-json-1.1"
NAMESPACES = {
    "autoscaling": "http://autoscaling.amazonaws.com/doc/2011-01-01/",
    "sts": "https://sts.amazonaws.com/doc/2011-06-15/",
}


class Reply:
    """An HTTP answer before it goes out."""

    def __init__(self, status, kind, body, request_id=None, headers=()):
        self.status, self.kind, self.body = status, kind, body
        self.request_id = request_id or str(uuid.uuid4())
        self.headers = list(headers)


class Markup(str):
    """Text that is XML already: machines keep theirs, since it is needed far more often than it changes."""


def moment(seconds):
    """A time as AWS writes it."""
    at = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"


def answer(model, action, result):
    """The answer of a call that succeeded."""
    request_id = str(uuid.uuid4())
    if model.service == "ssm":
        return Reply(200, JSON, json.dumps(result).encode(), request_id)
    shape, wrapper = model.output(action)
    inner = "".join(_structure(model, shape, result)) if shape and result is not None else ""
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<{action}Response xmlns="{model.namespace}">'
    if model.service == "ec2":
        # Calls without an answer of their own say that they were done.
        inner = inner if shape else "<return>true</return>"
        body = f"{head}<requestId>{request_id}</requestId>{inner}</{action}Response>"
        return Reply(200, XML_EC2, body.encode(), request_id)
    if wrapper:
        inner = f"<{wrapper}>{inner}</{wrapper}>"
    metadata = f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
    return Reply(200, XML_QUERY, f"{head}{inner}{metadata}</{action}Response>".encode(), request_id)


def refusal(service, status, code, message):
    """An error in the envelope that the SDKs expect of the service."""
    request_id = str(uuid.uuid4())
    if service == "ssm":
        body = json.dumps({"__type": code, "message": message})
        return Reply(status, JSON, body.encode(), request_id)
    code, message = escape(code), escape(message)
    if service in NAMESPACES:
        blame = "Sender" if status < 500 else "Receiver"
        body = (f'<ErrorResponse xmlns="{NAMESPACES[service]}"><Error><Type>{blame}</Type><Code>{code}</Code>'
                f"<Message>{message}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>")
        return Reply(status, XML_QUERY, body.encode(), request_id)
    body = ('<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
            f"<RequestID>{request_id}</RequestID></Response>")
    return Reply(status, XML_EC2, body.encode(), request_id)


def item(model, shape, value):
    """One structure as XML without an element around it."""
    return Markup("".join(_structure(model, shape, value)))


def _tag(name, reference):
    return reference.get("locationName", name)


def _structure(model, shape, value):
    for wire, name, inner, _ in model.members(shape, _tag):
        child = value.get(name)
        if child is not None:
            yield f"<{wire}>"
            yield from _value(model, inner, child)
            yield f"</{wire}>"


def _value(model, shape, value):
    if isinstance(value, Markup):
        yield value
        return
    definition = model.shapes[shape]
    kind = definition["type"]
    if kind == "structure":
        yield from _structure(model, shape, value)
    elif kind == "list":
        inner = definition["member"]
        wire = inner.get("locationName", "item" if model.service == "ec2" else "member")
        for element in value:
            yield f"<{wire}>"
            yield from _value(model, inner["shape"], element)
            yield f"</{wire}>"
    elif kind == "boolean":
        yield "true" if value else "false"
    elif kind == "timestamp":
        yield moment(value)
    elif kind in ("integer", "long"):
        yield str(int(value))
    else:
        yield escape(str(value))
