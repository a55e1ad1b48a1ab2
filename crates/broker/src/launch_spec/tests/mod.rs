//! Each field: its spellings, what is derived from it, and what it refuses.

mod prices;

use serde_json::{Map, Value};

use super::{Bounds, FieldErrors, Image, LaunchSpec, LaunchTemplate, Lenient, MachineProfile, RootVolume};
use super::{InterfaceType, Tenancy, VolumeType};
use crate::user_data::UserData;

fn parse(fields: &str) -> Result<LaunchSpec, FieldErrors> {
    let fields: Map<String, Value> = serde_json::from_str(fields).unwrap();
    LaunchSpec::parse(&fields)
}

/// Expects a member of the specification of each fields, or the message of their error.
fn check<T: PartialEq + std::fmt::Debug>(
    member: impl Fn(&LaunchSpec) -> T,
    cases: impl IntoIterator<Item = (&'static str, Result<T, &'static str>)>,
) {
    for (fields, expected) in cases {
        let found = parse(fields).map(|spec| member(&spec)).map_err(|errors| errors.to_string());
        assert_eq!(found, expected.map_err(str::to_owned), "{fields}");
    }
}

/// The same for a field that is judged when it is needed.
fn check_lenient<T: PartialEq + std::fmt::Debug + Clone>(
    member: impl Fn(&LaunchSpec) -> Lenient<T>,
    cases: impl IntoIterator<Item = (&'static str, Result<Option<T>, &'static str>)>,
) {
    for (fields, expected) in cases {
        let found = member(&parse(fields).unwrap());
        let found = found.get().map(Option::<&T>::cloned).map_err(|error| error.to_string());
        assert_eq!(found, expected.map_err(str::to_owned), "{fields}");
    }
}

