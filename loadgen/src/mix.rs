//! How a fleet is shared out among vendors: exact counts from weights, whatever the rounding.

use crate::profile::{Profile, Profiles};
use std::str::FromStr;
use std::sync::Arc;

/// Weights by vendor or by profile: `yealink=60,polycom=25,cisco/8841=15`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mix(Vec<(String, u64)>);

/// The text is no mix, or one of phones that are not there.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MixError {
    /// A part is not `name=weight`.
    #[error("{0:?} is not name=weight")]
    Part(String),
    /// All weights are zero.
    #[error("no weight is above 0")]
    Nothing,
    /// Neither a vendor nor a profile.
    #[error("no vendor and no phone is called {name:?}; there are {known}")]
    Unknown {
        /// The name that was given.
        name: String,
        /// The vendors, with commas.
        known: String,
    },
}

impl Mix {
    /// Every vendor with the same weight.
    #[must_use]
    pub fn even(profiles: &Profiles) -> Self {
        Self(profiles.vendors().iter().map(|vendor| (vendor.to_string(), 1)).collect())
    }

    /// The profile of each of `count` phones, group by group; a group's profiles take turns.
    ///
    /// # Errors
    /// [`MixError::Unknown`] for a name that `profiles` does not have.
    pub fn share(&self, profiles: &Profiles, count: u64) -> Result<Vec<Arc<Profile>>, MixError> {
        let mut shared = Vec::new();
        for ((name, _), group) in self.0.iter().zip(self.counts(count)) {
            let chosen = profiles.select(name);
            if chosen.is_empty() {
                let vendors: Vec<_> = profiles.vendors().into_iter().collect();
                return Err(MixError::Unknown { name: name.clone(), known: vendors.join(", ") });
            }
            let group = usize::try_from(group).unwrap_or(usize::MAX);
            shared.extend(chosen.into_iter().cycle().take(group));
        }
        Ok(shared)
    }

    /// Largest remainder: the parts' sum is `count` and none is off by one or more.
    fn counts(&self, count: u64) -> Vec<u64> {
        let sum: u64 = self.0.iter().map(|(_, weight)| weight).sum();
        let exact = |weight: u64| u128::from(weight) * u128::from(count);
        let floor = |weight| u64::try_from(exact(weight) / u128::from(sum)).unwrap_or(u64::MAX);
        let mut counts: Vec<u64> = self.0.iter().map(|&(_, weight)| floor(weight)).collect();
        let mut order: Vec<usize> = (0..counts.len()).collect();
        order.sort_by_key(|&index| std::cmp::Reverse(exact(self.0[index].1) % u128::from(sum)));
        let mut missing = count - counts.iter().sum::<u64>();
        for index in order {
            let more = missing.min(1);
            counts[index] += more;
            missing -= more;
        }
        counts
    }
}

impl FromStr for Mix {
    type Err = MixError;

    fn from_str(text: &str) -> Result<Self, MixError> {
        let mut weights = Vec::new();
        for part in text.split(',') {
            let weight = |(name, weight): (&str, &str)| {
                weight.parse::<u32>().ok().map(|weight| (name.to_owned(), weight.into()))
            };
            let entry = part.split_once('=').and_then(weight);
            weights.push(entry.ok_or_else(|| MixError::Part(part.to_owned()))?);
        }
        if weights.iter().all(|&(_, weight)| weight == 0) {
            return Err(MixError::Nothing);
        }
        Ok(Self(weights))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up_and_follow_the_weights() {
        let mix: Mix = "a=60,b=25,c=15".parse().unwrap();
        assert_eq!(mix.counts(100_000), [60_000, 25_000, 15_000]);
        assert_eq!(mix.counts(10), [6, 3, 1]);
        assert_eq!(mix.counts(1), [1, 0, 0]);
        assert_eq!(mix.counts(0), [0, 0, 0]);
        let thirds: Mix = "a=1,b=1,c=1".parse().unwrap();
        assert_eq!(thirds.counts(100).iter().sum::<u64>(), 100);
    }

    #[test]
    fn refuses_what_is_no_mix() {
        for (text, wanted) in [
            ("yealink", MixError::Part("yealink".to_owned())),
            ("yealink=", MixError::Part("yealink=".to_owned())),
            ("a=1,", MixError::Part(String::new())),
            ("a=-1", MixError::Part("a=-1".to_owned())),
            ("a=0,b=0", MixError::Nothing),
        ] {
            assert_eq!(text.parse::<Mix>(), Err(wanted));
        }
    }
}
