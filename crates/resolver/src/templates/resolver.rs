//! Resolves templates one by one: translates names, checks values, adds defaults and attributes.
//!
//! It must not know which files templates come from, only their text for messages.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

use ohfp_broker::json::Json;
use ohfp_broker::launch_spec::price;
use ohfp_broker::template::Template;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};

use crate::settings::rule::shown;
use crate::source::findings::{Findings, Subject};
use crate::source::text::{Step, Text, find};
use crate::templates::checks::Checked;
use crate::templates::defaults::Defaults;
use crate::templates::fields;
use crate::templates::files::TemplateFiles;
use crate::templates::layers;
use crate::templates::overlaps::{Joined, Overlaps};
use crate::templates::site_types::SiteTypes;
use crate::templates::written::{At, Part, Written};

/// A template of the files that is not offered, because its machine size is unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Its id.
    pub id: String,
    /// The reason, to complete "is left out, because …".
    pub why: String,
    /// How to fix it.
    pub hint: String,
}

impl LeftOut {
    /// "template `x` is left out, because …"
    pub fn message(&self) -> String {
        format!("template `{}` is left out, because {}", self.id, self.why)
    }
}

/// A template whose `maxNumber` in the file is less than what is published.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LimitDecrease {
    /// Its id.
    pub id: String,
    /// The published number.
    pub published: i64,
    /// The number in the file.
    pub now: i64,
}

impl LimitDecrease {
    /// `None` where `now` is not less than what is published; a negative number is unlimited.
    pub fn between(id: &str, published: i64, now: i64) -> Option<Self> {
        let amount = |number: i64| if number < 0 { i64::MAX } else { number };
        (amount(now) < amount(published)).then(|| Self { id: id.to_owned(), published, now })
    }

    /// States the published number, the file's, and why they differ.
    pub fn message(&self) -> String {
        let Self { id, published, now } = self;
        format!(
            "`maxNumber` of template `{id}` is {now} in the file and {published} as published; answers have the \
             published number, since a running Host Factory can hang on a lower one"
        )
    }

    /// How to publish the file's number.
    pub const HINT: &'static str =
        "stop Host Factory, run `ohfp-snapshot build --allow-lower-max`, and start it again";
}

/// The fields of a template as read: under Host Factory's names, with the names that came twice.
pub(crate) struct Fields {
    map: Map<String, Value>,
    repeated: Vec<&'static str>,
    /// Unknown names that occur more than once; only the user can tell what they mean.
    repeated_unknown: Vec<String>,
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a template, which is an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Fields, A::Error> {
                let mut fields =
                    Fields { map: Map::new(), repeated: Vec::new(), repeated_unknown: Vec::new() };
                while let Some(name) = object.next_key::<String>()? {
                    let Json(value) = object.next_value()?;
                    match fields::known(&name) {
                        Some(field) => {
                            let name = if field.hf == name { name } else { field.hf.to_owned() };
                            if fields.map.insert(name, value).is_some() {
                                fields.repeated.push(field.hf);
                            }
                        }
                        None if fields.map.contains_key(&name) => {
                            fields.repeated_unknown.push(name.clone());
                            fields.map.insert(name, value);
                        }
                        None => {
                            fields.map.insert(name, value);
                        }
                    }
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

/// Resolves templates in file order.
pub(crate) struct Resolver<'t, 'r, 'e> {
    defaults: &'r Defaults<'r>,
    files: &'r TemplateFiles,
    types: SiteTypes<'r, 'e>,
    findings: &'r mut Findings,
    /// Templates that wait for their parts in other files; where there is one file, none waits.
    drafts: Vec<Draft<'t>>,
    /// Place of each id in the drafts, or of its only use.
    ids: HashMap<String, Use<'t>>,
    /// Unknown names that were checked already.
    looked_at: HashSet<String>,
    /// Fields with quoted numbers: position and template of the first one, and the number of templates that have one.
    quoted: BTreeMap<&'static str, Quoted<'t>>,
    overlaps: Overlaps,
    /// Ids that are in one file twice: which template is meant cannot be known.
    ambiguous: HashSet<String>,
    templates: Vec<Template>,
    left_out: Vec<LeftOut>,
}

/// A template whose fields are read and checked, and not completed yet.
struct Draft<'t> {
    id: Option<String>,
    written: Written<'t>,
    map: Map<String, Value>,
    sound: bool,
}

#[derive(Clone, Copy)]
enum Use<'t> {
    Draft(usize),
    Done(Part<'t>),
}

struct Quoted<'t> {
    at: At<'t>,
    field: String,
    templates: usize,
}

