//! Calls that ask. An answer has all its pages, or it is a failure.

use std::collections::BTreeMap;

use aws_sdk_ec2::operation::describe_instances::builders::DescribeInstancesFluentBuilder;
use aws_sdk_ec2::types::{EventType, Filter, FleetEventType};
use aws_smithy_types::DateTime;
use ohfp_broker::{Deadline, Timestamp};
use ohfp_provider_aws::api::{
    Called, CallerIdentity, Ec2Instance, FleetEvent, FleetState, GroupState, LaunchTemplateState,
    SpotRequest, SubnetState,
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

/// A page of a request that has `set_next_token`: sends it, and gives what `$entries` makes of the answer.
macro_rules! page {
    ($client:expr, $action:expr, $deadline:expr, $request:expr, $token:expr, $entries:expr) => {{
        let request = $request.clone().set_next_token($token);
        let answer = $client.call($action, Kind::Question, $deadline, |watch| {
            request.clone().customize().interceptor(watch).send()
        })?;
        let entries = $entries(&answer);
        Ok((entries, answer.next_token))
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
    const ACTION: &str = "DescribeInstances";
    pages(ACTION, |token| {
        page!(
            client,
            ACTION,
            deadline,
            request,
            token,
            |answer: &aws_sdk_ec2::operation::describe_instances::DescribeInstancesOutput| {
                let reservations = answer.reservations().iter();
                reservations.flat_map(|of| of.instances().iter().map(reduced::instance)).collect()
            }
        )
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
    fleets.retain(|fleet| fleet.tags.get(key).is_some_and(|value| values.contains(value)));
    Ok(fleets)
}

fn fleets_of(client: &Client, ids: Option<&[String]>, deadline: Deadline) -> Called<Vec<FleetState>> {
    const ACTION: &str = "DescribeFleets";
    let request = client.sdk()?.ec2().describe_fleets().set_fleet_ids(ids.map(<[String]>::to_vec));
    pages(ACTION, |token| {
        page!(
            client,
            ACTION,
            deadline,
            request,
            token,
            |answer: &aws_sdk_ec2::operation::describe_fleets::DescribeFleetsOutput| {
                answer.fleets().iter().map(reduced::fleet).collect()
            }
        )
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
    const ACTION: &str = "DescribeFleetHistory";
    let request = client
        .sdk()?
        .ec2()
        .describe_fleet_history()
        .fleet_id(id)
        .event_type(FleetEventType::ServiceError)
        .start_time(since(from));
    pages(ACTION, |token| {
        page!(
            client,
            ACTION,
            deadline,
            request,
            token,
            |answer: &aws_sdk_ec2::operation::describe_fleet_history::DescribeFleetHistoryOutput| {
                answer
                    .history_records()
                    .iter()
                    .map(|entry| reduced::event(entry.event_information()))
                    .collect()
            }
        )
    })
}

pub(crate) fn spot_fleets(client: &Client, ids: &[String], deadline: Deadline) -> Called<Vec<FleetState>> {
    const ACTION: &str = "DescribeSpotFleetRequests";
    let request =
        client.sdk()?.ec2().describe_spot_fleet_requests().set_spot_fleet_request_ids(Some(ids.to_vec()));
    pages(ACTION, |token| {
        page!(
            client,
            ACTION,
            deadline,
            request,
            token,
            |answer: &aws_sdk_ec2::operation::describe_spot_fleet_requests::DescribeSpotFleetRequestsOutput| {
                answer.spot_fleet_request_configs().iter().map(reduced::spot_fleet).collect()
            }
        )
    })
}

pub(crate) fn spot_fleet_errors(
    client: &Client,
    id: &str,
    from: Timestamp,
    deadline: Deadline,
) -> Called<Vec<FleetEvent>> {
    use aws_sdk_ec2::operation::describe_spot_fleet_request_history::DescribeSpotFleetRequestHistoryOutput;

    const ACTION: &str = "DescribeSpotFleetRequestHistory";
    let request = client
        .sdk()?
        .ec2()
        .describe_spot_fleet_request_history()
        .spot_fleet_request_id(id)
        .event_type(EventType::Error)
        .start_time(since(from));
    pages(ACTION, |token| {
        page!(client, ACTION, deadline, request, token, |answer: &DescribeSpotFleetRequestHistoryOutput| {
            answer.history_records().iter().map(|entry| reduced::event(entry.event_information())).collect()
        })
    })
}

pub(crate) fn groups(client: &Client, names: &[String], deadline: Deadline) -> Called<Vec<GroupState>> {
    use aws_sdk_autoscaling::operation::describe_auto_scaling_groups::DescribeAutoScalingGroupsOutput;

    const ACTION: &str = "DescribeAutoScalingGroups";
    let request = client
        .sdk()?
        .autoscaling()
        .describe_auto_scaling_groups()
        .set_auto_scaling_group_names(Some(names.to_vec()))
        .max_records(RECORDS);
    pages(ACTION, |token| {
        page!(client, ACTION, deadline, request, token, |answer: &DescribeAutoScalingGroupsOutput| {
            answer.auto_scaling_groups().iter().map(reduced::group).collect()
        })
    })
}

pub(crate) fn failed_activities(client: &Client, group: &str, deadline: Deadline) -> Called<Vec<String>> {
    use aws_sdk_autoscaling::operation::describe_scaling_activities::DescribeScalingActivitiesOutput;

    const ACTION: &str = "DescribeScalingActivities";
    let request = client
        .sdk()?
        .autoscaling()
        .describe_scaling_activities()
        .auto_scaling_group_name(group)
        .max_records(RECORDS);
    pages(ACTION, |token| {
        page!(client, ACTION, deadline, request, token, |answer: &DescribeScalingActivitiesOutput| {
            answer.activities().iter().filter_map(reduced::failed_activity).collect()
        })
    })
}

pub(crate) fn spot_requests(client: &Client, ids: &[String], deadline: Deadline) -> Called<Vec<SpotRequest>> {
    use aws_sdk_ec2::operation::describe_spot_instance_requests::DescribeSpotInstanceRequestsOutput;

    const ACTION: &str = "DescribeSpotInstanceRequests";
    let request = client
        .sdk()?
        .ec2()
        .describe_spot_instance_requests()
        .set_spot_instance_request_ids(Some(ids.to_vec()));
    pages(ACTION, |token| {
        page!(client, ACTION, deadline, request, token, |answer: &DescribeSpotInstanceRequestsOutput| {
            answer.spot_instance_requests().iter().map(reduced::spot_request).collect()
        })
    })
}

pub(crate) fn launch_templates_by_tag(
    client: &Client,
    key: &str,
    values: &[String],
    deadline: Deadline,
) -> Called<Vec<LaunchTemplateState>> {
    use aws_sdk_ec2::operation::describe_launch_templates::DescribeLaunchTemplatesOutput;

    const ACTION: &str = "DescribeLaunchTemplates";
    let request = client
        .sdk()?
        .ec2()
        .describe_launch_templates()
        .filters(filter(format!("tag:{key}"), values))
        .max_results(TEMPLATES);
    pages(ACTION, |token| {
        page!(client, ACTION, deadline, request, token, |answer: &DescribeLaunchTemplatesOutput| {
            answer.launch_templates().iter().map(reduced::launch_template).collect()
        })
    })
}

pub(crate) fn subnets(client: &Client, ids: &[String], deadline: Deadline) -> Called<Vec<SubnetState>> {
    const ACTION: &str = "DescribeSubnets";
    let request = client.sdk()?.ec2().describe_subnets().set_subnet_ids(Some(ids.to_vec()));
    pages(ACTION, |token| {
        page!(
            client,
            ACTION,
            deadline,
            request,
            token,
            |answer: &aws_sdk_ec2::operation::describe_subnets::DescribeSubnetsOutput| {
                answer.subnets().iter().map(reduced::subnet).collect()
            }
        )
    })
}

pub(crate) fn root_devices(
    client: &Client,
    ids: &[String],
    deadline: Deadline,
) -> Called<BTreeMap<String, String>> {
    const ACTION: &str = "DescribeImages";
    let request = client.sdk()?.ec2().describe_images().set_image_ids(Some(ids.to_vec()));
    let images: Vec<(String, String)> = pages(ACTION, |token| {
        page!(
            client,
            ACTION,
            deadline,
            request,
            token,
            |answer: &aws_sdk_ec2::operation::describe_images::DescribeImagesOutput| {
                let images = answer.images().iter();
                images
                    .filter_map(|image| Some((image.image_id()?.into(), image.root_device_name()?.into())))
                    .collect()
            }
        )
    })?;
    Ok(images.into_iter().collect())
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
