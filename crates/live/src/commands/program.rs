//! The commands `version` and `snapshot`: the programs themselves.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use ohfp_broker::{Error, ErrorKind, Errors, Result};
use ohfp_cli::SnapshotArguments;
use ohfp_service::formats;
use serde_json::json;

use crate::call::Call;
use crate::reply::Reply;

/// What this build was made from, where its maker says so.
const COMMIT: Option<&str> = option_env!("OHFP_COMMIT");
const COMMIT_DATE: Option<&str> = option_env!("OHFP_COMMIT_DATE");

/// `version`.
pub(super) fn version(call: &Call) -> Reply {
    let target = format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS);
    call.document(&json!({
        "version": env!("CARGO_PKG_VERSION"),
        "commit": COMMIT,
        "date": COMMIT_DATE,
        "target": if cfg!(target_env = "musl") { format!("{target}-musl") } else { target },
        "snapshotFormat": formats::SNAPSHOT,
        "storeSchema": formats::STORE_SCHEMA,
        "providers": formats::providers(),
    }))
}

/// The path of a program that is installed beside this one.
pub(crate) fn beside(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe()
        .map_err(|error| Error::new(ErrorKind::System, "cannot find this program's own path").cause(error))?;
    Ok(own.with_file_name(name))
}

/// `snapshot`: becomes `ohfp-snapshot`, which is installed beside this program.
///
/// # Errors
/// [`ErrorKind::System`] where it cannot be started.
pub(super) fn snapshot(arguments: &SnapshotArguments) -> Result<Reply, Errors> {
    let program = beside("ohfp-snapshot")?;
    let error = Command::new(&program).args(&arguments.arguments).exec();
    Err(Error::new(ErrorKind::System, format!("cannot start `{}`", program.display()))
        .cause(error)
        .hint("install ohfp-snapshot beside ohfp-live")
        .into())
}
