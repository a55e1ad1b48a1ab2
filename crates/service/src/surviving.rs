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
use ohfp_snapshot_builder::inspect;
use ohfp_snapshot_builder::lower::WHOLE;
use ohfp_snapshot_format::{Refusal, Snapshot};

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
    // The records with secrets, where others are shown.
    let Some(records) = inspect::records(&published.view(), &[WHOLE, inspect::JSON])? else {
        return Ok(None);
    };
    let list = TemplateList { templates, scheduler };
    let is_same = |template: &&Template| {
        let mut now = Vec::new();
        list.show(template, Format::Json, &mut now);
        inspect::record(records, template.id()) == Some(now.as_slice())
    };
    Ok(Some(templates.iter().filter(is_same).cloned().collect()))
}
