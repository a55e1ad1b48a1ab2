//! Stands in for the unwinder, which a program that aborts on panic links and never calls.
//!
//! The Rust library refers to these symbols for unwinding and for backtraces. With libunwind behind
//! them the runtime is twice as large and touches another 64 KiB of its file at every start, about
//! 8 µs of page faults. Defined here, they keep libunwind out.
#![expect(unsafe_code, reason = "the names of a C interface")]

use std::ffi::{c_int, c_void};

/// `_URC_END_OF_STACK`: a backtrace has no frames.
const END_OF_STACK: c_int = 5;

/// Called only to print a backtrace, and only if the program has a bug.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Backtrace(_trace: *const c_void, _argument: *mut c_void) -> c_int {
    END_OF_STACK
}

/// Defines functions that only an unwinding program calls.
macro_rules! never_called {
    ($($name:ident)*) => {
        $(
            #[unsafe(no_mangle)]
            extern "C" fn $name() -> *mut c_void {
                std::process::abort()
            }
        )*
    };
}

never_called! {
    _Unwind_DeleteException
    _Unwind_FindEnclosingFunction
    _Unwind_GetCFA
    _Unwind_GetDataRelBase
    _Unwind_GetIP
    _Unwind_GetIPInfo
    _Unwind_GetLanguageSpecificData
    _Unwind_GetRegionStart
    _Unwind_GetTextRelBase
    _Unwind_RaiseException
    _Unwind_Resume
    _Unwind_SetGR
    _Unwind_SetIP
}
