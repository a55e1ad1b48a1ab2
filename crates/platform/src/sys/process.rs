//! The process itself: arguments and variables, becoming another program, and what happens when a mapping breaks.
#![expect(unsafe_code, reason = "the system is called here")]

use std::ffi::{CStr, c_char, c_int};
use std::io;
use std::sync::OnceLock;

/// The process as the kernel started it: arguments and environment, untouched and uncopied.
#[derive(Clone, Copy, Debug)]
pub struct Process {
    argv: *const *const c_char,
    envp: *const *const c_char,
}

impl Process {
    /// # Safety
    ///
    /// Both must be the vectors that the kernel gave this process (or vectors of the same shape):
    /// C strings up to a null pointer, unchanged for the life of the process.
    pub unsafe fn new(argv: *const *const c_char, envp: *const *const c_char) -> Self {
        Self { argv, envp }
    }

    /// As [`Self::new`], from the vectors of std; they live as long as the process.
    pub fn from_std() -> Self {
        Self::from_std_with(None)
    }

    /// As [`Self::from_std`] with one variable replaced, for the program that this one executes.
    pub fn from_std_with(variable: Option<(&str, &str)>) -> Self {
        use std::os::unix::ffi::OsStrExt;
        let vector = |texts: Vec<Vec<u8>>| -> *const *const c_char {
            let mut pointers: Vec<*const c_char> = texts
                .into_iter()
                .filter_map(|text| std::ffi::CString::new(text).ok())
                .map(|text| text.into_raw().cast_const())
                .collect();
            pointers.push(std::ptr::null());
            pointers.leak().as_ptr()
        };
        let arguments = std::env::args_os().map(|argument| argument.as_bytes().to_vec()).collect();
        let variables = std::env::vars_os()
            .filter(|(name, _)| variable.is_none_or(|(changed, _)| name != changed))
            .chain(variable.map(|(name, value)| (name.into(), value.into())))
            .map(|(name, value)| [name.as_bytes(), b"=", value.as_bytes()].concat())
            .collect();
        Self { argv: vector(arguments), envp: vector(variables) }
    }

    /// The arguments, the program's name first.
    pub fn arguments(&self) -> impl Iterator<Item = &'static [u8]> {
        Strings(self.argv)
    }

    /// The value of a variable.
    pub fn variable(&self, name: &str) -> Option<&'static [u8]> {
        let mut entry = self.envp;
        loop {
            // SAFETY: `new` promises a vector up to a null pointer; we stop there.
            let text = unsafe { *entry };
            if text.is_null() {
                return None;
            }
            if let Some(value) = after_name(text, name.as_bytes()) {
                return Some(value);
            }
            // SAFETY: as above; the entry just read was not the last one.
            entry = unsafe { entry.add(1) };
        }
    }

    /// Whether a variable looks like one that overrides a key of the configuration, `OHFP_A__B`, or the form of answers,
    /// `OHFP_FORMAT`, of which the first letter is enough: no other variable begins so.
    pub fn has_overrides(&self) -> bool {
        let mut entry = self.envp;
        loop {
            // SAFETY: `new` promises a vector up to a null pointer; we stop there.
            let text = unsafe { *entry };
            if text.is_null() {
                return false;
            }
            let mut name = behind(text, b"OHFP_".iter()).unwrap_or_default();
            if name.first() == Some(&b'F') {
                return true;
            }
            while let [first, rest @ ..] = name {
                if *first == b'=' {
                    break;
                }
                if *first == b'_' && rest.first() == Some(&b'_') {
                    return true;
                }
                name = rest;
            }
            // SAFETY: as above; the entry just read was not the last one.
            entry = unsafe { entry.add(1) };
        }
    }

    /// Executes another program with the same arguments and environment. Returns only on failure.
    pub fn exec(&self, program: &CStr) -> io::Error {
        // SAFETY: these are the variables that `new` promises.
        unsafe { self.exec_with(program, self.envp) }
    }

    /// As [`Self::exec`], with these variables.
    ///
    /// # Safety
    ///
    /// They must have the shape that [`Self::new`] wants, for the time of this call.
    pub(super) unsafe fn exec_with(&self, program: &CStr, variables: *const *const c_char) -> io::Error {
        // SAFETY: `program` is a C string; the vectors are what `new` and the caller promise.
        unsafe { libc::execve(program.as_ptr(), self.argv, variables) };
        io::Error::last_os_error()
    }

    /// The entries of all variables but one.
    pub(super) fn other_variables(&self, name: &str) -> impl Iterator<Item = *const c_char> {
        let mut entry = self.envp;
        std::iter::from_fn(move || {
            // SAFETY: `new` promises a vector up to a null pointer; we stop there.
            let text = unsafe { *entry };
            if text.is_null() {
                return None;
            }
            // SAFETY: as above; the entry just read was not the last one.
            entry = unsafe { entry.add(1) };
            Some(text)
        })
        .filter(move |text| after_name(*text, name.as_bytes()).is_none())
    }
}

/// The value of `NAME=value`.
fn after_name(entry: *const c_char, name: &[u8]) -> Option<&'static [u8]> {
    behind(entry, name.iter().chain(b"="))
}

