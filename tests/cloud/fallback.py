"""moto, for every call that this cloud does not answer itself. It is started when the first such call comes."""

import functools
import io
import re

from .errors import Refusal
from .writing import Reply

# What this cloud models is not asked of moto, whose own machines and networks are others.
OURS = re.compile(
    r"Instance(?!Type)|Tags|Fleet|LaunchTemplate|Volume|NetworkInterface|Subnet|SecurityGroup|KeyPair|Image"
    r"|PlacementGroup")
OURS_WHOLE = ("autoscaling", "ssm")


@functools.cache
def _application():
    # Importing it and setting up its first account takes about five seconds.
    from moto.server import DomainDispatcherApplication, create_backend_app

    return DomainDispatcherApplication(create_backend_app)


def answer(tenant, call, request):
    """What moto says, in an account of the tenant. What moto cannot do is an error, and no page of HTML."""
    if call.service in OURS_WHOLE or (call.service == "ec2" and OURS.search(call.action)):
        raise _unknown(call)
    got = {}

    def start(status, headers, _=None):
        got["status"] = int(status.split()[0])
        got["headers"] = {name.lower(): value for name, value in headers}

    environment = {
        "REQUEST_METHOD": request.method, "PATH_INFO": request.path, "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http", "wsgi.version": (1, 0), "wsgi.errors": io.StringIO(),
        "wsgi.input": io.BytesIO(request.body), "wsgi.multithread": True, "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "CONTENT_LENGTH": str(len(request.body)), "CONTENT_TYPE": request.headers.get("content-type", ""),
        "HTTP_X_MOTO_ACCOUNT_ID": tenant.account,
    }
    for name, value in request.headers.items():
        if name not in ("content-length", "content-type"):
            environment["HTTP_" + name.upper().replace("-", "_")] = value
    try:
        body = b"".join(_application()(environment, start))
    except ImportError as error:
        raise Refusal("InvalidAction", f"{call.action} needs moto, which is not installed: {error}") from None
    except NotImplementedError:
        raise _unknown(call) from None
    kind = got["headers"].get("content-type", "text/xml")
    if got["status"] >= 500 and b"<html" in body[:200].lower() or body[:9].lower() == b"<!doctype":
        raise _unknown(call)
    return Reply(got["status"], kind, body)


def _unknown(call):
    return Refusal("InvalidAction", f"The action {call.action} is not served by the cloud for tests.")
