//! What people type is answered clearly: mistakes name their place, exit codes tell them apart.

use crate::http::Client;
use crate::phones::stock_configs;
use crate::server::{Place, Server, has_io_uring};
use ringboot::time;
use serde_json::json;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// `EX_CONFIG` of sysexits.h.
const EXIT_CONFIG: i32 = 78;

/// How it ended, and what it said on the standard error output.
fn told(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// A registered phone of a fleet file, by its number.
fn line(number: u32) -> String {
    let [_, a, b, c] = number.to_be_bytes();
    let id = format!("{number:06}");
    let mac = format!("80:5e:c0:{a:02x}:{b:02x}:{c:02x}");
    let user = json!({"username": id, "password": "é \"\\ \u{1f600}", "number": id});
    let config =
        json!({"id": id, "parent_ids": ["base"], "raw_config": {"sip_lines": {"1": user}}});
    let device = json!({"id": id, "mac": mac, "config": id, "X_note": ["kept", {"as": "it is"}]});
    json!({"device": device, "config": config, "phone": {"profile": "yealink/T46U"}}).to_string()
}

#[test]
fn a_data_folder_has_one_server() {
    let place = Place::new("twice");
    let _server = place.serve("epoll");
    let other = Place::new("elsewhere");
    let mut second = place.command("serve");
    second.args(["--http", &other.http.to_string(), "--tftp", "", "--driver", "epoll"]);
    let (code, said) = told(&second.output().unwrap());
    assert_eq!(code, Some(1), "{said}");
    let last = said.lines().last().unwrap_or_default();
    assert!(last.starts_with("ringboot: "), "{said}");
    assert!(last.contains("another process has this data folder open"), "{said}");
    assert!(last.contains(&*place.folder.to_string_lossy()), "{said}");
    // An import does not write beside it either.
    let (code, said) = told(&place.import([line(1)]));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("another process has this data folder open"), "{said}");
    let mut phone = Client::connect(place.http, [127, 0, 0, 1]).unwrap();
    assert_eq!(phone.get("/", "curl").unwrap().status, 404, "the first one is unmoved");
}

/// Installs a filter of system calls that refuses `io_uring_setup` with EPERM, as container
/// runtimes do, and becomes the command that follows.
const WITHOUT_RINGS: &str = r#"
    my $prctl = shift @ARGV;
    my @steps = ([0x20, 0, 0, 0], [0x15, 0, 1, 425], [6, 0, 0, 0x50001], [6, 0, 0, 0x7fff0000]);
    my $steps = join "", map { pack "SCCL", @$_ } @steps;
    my $program = pack "S x!8 P", scalar @steps, $steps;
    syscall($prctl, 38, 1, 0, 0, 0) == 0 or die "no_new_privs: $!";
    syscall($prctl, 22, 2, $program, 0, 0) == 0 or die "seccomp: $!";
    exec @ARGV or die "exec: $!";
"#;

/// The same command behind that filter; none where it cannot be installed.
fn without_rings(command: &Command) -> Option<Command> {
    let prctl = match std::env::consts::ARCH {
        "x86_64" => "157",
        "aarch64" => "167",
        _ => return None,
    };
    let perl = |program: &Path| {
        let mut perl = Command::new("perl");
        perl.args(["-e", WITHOUT_RINGS, prctl]).arg(program).stdin(Stdio::null());
        perl
    };
    if !perl(Path::new("true")).output().is_ok_and(|output| output.status.success()) {
        return None;
    }
    let mut filtered = perl(Path::new(command.get_program()));
    filtered.args(command.get_args());
    Some(filtered)
}

#[test]
fn a_refused_ring_is_one_line_and_78() {
    let place = Place::new("refused");
    let (Some(mut wanted), Some(mut auto)) =
        (without_rings(&place.serving("io-uring")), without_rings(&place.serving("auto")))
    else {
        println!("NOT TESTED: no perl or no seccomp to refuse io_uring with");
        return;
    };
    if !has_io_uring() {
        return;
    }
    let (code, said) = told(&wanted.output().unwrap());
    assert_eq!(code, Some(EXIT_CONFIG), "{said}");
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines.len(), 1, "{said}");
    assert!(lines[0].starts_with("ringboot: io_uring is forbidden (EPERM)"), "{said}");
    assert!(lines[0].ends_with("--driver epoll"), "{said}");
    // Left to itself, it says the same and serves.
    let server = Server::start(&mut auto);
    server.says("io_uring is forbidden (EPERM)", 1);
    server.says("epoll drives the sockets", 1);
    let mut phone = Client::connect(place.http, [127, 0, 0, 1]).unwrap();
    assert_eq!(phone.get("/", "curl").unwrap().status, 404);
}

