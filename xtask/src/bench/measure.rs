//! Runs the measuring program, tests/bench/spawn.c, and reads what it found.
//!
//! Programs that take a tenth of a millisecond can only be timed by a program that does nothing
//! else; so the loop is in C, and this file compiles it, feeds it and believes it.

use std::path::{Path, PathBuf};

use xshell::cmd;

use crate::project::{Project, Result, text};

/// Where a program's output goes.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Output {
    #[default]
    Nowhere,
    /// Into a pipe that is read to its end, as Host Factory does.
    Pipe,
}

impl Output {
    /// The name that spawn.c and hyperfine agree on.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Nowhere => "null",
            Self::Pipe => "pipe",
        }
    }
}

/// A program to be measured.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) output: Output,
    pub(crate) command: Vec<String>,
    /// `NAME=VALUE`, beyond the environment that all have.
    pub(crate) variables: Vec<String>,
    /// What runs before each run and is not measured.
    pub(crate) prepare: Vec<String>,
}

impl Case {
    pub(crate) fn new(
        name: impl Into<String>,
        output: Output,
        program: &Path,
        args: &[&str],
    ) -> Result<Self> {
        let command = [text(program)?].iter().chain(args).map(|part| (*part).to_owned()).collect();
        Ok(Self { name: name.into(), output, command, variables: Vec::new(), prepare: Vec::new() })
    }

    /// With a variable, `NAME=VALUE`.
    pub(crate) fn with(mut self, variable: String) -> Self {
        self.variables.push(variable);
        self
    }

    /// After another command, which is not measured.
    pub(crate) fn after(mut self, command: &[&str]) -> Self {
        self.prepare = command.iter().map(|part| (*part).to_owned()).collect();
        self
    }

    /// The line that spawn.c reads.
    fn line(&self) -> String {
        let mut parts = vec![self.name.as_str(), self.output.name()];
        parts.extend(self.prepare.iter().map(String::as_str));
        if !self.prepare.is_empty() {
            parts.push(";");
        }
        parts.extend(self.variables.iter().chain(&self.command).map(String::as_str));
        parts.join("\t") + "\n"
    }
}

/// What was found. Times are microseconds.
#[derive(Default)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) output: Output,
    pub(crate) rounds: u64,
    pub(crate) min: f64,
    pub(crate) median: f64,
    pub(crate) p90: f64,
    pub(crate) faults: f64,
    /// Nothing where tracing is not allowed.
    pub(crate) calls: Option<u64>,
    /// Largest resident set in KiB; nothing where tracing is not allowed.
    pub(crate) peak: Option<u64>,
    /// Length of the output, if it went through a pipe.
    pub(crate) bytes: u64,
    /// User and system time together, the median.
    pub(crate) cpu: f64,
    /// System calls that wait for the disk; nothing where tracing is not allowed.
    pub(crate) syncs: Option<u64>,
    /// hyperfine's median.
    pub(crate) hyperfine: Option<f64>,
    /// In thousands, where they were counted.
    pub(crate) instructions: Option<u64>,
}

/// The environment of measured programs: these variables and no others.
pub(crate) type Environment<'a> = [(&'a str, &'a str)];

/// The numbers that an example of a crate, built for release, prints when it is called with an argument.
pub(crate) fn told_by_example(
    project: &Project,
    package: &str,
    example: &str,
    argument: &str,
) -> Result<Vec<f64>> {
    let cargo = Project::cargo();
    let words = ["--package", package, "--example", example, "--", argument];
    let told = cmd!(project.sh, "{cargo} run --quiet --release {words...}").read()?;
    Ok(told.split_whitespace().filter_map(|word| word.parse().ok()).collect())
}

/// The compiled programs of tests/bench.
pub(crate) struct Tools<'p> {
    project: &'p Project,
    directory: PathBuf,
    spawn: PathBuf,
    pub(crate) floor: PathBuf,
}

