//! How costs grow: with devices, phones, connections and cores, each with its exponent.

mod connections;
mod cores;
mod devices;
mod fit;
mod flags;
mod growth;
mod phones;
mod stage;

pub use flags::ScaleFlags;

use crate::lab::machine::Machine;
use crate::lab::{self, plot};
use anyhow::{Result, ensure};
use flags::Part;
use growth::Growth;
use stage::Stage;
use std::fmt::Write;

/// Measures, prints, and writes the paper where one is asked for.
///
/// # Errors
/// What could not be measured.
pub fn run(flags: &ScaleFlags) -> Result<()> {
    let stage = Stage::new(flags)?;
    let mut told = Vec::new();
    for Kind { part, along, note, measure } in KINDS {
        if flags.wants(part) {
            let mut growth = Growth::new(along);
            // What was measured before a failure is not lost, and the other parts are measured.
            let ended = measure(flags, &stage, &mut growth);
            let failure = ended.err().map(|error| format!("{error:#}"));
            println!("{}", growth.table());
            if let Some(failure) = &failure {
                eprintln!("{along}: {failure}");
            }
            told.push(Told { note, growth, failure });
        }
    }
    let mut machine = Machine::describe();
    machine.add_version("ringboot", &stage.server.to_string_lossy(), "--version");
    let growths: Vec<&Growth> = told.iter().map(|told| &told.growth).collect();
    let curves: Vec<plot::Curve> = growths.iter().flat_map(|growth| growth.curves()).collect();
    flags.lab.write(&lab::Told {
        part: "scale",
        text: &text(&machine, &told),
        picture: PICTURE,
        svg: plot::curves("Growth of costs", &curves),
        figures: serde_json::json!({ "machine": machine, "growths": growths }),
    })?;
    let failed: Vec<&str> =
        told.iter().filter(|told| told.failure.is_some()).map(|told| &*told.growth.along).collect();
    ensure!(failed.is_empty(), "not all of it could be measured: {}", failed.join(", "));
    Ok(())
}

/// A kind of growth: what is added, and what measures it.
struct Kind {
    part: Part,
    along: &'static str,
    note: &'static str,
    measure: fn(&ScaleFlags, &Stage, &mut Growth) -> Result<()>,
}

const KINDS: [Kind; 4] = [
    Kind { part: Part::Devices, along: "devices", note: devices::NOTE, measure: devices::measure },
    Kind { part: Part::Phones, along: "phones", note: phones::NOTE, measure: phones::measure },
    Kind {
        part: Part::Connections,
        along: "connections",
        note: connections::NOTE,
        measure: connections::measure,
    },
    Kind { part: Part::Cores, along: "cores", note: cores::NOTE, measure: cores::measure },
];

/// What there is to tell of one of them.
struct Told {
    note: &'static str,
    growth: Growth,
    failure: Option<String>,
}

/// The picture's file, beside the paper.
const PICTURE: &str = "scale.svg";

fn text(machine: &Machine, told: &[Told]) -> String {
    let mut text = format!(
        "## Growth\n\nThe exponent is the slope of a line through the points on logarithmic axes: \
         0 is a cost that stays, 1 one that grows as the amount does.\n\n{}\n\
         ![Growth of costs]({PICTURE})\n",
        machine.table()
    );
    for Told { note, growth, failure } in told {
        let _ = write!(text, "\n### By {}\n\n{note}\n\n{}", growth.along, growth.table());
        if let Some(failure) = failure {
            let first = failure.lines().next().unwrap_or_default();
            let _ = writeln!(text, "\nIt ended there: {first}");
        }
    }
    text
}
