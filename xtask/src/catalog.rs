//! `cargo xtask catalog N [DIR]`: a template file of N templates, for tests and benchmarks.
//!
//! The templates are as varied as real ones: all price types, attributes written out in both
//! spellings or left to be derived, optional fields in many combinations. They are the same for
//! everyone and for ever: template `i` depends on nothing but `i` and the table of instance types,
//! so a file is also the beginning of every longer one. Templates are written one by one, so a
//! million of them need no more memory than ten.

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::ops::RangeInclusive;
use std::path::PathBuf;

use serde_json::{Map, Value, json};

mod types;

use types::{Machine, Types};

use crate::dice::Dice;
use crate::environment;

const COUNTS: RangeInclusive<u64> = 10..=1_000_000;
const USAGE: &str = "usage: cargo xtask catalog N [DIR], with N from 10 to 1000000";
const FILE_NAME: &str = "awsprov_templates.json";
const TYPE_TABLE: &str = "config/aws-instance-types.csv";

const TEAMS: [&str; 8] = ["risk", "quant", "render", "genomics", "cfd", "pricing", "batch", "research"];
const STAGES: [&str; 3] = ["prod", "test", "dev"];
const STRATEGIES: [&str; 3] = ["capacityOptimized", "diversified", "lowestPrice"];

/// Runs the command with the arguments behind its name.
pub(crate) fn run(args: &[String]) -> Result<(), Box<dyn Error>> {
    let (count, directory) = match args {
        [count] => (count, None),
        [count, directory] => (count, Some(PathBuf::from(directory))),
        _ => return Err(USAGE.into()),
    };
    let count = count.parse().ok().filter(|count| COUNTS.contains(count)).ok_or(USAGE)?;
    let directory = directory.unwrap_or_else(|| default_directory(count));
    let types = Types::read(&environment::root().join(TYPE_TABLE))?;

    let path = directory.join(FILE_NAME);
    fs::create_dir_all(&directory)
        .and_then(|()| File::create(&path))
        .and_then(|file| {
            let mut out = BufWriter::with_capacity(1 << 20, file);
            write_catalog(&mut out, count, &types)?;
            out.flush()
        })
        .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    writeln!(io::stdout(), "{}", path.display())?;
    Ok(())
}

fn default_directory(count: u64) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| environment::root().join("target"), PathBuf::from);
    target.join("catalog").join(count.to_string())
}

/// One template per line, so that a file can be looked at with ordinary tools.
fn write_catalog(out: &mut impl Write, count: u64, types: &Types) -> io::Result<()> {
    out.write_all(b"{\"templates\":[\n")?;
    for index in 0..count {
        if index > 0 {
            out.write_all(b",\n")?;
        }
        let template =
            template(index, types).ok_or_else(|| io::Error::other("there are no instance types"))?;
        serde_json::to_writer(&mut *out, &template)?;
    }
    out.write_all(b"\n]}\n")
}

/// The template at a place of the catalog; `None` when there are no instance types.
fn template(index: u64, types: &Types) -> Option<Value> {
    let mut dice = Dice::new(index);
    let on_demand = dice.percent(60);
    let machine = types.pick(&mut dice, !on_demand)?;
    let (team, stage) = (dice.pick(&TEAMS)?, dice.pick(&STAGES)?);

    let mut fields = Map::new();
    let mut set = |name: &str, value: Value| {
        fields.insert(name.to_owned(), value);
    };
    // The number makes the id unique; the rest is what a person would put into it.
    set("templateId", format!("{stage}-{team}-{}-{index:07}", machine.name.replace('.', "-")).into());
    set("maxNumber", max_number(&mut dice).into());
    if dice.percent(65) {
        set("attributes", attributes(&mut dice, machine));
    }
    set("imageId", if machine.arm { "ami-0fedcba9876543210" } else { "ami-0abcdef1234567890" }.into());
    if on_demand {
        // `ondemand` is the default, and many leave it out.
        if dice.percent(80) {
            set("priceType", "ondemand".into());
        }
        set("vmType", machine.name.clone().into());
        set("subnetId", dice.id("subnet").into());
    } else {
        fleet(&mut dice, machine, types, &mut set);
    }
    volume(&mut dice, &mut set);

    let groups: Vec<_> = (0..=dice.below(3)).map(|_| dice.id("sg")).collect();
    set("securityGroupIds", groups.into());
    let center = dice.below(9000) + 1000;
    set("instanceTags", format!("team={team};env={stage};costcenter=cc-{center}").into());
    if dice.percent(60) {
        set("keyName", format!("{team}-{stage}").into());
    }
    if dice.percent(50) {
        set("instanceProfile", format!("arn:aws:iam::123456789012:instance-profile/{team}-compute").into());
    }
    if dice.percent(40) {
        set("userDataScript", format!("/opt/hostfactory/userdata/{team}-{stage}.sh").into());
    }
    if dice.percent(10) {
        set("launchTemplateId", dice.id("lt").into());
    }
    if on_demand && dice.percent(10) {
        set("pgrpName", format!("{team}-cluster").into());
    }
    Some(Value::Object(fields))
}

/// Mostly a round limit, sometimes none (−1) or nothing to offer (0).
fn max_number(dice: &mut Dice) -> i64 {
    match dice.below(20) {
        0 => 0,
        1 | 2 => -1,
        _ => dice.pick(&[5, 10, 20, 50, 100, 250, 1000]).unwrap_or(-1),
    }
}

