//! What a request for a template would call, without a call.

use ohfp_broker::provider::Plan;
use ohfp_broker::{Error, ErrorKind, Errors};

use crate::invocation::Invocation;
use crate::registry;
use crate::selection::{self, Wish};

/// The calls of a launch.
#[derive(Clone, Debug)]
pub struct RenderedLaunch {
    /// Name of the provider that a request would go to.
    pub provider: String,
    /// Its kind.
    pub kind: String,
    /// The calls, in order.
    pub plan: Plan,
}

/// The calls of a launch of `count` machines of a template, by the first provider that a request for it may go to.
///
/// # Errors
/// [`ErrorKind::NotFound`] for an unknown template, [`ErrorKind::Refused`] where no provider may launch it,
/// [`ErrorKind::Input`] where the provider cannot take a field of it, [`ErrorKind::Unavailable`] where this build does
/// not have the provider.
pub fn render(invocation: &Invocation, id: &str, count: u32) -> Result<RenderedLaunch, Errors> {
    let catalog = invocation.catalog()?;
    catalog.templates()?;
    let template = catalog.template(id)?;
    let configuration = invocation.configuration()?;
    let (settings, providers) = (&configuration.settings, &configuration.providers);
    let wish = Wish::of(invocation.options());
    let candidates = selection::candidates(settings, providers, Some(template), wish)?;
    let Some(instance) = candidates.first() else {
        return Err(Error::new(ErrorKind::Refused, "no provider is enabled").into());
    };
    let factory = registry::factory(&instance.kind).filter(|factory| factory.is_built_in());
    let Some(factory) = factory else {
        let message = format!("a provider of type `{}` is not compiled into this build", instance.kind);
        return Err(Error::new(ErrorKind::Unavailable, message).into());
    };
    let directory = &invocation.place()?.origin.root;
    let plan =
        factory.rendered(instance, template, count, directory).map_err(|error| invocation.placed(error))?;
    Ok(RenderedLaunch { provider: instance.name.clone(), kind: instance.kind.clone(), plan })
}
