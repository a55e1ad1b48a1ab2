//! `ohfp-snapshot rollback`.

use clap::Args;
use ohfp_resolver::Environment;

use super::target::{Outcome, Outcomes, Target};
use crate::publish::{self, Lock, Turn};

/// Arguments of `rollback`.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(flatten)]
    target: Target,
}

pub(super) fn run(arguments: &Arguments, env: &Environment) -> Outcomes {
    let path = arguments.target.path(env)?;
    if let Some(lock) = Lock::take(&path, Turn::Wait)? {
        publish::rollback(&lock, &path)?;
    }
    let document = format!(
        "rolled back: {}\nanother rollback undoes this; where its inputs have changed since, `snapshot.refresh` decides \
         whether the sources win again\n",
        path.display()
    );
    Ok(Outcome { document, code: 0 })
}
