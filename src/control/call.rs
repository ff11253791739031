//! A request that has passed all checks, as handlers see it.

use axum::http::StatusCode;
use serde_json::Value;
use std::sync::Arc;

use super::Api;
use super::answer::Answer;
use super::find::Params;
use super::guard::{Caller, owner};
use crate::device::{Device, Document, Revision, Stale};
use crate::limits;
use crate::url::{decode, segment};
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

/// Makes a change that rests on a document's state, anew where somebody else changes it meanwhile.
///
/// # Errors
/// The answer to a change that was not taken.
pub fn settle<T>(
    mut change: impl FnMut() -> Result<Result<T, Refusal>, Answer>,
) -> Result<T, Answer> {
    for _ in 0..limits::DECISIONS_MAX {
        match change()? {
            Err(Refusal::Stale(Stale)) => {}
            Err(refusal) => return Err(refused(&refusal, StatusCode::INTERNAL_SERVER_ERROR)),
            Ok(stored) => return Ok(stored),
        }
    }
    Err(unavailable(&Stale))
}

/// It cannot be done now; the client may ask again.
pub fn unavailable(reason: &impl ToString) -> Answer {
    Answer::text(StatusCode::SERVICE_UNAVAILABLE, reason.to_string())
}
