//! A comparison and a scale run of our own server, small: figures, tables and pictures come out.
//!
//! The server's program is the one beside the load generator's: a build of the workspace has both.

use serde_json::Value;
use socket2::{Domain, Socket, Type};
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A run of one subcommand, in a folder of its own.
struct Run {
    folder: PathBuf,
    command: Command,
}

impl Run {
    /// None without a server's program.
    fn of(subcommand: &str) -> Option<Self> {
        let own = Path::new(env!("CARGO_BIN_EXE_ringboot-loadgen"));
        if !own.with_file_name("ringboot").is_file() {
            println!("left out: build the workspace to have the server too");
            return None;
        }
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("lab-{subcommand}"));
        if folder.exists() {
            fs::remove_dir_all(&folder).unwrap();
        }
        fs::create_dir_all(folder.join("docs")).unwrap();
        let plugins = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins");
        let mut command = Command::new(own);
        command.args([subcommand, "--quick", "--port", &free_port().to_string()]);
        command.arg("--plugins-dir").arg(plugins).arg("--dir").arg(folder.join("lab"));
        command.arg("--docs").arg(folder.join("docs")).arg("--json").arg(folder.join("out.json"));
        Some(Self { folder, command })
    }

    /// The figures, the paper and the picture.
    fn finish(mut self, picture: &str) -> (Value, String, String) {
        let output = self.command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        let read = |path: &str| fs::read_to_string(self.folder.join(path)).unwrap();
        let json = serde_json::from_str(&read("out.json")).unwrap();
        (json, read("docs/performance.md"), read(&format!("docs/{picture}")))
    }
}

/// A port of HTTP and TFTP that was free a moment ago.
fn free_port() -> u16 {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    socket.local_addr().unwrap().as_socket().unwrap().port()
}

#[test]
fn our_own_server_is_measured_by_http_and_by_tftp() {
    let Some(mut run) = Run::of("compare") else { return };
    run.command.args(["--server", "ringboot", "--load", "keep", "--load", "tftp"]);
    run.command.args(["--clients", "4", "--phones", "8", "--rounds", "2", "--seconds", "0.1"]);
    let (json, paper, picture) = run.finish("performance.svg");
    let runs = json["runs"].as_array().unwrap();
    let told: Vec<_> = runs.iter().map(|run| (&run["load"], &run["round"])).collect();
    assert_eq!(format!("{told:?}").matches("keep").count(), 2);
    assert_eq!(runs.len(), 4);
    for run in runs {
        assert!(run["cpu_us"].as_f64().unwrap() > 0.0, "{run}");
        assert!(run["per_second"].as_f64().unwrap() > 0.0, "{run}");
    }
    assert!(paper.contains("A small file has 2,000 bytes. Ringboot knows 8 phones"), "{paper}");
    assert!(paper.contains("\n| ringboot | "));
    assert_eq!(picture.matches("<rect").count(), 2);
}

#[test]
fn growth_with_phones_and_connections_has_exponents() {
    let Some(mut run) = Run::of("scale") else { return };
    run.command.args(["--part", "phones", "--part", "connections"]);
    let (json, paper, picture) = run.finish("scale.svg");
    let growths = json["growths"].as_array().unwrap();
    assert_eq!(growths.len(), 2);
    assert!(paper.contains("| phones | 20 | 100 | exponent |"), "{paper}");
    assert!(paper.contains("| connections | 10 | 100 | exponent |"), "{paper}");
    assert!(picture.matches("<polyline").count() >= 8);
}
