//! Our binary as a process: every place has a folder and ports of its own, and is gone after its
//! test.

use ringboot::time::{self, Duration};
use serde_json::Value;
use socket2::{Domain, Socket, Type};
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// What runs.
const BINARY: &str = env!("CARGO_BIN_EXE_ringboot");
/// The project's own plugins.
pub const PLUGINS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/plugins");

/// Time until phones can boot, on a busy machine.
const START_TIME_MAX: Duration = Duration::from_secs(60);

/// A data folder and two ports on loopback.
pub struct Place {
    /// Holds all files of a test.
    pub folder: PathBuf,
    /// The plugins in use; the project's own unless changed.
    pub plugins: PathBuf,
    /// Where HTTP is served.
    pub http: SocketAddr,
    /// Where TFTP is served.
    pub tftp: SocketAddr,
    /// Where the REST API is served, where it is open.
    pub rest: SocketAddr,
}

/// A server that runs. It is killed when it is dropped; what it said is shown if its test failed.
pub struct Server {
    process: Child,
    log: Arc<Mutex<String>>,
}

/// Whether the other driver can be tested here; loud where it cannot.
pub fn has_io_uring() -> bool {
    match ringboot::ring::probe() {
        Ok(_) => true,
        Err(unavailable) => {
            println!("NOT TESTED: {unavailable}");
            false
        }
    }
}

/// Asks every 20 ms until there is something.
///
/// # Panics
/// When there is nothing within this time.
pub fn eventually<T>(within: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let until = time::now() + within;
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(time::now() < until, "nothing came within {within:?}");
        thread::sleep(Duration::from_millis(20));
    }
}

impl Place {
    /// A new place; `name` is for people who look at the folder.
    pub fn new(name: &str) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("ringboot-real-{}-{count}-{name}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(folder.join("data")).unwrap();
        let plugins = PathBuf::from(PLUGINS);
        let [http, tftp, rest] =
            [(); 3].map(|()| free_port()).map(|port| ([127, 0, 0, 1], port).into());
        Self { folder, plugins, http, tftp, rest }
    }

    /// Gives the place a copy of one vendor's plugins, to change them.
    pub fn copy_plugins(&mut self, vendor: &str) -> PathBuf {
        let copy = self.folder.join("plugins");
        copy_folder(&Path::new(PLUGINS).join(vendor), &copy.join(vendor));
        self.plugins.clone_from(&copy);
        copy.join(vendor)
    }

    /// Where an operator puts the files of a plugin.
    pub fn operators_folder(&self, plugin: &str) -> PathBuf {
        let folder = self.folder.join("data/files").join(plugin);
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    /// A subcommand of the binary with this place's folders.
    pub fn command(&self, subcommand: &str) -> Command {
        let mut command = Command::new(BINARY);
        command.arg(subcommand).arg("--data-dir").arg(self.folder.join("data"));
        command.arg("--plugins-dir").arg(&self.plugins);
        command.stdin(Stdio::null());
        command
    }

    /// The command that serves here.
    pub fn serving(&self, driver: &str) -> Command {
        let mut command = self.command("serve");
        command.args(["--http", &self.http.to_string(), "--tftp", &self.tftp.to_string()]);
        command.args(["--rest", &self.rest.to_string()]);
        command.args(["--cores", "2", "--driver", driver]);
        command
    }

    /// Serves until the returned value is dropped.
    pub fn serve(&self, driver: &str) -> Server {
        Server::start(&mut self.serving(driver))
    }

    /// Takes in a fleet file of these lines.
    pub fn import(&self, lines: impl IntoIterator<Item = String>) -> Output {
        let file = self.folder.join("fleet.jsonl");
        fs::write(&file, lines.into_iter().map(|line| line + "\n").collect::<String>()).unwrap();
        self.command("import").arg("--fleet").arg(file).output().unwrap()
    }

    /// What stands in the store now.
    pub fn export(&self) -> String {
        let output = self.command("export").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The devices in the store now.
    pub fn devices(&self) -> Vec<Value> {
        let export = self.export();
        let lines = export.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter_map(|mut line| Some(line.get_mut("device")?.take())).collect()
    }

    /// The only device in the store, as soon as it is there and as `wanted`.
    pub fn device_that(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        eventually(Duration::from_secs(10), || {
            let devices = self.devices();
            assert!(devices.len() <= 1, "more than one device: {devices:#?}");
            devices.into_iter().find(&wanted)
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Server {
    /// Starts the process and waits until phones can boot.
    pub fn start(command: &mut Command) -> Self {
        let mut process = command.stderr(Stdio::piped()).spawn().unwrap();
        let stderr = process.stderr.take().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&log);
        thread::spawn(move || keep(stderr, &kept));
        let mut server = Self { process, log };
        eventually(START_TIME_MAX, || {
            let ended = server.process.try_wait().unwrap();
            assert!(ended.is_none(), "the server ended: {ended:?}");
            server.log().contains("phones can boot").then_some(())
        });
        server
    }

    /// All that it said until now.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits until it has said `text` this many times.
    pub fn says(&self, text: &str, times: usize) {
        eventually(Duration::from_secs(20), || {
            (self.log().matches(text).count() >= times).then_some(())
        });
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let pid = self.process.id().to_string();
        let sent = Command::new("sh").args(["-c", &format!("kill -{name} {pid}")]).status();
        assert!(sent.unwrap().success());
    }

    /// Ends it at once, as `kill -9` does.
    pub fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Waits for its end: how it ended, and how long that took.
    pub fn end(&mut self) -> (ExitStatus, Duration) {
        let began = time::now();
        let wait = Duration::from_secs(30);
        let status = eventually(wait, || self.process.try_wait().unwrap());
        (status, time::now().since(began))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if thread::panicking() {
            let log = self.log();
            let lines: Vec<_> = log.lines().collect();
            println!("the server's last words:");
            for line in &lines[lines.len().saturating_sub(40)..] {
                println!("  {line}");
            }
        }
    }
}

fn keep(stderr: impl Read, log: &Mutex<String>) {
    let mut reader = BufReader::new(stderr);
    let mut line = String::new();
    while reader.read_line(&mut line).is_ok_and(|read| read > 0) {
        log.lock().unwrap().push_str(&line);
        line.clear();
    }
}

/// A port that nothing has, below those that the kernel gives out by itself. Servers share ports
/// with others of their user, so that each test must have its own.
fn free_port() -> u16 {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let start = 200 * (std::process::id() as usize % 100);
    for _ in 0..20_000 {
        let place = (start + NEXT.fetch_add(1, Ordering::Relaxed)) % 20_000;
        let port = u16::try_from(10_000 + place).unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let is_free = |kind| {
            let socket = Socket::new(Domain::IPV4, kind, None)?;
            socket.bind(&address.into())
        };
        if is_free(Type::STREAM).is_ok() && is_free(Type::DGRAM).is_ok() {
            return port;
        }
    }
    panic!("no free port")
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (path, copy) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            if entry.file_name() != OsStr::new("golden") {
                copy_folder(&path, &copy);
            }
        } else {
            fs::copy(&path, &copy).unwrap();
        }
    }
}
