//! The members of an element of `provider.providers`.

use ohfp_keys::{DefaultValue, Object, Rule, flag, object, signed, unset_text};

ohfp_keys::table! {
    /// Every member that has an effect.
    pub(crate) MEMBERS;
    NAME: Option<&'static str> = "name", unset_text(Rule::Name), "its unique name";
    TYPE: Option<&'static str> = "type", unset_text(Rule::Name), "the kind of provider";
    ENABLED: bool = "enabled", flag(true), "whether new requests may go to it";
    PRIORITY: i64 = "priority", signed(i64::MIN, 0), "its place in the order of preference; lower goes first";
    WEIGHT: i64 = "weight", signed(1, 100), "its share of requests";
    CONFIG: Option<Object> = "config", object(Rule::Object, DefaultValue::Unset), "its options";
    TEMPLATE_DEFAULTS: Option<Object> = "template_defaults", object(Rule::Object, DefaultValue::Unset),
        "fields of templates that lack them";
}

/// Why a member or an option of other brokers' files has no effect, where an administrator may expect one.
pub(crate) fn idle_hint(name: &str) -> Option<&'static str> {
    const LAUNCH_TEMPLATE: &str = "each request makes its own launch template, which is deleted with it; `launchTemplateId` of a template names one of yours";
    (name == "launch_template").then_some(LAUNCH_TEMPLATE)
}

/// Members of other brokers' files that have no effect.
pub(crate) const WITHOUT_EFFECT: &[&str] =
    &["handlers", "handler_overrides", "extensions", "capabilities", "health_check", "launch_template"];
