//! Each rule of a transfer's life, as a conversation on a clock that the test moves.

use super::*;
use crate::limits::WINDOW_BLOCKS_MAX;

const SECOND: Duration = Duration::from_secs(1);

fn at(millis: u64) -> Instant {
    Instant::from_nanos(millis * 1_000_000)
}

fn request(options: &[u8]) -> Request<'_> {
    let mode = super::super::packet::Mode::Octet;
    Request { name: b"805ec0112233.cfg", mode, options }
}

fn begin(options: &[u8], size: u64) -> Transfer {
    Transfer::new(at(0), &request(options), size)
}

fn ack(transfer: &mut Transfer, now: Instant, block: u16) {
    transfer.handle(now, &Packet::Ack { block });
}

/// Blocks of DATA that are due now.
fn blocks(transfer: &mut Transfer, now: Instant) -> Vec<u16> {
    let mut blocks = Vec::new();
    while let Some(transmit) = transfer.poll_transmit(now) {
        match transmit {
            Transmit::Data { block, .. } => blocks.push(block),
            other => panic!("{other:?} where DATA was due"),
        }
    }
    blocks
}

/// Lets the transfer fall silent: the times in milliseconds at which it sends, and its last.
fn silence(transfer: &mut Transfer) -> (Vec<u64>, u64) {
    let mut sends = Vec::new();
    let mut now = at(0);
    loop {
        while transfer.poll_transmit(now).is_some() {
            sends.push(now.as_nanos() / 1_000_000);
        }
        match transfer.poll_timeout() {
            Some(deadline) => {
                assert!(deadline > now, "a deadline lies ahead");
                now = deadline;
                transfer.handle_timeout(now);
            }
            None => return (sends, now.as_nanos() / 1_000_000),
        }
    }
}

#[test]
fn the_last_block_is_the_short_one() {
    let cases = [(0, 1, 0), (1, 1, 1), (511, 1, 511), (512, 2, 0), (513, 2, 1), (1024, 3, 0)];
    for (size, count, last_len) in cases {
        let mut transfer = begin(b"", size);
        for block in 1..=count {
            let offset = u64::from(block - 1) * 512;
            let len = if block == count { last_len } else { 512 };
            let data = transfer.poll_transmit(at(0));
            assert_eq!(data, Some(Transmit::Data { block, offset, len }), "{size} bytes");
            assert_eq!(transfer.poll_transmit(at(0)), None);
            assert!(!transfer.is_over());
            ack(&mut transfer, at(0), block);
        }
        assert_eq!(transfer.end(), Some(End::Done), "{size} bytes");
        assert_eq!(transfer.acknowledged_bytes(), size);
        assert_eq!(transfer.poll_timeout(), None);
        assert_eq!(transfer.poll_transmit(at(0)), None);
    }
}

#[test]
fn nothing_follows_an_oack_until_ack_0() {
    let mut transfer = begin(b"blksize\x001428\0tsize\x000\0windowsize\x004\0", 10_000);
    ack(&mut transfer, at(0), 0);
    let options = Options {
        block_bytes: Some(1428),
        size: Some(10_000),
        window_blocks: Some(4),
        timeout_s: None,
    };
    let offer = Some(Transmit::OptionAck(options));
    assert_eq!(transfer.poll_transmit(at(0)), offer, "an ACK before the OACK is not due");
    ack(&mut transfer, at(1), 1);
    ack(&mut transfer, at(1), 65535);
    assert_eq!(transfer.poll_transmit(at(1)), None);
    transfer.handle_timeout(at(1000));
    assert_eq!(transfer.poll_transmit(at(1000)), offer, "the same bytes again");
    ack(&mut transfer, at(1001), 0);
    assert_eq!(blocks(&mut transfer, at(1001)), [1, 2, 3, 4]);
}

#[test]
fn options_that_are_nonsense_get_no_oack() {
    for options in [&b"blksize\x007\0"[..], b"timeout\x000\0", b"x\0y\0", b"blksize\x00512"] {
        let mut transfer = begin(options, 3);
        let data = Transmit::Data { block: 1, offset: 0, len: 3 };
        assert_eq!(transfer.poll_transmit(at(0)), Some(data));
    }
}

