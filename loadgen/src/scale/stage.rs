//! Where growth is measured: folders, programs, the server with a fleet, cores for both sides.

use super::flags::ScaleFlags;
use crate::compare::cores;
use crate::fleet::Fleet;
use crate::lab::asking::{Asking, lines};
use crate::lab::client::Client;
use crate::lab::process::{Ready, Server, output, pinned_to, wait_until_free};
use crate::lab::{this_program, whole};
use crate::profile::Profiles;
use anyhow::{Context, Result, ensure};
use std::fs::{self, File};
use std::io::BufReader;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use crate::limits::SCALE_START_TIME;

/// The phone of runs that are about one request.
const PHONE: &str = "cisco-spa/SPA112";

/// What all parts of a scale run have.
#[derive(Debug)]
pub struct Stage {
    /// The server's program.
    pub server: PathBuf,
    /// This program.
    pub own: PathBuf,
    /// Where fleets, stores and logs are.
    pub folder: PathBuf,
    /// The vendors' plugins.
    pub plugins: PathBuf,
    /// Where the server listens, HTTP and TFTP alike.
    pub address: SocketAddr,
    /// The client's core.
    pub client_core: Option<usize>,
}

impl Stage {
    /// As the flags say.
    ///
    /// # Errors
    /// A folder that cannot be made, or a program that is missing.
    pub fn new(flags: &ScaleFlags) -> Result<Self> {
        fs::create_dir_all(&flags.dir).with_context(|| flags.dir.display().to_string())?;
        let server = flags.lab.programs()?.join("ringboot");
        ensure!(server.is_file(), "{}: build the workspace", server.display());
        Ok(Self {
            server,
            own: this_program()?,
            folder: whole(&flags.dir)?,
            plugins: whole(&flags.lab.plugins_dir)?,
            address: SocketAddr::from(([127, 0, 0, 1], flags.port)),
            client_core: cores().1,
        })
    }

    /// Makes a fleet of so many phones and takes it into a new store.
    ///
    /// # Errors
    /// What the two programs say.
    pub fn import(&self, phones: u64, mix: Option<&str>) -> Result<PathBuf> {
        let fleet = self.folder.join("fleet.jsonl");
        let data = self.data();
        if data.exists() {
            fs::remove_dir_all(&data).with_context(|| data.display().to_string())?;
        }
        let mut make = Command::new(&self.own);
        make.args(["fleet", "--spread", "--phones", &phones.to_string()]);
        make.args(mix.map(|mix| format!("--mix={mix}")));
        output(make.arg("--out").arg(&fleet).arg("--plugins-dir").arg(&self.plugins))?;
        let mut import = Command::new(&self.server);
        import.arg("import").arg("--fleet").arg(&fleet).arg("--data-dir").arg(&data);
        output(&mut import)?;
        Ok(fleet)
    }

    /// Takes in a fleet of so many of one phone, and writes their requests for their own files.
    ///
    /// # Errors
    /// As [`Stage::import`].
    pub fn import_asking(&self, phones: u64) -> Result<PathBuf> {
        let fleet = self.import(phones, Some(&format!("{PHONE}=1")))?;
        let profiles = Profiles::load(&self.plugins)?;
        let profile = profiles.find(PHONE).with_context(|| format!("no profile {PHONE}"))?;
        let file = File::open(&fleet).with_context(|| fleet.display().to_string())?;
        let fleet = Fleet::read(BufReader::new(file))?;
        let asking = fleet.members.iter().map(|member| Asking::of(profile, member));
        let requests = self.folder.join("requests.tsv");
        let text = lines(&asking.collect::<Result<Vec<_>>>()?, None);
        fs::write(&requests, text).with_context(|| requests.display().to_string())?;
        Ok(requests)
    }

    /// Starts the server on the first `cores` cores, with room for so many connections (0: its own
    /// bound), and waits until it serves.
    ///
    /// # Errors
    /// When it does not serve, with its last words.
    pub fn start(&self, cores: usize, connections: u64) -> Result<Server> {
        let on: Vec<usize> = (0..cores).collect();
        let mut command = pinned_to(&self.server, &on);
        let address = self.address.to_string();
        command.args(["serve", "--http", &address, "--tftp", &address]);
        command.args(["--cores", &cores.to_string(), "--connections", &connections.to_string()]);
        command.arg("--data-dir").arg(self.data()).arg("--plugins-dir").arg(&self.plugins);
        let log = self.folder.join("ringboot.log");
        wait_until_free(self.address)?;
        let mut server = Server::start("ringboot", &mut command, &log)?;
        server.wait(&Ready::Http(self.address), SCALE_START_TIME)?;
        Ok(server)
    }

    /// The hammer, on the client's core.
    #[must_use]
    pub fn client(&self) -> Client {
        Client { program: self.own.clone(), core: self.client_core }
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }
}

/// A hammer's arguments: the words of a text, and a file's path behind them.
#[must_use]
pub fn words(text: &str, file: &str) -> Vec<String> {
    text.split_whitespace().chain([file]).map(str::to_owned).collect()
}
