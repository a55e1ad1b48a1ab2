//! `--filter`: selects entries of a list.
//!
//! `FIELD=VALUE` (equal), `FIELD~TEXT` (contains), `FIELD=~REGEX` (finds something). Entries are JSON objects;
//! fields are named as in the answer or in the other spelling, and dots separate the names of nested fields. It
//! must not know what the entries are.

use std::collections::BTreeSet;

use ohfp_broker::{Error, ErrorKind, Result};
use ohfp_render::queries::nearest;
use ohfp_render::table::same_name;
use ohfp_render::text;
use regex_lite::Regex;
use serde_json::{Map, Value};

/// One condition.
#[derive(Debug)]
pub(crate) struct Filter {
    /// The condition as typed, for messages.
    condition: String,
    path: Vec<String>,
    test: Test,
}

#[derive(Debug)]
enum Test {
    Equals(String),
    Contains(String),
    Fits(Regex),
}

/// Parses the conditions of a command line. `name` translates field names whose spellings differ in more than
/// capitals and underscores.
pub(crate) fn parse(conditions: &[String], name: impl Fn(&str) -> &str) -> Result<Vec<Filter>> {
    conditions.iter().map(|condition| Filter::parse(condition, &name)).collect()
}

/// Keeps the items that satisfy every condition. `known` lists field names that an item may have, besides those
/// that some item has.
pub(crate) fn retain<T>(
    filters: &[Filter],
    mut items: Vec<T>,
    known: &[&str],
    fields: impl Fn(&T) -> &Map<String, Value>,
) -> Result<Vec<T>> {
    for filter in filters {
        filter.check(&items.iter().map(&fields), known)?;
    }
    items.retain(|item| filters.iter().all(|filter| filter.fits(fields(item))));
    Ok(items)
}

impl Filter {
    fn parse(condition: &str, name: impl Fn(&str) -> &str) -> Result<Self> {
        let unusable = |what: &str| {
            Error::new(ErrorKind::Usage, format!("`--filter {condition}` {what}"))
                .hint("write FIELD=VALUE, FIELD~TEXT or FIELD=~REGEX, for example name=~^ip-10-0-1-")
        };
        let at = condition.find(['=', '~']).ok_or_else(|| unusable("has no `=` or `~`"))?;
        let (field, rest) = condition.split_at(at);
        let mut path: Vec<String> = field.trim().split('.').map(str::to_owned).collect();
        if path.iter().any(String::is_empty) {
            return Err(unusable("does not name a field"));
        }
        if let Some(first) = path.first_mut() {
            *first = name(first).to_owned();
        }
        let test = if let Some(pattern) = rest.strip_prefix("=~") {
            Test::Fits(Regex::new(pattern).map_err(|error| {
                Error::new(ErrorKind::Usage, format!("`--filter {condition}` has no regular expression"))
                    .cause(error)
                    .hint("write FIELD~TEXT to search for literal text")
            })?)
        } else if let Some(value) = rest.strip_prefix('=') {
            Test::Equals(value.to_owned())
        } else {
            Test::Contains(rest.strip_prefix('~').unwrap_or(rest).to_owned())
        };
        Ok(Self { condition: condition.to_owned(), path, test })
    }

    /// Rejects a field name that no entry has and that is not in `known`.
    fn check<'a>(
        &self,
        entries: &(impl Iterator<Item = &'a Map<String, Value>> + Clone),
        known: &[&str],
    ) -> Result<()> {
        let found = |path: &[String]| entries.clone().any(|entry| !values(entry, path).is_empty());
        if found(&self.path) {
            return Ok(());
        }
        // The depth down to which the path exists in some entry.
        let depth =
            (1..self.path.len()).rev().find(|depth| found(self.path.get(..*depth).unwrap_or_default()));
        let (before, rest) = self.path.split_at(depth.unwrap_or(0));
        let mut names: BTreeSet<&str> = known.iter().copied().filter(|_| before.is_empty()).collect();
        for entry in entries.clone() {
            if before.is_empty() {
                names.extend(entry.keys().map(String::as_str));
            }
            for members in values(entry, before).into_iter().filter_map(Value::as_object) {
                names.extend(members.keys().map(String::as_str));
            }
        }
        match rest.first() {
            Some(wanted) if !names.is_empty() && !names.iter().any(|name| same_name(name, wanted)) => {
                Err(self.unknown(before, wanted, &names))
            }
            _ => Ok(()),
        }
    }

