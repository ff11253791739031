//! The Wazo stack's services as ringboot asks them: wazo-auth, with a token of our own.
//!
//! Calls block, and belong on threads that may wait: no core of the data path makes one. Answers
//! are kept for a few seconds; when wazo-auth does not answer in time, nobody asks it for a moment.

mod answers;
mod client;
mod trust;

pub use client::{Client, Failure};
pub use trust::Trust;

use arc_swap::ArcSwapOption;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::device::Text;
use crate::limits;
use crate::time::{self, Duration, Instant};
use answers::Answers;

/// What callers' requests make us ask.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Question {
    /// Which tenant is this token's?
    Owner {
        /// The token.
        token: String,
    },
    /// May this token do that, for this tenant?
    May {
        /// The token.
        token: String,
        /// The access; without one, the token must be valid.
        scope: Option<String>,
        /// The tenant; without one, the token's own.
        tenant: Option<String>,
    },
    /// Which tenants are this one and those below it?
    Below {
        /// The tenant.
        tenant: String,
    },
}

/// No, or yes with the tenants that were asked for.
pub type Reply = Option<Arc<[Text]>>;

/// How wazo-auth is reached, and as whom.
#[derive(Clone, PartialEq, Eq)]
pub struct Access {
    /// Its URL, without the version.
    pub url: String,
    /// Whose certificates are believed, where that is one of https.
    pub trust: Trust,
    /// Our name there.
    pub service_id: String,
    /// Our password there.
    pub service_key: String,
    /// Longest time for one call.
    pub timeout: Duration,
    /// Time that an answer is good for.
    pub cache: Duration,
    /// Time that our own token is asked to be valid.
    pub token_time: Duration,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.service_id, self.url)
    }
}

/// Our own token (spec section 7.2).
#[derive(Clone, PartialEq, Eq)]
pub struct Own {
    /// What other services of the installation are shown.
    pub token: String,
    /// Our own tenant: the master of all others.
    pub tenant: Text,
}

/// Our standing with wazo-auth.
pub struct Session {
    access: Access,
    client: Client,
    own: ArcSwapOption<Own>,
    answers: Answers,
    /// Nobody asks before this time.
    pause: Mutex<Instant>,
    is_down: AtomicBool,
    is_refused: AtomicBool,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.access)
    }
}

impl Session {
    /// One without a token yet: until the first [`Session::renew`] nobody can be told apart.
    pub fn new(access: Access) -> Session {
        Session {
            client: Client::new(&access.url, access.timeout, &access.trust),
            answers: Answers::new(access.cache),
            access,
            own: ArcSwapOption::empty(),
            pause: Mutex::default(),
            is_down: AtomicBool::new(false),
            is_refused: AtomicBool::new(false),
        }
    }

    /// Our own token; none before the first.
    pub fn own(&self) -> Option<Arc<Own>> {
        self.own.load_full()
    }

    /// Gets a new token of our own; gives the time after which the next one is due.
    ///
    /// # Errors
    /// [`Failure`]; the old one stays.
    pub fn renew(&self) -> Result<Duration, Failure> {
        let Access { service_id, service_key, token_time, .. } = &self.access;
        let made = self.client.create_token((service_id, service_key), *token_time);
        let own = made.and_then(|token| match self.client.owner(&token, &token)? {
            Some(tenant) => Ok(Own { token, tenant }),
            None => Err(Failure::Form("GET /token")),
        });
        self.note(own.as_ref().err());
        self.own.store(Some(Arc::new(own?)));
        self.is_refused.store(false, Ordering::Relaxed);
        Ok(*token_time * limits::WAZO_TOKEN_USED_PERCENT / 100)
    }

    /// Whether our own token was refused since it was renewed.
    pub fn is_refused(&self) -> bool {
        self.is_refused.load(Ordering::Relaxed)
    }

    /// The answer, where it is known.
    pub fn known(&self, question: &Question) -> Option<Reply> {
        if !question.is_plain() {
            return Some(None);
        }
        self.answers.find(question, time::now())
    }

    /// Asks. Blocks, for the time that one call may take at most.
    ///
    /// # Errors
    /// [`Failure`] where there is no answer that means yes or no.
    pub fn ask(&self, question: &Question) -> Result<Reply, Failure> {
        if let Some(reply) = self.known(question) {
            return Ok(reply);
        }
        let own = self.own().ok_or(Failure::NoToken)?;
        if time::now() < *self.pause() {
            return Err(Failure::Pause);
        }
        let asked = self.call(&own.token, question);
        self.note(asked.as_ref().err());
        let reply = asked?;
        self.answers.keep(question, reply.clone(), time::now());
        Ok(reply)
    }

