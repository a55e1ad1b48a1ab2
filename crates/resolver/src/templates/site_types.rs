//! Machine types that a site adds: `instance_types.csv` in the configuration directory.
//!
//! It is looked for where a template names a type that the built-in table lacks. Elsewhere it changes no answer, so it
//! is no input, and costs no look at every start.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use ohfp_broker::Error;
use serde_json::{Map, Value};

use crate::source::findings::Findings;
use crate::source::text::Text;
use crate::source::trail::Recorder;
use crate::templates::instance_types;
use crate::templates::sizing::Size;
use crate::templates::specified;

/// Name of the file.
pub(crate) const FILE: &str = "instance_types.csv";

/// Columns that the file must have, and those that it may have. Others are ignored.
const REQUIRED: [&str; 3] = ["instance_type", "vcpus", "memory_mib"];
const OPTIONAL: [&str; 2] = ["cores", "architectures"];

/// The built-in types, and those of the site.
pub(crate) struct SiteTypes<'r, 'e> {
    path: PathBuf,
    /// Sort key of its findings.
    number: usize,
    recorder: &'r mut Recorder<'e>,
    /// `None` until a type is not found in the built-in table.
    read: Option<Table>,
}

#[derive(Default)]
struct Table {
    sizes: HashMap<String, Size>,
    text: Option<Text>,
    /// Offsets in the text, in bytes, with what is wrong there.
    faults: Vec<(usize, String)>,
    failure: Option<Error>,
}

impl<'r, 'e> SiteTypes<'r, 'e> {
    pub(crate) fn new(root: &Path, number: usize, recorder: &'r mut Recorder<'e>) -> Self {
        Self { path: root.join(FILE), number, recorder, read: None }
    }

    /// The size of a type; `None` if neither table has it.
    pub(crate) fn find(&mut self, name: &str) -> Option<Size> {
        if let Some(found) = instance_types::find(name) {
            return Some(found.into());
        }
        let Self { path, number, recorder, read } = self;
        let table = read.get_or_insert_with(|| match crate::source::open(path, *number, recorder) {
            Ok(text) => text.map_or_else(Table::default, Table::parse),
            Err(error) => Table { failure: Some(error), ..Table::default() },
        });
        table.sizes.get(name).copied()
    }

    /// The types that a template's specification files name.
    ///
    /// # Errors
    /// Those of reading a file that is there, with the field that names it.
    pub(super) fn specified(
        &mut self,
        fields: &Map<String, Value>,
    ) -> Result<Vec<String>, (&'static str, Error)> {
        specified::types(self.path.parent().unwrap_or(&self.path), fields, self.recorder)
    }

    /// Reports what is wrong in the file.
    pub(crate) fn tell(self, findings: &mut Findings) {
        let Some(Table { text, faults, failure, .. }) = self.read else { return };
        if let Some(text) = text {
            for (at, message) in faults {
                findings.error(&text, at, &message, None);
            }
        }
        if let Some(error) = failure {
            findings.failure(self.number, error);
        }
    }
}

impl Table {
    fn parse(text: Text) -> Self {
        let (mut sizes, mut faults) = (HashMap::new(), Vec::new());
        let mut lines = text.as_str().lines().filter(|line| !line.trim().is_empty());
        let header: Vec<&str> = lines.next().unwrap_or_default().split(',').map(str::trim).collect();
        if let Some(missing) = REQUIRED.iter().find(|name| !header.contains(name)) {
            let columns = [REQUIRED.as_slice(), &OPTIONAL].concat().join("`, `");
            faults.push((0, format!("the first line names no column `{missing}`; there are `{columns}`")));
            return Self { sizes, text: Some(text), faults, failure: None };
        }
        for line in lines {
            match row(&header, line) {
                Ok((name, _)) if sizes.contains_key(name) => {
                    faults.push((text.offset(line), format!("the instance type `{name}` is there twice")));
                }
                Ok((name, size)) => {
                    sizes.insert(name.to_owned(), size);
                }
                Err(message) => faults.push((text.offset(line), message)),
            }
        }
        Self { sizes, text: Some(text), faults, failure: None }
    }
}

