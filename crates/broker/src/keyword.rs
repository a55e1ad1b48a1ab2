//! Closed lists of words, each with the value of an enum that it stands for.
//!
//! Rules, messages, parsing and printing come from the enum, so that no word is matched as text anywhere else.

/// An enum whose values are written as words.
pub trait Keyword: Copy + Eq + std::fmt::Debug + 'static {
    /// Every value, in the order of messages.
    const ALL: &'static [Self];
    /// The word of each value, in the same order.
    const NAMES: &'static [&'static str];

    /// The word of this value.
    fn name(self) -> &'static str;

    /// The value of exactly that word.
    fn parse(word: &str) -> Option<Self> {
        let at = Self::NAMES.iter().position(|known| *known == word)?;
        Self::ALL.get(at).copied()
    }
}

/// Gives an enum its words, by [`Keyword`] and by constants and methods of the same names, which need no import.
///
/// ```
/// #[derive(Clone, Copy, Debug, PartialEq, Eq)]
/// enum Color { Red, Green }
/// ohfp_broker::keywords!(Color { Red: "red", Green: "green" });
///
/// assert_eq!(Color::parse("green"), Some(Color::Green));
/// assert_eq!(Color::parse("Green"), None);
/// assert_eq!(Color::Red.to_string(), "red");
/// assert_eq!(Color::NAMES, ["red", "green"]);
/// ```
#[macro_export]
macro_rules! keywords {
    ($name:ident { $($value:ident: $word:literal),+ $(,)? }) => {
        impl $name {
            /// Every value, in the order of messages.
            pub const ALL: &'static [Self] = &[$(Self::$value),+];

            /// The words, in the same order.
            pub const NAMES: &'static [&'static str] = &[$($word),+];

            /// The word, as it is written, stored and shown.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$value => $word,)+
                }
            }

            /// The value of exactly that word.
            pub fn parse(word: &str) -> Option<Self> {
                <Self as $crate::Keyword>::parse(word)
            }
        }

        impl $crate::Keyword for $name {
            const ALL: &'static [Self] = <$name>::ALL;
            const NAMES: &'static [&'static str] = <$name>::NAMES;

            fn name(self) -> &'static str {
                <$name>::name(self)
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(<$name>::name(*self))
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use std::fmt::Display;

    use serde::Serialize;
    use serde::de::DeserializeOwned;
    use serde_json::json;

    use super::*;
    use crate::administration::ImportFormat;
    use crate::launch_spec::{FleetType, InterfaceType, PriceType, ProviderApi, Tenancy, VolumeType};
    use crate::wire_format::SchedulerKind;
    use crate::{Ending, MachineState, RequestKind, RequestState, ShortfallKind};

    fn check<K: Keyword + Display>(words: &[&str]) {
        assert_eq!(K::NAMES, words);
        assert_eq!(K::ALL.len(), words.len());
        for (value, word) in K::ALL.iter().zip(words) {
            assert_eq!((value.name(), value.to_string().as_str()), (*word, *word));
            assert_eq!(K::parse(word), Some(*value));
            assert_eq!((K::parse(&format!("{word} ")), K::parse(&format!("{word}s"))), (None, None));
        }
        assert_eq!(K::parse(""), None);
    }

    /// The words of what is stored and what is on the wire: a change of one is a change of the format.
    #[test]
    fn words_stand_for_values() {
        check::<RequestKind>(&["acquire", "return"]);
        check::<RequestState>(&["recorded", "started", "complete", "partial", "failed", "cancelled"]);
        check::<MachineState>(&["pending", "running", "stopping", "stopped", "shutting-down", "terminated"]);
        check::<Ending>(&["released", "reclaimed", "failed_to_start"]);
        check::<ShortfallKind>(&[
            "capacity",
            "refused",
            "unreachable",
            "unconfirmed",
            "failed_to_start",
            "reclaimed",
            "deadline",
            "returned",
            "cancelled",
            "unacknowledged",
            "unknown",
        ]);
        check::<ImportFormat>(&["ohfp", "open-resource-broker"]);
        check::<SchedulerKind>(&["hostfactory", "default"]);
        check::<PriceType>(&["ondemand", "spot", "heterogeneous"]);
        check::<FleetType>(&["instant", "request", "maintain"]);
        check::<Tenancy>(&["default", "dedicated", "host"]);
        check::<InterfaceType>(&["interface", "efa", "efa-only"]);
        check::<VolumeType>(&["gp2", "gp3", "io1", "io2", "standard"]);
        check::<ProviderApi>(&["RunInstances", "EC2Fleet", "SpotFleet", "ASG"]);
    }

    /// Exported documents have the words that the store has.
    #[test]
    fn documents_have_the_same_words() {
        fn check<K: Keyword + Serialize>() {
            for value in K::ALL {
                assert_eq!(json!(value), json!(value.name()));
            }
        }
        fn check_read<K: Keyword + Serialize + DeserializeOwned>() {
            check::<K>();
            for value in K::ALL {
                assert_eq!(serde_json::from_value::<K>(json!(value.name())).ok(), Some(*value));
            }
        }
        check_read::<RequestKind>();
        check_read::<RequestState>();
        check_read::<MachineState>();
        check_read::<Ending>();
        check_read::<ShortfallKind>();
        check::<ImportFormat>();
    }
}
