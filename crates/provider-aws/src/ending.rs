//! Ending machines: those that are named, and no others.

use ohfp_broker::Deadline;

use crate::api::{Api, StateChange};
use crate::batches::{self, Sifted, sift};
use crate::failure::Failure;

/// Most ids of a call. EC2 takes more, and says that it is slow then.
const IDS: usize = 500;

/// What became of machines that were to be ended.
#[derive(Debug, Default)]
pub(crate) struct Ended {
    /// Ids of those that EC2 does not know; they are as good as ended.
    pub(crate) unknown: Vec<String>,
    /// Ids of those that could not be ended, each with the reason: protected, denied, or EC2 could not be reached.
    pub(crate) failed: Vec<(String, Failure)>,
}

/// Ends machines. One that cannot be ended keeps no other from it.
pub(crate) fn terminate(api: &dyn Api, ids: &[String], concurrent: usize, deadline: Deadline) -> Ended {
    let answers = batches::run(ids, IDS, concurrent, |batch| {
        let mut sifted: Sifted<Vec<StateChange>> = Sifted::default();
        let outcome = sift(batch, &mut |ids| api.terminate_instances(ids, deadline), &mut sifted);
        Ok((sifted, outcome.err()))
    });
    let mut ended = Ended::default();
    for (batch, answer) in ids.chunks(IDS).zip(answers) {
        let (sifted, failure) = answer.unwrap_or_else(|failure| (Sifted::default(), Some(failure)));
        if let Some(failure) = failure {
            let is_told = |id: &String| {
                sifted.unknown.contains(id) || sifted.answers.iter().flatten().any(|change| change.id == *id)
            };
            let untold = batch.iter().filter(|id| !is_told(id));
            ended.failed.extend(untold.map(|id| (id.clone(), failure.clone())));
        }
        ended.unknown.extend(sifted.unknown);
        ended.failed.extend(sifted.failed);
    }
    ended
}
