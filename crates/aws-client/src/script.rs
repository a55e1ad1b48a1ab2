//! Host Factory's credential file and credential script.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use tokio::process::Command;

use crate::config::CredentialScript;
use crate::ini;

/// The file that `AWS_CREDENTIAL_FILE` names.
#[derive(Debug)]
pub(crate) struct File(pub(crate) PathBuf);

impl ProvideCredentials for File {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(read(&self.0, "CredentialFile"))
    }
}

fn read(path: &Path, provider: &'static str) -> Result<Credentials, CredentialsError> {
    let unusable =
        |why: String| CredentialsError::invalid_configuration(format!("{}: {why}", path.display()));
    let text = fs::read_to_string(path).map_err(|error| unusable(error.to_string()))?;
    ini::credentials(&text, provider).map_err(unusable)
}

/// The program that `AWS_CREDENTIAL_SCRIPT` names. Its output is kept, since each invocation is a process of its own.
#[derive(Debug)]
pub(crate) struct Script(pub(crate) CredentialScript);

impl ProvideCredentials for Script {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.load())
    }
}

impl Script {
    async fn load(&self) -> Result<Credentials, CredentialsError> {
        let kept = self.kept_as();
        if let Some(until) = self.usable_until(&kept)
            && let Ok(mut credentials) = read(&kept, "CredentialScript")
        {
            *credentials.expiry_mut() = Some(until);
            return Ok(credentials);
        }
        let text = self.run().await?;
        let mut credentials = ini::credentials(&text, "CredentialScript")
            .map_err(|why| self.failed(&format!("what it printed cannot be used: {why}")))?;
        keep(&kept, &text).map_err(|error| {
            self.failed(&format!("its output cannot be kept in {}: {error}", kept.display()))
        })?;
        *credentials.expiry_mut() = SystemTime::now().checked_add(self.0.renew_after);
        Ok(credentials)
    }

    /// The file that the output is kept in: its name is the program's path, so that two programs do not share one.
    fn kept_as(&self) -> PathBuf {
        let name = self.0.program.to_string_lossy().replace(['/', '\0'], "-");
        self.0
            .directory
            .join(format!("aws-credentials{}{name}", if name.starts_with('-') { "" } else { "-" }))
    }

    /// Until when what is kept may be used; `None` if it is too old, is missing, or others can read it.
    fn usable_until(&self, kept: &Path) -> Option<SystemTime> {
        let metadata = fs::symlink_metadata(kept).ok()?;
        if !metadata.is_file() || metadata.permissions().mode() & 0o077 != 0 {
            return None;
        }
        let until = metadata.modified().ok()?.checked_add(self.0.renew_after)?;
        (SystemTime::now() < until).then_some(until)
    }

    async fn run(&self) -> Result<String, CredentialsError> {
        let output = Command::new(&self.0.program)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            // The caller gives up at its deadline, and so shall the program.
            .kill_on_drop(true)
            .output()
            .await
            .map_err(|error| self.failed(&error.to_string()))?;
        if !output.status.success() {
            return Err(self.failed(&output.status.to_string()));
        }
        String::from_utf8(output.stdout).map_err(|_| self.failed("what it printed is no text"))
    }

    fn failed(&self, why: &str) -> CredentialsError {
        CredentialsError::provider_error(format!("{}: {why}", self.0.program.display()))
    }
}

/// Writes beside and renames, so that a reader sees all of it, and its owner alone can read it at any time.
fn keep(path: &Path, text: &str) -> std::io::Result<()> {
    let beside = path.with_extension(format!("{}.new", std::process::id()));
    let _ = fs::remove_file(&beside);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const KEYS: &str = "[default]\naws_access_key_id = AK\naws_secret_access_key = hush\n";

    struct Case {
        directory: tempfile::TempDir,
        script: Script,
    }

    /// A script that counts its runs in a file beside it.
    fn case(body: &str, renew_after: Duration) -> Case {
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join("keys.sh");
        let runs = directory.path().join("runs");
        fs::write(&program, format!("#!/bin/sh\necho run >> {}\n{body}\n", runs.display())).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
        let script =
            Script(CredentialScript { program, renew_after, directory: directory.path().to_owned() });
        Case { directory, script }
    }

    impl Case {
        fn load(&self) -> Result<Credentials, String> {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(self.script.load()).map_err(|error| format!("{error:?}"))
        }

        fn runs(&self) -> usize {
            fs::read_to_string(self.directory.path().join("runs")).unwrap_or_default().lines().count()
        }
    }

    #[test]
    fn the_output_is_kept_for_its_time_and_for_its_owner() {
        let case = case(&format!("printf '{KEYS}'"), Duration::from_mins(10));
        assert_eq!(case.load().unwrap().access_key_id(), "AK");
        assert_eq!(case.load().unwrap().secret_access_key(), "hush");
        assert_eq!(case.runs(), 1);
        let kept = case.script.kept_as();
        assert_eq!(fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);

        // Readable by others: not ours.
        fs::set_permissions(&kept, fs::Permissions::from_mode(0o640)).unwrap();
        case.load().unwrap();
        assert_eq!(case.runs(), 2);
        assert_eq!(fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);

        // Too old.
        let file = OpenOptions::new().write(true).open(&kept).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(601)).unwrap();
        case.load().unwrap();
        assert_eq!(case.runs(), 3);
    }

    #[test]
    fn errors_name_the_program_and_no_value() {
        for (body, expected) in [
            ("exit 3", "exit status: 3"),
            ("echo nonsense", "line 1 is neither"),
            ("echo '[default]'; echo aws_secret_access_key=hush", "no aws_access_key_id"),
        ] {
            let case = case(body, Duration::from_mins(10));
            let message = case.load().unwrap_err();
            assert!(message.contains("keys.sh") && message.contains(expected), "{message}");
            assert!(!message.contains("hush") && !case.script.kept_as().exists(), "{message}");
        }
    }
}
