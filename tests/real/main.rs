//! The real thing: our binary, its sockets on loopback, and clients that others wrote, with both
//! drivers.

mod clients;
mod commands;
mod crash;
mod ctl;
mod early;
mod hostile;
mod http;
mod keys;
mod leases;
mod metrics;
mod moving;
mod overrides;
mod packages;
mod phones;
mod publisher;
mod rest;
mod server;
mod shadow;
mod signals;
mod tftp;

/// Runs each of these functions with both drivers, each as a test of its own.
macro_rules! on_both_drivers {
    ($($body:ident),+ $(,)?) => {
        mod io_uring {
            $(#[test]
            fn $body() {
                if crate::server::has_io_uring() {
                    super::$body("io-uring");
                }
            })+
        }
        mod epoll {
            $(#[test]
            fn $body() {
                super::$body("epoll");
            })+
        }
    };
}
use on_both_drivers;
