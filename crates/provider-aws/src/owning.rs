//! What an account has by the tags of ohfp, and taking it over.
//!
//! At most a call for each page of each kind of thing. A list is whole or it is none: where a page is missing, nothing is
//! said of that kind.

use std::collections::{BTreeMap, BTreeSet};

use ohfp_broker::owned::{
    Launches, Marks, OtherPlugin, Owned, OwnedKind, OwnedMachine, OwnedResource, Whose,
};
use ohfp_broker::{Deadline, Error, MachineId, RequestId, Result, Timestamp};

use crate::account::AwsProvider;
use crate::api::{Called, Ec2Instance, FleetState, GroupState, LaunchTemplateState, tag_filter};
use crate::documents::{self, Resource, ResourceKind};
use crate::failure::Failure;
use crate::{observed, settling, tags, told};

/// States of machines that exist and are not ending.
const ALIVE: [&str; 4] = ["pending", "running", "stopping", "stopped"];

/// Most machines of a `CreateTags`.
const TAGGED: usize = 1_000;

type Tags = BTreeMap<String, String>;

/// As [`ohfp_broker::provider::Provider::owned`] says.
pub(crate) fn owned(aws: &AwsProvider, whose: Whose<'_>, deadline: Deadline) -> Result<Owned> {
    let mut owned = Owned::default();
    let (names, stores): (&Names, &[String]) = match whose {
        Whose::Stores([]) => return Ok(owned),
        Whose::Stores(stores) => (&Names::OURS, stores),
        Whose::AnyStore => (&Names::OURS, &[]),
        Whose::OtherPlugin(OtherPlugin::Orb) => (&Names::ORB, &[]),
        Whose::OtherPlugin(OtherPlugin::Ibm) => (&Names::IBM, &[]),
    };
    // Before the listing: what is created after this has a request that is not over.
    let mut known = BTreeMap::new();
    aws.documents.read(&aws.name, &mut |tx| {
        known = documents::resources(tx)?.into_iter().collect();
        Ok(())
    })?;
    aws.asks();
    let api = aws.api.as_ref();
    let known = known;
    let mut lists = Lists { aws, names, known: &known, owned: &mut owned, lost: None };
    lists.add(
        OwnedKind::Machine,
        || {
            let states = ALIVE.map(str::to_owned).to_vec();
            let filters = [tag_filter(names.key, stores), ("instance-state-name".to_owned(), states)];
            api.instances_by_filter(&filters, deadline)
        },
        |owned, machines: Vec<Ec2Instance>| {
            aws.saw(&machines);
            let ours = machines.iter().filter(|seen| names.has(&seen.id, &seen.tags));
            let machine = |seen: &Ec2Instance| OwnedMachine {
                instance: observed::instance(seen),
                marks: names.marks(&seen.tags),
            };
            owned.machines = ours.map(machine).collect();
        },
    );
    if !names.has_resources {
        return Ok(owned);
    }
    lists.add(
        OwnedKind::Fleet,
        || api.fleets_by_tag(names.key, stores, deadline),
        |owned, fleets| {
            let listed: BTreeSet<String> = fleets.iter().map(|fleet| fleet.id.clone()).collect();
            let instant = instant_fleets(&owned.machines, &listed);
            let seen = fleets.into_iter().filter_map(|fleet| of_fleet(fleet, names)).chain(instant);
            owned.resources.extend(seen.map(|seen| resource(OwnedKind::Fleet, seen, &known)));
        },
    );
    lists.resources(OwnedKind::SpotFleet, || api.spot_fleets_by_tag(names.key, stores, deadline), of_fleet);
    lists.resources(OwnedKind::Group, || api.groups_by_tag(names.key, stores, deadline), of_group);
    lists.resources(
        OwnedKind::LaunchTemplate,
        || api.launch_templates_by_tag(names.key, stores, deadline),
        of_template,
    );
    Ok(owned)
}

/// The lists of an account, one kind after the other.
struct Lists<'l> {
    aws: &'l AwsProvider,
    names: &'l Names,
    known: &'l BTreeMap<String, Resource>,
    owned: &'l mut Owned,
    /// Why AWS is asked no more.
    lost: Option<Error>,
}

/// A resource as a list has it. `None` in place of one stands for what is over.
struct Seen {
    id: String,
    marks: Marks,
    created: Timestamp,
    launches: Launches,
}

