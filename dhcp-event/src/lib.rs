//! `ringboot dhcp-event`: what a DHCP server calls for each lease. It sends a datagram and ends,
//! whoever reads it: no DHCP server ever waits for us.

use serde_json::json;
use std::env;
use std::error::Error;
use std::ffi::{OsStr, OsString};
use std::fmt::{self, Display, Formatter, Write as _};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The option that names the vendor's class (RFC 2132 section 9.13).
pub const VENDOR_CLASS: u32 = 60;

/// Names the server's socket, where it is not told by a flag.
const SOCKET_KEY: &str = "RINGBOOT_DHCP_SOCKET";
/// Where the socket is looked for when nothing names it.
const SOCKETS: [&str; 2] = ["/run/ringboot/dhcp.sock", "/var/lib/ringboot/dhcp.sock"];
/// What dnsmasq and Kea call for too, and is nothing to us: other events, and leases of IPv6.
const OTHERS: [&str; 9] = [
    "init",
    "tftp",
    "arp-add",
    "arp-del",
    "relay-snoop",
    "lease4_recover",
    "lease4_decline",
    "leases6_committed",
    "lease4_select",
];

/// How the helper is called.
const USAGE: &str = "\
Hands a lease to a running server, and ends; it never waits, and is 0 when no server is there.

dnsmasq (dhcp-script):  ringboot dhcp-event add|old|del MAC IP [HOST]
Kea (run_script):       ringboot dhcp-event HOOK-POINT
ISC dhcpd, and others:  ringboot dhcp-event commit MAC IP [OPTION]...
                        ringboot dhcp-event expiry|release IP

An OPTION is three decimal digits and bytes in hexadecimal digits with dots between: 060 is the
vendor class, 06043.69.73.63.6f says Cisco. The program ringboot-dhcp-event takes the same words
without dhcp-event, and starts faster.

The server's socket is that of --socket PATH before these words, of RINGBOOT_DHCP_SOCKET, or else
/run/ringboot/dhcp.sock or /var/lib/ringboot/dhcp.sock.
";

/// What is wrong with the words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Misuse(String);

impl Display for Misuse {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}; see ringboot dhcp-event --help", self.0)
    }
}

impl Error for Misuse {}

/// What is to be sent where.
#[derive(PartialEq, Eq, Debug)]
pub struct Errand {
    /// The socket that the words name.
    pub socket: Option<PathBuf>,
    /// Reports, each a datagram: a JSON document as the REST API takes it.
    pub reports: Vec<String>,
}

/// The helper, from its words to its exit code: 0 whoever reads the socket, 2 for words that are
/// none.
pub fn main(words: &[OsString]) -> ExitCode {
    if words.iter().any(|word| word == "--help" || word == "-h") {
        print!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let tell = |line: &str| eprintln!("ringboot dhcp-event: {line}");
    match run(words, |key| env::var_os(key), tell) {
        Ok(()) => ExitCode::SUCCESS,
        Err(misuse) => {
            tell(&misuse.to_string());
            ExitCode::from(2)
        }
    }
}

/// Does what the words say; `key` gives the environment's keys. What could not be sent is told to
/// `tell`, and is no failure.
///
/// # Errors
/// Words that are none.
fn run(
    words: &[OsString],
    key: impl Fn(&str) -> Option<OsString>,
    mut tell: impl FnMut(&str),
) -> Result<(), Misuse> {
    let errand = read(words, &key)?;
    if errand.reports.is_empty() {
        return Ok(());
    }
    let named = errand.socket.or_else(|| key(SOCKET_KEY).map(PathBuf::from));
    let paths = named.map_or_else(|| SOCKETS.map(PathBuf::from).to_vec(), |path| vec![path]);
    if let Err((path, error)) = send(&paths, &errand.reports) {
        tell(&format!("{}: {error}: the lease is not told", path.display()));
    }
    Ok(())
}

/// Sends to the first socket that somebody reads.
fn send<'p>(paths: &'p [PathBuf], reports: &[String]) -> Result<(), (&'p Path, io::Error)> {
    let mut failed = None;
    for path in paths {
        match send_to(path, reports) {
            Ok(()) => return Ok(()),
            Err(error) => failed = failed.or(Some((&**path, error))),
        }
    }
    failed.map_or(Ok(()), Err)
}

fn send_to(path: &Path, reports: &[String]) -> io::Result<()> {
    let socket = UnixDatagram::unbound()?;
    // A server with no room left says so instead of letting us wait.
    socket.set_nonblocking(true)?;
    socket.connect(path)?;
    reports.iter().try_for_each(|report| socket.send(report.as_bytes()).map(drop))
}

