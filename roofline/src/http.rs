//! The least HTTP: accept, receive into whatever buffer, send one constant answer, close if asked.

use io_uring::squeue::{Entry, Flags};
use io_uring::{IoUring, cqueue, opcode, types};
use memchr::memmem;
use socket2::Socket;
use std::io;
use std::os::fd::AsRawFd;

use crate::buffers::Buffers;

/// Submission queue entries.
const ENTRIES: u32 = 1024;
/// Most connections at once.
const CONNECTIONS: u32 = 4096;
/// Size of a receive buffer, in bytes.
const BUFFER_BYTES: usize = 4096;

/// What an entry asks for; the rest of `user_data` is the connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Accept,
    Once,
    Many,
    Other,
}

struct Loop {
    ring: IoUring,
    listener: types::Fd,
    buffers: Buffers,
    answers: [Vec<u8>; 2],
    completions: Vec<cqueue::Entry>,
}

/// Answers everybody, for ever.
pub fn serve(listener: &Socket, bytes: usize) -> io::Result<()> {
    let ring = IoUring::builder()
        .setup_single_issuer()
        .setup_defer_taskrun()
        .setup_submit_all()
        .setup_cqsize(4 * ENTRIES)
        .build(ENTRIES)?;
    ring.submitter().register_files_sparse(CONNECTIONS)?;
    let buffers = Buffers::new(&ring, BUFFER_BYTES)?;
    let answers = [answer(bytes, "keep-alive"), answer(bytes, "close")];
    let listener = types::Fd(listener.as_raw_fd());
    let completions = Vec::with_capacity(4 * ENTRIES as usize);
    let mut server = Loop { ring, listener, buffers, answers, completions };
    server.accept_many();
    loop {
        server.turn()?;
    }
}

impl Loop {
    fn turn(&mut self) -> io::Result<()> {
        match self.ring.submit_and_wait(1) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        let mut completions = std::mem::take(&mut self.completions);
        completions.extend(self.ring.completion());
        for completion in completions.drain(..) {
            self.complete(&completion);
        }
        self.completions = completions;
        self.buffers.publish();
        Ok(())
    }

    fn complete(&mut self, completion: &cqueue::Entry) {
        let (kind, place) = decode(completion.user_data());
        let (result, flags) = (completion.result(), completion.flags());
        match kind {
            Kind::Accept => {
                if let Ok(place) = u32::try_from(result) {
                    self.push(&[receive_once(place)]);
                }
                if !cqueue::more(flags) {
                    self.accept_many();
                }
            }
            Kind::Once | Kind::Many => self.received(kind, place, result, flags),
            Kind::Other => {}
        }
    }

    fn received(&mut self, kind: Kind, place: u32, result: i32, flags: u32) {
        let len = usize::try_from(result).unwrap_or(0);
        let buffer = cqueue::buffer_select(flags);
        let bytes = buffer.map_or(&b""[..], |buffer| self.buffers.bytes(buffer, len));
        let closes = memmem::find(bytes, b"Connection: close").is_some();
        if let Some(buffer) = buffer {
            self.buffers.put(buffer);
        }
        if len == 0 {
            // The peer has ended, or the receive was cancelled by a close.
            if result != -libc::ECANCELED {
                self.close(&[], place);
            }
            return;
        }
        let send = self.answer(place, closes);
        if closes {
            if kind == Kind::Many {
                let armed = encode(Kind::Many, place);
                self.push(&[quiet(opcode::AsyncCancel::new(armed).build())]);
            }
            self.close(&[send.flags(Flags::IO_LINK | Flags::SKIP_SUCCESS)], place);
        } else if kind == Kind::Once {
            self.push(&[quiet(send), receive_many(place)]);
        } else if cqueue::more(flags) {
            self.push(&[quiet(send)]);
        } else {
            self.push(&[quiet(send), receive_many(place)]);
        }
    }

    fn answer(&self, place: u32, closes: bool) -> Entry {
        let bytes = &self.answers[usize::from(closes)];
        let len = u32::try_from(bytes.len()).expect("an answer is small");
        let wait = if closes { libc::MSG_WAITALL } else { 0 };
        opcode::Send::new(types::Fixed(place), bytes.as_ptr(), len)
            .flags(libc::MSG_NOSIGNAL | wait)
            .build()
            .user_data(encode(Kind::Other, place))
    }

    /// Closes a connection behind what is sent before.
    fn close(&mut self, before: &[Entry], place: u32) {
        let close = opcode::Close::new(types::Fixed(place)).build();
        self.push(before);
        self.push(&[quiet(close.user_data(encode(Kind::Other, place)))]);
    }

    fn accept_many(&mut self) {
        let accept = opcode::AcceptMulti::new(self.listener).allocate_file_index(true).build();
        self.push(&[accept.user_data(encode(Kind::Accept, 0))]);
    }

    fn push(&mut self, entries: &[Entry]) {
        // SAFETY: answers and buffers live as long as the process, and are not written to.
        while unsafe { self.ring.submission().push_multiple(entries) }.is_err() {
            self.ring.submit().expect("the ring takes entries");
        }
    }
}

fn receive_once(place: u32) -> Entry {
    let receive = opcode::Recv::new(types::Fixed(place), std::ptr::null_mut(), 0).buf_group(0);
    receive.build().flags(Flags::BUFFER_SELECT).user_data(encode(Kind::Once, place))
}

fn receive_many(place: u32) -> Entry {
    opcode::RecvMulti::new(types::Fixed(place), 0).build().user_data(encode(Kind::Many, place))
}

/// An entry that says nothing when it has succeeded.
fn quiet(entry: Entry) -> Entry {
    entry.flags(Flags::SKIP_SUCCESS)
}

fn encode(kind: Kind, place: u32) -> u64 {
    (kind as u64) << 32 | u64::from(place)
}

fn decode(token: u64) -> (Kind, u32) {
    let kind = match token >> 32 {
        0 => Kind::Accept,
        1 => Kind::Once,
        2 => Kind::Many,
        _ => Kind::Other,
    };
    (kind, (token & u64::from(u32::MAX)) as u32)
}

fn answer(bytes: usize, connection: &str) -> Vec<u8> {
    let mut answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {bytes}\r\n\
         Connection: {connection}\r\n\r\n"
    )
    .into_bytes();
    answer.resize(answer.len() + bytes, b'x');
    answer
}
