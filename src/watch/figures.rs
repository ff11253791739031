//! Every figure that the server has, by name: what `packaging/` and operators' rules rest on.

use super::Watch;
use super::page::{Form, Kind, Page};
use super::process::Process;
use crate::plugin::vendor_of;
use crate::query::Source;
use crate::time::{self, Duration, Instant};
use crate::worker::{PROVISIONED_WITHIN, Totals};
use Kind::{Counter, Gauge};
use std::collections::BTreeMap;

/// The whole page.
pub fn write(watch: &Watch, form: Form) -> String {
    let mut page = Page::new(form);
    let (now, totals) = (time::now(), watch.totals());
    server(&mut page, watch);
    requests(&mut page, watch, &totals);
    boots(&mut page, watch, &totals, now);
    transfers(&mut page, &totals);
    sockets(&mut page, &totals);
    store(&mut page, watch, now);
    rendering(&mut page, watch, &totals);
    process(&mut page, watch);
    page.finish()
}

fn server(page: &mut Page, watch: &Watch) {
    page.family("ringboot_build", Kind::Info, "The version that runs.");
    page.sample(&[("version", env!("CARGO_PKG_VERSION"))], 1);
    let is_ready = u8::from(watch.readiness().is_ok());
    page.one("ringboot_ready", Gauge, "Whether /readyz says 200.", is_ready);
    page.one("ringboot_cores", Gauge, "Cores that serve phones.", watch.cores().len());
    let (directory, world) = (&watch.world.directory, watch.world.counters());
    let provisional = directory.provisional_count();
    page.family("ringboot_devices", Gauge, "Devices by whether they are stored.");
    let stored = directory.len().saturating_sub(provisional);
    page.sample(&[("state", "stored")], stored);
    page.sample(&[("state", "provisional")], provisional);
    page.one("ringboot_configs", Gauge, "Configurations.", watch.world.configs.len());
    let plugins = watch.world.plugins();
    page.one("ringboot_plugins", Gauge, "Plugins in use.", plugins.releases().len());
    for (name, help, value) in [
        ("ringboot_devices_created", "Devices that requests made.", world.created),
        ("ringboot_decisions_repeated", "Decisions made anew: a core was first.", world.stale),
        ("ringboot_decisions_undecided", "Decisions given up; served, not kept.", world.undecided),
    ] {
        page.one(name, Counter, help, value);
    }
}

fn requests(page: &mut Page, watch: &Watch, totals: &Totals) {
    let mut answers: BTreeMap<(&str, String, String), u64> = BTreeMap::new();
    for core in watch.cores().iter() {
        for ((source, vendor, status), count) in core.stats.answers() {
            let vendor = vendor_of(vendor).map_or_else(|| "none".to_owned(), |v| v.to_string());
            let (protocol, status) = match (source, status) {
                (Source::Http | Source::Dhcp, status) => ("http", status.to_string()),
                (Source::Tftp, 200) => ("tftp", "begun".to_owned()),
                (Source::Tftp, 404) => ("tftp", "not_found".to_owned()),
                (Source::Tftp, 0) => ("tftp", "silence".to_owned()),
                (Source::Tftp, _) => ("tftp", "error".to_owned()),
            };
            *answers.entry((protocol, vendor, status)).or_default() += count;
        }
    }
    let help = "Requests answered, by protocol, vendor of the plugin and status.";
    page.family("ringboot_requests", Counter, help);
    for ((protocol, vendor, status), count) in &answers {
        let labels = [("protocol", *protocol), ("vendor", vendor), ("status", status)];
        page.sample(&labels, count);
    }
    page.family(
        "ringboot_sent_bytes",
        Counter,
        "Bytes of answers; of transfers, acknowledged ones.",
    );
    page.sample(&[("protocol", "http")], totals.http_bytes);
    page.sample(&[("protocol", "tftp")], totals.tftp_bytes);
    let help = "Requests of phones that are unknown and not taken in.";
    page.one("ringboot_unknown_phone_requests", Counter, help, totals.strangers);
    let help = "Requests refused because their source walks through MACs.";
    page.one("ringboot_refused_requests", Counter, help, watch.world.counters().refused);
    let help = "Requests that came before, and were given the same without being decided.";
    page.one("ringboot_repeated_requests", Counter, help, totals.repeated);
    page.one("ringboot_panics", Counter, "Panics that were caught.", totals.panics);
}

fn boots(page: &mut Page, watch: &Watch, totals: &Totals, now: Instant) {
    page.one("ringboot_boots_begun", Counter, "Boots of phones that began.", totals.boots_begun);
    let done: u64 = totals.provisioned.iter().sum();
    page.one("ringboot_boots_completed", Counter, "Boots that got their configuration.", done);
    let help = "Boots that have begun and wait for their configuration.";
    page.one("ringboot_boots_in_progress", Gauge, help, watch.world.boots.in_progress(now));
    let help = "Time from a phone's first request to the file that its plugin marks.";
    page.family("ringboot_time_to_provisioned_seconds", Kind::Histogram, help);
    let bounds = PROVISIONED_WITHIN.map(|bound| bound.as_secs_f64());
    let sum = Duration::from_nanos(totals.provisioned_nanos).as_secs_f64();
    page.histogram(&bounds, &totals.provisioned, sum);
}

fn transfers(page: &mut Page, totals: &Totals) {
    let (done, failed) = (totals.tftp_done, totals.tftp_failed);
    page.family("ringboot_tftp_transfers", Counter, "Transfers that ended, by how.");
    page.sample(&[("end", "done")], done);
    page.sample(&[("end", "failed")], failed);
    let open = totals.tftp_begun.saturating_sub(done + failed);
    page.one("ringboot_tftp_transfers_in_progress", Gauge, "Transfers under way.", open);
    let help = "Packets of ended transfers that were sent again behind a silence.";
    page.one("ringboot_tftp_retransmissions", Counter, help, totals.tftp_repeats);
}

