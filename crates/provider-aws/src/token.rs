//! Client tokens: what makes a repeated call the same call for AWS, in any process and after any crash.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// The client token of a step of a launch: 32 hexadecimal digits of SHA-256 over the launch's token and the step's
/// name. EC2 allows 64 characters.
///
/// ```
/// use ohfp_provider_aws::token;
///
/// assert_eq!(token::of_step("req-1/1", "run/1"), token::of_step("req-1/1", "run/1"));
/// assert_ne!(token::of_step("req-1/1", "run/1"), token::of_step("req-1/1", "run/2"));
/// assert_eq!(token::of_step("req-1/1", "run/1").len(), 32);
/// ```
pub fn of_step(launch: &str, step: &str) -> String {
    let mut digest = Sha256::new();
    digest.update(launch.as_bytes());
    // A byte that is in neither of them keeps ("a", "bc") and ("ab", "c") apart.
    digest.update([0]);
    digest.update(step.as_bytes());
    let mut token = String::with_capacity(32);
    for byte in digest.finalize().iter().take(16) {
        // Writing to a text cannot fail.
        let _ = write!(token, "{byte:02x}");
    }
    token
}

/// The name of what a launch creates once: its launch template and its group. 3 to 128 of letters, digits and `-`.
pub fn resource_name(launch: &str) -> String {
    format!("ohfp-{}", of_step(launch, "name"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stored steps are repeated by later versions, so the value itself is fixed.
    #[test]
    fn the_token_never_changes() {
        assert_eq!(of_step("launch", "step"), "a1d2675822f88f4f1080b449d2a6b50b".to_owned());
        assert_ne!(of_step("a", "bc"), of_step("ab", "c"));
        assert_eq!(resource_name("launch").len(), 37);
    }
}
