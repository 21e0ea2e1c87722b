//! Training of all exits: recipes, evaluation of every exit, checkpoints and resume.
//!
//! [`train`] is the whole loop: shuffled batches, the loss of a [`Recipe`] ([`joint_loss`]), AdamW with linear warm-up and
//! decay, an evaluation of every exit on dev after each epoch. It keeps the best model. It calls an [`Observer`], which may stop
//! the run; a stopped run resumes from its checkpoint and ends with the same bits.
//!
//! For a loop of your own there is [`Trainer::step`].

mod augmentation;
mod checkpoint;
mod config_file;
mod error;
mod evaluate;
pub mod grid;
mod job;
mod joint_loss;
mod log;
mod named;
mod observer;
mod options;
mod plan;
mod recipe;
mod run;
mod trainer;

pub use augmentation::{Augmentation, Mixed};
pub use checkpoint::{CHECKPOINT_FORMAT, Checkpoints, RunIdentity, State, check_resumable, order_digest};
pub use error::{Error, LastGood};
pub use job::{Examples, Outcome, TrainingJob, train};
pub use joint_loss::{JointLoss, joint_loss};
pub use observer::{EpochReport, Observer, StepReport};
pub use options::{Select, TrainOptions};
pub use plan::LinearSchedule;
pub use recipe::{ClassWeights, Distillation, ExitWeights, ModelShape, Objective, Recipe, RecipeName, Regime, Stage};
pub use trainer::{StepInput, StepResult, Trainer};
