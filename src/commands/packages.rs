//! Packages of vendors: fetched, listed and taken away again.

use anyhow::{Context, Result};
use clap::Args;
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use std::process::ExitCode;

use crate::Flags;
use ringboot::packages::{self, Bounds, Record, Shelf, Wanted};
use ringboot::plugin::Plugins;
use ringboot::settings::Settings;

/// What is to be fetched.
#[derive(Args)]
pub struct Fetch {
    /// `<plugin id>` or `<plugin id>/<package>`, with `*` and `?`; all packages without.
    #[arg(value_name = "ID[/PACKAGE]")]
    wanted: Vec<String>,
    /// List what there is and what is installed, and change nothing.
    #[arg(long)]
    list: bool,
    /// Say what would be downloaded, and change nothing.
    #[arg(long, conflicts_with = "list")]
    dry_run: bool,
    #[command(flatten)]
    flags: Flags,
}

/// What is to be taken away.
#[derive(Args)]
pub struct Remove {
    /// `<plugin id>/<package>`.
    #[arg(value_name = "ID/PACKAGE", required = true)]
    packages: Vec<String>,
    #[command(flatten)]
    flags: Flags,
}

impl Fetch {
    /// Fetches, or lists.
    ///
    /// # Errors
    /// What could not be done at all. Packages that failed are told and make the exit code 1.
    pub fn run(self) -> Result<ExitCode> {
        let settings = self.flags.settings()?;
        let plugins = Plugins::load(&settings.plugins_dir)?;
        let wanted = packages::select(&plugins, &self.wanted)?;
        if self.list || self.dry_run {
            show(&wanted, &Record::read(&settings.files_dir())?, self.dry_run);
            return Ok(ExitCode::SUCCESS);
        }
        fetch(&wanted, &settings)
    }
}

impl Remove {
    /// Takes them away.
    ///
    /// # Errors
    /// One that is not installed, or cannot be removed.
    pub fn run(self) -> Result<()> {
        remove(&self.packages, &self.flags.settings()?)
    }
}

/// A line for each plugin and package; `missing` ones alone are what a fetch would bring.
fn show(wanted: &[Wanted<'_>], record: &Record, missing: bool) {
    for Wanted { package, plugins } in wanted {
        for plugin in plugins {
            let state = match record.find(plugin, &package.name) {
                Some(known) if known.is(package) => "installed".to_owned(),
                Some(known) => format!("installed: {}", known.version),
                None => "available".to_owned(),
            };
            if missing && state == "installed" {
                continue;
            }
            let (name, version, size) = (&package.name, &package.version, HumanBytes(package.size));
            println!("{plugin}/{name} {version} ({size}): {state}");
            if !package.summary.is_empty() {
                println!("    {}", package.summary);
            }
        }
    }
}

fn fetch(wanted: &[Wanted<'_>], settings: &Settings) -> Result<ExitCode> {
    let files = settings.files_dir();
    let mut shelf = Shelf::open(&files)?;
    let agent = packages::agent(None)?;
    let style = "{msg} {bar:40} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
    let style = ProgressStyle::with_template(style).context("a progress bar's template")?;
    let (mut failed, mut is_new) = (0, false);
    for Wanted { package, plugins } in wanted {
        let title = format!("{} {}", package.name, package.version);
        let (has, lacks): (Vec<&str>, Vec<&str>) =
            plugins.iter().partition(|plugin| shelf.has(plugin, package));
        for plugin in has {
            println!("{plugin}: {title} is installed");
        }
        if lacks.is_empty() {
            continue;
        }
        is_new |= lacks.iter().any(|plugin| !files.join(plugin).is_dir());
        let bar = ProgressBar::new(package.size).with_style(style.clone());
        bar.set_message(title.clone());
        let wanted = Wanted { package, plugins: lacks };
        let mut first = true;
        let fetched =
            packages::fetch(&mut shelf, &agent, &wanted, Bounds::default(), &mut |have| {
                if std::mem::take(&mut first) {
                    // What was there before counts neither for the rate nor for the time left.
                    bar.set_position(have);
                    bar.reset_eta();
                }
                bar.set_position(have);
            });
        bar.finish_and_clear();
        match fetched {
            Ok(count) => {
                for plugin in &wanted.plugins {
                    println!("{plugin}: {title} is installed now, {count} files");
                }
            }
            Err(error) => {
                eprintln!("ringboot: {title}: {error}");
                failed += 1;
            }
        }
    }
    if is_new {
        println!("a running server looks for new folders at SIGHUP");
    }
    Ok(ExitCode::from(u8::from(failed > 0)))
}

fn remove(names: &[String], settings: &Settings) -> Result<()> {
    let mut shelf = Shelf::open(&settings.files_dir())?;
    for name in names {
        let (plugin, package) = name.split_once('/').context("a package is named ID/PACKAGE")?;
        anyhow::ensure!(shelf.remove(plugin, package)?, "{name} is not installed");
        println!("{name} is removed");
    }
    Ok(())
}
