//! What requests tell, row by row; ties are listed, and any of the tied values will do.

use super::{Bench, Score, texts};
use ringboot::tools::explain;
use serde_json::Value as Json;
use std::collections::BTreeMap;

type Info = BTreeMap<String, String>;

#[test]
fn extraction_is_that_of_the_corpus() {
    let Some(bench) = Bench::open() else { return };
    let rows = bench.rows("extract.jsonl");
    let input: Vec<String> = rows.iter().map(ToString::to_string).collect();
    let mut output = Vec::new();
    let bad =
        explain::run(&bench.plugins, (false, false), input.join("\n").as_bytes(), &mut output);
    assert_eq!(bad.expect("a stream in memory"), 0);
    let answers = std::str::from_utf8(&output).expect("JSON lines").lines();
    let mut score = Score::default();
    let mut ties = Vec::new();
    for (row, answer) in rows.iter().zip(answers) {
        let answer: Json = serde_json::from_str(answer).expect("a JSON line");
        let Some((vendor, wanted)) = wanted(&bench, row) else { continue };
        let told = texts(&answer, "info");
        if told != wanted && is_tie(row, &told, &wanted) {
            ties.push(format!("{}: {told:?}, the corpus {wanted:?}", row["id"]));
            score.count(&vendor, Ok(()));
            continue;
        }
        let same = told == wanted;
        let wrong = || format!("{}: {told:?}, not {wanted:?}", row["id"]);
        score.count(&vendor, if same { Ok(()) } else { Err(wrong()) });
    }
    for tie in &ties {
        println!("tie {tie}");
    }
    score.settle("extraction");
}

/// What the plugins that are loaded should say, and for whom it counts. A row in which others
/// took part counts with the vote of those that are here.
fn wanted(bench: &Bench, row: &Json) -> Option<(String, Info)> {
    let failed = |plugin: &str| row["errors"].get(plugin).is_some();
    let said = row["plugins"].as_array()?.iter().filter_map(Json::as_str);
    let said: Vec<&str> = said.filter(|plugin| !failed(plugin)).collect();
    let key = if row.get("expect_isolated").is_some() { "expect_isolated" } else { "expect" };
    let all = texts(row, key);
    let transport = |key: &str| key == "ip" || (key == "mac" && row["protocol"] == "dhcp");
    let base: Info = all.clone().into_iter().filter(|(key, _)| transport(key)).collect();
    if said.is_empty() {
        return Some(("nobody".to_owned(), base));
    }
    let here: Vec<&str> = said.iter().copied().filter(|plugin| bench.has(plugin)).collect();
    let release = bench.plugins.release(here.first()?)?;
    let vendor = release.vendor().to_string();
    if here.len() == said.len() {
        return Some((vendor, all));
    }
    let mut votes: BTreeMap<(String, String), usize> = BTreeMap::new();
    for plugin in here {
        for vote in texts(&row["per_plugin"], plugin) {
            *votes.entry(vote).or_default() += 1;
        }
    }
    let mut info = Info::new();
    for ((key, value), count) in &votes {
        let best = votes.iter().filter(|((other, _), _)| other == key).map(|(_, n)| *n).max();
        if best == Some(*count) {
            info.insert(key.clone(), value.clone());
        }
    }
    info.extend(base);
    Some((vendor, info))
}

fn is_tie(row: &Json, told: &Info, wanted: &Info) -> bool {
    let tied = |key: &String| {
        let values = row["tie_values"].get(key).and_then(Json::as_array);
        let is = |value: &Json| value.as_str() == told.get(key).map(String::as_str);
        values.is_some_and(|values| values.iter().any(is))
    };
    row["tie"] == true
        && told.keys().chain(wanted.keys()).all(|key| told.get(key) == wanted.get(key) || tied(key))
}
