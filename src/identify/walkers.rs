//! Who walks through MACs: unknown ones are counted by source, each once, and past a bound the
//! source is refused for a while.

use ahash::RandomState;
use dashmap::DashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::device::Mac;
use crate::limits;
use crate::time::Instant;

/// The sources that asked for unknown phones, `MISS_SOURCES_MAX` at most. HTTP and TFTP count
/// alike; requests do not count, MACs do.
#[derive(Debug, Default)]
pub struct Walkers {
    sources: DashMap<IpAddr, Walk, RandomState>,
    /// How many sources have ever been refused: while none has, nobody needs to be looked up.
    refused: AtomicUsize,
}

#[derive(Debug)]
struct Walk {
    since: Instant,
    macs: Vec<Mac>,
    refused: bool,
}

/// What a further unknown MAC means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// Phones get replaced, sites get built.
    Fine,
    /// This one was too many.
    TooMany,
    /// The source is refused already.
    Refused,
}

impl Walkers {
    /// Counts an unknown MAC; more than `max` of one source in a window are too many.
    pub fn step(&self, ip: IpAddr, mac: Mac, max: usize, now: Instant) -> Step {
        let source = source(ip);
        if !self.sources.contains_key(&source) && self.sources.len() >= limits::MISS_SOURCES_MAX {
            self.make_room(now);
        }
        let new = || Walk { since: now, macs: Vec::new(), refused: false };
        let mut walk = self.sources.entry(source).or_insert_with(new);
        if is_over(&walk, now) {
            *walk = new();
        }
        if walk.refused {
            return Step::Refused;
        }
        if !walk.macs.contains(&mac) {
            walk.macs.push(mac);
        }
        if walk.macs.len() <= max {
            return Step::Fine;
        }
        *walk = Walk { refused: true, ..new() };
        self.refused.fetch_add(1, Ordering::Relaxed);
        Step::TooMany
    }

    /// Whether the source is refused now.
    pub fn is_refused(&self, ip: IpAddr, now: Instant) -> bool {
        self.refused.load(Ordering::Relaxed) > 0
            && self
                .sources
                .get(&source(ip))
                .is_some_and(|walk| walk.refused && !is_over(&walk, now))
    }

    /// How many times a source became refused.
    pub fn refused_count(&self) -> usize {
        self.refused.load(Ordering::Relaxed)
    }

    /// Forgets what is over; if that is nothing, all that is not refused; then all.
    fn make_room(&self, now: Instant) {
        let full = self.sources.len();
        self.sources.retain(|_, walk| !is_over(walk, now));
        if self.sources.len() == full {
            self.sources.retain(|_, walk| walk.refused);
        }
        if self.sources.len() == full {
            self.sources.clear();
        }
    }
}

fn is_over(walk: &Walk, now: Instant) -> bool {
    now.since(walk.since) >= limits::UNKNOWN_MACS_WINDOW
}

/// Who is behind an address: itself, or for IPv6 its /64, which one host may have to itself.
fn source(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => {
            let network = u128::from(ip) & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from(network))
        }
        IpAddr::V4(ip) => IpAddr::V4(ip),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: usize = limits::UNKNOWN_MACS_MAX;

    fn mac(n: usize) -> Mac {
        let bytes = n.to_be_bytes();
        Mac([0, 4, 0xf2, bytes[5], bytes[6], bytes[7]])
    }

    #[test]
    fn distinct_macs_count_and_requests_do_not() {
        let walkers = Walkers::default();
        let ip: IpAddr = "192.0.2.7".parse().expect("an address");
        let start = Instant::from_nanos(1);
        for n in 0..MAX {
            for _ in 0..3 {
                assert_eq!(walkers.step(ip, mac(n), MAX, start), Step::Fine);
            }
        }
        assert!(!walkers.is_refused(ip, start));
        assert_eq!(walkers.step(ip, mac(MAX), MAX, start), Step::TooMany);
        assert_eq!(walkers.step(ip, mac(0), MAX, start), Step::Refused);
        assert!(walkers.is_refused(ip, start));
        let other = "192.0.2.8".parse().expect("an address");
        assert_eq!(walkers.step(other, mac(0), MAX, start), Step::Fine);
        assert!(!walkers.is_refused(other, start));
        let later = start + limits::UNKNOWN_MACS_WINDOW;
        assert!(!walkers.is_refused(ip, later));
        assert_eq!(walkers.step(ip, mac(0), MAX, later), Step::Fine);
    }

    #[test]
    fn a_network_of_ipv6_is_one_source() {
        let walkers = Walkers::default();
        let start = Instant::from_nanos(1);
        for n in 0..=MAX {
            let ip: IpAddr = format!("2001:db8::{n:x}").parse().expect("an address");
            walkers.step(ip, mac(n), MAX, start);
        }
        let neighbour = "2001:db8::ffff:1".parse().expect("an address");
        assert!(walkers.is_refused(neighbour, start));
        let stranger = "2001:db8:0:1::1".parse().expect("an address");
        assert!(!walkers.is_refused(stranger, start));
    }

    #[test]
    fn sources_are_bounded() {
        let walkers = Walkers::default();
        for n in 0..limits::MISS_SOURCES_MAX + 10 {
            let number = u32::try_from(n).expect("a small number");
            let ip = IpAddr::V4(std::net::Ipv4Addr::from(0x0a00_0000 + number));
            walkers.step(ip, mac(n), MAX, Instant::from_nanos(n as u64 + 1));
        }
        assert!(walkers.sources.len() <= limits::MISS_SOURCES_MAX);
    }
}
