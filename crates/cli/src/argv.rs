//! From an argument vector to a parsed command line.
//!
//! Host Factory calls five files by fixed names. Such a file can be a link to the program: then its name stands
//! for the command.

use std::ffi::{OsStr, OsString};

use clap::{CommandFactory as _, FromArgMatches as _};

use crate::PROGRAM;
use crate::arguments::HostFactoryInput;
use crate::options::{self, GlobalOptions};
use crate::tree::{Cli, Command};
use crate::{dry_runs, formats};

/// Host Factory's operations. Each is a command of this name, and a name the program can be called
/// by, with or without `.sh`.
pub const HF_OPERATIONS: [&str; 5] = [
    "getAvailableTemplates",
    "requestMachines",
    "requestReturnMachines",
    "getRequestStatus",
    "getReturnRequests",
];

/// The options of an input document.
const INPUTS: [&str; 4] = ["-f", "--file", "-d", "--data"];

/// The operation that `argv0` stands for, judged by its file name.
pub fn hf_operation_from_argv0(argv0: &OsStr) -> Option<&'static str> {
    // Split by hand: `Path::file_name` drops a final slash, and the runtime, which must agree with
    // this function, does not.
    let bytes = argv0.as_encoded_bytes();
    let name = bytes.rsplit(|byte| *byte == b'/').next()?;
    let stem = name.strip_suffix(b".sh").unwrap_or(name);
    HF_OPERATIONS.into_iter().find(|operation| operation.as_bytes() == stem)
}

/// The arguments as they would be under the program's own name: `…/requestMachines.sh -f x`
/// becomes `ohfp requestMachines -f x`. Any other vector only gets the program's name, and two forms of Open Resource
/// Broker become ours: `--completion SHELL` the command, and an input before the command one behind it.
pub fn normalize(argv: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut rest = argv.into_iter();
    let operation = rest.next().and_then(|argv0| hf_operation_from_argv0(&argv0));
    let mut whole = vec![OsString::from(PROGRAM)];
    whole.extend(operation.map(OsString::from));
    whole.extend(rest);
    if let Some(first) = whole.get_mut(1) {
        let shell = first.to_str().and_then(|word| word.strip_prefix("--completion=")).map(OsString::from);
        if shell.is_some() || first == "--completion" {
            *first = "completions".into();
            drop(whole.splice(2..2, shell));
        }
    }
    let is_input = whole.get(1).is_some_and(|first| INPUTS.iter().any(|option| first == option));
    if is_input && whole.len() > 3 {
        let input: Vec<OsString> = whole.drain(1..3).collect();
        whole.extend(input);
    }
    whole
}

/// Parses a whole argument vector, program name first. Help and version are "errors", as in clap.
pub fn parse(argv: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    parse_by(&mut Cli::command(), argv)
}

/// As [`parse`], with a command tree that the caller keeps: dropping it costs as much as parsing, which a
/// process that is about to exit can save.
pub fn parse_by(
    command: &mut clap::Command,
    argv: impl IntoIterator<Item = OsString>,
) -> Result<Cli, clap::Error> {
    let mut matches = command.try_get_matches_from_mut(normalize(argv))?;
    let found = Found::of("", command, &matches);
    let parsed = Cli::from_arg_matches_mut(&mut matches);
    let checked = parsed.and_then(|parsed| found.checked(parsed.global, parsed.command));
    checked.map_err(|error| error.format(command))
}

/// What the matches say only until clap takes them apart.
pub(crate) struct Found {
    path: String,
    has_dry_run: bool,
    format_is_named: bool,
}

impl Found {
    /// What `matches` say of a command below `group`, all of whose commands `tree` has.
    pub(crate) fn of(group: &str, tree: &clap::Command, matches: &clap::ArgMatches) -> Self {
        Self {
            path: options::path_of(group, matches),
            has_dry_run: dry_runs::is_declared(tree, matches),
            format_is_named: options::format_is_named(matches),
        }
    }

