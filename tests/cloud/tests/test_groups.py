"""Auto Scaling groups."""

from .case import CloudCase, client, control


class Groups(CloudCase):
    """Groups from a launch template."""

    def setUp(self):
        super().setUp()
        self.asg = client("autoscaling")
        self.lt = self.template()

    def group(self, desired, name="g", **fields):
        """Makes a group of this size over two subnets."""
        if "MixedInstancesPolicy" not in fields:
            fields["LaunchTemplate"] = {"LaunchTemplateId": self.lt, "Version": "1"}
        fields = {"MinSize": 0, "MaxSize": desired, "DesiredCapacity": desired,
                  "VPCZoneIdentifier": ",".join(self.subnets[:2]), **fields}
        self.asg.create_auto_scaling_group(AutoScalingGroupName=name, **fields)

    def view(self, name="g"):
        """The group as it is described."""
        return self.asg.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"][0]

    def test_launches_over_its_subnets_with_tags(self):
        self.group(4, Tags=[
            {"Key": "a", "Value": "b", "PropagateAtLaunch": True, "ResourceId": "g",
             "ResourceType": "auto-scaling-group"},
            {"Key": "c", "Value": "d", "PropagateAtLaunch": False}])
        view = self.view()
        self.assertEqual(len(view["Instances"]), 4)
        self.assertEqual({tag["Key"] for tag in view["Tags"]}, {"a", "c"})
        machine = self.living()[0]
        self.assertEqual((machine["tags"]["a"], machine["tags"]["aws:autoscaling:groupName"]), ("b", "g"))
        self.assertNotIn("c", machine["tags"])
        self.assertEqual({one["subnet"] for one in self.living()}, set(self.subnets[:2]))

    def test_its_name_is_its_token(self):
        self.group(1)
        with self.assertRaisesRegex(Exception, "AlreadyExists"):
            self.group(1)
        self.assertEqual(len(self.living()), 1)

    def test_weights_and_percentages(self):
        specification = {"LaunchTemplateId": self.lt, "Version": "1"}
        overrides = [{"InstanceType": "m5.xlarge", "WeightedCapacity": "2"}]
        self.group(12, MixedInstancesPolicy={
            "LaunchTemplate": {"LaunchTemplateSpecification": specification, "Overrides": overrides},
            "InstancesDistribution": {"OnDemandBaseCapacity": 4, "OnDemandPercentageAboveBaseCapacity": 0}})
        self.assertEqual(sorted(one["option"] for one in self.living()), ["on-demand"] * 2 + ["spot"] * 4)
        self.assertEqual(self.view()["Instances"][0]["WeightedCapacity"], "2")

    def test_weights_outside_1_to_999_are_refused(self):
        overrides = [{"InstanceType": "m5.xlarge", "WeightedCapacity": "1000"}]
        with self.assertRaisesRegex(Exception, "ValidationError"):
            self.group(1, MixedInstancesPolicy={"LaunchTemplate": {
                "LaunchTemplateSpecification": {"LaunchTemplateId": self.lt}, "Overrides": overrides}})

    def test_replaces_what_ends_and_says_so(self):
        self.group(2)
        self.ec2.terminate_instances(InstanceIds=[self.living()[0]["id"]])
        self.assertEqual(len(self.living()), 2)
        activities = self.asg.describe_scaling_activities(AutoScalingGroupName="g")["Activities"]
        self.assertEqual(len(activities), 4)
        self.assertIn("Launching a new EC2 instance", activities[0]["Description"])

    def test_a_suspended_group_replaces_nothing(self):
        self.group(2)
        self.view()
        self.asg.suspend_processes(AutoScalingGroupName="g")
        self.ec2.terminate_instances(InstanceIds=[self.living()[0]["id"]])
        self.assertEqual(len(self.living()), 1)
        self.assertEqual(len(self.view()["SuspendedProcesses"]), 9)
        self.asg.resume_processes(AutoScalingGroupName="g")
        self.assertEqual(len(self.living()), 2)

    def test_only_launch_suspended_lets_members_go(self):
        self.group(2)
        self.view()
        self.asg.suspend_processes(AutoScalingGroupName="g", ScalingProcesses=["Launch"])
        self.ec2.terminate_instances(InstanceIds=[self.living()[0]["id"]])
        self.assertEqual(len(self.view()["Instances"]), 1)

    def test_lowering_desired_ends_machines_of_aws_choice(self):
        self.group(5)
        self.view()
        self.asg.update_auto_scaling_group(AutoScalingGroupName="g", DesiredCapacity=3)
        self.assertEqual(len(self.living()), 3)
        self.asg.set_desired_capacity(AutoScalingGroupName="g", DesiredCapacity=2)
        self.assertEqual(len(self.living()), 2)
        self.refused("ValidationError", self.asg.set_desired_capacity, AutoScalingGroupName="g", DesiredCapacity=6)

    def test_lowering_desired_of_a_suspended_group_ends_none(self):
        self.group(5)
        self.view()
        self.asg.suspend_processes(AutoScalingGroupName="g")
        self.asg.update_auto_scaling_group(AutoScalingGroupName="g", DesiredCapacity=0)
        self.assertEqual(len(self.living()), 5)

    def test_members_are_ended_by_name(self):
        self.group(3)
        ids = [one["InstanceId"] for one in self.view()["Instances"]]
        answer = self.asg.terminate_instance_in_auto_scaling_group(
            InstanceId=ids[0], ShouldDecrementDesiredCapacity=True)
        self.assertIn(ids[0], answer["Activity"]["Description"])
        self.assertEqual({one["id"] for one in self.living()}, set(ids[1:]))
        self.asg.terminate_instance_in_auto_scaling_group(
            AutoScalingGroupName="g", InstanceIds=ids[1:], ShouldDecrementDesiredCapacity=True)
        self.assertEqual((self.living(), self.view()["DesiredCapacity"]), ([], 0))
        message = self.refused("ValidationError", self.asg.terminate_instance_in_auto_scaling_group,
                               InstanceId="i-00000000000000000", ShouldDecrementDesiredCapacity=True)
        self.assertIn("Instance Id not found", message)

    def test_without_a_decrement_another_comes(self):
        self.group(1)
        before = self.view()["Instances"][0]["InstanceId"]
        self.asg.terminate_instance_in_auto_scaling_group(InstanceId=before, ShouldDecrementDesiredCapacity=False)
        self.assertEqual(len(self.living()), 1)
        self.assertNotEqual(self.living()[0]["id"], before)

    def test_detaching_lets_machines_live(self):
        self.group(2)
        id = self.view()["Instances"][0]["InstanceId"]
        self.asg.detach_instances(AutoScalingGroupName="g", InstanceIds=[id], ShouldDecrementDesiredCapacity=True)
        self.assertEqual((len(self.living()), len(self.view()["Instances"])), (2, 1))

    def test_a_group_with_machines_is_deleted_by_force_only(self):
        self.group(2)
        self.view()
        self.refused("ResourceInUse", self.asg.delete_auto_scaling_group, AutoScalingGroupName="g")
        self.assertEqual(len(self.living()), 2)
        self.asg.delete_auto_scaling_group(AutoScalingGroupName="g", ForceDelete=True)
        self.assertEqual((self.living(), self.truth("groups")), ([], []))

    def test_failed_launches_are_activities(self):
        control("capacity", {"*": 1})
        self.group(2)
        self.view()
        failed = self.asg.describe_scaling_activities(AutoScalingGroupName="g")["Activities"][0]
        self.assertEqual(failed["StatusCode"], "Failed")
        self.assertTrue(failed["StatusMessage"].endswith("Launching EC2 instance failed."), failed)
        control("capacity", {"*": None})
        self.assertEqual(len(self.living()), 2)

    def test_groups_are_found_by_tag_and_name(self):
        for name in ("a", "b", "c"):
            self.group(0, name, Tags=[{"Key": "k", "Value": name, "PropagateAtLaunch": True}])
        found = self.asg.describe_auto_scaling_groups(Filters=[{"Name": "tag:k", "Values": ["a", "c"]}])
        self.assertEqual([group["AutoScalingGroupName"] for group in found["AutoScalingGroups"]], ["a", "c"])
        found = self.asg.describe_auto_scaling_groups(AutoScalingGroupNames=["b", "none"])
        self.assertEqual(len(found["AutoScalingGroups"]), 1)
        first = self.asg.describe_auto_scaling_groups(MaxRecords=2)
        self.assertEqual(len(first["AutoScalingGroups"]), 2)
        rest = self.asg.describe_auto_scaling_groups(MaxRecords=2, NextToken=first["NextToken"])
        self.assertEqual(len(rest["AutoScalingGroups"]), 1)

    def test_over_fifty_names_need_max_records(self):
        names = [f"g{number}" for number in range(51)]
        self.refused("ValidationError", self.asg.describe_auto_scaling_groups, AutoScalingGroupNames=names)
        self.group(0, "g50")
        found = self.asg.describe_auto_scaling_groups(AutoScalingGroupNames=names, MaxRecords=100)
        self.assertEqual(len(found["AutoScalingGroups"]), 1)

    def test_launch_instances_is_synchronous_and_has_a_token(self):
        self.group(0, MaxSize=10)
        for _ in range(2):
            answer = self.asg.launch_instances(AutoScalingGroupName="g", RequestedCapacity=3, ClientToken="t")
            self.assertEqual(len(answer["Instances"][0]["InstanceIds"]), 3)
        self.assertEqual((len(self.living()), self.view()["DesiredCapacity"]), (3, 3))
