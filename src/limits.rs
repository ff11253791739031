//! Every bound of the server: a name, a sentence, `const` asserts that tie it to its neighbours.
//! `tuning.md` says for each what happens when it is too small and how to see that.

use crate::time::Duration;

mod control;
pub use control::*;

// ---- HTTP: a request's head (RFC 9112 sections 3 and 5, sizes as common servers have them)

/// Longest request line, in bytes; a longer one is answered 414.
pub const REQUEST_LINE_BYTES_MAX: usize = 8 * 1024;
/// Longest head (request line and fields), in bytes; a longer one is answered 431.
pub const HEAD_BYTES_MAX: usize = 32 * 1024;
/// A posted form up to this length counts as part of its head; a longer one is content.
pub const FORM_BYTES_MAX: usize = 1024;
/// Most header fields of a request; more are answered 431.
pub const HEADERS_MAX: usize = 128;
/// Header fields that the usual request stays below: room made for them costs little.
pub const HEADERS_USUAL: usize = 24;
/// Most bytes of chunk extensions and trailers in one message; more close the connection.
pub const CHUNK_OVERHEAD_BYTES_MAX: usize = 16 * 1024;
/// Most content bytes that are read and thrown away to keep a connection; more close it.
pub const DRAIN_BYTES_MAX: u64 = 1024 * 1024;
/// Most bytes of pipelined requests kept while one is answered; more close the connection.
pub const PIPELINED_BYTES_MAX: usize = 64 * 1024;

/// Time for a whole head, from its first byte; then 408.
pub const HEAD_TIME_MAX: Duration = Duration::from_secs(10);
/// Least rate of content, in bytes a second, that keeps a connection.
pub const CONTENT_RATE_MIN: u64 = 1024;
/// Time that content may lag behind `CONTENT_RATE_MIN`: one lost packet and its retransmissions.
pub const CONTENT_LAG_MAX: Duration = Duration::from_secs(10);
/// Time without progress on a write before the connection is closed.
pub const WRITE_STALL_MAX: Duration = Duration::from_secs(30);
/// Time between requests on a kept connection before it is closed.
pub const IDLE_TIME_MAX: Duration = Duration::from_secs(30);
/// Time that a lingering close waits for the peer's end (RFC 9112 section 9.6).
pub const LINGER_TIME_MAX: Duration = Duration::from_secs(2);

const _: () = assert!(REQUEST_LINE_BYTES_MAX <= HEAD_BYTES_MAX);
const _: () = assert!(HEAD_BYTES_MAX + FORM_BYTES_MAX <= PIPELINED_BYTES_MAX);
const _: () = assert!(HEADERS_USUAL <= HEADERS_MAX && CONTENT_RATE_MIN > 0);
const _: () = assert!((CHUNK_OVERHEAD_BYTES_MAX as u64) <= DRAIN_BYTES_MAX);
// What is drained is counted in 32 bits, what is kept too.
const _: () = assert!(DRAIN_BYTES_MAX <= u32::MAX as u64);
const _: () = assert!(PIPELINED_BYTES_MAX <= u32::MAX as usize);

// ---- TFTP

/// Least and largest block size (RFC 2348).
pub const BLOCK_BYTES_MIN: u16 = 8;
/// Largest block size that is agreed to: what fits an IPv4 datagram (RFC 2348: 65464).
pub const BLOCK_BYTES_MAX: u16 = 65464;
/// Block size without an option (RFC 1350).
pub const BLOCK_BYTES_DEFAULT: u16 = 512;
/// Largest window that is agreed to, in blocks (RFC 7440 allows 65535).
pub const WINDOW_BLOCKS_MAX: u16 = 64;
/// Largest window that is agreed to, in bytes: what a peer's socket holds without being read.
pub const WINDOW_BYTES_MAX: u32 = 96 * 1024;
/// Time before the first retransmission, without a `timeout` option.
pub const RETRANSMIT_FIRST: Duration = Duration::from_secs(1);
/// Most sends of one packet, the first one counted.
pub const SENDS_MAX: u32 = 5;
/// Time after which an unanswered packet ends its transfer.
pub const TRANSFER_SILENCE_MAX: Duration = Duration::from_secs(30);
/// Most bytes of all that one unanswered request is sent, as a multiple of its own size.
pub const AMPLIFICATION_MAX: usize = 4;
/// Most sends of an unanswered first block without options, larger than `AMPLIFICATION_MAX` allows.
pub const FIRST_BLOCK_SENDS_MAX: u32 = 2;
/// Most transfers at once on one core; the oldest unanswered one is dropped for a new one.
pub const TRANSFERS_MAX: usize = 20_000;
/// Most transfers that one address has begun and not yet answered.
pub const TRANSFERS_UNANSWERED_PER_SOURCE_MAX: usize = 64;
/// Transfer ports a core, each shared by many transfers (told apart by the peer's address).
pub const TRANSFER_PORTS: usize = 4;

