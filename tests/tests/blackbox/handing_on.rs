//! What the runtime must not answer: it becomes `ohfp-live`, and nothing of the call is lost.
//!
//! Invocations that clap judges, in all the ways a command line can be unusual. `ohfp` must end as
//! `ohfp-live` does: same standard output, error and exit code.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;

use ohfp_tests::{Sandbox, ended, expect_none, program};

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with_fixture("golden");
    sandbox.build();
    sandbox.input("in.json", "{}");
    sandbox.input("-x", "{}");
    sandbox
}

/// What is wrong with how this command line is dealt with: both programs must agree, and the runtime
/// must need live for it.
fn fault<A: AsRef<OsStr>>(sandbox: &Sandbox, line: &[A]) -> Option<String> {
    let shown: Vec<&OsStr> = line.iter().map(AsRef::as_ref).collect();
    let [ended, expected] = ["ohfp", "ohfp-live"].map(|name| sandbox.run(name, line));
    if ended != expected {
        return Some(format!("{shown:?}\n  ohfp {ended:?}\n  live {expected:?}"));
    }
    let alone = sandbox.runtime_alone(line);
    let handed_on = alone.code == 1 && alone.stderr.contains("cannot start");
    (!handed_on).then(|| format!("{shown:?} is answered by the runtime: {alone:?}"))
}

fn check<A: AsRef<OsStr>>(sandbox: &Sandbox, lines: &[Vec<A>]) {
    let faults: Vec<String> = lines.iter().filter_map(|line| fault(sandbox, line)).collect();
    expect_none(&faults, lines.len());
}

/// Command lines, separated by `|`; one word each space.
const UNUSUAL: &str = "
# Unknown words.
nosuch | template lst | templates | config | storage show nosuch | scheduler show hostfactry
providers show aws | config get request | config get nosuch | templates validate | config validate
completions | completions tcsh | completions bash --format yaml | templates list extra | config show extra
init | init --direct | Templates list | TEMPLATES LIST | template-list
# Help where it is unusual.
help nosuch | help help | help templates nosuch | help templates list extra | help -h | help --help
help templates --help | help --no-color | templates help | templates help list | template help show
--help templates | -h templates list | --help --help | -h -h | --help -h | -hV | -Vh | --version --help
--help --version | templates --help list | templates list --help --long | templates list --long --help
--no-color --help | --format json --help | --help --format json | templates list --limit 3 -h | -h=x
--help=yes | -? | --version templates | templates --version | templates list -V | -V -V | --hel
getAvailableTemplates -f in.json --help | getAvailableTemplates --help -f in.json | getAvailableTemplates -h -h
# Unknown, repeated, abbreviated and misplaced options.
--nosuch | templates list --nosuch | templates list -x | -x templates list | templates list --form json
templates list --format json --format json | --format json templates list --format yaml
templates list --no-color --no-color | templates list --long --long | templates list --limit 1 --limit 1
templates list --offset 1 --offset 1 | --long templates list | templates --long list
--limit 3 templates list | templates --offset 3 list | templates show second-derived --long
templates show --limit 1 second-derived | config show --long | config --long show
templates list --long=true | templates list --no-color=1
# Values that are wrong, missing or unusual.
templates list --format | templates list --format bogus | templates list --format JSON | --format=
templates list --format= | templates list --format= yaml | templates list --format --long | --format json
templates list --limit 0 | templates list --limit -1 | templates list --limit=2 | templates list --limit
templates list --limit 99999999999999999999 | templates list --limit 18446744073709551615
templates list --limit 18446744073709551616 | templates list --limit 1.0 | templates list --limit 1e2
templates list --limit 0x10 | templates list --limit +1 | templates list --limit ١
templates list --limit two | templates list --offset -1 | templates list --offset 4
templates list --offset 1000 --limit 1 | templates list --offset 18446744073709551615
templates list --offset 99999999999999999999 --limit 5 | templates list --offset=0
templates list --offset +0
# Templates that are not there, and ids that are unusual.
templates show | templates show nosuch | templates show first-typed | templates show first-Type
templates show second-derived third_spot | templates show --format json | templates show -- second-derived
templates show --
# Options that ask for something else than the snapshot's answer.
--scheduler default templates list | templates list --scheduler=default
templates show second-derived --scheduler default | templates list --scheduler hostfactory
templates list --scheduler nosuch | --no-snapshot templates list | templates list --no-snapshot
--config conf templates list | --config=conf/config.json config show
--config /nonexistent templates list | config show --config conf --format table
templates list --output /nonexistent/directory/file
# Dashes alone.
-- | -- templates list | templates -- list | templates list -- | - | - templates list | templates - list
# What no snapshot holds: machines, requests, the store, parts, the simulated cloud.
machines | machine | requests | request | system | sim | machines list | machine list --format table
machines list --status running | machines list --status gone | machines list --long --limit 3 --offset 1
machines list --limit 0 | machines list --filter name~ip | machines show nosuch | machines show
machines status nosuch | machines status --all | machines status | machines request | machines request nosuch 0
machines request nosuch -c 1 -t nosuch | machines request --timeout 3 nosuch | machines return
machines return --all -r x | machines return a --timeout 3 | requests list | request list --type acquire
requests list --type nosuch | requests list --status complete --limit 5 | requests show nosuch
requests show --format yaml nosuch | requests status | requests cancel | requests watch nosuch --interval 0
requests list-returns extra | storage health extra | storage backup | storage import nosuch.json --from nosuch
sim reclaim nosuch --grace -1 | sim reclaim | system health extra | templates list --filter maxNumber=1
templates list --filter=templateId~first | --format json machines list | --no-color requests list
machines --format json list | machines list list | machines lst | requests lst
storage show | storage show sqlite --format yaml | storage show --format table
# Options that name another instance or store.
--state-dir . machines list | machines list --state-dir=. | --state-dir nosuch requests list
templates list --state-dir . | --instance x templates list | --instance=x config show --format yaml
templates show second-derived --instance x | --state-dir | --instance | templates list --state-dir
# Host Factory's operations: all that is not `-f FILE`.
getAvailableTemplates | getAvailableTemplates -f | getAvailableTemplates in.json
getAvailableTemplates -fin.json | getAvailableTemplates -f=in.json | getAvailableTemplates --file in.json
getAvailableTemplates --file=in.json | getAvailableTemplates -f in.json -f in.json
getAvailableTemplates -f in.json extra | getAvailableTemplates -f in.json --format json
--no-color getAvailableTemplates -f in.json | getAvailableTemplates --no-color -f in.json
getAvailableTemplates.sh -f in.json | getAvailableTemplates --nosuch | getAvailableTemplates -f -x
getAvailableTemplates -f nosuch.json | getAvailableTemplates -f conf | getAvailableTemplates -f -- in.json
getAvailableTemplates -d {} | getAvailableTemplates --data={} | getAvailableTemplates -d {} -f in.json
getAvailableTemplates -d | getAvailableTemplates -d [] | getAvailableTemplates -f in.json --data {}
requestMachines | requestMachines -f in.json | requestReturnMachines -f in.json
getRequestStatus -f in.json | getReturnRequests -f in.json | getReturnRequests -f nosuch.json
getReturnRequests -x
";