/// The Sorcerer's Apprentice: were a duplicate ACK answered with DATA, every later packet of the
/// transfer would go out twice (RFC 1123 section 4.2.3.1).
#[test]
fn a_duplicate_ack_never_causes_data() {
    let mut transfer = begin(b"", 5000);
    assert_eq!(blocks(&mut transfer, at(0)), [1]);
    ack(&mut transfer, at(10), 1);
    assert_eq!(blocks(&mut transfer, at(10)), [2]);
    let deadline = transfer.poll_timeout();
    for _ in 0..10 {
        ack(&mut transfer, at(20), 1);
        ack(&mut transfer, at(20), 0);
        assert_eq!(blocks(&mut transfer, at(20)), [0_u16; 0]);
    }
    assert_eq!(transfer.poll_timeout(), deadline, "it does not even move the deadline");
}

#[test]
fn an_ack_that_is_not_due_is_ignored() {
    let mut transfer = begin(b"", 512 * 10);
    assert_eq!(blocks(&mut transfer, at(0)), [1]);
    for block in [0, 2, 3, 11, 32768, 65535] {
        ack(&mut transfer, at(1), block);
        assert_eq!(blocks(&mut transfer, at(1)), [0_u16; 0], "ACK {block}");
        assert!(!transfer.is_answered());
    }
    ack(&mut transfer, at(2), 1);
    assert_eq!(blocks(&mut transfer, at(2)), [2]);
}

#[test]
fn what_a_sender_is_not_sent_is_ignored() {
    let mut transfer = begin(b"", 5000);
    assert_eq!(blocks(&mut transfer, at(0)), [1]);
    transfer.handle(at(1), &Packet::Data { block: 1, body: b"x" });
    transfer.handle(at(1), &Packet::Read(request(b"")));
    transfer.handle(at(1), &Packet::OptionAck(super::super::OptionList::new(b"")));
    assert_eq!(blocks(&mut transfer, at(1)), [0_u16; 0]);
    assert!(!transfer.is_over());
}

#[test]
fn an_ack_within_the_window_resumes_behind_it() {
    let mut transfer = begin(b"windowsize\x004\0", 512 * 20);
    assert!(transfer.poll_transmit(at(0)).is_some());
    ack(&mut transfer, at(0), 0);
    assert_eq!(blocks(&mut transfer, at(0)), [1, 2, 3, 4]);
    ack(&mut transfer, at(1), 2);
    assert_eq!(blocks(&mut transfer, at(1)), [3, 4, 5, 6]);
    ack(&mut transfer, at(2), 2);
    assert_eq!(blocks(&mut transfer, at(2)), [0_u16; 0], "the same ACK again");
    ack(&mut transfer, at(3), 6);
    assert_eq!(blocks(&mut transfer, at(3)), [7, 8, 9, 10]);
    transfer.handle_timeout(at(1003));
    assert_eq!(blocks(&mut transfer, at(1003)), [7, 8, 9, 10], "the whole window again");
}

#[test]
fn an_ack_that_overtakes_the_rest_of_the_window_skips_it() {
    let mut transfer = begin(b"windowsize\x004\0", 512 * 20);
    assert!(transfer.poll_transmit(at(0)).is_some());
    ack(&mut transfer, at(0), 0);
    assert_eq!(blocks(&mut transfer, at(0)), [1, 2, 3, 4]);
    transfer.handle_timeout(at(1000));
    assert!(matches!(transfer.poll_transmit(at(1000)), Some(Transmit::Data { block: 1, .. })));
    ack(&mut transfer, at(1001), 4);
    assert_eq!(blocks(&mut transfer, at(1001)), [5, 6, 7, 8]);
}

#[test]
fn a_window_is_no_larger_than_ours() {
    let mut transfer = begin(b"windowsize\x0065535\0", 512 * 1000);
    let offer = transfer.poll_transmit(at(0));
    let window_blocks = Some(WINDOW_BLOCKS_MAX);
    let options = Options { window_blocks, ..Options::default() };
    assert_eq!(offer, Some(Transmit::OptionAck(options)));
    ack(&mut transfer, at(0), 0);
    assert_eq!(blocks(&mut transfer, at(0)).len(), usize::from(WINDOW_BLOCKS_MAX));
}

