//! Boots against a scripted server in memory, on a clock that only moves when nothing else can.

use super::*;
use crate::fleet::{Fleet, Recipe};
use crate::http::Malformed;
use crate::inspect::Wrong;
use crate::profile::Profiles;
use crate::token::Credentials;
use ringboot::wire::tftp::{ErrorCode, Packet, Transfer, Transmit};
use std::path::Path;

const SERVER: &str = "127.0.0.1:8667";
const LISTEN: &str = "127.0.0.1:69";
const TRANSFER: &str = "127.0.0.1:40000";

/// What the server does with the next connection or request.
enum Reply {
    /// Answers, in two pieces, and keeps the connection.
    Bytes(String),
    /// Sends this and closes.
    Cut(String),
    /// Refuses the connection.
    Refuse,
    /// Closes without a byte.
    Close,
    /// Says nothing.
    Silence,
}

/// A phone, a clock, and what the server will do.
struct Stage {
    phone: Phone,
    own: Credentials,
    now: Instant,
    replies: VecDeque<Reply>,
    /// Requests by the number of the connection they came on.
    requests: Vec<(u32, String)>,
    events: Vec<Event>,
    chance: Chance,
    /// Of 1000 datagrams, how many are lost.
    lost: u64,
    files: fn(&Credentials, &str) -> Option<String>,
    transfer: Option<(Transfer, String)>,
    datagrams: u32,
    /// The datagram, counted from 1, at which the server has forgotten the transfer; 0: none.
    forgets_at: u32,
}

impl Stage {
    fn new(profile: &str, replies: impl IntoIterator<Item = Reply>) -> Self {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/profiles");
        let profiles = Profiles::load(&dir).unwrap();
        let mix = format!("{profile}=1").parse().unwrap();
        let recipe = Recipe { count: 2, mix, seed: 5, spread: true };
        let member = Fleet::generate(&profiles, &recipe).unwrap().members.swap_remove(0);
        let setup = Setup {
            http: Some(SERVER.parse().unwrap()),
            tftp: Some(LISTEN.parse().unwrap()),
            answer_time: Duration::from_secs(10),
            attempts: 3,
            keep_alive: true,
            seed: 1,
        };
        let own = member.credentials.clone();
        let profile = Arc::clone(profiles.find(profile).unwrap());
        let start = Instant::from_nanos(1_000_000_000);
        Self {
            phone: Phone::new(start, profile, Arc::new(member), setup),
            own,
            now: start,
            replies: replies.into_iter().collect(),
            requests: Vec::new(),
            events: Vec::new(),
            chance: Chance::new(1),
            lost: 0,
            files: |_, _| None,
            transfer: None,
            datagrams: 0,
            forgets_at: 0,
        }
    }

