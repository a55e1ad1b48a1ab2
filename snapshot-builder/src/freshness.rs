//! Freshness of a published snapshot against its sources, and its refresh.
//!
//! The runtime only decides whether to use a snapshot. This module gives the reason, names the input, restamps
//! a snapshot whose inputs were merely touched, and prevents a published `maxNumber` from decreasing unnoticed.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::SystemTime;

use ohfp_broker::Result;
use ohfp_broker::wire_format::SchedulerKind;
use ohfp_platform::audience::Audience;
use ohfp_snapshot_format::open::IoPolicy;
use ohfp_snapshot_format::{CLI_FINGERPRINT, Refusal, Snapshot, fresh, verify};

use crate::inspect;
use crate::lower;
use crate::publish::{self, Lock, Turn};
use crate::stamp::{self, Difference};
pub use ohfp_resolver::LimitDecrease;
use ohfp_resolver::location::ConfigLocation;
use ohfp_resolver::{Environment, Resolved, Trail, location};

/// The verdict on a published snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The runtime answers from it.
    Fresh,
    /// The stamp of an input differs, but its content is the same: new stamps suffice.
    Touched,
    /// These inputs differ.
    Stale(Vec<Difference>),
    /// It belongs to another configuration root.
    Foreign(String),
    /// It is missing, damaged, or made by another version.
    Unusable(Refusal),
}

impl Verdict {
    /// Why the runtime does not answer from it; `None` if it does.
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Fresh => None,
            Self::Touched => Some("an input was touched; its content is the same".to_owned()),
            Self::Stale(differences) => {
                let list: Vec<String> =
                    differences.iter().map(|found| format!("{} {}", found.input, found.what)).collect();
                Some(list.join(", "))
            }
            Self::Foreign(root) => Some(format!("it belongs to the configuration root {root}")),
            Self::Unusable(refusal) => Some(match refusal {
                Refusal::Missing => refusal.to_string(),
                refusal => format!("it {refusal}"),
            }),
        }
    }
}

/// How far to look.
#[derive(Clone, Copy, Debug)]
pub enum Scrutiny<'t> {
    /// At every byte of the snapshot, and at its sources.
    EveryByte,
    /// At its index, and at those sources that are not on this trail: they were read a moment ago.
    JustRead(&'t Trail),
}

/// Opens the snapshot as the runtime does and judges it.
pub fn assess(
    path: &Path,
    place: &ConfigLocation,
    env: &Environment,
    scrutiny: Scrutiny<'_>,
) -> (Verdict, Option<Snapshot>) {
    match open(path) {
        Err(refusal) => (Verdict::Unusable(refusal), None),
        Ok(snapshot) => (verdict(&snapshot, place, env, scrutiny), Some(snapshot)),
    }
}

fn open(path: &Path) -> std::result::Result<Snapshot, Refusal> {
    let get = std::env::var_os("OHFP_SNAPSHOT_IO");
    // Read, unless configured otherwise: truncating a mapped file kills its reader with SIGBUS, and this
    // program has no successor to hand over to.
    let access = match IoPolicy::from_variable(get.as_deref().map(OsStrExt::as_bytes)) {
        IoPolicy::Auto => IoPolicy::Read,
        told => told,
    };
    Snapshot::open_path(path, access)
}

fn verdict(
    snapshot: &Snapshot,
    place: &ConfigLocation,
    env: &Environment,
    scrutiny: Scrutiny<'_>,
) -> Verdict {
    let (deep, read) = match scrutiny {
        Scrutiny::EveryByte => (true, None),
        Scrutiny::JustRead(trail) => (false, Some(trail)),
    };
    let sound = || {
        // What the runtime compares too. Rendering every help text to compute it takes 20 ms.
        snapshot.expect_fingerprint(CLI_FINGERPRINT)?;
        snapshot.contents()?;
        if deep { verify::every_byte(&snapshot.view()) } else { Ok(()) }
    };
    if let Err(refusal) = sound() {
        return Verdict::Unusable(refusal);
    }
    if snapshot.header.sealed() {
        return Verdict::Fresh;
    }
    let stamps = match snapshot.stamps() {
        Ok(stamps) => stamps,
        Err(refusal) => return Verdict::Unusable(refusal),
    };
    let (root, get) = (location::identity(&place.origin), location::lookup(env));
    match fresh::check(stamps, Some(root), &get) {
        Ok(()) => return Verdict::Fresh,
        Err(Refusal::Root) => {
            return Verdict::Foreign(String::from_utf8_lossy(stamps.root.as_slice()).into_owned());
        }
        Err(_) => {}
    }
    let differences = stamp::differences(stamps, Some(root), &get, read);
    if differences.is_empty() { Verdict::Touched } else { Verdict::Stale(differences) }
}

