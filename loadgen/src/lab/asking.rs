//! Phones as a hammer's clients: each from its own address, for its own file, under its own name.

use crate::fleet::{Member, loopback};
use crate::profile::{Expect, Profile};
use crate::template::Values;
use anyhow::{Context, Result};
use std::fmt::Write;
use std::net::SocketAddr;

/// What one phone asks for, and as whom.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Asking {
    /// Its own address.
    pub source: SocketAddr,
    /// The path of its own file.
    pub path: String,
    /// Its User-Agent.
    pub agent: String,
}

impl Asking {
    /// A phone of this profile, asking for its own file.
    ///
    /// # Errors
    /// When its profile has none.
    pub fn of(profile: &Profile, member: &Member) -> Result<Self> {
        let own = profile.steps.iter().find(|step| step.expect == Expect::Own);
        let own = own.with_context(|| format!("{} has no file of its own", profile.name))?;
        let values = Values {
            mac: member.mac,
            model: &member.model,
            version: &member.version,
            serial: &member.serial,
        };
        let address = member.address.unwrap_or_else(|| loopback(0));
        Ok(Self {
            source: SocketAddr::from((address, 0)),
            path: own.get.fill(values),
            agent: own.agent.fill(values),
        })
    }
}

/// A hammer's requests, a line a phone: for `path`, or else for its own file.
#[must_use]
pub fn lines(asking: &[Asking], path: Option<&str>) -> String {
    let mut text = String::new();
    for Asking { source, path: own, agent } in asking {
        let _ = writeln!(text, "{}\t{}\t{agent}", source.ip(), path.unwrap_or(own));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_lines_of_source_path_and_agent() {
        let asking = Asking {
            source: "127.1.0.1:0".parse().unwrap(),
            path: "/a.xml".to_owned(),
            agent: "Acme 1".to_owned(),
        };
        assert_eq!(lines(std::slice::from_ref(&asking), None), "127.1.0.1\t/a.xml\tAcme 1\n");
        assert_eq!(lines(&[asking], Some("/f")), "127.1.0.1\t/f\tAcme 1\n");
    }
}
