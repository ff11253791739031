//! How many completions a turn waits for.
//!
//! A turn has a price of its own: the thread sleeps, is woken, and finds its caches cold. Where
//! completions come so fast that a short wait brings a batch, that price is paid once for all of
//! it. Where they do not, as with a phone that sends nothing before it is answered, the wait would
//! only be in its way; so whether it brought a batch decides about the next ones, and behind one
//! that did not there is a pause, each twice as long as the one before.

use crate::limits;

/// Longest pause, in turns: what a wait in vain costs is lost among them.
const PAUSE_MAX: u32 = 64 * limits::GATHER_MAX;

// A connection that floods: for each completion that is waited for the kernel receives twice, a
// share and one each time, before the driver can make it wait.
const _: () = assert!(
    (2 * limits::GATHER_MAX + 1) * (limits::RECEIVE_SHARE + 1) < limits::RECEIVE_BUFFERS as u32
);

/// What the turns so far have taught.
#[derive(Debug)]
pub(super) struct Gather {
    /// Completions that the next turn waits for, behind the pause.
    want: u32,
    /// Turns to come that wait for one only.
    pause: u32,
    /// Length of the last pause, in turns.
    paused: u32,
}

impl Gather {
    pub fn new() -> Self {
        Self { want: limits::GATHER_MIN, pause: limits::GATHER_MIN, paused: limits::GATHER_MIN }
    }

    /// Completions that the next turn waits for: one, or as many as may come in `GATHER_WAIT`.
    pub fn want(&self) -> u32 {
        if self.pause > 0 { 1 } else { self.want }
    }

    /// Learns from a turn that has waited for [`Self::want`], and to which so many came.
    pub fn learn(&mut self, came: usize) {
        let came = u32::try_from(came).unwrap_or(u32::MAX);
        if self.pause > 0 {
            self.pause -= 1;
        } else if came < limits::GATHER_MIN {
            self.rest();
        } else {
            // All that were waited for: there may be more to have. Fewer: that is what comes.
            let more = limits::GATHER_MAX.min(self.want + 1);
            self.want = if came < self.want { came } else { more };
            self.paused = limits::GATHER_MIN;
        }
    }

    /// Begins a pause, unless there is one: a wait was in vain; or a connection floods, and for
    /// each completion that is waited for the kernel takes another heap from it.
    pub fn rest(&mut self) {
        if self.pause == 0 {
            self.want = limits::GATHER_MIN;
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
        let (least, most) = (limits::GATHER_MIN, limits::GATHER_MAX);
        for most in [least, 2 * least, most, most + 1] {
            assert_eq!(gathered(1000, most), 1000 - least, "{most}");
        }
    }

    #[test]
    fn a_lone_phone_waits_hardly_ever() {
        for most in [1, 2, limits::GATHER_MIN - 1] {
            let turns = 100 * PAUSE_MAX;
            assert!((1..=110).contains(&gathered(turns, most)), "{}", gathered(turns, most));
        }
    }

    #[test]
    fn it_waits_for_as_many_as_come() {
        let mut gather = Gather::new();
        let least = limits::GATHER_MIN;
        (0..least).for_each(|_| gather.learn(1));
        assert_eq!(gather.want(), least);
        for more in 1..=3 {
            gather.learn(usize::MAX);
            assert_eq!(gather.want(), least + more);
        }
        gather.learn(least as usize + 1);
        assert_eq!(gather.want(), least + 1);
        (0..limits::GATHER_MAX).for_each(|_| gather.learn(usize::MAX));
        assert_eq!(gather.want(), limits::GATHER_MAX);
        gather.learn(1);
        assert_eq!(gather.want(), 1);
        (0..2 * least).for_each(|_| gather.learn(usize::MAX));
        assert_eq!(gather.want(), least, "it tries anew behind the pause");
        gather.rest();
        gather.rest();
        (0..4 * least).for_each(|_| assert_eq!((gather.want(), gather.learn(99)), (1, ())));
        assert_eq!(gather.want(), least, "each pause is twice as long, and begins once");
    }
}
