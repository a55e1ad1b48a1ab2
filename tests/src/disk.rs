//! A file system of a test's own, whose power can fail.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Stops ext4 at once: `EXT4_IOC_SHUTDOWN` without flushing the journal.
const CUT: &str = "import fcntl,os,struct,sys
fd = os.open(sys.argv[1], os.O_RDONLY)
fcntl.ioctl(fd, 0x8004587d, struct.pack('I', 2))";

/// A file system in a file.
#[derive(Debug)]
pub struct Disk {
    image: PathBuf,
    /// Where it is mounted.
    pub at: PathBuf,
}

impl Disk {
    /// Makes and mounts one; says why where that is not possible.
    pub fn new(directory: &Path) -> Result<Self, String> {
        let disk = Self { image: directory.join("disk"), at: directory.join("mounted") };
        let file = fs::File::create(&disk.image).unwrap();
        file.set_len(96 << 20).unwrap();
        fs::create_dir(&disk.at).unwrap();
        run(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(&disk.image))?;
        disk.mount()?;
        Ok(disk)
    }

    /// Mounts it again, after [`Disk::unmount`].
    pub fn mount(&self) -> Result<(), String> {
        run(Command::new("mount").args(["-o", "loop"]).arg(&self.image).arg(&self.at))
    }

    /// The power fails.
    pub fn cut(&self) -> Result<(), String> {
        run(Command::new("python3").args(["-c", CUT]).arg(&self.at))
    }

    /// What did not reach it is lost now.
    pub fn unmount(&self) -> Result<(), String> {
        run(Command::new("umount").arg(&self.at))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = self.unmount();
    }
}

fn run(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    match command.output() {
        Err(error) => Err(format!("cannot run {program}: {error}")),
        Ok(output) if !output.status.success() => {
            Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim()))
        }
        Ok(_) => Ok(()),
    }
}
