//! `[bus]` of the settings file: where the message bus is, as wazo-provd's own section has it.

use serde::Deserialize;
use std::fmt;

/// Where the broker is, who we are there, and where events are said (spec section 0.3).
#[derive(Deserialize, Clone, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Our name there.
    pub username: String,
    /// Our password there.
    pub password: String,
    /// The virtual host.
    pub vhost: String,
    /// The exchange that events are said to.
    pub exchange_name: String,
    /// Its type.
    pub exchange_type: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            host: "localhost".to_owned(),
            port: 5672,
            username: "guest".to_owned(),
            password: "guest".to_owned(),
            vhost: "/".to_owned(),
            exchange_name: "wazo-headers".to_owned(),
            exchange_type: "headers".to_owned(),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the password.
        write!(f, "{} at {}:{}{}", self.username, self.host(), self.port, self.vhost)
    }
}

impl Settings {
    /// Says whether a broker can be asked with these.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn check(&self) -> Result<(), &'static str> {
        // AMQP 0-9-1 section 4.2.5.3: a short text has 255 bytes at most.
        let is_short = |text: &str| (1..256).contains(&text.len());
        match self {
            _ if self.host.is_empty() || self.port == 0 => Err("bus.host and bus.port: no broker"),
            _ if !is_short(&self.vhost) => Err("bus.vhost has 1 to 255 bytes"),
            _ if !is_short(&self.exchange_name) => Err("bus.exchange_name has 1 to 255 bytes"),
            _ if !is_short(&self.exchange_type) => Err("bus.exchange_type has 1 to 255 bytes"),
            _ => Ok(()),
        }
    }

    /// The host as it stands before a port: an IPv6 address in brackets.
    pub(super) fn host(&self) -> String {
        match self.host.contains(':') && !self.host.starts_with('[') {
            true => format!("[{}]", self.host),
            false => self.host.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_cannot_work_are_refused_and_a_password_is_not_shown() {
        let of = |text: &str| toml::from_str::<Settings>(text).expect("settings");
        assert_eq!(of("").check(), Ok(()));
        let long = format!("exchange_name = \"{}\"", "e".repeat(256));
        for bad in ["host = \"\"", "port = 0", "vhost = \"\"", "exchange_type = \"\"", &long] {
            assert!(of(bad).check().is_err(), "{bad}");
        }
        assert!(toml::from_str::<Settings>("user = \"x\"").is_err());
        let six = of("host = \"::1\"\nusername = \"u\"\npassword = \"hidden\"");
        assert_eq!(format!("{six:?}"), "u at [::1]:5672/");
    }
}
