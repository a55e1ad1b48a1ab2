"""The service models of botocore: which operations there are, and the shape of what they take and give.

The files are read without botocore itself, whose import takes longer than all the rest of the start. What a
call sends is read by the model, so that a parameter that AWS does not know is an error here too.
"""

import functools
import gzip
import importlib.util
import json
import pathlib


class Model:
    """The operations and shapes of one service."""

    def __init__(self, service):
        self.service = service
        found = importlib.util.find_spec("botocore").submodule_search_locations[0]
        # Directories are named by the day of an API version; the newest is the one in use.
        newest = sorted(pathlib.Path(found, "data", service).glob("*/service-2.json.gz"))[-1]
        with gzip.open(newest) as file:
            document = json.load(file)
        self.namespace = document["metadata"].get("xmlNamespace")
        self.version = document["metadata"]["apiVersion"]
        self.operations = document["operations"]
        self.shapes = document["shapes"]
        self._members = {}

    def input_shape(self, action):
        """The name of the shape of what the call takes, `None` where it takes nothing."""
        return self.operations[action].get("input", {}).get("shape")

    def output(self, action):
        """The shape name and the wrapper element of the answer."""
        output = self.operations[action].get("output", {})
        return output.get("shape"), output.get("resultWrapper")

    def members(self, shape, wire_name):
        """Members of a structure as (name on the wire, name, shape, list is flat); kept after the first use."""
        kept = self._members.get((shape, wire_name))
        if kept is None:
            kept = [
                (wire_name(name, reference), name, reference["shape"], bool(reference.get("flattened")))
                for name, reference in self.shapes[shape].get("members", {}).items()
            ]
            self._members[shape, wire_name] = kept
        return kept


@functools.cache
def load(service):
    """The model of a service; each is read once in a process."""
    return Model(service)
