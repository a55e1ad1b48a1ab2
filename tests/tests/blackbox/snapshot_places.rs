//! Where a snapshot is put and looked for, and which files are trusted there.
#![expect(clippy::unwrap_used, reason = "a test that cannot run must say so")]

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use ohfp_tests::{Sandbox, ended, expect_none};

const TEMPLATES: &str = r#"[{"templateId": "a", "maxNumber": 1, "vmType": "m5.large"}]"#;
const LIST: [&str; 2] = ["templates", "list"];

fn sandbox() -> Sandbox {
    Sandbox::with_files(&[("awsprov_templates.json", TEMPLATES)])
}

/// Every snapshot below a directory, relative to it.
fn snapshots(directory: &Path) -> Vec<String> {
    fn walk(directory: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            if entry.path().is_dir() { walk(&entry.path(), found) } else { found.push(entry.path()) }
        }
    }
    let mut found = Vec::new();
    walk(directory, &mut found);
    let is_snapshot = |path: &PathBuf| fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"\x89OHFP"));
    let shown = |path: &PathBuf| path.strip_prefix(directory).unwrap().to_string_lossy().into_owned();
    found.iter().filter(|path| is_snapshot(path)).map(shown).collect()
}

/// Variables, in which `@` is the sandbox, and where the snapshot must be; `#` stands for the root's hash.
fn check(cases: &[(&[(&str, &str)], &str)]) {
    let mut faults = Vec::new();
    for (variables, expected) in cases {
        let mut sandbox = sandbox();
        for (name, value) in *variables {
            sandbox.set(name, value.replace('@', &sandbox.path.display().to_string()));
        }
        let built = sandbox.run("ohfp-snapshot", &["build"]);
        let found = snapshots(&sandbox.path);
        let is_hash = |text: &str| text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let fits = |found: &String| match expected.split_once('#') {
            Some((before, after)) => {
                found.strip_prefix(before).and_then(|rest| rest.strip_suffix(after)).is_some_and(is_hash)
            }
            None => found == expected,
        };
        let answers = sandbox.runtime_alone(&LIST) == sandbox.run("ohfp-live", &LIST);
        if built.code != 0 || found.len() != 1 || !found.iter().all(fits) || !answers {
            faults.push(format!("{variables:?}: {found:?}, not {expected}; answers: {answers}; {built:?}"));
        }
    }
    expect_none(&faults, cases.len());
}

#[test]
fn rules_in_their_order() {
    const FILE: (&str, &str) = ("OHFP_SNAPSHOT", "@/s/mine");
    const OWN: (&str, &str) = ("HF_PROVIDER_WORKDIR", "@/w/");
    const ALL: (&str, &str) = ("HF_WORKDIR", "@/all");
    const LSF: (&str, &str) = ("PRO_DATA_DIR", "@/lsf");
    const CACHE: (&str, &str) = ("XDG_CACHE_HOME", "@/cache");
    const NAME: (&str, &str) = ("HF_PROVIDER_NAME", "inst");
    check(&[
        (&[FILE, OWN, ALL, LSF, CACHE, NAME], "s/mine"),
        (&[OWN, ALL, LSF, CACHE, NAME], "w/ohfp.snapshot"),
        (&[ALL, LSF, CACHE, NAME], "all/providers/inst/ohfp.snapshot"),
        (&[ALL, ("PROVIDER_NAME", "inst")], "all/providers/inst/ohfp.snapshot"),
        (&[LSF, CACHE, ("PROVIDER_NAME", "lsf1")], "lsf/ohfp-lsf1.snapshot"),
        (&[ALL, LSF, CACHE], "cache/ohfp/#.snapshot"),
        (&[NAME, CACHE], "cache/ohfp/#.snapshot"),
        (&[], "home/.cache/ohfp/#.snapshot"),
        (
            &[("OHFP_SNAPSHOT", ""), ("HF_PROVIDER_WORKDIR", ""), ("XDG_CACHE_HOME", "")],
            "home/.cache/ohfp/#.snapshot",
        ),
        (&[("OHFP_SNAPSHOT", "./deep/er/x")], "deep/er/x"),
        (&[("HF_PROVIDER_WORKDIR", "w")], "w/ohfp.snapshot"),
    ]);
}

#[test]
fn every_root_has_its_own() {
    let mut sandbox = sandbox();
    let second = sandbox.path.join("second");
    fs::create_dir(&second).unwrap();
    fs::write(second.join("awsprov_templates.json"), TEMPLATES.replace("\"a\"", "\"b\"")).unwrap();
    sandbox.build();
    let named = sandbox.run("ohfp-snapshot", &["build", "--config", "second/"]);
    assert_eq!((named.code, snapshots(&sandbox.path).len()), (0, 2), "{named:?}");
    for (root, id) in [("conf", "\"a\""), ("conf/", "\"a\""), ("./conf", "\"a\""), ("second", "\"b\"")] {
        sandbox.set("OHFP_CONFIG_DIR", root);
        let alone = sandbox.runtime_alone(&LIST);
        assert!(alone.code == 0 && alone.text().contains(id), "{root}: {alone:?}");
    }
}

#[test]
fn without_any_place_live_answers() {
    let mut sandbox = sandbox();
    sandbox.unset("HOME");
    for (name, value) in [("XDG_CACHE_HOME", "relative"), ("HF_PROVIDER_NAME", "inst")] {
        let built = sandbox.run("ohfp-snapshot", &["build"]);
        let said =
            built.stderr.contains("no path for the snapshot") && built.stderr.contains("OHFP_SNAPSHOT");
        assert!(built.code == 1 && built.stdout.is_empty() && said, "{built:?}");
        let (ohfp, live) = (sandbox.run("ohfp", &LIST), sandbox.run("ohfp-live", &LIST));
        assert!(ohfp == live && ohfp.code == 0, "{ohfp:?}");
        sandbox.set(name, value);
    }
}

