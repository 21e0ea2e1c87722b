//! Joint training of all exits (Eq. 4 of the paper), evaluation of every exit, checkpoints and resume.
//!
//! [`train`] is the whole loop: batches of shuffled examples, [`joint_loss`], AdamW with linear warm-up and decay,
//! evaluation of every exit on dev after each epoch, the best model kept. It tells an [`Observer`] what happens, and stops
//! where the observer says so, with a checkpoint from which it goes on.
//!
//! This crate knows the model by its forward and backward pass only.

mod checkpoint;
mod config_file;
mod error;
pub mod grid;
mod joint_loss;
mod observer;
mod options;
mod run;
mod schedule;
mod trainer;

pub use checkpoint::Checkpoint;
pub use config_file::{ConfigError, read_options};
pub use error::Error;
pub use joint_loss::{JointLoss, exit_weights, joint_loss};
pub use observer::{EpochReport, Observer, StepReport};
pub use options::{Select, TrainOptions};
pub use run::{Examples, Outcome, Output, train};
pub use schedule::LinearSchedule;
pub use trainer::Trainer;
