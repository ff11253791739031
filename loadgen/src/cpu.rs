//! The door to the clock of a thread's time on its core: what the generator itself costs.

use nix::time::{ClockId, clock_gettime};
use ringboot::time::Duration;

/// Time that the calling thread has been on a core; zero where the kernel does not say.
#[must_use]
pub fn now() -> Duration {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID);
    time.map_or(Duration::ZERO, Duration::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_takes_time() {
        let begun = now();
        while now() == begun {
            std::hint::spin_loop();
        }
    }
}
