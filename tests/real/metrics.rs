//! What phones did is in the figures, as Prometheus reads them, with both drivers.

use crate::on_both_drivers;
use crate::server::{Place, Server, eventually};
use crate::tftp;
use ringboot::time::Duration;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};

const FLEET: &str = include_str!("../replay/site.jsonl");
const AGENT: &str = "Yealink SIP-T28P 2.73.0.50 00:15:65:4a:a9:37";

/// A figure of a page; none where it is not there.
fn figure(page: &str, name: &str) -> Option<f64> {
    let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
    Some(line.parse().unwrap())
}

fn get(server: SocketAddr, path: &str, agent: &str) -> String {
    let mut stream = TcpStream::connect(server).unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\nUser-Agent: {agent}\r\n");
    write!(stream, "{head}Connection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

/// A server on the documents of the conversations, with figures at an address of their own.
fn serve(place: &Place, driver: &str) -> Server {
    let imported = place.import(FLEET.lines().map(str::to_owned));
    assert!(imported.status.success(), "{imported:?}");
    let mut serving = place.serving(driver);
    Server::start(serving.args(["--metrics", &place.rest.to_string()]))
}

fn what_phones_do_is_counted(driver: &str) {
    let place = Place::new("metrics");
    let server = serve(&place, driver);
    let ready = eventually(Duration::from_secs(20), || {
        let reply = get(place.rest, "/readyz", "x");
        reply.starts_with("HTTP/1.1 200 ").then_some(reply)
    });
    assert!(ready.ends_with("ready\n"));
    assert!(get(place.http, "/y000000000000.boot", AGENT).starts_with("HTTP/1.1 404 "));
    let page = get(place.rest, "/metrics", "x");
    assert_eq!(figure(&page, "ringboot_boots_in_progress"), Some(1.0), "{page}");
    assert!(get(place.http, "/0015654aa937.cfg", AGENT).starts_with("HTTP/1.1 200 "));
    assert!(get(place.http, "/0015654aa937.cfg", AGENT).starts_with("HTTP/1.1 200 "));
    assert!(tftp::fetch(place.tftp, Ipv4Addr::LOCALHOST, "nothing.cfg").is_err());
    let page = eventually(Duration::from_secs(5), || {
        let page = get(place.rest, "/metrics", "x");
        (figure(&page, "ringboot_connections_closed_total") >= Some(3.0)).then_some(page)
    });
    let labels =
        |status: &str| format!("{{protocol=\"http\",vendor=\"Yealink\",status=\"{status}\"}}");
    for (name, wanted) in [
        (format!("ringboot_requests_total{}", labels("200")), 2.0),
        (format!("ringboot_requests_total{}", labels("404")), 1.0),
        ("ringboot_boots_begun_total".to_owned(), 1.0),
        ("ringboot_boots_completed_total".to_owned(), 1.0),
        ("ringboot_time_to_provisioned_seconds_count".to_owned(), 1.0),
        ("ringboot_renders_total{result=\"made\"}".to_owned(), 1.0),
        ("ringboot_rendered_hits_total".to_owned(), 1.0),
        ("ringboot_cores".to_owned(), 2.0),
        ("ringboot_ready".to_owned(), 1.0),
    ] {
        assert_eq!(figure(&page, &name), Some(wanted), "{name}: {page}");
    }
    assert!(page.contains("ringboot_requests_total{protocol=\"tftp\",vendor=\""), "{page}");
    assert!(figure(&page, "ringboot_sent_bytes_total{protocol=\"http\"}") > Some(2000.0));
    assert!(figure(&page, "process_resident_memory_bytes") > Some(1e6));
    drop(server);
}

on_both_drivers!(what_phones_do_is_counted);
