//! `ohfp config import`: sites in the layouts of the Python broker, of IBM's plug-in and of LSF become sites of ohfp,
//! which answers as before, ids of the other broker included.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that cannot run must say so"
)]

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use ohfp_tests::counting::counted;
use ohfp_tests::{HF_OPERATIONS, Sandbox, c_program, ended, expect_none, files_below, program};
use serde_json::{Value, json};

/// Where no AWS answers, at once.
const NOWHERE: &str = "http://127.0.0.1:1";

/// Keys of the Python broker, with an effect and without.
fn python_config() -> Value {
    json!({
        "version": "2.0.0",
        "scheduler": { "type": "hostfactory", "config_root": "$HF_PROVIDER_CONFDIR" },
        "provider": {
            "selection_policy": "FIRST_AVAILABLE",
            "active_provider": "aws-east",
            "health_check_interval": 300,
            "circuit_breaker": { "enabled": true, "failure_threshold": 5 },
            "provider_defaults": { "aws": {
                "handlers": { "EC2Fleet": { "handler_class": "EC2FleetHandler" } },
                "template_defaults": { "image_id": "ami-0123456789abcdef0", "subnet_ids": ["subnet-0123456789abcdef0"] }
            } },
            "providers": [{
                "name": "aws-east", "type": "aws", "enabled": true, "priority": 1, "weight": 100,
                "capabilities": ["compute"],
                "config": { "region": "us-east-1", "endpoint_url": NOWHERE, "access_key_id": "k",
                            "secret_access_key": "hidden-secret", "timeout": 30, "handlers": {} }
            }]
        },
        "naming": { "prefixes": { "request": "req-" } },
        "logging": { "level": "INFO", "format": "%(message)s" },
        "template": { "max_number": "10", "default_price_type": "ondemand" },
        "request": { "max_machines_per_request": 50, "fulfillment_max_retries": 3 },
        "storage": { "strategy": "json", "json_strategy": { "storage_type": "single_file" } },
        "performance": { "lazy_loading": { "enabled": true }, "enable_batching": true, "max_workers": 10 },
        "server": { "enabled": false, "port": 8000 },
        "nonsense": 1
    })
}

fn python_templates() -> Value {
    json!({ "scheduler_type": "hostfactory", "templates": [
        { "template_id": "small", "max_instances": "5", "machine_types": { "m5.large": 1 }, "price_type": "spot",
          "tags": { "team": "grid" }, "security_group_ids": ["sg-0123456789abcdef0"], "metadata": { "x": 1.10 } },
        { "templateId": "big", "maxNumber": 3, "vmType": "m5.4xlarge", "keyName": "k", "vmTypez": 1 },
        { "templateId": "unknown-size", "maxNumber": 3, "vmType": "zz9.large" },
        { "templateId": "bad price", "maxNumber": 3, "vmType": "m5.large" }
    ] })
}

/// A request with its machine, and the return of that machine, as the Python broker remembers them.
fn python_state() -> Value {
    let (id, back) = ("req-0190c7a2-7c3e-4f10-8a51-0f6b5f3c2d11", "ret-0190c7a2-7c3e-4f10-8a51-0f6b5f3c2d12");
    json!({
        "requests": {
            id: { "request_id": id, "request_type": "acquire", "status": "complete", "template_id": "small",
                  "requested_count": 1, "created_at": "2026-01-31T12:00:00Z", "provider_name": "aws-east",
                  "machine_ids": ["i-0123456789abcdef0"] },
            back: { "request_id": back, "request_type": "return", "status": "complete", "requested_count": 1,
                    "created_at": "2026-01-31T13:00:00Z", "machine_ids": ["i-0123456789abcdef0"] }
        },
        "machines": { "i-0123456789abcdef0": {
            "machine_id": "i-0123456789abcdef0", "name": "ip-10-0-0-1.ec2.internal", "status": "terminated",
            "request_id": id, "return_request_id": back, "template_id": "small", "launch_time": "2026-01-31T12:01:00Z",
            "private_ip": "10.0.0.1", "provider_name": "aws-east", "instance_type": "m5.large"
        } }
    })
}