    fn run(mut self) -> Self {
        for _ in 0..100_000 {
            while let Some(action) = self.phone.poll_action() {
                self.act(action);
            }
            while let Some(event) = self.phone.poll_event() {
                self.events.push(event);
            }
            let server = self.transfer.as_ref().and_then(|(transfer, _)| transfer.poll_timeout());
            let Some(until) = self.phone.poll_timeout() else { return self };
            self.now = self.now.max(server.map_or(until, |server| until.min(server)));
            self.phone.handle_timeout(self.now);
            if let Some((transfer, _)) = &mut self.transfer {
                transfer.handle_timeout(self.now);
            }
            self.transmit();
        }
        panic!("the boot does not end");
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Connect(link, to) => {
                assert_eq!(to.to_string(), SERVER);
                let refused = matches!(self.replies.front(), Some(Reply::Refuse));
                let input = if refused {
                    Input::Closed(Some(ErrorKind::ConnectionRefused))
                } else {
                    Input::Connected
                };
                if refused {
                    self.replies.pop_front();
                }
                self.phone.handle(self.now, link, input);
            }
            Action::Send(link, bytes) => {
                self.requests.push((link.0, String::from_utf8(bytes).unwrap()));
                self.reply(link);
            }
            Action::SendTo(_, to, datagram) => self.take_datagram(to, &datagram),
            Action::Open(..) | Action::Close(_) => {}
        }
    }

    fn reply(&mut self, link: Link) {
        let (phone, now) = (&mut self.phone, self.now);
        match self.replies.pop_front().expect("a reply for each request") {
            Reply::Bytes(text) => {
                let (left, right) = text.as_bytes().split_at(text.len() / 2);
                phone.handle(now, link, Input::Received(left));
                phone.handle(now, link, Input::Received(right));
            }
            Reply::Cut(text) => {
                phone.handle(now, link, Input::Received(text.as_bytes()));
                phone.handle(now, link, Input::Closed(None));
            }
            Reply::Close => phone.handle(now, link, Input::Closed(None)),
            Reply::Silence => {}
            Reply::Refuse => panic!("a request on a connection that was to be refused"),
        }
    }

    fn take_datagram(&mut self, to: SocketAddr, datagram: &[u8]) {
        self.datagrams += 1;
        if self.chance.below(1000) < self.lost {
            return;
        }
        if self.datagrams == self.forgets_at {
            self.transfer = None;
            let mut error = Vec::new();
            Packet::error(ErrorCode::UNKNOWN_TRANSFER).encode(&mut error);
            return self.deliver(&error);
        }
        let packet = Packet::parse(datagram).unwrap();
        if let Packet::Read(request) = packet {
            assert_eq!(to.to_string(), LISTEN);
            let name = String::from_utf8_lossy(request.name).into_owned();
            match (self.files)(&self.own, &name) {
                None => {
                    let mut error = Vec::new();
                    Packet::error(ErrorCode(1)).encode(&mut error);
                    self.deliver(&error);
                }
                Some(file) => {
                    let transfer = Transfer::new(self.now, &request, file.len() as u64);
                    self.transfer = Some((transfer, file));
                }
            }
        } else if let Some((transfer, _)) = &mut self.transfer {
            assert_eq!(to.to_string(), TRANSFER);
            transfer.handle(self.now, &packet);
        }
        self.transmit();
    }

    fn transmit(&mut self) {
        while let Some((transfer, file)) = &mut self.transfer {
            let Some(transmit) = transfer.poll_transmit(self.now) else { return };
            let mut datagram = Vec::new();
            transmit.encode_head(&mut datagram);
            if let Transmit::Data { offset, len, .. } = transmit {
                let offset = usize::try_from(offset).unwrap();
                datagram.extend_from_slice(&file.as_bytes()[offset..offset + len]);
            }
            self.deliver(&datagram);
        }
    }

    fn deliver(&mut self, datagram: &[u8]) {
        if self.chance.below(1000) >= self.lost {
            let link = Link(self.phone.links);
            let from = TRANSFER.parse().unwrap();
            self.phone.handle(self.now, link, Input::Datagram(from, datagram));
        }
    }

    fn outcome(&self) -> Outcome {
        self.phone.outcome().unwrap()
    }

    fn troubles(&self) -> Vec<Trouble> {
        let trouble = |event: &Event| match event {
            Event::Troubled { trouble, .. } => Some(*trouble),
            _ => None,
        };
        self.events.iter().filter_map(trouble).collect()
    }

    fn wrongs(&self) -> Vec<Wrong> {
        let wrong = |event: &Event| match event {
            Event::Answered(Answer { wrong: Some((_, wrong)), .. }) => Some(wrong.clone()),
            _ => None,
        };
        self.events.iter().filter_map(wrong).collect()
    }

    fn latencies(&self) -> Vec<Duration> {
        let latency = |event: &Event| match event {
            Event::Answered(answer) => Some(answer.latency),
            _ => None,
        };
        self.events.iter().filter_map(latency).collect()
    }
}

