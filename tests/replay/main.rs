//! Conversations as text, each against a worker without sockets, on a clock that is told.
//!
//! A conversation is a file `*.talk` in this folder. `#` begins a remark. One line is one step; a
//! word with spaces is in quotes (`\r`, `\n`, `\"`, `\xNN` in them). The server knows the phones of
//! `site.jsonl` and has the real plugins.
//!
//! ```text
//! @fax 192.0.2.11            from here on the speaker is `fax`, at this address
//! @fax                       … is `fax` again; the first speaker is `phone`, 192.0.2.10
//! file PLUGIN/NAME BYTES     an operator's file, made or made anew with this length
//! after 5 s                  time passes (or ms); what is due is done on the way
//! stop                       the server is told to end; it must stop accepting
//! over                       it has ended
//!
//! connect, end, reset        a connection; the peer has sent all; the connection breaks
//! > GET /x HTTP/1.1 | A: b   a whole head: its lines have " | " between them
//! > raw "…"                  just these bytes
//! cut at 7                   each send comes in two pieces from here on
//! cut everywhere             the conversation is played again for every place of a cut
//! unread                     an answer is being sent, and the peer does not read
//! progress                   a part of it has left
//! < 200 CONDITION …          the answer, read whole: its status, and further
//!     close, linger          what follows it; without these the connection is kept
//!     empty, length=N, body=…, starts=…, holds=…, file=PLUGIN/NAME[@OFFSET]     its body
//!     Field, Field=value, Field=none                                            its head
//! open, closed               nothing is being sent; the server has closed it
//!
//! > RRQ "name" octet k=v …   a request; also WRQ, ACK n, DATA n "…", ERROR n, datagram "…"
//! > ACK 1 to @fax            … to the port that answered `fax`, or to a port by its number
//! < OACK k=v …, < ERROR n    what came, in this order
//! < DATA 1 512               the number of a block and its length; `1..4 512` are four of them
//! drop                       what came is lost
//! silence                    nothing came
//! read fails, read gives N   how the next read of a file ends
//! got PLUGIN/NAME            the blocks so far are this file
//! same as @fax [in netascii] they are what `fax` has got
//! ```
//!
//! In the end nothing may be left that was not read, and every buffer must have been given back.

mod expect;
mod play;
#[path = "../stage/mod.rs"]
mod stage;
mod wire;

use play::Play;
use ringboot::identify::Settings;
use ringboot::worker::Shared;
use stage::{MemoryStore, shared};
use std::fs;
use std::path::{Path, PathBuf};

fn talks() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/replay");
    let entries = fs::read_dir(folder).expect("this folder");
    let mut talks: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    talks.retain(|path| path.extension().is_some_and(|extension| extension == "talk"));
    talks.sort();
    talks
}

/// A server that knows the phones of `site.jsonl`.
fn server() -> Shared {
    let store = MemoryStore::of_fleet(include_str!("site.jsonl"));
    shared(&store, Settings::default(), Path::new("/nowhere"))
}

/// Plays a conversation; the longest send that could be cut, or the line that does not hold.
fn play(server: &Shared, text: &str, cut: Option<usize>) -> Result<usize, String> {
    let mut play = Play::new(server, cut);
    for (number, line) in (1..).zip(text.lines()) {
        play.line(line).map_err(|why| format!("{number}: {line}\n    {why} (cut {cut:?})"))?;
    }
    play.end().map_err(|why| format!("end: {why} (cut {cut:?})"))?;
    Ok(play.longest)
}

fn play_with_cuts(text: &str) -> Result<(), String> {
    let server = server();
    let longest = play(&server, text, None)?;
    if text.lines().any(|line| line == "cut everywhere") {
        for cut in 1..longest {
            play(&server, text, Some(cut))?;
        }
    }
    Ok(())
}

#[test]
fn every_conversation_goes_as_it_is_written() {
    let talks = talks();
    assert!(talks.len() >= 12, "{} conversations", talks.len());
    let mut failures = Vec::new();
    for path in talks {
        let text = fs::read_to_string(&path).expect("a text");
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        failures.extend(play_with_cuts(&text).err().map(|why| format!("{name}:{why}")));
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

#[test]
fn a_line_that_does_not_hold_is_found() {
    let server = server();
    for (text, wanted) in [
        ("connect\n> GET /no HTTP/1.1 | Host: a\n< 200", "3: < 200"),
        ("connect\n> GET /no HTTP/1.1 | Host: a\n< 404 close", "3: < 404 close"),
        ("connect\n> GET /no HTTP/1.1 | Host: a", "end: an answer that nobody read"),
        ("connect\n> GET /no HTTP/1.1 | Host: a\n< 404 ETag", "3: < 404 ETag"),
        ("connect\nclosed", "2: closed"),
        ("> RRQ /no octet\nsilence", "2: silence"),
        ("> RRQ /no octet\n< ERROR 2", "2: < ERROR 2"),
        ("> RRQ /no octet", "end: unread"),
        ("> RRQ /spa-phone.xml octet\n< DATA 1 100", "2: < DATA 1 100"),
        ("< OACK", "1: < OACK"),
        ("over", "1: over"),
        ("conect", "1: conect"),
    ] {
        let why = play(&server, text, None).expect_err(text);
        assert!(why.starts_with(wanted), "{text:?}: {why}");
    }
}
