//! Parts that several sections have: figures with their data, legends, tables.

use crate::html::Html;
use crate::plot::Color;

/// Colors of series, by place; the last one is for what is left.
pub(crate) const COLORS: [Color; 8] = ["c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7"];

/// An entry of a legend.
pub(crate) struct Entry<'a> {
    pub(crate) color: Color,
    pub(crate) name: &'a str,
    /// What the series comes to; empty for none.
    pub(crate) value: String,
}

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heading {
    pub(crate) name: &'static str,
    /// Whether its cells are numbers, which stand at the right.
    pub(crate) is_number: bool,
}

/// A heading of text.
pub(crate) const fn text(name: &'static str) -> Heading {
    Heading { name, is_number: false }
}

/// A heading of numbers.
pub(crate) const fn numbers(name: &'static str) -> Heading {
    Heading { name, is_number: true }
}

/// A section with its heading.
pub(crate) fn section(html: &mut Html, id: &'static str, title: &'static str, body: impl FnOnce(&mut Html)) {
    html.raw("<section aria-labelledby=\"")
        .raw(id)
        .raw("\"><h2 id=\"")
        .raw(id)
        .raw("\">")
        .raw(title)
        .raw("</h2>\n");
    body(html);
    html.raw("</section>\n");
}

/// A picture with heading, legend and the data behind it.
pub(crate) fn figure(
    html: &mut Html,
    title: &str,
    note: &str,
    legend: &[Entry<'_>],
    picture: impl FnOnce(&mut Html),
    data: impl FnOnce(&mut Html),
) {
    html.raw("<figure><figcaption>").element("<h3>", title, "</h3>");
    if !note.is_empty() {
        html.element("<p class=\"note\">", note, "</p>");
    }
    html.raw("</figcaption>");
    if !legend.is_empty() {
        html.raw("<ul class=\"legend\">");
        for entry in legend {
            html.raw("<li><i class=\"").raw(entry.color).raw("\"></i>").text(entry.name);
            if !entry.value.is_empty() {
                html.element(" <b>", &entry.value, "</b>");
            }
            html.raw("</li>");
        }
        html.raw("</ul>");
    }
    picture(html);
    html.raw("<details><summary>Data</summary>");
    data(html);
    html.raw("</details></figure>\n");
}

/// A table. A caption that is empty is left out.
pub(crate) fn table(html: &mut Html, caption: &str, headings: &[Heading], rows: &[Vec<String>]) {
    html.raw("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"");
    html.text(if caption.is_empty() { "Table" } else { caption }).raw("\"><table>");
    if !caption.is_empty() {
        html.element("<caption>", caption, "</caption>");
    }
    html.raw("<thead><tr>");
    for heading in headings {
        html.raw(if heading.is_number { "<th scope=\"col\" class=\"n\">" } else { "<th scope=\"col\">" });
        html.text(heading.name).raw("</th>");
    }
    html.raw("</tr></thead><tbody>");
    for row in rows {
        html.raw("<tr>");
        for (place, (cell, heading)) in row.iter().zip(headings).enumerate() {
            match (place, heading.is_number) {
                (0, _) => html.element("<th scope=\"row\">", cell, "</th>"),
                (_, true) => html.element("<td class=\"n\">", cell, "</td>"),
                (_, false) => html.raw("<td>").prose(cell).raw("</td>"),
            };
        }
        html.raw("</tr>");
    }
    html.raw("</tbody></table></div>");
}

/// What stands in place of a picture that has nothing to show.
pub(crate) fn empty(html: &mut Html, text: &str) {
    html.element("<p class=\"empty\">", text, "</p>\n");
}

/// A bar of a share, with its text beside it. For lists of bars.
pub(crate) fn bar(html: &mut Html, name: &str, color: Color, value: u64, most: u64, shown: &str) {
    #[expect(clippy::cast_precision_loss, reason = "a width in per cent")]
    let share = value as f64 / most.max(1) as f64 * 100.0;
    html.raw("<li><span class=\"name\">").text(name).raw("</span><span class=\"track\">");
    if value > 0 {
        html.raw("<i class=\"").raw(color).raw("\" style=\"width:").place(share).raw("%\"></i>");
    }
    html.element("</span><span class=\"n\">", shown, "</span></li>");
}
