//! Asking several providers at the same time, so that the slowest decides how long it takes and not their sum.

use std::thread;

use crate::error::{Error, ErrorKind, Result};

/// Runs `ask` for each question, which stands beside the name of its provider; gives the answers in the same order.
/// A single question is asked on this thread, several on one thread each.
///
/// # Errors
/// `System` for a provider that panicked.
pub(super) fn side_by_side<Q: Sync, A: Send>(
    asked: &[(String, Q)],
    ask: impl Fn(&Q) -> A + Sync,
) -> Vec<Result<A>> {
    if let [(_, only)] = asked {
        return vec![Ok(ask(only))];
    }
    thread::scope(|scope| {
        let ask = &ask;
        let running: Vec<_> = asked.iter().map(|(_, question)| scope.spawn(move || ask(question))).collect();
        let answers = asked.iter().zip(running).map(|((name, _), thread)| {
            thread
                .join()
                .map_err(|_| Error::new(ErrorKind::System, format!("provider `{name}` has failed inside")))
        });
        answers.collect()
    })
}
