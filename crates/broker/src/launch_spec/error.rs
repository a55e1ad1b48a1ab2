//! Fields that do not have one of their allowed values.

use std::fmt;

/// A field whose value is not allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// Host Factory's name of the field; of the member if one is at fault: `vmTypes.m5.large`.
    pub field: Box<str>,
    /// The allowed values and the given one, to complete "`field` …".
    pub why: Box<str>,
}

impl FieldError {
    /// Host Factory's name of the field that the member is in: `vmTypes`.
    pub fn base(&self) -> &str {
        self.field.split('.').next().unwrap_or_default()
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.field, self.why)
    }
}

/// The fields of a template that are not allowed, at least one, in the order of the template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldErrors(pub(crate) Vec<FieldError>);

impl FieldErrors {
    /// The errors one by one.
    pub fn iter(&self) -> impl Iterator<Item = &FieldError> {
        self.0.iter()
    }
}

impl fmt::Display for FieldErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, error) in self.0.iter().enumerate() {
            let separator = if number == 0 { "" } else { "; " };
            write!(f, "{separator}{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for FieldErrors {}

/// A field that loads with any value, because files in use have it for other programs. An invalid value is an error
/// for the launch that needs it, not for the template.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Lenient<T> {
    /// The template does not have it.
    #[default]
    Unset,
    /// A valid value.
    Set(T),
    /// The error of a launch that needs it.
    Invalid(Box<FieldError>),
}

impl<T> Lenient<T> {
    /// The value; `None` if it is unset.
    ///
    /// # Errors
    /// The field's value is not allowed.
    pub fn get(&self) -> Result<Option<&T>, FieldError> {
        match self {
            Self::Unset => Ok(None),
            Self::Set(value) => Ok(Some(value)),
            Self::Invalid(error) => Err(FieldError::clone(error)),
        }
    }

    /// This one, or `other` if it is unset.
    pub(super) fn or(self, other: Self) -> Self {
        if matches!(self, Self::Unset) { other } else { self }
    }
}