    /// The command line, if its options go together.
    pub(crate) fn checked(self, global: GlobalOptions, command: Command) -> Result<Cli, clap::Error> {
        let cli = Cli { global: global.completed(self.format_is_named), command, path: self.path };
        formats::check(&cli)?;
        dry_runs::check(&cli, self.has_dry_run)?;
        Ok(cli)
    }
}

/// Parses an operation with its input and no other option, the form in which Host Factory calls it. Gives the
/// result of [`parse`] without building the command tree, which costs more than most answers; `None` for any
/// other command line.
///
/// `words` are normalized.
pub fn plain_operation(words: &[OsString]) -> Option<Cli> {
    let [_, operation, option, value] = words else { return None };
    let place = HF_OPERATIONS.iter().position(|known| operation == known)?;
    // A word that begins with a dash may be another option, and an empty name is an error.
    let bytes = value.as_encoded_bytes();
    if bytes.is_empty() || bytes.starts_with(b"-") {
        return None;
    }
    let input = match option.to_str()? {
        "-f" | "--file" => HostFactoryInput { file: Some(value.into()), data: None },
        "-d" | "--data" => HostFactoryInput { file: None, data: Some(value.to_str()?.to_owned()) },
        _ => return None,
    };
    let command = match place {
        0 => Command::GetAvailableTemplates(input),
        1 => Command::RequestMachines(input),
        2 => Command::RequestReturnMachines(input),
        3 => Command::GetRequestStatus(input),
        4 => Command::GetReturnRequests(input),
        _ => return None,
    };
    let path = HF_OPERATIONS.get(place).copied().unwrap_or_default().to_owned();
    Some(Cli { global: GlobalOptions::default(), command, path })
}

#[cfg(test)]
mod tests {
    use clap::error::ErrorKind;

    use super::*;
    use crate::{
        Command, HostFactoryInput, Init, ListOptions, MachinesCommand, OutputFormat, SchedulerType,
        TemplatesCommand, TemplatesList,
    };

    fn parse_words(words: &str) -> Result<Cli, ErrorKind> {
        parse(words.split(' ').map(OsString::from)).map_err(|error| error.kind())
    }

    #[test]
    fn a_name_with_or_without_suffix_is_an_operation() {
        for operation in HF_OPERATIONS {
            for name in
                [operation.to_owned(), format!("/opt/hf/scripts/{operation}.sh"), format!("./{operation}")]
            {
                assert_eq!(hf_operation_from_argv0(OsStr::new(&name)), Some(operation), "{name}");
            }
        }
        for name in [
            "",
            "ohfp",
            "getavailabletemplates",
            "requestMachines.bat",
            "requestMachines.sh.sh",
            "requestMachines/",
        ] {
            assert_eq!(hf_operation_from_argv0(OsStr::new(name)), None, "{name}");
        }
    }

    #[test]
    fn every_operation_is_a_command() {
        for operation in HF_OPERATIONS {
            let by_link = parse_words(&format!("/x/{operation}.sh -f in.json")).unwrap();
            let by_command = parse_words(&format!("ohfp {operation} --file in.json")).unwrap();
            assert_eq!(by_link, by_command);
        }
    }

    #[test]
    fn an_operation_needs_its_input() {
        assert_eq!(parse_words("ohfp getRequestStatus"), Err(ErrorKind::MissingRequiredArgument));
    }

    #[test]
    fn global_options_stand_anywhere() {
        let cli =
            parse_words("ohfp --config c templates --format yaml list --scheduler hostfactory --limit 3")
                .unwrap();
        assert_eq!(cli.global.config.as_deref(), Some("c".as_ref()));
        assert_eq!(cli.global.format, OutputFormat::Yaml);
        assert_eq!(cli.global.scheduler, Some(SchedulerType::HostFactory));
        let list = ListOptions { limit: Some(3), ..ListOptions::default() };
        let list = TemplatesList { list, ..TemplatesList::default() };
        assert_eq!(cli.command, Command::Templates(TemplatesCommand::List(list)));
    }

    #[test]
    fn a_group_needs_a_command() {
        for words in ["ohfp", "ohfp templates", "ohfp storage"] {
            assert_eq!(
                parse_words(words),
                Err(ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand),
                "{words}"
            );
        }
    }

