//! Early-exit transformer classifiers: a classifier head after every layer, and a policy that decides after each layer whether to
//! answer now or to go one layer deeper.
//!
//! ```no_run
//! let classifier = epee::Classifier::load("runs/notes")?;
//! for answer in classifier.predict(["Stopped taking ginkgo last month."])? {
//!     println!("{} ({:.2}) after layer {}", answer.label, answer.probability, answer.exit);
//! }
//! # Ok::<(), epee::Error>(())
//! ```
//!
//! | to | use |
//! |---|---|
//! | answer texts, pairs or images | [`Classifier`], [`Prediction`], [`Warning`] |
//! | choose or certify an exit setting | [`Calibrator`], or [`calibrate()`] for the usual goal |
//! | write a policy of your own, replay and sweep traces | [`exit`] |
//! | record a trace, evaluate live | [`Classifier::record`], [`Classifier::evaluate`] (feature `data`) |
//! | train from a dataset folder | [`train()`], or [`Training`] for more choices (feature `train`) |
//!
//! The command `epee`, the server and the Python package call these functions and hold no rule of their own.
//!
//! # Features
//! `data`, `hub` and `train` are on by default. A program that only predicts from local directories can switch them off:
//! `epee = { version = "0.1", default-features = false }`.

pub mod calibration;
pub mod certificates;
mod classifier;
mod error;
#[cfg(feature = "data")]
pub mod evaluation;
#[cfg(feature = "hub")]
pub mod hub;
mod preprocessor;
#[cfg(feature = "data")]
pub mod recording;
#[cfg(feature = "train")]
mod train;
mod warning;

pub use calibration::{Calibrator, calibrate};
pub use classifier::{Classifier, LoadOptions, Prediction};
pub use error::Error;
#[cfg(feature = "data")]
pub use evaluation::Evaluation;
pub use preprocessor::{Encoded, Preprocessor};
pub use warning::Warning;

#[cfg(feature = "data")]
pub use epee_data as data;
pub use epee_exit as exit;
pub use epee_exit::{Policy, Reason, Trace};
pub use epee_input as input;
pub use epee_input::{Example, Image};
pub use epee_model as model;
pub use epee_nn::Precision;
#[cfg(feature = "train")]
pub use epee_train as training;
#[cfg(feature = "train")]
pub use train::{Base, ExitOptions, Training, train};
