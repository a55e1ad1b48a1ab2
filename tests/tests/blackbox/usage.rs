//! Wrong command lines: exit code 2, clap's words with the nearest known ones, on standard error only,
//! whichever program judges them.

use ohfp_tests::{Sandbox, expect_none};

/// Each command line, with parts that the message must hold.
fn check(programs: &[&str], cases: &[(&[&str], &[&str])]) {
    let sandbox = Sandbox::with_fixture("golden");
    sandbox.build();
    let mut faults = Vec::new();
    for (line, parts) in cases {
        let ends: Vec<_> = programs.iter().map(|program| sandbox.run(program, line)).collect();
        for ended in &ends {
            let said = parts.iter().all(|part| ended.stderr.contains(part));
            let usage = ended.stderr.starts_with("error: ") && ended.stderr.ends_with("try '--help'.\n");
            if ended.code != 2 || !ended.stdout.is_empty() || !said || !usage || Some(ended) != ends.first() {
                faults.push(format!("{line:?} without {parts:?}: {ended:?}"));
            }
        }
    }
    expect_none(&faults, cases.len() * programs.len());
}

#[test]
fn of_ohfp() {
    check(
        &["ohfp", "ohfp-live"],
        &[
            (&["tempaltes"], &["unrecognized subcommand 'tempaltes'", "'templates'"]),
            (&["templates", "lst"], &["unrecognized subcommand 'lst'", "'list'"]),
            (&["config", "shw"], &["unrecognized subcommand 'shw'", "'show'"]),
            (&["templates", "list", "--fromat", "json"], &["unexpected argument '--fromat'", "'--format'"]),
            (&["--no-colour", "templates", "list"], &["unexpected argument '--no-colour'", "'--no-color'"]),
            (
                &["templates", "list", "--format", "jsn"],
                &["invalid value 'jsn'", "json, yaml, table, list", "'json'"],
            ),
            (&["templates", "list", "--limit", "0"], &["invalid value '0'", "--limit", "at least 1"]),
            (&["templates", "list", "--limit", "many"], &["invalid value 'many'", "--limit"]),
            (&["templates", "list", "--offset", "-1"], &["'-1'"]),
            (&["templates", "list", "--format"], &["a value is required for '--format"]),
            (&["templates", "list", "--long", "--long"], &["'--long' cannot be used multiple times"]),
            (&["templates", "show"], &["required arguments were not provided", "<TEMPLATE_ID>"]),
            (&["templates", "show", "a", "b"], &["unexpected argument 'b'"]),
            (&["completions", "tcsh"], &["invalid value 'tcsh'", "bash, zsh, fish"]),
            (&["machines", "create"], &["unrecognized subcommand 'create'", "hint: `ohfp machines request`"]),
            (&["init", "--provider", "gcp"], &["invalid value 'gcp'", "sim, aws"]),
            (&["config", "import", "x"], &["required arguments were not provided", "--from"]),
            (&["machines", "lst"], &["unrecognized subcommand 'lst'", "'list'"]),
            (&["machines", "request"], &["required arguments were not provided", "<TEMPLATE_ID>"]),
            (&["machines", "request", "t", "0"], &["invalid value '0'", "[COUNT]"]),
            (&["machines", "request", "t", "two"], &["invalid value 'two'", "[COUNT]"]),
            (
                &["machines", "return"],
                &["required arguments were not provided", "--request-id", "--all", "--file", "--data"],
            ),
            (&["machines", "return", "m", "--all"], &["'[MACHINE]...' cannot be used with '--all'"]),
            (
                &["machines", "list", "--status", "up"],
                &["invalid value 'up'", "running, stopping", "terminated"],
            ),
            (&["requests", "status"], &["required arguments were not provided", "--all", "--file"]),
            (
                &["requests", "status", "-f", "x", "-d", "{}"],
                &["'--file <FILE>' cannot be used with '--data <JSON>'"],
            ),
            (
                &["requests", "list", "--type", "retrun"],
                &["invalid value 'retrun'", "acquire, return", "'return'"],
            ),
            (&["requests", "cancel"], &["required arguments were not provided", "<REQUEST_ID>"]),
            (&["storage", "import", "x", "--from", "json"], &["invalid value 'json'", "ohfp, orb"]),
            (&["storage", "bakcup", "x"], &["unrecognized subcommand 'bakcup'", "'backup'"]),
            (&["sim", "reclaim"], &["required arguments were not provided", "<MACHINE>"]),
            (
                &["templates", "list", "--scheduler", "slurm"],
                &["invalid value 'slurm'", "hostfactory, default"],
            ),
        ],
    );
}

#[test]
fn of_the_snapshot_tool() {
    check(
        &["ohfp-snapshot"],
        &[
            (&["buidl"], &["unrecognized subcommand 'buidl'", "'build'"]),
            (&["build", "--seal"], &["unexpected argument '--seal'", "'--sealed'"]),
            (&["build", "extra"], &["unexpected argument 'extra'"]),
            (&["check", "--output", "x"], &["unexpected argument '--output'"]),
            (&["verify", "--snapshot"], &["a value is required for '--snapshot"]),
            (&["diff", "a"], &["required arguments were not provided", "<B>"]),
            (&["diff", "a", "b", "c"], &["unexpected argument 'c'"]),
        ],
    );
}
