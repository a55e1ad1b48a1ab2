//! How long it takes to resolve and to validate a catalog: `cargo run --release -p ohfp-service --example validate -- 10000`.
#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use ohfp_cli::GlobalOptions;
use ohfp_service::invocation::{Environment, Invocation};
use ohfp_service::validation;

/// Every fifth template is a fleet with several types.
fn catalog(count: usize) -> String {
    let mut text = "{\"templates\": [".to_owned();
    for number in 0..count {
        let kind = if number % 5 == 0 {
            r#""vmTypes": {"m6i.large": 1, "m5.large": 1, "c5.xlarge": 2}, "priceType": "spot""#
        } else {
            r#""vmType": "m6i.large", "priceType": "ondemand""#
        };
        let separator = if number == 0 { "" } else { "," };
        let _ = write!(
            text,
            "{separator}\n{{\"templateId\": \"t-{number}\", \"maxNumber\": 10, \"imageId\": \"ami-0a1b2c3d4e5f60718\", \
             \"subnetId\": \"subnet-0a1b2c3d4e5f60718\", \"securityGroupIds\": [\"sg-0a1b2c3d4e5f60718\"], {kind}, \
             \"keyName\": \"grid\", \"instanceTags\": \"team=grid;cost=42\", \"attributes\": {{\"rank\": {number}}}}}"
        );
    }
    text.push_str("\n]}\n");
    text
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let count = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(10_000);
    let directory = std::env::temp_dir().join(format!("ohfp-validate-{}", std::process::id()));
    std::fs::create_dir_all(&directory)?;
    std::fs::write(directory.join("awsprov_templates.json"), catalog(count))?;
    std::fs::write(directory.join("config.json"), r#"{"provider": {"type": "aws"}}"#)?;
    let mut fastest = [Duration::MAX; 2];
    for _ in 0..20 {
        let options = GlobalOptions { config: Some(directory.clone()), ..GlobalOptions::default() };
        let env = Environment::from_iter([("HOME", "/nonexistent")]);
        let invocation = Invocation::new(options, env).map_err(|error| error.to_string())?;
        let start = Instant::now();
        let valid = validation::validate(&invocation).map_err(|errors| errors.joined().to_string())?;
        let validated = start.elapsed();
        let start = Instant::now();
        let catalog = invocation.catalog().map_err(|errors| errors.joined().to_string())?;
        let found = catalog.templates().map_err(|errors| errors.joined().to_string())?.len();
        let resolved = start.elapsed();
        assert_eq!((valid.templates, found), (count, count));
        for (fastest, time) in fastest.iter_mut().zip([resolved, validated]) {
            *fastest = time.min(*fastest);
        }
    }
    let [resolved, validated] = fastest.map(|time| time.as_secs_f64() * 1_000.0);
    println!("{count} templates: resolved in {resolved:.1} ms, resolved and validated in {validated:.1} ms");
    std::fs::remove_dir_all(&directory)?;
    Ok(())
}
