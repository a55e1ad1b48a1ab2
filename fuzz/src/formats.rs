//! A configuration file in each format, as the only one of a site, and changes of it.
//!
//! The promises: no panic; what is changed can be read, and has the new value.

use std::path::Path;

use ohfp_resolver::load::Inputs;
use ohfp_resolver::{Environment, edit};
use serde_json::json;

/// Reads one file; the first byte says in which format.
pub fn check(bytes: &[u8]) {
    let Some((first, content)) = bytes.split_first() else { return };
    let names = ["c.json", "c.yaml", "c.toml"];
    let Some(name) = names.get(usize::from(*first) % names.len()).map(Path::new) else { return };
    let env = Environment::default();
    if let Ok(inputs) = Inputs::alone(name, content.to_vec())
        && let Ok(configuration) = inputs.configuration(&env)
    {
        for key in ["logging.level", "provider.providers", "provider.providers.0.config"] {
            let _ = inputs.layer_values(&configuration, key);
        }
    }
    let Ok(text) = std::str::from_utf8(content) else { return };
    for key in [&["logging", "level"][..], &["zz"], &["provider", "providers", "0", "name"]] {
        if let Ok(changed) = edit::set(name, text, key, &json!("x")) {
            assert!(edit::check(name, &changed).is_ok(), "{changed}");
            let _ = edit::unset(name, &changed, key);
        }
    }
}
