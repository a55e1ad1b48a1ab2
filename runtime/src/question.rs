//! Parses a command line into a query of the snapshot, if it is one.
//!
//! What is accepted here is a subset of what clap accepts, with the same meaning. Any other command line, even
//! if it is merely unusual, is left to the live program.

use ohfp_snapshot_format::key::{AnswerKey, FORMAT_SEPARATOR, LONG_SUFFIX};

/// The operations of Host Factory; as a program's name with or without `.sh`, or as a command.
const OPERATIONS: [&[u8]; 5] = [
    b"getAvailableTemplates",
    b"requestMachines",
    b"requestReturnMachines",
    b"getRequestStatus",
    b"getReturnRequests",
];
const AVAILABLE_TEMPLATES: &[u8] = b"getAvailableTemplates";

/// The formats; clap judges anything else.
const FORMATS: [&[u8]; 4] = [b"json", b"yaml", b"table", b"list"];

/// Groups whose commands need the store or the cloud, so that no snapshot is opened for them; their help is
/// filed like any other.
const DYNAMIC: [&[u8]; 7] = [b"machines", b"machine", b"requests", b"request", b"system", b"sim", b"logs"];

/// A query of the snapshot.
#[derive(Debug)]
pub(crate) enum Question<'a> {
    /// A filed answer.
    Filed { key: AnswerKey, plain: bool },
    /// `templates show ID`.
    Show { id: &'a [u8], format: &'a [u8], plain: bool },
    /// A page of `templates list`.
    Page { key: AnswerKey, offset: u64, limit: Option<u64>, plain: bool },
    /// `getAvailableTemplates -f FILE`.
    AvailableTemplates { key: AnswerKey, input: &'a [u8] },
}

/// Whether Host Factory calls this invocation, so that errors go to standard output.
pub(crate) fn is_host_factory<'a>(mut arguments: impl Iterator<Item = &'a [u8]>) -> bool {
    arguments.next().and_then(operation).or_else(|| arguments.next().and_then(operation)).is_some()
}

/// The operation that a program or command name stands for.
fn operation(name: &[u8]) -> Option<&'static [u8]> {
    let file = name.rsplit(|byte| *byte == b'/').next()?;
    let stem = file.strip_suffix(b".sh").unwrap_or(file);
    OPERATIONS.into_iter().find(|operation| *operation == stem)
}

/// Reads the whole command line, program name first.
pub(crate) fn read<'a>(mut arguments: impl Iterator<Item = &'a [u8]>) -> Option<Question<'a>> {
    let program = arguments.next()?;
    if let Some(name) = operation(program) {
        return host_factory(name, arguments);
    }
    let mut line = Line::default();
    while let Some(argument) = arguments.next() {
        if line.words == 0 && argument == AVAILABLE_TEMPLATES {
            return if line.untouched() { host_factory(AVAILABLE_TEMPLATES, arguments) } else { None };
        }
        if line.read(argument, &mut arguments)? {
            // `--help` and `--version` must be the last word; what follows is clap's to judge.
            return if arguments.next().is_none() { line.question() } else { None };
        }
    }
    line.question()
}

/// `-f FILE` and nothing else, or help.
fn host_factory<'a>(
    name: &'static [u8],
    mut arguments: impl Iterator<Item = &'a [u8]>,
) -> Option<Question<'a>> {
    let question = match arguments.next()? {
        b"-f" if name == AVAILABLE_TEMPLATES => {
            // For clap, what begins with a dash is an option and no file.
            let input = arguments.next().filter(|path| path.first().is_some_and(|first| *first != b'-'))?;
            Question::AvailableTemplates { key: AnswerKey::default().word(name)?, input }
        }
        help @ (b"--help" | b"-h") => {
            Question::Filed { key: with_path(AnswerKey::default().push(help)?, name)?, plain: false }
        }
        _ => return None,
    };
    arguments.next().is_none().then_some(question)
}

/// The words that have been read so far.
#[derive(Default)]
struct Line<'a> {
    path: AnswerKey,
    words: usize,
    first_two: [&'a [u8]; 2],
    last: &'a [u8],
    help: Option<&'static [u8]>,
    format: Option<&'a [u8]>,
    plain: bool,
    long: bool,
    limit: Option<u64>,
    offset: Option<u64>,
}

