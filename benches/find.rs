//! What lists cost among a million devices: one by its signs, a page, a page far behind, a scan.
//!
//! `cargo bench --bench find` measures. Without `--bench` each runs once on a small directory, to
//! see that it works.

#[path = "support/record.rs"]
#[expect(dead_code, reason = "configurations are what a whole store is measured with")]
mod record;
#[expect(dead_code, reason = "the rest is what single requests are measured with")]
mod support;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use mimalloc::MiMalloc;
use record::Record;
use ringboot::control::find::{Params, devices};
use ringboot::device::{Device, Known};
use ringboot::directory::Directory;
use serde_json::{Value, json};
use std::hint::black_box;
use std::sync::Arc;
use support::{Phone, kind_of};

#[global_allocator]
static GLOBAL: MiMalloc = MiMalloc;

const SMALL: u32 = 200;
const LARGE: u32 = 1_000_000;
/// Devices that are taken in at once.
const LOT: u32 = 4096;
/// One of them has half of all devices, the others share the rest.
const TENANTS: u32 = 100;
/// Queries that are asked in turn.
const PICKS: u32 = 10_000;

fn find(c: &mut Criterion) {
    let count = if support::is_large() { LARGE } else { SMALL };
    let directory = directory(count);
    one(c, &directory, count);
    pages(c, &directory, count);
}

/// One device, or none, each time another.
fn one(c: &mut Criterion, directory: &Directory, count: u32) {
    let mut group = c.benchmark_group("find/one");
    let number = |pick: u32| ((u64::from(pick) * 0x9e37_79b1) % u64::from(count)) as u32;
    for sign in ["id", "mac", "sn", "ip", "config"] {
        let asked: Vec<_> = (0..PICKS.min(count))
            .map(|pick| params(&json!({sign: value(sign, number(pick), count)}), "0", "0", ""))
            .collect();
        let cisco = (0..count).find(|number| kind_of(*number).vendor == "Cisco");
        let known = params(&json!({sign: value(sign, cisco.expect("some"), count)}), "0", "0", "");
        assert_eq!(devices(directory, &known).len(), 1, "{sign}");
        let mut turn = asked.iter().cycle();
        group.bench_function(sign, |b| {
            b.iter(|| {
                let params = turn.next().expect("it has no end");
                black_box(devices(directory, black_box(params)));
            });
        });
    }
    let query = [("q", r#"{"mac":"00:15:65:4a:a9:37"}"#), ("limit", "1")];
    group.bench_function("the query is read", |b| {
        b.iter(|| black_box(Params::parse(black_box(&query))));
    });
}

/// Pages of fifty.
fn pages(c: &mut Criterion, directory: &Directory, count: u32) {
    let mut group = c.benchmark_group("find/page");
    group.sample_size(10);
    let plugin = kind_of(1).plugin;
    let half = json!({"$in": ["tenant0"]});
    let all: Vec<_> = (0..TENANTS).map(|number| format!("tenant{number}")).collect();
    let all = json!({"$in": all});
    let far = (u64::from(count) * 9 / 10).to_string();
    let middle = (count * 2 / 5).to_string();
    for (name, selector, skip, sort) in [
        ("all, first", json!({}), "0", ""),
        ("all, far", json!({}), &*far, ""),
        ("tenant, first", json!({"tenant_uuid": half}), "0", ""),
        ("tenant, far", json!({"tenant_uuid": half}), &*middle, ""),
        ("100 tenants, far", json!({"tenant_uuid": all}), &*far, ""),
        ("plugin, first", json!({"plugin": plugin}), "0", ""),
        ("plugin of a tenant", json!({"plugin": plugin, "tenant_uuid": half}), "100", ""),
        ("scan, early end", json!({"tenant_uuid": half, "configured": true}), "0", ""),
        ("scan of all", json!({"X_site": 4}), "0", ""),
        ("scan of all for a text", json!({"model": {"$contains": "none"}}), "0", ""),
        ("sorted by mac", json!({}), "0", "mac"),
    ] {
        let params = params(&selector, skip, "50", sort);
        let found = devices(directory, &params).len();
        group.bench_function(BenchmarkId::new(name, found), |b| {
            b.iter(|| black_box(devices(directory, black_box(&params))));
        });
    }
    let params = params(&json!({"tenant_uuid": half}), &middle, "50", "");
    let page = devices(directory, &params);
    group.bench_function(BenchmarkId::new("shown", page.len()), |b| {
        b.iter(|| {
            let shown = page.iter().map(|device| Value::Object(params.show(&**device)));
            black_box(shown.collect::<Value>().to_string())
        });
    });
}

fn params(selector: &Value, skip: &str, limit: &str, sort: &str) -> Params {
    let selector = selector.to_string();
    let mut pairs = vec![("q", &*selector), ("skip", skip), ("limit", limit)];
    if !sort.is_empty() {
        pairs.push(("sort", sort));
    }
    Params::parse(&pairs).expect("a selector")
}

fn value(sign: &str, number: u32, count: u32) -> String {
    let (record, phone) = (Record::new(number, count), Phone::new(number));
    match sign {
        "id" => record.id,
        "config" => record.config,
        "sn" => support::serial(phone.mac),
        "ip" => phone.ip.to_string(),
        _ => phone.mac.to_string(),
    }
}

fn directory(count: u32) -> Directory {
    let (directory, mut known) = (Directory::new(Arc::default()), Known::default());
    directory.reserve(count as usize);
    let mut device = |number| {
        let json = Record::new(number, count).device_json();
        let mut device = Device::from_json(&json, &mut known).expect("a device");
        let tenant = if number % 2 == 0 { 0 } else { number % TENANTS };
        device.tenant_uuid = Some(known.text(&format!("tenant{tenant}")));
        device
    };
    for lot in 0..count.div_ceil(LOT) {
        let numbers = lot * LOT..count.min((lot + 1) * LOT);
        directory.restore_all(numbers.map(&mut device).collect());
    }
    directory
}

criterion_group!(benches, find);
criterion_main!(benches);
