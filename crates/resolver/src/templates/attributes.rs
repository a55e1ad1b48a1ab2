//! `attributes`, by which Host Factory sizes its demand. Plain values become typed lists, and missing
//! attributes are derived from the machine type.
//!
//! It must not know files; errors are returned to the caller by attribute.

use ohfp_broker::launch_spec::attributes::whole_number;
use ohfp_broker::launch_spec::machine_types;
use serde_json::{Map, Value};

use crate::nearest::nearest;
use crate::settings::rule::shown;
use crate::settings::words::NcpusFrom;
use crate::templates::instance_types;
use crate::templates::instance_types::InstanceType;

/// The attributes Host Factory must have, in the order they are appended, and the useful fourth.
pub(crate) const REQUIRED: [&str; 3] = ["type", "ncpus", "nram"];
const DERIVED: [&str; 4] = ["type", "ncpus", "nram", "ncores"];

/// Attributes that must be whole numbers above zero.
const COUNTS: &[&str] = &["ncpus", "nram", "ncores", "mem"];

/// Attributes that are numbers, even when written as strings.
const NUMBERS: &[&str] = &["ncpus", "nram", "ncores", "mem", "rank", "nthreads", "maxmem"];

/// Attributes that are strings, even if they look like numbers.
const STRINGS: &[&str] = &["type", "priceInfo"];

/// Attributes in common use that resemble a known name and have another meaning.
const COMMON: &[&str] = &["ngpus", "maxmem"];

const TYPES: [&str; 3] = ["String", "Numeric", "Boolean"];

/// Makes `value` of attribute `name` a typed list like `["Numeric", "2"]`. A typed list stays as it is. The
/// error describes the allowed values.
pub(crate) fn make_typed(name: &str, value: &mut Value) -> Result<(), String> {
    let refuse = |value: &Value| Err(format!("must be {}, not {}", allowed(name), shown(value)));
    if let Value::Array(list) = value {
        return match list.as_mut_slice() {
            [Value::String(kind), Value::String(text)] if TYPES.contains(&kind.as_str()) => {
                if agrees(name, kind, text) { Ok(()) } else { refuse(value) }
            }
            // A scalar in place of its text: Host Factory requires strings there.
            [Value::String(kind), plain] if TYPES.contains(&kind.as_str()) => match typed(name, plain) {
                Some((inferred, text)) if may_stand_as(inferred, kind) && agrees(name, kind, &text) => {
                    *plain = Value::String(text);
                    Ok(())
                }
                _ => refuse(value),
            },
            [single] => match typed(name, single) {
                Some((kind, text)) if agrees(name, kind, &text) => {
                    *value = pair(kind, text);
                    Ok(())
                }
                _ => refuse(value),
            },
            _ => refuse(value),
        };
    }
    match typed(name, value) {
        Some((kind, text)) if agrees(name, kind, &text) => {
            *value = pair(kind, text);
            Ok(())
        }
        _ => refuse(value),
    }
}

fn allowed(name: &str) -> &'static str {
    if COUNTS.contains(&name) {
        "a number above 0, plain or like [\"Numeric\", \"4\"]"
    } else if NUMBERS.contains(&name) {
        "a number, plain or like [\"Numeric\", \"4\"]"
    } else if STRINGS.contains(&name) {
        "a string that is not empty, plain or like [\"String\", \"X86_64\"]"
    } else {
        "a string, a number or a boolean, plain or like [\"String\", \"x\"], [\"Numeric\", \"4\"], [\"Boolean\", \"1\"]"
    }
}

/// Type and text of a scalar.
fn typed(name: &str, value: &Value) -> Option<(&'static str, String)> {
    Some(match value {
        Value::String(text) if NUMBERS.contains(&name) => ("Numeric", text.trim().to_owned()),
        Value::String(text) => ("String", text.clone()),
        Value::Number(number) if STRINGS.contains(&name) => ("String", number.to_string()),
        Value::Number(number) => ("Numeric", number.to_string()),
        Value::Bool(flag) => ("Boolean", u8::from(*flag).to_string()),
        _ => return None,
    })
}

/// The sizing attribute that `name` is probably a misspelling of, unless that is given as well. Other names are
/// passed on to Host Factory.
pub(crate) fn typo_of(name: &str, given: &Map<String, Value>) -> Option<&'static str> {
    if DERIVED.contains(&name) || COMMON.contains(&name) || NUMBERS.contains(&name) || STRINGS.contains(&name)
    {
        return None;
    }
    nearest(name, DERIVED.into_iter().filter(|own| !given.contains_key(*own)))
}

/// Whether a scalar of one type can be the text of another: `["Boolean", 0]`, `["String", 7]`.
fn may_stand_as(inferred: &str, kind: &str) -> bool {
    inferred == kind || kind == "String" || (kind == "Boolean" && inferred == "Numeric")
}

/// Whether attribute `name` can have this type and text.
fn agrees(name: &str, kind: &str, text: &str) -> bool {
    if COUNTS.contains(&name) {
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let above_zero = text.bytes().any(|byte| (b'1'..=b'9').contains(&byte));
        return kind == "Numeric" && digits(whole) && digits(fraction) && above_zero;
    }
    if STRINGS.contains(&name) {
        return kind == "String" && !text.is_empty();
    }
    match kind {
        "Numeric" => text.parse::<f64>().is_ok_and(f64::is_finite),
        _ => !NUMBERS.contains(&name),
    }
}

