//! A phone's address is the peer's, unless the peer is a proxy that we were told to believe.

use std::net::{IpAddr, SocketAddr};

/// The address of the phone behind `trusted_proxies` proxies. X-Forwarded-For is believed only
/// from a peer of which `is_trusted` says so, and is counted from the right, where the proxies
/// nearest to us write; fewer entries than proxies, or an entry that is no address, and the peer's
/// own address stands. An IPv4 address in IPv6 clothes is given as what it is.
#[must_use]
pub fn client_address(
    peer: IpAddr,
    forwarded_for: Option<&[u8]>,
    trusted_proxies: usize,
    is_trusted: impl FnOnce(IpAddr) -> bool,
) -> IpAddr {
    let peer = peer.to_canonical();
    if trusted_proxies == 0 || !is_trusted(peer) {
        return peer;
    }
    forwarded_for
        .and_then(|value| value.rsplit(|byte| *byte == b',').nth(trusted_proxies - 1))
        .and_then(parse_address)
        .map_or(peer, |address| address.to_canonical())
}

/// An address, with or without a port and brackets: proxies write all of them.
fn parse_address(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry.trim_ascii()).ok()?;
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().or_else(|| text.parse().ok().map(|with_port: SocketAddr| with_port.ip()))
}

#[cfg(test)]
mod tests {
    use super::client_address;
    use std::net::IpAddr;

    const PROXY: &str = "10.0.0.1";

    fn client(peer: &str, forwarded_for: Option<&str>, proxies: usize) -> String {
        let proxy: IpAddr = PROXY.parse().unwrap();
        let peer = peer.parse().unwrap();
        let field = forwarded_for.map(str::as_bytes);
        client_address(peer, field, proxies, |address| address == proxy).to_string()
    }

    #[test]
    fn entries_are_counted_from_the_right() {
        let field = Some("192.0.2.66, 192.0.2.7,  10.0.0.2 ");
        assert_eq!(client(PROXY, field, 1), "10.0.0.2");
        assert_eq!(client(PROXY, field, 2), "192.0.2.7");
        assert_eq!(client(PROXY, field, 3), "192.0.2.66");
        assert_eq!(client(PROXY, field, 4), PROXY);
    }

    #[test]
    fn nobody_else_is_believed() {
        assert_eq!(client("192.0.2.9", Some("192.0.2.7"), 1), "192.0.2.9");
        assert_eq!(client(PROXY, Some("192.0.2.7"), 0), PROXY);
        assert_eq!(client(PROXY, None, 1), PROXY);
        for nonsense in ["", ",", "unknown", "192.0.2", "192.0.2.7;", "[::1", "_hidden"] {
            assert_eq!(client(PROXY, Some(nonsense), 1), PROXY, "{nonsense}");
        }
    }

    #[test]
    fn addresses_are_read_in_every_dress() {
        assert_eq!(client("::ffff:10.0.0.1", Some("192.0.2.7:5061"), 1), "192.0.2.7");
        assert_eq!(client(PROXY, Some("[2001:db8::7]:443"), 1), "2001:db8::7");
        assert_eq!(client(PROXY, Some("[2001:db8::7]"), 1), "2001:db8::7");
        assert_eq!(client(PROXY, Some("2001:db8::7"), 1), "2001:db8::7");
        assert_eq!(client(PROXY, Some("::ffff:192.0.2.7"), 1), "192.0.2.7");
    }
}
