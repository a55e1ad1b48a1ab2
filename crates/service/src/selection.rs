//! Selects the provider of a new request: `provider.selection_policy`.

use std::collections::HashMap;
use std::time::Instant;

use ohfp_broker::documents::Document;
use ohfp_broker::operations::Providers;
use ohfp_broker::store::{MachineFilter, RequestFilter};
use ohfp_broker::{Error, ErrorKind, Errors, RequestKind, RequestState, Result, Template, Timestamp};
use ohfp_cli::GlobalOptions;
use ohfp_resolver::{Configuration, ProviderInstance, SelectionPolicy, Settings, choice_problems};

use crate::registry::{Requests, preferred, simulated_kind};

/// Number of recent requests that a success rate is computed from.
const REMEMBERED: u64 = 100;

/// What the command line says about the provider of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wish<'o> {
    /// Its name.
    pub(crate) name: Option<&'o str>,
    /// Its type.
    pub(crate) kind: Option<&'o str>,
}

impl<'o> Wish<'o> {
    /// What the options say.
    pub(crate) fn of(options: &'o GlobalOptions) -> Self {
        Self { name: options.provider_name.as_deref(), kind: options.provider_type.as_deref() }
    }
}

/// Chooses among the [`candidates`] by `provider.selection_policy`.
///
/// # Errors
/// As [`candidates`], and those of the state store.
pub(crate) fn choose(
    requests: &Requests,
    configuration: &Configuration,
    wish: Wish<'_>,
    template: &Template,
    count: u64,
    now: Timestamp,
) -> Result<String, Errors> {
    let settings = &configuration.settings;
    let candidates = candidates(settings, &configuration.providers, Some(template), wish)?;
    let (chosen, rule) = match candidates.as_slice() {
        [first, _, ..] => {
            let policy = settings.selection_policy()?;
            let chosen = by_policy(requests, policy, template, count, &candidates, now)?;
            (chosen.unwrap_or(first).name.clone(), policy.name())
        }
        only => (only.iter().map(|instance| instance.name.clone()).collect(), "the only one"),
    };
    tracing::debug!(template = template.id(), provider = chosen, rule, "a provider is chosen");
    for candidate in &candidates {
        tracing::trace!(
            provider = candidate.name,
            priority = candidate.priority,
            weight = candidate.weight,
            "a candidate"
        );
    }
    Ok(chosen)
}

/// The providers that a request for machines of a template may go to, at least one: the template's own provider, else
/// the default provider of templates, else the enabled ones that the default provider stands for, in the order of
/// preference. Without a template, those of a template that names none. A wish comes before the defaults, but does not
/// take a template to another provider than its own.
///
/// # Errors
/// [`ErrorKind::Refused`] if no enabled provider matches; [`ErrorKind::Input`] for errors in the configuration
/// of providers that the choice depends on.
pub(crate) fn candidates<'i>(
    settings: &Settings,
    providers: &'i [ProviderInstance],
    template: Option<&Template>,
    wish: Wish<'_>,
) -> Result<Vec<&'i ProviderInstance>, Errors> {
    let spec = template.map(Template::spec);
    let own = spec.map(|spec| (spec.provider_name.as_deref(), spec.provider_type.as_deref()));
    let (name, kind) = match own.filter(|own| *own != (None, None)) {
        Some(own) => own,
        None if wish != Wish::default() => (wish.name, wish.kind),
        None => (settings.default_provider_name()?, settings.default_provider_type()?),
    };
    let refused = |what: String| {
        let who = template.map(|template| format!("template `{}`", template.id()));
        let who = who.unwrap_or_else(|| "a template without a provider".to_owned());
        Errors::from(Error::new(ErrorKind::Refused, format!("{who} requires {what}")))
    };
    let differs = |own: Option<&str>, wished: Option<&str>| {
        own.zip(wished).filter(|(own, wished)| own != wished).map(|(own, _)| own.to_owned())
    };
    if let Some(own) = differs(name, wish.name) {
        return Err(refused(format!("provider `{own}`, and the command line names another one")));
    }
    if let Some(own) = differs(kind, wish.kind) {
        return Err(refused(format!("a provider of type `{own}`, and the command line names another type")));
    }
    // A name and a type that come from two places must both hold; two of a template are its own matter.
    let required = if name.is_some() { wish.kind } else { kind.or(wish.kind) };
    let (name, kind) = (name.or(wish.name), kind.or(wish.kind));
    if let Some(name) = name {
        let Some(named) = providers.iter().find(|instance| instance.name == name) else {
            return Err(refused(format!("provider `{name}`, which is not configured")));
        };
        let wrong = named.problems(&["type", "enabled"]);
        if !wrong.is_empty() {
            return Err(wrong.into());
        }
        if let Some(kind) = required.filter(|kind| named.kind != *kind) {
            return Err(refused(if wish.kind == Some(kind) {
                format!("provider `{name}`, which is not of type `{kind}`")
            } else {
                format!("a provider of type `{kind}`, which `{name}` is not")
            }));
        }
        return if named.enabled {
            Ok(vec![named])
        } else {
            Err(refused(format!("provider `{name}`, which is not enabled")))
        };
    }
    let wrong = choice_problems(settings, providers);
    if !wrong.is_empty() {
        return Err(wrong.into());
    }
    let mut candidates = preferred(providers);
    candidates.retain(|instance| instance.enabled && kind.is_none_or(|kind| instance.kind == kind));
    // A named provider has precedence over unnamed ones. Simulated machines never replace real ones or vice
    // versa: the first candidate decides which kind is used.
    let first = candidates.iter().find(|instance| instance.default);
    let first = first.or_else(|| candidates.iter().find(|instance| !instance.implied));
    let Some(first) = first.or(candidates.first()).copied() else {
        return Err(match kind {
            Some(kind) => refused(format!("a provider of type `{kind}`, and none is enabled")),
            None => Error::new(ErrorKind::Refused, "no provider is enabled")
                .hint("`ohfp providers list --format table` shows all providers")
                .into(),
        });
    };
    let is_simulated = |instance: &ProviderInstance| instance.kind == simulated_kind();
    candidates.retain(|instance| {
        (instance.implied == first.implied || instance.default)
            && is_simulated(instance) == is_simulated(first)
    });
    Ok(candidates)
}

