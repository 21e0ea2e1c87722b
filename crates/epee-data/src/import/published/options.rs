//! Options of the importers of published datasets. The default is the paper's choice, or the plainest.

use std::str::FromStr;

use serde::Serialize;

use super::ddi::NegativeFilter;
use crate::error::{Error, Result};
use crate::named::named;

named! {
    /// Which file of GIT is which split.
    #[derive(Default)]
    GitSplits {
        /// The paper's: its dev is the file called test, its test the file called dev.
        #[default]
        Paper = "paper",
        /// As the files are called.
        Files = "files",
    }
}

named! {
    /// The treatment of rows that repeat an earlier input and label of the same split.
    #[derive(Default)]
    Repeats {
        /// Keep them.
        #[default]
        Keep = "keep",
        /// Drop them, and count them in the notes.
        Drop = "drop",
    }
}

named! {
    /// How DDI shows the two drugs of a pair.
    #[derive(Default)]
    Entities {
        /// `@ … @` around the first, `# … #` around the second.
        #[default]
        Markers = "markers",
        /// `DRUG1` and `DRUG2` in their places, `DRUG0` in that of every other.
        Blind = "blind",
        /// Markers with the kinds of the drugs: `@ * brand * … @`, `# ^ group ^ … #`.
        Typed = "typed",
    }
}

named! {
    /// The treatment of PHEE's sentences that have events of both types.
    #[derive(Default)]
    DoubleTyped {
        /// The type of the first event is the class.
        #[default]
        First = "first",
        /// Leave them out.
        Skip = "skip",
    }
}

/// Which ratings, from 1 to 10, make a drug review positive or negative.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub enum RatingCut {
    /// Positive from the first, negative down to the second; a rating between them has no class.
    Between(f64, f64),
    /// Positive above, negative otherwise.
    Above(f64),
}

impl Default for RatingCut {
    /// Positive from 7, negative down to 4.
    fn default() -> Self {
        Self::Between(7.0, 4.0)
    }
}

impl RatingCut {
    /// True for a positive rating, false for a negative one, `None` between the two.
    pub fn positive(self, rating: f64) -> Option<bool> {
        match self {
            Self::Between(high, _) if rating >= high => Some(true),
            Self::Between(_, low) => (rating <= low).then_some(false),
            Self::Above(cut) => Some(rating > cut),
        }
    }

    pub(super) fn meaning(self) -> String {
        match self {
            Self::Between(high, low) => format!("{high} and above, positive, and {low} and below, negative"),
            Self::Above(cut) => format!("above {cut}, positive, and {cut} and below, negative"),
        }
    }
}

impl FromStr for RatingCut {
    type Err = Error;

    /// Reads `7,4` or `5`.
    fn from_str(text: &str) -> Result<Self> {
        let numbers: Result<Vec<f64>, _> = text.split(',').map(|part| part.trim().parse()).collect();
        match numbers.as_deref() {
            Ok(&[cut]) if (1.0..10.0).contains(&cut) => Ok(Self::Above(cut)),
            Ok(&[high, low]) if 1.0 <= low && low < high && high <= 10.0 => Ok(Self::Between(high, low)),
            _ => Err(Error::Invalid(format!("expected ratings from 1 to 10 such as 7,4 or 5, got `{text}`"))),
        }
    }
}

/// Options of the importers of [`PRESETS`](super::PRESETS); `None` leaves a choice to the importer.
///
/// Repeats and leaks concern every dataset; [`Preset::takes`](super::Preset::takes) lists which of the others one takes.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "clap", derive(clap::Args))]
pub struct Options {
    /// Rows that repeat an earlier input and label of the same split: keep or drop [default: keep; git: drop]
    #[cfg_attr(feature = "clap", arg(long, value_name = "WHAT"))]
    pub repeats: Option<Repeats>,
    /// Drop rows of train that occur in dev or test, and rows of dev that occur in test
    #[cfg_attr(feature = "clap", arg(long))]
    pub drop_leaks: bool,
    /// git: text between subject, object and sentence [default: `[SEP]`]
    #[cfg_attr(feature = "clap", arg(long, value_name = "TEXT"))]
    pub separator: Option<String>,
    /// git: which file is which split, paper (dev is the file called test, and the reverse) or files [default: paper]
    #[cfg_attr(feature = "clap", arg(long, value_name = "WHICH"))]
    pub git_splits: Option<GitSplits>,
    /// ddi: show the two drugs in markers, blind (as DRUG1 and DRUG2) or typed (markers with their kinds) [default: markers]
    #[cfg_attr(feature = "clap", arg(long, value_name = "HOW"))]
    pub entities: Option<Entities>,
    /// ddi: pairs to leave out: same-name, abbreviation, special-case, list, overlap, all or none [default: none]
    #[cfg_attr(feature = "clap", arg(long, value_name = "RULES"))]
    pub negative_filter: Option<NegativeFilter>,
    /// drug-review: lowest positive and highest negative rating; one number: positive above it [default: 7,4]
    #[cfg_attr(feature = "clap", arg(long, value_name = "RATINGS"))]
    pub rating_cut: Option<RatingCut>,
    /// phee: sentences with events of both types: first (the first event's type) or skip [default: first]
    #[cfg_attr(feature = "clap", arg(long, value_name = "WHAT"))]
    pub double_typed: Option<DoubleTyped>,
}
