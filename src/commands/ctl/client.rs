//! A client of the REST API: an answer is a document, or an error that says whose fault it was.

use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use ureq::http::{Request, Response, header};
use ureq::{Agent, Body};

use ringboot::limits;

/// What has an exit code of its own.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// There is no such thing.
    #[error("{0}")]
    Nothing(String),
    /// The server does not answer.
    #[error("{0}")]
    Unreachable(String),
}

/// A server and who asks.
pub struct Client {
    agent: Agent,
    url: String,
    token: Option<String>,
    tenant: Option<String>,
}

/// An answer that is none of an error.
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// Names the state of the document.
    pub etag: Option<String>,
    /// Where what was made is.
    pub location: Option<String>,
    /// The body.
    pub text: String,
}

const MEDIA_TYPE: &str = "application/json";

impl Client {
    /// A client; what is not given is taken from the environment.
    pub fn new(
        url: Option<String>,
        token: Option<String>,
        token_file: Option<&Path>,
        tenant: Option<String>,
    ) -> Result<Client> {
        let or = |given: Option<String>, name: &str| given.or_else(|| env::var(name).ok());
        let url = or(url, "RINGBOOT_URL").unwrap_or_else(|| "http://127.0.0.1:8666".to_owned());
        let token = match token_file {
            Some(file) => {
                let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
                Some(text.trim().to_owned())
            }
            None => or(token, "RINGBOOT_TOKEN"),
        };
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .max_redirects(0)
            .timeout_connect(Some(limits::FETCH_CONNECT_TIME_MAX))
            .timeout_recv_response(Some(limits::FETCH_SILENCE_MAX))
            .timeout_per_read(Some(limits::FETCH_SILENCE_MAX))
            .build();
        let (agent, url) = (Agent::new_with_config(config), url.trim_end_matches('/').to_owned());
        Ok(Client { agent, url, token, tenant: or(tenant, "RINGBOOT_TENANT") })
    }

    /// The document at a path; none where there is no such thing.
    pub fn get(&self, path: &str) -> Result<Option<Value>> {
        Ok(self.read(path)?.map(|(document, _)| document))
    }

    /// The same with what names its state.
    pub fn read(&self, path: &str) -> Result<Option<(Value, Option<String>)>> {
        let reply = self.ask("GET", path, None, None)?;
        if reply.status == 404 {
            return Ok(None);
        }
        let reply = reply.good(path)?;
        let document = serde_json::from_str(&reply.text)
            .with_context(|| format!("{}{path}: this is no REST API of ringboot", self.url))?;
        Ok(Some((document, reply.etag)))
    }

    /// Hands over the lines that come, as they come; empty ones say that there is nothing new.
    pub fn lines(&self, path: &str, mut take: impl FnMut(&str)) -> Result<()> {
        let mut answer = self.send("GET", path, None, None)?;
        if answer.status() != 200 {
            read(answer)?.good(path)?;
            bail!("{path}: this is no stream of lines");
        }
        for line in BufReader::new(answer.body_mut().as_reader()).lines() {
            let line = line.map_err(|error| Failure::Unreachable(format!("{path}: {error}")))?;
            if !line.is_empty() {
                take(&line);
            }
        }
        Ok(())
    }

    /// Asks anything. Statuses are the caller's to judge; 401 and a server that is not there are
    /// errors.
    pub fn ask(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        if_match: Option<&str>,
    ) -> Result<Reply> {
        read(self.send(method, path, body, if_match)?)
    }

    fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        if_match: Option<&str>,
    ) -> Result<Response<Body>> {
        let url = format!("{}{path}", self.url);
        let mut request = Request::builder().method(method).uri(&url);
        for (name, value) in [
            ("X-Auth-Token", self.token.as_deref()),
            ("Wazo-Tenant", self.tenant.as_deref()),
            ("If-Match", if_match),
            ("Accept", Some("application/json, text/plain;q=0.5, */*;q=0.1")),
            ("Content-Type", body.map(|_| MEDIA_TYPE)),
        ] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        let answered = match body {
            Some(body) => self.agent.run(request.body(body.to_string()).context(url.clone())?),
            None => self.agent.run(request.body(()).context(url.clone())?),
        };
        let answer = answered.map_err(|error| Failure::Unreachable(format!("{url}: {error}")))?;
        if answer.status() == 401 {
            bail!("{url}: the token is missing or not valid, or does not give this access");
        }
        Ok(answer)
    }
}

fn read(mut answer: Response<Body>) -> Result<Reply> {
    let field = |name| answer.headers().get(name)?.to_str().ok().map(ToOwned::to_owned);
    let (etag, location) = (field(header::ETAG), field(header::LOCATION));
    let status = answer.status().as_u16();
    Ok(Reply { status, etag, location, text: whole(answer.body_mut())? })
}

fn whole(body: &mut Body) -> Result<String> {
    let bound = limits::CTL_BODY_BYTES_MAX;
    Ok(body.with_config().limit(bound).lossy_utf8(true).read_to_string()?)
}

impl Reply {
    /// The same, where it is one of success.
    pub fn good(self, path: &str) -> Result<Reply> {
        if (200..300).contains(&self.status) {
            return Ok(self);
        }
        let is_page = self.text.trim_start().starts_with('<');
        let text = if is_page { "" } else { self.text.trim() };
        match (self.status, text) {
            (404, "") => bail!(Failure::Nothing(format!("the server has no {path}"))),
            (404, text) => bail!(Failure::Nothing(format!("{path}: {text}"))),
            (status, "") => bail!("{path}: status {status}"),
            (_, text) => bail!("{text}"),
        }
    }
}
