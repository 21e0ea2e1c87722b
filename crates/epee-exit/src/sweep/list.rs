//! Lists of thresholds and patiences as text.

use std::str::FromStr;

/// A list that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("list `{text}`: {problem}")]
pub struct ListError {
    text: String,
    problem: String,
}

/// The most values a range may hold: more is a mistake.
const MOST: usize = 1_000_000;

/// Thresholds: `0.1,0.2,never`, and ranges `A:B:STEP` that include both ends.
///
/// ```
/// # use epee_exit::Thresholds;
/// let list: Thresholds = "0:1:0.4,never".parse()?;
/// assert_eq!(list.0, [Some(0.0), Some(0.4), Some(0.8), Some(1.0), None]);
/// # Ok::<(), epee_exit::ListError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Thresholds(pub Vec<Option<f64>>);

/// Patiences: `2,4,never`, and ranges `A:B` or `A:B:STEP` that include both ends.
///
/// ```
/// # use epee_exit::Patiences;
/// let list: Patiences = "1:6:2,never".parse()?;
/// assert_eq!(list.0, [Some(1), Some(3), Some(5), Some(6), None]);
/// # Ok::<(), epee_exit::ListError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patiences(pub Vec<Option<usize>>);

impl FromStr for Thresholds {
    type Err = ListError;

    fn from_str(text: &str) -> Result<Self, ListError> {
        parse(text, number, |range| match *range {
            [start, end, step] => numbers(start, end, step),
            _ => Err("expected a range A:B:STEP".to_owned()),
        })
        .map(Thresholds)
    }
}

impl FromStr for Patiences {
    type Err = ListError;

    fn from_str(text: &str) -> Result<Self, ListError> {
        parse(text, whole, |range| match *range {
            [start, end] => wholes(start, end, "1"),
            [start, end, step] => wholes(start, end, step),
            _ => Err("expected a range A:B or A:B:STEP".to_owned()),
        })
        .map(Patiences)
    }
}

/// Values, ranges and `never` between commas.
fn parse<T>(
    text: &str,
    value: impl Fn(&str) -> Result<T, String>,
    range: impl Fn(&[&str]) -> Result<Vec<T>, String>,
) -> Result<Vec<Option<T>>, ListError> {
    let mut values = Vec::new();
    for part in text.split(',').map(str::trim) {
        let parts: Vec<&str> = part.split(':').map(str::trim).collect();
        let found = match parts.as_slice() {
            ["never"] => Ok(vec![None]),
            [one] => value(one).map(|v| vec![Some(v)]),
            parts => range(parts).map(|found| found.into_iter().map(Some).collect()),
        };
        values.extend(found.map_err(|problem| ListError { text: text.to_owned(), problem })?);
    }
    Ok(values)
}

fn number(text: &str) -> Result<f64, String> {
    let value = text.parse().ok().filter(|value: &f64| value.is_finite());
    value.ok_or_else(|| format!("expected a number or `never`, got `{text}`"))
}

fn whole(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| format!("expected a whole number or `never`, got `{text}`"))
}

/// `start, start + step, …, end`: each value is rounded to the decimals it was written with, so that
/// `0:1:0.05` holds 0.15 and not 0.15000000000000002.
fn numbers(start: &str, end: &str, step: &str) -> Result<Vec<f64>, String> {
    let digits = decimals(start).zip(decimals(step)).map(|(a, b)| a.max(b));
    let (start, end, step) = (number(start)?, number(end)?, number(step)?);
    let steps = ((end - start) / step).floor();
    check_range(start <= end && step > 0.0, steps < MOST as f64)?;
    let value = |i: usize| {
        let value = start + i as f64 * step;
        let rounded = digits.and_then(|digits| format!("{value:.digits$}").parse().ok());
        rounded.unwrap_or(value).min(end)
    };
    let mut values: Vec<f64> = (0..=steps as usize).map(value).collect();
    match values.last_mut() {
        // A last value that misses the end by rounding alone is the end.
        Some(last) if end - *last < step * 1e-9 => *last = end,
        _ => values.push(end),
    }
    Ok(values)
}

/// The number of decimals a number is written with; `None` if it has an exponent.
fn decimals(text: &str) -> Option<usize> {
    let plain = !text.contains(['e', 'E']);
    plain.then(|| text.split_once('.').map_or(0, |(_, decimals)| decimals.len()))
}

