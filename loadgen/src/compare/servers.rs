//! The servers of a comparison: what each can serve, and how it is told to serve it.

use crate::lab::process::{Ready, find, pinned};
use anyhow::{Context, Result};
use clap::ValueEnum;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::limits::COMPARE_TRANSFERS;

/// A server.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, ValueEnum, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A loop on io_uring or on two system calls that parses nothing: what the kernel costs.
    Bare,
    /// What this is about.
    Ringboot,
    /// The same, asked by clients whose requests are never alike.
    Anew,
    /// Static files by HTTP.
    Nginx,
    /// Static files by TFTP, one process.
    Dnsmasq,
    /// Static files by TFTP, one process a transfer.
    Tftpd,
}

/// What a server is asked for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, ValueEnum, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Load {
    /// A small file by HTTP, a connection for each.
    Close,
    /// A small file by HTTP on kept connections.
    Keep,
    /// A small file by TFTP, in blocks of 512 bytes.
    Tftp,
    /// A large file by HTTP to many, and a small one meanwhile.
    Files,
}

/// Where everything is that the servers serve.
#[derive(Clone, Debug)]
pub struct Site {
    /// Where configurations and logs of the servers are.
    pub folder: PathBuf,
    /// Files as any server serves them.
    pub root: PathBuf,
    /// Ringboot's data.
    pub data: PathBuf,
    /// Ringboot's plugins.
    pub plugins: PathBuf,
    /// Where ringboot's programs are.
    pub programs: PathBuf,
    /// Length of the small file.
    pub bytes: usize,
    /// The small file of the first phone, as a path.
    pub small: String,
    /// The address of everything but what has a port of its own.
    pub address: SocketAddr,
    /// The core of the server.
    pub core: Option<usize>,
}

impl Load {
    /// All, as papers have them.
    pub const ALL: [Self; 4] = [Self::Close, Self::Keep, Self::Tftp, Self::Files];

    /// For people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Close => "HTTP, one request a connection",
            Self::Keep => "HTTP, kept connections",
            Self::Tftp => "TFTP, blocks of 512 bytes",
            Self::Files => "A large file to many",
        }
    }

    /// Who takes part, the measure of the others first.
    #[must_use]
    pub const fn servers(self) -> &'static [Kind] {
        match self {
            Self::Close | Self::Keep => &[Kind::Bare, Kind::Ringboot, Kind::Anew, Kind::Nginx],
            Self::Tftp => &[Kind::Bare, Kind::Ringboot, Kind::Dnsmasq, Kind::Tftpd],
            Self::Files => &[Kind::Nginx, Kind::Ringboot],
        }
    }

    /// Whom ringboot replaces here.
    #[must_use]
    pub const fn peer(self) -> Kind {
        match self {
            Self::Close | Self::Keep | Self::Files => Kind::Nginx,
            Self::Tftp => Kind::Dnsmasq,
        }
    }
}

impl Kind {
    /// All, as they are listed.
    pub const ALL: [Self; 6] =
        [Self::Bare, Self::Ringboot, Self::Anew, Self::Nginx, Self::Dnsmasq, Self::Tftpd];

    /// For people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare loop",
            Self::Ringboot => "ringboot",
            Self::Anew => "ringboot, no request twice",
            Self::Nginx => "nginx",
            Self::Dnsmasq => "dnsmasq",
            Self::Tftpd => "tftpd-hpa",
        }
    }

    /// Whether it is what this is about.
    #[must_use]
    pub const fn is_own(self) -> bool {
        matches!(self, Self::Ringboot | Self::Anew)
    }

    /// Whether it has children and does not wait for them: their time is in its group alone.
    #[must_use]
    pub const fn loses_children(self) -> bool {
        matches!(self, Self::Tftpd)
    }

    /// The program's file, or why there is none.
    ///
    /// # Errors
    /// What to do to have it.
    pub fn program(self, programs: &Path) -> Result<PathBuf> {
        let (found, from) = match self {
            Self::Bare => (own(programs, "ringboot-roofline"), "build the workspace"),
            Self::Ringboot | Self::Anew => (own(programs, "ringboot"), "build the workspace"),
            Self::Nginx => (find("nginx"), "scripts/compare installs it"),
            Self::Dnsmasq => (find("dnsmasq"), "scripts/compare installs it"),
            Self::Tftpd => (find("in.tftpd"), "scripts/compare installs it"),
        };
        found.with_context(|| format!("{} is missing: {from}", self.name()))
    }

    /// Where it serves this.
    #[must_use]
    pub fn address(self, load: Load, site: &Site) -> SocketAddr {
        match (self, load) {
            // The port is fixed in the program (RFC 1350's), and the address is one that no
            // other server of this machine is likely to have.
            (Self::Dnsmasq, _) => SocketAddr::from(([127, 77, 0, 1], 69)),
            _ => site.address,
        }
    }

    /// How it is seen that it serves this.
    #[must_use]
    pub fn ready(self, load: Load, site: &Site) -> Ready {
        let address = self.address(load, site);
        match load {
            Load::Tftp => Ready::Tftp(address, site.small.clone()),
            Load::Close | Load::Keep | Load::Files => Ready::Http(address),
        }
    }

    /// The command that serves this.
    ///
    /// # Errors
    /// When the program is missing or its configuration cannot be written.
    pub fn command(self, load: Load, site: &Site) -> Result<Command> {
        let mut command = pinned(&self.program(&site.programs)?, site.core);
        let address = self.address(load, site);
        match self {
            Self::Bare => bare(&mut command, load, site),
            Self::Ringboot | Self::Anew => ringboot(&mut command, site),
            Self::Nginx => nginx(&mut command, site)?,
            Self::Dnsmasq => dnsmasq(&mut command, address, site),
            Self::Tftpd => tftpd(&mut command, address, site),
        }
        Ok(command)
    }
}

