//! The promises of [`DocumentStore`](crate::documents::DocumentStore).

use super::Site;
use super::fixtures::at;
use crate::documents::Document;
use crate::error::{Error, ErrorKind};

fn record(id: &str, group: &str, until: Option<i64>) -> Document {
    Document {
        id: id.to_owned(),
        group: group.to_owned(),
        live_until: until.map(at),
        body: format!("{{\"of\":\"{id}\"}}"),
    }
}

/// Documents count until their time is up, belong to one provider, and are read in the order they were put.
pub fn a_provider_has_its_own(site: &dyn Site) {
    let documents = site.documents();
    let first = documents.write("sim", &mut |tx| {
        for record in [record("b", "g", Some(50)), record("a", "g", Some(i64::MAX)), record("c", "h", None)] {
            tx.put(&record)?;
        }
        for (now, live) in [(0, 2), (49, 2), (50, 1), (i64::MAX - 1, 1), (i64::MAX, 0)] {
            assert_eq!(tx.count_live(at(now))?, live, "{now}");
            assert_eq!(tx.live(at(now))?.len() as u64, live, "{now}");
            assert_eq!(tx.expired(at(now))?.len() as u64, 2 - live, "{now}");
        }
        Ok(())
    });
    first.unwrap();
    documents.write("other", &mut |tx| tx.put(&record("b", "g", None))).unwrap();
    documents.write("sim", &mut |tx| tx.put(&record("b", "h", None))).unwrap();
    let mut seen = Vec::new();
    let read = documents.read("sim", &mut |tx| {
        seen.push((tx.group("g")?, tx.group("h")?, tx.live(at(50))?, tx.count_live(at(50))?));
        assert_eq!(tx.get("b")?, Some(record("b", "h", None)));
        let put = tx.put(&record("e", "g", None));
        assert_eq!(put.map_err(|error| error.kind()), Err(ErrorKind::Refused));
        Ok(())
    });
    read.unwrap();
    let (a, b, c) = (record("a", "g", Some(i64::MAX)), record("b", "h", None), record("c", "h", None));
    assert_eq!(seen, [(vec![a.clone()], vec![b, c], vec![a], 1)]);
}

/// A store has one id, whichever provider asks.
pub fn a_store_has_an_id(site: &dyn Site) {
    let documents = site.documents();
    documents.write("sim", &mut |tx| tx.put(&record("a", "g", None))).unwrap();
    let id = documents.store_id().unwrap();
    assert!((1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");
    documents.write_through("other", &mut |tx| tx.put(&record("b", "g", None))).unwrap();
    assert_eq!(documents.store_id().unwrap(), id);
}

/// What is written through is there for other processes, and taken back where it fails.
pub fn what_is_written_through_is_there(site: &dyn Site) {
    let documents = site.documents();
    documents.write_through("sim", &mut |tx| tx.put(&record("a", "g", Some(9)))).unwrap();
    let failed = documents.write_through("sim", &mut |tx| {
        tx.put(&record("a", "changed", None))?;
        Err(Error::new(ErrorKind::Refused, "no"))
    });
    assert_eq!(failed, Err(Error::new(ErrorKind::Refused, "no")));
    let mut found = None;
    let read = documents.read("sim", &mut |tx| {
        found = tx.get("a")?;
        Ok(())
    });
    read.unwrap();
    assert_eq!(found, Some(record("a", "g", Some(9))));
}

/// What a transaction that fails has put is not there.
pub fn a_failure_takes_everything_back(site: &dyn Site) {
    let documents = site.documents();
    documents.write("sim", &mut |tx| tx.put(&record("a", "g", None))).unwrap();
    let failed = documents.write("sim", &mut |tx| {
        tx.put(&record("a", "changed", None))?;
        tx.put(&record("d", "g", Some(50)))?;
        Err(Error::new(ErrorKind::Refused, "no"))
    });
    assert_eq!(failed, Err(Error::new(ErrorKind::Refused, "no")));
    let read = documents.read("sim", &mut |tx| {
        assert_eq!(tx.get("a")?, Some(record("a", "g", None)));
        assert_eq!(tx.get("d")?, None);
        Ok(())
    });
    read.unwrap();
}
