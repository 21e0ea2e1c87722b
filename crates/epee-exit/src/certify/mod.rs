//! Certificates: how sure recorded losses make us that a setting's risk is tolerable.
//!
//! One setting of a policy has a loss for each of n calibration samples and a risk, the loss to be
//! expected of the next sample. A p-value here is one of "the risk exceeds ε": where ε is indeed
//! exceeded it is at most δ with probability at most δ. So a setting whose p-value is at most δ is
//! certified, at failure probability δ.

mod bounds;

pub use bounds::{betting_p, exact_binomial_p, hoeffding_bentkus_p, smallest_certifiable_n};
