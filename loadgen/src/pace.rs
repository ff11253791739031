//! When each phone starts: fixed before the first request, whatever the server does.

use crate::chance::Chance;
use ringboot::time::Duration;

/// How the starts are spread over the window.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum Arrival {
    /// All in the first instant: power comes back.
    AllAtOnce,
    /// At chance, with one mean rate: a Poisson process that is known to have this many arrivals,
    /// which is as many uniform points, in order.
    Poisson,
    /// At a rate that grows steadily from nothing to twice the mean.
    Ramp,
}

impl Arrival {
    /// The `count` starts, in order, as times after the storm's start; all below `over`
    /// (or zero when that is).
    #[must_use]
    pub fn schedule(self, count: usize, over: Duration, chance: &mut Chance) -> Vec<Duration> {
        match self {
            Self::AllAtOnce => vec![Duration::ZERO; count],
            Self::Poisson => {
                let mut starts: Vec<_> = (0..count).map(|_| over.mul_f64(chance.unit())).collect();
                starts.sort_unstable();
                starts
            }
            // The number of starts until t grows as t², so the nth is at the root of n / count.
            Self::Ramp => (0..count).map(|n| over.mul_f64(part(n, count).sqrt())).collect(),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a fleet is far smaller than 2⁵³")]
fn part(index: usize, count: usize) -> f64 {
    (index as f64 + 0.5) / count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const OVER: Duration = Duration::from_secs(10);
    const COUNT: usize = 20_000;

    fn schedule(arrival: Arrival, seed: u64) -> Vec<Duration> {
        arrival.schedule(COUNT, OVER, &mut Chance::new(seed))
    }

    fn mean(starts: &[Duration]) -> f64 {
        starts.iter().sum::<Duration>().as_secs_f64() / f64::from(u32::try_from(COUNT).unwrap())
    }

    #[test]
    fn every_schedule_is_whole_in_order_and_inside() {
        for arrival in [Arrival::AllAtOnce, Arrival::Poisson, Arrival::Ramp] {
            let starts = schedule(arrival, 1);
            assert_eq!(starts.len(), COUNT);
            assert!(starts.is_sorted(), "{arrival:?}");
            assert!(*starts.last().unwrap() < OVER, "{arrival:?}");
            assert_eq!(starts, schedule(arrival, 1), "{arrival:?}");
            assert!(arrival.schedule(3, Duration::ZERO, &mut Chance::new(1)).len() == 3);
        }
        assert_ne!(schedule(Arrival::Poisson, 1), schedule(Arrival::Poisson, 2));
    }

    #[test]
    fn means_are_what_the_names_say() {
        assert_eq!(schedule(Arrival::AllAtOnce, 1).last(), Some(&Duration::ZERO));
        // Uniform points: the middle. A density that grows with t: two thirds.
        assert!((mean(&schedule(Arrival::Poisson, 1)) - 5.0).abs() < 0.1);
        assert!((mean(&schedule(Arrival::Ramp, 1)) - 20.0 / 3.0).abs() < 0.01);
    }

    #[test]
    fn poisson_counts_vary_as_a_poisson_process_does() {
        // In windows of 5 ms the count has mean 10 and, unlike an even schedule's, variance 10.
        let mut counts = vec![0_u32; 2000];
        for start in schedule(Arrival::Poisson, 3) {
            counts[usize::try_from(start.as_micros() / 5000).unwrap()] += 1;
        }
        let square: f64 = counts.iter().map(|&n| (f64::from(n) - 10.0).powi(2)).sum();
        let variance = square / 2000.0;
        assert!((8.0..12.0).contains(&variance), "{variance}");
    }
}
