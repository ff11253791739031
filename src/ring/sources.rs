//! Connections are counted by where they come from: no source has more than its share.

use ahash::AHashMap;
use std::net::IpAddr;

/// What counts as one source: an IPv4 address, or an IPv6 network of 64 bits (one site's link).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Source(u64);

impl From<IpAddr> for Source {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(u64::from(address.to_bits())),
            // 2000::/3 and fe80::/10 have high bits that no 32-bit number has.
            IpAddr::V6(address) => Self(u64::try_from(address.to_bits() >> 64).unwrap_or(u64::MAX)),
        }
    }
}

/// Counts of open connections. INVARIANT: `0 < count <= share` for each source that is in here.
#[derive(Debug)]
pub(super) struct Sources {
    open: AHashMap<Source, usize>,
    share: usize,
}

impl Sources {
    /// Room for `connections` of them, at most `share` from one source.
    pub fn new(connections: usize, share: usize) -> Self {
        Self { open: AHashMap::with_capacity(connections), share }
    }

    /// Counts a connection in; refuses it when its source has its share.
    #[must_use]
    pub fn enter(&mut self, source: Source) -> bool {
        let open = self.open.entry(source).or_insert(0);
        if *open >= self.share {
            return false;
        }
        *open += 1;
        true
    }

    /// Counts a connection out.
    pub fn leave(&mut self, source: Source) {
        let open = self.open.get_mut(&source).expect("invariant: who leaves has entered");
        *open -= 1;
        if *open == 0 {
            self.open.remove(&source);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_has_a_share_and_gets_it_back() {
        let phone = Source::from(IpAddr::from([10, 0, 0, 7]));
        let other = Source::from(IpAddr::from([10, 0, 0, 8]));
        let mut sources = Sources::new(8, 2);
        assert!(sources.enter(phone));
        assert!(sources.enter(phone));
        assert!(!sources.enter(phone));
        assert!(sources.enter(other));
        sources.leave(phone);
        assert!(sources.enter(phone));
    }

    #[test]
    fn a_refused_source_leaves_nothing_behind() {
        let mut sources = Sources::new(8, 1);
        let phone = Source::from(IpAddr::from([192, 0, 2, 1]));
        assert!(sources.enter(phone));
        assert!(!sources.enter(phone));
        sources.leave(phone);
        assert!(sources.open.is_empty());
    }

    #[test]
    fn a_network_of_ipv6_is_one_source_and_a_mapped_address_is_its_ipv4() {
        let parse = |text: &str| Source::from(text.parse::<IpAddr>().expect("address"));
        assert_eq!(parse("2001:db8:1:2::1"), parse("2001:db8:1:2:ffff::9"));
        assert_ne!(parse("2001:db8:1:2::1"), parse("2001:db8:1:3::1"));
        assert_eq!(parse("::ffff:10.0.0.7"), parse("10.0.0.7"));
    }
}
