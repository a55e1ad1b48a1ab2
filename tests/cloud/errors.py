"""The error that ends a call, and the errors that several calls share.

Codes and messages are EC2's. A message is part of the interface: the provider reads instance ids out of it.
"""


class Refusal(Exception):
    """Ends a call with an error answer; the wire module puts it into the envelope of the service."""

    def __init__(self, code, message, status=400, headers=()):
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status, self.headers = code, message, status, headers


def invalid(message):
    """A value that the call cannot take."""
    return Refusal("InvalidParameterValue", message)


def combination(message):
    """Parameters that exclude each other."""
    return Refusal("InvalidParameterCombination", message)


def missing(name):
    """A parameter that the call cannot do without."""
    return Refusal("MissingParameter", f"The request must contain the parameter {name}")


def validation(message):
    """Auto Scaling has one code for whatever is wrong with a request."""
    return Refusal("ValidationError", message)


def unknown_instances(ids):
    """Names every unknown id, as EC2 does: the provider leaves these out and repeats the call."""
    ids = list(ids)
    if len(ids) == 1:
        return Refusal("InvalidInstanceID.NotFound", f"The instance ID '{ids[0]}' does not exist")
    return Refusal("InvalidInstanceID.NotFound", f"The instance IDs '{', '.join(ids)}' do not exist")


def dry_run(params):
    """Ends a dry run where the call would have had its effect, that is after every check."""
    if params.get("DryRun"):
        raise Refusal("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412)
