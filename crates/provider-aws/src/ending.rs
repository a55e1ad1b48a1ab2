//! Ending machines: those that are named, and no others.

use ohfp_broker::Deadline;

use crate::api::Api;
use crate::batches;
use crate::failure::Failure;

/// Most ids of a call. EC2 takes more, and says that it is slow then.
const IDS: usize = 500;

/// Ends machines. One that cannot be ended keeps no other from it. Gives those that could not be, each with the reason:
/// protected, denied, or EC2 could not be reached. Those that EC2 does not know are as good as ended.
pub(crate) fn terminate(
    api: &dyn Api,
    ids: &[String],
    concurrent: usize,
    deadline: Deadline,
) -> Vec<(String, Failure)> {
    let call = |batch: &[String]| api.terminate_instances(batch, deadline);
    batches::sift_all(ids, IDS, concurrent, call, |change| &change.id).failed
}
