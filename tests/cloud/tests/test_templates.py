"""Launch templates, and the lookups of images, subnets, parameters and identity."""

from .case import IMAGE, CloudCase, client, control


class Templates(CloudCase):
    """Templates and versions."""

    def create(self, name="ohfp-t", **fields):
        """The answer of CreateLaunchTemplate."""
        return self.ec2.create_launch_template(
            LaunchTemplateName=name, LaunchTemplateData={"ImageId": IMAGE}, **fields)["LaunchTemplate"]

    def test_tokens(self):
        first = self.create(ClientToken="t")
        self.assertEqual(self.create(ClientToken="t"), first)
        self.refused("IdempotentParameterMismatch", self.create, "ohfp-u", ClientToken="t")
        self.refused("InvalidLaunchTemplateName.AlreadyExistsException", self.create, ClientToken="u")
        data = {"InstanceType": "m5.large"}
        for _ in range(2):
            version = self.ec2.create_launch_template_version(
                LaunchTemplateId=first["LaunchTemplateId"], LaunchTemplateData=data, SourceVersion="1",
                ClientToken="v")["LaunchTemplateVersion"]
            self.assertEqual(version["VersionNumber"], 2)
        self.assertEqual(version["LaunchTemplateData"], {"ImageId": IMAGE, "InstanceType": "m5.large"})

    def test_versions_are_named_by_number_latest_and_default(self):
        id = self.create()["LaunchTemplateId"]
        self.ec2.create_launch_template_version(LaunchTemplateId=id, LaunchTemplateData={"ImageId": IMAGE})
        found = self.ec2.describe_launch_template_versions(LaunchTemplateId=id, Versions=["$Latest", "$Default"])
        self.assertEqual([one["VersionNumber"] for one in found["LaunchTemplateVersions"]], [2, 1])
        self.refused("InvalidLaunchTemplateId.VersionNotFound", self.ec2.describe_launch_template_versions,
                     LaunchTemplateId=id, Versions=["3"])
        answer = self.ec2.delete_launch_template_versions(LaunchTemplateId=id, Versions=["2", "1", "7"])
        self.assertEqual([one["VersionNumber"] for one in answer["SuccessfullyDeletedLaunchTemplateVersions"]], [2])
        self.assertEqual(len(answer["UnsuccessfullyDeletedLaunchTemplateVersions"]), 2)

    def test_tags_find_them_and_deleting_removes_them(self):
        tags = [{"ResourceType": "launch-template", "Tags": [{"Key": "ohfp:store", "Value": "s"}]}]
        id = self.create(TagSpecifications=tags)["LaunchTemplateId"]
        self.create("other")
        found = self.ec2.describe_launch_templates(Filters=[{"Name": "tag:ohfp:store", "Values": ["s"]}])
        self.assertEqual([one["LaunchTemplateId"] for one in found["LaunchTemplates"]], [id])
        found = self.ec2.describe_launch_templates(Filters=[{"Name": "launch-template-name", "Values": ["ohfp-*"]}])
        self.assertEqual(len(found["LaunchTemplates"]), 1)
        self.ec2.delete_launch_template(LaunchTemplateName="ohfp-t")
        self.refused("InvalidLaunchTemplateId.NotFound", self.ec2.delete_launch_template, LaunchTemplateId=id)
        self.refused("InvalidLaunchTemplateId.NotFound", self.ec2.describe_launch_templates, LaunchTemplateIds=[id])
        self.assertEqual([one["name"] for one in self.truth("templates")], ["other"])


    def test_a_new_template_is_unknown_for_a_time(self):
        control("settings", {"template": 5})
        id = self.create()["LaunchTemplateId"]
        fields = {"ImageId": None, "LaunchTemplate": {"LaunchTemplateId": id}}
        self.refused("InvalidLaunchTemplateId.NotFound", self.run_machines, **fields)
        control("clock", {"advance": 6})
        self.assertEqual(len(self.run_machines(**fields)), 1)


