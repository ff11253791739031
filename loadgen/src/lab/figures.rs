//! Figures of several rounds: the median, the spread, and numbers as people read them.

/// The middle and the ends of what the rounds gave.
#[derive(Clone, Copy, PartialEq, Debug, serde::Serialize)]
pub struct Spread {
    /// Half of the rounds gave at most this.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The most.
    pub max: f64,
}

impl Spread {
    /// Of what the rounds gave; none without a round.
    #[must_use]
    pub fn of(rounds: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = rounds.into_iter().filter(|value| value.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let (first, last) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median = if sorted.len() % 2 == 1 {
            sorted[middle]
        } else {
            f64::midpoint(sorted[middle - 1], sorted[middle])
        };
        Some(Self { median, min: first, max: last })
    }

    /// The median, and the ends where there are several.
    #[must_use]
    pub fn text(&self) -> String {
        let [median, min, max] = [self.median, self.min, self.max].map(number);
        if min == max { median } else { format!("{median} ({min}–{max})") }
    }
}

/// Three digits that count, and thousands apart: `0.0123`, `6.21`, `95.0`, `1,234,567`.
#[must_use]
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let size = value.abs();
    let decimals = match size {
        _ if size >= 100.0 || size == 0.0 => 0,
        _ if size >= 10.0 => 1,
        _ if size >= 1.0 => 2,
        _ if size >= 0.1 => 3,
        _ => 4,
    };
    thousands(&format!("{value:.decimals$}"))
}

/// A count, with thousands apart.
#[must_use]
pub fn count(value: u64) -> String {
    thousands(&value.to_string())
}

/// A plain number with thousands apart.
#[must_use]
pub fn thousands(plain: &str) -> String {
    let (whole, rest) = plain.split_at(plain.find('.').unwrap_or(plain.len()));
    let mut text = String::new();
    for (index, digit) in whole.char_indices() {
        let left = whole.len() - index;
        if index > 0 && left % 3 == 0 && !text.ends_with('-') {
            text.push(',');
        }
        text.push(digit);
    }
    text + rest
}

/// A count as a part of a ratio.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2⁵³")]
pub fn real(counts: u64) -> f64 {
    counts as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_are_in_the_middle() {
        let of = |rounds: &[f64]| Spread::of(rounds.iter().copied());
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[f64::NAN]), None);
        assert_eq!(of(&[3.0, 1.0, 2.0]), Some(Spread { median: 2.0, min: 1.0, max: 3.0 }));
        assert_eq!(of(&[4.0, 1.0]), Some(Spread { median: 2.5, min: 1.0, max: 4.0 }));
        assert_eq!(of(&[7.0]).map(|spread| spread.text()), Some("7.00".to_owned()));
        assert_eq!(of(&[7.0, 8.0, 12.5]).unwrap().text(), "8.00 (7.00–12.5)");
    }

    #[test]
    fn numbers_are_readable() {
        for (value, wanted) in [
            (0.0, "0"),
            (0.01234, "0.0123"),
            (0.5, "0.500"),
            (6.214, "6.21"),
            (95.0, "95.0"),
            (999.6, "1,000"),
            (1_234_567.8, "1,234,568"),
            (-1234.0, "-1,234"),
            (-123_456.0, "-123,456"),
            (f64::NAN, "–"),
        ] {
            assert_eq!(number(value), wanted);
        }
        assert_eq!((count(0), count(50_000)), ("0".to_owned(), "50,000".to_owned()));
    }
}
