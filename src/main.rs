//! The command line: flags become settings, settings become a server or the answer to a question.

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};
use std::ffi::OsString;
use std::fs;
use std::io::{self, BufReader, BufWriter};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ringboot::device::{Device, Document, raw};
use ringboot::plugin::{LoadErrors, Plugins};
use ringboot::settings::{Driver, Listen, RestAuth, Settings, SettingsError};
use ringboot::tools::{explain, overrides, render};
use ringboot::{log, ring, serve};

mod commands;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Settings, plugins or the kernel do not let the server run (`EX_CONFIG` of sysexits.h).
const EXIT_CONFIG: u8 = 78;

/// A provisioning server for desk phones.
#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve phones until SIGTERM. SIGHUP loads the plugins anew, SIGUSR1 logs the counters.
    Serve(Flags),
    /// Serve phones as `serve` does, ask the server that is to be replaced the same, and say where
    /// the answers differ. SIGUSR1 logs the counts.
    Shadow {
        #[command(flatten)]
        shadow: commands::shadow::Compare,
        #[command(flatten)]
        flags: Flags,
    },
    /// Check settings and plugins, and say everything that is wrong with them.
    Check {
        /// Take what is shipped now for what this override was made from: `PLUGIN/NAME.tpl`; may be
        /// given several times.
        #[arg(long, value_name = "OVERRIDE")]
        accept: Vec<String>,
        #[command(flatten)]
        flags: Flags,
    },
    /// Say what requests would be taken for: JSON lines from the standard input.
    Explain {
        /// Read what is known of phones, and say which plugin fits how well.
        #[arg(long)]
        associate: bool,
        #[command(flatten)]
        flags: Flags,
    },
    /// Write the files that a device would be given.
    Render {
        /// The plugin's id.
        #[arg(long, value_name = "ID")]
        plugin: String,
        /// The device, a JSON document.
        #[arg(long, value_name = "FILE")]
        device: PathBuf,
        /// Its flattened configuration, a JSON document; defaults are filled in.
        #[arg(long, value_name = "FILE")]
        raw_config: PathBuf,
        /// The folder to write into.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// The time to render for. Files depend on no time; it is checked and has no effect.
        #[arg(long, value_name = "RFC3339")]
        now: Option<jiff::Timestamp>,
        #[command(flatten)]
        flags: Flags,
    },
    /// Make, check and test plugins, and fetch what vendors alone may give away.
    #[command(subcommand)]
    Plugin(commands::PluginCommand),
    /// Take devices and configurations into a stopped server's data folder: all of them or none.
    /// Exit code 3: an installation was taken in, and something of it left out.
    Import {
        #[command(flatten)]
        what: commands::moving::Import,
        #[command(flatten)]
        flags: Flags,
    },
    /// Ask and change a running server over its REST API. Exit codes: 4: there is no such thing;
    /// 69: the server cannot be reached.
    Ctl(commands::ctl::Ctl),
    /// Make a token for the REST API: it is shown once, and its lines for the settings file are
    /// written to the standard output.
    RestToken(commands::tokens::New),
    /// Hand a lease to a running server: what DHCP servers call. It never waits.
    #[command(disable_help_flag = true)]
    DhcpEvent {
        /// The event, as the DHCP server says it; `--help` for more.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<OsString>,
    },
    /// Write every device and configuration as JSON lines, also beside a running server.
    Export {
        /// The file to write; the standard output without.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        #[command(flatten)]
        flags: Flags,
    },
}

/// Each flag goes over the key of the same name in the settings file.
#[derive(Args)]
struct Flags {
    /// The settings file.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where devices, configurations and operators' files are kept.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Where the plugins are.
    #[arg(long, value_name = "DIR")]
    plugins_dir: Option<PathBuf>,
    /// Where phones connect by HTTP; empty: nowhere.
    #[arg(long, value_name = "IP:PORT")]
    http: Option<Listen>,
    /// Where phones ask by TFTP; empty: nowhere.
    #[arg(long, value_name = "IP:PORT")]
    tftp: Option<Listen>,
    /// Where operators reach the REST API; empty: nowhere.
    #[arg(long, value_name = "IP:PORT")]
    rest: Option<Listen>,
    /// How callers of the REST API are told apart; without a word of it the API stays closed.
    #[arg(long)]
    rest_auth: Option<RestAuth>,
    /// Where figures and health are served too; they always are where the REST API is.
    #[arg(long, value_name = "IP:PORT")]
    metrics: Option<Listen>,
    /// Threads that serve phones, one a core; 0: all cores.
    #[arg(long, value_name = "N")]
    cores: Option<usize>,
    /// Connections that shall fit, idle ones too; 0: what one ring a core holds.
    #[arg(long, value_name = "N")]
    connections: Option<usize>,
    /// What drives the sockets.
    #[arg(long)]
    driver: Option<Driver>,
    /// How phones reach this server by HTTP.
    #[arg(long, value_name = "URL")]
    advertised_url: Option<String>,
    /// Phones may share an address.
    #[arg(long)]
    nat: bool,
    /// Proxies that stand between phones and this server.
    #[arg(long, value_name = "N")]
    proxies: Option<usize>,
    /// A proxy that is believed; may be given several times.
    #[arg(long, value_name = "IP")]
    trusted_proxy: Vec<IpAddr>,
    /// What is logged: `info`, `warn`, `ringboot=debug`.
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
}

