//! Which questions there are, and what is said where there is no answer.

use ohfp_render::queries::{Query, impossible_id, list_notes, not_found, template};
use ohfp_resolver::Resolved;

use crate::resolve;

fn resolved() -> Resolved {
    let config = r#"{"provider": {"providers": [
        {"name": "east", "type": "sim", "weight": 0, "priority": "first"}, {"name": "west", "type": "aws"}
    ]}, "scheduler": {"type": "slurm"}}"#;
    let templates = r#"[
        {"templateId": "small", "maxNumber": 1, "vmType": "m5.large"},
        {"templateId": "broken", "maxNumber": 1, "vmType": "x9.nosuch"}
    ]"#;
    resolve(&[("config.json", config), ("awsprov_templates.json", templates)]).unwrap()
}

fn provider(name: &str) -> Query {
    Query::Provider(Some(name.to_owned()))
}

fn scheduler(name: &str) -> Query {
    Query::Scheduler(Some(name.to_owned()))
}

#[test]
fn questions_with_an_answer_ahead_of_time() {
    let all = Query::all(&resolved());
    for (command, query) in [
        ("config show", Query::Config),
        ("providers list", Query::Providers),
        ("scheduler list", Query::Schedulers),
        ("storage list", Query::Stores),
        ("providers show", Query::Provider(None)),
        ("scheduler show", Query::Scheduler(None)),
        ("providers show east", provider("east")),
        ("providers show west", provider("west")),
        ("scheduler show hostfactory", scheduler("hostfactory")),
        ("scheduler show default", scheduler("default")),
    ] {
        assert!(all.contains(&(command.to_owned(), query)), "{command}");
    }
    assert_eq!(all.len(), 10);
}

#[test]
fn names_that_do_not_exist() {
    let resolved = resolved();
    for (query, message, hint) in [
        (
            Query::Setting("scheduler.tpye".to_owned()),
            "there is no configuration key `scheduler.tpye`",
            Some("did you mean `scheduler.type`?"),
        ),
        (Query::Setting("quux".to_owned()), "there is no configuration key `quux`", None),
        (provider("eats"), "there is no provider `eats`", Some("did you mean `east`?")),
        (Query::Provider(None), "there is no provider", None),
        (scheduler("hostfactry"), "there is no scheduler `hostfactry`", Some("did you mean `hostfactory`?")),
        (Query::Stores, "there is no document", None),
    ] {
        let error = query.missing(&resolved);
        assert_eq!((error.summary().as_str(), error.hint_text()), (message, hint));
    }
    let error = not_found("machine", Some("i-1"), ["i-12345"].into_iter());
    assert_eq!((error.summary().as_str(), error.hint_text()), ("there is no machine `i-1`", None));
}

/// What is wrong with `east` and with the scheduler stops the questions that tell it, each once.
#[test]
fn what_is_wrong_stops_what_tells_it() {
    let resolved = resolved();
    for (query, problems) in [
        (provider("east"), 2),
        (provider("west"), 0),
        (provider("south"), 0),
        (Query::Schedulers, 1),
        (scheduler("default"), 1),
        (Query::Setting("scheduler.type".to_owned()), 1),
        (Query::Setting("logging.level".to_owned()), 0),
        (Query::Stores, 0),
        (Query::Config, 1),
    ] {
        let found = query.check(&resolved).err().unwrap_or_default();
        assert_eq!(found.len(), problems, "{query:?}: {found:?}");
    }
    let found = Query::Providers.check(&resolved).unwrap_err();
    assert_eq!(found, Query::Provider(None).check(&resolved).unwrap_err());
    assert!(found.len() >= 2, "{found:?}");
}

#[test]
fn templates_by_id() {
    let resolved = resolved();
    assert_eq!(template(&resolved, "small").unwrap().id(), "small");
    for (id, message, hint) in [
        ("smal", "there is no template `smal`", "did you mean `small`?"),
        ("quux", "there is no template `quux`", "`ohfp templates list --format table` shows all templates"),
        ("a b", "there is no template `a b`", "a templateId is 1 to 64 of 0-9, A-Z, a-z, _ and -"),
    ] {
        let error = template(&resolved, id).unwrap_err();
        assert_eq!((error.summary().as_str(), error.hint_text()), (message, Some(hint)));
    }
    let left_out = template(&resolved, "broken").unwrap_err();
    assert!(left_out.summary().contains("broken") && left_out.summary().contains("left out"), "{left_out:?}");
}

#[test]
fn what_no_template_can_be_called() {
    assert!(impossible_id("a").is_none());
    assert!(impossible_id(&"x".repeat(64)).is_none());
    for (id, shown) in [
        (String::new(), String::new()),
        ("ä".repeat(64), "ä".repeat(64)),
        ("x".repeat(65), format!("{}…", "x".repeat(64))),
        ("ä".repeat(1_000), format!("{}…", "ä".repeat(64))),
    ] {
        let error = impossible_id(&id).unwrap();
        assert_eq!(error.summary(), format!("there is no template `{shown}`"));
    }
}

/// Five names at most, then a number.
#[test]
fn notes_name_what_a_list_does_not_show() {
    let check = |left_out: usize, expected: &[&str]| {
        let mut found = resolved();
        found.left_out = (0..left_out)
            .flat_map(|number| {
                let mut one = found.left_out.clone();
                for left_out in &mut one {
                    left_out.id = format!("t{number}");
                }
                one
            })
            .collect();
        assert_eq!(list_notes(&found), expected);
    };
    check(0, &[]);
    check(1, &["1 template is left out: `t0`; `ohfp templates validate` gives the reasons"]);
    check(
        5,
        &[
            "5 templates are left out: `t0`, `t1`, `t2`, `t3`, `t4`; `ohfp templates validate` gives the reasons",
        ],
    );
    check(
        7,
        &[
            "7 templates are left out: `t0`, `t1`, `t2`, `t3`, `t4` and 2 more; `ohfp templates validate` gives the reasons",
        ],
    );
    let mut held = resolved();
    held.left_out.clear();
    held.held = vec![ohfp_resolver::LimitDecrease { id: "small".to_owned(), published: 9, now: 1 }];
    assert_eq!(
        list_notes(&held),
        [
            "maxNumber as published, which is more than in the file: `small`; `ohfp templates validate` gives details"
        ]
    );
}
