//! Hammers over real sockets: what is right is counted, and what is not has its own exit code.

mod server;

use serde_json::Value;
use server::{Manner, start};
use std::fs;
use std::process::Command;

/// The exit code, the figures, and what was said of bad answers.
fn hammer(kind: &str, to: std::net::SocketAddr, more: &str) -> (i32, Value, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringboot-loadgen"));
    command.args(["hammer", kind, "--to", &to.to_string(), "--json"]);
    let output = command.args(more.split_ascii_whitespace()).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    let figures = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output.status.code().unwrap(), figures, told)
}

fn number(figures: &Value, name: &str) -> u64 {
    figures[name].as_u64().unwrap_or_else(|| panic!("{name} in {figures}"))
}

#[test]
fn right_answers_are_counted_on_kept_and_on_new_connections() {
    let server = start(Manner::Good, 3000);
    let flags = "--clients 8 --seconds 0.3 --bytes 3000 --begins xx --ends xxx";
    let (code, kept, told) = hammer("http", server.http, &format!("{flags} --keep"));
    assert_eq!((code, &*told), (0, ""), "{kept}");
    assert_eq!((&kept["protocol"], &kept["mode"]), (&"http".into(), &"keep".into()));
    assert_eq!(server.seen.lock().unwrap().connections, 8);
    let operations = number(&kept, "operations");
    assert!(operations > 0);
    assert_eq!(number(&kept, "bytes"), operations * 3000);
    let (p50, max) = (kept["p50_us"].as_f64().unwrap(), kept["max_us"].as_f64().unwrap());
    assert!(0.0 < p50 && p50 <= max, "{kept}");
    assert!(kept["client_cpu_us_per_operation"].as_f64().unwrap() > 0.0);

    let (code, closed, told) = hammer("http", server.http, flags);
    assert_eq!((code, &*told), (0, ""), "{closed}");
    assert_eq!(closed["mode"], "close");
    let connections = server.seen.lock().unwrap().connections as u64;
    assert!(connections >= 8 + number(&closed, "operations"), "{connections} {closed}");
}

#[test]
fn clients_keep_their_lines_over_several_processes() {
    let server = start(Manner::Good, 10);
    let name = format!("ringboot-hammer-{}.tsv", std::process::id());
    let file = std::env::temp_dir().join(name);
    fs::write(&file, "127.0.0.11\t/a\tAcme A1\n127.0.0.12\t/b\t\n127.0.0.13\t/c\tx\n").unwrap();
    let flags = format!(
        "--requests {} --clients 7 --processes 2 --cpu 0 --seconds 0.2 --keep",
        file.display()
    );
    let (code, figures, told) = hammer("http", server.http, &flags);
    fs::remove_file(&file).unwrap();
    assert_eq!((code, &*told), (0, ""), "{figures}");
    assert_eq!((number(&figures, "clients"), number(&figures, "processes")), (7, 2));
    let seen = server.seen.lock().unwrap();
    let asked: Vec<_> = seen.asked.iter().map(|(ip, paths)| format!("{ip} {paths:?}")).collect();
    assert_eq!(asked, ["127.0.0.11 {\"/a\"}", "127.0.0.12 {\"/b\"}", "127.0.0.13 {\"/c\"}"]);
}

#[test]
fn wrong_answers_have_their_code() {
    for (manner, more, wanted) in [
        (Manner::Short, "", "cut short after 1000 of 2000 bytes"),
        (Manner::Short, "--keep", "cut short after 1000 of 2000 bytes"),
        (Manner::Missing, "--keep", "status 404"),
        (Manner::Good, "--bytes 1999", "2000 bytes instead of 1999"),
        (Manner::Good, "--ends y", "the body ends with something else"),
    ] {
        let server = start(manner, 2000);
        let flags = format!("--clients 2 --seconds 0.1 {more}");
        let (code, figures, told) = hammer("http", server.http, &flags);
        assert_eq!(code, 3, "{wanted} {figures}");
        assert!(number(&figures, "wrong") > 0);
        assert_eq!(number(&figures, "operations"), 0);
        assert!(told.contains(wanted), "{told}");
    }
}