fn wholes(start: &str, end: &str, step: &str) -> Result<Vec<usize>, String> {
    let (start, end, step) = (whole(start)?, whole(end)?, whole(step)?);
    check_range(start <= end && step > 0, end.saturating_sub(start) / step.max(1) < MOST)?;
    let mut values: Vec<usize> = (start..=end).step_by(step).collect();
    if values.last().is_some_and(|&last| last < end) {
        values.push(end);
    }
    Ok(values)
}

fn check_range(ordered: bool, small: bool) -> Result<(), String> {
    if !ordered {
        Err("expected A:B:STEP with A up to B and a STEP above 0".to_owned())
    } else if !small {
        Err(format!("expected at most {MOST} values"))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn thresholds(text: &str) -> Vec<f64> {
        text.parse::<Thresholds>().unwrap().0.into_iter().flatten().collect()
    }

    #[test]
    fn ranges_include_both_ends_and_stay_round() {
        let fine = thresholds("0:1:0.05");
        assert_eq!(fine.len(), 21);
        for (i, value) in fine.iter().enumerate() {
            assert_eq!(value.to_string(), (i as f64 / 20.0).to_string());
        }
        assert_eq!(thresholds("0.1:0.3:0.1"), [0.1, 0.2, 0.3]);
        assert_eq!(thresholds("0:1:0.3"), [0.0, 0.3, 0.6, 0.9, 1.0]);
        assert_eq!(thresholds("0.5:0.5:0.1"), [0.5]);
        assert_eq!(thresholds("0:2e-3:1e-3"), [0.0, 1e-3, 2e-3]);
        assert_eq!(thresholds("0:3e-1:1e-1").len(), 4);
        assert_eq!(thresholds("0e-2:45e-2:9e-2").len(), 6);
        assert_eq!(thresholds("0:0.25:1"), [0.0, 0.25]);
        assert_eq!(thresholds("0.125:0.3:0.1"), [0.125, 0.225, 0.3]);
    }

    #[test]
    fn lists_and_ranges_mix() {
        let got: Patiences = "1:3, 6 ,never".parse().unwrap();
        assert_eq!(got.0, [Some(1), Some(2), Some(3), Some(6), None]);
        let got: Thresholds = "never,0.5,0:0.2:0.1".parse().unwrap();
        assert_eq!(got.0, [None, Some(0.5), Some(0.0), Some(0.1), Some(0.2)]);
    }

    #[test]
    fn errors_say_what_is_wrong() {
        for (text, problem) in [
            ("", "expected a number or `never`, got ``"),
            ("0.1,x", "expected a number or `never`, got `x`"),
            ("inf", "expected a number or `never`, got `inf`"),
            ("0:1", "expected a range A:B:STEP"),
            ("1:0:0.1", "expected A:B:STEP with A up to B and a STEP above 0"),
            ("0:1:0", "expected A:B:STEP with A up to B and a STEP above 0"),
            ("0:1:1e-9", "expected at most 1000000 values"),
            ("0:1:never", "expected a number or `never`, got `never`"),
        ] {
            let error = text.parse::<Thresholds>().unwrap_err().to_string();
            assert_eq!(error, format!("list `{text}`: {problem}"));
        }
        for (text, problem) in [
            ("-1", "expected a whole number or `never`, got `-1`"),
            ("1:2:3:4", "expected a range A:B or A:B:STEP"),
            ("1:9:0", "expected A:B:STEP with A up to B and a STEP above 0"),
            ("0:18446744073709551615", "expected at most 1000000 values"),
        ] {
            let error = text.parse::<Patiences>().unwrap_err().to_string();
            assert_eq!(error, format!("list `{text}`: {problem}"));
        }
    }

    proptest! {
        #[test]
        fn a_range_starts_and_ends_as_written(a in 0u32..500, n in 0u32..500, step in 1u32..400) {
            let (a, b, step) = (f64::from(a) / 1e3, f64::from(a + n) / 1e3, f64::from(step) / 1e3);
            let values = thresholds(&format!("{a}:{b}:{step}"));
            prop_assert_eq!((values[0], values[values.len() - 1]), (a, b));
            prop_assert!(values.windows(2).all(|w| w[0] < w[1] && w[1] - w[0] < step + 1e-9));
        }

        #[test]
        fn no_text_panics(text in "[0-9.,:never -]{0,20}") {
            let _ = text.parse::<Thresholds>();
            let _ = text.parse::<Patiences>();
        }
    }
}
