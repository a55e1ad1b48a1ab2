//! Random command lines: whatever is typed, `ohfp` ends as `ohfp-live` does.
//!
//! Words of the command tree in any order hit combinations that hand-written cases miss. The sequence is the
//! same at every run.
#![expect(clippy::unwrap_used, reason = "a test that cannot run must say so")]

use ohfp_tests::{Sandbox, expect_none};

const LINES: usize = 1500;

/// Lines that are right, to be spoilt.
const BASES: [&str; 11] = [
    "",
    "templates list",
    "template list --format table --limit 2",
    "templates show second-derived",
    "config show --format yaml",
    "scheduler show hostfactory",
    "machines list --status running",
    "requests list --limit 2 --type return",
    "machine show nosuch",
    "help templates list",
    "getAvailableTemplates -f in.json",
];

const WORDS: &str = "templates template machines machine requests list show config providers scheduler storage completions bash help validate \
    second-derived first-Typed nosuch get hostfactory sqlite aws-prod getAvailableTemplates requestMachines -f \
    in.json init --format --format=yaml --format=table json list --long --limit --offset 1 2 0 --no-color --help -h \
    -V --version --scheduler --no-snapshot --filter templateId~first -d {} --status --";

/// Numbers that look random, the same at every run (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % limit as u64).unwrap()
    }
}

/// Whatever is typed: the runtime's own answers and the handed-on ones alike.
#[test]
fn random_command_lines() {
    let sandbox = Sandbox::with_fixture("golden");
    sandbox.build();
    sandbox.input("in.json", "{}");
    let mut dice = Dice(2);
    let mut faults = Vec::new();
    let words: Vec<&str> = WORDS.split(' ').collect();
    for _ in 0..LINES {
        let mut line: Vec<&str> = BASES[dice.below(BASES.len())].split_whitespace().collect();
        for _ in 0..=dice.below(4) {
            line.insert(dice.below(line.len() + 1), words[dice.below(words.len())]);
        }
        if sandbox.run("ohfp", &line) != sandbox.run("ohfp-live", &line) {
            faults.push(line);
        }
    }
    faults.sort_by_key(Vec::len);
    let faults: Vec<String> = faults.iter().map(|line| format!("{line:?}")).collect();
    expect_none(&faults, LINES);
}