    fn unknown(&self, before: &[String], wanted: &str, names: &BTreeSet<&str>) -> Error {
        let place = if before.is_empty() { String::new() } else { format!(" in `{}`", before.join(".")) };
        let mut hint = match nearest(wanted, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`? There are "),
            None => "there are ".to_owned(),
        };
        hint.push_str(&names.iter().copied().collect::<Vec<_>>().join(", "));
        Error::new(
            ErrorKind::Usage,
            format!("`--filter {}`: there is no field `{wanted}`{place}", self.condition),
        )
        .hint(hint)
    }

    fn fits(&self, entry: &Map<String, Value>) -> bool {
        let found = values(entry, &self.path);
        match &self.test {
            Test::Equals(text) => {
                found.iter().any(|value| equals(value, text)) || (found.is_empty() && text.is_empty())
            }
            Test::Contains(part) => found.iter().any(|value| shown(value).contains(part.as_str())),
            Test::Fits(pattern) => found.iter().any(|value| pattern.is_match(&shown(value))),
        }
    }
}

/// The values at a path. Lists are searched element by element; a typed value such as `["Numeric", "2"]` counts
/// as its second element.
fn values<'v>(entry: &'v Map<String, Value>, path: &[String]) -> Vec<&'v Value> {
    let mut found = Vec::new();
    // Names may contain dots, as machine types do: the longest existing name wins.
    for length in (1..=path.len()).rev() {
        let (head, rest) = path.split_at(length);
        let head = head.join(".");
        let named = entry
            .get(&head)
            .or_else(|| entry.iter().find(|(name, _)| same_name(name, &head)).map(|(_, value)| value));
        if let Some(value) = named {
            follow(value, rest, &mut found);
            break;
        }
    }
    found
}

fn follow<'v>(value: &'v Value, path: &[String], found: &mut Vec<&'v Value>) {
    match value {
        Value::Array(items) => match items.as_slice() {
            [Value::String(kind), inner @ Value::String(_)] if text::is_attribute_type(kind) => {
                follow(inner, path, found);
            }
            items => items.iter().for_each(|item| follow(item, path, found)),
        },
        value if path.is_empty() => found.push(value),
        Value::Object(members) => found.extend(values(members, path)),
        _ => {}
    }
}

fn equals(value: &Value, text: &str) -> bool {
    match value {
        Value::Null => text.is_empty() || text == "null",
        Value::Number(number) => same_number(number.as_str(), text),
        Value::String(own) => own == text || (is_number(own) && same_number(own, text)),
        other => shown(other) == text,
    }
}

/// Values of attributes are numbers in quotes.
fn is_number(text: &str) -> bool {
    text.parse::<f64>().is_ok_and(f64::is_finite)
}

/// Whole numbers are compared exactly, others as far as a double goes.
fn same_number(left: &str, right: &str) -> bool {
    match (left.parse::<i128>(), right.parse::<i128>()) {
        (Ok(left), Ok(right)) => left == right,
        _ => match (left.parse::<f64>(), right.parse::<f64>()) {
            (Ok(left), Ok(right)) => left.partial_cmp(&right).is_some_and(std::cmp::Ordering::is_eq),
            _ => false,
        },
    }
}

/// A value as a table shows it, without escaping.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => {
            let mut out = String::new();
            text::value(&mut out, other);
            out
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entries() -> Vec<Map<String, Value>> {
        let entries = json!([
            {
                "templateId": "small", "maxNumber": 10, "spot": false, "price": 0.50, "note": null,
                "attributes": { "ncpus": ["Numeric", "2"], "type": ["String", "X86_64"] },
                "vmTypes": { "m5.large": 1, "m5.xlarge": 2 }, "subnetId": ["subnet-1", "subnet-2"],
            },
            {
                "templateId": "Large", "maxNumber": 10_000_000_000_000_000_000_u64, "spot": true, "price": 2,
                "attributes": { "ncpus": ["Numeric", "16"] },
                "machines": [{ "status": "running" }, { "status": "terminated" }], "subnetId": "subnet-2",
            },
        ]);
        entries.as_array().unwrap().iter().map(|entry| entry.as_object().unwrap().clone()).collect()
    }

    /// The ids of the entries that conditions, separated by blanks, keep.
    fn kept(conditions: &str) -> Result<String> {
        let conditions: Vec<String> = conditions.split(' ').map(str::to_owned).collect();
        let name = |name: &str| if name == "max_instances" { "maxNumber" } else { name }.to_owned();
        let filters = conditions
            .iter()
            .map(|text| Filter::parse(text, |given| if name(given) == given { given } else { "maxNumber" }))
            .collect::<Result<Vec<_>>>()?;
        let kept = retain(&filters, entries(), &["templateId", "imageId"], |entry| entry)?;
        Ok(kept.iter().map(|entry| entry["templateId"].as_str().unwrap()).collect::<Vec<_>>().join(" "))
    }

    fn check(cases: &[(&str, &str)]) {
        for (conditions, expected) in cases {
            assert_eq!(kept(conditions).as_deref(), Ok(*expected), "{conditions}");
        }
    }

    #[test]
    fn equal() {
        check(&[
            ("templateId=small", "small"),
            ("template_id=small", "small"),
            ("templateId=Small", ""),
            ("templateId=smal", ""),
            ("maxNumber=10", "small"),
            ("maxNumber=10.0", "small"),
            ("max_instances=010", "small"),
            ("maxNumber=1e1", "small"),
            ("maxNumber=ten", ""),
            // Doubles could not tell these apart.
            ("maxNumber=10000000000000000000", "Large"),
            ("maxNumber=10000000000000000001", ""),
            ("price=.5", "small"),
            ("spot=true", "Large"),
            ("spot=1", ""),
            ("note=", "small Large"),
            ("note=null", "small"),
            ("imageId=", "small Large"),
            ("imageId=ami-1", ""),
            ("subnetId=subnet-2", "small Large"),
            ("subnetId=subnet-1", "small"),
            ("templateId==~", ""),
        ]);
    }

    #[test]
    fn inside() {
        check(&[
            ("attributes.ncpus=2", "small"),
            ("attributes.ncpus=2.0", "small"),
            ("attributes.ncpus~6", "Large"),
            ("attributes.type=X86_64", "small"),
            ("machines.status=terminated", "Large"),
            ("vmTypes.m5.large=1", "small"),
            ("vm_types.m5.xlarge=2", "small"),
            ("vmTypes~m5.xlarge=2", "small"),
            ("templateId.part=x", ""),
        ]);
    }

    #[test]
    fn contained_and_found() {
        check(&[
            ("templateId~mal", "small"),
            ("templateId~", "small Large"),
            ("templateId=~^[A-Z]", "Large"),
            ("templateId=~^(?i)[A-Z]", "small Large"),
            ("templateId=~", "small Large"),
            ("note~x", ""),
            ("price=~^0", "small"),
            ("templateId~a spot=true", "Large"),
            ("templateId~a spot=true maxNumber=10", ""),
        ]);
    }

    #[test]
    fn mistakes_are_explained() {
        for (condition, message, hint) in [
            ("templateId", "`--filter templateId` has no `=` or `~`", "FIELD=VALUE"),
            ("", "`--filter ` has no `=`", "FIELD=VALUE"),
            ("=x", "does not name a field", "FIELD=VALUE"),
            ("a..b=x", "does not name a field", "FIELD=VALUE"),
            ("templateId=~(", "'--filter templateId=~(' has no regular expression", "FIELD~TEXT"),
            (
                "tempalteId=x",
                "no field `tempalteId`",
                "did you mean `templateId`? There are attributes, imageId, ",
            ),
            (
                "attributes.ncpu=2",
                "no field `ncpu` in `attributes`",
                "did you mean `ncpus`? There are ncpus, type",
            ),
            ("machines.state=x", "no field `state` in `machines`", "did you mean `status`? There are status"),
        ] {
            let error = kept(condition).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage, "{condition}");
            assert!(error.summary().contains(message), "{condition}: {error}");
            assert!(error.hint_text().unwrap().contains(hint), "{condition}: {error}");
        }
    }

    /// Whatever is typed gives an answer or an error, and what `=` keeps, `~` keeps too.
    #[test]
    fn any_text_is_a_condition_or_a_mistake() {
        let letters = ['a', 'T', '=', '~', '.', '(', '[', '\\', '*', '{', '1', 'é', '\0', '_', '|', '?'];
        let mut state = 7_u64;
        let mut dice = |limit: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap() % limit
        };
        let (mut good, mut bad) = (0, 0);
        for _ in 0..20_000 {
            let mut text = ["", "templateId=~", "templateId=", "attributes."][dice(4)].to_owned();
            for _ in 0..dice(9) {
                text.push(letters[dice(letters.len())]);
            }
            match kept(&text) {
                Ok(_) => good += 1,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Usage, "{text}");
                    bad += 1;
                }
            }
        }
        assert!(good > 100 && bad > 100, "{good} good, {bad} bad");
    }
}
