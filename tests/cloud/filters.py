"""Filters of the describing calls: `*` and `?` as wildcards, at most 200 values a call, unknown names refused."""

import re

from .errors import Refusal, invalid

MOST_VALUES = 200


class Filters:
    """The filters of one call, all of which must fit; of the values of one filter any may fit."""

    def __init__(self, given, names):
        """`names` maps a filter's name to a function that gives the list of a thing's values."""
        given = given or []
        if sum(len(one.get("Values", [])) for one in given) > MOST_VALUES:
            raise Refusal("FilterLimitExceeded",
                          f"The maximum number of filter values specified on a single call is {MOST_VALUES}")
        self.tests = [_test(one.get("Name", ""), one.get("Values", []), names) for one in given]

    def fit(self, thing):
        """Whether the thing passes."""
        return all(test(thing) for test in self.tests)


def _test(name, values, names):
    plain, patterns = _values(values)

    def fits(value):
        return value in plain or any(pattern.fullmatch(value) for pattern in patterns)

    if name.startswith("tag:"):
        key = name[4:]
        return lambda thing: key in thing.tags and fits(thing.tags[key])
    if name == "tag-key":
        return lambda thing: any(fits(key) for key in thing.tags)
    if name not in names:
        raise invalid(f"The filter '{name}' is invalid")
    read = names[name]
    return lambda thing: any(fits(value) for value in read(thing) if value is not None)


def _values(values):
    plain, patterns = set(), []
    for value in values:
        if not re.search(r"[*?\\]", value):
            plain.add(value)
            continue
        text = ""
        place = 0
        while place < len(value):
            sign = value[place]
            if sign == "\\" and place + 1 < len(value):
                place += 1
                text += re.escape(value[place])
            else:
                text += {"*": ".*", "?": "."}.get(sign, re.escape(sign))
            place += 1
        patterns.append(re.compile(text, re.DOTALL))
    return plain, patterns
