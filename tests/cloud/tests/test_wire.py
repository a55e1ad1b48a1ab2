"""The wire: envelopes, faults, keep-alive, the log of calls; and that all of it is in botocore's model."""

import contextlib
import json
import re
import socket
import time
import unittest
import urllib.parse

import botocore.loaders
import botocore.model
from botocore.exceptions import ClientError

from cloud import model, reading, table

from .case import CloudCase, address, client, control

RUN = {"Action": "RunInstances", "Version": "2016-11-15", "ImageId": "ami-0abcdef1234567890",
       "InstanceType": "m5.large", "MinCount": "1", "MaxCount": "1", "ClientToken": "t"}
LOOK = {"Action": "DescribeInstances", "Version": "2016-11-15"}


def connect():
    """A connection to the cloud."""
    connection = socket.create_connection(("127.0.0.1", int(address().rsplit(":", 1)[1])))
    connection.settimeout(10)
    return connection


def send(connection, form, headers=""):
    """Sends a call as Query text."""
    body = urllib.parse.urlencode(form)
    connection.sendall(f"POST / HTTP/1.1\r\nHost: cloud\r\n{headers}Content-Length: {len(body)}\r\n\r\n{body}".encode())


def receive(connection):
    """One answer: status, headers, body."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:])}
    while len(body) < int(headers["content-length"]):
        body += connection.recv(65536)
    return int(lines[0].split()[1]), headers, body.decode()


class Envelopes(CloudCase):
    """Errors as each service sends them."""

    def failed(self, form, headers=""):
        """The answer of a call that a fault ends."""
        control("faults", [{"status": 503, "code": "Some<Code>", "message": "a & b"}])
        with connect() as connection:
            send(connection, form, headers)
            return receive(connection)

    def test_ec2(self):
        status, headers, body = self.failed(LOOK)
        self.assertEqual((status, headers["content-type"]), (503, "text/xml;charset=UTF-8"))
        self.assertRegex(headers["x-amzn-requestid"], r"^[0-9a-f-]{36}$")
        self.assertEqual(
            re.sub(r"[0-9a-f-]{36}", "ID", body),
            '<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error><Code>Some&lt;Code&gt;</Code>'
            "<Message>a &amp; b</Message></Error></Errors><RequestID>ID</RequestID></Response>")

    def test_a_stated_wait(self):
        control("faults", [{"status": 503, "code": "RequestLimitExceeded", "retry_after": 1500, "times": 1}])
        with connect() as connection:
            for expected in ("1500", None):
                send(connection, LOOK)
                self.assertEqual(receive(connection)[1].get("x-amz-retry-after"), expected)

    def test_auto_scaling_and_sts(self):
        rows = [("2011-01-01", "DescribeAutoScalingGroups", "http://autoscaling.amazonaws.com/doc/2011-01-01/"),
                ("2011-06-15", "GetCallerIdentity", "https://sts.amazonaws.com/doc/2011-06-15/")]
        for version, action, namespace in rows:
            _, headers, body = self.failed({"Action": action, "Version": version})
            self.assertEqual(headers["content-type"], "text/xml")
            self.assertEqual(
                re.sub(r"[0-9a-f-]{36}", "ID", body),
                f'<ErrorResponse xmlns="{namespace}"><Error><Type>Receiver</Type><Code>Some&lt;Code&gt;</Code>'
                "<Message>a &amp; b</Message></Error><RequestId>ID</RequestId></ErrorResponse>")

    def test_ssm(self):
        _, headers, body = self.failed({}, "X-Amz-Target: AmazonSSM.GetParameters\r\n")
        self.assertEqual(headers["content-type"], "application/x-amz-json-1.1")
        self.assertEqual(json.loads(body), {"__type": "Some<Code>", "message": "a & b"})

    def test_a_parameter_that_aws_does_not_know(self):
        with connect() as connection:
            for form, code in (({**LOOK, "Nonsense": "1"}, "UnknownParameter"), ({**LOOK, "DryRun": "maybe"},
                               "InvalidParameterValue"), ({"Action": "Nonsense", "Version": "2016-11-15"},
                               "InvalidAction"), ({**LOOK, "Action": "TerminateInstances"}, "MissingParameter")):
                send(connection, form)
                self.assertIn(f"<Code>{code}</Code>", receive(connection)[2])


class Faults(CloudCase):
    """Each kind, before and after the effect."""

    def struck(self, **rule):
        """What the client sees of a launch that a fault strikes: an answer, or an exception."""
        control("faults", [{"action": "RunInstances", "times": 1, **rule}])
        with connect() as connection:
            send(connection, RUN)
            try:
                first = connection.recv(1)
                return first and connection.recv(1 << 20, socket.MSG_WAITALL if rule["kind"] == "cut" else 0)
            except OSError as error:
                return error

    def test_a_reset_is_a_reset_and_a_close_is_none(self):
        for when, machines in (("before", 0), ("after", 1)):
            control("reset")
            self.assertIsInstance(self.struck(kind="reset", when=when), ConnectionResetError)
            self.assertEqual(len(self.living()), machines)
            control("reset")
            self.assertEqual(self.struck(kind="close", when=when), b"")
            self.assertEqual(len(self.living()), machines)

    def test_half_a_body(self):
        body = self.struck(kind="cut", when="after")
        head, _, half = body.partition(b"\r\n\r\n")
        length = int(re.search(rb"Content-Length: (\d+)", head)[1])
        self.assertEqual(len(half), length // 2)
        self.assertEqual(len(self.living()), 1)

    def test_silence_until_the_client_gives_up(self):
        control("faults", [{"action": "RunInstances", "kind": "hang", "when": "after"}])
        with connect() as connection:
            connection.settimeout(0.2)
            send(connection, RUN)
            with self.assertRaises(TimeoutError):
                connection.recv(1)
        self.assertEqual(len(self.living()), 1)

    def test_slow_answers_are_whole(self):
        start = time.monotonic()
        self.assertIn(b"RunInstancesResponse", self.struck(kind="slow", when="after", seconds=0.2))
        self.assertGreater(time.monotonic() - start, 0.19)

    def test_twice_is_two_calls_in_one(self):
        self.assertIn(b"RunInstancesResponse", self.struck(kind="twice"))
        self.assertEqual(len(self.living()), 1)
        control("faults", [{"action": "RunInstances", "kind": "twice"}])
        with connect() as connection:
            send(connection, {name: value for name, value in RUN.items() if name != "ClientToken"})
            receive(connection)
        self.assertEqual(len(self.living()), 3)

    def test_an_error_after_the_effect_and_the_same_token_again(self):
        control("faults", [{"action": "RunInstances", "when": "after", "times": 1}])
        self.refused("InternalError", self.run_machines, ClientToken="t")
        self.assertEqual(len(self.living()), 1)
        self.assertEqual(self.run_machines(ClientToken="t"), [self.living()[0]["id"]])

    def test_a_page_of_a_load_balancer(self):
        control("faults", [{"kind": "html"}])
        with connect() as connection:
            send(connection, RUN)
            status, headers, body = receive(connection)
        self.assertEqual((status, headers["content-type"]), (502, "text/html"))
        self.assertEqual(body, "<html><body><b>Http/1.1 Service Unavailable</b></body> </html>")

    def test_rules_choose_their_calls(self):
        error = {"code": "Chosen", "status": 400}
        control("faults", [{"action": ["RunInstances"], "token": "t", **error}])
        self.run_machines(ClientToken="u")
        self.refused("Chosen", self.run_machines, ClientToken="t")
        control("faults", [{"tag": "k=v", **error}])
        tags = [{"ResourceType": "instance", "Tags": [{"Key": "k", "Value": "v"}]}]
        self.refused("Chosen", self.run_machines, TagSpecifications=tags)
        self.refused("Chosen", self.described, Filters=[{"Name": "tag:k", "Values": ["v"]}])
        self.described(Filters=[{"Name": "tag:k", "Values": ["w"]}])
        control("faults", [{"action": "DescribeInstances", "skip": 1, "times": 1, **error}])
        self.described()
        self.refused("Chosen", self.described)
        self.described()
        self.assertEqual(control("faults")[0]["used"], 1)

    def test_a_seed_repeats_a_run(self):
        def run():
            control("faults", [{"p": 0.5, "seed": 7, "code": "Chosen", "status": 400}])
            seen = []
            for _ in range(20):
                try:
                    self.described()
                    seen.append(True)
                except ClientError:
                    seen.append(False)
            return seen

        first = run()
        self.assertEqual(first, run())
        self.assertEqual(set(first), {True, False})

    def test_any_is_every_kind_and_no_launch_is_doubled(self):
        control("faults", [{"action": "RunInstances", "kind": "any", "seed": 3}])
        for number in range(60):
            with connect() as connection, contextlib.suppress(OSError, ValueError, IndexError):
                send(connection, {**RUN, "ClientToken": str(number)})
                connection.settimeout(1)
                connection.recv(65536)
        calls = control("calls")
        seen = {call["fault"].split()[0] for call in calls}
        self.assertEqual(seen, {"error", "html", "reset", "close", "cut", "twice", "slow"})
        throttled = {call["fault"] for call in calls if call["code"] == "RequestLimitExceeded"}
        self.assertEqual(throttled, {"error before"})
        tokens = [machine["token"] for machine in self.living()]
        self.assertEqual(len(tokens), len(set(tokens)))

    def test_a_rule_with_an_unknown_field_is_refused(self):
        with self.assertRaisesRegex(Exception, "400"):
            control("faults", [{"acton": "*"}])

    def test_clock_skew(self):
        control("settings", {"skew": -600, "skew_refused": True})
        with connect() as connection:
            send(connection, LOOK)
            status, headers, body = receive(connection)
        self.assertEqual(status, 401)
        self.assertIn("<Code>AuthFailure</Code>", body)
        self.assertNotEqual(headers["date"], control("clock")["real"])


class TheLog(CloudCase):
    """What a test reads of calls."""

    def test_calls_with_token_body_and_end(self):
        with connect() as connection:
            for _ in range(2):
                send(connection, RUN)
                receive(connection)
        first, second = control("calls", action="RunInstances")
        self.assertEqual((first["token"], first["status"], first["params"]["MaxCount"]), ("t", 200, 1))
        self.assertEqual(first["body"], second["body"])
        self.assertEqual(control("counts"), {"RunInstances": 2})
        self.refused("InvalidInstanceID.NotFound", self.described, InstanceIds=["i-00000000000000000"])
        last = control("calls", since=second["number"])[0]
        self.assertEqual((last["action"], last["status"], last["code"]),
                         ("DescribeInstances", 400, "InvalidInstanceID.NotFound"))
        control("calls", {"clear": True})
        self.assertEqual(control("counts"), {})

    def test_a_call_whose_fault_comes_after_the_effect_says_so(self):
        control("faults", [{"action": "RunInstances", "when": "after", "times": 1}])
        self.refused("InternalError", self.run_machines)
        call, = control("calls")
        self.assertEqual((call["fault"], call["code"]), ("error after", "InternalError"))

    def test_connections_are_kept(self):
        with connect() as connection:
            for _ in range(3):
                send(connection, LOOK)
                self.assertEqual(receive(connection)[0], 200)

    def test_what_no_module_serves_moto_answers(self):
        self.assertEqual(len(self.ec2.describe_vpcs()["Vpcs"]), 1)
        self.refused("InvalidAction", self.ec2.describe_vpc_endpoint_associations)
        self.refused("InvalidAction", self.ec2.describe_instance_status)


class TheModel(unittest.TestCase):
    """Our reading of the models beside botocore's own."""

    @classmethod
    def setUpClass(cls):
        loader = botocore.loaders.Loader()
        cls.services = {
            name: botocore.model.ServiceModel(loader.load_service_model(name, "service-2"), name)
            for name in ("ec2", "autoscaling", "ssm", "sts")
        }

    def test_every_call_we_serve_is_an_operation_and_its_token_a_member(self):
        for service, action in table.HANDLERS:
            operation = self.services[service].operation_model(action)
            shape = operation.input_shape
            for part in table.TOKENS.get((service, action), ()):
                self.assertIn(part, shape.members, action)
                shape = shape.members[part]

    def test_every_idempotency_token_of_the_model_is_ours(self):
        # Calls whose token only guards against a second identical change, which is harmless.
        harmless = {"ModifyLaunchTemplate"}
        for service, action in table.HANDLERS:
            shape = self.services[service].operation_model(action).input_shape
            names = [name for name, member in (shape.members if shape else {}).items()
                     if member.metadata.get("idempotencyToken") or name == "ClientToken"]
            if names and action not in harmless:
                self.assertIn((service, action), table.TOKENS)

    def test_we_read_what_botocore_writes(self):
        from botocore.serialize import create_serializer

        params = {
            "MinCount": 1, "MaxCount": 2, "ClientToken": "t", "SecurityGroupIds": ["sg-1", "sg-2"],
            "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "a", "Value": "b"}]}],
            "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 8, "Encrypted": True}}],
            "NetworkInterfaces": [{"DeviceIndex": 0, "Groups": ["sg-1"], "SubnetId": "subnet-1"}],
            "InstanceMarketOptions": {"MarketType": "spot", "SpotOptions": {"MaxPrice": "0.1"}},
        }
        self.same("ec2", "RunInstances", params, create_serializer("ec2", False))
        self.same("autoscaling", "CreateAutoScalingGroup", {
            "AutoScalingGroupName": "g", "MinSize": 0, "MaxSize": 3, "Tags": [
                {"Key": "a", "Value": "b", "PropagateAtLaunch": True}],
            "MixedInstancesPolicy": {"LaunchTemplate": {"Overrides": [
                {"InstanceType": "m5.large", "WeightedCapacity": "2"}]}},
        }, create_serializer("query", False))

    def same(self, service, action, params, serializer):
        """Checks that a call comes in as it went out."""
        operation = self.services[service].operation_model(action)
        body = serializer.serialize_to_request(params, operation)["body"]
        form = [(name, {True: "true", False: "false"}.get(value, str(value)) if isinstance(value, bool) else str(value))
                for name, value in body.items()]
        self.assertEqual(reading.parameters(model.load(service), action, form), params)

    def test_errors_of_auto_scaling_are_those_of_the_model(self):
        shapes = self.services["autoscaling"]
        codes = {shapes.shape_for(name).metadata.get("error", {}).get("code", name)
                 for name in shapes.shape_names if shapes.shape_for(name).metadata.get("exception")}
        self.assertLessEqual({"AlreadyExists", "ResourceInUse", "ScalingActivityInProgress"}, codes)

    def test_states_and_codes_are_those_of_the_model(self):
        ec2 = self.services["ec2"]
        rows = [
            ("FleetStateCode", {"submitted", "active", "deleted", "deleted_running", "deleted_terminating"}),
            ("FleetActivityStatus", {"error", "pending_fulfillment", "pending_termination", "fulfilled"}),
            ("DeleteFleetErrorCode", {"fleetIdDoesNotExist", "fleetIdMalformed", "fleetNotInDeletableState"}),
            ("BatchState", {"submitted", "active", "cancelled", "cancelled_running", "cancelled_terminating"}),
            ("ActivityStatus", {"error", "pending_fulfillment", "pending_termination", "fulfilled"}),
            ("CancelBatchErrorCode", {"fleetRequestIdDoesNotExist", "fleetRequestIdMalformed",
                                      "fleetRequestNotInCancellableState"}),
            ("EventType", {"instanceChange", "fleetRequestChange", "error"}),
            ("FleetEventType", {"instance-change", "fleet-change", "service-error"}),
            ("InstanceStateName", {"pending", "running", "shutting-down", "terminated", "stopped"}),
        ]
        for shape, ours in rows:
            self.assertLessEqual(ours, set(ec2.shape_for(shape).enum), shape)


class Tenants(CloudCase):
    """Size and isolation."""

    def test_a_thousand_machines_in_one_answer(self):
        ids = self.run_machines(1000)
        self.assertEqual(len(self.described(InstanceIds=ids)), 1000)
        self.ec2.terminate_instances(InstanceIds=ids)
        self.assertEqual(self.living(), [])

    def test_two_tenants_do_not_see_each_other(self):
        self.run_machines()
        self.assertEqual(client("ec2", key="another").describe_instances()["Reservations"], [])
        self.assertEqual(control("truth", tenant="another")["machines"], [])
