//! Attributes that a template lacks, derived from the size of its machine types.
//!
//! It must not know files, or how attributes are written there.

use ohfp_broker::launch_spec::attributes::whole_number;
use ohfp_broker::launch_spec::machine_types;
use serde_json::{Map, Value};

use crate::settings::words::NcpusFrom;
use crate::templates::attributes::{DERIVED, pair};
use crate::templates::instance_types::InstanceType;

/// The attributes Host Factory must have.
pub(crate) const REQUIRED: [&str; 3] = ["type", "ncpus", "nram"];

/// Size of one machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) arm: bool,
    /// Virtual processors.
    pub(crate) vcpus: u64,
    /// Physical cores.
    pub(crate) cores: u64,
    pub(crate) memory_mib: u64,
}

impl From<InstanceType> for Size {
    fn from(machine: InstanceType) -> Self {
        Self {
            arm: machine.arm,
            vcpus: machine.vcpus.into(),
            cores: machine.cores.into(),
            memory_mib: machine.memory_mib.into(),
        }
    }
}

/// How attributes are derived from a machine's size: keys of `template` in `config.json`.
#[derive(Clone, Debug)]
pub(crate) struct Derivation {
    pub(crate) ncpus_from: NcpusFrom,
    /// `attributes.type` of machines with `x86_64` or `i386` processors.
    pub(crate) x86: String,
    /// `attributes.type` of machines with `arm64` processors.
    pub(crate) arm: String,
}

impl Derivation {
    /// The processors of one machine, as `template.ncpus_from` counts them.
    fn processors(&self, size: &Size) -> u64 {
        match self.ncpus_from {
            NcpusFrom::Vcpus => size.vcpus,
            NcpusFrom::Cores => size.cores,
        }
    }
}

/// A machine type with its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chosen<'t> {
    pub(crate) name: &'t str,
    pub(crate) size: Size,
}

/// The machine types of a template that determine its attributes.
#[derive(Debug, Default)]
pub(crate) struct Sizing<'t> {
    /// The type that attributes are derived from.
    pub(crate) chosen: Option<Chosen<'t>>,
    /// Types that are not in the table.
    pub(crate) unknown: Vec<&'t str>,
}

impl<'t> Sizing<'t> {
    /// The smallest known one of `vmType`, else the smallest known one of `vmTypes`, else that of the specifications in
    /// the provider's own terms.
    pub(crate) fn of(fields: &'t Map<String, Value>, find: &mut dyn FnMut(&str) -> Option<Size>) -> Self {
        let mut types = Self::default();
        types.choose(machine_types::listed(fields), find);
        if types.chosen.is_none() {
            types.choose(machine_types::weighted(fields), find);
        }
        if types.chosen.is_none() {
            for field in SPECIFICATIONS {
                types.choose(named_in(fields.get(field)), find);
            }
        }
        types
    }

    /// The smallest known one of these and the one that is chosen.
    pub(crate) fn choose(
        &mut self,
        names: impl IntoIterator<Item = &'t str>,
        find: &mut dyn FnMut(&str) -> Option<Size>,
    ) {
        for name in names {
            match find(name) {
                Some(size) => {
                    let found = Chosen { name, size };
                    let smallest = self.chosen.filter(|smallest| smallest.rank() <= found.rank());
                    self.chosen = Some(smallest.unwrap_or(found));
                }
                None => self.unknown.push(name),
            }
        }
    }
}

/// Fields that are requests in the provider's own terms.
const SPECIFICATIONS: [&str; 2] = ["provider_api_spec", "launch_template_spec"];

impl<'t> Chosen<'t> {
    fn rank(&self) -> (u64, u64, &'t str) {
        (self.size.vcpus, self.size.memory_mib, self.name)
    }
}

/// The values of `InstanceType` anywhere in a specification, but for those that a launch fills in.
fn named_in(specification: Option<&Value>) -> Vec<&str> {
    let (mut names, mut left) = (Vec::new(), Vec::from_iter(specification));
    while let Some(value) = left.pop() {
        match value {
            Value::Array(items) => left.extend(items),
            Value::Object(members) => {
                let kind = members.get("InstanceType").and_then(Value::as_str);
                names.extend(kind.filter(|name| !name.contains("{{")));
                left.extend(members.values());
            }
            _ => (),
        }
    }
    names
}

