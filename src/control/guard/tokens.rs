//! Tokens that the settings name by their sums: no other server is asked for who comes with one.

use sha2::{Digest, Sha256};
use std::fmt;

use super::acl::Acl;
use super::{Caller, Pass, Tenants};
use crate::device::Text;

/// The SHA-256 of a token. The token itself is nowhere kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Sum(pub [u8; 32]);

impl Sum {
    /// The sum of a token.
    pub fn of(token: &str) -> Sum {
        Sum(Sha256::digest(token.as_bytes()).into())
    }

    /// Reads 64 hexadecimal digits; none where it is something else.
    pub fn parse(text: &str) -> Option<Sum> {
        let mut sum = [0; 32];
        let is_plain = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        for (byte, digits) in sum.iter_mut().zip(text.as_bytes().chunks(2)).filter(|_| is_plain) {
            *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        }
        is_plain.then_some(Sum(sum))
    }

    /// Whether both are the same, in a time that does not tell how many bytes are.
    fn is(&self, other: &Sum) -> bool {
        self.0.iter().zip(other.0).fold(0, |other, (left, right)| other | (left ^ right)) == 0
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sum")
    }
}

/// One who has a token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Holder {
    /// What people call it; log lines do.
    pub name: String,
    /// The sum of its token.
    pub sum: Sum,
    /// What it may do.
    pub acl: Acl,
    /// The tenant that it acts for where a request names none.
    pub tenant: Text,
    /// Tenants below that one, for which it may act too.
    pub below: Tenants,
}

/// Who comes with this token and acts for this tenant; none: nobody, or not for that one.
pub fn admit(holders: &[Holder], token: &str, wanted: Option<&str>) -> Option<Caller> {
    let sum = Sum::of(token);
    // All are compared, so that the time does not tell which one it was.
    let known = holders
        .iter()
        .enumerate()
        .fold(None, |known, (place, holder)| if holder.sum.is(&sum) { Some(place) } else { known });
    let place = known?;
    let Holder { tenant, below, .. } = &holders[place];
    let pass = Pass::Token(place);
    match wanted.filter(|wanted| **wanted != **tenant) {
        None => Some(Caller { tenant: tenant.clone(), subtree: below.with(tenant), pass }),
        Some(wanted) if below.has(wanted) => {
            let subtree = Tenants::Only(vec![wanted.into()]);
            Some(Caller { tenant: wanted.into(), subtree, pass })
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(token: &str, tenant: &str, below: Tenants) -> Holder {
        let acl = Acl::new(&["provd.#".to_owned()]);
        Holder { name: token.into(), sum: Sum::of(token), acl, tenant: tenant.into(), below }
    }

    #[test]
    fn a_sum_is_read_as_it_is_written() {
        let sum = Sum::of("abc");
        let text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sum.to_string(), text);
        assert_eq!(Sum::parse(text), Some(sum));
        assert_eq!(Sum::parse(&text.to_uppercase()), Some(sum));
        for bad in ["", &text[1..], &format!("+{}", &text[1..]), &format!("{text}0")] {
            assert_eq!(Sum::parse(bad), None, "{bad}");
        }
        assert!(!sum.is(&Sum::of("abd")));
    }

    #[test]
    fn a_token_acts_for_its_tenant_and_those_below() {
        let holders = [
            holder("one", "a", Tenants::Only(vec!["b".into()])),
            holder("two", "c", Tenants::Only(Vec::new())),
            holder("all", "m", Tenants::All),
        ];
        let seen = |token, wanted, tenant| {
            let caller = admit(&holders, token, wanted)?;
            Some((caller.tenant.to_string(), caller.subtree.has(tenant)))
        };
        assert_eq!(seen("one", None, "b"), Some(("a".into(), true)));
        assert_eq!(seen("one", Some("a"), "b"), Some(("a".into(), true)));
        assert_eq!(seen("one", None, "c"), Some(("a".into(), false)));
        assert_eq!(seen("one", Some("b"), "a"), Some(("b".into(), false)));
        assert_eq!(seen("one", Some("c"), "c"), None);
        assert_eq!(seen("two", None, "c"), Some(("c".into(), true)));
        assert_eq!(seen("all", Some("x"), "x"), Some(("x".into(), true)));
        assert_eq!(seen("all", Some("x"), "m"), Some(("x".into(), false)));
        assert_eq!(seen("all", None, "x"), Some(("m".into(), true)));
        assert_eq!(seen("", None, "x"), None);
        assert_eq!(seen("onf", None, "x"), None);
    }
}
