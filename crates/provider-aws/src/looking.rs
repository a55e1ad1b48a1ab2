//! What machines are doing: by id, by the tag of their launch, by name.

use std::collections::BTreeMap;

use ohfp_broker::{Deadline, MachineRef};

use crate::api::{Api, Called, Ec2Instance};
use crate::batches;
use crate::tags;

/// Most ids of `DescribeInstances`.
const IDS: usize = 1_000;
/// Most values of a filter.
const VALUES: usize = 200;

/// Looks at machines, until the deadline.
#[derive(Clone, Copy)]
pub(crate) struct Looker<'a> {
    pub(crate) api: &'a dyn Api,
    /// Most calls at a time.
    pub(crate) concurrent: usize,
    pub(crate) deadline: Deadline,
}

impl Looker<'_> {
    /// Machines by id. One that is not in the answer does not exist.
    ///
    /// # Errors
    /// That of the first id of which nothing could be learned.
    pub(crate) fn by_ids(self, ids: &[String]) -> Called<Vec<Ec2Instance>> {
        let call = |batch: &[String]| self.api.instances(batch, self.deadline);
        let seen = batches::sift_all(ids, IDS, self.concurrent, call, |instance| &instance.id);
        match seen.failed.into_iter().next() {
            Some((_, failure)) => Err(failure),
            None => Ok(seen.answers),
        }
    }

    /// Machines of launches, by the token. A token that has none is not in the answer.
    ///
    /// # Errors
    /// Where the answer is not whole: a launch without machines and one that was not asked about look alike.
    pub(crate) fn by_tokens(self, tokens: &[String]) -> Called<BTreeMap<String, Vec<Ec2Instance>>> {
        let name = format!("tag:{}", tags::TOKEN);
        let answers = batches::run(tokens, VALUES, self.concurrent, |batch| {
            self.api.instances_by_filter(&[(name.clone(), batch.to_vec())], self.deadline)
        });
        let mut found: BTreeMap<String, Vec<Ec2Instance>> = BTreeMap::new();
        for answer in answers {
            for instance in answer? {
                if let Some(token) = instance.tags.get(tags::TOKEN).cloned() {
                    found.entry(token).or_default().push(instance);
                }
            }
        }
        Ok(found)
    }

    /// Machines that the scheduler knows by host name alone, whatever made them: by their private DNS names, which are
    /// unique while a machine lives.
    ///
    /// # Errors
    /// As [`by_tokens`](Self::by_tokens).
    pub(crate) fn by_names(self, names: &[String]) -> Called<Vec<Ec2Instance>> {
        let mut wanted: Vec<String> = Vec::with_capacity(names.len());
        for name in names {
            wanted.push(name.clone());
            // The scheduler may know the host by the first part of its name.
            if !name.contains('.') {
                wanted.push(format!("{name}.*"));
            }
        }
        let answers = batches::run(&wanted, VALUES, self.concurrent, |batch| {
            self.api.instances_by_filter(&[("private-dns-name".to_owned(), batch.to_vec())], self.deadline)
        });
        let mut found = Vec::new();
        for answer in answers {
            found.extend(answer?);
        }
        Ok(found)
    }
}

/// The ids of machines that the scheduler named by id, and the names of the others.
pub(crate) fn ids_and_names(machines: &[MachineRef]) -> (Vec<String>, Vec<String>) {
    let ids = machines.iter().filter_map(|machine| machine.id.as_ref());
    // A text that is taken for an id may be a host name; EC2 refuses it as malformed.
    let ids = ids.map(|id| id.as_str().to_owned()).filter(|id| is_instance_id(id)).collect();
    let names = machines.iter().filter_map(MachineRef::name_to_look_up);
    (ids, names.filter(|name| !is_instance_id(name)).map(str::to_owned).collect())
}

/// Whether a text has the form of a machine's id: `i-` and hexadecimal digits.
pub(crate) fn is_instance_id(text: &str) -> bool {
    text.strip_prefix("i-")
        .is_some_and(|rest| matches!(rest.len(), 8..=17) && rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
