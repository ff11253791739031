//! Every rule of a head has a request that keeps it and one that breaks it.

use super::samples::{BAD, GOOD};
use super::{Outcome, converse, converse_in_every_cut};
use crate::limits::FORM_BYTES_MAX;
use crate::wire::http::{After, BodyLength, Method, Parsed, Request, Status, Version, parse};

fn request(input: &[u8]) -> Request<'_> {
    match parse(input) {
        Ok(Parsed::Request { request, .. }) => request,
        other => panic!("{}: {other:?}", input.escape_ascii()),
    }
}

#[test]
fn good_heads_are_whole_at_their_last_byte_and_not_before() {
    for input in GOOD {
        let Ok(Parsed::Request { length, .. }) = parse(input) else {
            panic!("{}", input.escape_ascii());
        };
        for cut in 0..length {
            assert_eq!(parse(&input[..cut]), Ok(Parsed::More), "{}", input[..cut].escape_ascii());
        }
        assert_eq!(parse(&input[..length]), parse(input));
        let outcomes = converse_in_every_cut(input);
        assert!(matches!(outcomes[0], Outcome::Answered(..)), "{}", input.escape_ascii());
    }
}

#[test]
fn bad_heads_are_refused_and_nothing_behind_them_is_answered() {
    for (input, error) in BAD {
        let followed = [input, GOOD[0]].concat();
        let expected = vec![Outcome::Rejected(*error)];
        assert_eq!(converse_in_every_cut(&followed), expected, "{}", input.escape_ascii());
        assert_eq!(converse([*input]), expected, "{}", input.escape_ascii());
        assert!(Status::from(*error).code() >= 400);
    }
}

#[test]
fn what_phones_send_is_what_is_read() {
    let yealink = request(GOOD[0]);
    assert_eq!(yealink.method, Method::Get);
    assert_eq!(yealink.path, b"/805ec0aabbcc.boot");
    assert_eq!(yealink.args, b"");
    assert_eq!(yealink.host, Some(b"10.0.0.1:8667".as_slice()));
    let agent = b"Yealink SIP-T46U 108.86.0.20 80:5e:c0:aa:bb:cc".as_slice();
    assert_eq!(yealink.agent, Some(agent));
    assert!(yealink.keep_alive);

    let absolute = request(GOOD[1]);
    assert_eq!(absolute.target, b"http://prov.example:8667/y000000000028.cfg?a=b?c");
    assert_eq!(absolute.path, b"/y000000000028.cfg");
    assert_eq!(absolute.args, b"a=b?c");
    assert_eq!(absolute.host, Some(b"prov.example:8667".as_slice()));

    assert_eq!(request(GOOD[2]).path, b"//SEP00562B043615.cnf.xml");
    assert_eq!(request(GOOD[3]).version, Version::Http10);
    assert!(!request(GOOD[3]).keep_alive);
    assert_eq!(request(GOOD[4]).range, Some(b"bytes=0-1023".as_slice()));
    assert_eq!(request(GOOD[5]).body, BodyLength::Bytes(11));
    assert_eq!(request(GOOD[6]).body, BodyLength::Chunked);
    assert_eq!(request(GOOD[9]).if_none_match, Some(b"\"5d41402a\"".as_slice()));
    assert!(request(GOOD[10]).keep_alive);
    assert_eq!(request(GOOD[11]).path, b"/gr\xfcn\xff.cfg");
    assert_eq!(request(GOOD[11]).agent, None);
    assert_eq!(request(GOOD[12]).path, b"*");
    assert_eq!(request(GOOD[12]).forwarded_for, Some(b"192.0.2.2".as_slice()));
    assert!(request(GOOD[13]).expect_continue);
    assert_eq!(request(GOOD[14]).path, b"/");
    assert_eq!(request(GOOD[14]).host, Some(b"Prov:80".as_slice()));
    assert_eq!(request(GOOD[15]).host, None);
    assert_eq!(request(GOOD[16]).method, Method::Other);
    assert_eq!(request(GOOD[16]).body, BodyLength::Empty);
}