fn ibm_templates() -> Value {
    let attributes = json!({ "type": ["String", "X86_64"], "ncpus": ["Numeric", "1"], "ncores": ["Numeric", "1"], "nram": ["Numeric", "1024"] });
    json!({ "templates": [
        { "templateId": "OnDemand", "maxNumber": 10, "attributes": attributes, "imageId": "ami-0123456789abcdef0",
          "subnetId": "subnet-0123456789abcdef0", "vmType": "t2.micro", "priceType": "ondemand", "pgrpName": null,
          "instanceTags": "company=abc;project=awscloud", "userDataScript": "user_data.sh" },
        { "templateId": "Spot", "maxNumber": -1, "attributes": attributes, "imageId": "ami-0123456789abcdef0",
          "subnetId": "subnet-0123456789abcdef0", "vmTypes": { "m3.medium": 1 }, "priceType": "spot",
          "fleetRole": "arn:aws:iam::123456789012:role/fleet", "maxSpotPrice": "0.50" }
    ] })
}

fn ibm_config() -> Value {
    json!({ "AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": NOWHERE, "AWS_CREDENTIAL_FILE": "/nonexistent/credentials",
            "AWS_REQUEST_RETRY_ATTEMPTS": "0", "ACCEPT_PROPAGATED_LOG_SETTING": "true", "LogLevel": "INFO" })
}

fn lsf_state() -> Value {
    json!({ "requests": [{
        "requestId": "r-0123456789abcdef0", "templateId": "OnDemand", "time": 1_700_000_000_000_u64, "rc_account": "default",
        "machines": [{
            "machineId": "i-0123456789abcdef0", "name": "ip-10-0-0-1", "status": "terminated", "result": "succeed",
            "returnId": "ret-1", "requestId": "r-0123456789abcdef0", "template": "OnDemand",
            "privateIpAddress": "10.0.0.1", "launchtime": 1_700_000_001
        }]
    }] })
}

fn write(path: &Path, value: &Value) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, serde_json::to_string_pretty(value).unwrap()).unwrap();
}

/// Files below a directory with their content and times.
fn state_of(directory: &Path) -> Vec<(PathBuf, Vec<u8>, std::time::SystemTime)> {
    let modified = |path: &Path| path.metadata().unwrap().modified().unwrap();
    files_below(directory).into_iter().map(|(path, bytes)| (path.clone(), bytes, modified(&path))).collect()
}

/// The Python broker's directory, in the layout of a user's installation.
fn python_site() -> (Sandbox, PathBuf) {
    let sandbox = Sandbox::empty();
    let root = sandbox.path.join("orb");
    write(&root.join("config/config.json"), &python_config());
    write(&root.join("config/aws_templates.json"), &python_templates());
    write(&root.join("work/data/request_database.json"), &python_state());
    (sandbox, root)
}

/// Runs the five scripts of a site, with these ids of the other broker, and a template.
fn five_scripts(
    sandbox: &Sandbox,
    conf: &Path,
    template: &str,
    ids: &[(&str, &[&str])],
    machine: Option<&str>,
) {
    let scripts = sandbox.path.join("scripts");
    sandbox.run("ohfp", &["init", "--scripts-dir", scripts.to_str().unwrap()]).answer();
    let script = |operation: &str, input: &Value| -> (i32, Value) {
        assert!(HF_OPERATIONS.contains(&operation));
        let file = sandbox.input("in.json", input.to_string());
        let mut command = sandbox.command(scripts.join(format!("{operation}.sh")));
        let ended = ended(command.env("OHFP_CONFIG_DIR", conf).arg("-f").arg(file));
        (
            ended.code,
            serde_json::from_slice(&ended.stdout).unwrap_or_else(|_| panic!("{operation}: {ended:?}")),
        )
    };
    let (code, templates) = script("getAvailableTemplates", &json!({}));
    assert!(code == 0 && templates.to_string().contains(template), "{templates}");
    for (id, statuses) in ids {
        let (code, status) = script("getRequestStatus", &json!({ "requests": [{ "requestId": id }] }));
        let one = &status["requests"][0];
        assert!(code == 0 && one["requestId"] == *id, "{status}");
        assert!(statuses.contains(&one["status"].as_str().unwrap()), "{status}");
        if let Some(machine) = machine {
            assert_eq!(one["machines"][0]["machineId"], machine, "{status}");
        }
    }
    let (code, reclaimed) = script("getReturnRequests", &json!({}));
    assert!(code == 0 && reclaimed["requests"] == json!([]), "{reclaimed}");
    if let Some(machine) = machine {
        let (code, back) =
            script("requestReturnMachines", &json!({ "machines": [{ "machineId": machine, "name": "x" }] }));
        assert!(code == 0 && back["requestId"].is_string(), "{back}");
    }
    // No AWS is there, which is an error and not an answer.
    let (code, refused) =
        script("requestMachines", &json!({ "template": { "templateId": template, "machineCount": 1 } }));
    assert!(code == 1 && refused["message"].is_string(), "{refused}");
}

