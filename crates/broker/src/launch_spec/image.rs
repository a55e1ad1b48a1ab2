//! What machines boot from and with which rights: images, instance profiles, launch templates.

/// `imageId`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Image {
    /// An id like `ami-0abc`.
    Ami(Box<str>),
    /// Name of the SSM parameter that holds the id, without `ssm:` or `resolve:ssm:`.
    Parameter(Box<str>),
    /// Another provider's image.
    Other(Box<str>),
}

impl Image {
    /// Public parameters of AWS lie below this name, and are given without a prefix, too.
    const PUBLIC_PARAMETERS: &str = "/aws/service/";

    pub(super) fn parse(text: Box<str>) -> Self {
        let named = text.strip_prefix("resolve:ssm:").or_else(|| text.strip_prefix("ssm:"));
        let parameter = named.or_else(|| text.starts_with(Self::PUBLIC_PARAMETERS).then_some(&*text));
        match parameter {
            Some(name) => Self::Parameter(name.into()),
            None if text.starts_with("ami-") => Self::Ami(text),
            None => Self::Other(text),
        }
    }
}

/// `instanceProfile`: the IAM instance profile of the machines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MachineProfile {
    /// An ARN, which begins with `arn:`.
    Arn(Box<str>),
    /// A name.
    Name(Box<str>),
}

impl MachineProfile {
    pub(super) fn parse(text: Box<str>) -> Self {
        if text.starts_with("arn:") { Self::Arn(text) } else { Self::Name(text) }
    }
}

/// An EC2 launch template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaunchTemplate {
    /// `launchTemplateId`.
    pub id: Box<str>,
    /// `launchTemplateVersion`: a number, `$Latest` or `$Default`; `None` means `$Default`.
    pub version: Option<Box<str>>,
}
