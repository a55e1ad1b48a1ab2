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

    /// Any text: no panic, and what was read in one format can be read again.
    #[test]
    fn any_text_is_read_or_refused(text in "[ -~\\n\\tä]{0,60}", name in prop::sample::select(vec!["c.json", "c.yaml", "c.toml"])) {
        let path = Path::new(name);
        if let Ok(changed) = set(path, &text, &["zz", "y"], &json!(1)) {
            prop_assert!(check(path, &changed).is_ok());
        }
    }
}