#[test]
fn block_numbers_wrap_to_0() {
    let mut transfer = begin(b"blksize\x008\0windowsize\x0064\0", 8 * 65_600);
    assert!(transfer.poll_transmit(at(0)).is_some());
    ack(&mut transfer, at(0), 0);
    let mut expected: u64 = 0;
    while !transfer.is_over() {
        let mut last = 0;
        while let Some(Transmit::Data { block, offset, .. }) = transfer.poll_transmit(at(0)) {
            assert_eq!(offset, expected * 8);
            expected += 1;
            assert_eq!(u64::from(block), expected % 65536);
            last = block;
        }
        ack(&mut transfer, at(0), last);
    }
    assert_eq!((transfer.end(), expected), (Some(End::Done), 65_601));
}

#[test]
fn silence_is_met_with_doubling_waits_and_five_sends() {
    let mut transfer = begin(b"", 5000);
    assert_eq!(blocks(&mut transfer, at(0)), [1]);
    ack(&mut transfer, at(0), 1);
    let (sends, end) = silence(&mut transfer);
    assert_eq!(sends, [0, 1000, 3000, 7000, 15_000]);
    assert_eq!(u32::try_from(sends.len()), Ok(SENDS_MAX));
    assert_eq!(end, 30_000);
    assert_eq!(transfer.end(), Some(End::TimedOut));
    assert_eq!(transfer.acknowledged_bytes(), 512);
}

#[test]
fn the_timeout_option_sets_the_first_wait() {
    let table: [(&[u8], &[u64]); 4] = [
        (b"timeout\x003\0blksize\x00512\0tsize\x000\0", &[0, 3000, 9000, 21_000]),
        (b"timeout\x0020\0", &[0, 20_000]),
        (b"timeout\x0029\0", &[0, 29_000]),
        (b"timeout\x00255\0", &[0, 29_000]),
    ];
    for (options, expected) in table {
        let mut transfer = begin(options, 5000);
        assert!(transfer.poll_transmit(at(0)).is_some());
        ack(&mut transfer, at(0), 0);
        let (sends, end) = silence(&mut transfer);
        assert_eq!(sends, expected, "{}", options.escape_ascii());
        assert_eq!(end, 30_000);
    }
}

#[test]
fn an_answer_starts_the_waits_anew() {
    let mut transfer = begin(b"", 5000);
    assert_eq!(blocks(&mut transfer, at(0)), [1]);
    transfer.handle_timeout(at(999));
    assert_eq!(blocks(&mut transfer, at(999)), [0_u16; 0], "not yet");
    transfer.handle_timeout(at(1000));
    assert_eq!(blocks(&mut transfer, at(1000)), [1]);
    assert_eq!(transfer.poll_timeout(), Some(at(3000)));
    ack(&mut transfer, at(2000), 1);
    assert_eq!(blocks(&mut transfer, at(2000)), [2]);
    assert_eq!(transfer.poll_timeout(), Some(at(3000)));
}

#[test]
fn an_unanswered_request_costs_little() {
    let every = b"blksize\x00512\0tsize\x000\0timeout\x001\0windowsize\x0064\0";
    let table: [(&[u8], u64); 5] = [
        (b"tsize\x000\0", u64::MAX),
        (b"blksize\x0065464\0", 1 << 30),
        (b"blksize\x008\0windowsize\x0065535\0", 1 << 30),
        (every, 1 << 30),
        (every, 0),
    ];
    for (options, size) in table {
        for name in [&b""[..], b"a", b"805ec0112233.cfg"] {
            let request = Request { name, ..request(options) };
            let mut transfer = Transfer::new(at(0), &request, size);
            let mut wire = Vec::new();
            let mut now = at(0);
            let mut sends = 0;
            while !transfer.is_over() {
                while let Some(transmit) = transfer.poll_transmit(now) {
                    assert!(matches!(transmit, Transmit::OptionAck(_)));
                    transmit.encode_head(&mut wire);
                    sends += 1;
                }
                now = transfer.poll_timeout().expect("not over");
                transfer.handle_timeout(now);
            }
            assert!(sends >= 2, "a lost OACK is sent again");
            let bound = AMPLIFICATION_MAX * request.wire_len();
            assert!(!wire.is_empty() && wire.len() <= bound, "{} of {bound}", wire.len());
        }
    }
}

