//! Plugins over REST: those of the plugins' folder are installed and in use, all of them.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::answer::{Answer, Outcome};
use super::call::Call;
use super::links::link;
use crate::device::Document;
use crate::limits;
use crate::plugin::Release;

/// Plugins in use.
pub fn list(call: &Call) -> Outcome {
    let plugins = call.world().plugins();
    let one = |release: &std::sync::Arc<Release>| {
        let href = call.child(release.id());
        (release.id().to_string(), json!({ "links": [link("pg.plugin", href)] }))
    };
    let plugins: Document = plugins.releases().iter().map(one).collect();
    Ok(Answer::json(&json!({ "plugins": plugins })))
}

/// What a plugin is.
pub fn info(call: &Call) -> Outcome {
    let plugins = call.world().plugins();
    let release = plugins.release(call.name("pg")).ok_or_else(Answer::no_path)?;
    Ok(Answer::json(&json!({ "plugin_info": describe(release) })))
}

/// All plugins that are there.
pub fn installed(call: &Call) -> Outcome {
    let plugins = call.world().plugins();
    let packages: Document =
        plugins.releases().iter().map(|r| (r.id().to_string(), describe(r))).collect();
    Ok(Answer::json(&json!({ "pkgs": packages })))
}

/// Plugins that could be installed: there is no index of others.
pub fn installable(_: &Call) -> Outcome {
    Ok(Answer::json(&json!({ "pkgs": {} })))
}

/// Installs a plugin: all that are known are there.
pub fn install(call: &Call) -> Outcome {
    let id = call.id()?;
    if call.world().plugins().release(&id).is_some() {
        return Err(Answer::bad(format!("plugin {id} is already installed")));
    }
    Err(Answer::bad(format!("'{id}'")))
}

/// Upgrades a plugin: no index has another version of it.
pub fn upgrade(call: &Call) -> Outcome {
    let id = call.id()?;
    if call.world().plugins().release(&id).is_none() {
        return Err(Answer::bad(format!("plugin {id} is not already installed")));
    }
    Err(Answer::bad(format!("'{id}'")))
}

/// Removes a plugin: it is one of a vendor's folder, which is there as a whole.
pub fn uninstall(call: &Call) -> Outcome {
    let id = call.id()?;
    let plugins = call.world().plugins();
    let Some(release) = plugins.release(&id) else {
        return Err(Answer::bad("plugin not found"));
    };
    let place = release.place().rsplit_once(':').map_or("", |(file, _)| file);
    Err(Answer::bad(format!("plugin {id} is one of {place}: it goes with that folder")))
}

/// Reads the index of plugins anew: there is none.
pub fn refresh(_: &Call) -> Outcome {
    let text = "'server' has no value set";
    Err(Answer::text(StatusCode::INTERNAL_SERVER_ERROR, text))
}

/// Loads the plugins' folder anew, and looks again at the devices of one plugin. Where something is
/// wrong with the folder, the plugins in use stay.
pub fn reload(call: &Call) -> Outcome {
    let id = call.id()?;
    if call.world().plugins().release(&id).is_none() {
        return Err(Answer::bad(format!("plugin {id} is not installed")));
    }
    call.api.load_plugins().map_err(|errors| Answer::bad(errors.to_string()))?;
    let lists = call.world().directory.lists();
    let mine = lists.with_plugin(&id);
    // Those of a larger fleet are looked at when their phones ask.
    for device in lists.order().each(mine.iter()).take(limits::FAMILY_MAX) {
        drop(call.world().reconfigure(&device.id));
    }
    Ok(Answer::done())
}

/// A plugin's version is the server's, with which it comes. What its models can do is not told:
/// a model that is named is one that it knows.
fn describe(release: &Release) -> Value {
    let mut models: Vec<_> = release.models().collect();
    models.sort_unstable();
    let name = |(model, firmware): (&str, &str)| {
        let firmware = if firmware.is_empty() { "*" } else { firmware };
        (format!("{}, {model}, {firmware}", release.vendor()), json!({}))
    };
    let capabilities: Document = models.into_iter().map(name).collect();
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "description": release.summary(),
        "capabilities": capabilities,
    })
}
