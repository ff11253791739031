//! Answers that were had a moment ago: bounded in number and time, and without any token in them.

use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Question, Reply};
use crate::limits;
use crate::time::{Duration, Instant};

/// The SHA-256 of a question: as long as each other one, and nothing to find a token by.
type Key = [u8; 32];

/// What was answered, and until when that is good.
pub struct Answers {
    time: Duration,
    kept: Mutex<HashMap<Key, (Instant, Reply)>>,
}

impl Answers {
    /// Keeps a yes for this time and a no for a shorter one.
    pub fn new(time: Duration) -> Answers {
        Answers { time, kept: Mutex::default() }
    }

    /// What was answered.
    pub fn find(&self, question: &Question, now: Instant) -> Option<Reply> {
        let kept = self.kept();
        let (until, reply) = kept.get(&key(question))?;
        (now < *until).then(|| reply.clone())
    }

    /// Keeps an answer. Where there are too many, those that are over go, and else all.
    pub fn keep(&self, question: &Question, reply: Reply, now: Instant) {
        let time = match reply {
            Some(_) => self.time,
            None => self.time.min(limits::WAZO_REFUSAL_TIME),
        };
        if time.is_zero() {
            return;
        }
        let mut kept = self.kept();
        if kept.len() >= limits::WAZO_ANSWERS_MAX {
            kept.retain(|_, (until, _)| now < *until);
        }
        if kept.len() >= limits::WAZO_ANSWERS_MAX {
            kept.clear();
        }
        kept.insert(key(question), (now + time, reply));
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<Key, (Instant, Reply)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(question: &Question) -> Key {
    let mut sum = Sha256::new();
    for part in question.parts() {
        // The length of each keeps two questions with the same signs apart.
        let length = part.map_or(u64::MAX, |part| part.len() as u64);
        sum.update(length.to_le_bytes());
        sum.update(part.unwrap_or_default());
    }
    sum.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may(token: &str, scope: Option<&str>) -> Question {
        let scope = scope.map(ToOwned::to_owned);
        Question::May { token: token.to_owned(), scope, tenant: None }
    }

    #[test]
    fn a_yes_is_good_for_longer_than_a_no() {
        let answers = Answers::new(Duration::from_secs(5));
        let at = |millis| Instant::default() + Duration::from_millis(millis);
        let yes: Reply = Some(Vec::new().into());
        answers.keep(&may("a", None), yes.clone(), at(0));
        answers.keep(&may("b", None), None, at(0));
        let no_time = u64::try_from(limits::WAZO_REFUSAL_TIME.as_millis()).expect("a second");
        assert_eq!(answers.find(&may("a", None), at(4999)), Some(yes));
        assert_eq!(answers.find(&may("a", None), at(5000)), None);
        assert_eq!(answers.find(&may("b", None), at(no_time - 1)), Some(None));
        assert_eq!(answers.find(&may("b", None), at(no_time)), None);
        assert_eq!(answers.find(&may("a", Some("")), at(0)), None);
        let none = Answers::new(Duration::ZERO);
        none.keep(&may("a", None), None, at(0));
        assert_eq!(none.find(&may("a", None), at(0)), None);
    }

    #[test]
    fn they_are_bounded() {
        let answers = Answers::new(Duration::from_secs(5));
        let now = Instant::default();
        for n in 0..2 * limits::WAZO_ANSWERS_MAX + 1 {
            answers.keep(&may(&n.to_string(), None), None, now);
            assert!(answers.kept().len() <= limits::WAZO_ANSWERS_MAX);
        }
        assert_eq!(
            answers.find(&may(&(2 * limits::WAZO_ANSWERS_MAX).to_string(), None), now),
            Some(None)
        );
    }
}
