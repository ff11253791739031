//! How many completions a turn waits for.
//!
//! A turn has a price of its own: the thread sleeps, is woken, and finds its caches cold. Where
//! completions come so fast that a short wait brings a batch, that price is paid once for all of
//! it. Where they do not, as with a phone that sends nothing before it is answered, the wait would
//! only be in its way; so whether it brought a batch decides about the next ones, and behind one
//! that did not there is a pause, each twice as long as the one before.

use crate::limits;

/// First pause, and longest, in turns: what a wait in vain costs is lost among them.
const PAUSE_MIN: u32 = 8;
const PAUSE_MAX: u32 = 1024;

// A connection that floods: for each completion that is waited for the kernel receives twice, a
// share and one each time, before the driver can make it wait; half of the buffers are others'.
const _: () = assert!(
    (2 * limits::GATHER_COUNT + 1) * (limits::RECEIVE_SHARE + 1)
        < limits::RECEIVE_BUFFERS as u32 / 2
);

/// What the turns so far have taught.
#[derive(Debug)]
pub(super) struct Gather {
    /// Turns to come that wait for one only.
    pause: u32,
    /// Length of the last pause, in turns.
    paused: u32,
}

impl Gather {
    pub fn new() -> Self {
        Self { pause: PAUSE_MIN, paused: PAUSE_MIN }
    }

    /// Completions that the next turn waits for: one, or as many as may come in `GATHER_WAIT`.
    pub fn want(&self) -> u32 {
        if self.pause > 0 { 1 } else { limits::GATHER_COUNT }
    }

    /// Learns from a turn that has waited for [`Self::want`], and to which so many came.
    pub fn learn(&mut self, came: usize) {
        if self.pause > 0 {
            self.pause -= 1;
        } else if came < limits::GATHER_COUNT as usize {
            self.rest();
        } else {
            self.paused = PAUSE_MIN;
        }
    }

    /// Begins a pause, unless there is one: a wait was in vain; or a connection floods, and for
    /// each completion that is waited for the kernel takes another heap from it.
    pub fn rest(&mut self) {
        if self.pause == 0 {
            self.paused = PAUSE_MAX.min(2 * self.paused);
            self.pause = self.paused;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Turns, of `turns`, that waited for several where so many came at most.
    fn gathered(turns: u32, most: u32) -> u32 {
        let mut gather = Gather::new();
        let mut count = 0;
        for _ in 0..turns {
            count += u32::from(gather.want() > 1);
            gather.learn(gather.want().min(most) as usize);
        }
        count
    }

    #[test]
    fn a_batch_is_waited_for_where_one_comes() {
        for most in [limits::GATHER_COUNT, limits::GATHER_COUNT + 1] {
            assert_eq!(gathered(1000, most), 1000 - PAUSE_MIN, "{most}");
        }
    }

    #[test]
    fn a_lone_phone_waits_hardly_ever() {
        for most in [1, 2, limits::GATHER_COUNT - 1] {
            let count = gathered(100 * PAUSE_MAX, most);
            assert!((1..=110).contains(&count), "{count}");
        }
    }

    #[test]
    fn each_pause_is_twice_as_long_and_begins_once() {
        let mut gather = Gather::new();
        for pause in [PAUSE_MIN, 2 * PAUSE_MIN, 4 * PAUSE_MIN] {
            for _ in 0..pause {
                assert_eq!(gather.want(), 1);
                gather.learn(usize::MAX);
            }
            assert_eq!(gather.want(), limits::GATHER_COUNT);
            gather.rest();
            gather.rest();
        }
        (0..8 * PAUSE_MIN).for_each(|_| gather.learn(1));
        gather.learn(limits::GATHER_COUNT as usize);
        gather.learn(1);
        (0..2 * PAUSE_MIN).for_each(|_| gather.learn(1));
        assert_eq!(gather.want(), limits::GATHER_COUNT, "a batch makes the next pause short");
    }
}
