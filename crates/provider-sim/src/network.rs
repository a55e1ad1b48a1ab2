//! Addresses: a block of them, and what a domain may look like.

use std::fmt;
use std::net::Ipv4Addr;

/// A block of IPv4 addresses, of 16 to 16,777,216.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    first: u32,
    prefix: u32,
}

/// The first four addresses and the last are not handed out, as EC2 has it.
const RESERVED: u32 = 4;

impl Block {
    pub(crate) const ALLOWED: &'static str = "an IPv4 block such as \"10.0.0.0/16\", from /8 to /28";

    /// `10.0.0.0/16`
    pub(crate) const PRIVATE: Self = Self { first: Ipv4Addr::new(10, 0, 0, 0).to_bits(), prefix: 16 };

    /// The block of `prefix` bits that an address lies in.
    fn new(address: Ipv4Addr, prefix: u32) -> Self {
        let mask = u32::MAX.checked_shl(32 - prefix).unwrap_or(0);
        Self { first: u32::from(address) & mask, prefix }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/')?;
        let address: Ipv4Addr = address.parse().ok()?;
        let prefix: u32 = prefix.parse().ok().filter(|prefix| (8..=28).contains(prefix))?;
        let block = Self::new(address, prefix);
        // Bits behind the prefix are a mistyped prefix more often than not.
        (block.first == u32::from(address)).then_some(block)
    }

    /// How many addresses it has.
    pub(crate) fn size(self) -> u32 {
        1_u32.checked_shl(32 - self.prefix).unwrap_or(u32::MAX)
    }

    /// How many of them can be handed out.
    pub(crate) fn usable(self) -> u32 {
        self.size().saturating_sub(RESERVED + 1)
    }

    /// The usable address at a place, going round.
    pub(crate) fn address(self, place: u64) -> Ipv4Addr {
        let place = place.checked_rem(u64::from(self.usable())).unwrap_or(0);
        let place = u32::try_from(place).unwrap_or(0);
        Ipv4Addr::from(self.first.saturating_add(RESERVED).saturating_add(place))
    }

    /// The place of an address that can be handed out.
    pub(crate) fn place(self, address: Ipv4Addr) -> Option<u64> {
        let place = u32::from(address).checked_sub(self.first.saturating_add(RESERVED))?;
        (place < self.usable()).then_some(u64::from(place))
    }
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", Ipv4Addr::from(self.first), self.prefix)
    }
}

/// Whether a text can be the domain of host names.
pub(crate) fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 200 && text.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks() {
        for (text, good) in [
            ("10.0.0.0/16", true),
            ("10.0.0.0/8", true),
            ("10.0.0.16/28", true),
            ("10.0.0.1/16", false),
            ("10.0.0.0/29", false),
            ("10.0.0.0/7", false),
            ("10.0.0.0", false),
            ("10.0.0/16", false),
        ] {
            assert_eq!(Block::parse(text).map(|block| block.to_string()), good.then(|| text.to_owned()));
        }
        let block = Block::parse("10.0.0.16/28").unwrap();
        assert_eq!(block.usable(), 11);
        assert_eq!(block.address(0), Ipv4Addr::new(10, 0, 0, 20));
        assert_eq!(block.address(10), Ipv4Addr::new(10, 0, 0, 30));
        assert_eq!(block.address(11), block.address(0));
        for (address, place) in [(19, None), (20, Some(0)), (30, Some(10)), (31, None)] {
            assert_eq!(block.place(Ipv4Addr::new(10, 0, 0, address)), place);
        }
    }

    #[test]
    fn domains() {
        for (text, good) in
            [("sim.internal", true), ("x", true), ("", false), ("a..b", false), ("-a", false), ("ä", false)]
        {
            assert_eq!(is_domain(text), good, "{text}");
        }
    }
}
