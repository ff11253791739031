//! A server as a child process on one core: started, waited for, and gone when its value is gone.

use super::group::Group;
use super::spent::Usage;
use anyhow::{Context, Result, bail, ensure};
use ringboot::time::{self, Duration};
use ringboot::wire::tftp::{ErrorCode, Packet};
use socket2::{Domain, Protocol, Socket, Type};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use crate::limits::{LAB_LOG_LINES, LAB_START_TIME, LAB_STOP_TIME};

/// Time between two looks at a process.
const LOOK: Duration = Duration::from_millis(20);
/// Time for one answer of a server that is being waited for.
const PROBE_TIME: Duration = Duration::from_millis(500);
/// A server's folder where a user's `PATH` does not look.
const SYSTEM_FOLDERS: [&str; 2] = ["/usr/sbin", "/sbin"];

/// What pins a program to cores, and how many words it stands before the program's.
const PIN: &str = "taskset";
const PIN_WORDS: usize = 3;

/// A server that runs.
#[derive(Debug)]
pub struct Server {
    name: String,
    child: Child,
    log: PathBuf,
    /// None where none may be made.
    group: Option<Group>,
}

/// How it is seen that a server serves.
#[derive(Clone, Debug)]
pub enum Ready {
    /// It takes a connection.
    Http(SocketAddr),
    /// It answers a request for this file.
    Tftp(SocketAddr, String),
}