const _: () = assert!(BLOCK_BYTES_MIN <= BLOCK_BYTES_DEFAULT);
const _: () = assert!(BLOCK_BYTES_DEFAULT <= BLOCK_BYTES_MAX);
const _: () = assert!(BLOCK_BYTES_MAX as u32 <= WINDOW_BYTES_MAX);
const _: () = assert!(TRANSFERS_UNANSWERED_PER_SOURCE_MAX <= TRANSFERS_MAX);
const _: () = assert!(FIRST_BLOCK_SENDS_MAX <= SENDS_MAX);
// Block numbers are 16 bits: a window must be far from filling them, or old and new look alike.
const _: () = assert!(WINDOW_BLOCKS_MAX < u16::MAX / 2);
const _: () = assert!(RETRANSMIT_FIRST.as_nanos() < TRANSFER_SILENCE_MAX.as_nanos());

// ---- The ring

/// Submission queue entries of one core's ring.
pub const SUBMISSION_ENTRIES: u32 = 1024;
/// Fewest submission queue entries that a ring is made with when memory is refused.
pub const SUBMISSION_ENTRIES_MIN: u32 = 64;
/// Completion queue entries of one core's ring.
pub const COMPLETION_ENTRIES: u32 = 4 * SUBMISSION_ENTRIES;
/// Completions that a turn waits for where they come fast.
pub const GATHER_COUNT: u32 = 7;
/// Time that it waits for them; then one is enough.
pub const GATHER_WAIT: Duration = Duration::from_micros(100);
/// Receive buffers in a core's provided-buffer ring.
pub const RECEIVE_BUFFERS: u16 = 1024;
/// Size of a receive buffer, in bytes: the common request head in one piece.
pub const RECEIVE_BUFFER_BYTES: usize = 4 * 1024;
/// Datagram buffers in a core's provided-buffer ring.
pub const DATAGRAM_BUFFERS: u16 = 1024;
/// Size of a datagram buffer: a request or an acknowledgement, and the kernel's header.
pub const DATAGRAM_BUFFER_BYTES: usize = 2 * 1024;
/// Most connections of one core.
pub const CONNECTIONS_MAX: usize = 16_384;
/// Most connections of one source address on one core; a site behind one address is normal.
pub const CONNECTIONS_PER_SOURCE_MAX: usize = 8_192;
/// Share of a core's connections that is kept free: past it an idle one goes for each that comes.
pub const CONNECTIONS_SPARE: usize = 8;
/// Share of a ring's connections by which the kernel may spread them unevenly over rings.
pub const CONNECTIONS_UNEVEN: usize = 16;
/// Most rings, each with a thread, that are made to hold the connections that settings ask for.
pub const RINGS_MAX: usize = 64;
/// Places that are looked at for an idle connection.
pub const IDLE_LOOKS_MAX: usize = 64;
/// Bytes read at once from a file that is sent.
pub const FILE_CHUNK_BYTES: usize = 128 * 1024;
/// Bytes of a file that one call sends straight from the page cache.
pub const FILE_PIECE_BYTES: usize = 512 * 1024;
/// Bytes of files that are sent that way in one turn: what an answer may have to wait for.
pub const FILE_TURN_BYTES: usize = 512 * 1024;
/// Time without a request after which files may take more of a turn.
pub const FILE_QUIET_AFTER: Duration = Duration::from_millis(10);
/// So many times more they take then.
pub const FILE_TURNS_QUIET: usize = 4;
/// Most connections of one core that files are sent to that way; others are sent chunks.
pub const DOORS_MAX: usize = 4096;
/// Send buffer of a connection that a file is sent to that way, in bytes: the page cache has it.
pub const DOOR_SEND_BUFFER_BYTES: usize = 1024 * 1024;
/// Unsent bytes before such a socket counts as full.
pub const DOOR_NOT_SENT_BYTES_MAX: u32 = 512 * 1024;
/// Parts of a file, of 1 MB each, whose state is remembered; what lies behind them is sent chunks.
pub const CACHE_REGIONS_MAX: usize = 16 * 1024;
/// Time that a part of a file counts as being in memory after a look.
pub const CACHE_LOOK_PAUSE: Duration = Duration::from_secs(1);
/// Distance between the bytes of a file that are looked at to see whether it lies in memory.
pub const CACHE_LOOK_BYTES: usize = 64 * 1024;
/// Bytes of a file that a transfer of small blocks reads ahead and holds; of large ones, a chunk.
pub const TRANSFER_READ_BYTES: usize = 16 * 1024;
/// Files under way whose descriptors later requests share; others have their own.
pub const FILES_SHARED_MAX: usize = 64;
/// Most file reads under way on one core.
pub const FILE_READS_MAX: usize = 256;
/// Accepts that wait in the kernel at once on one core: most connections that one turn takes in.
pub const ACCEPTS_ARMED: usize = 64;
/// Longest output whose close is linked behind its send, in bytes: it always fits a send buffer.
pub const LINKED_BYTES_MAX: usize = 16 * 1024;
/// Longest body that is copied behind its head so that one plain send takes both, in bytes.
pub const INLINE_BODY_BYTES_MAX: usize = 4 * 1024;
/// Size of a buffer for heads and datagrams when it is made, in bytes.
pub const OUTPUT_BUFFER_BYTES: usize = 8 * 1024;
/// Buffers for heads and datagrams that are kept when they are free; more go back to the heap.
pub const OUTPUT_BUFFERS_KEPT: usize = 1024;
/// Buffers for chunks of files that are kept when they are free; more go back to the heap.
pub const CHUNK_BUFFERS_KEPT: usize = 16;
/// Receive buffers that one connection may fill in one turn before it waits for the others.
pub const RECEIVE_SHARE: u32 = 32;
/// Datagrams that wait in a driver for room in a socket; more are dropped and counted.
pub const DATAGRAMS_QUEUED_MAX: usize = 65_536;
/// Datagrams that leave a socket with one call (the kernel takes 1024).
pub const DATAGRAMS_SENT_TOGETHER: usize = 64;
/// Datagrams that one socket gives in one turn, without a ring.
pub const DATAGRAMS_TURN_MAX: usize = 256;
/// Threads of each of the two kinds that the kernel starts for one ring's blocking work.
pub const KERNEL_WORKERS_MAX: u32 = 16;
/// Turns that a driver which is dropped waits for the kernel to let go of its memory.
pub const QUIET_TURNS_MAX: u32 = 200;
/// Longest of these turns.
pub const QUIET_TURN: Duration = Duration::from_millis(10);
/// Descriptors that connections leave to files, sockets and the store.
pub const DESCRIPTORS_RESERVED: usize = 512;
/// Waiting connections of a listener (the kernel caps it at net.core.somaxconn).
pub const LISTEN_BACKLOG: i32 = 4096;
/// First pause of accepting after the descriptors ran out; it doubles up to the next line's.
pub const ACCEPT_PAUSE_MIN: Duration = Duration::from_millis(10);
/// Longest pause of accepting after the descriptors ran out.
pub const ACCEPT_PAUSE_MAX: Duration = Duration::from_millis(100);
/// Unsent bytes in the kernel before a socket counts as full (`TCP_NOTSENT_LOWAT`).
pub const NOT_SENT_BYTES_MAX: u32 = 128 * 1024;
/// Send buffer of a connection in the kernel (`SO_SNDBUF`; the kernel doubles it).
pub const SEND_BUFFER_BYTES: usize = 256 * 1024;
/// Receive buffer of a datagram socket in the kernel (`SO_RCVBUF`; the kernel doubles it).
pub const DATAGRAM_RECEIVE_BYTES: usize = 4 * 1024 * 1024;