/// Words that a shell would not give, or not easily; `~` stands between them.
const UNEASY: &[&str] = &[
    "templates~list~--limit~ 1",
    "templates~list~--limit~",
    "templates~show~",
    "templates~show~ second-derived",
    "templates~show~second-derived ",
    "",
    "~",
    "templates~",
    "templates~~list",
    "templates~list~",
    "templates list",
    " templates~list",
    "templates~list ",
    "templates~li\nst",
    "templates\tlist",
    "templates~list~\x7f",
    "help~",
    "help~templates list",
    "templates~show~second\tjson",
    "--format~json\tlong~templates~list",
    "--format~json ~templates~list",
    "config~show\tjson",
    "templates~list~--format=json\tlong",
    "--help~",
    "~--help",
    "providers~show aws-prod",
    "getAvailableTemplates~-f~",
];

#[test]
fn unusual_command_lines() {
    let listed = UNUSUAL.lines().filter(|line| !line.starts_with('#')).flat_map(|line| line.split('|'));
    let listed = listed.map(str::trim).filter(|line| !line.is_empty());
    let mut lines: Vec<Vec<&str>> = listed.map(|line| line.split(' ').collect()).collect();
    lines.extend(UNEASY.iter().map(|line| line.split('~').collect::<Vec<_>>()));
    assert!(lines.len() > 180, "the list is not understood");
    lines.push(Vec::new());
    check(&sandbox(), &lines);
}

