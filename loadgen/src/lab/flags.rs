//! The flags that all measuring has: whose programs, which plugins, and where the figures go.

use super::paper;
use anyhow::{Context, Result};
use clap::Args;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// Programs, plugins, and where the figures go.
#[derive(Args, Debug)]
pub struct LabFlags {
    /// Folder of our own programs; that of this one unless given.
    #[arg(long)]
    pub programs: Option<PathBuf>,
    /// Folder of the vendors' plugins.
    #[arg(long, default_value = "plugins")]
    pub plugins_dir: PathBuf,
    /// Folder of the paper and its picture; they are not written unless it is given.
    #[arg(long)]
    pub docs: Option<PathBuf>,
    /// File for the figures.
    #[arg(long)]
    pub json: Option<PathBuf>,
}

/// A part of the paper, with its picture.
#[derive(Debug)]
pub struct Told<'a> {
    /// The part's name.
    pub part: &'a str,
    /// Its text.
    pub text: &'a str,
    /// The picture's file, beside the paper.
    pub picture: &'a str,
    /// The picture.
    pub svg: String,
    /// The figures.
    pub figures: Value,
}

impl LabFlags {
    /// Where our own programs are.
    ///
    /// # Errors
    /// When this program does not know where it is.
    pub fn programs(&self) -> Result<PathBuf> {
        let folder = match &self.programs {
            Some(told) => told.clone(),
            None => this_program()?.parent().map(Path::to_owned).unwrap_or_default(),
        };
        whole(&folder)
    }

    /// Writes what was measured where it is wanted.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(&self, told: &Told<'_>) -> Result<()> {
        if let Some(docs) = &self.docs {
            write(&docs.join(told.picture), &told.svg)?;
            paper::write(&docs.join("performance.md"), told.part, told.text)?;
        }
        if let Some(path) = &self.json {
            let json = serde_json::to_string_pretty(&told.figures).context("figures")?;
            write(path, &(json + "\n"))?;
        }
        Ok(())
    }
}

/// This program's file.
///
/// # Errors
/// When it does not know where it is.
pub fn this_program() -> Result<PathBuf> {
    std::env::current_exe().context("this program's own file")
}

/// The path from the root: servers change their folder, and a path must mean the same to all.
///
/// # Errors
/// When it is not there.
pub fn whole(path: &Path) -> Result<PathBuf> {
    fs::canonicalize(path).with_context(|| path.display().to_string())
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| path.display().to_string())
}