// A full submission queue may complete at once, four times over, before the queue is read.
const _: () = assert!(COMPLETION_ENTRIES >= 4 * SUBMISSION_ENTRIES);
const _: () = assert!(SUBMISSION_ENTRIES_MIN <= SUBMISSION_ENTRIES);
const _: () = assert!(DATAGRAMS_SENT_TOGETHER <= DATAGRAMS_QUEUED_MAX);
const _: () = assert!(RECEIVE_BUFFERS.is_power_of_two() && DATAGRAM_BUFFERS.is_power_of_two());
const _: () = assert!(CONNECTIONS_PER_SOURCE_MAX <= CONNECTIONS_MAX);
const _: () = assert!(CONNECTIONS_SPARE > 1 && CONNECTIONS_UNEVEN > 2);
const _: () = assert!(2 * ACCEPTS_ARMED <= SUBMISSION_ENTRIES as usize);
const _: () = assert!(FILE_CHUNK_BYTES <= FILE_PIECE_BYTES && FILE_PIECE_BYTES <= FILE_TURN_BYTES);
const _: () = assert!(TRANSFER_READ_BYTES <= FILE_CHUNK_BYTES);
const _: () = assert!(2 * BLOCK_BYTES_DEFAULT as usize <= TRANSFER_READ_BYTES);
const _: () = assert!(CACHE_LOOK_BYTES <= FILE_PIECE_BYTES);
const _: () = assert!(DOORS_MAX <= CONNECTIONS_MAX);
const _: () = assert!(SEND_BUFFER_BYTES <= DOOR_SEND_BUFFER_BYTES);
const _: () = assert!(FILE_PIECE_BYTES <= DOOR_NOT_SENT_BYTES_MAX as usize);
const _: () = assert!(INLINE_BODY_BYTES_MAX < OUTPUT_BUFFER_BYTES);
const _: () = assert!(OUTPUT_BUFFER_BYTES <= LINKED_BYTES_MAX);
const _: () = assert!(LINKED_BYTES_MAX <= SEND_BUFFER_BYTES);
const _: () = assert!((RECEIVE_SHARE as usize) < RECEIVE_BUFFERS as usize);

