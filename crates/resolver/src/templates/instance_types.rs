//! Sizes of EC2's instance types, from a table packed at build time by `build.rs`.
//!
//! Layout, little endian: the number of rows (u16); per row, sorted by name, 12 bytes: place of the
//! name (u16, from the end of the rows), its length (u8), 1 for arm64 (u8), virtual processors (u16), cores (u16),
//! memory in mebibytes (u32); then all names. It must not know templates.

use std::cmp::Ordering;

static TABLE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/aws-instance-types.bin"));

const ROW: usize = 12;

/// One instance type. Orders by size: vCPUs, then memory, then name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct InstanceType {
    /// Virtual processors, hyper-threads counted.
    pub vcpus: u16,
    /// Memory in mebibytes.
    pub memory_mib: u32,
    /// `m5.large`.
    pub name: &'static str,
    /// Physical cores.
    pub cores: u16,
    /// Whether its processors are arm64; else `x86_64` or `i386` ones.
    pub arm: bool,
}

/// The instance type of that name.
pub fn find(name: &str) -> Option<InstanceType> {
    let (count, rest) = TABLE.split_first_chunk::<2>()?;
    let count = usize::from(u16::from_le_bytes(*count));
    let (rows, names) = rest.split_at_checked(count.checked_mul(ROW)?)?;
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = usize::midpoint(low, high);
        let row = unpack(rows.get(middle * ROW..)?, names)?;
        match row.name.cmp(name) {
            Ordering::Equal => return Some(row),
            Ordering::Less => low = middle + 1,
            Ordering::Greater => high = middle,
        }
    }
    None
}

/// Every name of the table, sorted.
#[cfg(test)]
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    include_str!("../../../../config/aws-instance-types.csv")
        .lines()
        .skip(1)
        .filter_map(|line| line.split(',').next())
}

fn unpack(row: &'static [u8], names: &'static [u8]) -> Option<InstanceType> {
    let &[at0, at1, len, arm, vcpus0, vcpus1, cores0, cores1, mem0, mem1, mem2, mem3] =
        row.first_chunk::<ROW>()?;
    let at = usize::from(u16::from_le_bytes([at0, at1]));
    let name = names.get(at..at + usize::from(len))?;
    Some(InstanceType {
        vcpus: u16::from_le_bytes([vcpus0, vcpus1]),
        memory_mib: u32::from_le_bytes([mem0, mem1, mem2, mem3]),
        name: std::str::from_utf8(name).ok()?,
        cores: u16::from_le_bytes([cores0, cores1]),
        arm: arm != 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_agrees_with_its_source() {
        let source = include_str!("../../../../config/aws-instance-types.csv");
        let mut rows = 0;
        for line in source.lines().skip(1) {
            let columns: Vec<&str> = line.split(',').collect();
            let row = find(columns[0]).unwrap_or_else(|| panic!("{} is missing", columns[0]));
            assert_eq!(row.vcpus.to_string(), columns[1], "{line}");
            assert_eq!(row.cores.to_string(), columns[2], "{line}");
            assert_eq!(row.memory_mib.to_string(), columns[3], "{line}");
            assert_eq!(row.arm, columns[4].starts_with("arm64"), "{line}");
            rows += 1;
        }
        assert!(rows > 1000);
    }

    #[test]
    fn unknown_names_are_not_found() {
        for name in ["", "a", "m5", "m5.largee", "zzz", "M5.LARGE"] {
            assert_eq!(find(name), None, "{name}");
        }
    }
}
