//! Allocation strategies: which pools of capacity a fleet takes machines from.

/// Allocation strategy of a fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllocationStrategy {
    /// The cheapest pools.
    LowestPrice,
    /// Spread over all pools.
    Diversified,
    /// The pools least likely to be interrupted.
    CapacityOptimized,
    /// As `CapacityOptimized`, respecting priorities if possible.
    CapacityOptimizedPrioritized,
    /// Capacity first, price second.
    PriceCapacityOptimized,
    /// By priority; for on-demand capacity.
    Prioritized,
}

impl AllocationStrategy {
    /// The names for spot capacity.
    pub const SPOT_NAMES: &'static [&'static str] = &[
        "lowestPrice",
        "diversified",
        "capacityOptimized",
        "capacityOptimizedPrioritized",
        "priceCapacityOptimized",
    ];

    /// The names for on-demand capacity.
    pub const ON_DEMAND_NAMES: &'static [&'static str] = &["lowestPrice", "prioritized"];

    /// Parses any of the spellings in use: `lowestPrice`, `lowest-price`, `lowest_price`.
    pub fn parse(word: &str) -> Option<Self> {
        let plain: String = word
            .chars()
            .filter(|letter| !matches!(letter, '-' | '_'))
            .map(|letter| letter.to_ascii_lowercase())
            .collect();
        match plain.as_str() {
            "lowestprice" => Some(Self::LowestPrice),
            "diversified" => Some(Self::Diversified),
            "capacityoptimized" => Some(Self::CapacityOptimized),
            "capacityoptimizedprioritized" => Some(Self::CapacityOptimizedPrioritized),
            "pricecapacityoptimized" => Some(Self::PriceCapacityOptimized),
            "prioritized" => Some(Self::Prioritized),
            _ => None,
        }
    }

    /// As EC2 Fleet and Auto Scaling write it: `lowest-price`.
    pub fn kebab_case(self) -> &'static str {
        match self {
            Self::LowestPrice => "lowest-price",
            Self::Diversified => "diversified",
            Self::CapacityOptimized => "capacity-optimized",
            Self::CapacityOptimizedPrioritized => "capacity-optimized-prioritized",
            Self::PriceCapacityOptimized => "price-capacity-optimized",
            Self::Prioritized => "prioritized",
        }
    }

    /// As Spot Fleet writes it: `lowestPrice`.
    pub fn camel_case(self) -> &'static str {
        match self {
            Self::LowestPrice => "lowestPrice",
            Self::Diversified => "diversified",
            Self::CapacityOptimized => "capacityOptimized",
            Self::CapacityOptimizedPrioritized => "capacityOptimizedPrioritized",
            Self::PriceCapacityOptimized => "priceCapacityOptimized",
            Self::Prioritized => "prioritized",
        }
    }

    /// Whether it applies to spot capacity.
    pub fn is_for_spot(self) -> bool {
        self != Self::Prioritized
    }

    /// Whether it applies to on-demand capacity.
    pub fn is_for_on_demand(self) -> bool {
        matches!(self, Self::LowestPrice | Self::Prioritized)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        for name in AllocationStrategy::SPOT_NAMES {
            assert!(AllocationStrategy::parse(name).is_some_and(AllocationStrategy::is_for_spot), "{name}");
        }
        for name in AllocationStrategy::ON_DEMAND_NAMES {
            assert!(
                AllocationStrategy::parse(name).is_some_and(AllocationStrategy::is_for_on_demand),
                "{name}"
            );
        }
        assert_eq!(
            AllocationStrategy::parse("capacity-optimized_prioritized"),
            Some(AllocationStrategy::CapacityOptimizedPrioritized)
        );
        assert_eq!(AllocationStrategy::parse("cheapest"), None);
    }

    #[test]
    fn each_strategy_has_its_words_and_its_capacity() {
        use AllocationStrategy as Strategy;
        for (word, strategy, spot, on_demand) in [
            ("lowestPrice", Strategy::LowestPrice, true, true),
            ("lowest-price", Strategy::LowestPrice, true, true),
            ("diversified", Strategy::Diversified, true, false),
            ("capacity_optimized", Strategy::CapacityOptimized, true, false),
            ("capacityOptimizedPrioritized", Strategy::CapacityOptimizedPrioritized, true, false),
            ("priceCapacityOptimized", Strategy::PriceCapacityOptimized, true, false),
            ("prioritized", Strategy::Prioritized, false, true),
        ] {
            assert_eq!(Strategy::parse(word), Some(strategy), "{word}");
            for written in [strategy.kebab_case(), strategy.camel_case()] {
                assert_eq!(Strategy::parse(written), Some(strategy), "{word} {written}");
            }
            assert_eq!((strategy.is_for_spot(), strategy.is_for_on_demand()), (spot, on_demand), "{word}");
        }
    }
}
