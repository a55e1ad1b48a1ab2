//! The commands of the group `config` that read layers or change files; `show`, `get` of a key and `validate` of the
//! whole are answered with the templates (`configuration`).

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use ohfp_broker::{Error, ErrorKind, Errors, Result};
use ohfp_cli::{ConfigCommand, SchemaKind};
use ohfp_platform::files;
use ohfp_render::{Format, documents};
use ohfp_service::config_change::{self, ConfigChange};
use ohfp_service::invocation::Environment;
use ohfp_service::{config_keys, validation};
use ohfp_wire::input::{self, DASH};
use serde_json::{Map, Value, json};

use super::{configuration, import};
use crate::call::Call;
use crate::reply::Reply;

/// Mode of the copy that is edited: it may hold secrets.
const PRIVATE: u32 = 0o600;

/// Whether a command is answered here.
pub(super) fn is_ours(command: &ConfigCommand) -> bool {
    match command {
        ConfigCommand::Show { origin, changed } => *origin || *changed,
        ConfigCommand::Get { key } => !config_keys::is_setting(key),
        ConfigCommand::Validate { file } => file.is_some(),
        _ => true,
    }
}

pub(super) fn run(call: &Call, command: &ConfigCommand) -> Result<Reply, Errors> {
    let invocation = &call.invocation;
    let answer = match command {
        ConfigCommand::Show { origin: false, .. } if !matches!(call.format, Format::Table | Format::List) => {
            config_keys::changed(invocation)?
        }
        ConfigCommand::Show { changed, .. } => config_keys::list(invocation, *changed)?,
        ConfigCommand::Get { key } => config_keys::get(invocation, key)?,
        ConfigCommand::Explain { key } => return explain(call, key),
        ConfigCommand::Set { key, value } => changed("set", &config_change::set(invocation, key, value)?),
        ConfigCommand::Unset { key } => changed("unset", &config_change::unset(invocation, key)?),
        ConfigCommand::Import(arguments) => return import::run(call, arguments),
        ConfigCommand::Edit => edit(call)?,
        ConfigCommand::Path => config_keys::path(invocation)?,
        ConfigCommand::Validate { file } => {
            let (name, content) = read(file.as_deref().unwrap_or(Path::new(DASH)))?;
            let validated = validation::validate_alone(invocation, &name, content);
            return Ok(configuration::report(&validated, false, call.format));
        }
        ConfigCommand::Schema { kind } => match kind {
            SchemaKind::Configuration => config_keys::configuration_schema(),
            SchemaKind::Templates => config_keys::templates_schema(),
        },
        ConfigCommand::Reload => {
            let (snapshot, done) = invocation.catalog()?.rebuild()?;
            json!({ "snapshot": snapshot, "state": done })
        }
    };
    Ok(Reply::answer(documents::render(&answer, call.format)))
}

/// For people, each layer is a line below what is known of the key.
fn explain(call: &Call, key: &str) -> Result<Reply, Errors> {
    let answer = config_keys::explain(&call.invocation, key)?;
    if matches!(call.format, Format::Json | Format::Yaml) {
        return Ok(Reply::answer(documents::render(&answer, call.format)));
    }
    let mut record = Map::new();
    for (name, value) in answer.as_object().into_iter().flatten() {
        let Value::Array(layers) = value else {
            record.insert(name.clone(), value.clone());
            continue;
        };
        if name != "layers" {
            // A list in a table would be taken for its rows.
            record.insert(name.clone(), Value::from(value.to_string()));
            continue;
        }
        for layer in layers {
            let text = |member: &str| layer.get(member).and_then(Value::as_str).unwrap_or_default();
            let mark = if layer.get("decides") == Some(&Value::Bool(true)) { "*" } else { " " };
            let place = text("place");
            let name = if place.is_empty() { text("layer") } else { place };
            let value = layer.get("value").map(ToString::to_string).unwrap_or_default();
            record.insert(format!("{mark} {name}"), Value::from(value));
        }
    }
    Ok(Reply::answer(documents::render(&Value::Object(record), call.format)))
}

fn changed(what: &str, change: &ConfigChange) -> Value {
    let ConfigChange { key, file, overridden_by } = change;
    let mut answer = json!({ "key": key, "changed": file.is_some(), "action": what, "file": file });
    if let (Value::Object(answer), Some(place)) = (&mut answer, overridden_by) {
        answer.insert("overriddenBy".to_owned(), json!(place));
    }
    answer
}