impl<'a> Line<'a> {
    /// Reads one argument; `true` if it must be the last one. `None`: not for the snapshot.
    fn read(&mut self, argument: &'a [u8], rest: &mut impl Iterator<Item = &'a [u8]>) -> Option<bool> {
        match argument {
            b"--help" | b"-h" | b"--version" | b"-V" => {
                if !self.no_options() || (self.words > 0 && matches!(argument, b"--version" | b"-V")) {
                    return None;
                }
                self.help = Some(match argument {
                    b"--help" => b"--help",
                    b"-h" => b"-h",
                    _ => b"--version",
                });
                return Some(true);
            }
            b"--no-color" => once(&mut self.plain)?,
            b"--long" => {
                self.is_list()?;
                once(&mut self.long)?;
            }
            b"--format" => once_some(&mut self.format, rest.next()?)?,
            b"--limit" => {
                self.is_list()?;
                once_some(&mut self.limit, number(rest.next()?).filter(|limit| *limit > 0)?)?;
            }
            b"--offset" => {
                self.is_list()?;
                once_some(&mut self.offset, number(rest.next()?)?)?;
            }
            _ => match argument.strip_prefix(b"--format=") {
                Some(format) => once_some(&mut self.format, format)?,
                None if argument.first() == Some(&b'-') => return None,
                None => self.word(argument)?,
            },
        }
        Some(false)
    }

    fn word(&mut self, word: &'a [u8]) -> Option<()> {
        self.path = core::mem::take(&mut self.path).word(word)?;
        if let Some(place) = self.first_two.get_mut(self.words) {
            *place = word;
        }
        self.last = word;
        self.words += 1;
        Some(())
    }

    /// Options of `templates list` stand behind its two words.
    fn is_list(&self) -> Option<()> {
        (self.words == 2 && self.is_templates(b"list")).then_some(())
    }

    fn is_templates(&self, action: &[u8]) -> bool {
        let [group, second] = self.first_two;
        (group == b"templates" || group == b"template") && second == action
    }

    fn no_options(&self) -> bool {
        self.format.is_none() && !self.plain && !self.long && self.limit.is_none() && self.offset.is_none()
    }

    fn untouched(&self) -> bool {
        self.words == 0 && self.no_options()
    }

    fn question(self) -> Option<Question<'a>> {
        if let Some(help) = self.help {
            return Some(Question::Filed {
                key: with_path(AnswerKey::default().push(help)?, self.path.as_bytes())?,
                plain: false,
            });
        }
        let [first, _] = self.first_two;
        if first == b"help" {
            if !self.no_options() {
                return None;
            }
            let path = self.path.as_bytes().strip_prefix(b"help")?;
            let path = path.strip_prefix(b" ").unwrap_or(path);
            return Some(Question::Filed {
                key: with_path(AnswerKey::default().push(b"--help")?, path)?,
                plain: false,
            });
        }
        if DYNAMIC.contains(&first) {
            return None;
        }
        let format = self.format.unwrap_or(b"json");
        if !FORMATS.contains(&format) {
            return None;
        }
        if self.words == 3 && self.is_templates(b"show") {
            return Some(Question::Show { id: self.last, format, plain: self.plain });
        }
        if self.words == 0 {
            return None;
        }
        let mut key = self.path.push(FORMAT_SEPARATOR)?.push(format)?;
        if self.long {
            key = key.push(LONG_SUFFIX)?;
        }
        if self.limit.is_some() || self.offset.is_some_and(|offset| offset > 0) {
            return Some(Question::Page {
                key,
                offset: self.offset.unwrap_or(0),
                limit: self.limit,
                plain: self.plain,
            });
        }
        Some(Question::Filed { key, plain: self.plain })
    }
}

/// Appends a command path to a help key.
fn with_path(key: AnswerKey, path: &[u8]) -> Option<AnswerKey> {
    if path.is_empty() { Some(key) } else { key.push(b" ")?.push(path) }
}

/// A flag given twice is clap's to refuse.
fn once(flag: &mut bool) -> Option<()> {
    if *flag {
        return None;
    }
    *flag = true;
    Some(())
}

/// An option given twice is clap's to refuse.
fn once_some<T>(place: &mut Option<T>, value: T) -> Option<()> {
    if place.is_some() {
        return None;
    }
    *place = Some(value);
    Some(())
}

/// A plain decimal number. Signs and anything longer are clap's.
fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 18 {
        return None;
    }
    text.iter()
        .try_fold(0_u64, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + u64::from(digit - b'0')))
}
