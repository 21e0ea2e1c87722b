//! What the caller of an importer may choose, with the paper's choice, or the plainest, as default.

use std::fmt;
use std::str::FromStr;

use super::ddi::NegativeFilter;
use crate::partition::Fractions;

/// An enum whose variants have names on the command line.
macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $($(#[$about:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub enum $name { $($(#[$about])* $variant,)+ }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(match self { $(Self::$variant => $text,)+ })
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err(format!("expected {}, got `{text}`", [$($text),+].join(" or "))),
                }
            }
        }
    };
}

choice! {
    /// Which file of GIT is which split.
    GitSplits {
        /// The paper's: its dev is the file called test, its test the file called dev.
        #[default]
        Paper = "paper",
        /// As the files are called.
        Files = "files",
    }
}

choice! {
    /// What becomes of rows whose input and label stand before them in the same split.
    Repeats {
        /// They stay.
        #[default]
        Keep = "keep",
        /// They are dropped, and counted in the notes.
        Drop = "drop",
    }
}

choice! {
    /// How DDI shows the two drugs of a pair.
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

choice! {
    /// What becomes of PHEE's sentences with events of both types.
    DoubleTyped {
        /// The type of the first event is the class.
        #[default]
        First = "first",
        /// They are left out.
        Skip = "skip",
    }
}

/// The ratings, from 1 to 10, from which a drug review is positive and down to which it is negative.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RatingCut {
    /// Positive from the first, negative down to the second; what lies between has no class.
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
    /// Whether this rating is a positive one; `None` between the two.
    pub fn positive(self, rating: f64) -> Option<bool> {
        match self {
            Self::Between(high, _) if rating >= high => Some(true),
            Self::Between(_, low) => (rating <= low).then_some(false),
            Self::Above(cut) => Some(rating > cut),
        }
    }

    /// In words.
    pub(super) fn meaning(self) -> String {
        match self {
            Self::Between(high, low) => format!("{high} and above, positive, and {low} and below, negative"),
            Self::Above(cut) => format!("above {cut}, positive, and {cut} and below, negative"),
        }
    }
}

impl FromStr for RatingCut {
    type Err = String;

    /// Reads `7,4` or `5`.
    fn from_str(text: &str) -> Result<Self, String> {
        let numbers: Result<Vec<f64>, _> = text.split(',').map(|part| part.trim().parse()).collect();
        match numbers.as_deref() {
            Ok(&[cut]) if (1.0..10.0).contains(&cut) => Ok(Self::Above(cut)),
            Ok(&[high, low]) if 1.0 <= low && low < high && high <= 10.0 => Ok(Self::Between(high, low)),
            _ => Err(format!("expected ratings from 1 to 10 such as 7,4 or 5, got `{text}`")),
        }
    }
}

/// What the caller of an importer of [`PRESETS`](super::PRESETS) may choose.
///
/// Seed, fractions, repeats and leaks concern every dataset; which of the others one takes stands in
/// [`Preset::takes`](super::Preset::takes).
#[derive(Clone, Debug)]
pub struct Options {
    /// Seed of the splits, where the dataset brings none.
    pub seed: u64,
    /// Sizes of the splits, where the dataset brings none.
    pub fractions: Fractions,
    /// What becomes of rows that repeat an earlier one; `None` leaves it to the importer.
    pub repeats: Option<Repeats>,
    /// Whether rows of train and dev leave that occur in a split they are measured against.
    pub drop_leaks: bool,
    /// GIT: what stands between subject, object and sentence.
    pub separator: String,
    /// GIT: which file is which split.
    pub git_splits: GitSplits,
    /// DDI: how the two drugs are shown.
    pub entities: Entities,
    /// DDI: which pairs leave before anything else.
    pub negative_filter: NegativeFilter,
    /// Drug reviews: which ratings are which class.
    pub rating_cut: RatingCut,
    /// PHEE: sentences with events of both types.
    pub double_typed: DoubleTyped,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 1,
            fractions: Fractions::default(),
            repeats: None,
            drop_leaks: false,
            separator: "[SEP]".to_owned(),
            git_splits: GitSplits::default(),
            entities: Entities::default(),
            negative_filter: NegativeFilter::default(),
            rating_cut: RatingCut::default(),
            double_typed: DoubleTyped::default(),
        }
    }
}
