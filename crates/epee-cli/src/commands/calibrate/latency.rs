//! A time on the command line.

use std::fmt;
use std::str::FromStr;

/// A time such as `20ms` or `0.02s`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Latency(f64);

impl Latency {
    pub(crate) fn of(seconds: f64) -> Latency {
        Latency(seconds)
    }

    pub(crate) fn seconds(self) -> f64 {
        self.0
    }
}

impl FromStr for Latency {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let problem = || format!("expected a time such as 20ms, 500us or 0.02s, got `{text}`");
        let text = text.trim();
        let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit() && c != '.');
        let unit = match text[digits.len()..].trim() {
            "s" => 1.0,
            "ms" => 1e3,
            "us" | "µs" => 1e6,
            _ => return Err(problem()),
        };
        let value: f64 = digits.parse().map_err(|_| problem())?;
        if !(value.is_finite() && value > 0.0) {
            return Err(problem());
        }
        Ok(Latency(value / unit))
    }
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}ms", self.0 * 1e3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        for (text, seconds) in [("20ms", 0.02), ("0.5 s", 0.5), ("500us", 5e-4), ("1s", 1.0)] {
            assert_eq!(text.parse::<Latency>().unwrap().seconds(), seconds);
        }
        for text in ["20", "ms", "-5ms", "0ms", "1h", "", "infs", "nan ms"] {
            assert!(text.parse::<Latency>().is_err(), "{text}");
        }
        assert_eq!(Latency::of(0.02).to_string(), "20ms");
    }
}
