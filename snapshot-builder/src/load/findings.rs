//! What is wrong or doubtful in the inputs, collected so that one run shows all of it.
//!
//! It must not know any rule; it keeps findings in the order of the files.

use std::fmt;

use ohfp_broker::error::printable;
use ohfp_broker::{Error, ErrorKind};

use super::text::{Place, Text};

/// Something doubtful that does not stop us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Where; nothing for what no file says.
    pub place: Option<Place>,
    /// What.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Warning {
    fn new(place: Place, message: String, hint: Option<String>) -> Self {
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
type Order = (usize, usize);

/// Errors and warnings found so far.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    errors: Vec<(Order, Error)>,
    warnings: Vec<(Order, Warning)>,
}

impl Findings {
    /// Wrong input at a place.
    pub(crate) fn error(&mut self, text: &Text, offset: usize, message: &str, hint: Option<String>) {
        let error = Error::new(ErrorKind::Input, format!("{}: {message}", text.place(offset)));
        let error = match hint {
            Some(hint) => error.hint(hint),
            None => error,
        };
        self.errors.push(((text.number, offset), error));
    }

    /// A failure that has no place in a text; `file` keeps it in order.
    pub(crate) fn failure(&mut self, file: usize, error: Error) {
        self.errors.push(((file, 0), error));
    }

    /// Doubtful input at a place.
    pub(crate) fn warning(&mut self, text: &Text, offset: usize, message: String, hint: Option<String>) {
        self.warnings.push(((text.number, offset), Warning::new(text.place(offset), message, hint)));
    }

    /// Doubtful input of a file as a whole.
    pub(crate) fn file_warning(&mut self, text: &Text, message: String, hint: Option<String>) {
        let place = Place { path: text.path().to_owned(), position: None };
        self.warnings.push(((text.number, 0), Warning::new(place, message, hint)));
    }

    /// The warnings when there is no error, else the errors: what a wrong value makes doubtful besides
    /// is mostly gone when the value is right.
    pub(crate) fn finish(mut self) -> Result<Vec<Warning>, Vec<Error>> {
        if self.errors.is_empty() {
            self.warnings.sort_by_key(|(order, _)| *order);
            return Ok(self.warnings.into_iter().map(|(_, warning)| warning).collect());
        }
        self.errors.sort_by_key(|(order, _)| *order);
        Err(self.errors.into_iter().map(|(_, error)| error).collect())
    }

    #[cfg(test)]
    pub(crate) fn lines(mut self) -> Vec<String> {
        self.errors.sort_by_key(|(order, _)| *order);
        self.warnings.sort_by_key(|(order, _)| *order);
        let errors = self.errors.iter().map(|(_, error)| format!("error: {}", error.summary()));
        let warnings = self.warnings.iter().map(|(_, warning)| format!("warning: {warning}"));
        errors.chain(warnings).collect()
    }
}