impl Lists<'_> {
    fn add<T>(
        &mut self,
        kind: OwnedKind,
        list: impl FnOnce() -> Called<Vec<T>>,
        take: impl FnOnce(&mut Owned, Vec<T>),
    ) {
        if let Some(error) = &self.lost {
            return self.owned.unlisted.push((kind, error.clone()));
        }
        match list() {
            Ok(listed) => take(self.owned, listed),
            Err(failure) => {
                let error = told::error(&self.aws.name, &failure);
                // A missing permission is about one action; everything else is about all of them.
                if !is_denied(&failure) {
                    self.lost = Some(error.clone());
                }
                self.owned.unlisted.push((kind, error));
            }
        }
    }

    fn resources<T>(
        &mut self,
        kind: OwnedKind,
        list: impl FnOnce() -> Called<Vec<T>>,
        seen: fn(T, &Names) -> Option<Seen>,
    ) {
        let (known, names) = (self.known, self.names);
        self.add(kind, list, |owned, listed| {
            let seen = listed.into_iter().filter_map(|one| seen(one, names));
            owned.resources.extend(seen.map(|seen| resource(kind, seen, known)));
        });
    }
}

fn resource(kind: OwnedKind, seen: Seen, known: &BTreeMap<String, Resource>) -> OwnedResource {
    let Seen { id, marks, created, launches } = seen;
    let is_settled = |known: &Resource| known.settled || launches == Launches::None;
    let is_kept = known.get(&id).is_some_and(is_settled);
    let created = Some(created).filter(|created| *created != Timestamp::default());
    OwnedResource { kind, marks, created, launches, is_kept, id }
}

fn is_denied(failure: &Failure) -> bool {
    matches!(failure.code(), Some("UnauthorizedOperation" | "AccessDenied" | "AccessDeniedException"))
}

fn of_fleet(fleet: FleetState, names: &Names) -> Option<Seen> {
    let is_over = !names.has(&fleet.id, &fleet.tags)
        || ["deleted", "cancelled", "failed"].iter().any(|end| fleet.state.starts_with(end));
    let launches = match fleet.kind.as_str() {
        "maintain" => Launches::Replacements,
        "instant" => Launches::None,
        _ => Launches::UntilFull,
    };
    let marks = names.marks(&fleet.tags);
    (!is_over).then_some(Seen { id: fleet.id, marks, created: fleet.created, launches })
}

/// Instant fleets, which EC2 does not list: those of machines that are in no list. One that was deleted long ago is taken
/// for one, too; it is found gone when it is deleted again.
fn instant_fleets(machines: &[OwnedMachine], listed: &BTreeSet<String>) -> Vec<Seen> {
    let mut found: BTreeMap<&str, &OwnedMachine> = BTreeMap::new();
    for machine in machines {
        let fleet = machine.instance.resource_id.as_deref().filter(|id| id.starts_with("fleet-"));
        if let Some(id) = fleet.filter(|id| !listed.contains(*id)) {
            found.entry(id).or_insert(machine);
        }
    }
    let seen = |(id, machine): (&str, &OwnedMachine)| Seen {
        id: id.to_owned(),
        marks: machine.marks.clone(),
        created: machine.instance.launched,
        launches: Launches::None,
    };
    found.into_iter().map(seen).collect()
}

fn of_group(group: GroupState, names: &Names) -> Option<Seen> {
    let (marks, launches) = (names.marks(&group.tags), Launches::Replacements);
    (!group.is_being_deleted && names.has(&group.name, &group.tags)).then_some(Seen {
        id: group.name,
        marks,
        created: group.created,
        launches,
    })
}

fn of_template(template: LaunchTemplateState, names: &Names) -> Option<Seen> {
    let (marks, launches) = (names.marks(&template.tags), Launches::None);
    names.has(&template.id, &template.tags).then_some(Seen {
        id: template.id,
        marks,
        created: template.created,
        launches,
    })
}

/// The tags that a plug-in marks with; empty where it has none of a kind.
struct Names {
    /// What everything carries.
    key: &'static str,
    request: &'static str,
    token: &'static str,
    template: &'static str,
    provider: &'static str,
    /// The plug-in, unless it is ohfp, whose tag names a store.
    plugin: Option<OtherPlugin>,
    /// Whether fleets and the like are marked, too.
    has_resources: bool,
}

