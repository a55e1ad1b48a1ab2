//! The heap of programs for musl: dlmalloc behind one lock.
//!
//! The crate's own global allocator takes musl's mutex, by two calls of C for each value. std's lock is a word that is
//! exchanged in place: operations with a hundred machines have one instruction in twenty less.
#![expect(unsafe_code, reason = "allocators are unsafe to implement; this one hands everything on")]

use std::alloc::{GlobalAlloc, Layout};
use std::sync::{Mutex, MutexGuard, PoisonError};

use dlmalloc::Dlmalloc;

/// An allocator for a whole program.
pub struct Heap(Mutex<Dlmalloc>);

impl Heap {
    /// An empty heap; it asks for memory when it is first used.
    #[expect(clippy::new_without_default, reason = "a program has one, in a static")]
    pub const fn new() -> Self {
        Self(Mutex::new(Dlmalloc::new()))
    }

    /// The lock neither allocates nor is it held across other code, so it cannot be poisoned.
    fn lock(&self) -> MutexGuard<'_, Dlmalloc> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Heap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Heap")
    }
}

// SAFETY: every call goes to dlmalloc, one at a time, with what the caller passes; it keeps the contract.
unsafe impl GlobalAlloc for Heap {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract, which is the inner one's.
        unsafe { self.lock().malloc(layout.size(), layout.align()) }
    }

    #[inline]
    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { self.lock().free(place, layout.size(), layout.align()) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        unsafe { self.lock().calloc(layout.size(), layout.align()) }
    }

    #[inline]
    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as above.
        unsafe { self.lock().realloc(place, layout.size(), layout.align(), size) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Several threads take, grow and give back values, and each finds in them what it wrote.
    #[test]
    fn threads_share_it() {
        static HEAP: Heap = Heap::new();
        let work = |seed: u8| {
            for round in 0..2_000_usize {
                let layout = Layout::from_size_align(1 + round % 700, 1 << (round % 6)).unwrap();
                // SAFETY: the sizes are not zero, and each place is written and given back with the layout it has.
                unsafe {
                    let place = HEAP.alloc(layout);
                    assert!(!place.is_null() && place.addr().is_multiple_of(layout.align()));
                    place.write_bytes(seed, layout.size());
                    let place = HEAP.realloc(place, layout, layout.size() * 3);
                    let grown = Layout::from_size_align(layout.size() * 3, layout.align()).unwrap();
                    let kept = std::slice::from_raw_parts(place, layout.size());
                    assert!(kept.iter().all(|byte| *byte == seed));
                    HEAP.dealloc(place, grown);
                    let place = HEAP.alloc_zeroed(layout);
                    assert!(std::slice::from_raw_parts(place, layout.size()).iter().all(|byte| *byte == 0));
                    HEAP.dealloc(place, layout);
                }
            }
        };
        std::thread::scope(|scope| {
            for seed in 1..=4 {
                scope.spawn(move || work(seed));
            }
        });
    }
}