fn own(programs: &Path, name: &str) -> Option<PathBuf> {
    Some(programs.join(name)).filter(|path| path.is_file())
}

fn bare(command: &mut Command, load: Load, site: &Site) {
    let protocol = if load == Load::Tftp { "tftp" } else { "http" };
    command.args([protocol, "--listen", &site.address.to_string()]);
    command.args(["--bytes", &site.bytes.to_string()]);
    if let Some(core) = site.core {
        command.args(["--cpu", &core.to_string()]);
    }
}

fn ringboot(command: &mut Command, site: &Site) {
    let address = site.address.to_string();
    command.arg("serve").args(["--cores", "1", "--http", &address, "--tftp", &address]);
    command.arg("--data-dir").arg(&site.data).arg("--plugins-dir").arg(&site.plugins);
}

fn nginx(command: &mut Command, site: &Site) -> Result<()> {
    let file = site.folder.join("nginx.conf");
    fs::write(&file, nginx_conf(site)).with_context(|| file.display().to_string())?;
    // Before it has read where its log is, it would open the system's.
    command.args(["-e", "stderr"]).arg("-p").arg(&site.folder).arg("-c").arg(&file);
    Ok(())
}

/// All that makes nginx cheap on static files; it reads and opens none of them twice.
fn nginx_conf(site: &Site) -> String {
    let Site { root, address, .. } = site;
    let root = root.display();
    format!(
        "daemon off;\n\
         user root;\n\
         pid nginx.pid;\n\
         error_log stderr warn;\n\
         worker_processes 1;\n\
         worker_rlimit_nofile 16384;\n\
         events {{ worker_connections 8192; multi_accept on; }}\n\
         http {{\n\
         \x20 access_log off;\n\
         \x20 default_type application/octet-stream;\n\
         \x20 sendfile on;\n\
         \x20 tcp_nodelay on;\n\
         \x20 keepalive_timeout 60s;\n\
         \x20 keepalive_requests 1000000000;\n\
         \x20 open_file_cache max=16384 inactive=1h;\n\
         \x20 open_file_cache_valid 1h;\n\
         \x20 client_body_temp_path body;\n\
         \x20 proxy_temp_path proxy;\n\
         \x20 fastcgi_temp_path fastcgi;\n\
         \x20 uwsgi_temp_path uwsgi;\n\
         \x20 scgi_temp_path scgi;\n\
         \x20 server {{ listen {address} backlog=4096; root {root}; }}\n\
         }}\n"
    )
}

fn dnsmasq(command: &mut Command, address: SocketAddr, site: &Site) {
    command.args(["--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--no-resolv"]);
    command.args(["--no-hosts", "--pid-file", "--user=root", "--log-facility=-", "--enable-tftp"]);
    command.arg(format!("--listen-address={}", address.ip())).arg("--bind-interfaces");
    command.arg(format!("--tftp-root={}", site.root.display()));
    command.arg(format!("--tftp-max={COMPARE_TRANSFERS}"));
}

fn tftpd(command: &mut Command, address: SocketAddr, site: &Site) {
    command.args(["--listen", "--foreground", "--ipv4", "--user", "root"]);
    command.args(["--address", &address.to_string(), "--secure"]).arg(&site.root);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_told_where_and_what_and_on_which_core() {
        let site = Site {
            folder: PathBuf::from("lab"),
            root: PathBuf::from("lab/root"),
            data: PathBuf::from("lab/data"),
            plugins: PathBuf::from("plugins"),
            programs: PathBuf::from("bin"),
            bytes: 2000,
            small: "/a.xml".to_owned(),
            address: "127.0.0.1:8000".parse().unwrap(),
            core: Some(0),
        };
        let told = |tell: &dyn Fn(&mut Command)| {
            let mut command = pinned(Path::new("it"), site.core);
            tell(&mut command);
            let words = command.get_args().map(|word| word.to_string_lossy().into_owned());
            words.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            told(&|command| bare(command, Load::Tftp, &site)),
            "--cpu-list 0 it tftp --listen 127.0.0.1:8000 --bytes 2000 --cpu 0"
        );
        assert!(
            told(&|command| ringboot(command, &site)).contains("--cores 1 --http 127.0.0.1:8000")
        );
        let address = Kind::Dnsmasq.address(Load::Tftp, &site);
        assert!(told(&|command| dnsmasq(command, address, &site)).contains("=127.77.0.1 "));
        assert!(
            told(&|command| tftpd(command, site.address, &site)).ends_with("--secure lab/root")
        );
        assert!(nginx_conf(&site).contains("listen 127.0.0.1:8000 backlog=4096; root lab/root;"));
    }

    #[test]
    fn a_missing_server_is_told_with_the_way_to_it() {
        let error = Kind::Bare.program(Path::new("/no/such/folder")).unwrap_err().to_string();
        assert_eq!(error, "bare loop is missing: build the workspace");
        for load in Load::ALL {
            assert!(load.servers().contains(&load.peer()));
            assert!(load.servers().contains(&Kind::Ringboot));
        }
    }
}
