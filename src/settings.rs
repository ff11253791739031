//! The server's settings: one file, every key known, every default here, a flag goes over a key.

mod auth;

pub use auth::{RestToken, WazoAuth};

use serde::Deserialize;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use crate::bus;
use crate::device::{Document, Text};
use crate::identify;
use crate::notify;

/// The settings file (`ringboot.toml`). `README.md` shows it with its defaults.
#[derive(Deserialize, Clone, PartialEq, Debug)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where devices, configurations and operators' files are kept.
    pub data_dir: PathBuf,
    /// Where the plugins are.
    pub plugins_dir: PathBuf,
    /// Where phones connect by HTTP; empty: nowhere.
    pub http: Listen,
    /// Where phones ask by TFTP; empty: nowhere.
    pub tftp: Listen,
    /// Where operators and other services reach the REST API; empty: nowhere.
    pub rest: Listen,
    /// How callers of the REST API are told apart. Without a word of it, the API stays closed.
    pub rest_auth: Option<RestAuth>,
    /// Where figures and health are served too, beside the REST API's address; empty: only there.
    pub metrics: Listen,
    /// Who has which token, for `rest_auth = "tokens"`.
    pub rest_token: Vec<RestToken>,
    /// Who is asked, for `rest_auth = "wazo-auth"`.
    pub wazo_auth: WazoAuth,
    /// Where it is said that a tenant is gone; none: nowhere, and the next look for them tells.
    pub bus: Option<bus::Settings>,
    /// Threads that serve phones, one a core; 0: all cores.
    pub cores: usize,
    /// Connections that shall fit, idle ones too: with io_uring, rings are added until they do;
    /// 0: what one ring a core holds.
    pub connections: usize,
    /// What drives the sockets.
    pub driver: Driver,
    /// How phones reach this server by HTTP, as their configurations name it.
    pub advertised_url: Option<String>,
    /// Settings that every configuration stands on.
    pub base_raw_config: Document,
    /// How phones show by HTTP that they may ask; without it, they need not.
    pub http_auth_strategy: Option<HttpAuth>,
    /// How phones are told apart.
    pub identification: Identification,
    /// Who may speak for others.
    pub proxy: Proxy,
    /// How phones are told to fetch their files anew.
    pub synchronize: notify::Settings,
    /// Where the helpers of DHCP servers send to; empty: nowhere. Without a word of it, `dhcp.sock`
    /// in `data_dir`, where that can be had.
    pub dhcp_socket: Option<PathBuf>,
    /// The group whose members may send there, by name or number.
    pub dhcp_group: Option<String>,
    /// What is logged, in the terms of `tracing`'s filter. `security=info` adds a line for each
    /// fetch of a file that holds credentials.
    pub log: String,
    /// A file for the security lines alone, in the form that fail2ban's rules for the predecessor
    /// read (spec section 0.4); none: they stand in the log only.
    pub security_log: Option<PathBuf>,
}

/// An address and a port, or nothing.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(try_from = "String")]
pub struct Listen(pub Option<SocketAddr>);

impl TryFrom<String> for Listen {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl std::str::FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self(None));
        }
        let address = text.parse().map_err(|_| format!("{text:?} is no IP:PORT"))?;
        Ok(Self(Some(address)))
    }
}

/// What drives the sockets.
#[derive(Deserialize, clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug, Default)]
#[serde(rename_all = "kebab-case")]
pub enum Driver {
    /// io_uring where the kernel lets us, else epoll.
    #[default]
    Auto,
    /// io_uring, or nothing.
    IoUring,
    /// epoll.
    Epoll,
}

/// How callers of the REST API are told apart.
#[derive(Deserialize, clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "kebab-case")]
pub enum RestAuth {
    /// Not at all: whoever reaches the address may do everything.
    None,
    /// By the tokens of the settings.
    Tokens,
    /// By wazo-auth.
    WazoAuth,
}

/// How phones show by HTTP that they may ask (`general.http_auth_strategy` of the predecessor).
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "snake_case")]
pub enum HttpAuth {
    /// By their tenant's provisioning key, with which the path of each URL begins.
    UrlKey,
}

/// How phones are told apart.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields, default)]
pub struct Identification {
    /// Phones may share an address: none loses it to another.
    pub nat: bool,
    /// How a phone is found.
    pub retriever: Variant,
    /// What a request may change.
    pub updater: Variant,
    /// Unknown phones become devices.
    pub auto_add: bool,
    /// Tenant that new devices belong to.
    pub master_tenant: String,
    /// Distinct unknown MACs of one source in ten minutes before it is refused for a while;
    /// 0: never refused.
    pub unknown_macs_max: usize,
}

/// A variant of a part of the pipeline (spec section 1.1).
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug, Default)]
#[serde(rename_all = "lowercase")]
pub enum Variant {
    /// As the predecessor's `default`.
    #[default]
    Default,
    /// As the predecessor's `secure`.
    Secure,
}

