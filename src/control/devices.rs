//! Devices over REST: a tenant sees its own, and takes over those that are nobody's yet.

use axum::http::StatusCode;
use serde_json::{Value, json};
use std::sync::Arc;

use super::answer::{Answer, Outcome};
use super::call::{Call, refused, settle};
use super::guard::{Tenants, owner};
use super::{find, schema};
use crate::device::{Device, Document};
use crate::world::Refusal;

/// Devices of the caller's tenant, with `recurse` those of tenants below it too.
pub fn list(call: &Call) -> Outcome {
    let mut params = call.params()?;
    let own = Tenants::Only(vec![call.caller.tenant.clone()]);
    let tenants = if params.recurse { &call.caller.subtree } else { &own };
    match tenants {
        Tenants::All => params.lift("tenant_uuid"),
        Tenants::Only(tenants) => params.restrict(tenants.iter().map(|tenant| tenant.to_string())),
    }
    let found = find::devices(&call.world().directory, &params);
    let devices: Vec<_> = found.iter().map(|device| params.show(&**device)).collect();
    Ok(Answer::json(&json!({ "devices": devices })))
}

/// A new device of the caller's tenant.
pub fn create(call: &Call) -> Outcome {
    let mut document = call.object("device")?;
    if !document.contains_key("id") {
        document.insert("id".to_owned(), call.world().new_name().to_string().into());
    }
    check_id(&document).map_err(Answer::bad)?;
    document.insert("tenant_uuid".to_owned(), call.caller.tenant.to_string().into());
    let device = schema::device(document).map_err(Answer::bad)?;
    let stored = call.world().insert_device(device);
    let stored = stored.map_err(|refusal| refused(&refusal, StatusCode::BAD_REQUEST))?;
    let answer = Answer::created(&call.child(&stored.id), &json!({ "id": *stored.id }));
    Ok(answer.tagged(&call.tag(stored.revision)))
}

/// A device.
pub fn read(call: &Call) -> Outcome {
    let device = find(call).filter(|device| call.may_see(device)).ok_or_else(Answer::no_such)?;
    let answer = Answer::json(&json!({ "device": device.to_document() }));
    Ok(answer.tagged(&call.tag(device.revision)))
}

/// Replaces a device. One that is new becomes the caller's tenant's.
pub fn update(call: &Call) -> Outcome {
    let document = call.object("device")?;
    let stored = settle(|| {
        let old = find(call).ok_or_else(Answer::no_such)?;
        let new = replacement(call, &old, document.clone())?;
        call.check_match(old.revision)?;
        Ok(call.world().replace_device(&new, old.revision))
    })?;
    Ok(Answer::done().tagged(&call.tag(stored.revision)))
}

/// What a device shall be: the client's document, with the name that the path says and a tenant
/// that the caller may act for.
fn replacement(call: &Call, old: &Device, mut document: Document) -> Result<Device, Answer> {
    let master = call.master();
    let tenant = owner(old, &master);
    document.insert("id".to_owned(), old.id.to_string().into());
    if tenant == master {
        document.insert("tenant_uuid".to_owned(), call.caller.tenant.to_string().into());
    } else if !call.caller.subtree.has(tenant) {
        return Err(Answer::no_such());
    } else if document.get("tenant_uuid").is_none_or(Value::is_null) {
        document.insert("tenant_uuid".to_owned(), tenant.into());
    }
    let device = schema::device(document)
        .map_err(|text| Answer::text(StatusCode::INTERNAL_SERVER_ERROR, text))?;
    if tenant != master && !call.caller.subtree.has(owner(&device, &master)) {
        return Err(Answer::bad("Tenant invalid for device"));
    }
    Ok(device)
}

/// Removes a device.
pub fn delete(call: &Call) -> Outcome {
    settle(|| {
        let old = find(call).filter(|device| call.may_see(device)).ok_or_else(Answer::no_such)?;
        call.check_match(old.revision)?;
        Ok(call.world().remove_device(&old.id, Some(old.revision)))
    })?;
    Ok(Answer::done())
}

/// Looks again whether a device's files can be made; every failure is 400.
pub fn reconfigure(call: &Call) -> Outcome {
    let id = call.id()?;
    let device = call.world().directory.get(&id);
    let device = device.ok_or_else(|| Answer::bad(Refusal::Unknown(id.clone()).to_string()))?;
    if !call.may_see(&device) {
        return Err(Answer::bad("Tenant invalid for device"));
    }
    match call.world().reconfigure(&id) {
        Ok(_) => Ok(Answer::done()),
        Err(refusal) => Err(Answer::bad(refusal.to_string())),
    }
}

fn find(call: &Call) -> Option<Arc<Device>> {
    call.world().directory.get(call.name("id"))
}

/// Whether a new document's name is one.
pub fn check_id(document: &Document) -> Result<(), String> {
    match document.get("id") {
        None | Some(Value::String(_)) => Ok(()),
        Some(other) => Err(format!("invalid ID {other}")),
    }
}
