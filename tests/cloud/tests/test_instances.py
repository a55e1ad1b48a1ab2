"""RunInstances, DescribeInstances and TerminateInstances."""

import base64
import time
import urllib.error

from .case import IMAGE, CloudCase, client, control

STRANGE = "i-00000000000000000"


class Launches(CloudCase):
    """How many machines a launch makes, of what, and with which tags."""

    def test_takes_as_many_as_there_are_up_to_the_highest_count(self):
        self.assertEqual(len(self.run_machines(5)), 5)
        control("capacity", {f"m5.large@{self.subnets[0]}": 3})
        self.assertEqual(len(self.run_machines(5)), 3)
        self.refused("InsufficientInstanceCapacity", self.run_machines, 5)
        self.assertEqual(len(self.run_machines(5, SubnetId=self.subnets[1])), 5)

    def test_a_lack_of_capacity_has_status_500(self):
        control("capacity", {"*": 2})
        with self.assertRaises(Exception) as caught:
            self.run_machines(3, MinCount=3)
        self.assertEqual(caught.exception.response["ResponseMetadata"]["HTTPStatusCode"], 500)
        self.assertEqual(self.truth(), [])

    def test_capacity_by_zone_and_option(self):
        control("capacity", {"*@us-east-1a/spot": 1})
        market = {"MarketType": "spot"}
        self.assertEqual(len(self.run_machines(3)), 3)
        self.assertEqual(len(self.run_machines(3, InstanceMarketOptions=market)), 1)
        message = self.refused("InsufficientInstanceCapacity", self.run_machines, InstanceMarketOptions=market)
        self.assertIn("no Spot capacity", message)

    def test_counts(self):
        for least, most in ((0, 1), (0, 0), (3, 1)):
            with self.subTest((least, most)):
                self.refused("InvalidParameterValue", self.run_machines, most, MinCount=least)

    def test_the_same_token_is_the_same_launch(self):
        first = self.run_machines(3, ClientToken="t")
        self.assertEqual(self.run_machines(3, ClientToken="t"), first)
        self.refused("IdempotentParameterMismatch", self.run_machines, 4, ClientToken="t")
        self.assertNotEqual(self.run_machines(3, ClientToken="u"), first)
        self.ec2.terminate_instances(InstanceIds=first)
        again = self.ec2.run_instances(ImageId=IMAGE, InstanceType="m5.large", SubnetId=self.subnets[0], MinCount=1,
                                       MaxCount=3, ClientToken="t")
        self.assertEqual({one["State"]["Name"] for one in again["Instances"]}, {"terminated"})

    def test_a_token_whose_launch_failed_is_unused(self):
        control("capacity", {"*": 0})
        self.refused("InsufficientInstanceCapacity", self.run_machines, ClientToken="t")
        control("capacity", {"*": None})
        self.assertEqual(len(self.run_machines(ClientToken="t")), 1)

    def test_a_token_has_at_most_64_characters(self):
        self.refused("InvalidParameterValue", self.run_machines, ClientToken="t" * 65)

    def test_what_a_launch_cannot_be_made_of(self):
        data = base64.b64encode(b"x" * 16385).decode()
        rows = [
            ("InvalidAMIID.NotFound", {"ImageId": "ami-00000000000000000"}),
            ("InvalidAMIID.Malformed", {"ImageId": "ami-nonsense"}),
            ("MissingParameter", {"ImageId": None}),
            ("InvalidParameterValue", {"InstanceType": "m5.tiny"}),
            ("InvalidParameterValue", {"InstanceType": "m6g.large"}),
            ("InvalidSubnetID.NotFound", {"SubnetId": "subnet-00000000000000000"}),
            ("InvalidGroup.NotFound", {"SecurityGroupIds": ["sg-00000000000000000"]}),
            ("InvalidKeyPair.NotFound", {"KeyName": "none"}),
            ("InvalidParameterValue", {"IamInstanceProfile": {"Name": "none"}}),
            ("InvalidParameterValue", {"IamInstanceProfile": {"Arn": "ohfp-profile"}}),
            ("InvalidPlacementGroup.Unknown", {"Placement": {"GroupName": "none"}}),
            ("InvalidLaunchTemplateId.NotFound", {"LaunchTemplate": {"LaunchTemplateId": "lt-00000000000000000"}}),
            ("InvalidLaunchTemplateId.Malformed", {"LaunchTemplate": {"LaunchTemplateId": "lt-1"}}),
            ("InvalidLaunchTemplateName.NotFoundException", {"LaunchTemplate": {"LaunchTemplateName": "none"}}),
            ("InvalidParameterValue", {"UserData": data}),
            ("InvalidParameterCombination", {"NetworkInterfaces": [{"DeviceIndex": 0}]}),
            ("InvalidParameterCombination", {"BlockDeviceMappings": [
                {"DeviceName": "/dev/xvda", "Ebs": {"VolumeType": "gp2", "Iops": 100}}]}),
            ("InvalidBlockDeviceMapping", {"BlockDeviceMappings": [
                {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 16385}}]}),
            ("InvalidParameterValue", {"TagSpecifications": [
                {"ResourceType": "fleet", "Tags": [{"Key": "a", "Value": "b"}]}]}),
            ("InvalidParameterValue", {"TagSpecifications": [
                {"ResourceType": "instance", "Tags": [{"Key": "aws:a", "Value": "b"}]}]}),
            ("TagLimitExceeded", {"TagSpecifications": [
                {"ResourceType": "instance", "Tags": [{"Key": str(key), "Value": ""} for key in range(51)]}]}),
        ]
        for code, fields in rows:
            with self.subTest(fields):
                self.refused(code, self.run_machines, **fields)
        self.assertEqual(self.truth(), [])

    def test_profile_message_names_the_profile(self):
        message = self.refused("InvalidParameterValue", self.run_machines, IamInstanceProfile={"Name": "none"})
        self.assertIn("Invalid IAM Instance Profile name", message)

    def test_a_full_subnet(self):
        small = "subnet-0123456789abcdef0"
        control("world", {"subnets": [{"id": small, "zone": "us-east-1a", "addresses": 2}]})
        ids = self.run_machines(5, SubnetId=small)
        self.assertEqual(len(ids), 2)
        self.refused("InsufficientFreeAddressesInSubnet", self.run_machines, SubnetId=small)
        free = self.ec2.describe_subnets(SubnetIds=[small])["Subnets"][0]["AvailableIpAddressCount"]
        self.assertEqual(free, 0)
        self.ec2.terminate_instances(InstanceIds=ids)
        self.assertEqual(len(self.run_machines(5, SubnetId=small)), 2)

    def test_a_type_that_a_zone_does_not_have(self):
        control("world", {"unsupported": ["m5.large@us-east-1a"]})
        message = self.refused("Unsupported", self.run_machines)
        self.assertIn("not supported in your requested Availability Zone (us-east-1a)", message)
        self.assertEqual(len(self.run_machines(SubnetId=self.subnets[1])), 1)

    def test_quotas(self):
        control("quotas", {"on-demand": 4, "spot": 2})
        self.assertEqual(len(self.run_machines(5)), 2)
        self.refused("VcpuLimitExceeded", self.run_machines)
        market = {"MarketType": "spot"}
        self.assertEqual(len(self.run_machines(5, InstanceMarketOptions=market)), 1)
        self.refused("MaxSpotInstanceCountExceeded", self.run_machines, InstanceMarketOptions=market)

    def test_tags_of_all_that_is_made(self):
        kinds = ("instance", "volume", "network-interface", "spot-instances-request")
        tags = [{"ResourceType": kind, "Tags": [{"Key": "k", "Value": kind}]} for kind in kinds]
        self.run_machines(TagSpecifications=tags, InstanceMarketOptions={"MarketType": "spot"})
        machine, = self.truth()
        self.assertEqual(machine["tags"], {"k": "instance"})
        self.assertEqual(machine["volumes"][0]["tags"], {"k": "volume"})
        self.assertEqual(machine["interface"]["tags"], {"k": "network-interface"})
        self.assertEqual(machine["spot_request"]["tags"], {"k": "spot-instances-request"})

    def test_a_template_gives_what_the_call_does_not(self):
        template = self.template(KeyName="ohfp-key", InstanceType="c5.large", TagSpecifications=[
            {"ResourceType": "instance", "Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "1"}]}])
        tags = [{"ResourceType": "instance", "Tags": [{"Key": "b", "Value": "2"}]}]
        id, = self.run_machines(ImageId=None, InstanceType="m5.xlarge", TagSpecifications=tags,
                                LaunchTemplate={"LaunchTemplateId": template, "Version": "1"})
        machine = self.described(InstanceIds=[id])[id]
        self.assertEqual((machine["InstanceType"], machine["KeyName"]), ("m5.xlarge", "ohfp-key"))
        tags = {tag["Key"]: tag["Value"] for tag in machine["Tags"]}
        self.assertEqual(tags, {"a": "1", "b": "2", "aws:ec2launchtemplate:id": template,
                                "aws:ec2launchtemplate:version": "1"})

    def test_an_image_by_parameter(self):
        control("world", {"parameters": {"/my/image": IMAGE}})
        self.run_machines(ImageId="resolve:ssm:/my/image")
        self.assertEqual(self.truth()[0]["image"], IMAGE)
        self.refused("InvalidParameterValue", self.run_machines, ImageId="resolve:ssm:/none")

    def test_a_dry_run_checks_and_does_nothing(self):
        with self.assertRaises(Exception) as caught:
            self.run_machines(DryRun=True, ClientToken="t")
        self.assertEqual(caught.exception.response["ResponseMetadata"]["HTTPStatusCode"], 412)
        self.refused("InvalidKeyPair.NotFound", self.run_machines, DryRun=True, KeyName="none")
        self.assertEqual(self.truth(), [])
        self.assertEqual(len(self.run_machines(ClientToken="t")), 1)


class States(CloudCase):
    """States over time."""

    def state(self, id):
        """The state of a machine as it is described."""
        return self.described(InstanceIds=[id])[id]["State"]["Name"]

    def test_a_machine_boots_for_a_time(self):
        control("settings", {"boot": 30})
        id, = self.run_machines()
        self.assertEqual(self.state(id), "pending")
        control("clock", {"advance": 31})
        self.assertEqual(self.state(id), "running")

    def test_a_machine_ends_for_a_time_and_is_listed_for_another(self):
        control("settings", {"end": 30, "listed": 600})
        id, = self.run_machines()
        change = self.ec2.terminate_instances(InstanceIds=[id])["TerminatingInstances"][0]
        self.assertEqual((change["PreviousState"]["Name"], change["CurrentState"]["Name"]),
                         ("running", "shutting-down"))
        again = self.ec2.terminate_instances(InstanceIds=[id])["TerminatingInstances"][0]
        self.assertEqual(again["PreviousState"]["Name"], "shutting-down")
        control("clock", {"advance": 31})
        machine = self.described(InstanceIds=[id])[id]
        self.assertEqual(machine["State"]["Name"], "terminated")
        self.assertEqual((machine["PrivateDnsName"], machine["StateReason"]["Code"]),
                         ("", "Client.UserInitiatedShutdown"))
        self.assertNotIn("PrivateIpAddress", machine)
        again = self.ec2.terminate_instances(InstanceIds=[id])["TerminatingInstances"][0]
        self.assertEqual(again["CurrentState"]["Name"], "terminated")
        self.refused("IncorrectInstanceState", self.ec2.stop_instances, InstanceIds=[id])
        control("clock", {"advance": 601})
        self.refused("InvalidInstanceID.NotFound", self.state, id)

    def test_stopping_and_starting(self):
        id, = self.run_machines()
        self.ec2.stop_instances(InstanceIds=[id])
        self.assertEqual(self.state(id), "stopped")
        self.ec2.start_instances(InstanceIds=[id])
        self.assertEqual(self.state(id), "running")

    def test_stillborn_machines(self):
        control("stillborn", {"code": "Client.VolumeLimitExceeded", "message": "Client.VolumeLimitExceeded: Volume"})
        id, other = self.run_machines(2)
        machine = self.described(InstanceIds=[id])[id]
        self.assertEqual((machine["State"]["Name"], machine["StateReason"]["Code"]),
                         ("terminated", "Client.VolumeLimitExceeded"))
        self.assertEqual(self.state(other), "running")

    def test_host_names_by_subnet(self):
        for subnet, pattern in ((self.subnets[0], r"^ip-10-0-0-4\."), (self.subnets[4], r"^i-[0-9a-f]{17}\.")):
            id, = self.run_machines(SubnetId=subnet)
            self.assertRegex(self.described(InstanceIds=[id])[id]["PrivateDnsName"], pattern)


class Describing(CloudCase):
    """Ids, filters and pages."""

    def test_every_unknown_id_is_named(self):
        known, = self.run_machines()
        message = self.refused("InvalidInstanceID.NotFound", self.ec2.describe_instances,
                               InstanceIds=[STRANGE, known, "i-00000000000000001"])
        self.assertEqual(message, f"The instance IDs '{STRANGE}, i-00000000000000001' do not exist")
        message = self.refused("InvalidInstanceID.NotFound", self.ec2.describe_instances, InstanceIds=[STRANGE])
        self.assertEqual(message, f"The instance ID '{STRANGE}' does not exist")

    def test_malformed_duplicate_and_too_many_ids(self):
        id, = self.run_machines()
        self.refused("InvalidInstanceID.Malformed", self.ec2.describe_instances, InstanceIds=["i-xyz"])
        self.assertEqual(len(self.described(InstanceIds=[id, id])), 1)
        many = [f"i-{number:017x}" for number in range(1001)]
        self.refused("InvalidParameterValue", self.ec2.describe_instances, InstanceIds=many)
        self.refused("InvalidParameterCombination", self.ec2.describe_instances, InstanceIds=[id], MaxResults=5)

    def test_pages_count_machines(self):
        ids = set(self.run_machines(7)) | set(self.run_machines(6))
        seen, sizes, token = set(), [], None
        while token != "":
            more = {"NextToken": token} if token else {}
            answer = self.ec2.describe_instances(MaxResults=5, **more)
            page = [one["InstanceId"] for group in answer["Reservations"] for one in group["Instances"]]
            sizes.append(len(page))
            seen.update(page)
            token = answer.get("NextToken", "")
        self.assertEqual((sizes, seen), ([5, 5, 3], ids))
        self.refused("InvalidPaginationToken", self.ec2.describe_instances, MaxResults=5, NextToken="none")

    def test_the_last_page_may_be_empty(self):
        control("settings", {"page": 5, "empty_last_page": True})
        self.run_machines(5)
        first = self.ec2.describe_instances()
        last = self.ec2.describe_instances(NextToken=first["NextToken"])
        self.assertEqual((last["Reservations"], "NextToken" in last), ([], False))

    def test_a_zone_that_is_down(self):
        here, there = self.run_machines(), self.run_machines(SubnetId=self.subnets[1])
        control("faults", [{"action": "DescribeInstances", "zone": "us-east-1a", "code": "Unavailable", "status": 503}])
        self.assertEqual(list(self.described(InstanceIds=there)), there)
        self.refused("Unavailable", self.ec2.describe_instances, InstanceIds=[*here, *there])
        self.refused("Unavailable", self.ec2.describe_instances)

    def test_filters(self):
        tags = [{"ResourceType": "instance", "Tags": [{"Key": "ohfp:request", "Value": "req-1"}]}]
        tagged, = self.run_machines(TagSpecifications=tags, ClientToken="token")
        spot, = self.run_machines(InstanceMarketOptions={"MarketType": "spot"}, InstanceType="c5.large")
        machine = self.described(InstanceIds=[tagged])[tagged]
        request = self.described(InstanceIds=[spot])[spot]["SpotInstanceRequestId"]
        rows = [
            ("tag:ohfp:request", "req-1", tagged), ("tag:ohfp:request", "req-*", tagged), ("tag-key", "ohfp:*", tagged),
            ("client-token", "token", tagged), ("private-dns-name", machine["PrivateDnsName"], tagged),
            ("private-ip-address", machine["PrivateIpAddress"], tagged), ("instance-type", "c5.?arge", spot),
            ("instance-lifecycle", "spot", spot), ("spot-instance-request-id", request, spot),
            ("instance-id", tagged, tagged),
        ]
        for name, value, id in rows:
            with self.subTest(name):
                found = self.described(Filters=[{"Name": name, "Values": ["other", value]}])
                self.assertEqual(list(found), [id])
        both = self.described(Filters=[{"Name": "tag-key", "Values": ["ohfp:request"]},
                                       {"Name": "instance-lifecycle", "Values": ["spot"]}])
        self.assertEqual(both, {})

    def test_what_a_filter_cannot_be(self):
        nonsense = [{"Name": "nonsense", "Values": ["a"]}]
        self.refused("InvalidParameterValue", self.ec2.describe_instances, Filters=nonsense)
        values = [str(number) for number in range(201)]
        self.refused("FilterLimitExceeded", self.ec2.describe_instances, Filters=[{"Name": "tag:a", "Values": values}])
        self.described(Filters=[{"Name": "tag:a", "Values": values[:200]}])

    def test_new_machines_are_unseen_for_a_time(self):
        control("settings", {"seen_by_id": 30, "seen_by_search": 60})
        old = control("foreign", {})
        control("clock", {"advance": 100})
        id, = self.run_machines()
        self.refused("InvalidInstanceID.NotFound", self.ec2.describe_instances, InstanceIds=[id, *old])
        self.refused("InvalidInstanceID.NotFound", self.ec2.terminate_instances, InstanceIds=[id])
        control("settings", {"hide_by_id": "absent"})
        self.assertEqual(list(self.described(InstanceIds=[id, *old])), old)
        control("clock", {"advance": 31})
        self.assertEqual(list(self.described(InstanceIds=[id])), [id])
        self.assertEqual(list(self.described()), old)
        control("clock", {"advance": 30})
        self.assertEqual(list(self.described()), [*old, id])

    def test_stale_looks(self):
        id, = self.run_machines()
        control("clock", {"advance": 100})
        self.described()
        self.ec2.terminate_instances(InstanceIds=[id])
        new, = self.run_machines()
        control("settings", {"stale": 10})
        found = self.described()
        self.assertEqual({key: one["State"]["Name"] for key, one in found.items()}, {id: "running"})
        self.assertEqual(self.described(Filters=[{"Name": "instance-state-name", "Values": ["terminated"]}]), {})
        control("clock", {"advance": 11})
        self.assertEqual(set(self.described()), {id, new})


class Terminating(CloudCase):
    """What ends and what does not."""

    def test_one_unknown_id_and_nothing_ends(self):
        ids = self.run_machines(2)
        message = self.refused("InvalidInstanceID.NotFound", self.ec2.terminate_instances, InstanceIds=[*ids, STRANGE])
        self.assertIn(STRANGE, message)
        self.assertEqual(len(self.living()), 2)

    def test_a_policy_by_tags_denies_unknown_ids(self):
        ids = self.run_machines(2)
        control("settings", {"unknown_denied": True})
        message = self.refused("UnauthorizedOperation", self.ec2.terminate_instances, InstanceIds=[*ids, STRANGE])
        self.assertIn(STRANGE, message)
        self.assertEqual(len(self.living()), 2)
        self.ec2.terminate_instances(InstanceIds=ids)
        self.assertEqual(self.living(), [])

    def test_protection_spares_its_zone_and_no_other(self):
        protected = self.run_machines(DisableApiTermination=True)
        beside, elsewhere = self.run_machines(), self.run_machines(SubnetId=self.subnets[1])
        message = self.refused("OperationNotPermitted", self.ec2.terminate_instances,
                               InstanceIds=[*protected, *beside, *elsewhere])
        self.assertIn(f"'{protected[0]}' may not be terminated", message)
        self.assertEqual({one["id"] for one in self.living()}, {*protected, *beside})
        self.ec2.modify_instance_attribute(InstanceId=protected[0], DisableApiTermination={"Value": False})
        self.ec2.terminate_instances(InstanceIds=protected)
        self.assertEqual({one["id"] for one in self.living()}, set(beside))

    def test_another_region_and_another_account_know_nothing_of_it(self):
        id, = self.run_machines()
        for other in (client("ec2", region="eu-west-1"), client("ec2", key="another")):
            self.refused("InvalidInstanceID.NotFound", other.terminate_instances, InstanceIds=[id])
        self.assertEqual(len(self.living()), 1)

    def test_machines_change_behind_the_callers_back(self):
        id, = self.run_machines()
        control("change", {"ids": [id], "protected": True, "tags": {"a": "b"}})
        self.refused("OperationNotPermitted", self.ec2.terminate_instances, InstanceIds=[id])
        self.assertEqual(self.described()[id]["Tags"], [{"Key": "a", "Value": "b"}])
        control("end", {"ids": [id], "code": "Server.InternalError", "message": "Server.InternalError: broken"})
        self.assertEqual(self.described()[id]["StateReason"]["Message"], "Server.InternalError: broken")

    def test_machines_can_be_older_than_their_test(self):
        control("clock", {"advance": -120})
        id, = self.run_machines()
        self.assertLess(self.described()[id]["LaunchTime"].timestamp(), time.time() - 100)
        with self.assertRaises(urllib.error.HTTPError):
            control("clock", {"advance": -1})

    def test_tags_are_changed_later_too(self):
        id, = self.run_machines()
        self.ec2.create_tags(Resources=[id], Tags=[{"Key": "a", "Value": "b"}])
        self.assertEqual(self.described()[id]["Tags"], [{"Key": "a", "Value": "b"}])
        self.ec2.delete_tags(Resources=[id], Tags=[{"Key": "a"}])
        self.assertNotIn("Tags", {key for key, value in self.described()[id].items() if value})
        self.refused("InvalidInstanceID.NotFound", self.ec2.create_tags, Resources=[STRANGE, id],
                     Tags=[{"Key": "a", "Value": "b"}])
        self.assertEqual(self.truth()[0]["tags"], {})
