//! Defaults for fields that a template lacks: those of its provider, then the global ones.
//!
//! It must not know where templates come from.

use ohfp_broker::launch_spec::{self, Tags};
use serde_json::{Map, Value};

use crate::nearest::did_you_mean;
use crate::providers::instance::ProviderInstance;
use crate::settings::effective::Settings;
use crate::settings::key_table::{
    ARM64, DEFAULT_ATTRIBUTES, DEFAULT_PRICE_TYPE, MACHINE_TYPE_NAMES, NCPUS_FROM, TEMPLATE_PROVIDER_NAME,
    TEMPLATE_PROVIDER_TYPE, TEMPLATE_TAGS, X86_64,
};
use crate::settings::other_names::DEFAULT_TAGS;
use crate::settings::redact::redact;
use crate::settings::rule::shown;
use crate::source::findings::{Findings, Subject};
use crate::source::text::{Step, Text, find};
use crate::templates::attributes::make_typed;
use crate::templates::fields;
use crate::templates::layers;
use crate::templates::sizing::Derivation;

/// The default fields and attributes.
#[derive(Debug)]
pub(crate) struct Defaults<'s> {
    /// Typed attributes.
    attributes: Map<String, Value>,
    price_type: Option<&'s str>,
    /// Tags of all templates, as the field `instanceTags`; empty where there are none.
    tags: Map<String, Value>,
    max_number: Option<i64>,
    derivation: Derivation,
    /// `template.default_provider_name`
    provider_name: Option<&'s str>,
    /// `template.default_provider_type`
    provider_type: Option<&'s str>,
    providers: &'s [ProviderInstance],
}

impl<'s> Defaults<'s> {
    /// Reads the defaults from the settings; `config` is their file, for messages.
    pub(crate) fn new(
        settings: &'s Settings,
        providers: &'s [ProviderInstance],
        config: Option<&Text>,
        findings: &mut Findings,
    ) -> Self {
        let mut attributes = Map::new();
        for (name, value) in settings.of(&DEFAULT_ATTRIBUTES).into_iter().flatten() {
            let mut value = value.clone();
            match (make_typed(name, &mut value), config) {
                (Ok(()), _) => {
                    attributes.insert(name.clone(), value);
                }
                (Err(allowed), Some(text)) => {
                    let path = [Step::Key("template"), Step::Key("default_attributes"), Step::Key(name)];
                    let at = find(text.as_str(), &path).map_or(0, |part| text.offset(part));
                    let message = format!("`template.default_attributes.{name}` {allowed}");
                    let whole = findings.about(Subject::Setting("template.default_attributes".to_owned()));
                    findings.error(text, at, &message, None);
                    findings.about(whole);
                }
                (Err(_), None) => (),
            }
        }
        let price_type = settings.of(&DEFAULT_PRICE_TYPE);
        let derivation = derivation(settings, config, findings);
        Self {
            attributes,
            price_type,
            tags: tags(settings, config, findings),
            max_number: settings.max_number(),
            derivation,
            provider_name: settings.of(&TEMPLATE_PROVIDER_NAME),
            provider_type: settings.of(&TEMPLATE_PROVIDER_TYPE),
            providers,
        }
    }

    pub(crate) fn derivation(&self) -> &Derivation {
        &self.derivation
    }

    /// Adds missing fields, except attributes.
    pub(crate) fn add_fields(&self, fields: &mut Map<String, Value>) {
        let instance = self.instance(fields);
        let own = instance.iter().flat_map(|instance| &instance.template_defaults);
        layers::add_below(fields, own.filter(|(name, _)| *name != "attributes" && *name != "templateId"));
        layers::add_below(fields, &self.tags);
        if let (Some(price_type), false) = (self.price_type, fields.contains_key("priceType")) {
            fields.insert("priceType".to_owned(), Value::from(price_type));
        }
        if let (Some(number), false) = (self.max_number, fields.contains_key("maxNumber")) {
            fields.insert("maxNumber".to_owned(), Value::from(number));
        }
    }

    /// The typed attributes for a template with these fields, the provider's over the global ones.
    pub(crate) fn attributes(&self, fields: &Map<String, Value>) -> std::borrow::Cow<'_, Map<String, Value>> {
        let own = self.instance(fields).and_then(|instance| instance.template_defaults.get("attributes"));
        let Some(own) = own.and_then(Value::as_object) else {
            return std::borrow::Cow::Borrowed(&self.attributes);
        };
        let mut all = own.clone();
        for (name, value) in &self.attributes {
            if !all.contains_key(name) {
                all.insert(name.clone(), value.clone());
            }
        }
        std::borrow::Cow::Owned(all)
    }

    /// The instance a template is for: the one it names, the first enabled of the type it names, or the
    /// default one.
    fn instance(&self, fields: &Map<String, Value>) -> Option<&'s ProviderInstance> {
        let (name, kind) = launch_spec::wanted_provider(fields);
        let of_name = |name: &str| self.providers.iter().find(|instance| instance.name == name);
        let of_type =
            |kind: &str| self.providers.iter().find(|instance| instance.kind == kind && instance.enabled);
        // The template has precedence over the defaults, and a name over a type.
        match (name, kind, self.provider_name, self.provider_type) {
            (Some(name), ..) | (None, None, Some(name), _) => return of_name(name),
            (None, Some(kind), ..) | (None, None, None, Some(kind)) => return of_type(kind),
            (None, None, None, None) => (),
        }
        self.providers.iter().find(|instance| instance.default)
    }
}

