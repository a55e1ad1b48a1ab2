//! Machines of `RunInstances` keep the promises of every provider.

use std::sync::Arc;

use ohfp_broker::contract::{Cloud, MemoryStore};
use ohfp_broker::provider::Provider;
use ohfp_broker::{MachineId, Template, Timestamp};
use ohfp_provider_aws::{AwsOptions, AwsProvider};
use serde_json::json;

use crate::small_ec2::Ec2;

#[derive(Default)]
struct Account {
    ec2: Ec2,
    documents: Arc<MemoryStore>,
}

impl Account {
    fn with(&self, ec2: Ec2) -> Box<dyn Provider + '_> {
        let options = json!({ "region": "us-east-1" });
        let (options, findings) = AwsOptions::read(options.as_object().unwrap());
        assert_eq!(findings, []);
        Box::new(AwsProvider::new("aws", options, Arc::new(ec2), self.documents.clone()))
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_000_000_000_000 + seconds * 1_000)
}

impl Cloud for Account {
    fn provider(&self) -> Box<dyn Provider + '_> {
        self.with(self.ec2.clone())
    }

    fn losing_answers(&self) -> Option<Box<dyn Provider + '_>> {
        Some(self.with(Ec2 { loses_launches: true, ..self.ec2.clone() }))
    }

    fn failing_for(&self, ids: &[MachineId]) -> Option<Box<dyn Provider + '_>> {
        let denied = ids.iter().map(ToString::to_string).collect();
        Some(self.with(Ec2 { denied, ..self.ec2.clone() }))
    }

    fn template(&self) -> Template {
        let fields = json!({ "templateId": "t", "maxNumber": -1, "imageId": "ami-1", "vmType": "m5.large" });
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

ohfp_broker::provider_contract!(Account::default());
