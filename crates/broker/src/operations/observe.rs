//! What providers say about machines and about launches that may not be over: each provider is asked once, and
//! several are asked side by side.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::pass::Pass;
use super::side_by_side::side_by_side;
use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{MachineId, RequestId};
use crate::machine::Machine;
use crate::provider::{Described, Detail, Followed, Identity, Instance, Pending, Progress, Provider};
use crate::request::Request;
use crate::time::Timestamp;
use crate::weights::Weights;

/// What providers said.
#[derive(Default)]
pub(super) struct Observations {
    detail: Detail,
    /// By provider.
    answers: BTreeMap<String, Answer>,
    /// By request.
    launches: HashMap<RequestId, LaunchNews>,
}

/// What one provider said.
#[derive(Default)]
struct Answer {
    identity: Identity,
    seen: HashMap<MachineId, Instance>,
    /// The machines that it was asked to describe and could tell of, in order.
    described: Vec<MachineId>,
    /// For how many milliseconds a new machine may be invisible.
    consistency: i64,
}

/// What came of a launch: [`Progress`] with ids in place of machines.
struct LaunchNews {
    ids: Vec<MachineId>,
    more: bool,
    reason: Option<String>,
}

/// The part of a launch that is news to its request.
pub(super) struct News<'o> {
    /// The provider's machines of that launch.
    pub(super) instances: Vec<&'o Instance>,
    /// Whose they are.
    pub(super) identity: &'o Identity,
    /// Whether others may still come.
    pub(super) more: bool,
    /// Why there are fewer than ordered so far.
    pub(super) reason: Option<&'o str>,
}

impl Observations {
    /// Takes over what is known of a machine; whether that changed it. `weights` are those of its request.
    pub(super) fn apply_to(&self, machine: &mut Machine, weights: Option<&Weights>, now: Timestamp) -> bool {
        let Some(answer) = self.answers.get(&machine.provider).filter(|_| !machine.is_gone()) else {
            return false;
        };
        if !machine.is_of(&answer.identity) {
            return false;
        }
        if let Some(instance) = answer.seen.get(&machine.id) {
            let changed = machine.observe(instance, self.detail, now);
            return machine.weigh(instance, weights, now) || changed;
        }
        // Only what was asked about can be missing: another process may have recorded a machine since.
        let is_missing = answer.described.binary_search(&machine.id).is_ok()
            && now.millis_since(machine.launched) > answer.consistency;
        if is_missing {
            machine.lost(now);
        }
        is_missing
    }

    /// What is known of the launch of a request, if that was asked for and answered.
    pub(super) fn news_of(&self, request: &Request) -> Option<News<'_>> {
        let LaunchNews { ids, more, reason } = self.launches.get(&request.id)?;
        let Answer { identity, seen, .. } = self.answers.get(request.provider.as_deref()?)?;
        let instances = ids.iter().filter_map(|id| seen.get(id)).collect();
        Some(News { instances, identity, more: *more, reason: reason.as_deref() })
    }
}

/// What is to be known from one provider.
#[derive(Default)]
struct Wanted<'m> {
    /// Requests with the tokens of their launches.
    launches: Vec<(Request, String)>,
    machines: Vec<&'m Machine>,
}

/// What one provider is asked.
struct Questions {
    provider: Arc<dyn Provider>,
    launches: Vec<(Request, String)>,
    ids: Vec<MachineId>,
}

/// What came of the questions to one provider.
struct Answers {
    answer: Answer,
    launches: Vec<(RequestId, LaunchNews)>,
    /// Why it could not tell everything, each reason once.
    errors: Vec<Error>,
}

impl Answers {
    fn note(&mut self, error: Option<Error>) {
        if let Some(error) = error
            && !self.errors.contains(&error)
        {
            self.errors.push(error);
        }
    }
}

impl Questions {
    /// Asks about launches first: machines that they show need no second look.
    fn ask(&self, detail: Detail, now: Timestamp, deadline: Deadline) -> Answers {
        let mut answers = Answers { answer: Answer::default(), launches: Vec::new(), errors: Vec::new() };
        // A provider that cannot tell of any launch is not asked again.
        let outcome = self.follow(&mut answers, now, deadline);
        let outcome = outcome.and_then(|()| self.describe(&mut answers, detail, now, deadline));
        answers.note(outcome.err());
        // What it answered may have told it whose machines it handles.
        answers.answer.identity = self.provider.identity();
        answers
    }

    fn follow(&self, answers: &mut Answers, now: Timestamp, deadline: Deadline) -> Result<()> {
        if self.launches.is_empty() {
            return Ok(());
        }
        let pending: Vec<Pending<'_>> =
            self.launches.iter().map(|(request, token)| request.pending(token)).collect();
        let Followed { launches, error } = progress(self.provider.as_ref(), &pending, now, deadline)?;
        answers.note(error);
        for ((request, _), progress) in self.launches.iter().zip(launches) {
            let Some(Progress { instances, more, reason }) = progress else { continue };
            let ids = instances.iter().map(|instance| instance.id.clone()).collect();
            answers.launches.push((request.id.clone(), LaunchNews { ids, more, reason }));
            answers.answer.seen.extend(instances.into_iter().map(|instance| (instance.id.clone(), instance)));
        }
        Ok(())
    }