#[test]
fn images_profiles_and_launch_templates() {
    check(
        |spec| spec.image.clone(),
        [
            (r#"{"imageId": "ami-0abc"}"#, Ok(Some(Image::Ami("ami-0abc".into())))),
            (r#"{"imageId": "ssm:/my/image"}"#, Ok(Some(Image::Parameter("/my/image".into())))),
            (r#"{"imageId": "resolve:ssm:name:3"}"#, Ok(Some(Image::Parameter("name:3".into())))),
            (r#"{"imageId": "/aws/service/a"}"#, Ok(Some(Image::Parameter("/aws/service/a".into())))),
            (r#"{"imageId": "/subscriptions/a"}"#, Ok(Some(Image::Other("/subscriptions/a".into())))),
            (r#"{"imageId": ""}"#, Ok(None)),
            (r#"{"imageId": null}"#, Ok(None)),
            (r#"{"imageId": 5}"#, Err("`imageId` must be a string, not 5")),
        ],
    );
    check(
        |spec| spec.instance_profile.clone(),
        [
            (
                r#"{"instanceProfile": "arn:aws:iam::1:instance-profile/x"}"#,
                Ok(Some(MachineProfile::Arn("arn:aws:iam::1:instance-profile/x".into()))),
            ),
            (r#"{"instanceProfile": "x"}"#, Ok(Some(MachineProfile::Name("x".into())))),
            (r#"{"instanceProfile": {}}"#, Err("`instanceProfile` must be a string, not an object")),
        ],
    );
    let template = |version: Option<&str>| {
        Ok(Some(Box::new(LaunchTemplate { id: "lt-1".into(), version: version.map(Box::from) })))
    };
    check(
        |spec| spec.launch_template.clone(),
        [
            (r#"{"launchTemplateId": "lt-1"}"#, template(None)),
            (r#"{"launchTemplateVersion": 4, "launchTemplateId": "lt-1"}"#, template(Some("4"))),
            (
                r#"{"launchTemplateId": "lt-1", "launchTemplateVersion": "$Latest"}"#,
                template(Some("$Latest")),
            ),
            (r#"{"launchTemplateVersion": "4"}"#, Ok(None)),
            (
                r#"{"launchTemplateVersion": true}"#,
                Err("`launchTemplateVersion` must be a number or a string, not true"),
            ),
        ],
    );
}

#[test]
fn machine_types_in_the_order_of_launch() {
    let candidates = |spec: &LaunchSpec| -> Vec<String> {
        let shown = |priority: Option<f64>| priority.map(|number| format!("@{number}")).unwrap_or_default();
        spec.candidates().map(|one| format!("{}*{}{}", one.name, one.units, shown(one.priority))).collect()
    };
    let these = |names: &[&str]| Ok(names.iter().map(|name| (*name).to_owned()).collect());
    check(
        candidates,
        [
            (r#"{"vmType": "m5.large"}"#, these(&["m5.large*1"])),
            (r#"{"vmType": " a, b,,c ,"}"#, these(&["a*1", "b*1", "c*1"])),
            (r#"{"vmType": "", "vmTypes": {"b": 8, "a": 1}}"#, these(&["b*8", "a*1"])),
            (r#"{"vmTypes": {"a": "2", "b": 99999999999}}"#, these(&["a*2", "b*4294967295"])),
            (r#"{"vmType": "a", "vmTypes": {"b": 2}}"#, these(&["a*1"])),
            (r#"{"vmType": "a", "vmTypes": {"b": 2}, "priceType": "spot"}"#, these(&["b*2"])),
            (r#"{"vmType": "a", "vmTypes": {"b": 2}, "priceType": "heterogeneous"}"#, these(&["b*2"])),
            (r#"{"vmType": "a", "vmTypes": {}, "priceType": "spot"}"#, these(&["a*1"])),
            (
                r#"{"vmTypes": {"a": 1, "b": 1}, "vmTypesPriority": {"b": 0.5, "a": "3"}}"#,
                these(&["a*1@3", "b*1@0.5"]),
            ),
            ("{}", these(&[])),
            (r#"{"vmType": ["a"]}"#, Err("`vmType` must be a string, not a list")),
            (
                r#"{"vmTypes": ["a"]}"#,
                Err(
                    "`vmTypes` must be an object of machine types with whole weights from 1, like {\"m5.large\": 1}, \
                     not a list",
                ),
            ),
            (r#"{"vmTypes": {"a": 0}}"#, Err("`vmTypes.a` must be a whole number from 1, not 0")),
            (
                r#"{"vmTypesOnDemand": {"a": "x"}}"#,
                Err("`vmTypesOnDemand.a` must be a whole number from 1, not \"x\""),
            ),
            (r#"{"vmTypesPriority": {"a": null}}"#, Err("`vmTypesPriority.a` must be a number, not null")),
            (
                r#"{"vmTypesPriority": 1}"#,
                Err(
                    "`vmTypesPriority` must be an object of machine types with numbers, like {\"m5.large\": 1}, not 1",
                ),
            ),
        ],
    );
    let on_demand = parse(r#"{"vmTypesOnDemand": {"a": 3}}"#).unwrap().machine_types.on_demand;
    assert_eq!(&*on_demand, [("a".into(), 3)]);
    let huge = parse(r#"{"vmTypesPriority": {"a": 1e400}}"#).unwrap().machine_types.priorities;
    assert_eq!(huge.first().map(|(_, number)| *number), Some(f64::MAX));
}

#[test]
fn requirements() {
    let limits = |min, max| Bounds { min, max };
    check(
        |spec| {
            let found = spec.requirements.as_deref();
            found.map(|found| (found.vcpus, found.memory_mib, found.cpu_manufacturers.len(), found.all.len()))
        },
        [
            (
                r#"{"abisInstanceRequirements": {"VCpuCount": {"Min": 4, "Max": "8"}, "memory_mib": {"min": 1}, "x": 1}}"#,
                Ok(Some((limits(Some(4), Some(8)), limits(Some(1), None), 0, 3))),
            ),
            (
                r#"{"abisInstanceRequirements": {"VCpuCount": 4, "CpuManufacturers": ["intel", 5, "amd"]}}"#,
                Ok(Some((limits(None, None), limits(None, None), 2, 2))),
            ),
            (
                r#"{"abisInstanceRequirements": []}"#,
                Err("`abisInstanceRequirements` must be an object, not a list"),
            ),
        ],
    );
}

#[test]
fn networks() {
    let lists = |spec: &LaunchSpec| format!("{:?} {:?}", spec.subnets, spec.security_groups);
    check(
        lists,
        [
            (r#"{"subnetId": "a"}"#, Ok(r#"["a"] []"#.to_owned())),
            (r#"{"subnetId": "a, b,"}"#, Ok(r#"["a", "b"] []"#.to_owned())),
            (r#"{"subnetId": ["b", "a"], "securityGroupIds": "g"}"#, Ok(r#"["b", "a"] ["g"]"#.to_owned())),
            (r#"{"securityGroupIds": ["g", ""]}"#, Ok(r#"[] ["g"]"#.to_owned())),
            (r#"{"subnetId": [1]}"#, Err("`subnetId` must be a string or a list of strings, not a list")),
            (r#"{"subnetId": 1}"#, Err("`subnetId` must be a string or a list of strings, not 1")),
        ],
    );
    check_lenient(
        |spec| spec.interface_type.clone(),
        [
            (r#"{"interfaceType": "efa"}"#, Ok(Some(InterfaceType::Efa))),
            (r#"{"interfaceType": ""}"#, Ok(None)),
            (
                r#"{"interfaceType": "eth0"}"#,
                Err("`interfaceType` must be one of `interface`, `efa`, `efa-only`, not \"eth0\""),
            ),
        ],
    );
    check_lenient(
        |spec| spec.efa_count.clone(),
        [
            (r#"{"efaCount": "4"}"#, Ok(Some(4))),
            (r#"{"efaCount": 0}"#, Err("`efaCount` must be a whole number from 1, not 0")),
        ],
    );
}

#[test]
fn placement_and_rights() {
    let group = |name: &str| Ok(Some(Box::from(name)));
    check_lenient(
        |spec| spec.placement_group.clone(),
        [
            (r#"{"pgrpName": "a", "placementGroupName": "b"}"#, group("a")),
            (r#"{"placementGroupName": "b", "pgrpName": null}"#, group("b")),
            (r#"{"placementGroupName": "b", "pgrpName": ""}"#, group("b")),
            (r#"{"placementGroupName": 5}"#, Err("`placementGroupName` must be a string, not 5")),
            ("{}", Ok(None)),
        ],
    );
    check_lenient(
        |spec| spec.tenancy.clone(),
        [
            (r#"{"tenancy": "dedicated"}"#, Ok(Some(Tenancy::Dedicated))),
            (
                r#"{"tenancy": "mine"}"#,
                Err("`tenancy` must be one of `default`, `dedicated`, `host`, not \"mine\""),
            ),
        ],
    );
    check_lenient(
        |spec| spec.ebs_optimized.clone(),
        [
            (r#"{"ebsOptimized": true}"#, Ok(Some(true))),
            (r#"{"ebsOptimized": "False"}"#, Ok(Some(false))),
            (r#"{"ebsOptimized": 1}"#, Ok(Some(true))),
            (r#"{"ebsOptimized": "0"}"#, Ok(Some(false))),
            (r#"{"ebsOptimized": ""}"#, Ok(None)),
            (r#"{"ebsOptimized": "maybe"}"#, Err("`ebsOptimized` must be true or false, not \"maybe\"")),
        ],
    );
    check(
        |spec| (spec.key_name.clone(), spec.user_data_script.clone(), spec.ec2_fleet_config.clone()),
        [
            (
                r#"{"keyName": "k", "userDataScript": "/a/b.sh", "ec2FleetConfig": "f.json"}"#,
                Ok((Some("k".into()), Some("/a/b.sh".into()), Some("f.json".into()))),
            ),
            (r#"{"keyName": "", "userDataScript": "", "ec2FleetConfig": ""}"#, Ok((None, None, None))),
            (r#"{"keyName": 1}"#, Err("`keyName` must be a string, not 1")),
            (r#"{"userDataScript": 1}"#, Err("`userDataScript` must be a string, not 1")),
            (r#"{"ec2FleetConfig": 1}"#, Err("`ec2FleetConfig` must be a string, not 1")),
        ],
    );
    let secret = parse(r#"{"userData": "password=geheim"}"#).unwrap();
    assert_eq!(secret.user_data.as_ref().map(UserData::reveal), Some("password=geheim"));
    assert!(!format!("{secret:?}").contains("geheim"));
}

#[test]
fn volumes() {
    let volume = |size_gib, kind, iops| Ok(RootVolume { size_gib, kind, iops });
    check(
        |spec| spec.root_volume,
        [
            (
                r#"{"rootDeviceVolumeSize": "100", "volumeType": "gp3", "iops": 3000}"#,
                volume(Some(100), Some(VolumeType::Gp3), Some(3000)),
            ),
            (r#"{"rootDeviceVolumeSize": 16384}"#, volume(Some(16_384), None, None)),
            (
                r#"{"rootDeviceVolumeSize": 16385}"#,
                Err("`rootDeviceVolumeSize` must be a whole number from 1 to 16384, not 16385"),
            ),
            (
                r#"{"volumeType": "gp9", "iops": 99}"#,
                Err("`volumeType` must be one of `gp2`, `gp3`, `io1`, `io2`, `standard`, not \"gp9\"; \
                     `iops` must be a whole number from 100 to 256000, not 99"),
            ),
        ],
    );
    for (kind, takes) in [
        (VolumeType::Gp2, false),
        (VolumeType::Gp3, true),
        (VolumeType::Io1, true),
        (VolumeType::Io2, true),
        (VolumeType::Standard, false),
    ] {
        assert_eq!(kind.takes_iops(), takes, "{kind:?}");
    }
}

#[test]
fn tags_in_both_spellings() {
    check(
        |spec| {
            let tags = spec.tags.as_ref()?;
            let pairs = tags.pairs().map(|pairs| format!("{pairs:?}")).map_err(|error| error.to_string());
            Some((tags.text().to_owned(), pairs))
        },
        [
            (
                r#"{"instanceTags": "b=1;a=x=y;"}"#,
                Ok(Some(("b=1;a=x=y;".to_owned(), Ok(r#"[("b", "1"), ("a", "x=y")]"#.to_owned())))),
            ),
            (
                r#"{"instanceTags": {"b": "1", "a": ""}}"#,
                Ok(Some(("b=1;a=".to_owned(), Ok(r#"[("b", "1"), ("a", "")]"#.to_owned())))),
            ),
            (r#"{"instanceTags": ""}"#, Ok(Some((String::new(), Ok("[]".to_owned()))))),
            (
                r#"{"instanceTags": "a=b;=c"}"#,
                Ok(Some((
                    "a=b;=c".to_owned(),
                    Err("`instanceTags` must be like `key=value;key=value`, not \"a=b;=c\"".to_owned()),
                ))),
            ),
            (r#"{"instanceTags": {"a": 1}}"#, Err("`instanceTags.a` must be a string, not 1")),
            (
                r#"{"instanceTags": 1}"#,
                Err("`instanceTags` must be a string like \"k=v;k=v\", or an object of strings, not 1"),
            ),
        ],
    );
    for (text, good) in
        [("", true), ("a=b", true), ("a=b;c=d;", true), ("a", false), ("=b", false), ("a=b;;c=d", false)]
    {
        assert_eq!(super::Tags::is_form_of(text), good, "{text}");
    }
}

#[test]
fn slots_and_cores() {
    check(
        |spec| (spec.slots_per_machine(), spec.cores()),
        [
            (r#"{"attributes": {"ncpus": ["Numeric", "4"]}}"#, Ok((None, Some(4)))),
            (
                r#"{"attributes": {"ncpus": ["Numeric", "4.0"], "ncores": ["Numeric", "2"]}, "ec2FleetConfig": "f"}"#,
                Ok((Some(4), Some(8))),
            ),
            (r#"{"attributes": {"ncores": ["Numeric", "2"]}, "ec2FleetConfig": "f"}"#, Ok((None, None))),
            (
                r#"{"attributes": {"ncpus": ["Numeric", "4294967295"], "ncores": ["Numeric", "2"]}}"#,
                Ok((None, None)),
            ),
            (r#"{"attributes": 5}"#, Ok((None, None))),
        ],
    );
}

#[test]
fn long_values_are_not_repeated_in_messages() {
    let error = parse(&format!(r#"{{"priceType": "{}"}}"#, "x".repeat(41))).unwrap_err().to_string();
    assert!(error.ends_with("not a longer string"), "{error}");
    let error = parse(&format!(r#"{{"priceType": "{}"}}"#, "x".repeat(40))).unwrap_err().to_string();
    assert!(error.ends_with(&format!("\"{}\"", "x".repeat(40))), "{error}");
}
