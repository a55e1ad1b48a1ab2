//! Histograms: how many values lie below each of some bounds, and their sum.

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

/// A histogram over bounds in ascending order. A value that equals a bound counts below it, as Prometheus has it.
///
/// ```
/// use ohfp_broker::histogram::Histogram;
///
/// let mut times = Histogram::new(&[10, 100]);
/// for millis in [3, 10, 70, 500] {
///     times.add(millis);
/// }
/// assert_eq!((times.count(), times.sum()), (4, 583));
/// assert_eq!(times.cumulative().collect::<Vec<_>>(), [(10, 2), (100, 3)]);
/// assert_eq!(times.quantile(0.5), Some(10));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram {
    bounds: &'static [u64],
    /// One for each bound, and one for what is above the last; empty until a value is added.
    counts: Vec<u64>,
    sum: u64,
}

impl Histogram {
    /// An empty histogram over these bounds.
    pub const fn new(bounds: &'static [u64]) -> Self {
        Self { bounds, counts: Vec::new(), sum: 0 }
    }

    /// The histogram with these counts, one for each bound and one for what is above the last; `None` where there are
    /// more or fewer of them.
    pub fn from_counts(bounds: &'static [u64], counts: Vec<u64>, sum: u64) -> Option<Self> {
        let fits = counts.is_empty() || counts.len() == bounds.len() + 1;
        fits.then_some(Self { bounds, counts, sum })
    }

    /// Adds a value.
    pub fn add(&mut self, value: u64) {
        if self.counts.is_empty() {
            self.counts.resize(self.bounds.len() + 1, 0);
        }
        let place = self.bounds.partition_point(|bound| *bound < value);
        if let Some(count) = self.counts.get_mut(place) {
            *count = count.saturating_add(1);
        }
        self.sum = self.sum.saturating_add(value);
    }

    /// Adds the values of another histogram over the same bounds.
    pub fn merge(&mut self, other: &Self) {
        if self.counts.len() < other.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count = count.saturating_add(*more);
        }
        self.sum = self.sum.saturating_add(other.sum);
    }

    /// How many values it has.
    pub fn count(&self) -> u64 {
        self.counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// The sum of all values.
    pub fn sum(&self) -> u64 {
        self.sum
    }

    /// The counts, one for each bound and one for what is above the last; empty where there is no value.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Each bound with the number of values up to it.
    pub fn cumulative(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let mut sum = 0_u64;
        self.bounds.iter().enumerate().map(move |(place, bound)| {
            sum = sum.saturating_add(self.counts.get(place).copied().unwrap_or(0));
            (*bound, sum)
        })
    }

    /// The value that this share of all values does not exceed, interpolated between two bounds; the last bound for
    /// what is above it. `None` where there is no value.
    pub fn quantile(&self, share: f64) -> Option<u64> {
        let count = self.count();
        if count == 0 {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "a quantile is an estimate")]
        let rank = share.clamp(0.0, 1.0) * count as f64;
        let (mut below, mut lower) = (0_u64, 0_u64);
        for (upper, up_to) in self.cumulative() {
            #[expect(
                clippy::cast_precision_loss,
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "between two bounds, which are not negative"
            )]
            if up_to > below && up_to as f64 >= rank {
                let part = ((rank - below as f64) / (up_to - below) as f64).clamp(0.0, 1.0);
                return Some(lower + ((upper - lower) as f64 * part).round() as u64);
            }
            (below, lower) = (up_to, upper);
        }
        self.bounds.last().copied()
    }
}

/// `{"count", "sum", "p50", "p90", "p99", "buckets": [[bound, values up to it], …]}`; the buckets of an empty one are left
/// out.
impl Serialize for Histogram {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Histogram", 6)?;
        fields.serialize_field("count", &self.count())?;
        fields.serialize_field("sum", &self.sum)?;
        for (name, share) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99)] {
            fields.serialize_field(name, &self.quantile(share))?;
        }
        let buckets: Vec<(u64, u64)> =
            if self.counts.is_empty() { Vec::new() } else { self.cumulative().collect() };
        fields.serialize_field("buckets", &buckets)?;
        fields.end()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const BOUNDS: &[u64] = &[10, 20, 40];

    fn of(values: &[u64]) -> Histogram {
        let mut histogram = Histogram::new(BOUNDS);
        for value in values {
            histogram.add(*value);
        }
        histogram
    }

    #[test]
    fn values_are_counted_below_their_bounds() {
        for (values, counts) in
            [(&[][..], &[][..]), (&[0, 10], &[2, 0, 0, 0]), (&[11, 20, 21, 40, 41, u64::MAX], &[0, 2, 2, 2])]
        {
            assert_eq!(of(values).counts(), counts, "{values:?}");
        }
        assert_eq!(of(&[1, u64::MAX]).sum(), u64::MAX);
    }

    #[test]
    fn quantiles_lie_between_bounds() {
        for (values, share, expected) in [
            (&[][..], 0.5, None),
            (&[5], 0.0, Some(0)),
            (&[5, 15], 0.5, Some(10)),
            (&[5, 15], 0.75, Some(15)),
            (&[30, 30], 1.0, Some(40)),
            (&[5, 100], 0.99, Some(40)),
        ] {
            assert_eq!(of(values).quantile(share), expected, "{values:?} {share}");
        }
    }

    #[test]
    fn histograms_are_merged_and_made_from_counts() {
        let mut all = of(&[5]);
        all.merge(&of(&[]));
        all.merge(&of(&[15, 50]));
        assert_eq!(all, of(&[5, 15, 50]));
        let mut empty = of(&[]);
        empty.merge(&all);
        assert_eq!(empty, all);
        assert_eq!(Histogram::from_counts(BOUNDS, all.counts().to_vec(), all.sum()), Some(all));
        assert_eq!(Histogram::from_counts(BOUNDS, vec![1, 2], 3), None);
        assert_eq!(
            json!(of(&[5])),
            json!({
                "count": 1, "sum": 5, "p50": 5, "p90": 9, "p99": 10, "buckets": [[10, 1], [20, 1], [40, 1]],
            })
        );
    }
}
