//! Freshness: whether the inputs of a snapshot are unchanged, by one `stat` per file and one comparison per
//! variable. Contents are not read; the live program does that.

use std::ffi::CStr;

use ohfp_platform::sys;

use crate::refusal::Refusal;
use crate::stamps::ArchivedStampsV1;

/// Compares the stamps with files and variables. `root` is the configuration root of this invocation.
pub fn check<'e>(
    stamps: &ArchivedStampsV1,
    root: Option<&[u8]>,
    get: &impl Fn(&str) -> Option<&'e [u8]>,
) -> Result<(), Refusal> {
    if root != Some(stamps.root.as_slice()) {
        return Err(Refusal::Root);
    }
    for (number, variable) in stamps.variables.iter().enumerate() {
        if !variable.is(get(&variable.name)) {
            return Err(Refusal::StaleVariable(number));
        }
    }
    for (number, file) in stamps.files.iter().enumerate() {
        let path = CStr::from_bytes_with_nul(file.path.as_slice()).map_err(|_| Refusal::Stamps)?;
        let same = match file.present.as_ref() {
            // A directory is an input, too: it changes with its entries.
            Some(then) => sys::stat(path).is_ok_and(|now| {
                now.size == then.size.to_native()
                    && now.mtime_ns == then.mtime_ns.to_native()
                    && now.ctime_ns == then.ctime_ns.to_native()
                    && now.inode == then.inode.to_native()
            }),
            None => sys::is_absent(path),
        };
        if !same {
            return Err(Refusal::StaleFile(number));
        }
    }
    Ok(())
}
