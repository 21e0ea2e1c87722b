//! Training of all exits: recipes, evaluation of every exit, checkpoints and resume.
//!
//! [`train`] is the whole loop: batches in an order of their own each epoch, the losses a [`Recipe`] adds up ([`joint_loss`]), AdamW
//! with linear warm-up and decay, evaluation of every exit on dev after each epoch, the best model kept. It tells an [`Observer`]
//! what happens, and stops where the observer says so, with a checkpoint from which it goes on to the same bits.
//!
//! This crate knows the model by its forward and backward pass only.

mod augmentation;
mod checkpoint;
mod config_file;
mod error;
mod evaluate;
mod examples;
pub mod grid;
mod joint_loss;
mod log;
mod observer;
mod options;
mod order;
mod plan;
mod recipe;
mod run;
mod schedule;
mod trainer;

pub use checkpoint::{
    CHECKPOINT_FORMAT, Checkpoints, RunIdentity, State, order_digest, refuse_if_locked, refuse_if_not_begun,
};
pub use config_file::{ConfigError, ConfigOrOption, check_options, options_file, read_options};
pub use error::Error;
pub use examples::Examples;
pub use joint_loss::{JointLoss, joint_loss};
pub use observer::{EpochReport, Observer, StepReport};
pub use options::{Select, TrainOptions};
pub use recipe::{ClassWeights, Distillation, ExitWeights, Form, Recipe, RecipeName, Regime, Stage, Step};
pub use run::{LastGood, Outcome, Output, Run, train};
pub use schedule::LinearSchedule;
pub use trainer::Trainer;
