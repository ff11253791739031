//! Who may use the REST API, as the settings say it: tokens, or where wazo-auth is.

use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Identification, RestAuth, Settings, SettingsError};
use crate::control::{Acl, Guard, Holder, Keeping, Sum, Tenants};
use crate::device::Text;
use crate::time::Duration;
use crate::wazo::{Access, Session, Trust};

/// A token for the REST API. `ringboot rest-token` makes one.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
pub struct RestToken {
    /// Who has it, for people.
    pub name: String,
    /// Its SHA-256, in hexadecimal digits.
    pub sha256: String,
    /// What it gives, in wazo-auth's notation.
    pub acl: Vec<String>,
    /// The tenant that it acts for; the master tenant without.
    pub tenant: Option<String>,
    /// Tenants below that one, for which it may act too; `*` for every tenant.
    #[serde(default)]
    pub subtenants: Vec<String>,
}

/// Where wazo-auth is, and who we are there.
#[derive(Deserialize, Clone, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct WazoAuth {
    /// Its URL, without the version.
    pub url: String,
    /// A PEM file with the authorities whose certificates are believed; without one, those that
    /// are compiled in.
    pub ca_file: Option<PathBuf>,
    /// False: any certificate is believed, and whoever stands in between is not noticed.
    pub verify_certificate: bool,
    /// Our name there; without one, `key_file` tells it.
    pub service_id: Option<String>,
    /// Our password there.
    pub service_key: Option<String>,
    /// A file with lines `service_id: …` and `service_key: …`, as wazo-auth writes them.
    pub key_file: PathBuf,
    /// Longest time for one call, in seconds.
    pub timeout: u64,
    /// Time that an answer is good for, in seconds; 0: each is asked for.
    pub cache: u64,
    /// Time that our own token is asked to be valid, in seconds.
    pub token_time: u64,
    /// Seconds from the start to the first look for tenants that are gone.
    pub sweep_start: u64,
    /// Seconds between two such looks; 0: none.
    pub sweep_interval: u64,
}

impl Default for WazoAuth {
    fn default() -> Self {
        Self {
            url: "http://localhost:9497".to_owned(),
            ca_file: None,
            verify_certificate: true,
            service_id: None,
            service_key: None,
            key_file: PathBuf::from("/var/lib/wazo-auth-keys/wazo-provd-key.yml"),
            timeout: 5,
            cache: 5,
            token_time: 21_600,
            sweep_start: 60,
            sweep_interval: 86_400,
        }
    }
}

impl std::fmt::Debug for WazoAuth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Without the key.
        f.debug_struct("WazoAuth").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Settings {
    /// Who is asked about callers of the REST API; none where it is not said.
    ///
    /// # Errors
    /// [`SettingsError`]: a token that cannot be one, wazo-auth without a name for us.
    pub fn guard(&self) -> Result<Option<Guard>, SettingsError> {
        let master = self.identification.settings().master_tenant;
        Ok(Some(match self.rest_auth {
            None => return Ok(None),
            Some(RestAuth::None) => Guard::Open { master },
            Some(RestAuth::Tokens) => {
                if self.rest_token.is_empty() {
                    let message = "rest_auth = \"tokens\", and there is no [[rest_token]]";
                    return Err(SettingsError::Contradiction(message));
                }
                let holders = self.rest_token.iter().map(|token| token.holder(&master));
                Guard::Tokens(holders.collect::<Result<_, _>>()?)
            }
            Some(RestAuth::WazoAuth) => {
                let session = Arc::new(Session::new(self.wazo_auth.access()?));
                Guard::WazoAuth { session, keeping: self.keeping(master) }
            }
        }))
    }

    fn keeping(&self, master: Text) -> Keeping {
        // One that nobody set stands for wazo-auth's until that is known.
        let is_set = *master != *Identification::default().master_tenant;
        Keeping {
            stand_in: (!is_set).then(|| master.clone()),
            spared: master,
            sweep_start: Duration::from_secs(self.wazo_auth.sweep_start),
            sweep_interval: Duration::from_secs(self.wazo_auth.sweep_interval),
            bus: self.bus.clone(),
        }
    }
}

