//! The accounts that may read what is made from files: only those that can read all of them.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The accounts, besides its owner, that may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// All accounts.
    Everyone,
    /// The members of this group.
    Group(u32),
    /// No other account.
    Owner,
}

impl Audience {
    /// The accounts that can read each of these files now: the file, and the directories above it.
    pub fn of<'p>(files: impl IntoIterator<Item = &'p Path>) -> Self {
        files.into_iter().fold(Self::Everyone, |audience, file| audience.and(Self::of_file(file)))
    }

    fn of_file(path: &Path) -> Self {
        // The permissions of a link's target count.
        let Ok(path) = fs::canonicalize(path) else { return Self::Owner };
        let of = |path: &Path, rights: u32| {
            fs::metadata(path).map_or(Self::Owner, |status| Self::with_rights(&status, rights))
        };
        let above = path.ancestors().skip(1);
        above.fold(of(&path, READ), |audience, directory| audience.and(of(directory, SEARCH)))
    }

    fn with_rights(status: &Metadata, rights: u32) -> Self {
        match () {
            () if status.mode() & rights != 0 => Self::Everyone,
            () if status.mode() & rights << 3 != 0 => Self::Group(status.gid()),
            () => Self::Owner,
        }
    }

    /// The intersection.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Everyone, one) | (one, Self::Everyone) => one,
            (Self::Group(one), Self::Group(other)) if one == other => Self::Group(one),
            _ => Self::Owner,
        }
    }

    /// The mode of a file that belongs to this group.
    pub fn mode(self, group: u32) -> u32 {
        match self {
            Self::Everyone => 0o644,
            Self::Group(readers) if readers == group => 0o640,
            _ => 0o600,
        }
    }
}

/// Rights of others: to read a file, and to reach what is in a directory.
const READ: u32 = 0o4;
const SEARCH: u32 = 0o1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrowest_decides() {
        use Audience::{Everyone, Group, Owner};
        for (one, other, both) in [
            (Everyone, Everyone, Everyone),
            (Everyone, Group(5), Group(5)),
            (Group(5), Group(5), Group(5)),
            (Group(5), Group(6), Owner),
            (Group(5), Owner, Owner),
            (Everyone, Owner, Owner),
        ] {
            assert_eq!((one.and(other), other.and(one)), (both, both), "{one:?} {other:?}");
        }
        assert_eq!(
            [Everyone, Group(5), Group(6), Owner].map(|audience| audience.mode(5)),
            [0o644, 0o640, 0o600, 0o600]
        );
    }
}
