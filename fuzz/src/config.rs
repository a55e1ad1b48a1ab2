//! Configuration files: any bytes are either refused with words, or configure something that can be
//! shown and that a snapshot can hold.

use ohfp_render::Format;
use ohfp_render::queries::Query;
use ohfp_resolver::Secrets;
use serde_json::Value;

use crate::directory;

/// Between the two files of an input.
const SEPARATOR: &[u8] = b"\n====\n";
const TEMPLATES: &[u8] = br#"{"templates": [{"templateId": "a", "vmType": "m6i.large", "imageId": "ami-1"},
    {"templateId": "b", "maxNumber": 3, "vmTypes": {"c6i.large": 1}, "attributes": {"nram": 4096}}]}"#;

/// `config.json`, and behind a separator `awsprov_config.json`.
pub fn check(bytes: &[u8]) {
    let at = bytes.windows(SEPARATOR.len()).position(|window| window == SEPARATOR);
    let (config, ibm) = match at {
        Some(at) => (&bytes[..at], Some(&bytes[at + SEPARATOR.len()..])),
        None => (bytes, None),
    };
    let mut files = vec![("config.json", config), ("awsprov_templates.json", TEMPLATES)];
    files.extend(ibm.map(|ibm| ("awsprov_config.json", ibm)));
    let variables = [("ZONE", "b"), ("EMPTY", ""), ("ODD", "a\"b\\c${ZONE}")];
    match directory::load(&files, &variables) {
        Ok(resolved) => {
            for (command, document) in Query::all(&resolved) {
                for &format in Format::ALL {
                    let Some(rendered) = document.render(&resolved, format, Secrets::Hidden) else {
                        continue;
                    };
                    let bytes = rendered.bytes(false);
                    assert!(std::str::from_utf8(&bytes).is_ok(), "{command} {format}");
                    assert!(
                        format != Format::Json || serde_json::from_slice::<Value>(&bytes).is_ok(),
                        "{command} is not JSON"
                    );
                }
            }
            directory::check_resolved(&resolved, &files, &variables);
        }
        Err(errors) => directory::check_errors(&errors),
    }
}
