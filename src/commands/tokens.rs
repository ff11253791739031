//! Makes a token for the REST API: whoever sees the settings file cannot tell it from its sum.

use anyhow::{Context, Result};
use clap::Args;
use rustix::rand::{GetRandomFlags, getrandom};
use serde::Serialize;
use std::fmt::Write as _;

use ringboot::control::Sum;

/// Who shall have it, and for what.
#[derive(Args)]
pub struct New {
    /// Who has it, for people and log lines.
    #[arg(long)]
    name: String,
    /// What it gives, in wazo-auth's notation (`provd.dev_mgr.#`, `!provd.configure.#`); may be
    /// given several times.
    #[arg(long, value_name = "PATTERN", default_value = "provd.#")]
    acl: Vec<String>,
    /// The tenant that it acts for; the master tenant without.
    #[arg(long, value_name = "UUID")]
    tenant: Option<String>,
    /// A tenant below that one, for which it may act too; may be given several times; `*`: all.
    #[arg(long, value_name = "UUID")]
    subtenant: Vec<String>,
}

/// The part of the settings file.
#[derive(Serialize)]
struct Part {
    rest_token: [Holder; 1],
}

#[derive(Serialize)]
struct Holder {
    name: String,
    sha256: String,
    acl: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subtenants: Vec<String>,
}

impl New {
    /// Makes it: the token goes to the terminal, the lines to the standard output.
    ///
    /// # Errors
    /// A kernel that gives no chance.
    pub fn run(self) -> Result<()> {
        let token = token()?;
        let holder = Holder {
            name: self.name,
            sha256: Sum::of(&token).to_string(),
            acl: self.acl,
            tenant: self.tenant,
            subtenants: self.subtenant,
        };
        eprintln!("X-Auth-Token: {token}");
        eprintln!("It is shown this once. For ringboot.toml, with rest_auth = \"tokens\":");
        print!("\n{}", toml::to_string(&Part { rest_token: [holder] })?);
        Ok(())
    }
}

/// 256 bits of chance, in hexadecimal digits.
fn token() -> Result<String> {
    let mut bytes = [0; 32];
    let filled = getrandom(&mut bytes, GetRandomFlags::empty()).context("chance")?;
    anyhow::ensure!(filled == bytes.len(), "the kernel gave {filled} bytes of chance only");
    bytes.iter().try_fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}")?;
        Ok(text)
    })
}
