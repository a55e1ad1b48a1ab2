//! What machines are doing: by id, by the tag of their launch, by name.

use std::collections::BTreeMap;

use ohfp_broker::{Deadline, MachineRef};

use crate::api::{Api, Called, Ec2Instance};
use crate::batches::{self, Sifted};
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
    /// Machines by id. One that is neither in the answers nor among those that failed does not exist.
    pub(crate) fn by_ids(self, ids: &[String]) -> Sifted<Ec2Instance> {
        let call = |batch: &[String]| self.api.instances(batch, self.deadline);
        batches::sift_all(ids, IDS, self.concurrent, call, |instance| &instance.id)
    }

    /// Machines of launches, by the token: an answer for each, in order. It is a failure where its batch has no whole
    /// answer: a launch without machines and one of which a page is missing look alike.
    pub(crate) fn by_tokens(self, tokens: &[String]) -> Vec<Called<Vec<Ec2Instance>>> {
        let name = format!("tag:{}", tags::TOKEN);
        let answers = batches::run(tokens, VALUES, self.concurrent, |batch| {
            self.api.instances_by_filter(&[(name.clone(), batch.to_vec())], self.deadline)
        });
        let mut found = Vec::with_capacity(tokens.len());
        for (batch, answer) in tokens.chunks(VALUES).zip(answers) {
            let mut of: BTreeMap<String, Vec<Ec2Instance>> = BTreeMap::new();
            match answer {
                Err(failure) => found.extend(batch.iter().map(|_| Err(failure.clone()))),
                Ok(instances) => {
                    for instance in instances {
                        if let Some(token) = instance.tags.get(tags::TOKEN).cloned() {
                            of.entry(token).or_default().push(instance);
                        }
                    }
                    found.extend(batch.iter().map(|token| Ok(of.remove(token).unwrap_or_default())));
                }
            }
        }
        found
    }

    /// Machines that the scheduler knows by host name alone, whatever made them: by their private DNS names, which are
    /// unique while a machine lives.
    ///
    /// # Errors
    /// Where the answer is not whole.
    pub(crate) fn by_names(self, names: &[String]) -> Called<Vec<Ec2Instance>> {
        let mut wanted: Vec<String> = Vec::with_capacity(names.len());
        for name in names {
            // A filter compares letters as they are, and EC2 writes small ones.
            let name = name.to_ascii_lowercase();
            // The scheduler may know the host by the first part of its name.
            if !name.contains('.') {
                wanted.push(format!("{name}.*"));
            }
            wanted.push(name);
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