impl<'t, 'r, 'e> Resolver<'t, 'r, 'e> {
    pub(crate) fn new(
        defaults: &'r Defaults<'r>,
        files: &'r TemplateFiles,
        types: SiteTypes<'r, 'e>,
        findings: &'r mut Findings,
    ) -> Self {
        Self {
            defaults,
            files,
            types,
            findings,
            drafts: Vec::new(),
            ids: HashMap::new(),
            looked_at: HashSet::new(),
            quoted: BTreeMap::new(),
            overlaps: Overlaps::default(),
            ambiguous: HashSet::new(),
            templates: Vec::new(),
            left_out: Vec::new(),
        }
    }

    /// The templates that are offered, and those that are not.
    pub(crate) fn finish(mut self) -> (Vec<Template>, Vec<LeftOut>) {
        let whole = self.findings.about(Subject::Template);
        for draft in std::mem::take(&mut self.drafts) {
            self.complete(draft);
        }
        self.findings.about(whole);
        self.templates.retain(|template| !self.ambiguous.contains(template.id()));
        // The same quirk in many templates is one finding.
        for Quoted { at: (text, at), field, templates } in self.quoted.into_values() {
            let others = match templates {
                1 => String::new(),
                2 => ", and of 1 other template,".to_owned(),
                count => format!(", and of {} other templates,", count - 1),
            };
            let message = format!("{field}{others} has a number in quotes; it is read as the number");
            self.findings.warning(text, at, message, None);
        }
        self.overlaps.tell(self.findings);
        self.types.tell(self.findings);
        (self.templates, self.left_out)
    }

    /// Adds the template in `part`, a slice of `text`.
    pub(crate) fn add(&mut self, text: &'t Text, part: &'t str) {
        let whole = self.findings.about(Subject::Template);
        self.add_part(text, part);
        self.findings.about(whole);
    }

    fn add_part(&mut self, text: &'t Text, part: &'t str) {
        if !part.starts_with('{') {
            let value = text.value(part).map_or_else(|_| "something else".to_owned(), |value| shown(&value));
            let message = format!("a template must be an object, not {value}");
            return self.findings.error(text, text.offset(part), &message, None);
        }
        match text.parse::<Fields>(part) {
            Ok(fields) => {
                let draft = self.draft(text, part, fields);
                self.place(draft);
            }
            Err(syntax) => self.findings.error(text, syntax.offset, &syntax.message, None),
        }
    }