fn pair(kind: &str, text: String) -> Value {
    Value::Array(vec![Value::String(kind.to_owned()), Value::String(text)])
}

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

/// The machine types of a template that determine its attributes.
#[derive(Debug, Default)]
pub(crate) struct Sizing<'t> {
    /// The type that attributes are derived from.
    pub(crate) chosen: Option<InstanceType>,
    /// Types that are not in the table.
    pub(crate) unknown: Vec<&'t str>,
}

impl<'t> Sizing<'t> {
    /// The smallest known one of `vmType`, else the smallest known one of `vmTypes`.
    pub(crate) fn of(fields: &'t Map<String, Value>) -> Self {
        let mut types = Self::default();
        types.choose(machine_types::listed(fields));
        if types.chosen.is_none() {
            types.choose(machine_types::weighted(fields));
        }
        types
    }

    fn choose(&mut self, names: impl IntoIterator<Item = &'t str>) {
        for name in names {
            match instance_types::find(name) {
                Some(found) => self.chosen = Some(self.chosen.map_or(found, |smallest| smallest.min(found))),
                None => self.unknown.push(name),
            }
        }
    }
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

    #[test]
    fn plain_values_become_typed_and_typed_ones_stay() {
        let check = |name: &str, value: &str, wanted: Option<&str>| {
            let mut value: Value = serde_json::from_str(value).unwrap();
            let before = value.to_string();
            let result = make_typed(name, &mut value);
            match wanted {
                Some(wanted) => {
                    assert_eq!(result, Ok(()), "{name} {before}");
                    assert_eq!(value.to_string(), wanted, "{name} {before}");
                }
                None => assert!(result.unwrap_err().contains(allowed(name)), "{name} {before}"),
            }
        };
        check("ncpus", "2", Some(r#"["Numeric","2"]"#));
        check("ncpus", "\"2\"", Some(r#"["Numeric","2"]"#));
        check("ncpus", "[\"2\"]", Some(r#"["Numeric","2"]"#));
        check("nram", "[\"4096\"]", Some(r#"["Numeric","4096"]"#));
        check("nram", "[4096]", Some(r#"["Numeric","4096"]"#));
        check("nram", "4096.5", Some(r#"["Numeric","4096.5"]"#));
        check("nram", r#"["Numeric", 4096]"#, Some(r#"["Numeric","4096"]"#));
        check("ncpus", r#"["Numeric","02"]"#, Some(r#"["Numeric","02"]"#));
        check("type", "\"X86_64\"", Some(r#"["String","X86_64"]"#));
        check("type", "[\"X86_64\"]", Some(r#"["String","X86_64"]"#));
        check("awshost", "true", Some(r#"["Boolean","1"]"#));
        check("awshost", "false", Some(r#"["Boolean","0"]"#));
        check("awshost", r#"["Boolean","1"]"#, Some(r#"["Boolean","1"]"#));
        check("lowprio", r#"["Boolean", 0]"#, Some(r#"["Boolean","0"]"#));
        check("lowprio", r#"["Boolean", true]"#, Some(r#"["Boolean","1"]"#));
        check("zone", r#"["String", 7]"#, Some(r#"["String","7"]"#));
        check("zone", r#"["String", true]"#, Some(r#"["String","1"]"#));
        check("zone", "\"7\"", Some(r#"["String","7"]"#));
        check("rank", "-1.5", Some(r#"["Numeric","-1.5"]"#));
        check("cost", "0.10", Some(r#"["Numeric","0.10"]"#));
        for (name, value) in [
            ("ncpus", "0"),
            ("ncpus", "-1"),
            ("ncpus", "\"two\""),
            ("ncpus", "true"),
            ("ncpus", "null"),
            ("ncpus", r#"["String","2"]"#),
            ("ncpus", r#"["Numeric","x"]"#),
            ("ncpus", "[]"),
            ("ncpus", "{}"),
            ("ncpus", "1e3"),
            ("type", "\"\""),
            ("type", r#"["Numeric","1"]"#),
            ("rank", "\"high\""),
            ("lowprio", r#"["Boolean", null]"#),
            ("lowprio", r#"["Boolean", [0]]"#),
            ("cost", r#"["Numeric", true]"#),
            ("type", r#"["Boolean", 1]"#),
            ("ncpus", r#"["Boolean", 2]"#),
            ("zone", "null"),
            ("zone", r#"["a","b"]"#),
            ("zone", r#"["String","a","b"]"#),
        ] {
            check(name, value, None);
        }
    }

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
            let types = Sizing::of(&fields);
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
    }

    /// A number may stand for a truth, and anything for a text; no text for a number or a truth.
    #[test]
    fn plain_values_under_a_type() {
        for (inferred, kind, may) in [
            ("Numeric", "Numeric", true),
            ("Numeric", "String", true),
            ("Boolean", "String", true),
            ("Numeric", "Boolean", true),
            ("String", "Boolean", false),
            ("String", "Numeric", false),
            ("Boolean", "Numeric", false),
        ] {
            assert_eq!(may_stand_as(inferred, kind), may, "{inferred} as {kind}");
        }
    }
}