/// Appends missing attributes, from `defaults` (typed), `mem`, and the machine's size. Returns those that are
/// still missing.
///
/// Host Factory multiplies `ncpus` and `ncores`, so a derived one must keep the product equal to the processors
/// of one machine: `ncores` is derived only together with `ncpus`, as 1, and a derived `ncpus` makes up for an
/// `ncores` that is given.
pub(crate) fn complete(
    attributes: &mut Map<String, Value>,
    defaults: &Map<String, Value>,
    size: Option<&Size>,
    derivation: &Derivation,
) -> Vec<&'static str> {
    let given = |name: &str| attributes.get(name).or_else(|| defaults.get(name));
    let ncpus_given = given("ncpus").is_some();
    let cores_given = given("ncores").and_then(whole_number);
    let numeric = |number: u64| pair("Numeric", number.to_string());
    for name in DERIVED {
        if attributes.contains_key(name) {
            continue;
        }
        let derived = |size: &Size| match name {
            "type" => Some(pair("String", if size.arm { &derivation.arm } else { &derivation.x86 }.clone())),
            "nram" => Some(numeric(size.memory_mib)),
            "ncpus" => {
                let processors = derivation.processors(size);
                Some(numeric(
                    cores_given
                        .and_then(|cores| processors.checked_div(cores))
                        .map_or(processors, |ncpus| ncpus.max(1)),
                ))
            }
            _ => (!ncpus_given).then(|| numeric(1)),
        };
        let value = defaults
            .get(name)
            .cloned()
            .or_else(|| if name == "nram" { attributes.get("mem").cloned() } else { None })
            .or_else(|| size.and_then(derived));
        if let Some(value) = value {
            attributes.insert(name.to_owned(), value);
        }
    }
    for (name, value) in defaults {
        if !attributes.contains_key(name) {
            attributes.insert(name.clone(), value.clone());
        }
    }
    REQUIRED.into_iter().filter(|name| !attributes.contains_key(*name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::templates::instance_types;

    fn derivation(ncpus_from: NcpusFrom) -> Derivation {
        Derivation { ncpus_from, x86: "X86_64".to_owned(), arm: "AARCH64".to_owned() }
    }

    #[test]
    fn missing_attributes_are_derived() {
        let check = |given: &str, machine: Option<&str>, from: NcpusFrom, wanted: &str, missing: &[&str]| {
            let mut attributes: Map<String, Value> = serde_json::from_str(given).unwrap();
            let defaults = serde_json::from_str(r#"{"cost": ["Numeric","1"]}"#).unwrap();
            let size = machine.and_then(instance_types::find).map(Size::from);
            let left = complete(&mut attributes, &defaults, size.as_ref(), &derivation(from));
            assert_eq!(left, missing, "{given}");
            attributes.remove("cost");
            assert_eq!(Value::Object(attributes).to_string(), wanted, "{given}");
        };
        let (x86, arm) = (Some("m5.large"), Some("m7g.large"));
        check(
            "{}",
            x86,
            NcpusFrom::Vcpus,
            r#"{"type":["String","X86_64"],"ncpus":["Numeric","2"],"nram":["Numeric","8192"],"ncores":["Numeric","1"]}"#,
            &[],
        );
        check(
            "{}",
            x86,
            NcpusFrom::Cores,
            r#"{"type":["String","X86_64"],"ncpus":["Numeric","1"],"nram":["Numeric","8192"],"ncores":["Numeric","1"]}"#,
            &[],
        );
        check(
            "{}",
            arm,
            NcpusFrom::Vcpus,
            r#"{"type":["String","AARCH64"],"ncpus":["Numeric","2"],"nram":["Numeric","8192"],"ncores":["Numeric","1"]}"#,
            &[],
        );
        check(
            r#"{"rank":["Numeric","1"],"ncpus":["Numeric","9"]}"#,
            x86,
            NcpusFrom::Vcpus,
            r#"{"rank":["Numeric","1"],"ncpus":["Numeric","9"],"type":["String","X86_64"],"nram":["Numeric","8192"]}"#,
            &[],
        );
        check(
            r#"{"mem":["Numeric","7"]}"#,
            None,
            NcpusFrom::Vcpus,
            r#"{"mem":["Numeric","7"],"nram":["Numeric","7"]}"#,
            &["type", "ncpus"],
        );
        check("{}", None, NcpusFrom::Vcpus, "{}", &["type", "ncpus", "nram"]);
    }

    /// Every instance type, with every combination of written, defaulted and absent attributes: no slot is
    /// promised without a processor.
    #[test]
    fn the_slots_of_every_machine_type() {
        #[derive(Clone, Copy, Debug, PartialEq)]
        enum From {
            Written,
            Defaulted,
            Absent,
        }
        let all = [From::Written, From::Defaulted, From::Absent];
        let put = |name: &str,
                   value: u64,
                   from: From,
                   written: &mut Map<String, Value>,
                   defaults: &mut Map<String, Value>| {
            let map = match from {
                From::Written => written,
                From::Defaulted => defaults,
                From::Absent => return,
            };
            map.insert(name.to_owned(), pair("Numeric", value.to_string()));
        };
        let mut cases = 0;
        for name in instance_types::names() {
            let size = Size::from(instance_types::find(name).unwrap());
            for ncpus_from in [NcpusFrom::Vcpus, NcpusFrom::Cores] {
                for (ncpus, ncores, cores) in all.into_iter().flat_map(|ncpus| {
                    all.into_iter().flat_map(move |ncores| [1, 2, 3].map(|cores| (ncpus, ncores, cores)))
                }) {
                    let (mut written, mut defaults) = (Map::new(), Map::new());
                    put("ncpus", 5, ncpus, &mut written, &mut defaults);
                    put("ncores", cores, ncores, &mut written, &mut defaults);
                    let before = written.clone();
                    complete(&mut written, &defaults, Some(&size), &derivation(ncpus_from));
                    let what = format!("{name} {ncpus_from:?}: ncpus {ncpus:?}, ncores {ncores:?} {cores}");
                    assert!(before.iter().all(|(name, value)| written[name] == *value), "{what}");
                    let number = |name: &str| written.get(name).and_then(whole_number);
                    let has = if ncpus_from == NcpusFrom::Vcpus { size.vcpus } else { size.cores };
                    let expected = match (ncpus, ncores) {
                        (From::Absent, From::Absent) => (Some(has), Some(1)),
                        (From::Absent, _) => (Some((has / cores).max(1)), Some(cores)),
                        (_, From::Absent) => (Some(5), None),
                        (_, _) => (Some(5), Some(cores)),
                    };
                    assert_eq!((number("ncpus"), number("ncores")), expected, "{what}");
                    assert_eq!(number("nram"), Some(size.memory_mib), "{what}");
                    let word = if size.arm { "AARCH64" } else { "X86_64" };
                    assert_eq!(written["type"][1], word, "{what}");
                    cases += 1;
                }
            }
        }
        assert!(cases > 50_000, "{cases}");
    }

    #[test]
    fn the_smallest_known_machine_type_counts() {
        let check = |fields: &str, chosen: Option<&str>, unknown: &[&str]| {
            let fields: Map<String, Value> = serde_json::from_str(fields).unwrap();
            let types = Sizing::of(&fields, &mut |name| instance_types::find(name).map(Size::from));
            assert_eq!(types.chosen.map(|machine| machine.name), chosen, "{fields:?}");
            assert_eq!(types.unknown, unknown, "{fields:?}");
        };
        check(r#"{"vmType": "m5.xlarge", "vmTypes": {"m5.large": 1}}"#, Some("m5.xlarge"), &[]);
        check(r#"{"vmTypes": {"m5.xlarge": 1, "c5.large": 1, "m5.large": 1}}"#, Some("c5.large"), &[]);
        check(r#"{"vmTypes": {"m5.large": 1, "m5a.large": 1}}"#, Some("m5.large"), &[]);
        check(r#"{"vmTypes": {"q9.large": 1, "m5.large": 1}}"#, Some("m5.large"), &["q9.large"]);
        check(r#"{"vmType": "q9.large"}"#, None, &["q9.large"]);
        check(r#"{"vmType": null, "launchTemplateId": "lt-1"}"#, None, &[]);
        check(r#"{"vmType": "m5.xlarge, c5.large,q9.large,"}"#, Some("c5.large"), &["q9.large"]);
        check(r#"{"launch_template_spec": {"InstanceType": "m5.large"}}"#, Some("m5.large"), &[]);
        check(
            r#"{"vmType": "c5.large", "launch_template_spec": {"InstanceType": "t3.nano"}}"#,
            Some("c5.large"),
            &[],
        );
        check(
            r#"{"provider_api_spec": {"LaunchTemplateConfigs": [{"Overrides": [
                {"InstanceType": "m5.xlarge"}, {"InstanceType": "m5.large"}, {"InstanceType": "{{ x }}"}]}]}}"#,
            Some("m5.large"),
            &[],
        );
        check(r#"{"launch_template_spec": {"InstanceType": 5}, "provider_api_spec": "x"}"#, None, &[]);
    }
}
