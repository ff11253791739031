//! A wazo-auth on loopback that does what it is told, and remembers what it was asked.

use ringboot::control::{Guard, Keeping};
use ringboot::time::{self, Duration};
use ringboot::wazo::{Access, Session, Trust};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::json;
use socket2::{Domain, Socket, Type};
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

/// Our own tenant, above all others.
pub const TOP: &str = "70000000-0000-4000-8000-000000000000";
/// A tenant below it, and one below that.
pub const T1: &str = "70000000-0000-4000-8000-000000000001";
/// The one below `T1`.
pub const T2: &str = "70000000-0000-4000-8000-000000000002";

/// How it answers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// As wazo-auth does.
    Serve,
    /// With this status.
    Status(u16),
    /// Not at all, for longer than anybody waits.
    Silent,
    /// By closing the connection.
    Close,
    /// Lists of tenants are empty.
    NoTenants,
    /// Lists of tenants are cut in the middle of what they say there is.
    HalfTenants,
}

/// The server; its thread ends with the test's process.
pub struct Wazo {
    scheme: &'static str,
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

/// What it knows.
pub struct State {
    /// How it answers.
    pub act: Act,
    /// Tokens, and their tenants.
    pub tokens: Vec<(String, &'static str)>,
    /// Tenants, and those above them.
    pub tenants: Vec<(&'static str, &'static str)>,
    /// Accesses that are refused; none: all of them.
    pub refused: Option<Vec<String>>,
    calls: Vec<String>,
    made: usize,
}

impl Wazo {
    /// One with tokens `top`, `one` and `two` of the three tenants.
    pub fn new() -> Wazo {
        Wazo::start(None)
    }

    /// The same by https.
    pub fn secure(config: Arc<ServerConfig>) -> Wazo {
        Wazo::start(Some(config))
    }

    fn start(secure: Option<Arc<ServerConfig>>) -> Wazo {
        let scheme = if secure.is_some() { "https" } else { "http" };
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        socket.listen(64).unwrap();
        let address = socket.local_addr().unwrap().as_socket().unwrap();
        let tokens = [("top", TOP), ("one", T1), ("two", T2)];
        let state = State {
            act: Act::Serve,
            tokens: tokens.map(|(token, tenant)| (token.to_owned(), tenant)).into(),
            tenants: vec![(TOP, ""), (T1, TOP), (T2, T1)],
            refused: Some(Vec::new()),
            calls: Vec::new(),
            made: 0,
        };
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            while let Ok((peer, _)) = socket.accept() {
                let (shared, secure) = (Arc::clone(&shared), secure.clone());
                // A client that goes away is the test's business.
                thread::spawn(move || match secure {
                    None => drop(answer(peer, &shared)),
                    Some(config) => {
                        let connection = ServerConnection::new(config).unwrap();
                        drop(answer(StreamOwned::new(connection, peer), &shared));
                    }
                });
            }
        });
        Wazo { scheme, address, state }
    }

    /// What it knows.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Answers so from now on.
    pub fn act(&self, act: Act) {
        self.state().act = act;
    }

    /// What it was asked since the last look, without what the server asks for itself.
    pub fn calls(&self) -> Vec<String> {
        let calls = std::mem::take(&mut self.state().calls);
        calls
            .into_iter()
            .filter(|call| !call.contains("/own-") && !call.starts_with("POST"))
            .collect()
    }

    /// How often a token of our own was made.
    pub fn made(&self) -> usize {
        self.state().made
    }

    /// How it is reached; answers are kept for so long.
    pub fn access(&self, cache: Duration) -> Access {
        Access {
            url: format!("{}://{}", self.scheme, self.address),
            trust: Trust::Public,
            service_id: "ringboot".to_owned(),
            service_key: "secret".to_owned(),
            timeout: Duration::from_millis(500),
            cache,
            token_time: Duration::from_secs(3600),
        }
    }

    /// A guard that asks it, and does not wait long with anything.
    pub fn guard(&self, cache: Duration) -> Guard {
        guard(self.access(cache))
    }
}

/// A guard with this access.
pub fn guard(access: Access) -> Guard {
    let keeping = Keeping {
        stand_in: Some(crate::site::MASTER.into()),
        spared: crate::site::MASTER.into(),
        sweep_start: Duration::from_millis(1),
        sweep_interval: Duration::ZERO,
        bus: None,
    };
    Guard::WazoAuth { session: Arc::new(Session::new(access)), keeping }
}

