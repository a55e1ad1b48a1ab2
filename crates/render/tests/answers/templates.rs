//! Lists of templates and single ones: bytes, places and pages.

use ohfp_broker::template::Template;
use ohfp_broker::wire_format::SchedulerKind;
use ohfp_render::Format;
use ohfp_render::templates::{TemplateList, show_head, show_tail};
use serde_json::{Value, json};

const FULL: &str = r#"{"templateId": "t-1", "maxNumber": -1,
    "attributes": {"type": ["String", "X86_64"], "ncpus": ["Numeric", "2"], "ncores": ["Numeric", "1"],
        "nram": ["Numeric", "4096"], "rank": ["Numeric", "0"]},
    "vmTypes": {"m5.large": 2, "m5.xlarge": 4}, "priceType": "spot", "imageId": "ami-1", "subnetId": "s-1",
    "launchTemplateId": "lt-1", "instanceTags": "a=1", "unknown\u001b": "x "}"#;

fn templates() -> [Template; 2] {
    let small = json!({ "templateId": "b", "maxNumber": 10, "vmType": "t3.nano", "securityGroupIds": ["g"] });
    [serde_json::from_str::<Value>(FULL).unwrap(), small].map(|value| match value {
        Value::Object(fields) => Template::new(fields).unwrap(),
        other => panic!("{other}"),
    })
}

fn list(scheduler: SchedulerKind, templates: &[Template], format: Format, long: bool) -> String {
    let list = TemplateList { templates, scheduler }.list(format, long);
    // A place is a record, and between two of them is nothing but what the format puts there.
    for (start, len) in &list.places {
        assert!(list.records.get(*start..start + len).is_some_and(|record| !record.is_empty()));
    }
    assert_eq!(list.places.len(), templates.len());
    assert_eq!(list.places.first().map_or(0, |(start, _)| *start), 0, "records begin with the first one");
    let all = list.page(0, None);
    String::from_utf8(all.bytes(false)).unwrap()
}

#[test]
fn json_is_the_frame_of_the_scheduler() {
    let [_, small] = templates();
    let small = [small];
    assert_eq!(
        list(SchedulerKind::HostFactory, &small, Format::Json, false),
        "{\"templates\": [\n{\n  \"templateId\": \"b\",\n  \"maxNumber\": 10,\n  \"vmType\": \"t3.nano\",\n  \"securityGroupIds\": [\"g\"]\n}\n], \"message\": \"Get available templates success.\"}\n"
    );
    assert_eq!(
        list(SchedulerKind::Default, &small, Format::Json, false),
        "{\"templates\": [\n{\n  \"template_id\": \"b\",\n  \"max_instances\": 10,\n  \"instance_type\": \"t3.nano\",\n  \"security_group_ids\": [\"g\"],\n  \"max_capacity\": 10\n}\n], \"message\": \"Templates retrieved successfully\", \"success\": true, \"total_count\": 1}\n"
    );
    assert_eq!(
        list(SchedulerKind::HostFactory, &[], Format::Json, false),
        "{\"templates\": [], \"message\": \"Get available templates success.\"}\n"
    );
    assert_eq!(
        list(SchedulerKind::Default, &[], Format::Json, false),
        "{\"templates\": [], \"message\": \"Templates retrieved successfully\", \"success\": true, \"total_count\": 0}\n"
    );
}

#[test]
fn yaml_is_a_list_of_mappings() {
    let [_, small] = templates();
    let twice = [small.clone(), small];
    let one = "- templateId: b\n  maxNumber: 10\n  vmType: t3.nano\n  securityGroupIds: [g]\n";
    assert_eq!(
        list(SchedulerKind::HostFactory, &twice, Format::Yaml, false),
        format!("templates:\n{one}{one}")
    );
    let plain = list(SchedulerKind::Default, &twice, Format::Yaml, false);
    assert!(plain.starts_with("templates:\n- template_id: b\n  max_instances: 10\n"), "{plain}");
    assert_eq!(list(SchedulerKind::HostFactory, &[], Format::Yaml, false), "templates: []\n");
}

#[test]
fn tables_have_eight_columns_or_all() {
    let all = templates();
    assert_eq!(
        list(SchedulerKind::HostFactory, &all, Format::Table, false),
        "TEMPLATE  TYPE    NCPUS  NCORES  NRAM  MAX        PRICE  MACHINE TYPES\n\
         t-1       X86_64  2      1       4096  unlimited  spot   m5.large,m5.xlarge\n\
         b         -       -      -       -     10         -      t3.nano\n"
    );
    let long = list(SchedulerKind::HostFactory, &all, Format::Table, true);
    let line = |number| long.lines().nth(number).unwrap();
    assert!(line(0).ends_with("MACHINE TYPES       IMAGE  LAUNCH TEMPLATE  SUBNETS  RANK  TAGS"), "{long}");
    assert!(line(1).ends_with("m5.large,m5.xlarge  ami-1  lt-1             s-1      0     a=1"), "{long}");
    assert!(line(2).ends_with("t3.nano             -      -                -        -     -"), "{long}");
}

#[test]
fn blocks_have_some_fields_or_all() {
    let all = templates();
    let attributes = "  attributes: type=X86_64 ncpus=2 ncores=1 nram=4096 rank=0\n";
    let types = "  vmTypes: m5.large=2 m5.xlarge=4\n  priceType: spot\n";
    assert_eq!(
        list(SchedulerKind::HostFactory, &all, Format::List, false),
        format!(
            "Template: t-1\n  maxNumber: -1\n{attributes}{types}  launchTemplateId: lt-1\n\n\
             Template: b\n  maxNumber: 10\n  vmType: t3.nano\n"
        )
    );
    // A name that could move the cursor is shown, and no line ends in blanks.
    assert_eq!(
        list(SchedulerKind::HostFactory, &all, Format::List, true),
        format!(
            "Template: t-1\n  maxNumber: -1\n{attributes}{types}  imageId: ami-1\n  subnetId: s-1\n  \
             launchTemplateId: lt-1\n  instanceTags: a=1\n  unknown\\x1b: x\n\n\
             Template: b\n  maxNumber: 10\n  vmType: t3.nano\n  securityGroupIds: g\n"
        )
    );
}

