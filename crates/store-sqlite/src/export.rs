//! Everything in a store as one JSON document.
//!
//! ```json
//! {"format":"ohfp-state","version":1,
//!  "requests":[…],"machines":[…],"members":[…],"documents":[…]}
//! ```
//!
//! Each row is on a line of its own, in the order in which it was stored. Times are milliseconds since 1970.

use std::io::{self, Write};

use ohfp_broker::administration::Counts;
use ohfp_broker::documents::Document;
use ohfp_broker::{Error, ErrorKind, RequestId, Result, Timestamp};
use serde::{Deserialize, Serialize};

use crate::rows::{self, Cells, DOCUMENT, MACHINE, REQUEST};
use crate::session::Session;
use crate::store::SqliteStore;

/// What the document says it is.
pub(crate) const FORMAT: &str = "ohfp-state";
/// The version of its layout.
pub(crate) const LAYOUT: u32 = 1;

/// A machine in a return.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Member {
    /// The return.
    #[serde(rename = "return")]
    pub(crate) by: RequestId,
    /// Its place in the return.
    pub(crate) position: i64,
    /// Where the machine is.
    pub(crate) provider: String,
    /// The machine.
    pub(crate) machine: String,
}

/// A document of a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExportedDocument {
    pub(crate) provider: String,
    pub(crate) id: String,
    pub(crate) group: String,
    pub(crate) live_until: Option<Timestamp>,
    pub(crate) body: String,
}

impl SqliteStore {
    /// Writes everything in the store, as it is at one moment.
    pub fn export(&self, out: &mut dyn Write) -> Result<Counts> {
        match self.read(|session| write_all(Some(session), out))? {
            Some(counts) => Ok(counts),
            None => write_all(None, out),
        }
    }
}

fn write_all(session: Option<&Session<'_>>, out: &mut dyn Write) -> Result<Counts> {
    let mut counts = Counts::default();
    text(out, &format!("{{\"format\":\"{FORMAT}\",\"version\":{LAYOUT}"))?;
    let mut list =
        |name: &str, sql: &str, write: &dyn Fn(&rusqlite::Row<'_>, &mut dyn Write) -> Result<()>| {
            text(out, &format!(",\n\"{name}\":["))?;
            let mut count = 0;
            if let Some(session) = session {
                session.prepare(sql)?.each([], |row| {
                    text(out, if count == 0 { "\n" } else { ",\n" })?;
                    count += 1;
                    write(row, out)
                })?;
            }
            text(out, "]")?;
            Ok(count)
        };
    counts.requests =
        list("requests", &format!("SELECT {REQUEST} FROM request ORDER BY number"), &|row, out| {
            json(out, &rows::request(row)?)
        })?;
    counts.machines =
        list("machines", &format!("SELECT {MACHINE} FROM machine ORDER BY number"), &|row, out| {
            json(out, &rows::machine(row)?)
        })?;
    counts.members = list("members", MEMBERS, &|row, out| json(out, &member(row)?))?;
    counts.documents = list(
        "documents",
        &format!("SELECT {DOCUMENT}, provider FROM document ORDER BY number"),
        &|row, out| {
            let provider = Cells { row, table: "document" }.text(5)?;
            let Document { id, group, live_until, body } = rows::document(row)?;
            json(out, &ExportedDocument { provider, id, group, live_until, body })
        },
    )?;
    text(out, "}\n")?;
    out.flush().map_err(|error| unwritten(&error))?;
    Ok(counts)
}

/// The number of the machine comes first, for messages about damage.
const MEMBERS: &str = "SELECT return_member.machine, return_id, position, machine.provider, machine.id
    FROM return_member JOIN machine ON machine.number = return_member.machine
    ORDER BY return_id, position";

fn member(row: &rusqlite::Row<'_>) -> Result<Member> {
    let cells = Cells { row, table: "return_member" };
    Ok(Member {
        by: RequestId::from_text(cells.text(1)?),
        position: cells.integer(2)?,
        provider: cells.text(3)?,
        machine: cells.text(4)?,
    })
}

fn text(out: &mut dyn Write, text: &str) -> Result<()> {
    out.write_all(text.as_bytes()).map_err(|error| unwritten(&error))
}

fn json(out: &mut dyn Write, value: &impl Serialize) -> Result<()> {
    serde_json::to_writer(out, value).map_err(|error| unwritten(&error.into()))
}

fn unwritten(error: &io::Error) -> Error {
    Error::new(ErrorKind::System, "cannot write the export").cause(error)
}
