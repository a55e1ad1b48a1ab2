//! Damaged databases: each answer is the one of before, or a failure that says why.
//!
//! `cargo xtask torture rot` runs this at full size.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot run must say so"
)]

use std::collections::BTreeMap;
use std::fs;

use ohfp_tests::damage::damage;
use ohfp_tests::expect_none;
use ohfp_tests::grid::{Random, size};
use ohfp_tests::inquiry::{Answer, Inquiry};
use serde_json::json;

/// Damages one of these files so many times, and asks everything each time.
fn check(inquiry: &Inquiry, suffixes: &[&str], times: u64, seed: u64) {
    let mut random = Random(seed);
    let (mut faults, mut counts) = (Vec::new(), BTreeMap::<&str, u64>::new());
    for number in 0..times {
        inquiry.restore();
        // What is answered from the cache does not show what the store says.
        let _ = fs::remove_file(inquiry.grid.work().join("results.cache"));
        let suffix = suffixes[usize::try_from(random.below(suffixes.len() as u64)).unwrap()];
        let file = inquiry.database(suffix);
        let mut content = fs::read(&file).unwrap();
        let how = damage(&mut content, &mut random);
        fs::write(&file, content).unwrap();
        let (mut wrong, mut failed) = (false, false);
        for question in &inquiry.questions {
            match inquiry.ask(question) {
                Answer::Same => {}
                Answer::Failure(_) => failed = true,
                Answer::Wrong(what) => {
                    wrong = true;
                    faults.push(format!("{number}: ohfp.db{suffix}: {how}: {}: {what}", question.name()));
                }
            }
        }
        *counts
            .entry(if wrong {
                "wrong"
            } else if failed {
                "failed"
            } else {
                "unharmed"
            })
            .or_default() += 1;
    }
    println!(
        "{times} damaged databases ({suffixes:?}), {} questions each: {counts:?}",
        inquiry.questions.len()
    );
    expect_none(&faults, usize::try_from(times).unwrap());
}

#[test]
fn damaged_databases_never_answer_wrong() {
    let times = size("OHFP_ROT", 40);
    let seed = size("OHFP_SEED", 11);
    let mut inquiry = Inquiry::new(24, &json!({}));
    inquiry.fill_log();
    check(&inquiry, &["", "", "-wal"], times / 2, seed);
    // Few requests: nearly all of them are only in the log.
    let inquiry = Inquiry::new(4, &json!({}));
    check(&inquiry, &["", "-wal", "-wal", "-shm"], times - times / 2, seed + 1);
}
