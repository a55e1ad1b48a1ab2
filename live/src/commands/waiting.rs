//! Waiting for requests to finish, with progress on standard error.

use std::thread;
use std::time::{Duration, Instant};

use ohfp_broker::{Error, ErrorKind, RequestId, RequestState, View};

use super::{Call, one};
use crate::output::Reply;
use crate::parts::Parts;
use crate::present::progress::{Progress, Standing};
use crate::present::rows;
use crate::{clock, host_factory};

/// How often to look.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pace {
    /// Soon at first, then less and less often.
    Slowing,
    /// At this interval.
    Every(Duration),
}

/// The first and the longest pause of a slowing pace.
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(3);

pub(super) fn until_finished(
    call: &Call<'_>,
    parts: Parts,
    ids: &[RequestId],
    timeout: u64,
) -> Result<Reply, Vec<Error>> {
    wait(call, parts, ids, Some(Duration::from_secs(timeout)), Pace::Slowing)
}

/// Looks until all requests are over or time is up, and answers with their status. Exit code 1 unless all
/// are complete.
pub(super) fn wait(
    call: &Call<'_>,
    parts: Parts,
    ids: &[RequestId],
    timeout: Option<Duration>,
    pace: Pace,
) -> Result<Reply, Vec<Error>> {
    let started = Instant::now();
    let wire = crate::wire::of(call.scheduler(&parts.configuration.settings));
    let mut progress = Progress::on_stderr(call.env);
    let mut pause = SHORTEST;
    loop {
        // Asked for anew each time: what has been idle in between may have been unloaded.
        let requests = parts.requests().map_err(one)?;
        let looked = requests.broker().status(ids, clock::now());
        drop(requests);
        let views = match looked {
            Ok((views, errors)) => {
                host_factory::log_errors(&errors);
                views
            }
            // A store that is busy now is not the end of a long wait.
            Err(error) if error.kind() == ErrorKind::Unavailable && !timed_out(started, timeout) => {
                tracing::warn!(error = error.summary(), "looking again");
                thread::sleep(pause);
                continue;
            }
            Err(error) => return Err(one(error)),
        };
        let known: Vec<View> = views.iter().flatten().cloned().collect();
        progress.show(&Standing::of(&known), started.elapsed());
        let unfinished = known.iter().any(|view| !view.request.state.is_final());
        if !unfinished || timed_out(started, timeout) {
            let statuses = rows::statuses(&wire.write_statuses(ids, &views), call.format);
            let reply = Reply::answer(statuses).told(parts, Vec::new());
            let good = views
                .iter()
                .all(|view| view.as_ref().is_some_and(|view| view.request.state == RequestState::Complete));
            let errors = if unfinished {
                vec![
                    Error::new(ErrorKind::Unavailable, "time is up, and it is not finished")
                        .hint("it goes on by itself; `ohfp requests watch ID` looks further"),
                ]
            } else {
                Vec::new()
            };
            return Ok(Reply { code: u8::from(!good), errors, ..reply });
        }
        parts.container().unload_idle(Instant::now());
        thread::sleep(match pace {
            Pace::Every(interval) => interval,
            Pace::Slowing => pause,
        });
        pause = (pause * 3 / 2).min(LONGEST);
    }
}

fn timed_out(started: Instant, timeout: Option<Duration>) -> bool {
    timeout.is_some_and(|timeout| started.elapsed() >= timeout)
}
