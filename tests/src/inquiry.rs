//! Everything that Host Factory and a person ask of a store, and how each answer is judged after its files were
//! harmed: the answer of before, or a failure that says why. Anything else would cost machines.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Map, Value, json};

use crate::grid::{Grid, Host, TEMPLATE, hosts};
use crate::{Ended, ended, program};

/// Seconds after which a process counts as one that never ends.
const PATIENCE: &str = "20";

/// Fields that are compared; what else an answer holds may depend on the moment.
const COMPARED: [&str; 18] = [
    "ending",
    "instanceTags",
    "instanceType",
    "launchtime",
    "machine",
    "machineCount",
    "machineId",
    "machineIds",
    "machines",
    "name",
    "privateIpAddress",
    "requestId",
    "requests",
    "result",
    "returnRequestId",
    "state",
    "status",
    "templateId",
];

/// A site with a store worth losing, and a copy of its files.
#[derive(Debug)]
pub struct Inquiry {
    /// The site.
    pub grid: Grid,
    /// What can be asked; those that change something last.
    pub questions: Vec<Question>,
    /// Ids of all requests and returns.
    told: Vec<String>,
}

/// A command line, and what a sound store answers.
#[derive(Clone, Debug)]
pub struct Question {
    /// Arguments of `ohfp`.
    pub words: Vec<String>,
    expected: Value,
}

impl Question {
    /// The command without its input.
    pub fn name(&self) -> String {
        self.words.iter().take_while(|word| !word.starts_with('-')).cloned().collect::<Vec<_>>().join(" ")
    }

    fn is_operation(&self) -> bool {
        self.words.first().is_some_and(|word| word.starts_with("get") || word.starts_with("request"))
            && self.words.get(1).is_some_and(|word| word == "-d")
    }
}

/// How an answer compares with the one of before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is the same.
    Same,
    /// It is a failure that says why.
    Failure(String),
    /// It is neither.
    Wrong(String),
}

impl Inquiry {
    /// A site with so many requests of two machines each: of every four the machines of one are returned. Two
    /// machines were reclaimed.
    pub fn new(requests: u64, settings: &Value) -> Self {
        let grid = Grid::new(&json!({}), settings);
        // Rows that do not fit into one page.
        let tags = (0..40).map(|number| format!("tag-{number}={}", "x".repeat(120))).collect::<Vec<_>>();
        let long = json!({
            "templateId": "long", "maxNumber": -1, "imageId": "ami-1", "subnetId": "subnet-1",
            "vmType": "m6i.large", "instanceTags": tags.join(";")
        });
        let templates = fs::read_to_string(grid.sandbox.root().join("awsprov_templates.json")).unwrap();
        let mut templates: Value = serde_json::from_str(&templates).unwrap();
        templates["templates"].as_array_mut().unwrap().push(long);
        grid.sandbox.write("awsprov_templates.json", templates.to_string());
        grid.sandbox.build();
        let mut inquiry = Self { grid, questions: Vec::new(), told: Vec::new() };
        let mut kept = Vec::new();
        for number in 0..requests {
            let id = inquiry.grid.request(if number % 5 == 4 { "long" } else { TEMPLATE }, 2);
            let made = hosts(&inquiry.grid.settled(&id));
            inquiry.told.push(id);
            if number % 4 == 3 {
                let returned = inquiry.grid.give_back(&made);
                inquiry.grid.settled(&returned);
                inquiry.told.push(returned);
            } else {
                kept.extend(made);
            }
        }
        for host in kept.iter().skip(1).step_by(3).take(2) {
            inquiry.grid.command(&["sim", "reclaim", &host.id, "--grace", "0"]);
        }
        inquiry.grid.answer("getReturnRequests", &json!({}));
        let gone: Vec<String> = inquiry.grid.reclaims(&json!({})).into_iter().map(|(name, _)| name).collect();
        assert_eq!(gone.len(), 2, "{gone:?}");
        kept.retain(|host| !gone.contains(&host.name));
        inquiry.learn(&kept);
        inquiry.keep();
        inquiry
    }

