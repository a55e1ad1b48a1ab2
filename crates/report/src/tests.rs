//! Whole pages: what is on them, and that foreign text is never markup.

use std::time::Duration;

use ohfp_broker::activity::{Activity, Collector, MachineFacts, RequestFacts};
use ohfp_broker::{Ending, MachineState, RequestKind, RequestState, ShortfallKind, Timestamp};
use proptest::prelude::*;

use super::*;

const NOW: i64 = 1_795_527_477;

fn at(seconds_ago: i64) -> Timestamp {
    Timestamp::from_seconds(NOW - seconds_ago)
}

/// A day with two requests, one of which got less than it wanted, and three machines. All texts are this one.
fn activity(text: &str) -> Activity {
    let mut collector = Collector::new(window(at(0), Duration::from_hours(24)).unwrap());
    let request = RequestFacts {
        kind: RequestKind::Acquire,
        template: text,
        provider: text,
        state: RequestState::Complete,
        requested: 2,
        delivered: 2,
        shortfall: None,
        created: at(7_200),
        finished: Some(at(7_000)),
        reason: None,
    };
    collector.request(&request);
    collector.request(&RequestFacts {
        state: RequestState::Partial,
        requested: 4,
        delivered: 1,
        shortfall: Some(ShortfallKind::Capacity),
        reason: Some(text),
        ..request
    });
    collector.request(&RequestFacts {
        state: RequestState::Started,
        finished: None,
        created: at(60),
        ..request
    });
    let machine = MachineFacts {
        template: text,
        provider: text,
        region: Some(text),
        instance_type: Some(text),
        price_type: Some(text),
        state: MachineState::Running,
        units: 1,
        asked: Some(at(7_200)),
        launched: at(7_190),
        came_up: Some(at(7_150)),
        ending: None,
        returned: false,
        ended: None,
        gone: None,
        message: Some(text),
    };
    collector.machine(&machine);
    collector.machine(&MachineFacts { came_up: Some(at(7_100)), ..machine });
    collector.machine(&MachineFacts {
        state: MachineState::Terminated,
        ending: Some(Ending::Reclaimed),
        ended: Some(at(600)),
        gone: Some(at(500)),
        ..machine
    });
    collector.finish()
}

fn data(text: &str) -> ReportData {
    let problem = |is_severe| ReportProblem {
        is_severe,
        what: text.to_owned(),
        detail: text.to_owned(),
        fix: Some(text.to_owned()),
    };
    let figure = CostFigure {
        name: text.to_owned(),
        value: text.to_owned(),
        limit: text.to_owned(),
        detail: text.to_owned(),
    };
    let operation = OperationCost {
        operation: text.to_owned(),
        calls: 12_345,
        failed: 6,
        latency: Some([2_900, 3_400, 9_000]),
        cpu: 2_100,
        memory: 6_144,
    };
    ReportData {
        site: text.to_owned(),
        version: text.to_owned(),
        made: at(0),
        activity: activity(text),
        problems: vec![problem(true), problem(false)],
        own_cost: OwnCost { now: vec![figure], recorded: Some(vec![operation]) },
    }
}

