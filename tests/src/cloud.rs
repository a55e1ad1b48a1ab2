//! The cloud for tests, seen from a test: its address, its faults, what was called, and what is true.
//!
//! `tests/cloud/README.md` describes the control interface that this speaks. A test is a tenant of the cloud by its
//! access key, so tests share one process where `cargo xtask test` has started it; by itself a test starts its own.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use crate::repository;

/// A tenant of a running cloud. What it holds is forgotten when this is dropped.
#[derive(Debug)]
pub struct Cloud {
    address: String,
    key: String,
    region: String,
    /// The process, where it is this test's own.
    own: Option<Child>,
}

static NUMBER: AtomicU32 = AtomicU32::new(0);

impl Cloud {
    /// An empty account in a cloud; `None`, with a note on standard error, where the cloud is not installed.
    pub fn start() -> Option<Self> {
        let (address, own) = match std::env::var("OHFP_TEST_CLOUD") {
            Ok(address) => (address, None),
            Err(_) => {
                let (mut lines, child) = serve(&[])?;
                (line(&mut lines), Some(child))
            }
        };
        Some(Self::tenant(address, own))
    }

    /// A cloud of the test's own that serves https too: gives the address for it. `ca.pem` in the directory is what
    /// clients must trust. [`Cloud::environment`] and all else here go on without TLS.
    pub fn start_with_tls(directory: &Path) -> Option<(Self, String)> {
        let (mut lines, child) = serve(&["--tls".as_ref(), directory.as_os_str()])?;
        let (plain, secure) = (line(&mut lines), line(&mut lines));
        Some((Self::tenant(plain, Some(child)), secure))
    }