    #[test]
    fn answers_of_init() {
        assert_eq!(parse_words("ohfp init").unwrap().command, Command::Init(Init::default()));
        assert_eq!(parse_words("ohfp init --config-dir c --direct"), Err(ErrorKind::MissingRequiredArgument));
        let both = parse_words("ohfp init --config-dir c --scripts-dir s --direct").unwrap();
        let expected = Init {
            scripts_dir: Some("s".into()),
            direct: true,
            config_dir: Some("c".into()),
            ..Init::default()
        };
        assert_eq!(both.command, Command::Init(expected));
        let theirs = parse_words("ohfp init --aws-region r --aws-profile p --subnet-ids a,b").unwrap();
        let ours = parse_words("ohfp init --region r --profile p --subnet-ids a --subnet-ids b").unwrap();
        assert_eq!(theirs, ours);
    }

    #[test]
    fn wrong_values_are_refused() {
        for words in ["ohfp templates list --limit 0", "ohfp templates list --offset -1"] {
            assert!(parse_words(words).is_err(), "{words}");
        }
        for words in [
            "ohfp --format xml templates list",
            "ohfp completions tcsh",
            "ohfp --scheduler HostFactory config show",
        ] {
            assert_eq!(parse_words(words), Err(ErrorKind::InvalidValue), "{words}");
        }
        assert_eq!(parse_words("ohfp templates nosuch"), Err(ErrorKind::InvalidSubcommand));
    }

    #[test]
    fn aliases_are_the_same_command() {
        assert_eq!(parse_words("ohfp template show x"), parse_words("ohfp templates show x"));
        assert_eq!(parse_words("ohfp provider list"), parse_words("ohfp providers list"));
    }

    #[test]
    fn names_that_are_not_text_are_kept() {
        use std::os::unix::ffi::OsStringExt as _;
        let file = OsString::from_vec(vec![0xff, b'x']);
        let cli = parse(["requestMachines".into(), "-f".into(), file.clone()]).unwrap();
        assert_eq!(
            cli.command,
            Command::RequestMachines(HostFactoryInput { file: Some(file.into()), data: None })
        );
    }

    /// Command lines after `ohfp`, and whether they are valid.
    fn check(cases: &[(&str, bool)]) {
        for (words, good) in cases {
            let parsed = parse_words(&format!("ohfp {words}"));
            assert_eq!(parsed.is_ok(), *good, "{words}: {parsed:?}");
        }
    }

    #[test]
    fn what_is_asked_is_given_once() {
        check(&[
            ("machines request T", true),
            ("machines request T 5", true),
            ("machine request -t T -c 5", true),
            ("machines request --template-id T --count 5 --wait --timeout 9", true),
            ("machines request T -c 5", true),
            ("machines request -f in.json", true),
            ("machines request -d {} --dry-run", true),
            ("machines request", false),
            ("machines request T 0", false),
            ("machines request T -1", false),
            ("machines request T 18446744073709551616", false),
            ("machines request T five", false),
            ("machines request T 5 -c 5", false),
            ("machines request T -t T", false),
            ("machines request T -f in.json", false),
            ("machines request -c 5 -d {}", false),
            ("machines request -f in.json -d {}", false),
            ("machines request -f", false),
            ("machines request T --timeout 9", true),
            ("machines request T --wait --timeout 0", false),
            ("machines request T --wait --dry-run", false),
            ("machines request T --timeout 9 --dry-run", false),
            ("machines return a b -m c -m d", true),
            ("machines return --request-id r --wait", true),
            ("machines return --all --yes", true),
            ("machines return -f in.json", true),
            ("machines return", false),
            ("machines return --yes", false),
            ("machines return a --all", false),
            ("machines return -m a -r r", false),
            ("machines terminate a --force --wait --timeout 9", true),
            ("machines return -r r -r s", true),
            ("machines show -m a", true),
            ("machines show", false),
            ("machines status -m a b", true),
            ("machines status -m a --all", false),
            ("requests status -r a -r b c", true),
            ("requests status -r a --all", false),
            ("requests show --all", true),
            ("requests show a -r b", false),
            ("requests show", false),
            ("requests cancel -r a --force", true),
            ("requests cancel a -r b", false),
            ("requests watch", true),
            ("machines return -r r --all", false),
            ("machines return a -d {}", false),
            ("machines return --all -f in.json", false),
            ("machines status a b", true),
            ("machines status --all", true),
            ("machines status", false),
            ("machines status a --all", false),
            ("requests status r s --wait", true),
            ("request status --all", true),
            ("requests status -d {}", true),
            ("requests status", false),
            ("requests status r --all", false),
            ("requests status r -f in.json", false),
            ("requests list-returns", true),
            ("requests list-returns -f a -d {}", false),
            ("getRequestStatus -d {}", true),
            ("getRequestStatus -f a -d {}", false),
            ("getRequestStatus -d", false),
        ]);
    }

