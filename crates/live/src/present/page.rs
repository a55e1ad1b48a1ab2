//! `--limit` and `--offset`: the page of a list that is shown.

use ohfp_cli::{GlobalOptions, ListOptions};

/// A page of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Page {
    /// Number of entries to skip.
    pub(crate) offset: u64,
    /// Most entries to show; `None` shows all.
    pub(crate) limit: Option<u64>,
}

impl Page {
    /// The page that the options select.
    pub(crate) fn of(options: &ListOptions) -> Self {
        Self { offset: options.offset, limit: options.limit }
    }

    /// Splits the page between the store and [`Self::cut`]. With a filter, or where `all_is_needed` for another reason,
    /// the store must return all entries, and the cut follows.
    pub(crate) fn shared(options: &ListOptions, all_is_needed: bool) -> (Self, Self) {
        let (all, part) = (Self::default(), Self::of(options));
        if options.filter.is_empty() && !all_is_needed { (part, all) } else { (all, part) }
    }

    /// Cuts the page out of a list.
    pub(crate) fn cut<T>(self, items: Vec<T>) -> Vec<T> {
        let number = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
        let rest = items.into_iter().skip(number(self.offset));
        match self.limit {
            Some(limit) => rest.take(number(limit)).collect(),
            None => rest.collect(),
        }
    }
}

/// The options of a list where they are not the command's own, but taken by every command.
pub(crate) fn everywhere(options: &GlobalOptions) -> ListOptions {
    ListOptions {
        filter: options.filter.clone(),
        limit: options.limit,
        offset: options.offset,
        long: options.long,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(offset: u64, limit: Option<u64>, expected: &[u8]) {
        assert_eq!(Page { offset, limit }.cut(vec![1, 2, 3, 4]), expected, "{offset} {limit:?}");
    }

    #[test]
    fn session() {
        check(0, None, &[1, 2, 3, 4]);
        check(1, Some(2), &[2, 3]);
        check(3, Some(9), &[4]);
        check(4, Some(1), &[]);
        check(u64::MAX, Some(u64::MAX), &[]);
        check(0, Some(u64::MAX), &[1, 2, 3, 4]);
    }

    #[test]
    fn a_filter_stands_between_store_and_page() {
        let mut options = ListOptions { limit: Some(3), offset: 4, ..ListOptions::default() };
        let part = Page { offset: 4, limit: Some(3) };
        assert_eq!(Page::shared(&options, false), (part, Page::default()));
        assert_eq!(Page::shared(&options, true), (Page::default(), part));
        options.filter.push("a=b".to_owned());
        assert_eq!(Page::shared(&options, false), (Page::default(), part));
    }
}
