//! Templates that are in several files: one note for each pair of files.
//!
//! It must not know which fields a template has.

use crate::source::findings::Findings;
use crate::source::text::SourcePosition;
use crate::templates::written::Part;

/// What becomes of a template that two files have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Joined {
    /// Fields of the second file that the first one lacks are added.
    Fields,
    /// The second one is passed over: neither file is more specific.
    FirstOnly,
}

/// The pairs of files that have the same templates.
#[derive(Debug, Default)]
pub(super) struct Overlaps(Vec<Overlap>);

#[derive(Debug)]
struct Overlap {
    /// Numbers of the two files.
    files: (usize, usize),
    joined: Joined,
    id: String,
    counts: SourcePosition,
    other: SourcePosition,
    /// How many templates they share.
    templates: usize,
    /// Offset of the first one in the file whose fields count, in bytes.
    at: usize,
}

impl Overlaps {
    /// Notes a template that counts in one file, and is in another one too.
    pub(super) fn add(&mut self, id: &str, counts: Part<'_>, other: Part<'_>, joined: Joined) {
        let files = (counts.text.number, other.text.number);
        match self.0.iter_mut().find(|known| known.files == files && known.joined == joined) {
            Some(known) => known.templates += 1,
            None => self.0.push(Overlap {
                files,
                joined,
                id: id.to_owned(),
                counts: counts.place(),
                other: other.place(),
                templates: 1,
                at: counts.start().1,
            }),
        }
    }

    /// A warning for each pair of files.
    pub(super) fn tell(self, findings: &mut Findings) {
        for Overlap { files, joined, id, counts, other, templates, at } in self.0 {
            let others = match templates {
                1 => "is".to_owned(),
                2 => "and 1 other are".to_owned(),
                count => format!("and {} others are", count - 1),
            };
            let meaning = match joined {
                Joined::Fields => "the former counts, field by field",
                Joined::FirstOnly => "the former counts alone, since neither file is more specific",
            };
            let message = format!("template `{id}` {others} here and at {other}; {meaning}");
            let hint = (joined == Joined::FirstOnly).then(|| "give each template its own id".to_owned());
            findings.warning_at((files.0, at), counts, message, hint);
        }
    }
}
