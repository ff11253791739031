//! A wheel of deadlines: arming costs a push, and what is due is found without a search.
//!
//! A deadline is kept by the place of its connection, at most one a place, and may lie later than
//! what the connection says by then: whoever is found due is asked, and armed again if it was not.

use crate::time::{Duration, Instant};

/// Length of a notch: a deadline is found at most this much too late.
const NOTCH: Duration = Duration::from_millis(125);
/// Notches of a turn of the wheel; what lies beyond goes into the last one and is armed again.
const NOTCHES: usize = 512;

/// Deadlines of one core's connections, by place.
#[derive(Debug)]
pub struct Wheel {
    notches: Vec<Vec<u32>>,
    /// For each place, the notch number that it waits in.
    armed: Vec<Option<u64>>,
    /// The first notch that was not looked at.
    next: u64,
    waiting: usize,
}

impl Wheel {
    /// An empty wheel, whose first notch is `now`'s.
    pub fn new(now: Instant) -> Self {
        Self { notches: vec![Vec::new(); NOTCHES], armed: Vec::new(), next: notch(now), waiting: 0 }
    }

    /// Asks for `place` to be found at `deadline`, unless it will be found before.
    pub fn arm(&mut self, place: u32, deadline: Instant) {
        let last = self.next + NOTCHES as u64 - 1;
        // One on, so that the deadline has passed when the notch is looked at.
        let wanted = (notch(deadline) + 1).clamp(self.next, last);
        let index = place as usize;
        if index >= self.armed.len() {
            self.armed.resize(index + 1, None);
        }
        if self.armed[index].is_some_and(|armed| armed <= wanted) {
            return;
        }
        if self.armed[index].is_none() {
            self.waiting += 1;
        }
        self.armed[index] = Some(wanted);
        self.notches[at(wanted)].push(place);
    }

    /// When to look again; none when nothing waits.
    pub fn next_due(&self) -> Option<Instant> {
        if self.waiting == 0 {
            return None;
        }
        let mut number = self.next;
        while self.notches[at(number)].is_empty() {
            number += 1;
        }
        Some(Instant::from_nanos(number.saturating_mul(NOTCH.as_nanos() as u64)))
    }

    /// Appends the places whose notch has come; they wait no more.
    pub fn due(&mut self, now: Instant, places: &mut Vec<u32>) {
        let current = notch(now);
        while self.next <= current {
            if self.waiting == 0 {
                self.next = current + 1;
                return;
            }
            let number = self.next;
            self.next += 1;
            for place in self.notches[at(number)].drain(..) {
                // A place that was armed again for an earlier notch left this entry behind.
                if self.armed[place as usize] == Some(number) {
                    self.armed[place as usize] = None;
                    self.waiting -= 1;
                    places.push(place);
                }
            }
        }
    }
}

fn notch(at: Instant) -> u64 {
    at.as_nanos() / NOTCH.as_nanos() as u64
}

fn at(number: u64) -> usize {
    usize::try_from(number % NOTCHES as u64).expect("a remainder of a small number")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_ms(ms: u64) -> Instant {
        Instant::from_nanos(ms * 1_000_000)
    }

    fn due(wheel: &mut Wheel, ms: u64) -> Vec<u32> {
        let mut places = Vec::new();
        wheel.due(at_ms(ms), &mut places);
        places
    }

    #[test]
    fn a_deadline_is_found_once_and_not_before() {
        let mut wheel = Wheel::new(at_ms(1000));
        wheel.arm(3, at_ms(2000));
        wheel.arm(7, at_ms(1500));
        assert!(wheel.next_due().is_some_and(|due| due >= at_ms(1500) && due <= at_ms(1700)));
        assert_eq!(due(&mut wheel, 1499), [0_u32; 0]);
        assert_eq!(due(&mut wheel, 1700), [7]);
        assert_eq!(due(&mut wheel, 2200), [3]);
        assert_eq!(due(&mut wheel, 90_000), [0_u32; 0]);
        assert_eq!(wheel.next_due(), None);
    }

    #[test]
    fn an_earlier_deadline_replaces_a_later_one_and_not_the_other_way_round() {
        let mut wheel = Wheel::new(at_ms(0));
        wheel.arm(1, at_ms(5000));
        wheel.arm(1, at_ms(1000));
        wheel.arm(1, at_ms(9000));
        assert_eq!(due(&mut wheel, 1300), [1]);
        assert_eq!(due(&mut wheel, 10_000), [0_u32; 0]);
    }

    #[test]
    fn a_deadline_beyond_the_wheel_is_found_early_to_be_armed_again() {
        let mut wheel = Wheel::new(at_ms(0));
        wheel.arm(1, at_ms(600_000));
        assert_eq!(due(&mut wheel, 65_000), [1]);
    }

    #[test]
    fn every_place_of_many_is_found() {
        let mut wheel = Wheel::new(at_ms(0));
        for place in 0..10_000_u32 {
            wheel.arm(place, at_ms(u64::from(place) * 3));
        }
        let mut seen = Vec::new();
        for ms in (0..32_000).step_by(50) {
            wheel.due(at_ms(ms), &mut seen);
        }
        seen.sort_unstable();
        assert!(seen.iter().copied().eq(0..10_000));
    }
}
