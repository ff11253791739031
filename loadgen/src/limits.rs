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

/// Lines of a server's log that are shown when it fails.
pub const LAB_LOG_LINES: usize = 20;
/// Time that a server with little to load gets until it serves.
pub const LAB_START_TIME: Duration = Duration::from_secs(30);
/// Time that a server gets to end by itself.
pub const LAB_STOP_TIME: Duration = Duration::from_secs(15);
/// Transfers at once that a compared server must allow.
pub const COMPARE_TRANSFERS: usize = 1000;
/// How far the small file's length may be from the one that is wanted, in percent.
pub const COMPARE_SIZE_OFF_PERCENT: usize = 10;
/// Bytes that a display name may get so that the small file has its length.
pub const COMPARE_SPARE_NAME_BYTES: usize = 240;
/// Time after which small files are asked for beside a large one.
pub const COMPARE_BACKGROUND_LEAD: Duration = Duration::from_millis(300);
/// Time that a server gets to start with the largest fleet.
pub const SCALE_START_TIME: Duration = Duration::from_secs(120);
/// Time in which idle connections must be open: the first ones are closed after half a minute.
pub const SCALE_OPEN_TIME: Duration = Duration::from_secs(25);
/// Good clients beside idle connections.
pub const SCALE_CLIENTS: usize = 8;
/// Clients for each core of the server.
pub const SCALE_CLIENTS_A_CORE: usize = 64;

/// Time at the start of a hammer that is not counted: connections, caches and clocks settle.
pub const HAMMER_WARM_UP: Duration = Duration::from_millis(500);
/// Time for one answer to a hammer, unless told.
pub const HAMMER_ANSWER_TIME: Duration = Duration::from_secs(10);
/// Time between a block and its acknowledgement in a held transfer, unless told.
pub const HAMMER_PAUSE: Duration = Duration::from_millis(500);
/// Time between looks at deadlines: they are late by at most this.
pub const HAMMER_TICK: Duration = Duration::from_millis(10);
/// Time that a client rests after a failure, so that a dead server is not asked in a circle.
pub const HAMMER_REST: Duration = Duration::from_millis(50);
/// Connections and transfers that are to be held and are being opened at once.
pub const HAMMER_OPENING: usize = 64;
/// Events that are taken from the kernel at once.
pub const HAMMER_EVENTS: usize = 256;
/// Bytes that one read of a hammer takes at most.
pub const HAMMER_READ_BYTES: usize = 256 * 1024;
/// Reads of one download before the others get their turn.
pub const DOWNLOAD_READS: usize = 8;
/// Bytes between the beginnings of two samples of a download.
pub const SAMPLE_EVERY_BYTES: u64 = 1024 * 1024;
/// Bytes of a sample of a download.
pub const SAMPLE_BYTES: u64 = 4096;
/// Largest latency that a hammer's histogram tells apart; larger ones count as this.
pub const HAMMER_LATENCY_MAX: Duration = Duration::from_secs(600);

const _: () = assert!(SAMPLE_BYTES <= SAMPLE_EVERY_BYTES);
const _: () = assert!(SAMPLE_BYTES as usize <= HAMMER_READ_BYTES);
const _: () = assert!(ANSWER_HEAD_BYTES_MAX <= HAMMER_READ_BYTES);
const _: () = assert!(HAMMER_TICK.as_nanos() <= HAMMER_REST.as_nanos());
const _: () = assert!(HAMMER_ANSWER_TIME.as_nanos() <= HAMMER_LATENCY_MAX.as_nanos());
/// Attempts at making a thread's ring while the kernel is short of memory.
pub const RING_ATTEMPTS: u32 = 8;
/// Pause between them.
pub const RING_PAUSE: Duration = Duration::from_millis(20);
/// Time between looks at whether a storm is to end: its limit is late by at most this.
pub const STOP_TICK: Duration = Duration::from_millis(50);

// A ring that was hard to get is still there when the first phone is due.
const _: () = assert!(RING_PAUSE.as_nanos() * (RING_ATTEMPTS as u128) < START_LEAD.as_nanos());
const _: () = assert!(STOP_TICK.as_nanos() < STORM_TIME.as_nanos());
const _: () = assert!(COMPLETION_ENTRIES >= 4 * SUBMISSION_ENTRIES);
const _: () = assert!(SUBMISSION_ENTRIES.is_power_of_two());
const _: () = assert!(ATTEMPTS <= ATTEMPTS_MAX);
const _: () = assert!(RETRY_FIRST.as_nanos() <= RETRY_MAX.as_nanos());
const _: () = assert!(ANSWER_TIME.as_nanos() < STORM_TIME.as_nanos());
const _: () = assert!(STORM_TIME.as_nanos() <= HISTOGRAM_TIME_MAX.as_nanos());
