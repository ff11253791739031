//! Every bound of the load generator: a name, a sentence, and asserts that tie it to its like.

use ringboot::time::Duration;

/// Most phones of a fleet: what a number token's index and a loopback address can tell apart.
pub const PHONES_MAX: u64 = 10_000_000;
/// Phones that share an OUI: three bytes of a MAC.
pub const PHONES_PER_OUI_MAX: u64 = 1 << 24;
/// Longest head of an answer, in bytes.
pub const ANSWER_HEAD_BYTES_MAX: usize = 16 * 1024;
/// Most header fields of an answer.
pub const ANSWER_HEADERS_MAX: usize = 64;
/// Bytes at each end of a body that are kept to see whether it is whole.
pub const ENDS_BYTES_MAX: usize = 512;
/// Largest file that a phone takes over TFTP, in bytes; the transfer keeps it in memory.
pub const TFTP_FILE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Most content that a step may send, in bytes.
pub const UPLOAD_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Most steps of one boot.
pub const STEPS_MAX: usize = 64;
/// Longest delay before a step.
pub const DELAY_MAX: Duration = Duration::from_secs(3600);

/// Time that a phone waits for an answer, from connecting to the last byte, unless told.
pub const ANSWER_TIME: Duration = Duration::from_secs(30);
/// Attempts at one step before the phone is lost, the first one counted, unless told.
pub const ATTEMPTS: u32 = 4;
/// Most attempts that can be asked for.
pub const ATTEMPTS_MAX: u32 = 100;
/// Pause before the first retry; it doubles with each, and chance adds up to half of it.
pub const RETRY_FIRST: Duration = Duration::from_secs(1);
/// Longest pause before a retry, without what chance adds.
pub const RETRY_MAX: Duration = Duration::from_secs(30);
/// Time after the start at which phones that still boot count as unfinished, unless told.
pub const STORM_TIME: Duration = Duration::from_secs(600);

/// Start lateness (99 of 100 phones) past which the figures are the generator's.
pub const LATENESS_P99_MAX: Duration = Duration::from_millis(50);
/// Largest time that a histogram tells apart; larger ones count as this.
pub const HISTOGRAM_TIME_MAX: Duration = Duration::from_secs(3600);
/// Examples that are kept of each kind of trouble.
pub const EXAMPLES_MAX: usize = 5;

/// Submission queue entries of a thread's ring; a full queue is submitted at once.
pub const SUBMISSION_ENTRIES: u32 = 4096;
/// Completion queue entries of a thread's ring.
pub const COMPLETION_ENTRIES: u32 = 64 * 1024;
/// Bytes that one read of a connection takes at most.
pub const READ_BYTES: usize = 8 * 1024;
/// Descriptors that are left to the process itself: files, rings, the standard streams.
pub const DESCRIPTORS_RESERVED: u64 = 64;
/// One in this many descriptors is left to sockets that are just being closed.
pub const DESCRIPTORS_CLOSING: u64 = 16;
/// Bytes of a TFTP packet in front of its data (RFC 1350 section 5).
pub const DATA_HEAD_BYTES: usize = 4;
/// Time that a send gets at least before it is given up.
pub const SEND_TIME_MIN: Duration = Duration::from_secs(1);
/// Phones that are started before the ones that run get a turn.
pub const STARTS_PER_TURN: usize = 64;
/// Lead that threads get to make their rings before the first phone is due.
pub const START_LEAD: Duration = Duration::from_millis(200);

const _: () = assert!(COMPLETION_ENTRIES >= 4 * SUBMISSION_ENTRIES);
const _: () = assert!(SUBMISSION_ENTRIES.is_power_of_two());
const _: () = assert!(ATTEMPTS <= ATTEMPTS_MAX);
const _: () = assert!(RETRY_FIRST.as_nanos() <= RETRY_MAX.as_nanos());
const _: () = assert!(ANSWER_TIME.as_nanos() < STORM_TIME.as_nanos());
const _: () = assert!(STORM_TIME.as_nanos() <= HISTOGRAM_TIME_MAX.as_nanos());
