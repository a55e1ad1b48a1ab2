//! `ohfp-snapshot diff`, and the summary of changes that `build` prints.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use ohfp_broker::{Error, ErrorKind, Result};
use ohfp_render::json as render_json;
use ohfp_resolver::LimitDecrease;
use ohfp_snapshot_format::Snapshot;
use serde_json::json;

use super::target::{Form, Outcome, Outcomes, open};
use crate::inspect::{Changes, PublishedTemplates};

/// Arguments of `diff`.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The older snapshot
    a: PathBuf,
    /// The newer snapshot
    b: PathBuf,
    #[command(flatten)]
    form: Form,
}

pub(super) fn run(arguments: &Arguments) -> Outcomes {
    let (old, new) = (open(&arguments.a), open(&arguments.b));
    let (old, new) = (old?, new?);
    let changes = Changes::between(&catalog(&old, &arguments.a)?, &catalog(&new, &arguments.b)?);
    let document = if arguments.form.is_json() {
        let lowered: Vec<_> = changes
            .lowered
            .iter()
            .map(|LimitDecrease { id, published: then, now }| json!({ "templateId": id, "from": then, "to": now }))
            .collect();
        let report = json!({
            "added": changes.added, "removed": changes.removed, "changed": changes.changed, "lowered": lowered, "reordered": changes.reordered,
        });
        String::from_utf8_lossy(&render_json::document(&report)).into_owned()
    } else {
        summary(&changes)
    };
    Ok(Outcome { document, code: u8::from(!changes.is_empty()) })
}

fn catalog<'s>(snapshot: &'s Snapshot, path: &Path) -> Result<PublishedTemplates<'s>> {
    PublishedTemplates::of(&snapshot.view())
        .map_err(|refusal| Error::new(ErrorKind::Input, format!("snapshot `{}` {refusal}", path.display())))
}

/// A line per kind of change; long lists are cut.
pub(super) fn summary(changes: &Changes) -> String {
    const SHOWN: usize = 8;
    if changes.is_empty() {
        return "templates: no change\n".to_owned();
    }
    let mut out = String::new();
    for (what, ids) in
        [("added", &changes.added), ("removed", &changes.removed), ("changed", &changes.changed)]
    {
        if ids.is_empty() {
            continue;
        }
        let shown: Vec<&str> = ids.iter().take(SHOWN).map(String::as_str).collect();
        let more = ids.len().saturating_sub(SHOWN);
        let rest = if more > 0 { format!(", and {more} more") } else { String::new() };
        let _ = writeln!(out, "{what} {}: {}{rest}", ids.len(), shown.join(", "));
    }
    if changes.reordered {
        out.push_str(
            "reordered: the order of templates has changed, and with it Host Factory's preference\n",
        );
    }
    for LimitDecrease { id, published: then, now } in &changes.lowered {
        let _ = writeln!(out, "maxNumber lowered: {id} from {then} to {now}");
    }
    out
}
