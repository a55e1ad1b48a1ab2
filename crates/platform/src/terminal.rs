//! Whether to style output: one rule for the runtime and the live program.
//!
//! 1. `NO_COLOR` set and not empty: plain.
//! 2. `CLICOLOR_FORCE` set, not empty and not `0`: styled.
//! 3. `CLICOLOR` is `0`, `TERM` is `dumb` or missing: plain.
//! 4. Styled on a terminal, plain elsewhere.

/// Whether to style. `get` looks a variable up; `is_terminal` is called last, since it costs a system call.
pub fn styled<'e>(get: impl Fn(&str) -> Option<&'e [u8]>, is_terminal: impl FnOnce() -> bool) -> bool {
    let set = |name| get(name).filter(|value: &&[u8]| !value.is_empty());
    if set("NO_COLOR").is_some() {
        return false;
    }
    if set("CLICOLOR_FORCE").is_some_and(|value| value != b"0") {
        return true;
    }
    if set("CLICOLOR") == Some(b"0") || matches!(set("TERM"), None | Some(b"dumb")) {
        return false;
    }
    is_terminal()
}

#[cfg(test)]
mod tests {
    use super::styled;

    fn check(variables: &[(&str, &str)], terminal: bool, expected: bool) {
        let get = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| value.as_bytes());
        assert_eq!(styled(get, || terminal), expected, "{variables:?}, terminal {terminal}");
    }

    #[test]
    fn rule() {
        check(&[("TERM", "xterm")], true, true);
        check(&[("TERM", "xterm")], false, false);
        check(&[], true, false);
        check(&[("TERM", "dumb")], true, false);
        check(&[("TERM", "xterm"), ("NO_COLOR", "1")], true, false);
        check(&[("TERM", "xterm"), ("NO_COLOR", "")], true, true);
        check(&[("CLICOLOR_FORCE", "1")], false, true);
        check(&[("CLICOLOR_FORCE", "0")], false, false);
        check(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], true, false);
        check(&[("TERM", "xterm"), ("CLICOLOR", "0")], true, false);
    }
}