    /// All tenants that our own token sees, where the answer is certain to name all of them.
    ///
    /// # Errors
    /// [`Failure`], also for an answer that is cut or does not name our own tenant.
    pub fn tenants(&self) -> Result<Vec<Text>, Failure> {
        let own = self.own().ok_or(Failure::NoToken)?;
        let tenants = self.client.tenants(&own.token, None);
        self.note(tenants.as_ref().err());
        let tenants = tenants?.ok_or(Failure::Status { call: "GET /tenants", status: 401 })?;
        let is_whole = tenants.contains(&own.tenant);
        if is_whole { Ok(tenants) } else { Err(Failure::Form("GET /tenants")) }
    }

    fn call(&self, own: &str, question: &Question) -> Result<Reply, Failure> {
        let yes = || Arc::from(Vec::new());
        Ok(match question {
            Question::Owner { token } => {
                self.client.owner(own, token)?.map(|tenant| vec![tenant].into())
            }
            Question::May { token, scope, tenant } => {
                let may = self.client.may(own, token, scope.as_deref(), tenant.as_deref())?;
                may.then(yes)
            }
            Question::Below { tenant } => {
                let tenants = self.client.tenants(own, Some(tenant))?;
                if tenants.is_none() {
                    self.is_refused.store(true, Ordering::Relaxed);
                }
                tenants.map(Into::into)
            }
        })
    }

    /// Tells the log once when wazo-auth goes away, and once when it is back.
    fn note(&self, failure: Option<&Failure>) {
        let was_down = self.is_down.swap(failure.is_some(), Ordering::Relaxed);
        match failure {
            Some(failure) => {
                if !was_down {
                    tracing::warn!(%failure, "wazo-auth");
                }
                if *failure == Failure::Timeout {
                    *self.pause() = time::now() + limits::WAZO_PAUSE;
                }
                if matches!(failure, Failure::Status { status: 401, .. }) {
                    self.is_refused.store(true, Ordering::Relaxed);
                }
            }
            None if was_down => tracing::info!("wazo-auth answers again"),
            None => {}
        }
    }

    fn pause(&self) -> MutexGuard<'_, Instant> {
        self.pause.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Question {
    /// Whether it can be asked: a token or tenant with other signs is nobody's, and must not
    /// become a part of a URL or a field.
    fn is_plain(&self) -> bool {
        let is_name = |name: &str| {
            let is_sign = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
            name.len() <= limits::WAZO_NAME_BYTES_MAX
                && name.bytes().all(is_sign)
                && name.bytes().any(|byte| byte.is_ascii_alphanumeric())
        };
        match self {
            Question::Owner { token } => is_name(token),
            Question::May { token, tenant, .. } => {
                is_name(token) && tenant.as_deref().is_none_or(is_name)
            }
            Question::Below { tenant } => is_name(tenant),
        }
    }

    /// Its parts, in an order of their own.
    fn parts(&self) -> [Option<&str>; 4] {
        match self {
            Question::Owner { token } => [Some("owner"), Some(token), None, None],
            Question::May { token, scope, tenant } => {
                [Some("may"), Some(token), scope.as_deref(), tenant.as_deref()]
            }
            Question::Below { tenant } => [Some("below"), Some(tenant), None, None],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_name_is_never_asked_for() {
        let access = Access {
            url: "http://192.0.2.1:9".to_owned(),
            trust: Trust::Public,
            service_id: "a".to_owned(),
            service_key: "b".to_owned(),
            timeout: Duration::from_millis(1),
            cache: Duration::from_secs(1),
            token_time: Duration::from_secs(1),
        };
        assert!(!format!("{access:?}").contains('b'));
        let session = Session::new(access);
        let long = "a".repeat(limits::WAZO_NAME_BYTES_MAX + 1);
        for token in ["..", "", "a/b", "a?scope=", "a b", "é", "a\r\n", &long] {
            let owner = Question::Owner { token: token.to_owned() };
            assert_eq!(session.known(&owner), Some(None), "{token:?}");
            let below = Question::Below { tenant: token.to_owned() };
            assert_eq!(session.known(&below), Some(None), "{token:?}");
        }
        let good = Question::Owner { token: "5a5e-1.x".to_owned() };
        assert_eq!(session.known(&good), None);
        assert_eq!(session.ask(&good), Err(Failure::NoToken));
    }
}