// ---- Identification

/// Longest value that is taken from a request (vendor, model, version, serial), in bytes.
pub const VALUE_BYTES_MAX: usize = 128;
/// Most distinct values of one key that a vote counts.
pub const VOTES_MAX: usize = 16;
/// Steps of a pattern on one text before an engine takes over that is linear; phones' take twenty.
pub const PATTERN_STEPS_MAX: usize = 1024;
/// Ways that a pattern leaves open at once before that engine takes over; most leave none.
pub const PATTERN_FRAMES_MAX: usize = 24;
/// Steps of a compiled pattern; a longer one is left to that engine.
pub const PATTERN_OPS_MAX: usize = 512;
/// Patterns that are each tried on a text; among more than these a table decides first.
pub const PATTERNS_TRIED_MAX: usize = 4;
/// Bytes that a table looks ahead for what tells so few apart; a try costs about as much.
pub const PATTERN_LOOK_BYTES_MAX: usize = 12;
/// Bytes of the DFA that a table of patterns is made from; one that would be larger is made as two.
pub const PATTERN_TABLE_BYTES_MAX: usize = 32 * 1024 * 1024;
/// User-Agents whose matches a core remembers, 180 bytes each: phones that boot at once in it.
pub const RECALL_PLACES: usize = 8192;
/// Longest User-Agent that is remembered, in bytes.
pub const RECALL_BYTES_MAX: usize = 120;
/// Counts of changes that an index keeps, by hashes; a power of two.
pub const INDEX_MARKS: usize = 1 << 16;
/// Places of a core for requests that may come again; a power of two.
pub const REPEATS_PLACES: usize = 1 << 15;
/// Most bytes of these requests with what they are given, on each core.
pub const REPEATS_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Longest request that is kept to be known again, in bytes.
pub const REPEAT_BYTES_MAX: usize = 1024;
/// Times that a decision is made again because another core was first.
pub const DECISIONS_MAX: u32 = 8;
/// Devices known only by their address that are kept at once; the oldest goes first.
pub const PROVISIONAL_MAX: usize = 100_000;
/// Time that a device known only by its address is kept after its last request.
pub const PROVISIONAL_TIME: Duration = Duration::from_secs(3600);
/// Sources whose misses are remembered.
pub const MISS_SOURCES_MAX: usize = 65_536;
/// Distinct unknown MACs of one source in a window before it is refused for a while.
pub const UNKNOWN_MACS_MAX: usize = 64;
/// Window in which distinct unknown MACs are counted, and time of the refusal.
pub const UNKNOWN_MACS_WINDOW: Duration = Duration::from_secs(600);
/// Locks that the writers of devices are spread over; two devices seldom share one.
pub const DIRECTORY_STRIPES: usize = 256;
/// Locks that each index of devices, and of configurations, is spread over.
pub const INDEX_SHARDS: usize = 128;
/// Places of documents behind one lock: a list's memory grows by a word for each of so many.
pub const ORDER_CHUNK: usize = 4096;
/// Documents that whoever walks a list takes at once: no writer waits for more.
pub const ORDER_LOT: usize = 64;
/// Texts that many documents have and that are kept once; when there are more, they begin anew.
pub const KNOWN_MAX: usize = 65_536;
/// Most keys without a field of their own that are looked at whether others have the same.
pub const KNOWN_KEYS_MAX: usize = 8;
/// Devices at one address, or with one serial, looked through for a phone that tells nothing else.
pub const ADDRESS_CANDIDATES_MAX: usize = 64;
/// Devices known only by their address, at one address; further phones there are served, not kept.
pub const PROVISIONAL_PER_SOURCE_MAX: usize = 16;
/// Devices that requests make before an operator takes some over; then new ones are not kept.
pub const AUTO_ADDED_MAX: usize = 500_000;
/// Flattened settings that are kept of configurations that others lie on.
pub const FLAT_CONFIGS_MAX: usize = 4096;
/// Configurations and devices looked at when a layer below changes; of more, each as it asks.
pub const FAMILY_MAX: usize = 10_000;

