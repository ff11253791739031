//! Whatever runs out, buffers, queue entries, places or descriptors, all is served in the end.

use bytes::Bytes;
use std::io::Read;
use std::thread;

use super::*;

on_both!(
    tiny_sizes_serve_all_the_same,
    held_leases_make_others_wait_and_no_longer,
    a_full_table_sheds,
    a_source_has_its_share,
    a_driver_is_dropped_with_all_under_way,
    descriptors_run_out_and_come_back,
);

/// Eight queue entries and four buffers for thirty connections: everything has to wait, nothing is
/// lost.
fn tiny_sizes_serve_all_the_same<D: Driver>() {
    let mut driver = D::open(&setup(), &tiny());
    let server = driver.http();
    let client = |number: u8| {
        thread::spawn(move || {
            let mut streams: Vec<_> = (0..10).map(|_| connect(server)).collect();
            for round in 0..30 {
                for stream in &mut streams {
                    ask(stream, &[number.wrapping_add(round); 300]);
                }
                for stream in &mut streams {
                    let mut came = [0; 300];
                    stream.read_exact(&mut came).expect("echoed");
                    assert_eq!(came, [number.wrapping_add(round); 300]);
                }
            }
        })
    };
    let clients = (0..3).map(client).collect();
    let mut echo = Echo::default();
    serve(&mut driver, clients, |driver, event| echo.handle(driver, event));
    let counters = driver.counters();
    assert_eq!((counters.closed, counters.stale, counters.buffers_leased), (30, 0, 0));
}

/// Whoever holds leases takes buffers from the others; when the leases go, each is served.
fn held_leases_make_others_wait_and_no_longer<D: Driver>() {
    let mut driver = D::open(&setup(), &tiny());
    let server = driver.http();
    let clients = (0..20_u8).map(|number| {
        thread::spawn(move || {
            let mut stream = connect(server);
            ask(&mut stream, &[number]);
            let mut came = [0];
            stream.read_exact(&mut came).expect("echoed");
            assert_eq!(came, [number]);
        })
    });
    let mut held = Vec::new();
    serve(&mut driver, clients.collect(), |driver, event| match event {
        Event::Received { slot, lease } => {
            held.push((slot, lease));
            if held.len() == 4 {
                for (slot, lease) in held.drain(..) {
                    let output = head(driver, &lease);
                    driver.send(slot, output, Then::Keep);
                }
            }
        }
        Event::Finished { slot } => driver.close(slot),
        _ => {}
    });
    assert_eq!(driver.counters().buffers_leased, 0);
}

fn a_full_table_sheds<D: Driver>() {
    let sizes = Sizes { connections_max: 5, accepts: 4, ..Sizes::default() };
    let mut driver = D::open(&setup(), &sizes);
    let server = driver.http();
    let client = thread::spawn(move || {
        let streams: Vec<_> = (0..20).map(|_| connect(server)).collect();
        thread::sleep(Duration::from_millis(200));
        let served = streams.into_iter().map(|mut stream| {
            let _ = std::io::Write::write_all(&mut stream, b"?");
            usize::from(stream.read(&mut [0]).is_ok_and(|read| read == 1))
        });
        let served = served.sum::<usize>();
        // The five have gone: there is room again.
        thread::sleep(Duration::from_millis(100));
        let mut late = connect(server);
        ask(&mut late, b"?");
        assert_eq!(late.read(&mut [0]).expect("answered"), 1);
        served
    });
    let mut echo = Echo::default();
    let served = serve(&mut driver, vec![client], |driver, event| echo.handle(driver, event));
    let counters = driver.counters();
    assert!((5..20).contains(&served[0]), "{served:?}");
    assert_eq!(counters.shed + served[0] as u64, 20, "{counters:?}");
}

