"""EC2 fleets: instant, request and maintain."""

import datetime

from .case import CloudCase, control


class FleetCase(CloudCase):
    """A test with a launch template and a way to make fleets."""

    def setUp(self):
        super().setUp()
        self.lt = self.template(TagSpecifications=[
            {"ResourceType": "instance", "Tags": [{"Key": "from", "Value": "template"}]}])

    def fleet(self, total, kind="instant", overrides=None, default="on-demand", **fields):
        """The answer of CreateFleet."""
        capacity = {"TotalTargetCapacity": total, "DefaultTargetCapacityType": default,
                    **fields.pop("capacity", {})}
        specification = {"LaunchTemplateId": self.lt, "Version": "1"}
        if overrides is None:
            overrides = [{"InstanceType": "m5.large", "SubnetId": subnet} for subnet in self.subnets[:3]]
        return self.ec2.create_fleet(
            Type=kind, TargetCapacitySpecification=capacity,
            LaunchTemplateConfigs=[{"LaunchTemplateSpecification": specification, "Overrides": overrides}], **fields)

    def fleet_view(self, id):
        """The fleet as DescribeFleets shows it."""
        return self.ec2.describe_fleets(FleetIds=[id])["Fleets"][0]


class Instant(FleetCase):
    """Fleets that answer with their machines."""

    def test_spreads_over_subnets_and_groups_the_answer(self):
        answer = self.fleet(7)
        self.assertEqual(answer["Errors"], [])
        sizes = [len(entry["InstanceIds"]) for entry in answer["Instances"]]
        self.assertEqual(sorted(sizes), [2, 2, 3])
        self.assertEqual({one["subnet"] for one in self.living()}, set(self.subnets[:3]))

    def test_tags_machines_itself_and_says_whose_they_are(self):
        tags = [{"ResourceType": "instance", "Tags": [{"Key": "a", "Value": "b"}]},
                {"ResourceType": "volume", "Tags": [{"Key": "v", "Value": "w"}]},
                {"ResourceType": "fleet", "Tags": [{"Key": "f", "Value": "g"}]}]
        id = self.fleet(1, TagSpecifications=tags)["FleetId"]
        machine, = self.living()
        self.assertEqual(machine["tags"], {
            "from": "template", "a": "b", "aws:ec2:fleet-id": id,
            "aws:ec2launchtemplate:id": self.lt, "aws:ec2launchtemplate:version": "1"})
        self.assertEqual(machine["volumes"][0]["tags"], {"v": "w"})
        self.assertEqual(self.fleet_view(id)["Tags"], [{"Key": "f", "Value": "g"}])

    def test_errors_stand_beside_machines(self):
        control("capacity", {f"*@{self.subnets[0]}": 1, f"*@{self.subnets[1]}": 0, f"*@{self.subnets[2]}": 1})
        answer = self.fleet(5)
        self.assertEqual(sum(len(entry["InstanceIds"]) for entry in answer["Instances"]), 2)
        self.assertEqual({error["ErrorCode"] for error in answer["Errors"]}, {"InsufficientInstanceCapacity"})
        self.assertEqual(len(answer["Errors"]), 3)
        self.assertEqual(answer["Errors"][0]["Lifecycle"], "on-demand")

    def test_capacity_that_comes_later_changes_nothing(self):
        control("capacity", {"*": 1})
        self.fleet(3)
        control("capacity", {"*": None})
        self.assertEqual(len(self.living()), 1)

    def test_a_template_that_asks_for_spot_is_refused(self):
        self.lt = self.template("spot", InstanceMarketOptions={"MarketType": "spot"})
        with self.assertRaisesRegex(Exception, "InvalidFleetConfig"):
            self.fleet(1)

    def test_weights_count_units(self):
        overrides = [{"InstanceType": "m5.2xlarge", "SubnetId": self.subnets[0], "WeightedCapacity": 4}]
        self.fleet(10, overrides=overrides)
        self.assertEqual([one["weight"] for one in self.living()], [4, 4, 4])

    def test_a_price_below_the_market_launches_nothing(self):
        overrides = [{"InstanceType": "m5.large", "SubnetId": self.subnets[0], "MaxPrice": "0.002"}]
        answer = self.fleet(2, default="spot", overrides=overrides)
        self.assertEqual([error["ErrorCode"] for error in answer["Errors"]], ["SpotMaxPriceTooLow"])
        self.assertEqual(self.living(), [])

    def test_a_total_price_is_a_budget_of_the_whole_fleet(self):
        self.fleet(10, default="spot", SpotOptions={"MaxTotalPrice": "0.1"})
        self.assertEqual(len(self.living()), 2)

    def test_both_options(self):
        self.fleet(10, capacity={"OnDemandTargetCapacity": 3, "SpotTargetCapacity": 7})
        self.assertEqual(sorted(one["option"] for one in self.living()), ["on-demand"] * 3 + ["spot"] * 7)

    def test_instance_requirements_choose_types(self):
        needs = {"VCpuCount": {"Min": 8, "Max": 8}, "MemoryMiB": {"Min": 16384}}
        self.fleet(2, overrides=[{"InstanceRequirements": needs, "SubnetId": self.subnets[0]}])
        self.assertTrue(all(one["type"].endswith(".2xlarge") for one in self.living()), self.living())

    def test_a_broken_template_is_an_entry_of_errors(self):
        self.lt = self.template("broken", ImageId="ami-00000000000000000")
        answer = self.fleet(1)
        self.assertEqual({error["ErrorCode"] for error in answer["Errors"]}, {"InvalidAMIID.NotFound"})

    def test_all_or_none_with_a_least_capacity(self):
        control("capacity", {"*": 3})
        one = [{"InstanceType": "m5.large", "SubnetId": self.subnets[0]}]
        self.fleet(5, overrides=one, OnDemandOptions={"MinTargetCapacity": 5, "SingleInstanceType": True})
        self.assertEqual(self.truth(), [])

    def test_is_described_by_id_only_and_its_machines_never(self):
        id = self.fleet(1)["FleetId"]
        self.assertEqual(self.ec2.describe_fleets()["Fleets"], [])
        view = self.fleet_view(id)
        self.assertEqual(len(view["Instances"][0]["InstanceIds"]), 1)
        message = self.refused("Unsupported", self.ec2.describe_fleet_instances, FleetId=id)
        self.assertIn("is instant fleet", message)

    def test_is_not_deleted_without_its_machines(self):
        id = self.fleet(1)["FleetId"]
        answer = self.ec2.delete_fleets(FleetIds=[id], TerminateInstances=False)
        self.assertEqual(answer["UnsuccessfulFleetDeletions"][0]["Error"]["Code"], "fleetNotInDeletableState")
        self.assertEqual(len(self.living()), 1)
        self.ec2.delete_fleets(FleetIds=[id], TerminateInstances=True)
        self.assertEqual(self.living(), [])

    def test_a_token_gives_the_same_fleet(self):
        first = self.fleet(2, ClientToken="t")
        second = self.fleet(2, ClientToken="t")
        self.assertEqual(first["FleetId"], second["FleetId"])
        self.assertEqual(len(self.living()), 2)
        with self.assertRaisesRegex(Exception, "IdempotentParameterMismatch"):
            self.fleet(3, ClientToken="t")


