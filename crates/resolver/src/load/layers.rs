//! The layers of the configuration: which files and variables there are, in which order, and their merge.
//!
//! From the lowest: the system's directory, the configuration directory, its `config.d`, the file that the command line
//! names, the variables `OHFP_A__B`. Each place has one file, in one of three formats. A site with a `config.json` alone
//! pays for none of this: that file is the text. It must not know what the keys mean.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use ohfp_broker::{Error, ErrorKind, Result};
use serde_json::Value;

use crate::resolved::Origin;
use crate::settings::keys;
use crate::source::environment::Environment;
use crate::source::findings::Findings;
use crate::source::formats::{TextFormat, Tree, tree};
use crate::source::merge::{self, merge};
use crate::source::node::{Node, NodeMember, NodeValue};
use crate::source::open;
use crate::source::text::{Syntax, Text};
use crate::source::trail::Recorder;

/// The variable that names the system's directory, for tests and for installations below another root.
const SYSTEM_VARIABLE: &str = "OHFP_SYSTEM_CONFIG_DIR";
const SYSTEM_DIRECTORY: &str = "/etc/ohfp";

/// The directory of further files.
pub(crate) const PARTS: &str = "config.d";

/// The names of the configuration file at one place, the first that exists.
pub(crate) const NAMES: [&str; 3] = ["config.json", "config.yaml", "config.toml"];

/// What a layer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayerKind {
    /// The defaults that are compiled in.
    BuiltIn,
    /// The file of the system's directory.
    System,
    /// The file of the configuration directory.
    Directory,
    /// A file of `config.d`.
    Part,
    /// IBM's configuration file of the instance.
    Ibm,
    /// The file that the command line names.
    Named,
    /// An environment variable.
    Variable,
    /// An option of the command line.
    CommandLine,
}

impl LayerKind {
    /// The layer in a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::BuiltIn => "built-in",
            Self::System => "system",
            Self::Directory => "directory",
            Self::Part => "config.d",
            Self::Ibm => "ibm",
            Self::Named => "--config",
            Self::Variable => "environment",
            Self::CommandLine => "command line",
        }
    }
}

/// A file or variable that sets something.
#[derive(Debug)]
pub(crate) struct Layer {
    pub(crate) kind: LayerKind,
    pub(crate) text: Arc<Text>,
    tree: OnceLock<Result<Tree, Syntax>>,
}

impl Layer {
    fn file(kind: LayerKind, text: Text) -> Self {
        Self { kind, text: Arc::new(text), tree: OnceLock::new() }
    }

    /// The value of a part of it, as a person has written it.
    pub(crate) fn written(&self, node: &Node) -> Value {
        let mut value = node.to_value();
        if self.text.is_variable() {
            replace_in_texts(&mut value, "$$", "$");
        }
        value
    }

    /// What it sets. The number of its text is 0 until layers are merged.
    pub(crate) fn tree(&self) -> Result<&Tree, &Syntax> {
        self.tree.get_or_init(|| tree(&self.text, 0)).as_ref()
    }
}

/// All layers, and the text that they make together.
#[derive(Debug, Default)]
pub(crate) struct Layers {
    pub(crate) all: Vec<Layer>,
    failures: Vec<Error>,
    /// Of the failures, those of files that exist, or are named, and could not be read.
    unread: Vec<(LayerKind, Error)>,
    /// `None` if nothing is set, or a layer cannot be read.
    merged: Option<Arc<Text>>,
}

