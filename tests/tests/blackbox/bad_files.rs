//! Input files that cannot be read as text, or are no files at all: a refusal that names the file, and
//! never a wait, a crash or an answer without them.

use std::fs::{self, File, Permissions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use ohfp_tests::{Sandbox, ended, expect_none, program};

use crate::common::verdict::Verdict::{Refused, Unneeded, Warned};
use crate::common::verdict::{fault, published};

const TEMPLATES: &str = "awsprov_templates.json";
const GOOD: &str = r#"[{"templateId": "good", "maxNumber": 1, "vmType": "m5.large"}]"#;
/// Every file that is read, if it is there.
const FILES: [&str; 3] = [TEMPLATES, "config.json", "awsprov_config.json"];

/// Puts something in place of one file after the other; each must be refused with `words`.
fn check(words: &str, put: impl Fn(&Path)) {
    let faults = FILES.iter().filter_map(|file| {
        let sandbox = published(&[(TEMPLATES, GOOD)]);
        let path = sandbox.root().join(file);
        let _ = fs::remove_file(&path);
        put(&path);
        // How to reach AWS is not needed to say what there is.
        let verdict = if *file == "awsprov_config.json" { Unneeded } else { Refused };
        fault(&sandbox, verdict, &[format!("{}|{words}", path.display())])
    });
    expect_none(&faults.collect::<Vec<_>>(), FILES.len());
}

#[test]
fn other_things_than_files() {
    check("is a directory", |path| fs::create_dir(path).unwrap());
    check("is a directory", |path| symlink("/", path).unwrap());
    check("is a named pipe", |path| {
        assert_eq!(ended(Command::new("mkfifo").arg(path)).code, 0);
    });
    check("is a socket", |path| drop(UnixListener::bind(path).unwrap()));
    check("is a device", |path| symlink("/dev/zero", path).unwrap());
    check("is a device", |path| symlink("/dev/null", path).unwrap());
    check("Symbolic link loop", |path| symlink(path, path).unwrap());
}

/// "Could not read" is not "empty": the file was meant to be there.
#[test]
fn links_to_nothing() {
    check("", |path| symlink("nowhere.json", path).unwrap());
}

#[test]
fn other_encodings() {
    let utf_16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let with_mark = |text: &str| utf_16(&format!("\u{feff}{text}"));
    check(":1|not UTF-8", |path| fs::write(path, with_mark("{\"templates\": []}")).unwrap());
    check(":1:2: ", |path| fs::write(path, utf_16("{\"templates\": []}")).unwrap());
    check(":2|not UTF-8", |path| fs::write(path, b"{\n\"name\": \"M\xfcnchen\"}").unwrap());
    check(":1|not UTF-8", |path| fs::write(path, b"\x1f\x8b\x08\x00compressed").unwrap());
    check(":1|not UTF-8", |path| fs::write(path, b"{\"surrogate\": \"\xed\xa0\x80\"}").unwrap());
    check(":1:1: ", |path| fs::write(path, b"\x7fELF").unwrap());
    check(":1:1: ", |path| fs::write(path, "\u{feff}").unwrap());
}

#[test]
fn files_of_a_hundred_megabytes() {
    let size = 100 << 20;
    let sandbox = published(&[(TEMPLATES, GOOD)]);
    // One template is that large: odd, but valid.
    let filler = "x".repeat(size);
    sandbox.write(
        TEMPLATES,
        format!(r#"[{{"templateId": "large", "maxNumber": 1, "vmType": "m5.large", "note": "{filler}"}}]"#),
    );
    sandbox.build();
    let (alone, live) = (
        sandbox.runtime_alone(&["templates", "show", "large"]),
        sandbox.run("ohfp-live", &["templates", "show", "large"]),
    );
    assert!(alone == live && alone.stdout.len() > size && live.code == 0, "{alone:?} {live:?}");

    // The end is missing, as after a broken copy.
    sandbox.write(TEMPLATES, format!("[\n\"{filler}"));
    let problem = format!("{TEMPLATES}:2:{}: |ends inside a string", size + 1);
    expect_none(&Vec::from_iter(fault(&sandbox, Refused, &[problem])), 1);
    drop(filler);

    // As many templates as fit, all of them fine but the last.
    let tags = "cost-centre=0123456789;".repeat(8);
    let rest = format!("\", \"maxNumber\": 1, \"vmType\": \"m5.large\", \"instanceTags\": \"{tags}\"}}");
    let mut out = BufWriter::new(File::create(sandbox.root().join(TEMPLATES)).unwrap());
    out.write_all(b"[\n").unwrap();
    for number in 0..size / (rest.len() + 30) {
        writeln!(out, "{{\"templateId\": \"t-{number}{rest},").unwrap();
    }
    writeln!(out, "{{\"templateId\": \"t-0{rest}]").unwrap();
    drop(out);
    let built = sandbox.run("ohfp-snapshot", &["build"]);
    let words = format!("{TEMPLATES}:2:1\n");
    assert!(built.code == 1 && built.stdout.is_empty() && built.stderr.contains(&words), "{built:?}");
}

#[test]
fn sparse_files_beyond_any_limit() {
    check("larger than 1 GiB", |path| File::create(path).unwrap().set_len(3 << 30).unwrap());
}

/// Root may read everything, so the programs run under another account, which only root can arrange.
#[test]
fn unreadable_files() {
    const OTHER: u32 = 65534;
    let as_other = |sandbox: &Sandbox, name: &str, arguments: &[&str]| {
        let mut command = sandbox.command(program(name));
        command.args(arguments);
        // Fails unless the test runs as root; other users need no other account.
        let other = command.uid(OTHER).gid(OTHER).output();
        other.is_ok().then(|| ended(&mut command))
    };
    let sandbox = published(&[(TEMPLATES, GOOD)]);
    let path = sandbox.root().join(TEMPLATES);
    fs::set_permissions(&path, Permissions::from_mode(0o000)).unwrap();
    for (name, arguments) in [("ohfp-snapshot", &["build"][..]), ("ohfp-live", &["templates", "list"])] {
        let Some(ended) = as_other(&sandbox, name, arguments) else {
            return;
        };
        let words = format!("error: cannot read `{}`\n  caused by: Permission denied", path.display());
        assert!(ended.code == 1 && ended.stdout.is_empty() && ended.stderr.contains(&words), "{ended:?}");
    }
}

#[test]
fn an_empty_catalog_is_an_empty_list_for_people_and_an_error_for_host_factory() {
    let sandbox = published(&[(TEMPLATES, r#"{"templates": []}"#)]);
    let expected = [
        ("json", "{\"templates\": [], \"message\": \"Get available templates success.\"}\n"),
        ("yaml", "templates: []\n"),
        ("table", "TEMPLATE  TYPE  NCPUS  NCORES  NRAM  MAX  PRICE  MACHINE TYPES\n"),
        ("list", ""),
    ];
    for program in ["ohfp", "ohfp-live"] {
        for (format, text) in expected {
            let ended = sandbox.run(program, &["templates", "list", "--format", format]);
            assert!(
                ended.code == 0 && ended.text() == text && ended.stderr.is_empty(),
                "{format}: {ended:?}"
            );
        }
        let ended = sandbox.run(program, &["getAvailableTemplates", "-f", "in.json"]);
        let answer: serde_json::Value = serde_json::from_slice(&ended.stdout).unwrap();
        let message = answer.get("message").and_then(serde_json::Value::as_str).unwrap();
        assert!(ended.code == 1 && message.contains("there are no templates in"), "{ended:?}");
        assert!(answer.get("templates").is_none(), "{ended:?}");
    }
    let problem = format!("{TEMPLATES}:1:15: |list of templates is empty");
    expect_none(&Vec::from_iter(fault(&sandbox, Warned, &[problem])), 1);
}

#[test]
fn directories_that_are_not_there() {
    let mut sandbox = published(&[(TEMPLATES, GOOD)]);
    fs::remove_file(sandbox.root().join(TEMPLATES)).unwrap();
    let mut faults = Vec::from_iter(fault(
        &sandbox,
        Refused,
        &["no template file in|conf`|`awsprov_templates.json`".into()],
    ));
    for root in ["nowhere", "in.json"] {
        sandbox.set("OHFP_CONFIG_DIR", sandbox.path.join(root));
        faults.extend(fault(&sandbox, Refused, &[format!("no template file in|{root}`")]));
    }
    sandbox.unset("OHFP_CONFIG_DIR");
    let variables = "OHFP_CONFIG_DIR|HF_PROVIDER_CONFDIR|HF_CONFDIR|HF_PROVIDER_NAME|PRO_CONF_DIR|~/.config/ohfp|/etc/ohfp";
    faults.extend(fault(&sandbox, Refused, &[format!("no configuration found|{variables}")]));
    expect_none(&faults, 4);
    for program in ["ohfp", "ohfp-live"] {
        let ended = sandbox.run(program, &["--config", "nowhere.json", "templates", "list"]);
        assert!(
            ended.code == 1
                && ended.stdout.is_empty()
                && ended.stderr.contains("nowhere.json`, named by --config, does not exist"),
            "{ended:?}"
        );
    }
}