const _: () = assert!(PATTERN_FRAMES_MAX < PATTERN_OPS_MAX && PATTERN_OPS_MAX <= PATTERN_STEPS_MAX);
const _: () = assert!(PROVISIONAL_PER_SOURCE_MAX <= ADDRESS_CANDIDATES_MAX);
const _: () = assert!(ADDRESS_CANDIDATES_MAX <= PROVISIONAL_MAX);
const _: () = assert!(INDEX_SHARDS.is_power_of_two() && ORDER_CHUNK.is_power_of_two());
const _: () = assert!(ORDER_LOT <= ORDER_CHUNK);

/// Boots followed at once, from a first request to the configuration; of more, some are not.
pub const BOOTS_MAX: usize = 262_144;
/// Places of a boot that are looked at for a phone.
pub const BOOT_LOOKS_MAX: usize = 8;
/// Silence of a phone after which its next request begins a boot.
pub const BOOT_SILENCE: Duration = Duration::from_secs(60);
/// Phones whose last requests a core remembers.
pub const TRACE_PHONES: usize = 4096;
/// Addresses of others whose last requests a core remembers.
pub const TRACE_ADDRESSES: usize = 512;
/// Requests of one phone that are remembered: some boots.
pub const TRACE_REQUESTS: usize = 32;
/// Bytes of a path that are remembered.
pub const TRACE_PATH_BYTES_MAX: usize = 80;
/// Clients that follow phones at once.
pub const TRACE_FOLLOWERS_MAX: usize = 16;
/// Requests that wait for one of them; of more, he misses some.
pub const TRACE_LINES_MAX: usize = 256;
/// Time between two signs of life to a client that follows a silent phone.
pub const TRACE_BEAT: Duration = Duration::from_secs(10);
/// Time that a core may take to say what a phone asked.
pub const TRACE_TIME_MAX: Duration = Duration::from_secs(2);
/// Vendors that are counted apart.
pub const VENDORS_MAX: usize = 64;

