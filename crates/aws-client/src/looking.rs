//! Calls that ask. An answer has all its pages, or it is a failure.

use std::collections::BTreeMap;

use aws_sdk_ec2::operation::describe_instances::builders::DescribeInstancesFluentBuilder;
use aws_sdk_ec2::types::{EventType, Filter, FleetEventType};
use aws_smithy_types::DateTime;
use ohfp_broker::{Deadline, Timestamp};
use ohfp_provider_aws::api::{
    Called, CallerIdentity, Ec2Instance, FleetEvent, FleetState, GroupState, LaunchTemplateState,
    SpotRequest, tag_filter,
};
use ohfp_provider_aws::failure::Failure;

use crate::client::Client;
use crate::policy::Kind;
use crate::reduced;

/// Machines of a page, where no ids are given: the most that EC2 allows.
const MACHINES: i32 = 1_000;
/// Groups and activities of a page.
const RECORDS: i32 = 100;
/// Launch templates of a page.
const TEMPLATES: i32 = 200;

/// Asks for page after page until there is no further one.
fn pages<T>(
    action: &'static str,
    mut page: impl FnMut(Option<String>) -> Called<(Vec<T>, Option<String>)>,
) -> Called<Vec<T>> {
    let mut found = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let (entries, next) = page(token.clone())?;
        found.extend(entries);
        match next.filter(|next| !next.is_empty()) {
            None => return Ok(found),
            Some(next) if token.as_ref() == Some(&next) => {
                return Err(Failure::Lost {
                    action,
                    why: "the next page has the token of this one".to_owned(),
                });
            }
            next => token = next,
        }
    }
}

/// All pages of a request that has `set_next_token`: what `$entries` makes of each `$answer`.
macro_rules! all_pages {
    ($client:expr, $action:expr, $deadline:expr, $request:expr, |$answer:ident| $entries:expr) => {{
        let request = $request;
        pages($action, |token| {
            let request = request.clone().set_next_token(token);
            let $answer = $client.call($action, Kind::Question, $deadline, |watch| {
                request.clone().customize().interceptor(watch).send()
            })?;
            let entries: Vec<_> = $entries.collect();
            Ok((entries, $answer.next_token))
        })
    }};
}

fn filter(name: impl Into<String>, values: &[String]) -> Filter {
    Filter::builder().name(name).set_values(Some(values.to_vec())).build()
}

fn machines(
    client: &Client,
    request: &DescribeInstancesFluentBuilder,
    deadline: Deadline,
) -> Called<Vec<Ec2Instance>> {
    all_pages!(client, "DescribeInstances", deadline, request, |answer| {
        answer
            .reservations()
            .iter()
            .flat_map(|of| of.instances().iter().map(|instance| reduced::instance(instance, of.owner_id())))
    })
}

pub(crate) fn instances(client: &Client, ids: &[String], deadline: Deadline) -> Called<Vec<Ec2Instance>> {
    // Not beside MaxResults, which EC2 refuses.
    let request = client.sdk()?.ec2().describe_instances().set_instance_ids(Some(ids.to_vec()));
    machines(client, &request, deadline)
}

pub(crate) fn instances_by_filter(
    client: &Client,
    filters: &[(String, Vec<String>)],
    deadline: Deadline,
) -> Called<Vec<Ec2Instance>> {
    let filters = filters.iter().map(|(name, values)| filter(name, values)).collect();
    let request = client.sdk()?.ec2().describe_instances().set_filters(Some(filters)).max_results(MACHINES);
    machines(client, &request, deadline)
}

pub(crate) fn fleets(client: &Client, ids: &[String], deadline: Deadline) -> Called<Vec<FleetState>> {
    fleets_of(client, Some(ids), deadline)
}

/// `DescribeFleets` has no filter for tags, so that all are asked for.
pub(crate) fn fleets_by_tag(
    client: &Client,
    key: &str,
    values: &[String],
    deadline: Deadline,
) -> Called<Vec<FleetState>> {
    let mut fleets = fleets_of(client, None, deadline)?;
    fleets.retain(|fleet| is_tagged(fleet, key, values));
    Ok(fleets)
}

