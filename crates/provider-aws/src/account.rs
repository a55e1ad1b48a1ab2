//! A configured account and region: how AWS is called there, and what a launch has to look up.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ohfp_broker::documents::DocumentStore;
use ohfp_broker::launch_spec::{FieldError, LaunchSpec};
use ohfp_broker::provider::LaunchRequest;
use ohfp_broker::{Deadline, Error, ErrorKind, Result, Template, Timestamp};

use crate::api::{Api, Ec2Instance};
use crate::design::{self, Native, Order, Reference, Way};
use crate::ending;
use crate::failure::Failure;
use crate::fleet_file::FleetFile;
use crate::images::{Images, Unusable};
use crate::launching::Stop;
use crate::looking::Looker;
use crate::options::{self, AwsOptions};
use crate::tags::{self, Owner};
use crate::user_data;
use crate::whose::Whose;

/// A configured AWS account and region.
pub struct AwsProvider {
    pub(crate) name: String,
    pub(crate) options: AwsOptions,
    pub(crate) api: Arc<dyn Api>,
    pub(crate) documents: Arc<dyn DocumentStore>,
    /// What paths in templates are below.
    directory: PathBuf,
    /// Where its configuration is: file and line.
    source: String,
    whose: Whose,
}

impl AwsProvider {
    /// A provider that calls AWS by `api` and remembers in `documents`.
    pub fn new(
        name: impl Into<String>,
        options: AwsOptions,
        api: Arc<dyn Api>,
        documents: Arc<dyn DocumentStore>,
    ) -> Self {
        let (directory, source, whose) = (PathBuf::new(), String::new(), Whose::default());
        Self { name: name.into(), options, api, documents, directory, source, whose }
    }

    /// The same with the file and line that configure it, for messages.
    #[must_use]
    pub fn configured_at(self, source: impl Into<String>) -> Self {
        Self { source: source.into(), ..self }
    }

    /// The same with templates whose relative paths are below `directory`.
    #[must_use]
    pub fn below(self, directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into(), ..self }
    }

    /// An error of this provider with the place of its configuration, where a person must change that.
    pub(crate) fn with_source(&self, error: Error) -> Error {
        if error.kind() != ErrorKind::Refused || self.source.is_empty() {
            return error;
        }
        let message = format!("{}: {}", self.source, error.summary());
        error.with_message(message)
    }

    /// As [`ending::terminate`].
    pub(crate) fn terminate(&self, ids: &[String], deadline: Deadline) -> Vec<(String, Failure)> {
        let concurrent = self.options.of(&options::CONCURRENT_CALLS);
        ending::terminate(self.api.as_ref(), ids, concurrent, deadline)
    }

    /// The number of the account, as far as it is known without a call.
    pub(crate) fn account(&self) -> Option<String> {
        // `arn:aws:iam::123456789012:role/name`
        let of_role = self.options.of(&options::ROLE_ARN).and_then(|arn| arn.split(':').nth(4));
        match of_role.filter(|account| !account.is_empty()) {
            Some(account) => Some(account.to_owned()),
            None => self.whose.account(self.documents.as_ref(), &self.name),
        }
    }

    /// AWS is asked from now on, so that what is remembered of the account counts no more.
    pub(crate) fn asks(&self) {
        self.whose.asks();
    }

    /// Learns from machines whose account it is.
    pub(crate) fn saw(&self, machines: &[Ec2Instance]) {
        if let Some(owner) = machines.iter().find_map(|machine| machine.owner.as_deref()) {
            self.whose.told(owner, self.documents.as_ref(), &self.name);
        }
    }

    pub(crate) fn looker(&self, deadline: Deadline) -> Looker<'_> {
        Looker { api: self.api.as_ref(), concurrent: self.options.of(&options::CONCURRENT_CALLS), deadline }
    }

    /// The order, with everything that has to be looked up.
    pub(crate) fn order<'r>(
        &self,
        request: &LaunchRequest<'r>,
        (way, file): (Way, Option<FleetFile>),
        now: Timestamp,
        deadline: Deadline,
    ) -> Result<Order<'r>, Stop> {
        let spec = request.template.spec();
        let images = Images {
            api: self.api.as_ref(),
            documents: self.documents.as_ref(),
            provider: &self.name,
            seconds: self.options.of(&options::IMAGE_CACHE_SECONDS),
            now,
            deadline,
        };
        let unusable = |unusable: Unusable| match unusable {
            Unusable::Failed(failure) => Stop::Failed(failure),
            Unusable::Store(error) => Stop::Error(error),
            Unusable::Field(error) => Stop::Error(wrong(request.template, &[error])),
        };
        let image_id = images.image_id(spec).map_err(unusable)?;
        let root_device = images.root_device(spec, image_id.as_deref()).map_err(unusable)?;
        let fleet_role = match (way, spec.fleet.role.as_deref()) {
            (Way::SpotFleet(_), Some(role)) => Some(self.role_arn(role, deadline)?),
            _ => None,
        };
        let reference = Reference {
            request: request.request.as_str(),
            provider: &self.name,
            template: request.template,
            image_id: image_id.as_deref(),
            count: request.count,
        };
        let mode = self.options.of(&options::NATIVE_SPEC_MODE);
        let native = Native::of(&reference, mode, way, &self.options.specs(&self.directory))
            .map_err(|error| Stop::Error(wrong(request.template, &[error])))?;
        let store = self.documents.store_id()?;
        let owner = Owner {
            request: request.request.as_str(),
            token: request.token,
            template: request.template.id(),
            provider: &self.name,
            store: &store,
            rc_account: request.rc_account,
        };
        Ok(Order {
            spec,
            count: request.count,
            token: request.token,
            created: request.created,
            image_id,
            root_device,
            fleet_request: file.map(|file| file.request),
            fleet_role,
            user_data: user_data::of_launch(spec, request.user_data, &self.directory)
                .map_err(|error| Stop::Error(wrong(request.template, &[error])))?,
            tags: tags::of_launch(owner, spec),
            native,
        })
    }

    /// Which API launches the template, with the request that it names a file of.
    /// Fields that it cannot take are an error, all of them in one message.
    pub(crate) fn way(&self, template: &Template, count: u32) -> Result<(Way, Option<FleetFile>)> {
        way(&self.options, template, count, &self.directory)
    }

    /// What paths in templates are below.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The ARN of a role; of a name it is one of this account.
    fn role_arn(&self, role: &str, deadline: Deadline) -> Result<String, Stop> {
        if role.starts_with("arn:") {
            return Ok(role.to_owned());
        }
        let caller = self.api.caller_identity(deadline)?;
        // `aws`, `aws-cn`, `aws-us-gov`
        let partition = caller.arn.split(':').nth(1).unwrap_or("aws");
        Ok(format!("arn:{partition}:iam::{}:role/{role}", caller.account))
    }
}

