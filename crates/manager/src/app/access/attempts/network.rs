//! Where an attempt comes from, as coarse as its source can change it at will.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A part of the address space: its first address and its length in bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Prefix(IpAddr, u8);

/// An address in its parts. An address that is not known is a network of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Network {
    /// One subscriber: an IPv4 address, or an IPv6 /64.
    pub(super) host: Prefix,
    /// What one holds who asks for a larger assignment: an IPv4 address, or an IPv6 /48 (RFC 6177).
    pub(super) site: Prefix,
    /// The smallest part that is routed by itself: an IPv4 /24, an IPv6 /48.
    pub(super) routed: Prefix,
    /// What a provider holds: an IPv4 /16, an IPv6 /32.
    pub(super) provider: Prefix,
}

impl Network {
    /// The parts of an address as requests bring it.
    pub(super) fn of(address: Option<&str>) -> Self {
        let parsed = address.and_then(|text| text.parse::<IpAddr>().ok());
        let address = parsed.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)).to_canonical();
        let [host, site, routed, provider] = match address {
            IpAddr::V4(_) => [32, 32, 24, 16],
            IpAddr::V6(_) => [64, 48, 48, 32],
        };
        let part = |bits| prefix(address, bits);
        Self { host: part(host), site: part(site), routed: part(routed), provider: part(provider) }
    }
}

fn prefix(address: IpAddr, bits: u8) -> Prefix {
    let first = match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & mask))
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask))
        }
    };
    Prefix(first, bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared(one: &str, other: &str) -> [bool; 4] {
        let (one, other) = (Network::of(Some(one)), Network::of(Some(other)));
        [
            one.host == other.host,
            one.site == other.site,
            one.routed == other.routed,
            one.provider == other.provider,
        ]
    }

    #[test]
    fn addresses_share_what_one_source_can_choose_among() {
        assert_eq!(shared("192.0.2.1", "192.0.2.1"), [true; 4]);
        assert_eq!(shared("192.0.2.1", "::ffff:192.0.2.1"), [true; 4]);
        assert_eq!(shared("192.0.2.1", "192.0.2.2"), [false, false, true, true]);
        assert_eq!(shared("192.0.2.1", "192.0.3.1"), [false, false, false, true]);
        assert_eq!(shared("192.0.2.1", "192.1.2.1"), [false; 4]);
        assert_eq!(shared("2001:db8:1:2::1", "2001:db8:1:2:ffff::1"), [true; 4]);
        assert_eq!(shared("2001:db8:1:2::1", "2001:db8:1:3::1"), [false, true, true, true]);
        assert_eq!(shared("2001:db8:1:2::1", "2001:db8:2:2::1"), [false, false, false, true]);
        assert_eq!(shared("2001:db8:1:2::1", "2001:db9:1:2::1"), [false; 4]);
        assert_eq!(Network::of(None), Network::of(Some("")));
    }
}
