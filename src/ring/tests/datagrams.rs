//! Datagrams come with their port and peer, leave from the port they are told, and are not cut.

use std::thread;

use super::*;
use crate::ring::threads;

on_both!(
    ten_thousand_datagrams_come_back,
    ports_are_told_apart,
    a_request_comes_behind_the_acknowledgement_before_it,
    a_burst_beyond_every_queue_loses_nothing,
    addresses_cross_families,
    answers_leave_from_the_address_that_was_asked,
    a_socket_of_one_address_tells_none,
    answers_under_way_keep_their_address,
    a_datagram_that_is_cut_is_dropped,
    a_datagram_that_cannot_leave_is_counted,
);

#[expect(clippy::disallowed_types, reason = "a phone's side, in a test")]
type Phone = std::net::UdpSocket;

fn phone() -> Phone {
    phone_at("127.0.0.1:0")
}

fn phone_at(address: &str) -> Phone {
    let phone = Phone::bind(address).expect("bound");
    phone.set_read_timeout(Some(PATIENCE)).expect("set");
    phone
}

/// Whether the machine has IPv6, down to its loopback address.
fn has_ipv6() -> bool {
    Phone::bind("[::1]:0").is_ok()
}

fn tftp() -> Setup {
    Setup { http: None, tftp: Some(SocketAddr::new(LOOPBACK, 0)), transfer_ports: 2, ..setup() }
}

/// Four phones, windows of 16: no datagram may be lost, so many are sent as fit the buffers.
fn ten_thousand_datagrams_come_back<D: Driver>() {
    let mut driver = D::open(&tftp(), &Sizes::default());
    let server = driver.port(0);
    let client = |number: u16| {
        thread::spawn(move || {
            let phone = phone();
            let mut datagram = [0; 1_600];
            for window in 0..157_u16 {
                for block in 0..16_u16 {
                    let text = format!("{number}:{window}:{block}").repeat(20);
                    phone.send_to(text.as_bytes(), server).expect("sent");
                }
                for block in 0..16_u16 {
                    let (len, from) = phone.recv_from(&mut datagram).expect("answered");
                    let text = format!("{number}:{window}:{block}").repeat(20);
                    assert_eq!((&datagram[..len], from), (text.as_bytes(), server));
                }
            }
        })
    };
    let clients = (0..4).map(client).collect();
    let mut count = 0;
    serve(&mut driver, clients, |driver, event| {
        let Event::Datagram { port, peer, lease, .. } = event else { panic!("{event:?}") };
        count += 1;
        let mut datagram = driver.buffer();
        datagram.extend_from_slice(&lease);
        driver.send_to(port, peer, None, datagram);
    });
    assert_eq!(count, 4 * 157 * 16);
    let counters = driver.counters();
    assert_eq!((counters.datagrams_cut, counters.datagrams_failed), (0, 0));
    assert_eq!(counters.buffers_leased, 0);
}

fn ports_are_told_apart<D: Driver>() {
    let mut driver = D::open(&tftp(), &Sizes::default());
    let (server, transfer) = (driver.port(0), driver.port(2));
    assert_ne!(server.port(), transfer.port());
    let client = thread::spawn(move || {
        let phone = phone();
        phone.send_to(b"RRQ", server).expect("sent");
        let mut datagram = [0; 600];
        let (len, from) = phone.recv_from(&mut datagram).expect("answered");
        assert_eq!((&datagram[..len], from), (&b"DATA"[..], transfer));
        phone.send_to(b"", from).expect("sent");
        phone.send_to(b"ACK", from).expect("sent");
        let (len, from) = phone.recv_from(&mut datagram).expect("answered");
        assert_eq!((len, from), (0, server));
    });
    let mut came = Vec::new();
    serve(&mut driver, vec![client], |driver, event| {
        let Event::Datagram { port, peer, lease, .. } = event else { panic!("{event:?}") };
        came.push((port, lease.to_vec()));
        match &*lease {
            b"RRQ" => driver.send_to(Port(2), peer, None, b"DATA".to_vec()),
            b"ACK" => driver.send_to(Port(0), peer, None, Vec::new()),
            _ => assert!(lease.is_empty()),
        }
    });
    let expected = [(Port(0), &b"RRQ"[..]), (Port(2), b""), (Port(2), b"ACK")];
    assert_eq!(came, expected.map(|(port, bytes)| (port, bytes.to_vec())));
}