#[test]
fn a_first_block_without_options_is_sent_twice_for_each_request() {
    let mut transfer = begin(b"", 5000);
    let (sends, end) = silence(&mut transfer);
    assert_eq!((sends.as_slice(), end), (&[0, 1000][..], 30_000));

    let mut transfer = begin(b"", 5000);
    assert_eq!(blocks(&mut transfer, at(0)), [1]);
    transfer.handle_timeout(at(1000));
    assert_eq!(blocks(&mut transfer, at(1000)), [1]);
    transfer.handle_timeout(at(3000));
    assert_eq!(blocks(&mut transfer, at(3000)), [0_u16; 0]);
    transfer.handle_repeat(&request(b""));
    assert_eq!(transfer.poll_timeout(), Some(at(2000)), "at once: the first wait is over");
    transfer.handle_timeout(at(4000));
    assert_eq!(blocks(&mut transfer, at(4000)), [1]);
}

#[test]
fn a_short_first_block_is_bounded_by_its_bytes() {
    let mut transfer = begin(b"", 1);
    let (sends, _) = silence(&mut transfer);
    assert_eq!(sends, [0, 1000, 3000, 7000, 15_000]);
}

#[test]
fn a_repeated_request_joins_and_restarts_nothing() {
    let mut transfer = begin(b"", 5000);
    assert_eq!(blocks(&mut transfer, at(0)), [1]);
    transfer.handle_repeat(&request(b""));
    transfer.handle_timeout(at(500));
    assert_eq!(blocks(&mut transfer, at(500)), [0_u16; 0], "a copy on the wire is not a complaint");
    ack(&mut transfer, at(600), 1);
    assert_eq!(blocks(&mut transfer, at(600)), [2]);
    let deadline = transfer.poll_timeout();
    transfer.handle_repeat(&request(b""));
    assert_eq!(transfer.poll_timeout(), deadline);
    assert_eq!(blocks(&mut transfer, at(700)), [0_u16; 0]);

    let mut transfer = begin(b"", 5000);
    let mut now = at(0);
    let mut sends = 0;
    while !transfer.is_over() {
        sends += blocks(&mut transfer, now).len();
        transfer.handle_repeat(&request(b""));
        now = now + SECOND;
        transfer.handle_timeout(now);
    }
    assert_eq!(u32::try_from(sends), Ok(SENDS_MAX), "however often it is asked");
}

#[test]
fn an_error_ends_it_and_is_not_answered() {
    for options in [&b""[..], b"tsize\x000\0"] {
        let mut transfer = begin(options, 5000);
        assert!(transfer.poll_transmit(at(0)).is_some());
        let code = ErrorCode::OPTIONS_REFUSED;
        transfer.handle(at(1), &Packet::Error { code, message: b"" });
        assert_eq!(transfer.end(), Some(End::Refused(code)));
        assert_eq!(transfer.poll_transmit(at(1)), None);
        transfer.fail(ErrorCode::UNDEFINED);
        assert_eq!(transfer.poll_transmit(at(1)), None);
    }
}

#[test]
fn a_failure_is_told_once() {
    let mut transfer = begin(b"", 5000);
    assert_eq!(blocks(&mut transfer, at(0)), [1]);
    transfer.fail(ErrorCode::UNDEFINED);
    assert_eq!(transfer.poll_transmit(at(1)), Some(Transmit::Error(ErrorCode::UNDEFINED)));
    assert_eq!(transfer.poll_transmit(at(1)), None);
    assert_eq!(transfer.end(), Some(End::Failed(ErrorCode::UNDEFINED)));
    assert_eq!(transfer.poll_timeout(), None);
}

#[test]
fn a_peer_that_answered_and_fell_silent_has_stalled() {
    let mut transfer = begin(b"", 5000);
    assert_eq!(blocks(&mut transfer, at(0)), [1]);
    transfer.handle_timeout(at(1000));
    assert!(!transfer.is_stalled(), "it has not answered yet");
    ack(&mut transfer, at(1100), 1);
    assert_eq!(blocks(&mut transfer, at(1100)), [2]);
    assert!(!transfer.is_stalled());
    transfer.handle_timeout(at(2100));
    assert!(transfer.is_stalled());
}