const _: () = assert!(BOOTS_MAX.is_power_of_two() && BOOT_LOOKS_MAX <= BOOTS_MAX);
const _: () = assert!(2 < VENDORS_MAX && VENDORS_MAX <= 256);

// ---- Store and content

/// Longest time that a change waits before it is written: what a crash can lose.
pub const FLUSH_INTERVAL: Duration = Duration::from_secs(1);
/// Most changed devices that wait to be written before API writes are refused.
pub const DIRTY_MAX: usize = 1_000_000;
/// Names moved at once between those who change and who writes: no change waits for more.
pub const DIRTY_LOT: usize = 128;
/// Time that a batch may take before the store counts as pausing.
pub const FLUSH_SLOW: Duration = Duration::from_secs(1);
/// Longest time between two tries to write after one failed.
pub const FLUSH_PAUSE_MAX: Duration = Duration::from_secs(30);
/// Bytes of the store's log before it is written into tables: what a start may have to read again.
pub const STORE_LOG_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Bytes that wait in the store's memory to be written into tables.
pub const STORE_WRITE_BUFFER_BYTES: usize = 64 * 1024 * 1024;
/// Bytes of the store's tables that are kept; they are read once, at the start.
pub const STORE_CACHE_BYTES: usize = 8 * 1024 * 1024;
/// Bytes that are read ahead while everything is read at the start.
pub const STORE_READAHEAD_BYTES: usize = 512 * 1024;
/// Ranges of keys that the store is read in at the start; the threads take one after another.
pub const LOAD_RANGES: usize = 256;
/// Documents that one thread reads at the start before it puts them into the indexes at once.
pub const LOAD_BATCH: usize = 4096;
/// Least time between two log lines about how far the start is.
pub const LOAD_LINE_PAUSE: Duration = Duration::from_secs(1);
/// Most threads that read the store at the start.
pub const LOAD_THREADS_MAX: usize = 8;
/// Bytes of documents in one table of many that are taken in at once.
pub const STORE_TABLE_BYTES: usize = 256 * 1024 * 1024;
/// Examples that an import's report gives of each fact.
pub const IMPORT_EXAMPLES: usize = 5;
/// Files of an installation that a thread of an import reads before it looks for more.
pub const IMPORT_LOT: usize = 256;
/// Folders within folders of templates that an import goes down to.
pub const IMPORT_DEPTH_MAX: usize = 8;
/// Most documents in one write batch.
pub const FLUSH_BATCH: usize = 10_000;
/// Bytes of rendered files that are kept.
pub const RENDERED_BYTES_MAX: usize = 1024 * 1024 * 1024;
/// Templates within each other (included, extended, blocks) that a program is made of.
pub const TEMPLATE_DEPTH_MAX: usize = 32;
/// Templates and blocks that a program is put together from.
pub const TEMPLATE_PARTS_MAX: usize = 1024;
/// Macros that call each other; more are left to the reference engine, which has a bound too.
pub const MACRO_DEPTH_MAX: usize = 64;
/// Digits that `zfill` fills a text up to.
pub const ZFILL_WIDTH_MAX: usize = 4096;
/// Arguments of a macro.
pub const MACRO_ARGUMENTS_MAX: usize = 16;
/// Numbers in a `range`; the reference engine refuses more.
pub const RANGE_MAX: u32 = 100_000;
/// Keys of an object of the settings that is given an index for the time of a file.
pub const TABLE_KEYS_MAX: usize = 4096;
/// Memory that values of a template are first given while it runs.
pub const ARENA_BYTES: usize = 32 * 1024;
/// Texts of loops' rounds that a core keeps for the next file; with more, it begins anew.
pub const ROUNDS_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Places of what was wanted once of them: it is kept when it is wanted again.
pub const ROUNDS_WANTED: usize = 4096;
/// Values that such a text depends on, as they are compared.
pub const ROUND_INPUTS_BYTES_MAX: usize = 512;
/// Largest static file that is kept in memory.
pub const STATIC_MEMORY_BYTES_MAX: u64 = 256 * 1024;
/// Time after which requests that waited for the store to be loaded are decided again.
pub const PARKED_PAUSE: Duration = Duration::from_millis(50);
/// Least time between two log lines of one core about connections that were shed.
pub const SHED_LINE_PAUSE: Duration = Duration::from_secs(1);
/// Panics of one core that are caught; one more ends the process.
pub const PANICS_MAX: u32 = 16;
/// Time that a start waits for a server that has just ended to let go of its ports.
pub const CLAIM_TIME_MAX: Duration = Duration::from_secs(5);
/// Time that a clean shutdown may take.
pub const SHUTDOWN_TIME_MAX: Duration = Duration::from_secs(5);

