//! The six packets, read without copying and without ever panicking, and written back as they were.

use super::options::{OptionList, split_nul};
use std::fmt;

/// A packet, borrowing the datagram it came in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Packet<'a> {
    /// RRQ (opcode 1).
    Read(Request<'a>),
    /// WRQ (opcode 2).
    Write(Request<'a>),
    /// DATA (opcode 3).
    Data {
        /// Its number; 65535 is followed by 0.
        block: u16,
        /// Its bytes; fewer than the block size in the last one.
        body: &'a [u8],
    },
    /// ACK (opcode 4).
    Ack {
        /// The last block that came in order; 0 answers an OACK.
        block: u16,
    },
    /// ERROR (opcode 5).
    Error {
        /// What went wrong.
        code: ErrorCode,
        /// Text for people; a peer's may be cut or missing.
        message: &'a [u8],
    },
    /// OACK (opcode 6, RFC 2347).
    OptionAck(OptionList<'a>),
}

/// The body of RRQ and WRQ.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Request<'a> {
    /// The file's name: any bytes but NUL.
    pub name: &'a [u8],
    /// The transfer mode.
    pub mode: Mode<'a>,
    /// The options' wire form; read it with `Options::read`.
    pub options: &'a [u8],
}

/// A transfer mode; upper and lower case are the same (RFC 1350 section 5).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Mode<'a> {
    /// Bytes as they are.
    Octet,
    /// Text with netascii's line ends.
    Netascii,
    /// Obsolete, and never allowed in a read request.
    Mail,
    /// None that the RFC knows.
    Other(&'a [u8]),
}

/// An error code of RFC 1350 section 5 and RFC 2347.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ErrorCode(pub u16);

/// Why a datagram is no packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Malformed {
    /// It ends before its kind's fixed part does.
    #[error("too short")]
    Short,
    /// The opcode is none of the six.
    #[error("unknown opcode {0}")]
    Opcode(u16),
    /// A file name or mode without its NUL.
    #[error("unterminated text")]
    Unterminated,
    /// Bytes after an acknowledgement.
    #[error("trailing bytes")]
    Trailing,
}

impl<'a> Packet<'a> {
    /// Reads one datagram.
    ///
    /// # Errors
    /// Whatever is not of the six forms; the peer's fault.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, Malformed> {
        let (opcode, rest) = take_u16(datagram)?;
        match opcode {
            1 => Ok(Packet::Read(Request::parse(rest)?)),
            2 => Ok(Packet::Write(Request::parse(rest)?)),
            3 => take_u16(rest).map(|(block, body)| Packet::Data { block, body }),
            4 => match take_u16(rest)? {
                (block, []) => Ok(Packet::Ack { block }),
                _ => Err(Malformed::Trailing),
            },
            5 => {
                let (code, text) = take_u16(rest)?;
                let message = split_nul(text).map_or(text, |(message, _)| message);
                Ok(Packet::Error { code: ErrorCode(code), message })
            }
            6 => Ok(Packet::OptionAck(OptionList::new(rest))),
            other => Err(Malformed::Opcode(other)),
        }
    }

    /// Appends the packet's wire form.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Packet::Read(request) => request.encode(1, out),
            Packet::Write(request) => request.encode(2, out),
            Packet::Data { block, body } => {
                put_u16s(out, [3, *block]);
                out.extend_from_slice(body);
            }
            Packet::Ack { block } => put_u16s(out, [4, *block]),
            Packet::Error { code, message } => {
                put_u16s(out, [5, code.0]);
                out.extend_from_slice(message);
                out.push(0);
            }
            Packet::OptionAck(options) => {
                put_u16s(out, [6]);
                out.extend_from_slice(options.as_bytes());
            }
        }
    }
}

impl Packet<'static> {
    /// The ERROR packet of `code` with its own short text.
    pub fn error(code: ErrorCode) -> Self {
        Packet::Error { code, message: code.text().as_bytes() }
    }
}