#[test]
fn mistakes_in_the_settings_name_their_line() {
    let place = Place::new("settings");
    let file = place.folder.join("ringboot.toml");
    for (text, line, words) in [
        ("cores = 1\n\ncolour = 3\n", 3, "colour"),
        ("[proxy]\ncount = 1\ntrusted = [\"nobody\"]\n", 3, "IP"),
        ("http = \"here\"\n", 1, "here"),
        ("cores = 1\ncores = \n", 2, ""),
    ] {
        fs::write(&file, text).unwrap();
        for subcommand in ["serve", "check", "export"] {
            let output = place.command(subcommand).arg("--config").arg(&file).output();
            let (code, said) = told(&output.unwrap());
            assert_eq!(code, Some(EXIT_CONFIG), "{subcommand} {said}");
            let start = format!("ringboot: {}:{line}: ", file.display());
            assert!(said.starts_with(&start) && said.contains(words), "{subcommand} {said}");
        }
    }
    let missing = place.folder.join("missing.toml");
    let output = place.command("serve").arg("--config").arg(&missing).output();
    let (code, said) = told(&output.unwrap());
    assert_eq!(code, Some(EXIT_CONFIG), "{said}");
    assert!(said.contains("missing.toml"), "{said}");
}

#[test]
fn a_check_tells_every_mistake() {
    let mut place = Place::new("check");
    let good = place.command("check").output().unwrap();
    assert!(good.status.success(), "{}", String::from_utf8_lossy(&good.stderr));
    let said = String::from_utf8_lossy(&good.stdout).into_owned();
    let wanted = ["settings: good", "plugins: ", "io_uring: "];
    assert!(said.lines().zip(wanted).all(|(line, start)| line.starts_with(start)), "{said}");

    let [aastra, polycom] = ["aastra", "polycom"].map(|vendor| place.copy_plugins(vendor));
    let manifest = fs::read_to_string(aastra.join("plugin.toml")).unwrap();
    let manifest = manifest.replace("template = \"certificates.tpl\"", "template = \"gone.tpl\"");
    fs::write(aastra.join("plugin.toml"), manifest).unwrap();
    fs::write(polycom.join("templates/phone.tpl"), "line one\n{% if %}\n").unwrap();
    let (code, said) = told(&place.command("check").output().unwrap());
    assert_eq!(code, Some(EXIT_CONFIG), "{said}");
    assert!(said.contains("gone.tpl") && said.contains("phone.tpl:2"), "{said}");
    let (code, served) = told(&place.serving("epoll").output().unwrap());
    assert_eq!(code, Some(EXIT_CONFIG), "{served}");
    assert!(served.contains("gone.tpl"), "{served}");
}

#[test]
fn a_bad_line_imports_nothing() {
    let place = Place::new("import");
    assert!(place.import(stock_configs().into_iter().chain([line(1)])).status.success());
    let before = place.export();
    for (bad, words) in [
        ("{\"device\": {\"id\": \"x\", \"mac\": \"80:5e:c0\"}}", "80:5e:c0"),
        ("{\"device\": {\"id\"", "line 11"),
        ("{\"devices\": {}}", "devices"),
        (&*line(5), "line 4"),
    ] {
        let lines = (2..12).map(line).chain([bad.to_owned()]).chain((12..20).map(line));
        let (code, said) = told(&place.import(lines));
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("line 11: ") && said.contains(words), "{bad}: {said}");
        assert_eq!(place.export(), before, "{bad}");
    }
}

#[test]
fn an_export_is_an_import() {
    let (first, second) = (Place::new("first"), Place::new("second"));
    assert!(first.import(stock_configs().into_iter().chain((0..500).map(line))).status.success());
    let export = first.export();
    assert_eq!(export.lines().count(), 3 + 2 * 500);
    assert!(second.import(export.lines().map(str::to_owned)).status.success());
    assert_eq!(second.export(), export);
    // Taken in again, it changes nothing.
    assert!(second.import(export.lines().map(str::to_owned)).status.success());
    assert_eq!(second.export(), export);
}

#[test]
fn a_hundred_thousand_phones_are_imported_and_served() {
    let place = Place::new("many");
    let lines: Vec<_> = stock_configs().into_iter().chain((0..100_000).map(line)).collect();
    let began = time::now();
    let imported = place.import(lines);
    let import_time = time::now().since(began);
    assert!(imported.status.success(), "{}", told(&imported).1);
    let said = String::from_utf8_lossy(&imported.stdout).into_owned();
    assert!(said.contains("100000 devices and 100003 configurations"), "{said}");
    let began = time::now();
    let server = place.serve("epoll");
    println!("import {import_time:?}, start {:?}", time::now().since(began));
    let mut phone = Client::connect(place.http, [127, 0, 0, 1]).unwrap();
    let agent = "Yealink SIP-T46U 108.86.0.20 80:5e:c0:01:86:9f";
    let own = phone.get("/805ec001869f.cfg", agent).unwrap();
    assert_eq!(own.status, 200, "{}", server.log());
    assert!(own.text().contains("099999"), "{}", own.text());
    assert!(!own.text().contains("099998"), "{}", own.text());
}