/// The file of a program: a path, or a name in `PATH` or where Debian keeps servers.
#[must_use]
pub fn find(program: &str) -> Option<PathBuf> {
    if program.contains('/') {
        return Some(PathBuf::from(program)).filter(|path| path.is_file());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = SYSTEM_FOLDERS.iter().map(PathBuf::from);
    let mut folders = std::env::split_paths(&path).chain(system);
    folders.find_map(|folder| Some(folder.join(program)).filter(|path| path.is_file()))
}

/// The program on one core alone, or wherever the system lets it run.
#[must_use]
pub fn pinned(program: &Path, core: Option<usize>) -> Command {
    match core {
        Some(core) => pinned_to(program, &[core]),
        None => Command::new(program),
    }
}

/// The program on these cores alone.
#[must_use]
pub fn pinned_to(program: &Path, cores: &[usize]) -> Command {
    let mut command = Command::new(PIN);
    let list: Vec<String> = cores.iter().map(usize::to_string).collect();
    command.arg("--cpu-list").arg(list.join(",")).arg(program);
    command
}

/// Waits until nobody has this port: a server that has just ended has its sockets a little longer,
/// as the kernel takes its rings apart behind it, and would be taken for the next one.
///
/// # Errors
/// When somebody keeps it.
pub fn wait_until_free(address: SocketAddr) -> Result<()> {
    let begun = time::now();
    while let Err(error) = claim(address) {
        if time::now().since(begun) > LAB_STOP_TIME {
            return Err(error).with_context(|| address.to_string());
        }
        thread::sleep(LOOK);
    }
    Ok(())
}

fn claim(address: SocketAddr) -> std::io::Result<()> {
    for kind in [Type::STREAM, Type::DGRAM] {
        let socket = Socket::new(Domain::for_address(address), kind, None)?;
        // A connection that lingers is no server.
        socket.set_reuse_address(kind == Type::STREAM)?;
        socket.bind(&address.into())?;
    }
    Ok(())
}

/// Runs a command to its end; what it wrote.
///
/// # Errors
/// When it cannot be run or fails, with what it said.
pub fn output(command: &mut Command) -> Result<String> {
    // Its name alone: what is said may stand in a paper, and a folder of this machine may not.
    let mut words = std::iter::once(command.get_program()).chain(command.get_args());
    let is_pinned = command.get_program() == PIN;
    let program = words.nth(if is_pinned { PIN_WORDS } else { 0 }).unwrap_or_default();
    let program = Path::new(program);
    let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().with_context(|| name.clone())?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{name}: {}\n{}", output.status, said.trim());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

impl Server {
    /// Starts it, its words in the file `log`.
    ///
    /// # Errors
    /// When it cannot be run.
    pub fn start(name: &str, command: &mut Command, log: &Path) -> Result<Self> {
        let file = File::create(log).with_context(|| log.display().to_string())?;
        let also = file.try_clone().context("a log")?;
        let group = Group::make(name).ok();
        let mut grouped = group.as_ref().map(|group| group.around(command));
        let command = grouped.as_mut().unwrap_or(command);
        let child = command.stdin(Stdio::null()).stdout(file).stderr(also).spawn();
        let child = child.with_context(|| format!("{name} cannot be started"))?;
        Ok(Self { name: name.to_owned(), child, log: log.to_owned(), group })
    }

    /// Waits until it serves, for at most `limit`.
    ///
    /// # Errors
    /// When it ends or stays silent, with its last words.
    pub fn wait(&mut self, ready: &Ready, limit: Duration) -> Result<()> {
        let begun = time::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} has ended ({status}):\n{}", self.name, self.last_words());
            }
            if ready.is_true().unwrap_or(false) {
                return Ok(());
            }
            if time::now().since(begun) > limit {
                bail!("{} does not serve:\n{}", self.name, self.last_words());
            }
            thread::sleep(LOOK);
        }
    }

    /// Waits as long as a small server may take.
    ///
    /// # Errors
    /// As [`Server::wait`].
    pub fn wait_shortly(&mut self, ready: &Ready) -> Result<()> {
        self.wait(ready, LAB_START_TIME)
    }

    /// What it and its children have used.
    ///
    /// # Errors
    /// When it has ended.
    pub fn usage(&self) -> Result<Usage> {
        let usage = Usage::now(self.child.id());
        let usage = usage.with_context(|| format!("{} has ended", self.name))?;
        Ok(usage.of_group(self.group.as_ref().and_then(|group| group.used_ns().ok())))
    }

    /// Ends it, and waits until it and its children are gone.
    ///
    /// # Errors
    /// When it had to be killed.
    pub fn stop(mut self) -> Result<()> {
        self.end()
    }

    fn end(&mut self) -> Result<()> {
        if self.child.try_wait()?.is_some() {
            return Ok(());
        }
        let id = self.child.id();
        let of = Usage::now(id).map_or_else(|_| [id].into(), |usage| usage.processes());
        signal("-TERM", &of)?;
        let begun = time::now();
        while time::now().since(begun) < LAB_STOP_TIME {
            if self.child.try_wait()?.is_some() && !of.iter().any(|&pid| is_alive(pid)) {
                return Ok(());
            }
            thread::sleep(LOOK);
        }
        signal("-KILL", &of)?;
        self.child.wait()?;
        bail!("{} did not end in time and was killed", self.name)
    }

    fn last_words(&self) -> String {
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(LAB_LOG_LINES)..].join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            eprintln!("{error:#}");
        }
    }
}

impl Ready {
    fn is_true(&self) -> std::io::Result<bool> {
        match self {
            Self::Http(address) => {
                let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
                socket.connect_timeout(&(*address).into(), PROBE_TIME)?;
                Ok(true)
            }
            Self::Tftp(address, file) => answers(*address, file),
        }
    }
}

/// Sends a signal by the shell, whose `kill` is its own.
///
/// # Errors
/// Without a shell.
pub fn signal(name: &str, to: &BTreeSet<u32>) -> Result<()> {
    let ids = to.iter().filter(|&&pid| is_alive(pid)).map(u32::to_string);
    let mut shell = Command::new("sh");
    shell.args(["-c", "kill \"$@\"", "sh", name]).args(ids);
    shell.stderr(Stdio::null()).status().context("sh")?;
    Ok(())
}

/// Whether a process still runs; one that waits to be asked for its exit code does not.
fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

