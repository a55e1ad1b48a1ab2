//! Why a key of another broker has no counterpart here.
//!
//! It must not know which keys ohfp has: only names that it lacks are looked up.

use ohfp_resolver::nearest::did_you_mean;
use ohfp_resolver::settings::keys;

/// Keys and whole sections of the Python brokers, with what an administrator wants to know of each.
const REASONS: &[(&str, &str)] = &[
    ("version", "it is the version of the other broker's format"),
    ("$schema", "it names the other broker's schema"),
    ("environment", "ohfp behaves the same in every environment"),
    ("debug", "-v and -vv show the log of one command"),
    ("scripts_dir", "`ohfp init --scripts-dir DIR` writes the scripts"),
    ("allow_destructive_admin", "each command that destroys something asks"),
    ("request_timeout", "`request.fulfillment_timeout_seconds` limits a request"),
    ("max_machines_per_request", "`request.max_machines_per_request` is the key that counts"),
    ("naming", "names and words of answers are fixed by Host Factory's contract"),
    ("resource", "names of AWS resources are made from the request's id"),
    ("logging.format", "the log has JSON lines"),
    ("metrics", "`ohfp metrics` counts without being asked; `metrics.textfile` writes them for Prometheus"),
    ("observability.otlp_endpoint", "`metrics.otlp.endpoint` names a collector"),
    ("observability", "`metrics.otlp` sends spans to a collector"),
    ("events", "the log and the state store have what happened"),
    ("circuit_breaker", "one call at a time finds out whether an endpoint can be reached again"),
    ("database", "`storage.sql_strategy.timeout` is how long a process waits for the database"),
    ("retry", "calls are repeated by the kind of their failure"),
    ("server", "there is no server: every command is a process of its own"),
    ("ui", "there is no server; `ohfp report` writes a page"),
    ("performance.caching.ami_resolution", "`image_cache_seconds` of an AWS provider is its counterpart"),
    ("performance.caching", "the snapshot and the result cache need no such setting"),
    ("performance.lazy_loading", "it says nothing about a component here"),
    ("performance", "batches and parallel calls follow from the number of machines"),
    ("scheduler.config_root", "the environment and --config name the configuration directory"),
    ("scheduler.config_dir", "the environment and --config name the configuration directory"),
    ("scheduler.work_dir", "the environment and --state-dir name the state directory"),
    ("scheduler.templates_filename", "templates are in `templates.json`"),
    ("scheduler", "it has no counterpart"),
    ("storage.json_strategy", "state is in one SQLite database"),
    ("storage.dynamodb_strategy", "state is in one SQLite database"),
    ("storage.default_storage_path", "the environment and --state-dir name the state directory"),
    ("storage.sql_strategy", "state is in one SQLite database on this host"),
    ("storage", "state is in one SQLite database"),
    ("template.default_provider_api", "the launch API follows from the template's fields"),
    ("template.ami_resolution", "`image_cache_seconds` of an AWS provider is its counterpart"),
    ("template.filename_patterns", "templates are in `templates.json`"),
    ("template.templates_file_path", "templates are in `templates.json`"),
    ("template.legacy_templates_file_path", "templates are in `templates.json`"),
    ("template", "templates have it themselves"),
    ("request.fulfillment_max_retries", "a launch is retried until its request's deadline"),
    ("request.concurrency_max_retries", "processes queue for the database"),
    ("request.fulfillment_batch_size", "batches follow from the limits of AWS's calls"),
    ("request.fulfillment_fallback_template_id", "a request is answered with its own template"),
    ("request.default_timeout", "`request.fulfillment_timeout_seconds` limits a request"),
    (
        "request.default_grace_period",
        "getReturnRequests tells the time that the provider leaves to a machine",
    ),
    ("request", "it has no counterpart"),
    ("provider.health_check_interval", "providers are checked when `ohfp providers health` asks"),
    ("provider.circuit_breaker", "one call at a time finds out whether an endpoint can be reached again"),
];

/// Members of a provider that have no counterpart.
const MEMBERS: &[(&str, &str)] = &[
    ("handlers", "the launch API follows from the template's fields"),
    ("handler_overrides", "the launch API follows from the template's fields"),
    ("capabilities", "what a provider can do is known"),
    ("health_check", "providers are checked when `ohfp providers health` asks"),
    ("extensions", "fields of templates belong into `template_defaults`"),
    ("launch_template", "launch templates are made for each request, and deleted with it"),
    ("cleanup", "what a request made is deleted with its last machine"),
];

/// Why the key of that dotted name is dropped.
pub(crate) fn of_key(name: &str) -> String {
    let is_of = |section: &str| {
        name.strip_prefix(section).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    if let Some((_, why)) = REASONS.iter().find(|(section, _)| is_of(section)) {
        return (*why).to_owned();
    }
    match did_you_mean(keys::nearest(name)) {
        Some(hint) => format!("neither broker has a key of that name; {hint}"),
        None => "neither broker has a key of that name".to_owned(),
    }
}

/// Why a member of a provider is dropped.
pub(crate) fn of_member(name: &str) -> String {
    let known = MEMBERS.iter().find(|(member, _)| *member == name);
    known.map_or("a provider has no such member", |(_, why)| why).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrowest_section_says_why() {
        for (name, part) in [
            ("server.auth.enabled", "no server"),
            ("naming", "contract"),
            ("circuit_breaker.half_open_max_calls", "one call at a time"),
            ("observability.otlp_endpoint", "metrics.otlp.endpoint"),
            ("performance.max_workers", "number of machines"),
            ("namings", "neither broker"),
            ("storage.strateg", "one SQLite database"),
            ("shceduler", "did you mean `scheduler`"),
        ] {
            assert!(of_key(name).contains(part), "{name}: {}", of_key(name));
        }
    }

    /// A narrower name behind a wider one would never be found.
    #[test]
    fn narrow_names_stand_before_wide_ones() {
        for (number, (name, _)) in REASONS.iter().enumerate() {
            for (wider, _) in &REASONS[..number] {
                assert!(!name.starts_with(&format!("{wider}.")) && name != wider, "{name} is behind {wider}");
            }
        }
    }
}
