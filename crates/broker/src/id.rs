//! Ids of requests and machines.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::keywords;
use crate::time::Timestamp;

/// Kind of a request; the prefix of its id encodes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RequestKind {
    /// A request for machines of a template: `req-…`.
    Acquire,
    /// A return of machines: `ret-…`.
    Return,
}

keywords!(RequestKind { Acquire: "acquire", Return: "return" });

impl RequestKind {
    fn prefix(self) -> &'static str {
        match self {
            Self::Acquire => "req-",
            Self::Return => "ret-",
        }
    }
}

/// The id of a request or a return: opaque to the scheduler, `req-<uuid>` or `ret-<uuid>` (version 7, so they
/// sort by time) if it is ours, and any text in the input of a scheduler.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestId(String);

impl RequestId {
    /// A new id from the time and ten random bytes. The broker has no random numbers of its own.
    pub fn new(kind: RequestKind, now: Timestamp, random: [u8; 10]) -> Self {
        let millis = now.millis().unsigned_abs() & 0xffff_ffff_ffff;
        let uuid = uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid();
        Self(format!("{}{uuid}", kind.prefix()))
    }

    /// An id from foreign text, unchecked. The store decides whether the request exists.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The request whose launch has this token; `None` where its id is not one of ours.
    pub fn of_token(token: &str) -> Option<Self> {
        let (plain, _) = token.rsplit_once('-')?;
        let uuid = uuid::Uuid::try_parse(plain.strip_prefix("req")?).ok()?;
        Some(Self(format!("{}{uuid}", RequestKind::Acquire.prefix()))).filter(Self::is_ours)
    }

    /// Whether it has the form of [`Self::new`]: then a store of ours created it, possibly one that was lost.
    pub fn is_ours(&self) -> bool {
        let uuid = self.0.strip_prefix("req-").or_else(|| self.0.strip_prefix("ret-"));
        let uuid = uuid.and_then(|text| uuid::Uuid::try_parse(text).ok());
        uuid.is_some_and(|uuid| uuid.get_version_num() == 7)
    }

    /// The token that makes a launch idempotent: the same for every retry of the same attempt, in any process,
    /// and different for another attempt. At most 64 of `0-9A-Za-z-`, as EC2's `ClientToken` requires.
    pub fn token(&self, attempt: u32) -> String {
        let plain: String = self.0.chars().filter(char::is_ascii_alphanumeric).take(50).collect();
        format!("{plain}-{attempt}")
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The provider's id of a machine, `i-…` on EC2. Unique within a provider.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MachineId(String);

impl MachineId {
    /// An id from the provider's text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MachineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A reference to a machine: host name, the provider's id, or both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MachineRef {
    /// Host name.
    pub name: Option<String>,
    /// The provider's id.
    pub id: Option<MachineId>,
}

impl MachineRef {
    /// A reference by id.
    pub fn of_id(id: MachineId) -> Self {
        Self { name: None, id: Some(id) }
    }

    /// A reference by host name.
    pub fn of_name(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), id: None }
    }

    /// A reference by a person's text, which is an id if there is such an id, and a host name otherwise.
    pub fn of_text(text: &str) -> Self {
        Self { name: Some(text.to_owned()), id: Some(MachineId::new(text)) }
    }

    /// The host name to look up; `None` if an id decides.
    pub fn name_to_look_up(&self) -> Option<&str> {
        let name = self.name.as_deref()?;
        self.id.as_ref().is_none_or(|id| id.as_str() == name).then_some(name)
    }
}

impl fmt::Display for MachineRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.name, &self.id) {
            (Some(name), Some(id)) if name == id.as_str() => f.write_str(name),
            (Some(name), Some(id)) => write!(f, "{name} ({id})"),
            (Some(name), None) => f.write_str(name),
            (None, Some(id)) => write!(f, "{id}"),
            (None, None) => f.write_str("?"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_ordered_by_time_and_tell_their_kind() {
        let early = RequestId::new(RequestKind::Acquire, Timestamp::from_millis(1_000), [7; 10]);
        let late = RequestId::new(RequestKind::Acquire, Timestamp::from_millis(1_001), [1; 10]);
        assert!(early < late);
        assert!(early.as_str().starts_with("req-"));
        let back = RequestId::new(RequestKind::Return, Timestamp::from_millis(1_000), [7; 10]);
        assert!(back.as_str().starts_with("ret-"));
        let uuid = uuid::Uuid::parse_str(back.as_str().strip_prefix("ret-").unwrap()).unwrap();
        assert_eq!(uuid.get_version_num(), 7);
        assert!(early.is_ours() && back.is_ours());
        for other in ["", "req-", "req-1", "ret-unknown", &uuid.to_string(), &format!("x{early}")] {
            assert!(!RequestId::from_text(other).is_ours(), "{other}");
        }
    }

    #[test]
    fn tokens_differ_by_attempt_and_fit_ec2() {
        let id = RequestId::new(RequestKind::Acquire, Timestamp::from_millis(1_000), [7; 10]);
        assert_eq!(id.token(1), id.token(1));
        assert_ne!(id.token(1), id.token(2));
        assert_eq!(RequestId::of_token(&id.token(1)), Some(id.clone()));
        assert_eq!(RequestId::of_token(&id.token(12)), Some(id.clone()));
        for foreign in ["", "token", "req-1", "ret0190c7a27c3e7f108a510f6b5f3c2d11-1"] {
            assert_eq!(RequestId::of_token(foreign), None, "{foreign}");
        }
        assert!(id.token(u32::MAX).len() <= 64);
        assert!(RequestId::from_text("x".repeat(500)).token(u32::MAX).len() <= 64);
    }

    /// RFC 9562: the first 48 bits of a version 7 id are the milliseconds.
    #[test]
    fn an_id_begins_with_its_time() {
        for (millis, start) in [(0x0123_4567_89ab, "req-01234567-89ab-7"), (1, "req-00000000-0001-7")] {
            let id = RequestId::new(RequestKind::Acquire, Timestamp::from_millis(millis), [0; 10]);
            assert!(id.as_str().starts_with(start), "{id}");
            assert_eq!(id.to_string(), id.as_str());
        }
        assert_eq!(RequestId::from_text("req-a_b").token(3), "reqab-3");
    }

    #[test]
    fn references_by_name_and_id() {
        let id = || MachineId::new("i-1");
        for (reference, shown, looked_up) in [
            (MachineRef::of_name("h"), "h", Some("h")),
            (MachineRef::of_id(id()), "i-1", None),
            (MachineRef::of_text("i-1"), "i-1", Some("i-1")),
            (MachineRef { name: Some("h".to_owned()), id: Some(id()) }, "h (i-1)", None),
            (MachineRef::default(), "?", None),
        ] {
            assert_eq!((reference.to_string().as_str(), reference.name_to_look_up()), (shown, looked_up));
        }
        assert_eq!(id().to_string(), "i-1");
    }
}
