//! A phone's task: does what the phone wants, tells it what happened, and reports.

use super::socket::{Happened, Socket};
use super::{Counters, Shared};
use crate::limits::SEND_TIME_MIN;
use crate::phone::{Action, Event, Input, Link, Outcome, Phone};
use ringboot::time::{self, Duration};
use std::io;
use std::rc::Rc;
use tokio::time::timeout;

/// Boots `phone` to its end.
pub async fn boot(phone: Phone, shared: Rc<Shared>) {
    let _room = shared.room.acquire().await.expect("invariant: the room is never closed");
    let mut task = Task { phone, link: None };
    loop {
        task.phone.handle_timeout(time::now());
        while let Some(action) = task.phone.poll_action() {
            task.act(action).await;
        }
        task.report(&shared);
        let Some(until) = task.phone.poll_timeout() else { return };
        task.wait(until.since(time::now())).await;
    }
}

struct Task {
    phone: Phone,
    link: Option<(Link, Socket)>,
}

impl Task {
    async fn act(&mut self, action: Action) {
        let source = self.phone.address();
        match action {
            Action::Connect(link, server) => {
                self.open(link, Socket::connect(server, source));
            }
            Action::Open(link, server, bytes_max) => {
                self.open(link, Socket::datagrams(server, source, bytes_max));
            }
            Action::Send(link, bytes) => {
                let Some((_, socket)) = &self.link else { return };
                let sent = within(self.left(), socket.send(bytes)).await;
                self.check(link, sent);
            }
            Action::SendTo(link, to, datagram) => {
                let Some((_, socket)) = &self.link else { return };
                let sent = within(self.left(), socket.send_to(to, datagram)).await;
                self.check(link, sent);
            }
            Action::Close(_) => self.link = None,
        }
    }

    fn open(&mut self, link: Link, socket: io::Result<Socket>) {
        match socket {
            Ok(socket) => self.link = Some((link, socket)),
            Err(error) => self.check(link, Err(error)),
        }
    }

    fn check(&mut self, link: Link, result: io::Result<()>) {
        if let Err(error) = result {
            self.phone.handle(time::now(), link, Input::Closed(Some(error.kind())));
        }
    }

    /// Time that a send may take: until the phone's next deadline, and never nothing, so that
    /// the last acknowledgement of a boot leaves before its socket is closed.
    fn left(&self) -> Duration {
        let until = self.phone.poll_timeout();
        until.map_or(SEND_TIME_MIN, |until| until.since(time::now()).max(SEND_TIME_MIN))
    }

    /// Waits for the link or for the time to pass, and tells the phone.
    async fn wait(&mut self, most: Duration) {
        let Some((link, socket)) = &mut self.link else {
            return tokio::time::sleep(most).await;
        };
        let Ok(happened) = timeout(most, socket.next()).await else { return };
        let now = time::now();
        let input = match &happened {
            Happened::Connected => Input::Connected,
            Happened::Received(bytes) if bytes.is_empty() => Input::Closed(None),
            Happened::Received(bytes) => Input::Received(bytes),
            Happened::Datagram(from, datagram) => Input::Datagram(*from, datagram),
            Happened::Failed(error) => Input::Closed(Some(*error)),
        };
        self.phone.handle(now, *link, input);
        socket.rearm(happened);
    }

    fn report(&mut self, shared: &Shared) {
        let at = time::now().since(shared.start);
        while let Some(event) = self.phone.poll_event() {
            count(&event, &shared.counters);
            if matches!(event, Event::Ended { .. }) {
                let last_end = shared.last_end.borrow().max(at);
                shared.last_end.replace(last_end);
            }
            shared.report.borrow_mut().record(at, self.phone.vendor(), event);
        }
    }
}

fn count(event: &Event, counters: &Counters) {
    match event {
        Event::Answered(_) => Counters::add(&counters.requests),
        Event::Ended { outcome, .. } => {
            Counters::add(&counters.ended);
            match outcome {
                Outcome::Provisioned => {}
                Outcome::Wrong => Counters::add(&counters.wrong),
                Outcome::Lost => Counters::add(&counters.lost),
            }
        }
        _ => {}
    }
}

/// A send that does not end in time is left to the phone's own deadline.
async fn within(most: Duration, send: impl Future<Output = io::Result<()>>) -> io::Result<()> {
    timeout(most, send).await.unwrap_or(Ok(()))
}
