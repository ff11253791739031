//! What phones asked, as documents: put together from all cores, and told as it happens.

use jiff::Timestamp;
use serde_json::{Value, json};
use std::sync::mpsc::channel;
use tokio::sync::mpsc as lines;

use super::Watch;
use crate::limits;
use crate::query::Source;
use crate::time::{self, Instant};
use crate::worker::{Fate, Question, Traced, Who};

impl Watch {
    /// What one asked in its last boots, the oldest first.
    pub fn traced(&self, who: Who) -> Vec<Traced> {
        let (tell, told) = channel();
        let asked = self.ask(|| Question::Tell(who, tell.clone()));
        drop(tell);
        let mut all = Vec::new();
        for _ in 0..asked {
            // A core that ends says nothing.
            let Ok(traced) = told.recv_timeout(limits::TRACE_TIME_MAX) else { break };
            all.extend(traced);
        }
        all.sort_by_key(|traced| traced.at);
        all
    }

    /// What one asks from now on, as it is over. One who does not keep up misses some.
    pub fn follow(&self, who: Who) -> lines::Receiver<Traced> {
        let (tell, told) = lines::channel(limits::TRACE_LINES_MAX);
        self.ask(|| Question::Follow(who, tell.clone()));
        told
    }

    /// Asks every core; says how many there are.
    fn ask(&self, mut question: impl FnMut() -> Question) -> usize {
        let cores = self.cores();
        for core in cores.iter() {
            core.stats.desk().ask(question());
            if let Some(waker) = &core.waker {
                waker.wake();
            }
        }
        cores.len()
    }
}

/// Boots, each with its requests: one begins behind a silence.
pub fn boots(traced: &[Traced]) -> Value {
    let boots = traced.chunk_by(|a, b| b.at.since(a.at) <= limits::BOOT_SILENCE);
    let boot = |requests: &[Traced]| {
        let rows: Vec<_> = requests.iter().map(document).collect();
        json!({ "began": civil(requests[0].at), "requests": rows })
    };
    boots.map(boot).collect()
}

/// A request, with what it told of its phone, and in words what became of it.
pub fn document(traced: &Traced) -> Value {
    let (path, is_whole) = traced.path();
    let mut path = String::from_utf8_lossy(path).into_owned();
    if !is_whole {
        path.push('\u{2026}');
    }
    let device = traced.device.as_deref();
    let text = |value: &Option<crate::device::Text>| value.as_deref().map(str::to_owned);
    json!({
        "time": civil(traced.at),
        "protocol": if traced.source == Source::Tftp { "tftp" } else { "http" },
        "ip": traced.ip.to_string(),
        "path": path,
        "status": traced.status,
        "bytes": traced.bytes,
        "ms": traced.took.map(|took| took.as_micros() as f64 / 1000.0),
        "sent_again": traced.repeats,
        "result": words(traced),
        "device": device.map(|device| device.id.to_string()),
        "mac": device.and_then(|device| device.mac).map(|mac| mac.format(":", false)),
        "vendor": device.and_then(|device| text(&device.vendor)),
        "model": device.and_then(|device| text(&device.model)),
        "version": device.and_then(|device| text(&device.version)),
        "plugin": device.and_then(|device| text(&device.plugin)),
        "config": device.and_then(|device| text(&device.config)),
    })
}

/// What became of a request, for people.
fn words(traced: &Traced) -> &'static str {
    match traced.fate {
        Fate::Given if traced.took.is_none() => "under way",
        Fate::Given if traced.status == 304 => "has it already",
        Fate::Given => "given",
        Fate::Missing => "no such file",
        Fate::Unknown => "unknown phone, not taken in",
        Fate::Unserved => "no plugin serves this phone here",
        Fate::Failed => "the file cannot be made; the log says why",
        Fate::Wrong => "the request cannot be answered",
        Fate::Refused => "refused: its source walks through MACs",
        Fate::Keyless => "its path does not begin with a tenant's key",
        Fate::Foreign => "its key is of another tenant than the phone",
        Fate::Later => "has to ask again",
        Fate::Left => "aborted: the phone left before it had all",
        Fate::Silent => "aborted: the phone fell silent",
        Fate::Ended => "aborted by the phone",
        Fate::Broken => "aborted: the file changed while it was sent",
        Fate::Dropped => "aborted: it made room for another transfer",
    }
}

/// The time of day of a point of monotonic time.
fn civil(at: Instant) -> String {
    let ago = i64::try_from(time::now().since(at).as_millis()).unwrap_or(i64::MAX);
    let millis = time::civil_millis_now().saturating_sub(ago);
    Timestamp::from_millisecond(millis).map_or_else(|_| String::new(), |then| format!("{then:.3}"))
}
