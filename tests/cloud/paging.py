"""Pages of long answers. A token carries its place and the call it belongs to."""

import base64
import hashlib
import json

from .errors import Refusal


def page(things, params, *, size="MaxResults", most=None, token="NextToken", empty_last=False):
    """The things of one page, and the token of the next page if there is one.

    `empty_last` gives a full last page a token too: AWS does so where it has not looked ahead.
    """
    seal = _seal(params, size, token)
    start = 0
    if params.get(token):
        start = _place(params[token], seal)
    length = params.get(size) or most
    if not length:
        return things[start:], None
    end = start + length
    following = None
    if end < len(things) or (empty_last and end == len(things)):
        following = base64.urlsafe_b64encode(f"{end} {seal}".encode()).decode()
    return things[start:end], following


def _seal(params, size, token):
    rest = {name: value for name, value in params.items() if name not in (size, token)}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()[:16]


def _place(token, seal):
    try:
        place, found = base64.urlsafe_b64decode(token.encode()).decode().split(" ")
        if found == seal:
            return int(place)
    except ValueError:
        pass
    raise Refusal("InvalidPaginationToken", "The pagination token is not valid.")
