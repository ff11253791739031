//! The names that a template finds outside itself; each is made when it is first asked for.

use bumpalo::Bump;
use bumpalo::collections::Vec as ArenaVec;
use serde_json::Value as Json;

use super::table::Table;
use super::value::{Function, Line, SCANNED_MAX, Value};
use crate::device::{Device, Document};
use crate::limits;
use crate::plugin::render::{Given, server_url};
use crate::plugin::zone::{Change, Zone};

/// A name at the top level.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Name {
    ServerUrl,
    ServerUrlWithoutScheme,
    Plugin,
    Data,
    ModelLabel,
    ModelKnown,
    Model,
    Lines,
    Tz,
    /// The device; the settings' own `device` where there is none.
    Device,
    /// A key of the settings.
    Setting(Box<str>),
    /// A function, unless the settings have a key of that name.
    Function(Box<str>, Function),
}

impl Name {
    /// What a name means.
    pub fn of(name: &str) -> Name {
        match name {
            "server_url" => Name::ServerUrl,
            "server_url_without_scheme" => Name::ServerUrlWithoutScheme,
            "plugin" => Name::Plugin,
            "data" => Name::Data,
            "model_name" => Name::ModelLabel,
            "model_known" => Name::ModelKnown,
            "model" => Name::Model,
            "lines" => Name::Lines,
            "tz" => Name::Tz,
            "device" => Name::Device,
            "range" => Name::Function(name.into(), Function::Range),
            "namespace" => Name::Function(name.into(), Function::Namespace),
            "zone" => Name::Function(name.into(), Function::Zone),
            "phonebook_url" => Name::Function(name.into(), Function::PhonebookUrl),
            "service_url" => Name::Function(name.into(), Function::ServiceUrl),
            "dict" | "debug" => Name::Function(name.into(), Function::Other),
            _ => Name::Setting(name.into()),
        }
    }

    /// What it stands for.
    pub fn value<'a>(&self, given: &'a Given<'a>, arena: &'a Bump) -> Value<'a> {
        let setting = |key: &str| given.raw.get(key).map(|value| indexed(value, arena));
        match self {
            Name::ServerUrl => Value::Text(arena.alloc_str(&server_url(given.raw))),
            Name::ServerUrlWithoutScheme => {
                let url = arena.alloc_str(&server_url(given.raw));
                Value::Text(url.split_once("://").map_or(&*url, |(_, rest)| rest))
            }
            Name::Plugin => Value::Text(given.plugin),
            Name::Data => Value::of(given.data),
            Name::ModelLabel => {
                let own = given.device.and_then(|device| device.model.as_deref());
                let name = own.or(given.model.map(|(name, _)| name));
                name.map_or(Value::Undefined, Value::Text)
            }
            Name::ModelKnown => Value::Bool(given.model.is_some()),
            Name::Model => {
                given.model.map_or(Value::Pairs(&[]), |(_, entry)| Value::of(&entry.json))
            }
            Name::Lines => Value::List(lines(given.raw, arena)),
            Name::Tz => {
                let zone = given.raw.get("timezone").and_then(Json::as_str).and_then(Zone::find);
                zone.map_or(Value::None, |zone| zone_value(&zone, arena))
            }
            Name::Device => match given.device {
                Some(device) => device_value(device, arena),
                None => setting("device").unwrap_or(Value::Undefined),
            },
            Name::Setting(key) => setting(key).unwrap_or(Value::Undefined),
            Name::Function(key, function) => setting(key).unwrap_or(Value::Function(*function)),
        }
    }
}

/// A setting; a large object with an index, as templates look into it by number.
fn indexed<'a>(value: &'a Json, arena: &'a Bump) -> Value<'a> {
    match value {
        Json::Object(map) if (SCANNED_MAX + 1..limits::TABLE_KEYS_MAX).contains(&map.len()) => {
            Value::Table(arena.alloc(Table::new(map, arena)))
        }
        _ => Value::of(value),
    }
}

/// The SIP lines by their number.
fn lines<'a>(raw: &'a Document, arena: &'a Bump) -> &'a [Value<'a>] {
    let Some(Json::Object(lines)) = raw.get("sip_lines") else { return &[] };
    let mut sorted = ArenaVec::new_in(arena);
    for (key, line) in lines {
        if let (Ok(number), Json::Object(own)) = (key.parse::<u32>(), line) {
            sorted.push(&*arena.alloc(Line { number, own, all: raw }));
        }
    }
    // As in the reference: lines of one number stay in their order.
    sorted.sort_by_key(|line| line.number);
    arena.alloc_slice_fill_iter(sorted.into_iter().map(Value::Line))
}

/// What of a device stands still.
fn device_value<'a>(device: &'a Device, arena: &'a Bump) -> Value<'a> {
    let text = |text: &'a Option<crate::device::Text>| {
        text.as_deref().map_or(Value::Undefined, Value::Text)
    };
    let mac = device.mac.map(|mac| Value::Text(arena.alloc_str(&mac.to_string())));
    Value::Pairs(arena.alloc([
        (Value::Text("id"), Value::Text(&device.id)),
        (Value::Text("mac"), mac.unwrap_or(Value::Undefined)),
        (Value::Text("vendor"), text(&device.vendor)),
        (Value::Text("model"), text(&device.model)),
        (Value::Text("sn"), text(&device.sn)),
        (Value::Text("uuid"), text(&device.uuid)),
        (Value::Text("options"), device.extra.get("options").map_or(Value::Undefined, Value::of)),
    ]))
}

/// A zone's rule for templates.
pub fn zone_value<'a>(zone: &Zone, arena: &'a Bump) -> Value<'a> {
    let int = |number: i32| Value::Int(i64::from(number));
    let small = |number: u8| Value::Int(i64::from(number));
    let change = |change: &Change| {
        Value::Pairs(arena.alloc([
            (Value::Text("month"), small(change.month)),
            (Value::Text("week"), small(change.week)),
            (Value::Text("last"), Value::Bool(change.week == 5)),
            (Value::Text("weekday"), small(change.weekday)),
            (
                Value::Text("iso_weekday"),
                small(if change.weekday == 0 { 7 } else { change.weekday }),
            ),
            (Value::Text("time"), int(change.time)),
            (Value::Text("hour"), int(change.time / 3600)),
            (Value::Text("minute"), int(change.time / 60 % 60)),
        ]))
    };
    let dst = zone.dst.map_or(Value::None, |dst| {
        Value::Pairs(arena.alloc([
            (Value::Text("save"), int(dst.save)),
            (Value::Text("start"), change(&dst.start)),
            (Value::Text("end"), change(&dst.end)),
        ]))
    });
    Value::Pairs(
        arena.alloc([(Value::Text("offset"), int(zone.offset)), (Value::Text("dst"), dst)]),
    )
}