impl Names {
    const OURS: Self = Self {
        key: tags::STORE,
        request: tags::REQUEST,
        token: tags::TOKEN,
        template: tags::TEMPLATE,
        provider: tags::PROVIDER,
        plugin: None,
        has_resources: true,
    };
    const ORB: Self = Self {
        key: "orb:managed-by",
        request: "orb:request-id",
        token: "",
        template: "orb:template-id",
        provider: "",
        plugin: Some(OtherPlugin::Orb),
        has_resources: true,
    };
    const IBM: Self = Self {
        key: "InstanceID",
        request: "",
        token: "",
        template: "",
        provider: "",
        plugin: Some(OtherPlugin::Ibm),
        has_resources: false,
    };

    /// Whether what has these tags is that plug-in's. What ohfp has taken over is not any more.
    fn has(&self, id: &str, carried: &Tags) -> bool {
        let is_ibm = self.plugin == Some(OtherPlugin::Ibm);
        let is_named = !is_ibm || carried.get(self.key).is_some_and(|tag| tag == id);
        is_named && (self.plugin.is_none() || !carried.contains_key(tags::STORE))
    }

    fn marks(&self, tags: &Tags) -> Marks {
        let tag = |name: &str| tags.get(name).cloned();
        Marks {
            store: self.plugin.map_or_else(|| tag(self.key), |plugin| Some(plugin.name().to_owned())),
            request: tag(self.request).map(RequestId::from_text),
            token: tag(self.token),
            template: tag(self.template),
            provider: tag(self.provider),
        }
    }
}

/// As [`ohfp_broker::provider::Provider::claim`] says.
pub(crate) fn claim(
    aws: &AwsProvider,
    machines: &[MachineId],
    resources: &[OwnedResource],
    now: Timestamp,
    deadline: Deadline,
) -> Result<()> {
    let known: Vec<(&str, Resource)> =
        resources.iter().map(|resource| (resource.id.as_str(), remembered(resource, now))).collect();
    // On the disk first: what is stopped and then forgotten would stay for ever.
    aws.documents.write_through(&aws.name, &mut |tx| {
        known.iter().try_for_each(|(id, resource)| documents::put_resource(tx, id, resource))
    })?;
    aws.asks();
    let mut failure = None;
    for (id, resource) in known {
        match settling::stop_for_good(aws, id, resource.kind, deadline) {
            Ok(()) => {
                let settled = Resource { settled: true, ..resource };
                aws.documents.write(&aws.name, &mut |tx| documents::put_resource(tx, id, &settled))?;
            }
            Err(error) => {
                failure.get_or_insert(error);
            }
        }
    }
    let ids: Vec<String> = machines.iter().map(|id| id.as_str().to_owned()).collect();
    let store = aws.documents.store_id()?;
    for batch in ids.chunks(TAGGED) {
        for (key, value) in [(tags::STORE, store.as_str()), (tags::PROVIDER, &aws.name)] {
            if let Err(error) = aws.api.tag(batch, key, value, deadline) {
                failure.get_or_insert(error);
            }
        }
    }
    failure.map_or(Ok(()), |failure| Err(told::error(&aws.name, &failure)))
}

fn remembered(resource: &OwnedResource, now: Timestamp) -> Resource {
    let kind = match (resource.kind, resource.launches) {
        (OwnedKind::Fleet, Launches::Replacements) => ResourceKind::MaintainFleet,
        (OwnedKind::Fleet, Launches::UntilFull) => ResourceKind::RequestFleet,
        (OwnedKind::Fleet, Launches::None) => ResourceKind::InstantFleet,
        (OwnedKind::SpotFleet, Launches::Replacements) => ResourceKind::MaintainSpotFleet,
        (OwnedKind::SpotFleet, _) => ResourceKind::RequestSpotFleet,
        (OwnedKind::Group, _) => ResourceKind::Group,
        (OwnedKind::LaunchTemplate | OwnedKind::Machine, _) => ResourceKind::LaunchTemplate,
    };
    let token = resource.marks.token.clone().unwrap_or_default();
    Resource { kind, token, created: resource.created.unwrap_or(now), settled: false }
}
