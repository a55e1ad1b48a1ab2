//! What ohfp itself costs.

use crate::data::OwnCost;
use crate::html::Html;
use crate::number::count;
use crate::parts::{self, numbers, text};

pub(super) fn section(html: &mut Html, cost: &OwnCost) {
    parts::section(html, "cost", "Cost of ohfp", |html| {
        match cost.recorded.as_deref() {
            None => parts::empty(html, "The cost of each operation is not recorded at this site."),
            Some([]) => parts::empty(html, "No operation was recorded in this window."),
            Some(operations) => {
                let rows: Vec<Vec<String>> = operations
                    .iter()
                    .map(|operation| {
                        let [half, most, nearly_all] = match operation.latency {
                            Some(times) => times.map(milliseconds),
                            None => [(); 3].map(|()| "–".to_owned()),
                        };
                        vec![
                            operation.operation.clone(),
                            count(operation.calls),
                            count(operation.failed),
                            half,
                            most,
                            nearly_all,
                            milliseconds(operation.cpu),
                            format!("{} MiB", count(operation.memory.div_ceil(1024))),
                        ]
                    })
                    .collect();
                let headings = [
                    text("operation"),
                    numbers("calls"),
                    numbers("failed"),
                    numbers("50 % in"),
                    numbers("90 % in"),
                    numbers("99 % in"),
                    numbers("processor"),
                    numbers("most memory"),
                ];
                parts::table(html, "Each operation, in the window", &headings, &rows);
            }
        }
        if !cost.now.is_empty() {
            let rows: Vec<Vec<String>> = cost
                .now
                .iter()
                .map(|figure| {
                    vec![
                        figure.name.clone(),
                        figure.value.clone(),
                        figure.limit.clone(),
                        figure.detail.clone(),
                    ]
                })
                .collect();
            let headings =
                [text("figure"), numbers("value"), numbers("warns at"), text("how it was measured")];
            parts::table(html, "Measured while this page was made", &headings, &rows);
        }
    });
}

/// Microseconds as milliseconds.
fn milliseconds(micros: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "shown with few digits")]
    let value = micros as f64 / 1e3;
    if value < 10.0 { format!("{value:.2} ms") } else { format!("{value:.0} ms") }
}