#[test]
fn one_template_alone() {
    let all = templates();
    let [_, small] = &all;
    let show = |scheduler, format| {
        let mut record = Vec::new();
        TemplateList { templates: &all, scheduler }.show(small, format, &mut record);
        let (head, styled) = show_head(format);
        let all = [head.as_slice(), &record, show_tail(format)].concat();
        (String::from_utf8(all).unwrap(), String::from_utf8(styled).unwrap())
    };
    let no_head = String::new();
    for (scheduler, format, expected) in [
        (
            SchedulerKind::HostFactory,
            Format::Json,
            "{\n  \"templateId\": \"b\",\n  \"maxNumber\": 10,\n  \"vmType\": \"t3.nano\",\n  \"securityGroupIds\": [\"g\"]\n}\n",
        ),
        (
            SchedulerKind::Default,
            Format::Yaml,
            "template_id: b\nmax_instances: 10\ninstance_type: t3.nano\nsecurity_group_ids: [g]\nmax_capacity: 10\n",
        ),
        (
            SchedulerKind::HostFactory,
            Format::List,
            "Template: b\n  maxNumber: 10\n  vmType: t3.nano\n  securityGroupIds: g\n",
        ),
    ] {
        assert_eq!(show(scheduler, format), (expected.to_owned(), no_head.clone()));
    }
    let pad = |name: &str, value: &str| format!("{name:28}{value}\n");
    let table = [
        ("FIELD", "VALUE"),
        ("templateId", "b"),
        ("maxNumber", "10"),
        ("vmType", "t3.nano"),
        ("securityGroupIds", "g"),
    ];
    let table: String = table.iter().map(|(name, value)| pad(name, value)).collect();
    let head = format!("\x1b[1m{}\x1b[0m\n", pad("FIELD", "VALUE").trim_end());
    assert_eq!(show(SchedulerKind::HostFactory, Format::Table), (table, head));
}

/// A name as wide as its column, or wider, still has two blanks behind it.
#[test]
fn long_names_push_their_value_right() {
    let fields =
        json!({ "templateId": "x", "maxNumber": 1, ("n".repeat(27)): 1, ("m".repeat(40)): 2, "ünïcödé": 3 });
    let Value::Object(fields) = fields else { panic!("no object") };
    let template = Template::new(fields).unwrap();
    let mut record = Vec::new();
    TemplateList { templates: &[], scheduler: SchedulerKind::Default }.show(
        &template,
        Format::Table,
        &mut record,
    );
    let record = String::from_utf8(record).unwrap();
    assert!(
        record.contains(&format!("\n{}  1\n{}  2\n{:28}3\n", "n".repeat(27), "m".repeat(40), "ünïcödé")),
        "{record}"
    );
}

#[test]
fn all_alone_is_each_alone() {
    let all = templates();
    let [first, second] = &all;
    let list = TemplateList { templates: &all, scheduler: SchedulerKind::HostFactory };
    for format in Format::ALL.iter().copied() {
        let (mut one, mut two) = (Vec::new(), Vec::new());
        list.show(first, format, &mut one);
        list.show(second, format, &mut two);
        let together = list.all_alone(format);
        assert_eq!(together.places, [(0, one.len()), (one.len(), two.len())]);
        assert_eq!(together.records, [one, two].concat());
        assert!(together.head.is_empty() && together.tail.is_empty());
    }
}

#[test]
fn pages() {
    let [_, small] = templates();
    let three = ["a", "b", "c"].map(|id| {
        let mut fields = small.fields().clone();
        fields.insert("templateId".to_owned(), id.into());
        Template::new(fields).unwrap()
    });
    let page = |templates: &[Template], format, offset, limit| {
        let list = TemplateList { templates, scheduler: SchedulerKind::HostFactory }.list(format, false);
        let page = list.page(offset, limit);
        (String::from_utf8(page.bytes(false)).unwrap(), String::from_utf8(page.bytes(true)).unwrap())
    };
    let blocks = |offset, limit| page(&three, Format::List, offset, limit).0;
    let block = |id: &str| format!("Template: {id}\n  maxNumber: 10\n  vmType: t3.nano\n");
    let [a, b, c] = ["a", "b", "c"].map(block);
    for (offset, limit, expected) in [
        (0, None, format!("{a}\n{b}\n{c}")),
        (1, None, format!("{b}\n{c}")),
        (0, Some(2), format!("{a}\n{b}")),
        (1, Some(1), b.clone()),
        (2, Some(usize::MAX), c),
        (3, None, String::new()),
        (7, Some(1), String::new()),
        (1, Some(0), String::new()),
    ] {
        assert_eq!(blocks(offset, limit), expected, "{offset} {limit:?}");
    }
    let empty = "templates: []\n".to_owned();
    assert_eq!(page(&three, Format::Yaml, 3, None), (empty.clone(), empty));
    let (plain, styled) = page(&three, Format::Table, 5, None);
    assert!(plain.starts_with("TEMPLATE  TYPE") && plain.lines().count() == 1, "{plain}");
    assert_eq!(styled, format!("\x1b[1m{}\x1b[0m\n", plain.trim_end()));
}
