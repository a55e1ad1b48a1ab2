//! The page: its head, the summary, and the sections in their order.

mod capacity;
mod cost;
mod delivery;
mod machines;
mod problems;
mod summary;

use crate::data::ReportData;
use crate::html::Html;
use crate::scale;

/// The style sheet, which is part of the page.
const STYLE: &str = include_str!("style.css");

/// Allows the page's own style, and nothing from elsewhere.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/// Sections by id and title, as the navigation has them.
const SECTIONS: [(&str, &str); 6] = [
    ("attention", "What needs attention"),
    ("machines", "Machines"),
    ("delivery", "Delivery"),
    ("failures", "Failures"),
    ("capacity", "Capacity"),
    ("cost", "Cost of ohfp"),
];

pub(crate) fn page(data: &ReportData) -> String {
    let mut html = Html::default();
    head(&mut html, data);
    html.raw("<main>\n");
    summary::tiles(&mut html, data);
    problems::section(&mut html, data);
    machines::section(&mut html, &data.activity);
    delivery::section(&mut html, &data.activity);
    delivery::failures(&mut html, &data.activity);
    capacity::section(&mut html, &data.activity);
    cost::section(&mut html, &data.own_cost);
    html.raw("</main>\n<footer><p>Made by ohfp ")
        .text(&data.version)
        .raw(" at ")
        .text(&scale::moment(data.made));
    html.raw(". All times are UTC. Counts are those of the state store: machines and requests that it has forgotten are ");
    html.raw("not in them.</p></footer>\n</body>\n</html>\n");
    html.finish()
}

fn head(html: &mut Html, data: &ReportData) {
    let window = &data.activity.window;
    let (since, until) = (scale::moment(window.since()), scale::moment(window.until().min(data.made)));
    html.raw("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    html.raw("<meta http-equiv=\"Content-Security-Policy\" content=\"").raw(POLICY).raw("\">\n");
    html.raw("<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n");
    html.raw("<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"generator\" content=\"ohfp ");
    html.text(&data.version).raw("\">\n<link rel=\"icon\" href=\"data:,\">\n");
    html.raw("<title>ohfp: ")
        .text(&data.site)
        .raw("</title>\n<style>\n")
        .raw(STYLE)
        .raw("</style>\n</head>\n<body>\n");
    html.raw("<header><h1>").text(&data.site).raw("</h1><p class=\"sub\">Host Factory machines from ");
    html.text(&since).raw(" to ").text(&until).raw("</p>\n<nav aria-label=\"Sections\"><ul>");
    for (id, title) in SECTIONS {
        html.raw("<li><a href=\"#").raw(id).raw("\">").raw(title).raw("</a></li>");
    }
    html.raw("</ul></nav></header>\n");
}
