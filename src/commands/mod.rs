//! The commands beside those of the server itself: about plugins, documents, a running server.

mod packages;

pub mod ctl;
pub mod moving;
pub mod shadow;
pub mod tokens;

use anyhow::{Result, ensure};
use clap::{Args, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

use ringboot::plugin::Plugins;
use ringboot::tools::{cases, check, phones, skeleton};

/// What is wanted of plugins.
#[derive(Subcommand)]
pub enum PluginCommand {
    /// Make the folder of a new plugin: manifest, template and cases that hold.
    New {
        /// The folder's name: lower-case letters, digits and dashes.
        name: String,
        /// The vendor, as its phones say it.
        #[arg(long)]
        vendor: String,
        #[command(flatten)]
        folder: Folder,
    },
    /// Check plugins: their form, their files for every model, rules that no case reaches.
    Check(Chosen),
    /// Run the cases of plugins.
    Test {
        /// Write the golden files anew instead of comparing with them.
        #[arg(long)]
        bless: bool,
        #[command(flatten)]
        chosen: Chosen,
    },
    /// Download, verify and unpack packages of vendors into `<data-dir>/files/<plugin id>`.
    Fetch(packages::Fetch),
    /// Take the files of installed packages away.
    Remove(packages::Remove),
    /// Print the page of vendors, releases and models, and of what they support.
    Phones(Folder),
}

/// Where plugins are.
#[derive(Args)]
pub struct Folder {
    /// Where the plugins are.
    #[arg(long, value_name = "DIR", default_value = "plugins")]
    plugins_dir: PathBuf,
}

/// Some of the plugins.
#[derive(Args)]
pub struct Chosen {
    /// Names of folders; all without.
    names: Vec<String>,
    #[command(flatten)]
    folder: Folder,
}

/// Does it.
///
/// # Errors
/// What is wrong with the plugins, or cannot be read or written.
pub fn plugin(command: PluginCommand) -> Result<ExitCode> {
    match command {
        PluginCommand::New { name, vendor, folder } => {
            for file in skeleton::write(&folder.plugins_dir, &name, &vendor)? {
                println!("{}", file.display());
            }
            println!("next: ringboot plugin test {name} --bless; ringboot plugin check {name}");
        }
        PluginCommand::Check(chosen) => check_plugins(&chosen)?,
        PluginCommand::Test { bless, chosen } => test(&chosen, bless)?,
        PluginCommand::Fetch(wanted) => return wanted.run(),
        PluginCommand::Remove(installed) => installed.run()?,
        PluginCommand::Phones(folder) => {
            print!("{}", phones::page(&Plugins::load(&folder.plugins_dir)?));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn check_plugins(chosen: &Chosen) -> Result<()> {
    let folder = &chosen.folder.plugins_dir;
    let plugins = Plugins::load(folder)?;
    let report = check::run(&plugins, &cases::read(folder, &chosen.names)?);
    for note in &report.notes {
        println!("note: {note}");
    }
    for error in &report.errors {
        println!("error: {error}");
    }
    println!("{} files were made, {} failed", report.files, report.errors.len());
    ensure!(report.errors.is_empty(), "plugins that must be mended");
    Ok(())
}

fn test(chosen: &Chosen, bless: bool) -> Result<()> {
    let folder = &chosen.folder.plugins_dir;
    let plugins = Plugins::load(folder)?;
    let mut failed = 0;
    for vendor in cases::read(folder, &chosen.names)? {
        let outcome = vendor.run(&plugins, bless);
        for wrong in &outcome.wrong {
            println!("{}: {wrong}", vendor.name());
        }
        let (right, wrong) = (outcome.right, outcome.wrong.len());
        println!("{}: {right} cases hold, {wrong} do not", vendor.name());
        failed += wrong;
    }
    ensure!(failed == 0, "{failed} cases do not hold");
    Ok(())
}
