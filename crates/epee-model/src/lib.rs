//! Multi-exit transformers: a backbone, an exit after every layer, and the directory that stores them.
//!
//! - A [`Model`] is a [`Backbone`] and its [`Exits`]. [`read_backbone`] reads one from a Hugging Face directory; [`Model::new`] makes
//!   one with fresh weights.
//! - Its architecture is a [`Shape`]. [`Config`] reads it from `config.json`: BERT, ALBERT, DistilBERT, GPT-2, ViT or DeiT.
//! - A [`ModelDir`] is a stored model. Plain Transformers can open its backbone.
//! - Training uses [`Model::forward`], a loss of `epee_nn`, [`Model::backward`] and [`epee_nn::AdamW`].
//! - Inference packs the weights into an [`Engine`]. [`Session::classify`] computes layer after layer and stops each sample where the
//!   policy says so.
//!
//! This crate has no training loop and no server.

mod backbone;
mod batch;
mod bicubic;
mod checkpoint;
mod config;
mod digest;
mod embeddings;
mod engine;
mod error;
mod exits;
mod exits_file;
mod families;
mod memory;
mod model;
mod model_dir;
mod names;
mod outputs;
mod recording;
mod session;
mod shape;

pub use backbone::Backbone;
pub use batch::{Batch, SequenceError};
pub use checkpoint::{LoadReport, read_backbone, read_whole};
pub use config::{Config, ConfigError};
pub use digest::{inference_files, is_outdated, model_digest};
pub use engine::Engine;
pub use error::Error;
pub use exits::{ExitConfig, Exits, PoolerKind, Pooling};
pub use exits_file::{Calibration, ExitsFile};
pub use model::{Model, SavedForward};
pub use model_dir::{ModelCard, ModelDir};
pub use outputs::{BackboneGradient, OutputGradients, Outputs};
pub use recording::Recording;
pub use session::{ExitRowFirst, Session};
pub use shape::{DropoutRates, ImageShape, InputShape, Shape, TextShape};
