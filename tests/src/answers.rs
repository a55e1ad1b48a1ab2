//! Answers in JSON against their schemas, `docs/src/schemas/answers.schema.json`: every answer that a test gets is
//! checked, by [`ended`](crate::ended).
//!
//! Readers must take fields that a schema does not name. Here they are a fault, so that no field is undocumented.

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

/// Larger answers are those of tests that are about size.
const LARGEST: usize = 1024 * 1024;

/// Options before a command whose value is a word of its own.
const WITH_VALUE: &[&str] = &[
    "--columns",
    "--config",
    "--data",
    "--file",
    "--filter",
    "--format",
    "--instance",
    "--limit",
    "--log-level",
    "--offset",
    "--output",
    "--provider-name",
    "--provider-type",
    "--scheduler",
    "--sort-by",
    "--state-dir",
    "--timestamp-format",
    "-d",
    "-f",
    "-o",
];

/// Other names of commands.
const ALIASES: &[(&str, &str)] = &[
    ("template", "templates"),
    ("machine", "machines"),
    ("request", "requests"),
    ("provider", "providers"),
    ("ls", "list"),
    ("get", "show"),
    ("describe", "show"),
    ("templates rm", "templates delete"),
    ("machines rm", "machines return"),
    ("machines terminate", "machines return"),
    ("requests rm", "requests cancel"),
];

/// The schemas of all answers.
pub fn schemas() -> &'static Value {
    static SCHEMAS: OnceLock<Value> = OnceLock::new();
    SCHEMAS.get_or_init(|| {
        serde_json::from_str(include_str!("../../docs/src/schemas/answers.schema.json")).unwrap()
    })
}

/// The commands that have a schema, as in `machines list`.
pub fn commands() -> impl Iterator<Item = &'static str> {
    let schemas = schemas()["$defs"].as_object().into_iter().flatten();
    schemas.filter_map(|(_, schema)| schema["title"].as_str()?.strip_prefix("ohfp "))
}

/// What is wrong with the answer of a command.
pub fn fault(command: &str, answer: &Value) -> Option<String> {
    let schema = &schemas()["$defs"][command.replace(' ', "-")];
    check(schema, answer, "")
        .err()
        .map(|fault| format!("the answer of `{command}` does not fit its schema: {fault}"))
}

/// What is wrong with what a program has printed, if it is a program of ours and has printed one JSON object.
pub(crate) fn fault_of(command: &Command, code: i32, stdout: &[u8]) -> Option<String> {
    if stdout.first() != Some(&b'{') || stdout.len() > LARGEST {
        return None;
    }
    let words: Vec<&str> = command.get_args().filter_map(|word| word.to_str()).collect();
    let name = command_of(Path::new(command.get_program()).file_name()?.to_str()?, &words)?;
    let answer: Value = serde_json::from_slice(stdout).ok()?;
    let is_failure = code != 0 && check(&schemas()["$defs"]["failure"], &answer, "").is_ok();
    fault(&name, &answer).filter(|_| !is_failure)
}

/// The command of a line that has a schema.
fn command_of(program: &str, words: &[&str]) -> Option<String> {
    if let Some(operation) = program.strip_suffix(".sh") {
        return commands().find(|known| *known == operation).map(str::to_owned);
    }
    if program != "ohfp" && program != "ohfp-live" {
        return None;
    }
    let mut rest = words.iter();
    let mut next = || loop {
        let word = rest.next()?;
        match word.strip_prefix('-') {
            None => return Some(*word),
            Some(_) if WITH_VALUE.contains(word) => drop(rest.next()),
            Some(_) => {}
        }
    };
    let of = |name: &str| {
        let name = ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, name)| name);
        commands()
            .find(|known| known.eq_ignore_ascii_case(name))
            .map(str::to_owned)
            .ok_or_else(|| name.to_owned())
    };
    let group = of(next()?);
    let name = group.clone().unwrap_or_else(|name| name);
    // `metrics` is a command and a group.
    let below = next().and_then(|command| {
        let long = of(&format!("{name} {command}"));
        long.or_else(|_| of(&format!("{name} {}", of(command).unwrap_or_else(|name| name)))).ok()
    });
    below.or(group.ok())
}

fn check(schema: &Value, value: &Value, place: &str) -> Result<(), String> {
    for (keyword, rule) in schema.as_object().into_iter().flatten() {
        let fits = match keyword.as_str() {
            "$ref" => {
                let name = rule.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
                check(schemas()["$defs"].get(name).unwrap(), value, place)?;
                true
            }
            "anyOf" => {
                let faults: Vec<String> =
                    rule.as_array().unwrap().iter().map_while(|one| check(one, value, place).err()).collect();
                if faults.len() == rule.as_array().unwrap().len() {
                    return Err(format!("none of these: {}", faults.join("; ")));
                }
                true
            }
            "type" => rule
                .as_array()
                .map_or(std::slice::from_ref(rule), Vec::as_slice)
                .iter()
                .any(|kind| is_a(kind, value)),
            "const" => value == rule,
            "enum" => rule.as_array().unwrap().contains(value),
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(rule, item, &format!("{place}[{index}]"))?;
                }
                true
            }
            "required" => {
                for name in rule.as_array().unwrap() {
                    let name = name.as_str().unwrap();
                    if value.as_object().is_some_and(|members| !members.contains_key(name)) {
                        return Err(format!("{place}: no `{name}`"));
                    }
                }
                true
            }
            "properties" => {
                let others = schema.get("additionalProperties");
                for (name, member) in value.as_object().into_iter().flatten() {
                    let place = format!("{place}.{name}");
                    match rule.get(name).or(others) {
                        Some(rule) => check(rule, member, &place)?,
                        None => return Err(format!("{place} is in no schema")),
                    }
                }
                true
            }
            "additionalProperties" if schema.get("properties").is_none() => {
                for (name, member) in value.as_object().into_iter().flatten() {
                    check(rule, member, &format!("{place}.{name}"))?;
                }
                true
            }
            "additionalProperties" | "description" | "title" => true,
            other => panic!("{place}: the keyword {other} is not checked here"),
        };
        if !fits {
            return Err(format!("{place} is {value:.80}, against {keyword} {rule}"));
        }
    }
    Ok(())
}

fn is_a(kind: &Value, value: &Value) -> bool {
    match kind.as_str().unwrap() {
        "array" => value.is_array(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "object" => value.is_object(),
        "string" => value.is_string(),
        other => panic!("{other} is no type"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_of_a_line_is_found() {
        let check = |line: &str, expected: Option<&str>| {
            let words: Vec<&str> = line.split(' ').collect();
            assert_eq!(command_of(words[0], &words[1..]).as_deref(), expected, "{line}");
        };
        check("ohfp machines list", Some("machines list"));
        check("ohfp-live -o json --scheduler default machine ls --long", Some("machines list"));
        check("ohfp templates --config conf rm t", Some("templates delete"));
        check("ohfp requests get req-1", Some("requests show"));
        check("ohfp config get logging", Some("config get"));
        check("ohfp -f in.json getrequeststatus", Some("getRequestStatus"));
        check("requestMachines.sh -f in.json", Some("requestMachines"));
        check("ohfp status", Some("status"));
        check("ohfp metrics --since 7d", Some("metrics"));
        check("ohfp metrics push", Some("metrics push"));
        check("ohfp logs -n 3", None);
        check("ohfp-snapshot check", None);
    }
}