impl RestToken {
    fn holder(&self, master: &Text) -> Result<Holder, SettingsError> {
        let fault = |fault| SettingsError::Token { name: self.name.clone(), fault };
        let sum = Sum::parse(&self.sha256).ok_or(fault("sha256 is not 64 hexadecimal digits"))?;
        if self.acl.is_empty() {
            return Err(fault("acl is empty: it could do nothing"));
        }
        if self.subtenants.iter().chain(&self.tenant).any(String::is_empty) {
            return Err(fault("a tenant has no name"));
        }
        let below = match self.subtenants.iter().any(|tenant| tenant == "*") {
            true => Tenants::All,
            false => Tenants::Only(self.subtenants.iter().map(|one| Text::from(&**one)).collect()),
        };
        let tenant = self.tenant.as_deref().map_or_else(|| master.clone(), Text::from);
        Ok(Holder { name: self.name.clone(), sum, acl: Acl::new(&self.acl), tenant, below })
    }
}

impl WazoAuth {
    fn access(&self) -> Result<Access, SettingsError> {
        if !["http://", "https://"].iter().any(|scheme| self.url.starts_with(scheme)) {
            let message = "wazo_auth.url begins with neither http:// nor https://";
            return Err(SettingsError::Contradiction(message));
        }
        if self.timeout == 0 || self.token_time == 0 {
            let message = "wazo_auth.timeout and wazo_auth.token_time are at least a second";
            return Err(SettingsError::Contradiction(message));
        }
        let (service_id, service_key) = match (&self.service_id, &self.service_key) {
            (Some(id), Some(key)) => (id.clone(), key.clone()),
            (None, None) => read_key(&self.key_file)?,
            _ => {
                let message = "wazo_auth.service_id and wazo_auth.service_key go together";
                return Err(SettingsError::Contradiction(message));
            }
        };
        Ok(Access {
            url: self.url.clone(),
            trust: self.trust()?,
            service_id,
            service_key,
            timeout: Duration::from_secs(self.timeout),
            cache: Duration::from_secs(self.cache),
            token_time: Duration::from_secs(self.token_time),
        })
    }
}

impl WazoAuth {
    /// Whose certificates are believed.
    fn trust(&self) -> Result<Trust, SettingsError> {
        let Some(file) = &self.ca_file else {
            return Ok(if self.verify_certificate { Trust::Public } else { Trust::Anybody });
        };
        if !self.verify_certificate {
            let message = "wazo_auth.ca_file is set, and wazo_auth.verify_certificate is false";
            return Err(SettingsError::Contradiction(message));
        }
        if !self.url.starts_with("https://") {
            let message = "wazo_auth.ca_file is set, and wazo_auth.url is not https://";
            return Err(SettingsError::Contradiction(message));
        }
        let text =
            fs::read(file).map_err(|error| SettingsError::Read { file: file.clone(), error })?;
        Trust::of_pem(&text).ok_or_else(|| SettingsError::Parse {
            file: file.clone(),
            line: 1,
            message: "it holds no certificate in PEM form, or one that cannot be read".to_owned(),
        })
    }
}