impl<'p> Tools<'p> {
    pub(crate) fn build(project: &'p Project) -> Result<Self> {
        let directory = project.sh.create_dir(project.target.join("bench/bin"))?;
        let tools =
            Self { project, spawn: directory.join("spawn"), floor: directory.join("floor"), directory };
        tools.compile("spawn.c", &tools.spawn, &["-O2", "-pthread"])?;
        tools.compile("floor.c", &tools.floor, &BARE)?;
        Ok(tools)
    }

    /// The floor for output: a program that holds the file's bytes and writes them.
    pub(crate) fn floor_write(&self, name: &str, payload: &Path) -> Result<PathBuf> {
        let program = self.directory.join(format!("floor_write_{name}"));
        let define = format!("-DPAYLOAD=\"{}\"", text(payload)?);
        let options: Vec<&str> = BARE.into_iter().chain([define.as_str()]).collect();
        self.compile("floor_write.c", &program, &options)?;
        Ok(program)
    }

    fn compile(&self, source: &str, program: &Path, options: &[&str]) -> Result<()> {
        let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
        let source = self.project.root.join("tests/bench").join(source);
        Ok(cmd!(self.project.sh, "{compiler} {options...} -o {program} {source}").quiet().run()?)
    }

    /// Measures the cases against each other, a row for each.
    pub(crate) fn measure(
        &self,
        environment: &Environment<'_>,
        cases: &[Case],
        rounds: u32,
    ) -> Result<Vec<Row>> {
        let list = self.directory.join("cases");
        self.project.sh.write_file(&list, cases.iter().map(Case::line).collect::<String>())?;
        let (spawn, rounds) = (&self.spawn, rounds.to_string());
        let found = cmd!(self.project.sh, "{spawn} {rounds} {list}")
            .env_clear()
            .envs(environment.iter().copied())
            .quiet()
            .read()
            .map_err(|error| format!("the measurement ended early: {error}"))?;
        let rows: Vec<Row> = found.lines().zip(cases).filter_map(|(line, case)| row(line, case)).collect();
        if rows.len() == cases.len() {
            Ok(rows)
        } else {
            Err(format!("cannot understand what spawn wrote:\n{found}").into())
        }
    }
}

/// Programs without a C library, linked like the runtime: static, at a fixed address.
const BARE: [&str; 4] = ["-Os", "-static", "-nostdlib", "-no-pie"];

fn row(line: &str, case: &Case) -> Option<Row> {
    let mut parts = line.split('\t').skip(1);
    let mut next = || parts.next();
    Some(Row {
        name: case.name.clone(),
        output: case.output,
        rounds: next()?.parse().ok()?,
        min: next()?.parse().ok()?,
        median: next()?.parse().ok()?,
        p90: next()?.parse().ok()?,
        faults: next()?.parse().ok()?,
        // -1 is no number of calls.
        calls: next()?.parse().ok(),
        peak: next()?.parse().ok(),
        bytes: next()?.parse().ok()?,
        cpu: next()?.parse().ok()?,
        syncs: next()?.parse().ok(),
        ..Row::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read() {
        let case = Case::new("floor", Output::Pipe, Path::new("/floor"), &["a"]).unwrap();
        let found = row("floor\t300\t98.3\t121.0\t227.0\t4\t-1\t16\t7\t90\t-1", &case).unwrap();
        assert_eq!((found.name.as_str(), found.rounds, found.bytes), ("floor", 300, 7));
        assert_eq!((found.calls, found.peak, found.syncs), (None, Some(16), None));
        assert_eq!(case.line(), "floor\tpipe\t/floor\ta\n");
        let prepared = case.with("A=1".to_owned()).after(&["/bin/true", "x"]);
        assert_eq!(prepared.line(), "floor\tpipe\t/bin/true\tx\t;\tA=1\t/floor\ta\n");
        let case = Case::new("floor", Output::Pipe, Path::new("/floor"), &["a"]).unwrap();
        assert!(row("floor\t300\t98.3", &case).is_none());
    }
}
