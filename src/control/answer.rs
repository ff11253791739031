//! Answers: what a handler says, and how it goes out: media types, pages, texts, fixed headers.

use axum::body::Body;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ALLOW, CONTENT_TYPE, ETAG,
    HeaderName, LOCATION, SERVER,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use serde::Serialize;

use super::json;
use super::trace::Feed;

/// The media type of all documents.
pub const MEDIA_TYPE: &str = "application/vnd.proformatique.provd+json";

/// What a request may fail with is an answer too.
pub type Outcome = Result<Answer, Answer>;

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    kind: &'static str,
    body: Vec<u8>,
    /// Goes over the body: lines that come as they come.
    feed: Option<Box<Feed>>,
    /// At most a few: location, entity tag, allowed methods.
    headers: Vec<(HeaderName, HeaderValue)>,
}

const HTML: &str = "text/html";
const JSON_LINES: &str = "application/x-ndjson";

/// On every answer, in this order.
const FIXED: [(HeaderName, &str); 6] = [
    (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    (ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, PUT, DELETE, OPTIONS"),
    (
        ACCESS_CONTROL_ALLOW_HEADERS,
        "Origin, X-Requested-With, Accept, Content-Type, X-Auth-Token, Wazo-Tenant",
    ),
    (ACCESS_CONTROL_ALLOW_CREDENTIALS, "false"),
    (ACCESS_CONTROL_EXPOSE_HEADERS, "Location"),
    (SERVER, concat!("ringboot/", env!("CARGO_PKG_VERSION"))),
];

impl Answer {
    /// 200 with a document.
    pub fn json(value: &impl Serialize) -> Answer {
        Answer::of(StatusCode::OK, MEDIA_TYPE, json::write(value))
    }

    /// 200 with a text of another type.
    pub fn other(kind: &'static str, body: String) -> Answer {
        Answer::of(StatusCode::OK, kind, body.into_bytes())
    }

    /// 200 with lines of JSON, as they come.
    pub fn lines(feed: Feed) -> Answer {
        Answer { feed: Some(Box::new(feed)), ..Answer::of(StatusCode::OK, JSON_LINES, Vec::new()) }
    }

    /// 200 without a body: what OPTIONS gets on any path.
    pub fn empty() -> Answer {
        Answer::of(StatusCode::OK, HTML, Vec::new())
    }

    /// 201 with the new thing's place and a document that names it.
    pub fn created(location: &str, value: &impl Serialize) -> Answer {
        let answer = Answer::of(StatusCode::CREATED, MEDIA_TYPE, json::write(value));
        answer.with(LOCATION, location)
    }

    /// 201 with the place of an operation that was begun.
    pub fn begun(location: &str) -> Answer {
        Answer::of(StatusCode::CREATED, HTML, Vec::new()).with(LOCATION, location)
    }

    /// 204.
    pub fn done() -> Answer {
        Answer::of(StatusCode::NO_CONTENT, "", Vec::new())
    }

    /// An error that is told in a line of text.
    pub fn text(status: StatusCode, message: impl Into<String>) -> Answer {
        let message = message.into();
        let is_ascii = message.is_ascii();
        let kind = if is_ascii { "text/plain; charset=ascii" } else { "text/plain; charset=utf-8" };
        Answer::of(status, kind, message.into_bytes())
    }

    /// 400 with the reason.
    pub fn bad(message: impl Into<String>) -> Answer {
        Answer::text(StatusCode::BAD_REQUEST, message)
    }

    /// There is nothing of that name, or nothing that the caller may see.
    pub fn no_such() -> Answer {
        Answer::text(StatusCode::NOT_FOUND, "No such resource")
    }

    /// There is no such path.
    pub fn no_path() -> Answer {
        Answer::page(StatusCode::NOT_FOUND, "No Such Resource", "No such child resource.")
    }

    /// The path has not this method.
    pub fn no_method(path: &str, method: &str, allowed: &[&str]) -> Answer {
        let allowed = allowed.join(", ");
        let detail =
            format!("{} has no method {}. It has: {allowed}.", escape(path), escape(method));
        let brief = "Method Not Allowed";
        Answer::page(StatusCode::METHOD_NOT_ALLOWED, brief, &detail).with(ALLOW, &allowed)
    }

    /// The caller is not known, or may not do this.
    pub fn unauthorized() -> Answer {
        Answer::of(StatusCode::UNAUTHORIZED, HTML, b"Unauthorized".to_vec())
    }

    /// A document that has not the shape it must have, or a failure of our own.
    pub fn failed() -> Answer {
        let text = "Processing Failed";
        let page =
            format!("<html><head><title>{text}</title></head><body><b>{text}</b></body></html>");
        Answer::of(StatusCode::INTERNAL_SERVER_ERROR, HTML, page.into_bytes())
    }

    /// The same answer with the document's entity tag.
    #[must_use]
    pub fn tagged(self, tag: &str) -> Answer {
        self.with(ETAG, tag)
    }

    fn page(status: StatusCode, brief: &str, detail: &str) -> Answer {
        let code = status.as_u16();
        let page = format!(
            "\n<html>\n  <head><title>{code} - {brief}</title></head>\n  <body>\n    \
             <h1>{brief}</h1>\n    <p>{detail}</p>\n  </body>\n</html>\n"
        );
        Answer::of(status, "text/html; charset=utf-8", page.into_bytes())
    }

    fn of(status: StatusCode, kind: &'static str, body: Vec<u8>) -> Answer {
        Answer { status, kind, body, feed: None, headers: Vec::new() }
    }

    fn with(mut self, name: HeaderName, value: &str) -> Answer {
        let value = HeaderValue::from_str(value).expect("invariant: it is made of visible ASCII");
        self.headers.push((name, value));
        self
    }

    /// The response, fixed headers first.
    pub fn into_response(self) -> Response {
        let body = self.feed.map_or_else(|| Body::from(self.body), |feed| Body::new(*feed));
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.reserve(FIXED.len() + self.headers.len() + 3);
        for (name, value) in FIXED {
            headers.insert(name, HeaderValue::from_static(value));
        }
        if !self.kind.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.kind));
        }
        headers.extend(self.headers.into_iter().map(|(name, value)| (Some(name), value)));
        response
    }
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_the_known_ones() {
        assert_eq!(Answer::no_path().body.len(), 153);
        assert_eq!(Answer::failed().body.len(), 95);
        assert_eq!(Answer::unauthorized().body, b"Unauthorized");
    }
}
