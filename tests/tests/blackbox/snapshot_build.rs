//! `ohfp-snapshot build`: what it tells, what it keeps, and what it leaves alone.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

use ohfp_tests::{Sandbox, ended, expect_none, program};

use crate::common::generations::{sandbox, snapshot, tool, write};

/// Everything in the snapshot's directory, hidden files too.
fn names(sandbox: &Sandbox) -> Vec<String> {
    let entries = fs::read_dir(sandbox.path.join("snapshots")).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Ids with their `maxNumber`.
type Templates<'a> = &'a [(&'a str, i64)];

#[test]
fn build_tells_what_changes() {
    let lowered =
        |id, from, to| format!("warning: maxNumber of template `{id}` is lowered from {from} to {to};");
    let same: &[(&str, i64)] = &[("a", 10), ("b", 5), ("c", -1)];
    let many: Vec<String> = (10..30).map(|number| format!("t{number}")).collect();
    let many: Vec<(&str, i64)> = many.iter().map(|id| (id.as_str(), 1)).collect();
    let cases: &[(Templates<'_>, Templates<'_>, &[&str], &[String])] = &[
        (same, same, &["templates: no change"], &[]),
        (same, &[("a", 10), ("b", 5)], &["removed 1: c"], &[]),
        (same, &[("a", 10), ("b", 5), ("c", -1), ("e", 1), ("d", 1)], &["added 2: d, e"], &[]),
        (
            same,
            &[("a", 5), ("b", 5), ("c", -1)],
            &["changed 1: a", "maxNumber lowered: a from 10 to 5"],
            &[lowered("a", 10, 5)],
        ),
        (
            same,
            &[("a", 10), ("b", 5), ("c", 10)],
            &["changed 1: c", "maxNumber lowered: c from -1 to 10"],
            &[lowered("c", -1, 10)],
        ),
        (
            same,
            &[("a", 10), ("b", 0), ("c", -1)],
            &["changed 1: b", "maxNumber lowered: b from 5 to 0"],
            &[lowered("b", 5, 0)],
        ),
        (same, &[("a", 10), ("b", -1), ("c", -1)], &["changed 1: b"], &[]),
        (same, &[("a", 11), ("b", 5), ("c", -1)], &["changed 1: a"], &[]),
        (
            same,
            &[("x", 1), ("a", 1), ("c", 2)],
            &[
                "added 1: x",
                "removed 1: b",
                "changed 2: a, c",
                "maxNumber lowered: a from 10 to 1",
                "maxNumber lowered: c from -1 to 2",
            ],
            &[lowered("a", 10, 1), lowered("c", -1, 2)],
        ),
        (&[], &many, &["added 20: t10, t11, t12, t13, t14, t15, t16, t17, and 12 more"], &[]),
    ];
    let faults = cases.iter().filter_map(|(before, after, lines, warnings)| {
        let sandbox = sandbox(before);
        let first = sandbox.build();
        write(&sandbox, after);
        let built = tool(&sandbox, &["build", "--allow-lower-max"]);
        let text = built.text();
        let said: Vec<&str> = text.lines().skip(1).collect();
        let head = format!("snapshots/x.snapshot: {} templates, ", after.len());
        let warned = built.stderr.matches("is lowered").count() == warnings.len();
        let fine = said == *lines && warned && warnings.iter().all(|warning| built.stderr.contains(warning));
        let fine = fine
            && text.lines().next().is_some_and(|line| line.starts_with("built /") && line.contains(&head));
        (!fine || first.text().lines().count() != 1)
            .then(|| format!("{before:?} to {after:?}: {first:?} {built:?}"))
    });
    expect_none(&faults.collect::<Vec<_>>(), cases.len());
}

/// A running Host Factory can hang when a limit shrinks, so a limit shrinks only where the operator allows it.
#[test]
fn a_lowered_limit_is_not_published_by_itself() {
    let list = ["templates", "list"];
    let published: Templates<'_> = &[("a", 10), ("b", 5), ("c", -1)];
    let cases: &[(Templates<'_>, &str)] = &[
        (&[("a", 5), ("b", 5), ("c", -1)], "template `a` is lowered from 10 to 5: nothing was published"),
        (&[("a", 10), ("b", 0), ("c", -1)], "template `b` is lowered from 5 to 0: "),
        (&[("a", 10), ("b", 5), ("c", 10_000)], "template `c` is lowered from -1 to 10000: "),
        (&[("x", 1), ("c", 1), ("b", 1), ("a", 1)], ", and of 2 more: nothing was published"),
    ];
    for (now, words) in cases {
        let sandbox = sandbox(published);
        sandbox.build();
        let before = (snapshot(&sandbox, "x.snapshot"), names(&sandbox));
        write(&sandbox, now);
        let built = tool(&sandbox, &["build"]);
        let said = built.stderr.contains(words) && built.stderr.contains("--allow-lower-max");
        assert!(built.code == 1 && built.stdout.is_empty() && said, "{now:?}: {built:?}");
        assert!(before == (snapshot(&sandbox, "x.snapshot"), names(&sandbox)), "{now:?}");
        // Until then everybody gets the published number, and other changes all the same.
        let (live, ohfp) = (sandbox.run("ohfp-live", &list), sandbox.run("ohfp", &list));
        let number = |text: &str, id: &str| {
            let list: serde_json::Value = serde_json::from_str(text).unwrap();
            let found = list.get("templates").and_then(serde_json::Value::as_array).into_iter().flatten();
            let found =
                found.clone().find(|template| template.get("templateId").is_some_and(|found| found == id));
            found.and_then(|template| template.get("maxNumber")?.as_i64())
        };
        for (id, then) in published {
            assert_eq!(number(&live.text(), id), Some(*then), "{now:?}: {live:?}");
        }
        assert!(
            live == ohfp && number(&live.text(), "x") == (now.len() == 4).then_some(1),
            "{now:?}: {ohfp:?}"
        );
        assert_eq!(tool(&sandbox, &["build", "--allow-lower-max"]).code, 0);
        for (id, wanted) in *now {
            assert_eq!(number(&sandbox.run("ohfp", &list).text(), id), Some(*wanted), "{now:?}");
        }
    }
    // Without Host Factory, a limit may shrink.
    let sandbox = sandbox(published);
    sandbox.write("config.json", r#"{"scheduler": {"type": "default"}}"#);
    sandbox.build();
    write(&sandbox, &[("a", 1)]);
    let built = sandbox.build();
    assert!(built.stderr.contains("maxNumber of template `a` is lowered from 10 to 1"), "{built:?}");
}

#[test]
fn build_keeps_the_generation_before_and_nothing_else() {
    let sandbox = sandbox(&[("a", 1)]);
    sandbox.build();
    assert_eq!(names(&sandbox), ["x.snapshot"]);
    let first = snapshot(&sandbox, "x.snapshot");
    write(&sandbox, &[("b", 1)]);
    // What a killed builder left goes away.
    fs::write(sandbox.path.join("snapshots/.x.snapshot.4194305.tmp"), "unfinished").unwrap();
    let quiet = tool(&sandbox, &["build", "--quiet"]);
    assert!(quiet.code == 0 && quiet.stdout.is_empty() && quiet.stderr.is_empty(), "{quiet:?}");
    assert_eq!(names(&sandbox), ["x.snapshot", "x.snapshot.previous"]);
    assert_eq!(snapshot(&sandbox, "x.snapshot.previous"), first);
    let second = snapshot(&sandbox, "x.snapshot");
    // A damaged one is replaced like any other.
    fs::write(sandbox.path.join("snapshots/x.snapshot"), "damaged").unwrap();
    sandbox.build();
    assert_eq!(snapshot(&sandbox, "x.snapshot.previous").as_deref(), Some(&b"damaged"[..]));
    assert_eq!(snapshot(&sandbox, "x.snapshot").map(|bytes| bytes.len()), second.map(|bytes| bytes.len()));
    let mode = fs::metadata(sandbox.path.join("snapshots/x.snapshot")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o644);

    let other = sandbox.path.join("other/place.snapshot");
    let built = tool(&sandbox, &["build", "--output", other.to_str().unwrap()]);
    assert!(built.code == 0 && other.is_file() && names(&sandbox).len() == 2, "{built:?}");
}

#[test]
fn builders_take_turns() {
    let sandbox = sandbox(&[("a", 1)]);
    let builders: Vec<_> = (0..6)
        .map(|_| sandbox.command(program("ohfp-snapshot")).args(["build", "-q"]).spawn().unwrap())
        .collect();
    for mut builder in builders {
        assert!(builder.wait().unwrap().success());
    }
    assert_eq!(names(&sandbox), ["x.snapshot", "x.snapshot.previous"]);
    assert_eq!(tool(&sandbox, &["verify"]).code, 0);
}

#[test]
fn places_that_cannot_be_written() {
    let mut sandbox = sandbox(&[("a", 1)]);
    sandbox.build();
    fs::create_dir(sandbox.path.join("snapshots/directory.snapshot")).unwrap();
    let kept = names(&sandbox);
    let cases = [
        ("snapshots/x.snapshot/deeper/y", "cannot create the directory `|x.snapshot/deeper`"),
        ("snapshots/directory.snapshot", "cannot replace `|directory.snapshot`"),
        ("/proc/ohfp.snapshot", "cannot write `/proc/"),
    ];
    for (path, words) in cases {
        sandbox.set("OHFP_SNAPSHOT", path);
        let built = tool(&sandbox, &["build"]);
        let said = words.split('|').all(|part| built.stderr.contains(part))
            && built.stderr.contains("\n  caused by: ");
        assert!(
            built.code == 1 && built.stdout.is_empty() && said && names(&sandbox) == kept,
            "{path}: {built:?}"
        );
    }
    // A directory of another account, which only root can create.
    sandbox.set("OHFP_SNAPSHOT", "snapshots/x.snapshot");
    let mut command = sandbox.command(program("ohfp-snapshot"));
    command.arg("build").uid(65534).gid(65534);
    if command.output().is_ok() {
        let built = ended(&mut command);
        let said =
            built.stderr.contains("cannot write `") && built.stderr.contains("hint: check owner and mode");
        assert!(built.code == 1 && said && names(&sandbox) == kept, "{built:?}");
    }
}

/// A path of /dev/null means "none". Here a named pipe stands for it.
#[test]
fn only_files_are_replaced() {
    let sandbox = sandbox(&[("a", 1)]);
    let path = sandbox.path.join("snapshots/x.snapshot");
    fs::create_dir(sandbox.path.join("snapshots")).unwrap();
    assert_eq!(ended(Command::new("mkfifo").arg(&path)).code, 0);
    let listed = sandbox.run("ohfp", &["templates", "list"]);
    assert!(listed.code == 0 && !fs::metadata(&path).unwrap().is_file(), "{listed:?}");
    let built = tool(&sandbox, &["build"]);
    let untouched = !fs::metadata(&path).unwrap().is_file();
    assert!(built.code == 1 && untouched && names(&sandbox).len() == 1, "{built:?}");
}

#[test]
fn rollback_swaps_the_generations() {
    let sandbox = sandbox(&[("a", 1)]);
    sandbox.build();
    let rolled = tool(&sandbox, &["rollback"]);
    assert!(rolled.code == 1 && rolled.stderr.contains("there is no previous generation at `"), "{rolled:?}");
    let first = snapshot(&sandbox, "x.snapshot");
    write(&sandbox, &[("b", 1)]);
    sandbox.build();
    let second = snapshot(&sandbox, "x.snapshot");
    for (current, previous) in [(&first, &second), (&second, &first)] {
        let rolled = tool(&sandbox, &["rollback"]);
        assert!(rolled.code == 0 && rolled.text().starts_with("rolled back: "), "{rolled:?}");
        let found = (snapshot(&sandbox, "x.snapshot"), snapshot(&sandbox, "x.snapshot.previous"));
        assert!(found == (current.clone(), previous.clone()) && names(&sandbox).len() == 2);
    }
}
