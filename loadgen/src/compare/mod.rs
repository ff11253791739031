//! Ringboot beside other servers: on one core, with the same client, in one run, in turns.

mod flags;
mod material;
mod rounds;
mod servers;
mod table;

pub use flags::CompareFlags;

use crate::lab::client::Client;
use crate::lab::figures::{count, number, real};
use crate::lab::machine::Machine;
use crate::lab::{Told, plot, this_program, whole};
use anyhow::{Context, Result, ensure};
use material::Wanted;
use rounds::{Effort, Run};
use servers::{Kind, Load, Site};
use std::fmt::Write;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::thread;

/// Compares, prints, and writes the paper where one is asked for.
///
/// # Errors
/// A server that is missing or fails, or an answer that was wrong.
pub fn run(flags: &CompareFlags) -> Result<()> {
    let programs = flags.lab.programs()?;
    let plan = plan(flags, &programs)?;
    let (server_core, client_core) = cores();
    let mut site = site(flags, programs, server_core)?;
    eprintln!("making a fleet of {} phones and its files", count(flags.phones()));
    let wanted = Wanted {
        phone: flags.phone.clone(),
        phones: flags.phones(),
        clients: flags.clients,
        loaders: flags.loaders(),
        bytes: flags.bytes,
        firmware_bytes: flags.firmware_bytes(),
    };
    let material = material::make(&mut site, &wanted)?;
    let client = Client { program: this_program()?, core: client_core };
    let effort = Effort {
        rounds: flags.rounds(),
        clients: flags.clients,
        loaders: flags.loaders(),
        seconds: flags.seconds(),
    };
    let runs = rounds::measure(&site, &material, &client, &effort, &plan, &mut |run| {
        eprintln!("{}", line(run));
    })?;
    let machine = machine(&site.programs, &plan);
    let text = text(&machine, &site, &wanted, &effort, &runs);
    println!("{text}");
    flags.lab.write(&Told {
        part: "compare",
        text: &text,
        picture: PICTURE,
        svg: plot::bars("CPU for an operation, by server", &table::panels(&runs)),
        figures: serde_json::json!({ "machine": machine, "runs": runs }),
    })
}

/// The server's core and the client's: the first and the last that there are. On a machine with
/// one core they share it, and the table of the machine says that there is one.
#[must_use]
pub fn cores() -> (Option<usize>, Option<usize>) {
    match thread::available_parallelism().map_or(1, usize::from) {
        1 => (None, None),
        all => (Some(0), Some(all - 1)),
    }
}

/// Which servers serve what. A server that is missing is an error, unless it may be.
fn plan(flags: &CompareFlags, programs: &Path) -> Result<Vec<(Load, Vec<Kind>)>> {
    let is_wanted = |kind: &Kind| flags.servers.is_empty() || flags.servers.contains(kind);
    let mut there = Vec::new();
    for kind in Kind::ALL.into_iter().filter(is_wanted) {
        match kind.program(programs) {
            Ok(_) => there.push(kind),
            Err(error) if flags.skip_missing && !kind.is_own() => {
                eprintln!("left out: {error:#}");
            }
            Err(error) => return Err(error),
        }
    }
    let is_wanted = |load: &Load| flags.loads.is_empty() || flags.loads.contains(load);
    let with = |load: Load| {
        let its = load.servers().iter().copied().filter(|kind| there.contains(kind)).collect();
        (load, its)
    };
    let plan: Vec<(Load, Vec<Kind>)> = Load::ALL.into_iter().filter(is_wanted).map(with).collect();
    ensure!(plan.iter().any(|(_, servers)| !servers.is_empty()), "nothing to compare");
    Ok(plan)
}

