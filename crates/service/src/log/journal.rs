//! The log as it is read: the last lines of its files, and those that come.
//!
//! A file that has grown too large is renamed, and processes that have it open go on writing to it. So the file before
//! the current one is followed as well.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use ohfp_platform::files::{self, Access, Refused};

/// Most of a file that is read at once, in bytes.
const CHUNK: usize = 64 << 10;

/// Device and inode.
type Identity = (u64, u64);

/// Name of the file that was renamed so many times.
pub(super) fn numbered(path: &Path, number: u64) -> PathBuf {
    let mut name = path.to_path_buf().into_os_string();
    name.push(format!(".{number}"));
    PathBuf::from(name)
}

/// The log of one provider on this host.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    current: Option<Followed>,
    before: Option<Followed>,
}

/// An open file, and how much of it was read.
#[derive(Debug)]
struct Followed {
    file: File,
    identity: Identity,
    at: u64,
    /// The beginning of a line that is being written.
    begun: Vec<u8>,
}

impl Journal {
    /// Opens the log; it need not exist yet.
    ///
    /// # Errors
    /// [`Refused`] where the file cannot be read or is untrusted.
    pub fn open(path: &Path) -> Result<Self, Refused> {
        Ok(Self { path: path.to_owned(), current: Followed::open(path)?, before: None })
    }

    /// The line at the end of the newest file that is not at its end yet, or was cut off.
    pub fn unfinished(&self) -> Option<&[u8]> {
        self.current.as_ref().map(|current| current.begun.as_slice()).filter(|begun| !begun.is_empty())
    }

    /// Whether there is a file of this log.
    pub fn exists(&self) -> bool {
        self.current.is_some() || numbered(&self.path, 1).exists()
    }

    /// The last lines that are wanted, at most `count` of them, in their order. Begins with the newest file and reads no
    /// more of them than are needed. A line that is being written belongs to those that come.
    ///
    /// # Errors
    /// [`Refused`] as [`Self::open`]; a file that is gone meanwhile is no error.
    pub fn last(&mut self, count: usize, wanted: impl Fn(&[u8]) -> bool) -> Result<Vec<Vec<u8>>, Refused> {
        let mut newest_first = Vec::new();
        let mut seen = Vec::new();
        if let Some(current) = &mut self.current {
            seen.push(current.identity);
            current.collect(count, &wanted, &mut newest_first)?;
        }
        let mut missing = 0;
        let mut number = 1;
        // While files are renamed, one name is free for a moment.
        while newest_first.len() < count && missing < 2 {
            match Followed::open(&numbered(&self.path, number))? {
                Some(mut older) if !seen.contains(&older.identity) => {
                    seen.push(older.identity);
                    older.collect(count, &wanted, &mut newest_first)?;
                }
                Some(_) => {}
                None => missing += 1,
            }
            number += 1;
        }
        newest_first.reverse();
        Ok(newest_first)
    }

    /// The lines that were written since the last call.
    ///
    /// # Errors
    /// [`Refused`] as [`Self::open`].
    pub fn more(&mut self) -> Result<Vec<Vec<u8>>, Refused> {
        let mut lines = Vec::new();
        for followed in [&mut self.before, &mut self.current].into_iter().flatten() {
            followed.read(|line| lines.push(line))?;
        }
        let there = identity_of(&self.path);
        let known = self.current.as_ref().map(|current| current.identity);
        if there.is_some() && there != known {
            for path in self.renamed_since(known) {
                if let Some(mut next) = Followed::open(&path)? {
                    next.read(|line| lines.push(line))?;
                    self.before = self.current.replace(next);
                }
            }
        }
        Ok(lines)
    }

    /// The files that are newer than the known one, oldest first.
    fn renamed_since(&self, known: Option<Identity>) -> Vec<PathBuf> {
        let mut newer = vec![self.path.clone()];
        if known.is_some() {
            for number in 1.. {
                let path = numbered(&self.path, number);
                match identity_of(&path) {
                    found if found == known => break,
                    Some(_) => newer.push(path),
                    // The known one was deleted.
                    None => {
                        newer.truncate(1);
                        break;
                    }
                }
            }
        }
        newer.reverse();
        newer
    }
}

impl Followed {
    /// `None` where there is no such file.
    fn open(path: &Path) -> Result<Option<Self>, Refused> {
        let file = match files::open(path, Access::Read) {
            Ok(file) => file,
            Err(refused) if refused.is_missing() => return Ok(None),
            Err(refused) => return Err(refused),
        };
        let found = file.metadata()?;
        Ok(Some(Self { file, identity: (found.dev(), found.ino()), at: 0, begun: Vec::new() }))
    }

