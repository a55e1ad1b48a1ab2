//! Command lines: whatever the runtime answers from a snapshot, the live program would have answered
//! with the same bytes.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::sync::OnceLock;

use ohfp_broker::wire_format::SchedulerKind;
use ohfp_cli::{
    Cli, Command, ConfigCommand, OutputFormat, ProvidersCommand, SchedulerCommand, StorageCommand,
    TemplatesCommand,
};
use ohfp_render::queries::Query;
use ohfp_render::templates::{TemplateList, show_head, show_tail};
use ohfp_render::{Format, Rendered};
use ohfp_resolver::Secrets;
use ohfp_resolver::{Environment, Origin, Resolved, load};
use ohfp_snapshot_builder::lower;
use ohfp_snapshot_format::View;

use crate::directory;
use crate::question::{self, Question};
use crate::reader::Aligned;

/// A byte below this stands for a word, [`OWN`] begins and ends a word spelled out, others are themselves.
const WORDS: [&[u8]; 64] = [
    b"ohfp",
    b"templates",
    b"template",
    b"list",
    b"show",
    b"validate",
    b"config",
    b"get",
    b"providers",
    b"provider",
    b"scheduler",
    b"schedulers",
    b"storage",
    b"completions",
    b"bash",
    b"zsh",
    b"fish",
    b"help",
    b"--help",
    b"-h",
    b"--version",
    b"-V",
    b"--format",
    b"--format=json",
    b"--format=yaml",
    b"--format=table",
    b"json",
    b"yaml",
    b"table",
    b"list",
    b"--long",
    b"--limit",
    b"--offset",
    b"0",
    b"1",
    b"2",
    b"3",
    b"18446744073709551615",
    b"--no-color",
    b"--no-snapshot",
    b"--scheduler",
    b"hostfactory",
    b"default",
    b"--config",
    b"--output",
    b"--",
    b"-",
    b"-f",
    b"--file",
    b"in.json",
    b"getAvailableTemplates",
    b"getAvailableTemplates.sh",
    b"/x/getAvailableTemplates",
    b"requestMachines",
    b"first",
    b"--help-me",
    b"t-_9",
    b"sim",
    b"aws",
    b"sqlite",
    b"scheduler.type",
    b"snapshot",
    b"doctor",
    b"init",
];
const OWN: u8 = 0xff;
const TEMPLATES: &str = r#"{"templates": [
    {"templateId": "first", "maxNumber": 1, "vmType": "m6i.large", "imageId": "ami-1", "subnetId": "subnet-1"},
    {"templateId": "list", "maxNumber": 2, "vmType": "c7g.large", "imageId": "ami-2", "subnetId": "subnet-2"},
    {"templateId": "--help", "maxNumber": 3, "vmType": "m6i.large", "imageId": "ami-3", "subnetId": "subnet-3"},
    {"templateId": "1", "maxNumber": -1, "vmType": "m6i.large", "imageId": "ami-4", "subnetId": "subnet-4"},
    {"templateId": "json", "maxNumber": 0, "vmType": "m6i.large", "imageId": "ami-5", "subnetId": "subnet-5"}
]}"#;

/// A snapshot, and what it was made from.
struct Stage {
    snapshot: Aligned,
    resolved: Resolved,
}

fn stage() -> &'static Stage {
    static STAGE: OnceLock<Stage> = OnceLock::new();
    STAGE.get_or_init(|| {
        let root = directory::path();
        fs::write(root.join("awsprov_templates.json"), TEMPLATES).expect("a file of ours");
        let env: Environment = [("OHFP_CONFIG_DIR", root.as_os_str())].into_iter().collect();
        let origin = Origin { root: root.to_owned(), config_file: None };
        let resolved = load::load(&origin, &env).expect("a sound configuration");
        let mut bytes = Vec::new();
        let payload = lower::lower(&resolved, &mut |_| ()).expect("it can be lowered");
        payload.write_to(&mut bytes, None, lower::maker()).expect("memory takes everything");
        Stage { snapshot: Aligned::new(&bytes), resolved }
    })
}

/// The words that the bytes stand for.
fn words(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut words: Vec<Vec<u8>> = Vec::new();
    let mut own: Option<Vec<u8>> = None;
    for byte in bytes.iter().take(64) {
        match (&mut own, WORDS.get(usize::from(*byte))) {
            (Some(word), _) if *byte == OWN => {
                words.push(std::mem::take(word));
                own = None;
            }
            (Some(word), _) => word.extend((*byte != 0).then_some(byte)),
            (None, _) if *byte == OWN => own = Some(Vec::new()),
            (None, Some(word)) => words.push(word.to_vec()),
            (None, None) => words.push(vec![*byte]),
        }
    }
    words.extend(own);
    words
}