/// Whether the snapshot was made from this configuration root.
pub fn is_of(snapshot: &Snapshot, place: &ConfigLocation) -> bool {
    !snapshot.header.sealed()
        && snapshot.stamps().is_ok_and(|stamps| stamps.root.as_slice() == location::identity(&place.origin))
}

/// Templates whose `maxNumber` is below the one that was published for this configuration. Host Factory can hang when a
/// limit shrinks while it runs.
pub fn limit_decreases(
    resolved: &Resolved,
    published: &Snapshot,
    place: &ConfigLocation,
) -> Vec<LimitDecrease> {
    if !is_of(published, place) || resolved.settings.scheduler() != Ok(SchedulerKind::HostFactory) {
        return Vec::new();
    }
    let Ok(Some(records)) = inspect::records(&published.view(), &[inspect::JSON]) else { return Vec::new() };
    let templates = resolved.templates.iter();
    let sunk = templates.filter_map(|template| {
        let published = published_max(inspect::record(records, template.id())?)?;
        LimitDecrease::between(template.id(), published, template.max_number())
    });
    sunk.collect()
}

/// Reads `maxNumber` from a record: JSON as this crate writes it, one field per line.
fn published_max(record: &[u8]) -> Option<i64> {
    const FIELD: &[u8] = b"  \"maxNumber\": ";
    let line = record.split(|byte| *byte == b'\n').find(|line| line.starts_with(FIELD))?;
    let digits = line.get(FIELD.len()..)?;
    let digits = digits.strip_suffix(b",").unwrap_or(digits);
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// The limits in the files that are not in force because a higher number is published.
pub fn held(resolved: &Resolved, place: &ConfigLocation, env: &Environment) -> Vec<LimitDecrease> {
    let Some(path) = &place.snapshot else { return Vec::new() };
    let (_, published) = assess(path, place, env, Scrutiny::JustRead(&resolved.trail));
    published.map(|published| limit_decreases(resolved, &published, place)).unwrap_or_default()
}

/// The outcome of a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refreshed {
    /// The payload got new stamps.
    Restamped,
    /// A new snapshot was published.
    Rebuilt,
    /// Another process is refreshing it.
    Busy,
}

/// Refreshes the snapshot without waiting for other processes.
pub fn refresh(
    path: &Path,
    resolved: &Resolved,
    read_at: SystemTime,
    verdict: &Verdict,
    published: Option<&Snapshot>,
) -> Result<Refreshed> {
    let Some(lock) = Lock::take(path, Turn::GiveUp)? else { return Ok(Refreshed::Busy) };
    let mut stamps = stamp::take(resolved, read_at);
    if stamp::has_untrusted(&stamps) {
        // A file was just edited: after one tick of the clock, either the content is still the same, or the
        // next invocation refreshes the snapshot.
        std::thread::sleep(stamp::TICK);
        stamps = stamp::confirm(resolved).unwrap_or(stamps);
    }
    let audience = Audience::of(resolved.trail.present());
    if let (Verdict::Touched, Some(snapshot)) = (verdict, published) {
        publish::restamp(&lock, path, snapshot, &stamps, audience)?;
        return Ok(Refreshed::Restamped);
    }
    let payload = lower::lower(resolved, &mut |_| ())?;
    publish::publish(&lock, path, &payload, Some(&stamps), lower::maker(), audience)?;
    Ok(Refreshed::Rebuilt)
}
