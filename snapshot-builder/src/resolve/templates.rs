//! One template after the other: names translated, values checked, defaults and attributes added.
//!
//! It must not know which files templates come from, only their text for messages.

use std::collections::{HashMap, HashSet};
use std::fmt;

use ohfp_broker::template::{ID_RULE, MaxNumber, Template, is_id};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::attributes::{self, MachineTypes, make_typed};
use super::defaults::Defaults;
use super::fields;
use super::nearest::{did_you_mean, nearest};
use super::rule::shown;
use crate::load::{Findings, Step, Text, find, members};

/// The fields of a template as read: under Host Factory's names, with the names that came twice.
pub(crate) struct Fields {
    map: Map<String, Value>,
    repeated: Vec<&'static str>,
    /// Repeated names that are nobody's business but the user's.
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
                    let value = object.next_value()?;
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
pub(crate) struct Resolver<'t, 'r> {
    defaults: &'r Defaults<'r>,
    findings: &'r mut Findings,
    /// Where each id was first used.
    ids: HashMap<String, (&'t Text, usize)>,
    /// Unknown names already looked at.
    looked_at: HashSet<String>,
    templates: Vec<Template>,
}

impl<'t, 'r> Resolver<'t, 'r> {
    pub(crate) fn new(defaults: &'r Defaults<'r>, findings: &'r mut Findings) -> Self {
        Self { defaults, findings, ids: HashMap::new(), looked_at: HashSet::new(), templates: Vec::new() }
    }

    pub(crate) fn finish(self) -> Vec<Template> {
        self.templates
    }

    /// Adds the template in `part`, a slice of `text`.
    pub(crate) fn add(&mut self, text: &'t Text, part: &'t str) {
        if !part.starts_with('{') {
            let value =
                text.parse::<Value>(part).map_or_else(|_| "something else".to_owned(), |value| shown(&value));
            let message = format!("a template must be an object, not {value}");
            return self.findings.error(text, text.offset(part), &message, None);
        }
        match text.parse::<Fields>(part) {
            Ok(fields) => self.resolve(text, part, fields),
            Err(syntax) => self.findings.error(text, syntax.offset, &syntax.message, None),
        }
    }

    fn resolve(&mut self, text: &'t Text, part: &'t str, fields: Fields) {
        let Fields { mut map, repeated, repeated_unknown } = fields;
        let id = map.get("templateId").and_then(Value::as_str).map(str::to_owned);
        let mut checked = Checked { text, part, id: id.as_deref(), sound: true, findings: self.findings };
        checked.repeated(&repeated, &repeated_unknown);
        checked.id(map.get("templateId"));
        checked.values(&mut map, &mut self.looked_at);
        self.defaults.add_fields(&mut map);
        let max_number = checked.max_number(map.get("maxNumber"));
        checked.volume(&map);
        let attributes = checked.attributes(map.get_mut("attributes"));
        let complete = match attributes {
            Some(attributes) => checked.complete(attributes, &mut map, self.defaults),
            None => false,
        };
        let sound = checked.sound;

        let Some(id) = id else { return };
        let at = text.offset(part);
        if let Some((first, first_at)) = self.ids.get(&id) {
            let id_at = find(part, &[Step::Key("templateId")]).map_or(at, |part| text.offset(part));
            let message = format!("the templateId `{id}` is already used at {}", first.place(*first_at));
            return self.findings.error(
                text,
                id_at,
                &message,
                Some("give each template its own id".to_owned()),
            );
        }
        if let (true, true, Some(max_number)) = (sound, complete, max_number) {
            self.ids.insert(id.clone(), (text, at));
            self.templates.push(Template { id, max_number, fields: map });
        } else {
            self.ids.insert(id, (text, at));
        }
    }
}

/// The checks of one template.
struct Checked<'t, 'f> {
    text: &'t Text,
    part: &'t str,
    id: Option<&'f str>,
    sound: bool,
    findings: &'f mut Findings,
}

impl Checked<'_, '_> {
    /// "`maxNumber` of template `x`".
    fn field(&self, name: &str) -> String {
        match self.id {
            Some(id) => format!("`{name}` of template `{id}`"),
            None => format!("`{name}` of a template without templateId"),
        }
    }