/// The answer of `getAvailableTemplates` from a directory.
fn offered(sandbox: &Sandbox, directory: &Path) -> Value {
    let answer =
        sandbox.run("ohfp", &["--config", directory.to_str().unwrap(), "getAvailableTemplates", "-d", "{}"]);
    answer.answer()
}

fn is_valid(sandbox: &Sandbox, directory: &Path) {
    let valid =
        sandbox.run("ohfp", &["--config", directory.to_str().unwrap(), "config", "validate"]).answer();
    assert!(valid["valid"] == true && valid["findings"] == json!([]), "{valid}");
}

/// The rows of the table that are about a name.
fn row<'a>(answer: &'a Value, name: &str) -> &'a Value {
    answer["entries"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["name"] == name)
        .unwrap_or_else(|| panic!("{name}: {answer}"))
}

/// Dotted names of all values of a configuration that are no objects; a provider of a list is called by its name.
fn names(value: &Value, prefix: &str, into: &mut Vec<String>) {
    let dotted = |name: &str| if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") };
    match value {
        Value::Object(members) if !members.is_empty() => {
            members.iter().for_each(|(name, value)| names(value, &dotted(name), into));
        }
        Value::Array(list) if prefix == "provider.providers" => {
            for one in list {
                names(one, &dotted(one["name"].as_str().unwrap()), into);
            }
        }
        _ => into.push(prefix.to_owned()),
    }
}

