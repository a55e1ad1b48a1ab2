//! The known word that a mistyped one was probably meant to be. It must not know any list of words.

/// The nearest of `known` within two changes, and within a third of the word's length: short words
/// are near to everything. Another case is always near.
pub(crate) fn typo_of<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let allowed = (word.chars().count() / 3).min(2);
    nearest_within(word, known, allowed)
}

/// The nearest of `known`, for a word that is certainly wrong: up to half of it may differ.
pub(crate) fn nearest<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let allowed = (word.chars().count() / 2).min(5);
    nearest_within(word, known, allowed)
}

fn nearest_within<'k>(word: &str, known: impl Iterator<Item = &'k str>, allowed: usize) -> Option<&'k str> {
    let distance = |candidate: &str| {
        if candidate.eq_ignore_ascii_case(word) { 0 } else { strsim::osa_distance(word, candidate) }
    };
    known
        .filter(|candidate| candidate.len().abs_diff(word.len()) <= allowed.max(1) * 4)
        .map(|candidate| (distance(candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// "did you mean `x`?", where there is an x.
pub(crate) fn did_you_mean(nearest: Option<&str>) -> Option<String> {
    nearest.map(|nearest| format!("did you mean `{nearest}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typos_are_near_and_short_words_are_not() {
        let known = ["vmTypes", "maxNumber", "iops", "name"];
        for (word, wanted) in [
            ("vmtypes", Some("vmTypes")),
            ("vmTyeps", Some("vmTypes")),
            ("maxNumbr", Some("maxNumber")),
            ("IOPS", Some("iops")),
            ("zone", None),
            ("ttl", None),
            ("minimum", None),
        ] {
            assert_eq!(typo_of(word, known.into_iter()), wanted, "{word}");
        }
        assert_eq!(nearest("maxnum", known.into_iter()), None);
        assert_eq!(nearest("typo", ["type"].into_iter()), Some("type"));
    }
}
