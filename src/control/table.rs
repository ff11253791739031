//! Every path and method of the API, with what it needs and who does it: one line each.

use axum::http::Method;

use super::answer::Outcome;
use super::call::Call;
use super::{
    configs, devices, dhcp, links, openapi, operations, packages, parameters, plugins, synchronize,
    trace,
};

/// A method of a path.
pub struct Route {
    /// The method, by its name.
    pub method: &'static str,
    /// The path; `{…}` is a name.
    pub path: &'static str,
    /// The access that it needs; empty: none.
    pub access: &'static str,
    /// Whether a document comes with it.
    pub takes_document: bool,
    /// The status of success.
    pub success: u16,
    /// What it does, for people.
    pub summary: &'static str,
    /// What does it.
    pub run: fn(&Call) -> Outcome,
}

impl Route {
    /// Whether the answer to it is a document, so that a client must accept those.
    pub fn gives_document(&self) -> bool {
        self.method == "GET" && !self.access.is_empty()
    }

    /// Whether it gives a list that can be narrowed.
    pub fn is_list(&self) -> bool {
        let ends = ["/devices", "/configs"];
        self.method == "GET" && ends.iter().any(|end| self.path.ends_with(end))
    }

    /// Whether it matters to it which tenants lie below the caller's. A list asks for them by name.
    pub fn looks_below(&self, query: &str) -> bool {
        let rest = self.path.strip_prefix("/0.2/dev_mgr/");
        rest.is_some_and(|rest| match rest {
            "devices" => self.method == "GET" && query.contains("recurse"),
            "devices/{id}" | "reconfigure" | "synchronize" => true,
            _ => false,
        })
    }

    /// Whether it is answered from what is stored, and so waits until all of that is there.
    pub fn needs_store(&self) -> bool {
        ["/0.2/dev_mgr/", "/0.2/cfg_mgr/"].iter().any(|prefix| self.path.starts_with(prefix))
    }
}

/// The paths, each once.
pub fn paths() -> Vec<&'static str> {
    let mut paths: Vec<_> = ROUTES.iter().map(|route| route.path).collect();
    paths.dedup();
    paths
}

/// The route of a path's method.
pub fn find(path: &str, method: &Method) -> Option<&'static Route> {
    ROUTES.iter().find(|route| route.path == path && route.method == method.as_str())
}

/// The methods of a path.
pub fn methods(path: &str) -> impl Iterator<Item = &'static str> {
    ROUTES.iter().filter(move |route| route.path == path).map(|route| route.method)
}

type Run = fn(&Call) -> Outcome;

const fn route(method: &'static str, success: u16, run: Run) -> Route {
    let takes_document = success != 200;
    Route { method, path: "", access: "", takes_document, success, summary: "", run }
}

const fn get(path: &'static str, access: &'static str, summary: &'static str, run: Run) -> Route {
    Route { path, access, summary, ..route("GET", 200, run) }
}

/// Makes something.
const fn post(path: &'static str, access: &'static str, summary: &'static str, run: Run) -> Route {
    Route { path, access, summary, ..route("POST", 201, run) }
}

/// Does something.
const fn order(path: &'static str, access: &'static str, summary: &'static str, run: Run) -> Route {
    Route { path, access, summary, ..route("POST", 204, run) }
}

const fn put(path: &'static str, access: &'static str, summary: &'static str, run: Run) -> Route {
    Route { path, access, summary, ..route("PUT", 204, run) }
}

const fn delete(
    path: &'static str,
    access: &'static str,
    summary: &'static str,
    run: Run,
) -> Route {
    Route { path, access, summary, takes_document: false, ..route("DELETE", 204, run) }
}

