//! What it costs a request to be counted and remembered, each part alone.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ringboot::device::{Device, Mac};
use ringboot::query::Source;
use ringboot::time::{Duration, Instant};
use ringboot::worker::{Asked, Fate, Stats, Tally, Trace};
use ringboot::world::Boots;
use std::hint::black_box;
use std::sync::Arc;

const NOW: Instant = Instant::from_nanos(1_000_000_000_000);
/// Phones that ask in turn: as many as a core remembers, and more, so that each takes a place.
const FLEETS: [u32; 3] = [1, 4096, 65_536];

fn phone(n: u32) -> Arc<Device> {
    let [a, b, c, d] = n.to_be_bytes();
    Arc::new(Device { mac: Some(Mac([0, 21, a, b, c, d])), ..Device::default() })
}

fn remembered(c: &mut Criterion) {
    let mut group = c.benchmark_group("remembered");
    group
        .throughput(Throughput::Elements(1))
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    let stats = Stats::default();
    group.bench_function("an answer is counted", |b| {
        b.iter(|| {
            let (source, status) = (Source::Http, 200);
            stats.answered(black_box(Tally { source, vendor: 3, status, bytes: 1000 }));
        });
    });
    for fleet in FLEETS {
        let phones: Vec<_> = (0..fleet).map(phone).collect();
        let (boots, mut next) = (Boots::default(), 0);
        group.bench_function(format!("a boot goes on, {fleet} phones"), |b| {
            b.iter(|| {
                next = (next + 7919) % phones.len();
                black_box(boots.request(&phones[next], false, NOW))
            });
        });
        let (mut trace, mut next) = (Trace::default(), 0);
        group.bench_function(format!("a request and its end, {fleet} phones"), |b| {
            b.iter(|| {
                next = (next + 7919) % phones.len();
                let ticket = trace.asked(black_box(Asked {
                    at: NOW,
                    source: Source::Http,
                    ip: [10, 0, 0, 7].into(),
                    path: b"/0015654aa937.cfg",
                    device: Some(Arc::clone(&phones[next])),
                    status: 200,
                    fate: Fate::Given,
                    bytes: 1000,
                }));
                trace.over(ticket, NOW, None, |_| {});
            });
        });
    }
    group.finish();
}

criterion_group!(benches, remembered);
criterion_main!(benches);