    /// Carries most of the log over into the database, as a long log does by itself.
    pub fn fill_log(&mut self) {
        let log = self.database("-wal");
        let size = || fs::metadata(&log).map_or(0, |file| file.len());
        loop {
            let before = size();
            self.told.push(self.grid.request(TEMPLATE, 2));
            let id = self.told.last().cloned().unwrap_or_default();
            self.grid.settled(&id);
            if size() < before {
                break;
            }
        }
        let kept = self.questions.clone();
        self.questions.clear();
        let named = kept
            .iter()
            .find(|question| question.words.first().is_some_and(|word| word == "requestReturnMachines"));
        let input: Value = serde_json::from_str(&named.unwrap().words[2]).unwrap();
        let machines: Vec<Host> = hosts(&input);
        self.learn(&machines);
        self.keep();
    }

    /// The database, or a file beside it with this ending.
    pub fn database(&self, suffix: &str) -> PathBuf {
        self.grid.work().join(format!("ohfp.db{suffix}"))
    }

    /// Asks each question of the sound store and remembers what it says.
    fn learn(&mut self, kept: &[Host]) {
        let statuses: Vec<Value> = self.told.iter().map(|id| json!({ "requestId": id })).collect();
        let named: Vec<Value> =
            kept.iter().map(|host| json!({ "name": host.name, "machineId": host.id })).collect();
        let some = |count: usize| json!({ "machines": named.get(..count).unwrap_or(&named) });
        let all = "pending running stopping stopped shutting-down terminated";
        let list: Vec<String> = ["machines", "list"]
            .into_iter()
            .chain(all.split(' ').flat_map(|state| ["--status", state]))
            .map(str::to_owned)
            .collect();
        let words = |line: &[&str]| line.iter().map(|word| (*word).to_owned()).collect::<Vec<String>>();
        let operation = |name: &str, input: &Value| words(&[name, "-d", &input.to_string()]);
        let lines = vec![
            operation("getAvailableTemplates", &json!({})),
            operation("getRequestStatus", &json!({ "requests": statuses })),
            operation("getRequestStatus", &json!({ "requests": statuses.last() })),
            operation("getReturnRequests", &json!({})),
            operation("getReturnRequests", &json!({ "machines": named })),
            list,
            words(&["machines", "show", &kept[0].id]),
            words(&["requests", "list", "--limit", "1000"]),
            words(&["requests", "show", &self.told[0]]),
            words(&["requests", "list-returns"]),
            operation("requestReturnMachines", &some(2)),
            operation(
                "requestMachines",
                &json!({ "template": { "templateId": TEMPLATE, "machineCount": 1 } }),
            ),
        ];
        for words in lines {
            let mut question = Question { words, expected: Value::Null };
            if !question.changes() {
                let ended = self.run(&question.words);
                assert_eq!(ended.code, 0, "{}: {ended:?}", question.name());
                question.expected = compared(&serde_json::from_slice(&ended.stdout).unwrap());
            }
            self.questions.push(question);
        }
    }

    fn image(&self) -> PathBuf {
        self.grid.sandbox.path.join("image")
    }

    /// Keeps the files as they are now.
    fn keep(&self) {
        let image = self.image();
        let _ = fs::remove_dir_all(&image);
        fs::create_dir(&image).unwrap();
        for directory in ["work", "home"] {
            copy(&self.grid.sandbox.path.join(directory), &image);
        }
    }

    /// Puts the files back as they were.
    pub fn restore(&self) {
        for directory in ["work", "home"] {
            let place = self.grid.sandbox.path.join(directory);
            fs::remove_dir_all(&place).unwrap();
            copy(&self.image().join(directory), &self.grid.sandbox.path);
        }
    }

    /// Runs `ohfp`, which nothing may keep waiting for ever.
    pub fn run(&self, words: &[String]) -> Ended {
        let mut bounded = self.grid.sandbox.command("timeout");
        bounded.args(["-k", "1", PATIENCE]).arg(program("ohfp")).args(words);
        ended(&mut bounded)
    }

    /// Asks, and judges the answer. One that changed something is followed up: what it told must be known.
    pub fn ask(&self, question: &Question) -> Answer {
        let ended = self.run(&question.words);
        let answer = match judged(question.is_operation(), &ended) {
            Ok(answer) => answer,
            Err(answer) => return answer,
        };
        if question.changes() {
            return self.follow_up(&answer);
        }
        let answer = compared(&answer);
        if answer == question.expected {
            return Answer::Same;
        }
        Answer::Wrong(difference(&question.expected, &answer))
    }