#[test]
fn a_server_that_does_not_answer_has_its_code() {
    let nobody = "127.0.0.2:9".parse().unwrap();
    let (code, figures, told) = hammer("http", nobody, "--clients 2 --seconds 0.1");
    assert_eq!((code, number(&figures, "operations")), (4, 0));
    // Clients rest after a failure.
    assert!((2..100).contains(&number(&figures, "errors")), "{figures}");
    assert!(told.contains("ECONNREFUSED"), "{told}");
    let silent = start(Manner::Silent, 10);
    let flags = "--clients 2 --seconds 0.1 --timeout 100ms --keep";
    let (code, _, told) = hammer("http", silent.http, flags);
    assert_eq!(code, 4);
    assert!(told.contains("ETIMEDOUT"), "{told}");
}

#[test]
fn a_connection_that_is_not_kept_is_made_again() {
    let server = start(Manner::Closes, 10);
    let (_, figures, _) = hammer("http", server.http, "--clients 2 --seconds 0.2 --keep");
    assert!(number(&figures, "operations") > 0, "{figures}");
    assert_eq!(number(&figures, "wrong"), 0);
}

#[test]
fn idle_connections_are_held() {
    let server = start(Manner::Good, 10);
    let flags = "--connections 151 --processes 2 --sources 3 --seconds 0.3";
    let (code, figures, told) = hammer("idle", server.http, flags);
    assert_eq!((code, &*told), (0, ""), "{figures}");
    assert_eq!((number(&figures, "operations"), number(&figures, "held")), (151, 151));
    let seen = server.seen.lock().unwrap();
    assert_eq!((seen.connections, seen.asked.len()), (151, 3));
    drop(seen);
    let server = start(Manner::Closes, 10);
    let (code, figures, _) = hammer("idle", server.http, "--connections 5 --seconds 0.3");
    assert_eq!((code, number(&figures, "held")), (4, 0), "{figures}");
}

#[test]
fn downloads_are_compared() {
    let bytes = 3 * 1024 * 1024 + 77;
    let server = start(Manner::Good, bytes);
    let (code, figures, told) = hammer("download", server.http, "--clients 9 --path /fw.bin");
    assert_eq!((code, &*told), (0, ""), "{figures}");
    assert_eq!(number(&figures, "operations"), 9);
    assert_eq!(number(&figures, "bytes"), 9 * bytes as u64);
    let file = std::env::temp_dir().join(format!("ringboot-hammer-{}.bin", std::process::id()));
    fs::write(&file, vec![b'x'; bytes]).unwrap();
    let flags = format!("--clients 3 --file {} --whole", file.display());
    let (code, figures, told) = hammer("download", server.http, &flags);
    assert_eq!((code, &*told), (0, ""), "{figures}");
    let mixed = start(Manner::Mixed, bytes);
    let (code, figures, told) = hammer("download", mixed.http, &flags);
    fs::remove_file(&file).unwrap();
    assert_eq!((code, number(&figures, "wrong")), (3, 3), "{figures}");
    assert!(told.contains("other bytes"), "{told}");
    let (code, figures, _) = hammer("download", mixed.http, "--clients 3");
    assert_eq!((code, number(&figures, "operations"), number(&figures, "wrong")), (3, 1, 2));
    let short = start(Manner::Short, bytes);
    let (code, _, told) = hammer("download", short.http, "--clients 2");
    assert_eq!(code, 3);
    assert!(told.contains(&format!("of {bytes} bytes")), "{told}");
}

#[test]
fn lost_datagrams_are_sent_again() {
    let server = start(Manner::Lossy, 1300);
    let (code, figures, told) =
        hammer("tftp", server.tftp, "--clients 4 --seconds 2.5 --bytes 1300");
    assert_eq!((code, &*told), (0, ""), "{figures}");
    assert!(number(&figures, "operations") > 0, "{figures}");
    assert!(number(&figures, "retransmissions") > 0, "{figures}");
    let (code, _, told) = hammer("tftp", server.tftp, "--clients 4 --seconds 0.1 --bytes 1301");
    assert_eq!(code, 3);
    assert!(told.contains("1300 bytes"), "{told}");
}

#[test]
fn transfers_are_held_open() {
    let server = start(Manner::Good, 100_000);
    let flags = "--clients 150 --processes 2 --pause 100ms --seconds 0.5";
    let (code, figures, told) = hammer("tftp-many", server.tftp, flags);
    assert_eq!((code, &*told), (0, ""), "{figures}");
    assert_eq!((number(&figures, "operations"), number(&figures, "held")), (150, 150));
}