/// What follows these bytes at the start of an entry. Looks no further than the first byte that differs: measuring every
/// entry of an environment at every look-up is a quarter of all instructions of a short run.
fn behind<'b>(entry: *const c_char, start: impl Iterator<Item = &'b u8>) -> Option<&'static [u8]> {
    let mut at = entry.cast::<u8>();
    for expected in start {
        // SAFETY: all bytes before this one matched some without zero bytes, so the string goes on
        // at least to this one, its final zero at the latest.
        if unsafe { *at } != *expected {
            return None;
        }
        // SAFETY: the byte just read was not the final zero.
        at = unsafe { at.add(1) };
    }
    // SAFETY: the rest of a C string is one, and lives as long as the process.
    Some(unsafe { CStr::from_ptr(at.cast()) }.to_bytes())
}

// SAFETY: both vectors are only read and never changed, see `Process::new`.
unsafe impl Send for Process {}
// SAFETY: as above.
unsafe impl Sync for Process {}

/// The action when a mapped page is unreadable.
static FALLBACK: OnceLock<(Process, Fallback)> = OnceLock::new();

/// Ends the process in another way, and gives its exit code if that fails.
pub type Fallback = fn(&Process) -> ExitCode;

/// From here on, a mapped file that is cut short under us ends in `fallback` instead of in death by
/// SIGBUS. To be armed before the mapping is read, and only while nothing has been written.
///
/// `fallback` runs in a signal handler: it may make system calls, and nothing that locks or allocates.
pub fn guard_mapping(process: Process, fallback: Fallback) {
    if FALLBACK.set((process, fallback)).is_err() {
        return;
    }
    set_handler(libc::SIGBUS, on_bus_error, GUARD);
}

/// Runs `body` under that guard, and lets SIGBUS be what it was without it afterwards: when something has been
/// done, it must not be done again by what the process becomes.
pub fn guarded<T>(process: Process, fallback: Fallback, body: impl FnOnce() -> T) -> T {
    // The first one stays: they are all of one process.
    let _ = FALLBACK.set((process, fallback));
    set_handler(libc::SIGBUS, on_bus_error, GUARD);
    let value = body();
    // SAFETY: the default action involves no code of ours.
    unsafe { libc::signal(libc::SIGBUS, libc::SIG_DFL) };
    value
}

/// Not blocked inside the handler, and back to the default there: the program that the fallback becomes
/// inherits a clean slate.
const GUARD: c_int = libc::SA_NODEFER | libc::SA_RESETHAND;

/// Linux's own `sigaction` on 64-bit machines. The C library's does more than is needed here: another
/// system call and a deeper stack, together 3 µs.
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
fn set_handler(signal: c_int, handler: extern "C" fn(c_int), flags: c_int) {
    /// `struct kernel_sigaction`: handler, flags, where a handler returns to, mask.
    #[repr(C)]
    struct Action(usize, libc::c_ulong, usize, u64);
    const SA_RESTORER: libc::c_ulong = 0x0400_0000;
    let address = handler as usize;
    // The handler ends the process, so where it would return to is never used; x86-64 wants it named.
    let flags = libc::c_ulong::from(flags.cast_unsigned()) | SA_RESTORER;
    let action = Action(address, flags, address, 0);
    let (action, none) = (&raw const action, std::ptr::null_mut::<Action>());
    // SAFETY: the action has the kernel's layout and names a handler that lives as long as the process;
    // the mask is eight bytes.
    unsafe { libc::syscall(libc::SYS_rt_sigaction, signal, action, none, 8) };
}

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
fn set_handler(signal: c_int, handler: extern "C" fn(c_int), flags: c_int) {
    // SAFETY: all-zero bytes are a valid `sigaction` with an empty mask.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = handler as libc::sighandler_t;
    action.sa_flags = flags;
    // SAFETY: the action names a handler that lives as long as the process.
    unsafe { libc::sigaction(signal, &raw const action, std::ptr::null_mut()) };
}

extern "C" fn on_bus_error(_signal: c_int) {
    exit(FALLBACK.get().map_or(1, |(process, fallback)| fallback(process)));
}

/// Ends the process at once, without flushing buffers or running exit handlers.
pub fn exit(code: ExitCode) -> ! {
    // SAFETY: ends the process without running anything else of it.
    unsafe { libc::_exit(code) }
}

/// Walks a null-terminated vector of C strings.
struct Strings(*const *const c_char);

impl Iterator for Strings {
    type Item = &'static [u8];

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_null() {
            return None;
        }
        // SAFETY: `Process::new` promises a vector up to a null pointer; we never step behind it.
        let text = unsafe { *self.0 };
        if text.is_null() {
            return None;
        }
        // SAFETY: as above; the entry just read was not the last one.
        self.0 = unsafe { self.0.add(1) };
        // SAFETY: the entry is a C string that lives as long as the process.
        Some(unsafe { CStr::from_ptr(text) }.to_bytes())
    }
}

/// Exit code as `main` of C wants it.
pub type ExitCode = c_int;
