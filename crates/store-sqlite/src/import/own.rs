//! Exports of ours.

use ohfp_broker::{Error, ErrorKind, Machine, Request, RequestKind, RequestState, Result};
use serde::Deserialize;

use super::content::{Content, Membership, malformed};
use crate::export::{ExportedDocument, LAYOUT, Member};

#[derive(Deserialize)]
struct Head {
    version: serde_json::Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Export {
    #[serde(rename = "format")]
    _format: String,
    #[serde(rename = "version")]
    _version: u32,
    requests: Vec<Request>,
    machines: Vec<Machine>,
    members: Vec<Member>,
    documents: Vec<ExportedDocument>,
}

/// Exports of earlier versions do not say when a request ended, nor what it got: the last change is the best guess.
fn date_request(request: &mut Request) {
    if request.state.is_final() && request.finished.is_none() {
        request.finished = Some(request.updated);
        if request.state == RequestState::Complete && request.kind == RequestKind::Acquire {
            request.delivered = request.requested;
        }
    }
}

/// As [`date_request`], for the end of a machine.
fn date_machine(machine: &mut Machine) {
    if machine.ending.is_some() {
        machine.ended.get_or_insert(machine.updated);
    }
    if machine.is_gone() {
        machine.gone.get_or_insert(machine.updated);
    }
}

pub(super) fn read(bytes: &[u8]) -> Result<Content> {
    // A newer layout has things we do not know; that is not what to complain about.
    let head: Head = serde_json::from_slice(bytes).map_err(|error| malformed(&error))?;
    if head.version != LAYOUT {
        return Err(Error::new(
            ErrorKind::Input,
            format!("the export has version {}; this program reads version {LAYOUT}", head.version),
        )
        .hint("use the version of ohfp that wrote it, or a newer one"));
    }
    let mut export: Export = serde_json::from_slice(bytes).map_err(|error| malformed(&error))?;
    export.requests.iter_mut().for_each(date_request);
    export.machines.iter_mut().for_each(date_machine);
    let members = export.members.into_iter().map(|member| Membership {
        by: member.by,
        position: member.position,
        provider: Some(member.provider),
        machine: member.machine,
    });
    Ok(Content {
        requests: export.requests,
        machines: export.machines,
        members: members.collect(),
        documents: export.documents,
        ..Content::default()
    })
}