class RequestAndMaintain(FleetCase):
    """Fleets whose machines come later."""

    def test_machines_come_after_the_delay(self):
        control("settings", {"fleet": 60})
        id = self.fleet(3, "request")["FleetId"]
        self.assertEqual(self.living(), [])
        self.assertEqual(self.fleet_view(id)["ActivityStatus"], "pending_fulfillment")
        control("clock", {"advance": 61})
        self.assertEqual(len(self.living()), 3)
        view = self.fleet_view(id)
        self.assertEqual((view["ActivityStatus"], view["FulfilledOnDemandCapacity"]), ("fulfilled", 3.0))

    def test_machines_come_in_batches(self):
        control("settings", {"batch": 2, "retry": 60})
        id = self.fleet(5, "request")["FleetId"]
        self.assertEqual(len(self.living()), 2)
        self.assertEqual(self.fleet_view(id)["ActivityStatus"], "pending_fulfillment")
        control("clock", {"advance": 200})
        self.assertEqual(len(self.living()), 5)

    def test_only_the_template_tags_machines(self):
        tags = [{"ResourceType": "fleet", "Tags": [{"Key": "f", "Value": "g"}]}]
        self.fleet(1, "maintain", TagSpecifications=tags)
        machine, = self.living()
        self.assertNotIn("f", machine["tags"])
        self.assertEqual(machine["tags"]["from"], "template")
        instance = [{"ResourceType": "instance", "Tags": [{"Key": "f", "Value": "g"}]}]
        with self.assertRaisesRegex(Exception, "InvalidParameterValue"):
            self.fleet(1, "maintain", TagSpecifications=instance)

    def test_maintain_replaces_what_ends_and_request_does_not(self):
        for kind, left in (("maintain", 2), ("request", 1)):
            with self.subTest(kind):
                control("reset")
                self.setUp()
                self.fleet(2, kind)
                gone = self.living()[0]["id"]
                self.ec2.terminate_instances(InstanceIds=[gone])
                self.assertEqual(len(self.living()), left)

    def test_lowering_without_no_termination_ends_machines_of_aws_choice(self):
        for policy, left in (("no-termination", 4), ("termination", 1)):
            with self.subTest(policy):
                self.setUp()
                id = self.fleet(4, "maintain")["FleetId"]
                self.ec2.modify_fleet(FleetId=id, ExcessCapacityTerminationPolicy=policy,
                                      TargetCapacitySpecification={"TotalTargetCapacity": 1})
                self.assertEqual(len(self.living()), left)

    def test_a_fleet_at_zero_replaces_nothing(self):
        id = self.fleet(3, "maintain")["FleetId"]
        self.ec2.modify_fleet(FleetId=id, ExcessCapacityTerminationPolicy="no-termination",
                              TargetCapacitySpecification={"TotalTargetCapacity": 0})
        self.ec2.terminate_instances(InstanceIds=[self.living()[0]["id"]])
        self.assertEqual(len(self.living()), 2)

    def test_only_maintain_is_modified(self):
        id = self.fleet(1, "request")["FleetId"]
        self.refused("UnsupportedOperation", self.ec2.modify_fleet, FleetId=id,
                     TargetCapacitySpecification={"TotalTargetCapacity": 0})

    def test_waits_for_capacity_and_tells_why(self):
        control("capacity", {"*": 1})
        id = self.fleet(3, "request")["FleetId"]
        self.assertEqual(len(self.living()), 1)
        self.assertEqual(self.fleet_view(id)["ActivityStatus"], "error")
        history = self.ec2.describe_fleet_history(FleetId=id, StartTime=datetime.datetime(2020, 1, 1))
        kinds = [record["EventType"] for record in history["HistoryRecords"]]
        self.assertIn("service-error", kinds)
        control("capacity", {"*": None})
        self.assertEqual(len(self.living()), 3)

    def test_goes_on_until_it_expires(self):
        control("capacity", {"*": 1})
        end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=30)
        id = self.fleet(2, "request", ValidUntil=end)["FleetId"]
        control("clock", {"advance": 1900})
        control("capacity", {"*": None})
        self.assertEqual(len(self.living()), 1)
        self.assertEqual(self.fleet_view(id)["FleetState"], "deleted_running")

    def test_deleting(self):
        for terminate, state, left in ((False, "deleted_running", 2), (True, "deleted", 0)):
            with self.subTest(terminate):
                self.setUp()
                id = self.fleet(2, "maintain")["FleetId"]
                self.ec2.describe_fleets()
                self.ec2.delete_fleets(FleetIds=[id], TerminateInstances=terminate)
                self.assertEqual(len(self.living()), left)
                self.assertEqual(self.fleet_view(id)["FleetState"], state)

    def test_unknown_fleets_are_named_one_by_one(self):
        id = self.fleet(1, "maintain")["FleetId"]
        strange = "fleet-00000000-0000-0000-0000-000000000000"
        answer = self.ec2.delete_fleets(FleetIds=[strange, id, "fleet-1"], TerminateInstances=True)
        self.assertEqual([one["FleetId"] for one in answer["SuccessfulFleetDeletions"]], [id])
        self.assertEqual([one["Error"]["Code"] for one in answer["UnsuccessfulFleetDeletions"]],
                         ["fleetIdDoesNotExist", "fleetIdMalformed"])
        self.refused("InvalidFleetId.NotFound", self.ec2.describe_fleets, FleetIds=[strange])
        self.refused("InvalidFleetId.NotFound", self.ec2.describe_fleet_instances, FleetId=strange)

    def test_over_the_limit_none_is_deleted(self):
        fleets = [self.fleet(0)["FleetId"] for _ in range(26)]
        self.refused("InvalidParameterValue", self.ec2.delete_fleets, FleetIds=fleets, TerminateInstances=True)
        self.assertEqual({fleet["state"] for fleet in self.truth("fleets")}, {"active"})

    def test_a_deleted_template_stops_the_refill(self):
        self.fleet(2, "maintain")
        self.living()
        self.ec2.delete_launch_template(LaunchTemplateId=self.lt)
        self.ec2.terminate_instances(InstanceIds=[self.living()[0]["id"]])
        self.assertEqual(len(self.living()), 1)
