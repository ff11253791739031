//! Asterisk's manager interface: one connection that is kept, made anew when it was lost, and
//! answers that belong to an action by its `ActionID`.

use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::{Mutex, PoisonError};

use super::{Notify, NotifyError, Way};
use crate::limits;
use crate::time::{self, Duration, Instant};

/// A client of the manager interface. Actions go one after another.
pub struct Ami {
    address: String,
    user: String,
    secret: String,
    connection: Mutex<Option<Connection>>,
}

/// A connection that has logged in.
struct Connection {
    reader: BufReader<TcpStream>,
    /// The number of the last action.
    last: u64,
}

/// What Asterisk says of an action.
struct Answer {
    is_good: bool,
    message: String,
}

impl Ami {
    /// For the interface at `HOST:PORT`; nothing is sent before the first NOTIFY.
    pub fn new(address: &str, user: &str, secret: &str) -> Ami {
        let [address, user, secret] = [address, user, secret].map(ToOwned::to_owned);
        Ami { address, user, secret, connection: Mutex::new(None) }
    }

    fn connect(&self) -> Result<Connection, NotifyError> {
        let stream = self.reach().map_err(|error| self.unreachable(&error))?;
        let mut connection = Connection { reader: BufReader::new(stream), last: 0 };
        let until = time::now() + limits::NOTIFY_ANSWER_TIME_MAX;
        let greeting = connection.line(until).map_err(|error| self.unreachable(&error))?;
        if !greeting.starts_with("Asterisk Call Manager") {
            let text = format!("{} does not greet as Asterisk does", self.address);
            return Err(NotifyError::Unreachable(text));
        }
        let login = [
            ("Action", "Login".to_owned()),
            ("Username", self.user.clone()),
            ("Secret", self.secret.clone()),
            ("Events", "off".to_owned()),
        ];
        match connection.act(&login).map_err(|error| self.unreachable(&error))? {
            Answer { is_good: true, .. } => Ok(connection),
            Answer { message, .. } => Err(NotifyError::Refused(format!("login: {message}"))),
        }
    }

    /// The first address of the name that takes the connection.
    fn reach(&self) -> io::Result<TcpStream> {
        let mut last = io::Error::new(ErrorKind::NotFound, "the name has no address");
        for address in self.address.to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, limits::NOTIFY_CONNECT_TIME_MAX) {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    stream.set_write_timeout(Some(limits::NOTIFY_ANSWER_TIME_MAX))?;
                    return Ok(stream);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn unreachable(&self, error: &io::Error) -> NotifyError {
        NotifyError::Unreachable(format!("Asterisk at {}: {error}", self.address))
    }
}

impl Way for Ami {
    fn send(&self, notify: &Notify) -> Result<(), NotifyError> {
        let (key, peer) = notify.peer.parameter();
        let mut action = vec![("Action", "PJSIPNotify".to_owned())];
        action.extend(notify.variables().map(|variable| ("Variable", variable)));
        action.push((key, peer));
        let mut kept = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let old = kept.take();
            let is_old = old.is_some();
            let mut connection = match old {
                Some(connection) => connection,
                None => self.connect()?,
            };
            match connection.act(&action) {
                Ok(answer) => {
                    *kept = Some(connection);
                    let refused = || NotifyError::Refused(answer.message);
                    return answer.is_good.then_some(()).ok_or_else(refused);
                }
                // It was kept, and Asterisk has been started anew meanwhile.
                Err(error) if is_old && is_gone(&error) => {}
                Err(error) => return Err(self.unreachable(&error)),
            }
        }
    }
}

fn is_gone(error: &io::Error) -> bool {
    let kinds = [
        ErrorKind::UnexpectedEof,
        ErrorKind::ConnectionReset,
        ErrorKind::ConnectionAborted,
        ErrorKind::BrokenPipe,
    ];
    kinds.contains(&error.kind())
}

impl Connection {
    /// Sends an action and waits for what is said of it; what is said of others is passed over.
    fn act(&mut self, fields: &[(&str, String)]) -> io::Result<Answer> {
        self.last += 1;
        let name = format!("ringboot-{}", self.last);
        let mut text = String::new();
        let named = [("ActionID", name.clone())];
        for (key, value) in fields.iter().chain(&named) {
            if value.contains(char::is_control) {
                return Err(io::Error::new(ErrorKind::InvalidInput, "a control character"));
            }
            let _ = write!(text, "{key}: {value}\r\n");
        }
        text.push_str("\r\n");
        let until = time::now() + limits::NOTIFY_ANSWER_TIME_MAX;
        self.reader.get_mut().write_all(text.as_bytes())?;
        loop {
            let message = self.message(until)?;
            let field = |name: &str| {
                let found = message.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
                found.map(|(_, value)| value.as_str())
            };
            if field("ActionID") == Some(&*name)
                && let Some(response) = field("Response")
            {
                let message = field("Message").unwrap_or("without a reason").to_owned();
                return Ok(Answer { is_good: response == "Success", message });
            }
        }
    }

    /// The fields of the next message.
    fn message(&mut self, until: Instant) -> io::Result<Vec<(String, String)>> {
        let mut fields = Vec::new();
        let mut left = usize::try_from(limits::NOTIFY_ANSWER_BYTES_MAX).unwrap_or(usize::MAX);
        loop {
            let line = self.line(until)?;
            if line.is_empty() {
                return Ok(fields);
            }
            left = left.checked_sub(line.len()).ok_or(ErrorKind::InvalidData)?;
            if let Some((key, value)) = line.split_once(':') {
                fields.push((key.to_owned(), value.trim().to_owned()));
            }
        }
    }

    fn line(&mut self, until: Instant) -> io::Result<String> {
        let left = until.since(time::now());
        if left == Duration::ZERO {
            return Err(ErrorKind::TimedOut.into());
        }
        self.reader.get_ref().set_read_timeout(Some(left))?;
        let mut line = Vec::new();
        let most = limits::NOTIFY_ANSWER_BYTES_MAX;
        self.reader.by_ref().take(most).read_until(b'\n', &mut line).map_err(|error| {
            match error.kind() {
                // What a socket says whose time is over.
                ErrorKind::WouldBlock => ErrorKind::TimedOut.into(),
                _ => error,
            }
        })?;
        if line.pop() != Some(b'\n') {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned())
    }
}