    /// What a request or return that was told must keep, and what it must not have cost.
    fn follow_up(&self, answer: &Value) -> Answer {
        let Some(id) = answer["requestId"].as_str() else {
            return Answer::Wrong(format!("no id: {answer}"));
        };
        let input = json!({ "requests": [{ "requestId": id }] }).to_string();
        let words = ["getRequestStatus", "-d", &input].map(str::to_owned);
        match judged(true, &self.run(&words)) {
            Ok(status) if status["requests"][0]["status"] == "complete_with_error" => {
                return Answer::Wrong(format!("{id} was told, and then: {status}"));
            }
            Ok(_) | Err(Answer::Failure(_)) => {}
            Err(wrong) => return wrong,
        }
        // All that was told before, but for machines that this very return ends.
        let mut known = Vec::new();
        for old in [self.told.first(), self.told.last()].into_iter().flatten() {
            let input = json!({ "requests": [{ "requestId": old }] }).to_string();
            let words = ["getRequestStatus", "-d", &input].map(str::to_owned);
            match judged(true, &self.run(&words)) {
                Ok(status) => known.push(status["requests"][0]["machines"].as_array().map_or(0, Vec::len)),
                Err(Answer::Failure(_)) => {}
                Err(wrong) => return wrong,
            }
        }
        if known.iter().any(|machines| *machines != 2) {
            return Answer::Wrong(format!("{id} was told, and what was told before is forgotten"));
        }
        Answer::Same
    }
}

impl Question {
    /// Whether it changes the store.
    pub fn changes(&self) -> bool {
        self.words.first().is_some_and(|word| word.starts_with("request") && word != "requests")
    }
}

/// The document of a success; else a failure that says why, or what is wrong with it.
fn judged(is_operation: bool, ended: &Ended) -> Result<Value, Answer> {
    match ended.code {
        0 => serde_json::from_slice(&ended.stdout)
            .map_err(|error| Answer::Wrong(format!("no document: {error}: {ended:?}"))),
        1 => {
            let document: Result<Value, _> = serde_json::from_slice(&ended.stdout);
            let said = match document {
                Ok(document) if is_operation => document["message"].as_str().unwrap_or_default().to_owned(),
                _ if !is_operation && ended.stdout.is_empty() => ended.stderr.clone(),
                _ => String::new(),
            };
            Err(if said.trim().is_empty() {
                Answer::Wrong(format!("a failure that does not say why: {ended:?}"))
            } else {
                Answer::Failure(said)
            })
        }
        124 | 137 => Err(Answer::Wrong("it does not end".to_owned())),
        _ => Err(Answer::Wrong(format!("{ended:?}"))),
    }
}

/// The fields of an answer that do not depend on the moment.
fn compared(answer: &Value) -> Value {
    match answer {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(name, _)| COMPARED.contains(&name.as_str()));
            Value::Object(kept.map(|(name, value)| (name.clone(), compared(value))).collect::<Map<_, _>>())
        }
        Value::Array(entries) => entries.iter().map(compared).collect(),
        other => other.clone(),
    }
}

/// Where two answers differ first.
fn difference(expected: &Value, found: &Value) -> String {
    match (expected, found) {
        (Value::Object(one), Value::Object(other)) => {
            for (name, value) in one {
                let found = other.get(name).unwrap_or(&Value::Null);
                if value != found {
                    return format!("{name}: {}", difference(value, found));
                }
            }
            format!("more fields: {found}")
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            let differs = one.iter().zip(other).find(|(one, other)| one != other);
            differs.map_or_else(String::new, |(one, other)| difference(one, other))
        }
        (Value::Array(one), Value::Array(other)) => {
            format!("{} entries instead of {}", other.len(), one.len())
        }
        _ => format!("{found:.80} instead of {expected:.80}"),
    }
}

/// Copies a file or directory into a directory, with owners and modes.
pub fn copy(from: &Path, to: &Path) {
    let copied = ended(Command::new("cp").arg("-a").arg(from).arg(to));
    assert_eq!(copied.code, 0, "{copied:?}");
}
