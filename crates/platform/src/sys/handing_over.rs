//! What one program tells the one that it becomes: when, and what the process had used by then.
//!
//! The kernel counts processor time and faults of a process across `execve`, but not where one program ended and the
//! next one began. So a program that hands over to another one can leave a reading in a variable.
#![expect(unsafe_code, reason = "the system is called here")]

use std::ffi::{CStr, c_char};
use std::io;
use std::time::Duration;

use super::Process;
use super::usage::{Usage, Used, used};

/// Carries the reading: process id, nanoseconds of the monotonic clock, microseconds of processor time, faults, in
/// sixteen hexadecimal digits each.
pub const HANDED_OVER: &str = "OHFP_HANDED_OVER";
const DIGITS: usize = 16;
const NUMBERS: usize = 4;

/// Variables that fit; a longer environment is handed over without a reading.
const LONGEST: usize = 512;

/// The process when it became this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandedOver {
    /// How long ago.
    pub ago: Duration,
    /// What the program before this one had used.
    pub usage: Usage,
}

impl Process {
    /// As [`Self::exec`], and leaves a reading for the other program. Uses no heap, but a page of stack.
    #[cold]
    #[inline(never)]
    pub fn exec_and_tell(&self, program: &CStr) -> io::Error {
        let mut text = [0_u8; HANDED_OVER.len() + 1 + NUMBERS * DIGITS + 1];
        let used = used();
        let numbers = [u64::from(std::process::id()), monotonic(), used.cpu_us, used.faults];
        let digits =
            numbers.iter().flat_map(|number| (0..DIGITS).rev().map(move |at| digit(number >> (4 * at))));
        for (place, byte) in text.iter_mut().zip(HANDED_OVER.bytes().chain([b'=']).chain(digits)) {
            *place = byte;
        }
        let mut pointers = [std::ptr::null::<c_char>(); LONGEST + 1];
        let Some(places) = pointers.get_mut(..LONGEST) else { return self.exec(program) };
        let mut places = places.iter_mut();
        for entry in std::iter::once(text.as_ptr().cast()).chain(self.other_variables(HANDED_OVER)) {
            match places.next() {
                Some(place) => *place = entry,
                None => return self.exec(program),
            }
        }
        // SAFETY: the entries are C strings, the last one is null, and all live through the call.
        unsafe { self.exec_with(program, pointers.as_ptr()) }
    }
}

/// The reading that the program before this one has left; `None` where this process was started as this program, or
/// where the variable is another process' and was inherited.
pub fn handed_over() -> Option<HandedOver> {
    let value = std::env::var(HANDED_OVER).ok()?;
    read(&value, std::process::id(), monotonic(), used())
}

fn read(value: &str, process: u32, now: u64, used: Used) -> Option<HandedOver> {
    let number = |at: usize| u64::from_str_radix(value.get(at * DIGITS..(at + 1) * DIGITS)?, 16).ok();
    let (cpu_us, faults) = (number(2)?, number(3)?);
    let is_ours = number(0)? == u64::from(process) && cpu_us <= used.cpu_us && faults <= used.faults;
    let ago = now.checked_sub(number(1)?).filter(|_| is_ours && value.len() == NUMBERS * DIGITS)?;
    Some(HandedOver {
        ago: Duration::from_nanos(ago),
        usage: Usage { cpu: Duration::from_micros(cpu_us), faults, peak_bytes: 0 },
    })
}

/// The clock of `Instant`, in nanoseconds.
fn monotonic() -> u64 {
    // SAFETY: all-zero bytes are a valid `timespec`.
    let mut raw: libc::timespec = unsafe { std::mem::zeroed() };
    // SAFETY: the kernel writes one `timespec` there.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut raw) };
    raw.tv_sec.cast_unsigned().wrapping_mul(1_000_000_000).wrapping_add(raw.tv_nsec.cast_unsigned())
}

fn digit(number: u64) -> u8 {
    b"0123456789abcdef".get((number & 15) as usize).copied().unwrap_or(b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_is_of_this_process_and_of_the_past() {
        let used = Used { cpu_us: 500, faults: 9, peak_bytes: 0 };
        let check = |numbers: [u64; 4], expected: Option<(u64, u64, u64)>| {
            let value: String = numbers.iter().map(|number| format!("{number:016x}")).collect();
            let found = read(&value, 7, 1_000_000, used);
            let expected = expected.map(|(ago, cpu, faults)| HandedOver {
                ago: Duration::from_nanos(ago),
                usage: Usage { cpu: Duration::from_micros(cpu), faults, peak_bytes: 0 },
            });
            assert_eq!(found, expected, "{value}");
        };
        check([7, 400_000, 100, 4], Some((600_000, 100, 4)));
        check([7, 1_000_000, 500, 9], Some((0, 500, 9)));
        for other in [[8, 400_000, 100, 4], [7, 1_000_001, 100, 4], [7, 4, 501, 4], [7, 4, 100, 10]] {
            check(other, None);
        }
        for value in ["", "7", &"0".repeat(63), &"g".repeat(64), &"0".repeat(65), "\u{e4}"] {
            assert_eq!(read(value, 0, 1_000_000, used), None, "{value}");
        }
    }
}
