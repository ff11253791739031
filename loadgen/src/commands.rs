//! What the flags ask for, done: fleets made, storms run, figures shown, an exit code for each end.

use crate::chance::Chance;
use crate::compare;
use crate::driver::{Plan, Planned, Room, Snapshot, Storm};
use crate::flags::{
    Choice, Command, EXIT_BROKEN_OFF, EXIT_LOST, EXIT_UNFINISHED, EXIT_WELL, EXIT_WRONG,
    FleetFlags, StormFlags,
};
use crate::fleet::{Fleet, Recipe, loopback};
use crate::hammer;
use crate::mix::Mix;
use crate::phone::Setup;
use crate::profile::{Profile, Profiles, Transport};
use crate::progress::Progress;
use crate::provd::{self, Written};
use crate::report::Summary;
use crate::scale;
use anyhow::{Context, Result, bail};
use ringboot::time::{self, Duration};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag::{register, register_conditional_shutdown};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, BufWriter, IsTerminal, Write, stderr};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Does it; returns the exit code.
///
/// # Errors
/// What kept it from being done.
pub fn run(command: &Command) -> Result<u8> {
    match command {
        Command::Fleet(flags) => fleet(flags).map(|()| EXIT_WELL),
        Command::Storm(flags) => storm(flags),
        Command::Compare(flags) => compare::run(flags).map(|()| EXIT_WELL),
        Command::Scale(flags) => scale::run(flags).map(|()| EXIT_WELL),
        Command::Hammer(flags) => hammer::run(flags),
    }
}

/// The exit code of a storm with these figures.
#[must_use]
pub fn exit_code(summary: &Summary) -> u8 {
    match summary {
        Summary { wrong: 1.., .. } => EXIT_WRONG,
        Summary { lost: 1.., .. } => EXIT_LOST,
        Summary { unfinished: 1.., .. } => EXIT_UNFINISHED,
        _ => EXIT_WELL,
    }
}

fn fleet(flags: &FleetFlags) -> Result<()> {
    let begun = time::now();
    let profiles = Profiles::load(&flags.plugins_dir)?;
    let mix = flags.mix.clone().unwrap_or_else(|| Mix::even(&profiles));
    let FleetFlags { phones: count, seed, spread, .. } = *flags;
    let fleet = Fleet::generate(&profiles, &Recipe { count, mix, seed, spread })?;
    if let Some(out) = &flags.out {
        let name = out.display();
        let file = File::create(out).with_context(|| name.to_string())?;
        let mut out = BufWriter::with_capacity(1 << 20, file);
        fleet
            .write(&flags.tenant, &mut out)
            .and_then(|_| out.flush())
            .with_context(|| name.to_string())?;
        let took = time::now().since(begun);
        eprintln!("{name}: {count} phones in {:.2} s", took.as_secs_f64());
    }
    if let Some(root) = &flags.wazo_provd {
        let name = root.display();
        let written = provd::write(&fleet, &flags.tenant, seed, root);
        let Written { devices, configs, broken, templates } =
            written.with_context(|| name.to_string())?;
        eprintln!(
            "{name}: {devices} files of devices, {configs} of configurations, {broken} of them \
             broken, {templates} templates"
        );
    }
    let mut counts = BTreeMap::new();
    for member in &fleet.members {
        *counts.entry(member.profile.as_str()).or_insert(0_u64) += 1;
    }
    for (profile, count) in counts {
        eprintln!("{count:>9} {profile}");
    }
    Ok(())
}

fn storm(flags: &StormFlags) -> Result<u8> {
    let plan = plan(flags)?;
    let phones = plan.phones.len() as u64;
    let interrupted = interruption().context("signals")?;
    let mut progress = Progress::new(phones, flags.no_progress || !stderr().is_terminal());
    let begun = time::now();
    let storm = Storm::start(plan).context("threads cannot be made")?;
    while !storm.is_finished() {
        thread::sleep(TICK);
        if interrupted.load(Ordering::Relaxed) {
            storm.stop();
        }
        show(&mut progress, time::now().since(begun), storm.snapshot());
    }
    progress.finish();
    let (report, elapsed) = storm.join().context("io_uring is needed and was refused")?;
    let summary = report.summary(elapsed);
    print!("{summary}");
    if let Some(path) = &flags.json {
        let json = serde_json::to_string_pretty(&summary).context("figures")?;
        std::fs::write(path, json + "\n").with_context(|| path.display().to_string())?;
    }
    Ok(exit_code(&summary))
}