/// The text of a page without its markup and style.
fn read(page: &str) -> String {
    let (_, body) = page.split_once("<body>").unwrap();
    let mut text = String::new();
    for part in body.split('<') {
        let (_, after) = part.split_once('>').unwrap_or_default();
        text.push_str(after);
        text.push(' ');
    }
    // A space that does not break is a space here.
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_page_has_the_figures() {
    let page = page(&data("x"));
    let text = read(&page);
    for expected in [
        "Running now 2 0 starting, 0 ending",
        "Requested 8 machines in 3 requests",
        "Delivered 50 % 3 came, 3 did not",
        "Reclaimed 1 0 returned, 0 orphaned",
        "Open problems 2 1 keep operations from working",
        "1 request is open, the oldest since 2026-11-24 13:36 UTC; 0 returns are open.",
        "running 2 (most 3)",
        "no capacity 3 (100 %)",
        "x 12,345 6 2.90 ms 3.40 ms 9.00 ms 2.10 ms 6 MiB",
        "from 2026-11-23 13:30 UTC to 2026-11-24 13:37 UTC",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
}

/// Nothing runs, nothing is fetched, and a screen reader has words for each picture.
#[test]
fn a_page_stands_for_itself() {
    for page in [page(&data("x")), page(&ReportData { activity: empty(), ..data("x") })] {
        for outside in ["<script", "http:", "https:", "//", "url(", "@import", " on", "javascript:"] {
            // The style sheet and texts of ours hold none of them either; "on" begins an attribute only after a space.
            let found =
                page.match_indices(outside).find(|(at, _)| outside != " on" || is_attribute(&page, *at));
            assert_eq!(found, None, "{outside}");
        }
        let pictures = page.matches("<svg").count();
        assert_eq!(page.matches("role=\"img\" aria-label=\"").count(), pictures);
        assert_eq!(
            (page.matches("<title>").count(), page.matches("<desc>").count()),
            (pictures + 1, pictures)
        );
        assert_eq!(
            page.matches("<details>").count() * 2,
            pictures,
            "each picture has its data, in both sizes"
        );
        for (_, rest) in page.match_indices("href=\"#").map(|(at, _)| page.split_at(at + 7)) {
            let id = rest.split('"').next().unwrap();
            assert!(page.contains(&format!(" id=\"{id}\"")), "{id}");
        }
        assert!(page.contains("prefers-color-scheme:dark") && page.contains("@media print"));
        assert_eq!(page.matches("<h1>").count(), 1);
    }
}

/// Whether a place is inside of a tag.
fn is_attribute(page: &str, at: usize) -> bool {
    let before = &page[..at];
    before.rfind('<') > before.rfind('>')
}

fn empty() -> Activity {
    Collector::new(window(at(0), Duration::from_hours(24)).unwrap()).finish()
}

#[test]
fn an_empty_history_says_so() {
    let own_cost = OwnCost::default();
    let page = page(&ReportData { activity: empty(), problems: Vec::new(), own_cost, ..data("x") });
    let text = read(&page);
    for expected in [
        "No machine existed in this window.",
        "No machine was requested in this window.",
        "Every request that ended in this window got all of its machines.",
        "No machine ended in this window.",
        "No machine is recorded in this window.",
        "The cost of each operation is not recorded at this site.",
        "Nothing: every check of health and installation is as it should be.",
        "Delivered – 0 came, 0 did not",
        "Open problems 0 all checks are healthy",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert_eq!(page.matches("<svg").count(), 0);
}

/// Many templates: the largest have a color, the others are one.
#[test]
fn the_largest_templates_are_shown() {
    let mut collector = Collector::new(window(at(0), Duration::from_hours(24)).unwrap());
    for number in 0..40 {
        let template = format!("template-{number}");
        let machine = MachineFacts {
            template: &template,
            provider: "p",
            region: None,
            instance_type: None,
            price_type: None,
            state: MachineState::Running,
            units: 1,
            asked: None,
            launched: at(3_600 + number * 600),
            came_up: Some(at(3_500)),
            ending: None,
            returned: false,
            ended: None,
            gone: None,
            message: None,
        };
        collector.machine(&machine);
    }
    let text = read(&page(&ReportData { activity: collector.finish(), ..data("x") }));
    assert!(text.contains("template-39 1 (most 1)") && text.contains("33 others 33 (most 33)"), "{text}");
    assert!(text.contains("not recorded 40"), "{text}");
}

#[test]
fn lengths_of_windows() {
    for (seconds, steps) in [(1, 1), (3_600, 61), (86_400, 97), (30 * 86_400, 121), (36_500 * 86_400, 101)] {
        let window = window(at(0), Duration::from_secs(seconds)).unwrap();
        assert_eq!(window.steps(), steps, "{seconds}");
        assert!(window.step_of(at(0)).is_some(), "what has just happened is part of it");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the texts are, the page has the same tags, attributes and rules.
    #[test]
    fn foreign_text_is_never_markup(text in any::<String>()) {
        // What stands between backticks is shown as code, which is the only markup that a text can ask for.
        let page = |text: &str| page(&data(text)).replace("<code>", "").replace("</code>", "");
        let (plain, foreign) = (page("x"), page(&text));
        for mark in ['<', '>', '"', '{', '}'] {
            let own = if "{}".contains(mark) { text.matches(mark).count() } else { 0 };
            let found = foreign.matches(mark).count();
            prop_assert!(own > 0 || plain.matches(mark).count() == found, "{mark}");
        }
        prop_assert!(!foreign.contains("<script"));
    }
}
