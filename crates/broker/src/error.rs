//! The error of all layers: kind, message, causes, hint.
//!
//! The kind alone decides the heading a person sees and the exit code a scheduler sees.

use std::fmt;
use std::ops::Deref;

pub use crate::text::{printable, shortened};

/// Shorthand for results of this crate's error.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Class of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The command line is invalid.
    Usage,
    /// An input file (configuration, templates, Host Factory input) is invalid.
    Input,
    /// The requested entity does not exist.
    NotFound,
    /// The requested change is refused because it is unsafe.
    Refused,
    /// A system call has failed.
    System,
    /// A component or provider is temporarily unavailable; a retry may succeed.
    Unavailable,
    /// Stored data is damaged; no conclusion may be drawn from it.
    Damaged,
}

impl ErrorKind {
    /// The heading before the message.
    pub fn heading(self) -> &'static str {
        match self {
            Self::Usage => "usage error",
            Self::Input => "invalid input",
            Self::NotFound => "not found",
            Self::Refused => "refused",
            Self::System => "system error",
            Self::Unavailable => "unavailable",
            Self::Damaged => "damaged state",
        }
    }

    /// The exit code: 2 for a usage error, as in clap, else 1. Host Factory retries on any other code than 0.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Usage => 2,
            _ => 1,
        }
    }
}

/// What led to a failure, and what led to that.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Cause {
    text: String,
    next: Option<Box<Cause>>,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Cause {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.next.as_deref().map(|next| next as _)
    }
}

/// A field of a template, for callers that know where templates are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateField {
    /// The id of the template.
    pub template: String,
    /// Host Factory's name of the field.
    pub field: String,
}

/// A failure: kind, message, causes from near to far, and a hint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    cause: Option<Box<Cause>>,
    hint: Option<String>,
    field: Option<Box<TemplateField>>,
}

impl Error {
    /// A failure of `kind`. The message names the file, line or field, has no final full stop, and
    /// does not start with a capital unless a name does.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: printable(message.into()), cause: None, hint: None, field: None }
    }

    /// Adds a cause.
    #[must_use]
    pub fn cause(mut self, cause: impl fmt::Display) -> Self {
        let mut last = &mut self.cause;
        while let Some(cause) = last {
            last = &mut cause.next;
        }
        *last = Some(Box::new(Cause { text: printable(cause.to_string()), next: None }));
        self
    }

    /// Adds a hint: the next step for the reader.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(printable(hint.into()));
        self
    }

    /// Adds a hint unless there is one.
    #[must_use]
    pub fn hint_or(self, hint: &str) -> Self {
        if self.hint.is_some() { self } else { self.hint(hint) }
    }

    /// Names the field of a template that is at fault. The message stays as it is.
    #[must_use]
    pub fn in_field(mut self, template: &str, field: &str) -> Self {
        let (template, field) = (template.to_owned(), field.to_owned());
        self.field = Some(Box::new(TemplateField { template, field }));
        self
    }

    /// Replaces the message.
    #[must_use]
    pub fn with_message(self, message: impl Into<String>) -> Self {
        Self { message: printable(message.into()), cause: None, ..self }
    }

    /// The class of the failure.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The message and its causes on one line, without the heading.
    pub fn summary(&self) -> String {
        let mut text = self.message.clone();
        for cause in self.causes() {
            text.push_str(": ");
            text.push_str(cause);
        }
        text
    }

    /// Message, causes and hint on a line each, without the heading: what a person reads after `error: `.
    pub fn lines(&self) -> String {
        let mut text = self.message.clone();
        for cause in self.causes() {
            text.push_str("\n  caused by: ");
            text.push_str(cause);
        }
        if let Some(hint) = &self.hint {
            text.push_str("\n  hint: ");
            text.push_str(hint);
        }
        text
    }

    /// From near to far.
    fn causes(&self) -> impl Iterator<Item = &str> {
        std::iter::successors(self.cause.as_deref(), |cause| cause.next.as_deref())
            .map(|cause| cause.text.as_str())
    }

    /// The field of a template that is at fault, if one is.
    pub fn field(&self) -> Option<&TemplateField> {
        self.field.as_deref()
    }

    /// The hint, if there is one.
    pub fn hint_text(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.heading(), self.lines())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}

