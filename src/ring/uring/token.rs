//! `user_data` is kind, place and generation, never a pointer: what comes back is looked up.

use super::super::Slot;

/// What an entry asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(super) enum Kind {
    /// A connection; the place is one of the accepts.
    Accept = 1,
    /// Bytes of a connection.
    Receive,
    /// A piece of a connection's output.
    Send,
    /// The end of a connection's sending half.
    Shutdown,
    /// A chunk of the file that a connection is sent.
    Chunk,
    /// An ordinary descriptor of a connection.
    Door,
    /// Room in a connection's socket.
    Room,
    /// The end of a connection's descriptor.
    Close,
    /// The end of what a connection has under way.
    Cancel,
    /// A file read of the worker; the place is one of the reads.
    Read,
    /// A port's datagrams; the place is the port.
    Datagram,
    /// A datagram that leaves; the place is one of the datagram sends.
    Depart,
    /// A ring of the waker.
    Wake,
    /// What nobody waits for.
    Ignored,
}

const KINDS: [Kind; 14] = [
    Kind::Accept,
    Kind::Receive,
    Kind::Send,
    Kind::Shutdown,
    Kind::Chunk,
    Kind::Door,
    Kind::Room,
    Kind::Close,
    Kind::Cancel,
    Kind::Read,
    Kind::Datagram,
    Kind::Depart,
    Kind::Wake,
    Kind::Ignored,
];

/// Bits of a generation that travel: enough, as a place is not used again before its last
/// completion, so that a difference shows an error of ours.
const GENERATION_BITS: u32 = 24;

/// `user_data` for an entry of `kind` about `slot`: kind in the upper byte, then the generation's
/// low bits, then the index.
pub(super) fn encode(kind: Kind, slot: Slot) -> u64 {
    let generation = u64::from(low(slot.generation));
    u64::from(kind as u8) << 56 | generation << 32 | u64::from(slot.index)
}

/// `user_data` for what has a place and no generation.
pub(super) fn encode_place(kind: Kind, place: usize) -> u64 {
    let index = u32::try_from(place).expect("invariant: bounded by limits");
    encode(kind, Slot { index, generation: 0 })
}

/// The kind and the name; the name's generation has its low bits only.
pub(super) fn decode(token: u64) -> Option<(Kind, Slot)> {
    let kind = KINDS.get(usize::from((token >> 56) as u8).checked_sub(1)?)?;
    let index = (token & u64::from(u32::MAX)) as u32;
    let generation = low((token >> 32) as u32);
    Some((*kind, Slot { index, generation }))
}

/// Whether `slot` is the one that was encoded as `name`.
pub(super) fn is_same(slot: Slot, name: Slot) -> bool {
    slot.index == name.index && low(slot.generation) == name.generation
}

fn low(generation: u32) -> u32 {
    generation & ((1 << GENERATION_BITS) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out() {
        for (number, kind) in KINDS.into_iter().enumerate() {
            assert_eq!(kind as usize, number + 1);
            let slot = Slot { index: u32::MAX - 1, generation: 0x0123_4567 };
            let (same, name) = decode(encode(kind, slot)).expect("ours");
            assert_eq!(same, kind);
            assert!(is_same(slot, name));
            assert!(!is_same(Slot { generation: 0x0123_4568, ..slot }, name));
            assert!(!is_same(Slot { index: 0, ..slot }, name));
        }
        assert_eq!(decode(0), None);
        assert_eq!(decode(u64::MAX), None);
    }
}
