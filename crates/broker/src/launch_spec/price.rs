//! Price types and prices, and the price type that LSF's `spotPrice` implies.

use serde_json::Value;

use super::read::{Fault, Read, decimal, number_or_text};
use crate::keywords;

/// `priceType`: the price model, which determines the API call of the launch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PriceType {
    /// On-demand instances.
    #[default]
    OnDemand,
    /// A fleet of spot instances.
    Spot,
    /// A spot fleet first, the rest on demand.
    Heterogeneous,
}

keywords!(PriceType { OnDemand: "ondemand", Spot: "spot", Heterogeneous: "heterogeneous" });

/// A price in US dollars for a unit and hour.
#[derive(Clone, Debug, PartialEq)]
pub struct Price {
    /// The digits as written, which EC2 takes as text.
    pub text: Box<str>,
    /// Its value, above 0.
    pub dollars: f64,
}

/// The price type of a template without `priceType`: LSF's `spotPrice` above 0 makes it a spot template.
pub fn implied_by(spot_price: Option<&Value>) -> Option<PriceType> {
    spot_price.and_then(decimal).filter(|price| *price > 0.0).map(|_| PriceType::Spot)
}

pub(super) fn price(value: &Value) -> Read<Option<Price>> {
    let Some(text) = number_or_text(value)? else { return Ok(None) };
    match decimal(value).filter(|dollars| *dollars > 0.0) {
        Some(dollars) => Ok(Some(Price { text, dollars })),
        None => Err(Fault::new(value, "a price in dollars above 0, like \"0.05\"")),
    }
}
