//! Memory use of this process, read from `/proc`.

use std::fs;
use std::sync::OnceLock;

/// Resident set size in bytes; `None` where `/proc` is not available.
pub(super) fn resident() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(pages * page_size())
}

/// Page size in bytes, from the auxiliary vector, which needs no `unsafe` call.
fn page_size() -> u64 {
    static SIZE: OnceLock<u64> = OnceLock::new();
    *SIZE.get_or_init(|| {
        fs::read("/proc/self/auxv").ok().and_then(|auxv| auxiliary(&auxv, AT_PAGESZ)).unwrap_or(4096)
    })
}

const AT_PAGESZ: u64 = 6;

/// The value of an entry of the auxiliary vector: pairs of machine words.
fn auxiliary(auxv: &[u8], wanted: u64) -> Option<u64> {
    const WORD: usize = size_of::<usize>();
    let mut words = auxv
        .chunks_exact(WORD)
        .map(|word| word.try_into().map_or(0, |bytes: [u8; WORD]| usize::from_ne_bytes(bytes) as u64));
    while let (Some(kind), Some(value)) = (words.next(), words.next()) {
        if kind == wanted {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_measured() {
        let resident = resident().unwrap();
        assert!(resident > 100_000 && resident.is_multiple_of(page_size()), "{resident}");
        assert!(page_size().is_power_of_two());
    }

    #[test]
    fn auxiliary_vectors() {
        let bytes = |words: &[usize]| words.iter().flat_map(|word| word.to_ne_bytes()).collect::<Vec<u8>>();
        assert_eq!(auxiliary(&bytes(&[3, 1, 6, 65536, 0, 0]), AT_PAGESZ), Some(65536));
        for other in [&[3, 6][..], &[6], &[]] {
            assert_eq!(auxiliary(&bytes(other), AT_PAGESZ), None);
        }
    }
}
