//! Configurations over REST: they belong to no tenant.

use axum::http::StatusCode;
use serde_json::json;
use std::sync::Arc;

use super::answer::{Answer, Outcome};
use super::call::{Call, refused, settle};
use super::devices::check_id;
use super::find;
use crate::device::Config;
use crate::url::segment;

/// Configurations.
pub fn list(call: &Call) -> Outcome {
    let params = call.params()?;
    let found = find::configs(&call.world().configs, &params);
    let configs: Vec<_> = found.iter().map(|config| params.show(&**config)).collect();
    Ok(Answer::json(&json!({ "configs": configs })))
}

/// A new configuration.
pub fn create(call: &Call) -> Outcome {
    let mut document = call.object("config")?;
    if !document.contains_key("id") {
        document.insert("id".to_owned(), call.world().new_name().to_string().into());
    }
    check_id(&document).map_err(Answer::bad)?;
    let config = Config::from_document(document).map_err(|error| Answer::bad(error.to_string()))?;
    let stored = call.world().insert_config(config);
    let stored = stored.map_err(|refusal| refused(&refusal, StatusCode::BAD_REQUEST))?;
    let answer = Answer::created(&call.child(&stored.id), &json!({ "id": *stored.id }));
    Ok(answer.tagged(&call.tag(stored.revision)))
}

/// A configuration.
pub fn read(call: &Call) -> Outcome {
    let config = find(call)?;
    let answer = Answer::json(&json!({ "config": config.to_document() }));
    Ok(answer.tagged(&call.tag(config.revision)))
}

/// Replaces a configuration.
pub fn update(call: &Call) -> Outcome {
    let mut document = call.object("config")?;
    document.insert("id".to_owned(), call.name("id").into());
    find(call)?;
    let new = Config::from_document(document)
        .map_err(|error| Answer::text(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    let stored = settle(|| {
        let old = find(call)?;
        call.check_match(old.revision)?;
        Ok(call.world().replace_config(&new, old.revision))
    })?;
    Ok(Answer::done().tagged(&call.tag(stored.revision)))
}

/// Removes a configuration.
pub fn delete(call: &Call) -> Outcome {
    settle(|| {
        let old = find(call)?;
        call.check_match(old.revision)?;
        Ok(call.world().remove_config(&old.id, Some(old.revision)))
    })?;
    Ok(Answer::done())
}

/// A configuration with all layers below it.
pub fn raw(call: &Call) -> Outcome {
    let raw = call.world().configs.flatten(call.name("id")).ok_or_else(Answer::no_such)?;
    Ok(Answer::json(&json!({ "raw_config": raw })))
}

/// A configuration made of the template.
pub fn autocreate(call: &Call) -> Outcome {
    let made = call.world().autocreate_config();
    let made = made.map_err(|refusal| refused(&refusal, StatusCode::BAD_REQUEST))?;
    let made = made.ok_or_else(|| {
        Answer::bad("no configuration has the role autocreate and raw_config.sip_lines[\"1\"]")
    })?;
    let location = format!("/0.2/cfg_mgr/configs/{}", segment(&made.id));
    Ok(Answer::created(&location, &json!({ "id": *made.id })))
}

fn find(call: &Call) -> Result<Arc<Config>, Answer> {
    call.world().configs.get(call.name("id")).ok_or_else(Answer::no_such)
}
