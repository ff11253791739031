//! Every operator on its own, and indexes against a look at each document.

use super::*;
use crate::device::{Change, Document, Put};
use serde_json::{Value, json};

fn params(selector: &Value) -> Params {
    Params::parse(&[("q", selector.to_string())]).expect("a selector")
}

/// Asks each of the document below whether it is found.
fn ask(cases: &[(Value, bool)]) {
    let document = json!({"id": "a", "n": 5, "f": 2.5, "t": "abc", "flag": true, "none": null,
        "list": [1, "x", null], "o": {"k": {"z": 1}, "s": "in"}, "rows": [{"v": 1}, 7, {"v": 3}],
        "mixed": [{"w": "a"}]});
    let document = document.as_object().expect("an object");
    for (asked, wanted) in cases {
        let selector = Selector::parse(asked.clone()).expect("a selector");
        assert_eq!(selector.matches(document), *wanted, "{asked}");
    }
}

#[test]
fn values_are_equal() {
    ask(&[
        (json!({}), true),
        (json!({"t": "abc"}), true),
        (json!({"t": "ab"}), false),
        (json!({"t": "abc", "n": 6}), false),
        (json!({"n": 5.0}), true),
        (json!({"n": "5"}), false),
        (json!({"flag": 1}), true),
        (json!({"flag": "true"}), false),
        (json!({"none": null}), true),
        (json!({"gone": null}), false),
        // A list is equal as a whole.
        (json!({"list": 1}), false),
        (json!({"list": [1.0, "x", null]}), true),
        (json!({"o": {"s": "in", "k": {"z": 1}}}), true),
        (json!({"o": {"s": "in"}}), false),
        (json!({"o": {}}), false),
        (json!({"o.s": "in"}), true),
        (json!({"o.k.z": 1}), true),
        (json!({"o.s.z": 1}), false),
        (json!({"t.z": 1}), false),
        // Each object of a list is looked into by the last key, and no other.
        (json!({"rows.v": 3}), true),
        (json!({"rows.v": 2}), false),
        (json!({"rows.v": {"$ne": 3}}), false),
        (json!({"rows.v": {"$gt": 1, "$lt": 3}}), true),
        (json!({"rows.v.x": 1}), false),
        (json!({"rows.w": {"$exists": false}}), true),
        (json!({"rows.v": {"$exists": true}}), true),
    ]);
}

#[test]
fn operators() {
    ask(&[
        (json!({"t": {"$in": ["x", "abc"]}}), true),
        (json!({"t": {"$in": []}}), false),
        (json!({"none": {"$in": [null]}}), true),
        (json!({"gone": {"$in": [null]}}), false),
        (json!({"list": {"$in": [[1, "x", null]]}}), true),
        (json!({"t": {"$nin": ["x"]}}), true),
        (json!({"t": {"$nin": ["x", "abc"]}}), false),
        (json!({"gone": {"$nin": ["x"]}}), true),
        (json!({"t": {"$ne": "abc"}}), false),
        (json!({"t": {"$ne": 1}}), true),
        (json!({"gone": {"$ne": "abc"}}), true),
        (json!({"t": {"$contains": "bc"}}), true),
        (json!({"t": {"$contains": "d"}}), false),
        (json!({"t": {"$contains": 1}}), false),
        (json!({"list": {"$contains": "x"}}), true),
        (json!({"list": {"$contains": true}}), true),
        (json!({"list": {"$contains": 2}}), false),
        (json!({"o": {"$contains": "k"}}), true),
        (json!({"o": {"$contains": "in"}}), false),
        (json!({"n": {"$contains": 5}}), false),
        (json!({"gone": {"$contains": ""}}), false),
        (json!({"n": {"$gt": 4}}), true),
        (json!({"n": {"$gt": 5}}), false),
        (json!({"n": {"$ge": 5}}), true),
        (json!({"n": {"$lt": 5.5}}), true),
        (json!({"n": {"$le": 4.5}}), false),
        (json!({"f": {"$gt": 2, "$lt": 3}}), true),
        (json!({"flag": {"$gt": 0}}), true),
        (json!({"t": {"$gt": "abb", "$le": "abc"}}), true),
        (json!({"list": {"$lt": [2]}}), true),
        (json!({"list": {"$lt": ["a"]}}), false),
        // What cannot be compared is neither.
        (json!({"t": {"$gt": 1}}), false),
        (json!({"t": {"$le": 1}}), false),
        (json!({"none": {"$ge": null}}), false),
        (json!({"o": {"$ge": {}}}), false),
        (json!({"none": {"$exists": true}}), true),
        (json!({"none": {"$exists": 0}}), false),
        (json!({"gone": {"$exists": ""}}), true),
        (json!({"gone": {"$exists": 1}}), false),
        (json!({"": 1}), false),
    ]);
}

