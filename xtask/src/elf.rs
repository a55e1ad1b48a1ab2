//! `cargo xtask binary`: is the built runtime what makes it start at once?
//!
//! Static, at a fixed address, without dynamic linker, small. Each of these can be lost by one line
//! in a manifest without any test failing but this.

use crate::binaries;
use crate::project::{Project, Result, say, step, text};

/// One window that the kernel maps at the first touch.
const SIZE_LIMIT: usize = 64 * 1024;

const ET_EXEC: u64 = 2;
const PT_DYNAMIC: u64 = 2;
const PT_INTERP: u64 = 3;
const DT_NULL: u64 = 0;
const DT_NEEDED: u64 = 1;

/// Builds the runtime and checks it.
pub(crate) fn run(project: &Project) -> Result<()> {
    let target = binaries::musl_target(project).ok_or("a static runtime needs the musl target")?;
    let path = binaries::runtime(project, Some(target))?;
    step("checking the runtime's binary");
    let bytes = project.sh.read_binary_file(&path)?;
    let faults = faults(&bytes)
        .ok_or_else(|| format!("{} is not a sound 64-bit little-endian ELF file", path.display()))?;
    if faults.is_empty() {
        return say(format_args!("{}: static, fixed address, {} bytes", text(&path)?, bytes.len()));
    }
    Err(format!("{}: {}", path.display(), faults.join("; ")).into())
}

/// What is wrong with the program; nothing at all when it cannot be read.
fn faults(bytes: &[u8]) -> Option<Vec<String>> {
    let elf = Elf(bytes);
    // Magic, 64 bit, little-endian.
    if bytes.get(..6)? != b"\x7fELF\x02\x01" {
        return None;
    }
    let mut faults = Vec::new();
    if elf.number(16, 2)? != ET_EXEC {
        faults.push("it is relocatable (PIE): relocations cost page faults at start".to_owned());
    }
    let (table, size, count) = (elf.number(32, 8)?, elf.number(54, 2)?, elf.number(56, 2)?);
    for index in 0..count {
        let header = table.checked_add(index * size)?;
        match elf.number(header, 4)? {
            PT_INTERP => faults.push("it asks for a dynamic linker".to_owned()),
            PT_DYNAMIC => {
                let needed = elf.needed(elf.number(header + 8, 8)?)?;
                if needed > 0 {
                    faults.push(format!("it needs {needed} shared libraries"));
                }
            }
            _ => {}
        }
    }
    if bytes.len() > SIZE_LIMIT {
        faults.push(format!("it has {} bytes, more than {SIZE_LIMIT}", bytes.len()));
    }
    Some(faults)
}

/// The bytes of a program.
struct Elf<'a>(&'a [u8]);

impl Elf<'_> {
    /// The number of so many bytes at an offset.
    fn number(&self, offset: u64, width: usize) -> Option<u64> {
        let start = usize::try_from(offset).ok()?;
        let bytes = self.0.get(start..start.checked_add(width)?)?;
        Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// Counts the shared libraries in the dynamic table at an offset.
    fn needed(&self, table: u64) -> Option<usize> {
        let mut count = 0;
        let mut entry = table;
        loop {
            match self.number(entry, 8)? {
                DT_NULL => return Some(count),
                DT_NEEDED => count += 1,
                _ => {}
            }
            entry = entry.checked_add(16)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_found() {
        // This test is an ordinary program: dynamic, or position independent, or both, and large.
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert!(!faults(&own).unwrap().is_empty());
        assert_eq!(faults(b"#!/bin/sh\n"), None);
        assert_eq!(faults(own.get(..60).unwrap()), None);
    }
}
