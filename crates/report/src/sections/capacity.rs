//! Where machines came from: regions, types and prices.

use ohfp_broker::activity::{Activity, Pool};

use crate::html::Html;
use crate::number::{count, percent};
use crate::parts::{self, numbers, text};

/// Most pools that are listed.
const MOST: usize = 100;

pub(super) fn section(html: &mut Html, activity: &Activity) {
    parts::section(html, "capacity", "Capacity", |html| {
        let mut pools: Vec<&Pool> = activity.pools.iter().collect();
        pools.retain(|pool| {
            pool.launched + pool.delivered + pool.reclaimed + pool.failed_to_start + pool.present > 0
        });
        pools.sort_by_key(|pool| std::cmp::Reverse((pool.launched, pool.present)));
        if pools.is_empty() {
            parts::empty(html, "No machine is recorded in this window.");
            return;
        }
        html.raw("<p class=\"note\">What launches got from each pool of capacity: a region, a machine type and a price. ");
        html.raw("A launch that got nothing has no machine, so it is under Failures.</p>");
        let most = pools.iter().map(|pool| pool.launched).max().unwrap_or(0);
        html.raw("<ul class=\"bars\">");
        for pool in pools.iter().take(8).filter(|pool| pool.launched > 0) {
            parts::bar(html, &name(pool), "c0", pool.launched, most, &count(pool.launched));
        }
        html.raw("</ul>");
        let known = |part: &Option<String>| part.clone().unwrap_or_else(|| "–".to_owned());
        let rows: Vec<Vec<String>> = pools
            .iter()
            .take(MOST)
            .map(|pool| {
                vec![
                    known(&pool.instance_type),
                    known(&pool.price_type),
                    known(&pool.region),
                    count(pool.launched),
                    count(pool.delivered),
                    count(pool.reclaimed),
                    percent(pool.reclaimed, pool.launched.max(pool.reclaimed)),
                    count(pool.failed_to_start),
                    count(pool.present),
                ]
            })
            .collect();
        let caption = match pools.len().saturating_sub(MOST) {
            0 => "Each pool".to_owned(),
            more => format!("The largest pools; {more} more are left out"),
        };
        let headings = [
            text("type"),
            text("price"),
            text("region"),
            numbers("launched"),
            numbers("came up"),
            numbers("reclaimed"),
            numbers("share"),
            numbers("failed to start"),
            numbers("now"),
        ];
        parts::table(html, &caption, &headings, &rows);
    });
}

fn name(pool: &Pool) -> String {
    let parts = [&pool.instance_type, &pool.price_type, &pool.region];
    let known: Vec<&str> = parts.iter().filter_map(|part| part.as_deref()).collect();
    if known.is_empty() { "not recorded".to_owned() } else { known.join(", ") }
}
