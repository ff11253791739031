//! Who may do what: the one place that knows tokens, tenants and access lists.

mod acl;
mod tokens;

pub use acl::Acl;
pub use tokens::{Holder, Sum};

use axum::http::HeaderMap;
use std::sync::Arc;

use super::answer::Answer;
use super::call::unavailable;
use super::keeper::Keeping;
use crate::device::{Device, Text};
use crate::notify::Token;
use crate::wazo::{Question, Reply, Session};

/// Who is asked before a request is looked at. Each way to authenticate is a variant.
#[derive(Clone, Debug)]
pub enum Guard {
    /// Nobody: every caller may do everything. A request acts for the tenant that it names.
    Open {
        /// The tenant of a request that names none; all others lie below it.
        master: Text,
    },
    /// The settings: they name the sums of tokens.
    Tokens(Arc<[Holder]>),
    /// wazo-auth (spec section 7.1).
    WazoAuth {
        /// Our standing there.
        session: Arc<Session>,
        /// What is kept up beside requests.
        keeping: Keeping,
    },
}

/// Who asks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Caller {
    /// The tenant that the request acts for.
    pub tenant: Text,
    /// That tenant and those below it.
    pub subtree: Tenants,
    /// What it came with.
    pub pass: Pass,
}

/// What a caller came with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Pass {
    /// Nothing that was looked at.
    None,
    /// The token of this holder.
    Token(usize),
    /// A token that wazo-auth knows, and the tenant that the request named.
    Wazo {
        /// The token.
        token: String,
        /// The tenant, where one was named.
        named: Option<String>,
    },
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
    /// What wazo-amid is shown where wazo-auth is asked: the token of our own, as it is by then.
    pub fn own_token(&self) -> Option<Token> {
        let Guard::WazoAuth { session, .. } = self else { return None };
        let session = Arc::clone(session);
        Some(Arc::new(move || Some(session.own()?.token.clone())))
    }

    /// Who asks: the first check behind path and method.
    ///
    /// # Errors
    /// The answer to one who may not ask at all.
    pub async fn admit(&self, headers: &HeaderMap) -> Result<Caller, Answer> {
        let named = field(headers, "Wazo-Tenant")?;
        match self {
            Guard::Open { master } => {
                let tenant = named.map_or_else(|| master.clone(), Text::from);
                let only = || Tenants::Only(vec![tenant.clone()]);
                let subtree = if tenant == *master { Tenants::All } else { only() };
                Ok(Caller { tenant, subtree, pass: Pass::None })
            }
            Guard::Tokens(holders) => {
                let token = field(headers, "X-Auth-Token")?.ok_or_else(Answer::unauthorized)?;
                tokens::admit(holders, token, named).ok_or_else(Answer::unauthorized)
            }
            Guard::WazoAuth { session, .. } => {
                let token = field(headers, "X-Auth-Token")?.ok_or_else(Answer::unauthorized)?;
                admit_wazo(session, token, named).await
            }
        }
    }

    /// Whether the caller may do what needs this access: the second check.
    ///
    /// # Errors
    /// The answer to one who may not.
    pub async fn allow(&self, caller: &Caller, access: &str) -> Result<(), Answer> {
        let may = match (self, &caller.pass) {
            (Guard::Open { .. }, _) => true,
            (Guard::Tokens(holders), Pass::Token(place)) => {
                let holder = &holders[*place];
                let may = holder.acl.gives(access);
                if !may {
                    tracing::debug!(name = holder.name, access, "a token does not give this");
                }
                may
            }
            (Guard::WazoAuth { session, .. }, Pass::Wazo { token, named }) => {
                let (token, tenant) = (token.clone(), named.clone());
                let scope = Some(access.to_owned());
                ask(session, Question::May { token, scope, tenant }).await?.is_some()
            }
            _ => false,
        };
        if may { Ok(()) } else { Err(Answer::unauthorized()) }
    }

    /// Finds out which tenants lie below the caller's, where that is not known yet.
    ///
    /// # Errors
    /// The answer where it cannot be found out now.
    pub async fn look_below(&self, caller: &mut Caller) -> Result<(), Answer> {
        let Guard::WazoAuth { session, .. } = self else { return Ok(()) };
        let tenant = caller.tenant.to_string();
        // Where our own token may not see the tenant, it stands alone (spec section 7.1).
        if let Some(tenants) = ask(session, Question::Below { tenant }).await? {
            let own = caller.tenant.clone();
            caller.subtree = Tenants::Only(tenants.to_vec()).with(&own);
        }
        Ok(())
    }
}

