"""What every test has: a cloud in this process, clients of it, and its control interface."""

import functools
import json
import threading
import unittest
import urllib.request

import boto3
import botocore.config
from botocore.exceptions import ClientError

from cloud.__main__ import App, Server

IMAGE = "ami-0abcdef1234567890"


@functools.cache
def address():
    """The address of the cloud that all tests of this process share."""
    app = App()
    server = Server(0, app.handle, app.clock)
    threading.Thread(target=server.run, daemon=True).start()
    return f"http://127.0.0.1:{server.port}"


@functools.cache
def client(service, key="default", region="us-east-1"):
    """A client that never repeats a call; its making takes longer than most tests."""
    config = botocore.config.Config(retries={"max_attempts": 0}, parameter_validation=False, read_timeout=120)
    return boto3.client(service, endpoint_url=address(), region_name=region, aws_access_key_id=key,
                        aws_secret_access_key="secret", config=config)


def control(what, body=None, tenant="default", **query):
    """A call of the control interface."""
    query = "&".join(f"{name}={value}" for name, value in {"tenant": tenant, **query}.items())
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{address()}/cloud/{what}?{query}", data=data)) as answer:
        return json.load(answer)


class CloudCase(unittest.TestCase):
    """A test that begins with an empty cloud."""

    def setUp(self):
        control("reset")
        self.ec2 = client("ec2")
        self.subnets = [subnet["id"] for subnet in control("world")["subnets"]]

    def truth(self, kind="machines"):
        """The resources as they are."""
        return control("truth")[kind]

    def living(self):
        """The machines that live."""
        return [machine for machine in self.truth() if machine["state"] in ("pending", "running")]

    def refused(self, code, call, *arguments, **parameters):
        """Checks that the call ends with an error of this code; gives the message."""
        with self.assertRaises(ClientError) as caught:
            call(*arguments, **parameters)
        self.assertEqual(caught.exception.response["Error"]["Code"], code,
                         caught.exception.response["Error"]["Message"])
        return caught.exception.response["Error"]["Message"]

    def run_machines(self, count=1, **fields):
        """Ids of new machines."""
        fields = {"ImageId": IMAGE, "InstanceType": "m5.large", "SubnetId": self.subnets[0], "MinCount": 1,
                  "MaxCount": count, **fields}
        fields = {name: value for name, value in fields.items() if value is not None}
        return [one["InstanceId"] for one in self.ec2.run_instances(**fields)["Instances"]]

    def described(self, **parameters):
        """Machines as DescribeInstances lists them, by id."""
        answer = self.ec2.describe_instances(**parameters)
        return {one["InstanceId"]: one for group in answer["Reservations"] for one in group["Instances"]}

    def template(self, name="template", **data):
        """A new launch template's id."""
        data = {"ImageId": IMAGE, "InstanceType": "m5.large", **data}
        return self.ec2.create_launch_template(
            LaunchTemplateName=name, LaunchTemplateData=data)["LaunchTemplate"]["LaunchTemplateId"]
