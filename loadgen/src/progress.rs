//! What a person sees while a storm blows: a bar on a terminal, a line a second elsewhere.

use crate::driver::Snapshot;
use indicatif::{ProgressBar, ProgressStyle};
use ringboot::time::Duration;

/// Shows how far a storm is.
#[derive(Debug)]
pub struct Progress {
    phones: u64,
    /// None for plain lines.
    bar: Option<ProgressBar>,
    /// The last moment that a rate was counted from, and the answers then.
    last: (Duration, u64),
    rate: u64,
}

/// Time over which a rate is counted, and between plain lines.
const LINE_TIME: Duration = Duration::from_secs(1);

impl Progress {
    /// Of a storm of `phones`; plain lines where `plain` says so.
    #[must_use]
    pub fn new(phones: u64, plain: bool) -> Self {
        let bar = (!plain).then(|| {
            let style = ProgressStyle::with_template("{elapsed:>4} {bar:30} {pos}/{len} {msg}");
            let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(phones).with_style(style)
        });
        Self { phones, bar, last: (Duration::ZERO, 0), rate: 0 }
    }

    /// Shows `now`, `elapsed` after the start; returns the line that is due, if one is.
    #[must_use]
    pub fn tick(&mut self, elapsed: Duration, now: Snapshot) -> Option<String> {
        let (last, requests) = self.last;
        let since = elapsed.saturating_sub(last);
        let is_due = since >= LINE_TIME;
        if is_due {
            let millis = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
            self.rate = now.requests.saturating_sub(requests).saturating_mul(1000) / millis;
            self.last = (elapsed, now.requests);
        }
        let Snapshot { ended, wrong, lost, .. } = now;
        let rest = format!("phones, {wrong} wrong, {lost} lost, {} requests/s", self.rate);
        match &self.bar {
            Some(bar) => {
                bar.set_position(ended);
                bar.set_message(rest);
                None
            }
            None => {
                is_due.then(|| format!("{:>4} s {ended}/{} {rest}", elapsed.as_secs(), self.phones))
            }
        }
    }

    /// Takes the bar away.
    pub fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_a_second_with_the_rate_of_that_second() {
        let mut progress = Progress::new(10, true);
        let at = |requests| Snapshot { ended: 4, wrong: 1, lost: 2, requests };
        assert_eq!(progress.tick(Duration::from_millis(900), at(90)), None);
        assert_eq!(
            progress.tick(Duration::from_secs(1), at(100)).as_deref(),
            Some("   1 s 4/10 phones, 1 wrong, 2 lost, 100 requests/s")
        );
        assert_eq!(progress.tick(Duration::from_millis(1500), at(500)), None);
        assert_eq!(
            progress.tick(Duration::from_secs(3), at(1100)).as_deref(),
            Some("   3 s 4/10 phones, 1 wrong, 2 lost, 500 requests/s")
        );
    }
}