async fn admit_wazo(
    session: &Arc<Session>,
    token: &str,
    named: Option<&str>,
) -> Result<Caller, Answer> {
    let (token, named) = (token.to_owned(), named.map(ToOwned::to_owned));
    let question = match &named {
        None => Question::Owner { token: token.clone() },
        Some(_) => Question::May { token: token.clone(), scope: None, tenant: named.clone() },
    };
    let reply = ask(session, question).await?.ok_or_else(Answer::unauthorized)?;
    let tenant = named.as_deref().map(Text::from).or_else(|| reply.first().cloned());
    let tenant = tenant.ok_or_else(Answer::unauthorized)?;
    let subtree = Tenants::Only(vec![tenant.clone()]);
    Ok(Caller { tenant, subtree, pass: Pass::Wazo { token, named } })
}

/// Asks wazo-auth, on a thread that may wait, where the answer is not known yet.
async fn ask(session: &Arc<Session>, question: Question) -> Result<Reply, Answer> {
    if let Some(reply) = session.known(&question) {
        return Ok(reply);
    }
    let session = Arc::clone(session);
    let asked = tokio::task::spawn_blocking(move || session.ask(&question)).await;
    let asked = asked.map_err(|error| {
        tracing::error!(%error, "asking wazo-auth");
        Answer::failed()
    })?;
    // What exactly is wrong is in the log: it is nothing for callers that nobody knows.
    asked.map_err(|_| unavailable(&"The authentication server does not answer. Try again."))
}

/// A field's text; one that is empty counts as none.
fn field<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Answer> {
    let value = headers.get(name).map(|value| value.to_str());
    let value = value.transpose().map_err(|_| Answer::unauthorized())?;
    Ok(value.filter(|value| !value.is_empty()))
}

impl Tenants {
    /// Whether the tenant is one of them.
    pub fn has(&self, tenant: &str) -> bool {
        match self {
            Tenants::All => true,
            Tenants::Only(tenants) => tenants.iter().any(|one| **one == *tenant),
        }
    }

    /// These and one more.
    fn with(&self, tenant: &Text) -> Tenants {
        match self {
            Tenants::Only(tenants) if !self.has(tenant) => {
                Tenants::Only(std::iter::once(tenant).chain(tenants).cloned().collect())
            }
            all => all.clone(),
        }
    }
}

/// Who asks for what is everybody's.
pub fn nobody() -> Caller {
    Caller { tenant: Text::default(), subtree: Tenants::Only(Vec::new()), pass: Pass::None }
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
    use axum::http::HeaderValue;

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
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let guard = Guard::Open { master: "m".into() };
        let admit = |headers: &HeaderMap| runtime.block_on(guard.admit(headers)).expect("open");
        let mut headers = HeaderMap::new();
        let caller = admit(&headers);
        assert_eq!((&*caller.tenant, caller.subtree.has("x")), ("m", true));
        headers.insert("Wazo-Tenant", HeaderValue::from_static(""));
        assert_eq!(admit(&headers).tenant, "m".into());
        headers.insert("Wazo-Tenant", HeaderValue::from_static("t"));
        let caller = admit(&headers);
        assert_eq!((caller.subtree.has("t"), caller.subtree.has("m")), (true, false));
    }
}
