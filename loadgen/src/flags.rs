//! The command line: every flag with its unit and default, read into values that hold no surprise.

use crate::compare::CompareFlags;
use crate::fleet::TENANT;
use crate::hammer::flags::HammerFlags;
use crate::limits::{ATTEMPTS, ATTEMPTS_MAX};
use crate::mix::Mix;
use crate::pace::Arrival;
use crate::scale::ScaleFlags;
use clap::{Args, Parser, Subcommand, ValueEnum};
use ringboot::time::Duration;
use std::net::SocketAddr;
use std::path::PathBuf;

/// The storm went well.
pub const EXIT_WELL: u8 = 0;
/// A phone got a wrong file or an unexpected answer.
pub const EXIT_WRONG: u8 = 3;
/// A phone gave up.
pub const EXIT_LOST: u8 = 4;
/// A phone was still booting at the end.
pub const EXIT_UNFINISHED: u8 = 5;

/// A second signal came before the figures of a storm that was broken off.
pub const EXIT_BROKEN_OFF: i32 = 130;

/// Boots simulated desk phones against a provisioning server and sees whether each got its own.
#[derive(Parser, Debug)]
#[command(name = "ringboot-loadgen", version, after_help = EXIT_CODES)]
pub struct Flags {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Make a fleet: phones with credentials of their own, and what the server imports of them.
    Fleet(FleetFlags),
    /// Boot a fleet.
    #[command(after_help = EXIT_CODES)]
    Storm(StormFlags),
    /// Measure ringboot beside other servers, in turns on one core.
    Compare(CompareFlags),
    /// Measure how costs grow with devices, phones, connections and cores.
    Scale(ScaleFlags),
    /// Ask one server as fast as it answers, in a closed loop, and check every answer.
    #[command(after_help = HAMMER_EXIT_CODES)]
    Hammer(HammerFlags),
}

/// Flags of `fleet`.
#[derive(Args, Debug)]
pub struct FleetFlags {
    /// Phones in it.
    #[arg(long)]
    pub phones: u64,
    /// Shares by vendor or phone: `yealink=60,polycom=25`; all vendors alike unless given.
    #[arg(long)]
    pub mix: Option<Mix>,
    /// Same seed, same fleet.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// File to write: JSON lines.
    #[arg(long, required_unless_present = "wazo_provd")]
    pub out: Option<PathBuf>,
    /// Folder to write an installation of wazo-provd into, as its root.
    #[arg(long, value_name = "DIR")]
    pub wazo_provd: Option<PathBuf>,
    /// Folder of the vendors' `cases.toml`.
    #[arg(long, default_value = "plugins")]
    pub plugins_dir: PathBuf,
    /// Give each phone a loopback address of its own.
    #[arg(long)]
    pub spread: bool,
    /// Tenant of the devices: the server's master tenant.
    #[arg(long, default_value = TENANT)]
    pub tenant: String,
}

/// Flags of `storm`.
#[derive(Args, Debug)]
pub struct StormFlags {
    /// File that `fleet` wrote.
    #[arg(long)]
    pub fleet: PathBuf,
    /// The HTTP server, `IP:PORT`.
    #[arg(long)]
    pub http: Option<SocketAddr>,
    /// The TFTP server, `IP:PORT`.
    #[arg(long)]
    pub tftp: Option<SocketAddr>,
    /// When the phones start.
    #[arg(long, value_enum, default_value = "poisson")]
    pub arrival: Arrival,
    /// Time over which they start: `10s`, `500ms`, `2m`.
    #[arg(long, value_parser = duration, default_value = "10s")]
    pub over: Duration,
    /// Threads, each with a ring; as many as cores unless given.
    #[arg(long)]
    pub threads: Option<usize>,
    /// Each phone speaks from a loopback address of its own; the server must listen on loopback.
    #[arg(long)]
    pub spread: bool,
    /// Boot only the first so many of the fleet.
    #[arg(long)]
    pub phones: Option<usize>,
    /// Time for one HTTP answer, connecting included, before it is tried again.
    #[arg(long, value_parser = duration, default_value = "30s")]
    pub timeout: Duration,
    /// Attempts at one request before a phone is lost.
    #[arg(long, default_value_t = ATTEMPTS,
          value_parser = clap::value_parser!(u32).range(1..=i64::from(ATTEMPTS_MAX)))]
    pub attempts: u32,
    /// Time after the start at which phones that still boot count as unfinished.
    #[arg(long, value_parser = duration, default_value = "10m")]
    pub limit: Duration,
    /// Whether a phone keeps its connection for its next request.
    #[arg(long, value_enum, default_value = "yes")]
    pub keep_alive: Choice,
    /// Seeds the starts and the pauses before retries.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Folder of the vendors' `cases.toml`.
    #[arg(long, default_value = "plugins")]
    pub plugins_dir: PathBuf,
    /// File for the figures.
    #[arg(long)]
    pub json: Option<PathBuf>,
    /// Plain lines, one a second, instead of a bar.
    #[arg(long)]
    pub no_progress: bool,
}

/// Yes or no.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Choice {
    /// It does.
    Yes,
    /// It does not.
    No,
}

const EXIT_CODES: &str = "Exit codes: 0 every phone got all it expected; 1 the storm could not be \
                          run; 2 wrong flags; 3 a phone got a wrong file or an unexpected answer; \
                          4 a phone was lost; 5 a phone did not finish, also for a signal. The \
                          least of 3, 4 and 5 that applies.";

const HAMMER_EXIT_CODES: &str = "Exit codes: 0 every answer was right; 1 it could not be run; 2 \
                                 wrong flags; 3 an answer was wrong; 4 a client got none.";

/// Reads `10s`, `500ms`, `2m`, `1h`.
///
/// # Errors
/// A text for the person who typed it.
pub fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit_ms = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err("a time is a number with ms, s, m or h: 500ms, 10s".to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| "no number in front of the unit".to_owned())?;
    number.checked_mul(unit_ms).map(Duration::from_millis).ok_or("too long".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{ANSWER_TIME, STORM_TIME};

    #[test]
    fn times_have_units() {
        for (text, wanted) in [
            ("10s", Some(Duration::from_secs(10))),
            ("0s", Some(Duration::ZERO)),
            ("500ms", Some(Duration::from_millis(500))),
            ("2m", Some(Duration::from_secs(120))),
            ("1h", Some(Duration::from_secs(3600))),
            ("10", None),
            ("s", None),
            ("1.5s", None),
            ("-1s", None),
            ("99999999999999999999s", None),
            ("18446744073709551615h", None),
        ] {
            assert_eq!(duration(text).ok(), wanted, "{text}");
        }
    }

    #[test]
    fn flags_are_consistent_and_have_their_defaults() {
        use clap::CommandFactory;
        Flags::command().debug_assert();
        let flags = Flags::parse_from("x storm --fleet f --http 127.0.0.1:80".split(' '));
        let Command::Storm(storm) = flags.command else { panic!("another command") };
        assert_eq!(storm.timeout, ANSWER_TIME);
        assert_eq!(storm.limit, STORM_TIME);
        assert_eq!((storm.attempts, storm.keep_alive), (ATTEMPTS, Choice::Yes));
        let bad = "x storm --fleet f --attempts 0".split(' ');
        assert!(Flags::try_parse_from(bad).is_err());
    }
}
