//! Time as a plain value: read once a turn through the doors below, passed on as an argument.

use std::ops::Add;
pub use std::time::Duration;

/// A point of monotonic time, in nanoseconds since an arbitrary start.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Instant(u64);

impl Instant {
    /// The point `nanos` nanoseconds after the start; for tests and simulated clocks.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the start.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Time from `earlier` to `self`; zero when `earlier` is the later one.
    pub const fn since(self, earlier: Instant) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;

    fn add(self, delta: Duration) -> Instant {
        let nanos = u64::try_from(delta.as_nanos()).unwrap_or(u64::MAX);
        Instant(self.0.saturating_add(nanos))
    }
}

/// Seconds since 1970-01-01T00:00:00Z: what `Date`, `Last-Modified` and log lines count in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Civil(pub u64);

/// The door to the monotonic clock (`CLOCK_MONOTONIC`).
#[expect(clippy::disallowed_types, reason = "the one door")]
pub fn now() -> Instant {
    use std::sync::OnceLock;
    static START: OnceLock<std::time::Instant> = OnceLock::new();
    let nanos = START.get_or_init(std::time::Instant::now).elapsed().as_nanos();
    Instant(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// The door to the civil clock.
#[expect(clippy::disallowed_types, reason = "the one door")]
pub fn civil_now() -> Civil {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Civil(since.map_or(0, |elapsed| elapsed.as_secs()))
}

/// Milliseconds of the civil clock, for log lines.
#[expect(clippy::disallowed_types, reason = "the one door")]
pub fn civil_millis_now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |elapsed| i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_does_not_run_backwards() {
        let first = now();
        assert!(now() >= first);
    }

    #[test]
    fn since_is_zero_for_a_later_point() {
        let early = Instant::from_nanos(5);
        let late = early + Duration::from_nanos(7);
        assert_eq!(late.since(early), Duration::from_nanos(7));
        assert_eq!(early.since(late), Duration::ZERO);
    }
}