fn row<'l>(header: &[&str], line: &'l str) -> Result<(&'l str, Size), String> {
    let cells: Vec<&str> = line.split(',').map(str::trim).collect();
    if cells.len() != header.len() {
        return Err(format!("this line has {} columns, and the first one {}", cells.len(), header.len()));
    }
    let cell = |name: &str| {
        let at = header.iter().position(|column| *column == name)?;
        cells.get(at).copied().filter(|cell| !cell.is_empty())
    };
    let name = cell("instance_type").ok_or("`instance_type` is empty")?;
    let number = |column: &str, text: &str| match text.parse::<u32>() {
        Ok(number) if number > 0 => Ok(u64::from(number)),
        _ => Err(format!("`{column}` must be a whole number above 0, not {text}")),
    };
    let required = |column: &str| number(column, cell(column).unwrap_or("nothing"));
    let arm = match cell("architectures").unwrap_or("x86_64") {
        "x86_64" | "i386" | "i386|x86_64" | "x86_64|i386" => false,
        "arm64" | "aarch64" => true,
        other => return Err(format!("`architectures` must be x86_64 or arm64, not {other}")),
    };
    let vcpus = required("vcpus")?;
    // With hyper-threading, as most x86 machines have it, two virtual processors share a core.
    let usual = if arm { vcpus } else { vcpus.div_ceil(2) };
    let cores = cell("cores").map_or(Ok(usual), |text| number("cores", text))?;
    Ok((name, Size { arm, vcpus, cores, memory_mib: required("memory_mib")? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(content: &str) -> (Vec<String>, Vec<String>) {
        let text = Text::new(Path::new("/t.csv"), 0, content.as_bytes().to_vec()).unwrap();
        let table = Table::parse(text);
        let mut sizes: Vec<String> = table
            .sizes
            .iter()
            .map(|(name, Size { arm, vcpus, cores, memory_mib })| {
                format!("{name} {arm} {vcpus} {cores} {memory_mib}")
            })
            .collect();
        sizes.sort();
        let text = table.text.unwrap();
        let faults = table.faults.iter().map(|(at, message)| format!("{}: {message}", text.place(*at)));
        (sizes, faults.collect())
    }

    #[test]
    fn rows_of_a_table() {
        let check = |content: &str, sizes: &[&str], faults: &[&str]| {
            let (found, wrong) = table(content);
            assert_eq!(found, sizes, "{content}");
            assert_eq!(wrong, faults, "{content}");
        };
        check("instance_type,vcpus,memory_mib\nq9.large,3,4096\n", &["q9.large false 3 2 4096"], &[]);
        check(
            "memory_mib, instance_type ,vcpus,architectures,cores,note\r\n8192,q9g.large,4,arm64,,x\r\n\r\n1,q8,2,x86_64,1,\r\n",
            &["q8 false 2 1 1", "q9g.large true 4 4 8192"],
            &[],
        );
        check(
            "instance_type,vcpus\n",
            &[],
            &[
                "/t.csv:1:1: the first line names no column `memory_mib`; there are `instance_type`, `vcpus`, `memory_mib`, `cores`, `architectures`",
            ],
        );
        check(
            "instance_type,vcpus,memory_mib,architectures\na,1,1,mips\nb,0,1,\nc,1\nd,1,2,\nd,1,3,\n,1,1,\n",
            &["d false 1 1 2"],
            &[
                "/t.csv:2:1: `architectures` must be x86_64 or arm64, not mips",
                "/t.csv:3:1: `vcpus` must be a whole number above 0, not 0",
                "/t.csv:4:1: this line has 2 columns, and the first one 4",
                "/t.csv:6:1: the instance type `d` is there twice",
                "/t.csv:7:1: `instance_type` is empty",
            ],
        );
        check(
            "",
            &[],
            &[
                "/t.csv:1:1: the first line names no column `instance_type`; there are `instance_type`, `vcpus`, `memory_mib`, `cores`, `architectures`",
            ],
        );
    }
}