/// Asks every 20 ms until it is so.
pub fn eventually(what: &str, mut is: impl FnMut() -> bool) {
    let until = time::now() + Duration::from_secs(20);
    while !is() {
        assert!(time::now() < until, "{what}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn answer(mut peer: impl Read + Write, state: &Mutex<State>) -> io::Result<()> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    let end = loop {
        let read = peer.read(&mut chunk)?;
        bytes.extend_from_slice(&chunk[..read]);
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        match end {
            Some(end) => break end,
            None if read == 0 => return Ok(()),
            None => {}
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let field = |name: &str| {
        let mut fields = head.lines().filter_map(|line| line.split_once(": "));
        fields.find(|(key, _)| key.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
    };
    let length = field("content-length").parse().unwrap_or(0);
    while bytes.len() < end + 4 + length {
        let read = peer.read(&mut chunk)?;
        bytes.extend_from_slice(&chunk[..read]);
    }
    let line = head.lines().next().unwrap().trim_end_matches(" HTTP/1.1").to_owned();
    let mut state = state.lock().unwrap();
    let tenant = field("wazo-tenant");
    let call = if tenant.is_empty() { line.clone() } else { format!("{line} ({tenant})") };
    state.calls.push(call);
    let (status, body) = match state.act {
        Act::Status(status) => (status, String::new()),
        Act::Close => return Ok(()),
        Act::Silent => {
            drop(state);
            thread::sleep(Duration::from_secs(3));
            return Ok(());
        }
        _ => {
            let basic = field("authorization") == "Basic cmluZ2Jvb3Q6c2VjcmV0";
            let is_own = field("x-auth-token") == format!("own-{}", state.made);
            state.serve(&line, tenant, (basic, is_own))
        }
    };
    drop(state);
    let length = body.len();
    let body = if line.starts_with("HEAD") { "" } else { &body };
    let head =
        format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    peer.write_all(head.as_bytes())?;
    peer.write_all(body.as_bytes())?;
    peer.flush()
}

impl State {
    fn serve(&mut self, line: &str, from: &str, (basic, is_own): (bool, bool)) -> (u16, String) {
        let (method, url) = line.split_once(' ').unwrap();
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let of = |key: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(known, _)| *known == key).map(|(_, value)| value)
        };
        match (method, path.strip_prefix("/0.1/").unwrap_or("")) {
            ("POST", "token") if basic => {
                self.made += 1;
                let token = format!("own-{}", self.made);
                (200, json!({"data": {"token": token}}).to_string())
            }
            ("GET", "tenants") if is_own => {
                (200, self.list(if from.is_empty() { TOP } else { from }))
            }
            (method, path) if path.starts_with("token/") => {
                let token = &path["token/".len()..];
                let is_ours = token == format!("own-{}", self.made);
                let known = self.tokens.iter().find(|(known, _)| known == token);
                let tenant = known.map(|(_, tenant)| *tenant).or(is_ours.then_some(TOP));
                let Some(tenant) = tenant else { return (404, "{}".to_owned()) };
                let may_act = of("tenant").is_none_or(|other| self.below(tenant).contains(&other));
                let is_given = of("scope").is_none_or(|scope| {
                    self.refused
                        .as_ref()
                        .is_some_and(|refused| !refused.iter().any(|no| no == scope))
                });
                match method {
                    "HEAD" if may_act && is_given => (204, String::new()),
                    "HEAD" => (403, String::new()),
                    _ => (200, json!({"data": {"metadata": {"tenant_uuid": tenant}}}).to_string()),
                }
            }
            _ => (401, "{}".to_owned()),
        }
    }

    fn list(&self, from: &str) -> String {
        let mut below = self.below(from);
        let count = if self.act == Act::NoTenants { 0 } else { below.len() };
        match self.act {
            Act::NoTenants => below.clear(),
            Act::HalfTenants => below.truncate(1),
            _ => {}
        }
        let items: Vec<_> = below.iter().map(|uuid| json!({"uuid": uuid, "name": "x"})).collect();
        json!({"items": items, "total": 9, "filtered": count}).to_string()
    }

    /// A tenant and those below it.
    fn below(&self, top: &str) -> Vec<&'static str> {
        let mut below: Vec<_> =
            self.tenants.iter().map(|(tenant, _)| *tenant).filter(|one| *one == top).collect();
        let mut at = 0;
        while at < below.len() {
            let under = self.tenants.iter().filter(|(_, above)| *above == below[at]);
            let under: Vec<_> = under.map(|(tenant, _)| *tenant).collect();
            below.extend(under);
            at += 1;
        }
        below
    }
}