/// Everything that is wrong, where more than one thing can be: configuration is read to its end before it is
/// refused. The first error decides the exit code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Errors(Vec<Error>);

impl Errors {
    /// Adds what else is wrong.
    pub fn push(&mut self, error: Error) {
        self.0.push(error);
    }

    /// One error in place of all, for a caller that can pass on only one: the first, with the others as causes.
    pub fn joined(self) -> Error {
        let mut errors = self.0.into_iter();
        match (errors.next(), errors.len()) {
            (Some(only), 0) => only,
            (Some(first), _) => errors.fold(first, |error, next| error.cause(next.summary())),
            (None, _) => Error::new(ErrorKind::Input, "the configuration is wrong"),
        }
    }
}

impl From<Error> for Errors {
    fn from(error: Error) -> Self {
        Self(vec![error])
    }
}

impl From<Vec<Error>> for Errors {
    fn from(errors: Vec<Error>) -> Self {
        Self(errors)
    }
}

impl FromIterator<Error> for Errors {
    fn from_iter<I: IntoIterator<Item = Error>>(errors: I) -> Self {
        Self(errors.into_iter().collect())
    }
}

impl IntoIterator for Errors {
    type Item = Error;
    type IntoIter = std::vec::IntoIter<Error>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Deref for Errors {
    type Target = [Error];

    fn deref(&self) -> &[Error] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn causes_are_told_and_can_be_walked() {
        let error =
            Error::new(ErrorKind::System, "cannot read `a`").cause("far").cause("farther").hint("look");
        assert_eq!(error.summary(), "cannot read `a`: far: farther");
        assert_eq!(
            error.to_string(),
            "system error: cannot read `a`\n  caused by: far\n  caused by: farther\n  hint: look"
        );
        let mut chain = Vec::new();
        let mut source = error.source();
        while let Some(cause) = source {
            chain.push(cause.to_string());
            source = cause.source();
        }
        assert_eq!(chain, ["far", "farther"]);
        let error = error.in_field("t", "vmTypes").with_message("other words");
        assert!(error.source().is_none());
        let field = error.field().map(|at| (at.template.as_str(), at.field.as_str()));
        assert_eq!((error.summary().as_str(), field), ("other words", Some(("t", "vmTypes"))));
    }

    #[test]
    fn several_errors_as_one() {
        let error = |text: &str| Error::new(ErrorKind::Input, text);
        let joined = |all: &[&str]| all.iter().map(|text| error(text)).collect::<Errors>().joined().summary();
        assert_eq!(joined(&["a"]), "a");
        assert_eq!(joined(&["a", "b", "c"]), "a: b: c");
        assert_eq!(joined(&[]), "the configuration is wrong");
        assert_eq!(Errors::from(error("a")).to_vec(), [error("a")]);
    }

    /// The heading that a person sees, and the exit code that a scheduler does.
    #[test]
    fn kinds() {
        for (kind, heading, code) in [
            (ErrorKind::Usage, "usage error", 2),
            (ErrorKind::Input, "invalid input", 1),
            (ErrorKind::NotFound, "not found", 1),
            (ErrorKind::Refused, "refused", 1),
            (ErrorKind::System, "system error", 1),
            (ErrorKind::Unavailable, "unavailable", 1),
            (ErrorKind::Damaged, "damaged state", 1),
        ] {
            assert_eq!((kind.heading(), kind.exit_code()), (heading, code));
        }
    }

    #[test]
    fn a_failure_in_one_line_and_in_several() {
        let plain = Error::new(ErrorKind::Refused, "no");
        assert_eq!(
            (plain.to_string().as_str(), plain.summary().as_str(), plain.hint_text()),
            ("refused: no", "no", None)
        );
        let full = plain.cause("near").cause("far\n").hint("wait");
        assert_eq!(full.to_string(), "refused: no\n  caused by: near\n  caused by: far\\n\n  hint: wait");
        assert_eq!((full.summary().as_str(), full.kind()), ("no: near: far\\n", ErrorKind::Refused));
        let other = full.with_message("never");
        assert_eq!(
            (other.summary().as_str(), other.hint_text(), other.kind()),
            ("never", Some("wait"), ErrorKind::Refused)
        );
    }
}
