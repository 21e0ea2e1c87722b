//! The threshold of a policy: never, one for all exits, or one for each.

use std::fmt;
use std::ops::RangeInclusive;

use serde::{Serialize, Serializer};

use super::PolicyError;
use super::parts::{number, or_never};

/// The threshold of a policy.
///
/// Its text is `never`, a number, or a list of M − 1 numbers and nevers, one for each exit before the last, which always
/// answers: `[0.1, never, 0.2]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Threshold {
    /// The threshold is off.
    #[default]
    Never,
    /// The same for every exit.
    All(f64),
    /// One for each exit before the last; `None` is never.
    PerExit(Vec<Option<f64>>),
}

impl Threshold {
    /// The value that all exits share, if they share one.
    pub fn scalar(&self) -> Option<f64> {
        match self {
            Threshold::All(value) => Some(*value),
            Threshold::Never | Threshold::PerExit(_) => None,
        }
    }

    /// The threshold of each of M exits; NaN for never, so that no comparison holds.
    pub(crate) fn resolve(&self, exits: usize) -> Vec<f64> {
        match self {
            Threshold::Never => vec![f64::NAN; exits],
            Threshold::All(value) => vec![*value; exits],
            Threshold::PerExit(values) => {
                let mut all: Vec<f64> = values.iter().map(|value| value.unwrap_or(f64::NAN)).collect();
                all.resize(exits, f64::NAN);
                all
            }
        }
    }

    /// Checks the number of values, M − 1 in a list, and each of them against a range.
    ///
    /// # Errors
    /// [`PolicyError::OutOfRange`].
    pub fn check(&self, exits: usize, range: RangeInclusive<f64>) -> Result<(), PolicyError> {
        if let Threshold::PerExit(values) = self
            && values.len() + 1 != exits
        {
            let expected = format!("{} values (one for each exit before the last)", exits - 1);
            return Err(PolicyError::range("threshold", expected, values.len()));
        }
        let (least, most) = (*range.start(), *range.end());
        let expected = match (least == f64::MIN, most == f64::MAX) {
            (true, true) => "a number".to_owned(),
            (false, true) => format!("a number of at least {least}"),
            _ => format!("a number from {least} to {most}"),
        };
        let bad = self.values().find(|value| !range.contains(value));
        bad.map_or(Ok(()), |got| Err(PolicyError::range("threshold", expected, got)))
    }

    /// Refuses a list, for a policy that compares several exits with one threshold.
    ///
    /// # Errors
    /// [`PolicyError::OutOfRange`].
    pub fn check_single(&self) -> Result<(), PolicyError> {
        match self {
            Threshold::PerExit(_) => {
                let expected = "one number, since the policy compares several exits with it";
                Err(PolicyError::range("threshold", expected, "a list"))
            }
            Threshold::Never | Threshold::All(_) => Ok(()),
        }
    }

    /// The values that are not never.
    fn values(&self) -> impl Iterator<Item = f64> {
        let (one, many) = match self {
            Threshold::Never => (None, &[][..]),
            Threshold::All(value) => (Some(*value), &[][..]),
            Threshold::PerExit(values) => (None, values.as_slice()),
        };
        one.into_iter().chain(many.iter().copied().flatten())
    }

    /// The mean over exits, for telling a cautious setting from an aggressive one; `None` if all are never.
    pub(crate) fn mean(&self) -> Option<f64> {
        let (sum, count) = self.values().fold((0.0, 0u32), |(sum, count), value| (sum + value, count + 1));
        (count > 0).then(|| sum / f64::from(count))
    }

    pub(super) fn read(key: &str, text: &str) -> Result<Threshold, String> {
        let Some(inside) = text.strip_prefix('[') else {
            return Ok(or_never(text, |text| number(key, text))?.into());
        };
        let inside = inside.strip_suffix(']').ok_or_else(|| format!("`{key}`: expected `]` at the end of the list"))?;
        if inside.trim().is_empty() {
            return Ok(Threshold::PerExit(Vec::new()));
        }
        let values = inside.split(',').map(|text| or_never(text.trim(), |text| number(key, text)));
        Ok(Threshold::PerExit(values.collect::<Result<_, _>>()?))
    }
}

impl From<f64> for Threshold {
    fn from(value: f64) -> Self {
        Threshold::All(value)
    }
}

impl From<Option<f64>> for Threshold {
    fn from(value: Option<f64>) -> Self {
        value.map_or(Threshold::Never, Threshold::All)
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Threshold::Never => f.write_str("never"),
            Threshold::All(value) => value.fmt(f),
            Threshold::PerExit(values) => {
                let texts = values.iter().map(|v| v.map_or_else(|| "never".to_owned(), |v| v.to_string()));
                write!(f, "[{}]", texts.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

/// `null` for never, a number, or a list of them.
impl Serialize for Threshold {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Threshold::Never => serializer.serialize_none(),
            Threshold::All(value) => serializer.serialize_f64(*value),
            Threshold::PerExit(values) => values.serialize(serializer),
        }
    }
}
