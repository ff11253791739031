//! Rounds: every server in its turn, alone on its core, first to last and then last to first.

use super::material::Material;
use super::servers::{Kind, Load, Site};
use crate::lab::client::{Client, Hammered};
use crate::lab::figures::real;
use crate::lab::process::{Server, wait_until_free};
use crate::lab::spent::Spent;
use anyhow::{Context, Result, ensure};
use std::thread;

use crate::limits::COMPARE_BACKGROUND_LEAD;

/// How hard and how often.
#[derive(Clone, Debug)]
pub struct Effort {
    /// Rounds of all servers.
    pub rounds: usize,
    /// Clients of small files.
    pub clients: usize,
    /// Clients of the large file.
    pub loaders: usize,
    /// Time of a measurement.
    pub seconds: f64,
}

/// One measurement of one server.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub struct Run {
    /// Of whom.
    pub server: Kind,
    /// Doing what.
    pub load: Load,
    /// In which round, from 0.
    pub round: usize,
    /// Operations a second; of large files, MiB a second.
    pub per_second: f64,
    /// Half of the answers took at most this; with large files, answers of small ones meanwhile.
    pub p50_us: f64,
    /// The same for 99 of 100.
    pub p99_us: f64,
    /// Processor time of the server for one operation; of large files, for one MiB.
    pub cpu_us: f64,
    /// The same by the kernel's ticks: a check, without children that nobody waited for.
    pub ticks_us: f64,
    /// Processor time of the client for one operation, or one MiB.
    pub client_cpu_us: f64,
}

/// The order of a round: forwards in even ones, backwards in odd ones, so that what drifts over
/// the run touches all alike.
pub fn order<T: Copy>(all: &[T], round: usize) -> Vec<T> {
    if round.is_multiple_of(2) { all.to_vec() } else { all.iter().rev().copied().collect() }
}

/// Measures all of `loads` and `servers` in all rounds; `tell` hears of each measurement.
///
/// # Errors
/// A server that does not serve, or an answer that was wrong.
pub fn measure(
    site: &Site,
    material: &Material,
    client: &Client,
    effort: &Effort,
    plan: &[(Load, Vec<Kind>)],
    tell: &mut impl FnMut(&Run),
) -> Result<Vec<Run>> {
    let mut runs = Vec::new();
    for (load, servers) in plan {
        for round in 0..effort.rounds {
            for server in order(servers, round) {
                let one = One { server, load: *load, site, material, client, effort };
                let run = one.measure(round);
                let run = run.with_context(|| format!("{}: {}", server.name(), load.title()))?;
                tell(&run);
                runs.push(run);
            }
        }
    }
    Ok(runs)
}

/// One measurement that is to be made.
struct One<'a> {
    server: Kind,
    load: Load,
    site: &'a Site,
    material: &'a Material,
    client: &'a Client,
    effort: &'a Effort,
}