fn a_source_has_its_share<D: Driver>() {
    let sizes = Sizes { connections_per_source_max: 3, ..Sizes::default() };
    let mut driver = D::open(&setup(), &sizes);
    let server = driver.http();
    let client = thread::spawn(move || {
        let hog: Vec<_> = (0..10).map(|_| connect(server)).collect();
        let other = std::net::Ipv4Addr::new(127, 0, 0, 77);
        let mut other = connect_from(other, server);
        ask(&mut other, b"?");
        assert_eq!(other.read(&mut [0]).expect("answered"), 1);
        drop(hog);
    });
    let mut echo = Echo::default();
    serve(&mut driver, vec![client], |driver, event| echo.handle(driver, event));
    assert_eq!((driver.counters().shed, driver.counters().closed), (7, 4));
}

/// Nothing is asserted but that it ends, and that no memory is used after it is gone: a lease
/// outlives its driver.
fn a_driver_is_dropped_with_all_under_way<D: Driver>() {
    let setup = Setup { tftp: Some(SocketAddr::new(LOOPBACK, 0)), ..setup() };
    let mut driver = D::open(&setup, &Sizes::default());
    let mut stream = connect(driver.http());
    ask(&mut stream, b"lives on");
    let mut events = Vec::new();
    let mut lease = None;
    while lease.is_none() {
        driver.turn(Some(time::now() + PATIENCE), &mut events).expect("turns");
        for event in events.drain(..) {
            if let Event::Received { slot, lease: bytes } = event {
                let body = Body::Bytes(Bytes::from(vec![1; 32 << 20]));
                driver.send(slot, Output { head: Vec::new(), body }, Then::Close);
                lease = Some(bytes);
            }
        }
    }
    let began = time::now();
    drop(driver);
    assert!(time::now().since(began) < Duration::from_secs(1));
    assert_eq!(&*lease.expect("came"), b"lives on");
}

/// With no descriptor left, epoll pauses and comes back; a ring's connections need none. In a
/// process of its own, as the limit is the process's.
fn descriptors_run_out_and_come_back<D: Driver>() {
    const MARK: &str = "RINGBOOT_TEST_FEW_DESCRIPTORS";
    let driver = if std::any::type_name::<D>().contains("uring") { "uring" } else { "epoll" };
    let (_, module) = module_path!().split_once("::").expect("a module of the crate");
    let name = format!("{module}::{driver}::descriptors_run_out_and_come_back");
    if std::env::var_os(MARK).is_none() {
        let binary = std::env::current_exe().expect("a path");
        let mut child = std::process::Command::new(binary);
        let status = child.args([&name, "--exact", "--nocapture"]).env(MARK, "1").status();
        assert!(status.expect("runs").success());
        return;
    }
    let limit = libc::rlimit { rlim_cur: 100, rlim_max: 100 };
    // SAFETY: `limit` is readable.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }, 0);
    let mut driver = D::open(&setup(), &Sizes { accepts: 8, ..Sizes::default() });
    let server = driver.http();
    let mut streams: Vec<_> = (0..8).map(|_| connect(server)).collect();
    let mut filling = Vec::new();
    while let Ok(file) = std::fs::File::open("/dev/null") {
        filling.push(file);
    }
    let client = thread::spawn(move || {
        thread::sleep(Duration::from_millis(300));
        drop(filling);
        for stream in &mut streams {
            ask(stream, b"?");
        }
        let answered = |stream: &mut TcpStream| stream.read(&mut [0]).is_ok_and(|read| read == 1);
        streams.iter_mut().map(answered).filter(|answered| *answered).count()
    });
    let began = time::now();
    let mut echo = Echo::default();
    let served = serve(&mut driver, vec![client], |driver, event| echo.handle(driver, event))[0];
    assert!(time::now().since(began) < Duration::from_secs(2));
    let counters = driver.counters();
    assert_eq!(served as u64 + counters.shed, 8, "{counters:?}");
    assert!(served > 0 && counters.accept_pauses < 30, "{counters:?}");
}
