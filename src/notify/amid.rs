//! wazo-amid stands before Asterisk: one HTTP request for each NOTIFY (spec section 7.6).

use serde_json::{Map, Value, json};
use std::sync::Arc;
use ureq::Agent;

use super::{Notify, NotifyError, Way};
use crate::limits;

/// Gives the token that wazo-amid is shown now, where there is one.
pub type Token = Arc<dyn Fn() -> Option<String> + Send + Sync>;

/// A client of wazo-amid.
pub struct Amid {
    agent: Agent,
    url: String,
    token: Token,
}

impl Amid {
    /// For the server whose URL begins so.
    pub fn new(base: &str, token: Token) -> Amid {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            // A proxy of the environment is for the world outside.
            .proxy(None)
            .timeout_connect(Some(limits::NOTIFY_CONNECT_TIME_MAX))
            .timeout_global(Some(limits::NOTIFY_ANSWER_TIME_MAX))
            .user_agent(concat!("ringboot/", env!("CARGO_PKG_VERSION")))
            .build();
        let url = format!("{}/1.0/action/PJSIPNotify", base.trim_end_matches('/'));
        Amid { agent: Agent::new_with_config(config), url, token }
    }
}

impl Way for Amid {
    fn send(&self, notify: &Notify) -> Result<(), NotifyError> {
        let mut request = self.agent.post(&self.url).header("Content-Type", "application/json");
        if let Some(token) = (self.token)() {
            request = request.header("X-Auth-Token", token);
        }
        let unreachable = |error: ureq::Error| {
            NotifyError::Unreachable(format!("wazo-amid at {}: {error}", self.url))
        };
        let mut response =
            request.send(body(notify).to_string().as_bytes()).map_err(unreachable)?;
        let status = response.status();
        let body = response.body_mut().with_config().limit(limits::NOTIFY_ANSWER_BYTES_MAX);
        let text = body.read_to_vec().map_err(unreachable)?;
        if status != 200 {
            return Err(NotifyError::Refused(format!("wazo-amid answers {status}")));
        }
        check(&text)
    }
}

fn body(notify: &Notify) -> Value {
    let (key, peer) = notify.peer.parameter();
    let mut body = Map::new();
    body.insert("Variable".to_owned(), json!(notify.variables().collect::<Vec<_>>()));
    body.insert(key.to_owned(), peer.into());
    Value::Object(body)
}

/// The answer is the list of what Asterisk said; one refusal is enough.
fn check(text: &[u8]) -> Result<(), NotifyError> {
    let Ok(Value::Array(said)) = serde_json::from_slice(text) else {
        return Err(NotifyError::Refused("wazo-amid's answer is no list".to_owned()));
    };
    match said.iter().find(|one| one["Response"] == "Error") {
        None => Ok(()),
        Some(one) => {
            let message = one["Message"].as_str().unwrap_or("without a reason");
            Err(NotifyError::Refused(message.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Peer;
    use super::*;
    use crate::plugin::Event;

    #[test]
    fn the_body_is_the_predecessors() {
        let event = Event { name: "check-sync".to_owned(), variables: vec!["a=b".to_owned()] };
        let notify = Notify { peer: Peer::Endpoint("anonymous".to_owned()), event };
        let wanted = r#"{"Variable":["Event=check-sync","a=b"],"Endpoint":"anonymous"}"#;
        assert_eq!(body(&notify).to_string(), wanted);
    }

    #[test]
    fn one_refusal_is_enough() {
        assert!(check(b"[]").is_ok());
        assert!(check(br#"[{"Response":"Success"},{"Event":"x"}]"#).is_ok());
        let text = br#"[{"Response":"Success"},{"Response":"Error","Message":"no peer"}]"#;
        assert_eq!(check(text).expect_err("a refusal").to_string(), "refused: no peer");
        assert!(check(b"{}").is_err());
        assert!(check(b"<html>").is_err());
    }
}