impl<'a> Request<'a> {
    fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let (name, rest) = split_nul(body).ok_or(Malformed::Unterminated)?;
        let (mode, options) = split_nul(rest).ok_or(Malformed::Unterminated)?;
        Ok(Self { name, mode: Mode::parse(mode), options })
    }

    fn encode(&self, opcode: u16, out: &mut Vec<u8>) {
        put_u16s(out, [opcode]);
        out.extend_from_slice(self.name);
        out.push(0);
        out.extend_from_slice(self.mode.as_bytes());
        out.push(0);
        out.extend_from_slice(self.options);
    }

    /// The options as a list.
    pub fn option_list(&self) -> OptionList<'a> {
        OptionList::new(self.options)
    }

    /// Length of the whole datagram, in bytes.
    pub fn wire_len(&self) -> usize {
        2 + self.name.len() + 1 + self.mode.as_bytes().len() + 1 + self.options.len()
    }
}

impl<'a> Mode<'a> {
    fn parse(text: &'a [u8]) -> Self {
        [Mode::Octet, Mode::Netascii, Mode::Mail]
            .into_iter()
            .find(|mode| text.eq_ignore_ascii_case(mode.as_bytes()))
            .unwrap_or(Mode::Other(text))
    }

    /// The mode's name in lower case; another's as it came.
    pub fn as_bytes(&self) -> &'a [u8] {
        match self {
            Mode::Octet => b"octet",
            Mode::Netascii => b"netascii",
            Mode::Mail => b"mail",
            Mode::Other(text) => text,
        }
    }
}

impl ErrorCode {
    /// Something without a code of its own.
    pub const UNDEFINED: Self = Self(0);
    /// There is no such file.
    pub const FILE_NOT_FOUND: Self = Self(1);
    /// It is there, and not for this peer.
    pub const ACCESS_VIOLATION: Self = Self(2);
    /// The receiver has no room.
    pub const DISK_FULL: Self = Self(3);
    /// A packet that must not come here.
    pub const ILLEGAL_OPERATION: Self = Self(4);
    /// No such transfer.
    pub const UNKNOWN_TRANSFER: Self = Self(5);
    /// The options are not acceptable (RFC 2347).
    pub const OPTIONS_REFUSED: Self = Self(8);

    /// The text that goes with the code. With its packet's five bytes around it, none is longer
    /// than four times the shortest packet that it answers (`AMPLIFICATION_MAX`).
    pub fn text(self) -> &'static str {
        match self.0 {
            1 => "no such file",
            2 => "no access",
            3 => "no room",
            4 => "not allowed",
            5 => "unknown TID",
            8 => "bad options",
            _ => "not served",
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.0, self.text())
    }
}

fn take_u16(bytes: &[u8]) -> Result<(u16, &[u8]), Malformed> {
    let (head, rest) = bytes.split_first_chunk::<2>().ok_or(Malformed::Short)?;
    Ok((u16::from_be_bytes(*head), rest))
}

