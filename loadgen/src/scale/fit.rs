//! A line through points on logarithmic axes: its slope is the exponent with which a cost grows.

/// `cost ≈ factor × amount ^ exponent`, by least squares of the logarithms.
#[derive(Clone, Copy, PartialEq, Debug, serde::Serialize)]
pub struct Fit {
    /// 0: the cost stays; 1: it grows as the amount does; 2: as its square.
    pub exponent: f64,
    /// The cost at an amount of 1, on the line.
    pub factor: f64,
}

impl Fit {
    /// The line through these points; none without two different amounts, or where an amount or a
    /// cost is not above 0.
    #[must_use]
    pub fn of(points: &[(f64, f64)]) -> Option<Self> {
        let is_good = |value: f64| value.is_finite() && value > 0.0;
        if !points.iter().all(|&(amount, cost)| is_good(amount) && is_good(cost)) {
            return None;
        }
        let logs: Vec<(f64, f64)> = points.iter().map(|(x, y)| (x.ln(), y.ln())).collect();
        let count = crate::lab::figures::real(logs.len() as u64);
        let mean = |of: fn(&(f64, f64)) -> f64| logs.iter().map(of).sum::<f64>() / count;
        let (middle_x, middle_y) = (mean(|log| log.0), mean(|log| log.1));
        let width: f64 = logs.iter().map(|(x, _)| (x - middle_x).powi(2)).sum();
        if width < f64::EPSILON || width.is_nan() {
            return None;
        }
        let both: f64 = logs.iter().map(|(x, y)| (x - middle_x) * (y - middle_y)).sum();
        let exponent = both / width;
        Some(Self { exponent, factor: (middle_y - exponent * middle_x).exp() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_exponents_are_found() {
        for exponent in [0.0, 0.5, 1.0, 2.0, -1.0] {
            for factor in [0.001, 3.0] {
                let at = |amount: f64| (amount, factor * amount.powf(exponent));
                let fit = Fit::of(&[1e4, 1e5, 1e6, 1e7].map(at)).unwrap();
                assert!((fit.exponent - exponent).abs() < 1e-9, "{fit:?}");
                assert!((fit.factor / factor - 1.0).abs() < 1e-9, "{fit:?}");
            }
        }
    }

    #[test]
    fn noise_moves_an_exponent_a_little() {
        let points = [(1e3, 1.1e3), (1e4, 0.9e4), (1e5, 1.05e5), (1e6, 1.0e6)];
        let fit = Fit::of(&points).unwrap();
        assert!((fit.exponent - 1.0).abs() < 0.02, "{fit:?}");
    }

    #[test]
    fn no_line_where_there_is_none() {
        assert_eq!(Fit::of(&[]), None);
        assert_eq!(Fit::of(&[(5.0, 1.0)]), None);
        assert_eq!(Fit::of(&[(5.0, 1.0), (5.0, 2.0)]), None);
        assert_eq!(Fit::of(&[(1.0, 0.0), (2.0, 1.0)]), None);
        assert_eq!(Fit::of(&[(0.0, 1.0), (2.0, 1.0)]), None);
        assert_eq!(Fit::of(&[(1.0, f64::NAN), (2.0, 1.0)]), None);
    }
}
