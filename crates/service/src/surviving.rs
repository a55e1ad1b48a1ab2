//! The templates that go on being answered while others are wrong: those that are as they were when they were last
//! published.
//!
//! An answered template is what its file says now, and what was checked as a part of the whole. One that is new or
//! changed beside a wrong one waits until all are right.

use ohfp_broker::Template;
use ohfp_broker::wire_format::SchedulerKind;
use ohfp_render::Format;
use ohfp_render::templates::TemplateList;
use ohfp_resolver::Resolved;
use ohfp_resolver::location::ConfigLocation;
use ohfp_snapshot_builder::freshness;
use ohfp_snapshot_builder::lower::WHOLE;
use ohfp_snapshot_format::index::Record;
use ohfp_snapshot_format::{Refusal, Snapshot};
use xxhash_rust::xxh3::xxh3_64;

/// The valid templates whose complete record in the snapshot is what it would be now. `None` where more is wrong than
/// single templates, or none survives.
pub(crate) fn surviving(
    resolved: &Resolved,
    published: &Snapshot,
    place: &ConfigLocation,
) -> Option<Vec<Template>> {
    if !resolved.has_wrong_templates_only() || !freshness::is_of(published, place) {
        return None;
    }
    let scheduler = resolved.settings.scheduler().ok()?;
    let same = unchanged(&resolved.templates, scheduler, published).ok().flatten()?;
    Some(same).filter(|templates| !templates.is_empty())
}

fn unchanged(
    templates: &[Template],
    scheduler: SchedulerKind,
    published: &Snapshot,
) -> Result<Option<Vec<Template>>, Refusal> {
    let contents = published.contents()?;
    // The records with secrets, where others are shown.
    let named = |name: &str| {
        let mut shows = contents.index.shows.iter();
        shows.find(|show| contents.index.text(&show.format) == name.as_bytes())
    };
    let Some(show) = named(WHOLE).or_else(|| named(Format::Json.name())) else { return Ok(None) };
    let (directory, body) =
        (contents.section(show.records.to_native())?, contents.section(show.body.to_native())?);
    let list = TemplateList { templates, scheduler };
    let is_same = |template: &&Template| {
        let mut now = Vec::new();
        list.show(template, Format::Json, &mut now);
        let record = Record::find(directory, xxh3_64(template.id().as_bytes()));
        record.and_then(|record| record.bytes(body)) == Some(now.as_slice())
    };
    Ok(Some(templates.iter().filter(is_same).cloned().collect()))
}
