//! The error every layer speaks: a kind, what happened, its causes, and what to do next.
//!
//! The kind alone decides the heading a person sees and the exit code a scheduler sees.

use std::fmt;

pub use crate::text::{printable, shortened};

/// Shorthand for results of this crate's error.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What class of failure this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The command line is wrong.
    Usage,
    /// An input file (configuration, templates, Host Factory input) is wrong.
    Input,
    /// The thing asked for does not exist.
    NotFound,
    /// The change asked for is refused because it is unsafe.
    Refused,
    /// The operating system failed us.
    System,
    /// A part that should answer cannot right now; trying again may help.
    Unavailable,
    /// What is stored cannot be what was stored; nothing may be concluded from it.
    Damaged,
}

impl ErrorKind {
    /// The words in front of the message.
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

    /// The exit code: 2 for a wrong command line, as clap has it, else 1. Host Factory retries on
    /// any other code than 0.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Usage => 2,
            _ => 1,
        }
    }
}

/// A failure: kind, message, causes from near to far, and a hint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    causes: Vec<String>,
    hint: Option<String>,
}

impl Error {
    /// A failure of `kind`. The message names the file, line or field, has no final full stop, and
    /// does not start with a capital unless a name does.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: printable(message.into()), causes: Vec::new(), hint: None }
    }

    /// Adds what led to it.
    #[must_use]
    pub fn cause(mut self, cause: impl fmt::Display) -> Self {
        self.causes.push(printable(cause.to_string()));
        self
    }

    /// Adds what the reader can do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(printable(hint.into()));
        self
    }

    /// The same failure in other words.
    #[must_use]
    pub fn with_message(self, message: impl Into<String>) -> Self {
        Self { message: printable(message.into()), causes: Vec::new(), ..self }
    }

    /// The class of the failure.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The message and its causes on one line, without the heading.
    pub fn summary(&self) -> String {
        let mut text = self.message.clone();
        for cause in &self.causes {
            text.push_str(": ");
            text.push_str(cause);
        }
        text
    }

    /// What to do next, when we know.
    pub fn hint_text(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.heading(), self.message)?;
        for cause in &self.causes {
            write!(f, "\n  caused by: {cause}")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}
