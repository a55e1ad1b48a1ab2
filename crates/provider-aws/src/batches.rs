//! Calls on many ids: in batches, several at a time, and again without what AWS does not know.

use std::thread;

use crate::api::Called;
use crate::class::{self, Class, Purpose};
use crate::failure::{Answered, Failure};

/// Runs `call` on batches of at most `size` items, at most `concurrent` at a time; gives the answers in order.
///
/// A single batch runs on this thread. The calls must not panic.
pub(crate) fn run<I: Sync, T: Send>(
    items: &[I],
    size: usize,
    concurrent: usize,
    call: impl Fn(&[I]) -> Called<T> + Sync,
) -> Vec<Called<T>> {
    let batches: Vec<&[I]> = items.chunks(size.max(1)).collect();
    let mut answers = Vec::with_capacity(batches.len());
    for round in batches.chunks(concurrent.max(1)) {
        if let [only] = round {
            answers.push(call(only));
            continue;
        }
        thread::scope(|scope| {
            let call = &call;
            let running: Vec<_> = round.iter().map(|batch| scope.spawn(move || call(batch))).collect();
            answers.extend(running.into_iter().map(|thread| {
                thread.join().unwrap_or_else(|_| {
                    Err(Failure::Lost { action: "a batch", why: "it failed inside".to_owned() })
                })
            }));
        });
    }
    answers
}

/// What came of a call on ids of which AWS does not know all, or may not touch all.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Sifted<T> {
    /// The answers of the calls that succeeded.
    pub(crate) answers: Vec<T>,
    /// Ids that AWS does not know.
    pub(crate) unknown: Vec<String>,
    /// Ids on which the call failed for another reason, each with it.
    pub(crate) failed: Vec<(String, Failure)>,
}

impl<T> Default for Sifted<T> {
    fn default() -> Self {
        Self { answers: Vec::new(), unknown: Vec::new(), failed: Vec::new() }
    }
}

/// Calls on all of `ids`, and again without those that the error names as unknown. Where it names none, and where one
/// of them is protected or not allowed, the ids are halved until the reason is found.
///
/// # Errors
/// The first failure that is not about single ids. Nothing more is called then.
pub(crate) fn sift<T>(
    ids: &[String],
    call: &mut dyn FnMut(&[String]) -> Called<T>,
    sifted: &mut Sifted<T>,
) -> Result<(), Failure> {
    if ids.is_empty() {
        return Ok(());
    }
    let failure = match call(ids) {
        Ok(answer) => {
            sifted.answers.push(answer);
            return Ok(());
        }
        Err(failure) => failure,
    };
    let is_unknown = class::of(&failure, Purpose::Repeatable) == Class::NotFound || is_malformed(&failure);
    if !is_unknown && !is_about_single_ids(&failure) {
        return Err(failure);
    }
    if is_unknown {
        let (named, others): (Vec<String>, Vec<String>) =
            ids.iter().cloned().partition(|id| names(&failure, id));
        if !named.is_empty() {
            sifted.unknown.extend(named);
            return sift(&others, call, sifted);
        }
    }
    if let [only] = ids {
        if is_unknown {
            sifted.unknown.push(only.clone());
        } else {
            sifted.failed.push((only.clone(), failure));
        }
        return Ok(());
    }
    let (left, right) = ids.split_at(ids.len() / 2);
    sift(left, call, sifted)?;
    sift(right, call, sifted)
}

/// [`sift`] on batches of at most `size` ids, at most `concurrent` at a time. Where a batch fails as a whole, those of its
/// ids that no answer speaks of have failed with it; `speaks_of` says which ids an answer speaks of.
pub(crate) fn sift_all<T: Send>(
    ids: &[String],
    size: usize,
    concurrent: usize,
    call: impl Fn(&[String]) -> Called<Vec<T>> + Sync,
    speaks_of: impl Fn(&T) -> &str,
) -> Sifted<T> {
    let answers = run(ids, size, concurrent, |batch| {
        let mut sifted = Sifted::default();
        let outcome = sift(batch, &mut |ids| call(ids), &mut sifted);
        Ok((sifted, outcome.err()))
    });
    let mut all = Sifted::default();
    for (batch, answer) in ids.chunks(size).zip(answers) {
        let (sifted, failure) = answer.unwrap_or_else(|failure| (Sifted::default(), Some(failure)));
        let told: Vec<T> = sifted.answers.into_iter().flatten().collect();
        if let Some(failure) = failure {
            let is_told = |id: &String| {
                let is_failed = sifted.failed.iter().any(|(failed, _)| failed == id);
                is_failed || sifted.unknown.contains(id) || told.iter().any(|one| speaks_of(one) == id)
            };
            let untold = batch.iter().filter(|id| !is_told(id));
            all.failed.extend(untold.map(|id| (id.clone(), failure.clone())));
        }
        all.answers.extend(told);
        all.unknown.extend(sifted.unknown);
        all.failed.extend(sifted.failed);
    }
    all
}