/// Methods of one path stand together.
pub const ROUTES: &[Route] = &[
    get("/0.2", "provd.read", "Links to all parts", links::root),
    get("/0.2/api/api.yml", "", "This description", openapi::describe),
    get("/0.2/status", "provd.status.read", "Whether the parts of the server work", links::status),
    get("/0.2/configure", "provd.configure.read", "All parameters", parameters::list),
    get(
        "/0.2/configure/{p}",
        "provd.configure.{tenant_uuid}.{p}.read",
        "A parameter",
        parameters::read,
    ),
    put(
        "/0.2/configure/{p}",
        "provd.configure.{tenant_uuid}.{p}.update",
        "Set a parameter",
        parameters::update,
    ),
    get("/0.2/dev_mgr", "provd.dev_mgr.read", "Links of the devices", links::devices),
    get("/0.2/dev_mgr/devices", "provd.dev_mgr.devices.read", "Devices", devices::list),
    post("/0.2/dev_mgr/devices", "provd.dev_mgr.devices.create", "Add a device", devices::create),
    get("/0.2/dev_mgr/devices/{id}", "provd.dev_mgr.devices.{id}.read", "A device", devices::read),
    put(
        "/0.2/dev_mgr/devices/{id}",
        "provd.dev_mgr.devices.{id}.update",
        "Replace a device",
        devices::update,
    ),
    delete(
        "/0.2/dev_mgr/devices/{id}",
        "provd.dev_mgr.devices.{id}.delete",
        "Remove a device",
        devices::delete,
    ),
    post(
        "/0.2/dev_mgr/synchronize",
        "provd.dev_mgr.synchronize.create",
        "Tell phones to fetch their files anew",
        synchronize::begin,
    ),
    get(
        "/0.2/dev_mgr/synchronize/{op}",
        "provd.operation.read",
        "How a synchronization goes",
        operations::read,
    ),
    delete(
        "/0.2/dev_mgr/synchronize/{op}",
        "provd.operation.delete",
        "Forget a synchronization",
        operations::delete,
    ),
    order(
        "/0.2/dev_mgr/reconfigure",
        "provd.dev_mgr.reconfigure.create",
        "Look again whether a device's files can be made",
        devices::reconfigure,
    ),
    order(
        "/0.2/dev_mgr/dhcpinfo",
        "provd.dev_mgr.dhcpinfo.create",
        "Report what a DHCP server did",
        dhcp::take,
    ),
    get("/0.2/cfg_mgr", "provd.cfg_mgr.read", "Links of the configurations", links::configs),
    get("/0.2/cfg_mgr/configs", "provd.cfg_mgr.configs.read", "Configurations", configs::list),
    post(
        "/0.2/cfg_mgr/configs",
        "provd.cfg_mgr.configs.create",
        "Add a configuration",
        configs::create,
    ),
    get(
        "/0.2/cfg_mgr/configs/{id}",
        "provd.cfg_mgr.configs.{id}.read",
        "A configuration",
        configs::read,
    ),
    put(
        "/0.2/cfg_mgr/configs/{id}",
        "provd.cfg_mgr.configs.{id}.update",
        "Replace a configuration",
        configs::update,
    ),
    delete(
        "/0.2/cfg_mgr/configs/{id}",
        "provd.cfg_mgr.configs.{id}.delete",
        "Remove a configuration",
        configs::delete,
    ),
    get(
        "/0.2/cfg_mgr/configs/{id}/raw",
        "provd.cfg_mgr.configs.{id}.raw.read",
        "All layers of a configuration as one",
        configs::raw,
    ),
    post(
        "/0.2/cfg_mgr/autocreate",
        "provd.cfg_mgr.autocreate.create",
        "Make a configuration of the template",
        configs::autocreate,
    ),
    get("/0.2/pg_mgr", "provd.pg_mgr.read", "Links of the plugins", links::plugins),
    get("/0.2/pg_mgr/plugins", "provd.pg_mgr.plugins.read", "Plugins in use", plugins::list),
    get(
        "/0.2/pg_mgr/plugins/{pg}",
        "provd.pg_mgr.plugins.{pg}.read",
        "Links of a plugin",
        links::plugin,
    ),
    get(
        "/0.2/pg_mgr/plugins/{pg}/info",
        "provd.pg_mgr.plugins.{pg}.info.read",
        "What a plugin is",
        plugins::info,
    ),
    get(
        "/0.2/pg_mgr/plugins/{pg}/install",
        "provd.pg_mgr.plugins.{pg}.install.read",
        "Links of a plugin's packages",
        links::packages,
    ),
    post(
        "/0.2/pg_mgr/plugins/{pg}/install/install",
        "provd.pg_mgr.plugins.{pg}.install.install.create",
        "Install a package",
        packages::install,
    ),
    get(
        "/0.2/pg_mgr/plugins/{pg}/install/install/{op}",
        "provd.operation.read",
        "How an installation goes",
        operations::read,
    ),
    delete(
        "/0.2/pg_mgr/plugins/{pg}/install/install/{op}",
        "provd.operation.delete",
        "Forget an installation",
        operations::delete,
    ),
    order(
        "/0.2/pg_mgr/plugins/{pg}/install/uninstall",
        "provd.pg_mgr.plugins.{pg}.install.uninstall.create",
        "Remove a package",
        packages::uninstall,
    ),
    get(
        "/0.2/pg_mgr/plugins/{pg}/install/installed",
        "provd.pg_mgr.plugins.{pg}.install.installed.read",
        "A plugin's packages",
        packages::installed,
    ),
    get(
        "/0.2/pg_mgr/plugins/{pg}/install/installable",
        "provd.pg_mgr.plugins.{pg}.install.installable.read",
        "Packages that a plugin could have",
        packages::installable,
    ),
    get(
        "/0.2/pg_mgr/install",
        "provd.pg_mgr.install.read",
        "Links of the installation of plugins",
        links::install,
    ),
    post(
        "/0.2/pg_mgr/install/install",
        "provd.pg_mgr.install.install.create",
        "Install a plugin",
        plugins::install,
    ),
    Route {
        takes_document: false,
        ..post(
            "/0.2/pg_mgr/install/update",
            "provd.pg_mgr.install.update.create",
            "Read the index of plugins anew",
            plugins::refresh,
        )
    },
    post(
        "/0.2/pg_mgr/install/upgrade",
        "provd.pg_mgr.install.upgrade.create",
        "Upgrade a plugin",
        plugins::upgrade,
    ),
    order(
        "/0.2/pg_mgr/install/uninstall",
        "provd.pg_mgr.install.uninstall.create",
        "Remove a plugin",
        plugins::uninstall,
    ),
    get(
        "/0.2/pg_mgr/install/installed",
        "provd.pg_mgr.install.installed.read",
        "All plugins",
        plugins::installed,
    ),
    get(
        "/0.2/pg_mgr/install/installable",
        "provd.pg_mgr.install.installable.read",
        "Plugins that could be installed",
        plugins::installable,
    ),
    order("/0.2/pg_mgr/reload", "provd.pg_mgr.reload.create", "Load plugins anew", plugins::reload),
    get(
        "/ringboot/trace/{phone}",
        "ringboot.trace.{phone}.read",
        "What a phone (a MAC) or an address asked in its last boots; with follow=1, as JSON lines \
         that come as it asks",
        trace::read,
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_and_method_is_there_once() {
        let mut seen = std::collections::HashSet::new();
        assert!(ROUTES.iter().all(|route| seen.insert((route.path, route.method))));
        let mut paths = paths();
        let count = paths.len();
        paths.sort_unstable();
        paths.dedup();
        assert_eq!(paths.len(), count, "methods of a path stand together");
    }
}
