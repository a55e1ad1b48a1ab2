//! An allocator that counts, around another one.
#![expect(unsafe_code, reason = "allocators are unsafe to implement; this one hands everything on")]

use std::alloc::{GlobalAlloc, Layout};
use std::sync::atomic::{AtomicU64, Ordering};

/// The program's allocator, which counts allocations.
#[derive(Debug)]
pub struct Counting<A>(pub A);

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

/// Allocations of this process so far, changes of size included; `None` where its allocator does not count. With several
/// threads a few may be missing: adding for certain would cost more than the number is worth.
pub fn allocations() -> Option<u64> {
    Some(ALLOCATIONS.load(Ordering::Relaxed)).filter(|count| *count > 0)
}

fn count() {
    ALLOCATIONS.store(ALLOCATIONS.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
}

// SAFETY: every call goes to the inner allocator unchanged, which keeps the contract.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Counting<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract, which is the inner one's.
        unsafe { self.0.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { self.0.dealloc(place, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { self.0.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { self.0.realloc(place, layout, size) }
    }
}