    /// Reads to the end, and gives each whole line.
    fn read(&mut self, mut each: impl FnMut(Vec<u8>)) -> io::Result<()> {
        // Emptied by another program: it begins anew.
        if self.file.metadata()?.len() < self.at {
            (self.at, self.begun) = (0, Vec::new());
        }
        let mut bytes = vec![0; CHUNK];
        loop {
            let length = self.file.read_at(&mut bytes, self.at)?;
            if length == 0 {
                return Ok(());
            }
            self.at += u64::try_from(length).unwrap_or(0);
            let read = bytes.get(..length).unwrap_or_default();
            for part in read.split_inclusive(|byte| *byte == b'\n') {
                self.begun.extend_from_slice(part);
                if self.begun.pop_if(|last| *last == b'\n').is_some() {
                    each(std::mem::take(&mut self.begun));
                }
            }
        }
    }

    /// Reads to the end, and adds the last lines that are wanted, newest first, up to `count` in all.
    fn collect(
        &mut self,
        count: usize,
        wanted: &impl Fn(&[u8]) -> bool,
        newest_first: &mut Vec<Vec<u8>>,
    ) -> io::Result<()> {
        let mut last = std::collections::VecDeque::new();
        let room = count.saturating_sub(newest_first.len());
        self.read(|line| {
            if wanted(&line) {
                last.push_back(line);
                if last.len() > room {
                    last.pop_front();
                }
            }
        })?;
        newest_first.extend(last.into_iter().rev());
        Ok(())
    }
}

fn identity_of(path: &Path) -> Option<Identity> {
    fs::symlink_metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// A directory that goes away with the test.
    struct Place(PathBuf);

    impl Place {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("ohfp-journal-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn log(&self) -> PathBuf {
            self.0.join("x.log")
        }

        fn add(&self, text: &str) -> File {
            let mut file = fs::OpenOptions::new().create(true).append(true).open(self.log()).unwrap();
            file.write_all(text.as_bytes()).unwrap();
            file
        }

        /// As a process that logs does it.
        fn rotate(&self) {
            let _ = fs::rename(numbered(&self.log(), 1), numbered(&self.log(), 2));
            fs::rename(self.log(), numbered(&self.log(), 1)).unwrap();
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn texts(lines: Vec<Vec<u8>>) -> Vec<String> {
        lines.into_iter().map(|line| String::from_utf8(line).unwrap()).collect()
    }

    #[test]
    fn the_last_lines_come_from_as_many_files_as_it_takes() {
        let place = Place::new("last");
        for number in 0..6 {
            place.add(&format!("{number}\n"));
            if number % 2 == 1 {
                place.rotate();
            }
        }
        let last = |count, wanted: fn(&[u8]) -> bool| {
            texts(Journal::open(&place.log()).unwrap().last(count, wanted).unwrap())
        };
        assert_eq!(last(3, |_| true), ["3", "4", "5"]);
        // Only two files are kept here.
        assert_eq!(last(usize::MAX, |_| true), ["2", "3", "4", "5"]);
        assert_eq!(last(1, |line| line < b"5".as_slice()), ["4"]);
        assert_eq!(last(0, |_| true), [""; 0]);
    }

    #[test]
    fn lines_that_come_are_followed_over_a_rotation() {
        let place = Place::new("more");
        let mut journal = Journal::open(&place.log()).unwrap();
        assert!(!journal.exists());
        let mut check = |expected: &[&str]| assert_eq!(texts(journal.more().unwrap()), expected);
        check(&[]);
        let mut writer = place.add("1\n2");
        check(&["1"]);
        assert_eq!(journal.unfinished(), Some(b"2".as_slice()));
        let mut check = |expected: &[&str]| assert_eq!(texts(journal.more().unwrap()), expected);
        place.add("\n3\n");
        check(&["2", "3"]);
        place.rotate();
        check(&[]);
        // A process that has the renamed file open goes on with it.
        writer.write_all(b"4\n").unwrap();
        place.add("5\n");
        check(&["4", "5"]);
        writer.write_all(b"6\n").unwrap();
        place.add("7\n");
        check(&["6", "7"]);
        // Two rotations between two looks.
        place.rotate();
        place.add("8\n");
        place.rotate();
        place.add("9\n");
        check(&["8", "9"]);
        // Emptied.
        File::create(place.log()).unwrap();
        check(&[]);
        place.add("a\n");
        check(&["a"]);
        fs::remove_file(place.log()).unwrap();
        check(&[]);
        place.add("b\n");
        check(&["b"]);
    }
}
