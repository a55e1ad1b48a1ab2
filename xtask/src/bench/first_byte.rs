//! How long `ohfp-live` takes from its start to the first byte that it sends to AWS: everything that the SDK needs
//! before a call, with and without TLS. What the cloud takes is no part of it.

use std::io::Read;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use super::limits::at_most;
use super::measure::Row;
use super::report::{Budget, Columns, Table};
use crate::dist::Tree;
use crate::project::{Project, Result, step, text};

const ROUNDS: u32 = 50;

/// The ways to reach AWS, with the longest time in milliseconds.
const WAYS: [(&str, f64); 2] = [("http", 15.0), ("https", 25.0)];

/// The table, with what is expected of it; `None` where the tree is built without AWS.
pub(super) fn measure(project: &Project, tree: &Tree, quick: bool) -> Result<Option<(Table, Vec<Budget>)>> {
    if !tree.has_aws(project)? {
        return Ok(None);
    }
    step("measuring: from the start to the first byte on the wire");
    let home = project.fresh_dir("bench/first-byte")?;
    let provider = json!({ "name": "aws", "type": "aws", "config": { "region": "us-east-1" } });
    let settings = json!({ "provider": { "providers": [provider] } });
    project.sh.write_file(home.join("config.json"), settings.to_string())?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;

    let (mut rows, mut budgets) = (Vec::new(), Vec::new());
    for (scheme, limit) in WAYS {
        let mut times = Vec::new();
        for _ in 0..if quick { ROUNDS / 10 } else { ROUNDS } {
            let mut command = Command::new(tree.program("ohfp"));
            command
                .args(["providers", "health"])
                .env_clear()
                .envs([
                    ("HOME", text(&home)?),
                    ("OHFP_CONFIG_DIR", text(&home)?),
                    ("AWS_ENDPOINT_URL", &format!("{scheme}://{address}")),
                    ("AWS_ACCESS_KEY_ID", "AKIABENCHFIRSTBYTE01"),
                    ("AWS_SECRET_ACCESS_KEY", "secret"),
                    ("AWS_EC2_METADATA_DISABLED", "true"),
                ])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            times.push(once(&mut command, &listener)?);
        }
        times.sort_unstable();
        let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
        let median = at(50);
        budgets.push(at_most(
            format!("milliseconds from the start to the first byte on the wire, {scheme}"),
            median.as_secs_f64() * 1e3,
            limit,
        ));
        rows.push(row(scheme, times.len(), at(0), median, at(90)));
    }
    let title = "From the start of a command to its first byte to AWS".to_owned();
    Ok(Some((Table { title, rows, columns: Columns::FirstCall, before: Vec::new() }, budgets)))
}

/// The time until the first byte is here; the program is not answered, and ended.
fn once(command: &mut Command, listener: &TcpListener) -> Result<Duration> {
    let began = Instant::now();
    let mut child = command.spawn()?;
    // A program that ends without a call would be waited for without end.
    listener.set_nonblocking(true)?;
    let accepted = loop {
        match listener.accept() {
            Ok((stream, _)) => break Ok(stream),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                if let Some(status) = child.try_wait()? {
                    break Err(format!("`ohfp providers health` ended with {status} before it called"));
                }
                std::thread::sleep(Duration::from_micros(50));
            }
            Err(error) => break Err(error.to_string()),
        }
    };
    let found = accepted.and_then(|mut stream| {
        stream
            .set_nonblocking(false)
            .and_then(|()| stream.read_exact(&mut [0]))
            .map_err(|e| e.to_string())?;
        Ok(began.elapsed())
    });
    child.kill()?;
    child.wait()?;
    Ok(found?)
}

fn row(scheme: &str, rounds: usize, min: Duration, median: Duration, p90: Duration) -> Row {
    let microseconds = |time: Duration| time.as_secs_f64() * 1e6;
    Row {
        name: format!("ohfp providers health, {scheme}"),
        rounds: u64::try_from(rounds).unwrap_or(u64::MAX),
        min: microseconds(min),
        median: microseconds(median),
        p90: microseconds(p90),
        ..Row::default()
    }
}
