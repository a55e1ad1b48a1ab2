//! Packs `config/aws-instance-types.csv` into a sorted table of fixed-size rows, so that nothing is
//! parsed at run time. `src/resolve/instance_types.rs` reads it and documents the layout.

use std::collections::BTreeMap;
use std::path::Path;
use std::{env, fs};

const HEADER: &str = "instance_type,vcpus,cores,memory_mib,architectures,gpus,usage_classes";

fn main() -> Result<(), String> {
    let variable = |name| env::var(name).map_err(|error| format!("{name}: {error}"));
    let source = Path::new(&variable("CARGO_MANIFEST_DIR")?).join("../../config/aws-instance-types.csv");
    let target = Path::new(&variable("OUT_DIR")?).join("aws-instance-types.bin");
    println!("cargo::rerun-if-changed={}", source.display());
    println!("cargo::rerun-if-changed=build.rs");

    let text = fs::read_to_string(&source).map_err(|error| format!("{}: {error}", source.display()))?;
    let packed = pack(&text).map_err(|problem| format!("{}:{problem}", source.display()))?;
    fs::write(&target, packed).map_err(|error| format!("{}: {error}", target.display()))
}

/// The packed table, or the line number and what is wrong there.
fn pack(text: &str) -> Result<Vec<u8>, String> {
    let mut lines = text.lines().enumerate().map(|(number, line)| (number + 1, line.trim_end()));
    if lines.next().map(|(_, line)| line) != Some(HEADER) {
        return Err(format!("1: the header must be `{HEADER}`"));
    }
    let mut rows = BTreeMap::new();
    for (number, line) in lines.filter(|(_, line)| !line.is_empty()) {
        let (name, row) = parse(line).map_err(|problem| format!("{number}: {problem}"))?;
        if rows.insert(name.to_owned(), row).is_some() {
            return Err(format!("{number}: `{name}` appears twice"));
        }
    }
    let too_many = |_| "1: too many rows for this layout".to_owned();
    let mut table = u16::try_from(rows.len()).map_err(too_many)?.to_le_bytes().to_vec();
    let mut names = Vec::new();
    for (name, row) in &rows {
        table.extend_from_slice(&u16::try_from(names.len()).map_err(too_many)?.to_le_bytes());
        table.push(u8::try_from(name.len()).map_err(too_many)?);
        table.push(u8::from(row.arm));
        table.extend_from_slice(&row.vcpus.to_le_bytes());
        table.extend_from_slice(&row.cores.to_le_bytes());
        table.extend_from_slice(&row.memory_mib.to_le_bytes());
        names.extend_from_slice(name.as_bytes());
    }
    table.extend_from_slice(&names);
    Ok(table)
}

struct Row {
    vcpus: u16,
    cores: u16,
    memory_mib: u32,
    arm: bool,
}

fn parse(line: &str) -> Result<(&str, Row), String> {
    let columns: Vec<&str> = line.split(',').collect();
    let &[name, vcpus, cores, memory_mib, architectures, _gpus, _usage_classes] = columns.as_slice() else {
        return Err(format!("{} columns instead of 7", columns.len()));
    };
    let small = |column: &str, text: &str| match text.parse::<u16>() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(format!("{column} `{text}` is not a whole number from 1 to 65535")),
    };
    if name.is_empty() || name.len() > 255 {
        return Err(format!("instance_type `{name}` is not 1 to 255 bytes long"));
    }
    let memory_mib = match memory_mib.parse::<u32>() {
        Ok(number) if number > 0 => number,
        _ => return Err(format!("memory_mib `{memory_mib}` is not a whole number above 0")),
    };
    let mut known = architectures.split('|').map(|architecture| match architecture {
        "x86_64" | "x86_64_mac" | "i386" => Ok(false),
        "arm64" | "arm64_mac" => Ok(true),
        other => Err(format!("architecture `{other}` is not known")),
    });
    let arm = known.next().unwrap_or(Ok(false))?;
    if known.any(|other| other != Ok(arm)) {
        return Err(format!("architectures `{architectures}` cannot be told apart as one machine type"));
    }
    Ok((name, Row { vcpus: small("vcpus", vcpus)?, cores: small("cores", cores)?, memory_mib, arm }))
}
