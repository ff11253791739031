//! One call of wazo-auth's, and what its answer means: yes, no, or that there is none.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::io;
use ureq::http::{Response, StatusCode};
use ureq::{Agent, Body};

use super::Trust;
use crate::device::Text;
use crate::limits;
use crate::time::Duration;
use crate::url::escape;

/// A client of wazo-auth's API 0.1.
#[derive(Debug)]
pub struct Client {
    agent: Agent,
    base: String,
}

/// Why there is no answer.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Failure {
    /// We have no token of our own yet.
    #[error("there is no token of our own yet")]
    NoToken,
    /// It did not answer in time just now, and nobody asks for a moment.
    #[error("it did not answer a moment ago")]
    Pause,
    /// It did not answer in time.
    #[error("it does not answer in time")]
    Timeout,
    /// It cannot be reached.
    #[error("{0}")]
    Unreachable(String),
    /// It answered with a status that means neither yes nor no.
    #[error("{call} was answered with {status}")]
    Status {
        /// What was asked.
        call: &'static str,
        /// The status.
        status: u16,
    },
    /// Its answer has not the form that it should have.
    #[error("{0} was answered with a document of another form")]
    Form(&'static str),
}

impl Client {
    /// A client of the server at this URL. Each call is a connection of its own, as the
    /// predecessor's; the environment's proxies are not for it.
    pub fn new(url: &str, timeout: Duration, trust: &Trust) -> Client {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .max_idle_connections(0)
            .timeout_global(Some(timeout))
            .tls_config(trust.config())
            .user_agent(concat!("ringboot/", env!("CARGO_PKG_VERSION")))
            .build();
        let base = format!("{}/0.1", url.trim_end_matches('/'));
        Client { agent: Agent::new_with_config(config), base }
    }

    /// A new token for a service (spec section 7.2).
    ///
    /// # Errors
    /// [`Failure`].
    pub fn create_token(&self, who: (&str, &str), valid: Duration) -> Result<String, Failure> {
        const CALL: &str = "POST /token";
        let basic = STANDARD.encode(format!("{}:{}", who.0, who.1));
        let request = self.agent.post(format!("{}/token", self.base));
        let request = request
            .header("Authorization", format!("Basic {basic}"))
            .header("Content-Type", "application/json");
        let response = request.send(json!({"expiration": valid.as_secs()}).to_string());
        let response = response.map_err(failure)?;
        if response.status() != StatusCode::OK {
            return Err(Failure::Status { call: CALL, status: response.status().as_u16() });
        }
        let document = document(response, CALL)?;
        let token = document.pointer("/data/token").and_then(Value::as_str);
        token.map(ToOwned::to_owned).ok_or(Failure::Form(CALL))
    }

    /// The tenant of a token; none where the token is not valid, or has no tenant.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn owner(&self, own: &str, token: &str) -> Result<Option<Text>, Failure> {
        const CALL: &str = "GET /token";
        let request = self.agent.get(format!("{}/token/{}", self.base, escape(token)));
        let response = request.header("X-Auth-Token", own).call().map_err(failure)?;
        if !is_yes(&response, CALL)? {
            return Ok(None);
        }
        let document = document(response, CALL)?;
        let tenant = document.pointer("/data/metadata/tenant_uuid").and_then(Value::as_str);
        Ok(tenant.map(Text::from))
    }

    /// Whether a token is valid, has this access, and may act for this tenant.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn may(
        &self,
        own: &str,
        token: &str,
        scope: Option<&str>,
        tenant: Option<&str>,
    ) -> Result<bool, Failure> {
        let mut url = format!("{}/token/{}", self.base, escape(token));
        let parts = [("scope", scope), ("tenant", tenant)];
        let parts = parts.into_iter().filter_map(|(key, value)| Some((key, value?)));
        for (sign, (key, value)) in ['?', '&'].into_iter().zip(parts) {
            url += &format!("{sign}{key}={}", escape(value));
        }
        let response = self.agent.head(url).header("X-Auth-Token", own).call();
        is_yes(&response.map_err(failure)?, "HEAD /token")
    }

    /// All tenants that a token sees, or those from one down; none where the token is refused.
    ///
    /// # Errors
    /// [`Failure`], also where the answer says that there are more than it names.
    pub fn tenants(&self, own: &str, from: Option<&str>) -> Result<Option<Vec<Text>>, Failure> {
        const CALL: &str = "GET /tenants";
        let mut request = self.agent.get(format!("{}/tenants", self.base));
        request = request.header("X-Auth-Token", own);
        if let Some(from) = from {
            request = request.header("Wazo-Tenant", from);
        }
        let response = request.call().map_err(failure)?;
        match response.status().as_u16() {
            200 => {}
            401 => return Ok(None),
            status => return Err(Failure::Status { call: CALL, status }),
        }
        let document = document(response, CALL)?;
        let wrong = Failure::Form(CALL);
        let items = document.get("items").and_then(Value::as_array).ok_or(wrong.clone())?;
        let name = |item: &Value| item.get("uuid")?.as_str().map(Text::from);
        let names = items.iter().map(name).collect::<Option<Vec<_>>>().ok_or(wrong.clone())?;
        let told = document.get("filtered").or_else(|| document.get("total"));
        let is_cut = told.is_some_and(|told| told.as_u64() != Some(names.len() as u64));
        if is_cut { Err(wrong) } else { Ok(Some(names)) }
    }
}

/// Whether a status says yes or no (spec section 7.1).
fn is_yes(response: &Response<Body>, call: &'static str) -> Result<bool, Failure> {
    match response.status().as_u16() {
        200..=204 => Ok(true),
        400 | 403 | 404 => Ok(false),
        status => Err(Failure::Status { call, status }),
    }
}

fn document(response: Response<Body>, call: &'static str) -> Result<Value, Failure> {
    let body = response.into_body().into_with_config().limit(limits::WAZO_BODY_BYTES_MAX);
    let text = body.read_to_vec().map_err(failure)?;
    serde_json::from_slice(&text).map_err(|_| Failure::Form(call))
}

fn failure(error: ureq::Error) -> Failure {
    match error {
        ureq::Error::Timeout(_) => Failure::Timeout,
        ureq::Error::Io(error) if error.kind() == io::ErrorKind::TimedOut => Failure::Timeout,
        error => Failure::Unreachable(error.to_string()),
    }
}