/// Proxies that may say for whom they ask.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Proxy {
    /// How many stand between a phone and this server.
    pub count: usize,
    /// Their addresses. Nobody else is believed.
    pub trusted: Vec<IpAddr>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("data"),
            plugins_dir: PathBuf::from("plugins"),
            http: Listen(Some(SocketAddr::from(([0, 0, 0, 0], 8667)))),
            tftp: Listen(Some(SocketAddr::from(([0, 0, 0, 0], 6969)))),
            rest: Listen(Some(SocketAddr::from(([127, 0, 0, 1], 8666)))),
            rest_auth: None,
            metrics: Listen(None),
            rest_token: Vec::new(),
            wazo_auth: WazoAuth::default(),
            bus: None,
            cores: 0,
            connections: 0,
            driver: Driver::Auto,
            advertised_url: None,
            base_raw_config: Document::new(),
            http_auth_strategy: None,
            identification: Identification::default(),
            proxy: Proxy::default(),
            synchronize: notify::Settings::default(),
            dhcp_socket: None,
            dhcp_group: None,
            log: "info,security=warn".to_owned(),
            security_log: None,
        }
    }
}

impl Default for Identification {
    fn default() -> Self {
        let standard = identify::Settings::default();
        Self {
            nat: standard.nat,
            retriever: Variant::Default,
            updater: Variant::Default,
            auto_add: standard.auto_add,
            master_tenant: standard.master_tenant.to_string(),
            unknown_macs_max: standard.unknown_macs_max,
        }
    }
}