#[test]
fn a_short_form_is_part_of_the_head() {
    let posted = |method: &str, fields: &str, form: &str| {
        let length = form.len();
        format!("{method} /a HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n{fields}\r\n{form}")
    };
    let kind = "content-type: Application/X-WWW-Form-Urlencoded\r\n";
    let input = posted("POST", kind, "uuid=a&b=c");
    let whole = request(input.as_bytes());
    assert_eq!((whole.form, whole.body), (Some(b"uuid=a&b=c".as_slice()), BodyLength::Empty));
    let (long, longest) = ("x".repeat(FORM_BYTES_MAX + 1), "x".repeat(FORM_BYTES_MAX));
    assert!(request(posted("POST", kind, &longest).as_bytes()).form.is_some());
    for content in [
        posted("PUT", kind, "uuid=a"),
        posted("POST", "Content-Type: text/plain\r\n", "uuid=a"),
        posted("POST", "", "uuid=a"),
        posted("POST", &format!("Expect: 100-continue\r\n{kind}"), "uuid=a"),
        posted("POST", kind, &long),
    ] {
        let request = request(content.as_bytes());
        assert!(request.form.is_none() && request.body != BodyLength::Empty, "{content}");
    }
}

#[test]
fn control_characters_do_not_lose_a_phone() {
    assert_eq!(request(GOOD[7]).agent, Some(b"AVAYA/SIP12x0\x17/04.00.04.00".as_slice()));
    assert_eq!(request(GOOD[8]).agent, Some(b"\xff\x80AVAYA/SIP12x0\x7f\x01".as_slice()));
    // All but NUL, CR and LF, in an agent between other fields.
    let mut input = b"GET /a HTTP/1.1\r\nRange: bytes=1-\r\nUSER-AGENT: x".to_vec();
    let agent: Vec<u8> = (1..=255).filter(|byte| !b"\r\n".contains(byte)).collect();
    input.extend_from_slice(&agent);
    input.extend_from_slice(b"\r\nHost: a\r\n\r\n");
    let request = request(&input);
    assert_eq!(request.agent, Some([b"x".as_slice(), &agent].concat().as_slice()));
    assert_eq!(request.range, Some(b"bytes=1-".as_slice()));
    assert_eq!(request.host, Some(b"a".as_slice()));
}

#[test]
fn a_field_said_twice_says_nothing_certain() {
    let twice = |name: &str| {
        format!("GET / HTTP/1.1\r\nHost: a\r\n{name}: b\r\n{name}: c\r\n\r\n").into_bytes()
    };
    assert_eq!(request(&twice("Range")).range, Some(b"".as_slice()));
    assert_eq!(request(&twice("If-Range")).if_range, Some(b"".as_slice()));
    assert_eq!(request(&twice("If-Modified-Since")).if_modified_since, Some(b"".as_slice()));
    assert_eq!(request(&twice("If-None-Match")).if_none_match, Some(b"b".as_slice()));
    assert_eq!(request(&twice("User-Agent")).agent, Some(b"b".as_slice()));
    assert_eq!(request(&twice("X-Forwarded-For")).forwarded_for, Some(b"c".as_slice()));
}

#[test]
fn the_connection_field_is_a_list() {
    let cases = [
        ("HTTP/1.1", "", true),
        ("HTTP/1.1", "Connection: Close\r\n", false),
        ("HTTP/1.1", "Connection: te , close\r\n", false),
        ("HTTP/1.1", "Connection: te\r\nConnection: close\r\n", false),
        ("HTTP/1.1", "Connection: closed\r\n", true),
        ("HTTP/1.0", "", false),
        ("HTTP/1.0", "Connection: Keep-Alive\r\n", true),
        ("HTTP/1.0", "Connection: keep-alive, close\r\n", false),
    ];
    for (version, fields, keep_alive) in cases {
        let input = format!("GET / {version}\r\nHost: a\r\n{fields}\r\n");
        assert_eq!(request(input.as_bytes()).keep_alive, keep_alive, "{input}");
        let after = if keep_alive { After::Keep } else { After::Close };
        let outcomes = converse_in_every_cut(input.as_bytes());
        assert!(matches!(&outcomes[0], Outcome::Answered(_, found) if *found == after), "{input}");
    }
}

#[test]
fn each_refusal_has_its_status() {
    let status = |input: &[u8]| parse(input).map_err(Status::from).map(|_| ()).unwrap_err();
    assert_eq!(status(b"GET / HTTP/1.1\r\n\r\n"), Status::BadRequest);
    assert_eq!(status(b"PRI * HTTP/2.0\r\n\r\n"), Status::VersionNotSupported);
    let coded = b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: br, chunked\r\n\r\n";
    assert_eq!(status(coded), Status::NotImplemented);
    let expecting = b"PUT / HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\n\r\n";
    assert_eq!(status(expecting), Status::ExpectationFailed);
}
