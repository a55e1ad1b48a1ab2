//! User data of new machines.

use std::fmt;

use serde::{Deserialize, Serialize};

/// User data as the scheduler passed it: text, or JSON. It may contain secrets, so `Debug` shows its size only,
/// and it is removed once it is not needed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserData(String);

impl UserData {
    /// Wraps the scheduler's text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for a provider or a store.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for UserData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserData({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::UserData;

    #[test]
    fn what_machines_are_told_shows_its_size_alone() {
        let data = UserData::new("secret");
        assert_eq!((format!("{data:?}").as_str(), data.reveal()), ("UserData(6 bytes)", "secret"));
    }
}