    fn describe(
        &self,
        answers: &mut Answers,
        detail: Detail,
        now: Timestamp,
        deadline: Deadline,
    ) -> Result<()> {
        let answer = &mut answers.answer;
        let mut ids = self.ids.clone();
        // What progress says is as good as a look, but for announced reclaims.
        if detail == Detail::State {
            ids.retain(|id| !answer.seen.contains_key(id));
        }
        if ids.is_empty() {
            return Ok(());
        }
        let Described { instances, unobserved, error } =
            self.provider.describe(&ids, detail, now, deadline)?;
        answer.seen.extend(instances.into_iter().map(|instance| (instance.id.clone(), instance)));
        answer.consistency = self.provider.capabilities().consistency_millis;
        if !unobserved.is_empty() {
            let unobserved: HashSet<MachineId> = unobserved.into_iter().collect();
            ids.retain(|id| !unobserved.contains(id));
        }
        answer.described = ids;
        answers.note(error);
        Ok(())
    }
}

/// The progress of launches: an answer for each of them.
///
/// # Errors
/// Those of the provider; `Unavailable` where it answers about more or fewer launches than it was asked about.
pub(super) fn progress(
    provider: &dyn Provider,
    pending: &[Pending<'_>],
    now: Timestamp,
    deadline: Deadline,
) -> Result<Followed> {
    let followed = provider.progress(pending, now, deadline)?;
    let answers = followed.launches.len();
    if answers == pending.len() {
        return Ok(followed);
    }
    Err(Error::new(
        ErrorKind::Unavailable,
        format!(
            "provider `{}` was asked about {} launches and answered about {answers}",
            provider.name(),
            pending.len()
        ),
    ))
}

impl Pass<'_> {
    /// Asks providers about launches, and about machines that are not known to be gone.
    pub(super) fn observe<'m>(
        &mut self,
        launches: impl Iterator<Item = &'m Request>,
        machines: impl Iterator<Item = &'m Machine>,
        detail: Detail,
    ) -> Observations {
        let mut wanted: BTreeMap<&str, Wanted<'_>> = BTreeMap::new();
        for request in launches {
            let name = request.provider.as_deref().unwrap_or_default();
            wanted.entry(name).or_default().launches.push((request.clone(), request.token()));
        }
        for machine in machines.filter(|machine| !machine.is_gone()) {
            wanted.entry(&machine.provider).or_default().machines.push(machine);
        }
        let mut observations = Observations { detail, ..Observations::default() };
        let mut asked = Vec::with_capacity(wanted.len());
        for (name, Wanted { launches, machines }) in wanted {
            let Some(provider) = self.noted(self.broker.providers.get(name)) else { continue };
            let (own, foreign) = own(provider.as_ref(), machines, "described");
            self.errors.extend(foreign);
            let mut ids: Vec<MachineId> = own.iter().map(|machine| machine.id.clone()).collect();
            ids.sort_unstable();
            ids.dedup();
            asked.push((name.to_owned(), Questions { provider, launches, ids }));
        }
        let (now, deadline) = (self.now, self.broker.deadline);
        let answers = side_by_side(&asked, |questions| questions.ask(detail, now, deadline));
        for ((name, _), answers) in asked.into_iter().zip(answers) {
            let Some(Answers { answer, launches, errors }) = self.noted(answers) else { continue };
            self.errors.extend(errors);
            observations.launches.extend(launches);
            observations.answers.insert(name, answer);
        }
        observations
    }
}

/// The machines that are this provider's, and an error that names one of the others. `done` is what would be done
/// to them.
pub(super) fn own<'m>(
    provider: &dyn Provider,
    machines: Vec<&'m Machine>,
    done: &str,
) -> (Vec<&'m Machine>, Option<Error>) {
    let identity = provider.identity();
    let (own, foreign): (Vec<&Machine>, Vec<&Machine>) =
        machines.into_iter().partition(|machine| machine.is_of(&identity));
    let error = foreign.first().map(|machine| {
        let more = match foreign.len() - 1 {
            0 => String::new(),
            others => format!(" (and {others} more)"),
        };
        let theirs = Identity { account: machine.account.clone(), region: machine.region.clone() };
        Error::new(
            ErrorKind::Refused,
            format!(
                "machine `{}`{more} was launched in {theirs}, and provider `{}` is configured for {identity}: it \
                 cannot be {done}",
                machine.id,
                provider.name()
            ),
        )
        .hint("configure a provider of that name for the account and region of its machines")
    });
    (own, error)
}