/// Whether a fleet has a tag with one of these values; none means any.
fn is_tagged(fleet: &FleetState, key: &str, values: &[String]) -> bool {
    fleet.tags.get(key).is_some_and(|value| values.is_empty() || values.contains(value))
}

fn fleets_of(client: &Client, ids: Option<&[String]>, deadline: Deadline) -> Called<Vec<FleetState>> {
    let request = client.sdk()?.ec2().describe_fleets().set_fleet_ids(ids.map(<[String]>::to_vec));
    all_pages!(client, "DescribeFleets", deadline, request, |answer| {
        answer.fleets().iter().map(reduced::fleet)
    })
}

fn since(time: Timestamp) -> DateTime {
    DateTime::from_secs(time.seconds())
}

pub(crate) fn fleet_errors(
    client: &Client,
    id: &str,
    from: Timestamp,
    deadline: Deadline,
) -> Called<Vec<FleetEvent>> {
    let request = client
        .sdk()?
        .ec2()
        .describe_fleet_history()
        .fleet_id(id)
        .event_type(FleetEventType::ServiceError)
        .start_time(since(from));
    all_pages!(client, "DescribeFleetHistory", deadline, request, |answer| {
        answer.history_records().iter().map(|entry| reduced::event(entry.event_information()))
    })
}

pub(crate) fn spot_fleets(client: &Client, ids: &[String], deadline: Deadline) -> Called<Vec<FleetState>> {
    spot_fleets_of(client, Some(ids), deadline)
}

/// `DescribeSpotFleetRequests` has no filters, so that all are asked for.
pub(crate) fn spot_fleets_by_tag(
    client: &Client,
    key: &str,
    values: &[String],
    deadline: Deadline,
) -> Called<Vec<FleetState>> {
    let mut fleets = spot_fleets_of(client, None, deadline)?;
    fleets.retain(|fleet| is_tagged(fleet, key, values));
    Ok(fleets)
}

fn spot_fleets_of(client: &Client, ids: Option<&[String]>, deadline: Deadline) -> Called<Vec<FleetState>> {
    let ids = ids.map(<[String]>::to_vec);
    let request = client.sdk()?.ec2().describe_spot_fleet_requests().set_spot_fleet_request_ids(ids);
    all_pages!(client, "DescribeSpotFleetRequests", deadline, request, |answer| {
        answer.spot_fleet_request_configs().iter().map(reduced::spot_fleet)
    })
}

pub(crate) fn spot_fleet_errors(
    client: &Client,
    id: &str,
    from: Timestamp,
    deadline: Deadline,
) -> Called<Vec<FleetEvent>> {
    let request = client
        .sdk()?
        .ec2()
        .describe_spot_fleet_request_history()
        .spot_fleet_request_id(id)
        .event_type(EventType::Error)
        .start_time(since(from));
    all_pages!(client, "DescribeSpotFleetRequestHistory", deadline, request, |answer| {
        answer.history_records().iter().map(|entry| reduced::event(entry.event_information()))
    })
}

pub(crate) fn groups(client: &Client, names: &[String], deadline: Deadline) -> Called<Vec<GroupState>> {
    let request = client
        .sdk()?
        .autoscaling()
        .describe_auto_scaling_groups()
        .set_auto_scaling_group_names(Some(names.to_vec()))
        .max_records(RECORDS);
    all_pages!(client, "DescribeAutoScalingGroups", deadline, request, |answer| {
        answer.auto_scaling_groups().iter().map(reduced::group)
    })
}

pub(crate) fn groups_by_tag(
    client: &Client,
    key: &str,
    values: &[String],
    deadline: Deadline,
) -> Called<Vec<GroupState>> {
    let (name, values) = tag_filter(key, values);
    let filter = aws_sdk_autoscaling::types::Filter::builder().name(name).set_values(Some(values)).build();
    let request =
        client.sdk()?.autoscaling().describe_auto_scaling_groups().filters(filter).max_records(RECORDS);
    all_pages!(client, "DescribeAutoScalingGroups", deadline, request, |answer| {
        answer.auto_scaling_groups().iter().map(reduced::group)
    })
}

