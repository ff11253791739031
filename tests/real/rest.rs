//! The REST API of the real process: closed until it is opened by name, and what it answered
//! stands after `kill -9`.

use crate::server::{Place, Server, eventually};
use ringboot::time::Duration;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;

#[test]
fn it_is_closed_until_it_is_opened_by_name() {
    let place = Place::new("rest-closed");
    let mut server = place.serve("epoll");
    assert!(server.log().contains("the REST API is closed: rest_auth does not say"));
    assert!(TcpStream::connect(place.rest).is_err());
    server.signal("TERM");
    assert!(server.end().0.success());
}

#[test]
fn what_was_answered_stands_after_a_kill() {
    let place = Place::new("rest-killed");
    let serve = || Server::start(place.serving("epoll").args(["--rest-auth", "none"]));
    let server = serve();
    let body = r#"{"device":{"id":"d1","mac":"00:15:65:4a:a9:37","description":"lobby"}}"#;
    let created = ask(place.rest, "POST /0.2/dev_mgr/devices", body);
    assert!(created.starts_with("HTTP/1.1 201 "), "{created}");
    server.kill();
    let mut server = serve();
    let device = eventually(Duration::from_secs(10), || {
        let reply = ask(place.rest, "GET /0.2/dev_mgr/devices/d1", "");
        (!reply.starts_with("HTTP/1.1 503 ")).then_some(reply)
    });
    assert!(device.starts_with("HTTP/1.1 200 "), "{device}");
    assert!(device.ends_with("\"description\":\"lobby\"}}"), "{device}");
    // A kept connection does not hold up the end.
    let idle = TcpStream::connect(place.rest).unwrap();
    server.signal("TERM");
    let (status, took) = server.end();
    assert!(status.success());
    assert!(took < Duration::from_secs(5), "{took:?}");
    drop(idle);
}

#[test]
fn a_token_that_was_made_opens_it_and_no_other_does() {
    let place = Place::new("rest-token");
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringboot"));
    let made = command.args(["rest-token", "--name", "ci", "--acl", "provd.status.#"]).output();
    let made = made.unwrap();
    assert!(made.status.success(), "{made:?}");
    let [told, lines] = [made.stderr, made.stdout].map(|text| String::from_utf8(text).unwrap());
    let token = told.lines().find_map(|line| line.strip_prefix("X-Auth-Token: ")).unwrap();
    assert!(token.len() == 64 && !lines.contains(token), "{told}{lines}");
    let file = place.folder.join("ringboot.toml");
    fs::write(&file, format!("rest_auth = \"tokens\"\n{lines}")).unwrap();
    let server = Server::start(place.serving("epoll").arg("--config").arg(file));
    let status = |token: &str, path: &str| {
        let token = format!("X-Auth-Token: {token}");
        let reply = ask_with(&token, place.rest, &format!("GET {path}"), "");
        reply.split(' ').nth(1).unwrap().to_owned()
    };
    assert_eq!(status(token, "/0.2/status"), "200");
    assert_eq!(status(token, "/0.2/dev_mgr"), "401");
    assert_eq!(status(&token[1..], "/0.2/status"), "401");
    assert!(!server.log().contains(token));
}

/// Asks and gives all that comes back.
pub fn ask(server: SocketAddr, what: &str, body: &str) -> String {
    ask_with("X-Auth-Token: ", server, what, body)
}

/// The same with a field.
pub fn ask_with(field: &str, server: SocketAddr, what: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(server).unwrap();
    let length = body.len();
    let head = "Host: x\r\nConnection: close\r\nContent-Type: application/json\r\n";
    let head = format!("{field}\r\n{head}");
    write!(stream, "{what} HTTP/1.1\r\n{head}Content-Length: {length}\r\n\r\n{body}").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}
