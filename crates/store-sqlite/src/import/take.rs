//! Storing what a document holds.

use std::collections::HashSet;

use ohfp_broker::administration::{Counts, Import, ImportFormat, Skipped};
use ohfp_broker::{Error, ErrorKind, Machine, Request, RequestKind, RequestState, Result, Timestamp};
use rusqlite::params;

use super::content::{Content, Membership};
use crate::export::ExportedDocument;
use crate::rows::{self, Cells, DOCUMENT, MACHINE, REQUEST};
use crate::session::{Query, Session};
use crate::{checks, machines, requests};

/// Stores all of it, then sees whether the store makes sense with it.
pub(super) fn take(session: &Session<'_>, source: ImportFormat, content: &Content) -> Result<Import> {
    // A machine may name a return that is not there; the check below says which one.
    session.run("PRAGMA defer_foreign_keys = ON", [])?;
    let mut taker = Taker::new(session, source, content)?;
    for request in &content.requests {
        taker.request(request)?;
    }
    for machine in &content.machines {
        taker.machine(machine)?;
    }
    for member in &content.members {
        taker.member(member)?;
    }
    for document in &content.documents {
        taker.document(document)?;
    }
    let import = taker.import;
    session.run(RECOUNT, [])?;
    makes_sense(session)?;
    Ok(import)
}

/// What is counted beside the machines themselves.
const RECOUNT: &str = "UPDATE request SET machines_left = counted.number
    FROM (SELECT request.number AS row, count(machine.number) AS number FROM request
          LEFT JOIN machine ON machine.request = request.id AND machine.state <> 'terminated'
          GROUP BY request.number) AS counted
    WHERE request.number = counted.row AND request.machines_left <> counted.number";

fn makes_sense(session: &Session<'_>) -> Result<()> {
    let mut findings = Vec::new();
    checks::foreign_keys(session, &mut findings)?;
    checks::rules(session, &mut findings)?;
    let mut messages = findings.iter().map(|finding| format!("{} {}", finding.table, finding.message));
    let Some(first) = messages.next() else { return Ok(()) };
    let others = match messages.count() {
        0 => String::new(),
        others => format!(" (and {others} more)"),
    };
    Err(wrong(format!("what the document holds does not fit together: {first}{others}")))
}

fn wrong(message: String) -> Error {
    Error::new(ErrorKind::Input, message)
}

struct Taker<'s, 'c> {
    session: &'s Session<'c>,
    import: Import,
    seen: HashSet<(u8, String, String)>,
    known_request: Query<'c>,
    known_machine: Query<'c>,
    known_member: Query<'c>,
    known_document: Query<'c>,
    member_machine: Query<'c>,
    owner: Query<'c>,
    machines: machines::Writer<'c>,
    add_member: Query<'c>,
    add_document: Query<'c>,
}