const _: () = assert!(PARKED_PAUSE.as_nanos() < WRITE_STALL_MAX.as_nanos());
const _: () = assert!(ROUND_INPUTS_BYTES_MAX < ROUNDS_BYTES_MAX);
const _: () = assert!(DIRTY_LOT <= FLUSH_BATCH && FLUSH_BATCH <= DIRTY_MAX);
const _: () = assert!(FLUSH_SLOW.as_nanos() <= FLUSH_PAUSE_MAX.as_nanos());
const _: () = assert!(LOAD_THREADS_MAX <= LOAD_RANGES && LOAD_BATCH >= INDEX_SHARDS);
const _: () = assert!(FLUSH_INTERVAL.as_nanos() <= FLUSH_PAUSE_MAX.as_nanos());

// ---- Packages

/// Bytes of a package, downloaded or unpacked; more is refused: an archive can hold anything.
pub const PACKAGE_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;
/// Entries of a package's archives.
pub const PACKAGE_ENTRIES_MAX: usize = 20_000;
/// Longest path of a file in a package, in bytes.
pub const PACKAGE_PATH_BYTES_MAX: usize = 1024;
/// Longest part of such a path, in bytes: what file systems take.
pub const PACKAGE_NAME_BYTES_MAX: usize = 255;
/// Memory for taking one xz archive apart; its own head says how much it wants.
pub const PACKAGE_XZ_BYTES_MAX: u32 = 256 * 1024 * 1024;
/// Bytes in front of a signed file within which the file begins.
pub const PACKAGE_SIGNATURE_BYTES_MAX: usize = 512;
/// Bytes of a download that are written at once.
pub const FETCH_CHUNK_BYTES: usize = 128 * 1024;
/// Servers that a download is sent on to, one after another.
pub const FETCH_REDIRECTS_MAX: u32 = 5;
/// Time for a connection to a vendor's server, and for its name.
pub const FETCH_CONNECT_TIME_MAX: Duration = Duration::from_secs(15);
/// Silence after which a download ends; the next one goes on from there.
pub const FETCH_SILENCE_MAX: Duration = Duration::from_secs(30);

const _: () = assert!(PACKAGE_NAME_BYTES_MAX <= PACKAGE_PATH_BYTES_MAX);
const _: () = assert!((PACKAGE_XZ_BYTES_MAX as u64) <= PACKAGE_BYTES_MAX);
const _: () = assert!(FETCH_CONNECT_TIME_MAX.as_nanos() <= FETCH_SILENCE_MAX.as_nanos());

// ---- Comparing with another server

/// Requests that wait to be asked of the other server; more are left out, and counted.
pub const SHADOW_QUEUE_MAX: usize = 10_000;
/// Threads that ask the other server; each asks one thing at a time.
pub const SHADOW_THREADS: usize = 8;
/// Time that the other server has for a connection, or to say something.
pub const SHADOW_TIME_MAX: Duration = Duration::from_secs(10);
/// Times that it is asked by TFTP within that time.
pub const SHADOW_TRIES: u32 = 4;
/// Bytes of an answer that are compared; of a longer one only the length is.
pub const SHADOW_BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