#[test]
fn a_site_of_the_python_broker() {
    let (sandbox, root) = python_site();
    let before = state_of(&root);
    let state = root.join("work/data/request_database.json");
    let import = |more: &[&str]| {
        let line = [
            "config",
            "import",
            "--from",
            "orb",
            root.to_str().unwrap(),
            "--to",
            "conf",
            "--state",
            state.to_str().unwrap(),
        ];
        sandbox.run("ohfp", &[&line[..], more].concat())
    };
    let rehearsed = import(&["--dry-run"]).answer();
    assert!(!sandbox.path.join("conf").exists() && rehearsed["dryRun"] == true);
    let made = import(&[]);
    let answer = made.answer();
    assert_eq!(answer["entries"], rehearsed["entries"]);
    assert_eq!(state_of(&root), before, "the source was changed");
    assert!(!made.text().contains("hidden-secret"));

    // Every key is in the table.
    let mut keys = Vec::new();
    names(&python_config(), "", &mut keys);
    let told: Vec<&str> =
        answer["entries"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect();
    let is_told = |key: &&String| {
        let key = key.as_str();
        told.iter()
            .any(|told| *told == key || key.strip_prefix(told).is_some_and(|rest| rest.starts_with('.')))
    };
    let missing: Vec<String> = keys.iter().filter(|key| !is_told(key)).cloned().collect();
    expect_none(&missing, keys.len());
    for (name, outcome, to) in [
        ("scheduler.type", "mapped", Some("scheduler.type")),
        ("storage.strategy", "guessed", Some("storage.strategy")),
        ("server.port", "dropped", None),
        ("nonsense", "dropped", None),
        (
            "provider.providers.aws-east.config.region",
            "mapped",
            Some("provider.providers.aws-east.config.region"),
        ),
        ("provider.providers.aws-east.config.timeout", "dropped", None),
        ("templates.machine_types", "mapped", Some("vmTypes")),
        ("templates.vmTypez", "dropped", None),
    ] {
        let row = row(&answer, name);
        assert_eq!((&row["outcome"], &row["to"]), (&json!(outcome), &json!(to)), "{row}");
    }

    let conf = sandbox.path.join("conf");
    is_valid(&sandbox, &conf);
    let left: Vec<&str> =
        answer["leftOut"].as_array().unwrap().iter().map(|one| one["templateId"].as_str().unwrap()).collect();
    assert_eq!(left, ["unknown-size", "bad price"], "{answer}");
    let kept: Value = serde_json::from_slice(&fs::read(conf.join("left-out.json")).unwrap()).unwrap();
    assert_eq!(kept["leftOut"][0]["template"]["vmType"], "zz9.large");
    let ids: [(&str, &[&str]); 2] = [
        ("req-0190c7a2-7c3e-4f10-8a51-0f6b5f3c2d11", &["complete", "complete_with_error"]),
        ("ret-0190c7a2-7c3e-4f10-8a51-0f6b5f3c2d12", &["complete"]),
    ];
    assert_eq!(answer["state"]["taken"]["requests"], 2, "{answer}");
    five_scripts(&sandbox, &conf, "small", &ids, Some("i-0123456789abcdef0"));

    // An import replaces nothing.
    let again = import(&[]);
    assert!(again.code == 1 && again.stderr.contains("--to"), "{again:?}");
}

/// The same files in other formats become the same site.
#[test]
fn a_site_in_yaml_and_toml() {
    const CONFIG: &str = "# The site.\n[[provider.providers]]\nname = \"east\"\ntype = \"aws\"\n[provider.providers.config]\n\
                          region = \"us-east-1\" # first\n[request]\nmax_machines_per_request = 50\n";
    const TEMPLATES: &str = "# Two.\n- template_id: small\n  image_id: ami-0123456789abcdef0\n  max_instances: 5\n  machine_types: {m5.large: 1}\n  \
                             maxSpotPrice: 1.10\n- &big\n  templateId: big\n  imageId: ami-0123456789abcdef0\n  maxNumber: 3\n  vmType: m5.4xlarge\n";
    let config = json!({
        "provider": { "providers": [{ "name": "east", "type": "aws", "config": { "region": "us-east-1" } }] },
        "request": { "max_machines_per_request": 50 },
    });
    let templates = r#"[{"template_id": "small", "image_id": "ami-0123456789abcdef0", "max_instances": 5, "machine_types": {"m5.large": 1}, "maxSpotPrice": 1.10},
        {"templateId": "big", "imageId": "ami-0123456789abcdef0", "maxNumber": 3, "vmType": "m5.4xlarge"}]"#;
    let sandbox = Sandbox::empty();
    let imported = |name: &str, files: [(&str, &str); 2]| {
        let from = sandbox.path.join(name);
        fs::create_dir(&from).unwrap();
        for (file, content) in files {
            fs::write(from.join(file), content).unwrap();
        }
        let to = sandbox.path.join(format!("of-{name}"));
        let line =
            ["config", "import", "--from", "orb", from.to_str().unwrap(), "--to", to.to_str().unwrap()];
        let made = sandbox.run("ohfp", &line);
        let mut entries = made.document()["entries"].clone();
        for row in entries.as_array_mut().unwrap() {
            let file = text_before_dot(&row["file"]);
            row["file"] = json!(file);
        }
        let written =
            ["config.json", "templates.json"].map(|name| fs::read_to_string(to.join(name)).unwrap());
        (entries, written)
    };
    let of_json =
        imported("json", [("config.json", &config.to_string()), ("east_templates.json", templates)]);
    let others = imported("others", [("config.toml", CONFIG), ("east_templates.yaml", TEMPLATES)]);
    assert_eq!(of_json, others);
    assert!(of_json.1[1].contains("1.10"), "{}", of_json.1[1]);
}

fn text_before_dot(value: &Value) -> String {
    value.as_str().unwrap().split('.').next().unwrap().to_owned()
}

