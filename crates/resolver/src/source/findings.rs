//! What is wrong or doubtful in the inputs, collected so that one run shows all of it.
//!
//! It must not know any rule; it keeps findings in the order of the files.

use std::fmt;

use ohfp_broker::error::printable;
use ohfp_broker::{Error, ErrorKind, Errors};

use crate::source::text::{SourcePosition, Text};

/// Something doubtful that does not stop us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Where; nothing for what no file says.
    pub place: Option<SourcePosition>,
    /// What.
    pub message: String,
    /// What to do about it.
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
            // The names of files are not ours either.
            write!(f, "{}: ", printable(place.to_string()))?;
        }
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

/// Sorts findings: number of the file, offset in it.
type FileOrder = (usize, usize);

/// What a wrong value is about: it stops the questions that need it, and no other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Subject {
    /// Nothing can be answered without it.
    #[default]
    Everything,
    /// A key of `config.json`, or a section of them, dotted.
    Setting(String),
    /// A member of a provider, or one of its options as `config.OPTION`.
    Provider(String, String),
    /// The templates.
    Templates,
    /// Something that no question needs: its errors are warnings.
    Unused,
}

/// Something wrong, and what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What cannot be known because of it.
    pub subject: Subject,
    /// What is said of it.
    pub error: Error,
}

/// Errors and warnings found so far.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// What is being read.
    subject: Subject,
    errors: Vec<(FileOrder, Problem)>,
    warnings: Vec<(FileOrder, Warning)>,
}

impl Findings {
    /// From now on errors are about `subject`; gives what they were about before.
    pub(crate) fn about(&mut self, subject: Subject) -> Subject {
        std::mem::replace(&mut self.subject, subject)
    }

    /// Wrong input at a place.
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

    /// A failure that has no place in a text; `file` keeps it in order.
    pub(crate) fn failure(&mut self, file: usize, error: Error) {
        self.errors.push(((file, 0), Problem { subject: self.subject.clone(), error }));
    }

    /// Doubtful input at a place.
    pub(crate) fn warning(&mut self, text: &Text, offset: usize, message: String, hint: Option<String>) {
        self.warnings.push(((text.number, offset), Warning::new(text.place(offset), message, hint)));
    }

    /// Doubtful input of a file as a whole.
    pub(crate) fn file_warning(&mut self, text: &Text, message: String, hint: Option<String>) {
        let place = SourcePosition { path: text.path().to_owned(), position: None };
        self.warnings.push(((text.number, 0), Warning::new(place, message, hint)));
    }

    /// Warnings and problems in the order of the files.
    ///
    /// # Errors
    /// All errors, where nothing can be answered because of one of them.
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