#[test]
fn without_configuration_there_is_help_and_a_clear_error() {
    let sandbox = Sandbox::empty();
    for line in
        [&["--help"][..], &["-h"], &["--version"], &["help", "templates"], &["templates", "list", "--help"]]
    {
        let (alone, live) = (sandbox.runtime_alone(line), sandbox.run("ohfp-live", line));
        assert!(alone == live && alone.code == 0 && !alone.stdout.is_empty(), "{line:?}: {alone:?}");
    }
    sandbox.input("in.json", "{}");
    for line in [
        &LIST[..],
        &["templates", "show", "a"],
        &["config", "show"],
        &["getAvailableTemplates", "-f", "in.json"],
    ] {
        let alone = sandbox.runtime_alone(line);
        assert!(alone.code == 1 && alone.stderr.contains("cannot start"), "{line:?}: {alone:?}");
        let (ohfp, live) = (sandbox.run("ohfp", line), sandbox.run("ohfp-live", line));
        let names = [
            "OHFP_CONFIG_DIR",
            "HF_PROVIDER_CONFDIR",
            "HF_CONFDIR",
            "HF_PROVIDER_NAME",
            "PRO_CONF_DIR",
            "--config",
        ];
        let said = ohfp.stderr.contains("no configuration found")
            && names.iter().all(|name| ohfp.stderr.contains(name));
        assert!(ohfp == live && ohfp.code == 1 && said, "{line:?}: {ohfp:?}");
    }
}

/// Paths longer than the runtime's buffer are the live program's, and no reason to claim that nothing is
/// set.
#[test]
fn long_paths() {
    let mut sandbox = sandbox();
    let deep = sandbox.path.join(["d"; 6].map(|letter| letter.repeat(100)).join("/"));
    fs::create_dir_all(&deep).unwrap();
    sandbox.set("OHFP_SNAPSHOT", deep.join("x.snapshot"));
    let (ohfp, live) = (sandbox.run("ohfp", &LIST), sandbox.run("ohfp-live", &LIST));
    assert!(ohfp == live && ohfp.code == 0, "{ohfp:?}");
    sandbox.build();
    fs::write(deep.join("awsprov_templates.json"), TEMPLATES).unwrap();
    sandbox.set("OHFP_CONFIG_DIR", &deep);
    let ohfp = sandbox.run("ohfp", &LIST);
    assert_eq!((ohfp.code, &ohfp.stdout), (0, &live.stdout), "{ohfp:?}");
}

/// What is at the snapshot's path, and whether the runtime may answer from it.
#[test]
fn files_that_are_trusted_and_others() {
    type Put = fn(&Path);
    fn mode(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }
    let cases: &[(&str, bool, Put)] = &[
        ("as built", true, |_| ()),
        ("readable by its owner", true, |path| mode(path, 0o400)),
        ("writable by the group", false, |path| mode(path, 0o664)),
        ("writable by the group that shares the directory", true, |path| {
            mode(path, 0o664);
            mode(path.parent().unwrap(), 0o775);
        }),
        ("writable by all", false, |path| mode(path, 0o666)),
        ("writable by others", false, |path| mode(path, 0o602)),
        ("a link to it", true, |path| {
            let real = path.with_extension("real");
            fs::rename(path, &real).unwrap();
            symlink(real, path).unwrap();
        }),
        ("gone", false, |path| fs::remove_file(path).unwrap()),
        ("a link to nothing", false, |path| {
            fs::remove_file(path).unwrap();
            symlink("nowhere", path).unwrap();
        }),
        ("a directory", false, |path| {
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
        }),
        ("a named pipe", false, |path| {
            fs::remove_file(path).unwrap();
            assert_eq!(ended(Command::new("mkfifo").arg(path)).code, 0);
        }),
        ("a device", false, |path| {
            fs::remove_file(path).unwrap();
            symlink("/dev/zero", path).unwrap();
        }),
    ];
    let mut faults = Vec::new();
    for (what, trusted, put) in cases {
        let mut sandbox = sandbox();
        let path = sandbox.path.join("x.snapshot");
        sandbox.set("OHFP_SNAPSHOT", &path);
        sandbox.build();
        put(&path);
        faults.extend(trust_fault(&sandbox, *trusted).map(|fault| format!("{what}: {fault}")));
    }
    // Only root can give files away.
    let mut sandbox = sandbox();
    let path = sandbox.path.join("x.snapshot");
    sandbox.set("OHFP_SNAPSHOT", &path);
    sandbox.build();
    if chown(&path, Some(65534), None).is_ok() {
        faults.extend(trust_fault(&sandbox, false).map(|fault| format!("another user's: {fault}")));
    }
    expect_none(&faults, cases.len() + 1);
}

fn trust_fault(sandbox: &Sandbox, trusted: bool) -> Option<String> {
    let (alone, ohfp, live) =
        (sandbox.runtime_alone(&LIST), sandbox.run("ohfp", &LIST), sandbox.run("ohfp-live", &LIST));
    let help = sandbox.runtime_alone(&["--help"]);
    let right = ohfp == live && live.code == 0 && (alone == live) == trusted && help.code == 0;
    (!right).then(|| format!("alone {alone:?}, ohfp {ohfp:?}, help {help:?}"))
}
