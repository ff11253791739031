//! The program as a DHCP server calls it: what it is told by words and environment arrives as one
//! datagram each.

use serde_json::{Value, json};
use std::fs;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::time::Duration;

#[test]
fn each_lease_is_a_datagram() {
    let name = format!("ringboot-dhcp-event-{}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join("dhcp.sock");
    let server = UnixDatagram::bind(&path).unwrap();
    server.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let told = || {
        let mut room = [0; 1024];
        let count = server.recv(&mut room).unwrap();
        serde_json::from_slice::<Value>(&room[..count]).unwrap()
    };
    let program = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ringboot-dhcp-event"));
        command.stdin(Stdio::null()).env("RINGBOOT_DHCP_SOCKET", &path);
        command
    };

    let mut kea = program();
    kea.arg("leases4_committed").env("LEASES4_SIZE", "2");
    for (number, ip) in ["10.0.0.5", "10.0.0.6"].iter().enumerate() {
        kea.env(format!("LEASES4_AT{number}_ADDRESS"), ip);
        kea.env(format!("LEASES4_AT{number}_HWADDR"), "00:15:65:4a:a9:37");
    }
    assert!(kea.status().unwrap().success());
    for ip in ["10.0.0.5", "10.0.0.6"] {
        let lease = json!({"op": "commit", "ip": ip, "mac": "00:15:65:4a:a9:37", "options": []});
        assert_eq!(told(), lease);
    }

    let mut dnsmasq = program();
    dnsmasq.args(["add", "00:15:65:4a:a9:37", "10.0.0.5", "phone"]);
    assert!(dnsmasq.env("DNSMASQ_VENDOR_CLASS", "yea").status().unwrap().success());
    assert_eq!(told()["options"], json!(["06079.65.61"]));

    assert_eq!(program().arg("commit").stderr(Stdio::null()).status().unwrap().code(), Some(2));
    fs::remove_dir_all(&folder).unwrap();
    assert!(program().args(["release", "10.0.0.5"]).output().unwrap().status.success());
}
