//! Phones are told to fetch their files anew: an operation each, or one for many.

use axum::http::StatusCode;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::answer::{Answer, Outcome};
use super::call::{Call, unavailable};
use super::operations::{Operation, Progress, State};
use crate::device::Text;
use crate::notify::{NotifyError, Watcher, Way, plan};
use crate::world::World;

/// Lets a device wait for its turn, or those of a list (`ids`): an answer tells only that it does.
pub fn begin(call: &Call) -> Outcome {
    let phones = phones(call)?;
    let is_list = call.body.get("ids").is_some();
    let operation = Operation::default();
    let count = u64::try_from(phones.len()).unwrap_or(u64::MAX);
    if is_list {
        operation.set(Progress { current: Some(0), end: count, ..Progress::default() });
    }
    match &call.api.queue {
        None => operation.change(|progress| {
            progress.state = State::Fail;
            progress.reason = Some(NotifyError::NoService.to_string());
        }),
        Some(queue) => {
            let watcher = watcher(operation.clone(), count, is_list);
            queue.add(&phones, &watcher).map_err(|full| unavailable(&full))?;
        }
    }
    Ok(Answer::begun(&call.api.operations.begin(&call.path, operation)))
}

/// Tells a device, as it is now.
///
/// # Errors
/// [`NotifyError`].
pub fn tell(world: &World, way: &dyn Way, id: &str) -> Result<(), NotifyError> {
    let device = world.directory.get(id);
    let device = device.ok_or_else(|| NotifyError::Unknown(id.to_owned()))?;
    way.send(&plan(&device, &world.plugins())?)
}

/// The devices that are meant, each once; all of them the caller's to see.
fn phones(call: &Call) -> Result<Vec<Text>, Answer> {
    let ids = match (call.body.get("ids"), call.body.get("id")) {
        (Some(_), Some(_)) => return Err(Answer::bad("\"id\" or \"ids\", not both")),
        (Some(Value::Array(ids)), None) => {
            let ids = ids.iter().map(|id| id.as_str().map(ToOwned::to_owned));
            let ids: Option<Vec<_>> = ids.collect();
            ids.ok_or_else(|| Answer::bad("an id of \"ids\" is no text"))?
        }
        (Some(_), None) => return Err(Answer::bad("\"ids\" is no list")),
        (None, _) => vec![call.id()?],
    };
    if ids.is_empty() {
        return Err(Answer::bad("\"ids\" is empty"));
    }
    let mut phones = Vec::with_capacity(ids.len());
    for id in ids {
        let device = call.world().directory.get(&id).filter(|device| call.may_see(device));
        match device {
            Some(device) => phones.push(device.id.clone()),
            None if call.body.get("ids").is_none() => return Err(Answer::no_such()),
            None => {
                let text = format!("No such resource: {id:?}");
                return Err(Answer::text(StatusCode::NOT_FOUND, text));
            }
        }
    }
    phones.sort_unstable();
    phones.dedup();
    Ok(phones)
}

/// Moves the operation as phones are told. It is over when all were; one that was not is enough
/// for it to fail.
fn watcher(operation: Operation, count: u64, is_list: bool) -> Watcher {
    let left = AtomicU64::new(count);
    Arc::new(move |id, told| {
        if let Err(error) = told {
            tracing::warn!(device = id, %error, "not synchronized");
        }
        operation.change(|progress| {
            let left = left.fetch_sub(1, Ordering::Relaxed) - 1;
            if is_list {
                progress.current = Some(count - left);
            }
            if let (Err(error), None) = (told, &progress.reason) {
                let whose = if is_list { format!("{id}: ") } else { String::new() };
                progress.reason = Some(format!("{whose}{error}"));
            }
            progress.state = match (left, &progress.reason) {
                (0, None) => State::Success,
                (0, Some(_)) => State::Fail,
                _ => State::Progress,
            };
        });
    })
}