    #[test]
    fn lists_and_the_rest() {
        check(&[
            ("machines list --filter a=b --filter c~d --limit 3 --offset 4 --long --status running", true),
            ("machines list --limit 0", false),
            ("requests list --type acquire --template-id T", true),
            ("requests list --type borrow", false),
            ("requests watch r --interval 1 --timeout 60", true),
            ("requests watch r --interval 0", false),
            ("requests cancel r --yes --dry-run", true),
            ("requests cancel r s", false),
            ("storage import f --from orb", true),
            ("storage import f --from hf", false),
            ("storage backup", false),
            ("sim reclaim m --grace 0", true),
            ("sim reclaim m --grace -1", false),
            ("providers health aws", true),
            ("system metrics", true),
        ]);
    }

    /// Lines that are parsed without the tree give the same result as with it.
    #[test]
    fn a_plain_operation_is_what_the_tree_makes_of_it() {
        let values = ["in.json", "/a b/ü", "{}", "", "-", "--", "-x", "help", "--help", "-f", "=", "=x"];
        for operation in HF_OPERATIONS.into_iter().chain(["getRequestStatu", "machines", "help"]) {
            for option in ["-f", "--file", "-d", "--data", "-h", "--", "-fd", "--fil", "--file=a", "--format"]
            {
                for value in values {
                    let words = [PROGRAM, operation, option, value].map(OsString::from);
                    let plain = plain_operation(&words);
                    let ours = HF_OPERATIONS.contains(&operation)
                        && ["-f", "--file", "-d", "--data"].contains(&option)
                        && !value.is_empty()
                        && !value.starts_with('-');
                    assert_eq!(plain.is_some(), ours, "{words:?}");
                    if let Some(plain) = plain {
                        assert_eq!(plain, parse(words.clone()).unwrap(), "{words:?}");
                    }
                }
            }
        }
        for words in ["ohfp getRequestStatus", "ohfp getRequestStatus -f", "ohfp getRequestStatus -f a -h"] {
            let words: Vec<OsString> = words.split(' ').map(OsString::from).collect();
            assert_eq!(plain_operation(&words), None, "{words:?}");
        }
    }

    #[test]
    fn inputs_that_are_not_text_are_the_same_without_the_tree() {
        use std::os::unix::ffi::OsStringExt as _;
        let odd = OsString::from_vec(vec![0xff, b'x']);
        let file = [PROGRAM.into(), "requestMachines".into(), "-f".into(), odd.clone()];
        assert_eq!(plain_operation(&file), parse(file.clone()).ok());
        let data = [PROGRAM.into(), "requestMachines".into(), "-d".into(), odd];
        assert_eq!((plain_operation(&data), parse(data.clone()).ok()), (None, None));
    }

    #[test]
    fn template_and_count_mean_the_same_as_words_and_as_options() {
        for words in ["ohfp machines request T 5", "ohfp machines request -t T -c 5"] {
            let Ok(Cli { command: Command::Machines(MachinesCommand::Request(request)), .. }) =
                parse_words(words)
            else {
                panic!("{words}")
            };
            assert_eq!((request.template_id(), request.machine_count()), (Some("T"), 5), "{words}");
        }
    }
}
