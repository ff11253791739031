//! What the server says: lines for people on the standard error output, and security lines that
//! fail2ban can read in a file of their own.

use std::fmt::{self, Write as _};
use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt as lines};

use crate::time;

/// The target of lines that are about attacks.
pub const SECURITY: &str = "security";

/// Starts logging: what `filter` lets through (`info`, `ringboot=debug`), and the security lines
/// into `security`, where that is a file.
///
/// # Errors
/// A filter that is none, a file that cannot be written, or logging that was started before.
pub fn start(filter: &str, security: Option<&Path>) -> Result<(), Box<dyn std::error::Error>> {
    let filter = EnvFilter::try_new(filter)?;
    let lines = tracing_subscriber::registry();
    match security {
        // The filter of all is asked once for each place of the code; one layer's, for each line.
        None => lines.with(filter).with(people()).try_init()?,
        Some(file) => {
            lines.with(people().with_filter(filter)).with(SecurityFile::open(file)?).try_init()?;
        }
    }
    Ok(())
}

/// Lines for people.
fn people<S: Subscriber + for<'a> LookupSpan<'a>>() -> impl Layer<S> {
    lines::layer().with_writer(io::stderr).with_ansi(io::stderr().is_terminal())
}

/// Appends security lines to a file.
struct SecurityFile(Mutex<File>);

impl SecurityFile {
    fn open(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(Self(Mutex::new(options.append(true).create(true).open(path)?)))
    }
}

impl<S: Subscriber> Layer<S> for SecurityFile {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() != SECURITY {
            return;
        }
        let mut message = Message(String::new());
        event.record(&mut message);
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A full disk must not stop the phones; the line stands in the other log.
        let _ = file.write_all(security_line(time::civil_millis_now(), &message.0).as_bytes());
    }
}

/// `[YYYY-MM-DD HH:MM:SS,mmm] message` (spec section 0.4), in UTC.
fn security_line(millis: i64, message: &str) -> String {
    let at = jiff::Timestamp::from_millisecond(millis).unwrap_or_default();
    let millis = millis.rem_euclid(1000);
    format!("[{},{millis:03}] {message}\n", at.strftime("%Y-%m-%d %H:%M:%S"))
}

struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            let _ = write!(self.0, "{value:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_the_predecessors() {
        assert_eq!(
            security_line(1_768_478_400_042, "Sensitive file requested from 192.0.2.7: a.cfg"),
            "[2026-01-15 12:00:00,042] Sensitive file requested from 192.0.2.7: a.cfg\n"
        );
    }
}
