//! Rendering: from resolved data to finished bytes, in four formats.
//!
//! The builder renders every answer ahead of time and the live program renders one on demand, both with this
//! crate: that is why their bytes are equal. It reads no file and no variable.
//!
//! It must not know where data comes from, nor where the bytes go.
//!
//! ```
//! use ohfp_render::{Format, documents};
//! use serde_json::json;
//!
//! let store = json!({ "name": "sqlite", "shared_between_hosts": "no" });
//! let rendered = documents::render(&store, Format::Yaml);
//! assert_eq!(rendered.bytes(false), b"name: sqlite\nshared_between_hosts: \"no\"\n");
//! ```

pub mod documents;
pub mod fitted;
pub mod json;
pub mod queries;
pub mod table;
pub mod templates;
pub mod text;
pub mod yaml;

use ohfp_broker::keywords;

/// An output format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// One JSON document; templates and settings a line each.
    Json,
    /// One YAML document.
    Yaml,
    /// Aligned columns.
    Table,
    /// Blocks of `field: value` lines.
    List,
}

keywords!(Format { Json: "json", Yaml: "yaml", Table: "table", List: "list" });

/// A finished answer: a head, which color terminals get in another form, and a body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rendered {
    /// The head for files, pipes and plain terminals.
    pub head: Vec<u8>,
    /// The head for color terminals; equal to `head` where it has no style.
    pub head_styled: Vec<u8>,
    /// The body.
    pub body: Vec<u8>,
    /// The cells, where the answer is a table that may be laid out in another way.
    pub grid: Option<table::Table>,
}

impl Rendered {
    /// Creates an answer without styles.
    pub fn plain(body: Vec<u8>) -> Self {
        Self { body, ..Self::default() }
    }

    /// A table.
    pub fn table(table: table::Table) -> Self {
        let (head, head_styled) = table.header();
        Self { head, head_styled, body: table.rows().0, grid: Some(table) }
    }

    /// The whole answer.
    pub fn bytes(&self, styled: bool) -> Vec<u8> {
        let head = if styled { &self.head_styled } else { &self.head };
        [head.as_slice(), &self.body].concat()
    }
}