    fn template(&self) -> String {
        self.id.map_or_else(|| "this template".to_owned(), |id| format!("template `{id}`"))
    }

    /// Where a field's value begins, whatever spelling its name has; the template where it has none.
    fn at(&self, hf: &str) -> usize {
        let members = members(self.part);
        let member = members.iter().rfind(|member| fields::hf_name(&member.name()) == hf);
        self.text.offset(member.map_or(self.part, |member| member.value.get()))
    }

    fn at_name(&self, name: &str) -> usize {
        let members = members(self.part);
        let member = members.iter().rfind(|member| member.name() == name);
        self.text.offset(member.map_or(self.part, |member| member.key.get()))
    }

    fn error(&mut self, at: usize, message: &str, hint: Option<String>) {
        self.sound = false;
        self.findings.error(self.text, at, message, hint);
    }

    /// Fields that decide what is bought must be unambiguous; of others the last counts.
    fn repeated(&mut self, known: &[&'static str], unknown: &[String]) {
        for name in known {
            let at = self.at(name);
            if ["templateId", "maxNumber"].contains(name) {
                let message = format!("{} is given twice, perhaps in two spellings", self.field(name));
                self.error(at, &message, Some("remove one of them".to_owned()));
            } else {
                let message = format!(
                    "{} is given twice, perhaps in two spellings; the last one counts",
                    self.field(name)
                );
                self.findings.warning(self.text, at, message, None);
            }
        }
        for name in unknown {
            let message = format!("{} is given twice; the last one counts", self.field(name));
            self.findings.warning(self.text, self.at_name(name), message, None);
        }
    }

    fn id(&mut self, value: Option<&Value>) {
        match value {
            Some(Value::String(id)) if is_id(id) => (),
            Some(value) => {
                let message = format!("`templateId` must be {ID_RULE}, not {}", shown(value));
                self.error(self.at("templateId"), &message, None);
            }
            None => self.error(self.text.offset(self.part), "this template has no `templateId`", None),
        }
    }

    fn values(&mut self, map: &mut Map<String, Value>, looked_at: &mut HashSet<String>) {
        for (name, value) in map {
            let Some(field) = fields::known(name) else {
                if !looked_at.contains(name) {
                    looked_at.insert(name.clone());
                    if let Some(meant) = fields::typo_of(name) {
                        let message =
                            format!("{} is not a known field; it is passed on as it is", self.field(name));
                        self.findings.warning(
                            self.text,
                            self.at_name(name),
                            message,
                            did_you_mean(Some(meant)),
                        );
                    }
                }
                continue;
            };
            if !value.is_null() && !field.rule.allows(value) {
                let message =
                    format!("{} must be {}, not {}", self.field(name), field.rule.allowed(), shown(value));
                let word = value.as_str().and_then(|word| nearest(word, field.rule.words().iter().copied()));
                self.error(self.at(name), &message, did_you_mean(word));
                continue;
            }
            fields::normalise(field.hf, value);
            if let ("instanceTags", Some(tags)) = (field.hf, value.as_str())
                && !fields::is_tags(tags)
            {
                let message = format!("{} does not look like `key=value;key=value`", self.field(name));
                self.findings.warning(self.text, self.at(name), message, None);
            }
        }
    }

    fn max_number(&mut self, value: Option<&Value>) -> Option<i64> {
        let Some(value) = value else {
            let hint = "-1 means no limit; `template.max_number` in config.json gives all templates a number";
            let message = format!("{} has no `maxNumber`", self.template());
            self.error(self.text.offset(self.part), &message, Some(hint.to_owned()));
            return None;
        };
        match value.as_i64() {
            Some(number) if MaxNumber::from_number(number).is_some() => {
                if number > MaxNumber::DOCUMENTED_MAXIMUM {
                    let message = format!(
                        "{} is {number}; Host Factory's documentation allows up to {}",
                        self.field("maxNumber"),
                        MaxNumber::DOCUMENTED_MAXIMUM
                    );
                    self.findings.warning(self.text, self.at("maxNumber"), message, None);
                }
                Some(number)
            }
            _ => {
                let message = format!(
                    "{} must be a whole number, -1 for no limit, 0 for none, or more, not {}",
                    self.field("maxNumber"),
                    shown(value)
                );
                self.error(self.at("maxNumber"), &message, None);
                None
            }
        }
    }

    fn volume(&mut self, map: &Map<String, Value>) {
        let has_iops = map.get("iops").is_some_and(|iops| !iops.is_null());
        let volume_type = map.get("volumeType").and_then(Value::as_str);
        if has_iops && !matches!(volume_type, Some("io1" | "io2" | "gp3")) {
            let message = format!(
                "{} has no effect with volumeType {}",
                self.field("iops"),
                volume_type.unwrap_or("gp2, the default")
            );
            let hint = "volumeType io1, io2 or gp3 takes iops".to_owned();
            self.findings.warning(self.text, self.at("iops"), message, Some(hint));
        }
    }

    /// The attributes as typed lists, taken out of the template; nothing when they are wrong.
    fn attributes(&mut self, value: Option<&mut Value>) -> Option<Map<String, Value>> {
        let Some(value) = value else { return Some(Map::new()) };
        let Value::Object(attributes) = value else {
            let message = format!(
                "{} must be an object like {{\"ncpus\": 2, \"nram\": 4096}}, not {}",
                self.field("attributes"),
                shown(value)
            );
            self.error(self.at("attributes"), &message, None);
            return None;
        };
        let mut sound = true;
        for (name, value) in attributes.iter_mut() {
            if let Err(allowed) = make_typed(name, value) {
                let members = find(self.part, &[Step::Key("attributes"), Step::Key(name)]);
                let at = members.map_or_else(|| self.at("attributes"), |part| self.text.offset(part));
                let message = format!("{} {allowed}", self.field(&format!("attributes.{name}")));
                self.error(at, &message, None);
                sound = false;
            }
        }
        sound.then(|| std::mem::take(attributes))
    }

    /// Puts the attributes back, with what was missing. False when the template must be left out.
    fn complete(
        &mut self,
        mut attributes: Map<String, Value>,
        map: &mut Map<String, Value>,
        defaults: &Defaults<'_>,
    ) -> bool {
        let types = MachineTypes::of(map);
        let given = attributes::REQUIRED.iter().all(|name| attributes.contains_key(*name));
        let extra = defaults.attributes(map);
        let missing = attributes::complete(&mut attributes, &extra, types.chosen, defaults.ncpus_from());
        let names = |names: &[&str]| {
            let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            quoted.join(", ")
        };
        if !missing.is_empty() {
            let why = if types.unknown.is_empty() {
                "names no machine type".to_owned()
            } else {
                format!("has machine type {}, which is not known here", names(&types.unknown))
            };
            let message = format!(
                "{} is left out: it {why} and lacks the attributes {}",
                self.template(),
                names(&missing)
            );
            let hint = "write them into its `attributes`".to_owned();
            self.findings.warning(self.text, self.text.offset(self.part), message, Some(hint));
            return false;
        }
        if let (false, Some(chosen), false) = (given, types.chosen, types.unknown.is_empty()) {
            let message = format!(
                "{} has machine types that are not known here: {}; its attributes are those of `{}`",
                self.template(),
                names(&types.unknown),
                chosen.name
            );
            self.findings.warning(self.text, self.text.offset(self.part), message, None);
        }
        map.insert("attributes".to_owned(), Value::Object(attributes));
        true
    }
}