/// The tags of `template.tags` as the field of a template.
fn tags(settings: &Settings, config: Option<&Text>, findings: &mut Findings) -> Map<String, Value> {
    const KEY: &str = TEMPLATE_TAGS.key.name;
    let mut tags = Map::new();
    for (name, value) in settings.of(&TEMPLATE_TAGS).into_iter().flatten() {
        let text = match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
            _ => None,
        };
        // Neither separator can be part of a tag in that form.
        let fits = |text: &String| !name.is_empty() && !name.contains(['=', ';']) && !text.contains(';');
        if let Some(text) = text.filter(fits) {
            tags.insert(name.clone(), Value::String(text));
        } else if let Some(source) = config {
            let aliased = DEFAULT_TAGS.split('.').chain([name.as_str()]).map(Step::Key).collect::<Vec<_>>();
            let path = [Step::Key("template"), Step::Key("tags"), Step::Key(name)];
            let part = find(source.as_str(), &path).or_else(|| find(source.as_str(), &aliased));
            let at = part.map_or(0, |part| source.offset(part));
            let shown = shown(&redact(name, value));
            let message = format!(
                "`{KEY}.{name}` must be a string without a semicolon, under a name without `=` and semicolon, not {shown}"
            );
            let whole = findings.about(Subject::Setting(KEY.to_owned()));
            findings.error(source, at, &message, None);
            findings.about(whole);
        }
    }
    let field = |tags| ("instanceTags".to_owned(), Value::String(Tags::join(tags)));
    Some(&tags).filter(|tags| !tags.is_empty()).map(field).into_iter().collect()
}

/// How attributes are derived, from the keys of `template`.
fn derivation(settings: &Settings, config: Option<&Text>, findings: &mut Findings) -> Derivation {
    const KEY: &str = MACHINE_TYPE_NAMES.key.name;
    let mut derivation = Derivation {
        ncpus_from: settings.of(&NCPUS_FROM),
        x86: X86_64.1.to_owned(),
        arm: ARM64.1.to_owned(),
    };
    for (name, value) in settings.of(&MACHINE_TYPE_NAMES).into_iter().flatten() {
        let word = match name.as_str() {
            name if name == X86_64.0 => Some(&mut derivation.x86),
            name if name == ARM64.0 => Some(&mut derivation.arm),
            _ => None,
        };
        let message = match (word, value.as_str().filter(|text| !text.is_empty())) {
            (Some(word), Some(text)) => {
                text.clone_into(word);
                continue;
            }
            (Some(_), None) => {
                format!("`{KEY}.{name}` must be a string that is not empty, not {}", shown(value))
            }
            (None, _) => format!("`{KEY}.{name}` is no kind of processor: there are `x86_64` and `arm64`"),
        };
        if let Some(text) = config {
            let path = [Step::Key("template"), Step::Key("machine_type_names"), Step::Key(name)];
            let at = find(text.as_str(), &path).map_or(0, |part| text.offset(part));
            findings.error(text, at, &message, None);
        }
    }
    derivation
}

/// The valid template defaults under Host Factory's names. `part` is the object in `text`.
pub(crate) fn field_defaults(
    text: &Text,
    part: &str,
    given: &Map<String, Value>,
    findings: &mut Findings,
) -> Map<String, Value> {
    let at = |path: &[Step<'_>]| text.offset(find(part, path).unwrap_or(part));
    let mut defaults = Map::new();
    for (name, value) in given {
        let (hf, mut value) = (fields::hf_name(name), value.clone());
        let value_at = at(&[Step::Key(name)]);
        if hf == "attributes" {
            let Value::Object(attributes) = &mut value else {
                let message = format!("`template_defaults.{name}` must be an object, not {}", shown(&value));
                findings.error(text, value_at, &message, None);
                continue;
            };
            for (attribute, value) in attributes {
                if let Err(allowed) = make_typed(attribute, value) {
                    let message = format!("`template_defaults.{name}.{attribute}` {allowed}");
                    findings.error(text, at(&[Step::Key(name), Step::Key(attribute)]), &message, None);
                }
            }
        } else if let Some(field) = fields::known(name) {
            if field.unquote(&mut value) {
                let message =
                    format!("`template_defaults.{name}` has a number in quotes; it is read as the number");
                findings.warning(text, value_at, message, None);
            }
            if !value.is_null()
                && let Some(fault) = field.rule.fault(&value)
            {
                let member = fault.member.map(|member| format!(".{member}")).unwrap_or_default();
                let message = format!(
                    "`template_defaults.{name}{member}` must be {}, not {}",
                    fault.allowed,
                    shown(&redact(name, fault.value))
                );
                findings.error(text, value_at, &message, None);
                continue;
            }
        } else if let Some(meant) = fields::typo_of(name) {
            let message = format!(
                "`template_defaults.{name}` is not a known field; it is copied into templates unchanged"
            );
            findings.warning(text, value_at, message, did_you_mean(Some(meant)));
        }
        fields::normalize(hf, &mut value);
        // Null is the same as a missing default.
        if !value.is_null() {
            defaults.insert(hf.to_owned(), value);
        }
    }
    defaults
}
