//! Credentials that are found in any text in one scan, whole, and told from every other phone's.
//!
//! Letters and digits only, so that no format has to escape them:
//!
//! ```text
//! user name  rbu iiiiii rrrr c          14   i: phone's index in base 36   r: chance
//! password   rbp iiiiii rrrrrrrrrrr c   21   c: check character over all before it
//! number     77 dddddddd cc             12   d: index in base 10   cc: dd…d mod 97
//! ```

use crate::chance::Chance;
use crate::limits::PHONES_MAX;

/// What one phone alone may know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Credentials {
    /// SIP user name.
    pub username: String,
    /// SIP password.
    pub password: String,
    /// Number that is dialled.
    pub number: String,
}

impl Credentials {
    /// The credentials of the phone `index`.
    ///
    /// # Panics
    /// When `index` is not below [`PHONES_MAX`].
    #[must_use]
    pub fn of(index: u64, chance: &mut Chance) -> Self {
        assert!(index < PHONES_MAX);
        let number = format!("77{index:08}{:02}", index % 97);
        Self {
            username: secret(b'u', USERNAME_BYTES, index, chance),
            password: secret(b'p', PASSWORD_BYTES, index, chance),
            number,
        }
    }
}

/// Looks for credentials in a text that comes in pieces; any cut gives the same findings.
#[derive(Debug, Default)]
pub struct Scanner {
    /// What is not decided yet: the last pieces' end.
    window: Vec<u8>,
    /// The byte before the window.
    before: u8,
    findings: Findings,
}

/// What a text holds.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Findings {
    /// The phone's own user name stands there as a complete value.
    pub username: bool,
    /// The phone's own password stands there as a complete value.
    pub password: bool,
    /// The phone's own number stands there as a complete value.
    pub number: bool,
    /// The first credential that is another phone's.
    pub foreign: Option<String>,
}

impl Scanner {
    /// Takes the next piece.
    pub fn feed(&mut self, own: &Credentials, piece: &[u8]) {
        self.window.extend_from_slice(piece);
        let decided = self.window.len().saturating_sub(TOKEN_BYTES_MAX);
        self.scan(own, decided);
    }

    /// What was found; the text has ended.
    #[must_use]
    pub fn finish(mut self, own: &Credentials) -> Findings {
        self.scan(own, self.window.len());
        self.findings
    }

    /// Decides what begins in the first `decided` bytes of the window, and drops these.
    fn scan(&mut self, own: &Credentials, decided: usize) {
        for at in memchr::memchr2_iter(b'r', b'7', &self.window[..decided]) {
            let before = at.checked_sub(1).map_or(self.before, |index| self.window[index]);
            if let Some(token) = token_at(before, &self.window[at..]) {
                let after = self.window.get(at + token.len()).copied().unwrap_or(0);
                let whole = !before.is_ascii_alphanumeric() && !after.is_ascii_alphanumeric();
                self.findings.note(own, token, whole);
            }
        }
        if let Some(last) = decided.checked_sub(1) {
            self.before = self.window[last];
            self.window.drain(..decided);
        }
    }
}

impl Findings {
    fn note(&mut self, own: &Credentials, token: &[u8], whole: bool) {
        if token == own.username.as_bytes() {
            self.username |= whole;
        } else if token == own.password.as_bytes() {
            self.password |= whole;
        } else if token == own.number.as_bytes() {
            self.number |= whole;
        } else if self.foreign.is_none() {
            self.foreign = Some(String::from_utf8_lossy(token).into_owned());
        }
    }
}

const INDEX_DIGITS: u32 = 6;
const USERNAME_BYTES: usize = 14;
const PASSWORD_BYTES: usize = 21;
const NUMBER_BYTES: usize = 12;
const TOKEN_BYTES_MAX: usize = PASSWORD_BYTES;
const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

const _: () = assert!(PHONES_MAX <= 36_u64.pow(INDEX_DIGITS));
const _: () = assert!(PHONES_MAX <= 100_000_000);
const _: () = assert!(USERNAME_BYTES <= TOKEN_BYTES_MAX && NUMBER_BYTES < TOKEN_BYTES_MAX);

fn secret(kind: u8, len: usize, index: u64, chance: &mut Chance) -> String {
    let mut text = vec![b'r', b'b', kind];
    for place in (0..INDEX_DIGITS).rev() {
        text.push(digit(index / 36_u64.pow(place)));
    }
    while text.len() + 1 < len {
        text.push(digit(chance.next()));
    }
    text.push(check(&text));
    String::from_utf8(text).expect("invariant: base 36 digits are ASCII")
}

fn digit(number: u64) -> u8 {
    DIGITS[usize::try_from(number % 36).expect("invariant: below 36")]
}

fn value(digit: u8) -> Option<u64> {
    match digit {
        b'0'..=b'9' => Some(u64::from(digit - b'0')),
        b'a'..=b'z' => Some(u64::from(digit - b'a') + 10),
        _ => None,
    }
}

