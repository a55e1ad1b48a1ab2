//! The command `metrics push`.

use ohfp_broker::Errors;
use ohfp_service::notice::note;
use ohfp_service::spans::{self, Pushed};
use serde_json::json;

use crate::call::Call;
use crate::reply::Reply;

pub(super) fn run(call: &Call) -> Result<Reply, Errors> {
    let Pushed { endpoint, commands, spans, rejected, message, damaged } = spans::push(&call.invocation)?;
    if damaged > 0 {
        note(&format!("{damaged} lines of the spool were damaged or of another version, and are left out"));
    }
    if rejected > 0 {
        note(&format!("the collector has rejected {rejected} of {spans} spans: {message}"));
    } else if !message.is_empty() {
        note(&format!("the collector warns: {message}"));
    }
    Ok(call.document(&json!({
        "endpoint": endpoint, "commands": commands, "spans": spans, "rejected": rejected, "damaged": damaged,
    })))
}