fn status(code: u16, body: &str) -> Reply {
    Reply::Bytes(format!("HTTP/1.1 {code} X\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
}

fn config(own: &Credentials) -> String {
    let Credentials { username, password, number } = own;
    format!("#!version:1.0\nuser = {username}\npassword = {password}\nlabel = {number}\n#end\n")
}

fn own() -> Credentials {
    Stage::new("acme/A100", []).own
}

/// What a server that has all gives an A100.
fn good() -> [Reply; 5] {
    let missing = || status(404, "no");
    [missing(), missing(), status(200, &config(&own())), status(200, "c"), status(405, "")]
}

fn good_but(place: usize, with: Vec<Reply>) -> Vec<Reply> {
    let mut replies: Vec<_> = good().into();
    replies.splice(place..=place, with);
    replies
}

#[test]
fn a_boot_asks_for_its_files_in_order_on_one_connection() {
    let stage = Stage::new("acme/A100", good()).run();
    assert_eq!(stage.outcome(), Outcome::Provisioned);
    let mac = stage.phone.member.mac;
    let plain = mac.format("", false);
    let lines: Vec<_> =
        stage.requests.iter().map(|(_, text)| text.lines().next().unwrap()).collect();
    assert_eq!(
        lines,
        [
            "GET /a100.boot HTTP/1.1".to_owned(),
            format!("GET /{plain}.boot HTTP/1.1"),
            format!("GET /{plain}.cfg HTTP/1.1"),
            "GET /common.cfg HTTP/1.1".to_owned(),
            format!("PUT /{plain}-app.log HTTP/1.1"),
        ]
    );
    assert!(stage.requests.iter().all(|(link, _)| *link == 1));
    assert!(stage.requests[0].1.contains(&format!("\r\nUser-Agent: Acme A100 1.2.3 {mac}\r\n")));
    assert!(stage.requests[4].1.ends_with(&format!("\r\n\r\n{}", ".".repeat(512))));
    assert!(matches!(stage.events[0], Event::Began { late: Duration::ZERO }));
    assert_eq!(stage.latencies(), [Duration::ZERO; 5]);
}

#[test]
fn without_keep_alive_each_request_has_its_connection() {
    let mut stage = Stage::new("acme/A100", good());
    stage.phone.setup.keep_alive = false;
    let stage = stage.run();
    assert_eq!(stage.outcome(), Outcome::Provisioned);
    let links: Vec<_> = stage.requests.iter().map(|(link, _)| *link).collect();
    assert_eq!(links, [1, 2, 3, 4, 5]);
    assert!(stage.requests.iter().all(|(_, text)| text.contains("\r\nConnection: close\r\n")));
}

#[test]
fn a_kept_connection_that_is_gone_is_no_failure() {
    let stage =
        Stage::new("acme/A100", good_but(2, vec![Reply::Close, status(200, &config(&own()))]));
    let stage = stage.run();
    assert_eq!(stage.outcome(), Outcome::Provisioned);
    assert_eq!(stage.troubles(), []);
    assert!(stage.events.contains(&Event::Reconnected));
    let links: Vec<_> = stage.requests.iter().map(|(link, _)| *link).collect();
    assert_eq!(links, [1, 1, 1, 2, 2, 2]);
}

#[test]
fn a_wrong_answer_is_found_and_the_boot_goes_on() {
    let other = Credentials::of(77, &mut Chance::new(9));
    let mixed = config(&own()).replace(&own().password, &other.password);
    for (place, reply, wanted) in [
        (2, status(404, ""), Wrong::Missing),
        (2, status(403, ""), Wrong::Status(403)),
        (2, status(200, &config(&other)), Wrong::Foreign(other.username.clone())),
        (2, status(200, &mixed), Wrong::Foreign(other.password.clone())),
        (2, status(200, "#!version\n#end"), Wrong::Lacks("user name")),
        (2, status(200, &config(&own()).replace("#end", "")), Wrong::Ends("end")),
        (0, status(200, ""), Wrong::Present),
        (3, status(404, ""), Wrong::Missing),
        (3, status(200, &other.number), Wrong::Foreign(other.number.clone())),
    ] {
        let stage = Stage::new("acme/A100", good_but(place, vec![reply])).run();
        assert_eq!(stage.wrongs(), [wanted]);
        assert_eq!(stage.outcome(), Outcome::Wrong);
        assert_eq!(stage.requests.len(), 5);
    }
}

#[test]
fn a_failed_attempt_is_tried_again_and_its_time_counts() {
    let whole = config(&own());
    let cut = format!("HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{whole}");
    let refused = Some(ErrorKind::ConnectionRefused);
    let no_length = Reply::Bytes(format!("HTTP/1.1 200 OK\r\n\r\n{whole}"));
    for (replies, wanted, at_least_s) in [
        (vec![Reply::Silence], Trouble::AnswerTime, 11),
        (vec![Reply::Cut(cut)], Trouble::Cut(None), 1),
        (vec![status(503, "")], Trouble::Status(503), 1),
        (vec![no_length], Trouble::Malformed(Malformed::NoLength), 1),
        (vec![Reply::Close, Reply::Refuse], Trouble::Connect(refused), 1),
        (vec![Reply::Close, Reply::Close], Trouble::Closed(None), 1),
    ] {
        let mut replies = replies;
        replies.push(status(200, &whole));
        let stage = Stage::new("acme/A100", good_but(2, replies)).run();
        assert_eq!(stage.troubles(), [wanted]);
        assert_eq!(stage.outcome(), Outcome::Provisioned, "{wanted:?}");
        let latency = stage.latencies()[2];
        let (least, most) =
            (Duration::from_secs(at_least_s), Duration::from_millis(at_least_s * 1000 + 500));
        assert!((least..=most).contains(&latency), "{wanted:?} {latency:?}");
    }
}

#[test]
fn a_phone_that_fails_too_often_is_lost() {
    let silent = (0..3).map(|_| Reply::Silence);
    let stage = Stage::new("acme/A200", silent).run();
    assert_eq!(stage.outcome(), Outcome::Lost);
    assert_eq!(stage.troubles(), [Trouble::AnswerTime; 3]);
    assert_eq!(stage.events.iter().filter(|event| **event == Event::Retried).count(), 2);
    let Some(Event::Ended { outcome: Outcome::Lost, took }) = stage.events.last() else {
        panic!("{:?}", stage.events)
    };
    // Three times 10 s, and pauses of 1 s and 2 s with up to half more; the first step waits 20 ms.
    assert!((Duration::from_secs(33)..Duration::from_secs(35)).contains(took), "{took:?}");
}

#[test]
fn what_comes_of_an_old_link_is_ignored() {
    let mut stage = Stage::new("acme/A200", [Reply::Silence, status(200, &config(&own()))]);
    stage.now = stage.phone.poll_timeout().unwrap();
    stage.phone.handle_timeout(stage.now);
    let before = stage.phone.poll_timeout();
    stage.phone.handle(stage.now, Link(7), Input::Connected);
    stage.phone.handle(stage.now, Link(0), Input::Closed(None));
    assert_eq!(stage.phone.poll_timeout(), before);
    assert_eq!(stage.run().outcome(), Outcome::Provisioned);
}

/// The files of a TFTP server that has all.
fn device_files(own: &Credentials, name: &str) -> Option<String> {
    let body = "<!-- x -->".repeat(3000);
    (name != "SIPDefault.cnf").then(|| format!("<device>{body}{}</device>\n", config(own)))
}

#[test]
fn a_tftp_phone_gets_its_file_over_any_loss() {
    for (lost, seed) in [(0, 1), (100, 2), (200, 3), (300, 4)] {
        let mut stage = Stage::new("blip/B7", [status(200, "ring")]);
        stage.files = device_files;
        stage.lost = lost;
        stage.phone.setup.attempts = 20;
        stage.chance = Chance::new(seed);
        let stage = stage.run();
        assert_eq!(stage.outcome(), Outcome::Provisioned, "lost {lost}");
        assert_eq!(stage.wrongs(), []);
        let resent = stage.events.contains(&Event::Retransmitted);
        assert_eq!(resent, lost > 0);
        let serial = &stage.phone.member.serial;
        assert!(stage.requests[0].1.contains(&format!("User-Agent: Blip/{serial}\r\n")));
    }
}

#[test]
fn a_transfer_that_the_server_gave_up_is_tried_again() {
    let mut stage = Stage::new("blip/B7", [status(200, "ring")]);
    stage.files = device_files;
    stage.forgets_at = 4;
    let stage = stage.run();
    assert_eq!(stage.outcome(), Outcome::Provisioned);
    let gave_up = Failure::Refused(ErrorCode::UNKNOWN_TRANSFER);
    assert_eq!(stage.troubles(), [Trouble::Transfer(gave_up)]);
}

#[test]
fn a_tftp_phone_finds_what_is_wrong() {
    let mut stage = Stage::new("blip/B7", [status(200, "ring")]);
    stage.files = |own, _| Some(format!("<device>{}", config(own)));
    let stage = stage.run();
    assert_eq!(stage.wrongs(), [Wrong::Present, Wrong::Ends("end")]);

    let stage = Stage::new("blip/B7", [status(200, "ring")]).run();
    assert_eq!(stage.wrongs(), [Wrong::Missing]);
    assert_eq!(stage.outcome(), Outcome::Wrong);

    let mut stage = Stage::new("blip/B7", []);
    stage.lost = 1000;
    let stage = stage.run();
    assert_eq!(stage.outcome(), Outcome::Lost);
    assert_eq!(stage.troubles(), [Trouble::Transfer(Failure::Silent); 3]);
    assert_eq!(stage.datagrams, 15);
}