/// What the directory answers where it lies, and what its import answers.
#[test]
fn answers_are_those_of_before() {
    let (sandbox, root) = python_site();
    let mut templates = python_templates();
    // What an import leaves out is an error, or left out, where it is read in place.
    let list = templates["templates"].as_array_mut().unwrap();
    list.truncate(2);
    list[1].as_object_mut().unwrap().remove("vmTypez");
    write(&root.join("config/aws_templates.json"), &templates);
    let before = offered(&sandbox, &root.join("config"));
    sandbox.run("ohfp", &["config", "import", "--from", "orb", "orb", "--to", "conf"]).answer();
    assert_eq!(offered(&sandbox, &sandbox.path.join("conf")), before);
    assert_eq!(before["templates"].as_array().unwrap().len(), 2, "{before}");

    let mut sandbox = Sandbox::empty();
    let conf = sandbox.path.join("hf/providers/awsinst");
    write(&conf.join("awsinstprov_templates.json"), &ibm_templates());
    write(&conf.join("awsinstprov_config.json"), &ibm_config());
    fs::write(conf.join("user_data.sh"), "#!/bin/sh\n").unwrap();
    sandbox.set("HF_PROVIDER_NAME", "awsinst");
    let before = offered(&sandbox, &conf);
    sandbox
        .run("ohfp", &["config", "import", "--from", "ibm", conf.to_str().unwrap(), "--to", "new"])
        .answer();
    assert_eq!(offered(&sandbox, &sandbox.path.join("new")), before);
}

/// The former name of the broker kept its files where Host Factory keeps IBM's, under IBM's names.
#[test]
fn a_site_of_the_former_python_broker() {
    let sandbox = Sandbox::empty();
    let conf = sandbox.path.join("hf/conf");
    write(&conf.join("config.json"), &python_config());
    write(
        &conf.join("awsprov_templates.json"),
        &json!({ "templates": [python_templates()["templates"][1]] }),
    );
    write(&conf.join("awsprov_config.json"), &json!({ "AWS_REGION": "eu-west-1", "AWS_KEY_FILE": "/keys" }));
    let line = ["config", "import", "--from", "ohfp-python", conf.to_str().unwrap(), "--to", "new"];
    let answer = sandbox.run("ohfp", &line).answer();
    is_valid(&sandbox, &sandbox.path.join("new"));
    assert_eq!(row(&answer, "AWS_KEY_FILE")["outcome"], "guessed");
    assert_eq!(row(&answer, "AWS_REGION")["outcome"], "dropped", "config.json has a region");
    let table = sandbox.run(
        "ohfp",
        &[
            "config",
            "import",
            "--from",
            "ohfp-python",
            conf.to_str().unwrap(),
            "--to",
            "other",
            "--format",
            "table",
            "--dry-run",
        ],
    );
    assert!(
        table.code == 0 && table.text().lines().count() > 20 && table.text().contains("OUTCOME"),
        "{table:?}"
    );
}

#[test]
fn a_site_of_ibms_plug_in() {
    let mut sandbox = Sandbox::empty();
    let conf = sandbox.path.join("hf/providers/awsinst");
    write(&conf.join("awsinstprov_templates.json"), &ibm_templates());
    write(&conf.join("awsinstprov_config.json"), &ibm_config());
    fs::write(conf.join("user_data.sh"), "#!/bin/sh\n").unwrap();
    sandbox.set("HF_PROVIDER_NAME", "awsinst");
    sandbox.set("HF_PROVIDER_WORKDIR", sandbox.path.join("work"));
    fs::create_dir_all(sandbox.path.join("work")).unwrap();
    let before = state_of(&conf);
    let answer = sandbox
        .run("ohfp", &["config", "import", "--from", "ibm", conf.to_str().unwrap(), "--to", "new"])
        .answer();
    assert_eq!(state_of(&conf), before);
    let new = sandbox.path.join("new");
    is_valid(&sandbox, &new);
    assert_eq!(answer["dropped"], 0, "{answer}");
    assert!(new.join("user_data.sh").is_file(), "the file that a template names");
    let shown = sandbox.run("ohfp", &["--config", "new", "config", "show"]).answer();
    assert_eq!(
        (&shown["logging"]["level"], &shown["logging"]["accept_propagated_setting"]),
        (&json!("INFO"), &json!(true))
    );
    // Symphony's plug-in keeps its state for itself: its ids are unknown, which ends them.
    five_scripts(&sandbox, &new, "OnDemand", &[("r-0123456789abcdef0", &["complete_with_error"])], None);
}

