//! Mutated requests never panic and never mean another thing when they are cut otherwise.

use super::converse;
use super::samples::{BAD, GOOD};
use crate::wire::http::{Parsed, Version, decode_path, parse, parse_date};

/// Pieces that change what a head means.
const TOKENS: &[&[u8]] = &[
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b" ",
    b"\t",
    b":",
    b"\x17",
    b"\xff",
    b"\r\n\r\n",
    b"Host: a\r\n",
    b"Content-Length: 5\r\n",
    b"Content-Length: 0\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Connection: close\r\n",
    b"Connection: keep-alive\r\n",
    b"Expect: 100-continue\r\n",
    b"User-Agent: \x01\r\n",
    b"0\r\n\r\n",
    b"5\r\nhello\r\n",
    b"HTTP/1.0",
    b"http://",
    b"%2e%2e/",
];

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
        usize::try_from(self.next() % bound as u64).unwrap()
    }

    fn sample(&mut self) -> &'static [u8] {
        let at = self.below(GOOD.len() + BAD.len());
        GOOD.get(at).copied().unwrap_or_else(|| BAD[at - GOOD.len()].0)
    }
}

fn mutated(chance: &mut Chance) -> Vec<u8> {
    let mut input = chance.sample().to_vec();
    for _ in 0..chance.below(5) {
        let at = chance.below(input.len() + 1);
        let end = (at + chance.below(9)).min(input.len());
        match chance.below(6) {
            0 if at < input.len() => input[at] = u8::try_from(chance.below(256)).unwrap(),
            1 => drop(input.drain(at..end)),
            2 => input.extend_from_within(at..end),
            3 => drop(input.splice(at..at, chance.sample().iter().copied())),
            4 => input.truncate(at),
            _ => drop(input.splice(at..at, TOKENS[chance.below(TOKENS.len())].iter().copied())),
        }
    }
    input
}

fn random_cuts<'i>(chance: &mut Chance, mut input: &'i [u8]) -> Vec<&'i [u8]> {
    let mut pieces = Vec::new();
    while !input.is_empty() {
        let (piece, rest) = input.split_at(1 + chance.below(input.len().min(60)));
        pieces.push(piece);
        input = rest;
    }
    pieces
}

#[test]
fn any_cut_of_any_input_is_the_same_conversation() {
    let mut refused = 0;
    for seed in 0..3_000 {
        let mut chance = Chance(seed);
        let input = mutated(&mut chance);
        let whole = converse([input.as_slice()]);
        let bytes = converse(input.chunks(1));
        assert_eq!(bytes, whole, "seed {seed}: {}", input.escape_ascii());
        let pieces = converse(random_cuts(&mut chance, &input));
        assert_eq!(pieces, whole, "seed {seed}: {}", input.escape_ascii());
        refused += usize::from(parse(&input).is_err());
    }
    // The mutator must reach both sides.
    assert!((300..2_700).contains(&refused), "{refused}");
}

#[test]
fn what_is_accepted_keeps_the_rules() {
    let mut buffer = Vec::new();
    for seed in 100_000..120_000 {
        let input = mutated(&mut Chance(seed));
        let Ok(Parsed::Request { request, length }) = parse(&input) else { continue };
        let head = length - request.form.map_or(0, <[u8]>::len);
        assert!(input[..head].ends_with(b"\r\n\r\n"), "seed {seed}");
        assert!(request.version == Version::Http10 || request.host.is_some(), "seed {seed}");
        assert!(!request.path.is_empty(), "seed {seed}");
        assert!(!request.path.iter().any(|byte| matches!(byte, 0..=32 | 127)), "seed {seed}");
        let agent = request.agent.unwrap_or(b"none");
        assert!(!agent.is_empty(), "seed {seed}");
        assert!(!agent.iter().any(|byte| b"\0\r\n".contains(byte)), "seed {seed}");
        if let Ok(path) = decode_path(request.path, &mut buffer) {
            assert!(path.starts_with(b"/"), "seed {seed}");
            assert!(!path.windows(2).any(|pair| pair == b"//"), "seed {seed}");
        }
    }
}

#[test]
fn dates_never_panic() {
    let forms = ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT"];
    let forms = [forms[0], forms[1], "Sun Nov  6 08:49:37 1994"];
    for seed in 0..30_000 {
        let mut chance = Chance(seed);
        let mut date = forms[chance.below(forms.len())].as_bytes().to_vec();
        for _ in 0..=chance.below(3) {
            let at = chance.below(date.len());
            date[at] = b"0123456789 ,:-JFMZaz"[chance.below(20)];
        }
        date.truncate(chance.below(40));
        let _ = parse_date(&date);
    }
}
