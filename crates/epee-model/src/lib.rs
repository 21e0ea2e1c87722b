//! Multi-exit transformers: a backbone, an exit after every layer, and the directory they are stored in.
//!
//! A [`Model`] is a [`Backbone`] and its [`Exits`]. Its architecture is a [`Shape`], read from a `config.json` ([`Config`]) by one of
//! the `families/`: BERT, ALBERT, DistilBERT, GPT-2, ViT, DeiT. It is read from a Hugging Face directory ([`read_backbone`]), made
//! from a configuration ([`Model::new`]), and stored as an [`ModelDir`], which plain Transformers can still open. Training takes
//! all logits and their gradients ([`Model::forward`], [`Model::backward`]); inference packs the weights into an [`Engine`],
//! steps through the layers and stops where the policy says so ([`Session::classify`]).
//!
//! This crate holds no training loop and no server.

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
mod init;
mod memory;
mod model;
mod model_dir;
mod names;
mod outputs;
mod recording;
mod session;
mod shape;

pub use backbone::Backbone;
pub use batch::Batch;
pub use checkpoint::{LoadReport, read_backbone, read_whole};
pub use config::Config;
pub use digest::{INPUT_FILES, model_digest};
pub use engine::Engine;
pub use error::Error;
pub use exits::{ExitConfig, Exits, PoolerKind, Pooling};
pub use exits_file::{Calibration, ExitsFile};
pub use model::{Model, SavedForward};
pub use model_dir::{ModelCard, ModelDir};
pub use outputs::{BackboneGradient, OutputGradients, Outputs};
pub use recording::Recording;
pub use session::{ExitRowFirst, Session};
pub use shape::{DropoutRates, ImageInput, Input, Shape, TextInput};
