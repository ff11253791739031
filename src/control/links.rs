//! Resources that only say where others are, and the server's status.

use serde_json::{Value, json};

use super::answer::{Answer, Outcome};
use super::call::Call;

/// The whole API.
pub fn root(call: &Call) -> Outcome {
    links(
        call,
        &[
            ("dev", "dev_mgr"),
            ("cfg", "cfg_mgr"),
            ("pg", "pg_mgr"),
            ("status", "status"),
            ("srv.configure", "configure"),
        ],
    )
}

/// The devices' part.
pub fn devices(call: &Call) -> Outcome {
    links(
        call,
        &[
            ("dev.synchronize", "synchronize"),
            ("dev.reconfigure", "reconfigure"),
            ("dev.dhcpinfo", "dhcpinfo"),
            ("dev.devices", "devices"),
        ],
    )
}

/// The configurations' part.
pub fn configs(call: &Call) -> Outcome {
    links(call, &[("cfg.configs", "configs"), ("cfg.autocreate", "autocreate")])
}

/// The plugins' part.
pub fn plugins(call: &Call) -> Outcome {
    links(call, &[("srv.install", "install"), ("pg.plugins", "plugins"), ("pg.reload", "reload")])
}

/// The installation of plugins.
pub fn install(call: &Call) -> Outcome {
    links(
        call,
        &[
            ("srv.install.install", "install"),
            ("srv.install.uninstall", "uninstall"),
            ("srv.install.installed", "installed"),
            ("srv.install.installable", "installable"),
            ("srv.install.upgrade", "upgrade"),
            ("srv.install.update", "update"),
        ],
    )
}

/// One plugin.
pub fn plugin(call: &Call) -> Outcome {
    links(call, &[("pg.info", "info"), ("srv.install", "install")])
}

/// The packages of one plugin.
pub fn packages(call: &Call) -> Outcome {
    links(
        call,
        &[
            ("srv.install.install", "install"),
            ("srv.install.uninstall", "uninstall"),
            ("srv.install.installed", "installed"),
            ("srv.install.installable", "installable"),
        ],
    )
}

/// Whether the parts of the server work: without a bus in the settings, none is heard.
pub fn status(call: &Call) -> Outcome {
    let bus = if call.api.bus.is_heard() { "ok" } else { "fail" };
    Ok(Answer::json(&json!({"bus_consumer": {"status": bus}, "rest_api": "ok"})))
}

/// A link of a document.
pub fn link(rel: &str, href: String) -> Value {
    json!({"rel": rel, "href": href})
}

fn links(call: &Call, children: &[(&str, &str)]) -> Outcome {
    let links: Vec<_> = children.iter().map(|(rel, name)| link(rel, call.child(name))).collect();
    Ok(Answer::json(&json!({ "links": links })))
}
