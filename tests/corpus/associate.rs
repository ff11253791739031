//! Which release fits which phone: every score, and the winner among those that are loaded.

use super::{Bench, Score, texts};
use ringboot::plugin::{Info, PROBABLE};
use serde_json::Value as Json;

#[test]
fn association_is_that_of_the_corpus() {
    let Some(bench) = Bench::open() else { return };
    let mut score = Score::default();
    for row in bench.rows("associate.jsonl") {
        let info = texts(&row, "dev_info");
        let value = |key: &str| info.get(key).map(String::as_bytes);
        let known =
            Info { vendor: value("vendor"), model: value("model"), version: value("version") };
        let standard = row["scores_default"].as_i64().expect("a score");
        let wanted = |id: &str| row["scores"].get(id).and_then(Json::as_i64).unwrap_or(standard);
        let mut wrong = Vec::new();
        let mut best: Option<(i64, &str)> = None;
        for (id, score) in bench.plugins.scores(&known) {
            if i64::from(score) != wanted(id) {
                wrong.push(format!("{id} {score}, not {}", wanted(id)));
            }
            best = best.max(Some((wanted(id), id)));
        }
        let winner = best.filter(|(score, _)| *score >= i64::from(PROBABLE)).map(|(_, id)| id);
        let ours = bench.plugins.associate(&known).map(|release| &**release.id());
        if winner != ours {
            wrong.push(format!("{ours:?} wins, not {winner:?}"));
        }
        let loaded =
            |vendor: &&str| bench.plugins.releases().iter().any(|r| **r.vendor() == **vendor);
        let vendor = info.get("vendor").map(String::as_str).filter(loaded).unwrap_or("others");
        let outcome = if wrong.is_empty() { Ok(()) } else { Err(wrong.join(", ")) };
        score.count(vendor, outcome.map_err(|wrong| format!("{info:?}: {wrong}")));
    }
    score.settle("association");
}
