//! What an image parameter stands for, and how an image calls its root device. Both are asked once for all launches of
//! the next hour.

use std::collections::BTreeMap;

use ohfp_broker::documents::{Document, DocumentStore};
use ohfp_broker::launch_spec::{FieldError, Image, LaunchSpec, RootVolume};
use ohfp_broker::{Deadline, Result, Timestamp};

use crate::api::Api;
use crate::documents;
use crate::failure::Failure;

/// Why an image cannot be used.
pub(crate) enum Unusable {
    /// AWS could not be asked.
    Failed(Failure),
    /// The store could not be used.
    Store(ohfp_broker::Error),
    /// What the template says of it is wrong.
    Field(FieldError),
}

impl From<Failure> for Unusable {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<ohfp_broker::Error> for Unusable {
    fn from(error: ohfp_broker::Error) -> Self {
        Self::Store(error)
    }
}

/// The group of these documents.
const LOOKED_UP: &str = "looked-up";

/// Looks up images, and remembers what it has found.
pub(crate) struct Images<'a> {
    pub(crate) api: &'a dyn Api,
    pub(crate) documents: &'a dyn DocumentStore,
    pub(crate) provider: &'a str,
    /// For how long an answer is used.
    pub(crate) seconds: u64,
    pub(crate) now: Timestamp,
    pub(crate) deadline: Deadline,
}

impl Images<'_> {
    /// The id of the template's image; `None` where its launch template has it.
    ///
    /// # Errors
    /// [`Unusable::Field`] where there is no such parameter.
    pub(crate) fn image_id(&self, spec: &LaunchSpec) -> Result<Option<String>, Unusable> {
        let name = match &spec.image {
            None => return Ok(None),
            Some(Image::Ami(id) | Image::Other(id)) => return Ok(Some(id.to_string())),
            Some(Image::Parameter(name)) => name.to_string(),
        };
        let id = format!("image/{name}");
        if let Some(known) = self.known(&id)? {
            return Ok(Some(known));
        }
        let found = self.api.parameters(std::slice::from_ref(&name), self.deadline)?;
        let Some(image) = found.values.get(&name) else {
            let why = format!("names the SSM parameter {name}, which does not exist in this region");
            return Err(Unusable::Field(FieldError { field: "imageId".into(), why: why.into() }));
        };
        self.remember(&id, image)?;
        Ok(Some(image.clone()))
    }

    /// The root device of an image, where the template says something of its volume.
    pub(crate) fn root_device(
        &self,
        spec: &LaunchSpec,
        image_id: Option<&str>,
    ) -> Result<Option<String>, Unusable> {
        let Some(image_id) = image_id.filter(|_| spec.root_volume != RootVolume::default()) else {
            return Ok(None);
        };
        let id = format!("root-device/{image_id}");
        if let Some(known) = self.known(&id)? {
            return Ok(Some(known));
        }
        let found: BTreeMap<String, String> =
            self.api.root_devices(std::slice::from_ref(&image_id.to_owned()), self.deadline)?;
        let Some(device) = found.get(image_id) else { return Ok(None) };
        self.remember(&id, device)?;
        Ok(Some(device.clone()))
    }

    fn known(&self, id: &str) -> Result<Option<String>> {
        let mut known = None;
        self.documents.read(self.provider, &mut |tx| {
            known = documents::live(tx, id, self.now)?.map(|document| document.body);
            Ok(())
        })?;
        Ok(known)
    }

    fn remember(&self, id: &str, value: &str) -> Result<()> {
        let document = Document {
            id: id.to_owned(),
            group: LOOKED_UP.to_owned(),
            live_until: Some(self.now.plus_seconds(self.seconds)),
            body: value.to_owned(),
        };
        self.documents.write(self.provider, &mut |tx| tx.put(&document))
    }
}