/// Appends numbers in network order: the head of a packet.
pub(super) fn put_u16s<const N: usize>(out: &mut Vec<u8>, numbers: [u16; N]) {
    for number in numbers {
        out.extend_from_slice(&number.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::AMPLIFICATION_MAX;

    /// Requests as phones and boot loaders send them, and one packet of each other kind.
    const SAMPLES: &[&[u8]] = &[
        b"\0\x01SEP001122334455.cnf.xml\0octet\0",
        b"\0\x01/lanpbx.cfg\0octet\0",
        b"\0\x01Communicator\\SCCP.xml\0octet\0tsize\x000\0",
        b"\0\x01y000000000000.cfg\0octet\0blksize\x001428\0tsize\x000\0timeout\x005\0",
        b"\0\x01bootfile\0octet\0tsize\x000\0blksize\x001468\0windowsize\x0016\0",
        b"\0\x01OS79XX.TXT\0netascii\0",
        b"\0\x02upload.log\0octet\0blksize\x001024\0",
        b"\0\x03\0\x01<device>\n</device>\n",
        b"\0\x03\xff\xff",
        b"\0\x04\0\0",
        b"\0\x04\xff\xff",
        b"\0\x05\0\x01no such file\0",
        b"\0\x06blksize\x001428\0tsize\x001234\0",
        b"\0\x06",
    ];

    #[test]
    fn every_sample_is_written_back_as_it_was() {
        for sample in SAMPLES {
            let packet = Packet::parse(sample).expect("a packet");
            let mut wire = Vec::new();
            packet.encode(&mut wire);
            assert_eq!(wire, *sample, "{packet:?}");
            if let Packet::Read(request) | Packet::Write(request) = packet {
                assert_eq!(request.wire_len(), sample.len());
            }
        }
    }

    #[test]
    fn what_is_no_packet_says_why() {
        let cases: &[(&[u8], Malformed)] = &[
            (b"", Malformed::Short),
            (b"\0", Malformed::Short),
            (b"\0\0", Malformed::Opcode(0)),
            (b"\0\x07abc", Malformed::Opcode(7)),
            (b"\x01\0x\0octet\0", Malformed::Opcode(256)),
            (b"\0\x01", Malformed::Unterminated),
            (b"\0\x01name", Malformed::Unterminated),
            (b"\0\x01name\0octet", Malformed::Unterminated),
            (b"\0\x03\0", Malformed::Short),
            (b"\0\x04\0", Malformed::Short),
            (b"\0\x04\0\x01\0", Malformed::Trailing),
            (b"\0\x05\0", Malformed::Short),
        ];
        for (datagram, error) in cases {
            assert_eq!(Packet::parse(datagram), Err(*error), "{}", datagram.escape_ascii());
        }
    }

    #[test]
    fn modes_are_read_in_any_case() {
        let cases: &[(&[u8], Mode<'_>)] = &[
            (b"octet", Mode::Octet),
            (b"OCTET", Mode::Octet),
            (b"NetASCII", Mode::Netascii),
            (b"mail", Mode::Mail),
            (b"", Mode::Other(b"")),
            (b"binary", Mode::Other(b"binary")),
        ];
        for (text, mode) in cases {
            assert_eq!(Mode::parse(text), *mode);
        }
    }

    #[test]
    fn an_error_without_its_end_is_still_an_error() {
        let packet = Packet::parse(b"\0\x05\0\x08blk").expect("an error");
        let expected = Packet::Error { code: ErrorCode::OPTIONS_REFUSED, message: b"blk" };
        assert_eq!(packet, expected);
        assert!(matches!(Packet::parse(b"\0\x05\0\x00"), Ok(Packet::Error { .. })));
    }

    #[test]
    fn an_error_is_not_worth_reflecting() {
        let shortest = 4;
        for code in 0..10 {
            let mut wire = Vec::new();
            Packet::error(ErrorCode(code)).encode(&mut wire);
            // The answers to a request may be as long as the shortest request allows.
            let bound = if code == 5 { shortest } else { b"\0\x01\0mail\0".len() };
            assert!(wire.len() <= AMPLIFICATION_MAX * bound, "code {code}: {} bytes", wire.len());
        }
    }

    #[test]
    fn cut_anywhere_it_is_a_packet_or_an_error() {
        for sample in SAMPLES {
            for end in 0..=sample.len() {
                if let Ok(packet) = Packet::parse(&sample[..end]) {
                    let mut wire = Vec::new();
                    packet.encode(&mut wire);
                    assert_eq!(Packet::parse(&wire), Ok(packet));
                }
            }
        }
    }

    #[test]
    fn changed_anywhere_it_is_a_packet_or_an_error() {
        for sample in SAMPLES {
            for at in 0..sample.len() {
                for byte in 0..=255 {
                    let mut changed = sample.to_vec();
                    changed[at] = byte;
                    if let Ok(Packet::Read(request)) = Packet::parse(&changed) {
                        let options = super::super::Options::read(request.option_list());
                        assert!(options.wire_len() <= 26 + sample.len());
                    }
                }
            }
        }
    }
}
