//! The same work on many things, on all cores: a set of plugins is made before anything is served.

use std::panic::resume_unwind;
use std::thread;

/// What `make` gives for each of the jobs, in no certain order. A panic comes through.
pub fn on_all_cores<J: Sync, M: Send>(jobs: &[J], make: impl Fn(&J) -> M + Sync) -> Vec<M> {
    let cores = thread::available_parallelism().map_or(1, usize::from).min(jobs.len().max(1));
    let share =
        |first: usize| -> Vec<M> { jobs.iter().skip(first).step_by(cores).map(&make).collect() };
    thread::scope(|scope| {
        let share = &share;
        let others: Vec<_> = (1..cores).map(|first| scope.spawn(move || share(first))).collect();
        let mut made = share(0);
        for other in others {
            made.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        made
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_job_is_done_once() {
        for count in 0..100 {
            let jobs: Vec<usize> = (0..count).collect();
            let mut made = on_all_cores(&jobs, |job| job * 2);
            made.sort_unstable();
            assert_eq!(made, (0..count).map(|job| job * 2).collect::<Vec<_>>());
        }
    }
}
