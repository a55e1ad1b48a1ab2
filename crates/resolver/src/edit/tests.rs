//! Files before and after a change, and that `unset` takes back what `set` has done.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn check_set(name: &str, text: &str, key: &str, value: &Value, wanted: &str) {
    let steps: Vec<&str> = key.split('.').collect();
    let found = set(Path::new(name), text, &steps, value);
    assert_eq!(found.as_deref(), Ok(wanted), "{name} {key}");
}

fn check_unset(name: &str, text: &str, key: &str, wanted: &str) {
    let steps: Vec<&str> = key.split('.').collect();
    let found = unset(Path::new(name), text, &steps);
    assert_eq!(found, Ok(Some(wanted.to_owned())), "{name} {key}");
}

#[test]
fn json() {
    let text = "{\n  \"a\": {\n    \"b\": 1.50,\n    \"c\": [1, 2]\n  },\n  \"p\": [{\"name\": \"x\", \"w\": 1}]\n}\n";
    let changed = |from: &str, to: &str| text.replace(from, to);
    check_set("c.json", text, "a.b", &json!("x"), &changed("1.50", "\"x\""));
    check_set("c.json", text, "p.x.w", &json!(2), &changed("\"w\": 1", "\"w\": 2"));
    check_set("c.json", text, "p.0.v", &json!(2), &changed("\"w\": 1", "\"w\": 1, \"v\": 2"));
    check_set("c.json", text, "a.d", &json!(true), &changed("[1, 2]", "[1, 2],\n    \"d\": true"));
    check_set("c.json", text, "s.t", &json!(1), &changed("1}]", "1}],\n  \"s\": {\"t\": 1}"));
    check_set("c.json", "{}", "a.b", &json!(1), "{ \"a\": {\"b\": 1} }");
    check_set("c.json", "", "a.b", &json!(1), "{\n  \"a\": {\"b\": 1}\n}\n");
    check_unset("c.json", text, "a.c", &changed(",\n    \"c\": [1, 2]", ""));
    check_unset("c.json", text, "a.b", &changed("\"b\": 1.50,\n    ", ""));
    check_unset("c.json", text, "p.x.w", &changed(", \"w\": 1", ""));
    check_unset("c.json", "{\"a\": {\"b\": 1}, \"c\": 1}", "a.b", "{\"c\": 1}");
}

#[test]
fn yaml() {
    let text = "# head\na:\n  b: 1.50 # kept\n  c: [1, 2]\n\np:\n  - name: x\n    w: 1\n# tail\n";
    let changed = |from: &str, to: &str| text.replace(from, to);
    check_set("c.yaml", text, "a.b", &json!("x y"), &changed("1.50", "\"x y\""));
    check_set("c.yaml", text, "a.d", &json!("yes"), &changed("[1, 2]", "[1, 2]\n  d: \"yes\""));
    check_set("c.yaml", text, "p.x.w", &json!(2), &changed("w: 1", "w: 2"));
    check_set(
        "c.yaml",
        text,
        "p.x.config.region",
        &json!("eu"),
        &changed("w: 1", "w: 1\n    config:\n      region: eu"),
    );
    check_set("c.yaml", text, "s.t.u", &json!(1), &changed("w: 1", "w: 1\ns:\n  t:\n    u: 1"));
    check_set("c.yaml", "# only\n", "a.b", &json!(1), "# only\na:\n  b: 1\n");
    check_set("c.yaml", "a: {b: 1}\n", "a.c", &json!(2), "a: {b: 1, \"c\": 2}\n");
    check_set("c.yaml", "a:\n  b:\n  c: 1\n", "a.b", &json!(2), "a:\n  b: 2\n  c: 1\n");
    check_unset("c.yaml", text, "a.b", &changed("  b: 1.50 # kept\n", ""));
    check_unset("c.yaml", text, "p.x.w", &changed("    w: 1\n", ""));
    check_unset("c.yaml", "a:\n  b: 1\nc: 2", "a.b", "c: 2");
}

#[test]
fn toml() {
    let text = "# head\n[a]\nb = 1.50 # kept\n\n[[p]]\nname = \"x\"\nw = 1\n";
    let changed = |from: &str, to: &str| text.replace(from, to);
    check_set("c.toml", text, "a.b", &json!("x"), &changed("1.50", "\"x\""));
    check_set("c.toml", text, "a.d", &json!([1, 2]), &changed("# kept\n", "# kept\nd = [1, 2]\n"));
    check_set("c.toml", text, "p.x.w", &json!(2), &changed("w = 1", "w = 2"));
    check_set("c.toml", text, "s.t", &json!(true), &format!("{text}\n[s]\nt = true\n"));
    check_unset("c.toml", text, "p.x.w", &changed("w = 1\n", ""));
}

