//! Equality of host names: case-insensitive, with or without the domain.

use std::net::Ipv4Addr;

/// Whether `asked` names the host `name`: the same name in any case, or its first labels.
///
/// LSF strips domains from host names where `LSF_STRIP_DOMAIN` says so. An address has no labels, so a part
/// of one names no host.
///
/// ```
/// use ohfp_broker::host::stands_for;
/// assert!(stands_for("IP-10-0-0-1", "ip-10-0-0-1.ec2.internal"));
/// assert!(!stands_for("ip-10-0-0", "ip-10-0-0-1.ec2.internal"));
/// ```
pub fn stands_for(asked: &str, name: &str) -> bool {
    let (Some(start), Some(rest)) = (name.get(..asked.len()), name.get(asked.len()..)) else { return false };
    !asked.is_empty()
        && start.eq_ignore_ascii_case(asked)
        && (rest.is_empty() || rest.starts_with('.') && name.parse::<Ipv4Addr>().is_err())
}

/// The first label in lower case, which a host's names with and without domain have in common.
pub fn label(name: &str) -> String {
    name.split('.').next().unwrap_or_default().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_one_host() {
        for (asked, name, same) in [
            ("a.b.c", "a.b.c", true),
            ("A.b.C", "a.B.c", true),
            ("a", "a.b.c", true),
            ("A.B", "a.b.c", true),
            ("a.b.c", "a", false),
            ("a.", "a.b.c", false),
            ("", "a.b.c", false),
            ("a", "ab.c", false),
            ("a-1", "a-10", false),
            ("10", "10.0.0.1", false),
            ("10.0.0", "10.0.0.1", false),
            ("10.0.0.1", "10.0.0.1", true),
            ("ä", "ä.b", true),
            ("a", "ä", false),
        ] {
            assert_eq!(stands_for(asked, name), same, "{asked} for {name}");
            assert!(!same || label(asked) == label(name), "{asked} for {name}");
        }
    }
}
