//! What the process has used so far.
#![expect(unsafe_code, reason = "the system is called here")]

use std::time::Duration;

/// Processor time and page faults of all threads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// User and system time.
    pub cpu: Duration,
    /// Minor and major page faults.
    pub faults: u64,
}

/// What this process has used since it was started, what it was before it executed this program included.
pub fn usage() -> Usage {
    // SAFETY: all-zero bytes are a valid `rusage`.
    let mut raw: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the kernel writes one `rusage` there.
    if unsafe { libc::getrusage(libc::RUSAGE_SELF, &raw mut raw) } != 0 {
        return Usage::default();
    }
    let faults = u64::try_from(raw.ru_minflt).unwrap_or(0) + u64::try_from(raw.ru_majflt).unwrap_or(0);
    Usage { cpu: time(raw.ru_utime) + time(raw.ru_stime), faults }
}

fn time(raw: libc::timeval) -> Duration {
    let microseconds = u64::try_from(raw.tv_usec).unwrap_or(0);
    Duration::from_secs(u64::try_from(raw.tv_sec).unwrap_or(0)) + Duration::from_micros(microseconds)
}

/// Bytes of a page of memory.
pub fn page_size() -> u64 {
    // SAFETY: asks for a constant of the system.
    u64::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096)
}