/// Whether a TFTP server sends the first block; it is told at once that it was all that was wanted.
fn answers(server: SocketAddr, file: &str) -> std::io::Result<bool> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_read_timeout(Some(PROBE_TIME))?;
    let request = [&[0, 1], file.as_bytes(), b"\0octet\0"].concat();
    socket.send_to(&request, &server.into())?;
    let peer = socket.peek_sender()?;
    let mut datagram = [0; 1024];
    let length = (&socket).read(&mut datagram)?;
    let is_data = matches!(Packet::parse(&datagram[..length]), Ok(Packet::Data { .. }));
    let mut enough = Vec::new();
    Packet::error(ErrorCode(0)).encode(&mut enough);
    socket.send_to(&enough, &peer)?;
    Ok(is_data)
}

/// Fetches a file by HTTP from a source address: whole, or an error.
///
/// # Errors
/// When the server does not answer with 200 and the file.
pub fn fetch(server: SocketAddr, source: SocketAddr, path: &str, agent: &str) -> Result<Vec<u8>> {
    let mut socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    socket.bind(&source.into())?;
    socket.connect_timeout(&server.into(), LAB_START_TIME)?;
    socket.set_read_timeout(Some(LAB_START_TIME))?;
    let head = format!(
        "GET {path} HTTP/1.1\r\nHost: {server}\r\nUser-Agent: {agent}\r\nConnection: close\r\n\r\n"
    );
    socket.write_all(head.as_bytes())?;
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer)?;
    let end = memchr::memmem::find(&answer, b"\r\n\r\n").context("no whole head")?;
    let first = String::from_utf8_lossy(&answer[..end]);
    let first = first.lines().next().unwrap_or_default();
    ensure!(first.starts_with("HTTP/1.1 200 "), "{path}: {first}");
    Ok(answer.split_off(end + 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_waited_for_until_it_is_free() {
        let taken = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
        taken.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        let address = taken.local_addr().unwrap().as_socket().unwrap();
        assert!(claim(address).is_err());
        let freed = thread::spawn(move || {
            thread::sleep(5 * LOOK);
            drop(taken);
        });
        wait_until_free(address).unwrap();
        freed.join().unwrap();
    }

    fn shell(script: &str, log: &str) -> (Server, PathBuf) {
        let log = std::env::temp_dir().join(format!("{log}-{}.log", std::process::id()));
        let server = Server::start("it", Command::new("sh").args(["-c", script]), &log);
        (server.unwrap(), log)
    }

    #[test]
    fn programs_are_found_by_name_and_by_path() {
        let shell = find("sh").unwrap();
        assert_eq!(find(&shell.to_string_lossy()), Some(shell));
        assert_eq!(find("no-such-program-anywhere"), None);
        assert_eq!(find("/no/such/program"), None);
    }

    #[test]
    fn a_server_that_ends_is_told_with_its_last_words() {
        let (mut server, log) = shell("echo first; echo the port is taken >&2; exit 3", "ends");
        let nobody = Ready::Http("127.0.0.9:9".parse().unwrap());
        let error = server.wait(&nobody, Duration::from_secs(10)).unwrap_err().to_string();
        assert!(error.contains("has ended") && error.contains("port is taken"), "{error}");
        fs::remove_file(log).unwrap();
    }

    #[test]
    fn a_server_and_its_children_are_gone_when_it_is_dropped() {
        let (server, log) = shell("sleep 60 & wait", "dropped");
        let begun = time::now();
        let of = loop {
            let of = server.usage().unwrap().processes();
            if of.len() == 2 || time::now().since(begun) > LAB_STOP_TIME {
                break of;
            }
        };
        assert_eq!(of.len(), 2);
        drop(server);
        assert!(!of.iter().any(|&pid| is_alive(pid)), "{of:?}");
        fs::remove_file(log).unwrap();
    }
}
