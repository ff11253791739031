//! Phones boot against real workers on a network from a seed, and each ends with its own files.
//!
//! The load generator's phones, one or two workers on one world, the real plugins, one thread and
//! one clock. `RINGBOOT_SEED` plays one seed, `RINGBOOT_SEEDS` so many from 0; a failure says its
//! seed. The same seed gives the same run, to the byte.

mod net;
mod run;
#[path = "../stage/mod.rs"]
mod stage;

use run::Run;

const SEEDS: u64 = 50;

/// Says the seed when a run panics.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("play it again with RINGBOOT_SEED={}", self.0);
        }
    }
}

fn number_of(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

#[test]
fn every_phone_ends_with_its_own_files() {
    let seeds = match number_of("RINGBOOT_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number_of("RINGBOOT_SEEDS").unwrap_or(SEEDS),
    };
    for seed in seeds {
        let _seed = Seed(seed);
        Run::new(seed).play();
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in [3, 4] {
        let _seed = Seed(seed);
        let first = Run::new(seed).play();
        assert_eq!(first, Run::new(seed).play());
        assert_ne!(first, Run::new(seed + 10).play());
    }
}
