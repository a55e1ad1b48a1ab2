"""Spot fleets and spot instance requests."""

import datetime

from .case import IMAGE, CloudCase, control

ROLE = "arn:aws:iam::123456789012:role/aws-ec2-spot-fleet-tagging-role"


class SpotFleets(CloudCase):
    """Spot fleets of both types."""

    def setUp(self):
        super().setUp()
        self.lt = self.template(TagSpecifications=[
            {"ResourceType": "instance", "Tags": [{"Key": "from", "Value": "template"}]}])

    def config(self, total, kind="request", **fields):
        """A configuration with launch templates."""
        specification = {"LaunchTemplateId": self.lt, "Version": "1"}
        overrides = [{"InstanceType": "m5.large", "SubnetId": subnet} for subnet in self.subnets[:3]]
        return {"IamFleetRole": ROLE, "TargetCapacity": total, "Type": kind, "LaunchTemplateConfigs": [
            {"LaunchTemplateSpecification": specification, "Overrides": overrides}], **fields}

    def fleet(self, *arguments, **fields):
        """The id of a new spot fleet."""
        config = self.config(*arguments, **fields)
        return self.ec2.request_spot_fleet(SpotFleetRequestConfig=config)["SpotFleetRequestId"]

    def view(self, id):
        """The spot fleet as it is described."""
        return self.ec2.describe_spot_fleet_requests(SpotFleetRequestIds=[id])["SpotFleetRequestConfigs"][0]

    def test_ids_tags_and_machines(self):
        tags = [{"ResourceType": "spot-fleet-request", "Tags": [{"Key": "f", "Value": "g"}]}]
        id = self.fleet(3, TagSpecifications=tags)
        self.assertRegex(id, r"^sfr-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
        machines = self.living()
        self.assertEqual({one["subnet"] for one in machines}, set(self.subnets[:3]))
        self.assertEqual(machines[0]["tags"]["aws:ec2spot:fleet-request-id"], id)
        self.assertEqual(machines[0]["tags"]["from"], "template")
        self.assertNotIn("f", machines[0]["tags"])
        view = self.view(id)
        self.assertEqual((view["ActivityStatus"], view["SpotFleetRequestState"]), ("fulfilled", "active"))
        self.assertEqual(view["Tags"], [{"Key": "f", "Value": "g"}])
        active = self.ec2.describe_spot_fleet_instances(SpotFleetRequestId=id)["ActiveInstances"]
        self.assertEqual({one["InstanceId"] for one in active}, {one["id"] for one in machines})

    def test_the_token_lies_in_the_configuration(self):
        self.assertEqual(self.fleet(2, ClientToken="t"), self.fleet(2, ClientToken="t"))
        self.assertEqual(len(self.living()), 2)
        with self.assertRaisesRegex(Exception, "IdempotentParameterMismatch"):
            self.fleet(3, ClientToken="t")

    def test_launch_specifications(self):
        config = {"IamFleetRole": ROLE, "TargetCapacity": 4, "Type": "request", "LaunchSpecifications": [{
            "ImageId": IMAGE, "InstanceType": "m5.large", "SubnetId": ",".join(self.subnets[:2]),
            "WeightedCapacity": 2,
            "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "a", "Value": "b"}]}]}]}
        self.ec2.request_spot_fleet(SpotFleetRequestConfig=config)
        self.assertEqual([one["tags"]["a"] for one in self.living()], ["b", "b"])

    def test_the_on_demand_part_is_on_demand(self):
        self.fleet(5, OnDemandTargetCapacity=2)
        self.assertEqual(sorted(one["option"] for one in self.living()), ["on-demand"] * 2 + ["spot"] * 3)

    def test_what_the_configuration_cannot_be(self):
        wrong = [{"IamFleetRole": "role"}, {"Type": "instant"},
                 {"ValidUntil": datetime.datetime(2020, 1, 1)}, {"LaunchTemplateConfigs": []},
                 {"InstancePoolsToUseCount": 2, "AllocationStrategy": "capacityOptimized"}]
        for fields in wrong:
            with self.subTest(fields):
                config = {**self.config(1), **fields}
                self.refused("InvalidSpotFleetRequestConfig", self.ec2.request_spot_fleet,
                             SpotFleetRequestConfig=config)

    def test_a_role_that_is_not_there_is_in_the_history(self):
        id = self.fleet(1, IamFleetRole="arn:aws:iam::123456789012:role/none")
        self.assertEqual(self.living(), [])
        self.assertEqual(self.view(id)["ActivityStatus"], "error")
        records = self.ec2.describe_spot_fleet_request_history(
            SpotFleetRequestId=id, StartTime=datetime.datetime(2020, 1, 1))["HistoryRecords"]
        self.assertIn("iamFleetRoleInvalid", [one["EventInformation"]["EventSubType"] for one in records])

    def test_modify_keeps_machines_only_with_no_termination(self):
        for policy, left in (("noTermination", 3), ("default", 0)):
            with self.subTest(policy):
                self.setUp()
                id = self.fleet(3, "maintain")
                self.living()
                self.ec2.modify_spot_fleet_request(SpotFleetRequestId=id, TargetCapacity=0,
                                                   ExcessCapacityTerminationPolicy=policy)
                self.assertEqual(len(self.living()), left)
                self.ec2.terminate_instances(InstanceIds=[one["id"] for one in self.truth()])
                self.assertEqual(self.living(), [])

    def test_maintain_replaces_and_request_does_not(self):
        for kind, left in (("maintain", 2), ("request", 1)):
            with self.subTest(kind):
                self.setUp()
                self.fleet(2, kind)
                self.ec2.terminate_instances(InstanceIds=[self.living()[0]["id"]])
                self.assertEqual(len(self.living()), left)

    def test_cancelling(self):
        for terminate, state, left in ((False, "cancelled_running", 2), (True, "cancelled", 0)):
            with self.subTest(terminate):
                self.setUp()
                id = self.fleet(2, "maintain")
                self.living()
                strange = "sfr-00000000-0000-0000-0000-000000000000"
                answer = self.ec2.cancel_spot_fleet_requests(
                    SpotFleetRequestIds=[strange, id], TerminateInstances=terminate)
                self.assertEqual(answer["UnsuccessfulFleetRequests"][0]["Error"]["Code"],
                                 "fleetRequestIdDoesNotExist")
                self.assertEqual(len(self.living()), left)
                self.assertEqual(self.view(id)["SpotFleetRequestState"], state)

    def test_unknown_requests(self):
        self.refused("InvalidSpotFleetRequestId.NotFound", self.ec2.describe_spot_fleet_requests,
                     SpotFleetRequestIds=["sfr-00000000-0000-0000-0000-000000000000"])
        self.refused("InvalidSpotFleetRequestId.Malformed", self.ec2.describe_spot_fleet_requests,
                     SpotFleetRequestIds=["sfr-1"])


class SpotRequests(CloudCase):
    """Spot instance requests and the two-minute notice."""

    def spot(self, count=1, **options):
        """Ids of new spot machines of RunInstances."""
        return self.run_machines(count, InstanceMarketOptions={
            "MarketType": "spot", "SpotOptions": {"SpotInstanceType": "one-time", **options}})

    def requests(self, **parameters):
        """The spot requests."""
        return self.ec2.describe_spot_instance_requests(**parameters)["SpotInstanceRequests"]

    def test_machines_name_their_request(self):
        id, = self.spot()
        machine = self.described(InstanceIds=[id])[id]
        request, = self.requests()
        self.assertEqual(machine["SpotInstanceRequestId"], request["SpotInstanceRequestId"])
        self.assertEqual((request["InstanceId"], request["Status"]["Code"]), (id, "fulfilled"))

    def test_notice_and_end(self):
        ids = self.spot(2)
        control("interrupt", {"ids": ids[:1]})
        found = self.requests(Filters=[{"Name": "status-code", "Values": ["marked-for-termination"]}])
        self.assertEqual([one["InstanceId"] for one in found], ids[:1])
        age = datetime.datetime.now(datetime.timezone.utc) - found[0]["Status"]["UpdateTime"]
        self.assertLess(age.total_seconds(), 60)
        self.assertEqual(len(self.living()), 2)
        control("clock", {"advance": 121})
        gone = self.described(InstanceIds=ids[:1])[ids[0]]
        self.assertEqual(gone["State"]["Name"], "terminated")
        self.assertEqual(gone["StateReason"], {
            "Code": "Server.SpotInstanceTermination",
            "Message": "Server.SpotInstanceTermination: Spot instance termination"})
        self.assertEqual({one["Status"]["Code"] for one in self.requests()},
                         {"fulfilled", "instance-terminated-no-capacity"})

    def test_a_price_below_the_market(self):
        self.refused("SpotMaxPriceTooLow", self.spot, MaxPrice="0.001")
        self.assertEqual(self.requests(), [])
