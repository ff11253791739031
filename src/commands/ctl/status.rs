//! Whether a server works, and what it has done, from its own figures.

use anyhow::Result;
use serde_json::{Map, Value, json};

use super::client::Client;
use super::table;

/// What people want to know first: a word, and the figure that tells it, summed over its labels.
const FIGURES: [(&str, &str); 12] = [
    ("devices", "ringboot_devices"),
    ("configurations", "ringboot_configs"),
    ("plugins", "ringboot_plugins"),
    ("requests", "ringboot_requests_total"),
    ("boots begun", "ringboot_boots_begun_total"),
    ("boots completed", "ringboot_boots_completed_total"),
    ("boots in progress", "ringboot_boots_in_progress"),
    ("connections", "ringboot_connections"),
    ("transfers", "ringboot_tftp_transfers_in_progress"),
    ("documents to write", "ringboot_store_pending_documents"),
    ("memory, bytes", "process_resident_memory_bytes"),
    ("open files", "process_open_fds"),
];

/// Prints it. A server that is not ready is an answer, too.
pub fn tell(client: &Client, json: bool) -> Result<()> {
    let ready = client.ask("GET", "/readyz", None, None)?;
    let page = client.ask("GET", "/metrics", None, None)?.good("/metrics")?.text;
    let figures: Map<String, Value> = FIGURES
        .iter()
        .filter_map(|(word, name)| Some(((*word).to_owned(), json!(sum(&page, name)?))))
        .collect();
    let (state, version) = (ready.text.trim(), version(&page).unwrap_or_default());
    if json {
        let is_ready = ready.status == 200;
        let whole = json!({"ready": is_ready, "state": state, "version": version,
                           "figures": figures});
        println!("{whole}");
        return Ok(());
    }
    let mut rows =
        vec![["state".to_owned(), state.to_owned()], ["version".to_owned(), version.to_owned()]];
    rows.extend(figures.iter().map(|(word, figure)| [word.clone(), figure.to_string()]));
    table::print(["SERVER", ""], &rows);
    Ok(())
}

/// The sum of a figure over its labels; none where it is not there.
fn sum(page: &str, name: &str) -> Option<u64> {
    let samples = page.lines().filter_map(|line| line.strip_prefix(name));
    let values = samples.filter(|rest| rest.starts_with([' ', '{']));
    let values = values.filter_map(|rest| rest.rsplit_once(' ')?.1.parse::<u64>().ok());
    values.fold(None, |sum, value| Some(sum.unwrap_or(0) + value))
}

fn version(page: &str) -> Option<&str> {
    let (_, rest) = page.split_once("ringboot_build_info{version=\"")?;
    rest.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_summed_over_their_labels() {
        let page = "# TYPE a gauge\na{b=\"c d\"} 2\na{b=\"e\"} 3\na_b 9\n\
                    ringboot_build_info{version=\"1.2\"} 1\n";
        assert_eq!((sum(page, "a"), sum(page, "a_b"), sum(page, "x")), (Some(5), Some(9), None));
        assert_eq!(version(page), Some("1.2"));
    }
}
