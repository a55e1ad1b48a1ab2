//! The black-box tests: the installed programs on real files, seen as a user or Host Factory sees them. One
//! program, since linking sixty takes longer than running them.

mod common;

mod abandoned;
mod answer_files;
mod answers;
mod asking_by_hand;
mod aws;
mod aws_input;
mod aws_keys;
mod aws_state;
mod bad_config;
mod bad_files;
mod bad_input;
mod budgets;
mod cloud;
mod config_commands;
mod crowd;
mod damage;
mod dash;
mod diagnosis;
mod doctor;
mod documents;
mod dry_runs;
mod durability;
mod fingerprints;
mod fleets;
mod foreign_text;
mod freshness;
mod golden;
mod handing_on;
mod harmed_files;
mod health;
mod host_factory;
mod imports;
mod kills;
mod late_returns;
mod left_out;
mod limits;
mod lists;
mod live_budgets;
mod loader;
mod loading;
mod logs;
mod lsf;
mod metrics;
mod otlp;
mod passthrough;
mod peer_lines;
mod peer_scripts;
mod peer_settings;
mod planted_files;
mod power;
mod progress;
mod provider_changes;
mod random_lines;
mod reading_logs;
mod reclaims;
mod reconciling;
mod records;
mod report;
mod request_failures;
mod request_life;
mod returns;
mod rot;
mod screens;
mod scripts;
mod secrets;
mod setting_up;
mod settings_effects;
mod shells;
mod slots;
mod snapshot_build;
mod snapshot_faults;
mod snapshot_integrity;
mod snapshot_places;
mod snapshot_tool;
mod store_files;
mod store_trouble;
mod streams;
mod template_corpus;
mod template_edits;
mod template_fields;
mod terminals;
mod timings;
mod two_users;
mod usage;
mod waiting;
mod wrong_templates;
mod yaml;

/// A file of tests that is not named above would never run.
#[test]
fn no_file_of_tests_is_forgotten() {
    let directory = ohfp_tests::repository().join("tests/tests/blackbox");
    let this = include_str!("main.rs");
    for entry in std::fs::read_dir(directory).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if let Some(module) = name.strip_suffix(".rs").filter(|module| *module != "main") {
            assert!(this.contains(&format!("\nmod {module};\n")), "`mod {module};` is missing in main.rs");
        }
    }
}