/// Reads a key file: two lines of YAML.
fn read_key(file: &Path) -> Result<(String, String), SettingsError> {
    let text = fs::read_to_string(file)
        .map_err(|error| SettingsError::Read { file: file.to_owned(), error })?;
    let value = |wanted: &str| {
        let mut lines = text.lines().filter_map(|line| line.split_once(':'));
        let (_, value) = lines.find(|(key, _)| key.trim() == wanted)?;
        let value = value.trim().trim_matches(['"', '\'']);
        (!value.is_empty()).then(|| value.to_owned())
    };
    let both = value("service_id").zip(value("service_key"));
    both.ok_or_else(|| SettingsError::Parse {
        file: file.to_owned(),
        line: 1,
        message: "it does not tell service_id and service_key".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(text: &str) -> Result<Option<Guard>, String> {
        let settings: Settings = toml::from_str(text).map_err(|error| error.to_string())?;
        settings.check().map_err(|error| error.to_string())?;
        settings.guard().map_err(|error| error.to_string())
    }

    #[test]
    fn tokens_are_checked_at_the_start() {
        let sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let of = |rest: &str| {
            guard(&format!("rest_auth = \"tokens\"\n[[rest_token]]\nname = \"ci\"\n{rest}"))
        };
        let good = of(&format!("sha256 = \"{sum}\"\nacl = [\"provd.#\"]\nsubtenants = [\"*\"]"));
        let Ok(Some(Guard::Tokens(holders))) = good else { panic!("{good:?}") };
        let master = Identification::default().master_tenant;
        assert_eq!((&*holders[0].tenant, &holders[0].below), (&*master, &Tenants::All));
        assert_eq!(holders[0].sum, Sum::of("abc"));
        for (bad, told) in [
            ("sha256 = \"abc\"\nacl = [\"#\"]".to_owned(), "64 hexadecimal digits"),
            (format!("sha256 = \"{sum}\"\nacl = []"), "acl is empty"),
            (format!("sha256 = \"{sum}\"\nacl = [\"#\"]\ntenant = \"\""), "no name"),
            (format!("sha256 = \"{sum}\""), "acl"),
            (format!("sha256 = \"{sum}\"\nacl = [\"#\"]\ncolour = 1"), "colour"),
        ] {
            let error = of(&bad).expect_err("not good");
            assert!(error.contains(told), "{error}");
        }
        assert!(guard("rest_auth = \"tokens\"").is_err());
    }

    #[test]
    fn wazo_auth_needs_a_name_for_us() {
        let of = |rest: &str| guard(&format!("rest_auth = \"wazo-auth\"\n[wazo_auth]\n{rest}"));
        let good = of("service_id = \"a\"\nservice_key = \"b\"");
        let Ok(Some(Guard::WazoAuth { keeping, .. })) = good else { panic!("{good:?}") };
        assert_eq!(keeping.stand_in.as_deref(), Some(&*Identification::default().master_tenant));
        assert!(of("service_id = \"a\"").is_err());
        assert!(of("service_id = \"a\"\nservice_key = \"b\"\nurl = \"localhost\"").is_err());
        assert!(of("service_id = \"a\"\nservice_key = \"b\"\ntimeout = 0").is_err());
        let error = of("key_file = \"nowhere.yml\"").expect_err("no such file");
        assert!(error.starts_with("nowhere.yml: "), "{error}");
        let set = "rest_auth = \"wazo-auth\"\nidentification.master_tenant = \"m\"\n\
                   [wazo_auth]\nservice_id = \"a\"\nservice_key = \"b\"";
        let Ok(Some(Guard::WazoAuth { keeping, .. })) = guard(set) else { panic!("it is good") };
        assert_eq!((keeping.stand_in, keeping.spared), (None, "m".into()));
    }

    #[test]
    fn authorities_of_ones_own_are_read_at_the_start() {
        let pem = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rest/tls/ca.pem");
        let of = |url: &str, rest: &str| {
            guard(&format!(
                "rest_auth = \"wazo-auth\"\n[wazo_auth]\nservice_id = \"a\"\n\
                 service_key = \"b\"\nurl = \"{url}\"\n{rest}"
            ))
        };
        let own = format!("ca_file = \"{pem}\"");
        assert!(of("https://auth", &own).is_ok());
        assert!(of("https://auth", "verify_certificate = false").is_ok());
        for (url, rest, told) in [
            ("http://auth", own.clone(), "is not https://"),
            ("https://auth", format!("{own}\nverify_certificate = false"), "is false"),
            ("https://auth", "ca_file = \"nowhere.pem\"".to_owned(), "nowhere.pem: "),
            ("https://auth", format!("ca_file = \"{}\"", file!()), "no certificate"),
        ] {
            let error = of(url, &rest).expect_err("not good");
            assert!(error.contains(told), "{error}");
        }
    }

    #[test]
    fn a_key_file_is_the_one_that_wazo_auth_writes() {
        let name = format!("ringboot-key-{}.yml", std::process::id());
        let file = std::env::temp_dir().join(name);
        fs::write(&file, "service_id: wazo-provd\nservice_key: 'a:b'\n").expect("written");
        let key = read_key(&file).expect("a key");
        assert_eq!(key, ("wazo-provd".to_owned(), "a:b".to_owned()));
        fs::write(&file, "service_id: wazo-provd\n").expect("written");
        assert!(read_key(&file).is_err());
        fs::remove_file(&file).expect("removed");
    }
}
