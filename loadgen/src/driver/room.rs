//! How many phones this machine can boot at once: known, and said, before the first request.

use crate::limits::{DESCRIPTORS_CLOSING, DESCRIPTORS_RESERVED};
use rlimit::Resource;
use std::fs;
use std::io;

/// What bounds the phones that can boot at once; each needs a descriptor and a port.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Room {
    /// Open descriptors that the process may have.
    pub descriptors: u64,
    /// Ports for connections to one server from one address.
    pub ports: u64,
}

/// The limits cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the limit of open descriptors cannot be read: {0}")]
pub struct RoomError(#[from] io::Error);

impl Room {
    /// Raises the limit of descriptors for `phones` as far as the system lets it, and looks.
    ///
    /// # Errors
    /// [`RoomError`] when the limit cannot even be read.
    pub fn make(phones: u64) -> Result<Self, RoomError> {
        let wanted = descriptors_for(phones);
        let (soft, hard) = Resource::NOFILE.get()?;
        if wanted > soft {
            // The hard limit may be raised only by a privileged process; else up to it.
            let raised = Resource::NOFILE.set(wanted, hard.max(wanted));
            raised.or_else(|_| Resource::NOFILE.set(wanted.min(hard), hard)).ok();
        }
        let (descriptors, _) = Resource::NOFILE.get()?;
        let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range");
        Ok(Self { descriptors, ports: ports(&range.unwrap_or_default()) })
    }

    /// Phones that fit at once; with `spread` each has all the ports of its own address.
    #[must_use]
    pub fn at_once(&self, spread: bool) -> u64 {
        let room = self.descriptors.saturating_sub(DESCRIPTORS_RESERVED);
        let by_descriptors = (room - room / DESCRIPTORS_CLOSING).max(1);
        if spread { by_descriptors } else { by_descriptors.min(self.ports) }
    }

    /// What does not fit, for a person; none when all `phones` do.
    #[must_use]
    pub fn complaint(&self, phones: u64, spread: bool) -> Option<String> {
        let fit = self.at_once(spread);
        if phones <= fit {
            return None;
        }
        let cause = if !spread && fit == self.ports {
            format!("one source address has {} ports: --spread gives each its own", self.ports)
        } else {
            format!(
                "{} descriptors may be open and {} are needed: raise `ulimit -n`",
                self.descriptors,
                descriptors_for(phones)
            )
        };
        Some(format!(
            "at most {fit} of {phones} phones boot at once ({cause}); a phone that is due when \
             all are busy waits, and the figures count that as the generator's lateness"
        ))
    }
}

fn descriptors_for(phones: u64) -> u64 {
    DESCRIPTORS_RESERVED + phones + phones.div_ceil(DESCRIPTORS_CLOSING - 1)
}

/// The width of a range such as `32768\t60999`; the kernel's default one when it is not that.
fn ports(range: &str) -> u64 {
    let mut ends = range.split_ascii_whitespace().map(str::parse::<u64>);
    match (ends.next(), ends.next()) {
        (Some(Ok(low)), Some(Ok(high))) if low <= high => high - low + 1,
        _ => 60999 - 32768 + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_fits_and_no_more() {
        for phones in [1, 15, 16, 1000, 19_000, 100_000] {
            let room = Room { descriptors: descriptors_for(phones), ports: 28_232 };
            assert!(room.at_once(true) >= phones, "{phones}");
            assert!(room.at_once(true) <= phones + 1, "{phones}");
            assert_eq!(room.complaint(phones, true), None);
        }
    }

    #[test]
    fn a_complaint_names_the_cause() {
        let room = Room { descriptors: 20_000, ports: 28_232 };
        let text = room.complaint(100_000, true).unwrap();
        assert!(text.contains("at most 18690 of 100000 phones boot at once"), "{text}");
        assert!(text.contains("ulimit -n"), "{text}");
        let room = Room { descriptors: 200_000, ports: 28_232 };
        let text = room.complaint(100_000, false).unwrap();
        assert!(text.contains("28232 ports: --spread"), "{text}");
    }

    #[test]
    fn a_range_is_read_or_guessed() {
        assert_eq!(ports("32768\t60999\n"), 28_232);
        assert_eq!(ports("1024 65535"), 64_512);
        assert_eq!(ports(""), 28_232);
    }
}
