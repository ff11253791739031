//! What administrators put beside plugins: templates are copied, the rest is named.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, FileTimes};
use std::io;
use std::path::{Path, PathBuf};

use super::facts::Fact;
use super::installed::Installed;
use super::report::{Report, Tally};
use super::{Wanted, read};
use crate::limits;
use crate::plugin::Plugins;

/// Copies each plugin's `var/templates` to the folder of templates of its name. A file that is
/// there already stays where it is newer, or unless the import overwrites.
///
/// # Errors
/// Where the data folder does not take a file.
pub fn copy(
    installed: &Installed,
    wanted: &Wanted,
    data: &Path,
    plugins: &Plugins,
    report: &mut Report,
) -> io::Result<()> {
    for name in read::names(&installed.plugins())? {
        let var = installed.plugins().join(&name).join("var");
        let Some(id) = name.to_str().filter(|_| var.is_dir()) else { continue };
        for package in read::names(&var.join("installed")).unwrap_or_default() {
            report.tell(Fact::Package, format_args!("{id}: {}", package.display()));
        }
        if var.join("config.json").exists() {
            report.tell(Fact::PluginFile, format_args!("{id}: config.json"));
        }
        let mut files = Vec::new();
        walk(&var.join("templates"), Path::new(""), 0, &mut files, report);
        let to = data.join("templates").join(id);
        for file in &files {
            let from = var.join("templates").join(file);
            copy_one(&from, &to.join(file), wanted, report)?;
        }
        if !files.is_empty() && plugins.release(id).is_none() {
            report.tell_many(Fact::StrayTemplate, files.len(), id);
        }
    }
    Ok(())
}

/// The files below a folder, by their paths in it.
fn walk(root: &Path, inside: &Path, depth: usize, files: &mut Vec<PathBuf>, report: &mut Report) {
    let folder = root.join(inside);
    let names = match read::names(&folder) {
        Ok(names) => names,
        Err(error) => {
            report.tell(Fact::Unreadable, format_args!("{}: {error}", folder.display()));
            return;
        }
    };
    for name in names {
        let inside = inside.join(&name);
        let kind = fs::metadata(root.join(&inside)).map(|of| (of.is_dir(), of.is_file()));
        match kind {
            // Folders that hold nothing yet are kept with an empty file of such a name.
            Ok((false, true)) if name == OsStr::new(".gitkeep") => {}
            Ok((false, true)) => files.push(inside),
            Ok((true, _)) if depth < limits::IMPORT_DEPTH_MAX => {
                walk(root, &inside, depth + 1, files, report);
            }
            Ok(_) => report.tell(Fact::Unreadable, root.join(&inside).display()),
            Err(error) => {
                let path = root.join(&inside);
                report.tell(Fact::Unreadable, format_args!("{}: {error}", path.display()));
            }
        }
    }
}

fn copy_one(from: &Path, to: &Path, wanted: &Wanted, report: &mut Report) -> io::Result<()> {
    report.templates.found += 1;
    let text = match fs::read(from) {
        Ok(text) => text,
        Err(error) => {
            report.tell(Fact::Unreadable, format_args!("{}: {error}", from.display()));
            return Ok(());
        }
    };
    let written = fs::metadata(from).and_then(|of| of.modified()).ok();
    let Tally { new, replaced, same, kept, .. } = &mut report.templates;
    match fs::read(to) {
        Ok(here) if here == text => {
            *same += 1;
            return Ok(());
        }
        Ok(_) => {
            let is_newer = fs::metadata(to).and_then(|of| of.modified()).ok() > written;
            if is_newer || !wanted.overwrites {
                *kept += 1;
                report.tell(Fact::TemplateKept, read::short(to));
                return Ok(());
            }
            *replaced += 1;
        }
        Err(_) => *new += 1,
    }
    if wanted.is_dry {
        return Ok(());
    }
    let explain =
        |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", to.display()));
    write(to, &text, written.map(|written| FileTimes::new().set_modified(written))).map_err(explain)
}

/// Writes a file whole or not at all, with the time at which it was last written.
fn write(to: &Path, text: &[u8], times: Option<FileTimes>) -> io::Result<()> {
    let folder = to.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    // Nothing takes a file of such a name for a template.
    let mut name = OsString::from(".");
    name.push(to.file_name().unwrap_or_default());
    let beside = folder.join(name);
    fs::write(&beside, text)?;
    let file = File::options().write(true).open(&beside)?;
    if let Some(times) = times {
        file.set_times(times)?;
    }
    file.sync_all()?;
    fs::rename(&beside, to)
}