impl Identification {
    /// The same in the pipeline's own terms.
    pub fn settings(&self) -> identify::Settings {
        let never = if self.unknown_macs_max == 0 { usize::MAX } else { self.unknown_macs_max };
        identify::Settings {
            nat: self.nat,
            secure_retriever: self.retriever == Variant::Secure,
            secure_updater: self.updater == Variant::Secure,
            auto_add: self.auto_add,
            master_tenant: Text::from(&*self.master_tenant),
            unknown_macs_max: never,
            url_key: false,
        }
    }
}

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("{}: {error}", file.display())]
    Read {
        /// Which file.
        file: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// It is no TOML, or a key is unknown or of the wrong kind.
    #[error("{}:{line}: {message}", file.display())]
    Parse {
        /// Which file.
        file: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// A token of the REST API cannot be used.
    #[error("rest_token {name:?}: {fault}")]
    Token {
        /// Whose it is.
        name: String,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// The settings contradict each other.
    #[error("{0}")]
    Contradiction(&'static str),
}

impl Settings {
    /// Reads the file.
    ///
    /// # Errors
    /// [`SettingsError`] for the first thing that is wrong with it.
    pub fn read(file: &Path) -> Result<Settings, SettingsError> {
        let text = fs::read_to_string(file)
            .map_err(|error| SettingsError::Read { file: file.to_owned(), error })?;
        toml::from_str(&text).map_err(|error| {
            let before = &text.as_bytes()[..error.span().map_or(0, |span| span.start)];
            SettingsError::Parse {
                file: file.to_owned(),
                line: 1 + memchr::memchr_iter(b'\n', before).count(),
                message: error.message().to_owned(),
            }
        })
    }

    /// How phones are told apart, in the pipeline's own terms.
    pub fn identification(&self) -> identify::Settings {
        let url_key = self.http_auth_strategy == Some(HttpAuth::UrlKey);
        identify::Settings { url_key, ..self.identification.settings() }
    }

    /// Where the store is.
    pub fn store_dir(&self) -> PathBuf {
        self.data_dir.join("db")
    }

    /// Where operators put firmware and other files: a folder for each plugin id.
    pub fn files_dir(&self) -> PathBuf {
        self.data_dir.join("files")
    }

    /// Where administrators put templates over those that are shipped: a folder for each plugin id.
    pub fn templates_dir(&self) -> PathBuf {
        self.data_dir.join("templates")
    }

    /// Where reports of DHCP servers come in; none: nowhere.
    pub fn dhcp_path(&self) -> Option<PathBuf> {
        let path = self.dhcp_socket.clone().unwrap_or_else(|| self.data_dir.join("dhcp.sock"));
        (!path.as_os_str().is_empty()).then_some(path)
    }

    /// Says whether a server can run with these settings.
    ///
    /// # Errors
    /// What contradicts what.
    pub fn check(&self) -> Result<(), SettingsError> {
        if self.http.0.is_none() && self.tftp.0.is_none() {
            return Err(SettingsError::Contradiction("neither http nor tftp has an address"));
        }
        if self.proxy.count > 0 && self.proxy.trusted.is_empty() {
            let message = "proxy.count is set, and proxy.trusted names no proxy to believe";
            return Err(SettingsError::Contradiction(message));
        }
        if self.bus.is_some() && self.rest_auth != Some(RestAuth::WazoAuth) {
            let message = "bus is set, and rest_auth is not \"wazo-auth\", which it speaks for";
            return Err(SettingsError::Contradiction(message));
        }
        let bus = self.bus.as_ref().map_or(Ok(()), bus::Settings::check);
        bus.map_err(SettingsError::Contradiction)?;
        self.guard()?;
        self.synchronize.check().map_err(SettingsError::Contradiction)
    }

    /// What every configuration stands on: the addresses of this server under what the operator
    /// set (spec section 0.3).
    pub fn base_raw_config(&self) -> Document {
        let mut base = Document::new();
        let http = self.http.0.or(self.tftp.0);
        let host = http.map_or_else(String::new, |http| match http.ip() {
            ip if ip.is_unspecified() => own_address().to_string(),
            ip => ip.to_string(),
        });
        let port = self.http.0.map_or(8667, |http| http.port());
        let url = self.advertised_url.clone();
        let url = url.unwrap_or_else(|| match host.contains(':') {
            true => format!("http://[{host}]:{port}"),
            false => format!("http://{host}:{port}"),
        });
        let named = url.split_once("://").map_or("", |(_, rest)| rest);
        let named = named.split('/').next().unwrap_or_default();
        let (name, at) = match named.rsplit_once(':') {
            Some((name, at)) if !at.contains(']') => (name, at.parse().unwrap_or(port)),
            _ => (named, port),
        };
        base.insert("ip".to_owned(), name.trim_matches(['[', ']']).into());
        base.insert("http_port".to_owned(), at.into());
        base.insert("tftp_port".to_owned(), self.tftp.0.map_or(69, |tftp| tftp.port()).into());
        base.insert("http_base_url".to_owned(), url.into());
        for (key, value) in &self.base_raw_config {
            base.insert(key.clone(), value.clone());
        }
        base
    }
}

/// The address that this machine would be reached at: the one it would send from. No packet is
/// sent for that; 127.0.0.1 where there is no way out.
fn own_address() -> IpAddr {
    let outside = SocketAddr::from(([192, 0, 2, 1], 9));
    let local = IpAddr::from([127, 0, 0, 1]);
    let ask = || {
        let kind = (socket2::Domain::IPV4, socket2::Type::DGRAM);
        let socket = socket2::Socket::new(kind.0, kind.1, None)?;
        socket.connect(&outside.into())?;
        socket.local_addr()
    };
    ask().ok().and_then(|address| address.as_socket()).map_or(local, |address| address.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_is_the_defaults() {
        let settings: Settings = toml::from_str("").expect("the defaults");
        assert_eq!(settings, Settings::default());
        assert!(settings.check().is_ok());
    }

    #[test]
    fn unknown_keys_and_contradictions_are_told() {
        assert!(toml::from_str::<Settings>("colour = 1").is_err());
        assert!(toml::from_str::<Settings>("[proxy]\ncolour = 1").is_err());
        assert!(toml::from_str::<Settings>("http = \"here\"").is_err());
        let of = |text: &str| toml::from_str::<Settings>(text).expect("settings").check();
        assert!(of("http = \"\"\ntftp = \"\"").is_err());
        let keyed = toml::from_str::<Settings>("http_auth_strategy = \"url_key\"");
        assert!(keyed.expect("settings").identification().url_key);
        assert!(!Settings::default().identification().url_key);
        let error = toml::from_str::<Settings>("http_auth_strategy = \"basic\"");
        let error = error.expect_err("there is no such way").to_string();
        assert!(error.contains("`basic`") && error.contains("`url_key`"), "{error}");
        assert!(of("[proxy]\ncount = 1").is_err());
        assert!(of("[proxy]\ncount = 1\ntrusted = [\"127.0.0.1\"]").is_ok());
        assert!(of("[bus]").is_err());
        let asked = "rest_auth = \"wazo-auth\"\n\
                     wazo_auth = { service_id = \"a\", service_key = \"b\" }\n[bus]\n";
        assert!(of(asked).is_ok());
        assert!(of(&format!("{asked}exchange_name = \"\"")).is_err());
    }

    #[test]
    fn the_base_names_this_server() {
        let base = |text: &str| {
            let settings: Settings = toml::from_str(text).expect("settings");
            let base = settings.base_raw_config();
            ["ip", "http_port", "tftp_port", "http_base_url"].map(|key| base[key].to_string())
        };
        assert_eq!(
            base("http = \"127.0.0.1:8667\"\ntftp = \"127.0.0.1:6969\""),
            ["\"127.0.0.1\"", "8667", "6969", "\"http://127.0.0.1:8667\""]
        );
        assert_eq!(
            base(
                "advertised_url = \"http://prov.example:80/x\"\n[base_raw_config]\ntftp_port = 69"
            ),
            ["\"prov.example\"", "80", "69", "\"http://prov.example:80/x\""]
        );
    }
}
