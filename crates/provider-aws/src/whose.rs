//! Whose account it is: learned from answers that tell it beside what was asked, and remembered for the time before
//! the first answer.
//!
//! What is remembered may be of the account that the same provider had yesterday. It is good enough to leave machines
//! of another account alone, and not to be stored with new ones: that takes an answer of this process.

use std::sync::{Mutex, PoisonError};

use ohfp_broker::Timestamp;
use ohfp_broker::documents::{Document, DocumentStore};

/// The id and the group of the document.
const ACCOUNT: &str = "account";

/// What is known of the account.
#[derive(Debug, Default)]
pub(crate) struct Whose(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// Whether the document was read.
    has_read: bool,
    /// What it says.
    remembered: Option<String>,
    /// Whether AWS was asked for anything.
    has_asked: bool,
    /// What an answer has told.
    told: Option<String>,
}

impl Known {
    fn remembered(&mut self, documents: &dyn DocumentStore, provider: &str) -> Option<String> {
        if !self.has_read {
            self.has_read = true;
            // Without a store nothing is remembered.
            let _ = documents.read(provider, &mut |tx| {
                self.remembered = tx.get(ACCOUNT)?.map(|document| document.body);
                Ok(())
            });
        }
        self.remembered.clone()
    }
}

impl Whose {
    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on only an answer counts.
    pub(crate) fn asks(&self) {
        self.known().has_asked = true;
    }

    /// The number of the account, as far as it is known.
    pub(crate) fn account(&self, documents: &dyn DocumentStore, provider: &str) -> Option<String> {
        let mut known = self.known();
        if known.told.is_some() || known.has_asked {
            return known.told.clone();
        }
        known.remembered(documents, provider)
    }

    /// An answer has told the account.
    pub(crate) fn told(&self, account: &str, documents: &dyn DocumentStore, provider: &str) {
        let mut known = self.known();
        if known.told.as_deref() == Some(account) {
            return;
        }
        known.told = Some(account.to_owned());
        if known.remembered(documents, provider).as_deref() == Some(account) {
            return;
        }
        let document = Document {
            id: ACCOUNT.to_owned(),
            group: ACCOUNT.to_owned(),
            live_until: Some(Timestamp::MAX),
            body: account.to_owned(),
        };
        // Another answer tells it again.
        let _ = documents.write(provider, &mut |tx| tx.put(&document));
        known.remembered = Some(account.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use ohfp_broker::contract::MemoryStore;

    use super::*;

    #[test]
    fn what_is_remembered_counts_until_aws_is_asked() {
        let store = MemoryStore::default();
        let account = |whose: &Whose| whose.account(&store, "aws");
        let first = Whose::default();
        assert_eq!(account(&first), None);
        first.asks();
        first.told("1", &store, "aws");
        assert_eq!(account(&first).as_deref(), Some("1"));
        let second = Whose::default();
        assert_eq!(account(&second).as_deref(), Some("1"));
        second.asks();
        assert_eq!(account(&second), None, "it may have another account today");
        second.told("2", &store, "aws");
        assert_eq!(account(&second).as_deref(), Some("2"));
        assert_eq!(account(&Whose::default()).as_deref(), Some("2"));
        assert_eq!(Whose::default().account(&store, "other"), None);
    }
}
