//! Bounds of what serves operators, not phones: the REST API and what stands beside it.

use super::{FETCH_SILENCE_MAX, FLUSH_BATCH, SHUTDOWN_TIME_MAX, TRACE_BEAT, TRACE_FOLLOWERS_MAX};
use crate::time::Duration;

// ---- The REST API

/// Longest body of a request of the REST API; a longer one is answered 413.
pub const REST_BODY_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Connections of the REST API at once; more wait in the listener.
pub const REST_CONNECTIONS_MAX: usize = 256;
/// Time without a byte either way before a connection of the REST API is closed.
pub const REST_IDLE_TIME_MAX: Duration = Duration::from_secs(120);
/// Threads that take connections of the REST API.
pub const REST_THREADS: usize = 1;
/// Requests of the REST API that are worked on at once; more wait.
pub const REST_JOBS_MAX: usize = 8;
/// Operations of one path of the REST API that are remembered; the oldest goes for a new one.
pub const REST_OPERATIONS_MAX: usize = 10_000;
/// Time that a stop waits for what the REST API is doing.
pub const REST_STOP_TIME_MAX: Duration = Duration::from_secs(3);

/// Longest answer that `ringboot ctl` reads, in bytes: twice a list of a million devices.
pub const CTL_BODY_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// Longest token, or name of a tenant, that wazo-auth is asked about, in bytes.
pub const WAZO_NAME_BYTES_MAX: usize = 256;
/// Longest answer of wazo-auth's that is read, in bytes: a list of all tenants.
pub const WAZO_BODY_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Answers of wazo-auth's that are kept at once.
pub const WAZO_ANSWERS_MAX: usize = 4096;
/// Longest time that a no of wazo-auth's is kept: who is given a right has it then.
pub const WAZO_REFUSAL_TIME: Duration = Duration::from_secs(1);
/// Time in which nobody asks wazo-auth after it did not answer in time.
pub const WAZO_PAUSE: Duration = Duration::from_secs(1);
/// Part of the life of our own token after which it is renewed, in percent.
pub const WAZO_TOKEN_USED_PERCENT: u32 = 80;
/// First pause after a renewal or a connection to the bus that failed; it doubles up to the next.
pub const WAZO_RETRY_MIN: Duration = Duration::from_secs(1);
/// Longest pause between two such tries.
pub const WAZO_RETRY_MAX: Duration = Duration::from_secs(32);
/// Least time between two renewals because wazo-auth refused our own token.
pub const WAZO_RENEW_PAUSE: Duration = Duration::from_secs(10);
/// Longest time between two looks at what is due beside requests.
pub const WAZO_TURN: Duration = Duration::from_secs(1);
/// Devices of a tenant that is gone that are removed with one write.
pub const TENANT_LOT: usize = 256;

/// Time for a connection to the bus, and all that is declared there.
pub const BUS_OPEN_TIME_MAX: Duration = Duration::from_secs(10);
/// Seconds between signs of life on the bus; twice that in silence, and it is connected anew.
pub const BUS_HEARTBEAT: u16 = 10;
/// Times that wazo-auth may still list a tenant that the bus says is deleted; then it stays.
pub const BUS_LOOKS_MAX: u32 = 6;

const _: () = assert!(WAZO_RETRY_MIN.as_nanos() <= WAZO_RETRY_MAX.as_nanos());
const _: () = assert!(WAZO_TOKEN_USED_PERCENT < 100 && TENANT_LOT <= FLUSH_BATCH);
const _: () = assert!(REST_JOBS_MAX + TRACE_FOLLOWERS_MAX <= REST_CONNECTIONS_MAX);
const _: () = assert!(TRACE_BEAT.as_nanos() < FETCH_SILENCE_MAX.as_nanos());
const _: () = assert!(REST_STOP_TIME_MAX.as_nanos() < SHUTDOWN_TIME_MAX.as_nanos());
const _: () = assert!(REST_STOP_TIME_MAX.as_nanos() < REST_IDLE_TIME_MAX.as_nanos());

// ---- Phones that are told to fetch their files anew

/// Phones told in a second where the settings say nothing else: 100,000 in an hour and a half.
pub const NOTIFY_RATE: f64 = 20.0;
/// Most phones that are told in a second, whatever the settings say.
pub const NOTIFY_RATE_MAX: f64 = 1000.0;
/// Phones that wait for their turn, one that is asked for twice counted twice; more are refused.
pub const NOTIFY_WAITING_MAX: usize = 200_000;
/// Phones that are being told at once.
pub const NOTIFY_SENDERS: usize = 4;
/// Time for a connection to Asterisk, or to wazo-amid.
pub const NOTIFY_CONNECT_TIME_MAX: Duration = Duration::from_secs(3);
/// Time for an answer of theirs.
pub const NOTIFY_ANSWER_TIME_MAX: Duration = Duration::from_secs(10);
/// Longest answer of theirs, in bytes.
pub const NOTIFY_ANSWER_BYTES_MAX: u64 = 64 * 1024;

const _: () = assert!(NOTIFY_RATE <= NOTIFY_RATE_MAX && NOTIFY_SENDERS <= NOTIFY_WAITING_MAX);
const _: () = assert!(NOTIFY_CONNECT_TIME_MAX.as_nanos() <= NOTIFY_ANSWER_TIME_MAX.as_nanos());

// ---- What a DHCP server tells

/// Longest report of a DHCP server's helper, in bytes; a longer one is dropped.
pub const LEASE_BYTES_MAX: usize = 4096;
/// Reports that wait for the store to be loaded; more are dropped.
pub const LEASES_WAITING_MAX: usize = 10_000;
/// Time after which reports that wait are decided again, and a stop is noticed.
pub const LEASE_PAUSE: Duration = Duration::from_millis(250);
/// Least time between two log lines about reports that were dropped.
pub const LEASE_LINE_PAUSE: Duration = Duration::from_secs(10);

const _: () = assert!(LEASE_PAUSE.as_nanos() <= LEASE_LINE_PAUSE.as_nanos());
const _: () = assert!(LEASE_PAUSE.as_nanos() < SHUTDOWN_TIME_MAX.as_nanos());
