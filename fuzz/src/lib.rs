//! Fuzz targets: everything that parses foreign bytes. A module for each target, whose `check` panics when a
//! promise is broken.
//!
//! The runtime is a program, not a library, so its module under test is compiled into this crate from
//! where it lies.
#![expect(dead_code, clippy::missing_panics_doc, reason = "parts of programs, and checks that panic")]

pub mod command_line;
pub mod config;
mod directory;
pub mod formats;
pub mod host_factory;
pub mod reader;
pub mod template_file;
pub mod templates;

#[path = "../../runtime/src/question.rs"]
mod question;