fn check_append(name: &str, text: &str, wanted: &str) {
    let value = json!({ "name": "z", "type": "aws", "config": { "region": "eu" } });
    let found = append(Path::new(name), text, &["a", "p"], &value);
    assert_eq!(found.as_deref(), Ok(wanted), "{name}: {text}");
    let removed = unset(Path::new(name), wanted, &["a", "p", "z"]).unwrap().unwrap();
    let left = Document::read(Path::new(name), &removed).unwrap().root.to_value();
    let before = Document::read(Path::new(name), text).unwrap().root.to_value();
    let elements =
        |value: &Value| value.pointer("/a/p").cloned().filter(|list| !list.is_null()).unwrap_or(json!([]));
    assert_eq!(elements(&left), elements(&before), "{name}: {removed}");
}

#[test]
fn elements_of_lists() {
    let z = r#"{"name": "z", "type": "aws", "config": {"region": "eu"}}"#;
    for (text, wanted) in [
        ("{\"a\": {\"p\": [{\"name\": \"x\"}]}}", "{\"a\": {\"p\": [{\"name\": \"x\"}, Z]}}"),
        (
            "{\"a\": {\"p\": [\n  {\"name\": \"x\"},\n  {}\n]}}",
            "{\"a\": {\"p\": [\n  {\"name\": \"x\"},\n  {},\n  Z\n]}}",
        ),
        ("{\"a\": {\"p\": [ ]}}", "{\"a\": {\"p\": [Z]}}"),
        ("{\"a\": {\"p\": null}}", "{\"a\": {\"p\": [Z]}}"),
        ("{\"b\": 1}", "{\"b\": 1, \"a\": {\"p\": [Z]}}"),
        ("", "{\n  \"a\": {\"p\": [Z]}\n}\n"),
    ] {
        check_append("c.json", text, &wanted.replace('Z', z));
    }
    let block = |indent: &str| {
        format!("{indent}- name: z\n{indent}  type: aws\n{indent}  config:\n{indent}    region: eu")
    };
    let (two, four) = (block("  "), block("    "));
    for (text, wanted) in [
        (
            "a:\n  p:\n  - name: x # one\n    w: 1\n# tail\n",
            format!("a:\n  p:\n  - name: x # one\n    w: 1\n{two}\n# tail\n"),
        ),
        ("a:\n  p:\n    - {name: x}", format!("a:\n  p:\n    - {{name: x}}\n{four}")),
        ("a:\n  p: []\n  q: 1\n", format!("a:\n  p:\n{four}\n  q: 1\n")),
        ("a: {p: [{name: x}]}\n", format!("a: {{p: [{{name: x}}, {z}]}}\n")),
        ("a: {p: []}\n", format!("a: {{p: [{z}]}}\n")),
        ("# only\n", format!("# only\na:\n  p:\n{four}\n")),
        ("a:\n  b: 1\n", format!("a:\n  b: 1\n  p:\n{four}\n")),
    ] {
        check_append("c.yaml", text, &wanted);
    }
    let table = "[[a.p]]\nname = \"z\"\ntype = \"aws\"\n\n[a.p.config]\nregion = \"eu\"\n";
    for (text, wanted) in [
        ("[a]\nb = 1\n", format!("[a]\nb = 1\n\n{table}")),
        (
            "[[a.p]]\nname = \"x\" # one\n\n[c]\nd = 1\n",
            format!("[[a.p]]\nname = \"x\" # one\n\n{table}\n[c]\nd = 1\n"),
        ),
        (
            "a.p = [{ name = \"x\" }]\n",
            "a.p = [{ name = \"x\" }, { name = \"z\", type = \"aws\", config = { region = \"eu\" } }]\n"
                .to_owned(),
        ),
        ("", table.to_owned()),
    ] {
        check_append("c.toml", text, &wanted);
    }
    // The first of two, with what belongs to it.
    let yaml = "p:\n  - name: x\n    c:\n      r: 1\n  - name: y\n";
    check_unset("c.yaml", yaml, "p.x", "p:\n  - name: y\n");
    check_unset("c.yaml", yaml, "p.y", "p:\n  - name: x\n    c:\n      r: 1\n");
    check_unset("c.yaml", "p:\n- name: x\nq: 1\n", "p.x", "p: []\nq: 1\n");
    check_unset("c.yaml", "p:\n# c\n- name: x\nq: 1\n", "p.x", "p:\n# c\n  []\nq: 1\n");
    check_unset("c.yaml", "p:\n  # c\n  - name: x\nq: 1\n", "p.x", "p:\n  # c\n    []\nq: 1\n");
    check_unset(
        "c.json",
        "{\"p\": [{\"name\": \"x\"}, {\"name\": \"y\"}]}",
        "p.x",
        "{\"p\": [{\"name\": \"y\"}]}",
    );
    let toml = "[[p]]\nname = \"x\"\n[p.c]\nr = 1\n\n[[p]]\nname = \"y\"\n";
    check_unset("c.toml", toml, "p.y", "[[p]]\nname = \"x\"\n[p.c]\nr = 1\n");
    check_unset("c.toml", "[[p]]\nname = \"x\"\n", "p.x", "p = []\n");
    let refused = append(Path::new("c.json"), "{\"a\": 1}", &["a", "p"], &json!({})).unwrap_err();
    assert!(refused.summary().contains("there is no place for `a.p`"), "{refused}");
}

