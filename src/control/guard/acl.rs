//! Access lists in wazo-auth's notation: `*` is any part of one word, `#` is anything, `!` forbids.

/// What somebody may do. What is forbidden goes over what is given; nothing is given by itself.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Acl {
    given: Vec<String>,
    forbidden: Vec<String>,
}

impl Acl {
    /// The list of these patterns.
    pub fn new(patterns: &[String]) -> Acl {
        let (forbidden, given): (Vec<_>, Vec<_>) =
            patterns.iter().partition(|pattern| pattern.starts_with('!'));
        Acl {
            given: given.into_iter().cloned().collect(),
            forbidden: forbidden.into_iter().map(|pattern| pattern[1..].to_owned()).collect(),
        }
    }

    /// Whether it gives this access.
    pub fn gives(&self, access: &str) -> bool {
        let has = |patterns: &[String]| patterns.iter().any(|pattern| fits(pattern, access));
        has(&self.given) && !has(&self.forbidden)
    }
}

/// Whether a pattern fits a text whole; in time of the product of their lengths.
fn fits(pattern: &str, text: &str) -> bool {
    let text = text.as_bytes();
    // ends[at]: what stands before `at` is fitted by the pattern so far.
    let mut ends = vec![false; text.len() + 1];
    ends[0] = true;
    for sign in pattern.bytes() {
        let before = std::mem::replace(&mut ends, vec![false; text.len() + 1]);
        for at in 0..=text.len() {
            let last = at.checked_sub(1).map(|last| (last, text[last]));
            ends[at] = match (sign, last) {
                (b'#', Some((last, _))) => before[at] || ends[last],
                (b'*', Some((last, byte))) => before[at] || (byte != b'.' && ends[last]),
                (b'#' | b'*', None) => before[at],
                (sign, Some((last, byte))) => sign == byte && before[last],
                (_, None) => false,
            };
        }
    }
    ends[text.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_as_those_of_wazo_auth() {
        for (pattern, access, wanted) in [
            ("provd.read", "provd.read", true),
            ("provd.read", "provd.reader", false),
            ("provd.read", "xprovd.read", false),
            ("provd.#", "provd.read", true),
            ("provd.#", "provd.dev_mgr.devices.a1.read", true),
            ("provd.#", "provd", false),
            ("#", "provd.read", true),
            ("provd.*", "provd.read", true),
            ("provd.*", "provd.status.read", false),
            ("provd.*.read", "provd.status.read", true),
            ("provd.dev_mgr.devices.*.read", "provd.dev_mgr.devices.a1.read", true),
            ("provd.dev_mgr.devices.*.read", "provd.dev_mgr.devices.read", false),
            ("provd.dev_mgr.devices.*", "provd.dev_mgr.devices.create", true),
            ("provd.#.read", "provd.cfg_mgr.configs.x.raw.read", true),
            ("provd.#.read", "provd.read", false),
            ("provd.dev*.read", "provd.dev_mgr.read", true),
            ("provd.#.#.#.#.#.#.#.#.#.#.z", "provd.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a", false),
            ("provd.+", "provd.+", true),
            ("", "", true),
        ] {
            assert_eq!(fits(pattern, access), wanted, "{pattern} {access}");
        }
    }

    #[test]
    fn what_is_forbidden_goes_over_what_is_given() {
        let acl = |patterns: &[&str]| {
            Acl::new(&patterns.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        let some = acl(&["!provd.cfg_mgr.#", "provd.#"]);
        assert!(some.gives("provd.dev_mgr.devices.read"));
        assert!(!some.gives("provd.cfg_mgr.configs.read"));
        assert!(!acl(&[]).gives("provd.read"));
        assert!(!acl(&["!provd.read"]).gives("provd.status.read"));
    }
}
