//! The age of recorded states: lists show the last recorded state, so at a terminal a note gives its age.

use std::time::Duration;

use ohfp_broker::Timestamp;

use super::progress::clock;

/// The note for a list whose latest change was at `changed`; `command` is the command that polls the providers.
/// Empty for an empty list.
pub(crate) fn note(changed: Option<Timestamp>, now: Timestamp, command: &str) -> Vec<String> {
    let said = changed.map(|changed| {
        let age = Duration::from_millis(u64::try_from(now.millis_since(changed)).unwrap_or(0));
        format!(
            "these are recorded states, last changed {} ago; `ohfp {command}` polls the providers",
            clock(age)
        )
    });
    said.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages() {
        let now = Timestamp::from_millis(1_000_000_000);
        for (seconds, said) in
            [(0, "0 s ago"), (65, "1 min 05 s ago"), (-5, "0 s ago"), (90_000, "25 h 00 min ago")]
        {
            let notes = note(Some(now.plus_millis(seconds * -1_000)), now, "x");
            assert!(
                notes.len() == 1 && notes[0].contains(said) && notes[0].contains("`ohfp x`"),
                "{notes:?}"
            );
        }
        assert!(note(None, now, "x").is_empty());
    }
}
