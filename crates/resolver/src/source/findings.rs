//! Errors and warnings in the inputs, collected so that one run reports all of them.
//!
//! It must not know any rule; it keeps findings in the order of the files.

use std::fmt;

use ohfp_broker::error::printable;
use ohfp_broker::{Error, ErrorKind, Errors};

use crate::source::text::{SourcePosition, Text};

/// A warning, which stops no operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Position; `None` if it is not in a file.
    pub place: Option<SourcePosition>,
    /// The message.
    pub message: String,
    /// How to fix it.
    pub hint: Option<String>,
}

impl Warning {
    fn new(place: SourcePosition, message: String, hint: Option<String>) -> Self {
        Self { place: Some(place), message: printable(message), hint: hint.map(printable) }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            // File names are foreign text, too.
            write!(f, "{}: ", printable(place.to_string()))?;
        }
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

/// Sort key of findings: number of the file, offset in bytes.
type FileOrder = (usize, usize);

/// The subject of an error: it stops only the operations that need this part of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Subject {
    /// Required by every operation.
    #[default]
    Everything,
    /// A key of `config.json`, or a section of them, dotted.
    Setting(String),
    /// A member of a provider, or one of its options as `config.OPTION`.
    Provider(String, String),
    /// The templates as a whole.
    Templates,
    /// A single template: the others do not depend on it.
    Template,
    /// Required by no operation: its errors are reported as warnings.
    Unused,
}

/// An error and its subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The part of the configuration that is invalid.
    pub subject: Subject,
    /// The error.
    pub error: Error,
}

/// Errors and warnings found so far.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// Subject of the part that is being read.
    subject: Subject,
    errors: Vec<(FileOrder, Problem)>,
    warnings: Vec<(FileOrder, Warning)>,
}

impl Findings {
    /// Sets the subject of the following errors and returns the previous one.
    pub(crate) fn about(&mut self, subject: Subject) -> Subject {
        std::mem::replace(&mut self.subject, subject)
    }

    /// Adds an error at a position.
    pub(crate) fn error(&mut self, text: &Text, offset: usize, message: &str, hint: Option<String>) {
        if self.subject == Subject::Unused {
            return self.warning(text, offset, message.to_owned(), hint);
        }
        let error = Error::new(ErrorKind::Input, format!("{}: {message}", text.place(offset)));
        let error = match hint {
            Some(hint) => error.hint(hint),
            None => error,
        };
        self.errors.push(((text.number, offset), Problem { subject: self.subject.clone(), error }));
    }

    /// Adds an error without a position; `file` is its sort key.
    pub(crate) fn failure(&mut self, file: usize, error: Error) {
        self.errors.push(((file, 0), Problem { subject: self.subject.clone(), error }));
    }

    /// Adds a warning at a position.
    pub(crate) fn warning(&mut self, text: &Text, offset: usize, message: String, hint: Option<String>) {
        self.warnings.push(((text.number, offset), Warning::new(text.place(offset), message, hint)));
    }

    /// Adds a warning at a position that is resolved already, in this order.
    pub(crate) fn warning_at(
        &mut self,
        order: (usize, usize),
        place: SourcePosition,
        message: String,
        hint: Option<String>,
    ) {
        self.warnings.push((order, Warning::new(place, message, hint)));
    }

    /// Adds a warning about a file as a whole.
    pub(crate) fn file_warning(&mut self, text: &Text, message: String, hint: Option<String>) {
        let place = SourcePosition { path: text.path().to_owned(), position: None };
        self.warnings.push(((text.number, 0), Warning::new(place, message, hint)));
    }

    /// Warnings and problems in the order of the files.
    ///
    /// # Errors
    /// All errors, if one of them affects every operation.
    pub(crate) fn finish(mut self) -> Result<(Vec<Warning>, Vec<Problem>), Errors> {
        self.warnings.sort_by_key(|(order, _)| *order);
        self.errors.sort_by_key(|(order, _)| *order);
        let problems: Vec<Problem> = self.errors.into_iter().map(|(_, problem)| problem).collect();
        if problems.iter().any(|problem| problem.subject == Subject::Everything) {
            return Err(problems.into_iter().map(|problem| problem.error).collect());
        }
        Ok((self.warnings.into_iter().map(|(_, warning)| warning).collect(), problems))
    }

    #[cfg(test)]
    pub(crate) fn lines(mut self) -> Vec<String> {
        self.errors.sort_by_key(|(order, _)| *order);
        self.warnings.sort_by_key(|(order, _)| *order);
        let errors = self.errors.iter().map(|(_, problem)| format!("error: {}", problem.error.summary()));
        let warnings = self.warnings.iter().map(|(_, warning)| format!("warning: {warning}"));
        errors.chain(warnings).collect()
    }
}
