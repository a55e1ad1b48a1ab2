"""The table of calls that the cloud answers itself; each module of calls adds its own."""

HANDLERS = {}
TOKENS = {}


def serves(action, service="ec2", token=None):
    """Registers a function `(region, params) -> result`. `token` is the path of the idempotency token."""

    def register(function):
        HANDLERS[service, action] = function
        if token is not None:
            TOKENS[service, action] = token
        return function

    return register


def token_of(service, action, params):
    """The idempotency token of a call, if it has one."""
    value = params
    for part in TOKENS.get((service, action), ()):
        value = value.get(part)
        if value is None:
            return None
    return None if value is params else value
