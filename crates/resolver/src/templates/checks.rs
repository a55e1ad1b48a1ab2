//! The checks of one template: each error names the position and the allowed values.
//!
//! It must not know how templates are collected.

use std::collections::HashSet;

use ohfp_broker::launch_spec::{MachineRequirements, PriceType, Tags, VolumeType, price};
use ohfp_broker::template::{ID_RULE, MaxNumber, is_id};
use serde_json::{Map, Value};

use crate::nearest::{did_you_mean, nearest};
use crate::settings::redact::redact;
use crate::settings::rule::shown;
use crate::source::findings::Findings;
use crate::templates::attributes::make_typed;
use crate::templates::defaults::Defaults;
use crate::templates::site_types::{FILE, SiteTypes};
use crate::templates::sizing::Sizing;
use crate::templates::written::{At, Written};
use crate::templates::{attributes, fields, requirements, sizing, specified};

/// The checks of one template.
pub(super) struct Checked<'t, 'f> {
    pub(super) written: &'f Written<'t>,
    pub(super) id: Option<&'f str>,
    /// Whether no error was found so far.
    pub(super) sound: bool,
    pub(super) findings: &'f mut Findings,
}

impl<'t> Checked<'t, '_> {
    /// Names a field for messages: "`maxNumber` of template `x`".
    pub(super) fn field(&self, name: &str) -> String {
        match self.id {
            Some(id) => format!("`{name}` of template `{id}`"),
            None => format!("`{name}` of a template without templateId"),
        }
    }

    fn template(&self) -> String {
        self.id.map_or_else(|| "this template".to_owned(), |id| format!("template `{id}`"))
    }

    fn error(&mut self, (text, at): At<'_>, message: &str, hint: Option<String>) {
        self.sound = false;
        self.findings.error(text, at, message, hint);
    }

    fn warning(&mut self, (text, at): At<'_>, message: String, hint: Option<String>) {
        self.findings.warning(text, at, message, hint);
    }

    /// Reports repeated names. Fields that decide what is launched must be unambiguous; of others the last one
    /// counts.
    pub(super) fn repeated(&mut self, known: &[&'static str], unknown: &[String]) {
        for name in known {
            let at = self.written.field(name);
            if ["templateId", "maxNumber"].contains(name) {
                let message = format!("{} is given twice, perhaps in two spellings", self.field(name));
                self.error(at, &message, Some("remove one of them".to_owned()));
            } else {
                let message = format!(
                    "{} is given twice, perhaps in two spellings; the last one counts",
                    self.field(name)
                );
                self.warning(at, message, None);
            }
        }
        for name in unknown {
            let message = format!("{} is given twice; the last one counts", self.field(name));
            self.warning(self.written.name(name), message, None);
        }
    }

    pub(super) fn id(&mut self, map: &Map<String, Value>) {
        match map.get("templateId") {
            Some(Value::String(id)) if is_id(id) => (),
            Some(value) => {
                let message = format!("`templateId` must be {ID_RULE}, not {}", shown(value));
                self.error(self.written.field("templateId"), &message, None);
            }
            None => match misspelled(map, "templateId") {
                Some(name) => self.misspelled(name, "templateId"),
                None => self.error(self.written.start(), "this template has no `templateId`", None),
            },
        }
    }

    /// Reports a required field whose name is misspelled.
    fn misspelled(&mut self, name: &str, meant: &str) {
        let message =
            format!("{} has no `{meant}`, but `{name}`, which is not a known field", self.template());
        self.error(self.written.name(name), &message, did_you_mean(Some(meant)));
    }

    /// Checks every field. Returns the fields with quoted numbers, which are numbers now, with their positions.
    pub(super) fn values(
        &mut self,
        map: &mut Map<String, Value>,
        looked_at: &mut HashSet<String>,
    ) -> Vec<(&'static str, At<'t>)> {
        let mut quoted = Vec::new();
        for (name, value) in map {
            let Some(field) = fields::known(name) else {
                if !looked_at.contains(name) {
                    looked_at.insert(name.clone());
                    self.unknown(name);
                }
                continue;
            };
            if field.unquote(value) {
                quoted.push((field.hf, self.written.field(name)));
            }
            if !value.is_null()
                && let Some(fault) = field.rule.fault(value)
            {
                let (path, at) = match fault.member {
                    Some(member) => (format!("{name}.{member}"), self.written.member(name, member)),
                    None => (name.clone(), self.written.field(name)),
                };
                let message = format!(
                    "{} must be {}, not {}",
                    self.field(&path),
                    fault.allowed,
                    shown(&redact(name, fault.value))
                );
                let word = value.as_str().and_then(|word| nearest(word, field.rule.words().iter().copied()));
                self.error(at, &message, did_you_mean(word));
                continue;
            }
            fields::normalize(field.hf, value);
            self.doubtful(field.hf, value);
        }
        quoted
    }

    /// Warns if an unknown name resembles a known one.
    fn unknown(&mut self, name: &str) {
        if let Some(meant) = fields::typo_of(name) {
            let message = format!("{} is not a known field; it is passed on as it is", self.field(name));
            self.warning(self.written.name(name), message, did_you_mean(Some(meant)));
        }
    }

    /// Warns about values that are allowed but not useful.
    fn doubtful(&mut self, hf: &str, value: &Value) {
        let text = value.as_str();
        let message = match (hf, text) {
            ("instanceTags", Some(tags)) if !Tags::is_form_of(tags) => {
                format!("{} does not look like `key=value;key=value`", self.field(hf))
            }
            ("maxSpotPrice" | "spotPrice", Some(price))
                if !price.trim().is_empty() && price.trim().parse::<f64>().is_err() =>
            {
                format!("{} is not a number: {}", self.field(hf), shown(value))
            }
            _ => return,
        };
        self.warning(self.written.field(hf), message, None);
    }

    pub(super) fn max_number(&mut self, map: &Map<String, Value>) -> Option<i64> {
        let Some(value) = map.get("maxNumber") else {
            if let Some(name) = misspelled(map, "maxNumber") {
                self.misspelled(name, "maxNumber");
                return None;
            }
            let hint = "-1 means no limit; `template.max_number` in config.json gives all templates a number";
            let message = format!("{} has no `maxNumber`", self.template());
            self.error(self.written.start(), &message, Some(hint.to_owned()));
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
                    self.warning(self.written.field("maxNumber"), message, None);
                }
                Some(number)
            }
            _ => {
                let message = format!(
                    "{} must be a whole number, -1 for no limit, 0 for none, or more, not {}",
                    self.field("maxNumber"),
                    shown(value)
                );
                self.error(self.written.field("maxNumber"), &message, None);
                None
            }
        }
    }

    /// The written `priceType` decides; a contradicting price gives a warning.
    pub(super) fn price(&mut self, map: &Map<String, Value>) {
        let written = map.get("priceType").and_then(Value::as_str).and_then(PriceType::parse);
        if written == Some(PriceType::OnDemand) && price::implied_by(map.get("spotPrice")).is_some() {
            let message = format!("{} has no effect with priceType ondemand", self.field("spotPrice"));
            let hint = "leave `priceType` out, and it is a spot template".to_owned();
            self.warning(self.written.field("spotPrice"), message, Some(hint));
        }
    }

    pub(super) fn volume(&mut self, map: &Map<String, Value>) {
        let has_iops = map.get("iops").is_some_and(|iops| !iops.is_null());
        let volume_type = map.get("volumeType").and_then(Value::as_str);
        if has_iops && !volume_type.and_then(VolumeType::parse).is_some_and(VolumeType::takes_iops) {
            let message = format!(
                "{} has no effect with volumeType {}",
                self.field("iops"),
                volume_type.unwrap_or("gp2, the default")
            );
            let hint = "volumeType io1, io2 or gp3 takes iops".to_owned();
            self.warning(self.written.field("iops"), message, Some(hint));
        }
    }

    /// Takes the attributes out of the template, as typed lists; `None` if they are invalid.
    pub(super) fn attributes(&mut self, value: Option<&mut Value>) -> Option<Map<String, Value>> {
        let Some(value) = value else { return Some(Map::new()) };
        let Value::Object(attributes) = value else {
            let message = format!(
                "{} must be an object like {{\"ncpus\": 2, \"nram\": 4096}}, not {}",
                self.field("attributes"),
                shown(value)
            );
            self.error(self.written.field("attributes"), &message, None);
            return None;
        };
        let mut sound = true;
        for (name, value) in attributes.iter_mut() {
            if let Err(allowed) = make_typed(name, value) {
                let at = self.written.member("attributes", name);
                let message = format!("{} {allowed}", self.field(&format!("attributes.{name}")));
                self.error(at, &message, None);
                sound = false;
            }
        }
        let misspelled =
            attributes.keys().find_map(|name| Some((name, attributes::typo_of(name, attributes)?)));
        if let Some((name, meant)) = misspelled {
            let at = self.written.member("attributes", name);
            let path = format!("attributes.{name}");
            let message = format!("{} may be meant for `{meant}`, which is not there", self.field(&path));
            self.warning(at, message, did_you_mean(Some(meant)));
        }
        sound.then(|| std::mem::take(attributes))
    }

    /// Puts the completed attributes back. If some cannot be derived, the template is left out, with the reason
    /// and a fix.
    pub(super) fn complete(
        &mut self,
        mut attributes: Map<String, Value>,
        map: &mut Map<String, Value>,
        defaults: &Defaults<'_>,
        known: &mut SiteTypes<'_, '_>,
    ) -> Result<(), (String, String)> {
        let given = sizing::REQUIRED.iter().all(|name| attributes.contains_key(*name));
        let extra = defaults.attributes(map);
        let is_complete = given
            || sizing::REQUIRED
                .iter()
                .all(|name| attributes.contains_key(*name) || extra.contains_key(*name));
        let specified;
        let mut types = Sizing::of(map, &mut |name| known.find(name));
        if types.chosen.is_none() && !is_complete && specified::has_file(map) {
            specified = known.specified(map).unwrap_or_else(|(field, error)| {
                let message = format!("{} names a file that cannot be read: {error}", self.field(field));
                self.error(self.written.field(field), &message, error.hint_text().map(str::to_owned));
                Vec::new()
            });
            types.choose(specified.iter().map(String::as_str), &mut |name| known.find(name));
        }
        let size = types.chosen.map(|chosen| chosen.size).or_else(|| {
            requirements::least(&MachineRequirements::parse(map.get("abisInstanceRequirements")?)?)
        });
        let missing = sizing::complete(&mut attributes, &extra, size.as_ref(), defaults.derivation());
        if !missing.is_empty() {
            let why = format!("it {}, and lacks the attributes {}", sizeless(map, &types), quoted(&missing));
            let hint = if types.unknown.is_empty() {
                "write them into its `attributes`".to_owned()
            } else {
                format!("write them into its `attributes`, or add the machine type to {FILE}")
            };
            return Err((why, hint));
        }
        if let (false, Some(chosen), false) = (given, types.chosen, types.unknown.is_empty()) {
            let message = format!(
                "{} has machine types that are not known here: {}; its attributes are those of `{}`",
                self.template(),
                quoted(&types.unknown),
                chosen.name
            );
            self.warning(self.written.start(), message, None);
        }
        map.insert("attributes".to_owned(), Value::Object(attributes));
        Ok(())
    }
}