/// A peer that asked again right behind its last acknowledgement was told nothing: the request was
/// handled first and taken for a repeat of the one that was just being ended. All phones are one
/// thread on one core: between cores the kernel itself keeps no order of two sockets.
fn a_request_comes_behind_the_acknowledgement_before_it<D: Driver>() {
    let mut driver = D::open(&tftp(), &Sizes::default());
    let (server, transfer) = (driver.port(0), driver.port(2));
    let client = thread::spawn(move || {
        threads::pin_to_core(0).expect("pinned");
        let phones = [(); 4].map(|()| phone());
        for number in 0..1_000_u16 {
            for phone in &phones {
                phone.send_to(&number.to_be_bytes(), transfer).expect("sent");
                phone.send_to(&number.to_be_bytes(), server).expect("sent");
            }
            for phone in &phones {
                phone.recv_from(&mut [0; 2]).expect("answered");
            }
        }
    });
    let mut acknowledged = HashMap::new();
    serve(&mut driver, vec![client], |driver, event| {
        let Event::Datagram { port, peer, lease, .. } = event else { panic!("{event:?}") };
        if port == Port(2) {
            acknowledged.insert(peer, lease.to_vec());
        } else {
            assert_eq!(acknowledged.get(&peer).map(|number| &**number), Some(&*lease));
            driver.send_to(port, peer, None, lease.to_vec());
        }
    });
}

fn a_datagram_that_is_cut_is_dropped<D: Driver>() {
    let mut driver = D::open(&tftp(), &Sizes::default());
    let server = driver.port(0);
    let client = thread::spawn(move || {
        let phone = phone();
        phone.send_to(&[0; 9_000], server).expect("sent");
        phone.send_to(b"fits", server).expect("sent");
        phone.recv_from(&mut [0; 8]).expect("answered");
    });
    let mut came = Vec::new();
    serve(&mut driver, vec![client], |driver, event| {
        let Event::Datagram { port, peer, lease, .. } = event else { panic!("{event:?}") };
        came.push(lease.to_vec());
        driver.send_to(port, peer, None, Vec::new());
    });
    assert_eq!(came, [b"fits".to_vec()]);
    assert_eq!((driver.counters().datagrams_cut, driver.counters().buffers_leased), (1, 0));
}

fn a_datagram_that_cannot_leave_is_counted<D: Driver>() {
    let mut driver = D::open(&tftp(), &Sizes::default());
    let unreachable = SocketAddr::from(([255, 255, 255, 255], 9));
    driver.send_to(Port(0), unreachable, None, b"nobody".to_vec());
    driver.send_to(Port(77), driver.port(0), None, b"no such port".to_vec());
    let mut events = Vec::new();
    let soon = time::now() + Duration::from_millis(20);
    while time::now() < soon {
        driver.turn(Some(soon), &mut events).expect("turns");
    }
    assert_eq!(driver.counters().datagrams_failed, 2);
}

/// A burst that waits in the socket while the driver does nothing: first with few buffers, so that
/// receives end and are armed again, then with more buffers than completions fit the queue.
fn a_burst_beyond_every_queue_loses_nothing<D: Driver>() {
    for datagram_buffers in [4, 256] {
        let mut driver = D::open(&tftp(), &Sizes { datagram_buffers, ..tiny() });
        let mut events = Vec::new();
        driver.turn(Some(time::now()), &mut events).expect("turns");
        let phone = phone();
        for number in 0..200_u8 {
            phone.send_to(&[number], driver.port(0)).expect("sent");
        }
        let mut came = Vec::new();
        while came.len() < 200 {
            driver.turn(Some(time::now() + PATIENCE), &mut events).expect("turns");
            for event in events.drain(..) {
                let Event::Datagram { lease, .. } = event else { panic!("{event:?}") };
                came.push(lease[0]);
            }
        }
        came.sort_unstable();
        assert!(came.iter().copied().eq(0..200), "{came:?}");
        let counters = driver.counters();
        assert_eq!((counters.buffers_leased, counters.datagrams_cut), (0, 0));
        assert!(datagram_buffers > 4 || counters.buffers_kernel == 0 || counters.rearmed > 0);
    }
}

