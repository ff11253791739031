//! The commands that move documents: a fleet file or a whole installation in, everything out.

use anyhow::{Context, Result, ensure};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ringboot::import::provd;
use ringboot::plugin::Plugins;
use ringboot::settings::Settings;
use ringboot::{export, import, ring};

/// An import came to its end and left something out.
const EXIT_LEFT_OUT: u8 = 3;

/// What is imported.
#[derive(Args)]
pub struct Import {
    /// JSON lines with `device`, `config` or both, as an export writes them.
    #[arg(long, value_name = "FILE", required_unless_present = "wazo_provd")]
    fleet: Option<PathBuf>,
    /// An installation of wazo-provd: its root, or its folder that holds `jsondb`.
    #[arg(long, value_name = "DIR", conflicts_with = "fleet")]
    wazo_provd: Option<PathBuf>,
    /// Of a fleet file: take configurations whose values are not valid, too; those that an export
    /// names so are taken without it.
    #[arg(long, requires = "fleet")]
    as_stored: bool,
    /// Of an installation: write nothing, and report.
    #[arg(long, requires = "wazo_provd")]
    dry_run: bool,
    /// Of an installation: what is another one here goes; templates that are newer here stay.
    #[arg(long, requires = "wazo_provd")]
    overwrite: bool,
    /// Of an installation: write the report as JSON, too.
    #[arg(long, value_name = "FILE", requires = "wazo_provd")]
    json: Option<PathBuf>,
}

impl Import {
    /// Does it.
    pub fn run(self, settings: &Settings) -> Result<ExitCode> {
        ring::make_files_private();
        match (self.fleet, self.wazo_provd) {
            (_, Some(folder)) => {
                let (is_dry, overwrites) = (self.dry_run, self.overwrite);
                let wanted = provd::Wanted { folder, is_dry, overwrites };
                installation(&wanted, self.json.as_deref(), settings)
            }
            (Some(file), None) => {
                let check = match self.as_stored {
                    true => import::Check::Form,
                    false => import::Check::Values,
                };
                fleet(&file, check, settings)?;
                Ok(ExitCode::SUCCESS)
            }
            (None, None) => anyhow::bail!("neither --fleet nor --wazo-provd"),
        }
    }
}

fn fleet(fleet: &Path, check: import::Check, settings: &Settings) -> Result<()> {
    let bar = bar("{bar:40} {bytes}/{total_bytes} {elapsed}")?;
    let imported = import::fleet(fleet, &settings.store_dir(), check, &mut |done, all| {
        bar.set_length(all);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    let imported = imported.with_context(|| fleet.display().to_string());
    let import::Imported { devices, configs, odd } = imported?;
    println!("{devices} devices and {configs} configurations are taken in");
    if odd > 0 {
        println!("{odd} of the configurations have values that are not valid, as they had before");
    }
    Ok(())
}

fn installation(
    wanted: &provd::Wanted,
    json: Option<&Path>,
    settings: &Settings,
) -> Result<ExitCode> {
    let plugins = Plugins::load(&settings.plugins_dir)?;
    let bar = bar("{msg:24} {bar:40} {pos}/{len} {elapsed}")?;
    let report = provd::import(wanted, settings, &plugins, &mut |what, done, all| {
        bar.set_message(what);
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    });
    bar.finish_and_clear();
    let report = report?;
    print!("{report}");
    if let Some(file) = json {
        let text = serde_json::to_string_pretty(&report.to_json()).context("a report")?;
        fs::write(file, text + "\n").with_context(|| file.display().to_string())?;
    }
    let code = if report.has_left_out() { EXIT_LEFT_OUT } else { 0 };
    Ok(ExitCode::from(code))
}

/// Writes everything that is stored, to the standard output without a file.
pub fn export(out: Option<&Path>, settings: &Settings) -> Result<()> {
    let folder = settings.store_dir();
    ensure!(folder.is_dir(), "{}: there is no store", folder.display());
    let export::Exported { devices, configs, odd } = match out {
        Some(path) => {
            let mut file = fs::File::create(path).with_context(|| path.display().to_string())?;
            export::write(&folder, &mut file)?
        }
        None => export::write(&folder, &mut io::stdout().lock())?,
    };
    eprintln!("{devices} devices and {configs} configurations are written");
    if odd > 0 {
        eprintln!("{odd} of the configurations have values that are not valid; their lines say so");
    }
    Ok(())
}

fn bar(template: &str) -> Result<ProgressBar> {
    let style = ProgressStyle::with_template(template).context("a progress bar's template")?;
    Ok(ProgressBar::new(0).with_style(style))
}
