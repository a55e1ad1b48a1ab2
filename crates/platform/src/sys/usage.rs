//! What the process has used so far.
#![expect(unsafe_code, reason = "the system is called here")]

use std::time::Duration;

/// Processor time, page faults and memory of all threads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// User and system time.
    pub cpu: Duration,
    /// Minor and major page faults.
    pub faults: u64,
    /// Largest resident set so far, in bytes.
    pub peak_bytes: u64,
}

/// As [`Usage`], in the units of the kernel.
#[derive(Clone, Copy)]
pub(super) struct Used {
    pub(super) cpu_us: u64,
    pub(super) faults: u64,
    pub(super) peak_bytes: u64,
}

/// What this process has used since it was started, what it was before it executed this program included.
pub fn usage() -> Usage {
    let Used { cpu_us, faults, peak_bytes } = used();
    Usage { cpu: Duration::from_micros(cpu_us), faults, peak_bytes }
}

pub(super) fn used() -> Used {
    // SAFETY: all-zero bytes are a valid `rusage`, and what is told of a call that fails.
    let mut raw: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the kernel writes one `rusage` there.
    unsafe { libc::getrusage(libc::RUSAGE_SELF, &raw mut raw) };
    let microseconds = |time: libc::timeval| {
        time.tv_sec.cast_unsigned().wrapping_mul(1_000_000).wrapping_add(time.tv_usec.cast_unsigned())
    };
    Used {
        cpu_us: microseconds(raw.ru_utime).wrapping_add(microseconds(raw.ru_stime)),
        faults: raw.ru_minflt.cast_unsigned().wrapping_add(raw.ru_majflt.cast_unsigned()),
        // In KiB on Linux.
        peak_bytes: raw.ru_maxrss.cast_unsigned().wrapping_mul(1024),
    }
}

/// Bytes of a page of memory.
pub fn page_size() -> u64 {
    // SAFETY: asks for a constant of the system.
    u64::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096)
}
