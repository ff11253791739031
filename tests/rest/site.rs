//! A server of the API in this process, on a folder of its own, and a client that hides nothing.

use ringboot::content::Content;
use ringboot::control::{self, Base, Guard, Handle};
use ringboot::device::Document;
use ringboot::identify::Settings;
use ringboot::notify::{Pace, Way};
use ringboot::plugin::Plugins;
use ringboot::store::Rocks;
use ringboot::watch::Watch;
use ringboot::world::World;
use serde_json::Value;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The media type of all documents.
pub const JSON: &str = "application/vnd.proformatique.provd+json";
/// The tenant of requests that name none.
pub const MASTER: &str = "00000000-0000-4000-8000-000000000001";
/// The page of what is nowhere.
pub const NOWHERE: &str = "\n<html>\n  <head><title>404 - No Such Resource</title></head>\n  \
                           <body>\n    <h1>No Such Resource</h1>\n    \
                           <p>No such child resource.</p>\n  </body>\n</html>\n";
/// The page of what went wrong.
pub const FAILED: &str = "<html><head><title>Processing Failed</title></head>\
                          <body><b>Processing Failed</b></body></html>";

/// The way by which phones are told, and how fast.
pub type Notify = Option<(Arc<dyn Way>, Pace)>;

/// A server; it is stopped when it is dropped.
pub struct Site {
    /// What it stands on.
    pub world: Arc<World>,
    /// What is seen of it.
    pub watch: Arc<Watch>,
    /// Its folder: `db`, `plugins`, `files`.
    pub folder: PathBuf,
    handle: Option<Handle>,
    address: SocketAddr,
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// Fields as they came.
    pub fields: Vec<(String, String)>,
    /// Its body.
    pub body: String,
}

impl Site {
    /// A new one with the stock configurations and one vendor.
    pub fn new(name: &str) -> Site {
        Site::with(name, None)
    }

    /// One that tells phones by this way.
    pub fn with(name: &str, notify: Notify) -> Site {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("ringboot-rest-{}-{count}-{name}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(folder.join("plugins")).unwrap();
        let vendor = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins/yealink");
        std::os::unix::fs::symlink(vendor, folder.join("plugins/yealink")).unwrap();
        let guard = Guard::Open { master: MASTER.into() };
        let site = Site::start(folder, Settings::default(), guard, notify);
        for config in [
            r#"{"id":"base","parent_ids":[],"deletable":false,"raw_config":{"X_site":"é"}}"#,
            r#"{"id":"autoprov","parent_ids":["base"],"role":"autocreate","deletable":false,
                "raw_config":{"sip_lines":{"1":{"username":"ap1","proxy_ip":"192.0.2.9"}}}}"#,
        ] {
            let body = format!("{{\"config\":{config}}}");
            assert_eq!(site.send("POST /0.2/cfg_mgr/configs", &body).status, 201);
        }
        site
    }

    /// One on a folder that is there.
    pub fn open(folder: PathBuf) -> Site {
        Site::guarded(folder, Guard::Open { master: MASTER.into() })
    }

    /// One on a folder that is there, where the guard is asked who callers are.
    pub fn guarded(folder: PathBuf, guard: Guard) -> Site {
        Site::start(folder, Settings::default(), guard, None)
    }

    /// The same where phones' URLs begin with keys.
    pub fn keyed(folder: PathBuf, guard: Guard) -> Site {
        Site::start(folder, Settings { url_key: true, ..Settings::default() }, guard, None)
    }

