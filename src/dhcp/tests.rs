//! What DHCP servers say to the helper arrives as leases.

use ringboot_dhcp_event::Misuse;
use std::ffi::OsString;

use super::{Lease, read};

/// What the server makes of what is sent; of an event that it passes over, nothing.
fn told(words: &str, keys: &[(&str, &str)]) -> Result<Vec<Option<Lease>>, Misuse> {
    let words: Vec<OsString> = words.split(' ').map(OsString::from).collect();
    let find = |name: &str| keys.iter().find(|(key, _)| *key == name);
    let key = |name: &str| find(name).map(|(_, value)| value.into());
    let errand = ringboot_dhcp_event::read(&words, &key)?;
    let lease = |report: &String| {
        let report = serde_json::from_str(report).expect("a document");
        read(&report).expect("a report")
    };
    Ok(errand.reports.iter().map(lease).collect())
}

fn lease(class: Option<&str>) -> Option<Lease> {
    let mac = crate::device::Mac([0, 0x15, 0x65, 0x4a, 0xa9, 0x37]);
    let vendor_class = class.map(|class| class.as_bytes().to_vec());
    Some(Lease { ip: [10, 0, 0, 5].into(), mac, vendor_class })
}

#[test]
fn dnsmasq_is_understood() {
    let class = [("DNSMASQ_VENDOR_CLASS", "yealink"), ("DNSMASQ_TIME_REMAINING", "1")];
    for event in ["add 00:15:65:4a:a9:37 10.0.0.5", "old 00:15:65:4a:a9:37 10.0.0.5 host"] {
        assert_eq!(told(event, &class), Ok(vec![lease(Some("yealink"))]), "{event}");
        assert_eq!(told(event, &[]), Ok(vec![lease(None)]), "{event}");
    }
    assert_eq!(told("del 00:15:65:4a:a9:37 10.0.0.5", &class), Ok(vec![None]));
    // A lease of IPv6, a token ring.
    let six = "add 00:01:00:01:2a:00 2001:db8::5";
    assert_eq!(told(six, &[("DNSMASQ_IAID", "1")]), Ok(vec![]));
    assert_eq!(told("add 06-00:15:65:4a:a9:37 10.0.0.5", &[]), Ok(vec![]));
    for other in ["init", "tftp 512 192.0.2.9 a.cfg", "arp-add 00:15:65:4a:a9:37 10.0.0.5"] {
        assert_eq!(told(other, &[]), Ok(vec![]), "{other}");
    }
    assert!(told("add 00:15:65:4a:a9:37", &[]).is_err());
}

#[test]
fn kea_is_understood() {
    let keys = [
        ("LEASES4_SIZE", "1"),
        ("LEASES4_AT0_ADDRESS", "10.0.0.5"),
        ("LEASES4_AT0_HWADDR", "00:15:65:4a:a9:37"),
    ];
    assert_eq!(told("leases4_committed", &keys), Ok(vec![lease(None)]));
    assert_eq!(told("leases4_committed", &[("LEASES4_SIZE", "0")]), Ok(vec![]));
    assert_eq!(
        told("leases4_committed", &[("LEASES4_SIZE", "2"), keys[1], keys[2]]).expect("one").len(),
        1
    );
    let asked = [keys[0], keys[1], ("QUERY4_HWADDR", "00:15:65:4a:a9:37")];
    assert_eq!(told("leases4_committed", &asked), Ok(vec![lease(None)]));
    let keys = [("LEASE4_ADDRESS", "10.0.0.5"), ("LEASE4_HWADDR", "00:15:65:4a:a9:37")];
    assert_eq!(told("lease4_renew", &keys), Ok(vec![lease(None)]));
    assert_eq!(told("lease4_expire", &keys), Ok(vec![None]));
    assert_eq!(told("lease4_release", &keys), Ok(vec![None]));
    for other in ["lease4_recover", "lease6_renew", "leases6_committed"] {
        assert_eq!(told(other, &keys), Ok(vec![]), "{other}");
    }
}

#[test]
fn others_say_it_in_our_words() {
    // As ISC dhcpd writes numbers: without leading zeros.
    let commit = "commit 0:15:65:4a:a9:37 10.0.0.5 06079.65.61.6c.69.6e.6b";
    assert_eq!(told(commit, &[]), Ok(vec![lease(Some("yealink"))]));
    assert_eq!(told("commit 0:15:65:4a:a9:37 10.0.0.5 060", &[]), Ok(vec![lease(None)]));
    assert_eq!(told("release 10.0.0.5", &[]), Ok(vec![None]));
    assert_eq!(told("expiry 10.0.0.5", &[]), Ok(vec![None]));
    for bad in ["commit 10.0.0.5", "expiry", "release a b", "", "commute a b"] {
        assert!(told(bad, &[]).is_err(), "{bad}");
    }
}