/// What the words of a DHCP server say; `key` gives the environment's keys.
///
/// # Errors
/// Words that are none.
pub fn read(words: &[OsString], key: &impl Fn(&str) -> Option<OsString>) -> Result<Errand, Misuse> {
    let (mut words, mut socket) = (words, None);
    if let [flag, path, rest @ ..] = words
        && flag == "--socket"
    {
        (words, socket) = (rest, Some(PathBuf::from(path)));
    }
    let [event, rest @ ..] = words else { return Err(Misuse("there is no event".to_owned())) };
    let event = event.to_string_lossy();
    let reports = match &*event {
        "add" | "old" | "del" => dnsmasq(&event, rest, key)?,
        "commit" | "expiry" | "release" => plain(&event, rest)?,
        "leases4_committed" => committed(key),
        "lease4_renew" => kea("commit", key),
        "lease4_expire" => kea("expiry", key),
        "lease4_release" => kea("release", key),
        other if OTHERS.contains(&other) || other.starts_with("lease6_") => Vec::new(),
        other => return Err(Misuse(format!("{other:?} is no event"))),
    };
    Ok(Errand { socket, reports })
}

/// dnsmasq(8), `--dhcp-script`: MAC and address are arguments, the class is in the environment. A
/// MAC of another kind of network has its number in front, and a lease of IPv6 an identity
/// association.
fn dnsmasq(
    event: &str,
    words: &[OsString],
    key: &impl Fn(&str) -> Option<OsString>,
) -> Result<Vec<String>, Misuse> {
    let [mac, ip, ..] = words else { return Err(misplaced(event, "MAC IP")) };
    let (mac, ip) = (mac.to_string_lossy(), ip.to_string_lossy());
    if key("DNSMASQ_IAID").is_some() || ip.contains(':') || mac.contains('-') {
        return Ok(Vec::new());
    }
    if event == "del" {
        return Ok(vec![report("expiry", &ip, &mac, Vec::new())]);
    }
    let class = key("DNSMASQ_VENDOR_CLASS").filter(|class| !class.is_empty());
    let options = class.iter().map(|class| option(VENDOR_CLASS, class)).collect();
    Ok(vec![report("commit", &ip, &mac, options)])
}

/// Words of our own, in the terms of the REST API. An option without a value says nothing.
fn plain(event: &str, words: &[OsString]) -> Result<Vec<String>, Misuse> {
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    match (event, &words[..]) {
        ("commit", [mac, ip, options @ ..]) => {
            let options = options.iter().filter(|option| option.len() > 3);
            let options = options.map(|option| option.clone().into_owned()).collect();
            Ok(vec![report(event, ip, mac, options)])
        }
        ("commit", _) => Err(misplaced(event, "MAC IP [OPTION]...")),
        (_, [ip]) => Ok(vec![report(event, ip, "", Vec::new())]),
        _ => Err(misplaced(event, "IP")),
    }
}

/// Kea, `leases4_committed`: one request, any number of leases. It tells no vendor class.
fn committed(key: &impl Fn(&str) -> Option<OsString>) -> Vec<String> {
    let text = |name: &str| key(name).map(|text| text.to_string_lossy().into_owned());
    let count = text("LEASES4_SIZE").and_then(|count| count.parse().ok()).unwrap_or(0_usize);
    let mac_asked = text("QUERY4_HWADDR").unwrap_or_default();
    let lease = |number: usize| {
        let ip = text(&format!("LEASES4_AT{number}_ADDRESS"))?;
        let mac = text(&format!("LEASES4_AT{number}_HWADDR")).filter(|mac| !mac.is_empty());
        Some(report("commit", &ip, &mac.unwrap_or_else(|| mac_asked.clone()), Vec::new()))
    };
    (0..count).map_while(lease).collect()
}

/// Kea, hook points of one lease.
fn kea(op: &str, key: &impl Fn(&str) -> Option<OsString>) -> Vec<String> {
    let text = |name: &str| key(name).map(|text| text.to_string_lossy().into_owned());
    let mac = text("LEASE4_HWADDR").unwrap_or_default();
    text("LEASE4_ADDRESS").map(|ip| report(op, &ip, &mac, Vec::new())).into_iter().collect()
}

fn misplaced(event: &str, wanted: &str) -> Misuse {
    Misuse(format!("{event} wants {wanted}"))
}

fn report(op: &str, ip: &str, mac: &str, options: Vec<String>) -> String {
    json!({ "op": op, "ip": ip, "mac": mac, "options": options }).to_string()
}

fn option(code: u32, value: &OsStr) -> String {
    let mut text = format!("{code:03}");
    for (place, byte) in value.as_bytes().iter().enumerate() {
        let dot = if place > 0 { "." } else { "" };
        let _ = write!(text, "{dot}{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_of_any_bytes_arrives() {
        let class = OsStr::from_bytes(b"Cisco\xff\0");
        assert_eq!(option(60, class), "06043.69.73.63.6f.ff.00");
    }

    #[test]
    fn a_server_that_is_not_there_is_told_and_no_failure() {
        let words = ["--socket", "nowhere/dhcp.sock", "release", "10.0.0.5"].map(OsString::from);
        let mut said = Vec::new();
        assert_eq!(run(&words, |_| None, |line| said.push(line.to_owned())), Ok(()));
        assert!(said[0].starts_with("nowhere/dhcp.sock: No such file"), "{said:?}");
        assert_eq!(said.len(), 1);
    }
}
