//! The built-in exit rules. The table in `table.rs` has a line for each.

mod elbert;
mod entropy;
mod fixed;
mod fpabee;
mod level;
mod patience;
mod voting;

pub use elbert::Elbert;
pub use entropy::{BranchyNet, DeeBert, Entropy};
pub use fixed::{Fixed, Full};
pub use fpabee::{Divergence, FPabee, Outputs};
pub use level::{Berxit, Margin, ShallowDeep};
pub use patience::{Epee, Pabee, Patience, Pcee};
pub use voting::Voting;

use super::parts::{Parts, count_or_never};
use super::rule::{check_classes, check_patience};
use super::{Direction, ExitOutput, ExitRule, PolicyError, PolicyState, Reason, Signal, Threshold};
use crate::confidence::probabilities;

/// A rule that is read from text and that a sweep can vary.
pub(super) trait BuiltIn: ExitRule + Sized {
    /// Reads its parts, other than the threshold.
    fn read(parts: &mut Parts<'_>) -> Result<Self, String>;

    /// The rules a sweep tries; patience, if there is one, takes the given values.
    fn families(exits: usize, classes: usize, patiences: &[Option<usize>]) -> Vec<Self>;
}

/// Rules without parts: there is nothing to read or to vary.
macro_rules! without_parts {
    ($( $Rule:ident ),*) => { $(
        impl BuiltIn for $Rule {
            fn read(_: &mut Parts<'_>) -> Result<Self, String> {
                Ok($Rule)
            }

            fn families(_: usize, _: usize, _: &[Option<usize>]) -> Vec<Self> {
                vec![$Rule]
            }
        }
    )* };
}

without_parts!(Full, Entropy, BranchyNet, ShallowDeep, DeeBert, Berxit, Margin);

/// The patiences below M: one of M is never reached by a rule that compares each exit with the one before.
fn below(exits: usize, patiences: &[Option<usize>]) -> impl Iterator<Item = usize> {
    patiences.iter().flatten().copied().filter(move |&patience| patience < exits)
}

/// The index of the greatest value, the lowest of several.
pub(super) fn greatest(values: &[f64]) -> usize {
    (1..values.len()).fold(0, |best, k| if values[k] > values[best] { k } else { best })
}