    fn tenant(address: String, own: Option<Child>) -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let key = format!("AKIATEST{:08}{number:04}", std::process::id());
        let tenant = Self { address, key, region: "us-east-1".to_owned(), own };
        // A shared cloud may remember a test that had this process id before, and failed.
        tenant.reset();
        tenant
    }

    /// For example `http://127.0.0.1:40123`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The access key id, which is the name of the tenant too.
    pub fn access_key(&self) -> &str {
        &self.key
    }

    /// The variables with which the programs under test reach this tenant and no other cloud.
    pub fn environment(&self) -> [(&'static str, String); 5] {
        [
            ("AWS_ENDPOINT_URL", self.address.clone()),
            ("AWS_ACCESS_KEY_ID", self.key.clone()),
            ("AWS_SECRET_ACCESS_KEY", "secret".to_owned()),
            ("AWS_REGION", self.region.clone()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ]
    }

    /// Makes a call of this tenant past the program under test, as another user of the account would: Query text such
    /// as `Action=StopInstances&Version=2016-11-15&InstanceId.1=i-…`. Gives the HTTP answer.
    pub fn query(&self, form: &str) -> String {
        let (key, region) = (&self.key, &self.region);
        self.send(
            "/",
            &format!(
                "authorization: AWS4-HMAC-SHA256 Credential={key}/20260101/{region}/ec2/aws4_request, \
                 SignedHeaders=host, Signature=0\r\n"
            ),
            form,
        )
    }

    /// Sends a request on a connection of its own and gives the whole answer, empty where a fault closed it.
    fn send(&self, target: &str, headers: &str, body: &str) -> String {
        let host = self.address.trim_start_matches("http://");
        let mut stream = TcpStream::connect(host).unwrap();
        let length = body.len();
        let head = format!(
            "POST {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n"
        );
        stream.write_all((head + body).as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Calls `/cloud/WHAT` with this body; `None` reads. `what` may carry parameters: `calls?action=RunInstances`.
    pub fn control(&self, what: &str, body: Option<&Value>) -> Value {
        let (name, query) = what.split_once('?').unwrap_or((what, ""));
        let target = format!("/cloud/{name}?tenant={}&region={}&{query}", self.key, self.region);
        let body = body.map(Value::to_string).unwrap_or_default();
        let answer = self.send(&target, "", &body);
        let (head, text) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "/cloud/{what}: {text}");
        serde_json::from_str(text).unwrap()
    }

    /// Forgets everything of this tenant.
    pub fn reset(&self) {
        self.control("reset", None);
    }

    /// Replaces the fault rules, for example `json!([{"action": "RunInstances", "kind": "reset", "times": 1}])`.
    pub fn faults(&self, rules: &Value) {
        self.control("faults", Some(rules));
    }

    /// Changes settings, for example `json!({"boot": 5})`.
    pub fn settings(&self, settings: &Value) {
        self.control("settings", Some(settings));
    }

    /// Limits pools, for example `json!({"m5.large@us-east-1a/spot": 2})`.
    pub fn capacity(&self, limits: &Value) {
        self.control("capacity", Some(limits));
    }

    /// Adds to the network and catalog; gives all of it.
    pub fn world(&self, additions: &Value) -> Value {
        self.control("world", Some(additions))
    }

    /// The ids of the subnets, one for each zone first.
    pub fn subnets(&self) -> Vec<String> {
        let world = self.control("world", None);
        let subnets = world["subnets"].as_array().unwrap();
        subnets.iter().map(|subnet| subnet["id"].as_str().unwrap().to_owned()).collect()
    }

    /// Moves this tenant's time forward, with all that happens meanwhile; before its first call also back.
    pub fn advance(&self, seconds: f64) {
        self.control("clock", Some(&json!({ "advance": seconds })));
    }

    /// Spot takes these machines back: a notice now, the end in two minutes of the tenant's time.
    pub fn interrupt(&self, ids: &[String]) {
        self.control("interrupt", Some(&json!({ "ids": ids })));
    }

    /// The calls of an action, oldest first, with `params`, `token`, `body`, `status`; `*` for all actions.
    pub fn calls(&self, action: &str) -> Vec<Value> {
        let what = if action == "*" { "calls".to_owned() } else { format!("calls?action={action}") };
        match self.control(&what, None) {
            Value::Array(calls) => calls,
            other => panic!("calls are no list: {other}"),
        }
    }

    /// How often each action was called since the start or [`Cloud::clear_calls`].
    pub fn counts(&self) -> Value {
        self.control("counts", None)
    }

    /// Begins the log of calls anew.
    pub fn clear_calls(&self) {
        self.control("calls", Some(&json!({ "clear": true })));
    }

    /// Every resource as it is: `machines`, `fleets`, `spot_fleets`, `groups`, `templates`, `spot_requests`, `volumes`.
    pub fn truth(&self) -> Value {
        self.control("truth", None)
    }

    /// The machines that are pending or running.
    pub fn living(&self) -> Vec<Value> {
        let truth = self.truth();
        let machines = truth["machines"].as_array().unwrap();
        let lives = |machine: &&Value| matches!(machine["state"].as_str(), Some("pending" | "running"));
        machines.iter().filter(lives).cloned().collect()
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        if let Some(child) = &mut self.own {
            // Its standard input closes with the process that holds it, at the latest.
            let _ = child.kill();
            let _ = child.wait();
        } else if !std::thread::panicking() {
            self.control("forget", None);
        }
    }
}

/// Starts a cloud of this test's own; its output begins with its addresses.
fn serve(options: &[&OsStr]) -> Option<(BufReader<ChildStdout>, Child)> {
    let Some(python) = python() else {
        let note =
            "note: the cloud for tests is not installed, so this test does nothing: run `cargo xtask test`\n";
        let _ = std::io::stderr().write_all(note.as_bytes());
        return None;
    };
    let mut child = Command::new(python)
        .args(["-m", "cloud"])
        .args(options)
        .current_dir(repository().join("tests"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = child.stdout.take().unwrap();
    Some((BufReader::new(output), child))
}

/// The next address that a cloud prints.
fn line(output: &mut BufReader<ChildStdout>) -> String {
    let mut address = String::new();
    output.read_line(&mut address).unwrap();
    assert!(address.starts_with("http"), "the cloud for tests did not start");
    address.trim().to_owned()
}

/// The interpreter of the environment that `cargo xtask` makes in the target directory.
fn python() -> Option<PathBuf> {
    Some(crate::target().join("cloud-venv/bin/python")).filter(|python| python.is_file())
}
