//! The root volume of the machines.

use crate::keywords;

/// The root volume. What is unset is as the image has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RootVolume {
    /// `rootDeviceVolumeSize`: GiB, 1 to 16,384.
    pub size_gib: Option<u32>,
    /// `volumeType`; unset means [`VolumeType::Gp2`].
    pub kind: Option<VolumeType>,
    /// `iops`: 100 to 256,000; only [some types](VolumeType::takes_iops) take it.
    pub iops: Option<u32>,
}

/// `volumeType`: the type of an EBS volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VolumeType {
    /// General purpose, the default.
    Gp2,
    /// General purpose with its own performance.
    Gp3,
    /// Provisioned performance.
    Io1,
    /// Provisioned performance, more durable.
    Io2,
    /// Magnetic.
    Standard,
}

keywords!(VolumeType { Gp2: "gp2", Gp3: "gp3", Io1: "io1", Io2: "io2", Standard: "standard" });

impl VolumeType {
    /// Whether `iops` has an effect on it.
    pub fn takes_iops(self) -> bool {
        matches!(self, Self::Gp3 | Self::Io1 | Self::Io2)
    }
}