    /// Checks each field.
    fn draft(&mut self, text: &'t Text, part: &'t str, fields: Fields) -> Draft<'t> {
        let Fields { mut map, repeated, repeated_unknown } = fields;
        let id = map.get("templateId").and_then(Value::as_str).map(str::to_owned);
        let written = Written::new(text, part);
        let mut checked =
            Checked { written: &written, id: id.as_deref(), sound: true, findings: self.findings };
        checked.repeated(&repeated, &repeated_unknown);
        checked.id(&map);
        for (hf, at) in checked.values(&mut map, &mut self.looked_at) {
            let field = || checked.field(hf);
            let quoted = self.quoted.entry(hf).or_insert_with(|| Quoted { at, field: field(), templates: 0 });
            quoted.templates += 1;
        }
        let sound = checked.sound;
        Draft { id, written, map, sound }
    }

    /// Completes a template, or has it wait for its parts in the files that follow; joins it with a part that waits.
    fn place(&mut self, draft: Draft<'t>) {
        let Some(id) = draft.id.clone() else { return self.complete(draft) };
        let part = draft.written.first();
        match self.ids.get(&id).copied() {
            None if self.files.texts.len() == 1 => {
                self.ids.insert(id, Use::Done(part));
                self.complete(draft);
            }
            None => {
                self.ids.insert(id, Use::Draft(self.drafts.len()));
                self.drafts.push(draft);
            }
            Some(Use::Done(first)) => self.used_twice(&id, part, first),
            Some(Use::Draft(index)) => self.join(&id, index, draft),
        }
    }

    /// Joins two parts of a template: the fields of the more specific file count.
    fn join(&mut self, id: &str, index: usize, draft: Draft<'t>) {
        let Some(known) = self.drafts.get_mut(index) else { return };
        let (part, first) = (draft.written.first(), known.written.first());
        if known.written.is_in(part.text) {
            return self.used_twice(id, part, first);
        }
        let scopes = self.files.scope(first.text).zip(self.files.scope(part.text));
        known.sound &= draft.sound;
        match scopes {
            Some((known_scope, scope)) if scope.covers(known_scope) => {
                layers::add_below(&mut known.map, &draft.map);
                known.written.add_below(part);
                self.overlaps.add(id, first, part, Joined::Fields);
            }
            Some((known_scope, scope)) if known_scope.covers(scope) => {
                let below = std::mem::replace(&mut known.map, draft.map);
                layers::add_below(&mut known.map, &below);
                known.written.add_above(part);
                self.overlaps.add(id, part, first, Joined::Fields);
            }
            _ => self.overlaps.add(id, first, part, Joined::FirstOnly),
        }
    }

    fn used_twice(&mut self, id: &str, part: Part<'t>, first: Part<'t>) {
        self.ambiguous.insert(id.to_owned());
        let (text, start) = part.start();
        let id_at = find(part.object, &[Step::Key("templateId")]).map_or(start, |part| text.offset(part));
        let message = format!("the templateId `{id}` is already used at {}", first.place());
        let hint = "give each template its own id".to_owned();
        self.findings.error(text, id_at, &message, Some(hint));
    }

    /// Adds defaults and attributes, and checks what depends on more than one field.
    fn complete(&mut self, draft: Draft<'t>) {
        let Draft { id, written, mut map, sound } = draft;
        let mut checked = Checked { written: &written, id: id.as_deref(), sound, findings: self.findings };
        if !map.contains_key("priceType")
            && let Some(implied) = price::implied_by(map.get("spotPrice"))
        {
            map.insert("priceType".to_owned(), Value::from(implied.to_string()));
        }
        self.defaults.add_fields(&mut map);
        let max_number = checked.max_number(&map);
        checked.price(&map);
        checked.volume(&map);
        let attributes = checked.attributes(map.get_mut("attributes"));
        let types = &mut self.types;
        let lacking =
            attributes.map(|attributes| checked.complete(attributes, &mut map, self.defaults, types));
        let sound = checked.sound;

        let Some(id) = id else { return };
        let (text, at) = written.start();
        match (lacking, max_number) {
            (Some(Ok(())), Some(_)) if sound => match Template::new(map) {
                Ok(template) => self.templates.push(template),
                // A value that its rule allows and the specification does not: the message lacks its position only.
                Err(errors) => self.findings.error(text, at, &format!("template `{id}`: {errors}"), None),
            },
            (Some(Err((why, hint))), _) => {
                let left_out = LeftOut { id, why, hint };
                self.findings.warning(text, at, left_out.message(), Some(left_out.hint.clone()));
                self.left_out.push(left_out);
            }
            _ => (),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_that_decrease() {
        for (published, now, lower) in [
            (5, 4, true),
            (5, 5, false),
            (5, 6, false),
            (1, 0, true),
            (5, -1, false),
            (-1, 5, true),
            (-1, -1, false),
            (0, 0, false),
        ] {
            let found = LimitDecrease::between("a", published, now);
            assert_eq!(found.is_some(), lower, "{published} {now}");
        }
    }
}