#[test]
fn what_cannot_be_changed_is_left_alone() {
    let check = |name: &str, text: &str, key: &str, part: &str| {
        let steps: Vec<&str> = key.split('.').collect();
        let error = set(Path::new(name), text, &steps, &json!(1)).unwrap_err();
        assert!(error.summary().contains(part), "{error}");
    };
    check("c.json", "{\"a\": 1}", "a.b", "there is no place for `a.b`");
    check("c.json", "{\"a\": []}", "a.x.b", "there is no place for `a.x.b`");
    check("c.json", "{", "a", "c.json:1:1");
    check("c.yaml", "a: &x {b: 2}\nc: *x\n", "c.b", "cannot be changed");
    assert_eq!(unset(Path::new("c.json"), "{}", &["a"]), Ok(None));
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i32>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        "[ -~ä]{0,12}".prop_map(Value::from),
        prop::collection::vec(any::<u8>(), 0..3).prop_map(Value::from),
    ]
}

proptest! {
    /// `set`, then `get` gives the value; `unset` restores the file, byte for byte.
    #[test]
    fn unset_restores_what_set_has_changed(
        value in value(),
        key in prop::sample::select(vec!["a.new", "a.s.new", "new", "n.e.w", "p.x.new", "p.1.c.new"]),
        end in prop::sample::select(vec!["", "\n"]),
    ) {
        let steps: Vec<&str> = key.split('.').collect();
        for (name, text) in [
            ("c.json", "{\n  \"a\": { \"b\": 1, \"s\": {\"z\": 0} },\n  \"p\": [{\"name\": \"x\"}, {\n    \"c\": {}, \"d\": 1}]\n}"),
            ("c.yaml", "# ä\na:\n  b: 1 # c\n  s: {z: 0}\n\np:\n  - name: x\n    d: 1\n  - name: y\n    c:\n      z: 0"),
            ("c.toml", "# ä\na.b = 1 # c\n\n[a.s]\nz = 0\n\n[[p]]\nname = \"x\"\n\n[[p]]\nname = \"y\"\n[p.c]\nz = 0"),
        ] {
            let (path, text) = (Path::new(name), format!("{text}{end}"));
            let changed = set(path, &text, &steps, &value).unwrap();
            let read = Document::read(path, &changed).unwrap().root;
            prop_assert_eq!(read.find(&steps).map(Node::to_value), Some(value.clone()), "{}", changed);
            let restored = unset(path, &changed, &steps).unwrap();
            prop_assert_eq!(restored.as_deref(), Some(text.as_str()), "{}", changed);
        }
    }

    /// Parse, print and parse again: what was set is read, in each format, and so is what layers are merged into.
    #[test]
    fn what_is_printed_is_read_again(
        sections in prop::collection::btree_map(
            "[a-c]{1,2}",
            prop::collection::btree_map("[a-z][a-z_]{0,5}", value(), 1..4),
            1..4,
        ),
    ) {
        let wanted: Value = serde_json::to_value(&sections).unwrap();
        for name in ["c.json", "c.yaml", "c.toml"] {
            let path = Path::new(name);
            let mut text = String::new();
            for (section, members) in &sections {
                for (member, value) in members {
                    text = set(path, &text, &[section, member], value).unwrap();
                }
            }
            let root = Document::read(path, &text).unwrap().root;
            prop_assert_eq!(root.to_value(), wanted.clone(), "{}", text);
            let printed = crate::source::merge::text(&root, 0, Vec::new());
            let again = Document::read(Path::new("c.json"), printed.as_str()).unwrap().root;
            prop_assert_eq!(again.to_value(), wanted.clone(), "{}", printed.as_str());
        }
    }

    /// Any text: no panic, and what was read in one format can be read again.
    #[test]
    fn any_text_is_read_or_refused(text in "[ -~\\n\\tä]{0,60}", name in prop::sample::select(vec!["c.json", "c.yaml", "c.toml"])) {
        let path = Path::new(name);
        if let Ok(changed) = set(path, &text, &["zz", "y"], &json!(1)) {
            prop_assert!(check(path, &changed).is_ok());
        }
    }
}
