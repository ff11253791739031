//! What is kept of one phone's rounds never shows in another's file.

use super::mutate::{Chance, object};
use super::*;
use crate::plugin::render::Sources;
use serde_json::{Map, Value as Json, json};
use std::collections::HashMap;
use std::path::PathBuf;

/// Keys of phones, few of many numbers; some are no number as templates write it.
fn some_keys(chance: &mut Chance, most: usize) -> Map<String, Json> {
    let mut keys = Map::new();
    for _ in 0..chance.below(most) {
        let number = match chance.below(12) {
            0 => format!("0{}", chance.below(10)),
            1 => format!("+{}", chance.below(10)),
            2 => format!("-{}", chance.below(3)),
            _ => (1 + chance.below(120)).to_string(),
        };
        let value = format!("own-{}", chance.below(1_000_000));
        let kind = *chance.pick(&["speeddial", "blf", "park", "other"]);
        keys.insert(number, json!({"type": kind, "value": value, "label": value}));
    }
    keys
}

fn changed(variants: &[Document], chance: &mut Chance) -> Document {
    let mut raw = chance.pick(variants).clone();
    if !chance.one_in(8) {
        raw.insert("funckeys".to_owned(), Json::Object(some_keys(chance, 20)));
    }
    if chance.one_in(4) {
        raw.insert("exten_pickup_call".to_owned(), json!(format!("*{}", chance.below(3))));
    }
    if let Some(Json::Object(lines)) = raw.get_mut("sip_lines")
        && let Some(line) = lines.values().next().cloned()
        && chance.one_in(2)
    {
        lines.insert((1 + chance.below(30)).to_string(), line);
    }
    raw::fill_defaults(&mut raw);
    raw
}

#[test]
fn phones_of_many_keys_in_any_order_get_their_own() {
    let mut count = Count::default();
    let mut chance = Chance::new(3);
    let (variants, plugins) = (variants(), plugins());
    let releases: Vec<_> = plugins.releases().iter().filter(|r| &*r.vendor == "Yealink").collect();
    let mut models: Vec<_> = releases
        .iter()
        .flat_map(|release| release.models().map(move |(model, _)| (*release, model)))
        .collect();
    models.sort_by_key(|(release, model)| (release.id.clone(), (*model).to_owned()));
    let few: Vec<_> = (0..6).map(|_| *chance.pick(&models)).collect();
    for _ in 0..120 {
        let (release, model) = *chance.pick(&few);
        let device = phone(release, model, &mut chance);
        compare_release(&mut count, release, &device, &changed(&variants, &mut chance));
    }
    println!("{count:?}");
    assert!(count.same > 100);
}

const LOOPS: &[&str] = &[
    "{% for n in range(1, 9) %}{{ keys[n|string] }};{{ word }}{{ n }}{% endfor %}",
    "{% for n in range(count) %}{% set n2 = word %}\
        {{ keys[(3 + n)|string].a }}{{ n2 }}{% endfor %}",
    "{% for n in range(3) %}{{ keys }}{{ n }}{% endfor %}",
    "{% for n in range(3) %}{{ keys|length }}{{ word is defined }}{% endfor %}",
    "{% macro m(a, b) %}{% set k = keys[b|string] %}{{ k or word }}{{ a }}{% endmacro %}\
        {% for u in range(2) %}{% for n in range(count) %}{{ m(u ~ \".\" ~ n, u * 3 + n) }},\
        {% endfor %}{% endfor %}",
    "{% macro m(a) %}{% set a = 5 %}{{ keys[a|string] }}{{ a }}{% endmacro %}\
        {% for n in range(4) %}{{ m(n) }}{% endfor %}",
    "{% set s = namespace(n=0) %}{% for n in range(4) %}{% set s.n = s.n + 1 %}{{ s.n }}\
        {% endfor %}{{ s.n }}",
    "{% for n in range(4) %}{% if n == count %}{% set w = word %}{% endif %}{{ w }}{{ n }}\
        {% else %}none{% endfor %}",
    "{% for n in range(4) %}{{ loop.index }}{{ keys[n|string] }}{% endfor %}",
    "{% for n in range(4) %}{{ keys[n|string].a.b }}{{ (keys[n|string] or {\"a\": word}).a }}\
        {% endfor %}",
    "{% for n in range(2) %}{{ keys[(n + 1)|string] }}{{ keys[(n - 1)|string] }}{% endfor %}",
    "{% for name in data.names %}{{ loop.index }}{{ name }}={{ word }};{% endfor %}",
    "{% for key, on in data.sets[word]|items %}{{ key }}{{ on if count else word }}\
        {% else %}none{{ count }}{% endfor %}",
    "{% for n in range(3) %}{% set at = n + 1 %}{% for name in data.names + [word] %}{{ at }}\
        {{ name }}{% endfor %}{% for name in [\"a\", \"b\"] if count > at %}{{ at }}{{ word }}\
        {% for key in data.sets.w %}{{ key }}{{ name }}{% endfor %}{% endfor %}{% endfor %}",
    "{% for name in data.names %}{% for key in keys %}{{ key }}{% endfor %}{% endfor %}",
    "{% for n in [0, 1, 3] %}{{ keys[n|string] }}{{ n }}{% endfor %}",
    "{% set s = namespace(n=0) %}{% for n in [1, 2] %}{% set s.n = s.n + n %}{% endfor %}{{ s.n }}",
    "{% macro m(a) %}{{ a }}{{ word }}{% for x in [1, 2] %}{{ x }}{{ a }}{% endfor %}{% endmacro %}\
        {% for n in [1, 2] %}{{ m(n) }}{{ m(count) }}{% endfor %}",
    "{% for n in data.names or keys %}{{ n }}{% endfor %}{% for n in data[word] or [] %}\
        {{ n }}{% endfor %}{% for n in (data.sets[word] or {})[word] %}{{ n }}{% endfor %}",
];

#[test]
fn rounds_of_any_kind_are_the_same() {
    let sources: Sources = (0..)
        .zip(LOOPS)
        .map(|(at, text): (u32, _)| (at.to_string(), (PathBuf::new(), (*text).to_owned())))
        .collect();
    let standard = crate::plugin::manifest::Escape::Line;
    let templates = Templates::compile(&sources, &[], &HashMap::new(), standard);
    let templates = templates.expect("templates");
    let (mut count, mut chance) = (Count::default(), Chance::new(4));
    let data =
        json!({"names": ["x", "y\n"], "sets": {"w": {"k": 1, "l": "w"}, "": {}}, "w": ["v"]});
    for _ in 0..4000 {
        let mut raw = Document::new();
        let keys = [
            r#"{"keys":{}}"#,
            r#"{"keys":{"1":"one","3":{"a":"three"}}}"#,
            r#"{"keys":{"0":"","02":"two","+1":"x","-1":"y","5":null}}"#,
            r#"{"keys":{"4":7,"x":1,"n":2}}"#,
            r#"{"keys":[1,2]}"#,
            r#"{"keys":null}"#,
            "{}",
        ];
        raw.extend(object(chance.pick::<&str>(&keys)));
        let words = [json!("w"), json!("a\nb"), json!(""), json!(1), json!(true), json!([1])];
        if !chance.one_in(5) {
            raw.insert("word".to_owned(), chance.pick(&words).clone());
        }
        raw.insert("count".to_owned(), json!(chance.below(7)));
        let given = Given { device: None, model: None, plugin: "p", data: &data, raw: &raw };
        count.compare(&templates, &chance.below(LOOPS.len()).to_string(), &given);
    }
    println!("{count:?}");
    assert!(count.same > 2000, "{count:?}");
}
