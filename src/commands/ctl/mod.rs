//! `ringboot ctl`: what operators ask of a running server and change in it, over its REST API.

mod client;
mod devices;
mod layers;
mod settings;
mod status;
mod table;
mod trace;

use anyhow::Result;
use clap::{Args, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

use client::{Client, Failure};

/// There is nothing of that name.
const EXIT_NOT_FOUND: u8 = 4;
/// The server cannot be reached (`EX_UNAVAILABLE` of sysexits.h).
const EXIT_UNREACHABLE: u8 = 69;

/// Which server, as whom, and what is wanted of it.
#[derive(Args)]
pub struct Ctl {
    #[command(flatten)]
    server: Server,
    /// Write JSON, for scripts.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    wanted: Wanted,
}

/// Where the REST API is, and who asks. What is not given is taken from the environment.
#[derive(Args)]
struct Server {
    /// The REST API; `RINGBOOT_URL`, or http://127.0.0.1:8666.
    #[arg(long, global = true, value_name = "URL")]
    url: Option<String>,
    /// The token; `RINGBOOT_TOKEN`, where other users of the machine do not see it.
    #[arg(long, global = true, value_name = "TOKEN")]
    token: Option<String>,
    /// A file that holds the token.
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "token")]
    token_file: Option<PathBuf>,
    /// The tenant to act for; `RINGBOOT_TENANT`.
    #[arg(long, global = true, value_name = "UUID")]
    tenant: Option<String>,
}

#[derive(Subcommand)]
enum Wanted {
    /// Find devices by anything: a MAC in any form, an address, a serial number, a name, a
    /// configuration; where nothing is just that, by a part of it, of a model or of a plugin.
    Find {
        /// What is looked for.
        text: String,
        /// Most devices that are shown.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Show a device, its plugin, and its configuration with the layer that each value is from.
    Show {
        /// A MAC, an address, a serial number or a name.
        device: String,
        /// Show passwords too.
        #[arg(long)]
        secrets: bool,
    },
    /// Set values of a configuration: of this layer alone, whatever lies above it.
    Set {
        /// A configuration, or a device that has one.
        config: String,
        /// `KEY=VALUE` or, for JSON of any kind, `KEY:=JSON`; `sip_lines.1.username=alice`.
        #[arg(required = true, value_name = "KEY=VALUE")]
        values: Vec<String>,
    },
    /// Take values out of a configuration: what lies below it counts again.
    Unset {
        /// A configuration, or a device that has one.
        config: String,
        /// `sip_lines.2`, `ntp_ip`.
        #[arg(required = true, value_name = "KEY")]
        keys: Vec<String>,
    },
    /// Look again whether a device's files can be made.
    Reconfigure {
        /// A MAC, an address, a serial number or a name.
        device: String,
    },
    /// Tell a phone to fetch its configuration again, and wait until it was told.
    Synchronize {
        /// A MAC, an address, a serial number or a name.
        device: String,
    },
    /// Show what a phone asked in its last boots, and what became of it.
    Trace {
        /// A MAC, an address, a serial number or a name.
        phone: String,
        /// Show what it asks from now on, line by line.
        #[arg(long)]
        follow: bool,
    },
    /// Say whether the server works, and what it has done.
    Status,
}

impl Ctl {
    /// Does it. What the server refuses, and that it is not there, has an exit code of its own.
    ///
    /// # Errors
    /// What else went wrong.
    pub fn run(self) -> Result<ExitCode> {
        let Server { url, token, token_file, tenant } = self.server;
        let client = Client::new(url, token, token_file.as_deref(), tenant)?;
        let json = self.json;
        let done = match self.wanted {
            Wanted::Find { text, limit } => devices::find(&client, &text, limit, json),
            Wanted::Show { device, secrets } => devices::show(&client, &device, secrets, json),
            Wanted::Set { config, values } => settings::set(&client, &config, &values, json),
            Wanted::Unset { config, keys } => settings::unset(&client, &config, &keys, json),
            Wanted::Reconfigure { device } => devices::reconfigure(&client, &device, json),
            Wanted::Synchronize { device } => devices::synchronize(&client, &device, json),
            Wanted::Trace { phone, follow } => trace::tell(&client, &phone, follow, json),
            Wanted::Status => status::tell(&client, json),
        };
        let Err(error) = done else { return Ok(ExitCode::SUCCESS) };
        let code = match error.downcast_ref() {
            Some(Failure::Nothing(_)) => EXIT_NOT_FOUND,
            Some(Failure::Unreachable(_)) => EXIT_UNREACHABLE,
            _ => return Err(error),
        };
        eprintln!("ringboot: {error:#}");
        Ok(ExitCode::from(code))
    }
}