impl<'s, 'c> Taker<'s, 'c> {
    fn new(session: &'s Session<'c>, source: ImportFormat, content: &Content) -> Result<Self> {
        Ok(Self {
            session,
            import: Import {
                source,
                taken: Counts::default(),
                present: Counts::default(),
                skipped: content.skipped.clone(),
                notes: content.notes.clone(),
            },
            seen: HashSet::new(),
            known_request: session.prepare(&format!("SELECT {REQUEST} FROM request WHERE id = ?1"))?,
            known_machine: session
                .prepare(&format!("SELECT {MACHINE} FROM machine WHERE id = ?1 AND provider = ?2"))?,
            known_member: session
                .prepare("SELECT machine FROM return_member WHERE return_id = ?1 AND position = ?2")?,
            known_document: session
                .prepare(&format!("SELECT {DOCUMENT} FROM document WHERE id = ?1 AND provider = ?2"))?,
            member_machine: session.prepare(
                "SELECT number FROM machine WHERE id = ?1 AND provider = coalesce(?2, provider)
                 ORDER BY number DESC LIMIT 1",
            )?,
            owner: session.prepare("SELECT 1 FROM request WHERE id = ?1 AND kind = 'acquire'")?,
            machines: machines::Writer::new(session),
            add_member: session
                .prepare("INSERT INTO return_member (return_id, position, machine) VALUES (?1, ?2, ?3)")?,
            add_document: session.prepare(
                "INSERT INTO document (provider, id, bundle, live_until, body) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?,
        })
    }

    fn once(&mut self, kind: u8, left: &str, right: &str, what: &str) -> Result<()> {
        if self.seen.insert((kind, left.to_owned(), right.to_owned())) {
            Ok(())
        } else {
            Err(wrong(format!("{what} is in the document twice")))
        }
    }

    /// What is in the store already: exactly so, or otherwise.
    fn clash(&mut self, same: bool, what: String) -> Result<bool> {
        match (same, self.import.source) {
            (true, _) => Ok(true),
            (false, ImportFormat::Ohfp) => {
                Err(wrong(format!("{what} is in the store already, and differs from the document's")))
            }
            (false, ImportFormat::OpenResourceBroker) => {
                let why = "it is in the store already, and has changed since".to_owned();
                self.import.skipped.push(Skipped { what, why });
                Ok(false)
            }
        }
    }

    fn request(&mut self, request: &Request) -> Result<()> {
        let what = format!("request `{}`", request.id);
        self.once(0, request.id.as_str(), "", &what)?;
        plausible_request(request)?;
        match self.known_request.first([request.id.as_str()], rows::request)? {
            None => {
                requests::insert(self.session, request, request.version)?;
                self.import.taken.requests += 1;
            }
            Some(known) => self.import.present.requests += u64::from(self.clash(known == *request, what)?),
        }
        Ok(())
    }

    fn machine(&mut self, machine: &Machine) -> Result<()> {
        let what = format!("machine `{}` of provider `{}`", machine.id, machine.provider);
        self.once(1, machine.id.as_str(), &machine.provider, &what)?;
        if machine.version < 1 {
            return Err(wrong(format!("{what} has version {}; the first one is 1", machine.version)));
        }
        match self.known_machine.first([machine.id.as_str(), &machine.provider], rows::machine)? {
            None if self.owner.first([machine.request.as_str()], |_| Ok(()))?.is_none() => {
                Err(wrong(format!(
                    "{what} is said to be of `{}`, and there is no such request of machines",
                    machine.request
                )))
            }
            None => {
                self.machines.add(machine, machine.version)?;
                self.import.taken.machines += 1;
                Ok(())
            }
            Some(known) => {
                self.import.present.machines += u64::from(self.clash(known == *machine, what)?);
                Ok(())
            }
        }
    }

    fn member(&mut self, member: &Membership) -> Result<()> {
        let what = format!("machine `{}` of return `{}`", member.machine, member.by);
        self.once(3, member.by.as_str(), &member.position.to_string(), &what)?;
        self.once(4, member.by.as_str(), &member.machine, &what)?;
        let number = self.member_machine.first(params![member.machine, member.provider], |row| {
            Cells { row, table: "machine" }.integer(0)
        })?;
        let Some(number) = number else {
            return Err(wrong(format!("{what} is neither in the document nor in the store")));
        };
        let known = self.known_member.first(params![member.by.as_str(), member.position], |row| {
            Cells { row, table: "return_member" }.integer(0)
        })?;
        match known {
            None => {
                self.add_member.run(params![member.by.as_str(), member.position, number])?;
                self.import.taken.members += 1;
            }
            Some(known) => self.import.present.members += u64::from(self.clash(known == number, what)?),
        }
        Ok(())
    }

    fn document(&mut self, document: &ExportedDocument) -> Result<()> {
        let ExportedDocument { provider, id, group, live_until, body } = document;
        let what = format!("document `{id}` of provider `{provider}`");
        self.once(2, id, provider, &what)?;
        match self.known_document.first([id, provider], rows::document)? {
            None => {
                self.add_document.run(params![
                    provider,
                    id,
                    group,
                    live_until.map(Timestamp::millis),
                    body
                ])?;
                self.import.taken.documents += 1;
            }
            Some(known) => {
                let same = (&known.group, known.live_until, &known.body) == (group, *live_until, body);
                self.import.present.documents += u64::from(self.clash(same, what)?);
            }
        }
        Ok(())
    }
}

/// What no request can be, whatever the words say.
fn plausible_request(request: &Request) -> Result<()> {
    let what = format!("request `{}`", request.id);
    if request.version < 1 {
        return Err(wrong(format!("{what} has version {}; the first one is 1", request.version)));
    }
    match request.kind {
        RequestKind::Acquire if request.template_id.is_none() => {
            Err(wrong(format!("{what} asks for machines of no template")))
        }
        RequestKind::Return if request.state == RequestState::Cancelled => {
            Err(wrong(format!("{what} is a return, and a return cannot be cancelled")))
        }
        _ => Ok(()),
    }
}
