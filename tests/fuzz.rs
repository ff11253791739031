//! The fuzzer's checks hold for its corpus and for what chance makes of it, the same every time.
//!
//! The fuzzer itself goes further: `cargo +nightly fuzz run http` in this folder. What it finds is
//! kept in `fuzz/corpus`, and is tried here from then on.

#[path = "../fuzz/checks/document.rs"]
mod document;
#[path = "../fuzz/checks/http.rs"]
mod http;
#[path = "../fuzz/checks/manifest.rs"]
mod manifest;
#[path = "../fuzz/checks/tftp.rs"]
mod tftp;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// Longest input that is made, in bytes.
const INPUT_BYTES_MAX: usize = 8 * 1024;

#[test]
fn http_is_the_same_conversation_in_any_cut() {
    let tokens =
        ["\r\n", "\n", " ", ":", "\u{17}", "Content-Length: 5\r\n", "%2e%2e/", "0\r\n\r\n"];
    run("http", http::check, &tokens, 4000);
}

#[test]
fn tftp_stays_inside_its_file_and_ends() {
    let tokens =
        ["\0", "\0octet\0", "blksize\x008\0", "windowsize\x0065535\0", "../", "\u{4}\0\u{1}"];
    run("tftp", tftp::check, &tokens, 8000);
}

#[test]
fn a_manifest_works_or_is_told_to_be_wrong() {
    let tokens = ["\"", "'", "[[file]]\n", "(?P<mac>", "{model}", "{% if ", "= true\n", "[data]\n"];
    run("manifest", manifest::check, &tokens, 400);
}

#[test]
fn a_document_comes_back_with_all_that_it_said() {
    let tokens = ["{", "}", "null", "[]", "\"\"", "1e-300", "-0.0", "\"raw_config\":{", "\\u0000"];
    run("document", document::check, &tokens, 20_000);
}

/// Tries the corpus of `target`, and `rounds` inputs that are made of it. A corpus must have both
/// what is taken and what is refused, and so must what chance makes of it.
fn run(target: &str, check: fn(&[u8]) -> bool, tokens: &[&str], rounds: u64) {
    let seeds = corpus(target);
    let mut taken = 0;
    for (path, seed) in &seeds {
        taken += usize::from(tell(&path.display().to_string(), check, seed));
    }
    assert!(0 < taken, "nothing of the corpus of {target} is taken");
    assert!(taken < seeds.len(), "nothing of the corpus of {target} is refused");
    let mut taken = 0;
    for seed in 0..rounds {
        let input = mutated(&mut Chance(seed), &seeds, tokens);
        taken += u64::from(tell(&format!("{target}, seed {seed}"), check, &input));
    }
    assert!((rounds / 50..rounds - rounds / 50).contains(&taken), "{taken} of {rounds} are taken");
}

/// Runs a check, and says which input it failed on.
fn tell(name: &str, check: fn(&[u8]) -> bool, input: &[u8]) -> bool {
    let run = catch_unwind(AssertUnwindSafe(|| check(input)));
    run.unwrap_or_else(|_| panic!("{name}: {}", input.escape_ascii()))
}

fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let entries = fs::read_dir(&folder).expect("the corpus");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read(path).expect("an input"))).collect()
}

/// Chance from a seed (splitmix64), so that a failure can be run again.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).expect("less than a usize")
    }
}

/// A seed with up to four changes: bytes set, cut out, doubled, joined with another seed's.
fn mutated(chance: &mut Chance, seeds: &[(PathBuf, Vec<u8>)], tokens: &[&str]) -> Vec<u8> {
    let mut input = seeds[chance.below(seeds.len())].1.clone();
    for _ in 0..chance.below(5) {
        let at = chance.below(input.len() + 1);
        let end = (at + chance.below(33)).min(input.len());
        match chance.below(7) {
            0 if at < input.len() => input[at] ^= 1 << chance.below(8),
            1 if at < input.len() => input[at] = chance.next().to_le_bytes()[0],
            2 => drop(input.drain(at..end)),
            3 => input.extend_from_within(at..end),
            4 => {
                let other = &seeds[chance.below(seeds.len())].1;
                let from = chance.below(other.len() + 1);
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
            5 => input.truncate(at),
            _ => {
                let token = tokens[chance.below(tokens.len())].bytes();
                drop(input.splice(at..at, token));
            }
        }
    }
    input.truncate(INPUT_BYTES_MAX);
    input
}