#[test]
fn what_is_no_selector_is_said() {
    for (asked, wanted) in [
        (json!([]), SelectorError::NotObject),
        (json!("mac"), SelectorError::NotObject),
        (json!({"a": {"$near": 1}}), SelectorError::Operator("$near".into())),
        (json!({"a": {"$in": [], "b": 1}}), SelectorError::Operator("b".into())),
        (json!({"a": {"$in": "b"}}), SelectorError::NotList("$in")),
        (json!({"a": {"$nin": {}}}), SelectorError::NotList("$nin")),
    ] {
        let pairs = [("q", asked.to_string())];
        assert_eq!(Params::parse(&pairs).expect_err("no selector"), wanted, "{asked}");
    }
}

#[test]
fn queries_are_read_as_clients_write_them() {
    let read = |pairs: &[(&str, &str)]| Params::parse(pairs).expect("a query");
    let all = json!({"id": "a"});
    let all = all.as_object().expect("an object");
    let finds = |pairs: &[(&str, &str)]| read(pairs).selector.matches(all);
    assert!(!finds(&[("q", r#"{"id":"b"}"#)]));
    assert!(finds(&[("q", r#"{"id":"b""#)]));
    assert!(finds(&[("q", r#"{"id":"b"}"#), ("q64", "eyJpZCI6ImEifQ==")]));
    assert!(finds(&[("q64", "eyJpZCI6ImEifQ"), ("q", r#"{"id":"b"}"#)]));
    for bad in ["?", "eyJpZCI6", "", "eyJpZ"] {
        assert!(finds(&[("q64", bad), ("q", r#"{"id":"b"}"#)]), "{bad}");
    }
    for (text, skip, limit) in [
        ("7", 7, Some(7)),
        (" +1_0 ", 10, Some(10)),
        ("0", 0, None),
        ("-3", 0, Some(0)),
        ("1__0", 0, None),
        ("x", 0, None),
        ("1.0", 0, None),
        ("", 0, None),
        ("99999999999999999999", i64::MAX as usize, Some(i64::MAX as usize)),
    ] {
        let params = read(&[("skip", text), ("limit", text)]);
        assert_eq!((params.skip, params.limit), (skip, limit), "{text}");
    }
    for (text, wanted) in [("true", true), ("True", true), ("TRUE", false), ("1", false)] {
        assert_eq!(read(&[("recurse", text), ("recurse", "true")]).recurse, wanted, "{text}");
    }
    let sort = |order| read(&[("sort", "a"), ("sort_ord", order)]).sort;
    assert_eq!(sort("DESC"), Some(Sort::new("a", true)));
    assert_eq!(sort("desc"), Some(Sort::new("a", false)));
}

#[test]
fn some_keys_are_shown() {
    let document = json!({"b": 1, "id": "a", "o": {"x": {"y": 1, "z": 2}, "w": null}, "l": [{}]});
    let document = document.as_object().expect("an object");
    for (fields, wanted) in [
        ("b", r#"{"id":"a","b":1}"#),
        ("o.x.z,b,gone,o.gone,b.c,l.x,o.w", r#"{"id":"a","o":{"x":{"z":2},"w":null},"b":1}"#),
        ("id,o.x.y,o.x", r#"{"id":"a","o":{"x":{"y":1,"z":2}}}"#),
        ("", r#"{"id":"a"}"#),
    ] {
        let params = Params::parse(&[("fields", fields)]).expect("a query");
        let shown = serde_json::to_string(&params.show(document)).expect("an object");
        assert_eq!(shown, wanted, "{fields}");
    }
}

#[test]
fn values_are_sorted_by_their_texts() {
    for (value, wanted) in [
        (json!(null), ""),
        (json!("It's"), "It's"),
        (json!(true), "True"),
        (json!(-12), "-12"),
        (json!(1.0), "1.0"),
        (json!(1e16), "1e+16"),
        (json!(1.5e-7), "1.5e-07"),
        (json!(0.0001), "0.0001"),
        (json!([1, "a", null]), "[1, 'a', None]"),
        (json!({"k": "It's", "q": "'\"\n"}), "{'k': \"It's\", 'q': '\\'\"\\n'}"),
    ] {
        assert_eq!(compare::text((&value).into()), wanted);
    }
}

/// The next of a row of numbers that looks like chance.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (self.0 >> 33) % end
    }

    fn pick(&mut self, of: &[Value]) -> Value {
        of[self.below(of.len() as u64) as usize].clone()
    }
}

const KEYS: [&str; 12] = [
    "id",
    "mac",
    "sn",
    "uuid",
    "ip",
    "config",
    "plugin",
    "tenant_uuid",
    "model",
    "configured",
    "options.a",
    "X_n",
];

/// Few enough that documents share them, in each form that a document may have them.
fn value(key: &str, chance: &mut Chance) -> Value {
    let number = chance.below(24);
    match key {
        "id" => json!(format!("id{}", chance.below(400))),
        "mac" => json!(format!("00:15:65:00:00:{number:02x}")),
        "ip" => json!(format!("192.0.2.{number}")),
        "configured" => json!(number.is_multiple_of(2)),
        "options.a" => json!(number % 3),
        "X_n" => chance.pick(&[json!(1), json!("1"), json!([1]), json!(null), json!(2.5)]),
        _ => json!(format!("{key}{}", number % 5)),
    }
}

fn random_device(id: usize, chance: &mut Chance) -> Device {
    let mut document = Document::new();
    document.insert("id".into(), format!("id{id}").into());
    for key in KEYS.iter().filter(|key| **key != "id") {
        match chance.below(8) {
            0 => {}
            1 if *key != "configured" => drop(document.insert((*key).into(), Value::Null)),
            2 if *key != "configured" => drop(document.insert((*key).into(), "".into())),
            _ if *key == "options.a" => {
                document.insert("options".into(), json!({"a": value(key, chance)}));
            }
            _ => drop(document.insert((*key).into(), value(key, chance))),
        }
    }
    Device::from_document(document).expect("a device")
}

fn random_condition(key: &str, chance: &mut Chance) -> Value {
    let one = |chance: &mut Chance| match chance.below(10) {
        0 => chance.pick(&[json!(null), json!(""), json!(1), json!(["a"])]),
        _ => value(key, chance),
    };
    match chance.below(9) {
        0 => json!({"$in": [one(chance), one(chance), one(chance)]}),
        1 => json!({"$in": [one(chance), one(chance)], "$ne": one(chance)}),
        2 => json!({"$nin": [one(chance)]}),
        3 => json!({"$ge": one(chance)}),
        4 => json!({"$exists": chance.below(2)}),
        5 => json!({"$contains": "1"}),
        _ => one(chance),
    }
}

fn random_query(chance: &mut Chance) -> Params {
    let mut selector = Document::new();
    for _ in 0..chance.below(4) {
        let key = KEYS[chance.below(KEYS.len() as u64) as usize];
        selector.insert(key.into(), random_condition(key, chance));
    }
    let mut pairs = vec![("q", Value::from(selector).to_string())];
    if chance.below(2) == 0 {
        pairs.push(("skip", chance.below(30).to_string()));
        pairs.push(("limit", chance.below(20).to_string()));
    }
    if chance.below(3) == 0 {
        pairs.push(("sort", KEYS[chance.below(KEYS.len() as u64) as usize].to_owned()));
        pairs.push(("sort_ord", if chance.below(2) == 0 { "ASC" } else { "DESC" }.to_owned()));
    }
    let mut params = Params::parse(&pairs).expect("a query");
    if chance.below(3) == 0 {
        let tenants = (0..chance.below(4)).map(|n| format!("tenant_uuid{n}"));
        params.restrict(tenants.collect::<Vec<_>>());
    }
    params
}

/// What is found with no index and no device, in the plainest way.
fn naive(all: &[Document], params: &Params) -> Vec<String> {
    let mut found: Vec<_> = all.iter().filter(|item| params.selector.matches(*item)).collect();
    if let Some(sort) = &params.sort {
        let whole = found.into_iter().cloned().map(Arc::new);
        let sorted = sort.page(whole, 0, None);
        return names(page_of(sorted.iter().map(|item| &**item), params));
    }
    names(page_of(found.drain(..), params))
}

fn page_of<'a>(
    found: impl Iterator<Item = &'a Document>,
    params: &Params,
) -> impl Iterator<Item = &'a Document> {
    found.skip(params.skip).take(params.limit.unwrap_or(usize::MAX))
}

fn names<'a>(found: impl Iterator<Item = &'a Document>) -> Vec<String> {
    found.map(|item| item["id"].as_str().expect("a text").to_owned()).collect()
}

/// Devices come, change and go; whatever is asked then, the indexes find what a look at each finds.
#[test]
fn indexes_find_what_a_scan_finds() {
    let chance = &mut Chance(7);
    let directory = Directory::new(Arc::default());
    directory.restore_all((0..200).map(|id| random_device(id, chance)).collect());
    for round in 0..8 {
        for _ in 0..60 {
            let id = chance.below(300) as usize;
            let old = directory.get(&format!("id{id}"));
            let base = old.map(|old| old.revision);
            let change = match base {
                Some(base) if chance.below(3) == 0 => {
                    Change::Remove { id: format!("id{id}").into(), base: Some(base) }
                }
                base => {
                    let device = random_device(id, chance);
                    Change::Put(Box::new(Put { device, base, ..Put::default() }))
                }
            };
            directory.apply(change).expect("nobody was first");
        }
        let lists = directory.lists();
        let all: Vec<_> =
            lists.order().each(lists.order().places().iter()).map(|it| it.to_document()).collect();
        assert_eq!(all.len(), directory.len());
        for _ in 0..400 {
            let params = random_query(chance);
            let found = devices(&directory, &params);
            let found: Vec<_> = found.iter().map(|device| device.id.to_string()).collect();
            assert_eq!(found, naive(&all, &params), "round {round}: {params:?}");
        }
    }
}

#[test]
fn configurations_are_found() {
    let all = Configs::new(Document::new(), Arc::default());
    for (id, kind) in [("base", "internal"), ("c", "device"), ("r", "registrar"), ("d", "device")] {
        let config = json!({"id": id, "parent_ids": ["base"], "X_type": kind,
            "raw_config": {"sip_lines": {"1": {"username": id}}}});
        let config = config.as_object().expect("an object").clone();
        all.put(Config::from_document(config).expect("a configuration"), None).expect("it is new");
    }
    let found = |selector: &Value| -> String {
        configs(&all, &params(selector)).iter().map(|config| config.id.to_string()).collect()
    };
    assert_eq!(found(&json!({})), "basecrd");
    assert_eq!(found(&json!({"X_type": "device"})), "cd");
    assert_eq!(found(&json!({"X_type": {"$in": ["device", "internal"]}})), "basecd");
    assert_eq!(found(&json!({"id": {"$in": ["r", "base", "none"]}})), "baser");
    assert_eq!(found(&json!({"raw_config.sip_lines.1.username": "r"})), "r");
    assert_eq!(found(&json!({"parent_ids": {"$contains": "base"}, "X_type": "registrar"})), "r");
    let old = all.get("c").expect("it was put");
    let mut other = (*old).clone();
    other.extra.insert("X_type".into(), "registrar".into());
    all.put(other, Some(old.revision)).expect("nobody was first");
    all.remove("r");
    assert_eq!(found(&json!({"X_type": "registrar"})), "c");
    assert_eq!(found(&json!({})), "basecd");
}