/// The words of an argument vector, its first one the program's name.
pub fn check(bytes: &[u8]) {
    let words = words(bytes);
    let Some(question) = question::read(words.iter().map(Vec::as_slice)) else { return };
    let stage = stage();
    let contents = View::new(stage.snapshot.as_slice()).and_then(|view| view.contents()).expect("sound");
    for styled in [false, true] {
        // As the runtime's own module `answer` does it.
        let mut buffer = [0; 1024];
        let (parts, plain) = match &question {
            Question::Filed { key, plain } => (contents.answer(key.as_bytes(), || styled && !plain), *plain),
            Question::Show { id, format, plain } => {
                (contents.show(id, format, || styled && !plain, &mut buffer), *plain)
            }
            Question::Page { key, offset, limit, plain } => {
                (contents.page(key.as_bytes(), *offset, *limit, || styled && !plain), *plain)
            }
            Question::AvailableTemplates { key, .. } => (contents.answer(key.as_bytes(), || false), true),
        };
        let Some(answer) = parts.expect("the snapshot is sound").map(|parts| parts.concat()) else { return };
        let live = live(&words, &question, styled && !plain, &stage.resolved);
        assert!(
            live.as_ref().is_none_or(|live| *live == answer),
            "{:?}: the snapshot says {:?}, the live program {:?}",
            shown(&words),
            String::from_utf8_lossy(&answer),
            live.map(|live| String::from_utf8_lossy(&live).into_owned()),
        );
    }
}

/// What the live program answers; nothing where only the meaning can be compared, and is the same.
fn live(words: &[Vec<u8>], question: &Question<'_>, styled: bool, resolved: &Resolved) -> Option<Vec<u8>> {
    let arguments = words.iter().cloned().map(OsString::from_vec);
    let cli = match ohfp_cli::parse(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            assert!(
                !error.use_stderr(),
                "{:?}: clap refuses what the runtime answers: {error}",
                shown(words)
            );
            let text = error.render();
            return Some(if styled { text.ansi().to_string() } else { text.to_string() }.into_bytes());
        }
    };
    if let Question::AvailableTemplates { input, .. } = question {
        let same = matches!(&cli.command, Command::GetAvailableTemplates(asked)
            if asked.data.is_none()
                && asked.file.as_ref().is_some_and(|file| file.as_os_str().as_encoded_bytes() == *input));
        assert!(same, "{:?}: clap reads {:?}", shown(words), cli.command);
        return None;
    }
    let options = &cli.global;
    let unasked = options.config.is_none() && options.output.is_none() && options.scheduler.is_none();
    assert!(
        unasked && !options.no_snapshot && !options.show_secrets,
        "{:?}: the runtime ignores an option",
        shown(words)
    );
    let rendered = rendered(&cli, resolved);
    let Some(rendered) = rendered else { panic!("{:?}: live fails where the runtime answers", shown(words)) };
    Some(rendered.bytes(styled && !cli.global.no_color))
}

/// As the live program's commands do it, with the same renderers.
fn rendered(cli: &Cli, resolved: &Resolved) -> Option<Rendered> {
    let format = match cli.global.format {
        OutputFormat::Json => Format::Json,
        OutputFormat::Yaml => Format::Yaml,
        OutputFormat::Table => Format::Table,
        OutputFormat::List => Format::List,
        _ => return None,
    };
    let catalog = TemplateList {
        templates: &resolved.templates,
        scheduler: resolved.settings.scheduler().unwrap_or(SchedulerKind::HostFactory),
    };
    let document = match &cli.command {
        Command::Completions(arguments) => {
            return Some(Rendered::plain(ohfp_cli::completions(arguments.shell)));
        }
        Command::Templates(TemplatesCommand::List(list)) => {
            assert!(list.list.filter.is_empty(), "the runtime knows no filters");
            let number = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
            return Some(
                catalog
                    .list(format, list.list.long)
                    .page(number(list.list.offset), list.list.limit.map(number)),
            );
        }
        Command::Templates(TemplatesCommand::Show(named)) => {
            let template = resolved.templates.iter().find(|template| template.id() == named.id())?;
            let (head, head_styled) = show_head(format);
            let mut body = Vec::new();
            catalog.show(template, format, &mut body);
            body.extend_from_slice(show_tail(format));
            return Some(Rendered { head, head_styled, body, grid: None });
        }
        Command::Config(ConfigCommand::Show { origin: false, changed: false }) => Query::Config,
        Command::Config(ConfigCommand::Get { key }) => Query::Setting(key.clone()),
        Command::Providers(ProvidersCommand::List) => Query::Providers,
        Command::Providers(ProvidersCommand::Show(choice)) => {
            Query::Provider(choice.named().map(str::to_owned))
        }
        Command::Scheduler(SchedulerCommand::List) => Query::Schedulers,
        Command::Scheduler(SchedulerCommand::Show(choice)) => {
            Query::Scheduler(choice.named().map(str::to_owned))
        }
        Command::Storage(StorageCommand::List) => Query::Stores,
        _ => return None,
    };
    document.render(resolved, format, Secrets::Hidden)
}

fn shown(words: &[Vec<u8>]) -> Vec<String> {
    words.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}
