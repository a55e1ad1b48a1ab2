//! Waiting for requests to finish, with progress on standard error.

use std::thread;
use std::time::{Duration, Instant};

use ohfp_broker::text::quoted;
use ohfp_broker::{Error, ErrorKind, Errors, RequestId, RequestState, RequestWithMachines};
use ohfp_platform::sys;
use ohfp_service::clock;
use ohfp_service::log;
use ohfp_service::notice;
use ohfp_service::session::Session;

use crate::call::Call;
use crate::present::progress::{Progress, Standing};
use crate::present::rows;
use crate::reply::Reply;

/// Polling interval.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pace {
    /// Exponential backoff between [`SHORTEST`] and [`LONGEST`].
    Slowing,
    /// A fixed interval.
    Every(Duration),
}

/// First interval of the backoff.
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(3);

/// The requests to wait for, and how.
pub(super) struct Awaited<'i> {
    pub(super) ids: &'i [RequestId],
    pub(super) timeout: Option<Duration>,
    pub(super) pace: Pace,
    /// Whether an unknown id is an error. A scheduler's input gets an answer for each id instead.
    pub(super) must_exist: bool,
}

/// Waits for a request that was just made. Its id is printed first: the request continues when the wait is
/// interrupted.
pub(super) fn for_new(call: &Call, session: &Session, id: &RequestId, timeout: u64) -> Result<Reply, Errors> {
    notice::note(&format!("waiting for {id}; Ctrl-C ends the wait, not the request"));
    let ids = std::slice::from_ref(id);
    wait(call, session, &Awaited { must_exist: false, ..Awaited::of(ids, timeout) })
}

impl<'i> Awaited<'i> {
    /// Waits for existing requests. `timeout` is in seconds.
    pub(super) fn of(ids: &'i [RequestId], timeout: u64) -> Self {
        let timeout = Some(Duration::from_secs(timeout));
        Self { ids, timeout, pace: Pace::Slowing, must_exist: true }
    }
}

/// Polls until all requests are finished or the timeout has passed, and answers with their status. Exit code 1
/// unless all are complete.
pub(super) fn wait(call: &Call, session: &Session, awaited: &Awaited<'_>) -> Result<Reply, Errors> {
    let Awaited { ids, timeout, pace, must_exist } = *awaited;
    let started = Instant::now();
    sys::note_interruption();
    let mut progress = Progress::on_stderr(call.invocation.env());
    let mut pause = SHORTEST;
    loop {
        // Requested at every poll: the component may have been unloaded while it was idle.
        let requests = session.requests()?;
        let looked = requests.broker().status(ids, clock::now());
        drop(requests);
        let views = match looked {
            Ok((views, errors)) => {
                log::log_errors(&errors);
                views
            }
            // A busy store does not end the wait.
            Err(error) if error.kind() == ErrorKind::Unavailable && !timed_out(started, timeout) => {
                tracing::warn!(error = error.summary(), "looking again");
                if sleep(pause) {
                    continue;
                }
                return Ok(interrupted(session, ids, &[]));
            }
            Err(error) => return Err(Errors::from(error)),
        };
        let known: Vec<RequestWithMachines> = views.iter().flatten().cloned().collect();
        let late: Vec<&str> = known.iter().filter(|view| !view.request.state.is_final()).map(id_of).collect();
        progress.show(&Standing::of(&known), started.elapsed());
        if late.is_empty() || timed_out(started, timeout) {
            let good = known.iter().all(|view| view.request.state == RequestState::Complete);
            let good = good && known.len() == ids.len();
            let mut reply = statuses(call, session, ids, &views, must_exist)?;
            if let (false, Some(timeout)) = (late.is_empty(), timeout) {
                reply.errors.push(timed_out_error(&late, timeout));
            }
            return Ok(Reply { code: u8::from(!good), ..reply });
        }
        session.container().unload_idle(Instant::now());
        let goes_on = sleep(match pace {
            Pace::Every(interval) => interval,
            Pace::Slowing => pause,
        });
        if !goes_on {
            return Ok(interrupted(session, ids, &late));
        }
        pause = (pause * 3 / 2).min(LONGEST);
    }
}

