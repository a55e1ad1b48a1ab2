"""Hooks of the conformance runner on the cloud for tests (tests/cloud).

    cloud.py live      prints how many machines exist, whatever launched them
    cloud.py reclaim   ends the machine $HF_MACHINE_ID as spot does, behind the plug-in's back

Address and account are those that the plug-in under test is given: AWS_ENDPOINT_URL and AWS_ACCESS_KEY_ID.
"""

import json
import os
import sys
import urllib.parse
import urllib.request

SPOT = {
    "code": "Server.SpotInstanceTermination",
    "message": "Server.SpotInstanceTermination: Spot instance termination",
}


def control(name, body=None):
    """Calls the control interface."""
    query = urllib.parse.urlencode({"tenant": os.environ["AWS_ACCESS_KEY_ID"]})
    data = b"" if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(f"{os.environ['AWS_ENDPOINT_URL']}/cloud/{name}?{query}", data=data) as answer:
        return json.load(answer)


def main(arguments):
    """Runs one hook."""
    if arguments == ["live"]:
        states = [machine["state"] for machine in control("truth")["machines"]]
        print(sum(state in ("pending", "running") for state in states))
    elif arguments == ["reclaim"]:
        control("end", {"ids": [os.environ["HF_MACHINE_ID"]], **SPOT})
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
