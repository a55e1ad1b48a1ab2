//! Records an answer in the metrics of this host, where the snapshot's header asks for it.
//!
//! The record is the one that `ohfp_metrics::ProcessRecord` describes, without what would cost more calls to find out:
//! it says which operation was answered, and when. The log is appended to where it exists; `ohfp-live` creates it.

use std::io::Write;
use std::mem::ManuallyDrop;

use ohfp_platform::locate::Path;
use ohfp_platform::sys;
use ohfp_snapshot_format::checksum;

/// Size of a record, of which the last eight bytes are the checksum.
const SIZE: usize = 128;
const SUM: usize = 120;

/// Magic, version 1, operation (0: a command, 1: `getAvailableTemplates`), outcome `ok`, snapshot `used`.
const FRONT: [u8; 8] = *b"ohfm\x01\0\0\x01";
const OPERATION: usize = 5;
const TIME: usize = 8;
const PROCESS: usize = 40;

/// Appends the record to the log of the state directory that belongs to the snapshot at this path: the directory of
/// `ohfp.snapshot`, and for LSF the one with the name of the snapshot. Three system calls: `uname`, `openat`, `write`.
/// What is in the way changes nothing about the answer, which is out.
pub(crate) fn record(snapshot: &Path, is_operation: bool) -> Option<()> {
    let path = snapshot.as_bytes();
    let directory = path.strip_suffix(b"/ohfp.snapshot").or_else(|| path.strip_suffix(b".snapshot"))?;
    let log = sys::with_node_name(|host| Path::new(&[directory, b"/metrics-", host, b".log"]))?;
    let log = ManuallyDrop::new(sys::open_to_append(log.as_c_str()).ok()?);
    let mut record = [0; SIZE];
    let put = |record: &mut [u8; SIZE], at: usize, value: &[u8]| {
        record.iter_mut().skip(at).zip(value).for_each(|(place, byte)| *place = *byte);
    };
    put(&mut record, 0, &FRONT);
    put(&mut record, OPERATION, &[u8::from(is_operation)]);
    put(&mut record, TIME, &sys::unix_millis().to_le_bytes());
    put(&mut record, PROCESS, &sys::process().to_le_bytes());
    let sum = checksum(record.get(..SUM)?).to_le_bytes();
    put(&mut record, SUM, &sum);
    // One call, which the kernel does not divide.
    (&*log).write(&record).ok().map(|_| ())
}