impl Flags {
    fn settings(self) -> Result<Settings, SettingsError> {
        let mut settings = match &self.config {
            Some(file) => Settings::read(file)?,
            None => Settings::default(),
        };
        set(&mut settings.data_dir, self.data_dir);
        set(&mut settings.plugins_dir, self.plugins_dir);
        set(&mut settings.http, self.http);
        set(&mut settings.tftp, self.tftp);
        set(&mut settings.rest, self.rest);
        settings.rest_auth = self.rest_auth.or(settings.rest_auth);
        set(&mut settings.metrics, self.metrics);
        set(&mut settings.cores, self.cores);
        set(&mut settings.connections, self.connections);
        set(&mut settings.driver, self.driver);
        set(&mut settings.log, self.log);
        set(&mut settings.proxy.count, self.proxies);
        settings.advertised_url = self.advertised_url.or(settings.advertised_url);
        settings.identification.nat |= self.nat;
        if !self.trusted_proxy.is_empty() {
            settings.proxy.trusted = self.trusted_proxy;
        }
        Ok(settings)
    }
}

fn set<T>(key: &mut T, flag: Option<T>) {
    if let Some(flag) = flag {
        *key = flag;
    }
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("ringboot: {error:#}");
            let config = error.is::<SettingsError>()
                || error.is::<LoadErrors>()
                || error.is::<ring::Unavailable>();
            ExitCode::from(if config { EXIT_CONFIG } else { 1 })
        }
    }
}

fn start_log(settings: &Settings) -> Result<()> {
    log::start(&settings.log, settings.security_log.as_deref())
        .map_err(|error| anyhow::anyhow!("logging: {error}"))
}

fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Serve(flags) => {
            ring::make_files_private();
            let settings = flags.settings()?;
            start_log(&settings)?;
            serve::run(&settings, None)?;
        }
        Command::Shadow { shadow, flags } => {
            ring::make_files_private();
            let settings = flags.settings()?;
            start_log(&settings)?;
            shadow.run(&settings)?;
        }
        Command::Check { accept, flags } => check(&accept, &flags.settings()?)?,
        Command::Explain { associate, flags } => {
            let settings = flags.settings()?;
            let plugins = Plugins::load(&settings.plugins_dir)?;
            let what = (associate, settings.identification().url_key);
            let out = BufWriter::new(io::stdout().lock());
            let bad = explain::run(&plugins, what, BufReader::new(io::stdin().lock()), out)?;
            return Ok(ExitCode::from(u8::from(bad > 0)));
        }
        Command::Render { plugin, device, raw_config, out, now: _, flags } => {
            let settings = flags.settings()?;
            let plugins = Plugins::load_over(&settings.plugins_dir, &settings.templates_dir())?;
            let device = Device::from_document(document(&device)?)?;
            let mut settings = document(&raw_config)?;
            raw::fill_defaults(&mut settings);
            for path in render::run(&plugins, &plugin, &device, &settings, &out)? {
                println!("{}", out.join(path).display());
            }
        }
        Command::Plugin(command) => return commands::plugin(command),
        Command::Ctl(ctl) => return ctl.run(),
        Command::Import { what, flags } => return what.run(&flags.settings()?),
        Command::RestToken(new) => new.run()?,
        Command::DhcpEvent { words } => return Ok(ringboot_dhcp_event::main(&words)),
        Command::Export { out, flags } => {
            commands::moving::export(out.as_deref(), &flags.settings()?)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn check(accept: &[String], settings: &Settings) -> Result<()> {
    settings.check()?;
    let plugins = Plugins::load_over(&settings.plugins_dir, &settings.templates_dir())?;
    let accepted = overrides::accept(&plugins, accept)?;
    let models: usize = plugins.releases().iter().map(|release| release.models().count()).sum();
    println!("settings: good");
    println!("plugins: {} releases, {models} models: good", plugins.releases().len());
    for release in plugins.releases() {
        for (template, reason) in release.slow_templates() {
            println!("plugins: {}: {template} is rendered slowly: {reason}", release.id());
        }
    }
    match ring::probe() {
        Ok(probe) => println!("io_uring: good, kernel {}", probe.kernel),
        Err(unavailable) => println!("io_uring: {unavailable}"),
    }
    accepted.iter().for_each(|name| println!("overrides: {name}: accepted"));
    let told = overrides::check(&plugins);
    told.lines.iter().for_each(|line| println!("overrides: {line}"));
    if told.broken.is_empty() { Ok(()) } else { Err(LoadErrors(told.broken).into()) }
}

fn document(file: &Path) -> Result<Document> {
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    serde_json::from_str(&text).with_context(|| file.display().to_string())
}