/// As [`AwsProvider::way`], with paths below `directory`.
pub(crate) fn way(
    options: &AwsOptions,
    template: &Template,
    count: u32,
    directory: &Path,
) -> Result<(Way, Option<FleetFile>)> {
    let spec = template.spec();
    let (way, file) = plan_of(spec, directory).map_err(|errors| wrong(template, &errors))?;
    checked(options, template, way, directory).map_err(|error| wrong(template, &[error]))?;
    let has_units = spec.candidates().any(|candidate| candidate.units != 1) || file.is_some();
    let (most, noun) = if has_units && way != Way::RunInstances {
        (design::MOST_UNITS, "units")
    } else {
        (design::MOST_MACHINES, "machines")
    };
    if count > most {
        return Err(Error::new(
            ErrorKind::Refused,
            format!(
                "template `{}`: {} launches at most {most} {noun} at once, not {count}",
                template.id(),
                way.name()
            ),
        ));
    }
    Ok((way, file))
}

/// The error of a template with these fields; it names the first of them.
fn wrong(template: &Template, errors: &[FieldError]) -> Error {
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    let error = Error::new(ErrorKind::Input, format!("template `{}`: {}", template.id(), texts.join("; ")))
        .hint("`ohfp templates validate` checks all templates");
    match errors.first() {
        Some(first) => error.in_field(template.id(), first.base()),
        None => error,
    }
}

/// Which API launches by a specification, with the request that it names a file of. Paths are below `directory`.
///
/// # Errors
/// Every field that the API cannot take, and files that cannot be used.
fn plan_of(spec: &LaunchSpec, directory: &Path) -> Result<(Way, Option<FleetFile>), Vec<FieldError>> {
    let file = FleetFile::of(spec, directory).map_err(|error| vec![error])?;
    let way = Way::of(spec, file.as_ref().map(|file| file.kind)).map_err(|error| vec![error])?;
    let mut errors = design::check(spec, way);
    errors.extend(user_data::of_launch(spec, None, directory).err());
    if errors.is_empty() { Ok((way, file)) } else { Err(errors) }
}

/// Specifications in EC2's own terms, as far as they can be read before a launch.
fn checked(options: &AwsOptions, template: &Template, way: Way, directory: &Path) -> Result<(), FieldError> {
    let reference =
        Reference { request: "req-0", provider: "aws", template, image_id: Some("ami-0"), count: 1 };
    let mode = options.of(&options::NATIVE_SPEC_MODE);
    Native::of(&reference, mode, way, &options.specs(directory)).map(|_| ())
}

/// What keeps a template from being launched, as far as that is known without a call, field by field. Relative paths in
/// it are below `directory`.
pub fn unlaunchable(options: &AwsOptions, template: &Template, directory: &Path) -> Vec<FieldError> {
    match plan_of(template.spec(), directory) {
        Ok((way, _)) => checked(options, template, way, directory).err().into_iter().collect(),
        Err(errors) => errors,
    }
}