/// Attributes as Host Factory sees them, or as a person writes them.
fn attributes(dice: &mut Dice, machine: &Machine) -> Value {
    let typed = dice.percent(75);
    let number = |value: u64| if typed { json!(["Numeric", value.to_string()]) } else { value.into() };
    let text = |value: String| if typed { json!(["String", value]) } else { value.into() };
    let mut all = Map::new();
    all.insert("type".into(), text(if machine.arm { "AARCH64" } else { "X86_64" }.to_owned()));
    all.insert("ncpus".into(), number(machine.vcpus));
    if dice.percent(80) {
        // Host Factory multiplies it with `ncpus`.
        all.insert("ncores".into(), number(1));
    }
    all.insert("nram".into(), number(machine.memory_mib));
    if machine.gpus > 0 {
        all.insert("ngpus".into(), number(machine.gpus));
    }
    if dice.percent(30) {
        all.insert("rank".into(), number(dice.below(100)));
    }
    if dice.percent(30) {
        // About four cents for each vCPU and hour; nothing depends on the truth of it.
        let (price, unit) = (machine.vcpus * 400 + dice.below(400), "billingTimeUnitType:prorated_hour");
        let price = format!(
            "price:{}.{:04},{unit},billingTimeUnitNumber:1,billingRoundoffType:unit",
            price / 10_000,
            price % 10_000
        );
        all.insert("priceInfo".into(), text(price));
    }
    all.into()
}

/// The fields of a spot fleet, alone or with machines at full price.
fn fleet(dice: &mut Dice, machine: &Machine, types: &Types, set: &mut impl FnMut(&str, Value)) {
    let mixed = dice.percent(30);
    set("priceType", if mixed { "heterogeneous" } else { "spot" }.into());
    let mut weights = Map::from_iter([(machine.name.clone(), Value::from(1))]);
    for weight in [1, 1, 2] {
        if let Some(other) = types.times_as_large(dice, machine, weight) {
            weights.entry(other.name.as_str()).or_insert(weight.into());
        }
    }
    set("vmTypes", weights.into());
    if mixed {
        set("vmTypesOnDemand", json!({ machine.name.as_str(): 1 }));
        set("percentOnDemand", ((dice.below(10) + 1) * 5).into());
    }
    let subnets: Vec<_> = (0..=dice.below(3)).map(|_| dice.id("subnet")).collect();
    // IBM allows both spellings.
    set("subnetId", if dice.percent(50) { subnets.into() } else { subnets.join(",").into() });
    set("fleetRole", "arn:aws:iam::123456789012:role/aws-ec2-spot-fleet-tagging-role".into());
    set("allocationStrategy", dice.pick(&STRATEGIES).into());
    if dice.percent(50) {
        set("spotFleetRequestExpiry", ((dice.below(6) + 1) * 10).into());
    }
    if dice.percent(30) {
        let cents = u32::try_from(machine.vcpus * 2 + dice.below(5) + 1).unwrap_or(u32::MAX);
        set("maxSpotPrice", (f64::from(cents) / 100.0).into());
    }
}

/// The root volume. `iops` goes with io1 and io2 only.
fn volume(dice: &mut Dice, set: &mut impl FnMut(&str, Value)) {
    if dice.percent(70) {
        set("rootDeviceVolumeSize", ((dice.below(20) + 1) * 10).into());
    }
    match dice.below(10) {
        0 => {
            set("volumeType", "io2".into());
            set("iops", ((dice.below(16) + 1) * 500).into());
        }
        1 => set("volumeType", "gp2".into()),
        2..8 => set("volumeType", "gp3".into()),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::types::tests::TABLE;
    use super::*;

    fn catalog(count: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        write_catalog(&mut bytes, count, &Types::parse(TABLE).unwrap()).unwrap();
        bytes
    }

    fn templates(bytes: &[u8]) -> Vec<Value> {
        let file: Value = serde_json::from_slice(bytes).unwrap();
        file["templates"].as_array().unwrap().clone()
    }

    #[test]
    fn ids_are_unique_and_well_formed() {
        let all = templates(&catalog(2000));
        let ids: HashSet<_> = all.iter().map(|one| one["templateId"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), 2000);
        for id in ids {
            assert!(
                id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'),
                "{id}"
            );
        }
    }

    #[test]
    fn the_same_for_everyone_and_ever() {
        assert_eq!(catalog(100), catalog(100));
        assert_eq!(templates(&catalog(10))[..], templates(&catalog(100))[..10]);
    }

    #[test]
    fn every_template_has_what_its_price_type_needs() {
        let all = templates(&catalog(1000));
        for one in &all {
            let needed: &[&str] = match one.get("priceType").and_then(Value::as_str) {
                None | Some("ondemand") => &["vmType"],
                Some("spot") => &["vmTypes", "fleetRole"],
                Some("heterogeneous") => &["vmTypes", "vmTypesOnDemand", "fleetRole"],
                other => panic!("{other:?}"),
            };
            for field in [&["maxNumber", "imageId", "subnetId"], needed].concat() {
                assert!(one.get(field).is_some(), "{field} is missing in {one}");
            }
            assert!(!one.to_string().contains("mac2"));
        }
        for field in ["attributes", "iops", "launchTemplateId", "pgrpName", "maxSpotPrice"] {
            let with = all.iter().filter(|one| one.get(field).is_some()).count();
            assert!((1..1000).contains(&with), "{with} of 1000 have {field}");
        }
    }

    #[test]
    fn templates_are_of_ordinary_size() {
        let mean = catalog(2000).len() / 2000;
        assert!((550..=650).contains(&mean), "{mean} bytes");
    }

    #[test]
    fn arguments_are_checked() {
        for args in [&[][..], &["9"], &["1000001"], &["many"], &["10", "a", "b"]] {
            let args: Vec<_> = args.iter().map(ToString::to_string).collect();
            assert_eq!(run(&args).unwrap_err().to_string(), USAGE);
        }
    }
}
