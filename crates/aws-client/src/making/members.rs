//! Members that several calls have.

use aws_sdk_ec2::types::builders as ec2;
use ohfp_provider_aws::calls::{Tag, TagSpecification};

/// Counts are far below the limit of the API's type.
pub(super) fn count(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

pub(super) fn counts(number: Option<u32>) -> Option<i32> {
    number.map(count)
}

/// A list that has members; the API takes an empty one for an error.
pub(super) fn list<T, U>(members: &[T], convert: impl Fn(&T) -> U) -> Option<Vec<U>> {
    (!members.is_empty()).then(|| members.iter().map(convert).collect())
}

pub(super) fn tags(specifications: &[TagSpecification]) -> Option<Vec<aws_sdk_ec2::types::TagSpecification>> {
    list(specifications, |TagSpecification { resource_type, tags }| {
        ec2::TagSpecificationBuilder::default()
            .resource_type(resource_type.as_str().into())
            .set_tags(list(tags, tag))
            .build()
    })
}

pub(super) fn tag(Tag { key, value }: &Tag) -> aws_sdk_ec2::types::Tag {
    ec2::TagBuilder::default().key(key).value(value).build()
}