/// The check character: a weighted sum, so that swapped neighbours show.
fn check(text: &[u8]) -> u8 {
    let weights = 1..;
    let sum = text.iter().zip(weights).map(|(&b, weight)| weight * value(b).unwrap_or(0)).sum();
    digit(sum)
}

/// The token that `text` begins with; `before` is the byte in front of it.
fn token_at(before: u8, text: &[u8]) -> Option<&[u8]> {
    match text {
        [b'r', b'b', b'u', ..] => secret_at(text.get(..USERNAME_BYTES)?),
        [b'r', b'b', b'p', ..] => secret_at(text.get(..PASSWORD_BYTES)?),
        [b'7', b'7', ..] if !before.is_ascii_digit() => number_at(text),
        _ => None,
    }
}

fn secret_at(token: &[u8]) -> Option<&[u8]> {
    let (&last, front) = token.split_last()?;
    let plain = front.iter().all(|&b| value(b).is_some());
    (plain && last == check(front)).then_some(token)
}

fn number_at(text: &[u8]) -> Option<&[u8]> {
    let token = text.get(..NUMBER_BYTES)?;
    if text.get(NUMBER_BYTES).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let decimal = |digits: &[u8]| std::str::from_utf8(digits).ok()?.parse::<u64>().ok();
    let plain = token.iter().all(u8::is_ascii_digit);
    (plain && decimal(&token[2..10])? % 97 == decimal(&token[10..])?).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials(index: u64) -> Credentials {
        Credentials::of(index, &mut Chance::of(1, index))
    }

    fn scan(own: &Credentials, text: &str) -> Findings {
        let mut scanner = Scanner::default();
        scanner.feed(own, text.as_bytes());
        scanner.finish(own)
    }

    #[test]
    fn have_the_form_that_is_looked_for() {
        for index in [0, 1, 96, 97, 35, 36, 99_999, PHONES_MAX - 1] {
            let own = credentials(index);
            for text in [&own.username, &own.password, &own.number] {
                assert_eq!(token_at(b'"', text.as_bytes()), Some(text.as_bytes()), "{index}");
                assert!(text.bytes().all(|b| b.is_ascii_alphanumeric()));
            }
        }
    }

    #[test]
    fn own_ones_are_found_as_values_of_every_format() {
        let own = credentials(4711);
        let Credentials { username: u, password: p, number: n } = &own;
        for text in [
            format!("account.1.user_name = {u}\naccount.1.password = {p}\nlabel = Phone {n}"),
            format!("<reg reg.1.address=\"{u}\" reg.1.auth.password=\"{p}\" l=\"{n}\"/>"),
            format!("{u}{{{p}&#39;{n}"),
        ] {
            let found = scan(&own, &text);
            assert!(found.username && found.password && found.number, "{text}");
            assert_eq!(found.foreign, None);
        }
    }

    #[test]
    fn a_part_or_a_longer_word_is_not_the_value() {
        let own = credentials(4711);
        let cut = &own.password[..own.password.len() - 1];
        let text = format!("x{} {cut} {}1 ", own.username, own.number);
        assert_eq!(scan(&own, &text), Findings::default());
    }

    #[test]
    fn a_foreign_one_is_found_wherever_it_stands() {
        let (own, other) = (credentials(1), credentials(2));
        for token in [&other.username, &other.password, &other.number] {
            let text = format!("a {} b x{token}y", own.username);
            let found = scan(&own, &text);
            assert_eq!(found.foreign.as_ref(), Some(token));
            assert!(found.username);
        }
    }

    #[test]
    fn plain_texts_hold_none() {
        let own = credentials(3);
        let text = "2024-11-05 0015654aa937 770000000001 77000000000000 rbuilder rbpassword77 \
                    rbu000000aaaaa AAAA7700000000007rbp";
        assert_eq!(scan(&own, text).foreign, None);
    }

    #[test]
    fn any_cut_gives_the_same_findings() {
        let (own, other) = (credentials(10), credentials(11));
        let text = format!(
            "sip:{}@h;{}\n77{}{},{}",
            own.username, own.password, own.number, other.password, own.number
        );
        let whole = scan(&own, &text);
        assert!(whole.username && whole.password && whole.number);
        assert_eq!(whole.foreign.as_ref(), Some(&other.password));
        for cut in 0..text.len() {
            let mut scanner = Scanner::default();
            scanner.feed(&own, &text.as_bytes()[..cut]);
            scanner.feed(&own, &text.as_bytes()[cut..]);
            assert_eq!(scanner.finish(&own), whole, "{cut}");
        }
        let mut scanner = Scanner::default();
        text.bytes().for_each(|b| scanner.feed(&own, &[b]));
        assert_eq!(scanner.finish(&own), whole);
    }
}