impl One<'_> {
    fn measure(&self, round: usize) -> Result<Run> {
        let Self { server: kind, load, site, .. } = *self;
        let mut command = kind.command(load, site)?;
        wait_until_free(kind.address(load, site))?;
        let log = site.folder.join(format!("{}.log", kind.name()));
        let mut server = Server::start(kind.name(), &mut command, &log)?;
        server.wait_shortly(&kind.ready(load, site))?;
        let run = match load {
            Load::Files => self.large(&server, round),
            Load::Close | Load::Keep | Load::Tftp => self.small(&server, round),
        }?;
        server.stop()?;
        Ok(run)
    }

    /// All that the server used, for all that it answered, the warm-up's answers too.
    fn small(&self, server: &Server, round: usize) -> Result<Run> {
        let Effort { clients, seconds, .. } = *self.effort;
        let before = server.usage()?;
        let hammered = self.client.run(&self.requests(self.load, clients, seconds))?;
        let spent = server.usage()?.since(&before);
        ensure!(hammered.answers >= hammered.operations, "the client counts no warm-up");
        let answers = real(hammered.answers);
        let ticks = real(spent.ticks_ns) / 1000.0 / answers;
        Ok(Run {
            server: self.server,
            load: self.load,
            round,
            per_second: hammered.per_second,
            p50_us: hammered.p50_us,
            p99_us: hammered.p99_us,
            cpu_us: self.cpu_us(spent, answers),
            ticks_us: ticks,
            client_cpu_us: hammered.client_cpu_us_per_operation,
        })
    }

    /// The large file to all loaders at once; one more client asks for small ones meanwhile, so
    /// seldom that it costs the server next to nothing.
    fn large(&self, server: &Server, round: usize) -> Result<Run> {
        let before = server.usage()?;
        let mut loaders = self.client.start(&self.downloads())?;
        thread::sleep(COMPARE_BACKGROUND_LEAD);
        let mut seen = Vec::new();
        while loaders.is_running() {
            let small = self.client.run(&self.requests(Load::Close, 1, BACKGROUND_SECONDS))?;
            // What ran beyond the large file's end says nothing.
            if loaders.is_running() {
                seen.push(small);
            }
        }
        let loaded = loaders.finish()?;
        let spent = server.usage()?.since(&before);
        let mib = real(loaded.bytes) / f64::from(1 << 20);
        let all = self.effort.loaders as u64;
        ensure!(loaded.operations == all, "{} of {all} have the file", loaded.operations);
        let worst = |of: fn(&Hammered) -> f64| seen.iter().map(of).fold(f64::NAN, f64::max);
        Ok(Run {
            server: self.server,
            load: self.load,
            round,
            per_second: mib / loaded.seconds,
            p50_us: worst(|small| small.p50_us),
            p99_us: worst(|small| small.p99_us),
            cpu_us: self.cpu_us(spent, mib),
            ticks_us: real(spent.ticks_ns) / 1000.0 / mib,
            client_cpu_us: loaded.client_cpu_us_per_operation * real(all) / mib,
        })
    }

    /// Unknown where the group alone knows and there is none.
    fn cpu_us(&self, spent: Spent, operations: f64) -> f64 {
        if self.server.loses_children() && spent.group_ns.is_none() {
            return f64::NAN;
        }
        spent.micros_each(operations)
    }

    fn requests(&self, load: Load, clients: usize, seconds: f64) -> Vec<String> {
        let protocol = if load == Load::Tftp { "tftp" } else { "http" };
        let mut words: Vec<String> = vec![protocol.to_owned()];
        words.extend(self.to());
        words.extend(["--requests".to_owned(), self.material.small.display().to_string()]);
        words.extend(["--bytes".to_owned(), self.site.bytes.to_string()]);
        words.extend(["--clients".to_owned(), clients.to_string()]);
        words.extend(["--seconds".to_owned(), seconds.to_string()]);
        if load == Load::Keep {
            words.push("--keep".to_owned());
        }
        if self.server == Kind::Anew {
            words.push("--anew".to_owned());
        }
        words
    }

    fn downloads(&self) -> Vec<String> {
        let mut words = vec!["download".to_owned()];
        words.extend(self.to());
        words.extend(["--requests".to_owned(), self.material.large.display().to_string()]);
        words.extend(["--file".to_owned(), self.material.firmware.display().to_string()]);
        words.extend(["--clients".to_owned(), self.effort.loaders.to_string()]);
        words
    }

    fn to(&self) -> [String; 2] {
        ["--to".to_owned(), self.server.address(self.load, self.site).to_string()]
    }
}

/// Time of one look at small files while the large one is loaded; a warm-up comes on top.
const BACKGROUND_SECONDS: f64 = 0.5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_alternate() {
        assert_eq!(order(&['a', 'b', 'c'], 0), ['a', 'b', 'c']);
        assert_eq!(order(&['a', 'b', 'c'], 1), ['c', 'b', 'a']);
        assert_eq!(order(&['a', 'b', 'c'], 2), ['a', 'b', 'c']);
    }
}
