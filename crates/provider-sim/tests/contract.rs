//! The simulated provider keeps the promises of every provider, whichever kind of fleet it launches.
#![expect(clippy::unwrap_used, reason = "a test that cannot run must say so")]

use std::sync::Arc;

use ohfp_broker::contract::{Cloud, MemoryStore};
use ohfp_broker::provider::Provider;
use ohfp_broker::{Template, Timestamp};
use ohfp_provider_sim::{SimConfig, SimProvider};
use serde_json::{Value, json};

struct Simulated {
    records: Arc<MemoryStore>,
    options: Value,
}

impl Simulated {
    fn new(fleet: &str) -> Self {
        let fleet = json!({ "type": fleet, "at_once": 2, "interval_seconds": 10 });
        Self { records: Arc::default(), options: json!({ "fleet": fleet }) }
    }

    fn with(&self, more: &Value) -> Box<dyn Provider> {
        let mut options = self.options.as_object().unwrap().clone();
        options.extend(more.as_object().unwrap().clone());
        let config = SimConfig::from_options(&options).unwrap();
        Box::new(SimProvider::new("sim", config, self.records.clone()))
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_000_000_000_000 + seconds * 1_000)
}

impl Cloud for Simulated {
    fn provider(&self) -> Box<dyn Provider + '_> {
        self.with(&json!({}))
    }

    fn losing_answers(&self) -> Option<Box<dyn Provider + '_>> {
        Some(self.with(&json!({ "launch": { "unknown_probability": 1 } })))
    }

    fn template(&self) -> Template {
        let fields = json!({ "templateId": "t", "maxNumber": -1 });
        Template::new(fields.as_object().unwrap().clone()).unwrap()
    }

    fn unknown_id(&self) -> String {
        "i-0123456789abcdef0".to_owned()
    }

    fn start(&self) -> Timestamp {
        at(0)
    }

    fn after_boot(&self) -> Timestamp {
        at(100)
    }

    fn after_release(&self) -> Timestamp {
        at(200)
    }
}

mod instant {
    ohfp_broker::provider_contract!(super::Simulated::new("instant"));
}

mod request {
    ohfp_broker::provider_contract!(super::Simulated::new("request"));
}

mod maintain {
    ohfp_broker::provider_contract!(super::Simulated::new("maintain"));
}