/// LSF's layout, found and imported by `init`, which asks.
#[test]
fn a_site_of_lsf_set_up_by_init() {
    let mut sandbox = Sandbox::empty();
    let root = sandbox.path.join("lsf/resource_connector/aws");
    let mut templates = ibm_templates();
    templates["templates"][0].as_object_mut().unwrap().remove("userDataScript");
    write(&root.join("conf/awsprov_templates.json"), &templates);
    write(&root.join("conf/awsprov_config.json"), &ibm_config());
    write(&sandbox.path.join("data/aws-db.json"), &lsf_state());
    for (name, path) in [("PRO_CONF_DIR", &root), ("PRO_DATA_DIR", &sandbox.path.join("data"))] {
        sandbox.set(name, path);
    }
    sandbox.set("PROVIDER_NAME", "aws");
    let new = sandbox.path.join("new");
    let tool = c_program("typist", &sandbox.path);
    // The directory, the import, the scripts, the confirmation.
    let answers = sandbox.input("answers", format!("{}\n\n\n\n", new.display()));
    let mut command = sandbox.command(tool);
    command.arg(program("ohfp")).arg("init").stdin(Stdio::from(fs::File::open(answers).unwrap()));
    let asked = ended(&mut command);
    assert!(
        asked.stderr.contains("IBM's plug-in") && asked.stderr.contains("Import it, with its requests"),
        "{asked:?}"
    );
    let answer = asked.answer();
    assert_eq!(answer["imported"]["state"]["taken"]["machines"], 1, "{answer}");
    is_valid(&sandbox, &new);
    let ids: [(&str, &[&str]); 2] =
        [("r-0123456789abcdef0", &["complete", "complete_with_error"]), ("ret-1", &["complete"])];
    five_scripts(&sandbox, &new, "OnDemand", &ids, Some("i-0123456789abcdef0"));
}

/// Where a script belongs is a directory: it is refused before the import, which writes.
#[test]
fn an_init_that_is_refused_has_imported_nothing() {
    let mut sandbox = Sandbox::empty();
    let root = sandbox.path.join("lsf/resource_connector/aws");
    write(&root.join("conf/awsprov_templates.json"), &ibm_templates());
    write(&root.join("conf/awsprov_config.json"), &ibm_config());
    fs::write(root.join("conf/user_data.sh"), "#!/bin/sh\n").unwrap();
    sandbox.set("PRO_CONF_DIR", &root);
    let new = sandbox.path.join("new");
    let tool = c_program("typist", &sandbox.path);
    let scripts = sandbox.path.join("taken");
    let answers = sandbox.input("answers", format!("{}\n\n{}\n\n", new.display(), scripts.display()));
    let taken = scripts.join("requestMachines.sh");
    fs::create_dir_all(&taken).unwrap();
    let run = || {
        let mut command = sandbox.command(&tool);
        command.arg(program("ohfp")).arg("init");
        ended(command.stdin(Stdio::from(fs::File::open(&answers).unwrap())))
    };
    let refused = run();
    assert!(refused.code != 0 && refused.stderr.contains("requestMachines.sh"), "{refused:?}");
    assert!(!new.exists(), "the configuration was imported all the same");
    fs::remove_dir(&taken).unwrap();
    let done = run();
    assert!(done.code == 0 && new.join("config.json").is_file(), "{done:?}");
}

