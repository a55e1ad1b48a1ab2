//! Exports of ours.

use ohfp_broker::{Error, ErrorKind, Machine, Request, Result};
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
    let export: Export = serde_json::from_slice(bytes).map_err(|error| malformed(&error))?;
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