/// Set by SIGINT or SIGTERM, so that a storm that is broken off has its figures; the second signal
/// ends the process.
fn interruption() -> std::io::Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        register_conditional_shutdown(signal, EXIT_BROKEN_OFF, Arc::clone(&flag))?;
        register(signal, Arc::clone(&flag))?;
    }
    Ok(flag)
}

const TICK: Duration = Duration::from_millis(100);

fn show(progress: &mut Progress, elapsed: Duration, snapshot: Snapshot) {
    if let Some(line) = progress.tick(elapsed, snapshot) {
        eprintln!("{line}");
    }
}

/// Reads the fleet, sees that everything it needs is there, and sets the starts.
fn plan(flags: &StormFlags) -> Result<Plan> {
    let name = flags.fleet.display();
    let profiles = Profiles::load(&flags.plugins_dir)?;
    let file = File::open(&flags.fleet).with_context(|| name.to_string())?;
    let mut fleet = Fleet::read(BufReader::new(file)).with_context(|| name.to_string())?;
    fleet.members.truncate(flags.phones.unwrap_or(usize::MAX));
    let count = fleet.members.len();
    if count == 0 {
        bail!("no phone to boot");
    }
    let mut chance = Chance::new(flags.seed);
    let starts = flags.arrival.schedule(count, flags.over, &mut chance);
    let mut phones = Vec::with_capacity(count);
    for (index, (mut member, after)) in (0..).zip(fleet.members.into_iter().zip(starts)) {
        let profile = profiles
            .find(&member.profile)
            .with_context(|| format!("{name}: no profile {}", member.profile))?;
        check_servers(profile, flags)?;
        let own = member.address.unwrap_or_else(|| loopback(index));
        member.address = flags.spread.then_some(own);
        phones.push(Planned { after, profile: Arc::clone(profile), member: Arc::new(member) });
    }
    let count = phones.len() as u64;
    let room = Room::make(count)?;
    if let Some(complaint) = room.complaint(count, flags.spread) {
        eprintln!("{complaint}");
    }
    let cores = || thread::available_parallelism().map_or(1, usize::from);
    Ok(Plan {
        phones,
        setup: setup(flags),
        threads: flags.threads.unwrap_or_else(cores).max(1),
        at_once: usize::try_from(room.at_once(flags.spread)).unwrap_or(usize::MAX),
        limit: flags.limit,
    })
}

fn setup(flags: &StormFlags) -> Setup {
    Setup {
        http: flags.http,
        tftp: flags.tftp,
        answer_time: flags.timeout,
        attempts: flags.attempts,
        keep_alive: flags.keep_alive == Choice::Yes,
        seed: flags.seed,
    }
}

/// Every protocol that the phone speaks has a server, and one that its address reaches.
fn check_servers(profile: &Profile, flags: &StormFlags) -> Result<()> {
    for step in &profile.steps {
        let server: Option<SocketAddr> = match step.transport {
            Transport::Http => flags.http,
            Transport::Tftp => flags.tftp,
        };
        let protocol = step.transport.name();
        let Some(server) = server else {
            bail!("{} needs --{protocol} IP:PORT", profile.name);
        };
        let is_loopback = server.is_ipv4() && server.ip().is_loopback();
        if flags.spread && !is_loopback {
            bail!("--spread needs servers on 127.0.0.0/8, and --{protocol} is {server}");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phone::Event;
    use crate::phone::Outcome::{self, Lost, Provisioned, Wrong};
    use crate::report::Report;

    #[test]
    fn every_end_has_its_code_and_the_worst_counts() {
        let ended = |outcome| Event::Ended { outcome, took: Duration::ZERO };
        let code = |phones, outcomes: &[Outcome]| {
            let mut report = Report::of(phones);
            for &outcome in outcomes {
                report.record(Duration::ZERO, &"acme".into(), ended(outcome));
            }
            exit_code(&report.summary(Duration::from_secs(1)))
        };
        assert_eq!(code(2, &[Provisioned, Provisioned]), 0);
        assert_eq!(code(3, &[Provisioned, Lost, Wrong]), 3);
        assert_eq!(code(3, &[Provisioned, Lost]), 4);
        assert_eq!(code(2, &[Provisioned]), 5);
    }
}
