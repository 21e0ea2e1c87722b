//! Intervals and tests: exact binomial bounds, McNemar's test, the bootstrap, and the p-values of certificates.
//!
//! Everything is computed with `libm` and seeded ChaCha8 bits, so a number is the same on every
//! platform and with any number of threads.

mod binomial;
mod bootstrap;
mod p_values;

use serde::Serialize;

pub use binomial::{binomial_cdf, binomial_upper, clopper_pearson, discordant, mcnemar};
pub use bootstrap::{Bootstrap, bootstrap, bootstrap_difference};
pub use p_values::{betting_p, exact_binomial_p, fixed_sequence, hoeffding_bentkus_p, smallest_certifiable_n};

/// From `low` to `high`, both included. NaN if nothing is known, which JSON writes as `null`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// True if a value lies in it, ends included.
    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}