class Lookups(CloudCase):
    """What stands around machines."""

    def test_images_have_a_root_device(self):
        control("world", {"images": [{"id": "ami-0123456789abcdef0", "root": "/dev/sda1"}]})
        image, = self.ec2.describe_images(ImageIds=["ami-0123456789abcdef0"])["Images"]
        self.assertEqual(image["RootDeviceName"], "/dev/sda1")
        self.refused("InvalidAMIID.NotFound", self.ec2.describe_images, ImageIds=["ami-00000000000000000"])
        self.refused("InvalidAMIID.Malformed", self.ec2.describe_images, ImageIds=["image"])

    def test_subnets_count_addresses(self):
        before = self.ec2.describe_subnets(SubnetIds=[self.subnets[0]])["Subnets"][0]["AvailableIpAddressCount"]
        self.run_machines(3)
        after = self.ec2.describe_subnets(SubnetIds=[self.subnets[0]])["Subnets"][0]["AvailableIpAddressCount"]
        self.assertEqual(before - after, 3)
        self.refused("InvalidSubnetID.NotFound", self.ec2.describe_subnets, SubnetIds=["subnet-00000000000000000"])

    def test_parameters_that_are_not_there_are_named(self):
        ssm = client("ssm")
        ssm.put_parameter(Name="/a", Value="ami-1", Type="String")
        answer = ssm.get_parameters(Names=["/a", "/b"])
        self.assertEqual([one["Value"] for one in answer["Parameters"]], ["ami-1"])
        self.assertEqual(answer["InvalidParameters"], ["/b"])
        self.refused("ParameterNotFound", ssm.get_parameter, Name="/b")

    def test_tags_of_every_kind_are_found(self):
        pair = [{"Key": "ohfp:store", "Value": "s"}]
        self.run_machines(TagSpecifications=[{"ResourceType": kind, "Tags": pair} for kind in ("instance", "volume")])
        self.ec2.create_launch_template(LaunchTemplateName="ohfp-t", LaunchTemplateData={"ImageId": IMAGE},
                                        TagSpecifications=[{"ResourceType": "launch-template", "Tags": pair}])
        found = self.ec2.describe_tags(Filters=[{"Name": "key", "Values": ["ohfp:*"]}])["Tags"]
        self.assertEqual({one["ResourceType"] for one in found}, {"instance", "volume", "launch-template"})

    def test_identity_is_that_of_the_tenant(self):
        self.assertEqual(client("sts").get_caller_identity()["Account"], "123456789012")
        self.assertNotEqual(client("sts", key="another").get_caller_identity()["Account"], "123456789012")

    def test_a_role_is_the_same_tenant(self):
        arn = "arn:aws:iam::123456789012:role/launcher"
        role = client("sts").assume_role(RoleArn=arn, RoleSessionName="s")["Credentials"]
        id, = self.run_machines()
        as_role = client("ec2", key=role["AccessKeyId"])
        self.assertEqual(len(as_role.describe_instances(InstanceIds=[id])["Reservations"]), 1)
        identity = client("sts", key=role["AccessKeyId"]).get_caller_identity()
        self.assertEqual(identity["Arn"], "arn:aws:sts::123456789012:assumed-role/launcher/s")

    def test_spot_prices_are_those_of_the_market(self):
        control("world", {"spot_prices": {"m5.large": 0.05}})
        history = self.ec2.describe_spot_price_history(InstanceTypes=["m5.large"])["SpotPriceHistory"]
        self.assertEqual(({one["SpotPrice"] for one in history}, len(history)), ({"0.050000"}, 4))
        market = {"MarketType": "spot", "SpotOptions": {"MaxPrice": "0.049"}}
        self.refused("SpotMaxPriceTooLow", self.run_machines, InstanceMarketOptions=market)
        market["SpotOptions"]["MaxPrice"] = "0.05"
        self.assertEqual(len(self.run_machines(InstanceMarketOptions=market)), 1)

    def test_instance_types(self):
        answer = self.ec2.describe_instance_types(InstanceTypes=["m5.large", "p5.48xlarge"])["InstanceTypes"]
        self.assertEqual([one["VCpuInfo"]["DefaultVCpus"] for one in answer], [2, 192])
        self.refused("InvalidInstanceType", self.ec2.describe_instance_types, InstanceTypes=["m5.tiny"])