/// Why the machine size of a template is unknown, to complete "it …".
fn sizeless(map: &Map<String, Value>, types: &Sizing<'_>) -> String {
    if !types.unknown.is_empty() {
        return format!("has machine type {}, which is not known here", quoted(&types.unknown));
    }
    let sources = ["vmType", "vmTypes", "abisInstanceRequirements"];
    let nearly = sources.into_iter().find_map(|meant| Some((misspelled(map, meant)?, meant)));
    let is_set = |name: &str| map.get(name).is_some_and(|value| !value.is_null());
    match nearly {
        Some((name, meant)) => {
            format!("has `{name}`, which is not a known field, where `{meant}` may be meant")
        }
        None if is_set("abisInstanceRequirements") => {
            "has `abisInstanceRequirements` without least numbers of `VCpuCount` and `MemoryMiB`".to_owned()
        }
        None if specified::has_file(map) => {
            "names no machine type, nor do its specification files".to_owned()
        }
        None if is_set("launchTemplateId") => {
            "names no machine type (its launch template may, which is not looked into)".to_owned()
        }
        None => "names no machine type".to_owned(),
    }
}

/// The unknown name in `map` that is probably a misspelling of the field `hf`.
fn misspelled<'m>(map: &'m Map<String, Value>, hf: &str) -> Option<&'m str> {
    let is_meant = |name: &&String| {
        fields::known(name).is_none()
            && fields::typo_of(name).is_some_and(|meant| fields::hf_name(meant) == hf)
    };
    map.keys().find(is_meant).map(String::as_str)
}

fn quoted(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}
