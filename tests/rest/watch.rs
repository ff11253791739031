//! Figures and health: well-formed, without a token, and with all that `packaging/` rests on.

use crate::site::Site;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

const OPEN_METRICS: &str = "Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5";

#[test]
fn readiness_has_its_reason() {
    let site = Site::new("ready");
    let early = site.get("/readyz");
    assert_eq!((early.status, &*early.body), (503, "the listeners are not open yet\n"));
    assert_eq!(site.get("/healthz").status, 200);
    site.watch.open();
    let ready = site.get("/readyz");
    assert_eq!((ready.status, &*ready.body), (200, "ready\n"));
    assert_eq!(site.ask("HEAD /readyz", &[], "").status, 200);
    assert_eq!(site.ask("POST /readyz", &[], "").status, 405);
}

#[test]
fn figures_come_in_the_form_that_is_accepted() {
    let site = Site::new("forms");
    let plain = site.get("/metrics");
    assert_eq!(plain.field("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    assert!(plain.body.contains("\n# TYPE ringboot_boots_begun_total counter\n"));
    let open = site.ask("GET /metrics", &[OPEN_METRICS], "");
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(open.field("content-type"), kind);
    assert!(open.body.contains("\n# TYPE ringboot_boots_begun counter\n"));
    assert!(open.body.ends_with("\n# EOF\n"));
}

#[test]
fn each_figure_belongs_to_a_family_that_is_there_once() {
    let site = Site::new("families");
    let page = site.ask("GET /metrics", &[OPEN_METRICS], "").body;
    let mut families = BTreeMap::new();
    let mut last = "";
    for line in page.lines().filter(|line| *line != "# EOF") {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert_eq!(families.insert(name, kind), None, "{name} is there twice");
            last = name;
        } else if line.starts_with('#') {
            assert_eq!(line.split(' ').nth(2), Some(last), "{line}");
        } else {
            let (name, value) = line.rsplit_once(' ').unwrap();
            let name = name.split('{').next().unwrap();
            let suffixes: &[&str] = match families[last] {
                "counter" => &["_total"],
                "info" => &["_info"],
                "histogram" => &["_bucket", "_sum", "_count"],
                _ => &[""],
            };
            let suffix = name.strip_prefix(last).unwrap_or_else(|| panic!("{line} in {last}"));
            assert!(suffixes.contains(&suffix), "{line}");
            assert!(value.parse::<f64>().unwrap() >= 0.0, "{line}");
        }
    }
    assert!(families.len() > 50, "{}", families.len());
}

#[test]
fn rules_and_dashboards_name_figures_that_are_there() {
    let site = Site::new("packaging");
    let mut known: BTreeSet<String> = BTreeSet::new();
    for line in site.get("/metrics").body.lines() {
        let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|l| l.split_once(' '))
        else {
            continue;
        };
        match kind {
            "histogram" => {
                known.extend(["bucket", "sum", "count"].map(|end| format!("{name}_{end}")));
            }
            _ => drop(known.insert(name.to_owned())),
        }
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging");
    for file in ["alerts.yml", "grafana.json"] {
        let text = fs::read_to_string(folder.join(file)).unwrap();
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let names: BTreeSet<_> = words
            .filter(|word| word.starts_with("ringboot_") || word.starts_with("process_"))
            .collect();
        assert!(names.len() > 12, "{file}: {names:?}");
        for name in names {
            assert!(known.contains(name), "{file} names {name}, which is no figure");
        }
    }
    let text = fs::read_to_string(folder.join("grafana.json")).unwrap();
    let dashboard: serde_json::Value = serde_json::from_str(&text).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len());
}

#[test]
fn the_description_has_what_monitoring_asks() {
    let site = Site::new("described");
    let document = site.get("/0.2/api/api.yml").json();
    for path in ["/metrics", "/healthz", "/readyz"] {
        assert!(document["paths"][path]["get"]["summary"].is_string(), "{path}");
    }
}

#[test]
fn a_trace_is_for_those_who_may_see_the_phone() {
    let site = Site::new("trace");
    site.device(r#"{"id":"d1","mac":"00:15:65:4a:a9:37"}"#);
    let path = "GET /ringboot/trace/0015654aa937";
    let reply = site.send(path, "");
    assert_eq!(reply.body, "{\"phone\":\"0015654aa937\",\"boots\":[]}");
    assert_eq!(site.send_for("t1", path, "").status, 404);
    assert_eq!(site.get("/ringboot/trace/192.0.2.7").status, 200);
    assert_eq!(site.send_for("t1", "GET /ringboot/trace/192.0.2.7", "").status, 404);
    assert_eq!(site.get("/ringboot/trace/nobody").status, 400);
    // Without cores there is nothing to follow.
    let feed = site.ask("GET /ringboot/trace/0015654aa937?follow=1", &[], "");
    assert_eq!((feed.status, feed.field("content-type")), (200, "application/x-ndjson"));
}