/// Whether a message names an id, and not only a longer one that begins like it.
fn names(failure: &Failure, id: &str) -> bool {
    let Failure::Answered(Answered { message, .. }) = failure else { return false };
    let mut words = message.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-');
    words.any(|word| word == id)
}

fn is_malformed(failure: &Failure) -> bool {
    failure.code() == Some("InvalidInstanceID.Malformed")
}

/// Errors for which one id of a batch may be to blame. A policy that looks at tags denies an id that has aged out.
fn is_about_single_ids(failure: &Failure) -> bool {
    matches!(failure.code(), Some("UnauthorizedOperation" | "AccessDenied" | "OperationNotPermitted"))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Barrier, Mutex};

    use super::*;

    fn ids(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn answered(code: &str, message: &str) -> Failure {
        Answered::new("DescribeInstances", 400, code, message).into()
    }

    #[test]
    fn batches_keep_their_order_and_run_side_by_side() {
        let numbers: Vec<usize> = (0..10).collect();
        let barrier = Barrier::new(2);
        let most = AtomicUsize::new(0);
        let running = AtomicUsize::new(0);
        let answers = run(&numbers, 3, 2, |batch| {
            most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            barrier.wait();
            running.fetch_sub(1, Ordering::SeqCst);
            Ok(batch.to_vec())
        });
        assert_eq!(answers.into_iter().flat_map(Result::unwrap).collect::<Vec<_>>(), numbers);
        assert_eq!(most.load(Ordering::SeqCst), 2);
        let here = thread::current().id();
        let answers = run(&numbers, 100, 4, |batch| Ok((batch.len(), thread::current().id())));
        assert_eq!(answers, [Ok((10, here))]);
        assert_eq!(run(&[] as &[u8], 5, 2, |_| Ok(())), []);
    }

    /// `bad` are the ids to blame, `says` what the error says of them; how many calls it takes.
    fn check(code: &str, bad: &[&str], says: impl Fn(&[&str]) -> String, calls: usize) {
        let all = ids(&["i-1", "i-2", "i-3", "i-4", "i-5"]);
        let made = Mutex::new(0);
        let mut call = |batch: &[String]| {
            *made.lock().unwrap() += 1;
            let blamed: Vec<&str> =
                bad.iter().copied().filter(|id| batch.iter().any(|one| one == id)).collect();
            if blamed.is_empty() { Ok(batch.to_vec()) } else { Err(answered(code, &says(&blamed))) }
        };
        let mut sifted = Sifted::default();
        sift(&all, &mut call, &mut sifted).unwrap();
        let good: Vec<String> = all.into_iter().filter(|id| !bad.contains(&id.as_str())).collect();
        assert_eq!(sifted.answers.concat(), good, "{code} {bad:?}");
        let is_unknown = code.starts_with("InvalidInstanceID");
        let failed: Vec<String> = sifted.failed.into_iter().map(|(id, _)| id).collect();
        let mut unknown = sifted.unknown;
        unknown.sort();
        assert_eq!((unknown, failed), if is_unknown { (ids(bad), vec![]) } else { (vec![], ids(bad)) });
        assert_eq!(*made.lock().unwrap(), calls, "{code} {bad:?}");
    }

    #[test]
    fn ids_that_do_not_exist_are_left_out() {
        let all_named = |bad: &[&str]| format!("The instance IDs '{}' do not exist", bad.join(", "));
        let one_named = |bad: &[&str]| format!("The instance ID '{}' does not exist", bad.first().unwrap());
        check("InvalidInstanceID.NotFound", &[], all_named, 1);
        check("InvalidInstanceID.NotFound", &["i-2", "i-4"], all_named, 2);
        check("InvalidInstanceID.NotFound", &["i-2", "i-4"], one_named, 3);
        check("InvalidInstanceID.NotFound", &["i-2"], |_| "unreadable i-22".to_owned(), 5);
        check("InvalidInstanceID.Malformed", &["i-5"], one_named, 2);
        check("InvalidInstanceID.NotFound", &["i-1", "i-2", "i-3", "i-4", "i-5"], all_named, 1);
    }

    #[test]
    fn an_id_that_may_not_be_touched_keeps_no_other_from_it() {
        check("UnauthorizedOperation", &["i-3"], |_| String::new(), 5);
        check("OperationNotPermitted", &["i-1", "i-5"], |_| String::new(), 9);
    }

    #[test]
    fn other_failures_end_it() {
        let mut calls = 0;
        let mut call = |_: &[String]| {
            calls += 1;
            Called::<()>::Err(answered("RequestLimitExceeded", ""))
        };
        let outcome = sift(&ids(&["i-1", "i-2"]), &mut call, &mut Sifted::default());
        assert_eq!(outcome, Err(answered("RequestLimitExceeded", "")));
        assert_eq!(calls, 1);
    }
}