impl Layers {
    /// Reads the files and variables. What cannot be read is reported by [`Self::report`].
    pub(crate) fn read(origin: &Origin, root: &Path, env: &Environment, recorder: &mut Recorder<'_>) -> Self {
        let mut layers = Self::default();
        let named = origin.config_file.as_ref().map(|file| std::path::absolute(file).unwrap_or(file.clone()));
        let system = recorder.variable(SYSTEM_VARIABLE).filter(|value| !value.is_empty());
        let system = system.map_or_else(|| PathBuf::from(SYSTEM_DIRECTORY), PathBuf::from);
        if system.is_absolute() && system != root && recorder.is_there(&system) {
            layers.one_of(LayerKind::System, &system, recorder);
        }
        let is_own = |named: &PathBuf| NAMES.iter().any(|name| *named == root.join(name));
        match named.as_ref().filter(|named| is_own(named)) {
            Some(own) => layers.named(LayerKind::Directory, own, recorder),
            None => layers.one_of(LayerKind::Directory, root, recorder),
        }
        layers.parts(&root.join(PARTS), recorder);
        if let Some(other) = named.filter(|named| !is_own(named)) {
            layers.named(LayerKind::Named, &other, recorder);
        }
        layers.variables(env);
        layers.merge();
        layers
    }

    /// One text alone, whatever else there is.
    pub(crate) fn alone(text: Text) -> Self {
        let mut layers = Self { all: vec![Layer::file(LayerKind::Named, text)], ..Self::default() };
        layers.merge();
        layers
    }

    /// The file of the layer `kind` that could be read; of two, the one that counts.
    ///
    /// # Errors
    /// The error of reading it, where it could not be.
    pub(crate) fn file_of(&self, kind: LayerKind) -> Result<Option<&Path>> {
        match self.all.iter().rfind(|layer| layer.kind == kind) {
            Some(layer) => Ok(Some(layer.text.path())),
            None => match self.unread.iter().find(|(unread, _)| *unread == kind) {
                Some((_, error)) => Err(error.clone()),
                None => Ok(None),
            },
        }
    }

    /// The text of the configuration, if anything is set.
    pub(crate) fn text(&self) -> Option<&Text> {
        self.merged.as_deref()
    }

    /// Reports what could not be read, and names that are written twice.
    pub(crate) fn report(&self, number: usize, findings: &mut Findings) {
        for error in &self.failures {
            findings.failure(number, error.clone());
        }
        // A single text is read as it is, by what reports these.
        if self.is_single() {
            return;
        }
        for layer in &self.all {
            match layer.tree() {
                Err(syntax) => findings.error(&layer.text, syntax.offset, &syntax.message, None),
                Ok(tree) if !matches!(tree.node.value, NodeValue::Object(_)) => {
                    let message = "expected an object that holds settings, like {\"scheduler\": …}";
                    findings.error(&layer.text, tree.node.at, message, None);
                }
                Ok(tree) => {
                    for (name, at) in &tree.repeated {
                        let message = format!("`{name}` appears twice; the last one counts");
                        findings.warning(&layer.text, *at, message, None);
                    }
                }
            }
        }
    }

    fn is_single(&self) -> bool {
        matches!(self.all.as_slice(), [only] if is_json(only))
    }

    /// The file at one place, in any format. `config.yaml` beside `config.toml` is an error; beside a `config.json`,
    /// which has been read alone for long, both are an error that stops nothing (`unread`).
    fn one_of(&mut self, kind: LayerKind, directory: &Path, recorder: &mut Recorder<'_>) {
        let [json, others @ ..] = NAMES;
        if self.file(kind, &directory.join(json), recorder) {
            return;
        }
        let found: Vec<&str> =
            others.into_iter().filter(|name| self.file(kind, &directory.join(name), recorder)).collect();
        if let [first, second] = found.as_slice() {
            self.failures.push(two_formats(directory, first, second));
        }
    }

    fn named(&mut self, kind: LayerKind, path: &Path, recorder: &mut Recorder<'_>) {
        if !self.file(kind, path, recorder) {
            let message = format!("the configuration file `{}` does not exist", path.display());
            self.fail(kind, Error::new(ErrorKind::Input, message).hint("`--config` names it"));
        }
    }

    fn parts(&mut self, directory: &Path, recorder: &mut Recorder<'_>) {
        let names = match recorder.list(directory) {
            Ok(names) => names.unwrap_or_default(),
            Err(error) => return self.failures.push(error),
        };
        let stem = |name: &str| name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned();
        for pair in names.windows(2) {
            if let [first, second] = pair
                && stem(first) == stem(second)
            {
                self.failures.push(two_formats(directory, first, second));
            }
        }
        for name in &names {
            self.file(LayerKind::Part, &directory.join(name), recorder);
        }
    }