/// What clap says, and what ohfp says in its manner: exit code, and words of the message.
#[test]
fn mistakes_are_explained() {
    let sandbox = sandbox();
    let cases: [(&str, i32, &[&str]); 9] = [
        ("nosuch", 2, &["error: unrecognized subcommand 'nosuch'", "Usage: ohfp", "--help"]),
        ("templates lst", 2, &["'lst'", "similar", "'list'"]),
        ("templates list --fromat yaml", 2, &["'--fromat'", "similar", "'--format'"]),
        ("templates list --format bogus", 2, &["'bogus'", "json, yaml, table, list"]),
        ("templates list --limit 0", 2, &["'0'", "--limit"]),
        ("templates show", 2, &["required", "<TEMPLATE_ID>"]),
        ("templates show first-Type", 1, &["error: there is no ", "`first-Type`", "hint: ", "`first-Typed`"]),
        ("providers show aws-pord", 1, &["error: there is no ", "hint: ", "`aws-prod`"]),
        (
            "config get request.max_machines",
            1,
            &["error: there is no ", "hint: ", "`request.max_machines_per_request`"],
        ),
    ];
    for (line, code, said) in cases {
        let ended = sandbox.run("ohfp", &line.split(' ').collect::<Vec<_>>());
        assert!(ended.code == code && ended.stdout.is_empty(), "{line}: {ended:?}");
        assert!(said.iter().all(|part| ended.stderr.contains(part)), "{line}: {ended:?}");
    }
}

#[test]
fn arguments_that_are_not_text() {
    let lines: [&[&[u8]]; 11] = [
        &[b"\xff"],
        &[b"templates", b"list", b"\xff"],
        &[b"templates", b"show", b"second-derived\xc3"],
        &[b"--help", b"\xff"],
        &[b"help", b"\xff"],
        &[b"config", b"get", b"\xff"],
        &[b"--config", b"\xff", b"config", b"show"],
        &[b"templates\xff", b"list"],
        &[b"templates", b"list", b"--format=js\xffon"],
        &[b"templates", b"list", b"--format", b"\xff"],
        &[b"getAvailableTemplates", b"-f", b"nosuch\xff"],
    ];
    let text = |line: &&[&'static [u8]]| line.iter().map(|word| OsStr::from_bytes(word).to_owned()).collect();
    let mut lines: Vec<Vec<OsString>> = lines.iter().map(text).collect();
    lines.push(vec!["templates".into(), "show".into(), "x".repeat(100_000).into()]);
    lines.push(vec!["templates".into(); 5000]);
    check(&sandbox(), &lines);
}

/// What an input file of `getAvailableTemplates` holds decides whether the runtime may answer.
#[test]
fn inputs_that_live_reads() {
    let sandbox = sandbox();
    let wide = [format!("{{{}}}", " ".repeat(100)), format!("{}{{}}", "\n".repeat(100_000))];
    let mut contents: Vec<&[u8]> =
        vec![b"\xef\xbb\xbf{}", b"\xff\xfe{\0}\0", b"\x0c{}", b"{\x0b}", b"{\xc2\xa0}", b"\x85{}", b""];
    for text in [
        " ",
        "{",
        "}",
        "{}}",
        "{{}",
        "{} {}",
        "[]",
        "null",
        "\"{}\"",
        "{\"templates\": []}",
        "{}x",
        "{\0}",
        "{}\0",
    ] {
        contents.push(text.as_bytes());
    }
    contents.extend(wide.iter().map(String::as_bytes));
    let fault = |content: &&[u8]| {
        sandbox.input("special.json", content);
        let what = String::from_utf8_lossy(content);
        fault(&sandbox, &["getAvailableTemplates", "-f", "special.json"])
            .map(|fault| format!("{what:.30?}: {fault}"))
    };
    expect_none(&contents.iter().filter_map(fault).collect::<Vec<_>>(), contents.len());
}

#[test]
fn names_that_are_no_operation() {
    let sandbox = sandbox();
    for name in
        ["getavailabletemplates.sh", "getAvailableTemplates.sh.sh", "getAvailableTemplates.bat", "x", "", "/"]
    {
        let run = |file: &str| ended(sandbox.command(program(file)).arg0(name).args(["-f", "in.json"]));
        assert_eq!(run("ohfp"), run("ohfp-live"), "{name}");
    }
}

/// Host Factory may call an instance by a name of several words, which still are one argument.
#[test]
fn names_of_several_words() {
    let mut sandbox = Sandbox::with_fixture("one");
    sandbox.set("HF_PROVIDER_NAME", "aws prod");
    sandbox.build();
    let lines = [
        &["providers", "show", "aws prod"][..],
        &["providers", "show", "aws", "prod"],
        &["providers", "show", "aws"],
    ];
    check(&sandbox, &lines.map(<[&str]>::to_vec));
}

/// The answer goes to a file only through live, and is the same bytes.
#[test]
fn output_to_a_file() {
    let sandbox = sandbox();
    for line in ["templates list", "templates show third_spot --format yaml", "config show --format table"] {
        check(&sandbox, &[line.split(' ').chain(["--output", "out file"]).collect::<Vec<_>>()]);
        let plain = sandbox.run("ohfp", &line.split(' ').collect::<Vec<_>>());
        assert_eq!(fs::read(sandbox.path.join("out file")).unwrap(), plain.stdout, "{line}");
    }
}