/// On a socket of both families, a phone has its IPv4 address, in both protocols.
fn addresses_cross_families<D: Driver>() {
    let any = Some(SocketAddr::from((std::net::Ipv6Addr::UNSPECIFIED, 0)));
    let setup = Setup { http: any, tftp: any, ..setup() };
    if !has_ipv6() {
        return;
    }
    let mut driver = D::open(&setup, &Sizes::default());
    let (http, tftp) = (driver.http().port(), driver.port(0).port());
    let client = thread::spawn(move || {
        let mut stream = connect(SocketAddr::new(LOOPBACK, http));
        assert_eq!(read_all(&mut stream).0, b"127.0.0.1");
        let phone = phone();
        phone.send_to(b"?", (LOOPBACK, tftp)).expect("sent");
        let mut came = [0; 32];
        let (len, _) = phone.recv_from(&mut came).expect("answered");
        assert_eq!(&came[..len], b"127.0.0.1");
    });
    serve(&mut driver, vec![client], |driver, event| match event {
        Event::Accepted { slot, peer } => {
            let output = head(driver, peer.ip().to_string().as_bytes());
            driver.send(slot, output, Then::Close);
        }
        Event::Datagram { port, peer, .. } => {
            driver.send_to(port, peer, None, peer.ip().to_string().into_bytes());
        }
        _ => {}
    });
}

/// A socket of all the machine's addresses, of IPv4 alone and of both families: what came to one of
/// them is answered from there, by the well-known port and by a transfer port.
fn answers_leave_from_the_address_that_was_asked<D: Driver>() {
    for any in ["0.0.0.0:0", "[::]:0"] {
        let any = Some(any.parse().expect("an address"));
        if any.is_some_and(|any: SocketAddr| any.is_ipv6()) && !has_ipv6() {
            continue;
        }
        let mut driver = D::open(&Setup { tftp: any, ..tftp() }, &Sizes::default());
        let (server, transfer) = (driver.port(0).port(), driver.port(2).port());
        let client = move || {
            let mut asked: Vec<IpAddr> = (2..10).map(|n| [127, 0, 0, n].into()).collect();
            if any.is_some_and(|any| any.is_ipv6()) {
                asked.push(std::net::Ipv6Addr::LOCALHOST.into());
            }
            for server_ip in asked {
                let phone = if server_ip.is_ipv6() { phone_at("[::1]:0") } else { phone() };
                for text in [&b"RRQ"[..], b"WRQ"] {
                    phone.send_to(text, (server_ip, server)).expect("sent");
                    let (mut came, port) =
                        ([0; 64], if text == b"RRQ" { transfer } else { server });
                    let (len, from) = phone.recv_from(&mut came).expect("answered");
                    assert_eq!(from, SocketAddr::new(server_ip, port));
                    assert_eq!(&came[..len], server_ip.to_string().as_bytes());
                }
            }
        };
        serve(&mut driver, vec![thread::spawn(client)], |driver, event| {
            let Event::Datagram { peer, local, lease, .. } = event else { panic!("{event:?}") };
            let local = local.expect("an address of ours");
            let port = if *lease == *b"RRQ" { Port(2) } else { Port(0) };
            driver.send_to(port, peer, Some(local), local.to_string().into_bytes());
        });
        assert_eq!(driver.counters().datagrams_failed, 0);
    }
}

fn a_socket_of_one_address_tells_none<D: Driver>() {
    let mut driver = D::open(&tftp(), &Sizes::default());
    phone().send_to(b"?", driver.port(0)).expect("sent");
    let mut events = Vec::new();
    while events.is_empty() {
        driver.turn(Some(time::now() + PATIENCE), &mut events).expect("turns");
    }
    assert!(matches!(events[..], [Event::Datagram { local: None, .. }]), "{events:?}");
}

/// Many more answers at once than fit the submission queue, each from another address than the one
/// before it.
fn answers_under_way_keep_their_address<D: Driver>() {
    let any = Some("0.0.0.0:0".parse().expect("an address"));
    let mut driver = D::open(&Setup { tftp: any, ..tftp() }, &tiny());
    let phone = phone();
    let peer = phone.local_addr().expect("bound");
    let port = driver.port(0).port();
    for round in 0..40_u8 {
        for number in 2..6_u8 {
            let text = [number, round];
            driver.send_to(Port(0), peer, Some([127, 0, 0, number].into()), text.to_vec());
        }
    }
    let mut events = Vec::new();
    for count in 0..160_u8 {
        driver.turn(Some(time::now()), &mut events).expect("turns");
        let (mut came, number) = ([0; 8], 2 + count % 4);
        let (len, from) = phone.recv_from(&mut came).expect("came");
        assert_eq!(&came[..len], [number, count / 4]);
        assert_eq!(from, SocketAddr::from(([127, 0, 0, number], port)));
    }
}
