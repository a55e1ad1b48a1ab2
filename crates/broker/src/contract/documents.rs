//! The promises of [`Records`](crate::records::Records).

use super::Site;
use super::fixtures::at;
use crate::error::{Error, ErrorKind};
use crate::records::Record;

fn record(id: &str, group: &str, until: Option<i64>) -> Record {
    Record {
        id: id.to_owned(),
        group: group.to_owned(),
        live_until: until.map(at),
        body: format!("{{\"of\":\"{id}\"}}"),
    }
}

/// Documents count until their time is up, belong to one provider, and are read in the order they were put.
pub fn a_provider_has_its_own(site: &dyn Site) {
    let documents = site.documents();
    let first = documents.write("sim", &mut |ledger| {
        for record in [record("b", "g", Some(50)), record("a", "g", Some(i64::MAX)), record("c", "h", None)] {
            ledger.put(&record)?;
        }
        for (now, live) in [(0, 2), (49, 2), (50, 1), (i64::MAX - 1, 1), (i64::MAX, 0)] {
            assert_eq!(ledger.count_live(at(now))?, live, "{now}");
            assert_eq!(ledger.live(at(now))?.len() as u64, live, "{now}");
            assert_eq!(ledger.expired(at(now))?.len() as u64, 2 - live, "{now}");
        }
        Ok(())
    });
    first.unwrap();
    documents.write("other", &mut |ledger| ledger.put(&record("b", "g", None))).unwrap();
    documents.write("sim", &mut |ledger| ledger.put(&record("b", "h", None))).unwrap();
    let mut seen = Vec::new();
    let read = documents.read("sim", &mut |ledger| {
        seen.push((ledger.group("g")?, ledger.group("h")?, ledger.live(at(50))?, ledger.count_live(at(50))?));
        assert_eq!(ledger.get("b")?, Some(record("b", "h", None)));
        let put = ledger.put(&record("e", "g", None));
        assert_eq!(put.map_err(|error| error.kind()), Err(ErrorKind::Refused));
        Ok(())
    });
    read.unwrap();
    let (a, b, c) = (record("a", "g", Some(i64::MAX)), record("b", "h", None), record("c", "h", None));
    assert_eq!(seen, [(vec![a.clone()], vec![b, c], vec![a], 1)]);
}

/// What a transaction that fails has put is not there.
pub fn a_failure_takes_everything_back(site: &dyn Site) {
    let documents = site.documents();
    documents.write("sim", &mut |ledger| ledger.put(&record("a", "g", None))).unwrap();
    let failed = documents.write("sim", &mut |ledger| {
        ledger.put(&record("a", "changed", None))?;
        ledger.put(&record("d", "g", Some(50)))?;
        Err(Error::new(ErrorKind::Refused, "no"))
    });
    assert_eq!(failed, Err(Error::new(ErrorKind::Refused, "no")));
    let read = documents.read("sim", &mut |ledger| {
        assert_eq!(ledger.get("a")?, Some(record("a", "g", None)));
        assert_eq!(ledger.get("d")?, None);
        Ok(())
    });
    read.unwrap();
}