/// Applies the policy; `None` if it prefers none of them.
fn by_policy<'i>(
    requests: &Requests,
    policy: SelectionPolicy,
    template: &Template,
    count: u64,
    enabled: &[&'i ProviderInstance],
    now: Timestamp,
) -> Result<Option<&'i ProviderInstance>> {
    let deadline = requests.deadline();
    let provider = |instance: &ProviderInstance| requests.providers.get(&instance.name);
    let healthy = |instance: &&&ProviderInstance| {
        provider(instance).is_ok_and(|provider| provider.health(now, deadline).healthy)
    };
    Ok(match policy {
        SelectionPolicy::RoundRobin => {
            let turn = turn(requests)?;
            enabled.iter().cycle().nth(remainder(turn, enabled.len() as u64)).copied()
        }
        SelectionPolicy::WeightedRoundRobin => {
            let weight = |instance: &ProviderInstance| u64::try_from(instance.weight).unwrap_or(1);
            let total: u64 = enabled.iter().map(|instance| weight(instance)).sum();
            let mut place = remainder(turn(requests)?, total) as u64;
            enabled.iter().copied().find(|instance| {
                let own = weight(instance);
                let found = place < own;
                place = place.saturating_sub(own);
                found
            })
        }
        SelectionPolicy::Random => {
            let mut random = [0; 8];
            getrandom::fill(&mut random).ok();
            enabled.get(remainder(u64::from_le_bytes(random), enabled.len() as u64)).copied()
        }
        SelectionPolicy::LeastConnections => {
            let machines = requests.store.machines(&MachineFilter::existing())?;
            let load = |instance: &ProviderInstance| {
                machines.iter().filter(|machine| machine.provider == instance.name).count()
            };
            enabled.iter().copied().min_by_key(|instance| load(instance))
        }
        SelectionPolicy::CapabilityBased => enabled.iter().copied().find(|instance| {
            provider(instance).is_ok_and(|provider| {
                let able = u64::from(provider.capabilities().largest_launch) >= count;
                able && provider.plan(template, u32::try_from(count).unwrap_or(u32::MAX)).is_ok()
            })
        }),
        SelectionPolicy::FastestResponse | SelectionPolicy::PerformanceBased => {
            let response = |instance: &ProviderInstance| {
                let started = Instant::now();
                let healthy = provider(instance).is_ok_and(|provider| provider.health(now, deadline).healthy);
                (!healthy, started.elapsed())
            };
            enabled.iter().copied().min_by_key(|instance| response(instance))
        }
        SelectionPolicy::HighestSuccessRate => {
            let rates = success_rates(requests)?;
            // A provider without history counts as successful.
            let failures =
                |instance: &ProviderInstance| 100 - rates.get(&instance.name).copied().unwrap_or(100);
            enabled.iter().copied().min_by_key(|instance| failures(instance))
        }
        SelectionPolicy::FirstAvailable | SelectionPolicy::HealthBased => {
            enabled.iter().find(healthy).copied()
        }
    })
}

fn remainder(number: u64, of: u64) -> usize {
    usize::try_from(number.checked_rem(of).unwrap_or(0)).unwrap_or(0)
}

/// Number of requests so far, of all processes; the turn of the round robin.
fn turn(requests: &Requests) -> Result<u64> {
    const OWNER: &str = "selection";
    let mut turn: u64 = 0;
    requests.store.write(OWNER, &mut |tx| {
        turn = tx.get("turn")?.and_then(|record| record.body.parse().ok()).unwrap_or(0);
        tx.put(&Document {
            id: "turn".to_owned(),
            group: OWNER.to_owned(),
            live_until: None,
            body: turn.wrapping_add(1).to_string(),
        })
    })?;
    Ok(turn)
}

/// Percentage of recent requests that were fulfilled completely, by provider.
fn success_rates(requests: &Requests) -> Result<HashMap<String, u64>> {
    let states = RequestState::ALL.iter().copied().filter(|state| state.is_final()).collect();
    let filter = RequestFilter {
        kind: Some(RequestKind::Acquire),
        states,
        limit: Some(REMEMBERED),
        ..RequestFilter::default()
    };
    let mut counts: HashMap<String, (u64, u64)> = HashMap::new();
    for view in requests.store.requests(&filter)? {
        let Some(provider) = view.request.provider else { continue };
        let (good, all) = counts.entry(provider).or_default();
        *good += u64::from(view.request.state == RequestState::Complete);
        *all += 1;
    }
    Ok(counts
        .into_iter()
        .map(|(name, (good, all))| (name, (good * 100).checked_div(all).unwrap_or(100)))
        .collect())
}