/// Waits so long, or until Ctrl-C, and tells whether the wait goes on.
fn sleep(pause: Duration) -> bool {
    let until = Instant::now() + pause;
    while !sys::interrupted() {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        thread::sleep(left.min(SHORTEST));
    }
    false
}

/// Exit code of a shell for a command that Ctrl-C has ended.
const INTERRUPTED: u8 = 130;

/// What a person is told whose Ctrl-C has ended the wait: the requests go on, and what can be done about them. Their ids
/// count as told.
fn interrupted(session: &Session, ids: &[RequestId], late: &[&str]) -> Reply {
    let first = late.first().copied().or_else(|| ids.first().map(RequestId::as_str)).unwrap_or_default();
    let (named, verb) = named(late);
    let what = if late.is_empty() {
        "the wait was interrupted".to_owned()
    } else {
        format!("interrupted; {named} {verb} still running")
    };
    let mut hint = format!("`ohfp requests watch {first}` follows it");
    if first.starts_with("req-") {
        hint.push_str(&format!(", `ohfp requests cancel {first}` ends it"));
    }
    let error = Error::new(ErrorKind::Unavailable, what).hint(hint);
    Reply { code: INTERRUPTED, ..Reply::failure(error) }.after_answer(session, ids.to_vec())
}

/// The status of requests as an answer. Where `must_exist` is set, an unknown id also is an error.
pub(super) fn statuses(
    call: &Call,
    session: &Session,
    ids: &[RequestId],
    views: &[Option<RequestWithMachines>],
    must_exist: bool,
) -> Result<Reply, Errors> {
    let wire = ohfp_wire::of(session.scheduler()?);
    if !must_exist {
        let statuses = rows::statuses(&wire.write_statuses(ids, views), call.format);
        return Ok(Reply::answer(statuses).after_answer(session, Vec::new()));
    }
    let (mut known, mut found, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    for (id, view) in ids.iter().zip(views) {
        match view {
            Some(_) => {
                known.push(id.clone());
                found.push(view.clone());
            }
            None => errors.push(unknown(id)),
        }
    }
    if known.is_empty() && !errors.is_empty() {
        return Err(errors.into());
    }
    let statuses = rows::statuses(&wire.write_statuses(&known, &found), call.format);
    let code = u8::from(!errors.is_empty());
    Ok(Reply { errors: errors.into(), code, ..Reply::answer(statuses).after_answer(session, Vec::new()) })
}

fn id_of(view: &RequestWithMachines) -> &str {
    view.request.id.as_str()
}

/// Requests in a sentence, and its verb.
fn named(late: &[&str]) -> (String, &'static str) {
    match late {
        [one] => ((*one).to_owned(), "is"),
        [first, rest @ ..] => (format!("{first} and {} others", rest.len()), "are"),
        [] => (String::new(), "is"),
    }
}

/// The error of a timeout; names the first unfinished request.
fn timed_out_error(late: &[&str], timeout: Duration) -> Error {
    let (named, verb) = named(late);
    let first = late.first().copied().unwrap_or_default();
    Error::new(
        ErrorKind::Unavailable,
        format!("timed out after {} s; {named} {verb} still running", timeout.as_secs()),
    )
    .hint(format!("it continues by itself; `ohfp requests watch {first}` follows it"))
}

fn timed_out(started: Instant, timeout: Option<Duration>) -> bool {
    timeout.is_some_and(|timeout| started.elapsed() >= timeout)
}

/// The error for an unknown request id.
pub(super) fn unknown(id: &RequestId) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no request {}", quoted(id.as_str())))
        .hint("`ohfp requests list --format table` shows all requests")
}
