//! Vendors' packages over REST: fetched in the background as an operation, and taken away again.
//! What is there is what manifests name; one fetch runs at a time, whoever began it.

use axum::http::StatusCode;
use serde_json::json;
use std::sync::Arc;
use std::thread;

use super::Api;
use super::answer::{Answer, Outcome};
use super::call::{Call, unavailable};
use super::operations::{Operation, Progress, State};
use crate::device::Document;
use crate::packages::{self, Bounds, Error, Record, Shelf, Wanted};
use crate::plugin::{Package, Release};

/// Packages that a plugin could have.
pub fn installable(call: &Call) -> Outcome {
    let release = release(call)?;
    let one = |package: &Package| {
        let (version, description) = (&package.version, &package.summary);
        let value = json!({"version": version, "description": description, "dsize": package.size});
        (package.name.clone(), value)
    };
    let packages: Document = release.packages().iter().map(one).collect();
    Ok(Answer::json(&json!({ "pkgs": packages })))
}

/// Packages that a plugin has. One that no manifest names any more has no description.
pub fn installed(call: &Call) -> Outcome {
    let release = release(call)?;
    let record = Record::read(&call.api.base.files_dir).map_err(|error| broken(&error))?;
    let mine = record.iter().filter(|(plugin, ..)| *plugin == &**release.id());
    let one = |(_, name, installed): (&str, &str, &packages::Installed)| {
        let description = find(&release, name).map(|package| &*package.summary);
        let value = json!({"version": installed.version, "description": description});
        (name.to_owned(), value)
    };
    let packages: Document = mine.map(one).collect();
    Ok(Answer::json(&json!({ "pkgs": packages })))
}

/// Begins to fetch a package.
pub fn install(call: &Call) -> Outcome {
    let release = release(call)?;
    let id = call.id()?;
    let package = find(&release, &id).ok_or_else(|| Answer::bad("package not found"))?.clone();
    let shelf = open(call)?;
    let proxy = call.api.parameters.proxy_for(&package.url);
    let agent = packages::agent(proxy.as_deref()).map_err(|error| broken(&error))?;
    let operation = Operation::default();
    operation.set(stage(&package, 0, false));
    let job = Job { api: Arc::clone(&call.api), release, package, operation: operation.clone() };
    let thread = thread::Builder::new().name("packages".to_owned());
    thread.spawn(move || job.run(shelf, &agent)).map_err(|error| unavailable(&error))?;
    Ok(Answer::begun(&call.api.operations.begin(&call.path, operation)))
}

/// Takes a package away.
pub fn uninstall(call: &Call) -> Outcome {
    let release = release(call)?;
    let id = call.id()?;
    match open(call)?.remove(release.id(), &id) {
        Ok(true) => Ok(Answer::done()),
        Ok(false) => Err(Answer::bad(format!("'{id}'"))),
        Err(error) => Err(broken(&error)),
    }
}

/// A package that is being fetched for a plugin.
struct Job {
    api: Arc<Api>,
    release: Arc<Release>,
    package: Package,
    operation: Operation,
}

impl Job {
    fn run(self, mut shelf: Shelf, agent: &packages::Agent) {
        let Job { api, release, package, operation } = self;
        let wanted = Wanted { package: &package, plugins: vec![release.id()] };
        let mut told = |have| operation.set(stage(&package, have, false));
        let fetched = packages::fetch(&mut shelf, agent, &wanted, Bounds::default(), &mut told);
        let (plugin, name) = (release.id(), &package.name);
        match fetched {
            Ok(files) => {
                tracing::info!(plugin = &**plugin, package = name, files, "a package is installed");
                // The plugin may not have had a folder before.
                api.base.content.set_folders(&api.base.files_dir);
                operation.set(stage(&package, package.size, true));
            }
            Err(error) => {
                tracing::warn!(plugin = &**plugin, package = name, %error, "no package");
                operation.change(|progress| fail(progress, &error));
            }
        }
    }
}

/// How far a fetch is, in the words of the predecessor (spec section 3.9).
fn stage(package: &Package, have: u64, is_done: bool) -> Progress {
    let part = |label, state| Progress { label, state, ..Progress::default() };
    let (file, install) = match (is_done, have == package.size) {
        (true, _) => (State::Success, State::Success),
        (false, true) => (State::Success, State::Progress),
        (false, false) => (State::Progress, State::Waiting),
    };
    let bytes = Progress { current: Some(have), end: package.size, ..part(None, file) };
    let download = Progress { parts: vec![bytes], ..part(Some("download"), file) };
    let parts = vec![download, part(Some("install"), install)];
    let all = if is_done { State::Success } else { State::Progress };
    Progress { parts, ..part(Some("install_pkg"), all) }
}

/// What was under way has failed, and so has the whole.
fn fail(progress: &mut Progress, error: &Error) {
    let is_open = |state| matches!(state, State::Progress | State::Waiting);
    if let Some(part) = progress.parts.iter_mut().find(|part| is_open(part.state)) {
        part.state = State::Fail;
        part.parts.iter_mut().for_each(|part| part.state = State::Fail);
    }
    progress.state = State::Fail;
    progress.reason = Some(error.to_string());
}

fn release(call: &Call) -> Result<Arc<Release>, Answer> {
    let plugins = call.world().plugins();
    plugins.release(call.name("pg")).cloned().ok_or_else(Answer::no_path)
}

fn find<'r>(release: &'r Release, name: &str) -> Option<&'r Package> {
    release.packages().iter().find(|package| package.name == name)
}

fn open(call: &Call) -> Result<Shelf, Answer> {
    Shelf::open(&call.api.base.files_dir).map_err(|error| match error {
        Error::Busy(_) => Answer::bad(error.to_string()),
        error => broken(&error),
    })
}

fn broken(error: &Error) -> Answer {
    Answer::text(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}