fn sockets(page: &mut Page, totals: &Totals) {
    let ring = &totals.ring;
    let open = ring.accepted.saturating_sub(ring.closed);
    page.one("ringboot_connections", Gauge, "Connections that are open.", open);
    page.family("ringboot_receive_buffers", Gauge, "Receive buffers by who holds them.");
    page.sample(&[("holder", "kernel")], ring.buffers_kernel);
    page.sample(&[("holder", "request")], ring.buffers_leased);
    for (name, help, value) in [
        ("ringboot_connections_accepted", "Connections that came in.", ring.accepted),
        ("ringboot_connections_closed", "Connections that are gone.", ring.closed),
        (
            "ringboot_connections_shed",
            "Connections closed because the table or a source's share was full.",
            ring.shed,
        ),
        (
            "ringboot_accept_pauses",
            "Pauses of accepting because descriptors or memory ran out.",
            ring.accept_pauses,
        ),
        (
            "ringboot_receive_buffers_exhausted",
            "Receives that found no free buffer (ENOBUFS).",
            ring.buffers_exhausted,
        ),
        (
            "ringboot_ring_rearmed",
            "Operations armed again after the kernel ended them.",
            ring.rearmed,
        ),
        ("ringboot_ring_stale", "Completions of connections that had gone.", ring.stale),
        ("ringboot_ring_overflows", "Turns that found the completion queue full.", ring.overflows),
        (
            "ringboot_ring_submissions_full",
            "Times that the submission queue was full.",
            ring.submission_full,
        ),
        (
            "ringboot_ring_gathered",
            "Turns that waited for several completions, as they came fast.",
            ring.gathered,
        ),
        ("ringboot_short_sends", "Sends that left only a part.", ring.short_sends),
        ("ringboot_datagrams_failed", "Datagrams that could not be sent.", ring.datagrams_failed),
        ("ringboot_datagrams_cut", "Datagrams that came in cut.", ring.datagrams_cut),
    ] {
        page.one(name, Counter, help, value);
    }
}

fn store(page: &mut Page, watch: &Watch, now: Instant) {
    let store = watch.world.store_stats(now);
    let lag = if store.pending > 0 { store.last_flush_age } else { Duration::ZERO };
    let writing = store.writing_for.unwrap_or_default();
    let help = "Changed documents that wait to be written.";
    page.one("ringboot_store_pending_documents", Gauge, help, store.pending);
    for (name, help, time) in [
        ("ringboot_store_lag_seconds", "Time since the last write, while some wait.", lag),
        ("ringboot_store_writing_seconds", "Age of the batch that is being written.", writing),
        ("ringboot_store_longest_batch_seconds", "Time of the longest batch.", store.longest),
    ] {
        page.one(name, Gauge, help, time.as_secs_f64());
    }
    let is_failing = u8::from(store.error.is_some());
    page.one("ringboot_store_failing", Gauge, "Whether the last write failed.", is_failing);
    page.family("ringboot_store_stalls", Counter, "Pauses that the store made, by their kind.");
    page.sample(&[("kind", "slowed")], store.pauses.slowed);
    page.sample(&[("kind", "stopped")], store.pauses.stopped);
    for (name, help, value) in [
        ("ringboot_store_batches", "Batches that were written.", store.batches),
        ("ringboot_store_documents", "Documents that were written.", store.documents),
        ("ringboot_store_failures", "Batches that could not be written.", store.failures),
        ("ringboot_store_slow_batches", "Batches that took more than a second.", store.slow),
    ] {
        page.one(name, Counter, help, value);
    }
}

fn rendering(page: &mut Page, watch: &Watch, totals: &Totals) {
    let content = watch.content.counters();
    let hits = content.hits + totals.repeated;
    page.family("ringboot_renders", Counter, "Files that were made, or could not be.");
    page.sample(&[("result", "made")], content.renders);
    page.sample(&[("result", "failed")], content.failures);
    let seconds = Duration::from_nanos(content.render_nanos).as_secs_f64();
    page.one("ringboot_render_seconds", Counter, "Time that making files took.", seconds);
    page.one("ringboot_rendered_files", Gauge, "Files that are kept.", content.bodies);
    page.one("ringboot_rendered_bytes", Gauge, "Bytes of files that are kept.", content.bytes);
    for (name, help, value) in [
        ("ringboot_rendered_hits", "Files that were there when asked for.", hits),
        ("ringboot_rendered_evictions", "Files that went to make room.", content.evictions),
        (
            "ringboot_failed_overrides",
            "Files that the shipped template made because the administrator's failed.",
            content.failed_overrides,
        ),
    ] {
        page.one(name, Counter, help, value);
    }
}

/// Under the names that all of Prometheus' libraries have for them.
fn process(page: &mut Page, watch: &Watch) {
    let process = Process::read();
    for (name, help, value) in [
        ("process_resident_memory_bytes", "Memory of this process.", process.resident_bytes),
        ("process_virtual_memory_bytes", "Addresses of this process.", process.virtual_bytes),
        ("process_open_fds", "Descriptors that are open.", process.open_files),
        ("process_max_fds", "Descriptors that may be open.", process.files_max),
    ] {
        if let Some(value) = value {
            page.one(name, Gauge, help, value);
        }
    }
    if let Some(seconds) = process.cpu_seconds {
        page.one("process_cpu_seconds", Counter, "Time on the processors.", seconds);
    }
    let help = "When this process started, in seconds since 1970.";
    page.one("process_start_time_seconds", Gauge, help, watch.started.0);
}
