//! The nearest known word to a mistyped one: one search for all commands and files.
//!
//! It must not know any list of words. Callers give it words that have an effect, so that a suggestion
//! never leads to one that has none.

/// Longest word that is compared, in letters; longer ones are not typing errors, and comparing them takes time.
const LONGEST: usize = 64;

/// Most edits within which a word of that many letters counts as mistyped; few for short words, which are near
/// to everything.
fn allowed(letters: usize) -> usize {
    match letters {
        0..=2 => 0,
        3..=4 => 1,
        5..=8 => 2,
        _ => 3,
    }
}

/// The nearest of `known`, whatever its case: the one with the fewest changes, else the only one that
/// begins like `word`. `None` for words over 64 letters.
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    // Bytes first: counting the letters of a megabyte is work too.
    if word.len() > 4 * LONGEST || word.chars().count() > LONGEST {
        return None;
    }
    let word = word.to_lowercase();
    let letters = word.chars().count();
    let allowed = allowed(letters);
    let mut best: Option<(usize, usize, &str)> = None;
    let mut beginning: Option<&str> = None;
    let mut beginnings = 0;
    for candidate in known {
        let lower = candidate.to_lowercase();
        if letters >= 4 && lower.starts_with(&word) {
            beginning = Some(candidate);
            beginnings += 1;
        }
        // Of two as near, the one of the same length: `vmTypez` is `vmTypes`, not `vmType`.
        let longer = lower.chars().count().abs_diff(letters);
        let least = best.map_or((allowed + 1, 0), |(distance, longer, _)| (distance, longer));
        if longer <= least.0 {
            let distance = strsim::osa_distance(&word, &lower);
            if (distance, longer) < least {
                best = Some((distance, longer, candidate));
            }
        }
    }
    best.map(|(_, _, candidate)| candidate).or_else(|| beginning.filter(|_| beginnings == 1))
}

/// The nearest of `known`, all of them dotted: a sibling of `name`, a section beside it, or, for a name
/// without a section, the only key of that name in any section.
pub fn nearest_dotted<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    if name.chars().count() > LONGEST {
        return None;
    }
    let (section, last) = name.rsplit_once('.').unwrap_or(("", name));
    // One level below the section: of `storage.sql_strategy.name`, `storage` for a top-level name.
    let below = |full: &'k str| {
        let rest = if section.is_empty() { full } else { full.strip_prefix(section)?.strip_prefix('.')? };
        let deeper = rest.find('.').map_or(0, |dot| rest.len() - dot);
        full.get(..full.len() - deeper)
    };
    let siblings: Vec<&'k str> = known.iter().copied().filter_map(below).collect();
    if let Some(sibling) = nearest(last, siblings.iter().map(|full| leaf(full))) {
        return siblings.into_iter().find(|full| leaf(full) == sibling);
    }
    if !siblings.is_empty() && !section.is_empty() {
        return None;
    }
    if section.is_empty() {
        let near = nearest(last, known.iter().map(|full| leaf(full)))?;
        let mut same = known.iter().copied().filter(|full| leaf(full) == near);
        return same.next().filter(|_| same.next().is_none());
    }
    // The section is mistyped, or all of it.
    nearest(name, known.iter().copied())
}

fn leaf(full: &str) -> &str {
    full.rsplit('.').next().unwrap_or(full)
}

/// "did you mean `x`?", where there is an x.
pub fn did_you_mean(nearest: Option<&str>) -> Option<String> {
    nearest.map(|nearest| format!("did you mean `{nearest}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typos_are_near_and_short_words_are_not() {
        let known = ["vmType", "vmTypes", "maxNumber", "iops", "name", "type", "a", "OnDemand-M6i-Large"];
        for (word, wanted) in [
            ("vmtypes", Some("vmTypes")),
            ("vmTyeps", Some("vmTypes")),
            ("vmTypez", Some("vmTypes")),
            ("maxNumbr", Some("maxNumber")),
            ("maxNumberr", Some("maxNumber")),
            ("IOPS", Some("iops")),
            ("typo", Some("type")),
            ("ondemand-m6i", Some("OnDemand-M6i-Large")),
            ("zone", None),
            ("ttl", None),
            ("b", None),
            ("minimum", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), wanted, "{word}");
        }
    }

    #[test]
    fn long_words_are_near_to_none() {
        let (just, longer) = ("x".repeat(64), "x".repeat(65));
        for (word, wanted) in [(&just, Some(&just)), (&longer, None), (&"ä".repeat(1 << 20), None)] {
            assert_eq!(nearest(word, [word.as_str()]), wanted.map(String::as_str), "{} bytes", word.len());
        }
        assert_eq!(nearest_dotted(&just, &[&just]), Some(just.as_str()));
        // Its last part is near to a known one, and it is too long all the same.
        let known = format!("{longer}.speed");
        assert_eq!(nearest_dotted(&format!("{longer}.spede"), &[&known]), None);
    }

    #[test]
    fn dotted() {
        let known = ["a.type", "b.name", "b.deep.name", "b.deep.speed", "c.speed", "c.refresh"];
        for (name, wanted) in [
            ("a.tpye", Some("a.type")),
            ("b.dep", Some("b.deep")),
            ("b.deep.spede", Some("b.deep.speed")),
            // A key of another section is no help, and neither is one of several.
            ("b.type", None),
            ("b.refresh", None),
            ("speed", None),
            ("refresh", Some("c.refresh")),
            ("refesh", Some("c.refresh")),
            ("x.refresh", Some("c.refresh")),
        ] {
            assert_eq!(nearest_dotted(name, &known), wanted, "{name}");
        }
    }
}
