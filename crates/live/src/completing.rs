//! `ohfp __complete`: what a shell can offer next. A site that is not in order has no ids to offer, and no message either:
//! it would end up in the line that is being typed.

use std::ffi::OsString;

use ohfp_broker::Errors;
use ohfp_broker::store::{MachineFilter, RequestFilter};
use ohfp_cli::GlobalOptions;
use ohfp_cli::completion::{self, IdKind};
use ohfp_render::Rendered;
use ohfp_render::queries::Query;
use ohfp_service::catalog;
use ohfp_service::invocation::{Environment, Invocation};
use ohfp_service::site_store::AccessMode;
use serde_json::Value;

use crate::call::Call;
use crate::output;
use crate::reply::Reply;

/// Most requests that are offered, the newest first.
const REQUESTS: u64 = 100;

/// Answers for the words behind `__complete`.
pub(crate) fn run(words: &[OsString], env: Environment) -> u8 {
    let words: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let mut tree = ohfp_cli::command();
    tree.build();
    let candidates = completion::candidates(&tree, &words);
    let ids = candidates.kind.and_then(|kind| ids(kind, &words, env).ok()).unwrap_or_default();
    let text = completion::lines(&candidates, ids);
    // Leaked: the process exits right after.
    std::mem::forget(tree);
    output::write_failure(&Reply::answer(Rendered::plain(text.into_bytes())))
}

fn ids(kind: IdKind, words: &[String], env: Environment) -> Result<Vec<String>, Errors> {
    let invocation = Invocation::new(options(words), env)?;
    let call = Call::new(invocation, true)?;
    Ok(match kind {
        IdKind::Templates => {
            let templates = call.invocation.catalog()?.templates()?;
            templates.iter().map(|template| template.id().to_owned()).collect()
        }
        IdKind::Machines => {
            let requests = call.session(AccessMode::ReadOnly)?.requests()?;
            let machines = requests.store.machines(&MachineFilter::existing())?;
            let told = |id: &str, name: Option<&str>| format!("{id}\t{}", name.unwrap_or_default());
            machines.iter().map(|machine| told(machine.id.as_str(), machine.name.as_deref())).collect()
        }
        IdKind::Requests => {
            let filter = RequestFilter { limit: Some(REQUESTS), ..RequestFilter::default() };
            let requests = call.session(AccessMode::ReadOnly)?.requests()?.store.requests(&filter)?;
            requests
                .iter()
                .map(|view| format!("{}\t{}", view.request.id, view.request.state.name()))
                .collect()
        }
        IdKind::Keys => catalog::setting_names().map(str::to_owned).collect(),
        IdKind::Providers => {
            let document = call.invocation.catalog()?.value(&Query::Providers)?;
            let entries = document.get("providers").and_then(Value::as_array).into_iter().flatten();
            entries.filter_map(|entry| entry.get("name")?.as_str()).map(str::to_owned).collect()
        }
        IdKind::Files | IdKind::Directories => Vec::new(),
    })
}

/// The options that decide which site is asked.
fn options(words: &[String]) -> GlobalOptions {
    let value = |name: &str| {
        words.iter().enumerate().find_map(|(place, word)| match word.strip_prefix(name)? {
            "" => words.get(place + 1).cloned(),
            rest => rest.strip_prefix('=').map(str::to_owned),
        })
    };
    GlobalOptions {
        config: value("--config").map(Into::into),
        instance: value("--instance"),
        state_dir: value("--state-dir").map(Into::into),
        ..GlobalOptions::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_site_is_that_of_the_line() {
        let check = |line: &str, config: Option<&str>| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            assert_eq!(options(&words).config.as_deref(), config.map(AsRef::as_ref), "{line}");
        };
        check("templates show", None);
        check("--config c templates show", Some("c"));
        check("templates --config=c show", Some("c"));
        check("templates --config", None);
    }
}
