//! The table of EC2 instance types, as far as a catalog needs it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::dice::Dice;

const COLUMNS: &str = "instance_type,vcpus,cores,memory_mib,architectures,gpus,usage_classes";

/// One row of the table of instance types.
#[derive(Debug)]
pub(super) struct Machine {
    pub(super) name: String,
    pub(super) vcpus: u64,
    pub(super) memory_mib: u64,
    pub(super) arm: bool,
    pub(super) gpus: u64,
    spot: bool,
}

impl Machine {
    fn parse(line: &str) -> Option<Self> {
        let mut cells = line.split(',');
        let mut next = || cells.next();
        Some(Self {
            name: next()?.to_owned(),
            vcpus: next()?.parse().ok()?,
            memory_mib: {
                let _cores = next()?;
                next()?.parse().ok()?
            },
            arm: next()?.split('|').any(|one| one == "arm64"),
            gpus: next()?.parse().ok()?,
            spot: next()?.split('|').any(|one| one == "spot"),
        })
    }

    /// Macs are rented by the day and join no cluster.
    fn computes(&self) -> bool {
        !self.name.starts_with("mac")
    }

    /// What machines agree in that can stand in for each other, when this one is taken so many times.
    fn size(&self, times: u64) -> Size {
        (self.arm, self.vcpus * times, self.memory_mib * times, self.gpus * times)
    }
}

/// Architecture, vCPUs, memory, GPUs.
type Size = (bool, u64, u64, u64);

/// The table of instance types, and what is looked up in it.
#[derive(Debug)]
pub(super) struct Types {
    all: Vec<Machine>,
    /// Places in `all` of the types that have a spot market.
    spot: Vec<usize>,
    /// The same places by size.
    by_size: BTreeMap<Size, Vec<usize>>,
}

impl Types {
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(path)
            .map_err(|error| format!("cannot read the instance types from {}: {error}", path.display()))?;
        Self::parse(&text).map_err(|why| format!("{}: {why}", path.display()))
    }

    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut lines =
            (1..).zip(text.lines()).filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        if lines.next().map(|(_, line)| line) != Some(COLUMNS) {
            return Err(format!("the columns should be {COLUMNS}"));
        }
        let mut types = Self { all: Vec::new(), spot: Vec::new(), by_size: BTreeMap::new() };
        for (number, line) in lines {
            let number: u32 = number;
            let machine = Machine::parse(line).ok_or_else(|| format!("cannot understand line {number}"))?;
            if !machine.computes() {
                continue;
            }
            if machine.spot {
                let place = types.all.len();
                types.spot.push(place);
                types.by_size.entry(machine.size(1)).or_default().push(place);
            }
            types.all.push(machine);
        }
        if types.spot.is_empty() {
            return Err("no instance type has a spot market".to_owned());
        }
        Ok(types)
    }

    /// Any type, or any with a spot market.
    pub(super) fn pick(&self, dice: &mut Dice, spot: bool) -> Option<&Machine> {
        let place = if spot { dice.pick(&self.spot)? } else { dice.place(self.all.len()) };
        self.all.get(place)
    }

    /// A type that is worth so many of `machine`.
    pub(super) fn times_as_large(&self, dice: &mut Dice, machine: &Machine, times: u64) -> Option<&Machine> {
        self.all.get(dice.pick(self.by_size.get(&machine.size(times))?)?)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::catalog) const TABLE: &str =
        "instance_type,vcpus,cores,memory_mib,architectures,gpus,usage_classes
c6i.2xlarge,8,4,16384,x86_64,0,on-demand|spot
c6i.4xlarge,16,8,32768,x86_64,0,on-demand|spot
c7i.2xlarge,8,4,16384,x86_64,0,on-demand|spot
c7g.2xlarge,8,8,16384,arm64,0,on-demand|spot
g5.xlarge,4,2,16384,x86_64,1,on-demand|spot
hpc7a.12xlarge,24,24,786432,x86_64,0,on-demand
mac2.metal,8,8,16384,arm64,0,on-demand
";

    #[test]
    fn a_broken_table_is_named() {
        assert!(Types::parse("a,b\n").unwrap_err().contains("columns"));
        assert!(Types::parse(&format!("{TABLE}x,1\n")).unwrap_err().contains("line 9"));
        let why = Types::read(Path::new("/nonexistent.csv")).unwrap_err();
        assert!(why.contains("/nonexistent.csv"), "{why}");
    }
}