/// Every file and every directory of names is on the disk before the new directory appears.
#[test]
fn an_import_is_durable() {
    let sandbox = Sandbox::empty();
    let mut templates = ibm_templates();
    templates["templates"][0]["userDataScript"] = json!("below/user_data.sh");
    write(&sandbox.path.join("conf/awsprov_templates.json"), &templates);
    write(&sandbox.path.join("conf/awsprov_config.json"), &ibm_config());
    fs::create_dir(sandbox.path.join("conf/below")).unwrap();
    fs::write(sandbox.path.join("conf/below/user_data.sh"), "#!/bin/sh\n").unwrap();
    // The counter runs it twice, and an import needs a new directory.
    let script = sandbox.path.join("import.sh");
    let importer = program("ohfp-live").display().to_string();
    let text = format!("#!/bin/sh\nrm -rf new; exec '{importer}' config import --from ibm conf --to new\n");
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, Permissions::from_mode(0o755)).unwrap();
    let counter = c_program("count", &sandbox.path);
    let made = counted(sandbox.command(counter), &sandbox.path, &script, &[]);
    assert_eq!(made.code, 0);
    let files = files_below(&sandbox.path.join("new")).len();
    let syncs = made.calls.iter().filter(|call| fsyncs().contains(call)).count();
    // `new` under its first name, `below`, and the directory that `new` is in.
    assert_eq!(syncs, files + 3, "{files} files");
}

/// System call numbers of `fsync` and `fdatasync`.
fn fsyncs() -> [u64; 2] {
    match std::env::consts::ARCH {
        "x86_64" => [74, 75],
        _ => [82, 83],
    }
}

/// What root imports into another account's directory is that account's.
#[test]
fn an_import_by_root_belongs_to_the_owner_of_the_directory() {
    const USER: u32 = 54_322;
    let sandbox = Sandbox::empty();
    write(&sandbox.path.join("conf/awsprov_templates.json"), &ibm_templates());
    write(&sandbox.path.join("conf/awsprov_config.json"), &ibm_config());
    fs::write(sandbox.path.join("conf/user_data.sh"), "#!/bin/sh\n").unwrap();
    let home = sandbox.path.join("home-of-another");
    fs::create_dir(&home).unwrap();
    if chown(&home, Some(USER), Some(USER)).is_err() {
        eprintln!("note: NOT tested: files cannot be given to another user here");
        return;
    }
    let to = home.join("a/new");
    let mut command = sandbox.command(program("ohfp"));
    let line = ["config", "import", "--from", "ibm", "conf", "--to"];
    ended(command.args(line).arg(&to)).document();
    let files = files_below(&to);
    assert!(files.len() > 2, "{files:?}");
    for path in files.keys().map(PathBuf::as_path).chain([to.as_path(), &home.join("a")]) {
        assert_eq!(fs::symlink_metadata(path).unwrap().uid(), USER, "{}", path.display());
    }
}

/// Whatever is wrong, no file is left behind.
#[test]
fn an_import_that_fails_leaves_nothing() {
    let bad_config: fn(&Path) = |root| fs::write(root.join("config/config.json"), "{").unwrap();
    let bad_templates: fn(&Path) = |root| fs::write(root.join("config/aws_templates.json"), "{}").unwrap();
    let no_template: fn(&Path) = |root| {
        fs::write(root.join("config/aws_templates.json"), r#"[{"templateId": "a", "vmType": "zz9"}]"#)
            .unwrap();
    };
    let bad_state: fn(&Path) = |root| fs::write(root.join("work/data/request_database.json"), "[").unwrap();
    let nothing: fn(&Path) = |root| fs::remove_dir_all(root.join("config")).unwrap();
    for (harm, part) in [
        (bad_config, "config.json"),
        (bad_templates, "aws_templates.json"),
        (no_template, "zz9"),
        (bad_state, "document"),
        (nothing, "--from"),
    ] {
        let (sandbox, root) = python_site();
        harm(&root);
        let line = [
            "config",
            "import",
            "--from",
            "orb",
            "orb",
            "--to",
            "new/conf",
            "--state",
            "orb/work/data/request_database.json",
        ];
        let failed = sandbox.run("ohfp", &line);
        assert!(failed.code != 0 && failed.stderr.contains(part), "{part}: {failed:?}");
        let left = fs::read_dir(sandbox.path.join("new")).map_or(0, Iterator::count);
        assert_eq!(left, 0, "{part}: something is left");
    }
    let (sandbox, _) = python_site();
    let wrong = sandbox.run("ohfp", &["config", "import", "--from", "ibm", "orb", "--to", "conf"]);
    assert!(wrong.code == 1 && wrong.stderr.contains("ohfp-python"), "{wrong:?}");
}
