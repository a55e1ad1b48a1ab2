//! The entry point and the allocator that refuses: the runtime's only `unsafe`.
#![allow(unsafe_code, reason = "the entry point is C's; other targets have none")]

use ohfp_platform::sys::Process;

/// C's `main`: the C library has set itself up, Rust's runtime has not and need not. That saves its
/// signal set-up, stack guard and argument copies, about 30 µs of a 130 µs process.
#[cfg(bare_entry)]
#[unsafe(no_mangle)]
extern "C" fn main(
    _count: std::ffi::c_int,
    arguments: *const *const std::ffi::c_char,
    environment: *const *const std::ffi::c_char,
) -> ! {
    // SAFETY: these are the vectors the kernel gave this process; nothing here changes them.
    let process = unsafe { Process::new(arguments, environment) };
    ohfp_platform::sys::exit(crate::respond::run(&process))
}

/// The entry point on targets where std starts the process.
#[cfg(not(bare_entry))]
pub(crate) fn hosted() -> Process {
    Process::from_std()
}

/// An allocator that always fails: the fast path needs no heap, and the first test run finds code that
/// allocates.
#[cfg(bare_entry)]
struct NoHeap;

// SAFETY: returning null is how an allocator says it has no memory; nothing is ever handed out, so
// there is nothing to free.
#[cfg(bare_entry)]
unsafe impl std::alloc::GlobalAlloc for NoHeap {
    unsafe fn alloc(&self, _layout: std::alloc::Layout) -> *mut u8 {
        std::ptr::null_mut()
    }

    unsafe fn dealloc(&self, _pointer: *mut u8, _layout: std::alloc::Layout) {}
}

#[cfg(bare_entry)]
#[global_allocator]
static HEAP: NoHeap = NoHeap;