    fn start(folder: PathBuf, settings: Settings, guard: Guard, notify: Notify) -> Site {
        let plugins = Plugins::load(&folder.join("plugins")).unwrap();
        let store = Arc::new(Rocks::open(&folder.join("db")).unwrap());
        let base: Document = serde_json::from_str(r#"{"ip":"192.0.2.1"}"#).unwrap();
        let world = Arc::new(World::begin(store, plugins, settings, base));
        control::restore_parameters(&world);
        if let Guard::WazoAuth { .. } = guard {
            control::restore_master(&world);
        }
        world.load().unwrap();
        let content = Arc::new(Content::default());
        let watch = Arc::new(Watch::new(Arc::clone(&world), Arc::clone(&content)));
        let base = Base {
            world: Arc::clone(&world),
            content,
            watch: Arc::clone(&watch),
            plugins_dir: folder.join("plugins"),
            files_dir: folder.join("files"),
            notify,
        };
        let handle = control::start(SocketAddr::from(([127, 0, 0, 1], 0)), guard, base).unwrap();
        let address = handle.address();
        Site { world, watch, folder, handle: Some(handle), address }
    }

    /// Asks for a path.
    pub fn get(&self, path: &str) -> Reply {
        self.ask(&format!("GET {path}"), &[], "")
    }

    /// Sends a document: `PUT /path`.
    pub fn send(&self, what: &str, body: &str) -> Reply {
        self.ask(what, &[&format!("Content-Type: {JSON}")], body)
    }

    /// The same for a tenant.
    pub fn send_for(&self, tenant: &str, what: &str, body: &str) -> Reply {
        let tenant = format!("Wazo-Tenant: {tenant}");
        self.ask(what, &[&format!("Content-Type: {JSON}"), &tenant], body)
    }

    /// Sends just this and reads until the server closes.
    pub fn ask(&self, what: &str, fields: &[&str], body: &str) -> Reply {
        let mut request = format!("{what} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
        for field in fields {
            request += field;
            request += "\r\n";
        }
        request += &format!("Content-Length: {}\r\n\r\n{body}", body.len());
        let text = self.raw(request.as_bytes());
        Reply::read(&text).unwrap_or_else(|| panic!("{what}: {text:?}"))
    }

    /// Sends bytes and gives all that comes back.
    pub fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.write_all(bytes).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    }

    /// The id of a new device of this document.
    pub fn device(&self, document: &str) -> String {
        self.made("POST /0.2/dev_mgr/devices", &format!("{{\"device\":{document}}}"))
    }

    /// The id of a new configuration of this document.
    pub fn config(&self, document: &str) -> String {
        self.made("POST /0.2/cfg_mgr/configs", &format!("{{\"config\":{document}}}"))
    }

    fn made(&self, what: &str, body: &str) -> String {
        let reply = self.send(what, body);
        assert_eq!(reply.status, 201, "{reply:?}");
        reply.json()["id"].as_str().unwrap().to_owned()
    }

    /// What a copy of the store has of a document now.
    pub fn is_stored(&self, text: &str) -> bool {
        let mut out = Vec::new();
        ringboot::export::write(&self.folder.join("db"), &mut out).unwrap();
        String::from_utf8(out).unwrap().contains(text)
    }

    /// Stops it and gives its folder, which stays.
    pub fn stop(mut self) -> PathBuf {
        self.handle.take().unwrap().stop();
        self.world.close().unwrap();
        std::mem::take(&mut self.folder)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Some(handle) = self.handle.take() {
            handle.stop();
        }
        if self.folder.as_os_str().len() > 1 {
            drop(self.world.close());
            drop(fs::remove_dir_all(&self.folder));
        }
    }
}

impl Reply {
    fn read(text: &str) -> Option<Reply> {
        let (head, body) = text.split_once("\r\n\r\n")?;
        let mut lines = head.lines();
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let field = |line: &str| {
            let (name, value) = line.split_once(": ")?;
            Some((name.to_ascii_lowercase(), value.to_owned()))
        };
        Some(Reply { status, fields: lines.filter_map(field).collect(), body: body.to_owned() })
    }

    /// A field; empty without.
    pub fn field(&self, name: &str) -> &str {
        self.fields.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// The body as a document.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{self:?}"))
    }

    /// The body's names, of a list of documents.
    pub fn ids(&self, list: &str) -> Vec<String> {
        let document = self.json();
        let all = document[list].as_array().unwrap_or_else(|| panic!("{self:?}"));
        all.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    }
}
