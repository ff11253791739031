//! What a request tells, after the door: values too long or with control characters are left out.

use std::borrow::Cow;
use std::net::IpAddr;

use super::Basis;
use crate::device::{Mac, Text};
use crate::directory::Grounds;
use crate::limits;
use crate::query::{Sighting, Value};

/// A sighting whose values may be stored. Bytes are Latin-1: one byte, one character.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// Address of the phone.
    pub ip: IpAddr,
    /// Hardware address.
    pub mac: Option<Mac>,
    /// Serial number.
    pub sn: Option<&'a [u8]>,
    /// Identity of a softphone.
    pub uuid: Option<&'a [u8]>,
    /// Maker.
    pub vendor: Option<&'a [u8]>,
    /// Model.
    pub model: Option<&'a [u8]>,
    /// Firmware version.
    pub version: Option<&'a [u8]>,
}

impl<'a> Told<'a> {
    /// The sighting without what may not be stored.
    pub fn of(sighting: &Sighting<'a>) -> Told<'a> {
        Told {
            ip: sighting.ip,
            mac: sighting.mac,
            sn: clean(sighting.sn),
            uuid: clean(sighting.uuid),
            vendor: clean(sighting.vendor),
            model: clean(sighting.model),
            version: clean(sighting.version),
        }
    }

    /// Marks what is known of its signs, before anybody is looked for by them.
    pub fn grounds(&self, basis: &Basis<'_>) -> Grounds {
        let (sn, uuid) = (self.sn.map(utf8), self.uuid.map(utf8));
        let signs = (self.mac, sn.as_deref(), uuid.as_deref());
        Grounds::new((basis.directory, basis.configs), signs, self.ip)
    }

    /// Whether it tells nothing that stays with a phone when its address changes.
    pub fn is_bare(&self) -> bool {
        self.mac.is_none() && self.sn.is_none() && self.uuid.is_none()
    }
}

fn clean(value: Option<Value<'_>>) -> Option<&[u8]> {
    value.filter(|bytes| {
        let fits = !bytes.is_empty() && bytes.len() <= limits::VALUE_BYTES_MAX;
        fits && !has_control(bytes)
    })
}

/// Whether there is one of C0, DEL or, as Latin-1 has them, C1. Eight bytes are looked at in a
/// step, and only where one of these may be a control character, each by itself.
fn has_control(bytes: &[u8]) -> bool {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);
    // Some byte is below 0x20 or above 0x7e.
    let may_be = |word: u64| {
        let below = word.wrapping_sub(ONES * 0x20) & !word;
        (below | word.wrapping_add(ONES) | word) & HIGHS != 0
    };
    let (words, rest) = bytes.as_chunks::<8>();
    let mut last = [b' '; 8];
    last[..rest.len()].copy_from_slice(rest);
    let words = words.iter().chain(std::iter::once(&last));
    let may_have = words.fold(false, |may, word| may | may_be(u64::from_ne_bytes(*word)));
    let control = |byte: &u8| *byte < 0x20 || (0x7f..0xa0).contains(byte);
    may_have && bytes.iter().any(control)
}

/// The text that Latin-1 bytes are, as a key to look up; ASCII is borrowed.
pub fn utf8(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(ascii) if bytes.is_ascii() => Cow::Borrowed(ascii),
        _ => Cow::Owned(text(bytes).to_string()),
    }
}

/// The text that Latin-1 bytes are.
pub fn text(bytes: &[u8]) -> Text {
    match std::str::from_utf8(bytes) {
        Ok(ascii) if bytes.is_ascii() => Text::from(ascii),
        _ => bytes.iter().map(|&byte| char::from(byte)).collect::<String>().into(),
    }
}

/// Whether Latin-1 bytes are this text.
pub fn is(bytes: &[u8], text: &str) -> bool {
    if bytes.is_ascii() {
        bytes == text.as_bytes()
    } else {
        text.chars().eq(bytes.iter().map(|&byte| char::from(byte)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn the_door_keeps_out_what_may_not_be_stored() {
        let long = [b'x'; limits::VALUE_BYTES_MAX + 1];
        let sighting = Sighting {
            ip: Ipv4Addr::new(192, 0, 2, 7).into(),
            mac: None,
            sn: Some(&long[..]),
            uuid: Some(&b""[..]),
            vendor: Some(&b"Avaya"[..]),
            // What the predecessors of the J series send.
            model: Some(&b"SIP12x0\x17"[..]),
            version: Some(&long[1..]),
        };
        let told = Told::of(&sighting);
        assert_eq!((told.sn, told.uuid, told.model), (None, None, None));
        assert_eq!(told.vendor, Some(&b"Avaya"[..]));
        assert_eq!(told.version, Some(&long[1..]));
        assert!(told.is_bare());
    }

    #[test]
    fn control_characters_are_seen_wherever_they_are() {
        for len in 1..20 {
            for (at, byte) in (0..len).flat_map(|at| (0..=255).map(move |byte| (at, byte))) {
                let mut bytes = vec![b'x'; len];
                bytes[at] = byte;
                let is_control = char::from(byte).is_control();
                assert_eq!(has_control(&bytes), is_control, "{byte:#x} at {at} of {len}");
                bytes.fill(0xe9);
                bytes[at] = byte;
                assert_eq!(has_control(&bytes), is_control, "{byte:#x} at {at} of {len}");
            }
        }
    }

    #[test]
    fn bytes_are_latin_1() {
        assert_eq!(text(b"T46S").as_ref(), "T46S");
        assert_eq!(text(b"Caf\xe9").as_ref(), "Caf\u{e9}");
        assert!(is(b"Caf\xe9", "Caf\u{e9}"));
        assert!(!is(b"Caf\xe9", "Caf"));
        assert!(!is("é".as_bytes(), "é"));
    }
}
