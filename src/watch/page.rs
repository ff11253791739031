//! A page of figures is well-formed, whatever is put on it: OpenMetrics 1.0, or Prometheus' older
//! text for those who do not ask for that.

use std::fmt::{Display, Write as _};

/// How a page is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// The text format 0.0.4.
    Text,
}

/// What a family's figures are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It is as it is.
    Gauge,
    /// Counts by size.
    Histogram,
    /// Labels alone.
    Info,
}

/// A page in the making.
#[derive(Debug)]
pub struct Page {
    text: String,
    form: Form,
    /// What the samples of the family begin with, and what they end with.
    family: (&'static str, &'static str),
}

/// Units that a name may end in, so that they are told apart.
const UNITS: [&str; 2] = ["seconds", "bytes"];

impl Form {
    /// The form that a client wants, from its `Accept`.
    pub fn of(accept: &str) -> Form {
        if accept.contains("application/openmetrics-text") { Form::OpenMetrics } else { Form::Text }
    }

    /// The media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Form::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Form::Text => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

impl Page {
    /// An empty one.
    pub fn new(form: Form) -> Page {
        Page { text: String::with_capacity(16 * 1024), form, family: ("", "") }
    }

    /// Begins a family; samples follow. `help` is a line without a backslash.
    pub fn family(&mut self, name: &'static str, kind: Kind, help: &str) {
        let (suffix, word) = match kind {
            Kind::Counter => ("_total", "counter"),
            Kind::Gauge => ("", "gauge"),
            Kind::Histogram => ("", "histogram"),
            Kind::Info => ("_info", if self.form == Form::Text { "gauge" } else { "info" }),
        };
        self.family = (name, suffix);
        // The older form calls a family as its samples.
        let named = if self.form == Form::Text { suffix } else { "" };
        let text = &mut self.text;
        let unit = UNITS.iter().find(|unit| name.ends_with(&format!("_{unit}")));
        writes(text, format_args!("# TYPE {name}{named} {word}\n"));
        if let Some(unit) = unit.filter(|_| self.form == Form::OpenMetrics) {
            writes(text, format_args!("# UNIT {name} {unit}\n"));
        }
        writes(text, format_args!("# HELP {name}{named} {help}\n"));
    }

    /// A family of one figure.
    pub fn one(&mut self, name: &'static str, kind: Kind, help: &str, value: impl Display) {
        self.family(name, kind, help);
        self.sample(&[], value);
    }

    /// A figure of the family.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) {
        self.line(self.family.1, labels, value);
    }

    /// The figures of a histogram: counts up to each bound, more than the last, and their sum.
    pub fn histogram(&mut self, bounds: &[f64], counts: &[u64], sum: f64) {
        assert_eq!(bounds.len() + 1, counts.len(), "one count lies above the last bound");
        let mut below = 0;
        for (place, count) in counts.iter().enumerate() {
            below += count;
            let bound = bounds.get(place).map_or("+Inf".to_owned(), |bound| format!("{bound:?}"));
            self.line("_bucket", &[("le", &bound)], below);
        }
        self.line("_sum", &[], sum);
        self.line("_count", &[], below);
    }

    /// The page.
    pub fn finish(mut self) -> String {
        if self.form == Form::OpenMetrics {
            self.text.push_str("# EOF\n");
        }
        self.text
    }

    fn line(&mut self, suffix: &str, labels: &[(&str, &str)], value: impl Display) {
        let text = &mut self.text;
        writes(text, format_args!("{}{suffix}", self.family.0));
        for (place, (name, value)) in labels.iter().enumerate() {
            text.push(if place == 0 { '{' } else { ',' });
            let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            writes(text, format_args!("{name}=\"{value}\""));
        }
        if !labels.is_empty() {
            text.push('}');
        }
        writes(text, format_args!(" {value}\n"));
    }
}

fn writes(text: &mut String, what: std::fmt::Arguments<'_>) {
    text.write_fmt(what).expect("invariant: a text takes all that is written to it");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(form: Form) -> String {
        let mut page = Page::new(form);
        page.family("a_bytes", Kind::Counter, "Bytes of A.");
        page.sample(&[("b", "c\"\\\n"), ("d", "é")], 7_u64);
        page.family("t_seconds", Kind::Histogram, "Times.");
        page.histogram(&[0.5, 1.0], &[1, 0, 2], 4.5);
        page.family("e", Kind::Info, "What it is.");
        page.sample(&[("version", "1")], 1);
        page.finish()
    }

    #[test]
    fn a_page_is_as_the_standard_has_it() {
        let wanted = "# TYPE a_bytes counter\n# UNIT a_bytes bytes\n# HELP a_bytes Bytes of A.\n\
                      a_bytes_total{b=\"c\\\"\\\\\\n\",d=\"é\"} 7\n\
                      # TYPE t_seconds histogram\n# UNIT t_seconds seconds\n\
                      # HELP t_seconds Times.\nt_seconds_bucket{le=\"0.5\"} 1\n\
                      t_seconds_bucket{le=\"1.0\"} 1\nt_seconds_bucket{le=\"+Inf\"} 3\n\
                      t_seconds_sum 4.5\nt_seconds_count 3\n\
                      # TYPE e info\n# HELP e What it is.\ne_info{version=\"1\"} 1\n# EOF\n";
        assert_eq!(page(Form::OpenMetrics), wanted);
    }

    #[test]
    fn the_older_form_names_families_as_their_samples() {
        let text = page(Form::Text);
        assert!(text.starts_with("# TYPE a_bytes_total counter\n# HELP a_bytes_total "), "{text}");
        assert!(text.contains("# TYPE e_info gauge\n"));
        assert!(!text.contains("# UNIT") && !text.contains("# EOF"));
        assert_eq!(Form::of("text/plain"), Form::Text);
        let accept = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;q=0.5";
        assert_eq!(Form::of(accept), Form::OpenMetrics);
    }
}