fn site(flags: &CompareFlags, programs: PathBuf, core: Option<usize>) -> Result<Site> {
    fs::create_dir_all(&flags.dir).with_context(|| flags.dir.display().to_string())?;
    let folder = whole(&flags.dir)?;
    Ok(Site {
        root: folder.join("root"),
        data: folder.join("data"),
        plugins: whole(&flags.lab.plugins_dir)?,
        programs,
        bytes: flags.bytes,
        small: String::new(),
        address: SocketAddr::from(([127, 0, 0, 1], flags.port)),
        core,
        folder,
    })
}

fn machine(programs: &Path, plan: &[(Load, Vec<Kind>)]) -> Machine {
    let mut machine = Machine::describe();
    let has = |kind: Kind| plan.iter().any(|(_, servers)| servers.contains(&kind));
    for (kind, program, flag) in [
        (Kind::Ringboot, &*programs.join("ringboot").to_string_lossy(), "--version"),
        (Kind::Nginx, "nginx", "-v"),
        (Kind::Dnsmasq, "dnsmasq", "--version"),
        (Kind::Tftpd, "in.tftpd", "--version"),
    ] {
        if has(kind) {
            machine.add_version(kind.name(), program, flag);
        }
    }
    machine
}

fn line(run: &Run) -> String {
    let Run { server, load, round, per_second, p50_us, p99_us, cpu_us, client_cpu_us, .. } = run;
    let [rate, p50, p99, cpu, client] =
        [per_second, p50_us, p99_us, cpu_us, client_cpu_us].map(|value| number(*value));
    format!(
        "round {} {:<32} {:<10} {rate:>9}/s  p50 {p50:>6} µs  p99 {p99:>6} µs  \
         CPU {cpu:>6} µs  client {client:>6} µs",
        round + 1,
        load.title(),
        server.name()
    )
}

/// The paper's part: all of it comes from the runs.
fn text(machine: &Machine, site: &Site, wanted: &Wanted, effort: &Effort, runs: &[Run]) -> String {
    let Effort { rounds, clients, loaders, seconds } = effort;
    let mut text = format!(
        "## Beside other servers\n\n\
         Each server in its turn on one core, the same closed-loop client on another, {rounds} \
         rounds in alternating order, {clients} clients, {seconds} s a measurement. A small file \
         has {} bytes. Ringboot knows {} phones; each client is one of them, with its own \
         address and its own file, identified, routed and rendered. Its clients repeat \
         themselves, as phones do that hear nothing or boot again: it remembers their requests, \
         and what it decided, as long as nothing changes that this rests on. In the rows of no \
         request twice each request has something in it that none before had, so that each is \
         read and decided; the User-Agent and the rendered file are remembered there, too. The \
         others have the same bytes as plain files; the bare loop parses nothing and always \
         sends the same. The client checks every answer. CPU is the processor time of all of a \
         server's threads and children, by their control group or else by the scheduler's count \
         of each thread; the kernel's ticks differ from it by {} % (median). \
         Figures are medians, with the least and the most in parentheses; ratios are of the same \
         round.\n\n{}\n![CPU for an operation]({PICTURE})\n",
        count(site.bytes as u64),
        count(wanted.phones),
        number(table::ticks_off_percent(runs)),
        machine.table(),
    );
    for load in table::loads(runs) {
        let _ = write!(text, "\n### {}\n\n", load.title());
        if load == Load::Files {
            let mib = real(wanted.firmware_bytes as u64) / f64::from(1 << 20);
            let _ = write!(
                text,
                "{} clients load {} MiB each, at once. One more client asks for small files \
                 meanwhile, a connection for each: the worst half second of it.\n\n",
                count(*loaders as u64),
                number(mib)
            );
        }
        text += &table::of_load(runs, load);
    }
    let _ = write!(
        text,
        "\n### What is wanted\n\n{}\nAn earlier run on a machine of this kind, {clients} clients, \
         one server core, a file of 2,000 bytes:\n\n{}",
        table::goals(runs),
        table::earlier(runs)
    );
    text
}

/// The picture's file, beside the paper.
const PICTURE: &str = "performance.svg";
