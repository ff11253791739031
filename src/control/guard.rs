//! Who may do what: the one place that knows tokens, tenants and access lists.

use axum::http::HeaderMap;

use super::answer::Answer;
use crate::device::{Device, Text};

/// Who is asked before a request is looked at. Each way to authenticate is a variant.
#[derive(Clone, Debug)]
pub enum Guard {
    /// Nobody: every caller may do everything. A request acts for the tenant that it names.
    Open {
        /// The tenant of a request that names none; all others lie below it.
        master: Text,
    },
}

/// Who asks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Caller {
    /// The tenant that the request acts for.
    pub tenant: Text,
    /// That tenant and those below it.
    pub subtree: Tenants,
}

/// Some of the tenants.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Tenants {
    /// Every one.
    All,
    /// These.
    Only(Vec<Text>),
}

impl Guard {
    /// Who asks: the first check behind path and method.
    ///
    /// # Errors
    /// The answer to one who may not ask at all.
    pub fn admit(&self, headers: &HeaderMap) -> Result<Caller, Answer> {
        let Guard::Open { master } = self;
        let tenant = match headers.get("Wazo-Tenant") {
            None => master.clone(),
            Some(name) => Text::from(name.to_str().map_err(|_| Answer::unauthorized())?),
        };
        let subtree =
            if tenant == *master { Tenants::All } else { Tenants::Only(vec![tenant.clone()]) };
        Ok(Caller { tenant, subtree })
    }

    /// Whether the caller may do what needs this access: the second check.
    ///
    /// # Errors
    /// The answer to one who may not.
    pub fn allow(&self, _caller: &Caller, _access: &str) -> Result<(), Answer> {
        match self {
            Guard::Open { .. } => Ok(()),
        }
    }
}

impl Tenants {
    /// Whether the tenant is one of them.
    pub fn has(&self, tenant: &str) -> bool {
        match self {
            Tenants::All => true,
            Tenants::Only(tenants) => tenants.iter().any(|one| **one == *tenant),
        }
    }
}

/// Who asks for what is everybody's.
pub fn nobody() -> Caller {
    Caller { tenant: Text::default(), subtree: Tenants::Only(Vec::new()) }
}

/// The tenant that owns a device; one without is the master's.
pub fn owner<'a>(device: &'a Device, master: &'a str) -> &'a str {
    device.tenant_uuid.as_deref().unwrap_or(master)
}

/// The access that a request needs: `{…}` of the template filled in, dots within as underscores.
pub fn access(template: &str, names: &[(String, String)], tenant: &str) -> String {
    let mut access = template.replace("{tenant_uuid}", &tenant.replace('.', "_"));
    for (key, value) in names {
        access = access.replace(&format!("{{{key}}}"), &value.replace('.', "_"));
    }
    access
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn access_is_spelt_as_lists_have_it() {
        let names = [("pg".to_owned(), "wazo-zenitel-01.11.3.2".to_owned())];
        assert_eq!(
            access("provd.pg_mgr.plugins.{pg}.info.read", &names, "t"),
            "provd.pg_mgr.plugins.wazo-zenitel-01_11_3_2.info.read"
        );
        assert_eq!(
            access("provd.configure.{tenant_uuid}.NAT.read", &[], "a.b"),
            "provd.configure.a_b.NAT.read"
        );
    }

    #[test]
    fn an_open_door_takes_the_tenant_at_its_word() {
        let guard = Guard::Open { master: "m".into() };
        let mut headers = HeaderMap::new();
        let caller = guard.admit(&headers).expect("open");
        assert_eq!((&*caller.tenant, caller.subtree.has("x")), ("m", true));
        headers.insert("Wazo-Tenant", "t".parse().expect("a value"));
        let caller = guard.admit(&headers).expect("open");
        assert_eq!((caller.subtree.has("t"), caller.subtree.has("m")), (true, false));
    }
}