    /// Reads a file; returns whether it exists.
    fn file(&mut self, kind: LayerKind, path: &Path, recorder: &mut Recorder<'_>) -> bool {
        match open(path, 0, recorder) {
            Ok(Some(text)) => self.all.push(Layer::file(kind, text)),
            Ok(None) => return false,
            Err(error) => self.fail(kind, error),
        }
        true
    }

    fn fail(&mut self, kind: LayerKind, error: Error) {
        self.failures.push(error.clone());
        self.unread.push((kind, error));
    }

    fn variables(&mut self, env: &Environment) {
        for (name, key, value) in env.overrides() {
            let Some(value) = value.to_str() else {
                let message = format!("the environment variable {name} is not UTF-8");
                self.failures.push(Error::new(ErrorKind::Input, message));
                continue;
            };
            let layer = Layer::file(LayerKind::Variable, Text::of_variable(name, 0));
            let mut node = Node::from_value(&literal(value), 0, 0);
            for step in key.rsplit('.') {
                let member = NodeMember { name: step.to_owned(), source: 0, at: 0, node };
                node = Node { value: NodeValue::Object(vec![member]), ..Node::empty(0) };
            }
            let _ = layer.tree.set(Ok(Tree { node, repeated: Vec::new() }));
            self.all.push(layer);
        }
    }

    fn merge(&mut self) {
        if self.is_single() {
            self.merged = self.all.first().map(|only| Arc::clone(&only.text));
            return;
        }
        let mut root = Node::empty(0);
        for (number, layer) in self.all.iter().enumerate() {
            let Ok(tree) = layer.tree() else { return };
            let mut node = tree.node.clone();
            if !matches!(node.value, NodeValue::Object(_)) {
                return;
            }
            for (alias, key) in keys::ALIASES {
                merge::rename(&mut node, alias, key);
            }
            from_text(&mut node, number);
            merge(&mut root, node);
        }
        if !self.all.is_empty() {
            let texts = self.all.iter().map(|layer| Arc::clone(&layer.text)).collect();
            self.merged = Some(Arc::new(merge::text(&root, 0, texts)));
        }
    }
}

fn is_json(layer: &Layer) -> bool {
    layer.kind != LayerKind::Variable && TextFormat::of(layer.text.path()) == TextFormat::Json
}

/// Sets the number of the text.
fn from_text(node: &mut Node, number: usize) {
    node.source = number;
    match &mut node.value {
        NodeValue::Scalar(_) => {}
        NodeValue::List(items) => items.iter_mut().for_each(|item| from_text(item, number)),
        NodeValue::Object(members) => {
            for member in members {
                member.source = number;
                from_text(&mut member.node, number);
            }
        }
    }
}

/// The value of a variable: a list or an object where it is written as one in JSON, else text. The shell has expanded
/// it, so a dollar sign in it is one.
fn literal(text: &str) -> Value {
    let structured = text.trim_start().starts_with(['[', '{']);
    let parsed = structured.then(|| serde_json::from_str(text).ok()).flatten();
    let mut value = parsed.unwrap_or_else(|| Value::from(text));
    escape(&mut value);
    value
}

fn escape(value: &mut Value) {
    replace_in_texts(value, "$", "$$");
}

fn replace_in_texts(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::String(text) if text.contains(from) => *text = text.replace(from, to),
        Value::Array(items) => items.iter_mut().for_each(|item| replace_in_texts(item, from, to)),
        Value::Object(members) => members.values_mut().for_each(|member| replace_in_texts(member, from, to)),
        _ => {}
    }
}

/// The error of two files where one is read.
pub(crate) fn two_formats(directory: &Path, first: &str, second: &str) -> Error {
    let (first, second) = (directory.join(first), directory.join(second));
    let message = format!("`{}` and `{}` are one file in two formats", first.display(), second.display());
    Error::new(ErrorKind::Input, message).hint("keep one of them, and move what the other sets into it")
}
