//! Firmware and other files of vendors: downloaded, verified, unpacked and put in place whole, or
//! not at all.
//!
//! A manifest's `[[package]]` entries say what there is; files go to `<data>/files/<plugin id>`,
//! where the server looks for what operators put there.

mod disk;
mod download;
mod error;
mod shelf;
#[cfg(test)]
mod tests;
mod unpack;

pub use download::agent;
pub use error::Error;
pub use shelf::{Installed, Record, Shelf};
pub use unpack::Bounds;

pub use ureq::Agent;

use crate::plugin::{Glob, Package, Plugins};

/// A package, and the plugins that shall have it.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// What is fetched.
    pub package: &'a Package,
    /// For these, by their ids.
    pub plugins: Vec<&'a str>,
}

/// The packages that these patterns name: a plugin's id, or `<id>/<package>`; all without patterns.
/// One that several plugins have is there once.
///
/// # Errors
/// [`Error::Unknown`] for a pattern that names nothing.
pub fn select<'a>(plugins: &'a Plugins, patterns: &[String]) -> Result<Vec<Wanted<'a>>, Error> {
    let globs: Vec<Glob> = patterns.iter().map(|pattern| Glob::new(pattern)).collect();
    let mut is_used = vec![false; globs.len()];
    let mut wanted: Vec<Wanted<'a>> = Vec::new();
    for release in plugins.releases() {
        for package in release.packages() {
            let name = format!("{}/{}", release.id(), package.name);
            let mut takes = globs.is_empty();
            for (glob, is_used) in globs.iter().zip(&mut is_used) {
                if glob.is_match(release.id()) || glob.is_match(&name) {
                    (*is_used, takes) = (true, true);
                }
            }
            match wanted.iter_mut().find(|wanted| wanted.package == package) {
                _ if !takes => {}
                Some(known) => known.plugins.push(release.id()),
                None => wanted.push(Wanted { package, plugins: vec![release.id()] }),
            }
        }
    }
    match is_used.iter().position(|is_used| !is_used) {
        Some(unused) => Err(Error::Unknown(patterns[unused].clone())),
        None => Ok(wanted),
    }
}

/// Downloads a package, unless it is there, and gives it to those that lack it. Says how many files
/// each of them has of it. `progress` is told the bytes of the download that are there.
///
/// # Errors
/// [`Error`]; plugins that were given it before keep it.
pub fn fetch(
    shelf: &mut Shelf,
    agent: &Agent,
    wanted: &Wanted<'_>,
    bounds: Bounds,
    progress: &mut dyn FnMut(u64),
) -> Result<usize, Error> {
    let Wanted { package, plugins } = wanted;
    let download = download::get(agent, package, &shelf.downloads(), progress)?;
    let work = shelf.work()?;
    let unpacked = unpack::unpack(package, &download, &work, bounds)?;
    for plugin in plugins {
        shelf.install(plugin, package, &unpacked)?;
    }
    disk::empty_folder(&work)?;
    disk::remove_if_there(&download)?;
    Ok(unpacked.len())
}
