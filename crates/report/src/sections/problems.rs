//! What needs attention now.

use crate::data::ReportData;
use crate::html::Html;
use crate::parts;
use crate::scale;

pub(super) fn section(html: &mut Html, data: &ReportData) {
    parts::section(html, "attention", "What needs attention", |html| {
        if data.problems.is_empty() {
            parts::empty(html, "Nothing: every check of health and installation is as it should be.");
        } else {
            html.raw("<ul class=\"problems\">");
            for problem in &data.problems {
                html.raw(if problem.is_severe { "<li class=\"severe\"><b>" } else { "<li><b>" });
                html.text(&problem.what).raw(if problem.is_severe { " (severe)" } else { " (warning)" });
                html.raw("</b>").prose(&problem.detail);
                if let Some(fix) = &problem.fix {
                    html.raw("<span class=\"fix\">").prose(fix).raw("</span>");
                }
                html.raw("</li>");
            }
            html.raw("</ul>\n");
        }
        let open =
            data.activity.series.iter().map(|series| series.open_requests).fold(0, u64::saturating_add);
        let oldest = data.activity.series.iter().filter_map(|series| series.oldest_open).min();
        if let Some(oldest) = oldest.filter(|_| open > 0) {
            let noun = if open == 1 { "request is" } else { "requests are" };
            html.raw("<p class=\"note\">")
                .text(&format!("{open} {noun} open, the oldest since {}; ", scale::moment(oldest)));
            html.text(&format!("{} returns are open.", data.activity.open_returns)).raw("</p>\n");
        }
    });
}
