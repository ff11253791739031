//! A request that has passed all checks, as handlers see it.

use axum::http::StatusCode;
use serde_json::Value;
use std::sync::Arc;

use super::Api;
use super::answer::{Answer, segment};
use super::find::Params;
use super::guard::{Caller, owner};
use crate::device::{Device, Document, Revision};
use crate::world::{Refusal, World};

/// What is asked, by whom.
pub struct Call {
    /// What handlers share.
    pub api: Arc<Api>,
    /// Who asks.
    pub caller: Caller,
    /// The path as it was received, without query.
    pub path: String,
    /// The names in the path, decoded.
    pub names: Vec<(String, String)>,
    /// What stands behind `?`.
    pub query: String,
    /// The document that came with it; null where none is due.
    pub body: Value,
    /// What the client believes the document's entity tag to be.
    pub if_match: Option<String>,
}

impl Call {
    /// Devices, configurations, plugins.
    pub fn world(&self) -> &World {
        self.api.world()
    }

    /// A name of the path.
    pub fn name(&self, key: &str) -> &str {
        let mut names = self.names.iter();
        names.find(|(name, _)| name == key).map_or("", |(_, value)| value)
    }

    /// An object of the body.
    ///
    /// # Errors
    /// The answer to a body of another shape.
    pub fn object(&self, key: &str) -> Result<Document, Answer> {
        match self.body.get(key) {
            Some(Value::Object(object)) => Ok(object.clone()),
            _ => Err(Answer::failed()),
        }
    }

    /// The `id` of a body that holds nothing else.
    ///
    /// # Errors
    /// The answer to one without.
    pub fn id(&self) -> Result<String, Answer> {
        match self.body.get("id") {
            Some(Value::String(id)) => Ok(id.clone()),
            Some(other) => Ok(other.to_string()),
            None => Err(Answer::bad("Missing \"id\" key")),
        }
    }

    /// The path of a child of this one.
    pub fn child(&self, name: &str) -> String {
        format!("{}/{}", self.path, segment(name))
    }

    /// The tenant that new devices belong to.
    pub fn master(&self) -> String {
        self.world().settings().master_tenant.to_string()
    }

    /// Whether the caller's tenant is the device's or lies above it.
    pub fn may_see(&self, device: &Device) -> bool {
        self.caller.subtree.has(owner(device, &self.master()))
    }

    /// The entity tag of a document at this revision.
    pub fn tag(&self, revision: Revision) -> String {
        format!("\"{}-{}\"", self.api.epoch, revision.0)
    }

    /// Whether the document is still what the client believes it to be (RFC 9110 section 13.1.1).
    ///
    /// # Errors
    /// 412.
    pub fn check_match(&self, revision: Revision) -> Result<(), Answer> {
        let Some(tags) = &self.if_match else { return Ok(()) };
        let mine = self.tag(revision);
        if tags.split(',').map(str::trim).any(|tag| tag == "*" || tag == mine) {
            return Ok(());
        }
        let text = "The document has changed meanwhile.";
        Err(Answer::text(StatusCode::PRECONDITION_FAILED, text))
    }

    /// What a list is asked for.
    ///
    /// # Errors
    /// The answer to a selector that is none.
    pub fn params(&self) -> Result<Params, Answer> {
        Params::parse(&self.pairs()).map_err(|error| Answer::bad(error.to_string()))
    }

    /// Keys and values of the query, decoded.
    pub fn pairs(&self) -> Vec<(String, String)> {
        let parts = self.query.split('&').filter(|part| !part.is_empty());
        let pairs = parts.map(|part| part.split_once('=').unwrap_or((part, "")));
        pairs.map(|(key, value)| (decode(key), decode(value))).collect()
    }
}

/// What an operator's change that was not taken is answered with; `status` where the document is
/// the reason.
pub fn refused(refusal: &Refusal, status: StatusCode) -> Answer {
    match refusal {
        Refusal::Unknown(_) => Answer::no_such(),
        Refusal::Exists(_) => Answer::text(status, refusal.to_string()),
        Refusal::NotDeletable(_) => Answer::text(StatusCode::FORBIDDEN, refusal.to_string()),
        Refusal::Stale(_) | Refusal::Store(_) => unavailable(refusal),
    }
}

/// It cannot be done now; the client may ask again.
pub fn unavailable(reason: &impl ToString) -> Answer {
    Answer::text(StatusCode::SERVICE_UNAVAILABLE, reason.to_string())
}

/// A part of a query: `+` is a blank, `%XX` a byte (what is none stays as it is).
fn decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        let code = behind.get(..2).and_then(|code| std::str::from_utf8(code).ok());
        let code = code.filter(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()));
        rest = behind;
        match (byte, code.and_then(|code| u8::from_str_radix(code, 16).ok())) {
            (b'+', _) => out.push(b' '),
            (b'%', Some(byte)) => {
                out.push(byte);
                rest = &behind[2..];
            }
            _ => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_decoded() {
        assert_eq!(decode("%7B%22a%22:+1%7d%"), "{\"a\": 1}%");
        assert_eq!(decode("%C3%A9%+1%é"), "é% 1%é");
    }
}
