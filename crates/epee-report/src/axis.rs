//! Axes: the range that shows all values, and the ticks in it.

use std::ops::RangeInclusive;

use crate::text::decimal;

/// The least width of an axis or a scale of colours, so that differences of a few samples look small.
const LEAST_SPAN: f64 = 0.05;

/// One axis.
pub(crate) struct Axis<'a> {
    /// Its label, with the unit.
    pub(crate) label: &'a str,
    /// The values at its two ends.
    pub(crate) range: RangeInclusive<f64>,
    /// The ticks with their texts.
    pub(crate) ticks: Vec<(f64, String)>,
}

impl<'a> Axis<'a> {
    /// An axis with at most `most` ticks.
    pub(crate) fn new(label: &'a str, low: f64, high: f64, most: usize) -> Self {
        Axis { label, range: low..=high, ticks: ticks(low, high, most) }
    }

    /// A share, from 0 to 1.
    pub(crate) fn share(label: &'a str) -> Self {
        Axis::new(label, 0.0, 1.0, 6)
    }

    /// The saving, from 0 to a little beyond the greatest value.
    pub(crate) fn saving(values: impl Iterator<Item = f64>) -> Self {
        Axis::new("saving (share of layers not computed)", -0.02, (values.fold(0.0, f64::max) + 0.03).max(0.1), 6)
    }

    /// Exits 1 to `exits`.
    pub(crate) fn exits(exits: usize) -> Self {
        Axis::new("exit", 0.5, exits as f64 + 0.5, exits.clamp(1, 14))
    }

    /// All values with some space around them, within 0 to 1.
    pub(crate) fn around(label: &'a str, values: impl Iterator<Item = f64>) -> Self {
        let Some((low, high)) = span(values) else { return Axis::share(label) };
        let space = 0.06 * (high - low);
        // Only a risk that can be negative has an axis below 0.
        let floor = if low < 0.0 { f64::NEG_INFINITY } else { 0.0 };
        Axis::new(label, (low - space).max(floor), (high + space).min(1.0), 7)
    }

    /// The part of the axis below a value: 0 at the start, 1 at the end.
    pub(crate) fn part(&self, value: f64) -> f64 {
        (value - self.range.start()) / (self.range.end() - self.range.start())
    }
}

/// The least and the greatest finite value, widened to [`LEAST_SPAN`]; `None` if there is none.
pub(crate) fn span(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    let (low, high) = values
        .filter(|value| value.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    let more = ((LEAST_SPAN - (high - low)) / 2.0).max(0.0);
    // Space that does not fit below 0 or above 1 goes to the other side.
    let floor = low.min(0.0);
    let (down, up) = ((low - more - floor).min(0.0), (high + more - 1.0).max(0.0));
    (low <= high).then(|| ((low - more).max(floor) - up, (high + more).min(1.0) - down))
}

/// At most `most` multiples of 1, 2 or 5 times a power of ten between two values, with just enough decimals to tell them apart.
pub(crate) fn ticks(low: f64, high: f64, most: usize) -> Vec<(f64, String)> {
    // Rounding must not lose the tick at an end.
    let slack = 1e-9 * (high - low);
    let (low, high) = (low - slack, high + slack);
    let mut magnitude = ((high - low) / most as f64).log10().floor() as i32;
    loop {
        for factor in [1.0, 2.0, 5.0] {
            let step = factor * 10f64.powi(magnitude);
            let (first, last) = ((low / step).ceil() as i64, (high / step).floor() as i64);
            if last - first < most as i64 {
                let decimals = usize::try_from(-magnitude).unwrap_or(0);
                let tick = |i: i64| (i as f64 * step, decimal(i as f64 * step, decimals));
                return (first..=last).map(tick).collect();
            }
        }
        magnitude += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_numbers_inside_the_range() {
        let texts = |low, high, most| ticks(low, high, most).into_iter().map(|(_, text)| text).collect::<Vec<_>>();
        assert_eq!(texts(0.0, 1.0, 6), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(texts(0.5, 12.5, 12), (1..=12).map(|exit| exit.to_string()).collect::<Vec<_>>());
        assert_eq!(texts(0.5, 24.5, 14).first().map(String::as_str), Some("2"));
        assert_eq!(texts(0.5, 1.5, 1), ["1"]);
        assert_eq!(texts(-0.02, 0.06, 5), ["−0.02", "0.00", "0.02", "0.04", "0.06"]);
        assert_eq!(texts(0.8731, 0.8762, 4), ["0.874", "0.875", "0.876"]);
    }

    #[test]
    fn a_span_is_never_too_narrow() {
        let near = |a: Option<(f64, f64)>, b: (f64, f64)| {
            a.is_some_and(|a| (a.0 - b.0).abs() < 1e-12 && (a.1 - b.1).abs() < 1e-12)
        };
        assert!(near(span([0.2, f64::NAN, 0.4].into_iter()), (0.2, 0.4)));
        assert!(near(span([1.0].into_iter()), (0.95, 1.0)));
        assert!(near(span([0.0].into_iter()), (0.0, 0.05)));
        assert_eq!(span([f64::NAN].into_iter()), None);
    }
}
