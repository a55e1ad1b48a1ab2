//! Tags: how a machine, a fleet, a template or a group is known to be ours, and of which launch.

use ohfp_broker::launch_spec::LaunchSpec;

use crate::calls::{Tag, TagSpecification};

/// The request that it was made for.
pub const REQUEST: &str = "ohfp:request";
/// The token of its launch.
pub const TOKEN: &str = "ohfp:token";
/// The template.
pub const TEMPLATE: &str = "ohfp:template";
/// The provider instance.
pub const PROVIDER: &str = "ohfp:provider";
/// The id of the state store that knows it.
pub const STORE: &str = "ohfp:store";
/// IBM's tag of the account that a request is charged to.
pub const RC_ACCOUNT: &str = "RC_ACCOUNT";

/// AWS's own tag of a fleet's machines.
pub(crate) const FLEET: &str = "aws:ec2:fleet-id";
/// AWS's own tag of a spot fleet's machines.
pub(crate) const SPOT_FLEET: &str = "aws:ec2spot:fleet-request-id";
/// AWS's own tag of a group's machines.
pub(crate) const GROUP: &str = "aws:autoscaling:groupName";

/// What a launch is for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owner<'a> {
    pub(crate) request: &'a str,
    pub(crate) token: &'a str,
    pub(crate) template: &'a str,
    pub(crate) provider: &'a str,
    pub(crate) store: &'a str,
    pub(crate) rc_account: Option<&'a str>,
}

/// The tags of everything that a launch makes: ours, `Name`, IBM's, then the template's. A template's tag replaces
/// `Name` and IBM's.
pub(crate) fn of_launch(owner: Owner<'_>, spec: &LaunchSpec) -> Vec<Tag> {
    let tag = |key: &str, value: &str| Tag { key: key.to_owned(), value: value.to_owned() };
    let mut tags = vec![
        tag(REQUEST, owner.request),
        tag(TOKEN, owner.token),
        tag(TEMPLATE, owner.template),
        tag(PROVIDER, owner.provider),
        tag(STORE, owner.store),
        tag("Name", &format!("ohfp-{}", owner.template)),
    ];
    tags.extend(owner.rc_account.map(|account| tag(RC_ACCOUNT, account)));
    let theirs = spec.tags.as_ref().and_then(|tags| tags.pairs().ok()).unwrap_or_default();
    for (key, value) in theirs {
        tags.retain(|known| known.key != key);
        tags.push(tag(key, value));
    }
    tags
}

/// Adds tags of a kind of resource. Those that are there count before them.
pub(crate) fn add(all: &mut Vec<TagSpecification>, more: TagSpecification) {
    let Some(same) = all.iter_mut().find(|one| one.resource_type == more.resource_type) else {
        all.push(more);
        return;
    };
    for tag in more.tags {
        if !same.tags.iter().any(|known| known.key == tag.key) {
            same.tags.push(tag);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ours_and_theirs() {
        let check = |fields: serde_json::Value, rc_account, wanted: &[&str]| {
            let spec = LaunchSpec::parse(fields.as_object().unwrap()).unwrap();
            let owner = Owner {
                request: "req-1",
                token: "req1-1",
                template: "small",
                provider: "aws-1",
                store: "s-1",
                rc_account,
            };
            let tags = of_launch(owner, &spec);
            let written: Vec<String> = tags.iter().map(|tag| format!("{}={}", tag.key, tag.value)).collect();
            let ours = [
                "ohfp:request=req-1",
                "ohfp:token=req1-1",
                "ohfp:template=small",
                "ohfp:provider=aws-1",
                "ohfp:store=s-1",
            ];
            assert_eq!(written, [&ours, wanted].concat());
        };
        check(json!({}), None, &["Name=ohfp-small"]);
        check(json!({}), Some("proj"), &["Name=ohfp-small", "RC_ACCOUNT=proj"]);
        check(json!({ "instanceTags": "a=1;b=x=y" }), None, &["Name=ohfp-small", "a=1", "b=x=y"]);
        check(json!({ "instanceTags": "Name=mine;RC_ACCOUNT=z" }), Some("p"), &["Name=mine", "RC_ACCOUNT=z"]);
    }
}
