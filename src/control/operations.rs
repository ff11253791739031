//! Operations in progress: what was begun, how far it is, until a client forgets it.

use serde_json::json;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::answer::{Answer, Outcome};
use super::call::Call;
use crate::limits;

/// How far something is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum State {
    /// It has not begun.
    Waiting,
    /// It is being done.
    #[default]
    Progress,
    /// It is done.
    Success,
    /// It could not be done.
    Fail,
}

/// How far an operation is, and its parts. It is written `[label|]state[;current[/end]](part)…`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Progress {
    /// What it is, where that is said.
    pub label: Option<&'static str>,
    /// How far it is.
    pub state: State,
    /// What is done of it, where that is counted.
    pub current: Option<u64>,
    /// What there is to do; 0: not known.
    pub end: u64,
    /// Its parts.
    pub parts: Vec<Progress>,
    /// Why it failed, where that is told; it stands beside the status, not in it.
    pub reason: Option<String>,
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(label) = self.label {
            write!(f, "{label}|")?;
        }
        f.write_str(match self.state {
            State::Waiting => "waiting",
            State::Progress => "progress",
            State::Success => "success",
            State::Fail => "fail",
        })?;
        if let Some(current) = self.current {
            write!(f, ";{current}")?;
            if self.end > 0 {
                write!(f, "/{}", self.end)?;
            }
        }
        self.parts.iter().try_for_each(|part| write!(f, "({part})"))
    }
}

/// Something that was begun; whoever does it tells how far it is.
#[derive(Clone, Debug, Default)]
pub struct Operation(Arc<Mutex<Progress>>);

impl Operation {
    /// Changes how far it is.
    pub fn change(&self, change: impl FnOnce(&mut Progress)) {
        change(&mut self.lock());
    }

    /// Says how far it is now.
    pub fn set(&self, progress: Progress) {
        *self.lock() = progress;
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All operations, by the path that began them and their number there.
#[derive(Debug, Default)]
pub struct Operations(Mutex<Parents>);

type Parents = HashMap<String, Children>;

/// Operations of one path. Numbers begin at 1 and are never used again.
#[derive(Debug, Default)]
struct Children {
    last: u64,
    running: Vec<(u64, Operation)>,
}

impl Operations {
    /// Remembers a new one under a path; gives its own path. Where there are too many, the oldest
    /// that is over is forgotten, else the oldest.
    pub fn begin(&self, parent: &str, operation: Operation) -> String {
        let mut parents = self.lock();
        let children = parents.entry(parent.to_owned()).or_default();
        if children.running.len() >= limits::REST_OPERATIONS_MAX {
            let is_over = |operation: &Operation| {
                matches!(operation.lock().state, State::Success | State::Fail)
            };
            let over = children.running.iter().position(|(_, operation)| is_over(operation));
            children.running.remove(over.unwrap_or(0));
        }
        children.last += 1;
        children.running.push((children.last, operation));
        format!("{parent}/{}", children.last)
    }

    /// How far one is; none that was never begun, or was forgotten.
    pub fn progress(&self, parent: &str, number: &str) -> Option<Progress> {
        let parents = self.lock();
        let mut running = parents.get(parent)?.running.iter();
        let found = running.find(|(known, _)| known.to_string() == number);
        found.map(|(_, operation)| operation.lock().clone())
    }

    /// Forgets one, without an end to what is being done.
    pub fn forget(&self, parent: &str, number: &str) {
        if let Some(children) = self.lock().get_mut(parent) {
            children.running.retain(|(known, _)| known.to_string() != number);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Parents> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How far an operation is.
pub fn read(call: &Call) -> Outcome {
    let (parent, number) = place(call);
    let progress = call.api.operations.progress(parent, number).ok_or_else(Answer::no_path)?;
    let status = progress.to_string();
    Ok(Answer::json(&match progress.reason {
        None => json!({ "status": status }),
        Some(reason) => json!({ "status": status, "reason": reason }),
    }))
}

/// Forgets an operation.
pub fn delete(call: &Call) -> Outcome {
    let (parent, number) = place(call);
    call.api.operations.forget(parent, number);
    Ok(Answer::done())
}

fn place(call: &Call) -> (&str, &str) {
    call.path.rsplit_once('/').unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar_is_the_clients() {
        let progress = |label, state| Progress { label, state, ..Progress::default() };
        let fail = progress(None, State::Fail);
        assert_eq!(fail.to_string(), "fail");
        let update = Progress { current: Some(4096), ..progress(Some("update"), State::Progress) };
        assert_eq!(update.to_string(), "update|progress;4096");
        let part = Progress { current: Some(8192), end: 57000, ..progress(None, State::Progress) };
        let download =
            Progress { parts: vec![part], ..progress(Some("download"), State::Progress) };
        let install = progress(Some("install"), State::Waiting);
        let all = Progress {
            parts: vec![download, install],
            ..progress(Some("install_pkg"), State::Progress)
        };
        assert_eq!(
            all.to_string(),
            "install_pkg|progress(download|progress(progress;8192/57000))(install|waiting)"
        );
    }

    #[test]
    fn numbers_are_never_used_again() {
        let all = Operations::default();
        let operation = Operation::default();
        assert_eq!(
            all.begin("/0.2/dev_mgr/synchronize", operation.clone()),
            "/0.2/dev_mgr/synchronize/1"
        );
        operation.set(Progress { state: State::Success, ..Progress::default() });
        let status = |number| {
            let progress = all.progress("/0.2/dev_mgr/synchronize", number);
            progress.map(|progress| progress.to_string())
        };
        assert_eq!(status("1").as_deref(), Some("success"));
        assert_eq!((status("01"), status("2")), (None, None));
        all.forget("/0.2/dev_mgr/synchronize", "1");
        assert_eq!(status("1"), None);
        assert_eq!(
            all.begin("/0.2/dev_mgr/synchronize", Operation::default()),
            "/0.2/dev_mgr/synchronize/2"
        );
        for _ in 0..2 * limits::REST_OPERATIONS_MAX {
            all.begin("/0.2/dev_mgr/synchronize", Operation::default());
        }
        assert_eq!(status("2"), None);
    }
}
