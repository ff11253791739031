//! Settings that somebody got wrong, from a seed.

use crate::device::Document;
use serde_json::{Value as Json, json};

/// A row of numbers that is the same for the same seed.
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Chance {
        Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % bound
    }

    pub fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

pub fn object(text: &str) -> Document {
    serde_json::from_str(text).expect("a JSON object")
}

/// A copy with a few changes, anywhere in it.
pub fn mutated(raw: &Document, chance: &mut Chance) -> Document {
    let mut raw = Json::Object(raw.clone());
    for _ in 0..=chance.below(6) {
        change(&mut raw, chance);
    }
    match raw {
        Json::Object(raw) => raw,
        _ => unreachable!("the top stays an object"),
    }
}

const NAMES: &[&str] = &[
    "X_xivo_phonebook_ip",
    "X_xivo_user_uuid",
    "X_xivo_phonebook_port",
    "vlan_priority",
    "sip_subscribe_mwi",
    "backup_proxy_ip",
    "voicemail",
    "timezone",
    "locale",
    "range",
    "device",
    "model",
    "lines",
    "family",
    "key",
    "3",
    "12",
    "01",
];

/// Changes the value, or something in it.
fn change(value: &mut Json, chance: &mut Chance) {
    match value {
        Json::Object(map) if !map.is_empty() && !chance.one_in(6) => {
            let keys: Vec<String> = map.keys().cloned().collect();
            let key = chance.pick(&keys).clone();
            if chance.one_in(5) {
                map.shift_remove(&key);
            } else if chance.one_in(3) {
                map.insert((*chance.pick(NAMES)).to_owned(), wrong(chance));
            } else {
                let below = &mut map[&key];
                if matches!(below, Json::Object(_) | Json::Array(_)) && !chance.one_in(6) {
                    change(below, chance);
                } else {
                    *below = wrong(chance);
                }
            }
        }
        Json::Array(list) if !list.is_empty() && !chance.one_in(3) => {
            let at = chance.below(list.len());
            list[at] = wrong(chance);
        }
        Json::Object(map) => {
            map.insert((*chance.pick(NAMES)).to_owned(), wrong(chance));
        }
        other => *other = wrong(chance),
    }
}

fn wrong(chance: &mut Chance) -> Json {
    let texts = [
        "",
        "0",
        "5060",
        "Zoë <x> & \"y\" 'z'",
        "two\r\nlines\tand \u{2028} \u{7f} \u{85} \0",
        "Europe/Berlin",
        "America/St_Johns",
        "Mars/Olympus",
        "fr_FR",
        "speeddial",
        "blf",
        "park",
        "*3",
        "RTP-in-band",
        "tls",
        "autoprov",
        "日本語",
        " padded ",
    ];
    match chance.below(12) {
        0 => Json::Null,
        1 => json!(true),
        2 => json!(false),
        3 => json!(chance.below(7)),
        4 => json!(-3),
        5 => chance
            .pick(&[json!(1.5), json!(2.0), json!(1e300), json!(u64::MAX), json!(i64::MIN)])
            .clone(),
        6 => json!({}),
        7 => json!([]),
        8 => json!(["a", 1, null, {"b": 2}]),
        9 => json!({"1": {"type": "blf", "value": 1201, "label": null}, "x": 5, "n": 1}),
        _ => json!(chance.pick(&texts)),
    }
}