/// The content of a file or of standard input, with a name whose ending says the format.
fn read(file: &Path) -> Result<(PathBuf, Vec<u8>)> {
    let content = input::contents(file, input::LIMIT).map_err(|error| {
        Error::new(ErrorKind::Input, format!("cannot read `{}`", file.display())).cause(error)
    })?;
    if file != Path::new(DASH) {
        return Ok((file.to_owned(), content));
    }
    let text = String::from_utf8_lossy(&content);
    Ok((PathBuf::from(format!("stdin.{}", guessed(&text))), content))
}

/// The ending for a text without a name.
fn guessed(text: &str) -> &'static str {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let first = lines.next().unwrap_or("{");
    let name = first.trim_start_matches('[').trim_end_matches(']');
    let is_header = first.starts_with('[')
        && first.ends_with(']')
        && name.starts_with(char::is_alphabetic)
        && !name.contains([',', '"', '{']);
    match first {
        _ if is_header => "toml",
        _ if first.starts_with(['{', '[']) => "json",
        _ if first.split_once('=').is_some_and(|(name, _)| !name.contains([':', '"'])) => "toml",
        _ => "yaml",
    }
}

/// Has a person edit a copy, and replaces the file if the result is right.
fn edit(call: &Call) -> Result<Value, Errors> {
    let invocation = &call.invocation;
    let (file, before) = config_change::file_to_edit(invocation)?;
    let copy = copy(&file, &before)?;
    let edited = in_editor(invocation.env(), &copy).and_then(|()| {
        fs::read_to_string(&copy).map_err(|error| {
            Error::new(ErrorKind::Input, format!("cannot read `{}`", copy.display())).cause(error)
        })
    });
    let after = match edited {
        Ok(after) => after,
        Err(error) => {
            let _ = fs::remove_file(&copy);
            return Err(error.into());
        }
    };
    if after == before {
        let _ = fs::remove_file(&copy);
        return Ok(json!({ "file": file, "changed": false }));
    }
    if let Err(errors) = config_change::replace_edited(invocation, &file, &before, &after) {
        let mut errors: Vec<Error> = errors.iter().cloned().collect();
        let message = format!("`{}` is unchanged; what you wrote is in `{}`", file.display(), copy.display());
        errors.push(Error::new(ErrorKind::Refused, message));
        return Err(errors.into());
    }
    let _ = fs::remove_file(&copy);
    Ok(json!({ "file": file, "changed": true }))
}

fn copy(file: &Path, content: &str) -> Result<PathBuf> {
    let name = file.file_name().map_or_else(|| "config.json".to_owned(), |name| name.display().to_string());
    let copy = std::env::temp_dir().join(format!("ohfp-edit-{}-{name}", std::process::id()));
    let failed = |cause: &dyn std::fmt::Display| {
        Error::new(ErrorKind::System, format!("cannot write `{}`", copy.display())).cause(cause)
    };
    let mut out = files::create(&copy, PRIVATE).map_err(|refused| failed(&refused))?;
    out.write_all(content.as_bytes()).map_err(|error| failed(&error))?;
    Ok(copy)
}

fn in_editor(env: &Environment, file: &Path) -> Result<()> {
    let set = |name: &str| env.get(name).filter(|value| !value.is_empty());
    let Some(editor) = set("VISUAL").or_else(|| set("EDITOR")) else {
        return Err(Error::new(ErrorKind::Input, "neither VISUAL nor EDITOR names an editor")
            .hint("EDITOR=nano ohfp config edit"));
    };
    // As git does: the variable is a command line for the shell.
    let script = format!("{} \"$@\"", editor.display());
    let status = Command::new("/bin/sh").arg("-c").arg(script).arg("ohfp").arg(file).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Error::new(
            ErrorKind::Refused,
            format!("the editor `{}` ended with {status}; nothing was changed", editor.display()),
        )),
        Err(error) => {
            Err(Error::new(ErrorKind::System, format!("cannot start the editor `{}`", editor.display()))
                .cause(error))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_of_texts_without_a_name() {
        for (text, ending) in [
            ("{\"a\": 1}", "json"),
            ("\n  [1]", "json"),
            ("# c\na: 1\n", "yaml"),
            ("# c\n[a]\nb = 1\n", "toml"),
            ("a.b = \"x: y\"\n", "toml"),
            ("a: b=c\n", "yaml"),
            ("", "json"),
        ] {
            assert_eq!(guessed(text), ending, "{text}");
        }
    }
}
