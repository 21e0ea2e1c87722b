//! One policy a file. The table in `table.rs` has a line for each.

mod berxit;
mod branchynet;
mod deebert;
mod elbert;
mod entropy;
mod epee;
mod fixed;
mod fpabee;
mod full;
mod margin;
mod pabee;
mod patience;
mod pcee;
mod shallow_deep;
mod voting;

pub use berxit::Berxit;
pub use branchynet::BranchyNet;
pub use deebert::DeeBert;
pub use elbert::Elbert;
pub use entropy::Entropy;
pub use epee::Epee;
pub use fixed::Fixed;
pub use fpabee::{Divergence, FPabee, Outputs};
pub use full::Full;
pub use margin::Margin;
pub use pabee::Pabee;
pub use patience::Patience;
pub use pcee::Pcee;
pub use shallow_deep::ShallowDeep;
pub use voting::Voting;

pub(super) use voting::greatest;
