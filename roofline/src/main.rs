//! Bare loops answer without understanding: what a request costs before a server adds anything.
//!
//! Their processor time an operation is the roofline that the server is held against. They look
//! nothing up, check nothing and count nothing, and a peer that misbehaves gets what it asks for.

mod buffers;
mod http;
mod tftp;

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::SocketAddr;

/// Waiting connections of the listener.
const BACKLOG: i32 = 4096;
/// Receive buffer of the datagram socket, in bytes.
const RECEIVE_BYTES: usize = 4 * 1024 * 1024;

#[derive(Parser)]
#[command(about, version)]
struct Flags {
    #[command(subcommand)]
    protocol: Protocols,
}

#[derive(Subcommand)]
enum Protocols {
    /// Answers each request with the same 200, and closes where the request says so
    Http(#[command(flatten)] Common),
    /// Answers each read request with the same file, in blocks of 512 bytes
    Tftp(#[command(flatten)] Common),
}

#[derive(Args)]
struct Common {
    /// Address and port
    #[arg(long)]
    listen: SocketAddr,
    /// Bytes of the file that everybody gets
    #[arg(long, default_value_t = 2000)]
    bytes: usize,
    /// Processor to stay on
    #[arg(long)]
    cpu: Option<usize>,
}

fn main() -> Result<()> {
    match Flags::parse().protocol {
        Protocols::Http(common) => {
            pin(common.cpu)?;
            let socket = bound(common.listen, Type::STREAM, Protocol::TCP)?;
            socket.set_tcp_nodelay(true)?;
            socket.listen(BACKLOG)?;
            http::serve(&socket, common.bytes)?;
        }
        Protocols::Tftp(common) => {
            pin(common.cpu)?;
            let socket = bound(common.listen, Type::DGRAM, Protocol::UDP)?;
            socket.set_recv_buffer_size(RECEIVE_BYTES)?;
            tftp::serve(&socket, common.bytes)?;
        }
    }
    Ok(())
}

fn bound(address: SocketAddr, kind: Type, protocol: Protocol) -> Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind, Some(protocol))?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into()).with_context(|| address.to_string())?;
    Ok(socket)
}

fn pin(processor: Option<usize>) -> Result<()> {
    let Some(processor) = processor else { return Ok(()) };
    let bytes = size_of::<libc::cpu_set_t>();
    anyhow::ensure!(processor < 8 * bytes, "no processor has the number {processor}");
    // SAFETY: `cpu_set_t` is an array of integers, for which zero is a value.
    let mut one: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: the number was just checked against the set's size.
    unsafe { libc::CPU_SET(processor, &mut one) };
    // SAFETY: `one` is readable and `bytes` long; 0 names the calling thread.
    let pinned = unsafe { libc::sched_setaffinity(0, bytes, &raw const one) };
    let error = io::Error::last_os_error();
    anyhow::ensure!(pinned == 0, "processor {processor}: {error}");
    Ok(())
}