pub(crate) fn failed_activities(client: &Client, group: &str, deadline: Deadline) -> Called<Vec<String>> {
    let request = client
        .sdk()?
        .autoscaling()
        .describe_scaling_activities()
        .auto_scaling_group_name(group)
        .max_records(RECORDS);
    all_pages!(client, "DescribeScalingActivities", deadline, request, |answer| {
        answer.activities().iter().filter_map(reduced::failed_activity)
    })
}

pub(crate) fn spot_requests(client: &Client, ids: &[String], deadline: Deadline) -> Called<Vec<SpotRequest>> {
    let request = client
        .sdk()?
        .ec2()
        .describe_spot_instance_requests()
        .set_spot_instance_request_ids(Some(ids.to_vec()));
    all_pages!(client, "DescribeSpotInstanceRequests", deadline, request, |answer| {
        answer.spot_instance_requests().iter().map(reduced::spot_request)
    })
}

pub(crate) fn launch_templates_by_tag(
    client: &Client,
    key: &str,
    values: &[String],
    deadline: Deadline,
) -> Called<Vec<LaunchTemplateState>> {
    let (name, values) = tag_filter(key, values);
    let request =
        client.sdk()?.ec2().describe_launch_templates().filters(filter(name, &values)).max_results(TEMPLATES);
    all_pages!(client, "DescribeLaunchTemplates", deadline, request, |answer| {
        answer.launch_templates().iter().map(reduced::launch_template)
    })
}

pub(crate) fn root_devices(
    client: &Client,
    ids: &[String],
    deadline: Deadline,
) -> Called<BTreeMap<String, String>> {
    let request = client.sdk()?.ec2().describe_images().set_image_ids(Some(ids.to_vec()));
    let images: Vec<(String, String)> = all_pages!(client, "DescribeImages", deadline, request, |answer| {
        let images = answer.images().iter();
        images.filter_map(|image| Some((image.image_id()?.into(), image.root_device_name()?.into())))
    })?;
    Ok(images.into_iter().collect())
}

pub(crate) fn zones(
    client: &Client,
    subnets: &[String],
    deadline: Deadline,
) -> Called<BTreeMap<String, String>> {
    let request = client.sdk()?.ec2().describe_subnets().set_subnet_ids(Some(subnets.to_vec()));
    let zones: Vec<(String, String)> = all_pages!(client, "DescribeSubnets", deadline, request, |answer| {
        let subnets = answer.subnets().iter();
        subnets.filter_map(|subnet| Some((subnet.subnet_id()?.into(), subnet.availability_zone()?.into())))
    })?;
    Ok(zones.into_iter().collect())
}

pub(crate) fn caller_identity(client: &Client, deadline: Deadline) -> Called<CallerIdentity> {
    let request = client.sdk()?.sts().get_caller_identity();
    let answer = client.call("GetCallerIdentity", Kind::Question, deadline, |watch| {
        request.clone().customize().interceptor(watch).send()
    })?;
    Ok(CallerIdentity { account: answer.account.unwrap_or_default(), arn: answer.arn.unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Next tokens of the pages that are answered; how many pages are asked for, or that it fails.
    #[test]
    fn all_pages_or_a_failure() {
        let check = |tokens: &[Called<&str>], expected: Called<usize>| {
            let mut asked = Vec::new();
            let found = pages("DescribeInstances", |token| {
                let next = tokens.get(asked.len()).unwrap().clone()?;
                asked.push(token);
                Ok((vec![asked.len()], Some(next.to_owned())))
            });
            assert_eq!(found.map(|entries| entries.len()), expected, "{tokens:?}");
            let first = asked.first().cloned();
            assert!(first.is_none_or(|token| token.is_none()));
        };
        let lost = || Failure::Lost { action: "DescribeInstances", why: "closed".to_owned() };
        check(&[Ok("")], Ok(1));
        check(&[Ok("a"), Ok("b"), Ok("")], Ok(3));
        check(&[Ok("a"), Err(lost())], Err(lost()));
        let repeated = Failure::Lost {
            action: "DescribeInstances",
            why: "the next page has the token of this one".to_owned(),
        };
        check(&[Ok("a"), Ok("a")], Err(repeated));
    }
}
