//! What phones asked, over REST: their last boots, or line by line as they ask.

use axum::http::StatusCode;
use bytes::Bytes;
use http_body::{Body, Frame};
use serde_json::json;
use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use tokio::sync::{mpsc, watch};
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::answer::{Answer, Outcome};
use super::call::Call;
use super::guard::Tenants;
use super::json;
use crate::device::Mac;
use crate::limits;
use crate::watch::{Traced, Who, boots, document};

/// Clients that follow phones, and the word that they have to end.
#[derive(Debug)]
pub struct Followers {
    count: Arc<AtomicUsize>,
    stop: watch::Receiver<bool>,
}

impl Followers {
    /// None; they end when the word is true, or nobody is left to say it.
    pub fn new(stop: watch::Receiver<bool>) -> Followers {
        Followers { count: Arc::default(), stop }
    }

    fn begin(&self, lines: mpsc::Receiver<Traced>) -> Option<Feed> {
        let place = Place::take(&self.count)?;
        let mut stop = self.stop.clone();
        let stop = Box::pin(async move { drop(stop.wait_for(|stop| *stop).await) });
        Some(Feed { lines, beat: None, stop, _place: place })
    }
}

/// What a phone, or whoever is at an address, asked.
pub fn read(call: &Call) -> Outcome {
    let who = who(call)?;
    let follows = call.pairs().iter().any(|(key, value)| key == "follow" && value == "1");
    if follows {
        let feed = call.api.followers.begin(call.api.base.watch.follow(who));
        let too_many = || {
            let text = format!("{} clients follow phones already", limits::TRACE_FOLLOWERS_MAX);
            Answer::text(StatusCode::SERVICE_UNAVAILABLE, text)
        };
        return Ok(Answer::lines(feed.ok_or_else(too_many)?));
    }
    let traced = call.api.base.watch.traced(who);
    Ok(Answer::json(&json!({ "phone": call.name("phone"), "boots": boots(&traced) })))
}

/// Whom the path names: a phone that the caller may see, or, for who may see all, anybody.
fn who(call: &Call) -> Result<Who, Answer> {
    let name = call.name("phone");
    let sees_all = call.caller.subtree == Tenants::All;
    if let Ok(mac) = Mac::parse(name.as_bytes()) {
        let mut devices = call.world().directory.with_mac(mac).peekable();
        let may = match devices.peek() {
            None => sees_all,
            Some(_) => devices.all(|device| call.may_see(&device)),
        };
        return if may { Ok(Who::Phone(mac)) } else { Err(Answer::no_such()) };
    }
    match name.parse::<IpAddr>() {
        Ok(ip) if sees_all => Ok(Who::Address(ip)),
        Ok(_) => Err(Answer::no_such()),
        Err(_) => Err(Answer::bad(format!("{name:?} is neither a MAC nor an address"))),
    }
}

/// JSON lines without an end; an empty one now and then says that there is nothing new.
pub struct Feed {
    lines: mpsc::Receiver<Traced>,
    /// Made where there is a clock.
    beat: Option<Interval>,
    stop: Pin<Box<dyn Future<Output = ()> + Send>>,
    _place: Place,
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Feed")
    }
}

impl Body for Feed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.stop.as_mut().poll(context).is_ready() {
            return Poll::Ready(None);
        }
        let line = |bytes: Vec<u8>| Poll::Ready(Some(Ok(Frame::data(Bytes::from(bytes)))));
        if let Poll::Ready(traced) = self.lines.poll_recv(context) {
            // All cores have ended.
            let Some(traced) = traced else { return Poll::Ready(None) };
            let mut bytes = json::write(&document(&traced));
            bytes.push(b'\n');
            return line(bytes);
        }
        let beat = self.beat.get_or_insert_with(|| {
            let mut beat = interval(limits::TRACE_BEAT);
            beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
            beat
        });
        ready!(beat.poll_tick(context));
        line(b"\n".to_vec())
    }
}

/// One of the places of followers, given back when it is dropped.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(count: &Arc<AtomicUsize>) -> Option<Place> {
        let more = |count: usize| (count < limits::TRACE_FOLLOWERS_MAX).then_some(count + 1);
        count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(Place(Arc::clone(count)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_and_come_back() {
        let count = Arc::default();
        let mut places: Vec<_> = (0..).map_while(|_: u32| Place::take(&count)).collect();
        assert_eq!(places.len(), limits::TRACE_FOLLOWERS_MAX);
        places.pop();
        assert!(Place::take(&count).is_some());
    }
}
