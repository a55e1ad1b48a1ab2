//! Closed lists of words, each with the value of an enum that it stands for.
//!
//! A rule, its messages, the reading of a word and its writing come from the enum, so that no word is matched as text
//! anywhere else.

use ohfp_broker::wire_format::SchedulerKind;

/// An enum whose values are written as words.
pub trait Keyword: Copy + Eq + std::fmt::Debug + 'static {
    /// Every value, in the order of messages.
    const ALL: &'static [Self];
    /// The word of each value, in the same order.
    const WORDS: &'static [&'static str];

    /// The word of this value.
    fn word(self) -> &'static str;

    /// The value of exactly that word.
    fn parse(word: &str) -> Option<Self> {
        let at = Self::WORDS.iter().position(|known| *known == word)?;
        Self::ALL.get(at).copied()
    }
}

/// Gives an enum its words.
///
/// ```
/// use ohfp_keys::{Keyword, keywords};
///
/// #[derive(Clone, Copy, Debug, PartialEq, Eq)]
/// enum Color { Red, Green }
/// keywords!(Color { Red: "red", Green: "green" });
///
/// assert_eq!(Color::parse("green"), Some(Color::Green));
/// assert_eq!(Color::parse("Green"), None);
/// assert_eq!(Color::Red.to_string(), "red");
/// ```
#[macro_export]
macro_rules! keywords {
    ($name:ident { $($value:ident: $word:literal),+ $(,)? }) => {
        impl $name {
            /// The word, as configuration files have it.
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$value => $word,)+
                }
            }
        }

        impl $crate::Keyword for $name {
            const ALL: &'static [Self] = &[$(Self::$value),+];
            const WORDS: &'static [&'static str] = &[$($word),+];

            fn word(self) -> &'static str {
                Self::word(self)
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(Self::word(*self))
            }
        }
    };
}

impl Keyword for SchedulerKind {
    const ALL: &'static [Self] = &[Self::HostFactory, Self::Default];
    const WORDS: &'static [&'static str] = &[Self::HostFactory.word(), Self::Default.word()];

    fn word(self) -> &'static str {
        Self::word(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_for_values() {
        for (value, word) in SchedulerKind::ALL.iter().zip(SchedulerKind::WORDS) {
            assert_eq!((Keyword::word(*value), SchedulerKind::parse(word)), (*word, Some(*value)));
        }
        for word in ["", "hf", "Default", "hostfactory "] {
            assert_eq!(SchedulerKind::parse(word), None, "{word}");
        }
    }
}
