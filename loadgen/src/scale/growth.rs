//! How costs grow with an amount: gathered measurement by measurement, told as tables and curves.

use super::fit::Fit;
use crate::lab::figures::{number, real, thousands};
use crate::lab::plot::Curve;
use std::fmt::Write;

/// The costs of a growing amount of something.
#[derive(Clone, PartialEq, Debug, Default, serde::Serialize)]
pub struct Growth {
    /// Of what.
    pub along: String,
    /// In the order in which they were first told.
    pub costs: Vec<Cost>,
}

/// One cost.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub struct Cost {
    /// What it is, and in what unit.
    pub name: String,
    /// Amounts and costs, in the order in which they were measured.
    pub points: Vec<(f64, f64)>,
}

impl Growth {
    /// Of something that nothing is known of yet.
    #[must_use]
    pub fn new(along: &str) -> Self {
        Self { along: along.to_owned(), costs: Vec::new() }
    }

    /// At this amount, this cost is so much.
    pub fn add(&mut self, amount: u64, name: &str, cost: f64) {
        let index = self.costs.iter().position(|of| of.name == name).unwrap_or_else(|| {
            self.costs.push(Cost { name: name.to_owned(), points: Vec::new() });
            self.costs.len() - 1
        });
        self.costs[index].points.push((real(amount), cost));
    }

    /// A row a cost, a column an amount, and the exponent of each cost.
    #[must_use]
    pub fn table(&self) -> String {
        let mut amounts: Vec<f64> = Vec::new();
        for &(amount, _) in self.costs.iter().flat_map(|cost| &cost.points) {
            if !amounts.contains(&amount) {
                amounts.push(amount);
            }
        }
        let heads: Vec<String> =
            amounts.iter().map(|amount| thousands(&format!("{amount}"))).collect();
        let mut table = format!("| {} | {} | exponent |\n", self.along, heads.join(" | "));
        let _ = writeln!(table, "|---|{}---|", "---|".repeat(amounts.len()));
        for cost in &self.costs {
            let at = |amount: &f64| {
                let found = cost.points.iter().find(|(of, _)| of == amount);
                found.map_or_else(|| "–".to_owned(), |(_, cost)| number(*cost))
            };
            let cells: Vec<String> = amounts.iter().map(at).collect();
            let exponent = cost.fit().map_or_else(|| "–".to_owned(), |fit| exponent(fit.exponent));
            let _ = writeln!(table, "| {} | {} | {exponent} |", cost.name, cells.join(" | "));
        }
        table
    }

    /// A curve a cost.
    pub fn curves(&self) -> impl Iterator<Item = Curve> {
        let is_drawn = |point: &&(f64, f64)| point.0 > 0.0 && point.1 > 0.0;
        self.costs.iter().map(move |cost| Curve {
            title: cost.name.clone(),
            along: match cost.fit() {
                Some(fit) => format!("{}; exponent {}", self.along, exponent(fit.exponent)),
                None => self.along.clone(),
            },
            points: cost.points.iter().filter(is_drawn).copied().collect(),
        })
    }
}

impl Cost {
    /// The line through its points.
    #[must_use]
    pub fn fit(&self) -> Option<Fit> {
        Fit::of(&self.points)
    }
}

/// Two digits behind the point, and no zero with a sign.
fn exponent(exponent: f64) -> String {
    let text = format!("{exponent:.2}");
    if text == "-0.00" { "0.00".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn growth() -> Growth {
        let mut growth = Growth::new("devices");
        for (amount, seconds, bytes) in [(10_000, 0.2, 400.0), (1_000_000, 20.0, 399.9)] {
            growth.add(amount, "start, s", seconds);
            growth.add(amount, "memory, bytes a device", bytes);
        }
        growth.add(1_000_000, "decision, ns", 700.0);
        growth
    }

    #[test]
    fn a_table_has_amounts_costs_and_exponents() {
        assert_eq!(
            growth().table().lines().collect::<Vec<_>>(),
            [
                "| devices | 10,000 | 1,000,000 | exponent |",
                "|---|---|---|---|",
                "| start, s | 0.200 | 20.0 | 1.00 |",
                "| memory, bytes a device | 400 | 400 | 0.00 |",
                "| decision, ns | – | 700 | – |",
            ]
        );
    }

    #[test]
    fn curves_carry_their_exponents() {
        let curves: Vec<Curve> = growth().curves().collect();
        assert_eq!(curves.len(), 3);
        assert_eq!(curves[0].title, "start, s");
        assert_eq!(curves[0].along, "devices; exponent 1.00");
        assert_eq!(curves[2].along, "devices");
        assert_eq!(curves[0].points.len(), 2);
    }
}
