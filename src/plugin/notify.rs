//! How a release's phones are told to fetch their files anew: the event of a SIP NOTIFY, as data.

use serde::Deserialize;

use super::manifest::Placed;

/// The event of phones whose manifest names none.
const CHECK_SYNC: &str = "check-sync";

/// `[notify]` as it is written (`docs/plugins.md`).
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct NotifyEntry {
    /// The event; empty: these phones take no NOTIFY.
    pub event: Placed,
    /// More of the NOTIFY, as Asterisk takes it: `Content-Type=text/plain`.
    #[serde(default)]
    pub variables: Vec<Placed>,
}

/// What a NOTIFY to a phone carries.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// Its event.
    pub name: String,
    /// More of it: `name=value`, in order.
    pub variables: Vec<String>,
}

impl Event {
    /// The event of a release, or none for phones that take no NOTIFY.
    ///
    /// # Errors
    /// The place of what is wrong, and what it is.
    pub fn compile(entry: Option<&NotifyEntry>) -> Result<Option<Event>, (usize, String)> {
        let Some(entry) = entry else {
            return Ok(Some(Event { name: CHECK_SYNC.to_owned(), variables: Vec::new() }));
        };
        for text in entry.variables.iter().chain([&entry.event]) {
            if text.get_ref().contains(char::is_control) {
                return Err((text.span().start, "a NOTIFY has no control characters".to_owned()));
            }
        }
        let is_pair = |text: &&Placed| text.get_ref().find('=').is_some_and(|at| at > 0);
        if let Some(text) = entry.variables.iter().find(|text| !is_pair(text)) {
            return Err((text.span().start, "a variable of a NOTIFY is name=value".to_owned()));
        }
        let variables: Vec<_> = entry.variables.iter().map(|text| text.get_ref().clone()).collect();
        let name = entry.event.get_ref().clone();
        match (name.is_empty(), variables.is_empty()) {
            (false, _) => Ok(Some(Event { name, variables })),
            (true, true) => Ok(None),
            (true, false) => {
                let at = entry.event.span().start;
                Err((at, "variables go with an event".to_owned()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compile(text: &str) -> Result<Option<Event>, (usize, String)> {
        let entry: NotifyEntry = toml::from_str(text).expect("an entry");
        Event::compile(Some(&entry))
    }

    #[test]
    fn an_event_is_the_manifests_or_the_usual_one() {
        let usual = Event::compile(None).expect("good").expect("an event");
        assert_eq!((&*usual.name, usual.variables.len()), ("check-sync", 0));
        let told = compile("event = \"resync\"\nvariables = [\"Content=a=b\"]");
        let told = told.expect("good").expect("an event");
        assert_eq!((&*told.name, &*told.variables), ("resync", &["Content=a=b".to_owned()][..]));
        assert_eq!(compile("event = \"\""), Ok(None));
    }

    #[test]
    fn what_could_break_out_of_its_line_is_refused() {
        assert_eq!(compile("event = \"a\\r\\nAction: Logoff\"").expect_err("two lines").0, 8);
        assert!(compile("event = \"a\"\nvariables = [\"b=\\n\"]").is_err());
        assert!(compile("event = \"a\"\nvariables = [\"=b\"]").is_err());
        assert!(compile("event = \"\"\nvariables = [\"a=b\"]").is_err());
    }
}
