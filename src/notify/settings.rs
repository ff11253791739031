//! `[synchronize]` of the settings file: the way to Asterisk, and how fast phones are told.

use serde::Deserialize;
use std::sync::Arc;

use super::{Ami, Amid, Pace, Token, Way};
use crate::limits;

/// How phones are told to fetch their files anew. `README.md` shows it with its defaults.
#[derive(Deserialize, Clone, PartialEq, Debug)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The way to Asterisk.
    pub via: Via,
    /// Where wazo-amid is: the part of its URL before `/1.0`.
    pub amid: String,
    /// The token that wazo-amid is shown.
    pub amid_token: Option<String>,
    /// Where Asterisk's manager interface is: host and port.
    pub ami: String,
    /// Its user.
    pub ami_user: String,
    /// The user's secret.
    pub ami_secret: String,
    /// Phones that are told in a second.
    pub rate: f64,
    /// How much the time between two of them varies: 0: not at all; 1: from nothing to its double.
    pub jitter: f64,
}

/// The way to Asterisk.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug, Default)]
#[serde(rename_all = "lowercase")]
pub enum Via {
    /// None: no phone is told.
    #[default]
    None,
    /// wazo-amid's HTTP API.
    Amid,
    /// Asterisk's manager interface itself.
    Ami,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            via: Via::None,
            amid: "http://127.0.0.1:9491".to_owned(),
            amid_token: None,
            ami: "127.0.0.1:5038".to_owned(),
            ami_user: String::new(),
            ami_secret: String::new(),
            rate: limits::NOTIFY_RATE,
            jitter: 0.5,
        }
    }
}

impl Settings {
    /// Says whether phones can be told with these.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn check(&self) -> Result<(), &'static str> {
        if !(self.rate > 0.0 && self.rate <= limits::NOTIFY_RATE_MAX) {
            return Err("synchronize.rate is more than 0 and at most 1000");
        }
        if !(0.0..=1.0).contains(&self.jitter) {
            return Err("synchronize.jitter is from 0 to 1");
        }
        let is_url = ["http://", "https://"].iter().any(|scheme| self.amid.starts_with(scheme));
        match self.via {
            Via::Amid if !is_url => Err("synchronize.amid is a URL: http://HOST:PORT"),
            Via::Ami if self.ami_user.is_empty() => {
                Err("synchronize.via is \"ami\", and ami_user is not set")
            }
            Via::Ami if !self.ami.contains(':') => Err("synchronize.ami is HOST:PORT"),
            _ => Ok(()),
        }
    }

    /// The way to Asterisk, where there is one. wazo-amid is shown `amid_token`, or what `token`
    /// gives.
    pub fn way(&self, token: Option<Token>) -> Option<Arc<dyn Way>> {
        match self.via {
            Via::None => None,
            Via::Amid => {
                let set = self.amid_token.clone();
                let token = token.filter(|_| set.is_none());
                let token = token.unwrap_or_else(|| Arc::new(move || set.clone()));
                Some(Arc::new(Amid::new(&self.amid, token)))
            }
            Via::Ami => Some(Arc::new(Ami::new(&self.ami, &self.ami_user, &self.ami_secret))),
        }
    }

    /// How fast phones are told.
    pub fn pace(&self) -> Pace {
        Pace { rate: self.rate, jitter: self.jitter }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_cannot_work_are_refused() {
        let of = |text: &str| toml::from_str::<Settings>(text).expect("settings").check();
        assert_eq!(of(""), Ok(()));
        assert_eq!(of("via = \"amid\""), Ok(()));
        assert_eq!(of("via = \"ami\"\nami_user = \"ringboot\""), Ok(()));
        for bad in [
            "rate = 0.0",
            "rate = 1001.0",
            "rate = nan",
            "jitter = 1.1",
            "jitter = -0.1",
            "via = \"amid\"\namid = \"localhost:9491\"",
            "via = \"ami\"",
            "via = \"ami\"\nami_user = \"x\"\nami = \"localhost\"",
        ] {
            assert!(of(bad).is_err(), "{bad}");
        }
    }
}
