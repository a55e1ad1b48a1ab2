//! Fills in a specification: expressions in `{{ }}`, with a limit on everything.
//!
//! No expression reaches a file, a variable of the environment or another template: the language has no loader here.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use minijinja::{Environment, UndefinedBehavior};
use ohfp_broker::Template;
use ohfp_broker::json;
use ohfp_broker::launch_spec::NativeSpec;
use serde_json::Value;

/// Most bytes of a file, and of what comes of it.
const MOST_BYTES: usize = 256 * 1024;
/// Most steps of the language for a whole specification: some milliseconds.
const MOST_STEPS: u64 = 50_000;
/// Most levels of nesting in an expression.
const MOST_LEVELS: usize = 50;

/// What a specification may refer to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reference<'a> {
    pub(crate) request: &'a str,
    pub(crate) provider: &'a str,
    pub(crate) template: &'a Template,
    pub(crate) image_id: Option<&'a str>,
    pub(crate) count: u32,
}

/// The language, and what it may refer to.
pub(super) struct Expansion {
    environment: Environment<'static>,
    values: minijinja::Value,
    directory: PathBuf,
}

impl Expansion {
    pub(super) fn new(reference: &Reference<'_>, directory: &Path) -> Self {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(MOST_STEPS));
        environment.set_recursion_limit(MOST_LEVELS);
        let Reference { request, provider, template, image_id, count } = *reference;
        let spec = template.spec();
        let types: Vec<&str> = spec.candidates().map(|candidate| candidate.name).collect();
        let list = |names: &mut dyn Iterator<Item = &str>| names.map(minijinja::Value::from).collect();
        let [all_types, subnets, groups]: [minijinja::Value; 3] = [
            list(&mut types.iter().copied()),
            list(&mut spec.subnets.iter().map(|subnet| &**subnet)),
            list(&mut spec.security_groups.iter().map(|group| &**group)),
        ];
        let values = minijinja::context! {
            request_id => request,
            requested_count => count,
            template_id => template.id(),
            provider_name => provider,
            image_id => image_id.unwrap_or_default(),
            instance_type => types.first().copied().unwrap_or_default(),
            instance_types => all_types,
            subnet_id => spec.subnets.first().map(|subnet| &**subnet).unwrap_or_default(),
            subnet_ids => subnets,
            security_group_ids => groups,
            key_name => spec.key_name.as_deref().unwrap_or_default(),
            package_name => "ohfp",
            package_version => env!("CARGO_PKG_VERSION"),
        };
        Self { environment, values, directory: directory.to_owned() }
    }

    /// The specification, filled in.
    pub(super) fn value(&self, given: &NativeSpec) -> Result<Value, String> {
        match given {
            NativeSpec::Inline(members) => self.filled(&Value::Object((**members).clone())),
            NativeSpec::File(name) => {
                let text = self.read(name)?;
                let text = self.text(&text).map_err(|why| format!("names {name}: {why}"))?;
                json::from_slice(text.as_bytes())
                    .map_err(|error| format!("names {name}, which is no JSON: {error}"))
            }
        }
    }

    fn filled(&self, value: &Value) -> Result<Value, String> {
        Ok(match value {
            Value::String(text) if text.contains("{{") || text.contains("{%") => match lone(text) {
                // An expression alone gives its value as it is: a number is no text.
                Some(expression) => {
                    let value = self
                        .environment
                        .compile_expression(expression)
                        .and_then(|expression| expression.eval(self.values.clone()))
                        .map_err(|error| format!("has `{text}`: {error}"))?;
                    if value.is_undefined() {
                        return Err(format!("has `{text}`, which is not defined"));
                    }
                    serde_json::to_value(&value).map_err(|error| format!("has `{text}`: {error}"))?
                }
                None => Value::from(self.text(text)?),
            },
            Value::Array(items) => items.iter().map(|item| self.filled(item)).collect::<Result<_, _>>()?,
            Value::Object(members) => {
                let member = |(name, value): (&String, &Value)| Ok((name.clone(), self.filled(value)?));
                Value::Object(members.iter().map(member).collect::<Result<_, String>>()?)
            }
            other => other.clone(),
        })
    }

    fn text(&self, text: &str) -> Result<String, String> {
        let filled =
            self.environment.render_str(text, self.values.clone()).map_err(|error| error.to_string())?;
        if filled.len() > MOST_BYTES {
            Err(format!("it becomes larger than {MOST_BYTES} bytes"))
        } else {
            Ok(filled)
        }
    }

    /// The text of a file below the directory, wherever links lead.
    fn read(&self, name: &str) -> Result<String, String> {
        let base = fs::canonicalize(&self.directory).map_err(|error| {
            format!("names {name} in {}, which cannot be read: {error}", self.directory.display())
        })?;
        let path = fs::canonicalize(base.join(name))
            .map_err(|error| format!("names {name}, which cannot be read: {error}"))?;
        if !path.starts_with(&base) {
            return Err(format!("names {name}, which is outside of {}", self.directory.display()));
        }
        let mut text = String::new();
        let status =
            fs::metadata(&path).map_err(|error| format!("names {name}, which cannot be read: {error}"))?;
        if !status.is_file() || status.len() > MOST_BYTES as u64 {
            return Err(format!("names {name}, which is no file of at most {MOST_BYTES} bytes"));
        }
        File::open(&path)
            .and_then(|file| file.take(MOST_BYTES as u64).read_to_string(&mut text))
            .map_err(|error| format!("names {name}, which cannot be read: {error}"))?;
        Ok(text)
    }
}

/// The expression of a text that is nothing else.
fn lone(text: &str) -> Option<&str> {
    let inner = text.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    (!inner.contains("{{") && !inner.contains("}}")).then(|| inner.trim())
}
