//! Figures against data whose percentiles are known.

use super::*;
use crate::inspect::Wrong;
use crate::phone::Trouble;

fn vendor() -> Arc<str> {
    "acme".into()
}

fn answer(millis: u64, wrong: Option<Wrong>) -> Event {
    Event::Answered(Answer {
        transport: Transport::Http,
        expect: Expect::Own,
        latency: Duration::from_millis(millis),
        bytes: 10,
        wrong: wrong.map(|wrong| ("acme/A1 GET /x".to_owned(), wrong)),
    })
}

fn near(found: f64, wanted: f64) {
    assert!((found - wanted).abs() <= wanted / 1000.0, "{found} is not {wanted}");
}

/// 1 … 10,000 ms, in two threads' reports.
fn thousands() -> Report {
    let mut parts = [Report::default(), Report::default()];
    for millis in 1..=10_000 {
        let part = &mut parts[usize::from(millis % 3 == 0)];
        part.phones += 1;
        part.record(Duration::ZERO, &vendor(), answer(millis, None));
        let (at, took) = (Duration::from_millis(millis), Duration::from_millis(millis));
        let ended = Event::Ended { outcome: Outcome::Provisioned, took };
        part.record(at, &vendor(), ended);
    }
    let [mut whole, other] = parts;
    whole.merge(other);
    whole
}

#[test]
fn percentiles_of_known_data_are_found_over_threads() {
    let summary = thousands().summary(Duration::from_secs(20));
    assert_eq!(summary.latencies.len(), 1);
    let latency = summary.latencies[0].latency;
    assert_eq!(latency.count, 10_000);
    near(latency.p50_s, 5.0);
    near(latency.p99_s, 9.9);
    near(latency.p999_s, 9.99);
    near(latency.max_s, 10.0);
    assert_eq!(summary.provisioned_50_s, Some(5.0));
    assert_eq!(summary.provisioned_99_s, Some(9.9));
    assert_eq!(summary.provisioned_100_s, Some(10.0));
    near(summary.phones_per_s, 500.0);
    near(summary.requests_per_s, 500.0);
    assert_eq!((summary.requests, summary.bytes), (10_000, 100_000));
    assert!(!summary.generator_late);
}

#[test]
fn lost_and_unfinished_phones_are_never_provisioned() {
    let mut report = thousands();
    report.phones += 100;
    for _ in 0..60 {
        let ended = Event::Ended { outcome: Outcome::Lost, took: Duration::ZERO };
        report.record(Duration::ZERO, &vendor(), ended);
    }
    let ended = Event::Ended { outcome: Outcome::Wrong, took: Duration::ZERO };
    report.record(Duration::ZERO, &vendor(), ended);
    let summary = report.summary(Duration::from_secs(20));
    assert_eq!((summary.wrong, summary.lost, summary.unfinished), (1, 60, 39));
    assert_eq!(summary.provisioned_99_s, Some(9.999));
    assert_eq!(summary.provisioned_100_s, None);
}

#[test]
fn troubles_are_counted_and_the_first_shown() {
    let mut report = Report::default();
    for index in 0..20 {
        let trouble = Trouble::AnswerTime;
        let event = Event::Troubled { what: format!("phone {index}"), trouble };
        report.record(Duration::ZERO, &vendor(), event);
        report.record(Duration::ZERO, &vendor(), answer(1, Some(Wrong::Missing)));
    }
    let mut whole = report.clone();
    whole.merge(report);
    let summary = whole.summary(Duration::from_secs(1));
    let tally = &summary.troubles["answer not whole in time"];
    assert_eq!(tally.count, 40);
    assert_eq!(tally.examples, ["phone 0", "phone 1", "phone 2", "phone 3", "phone 4"]);
    assert_eq!(summary.unexpected["missing file"].count, 40);
    let text = summary.to_string();
    assert!(text.contains("acme/A1 GET /x: missing"), "{text}");
    assert!(text.contains("40 answer not whole in time"), "{text}");
}

#[test]
fn a_late_generator_is_told_loudly() {
    let mut report = Report::default();
    for millis in 0..100 {
        let late = Duration::from_millis(millis);
        report.record(Duration::ZERO, &vendor(), Event::Began { late });
    }
    let summary = report.summary(Duration::from_secs(1));
    assert!(summary.generator_late);
    assert!(summary.to_string().contains("THE GENERATOR WAS LATE"));
    let quiet = Report::default().summary(Duration::from_secs(1));
    assert!(!quiet.to_string().contains("LATE"));
}
