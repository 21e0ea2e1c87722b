//! The blocks a transformer is made of, each with its forward and its backward pass, and the kernels under them.
//!
//! **One definition of a block.** A block is a struct that holds its parameters, with
//! `forward(&self, x) -> (y, saved)` and `backward(&self, dy, saved, grads) -> dx`; gradients are a value of the
//! block's own type, so that an optimiser walks both side by side ([`Parameters`]).
//!
//! **Sequences are packed end to end.** A batch is one matrix `[tokens, hidden]` and the offsets at which its sequences
//! begin. There is no padding and no attention mask anywhere.
//!
//! **A row's bits depend on nothing but the row.** Every matrix product sums its inner dimension in one fixed order,
//! whatever the number of rows or threads, and attention works per sequence. So a sequence alone and in any batch, on
//! one thread or many, gives the same bits, and an exit decided live equals the exit replayed from a trace.
//!
//! Blocks are generic over [`Scalar`], so that tests can hold each backward pass against finite differences in `f64`.
//! This crate knows no architecture and reads no file.

mod activation;
mod adamw;
mod attention;
mod buffers;
mod device;
mod dropout;
mod embedding;
mod feed_forward;
mod kernels;
mod layer_norm;
mod linear;
mod loss;
mod packed_layer;
mod packed_linear;
mod parameters;
mod patch_embedding;
mod pooler;
mod precision;
mod scalar;
mod sigmoid;
mod tensor;
mod transformer_layer;

pub use activation::Activation;
pub use adamw::{AdamW, clip_grad_norm, grad_norm};
pub use attention::{Attention, SavedAttention};
pub use buffers::release_buffers;
pub use device::Device;
pub use dropout::Dropout;
pub use embedding::Embedding;
pub use feed_forward::{FeedForward, SavedFeedForward};
pub use kernels::isa::{Isa, check_isa, isa};
pub use kernels::roofline::roofline;
pub use kernels::thread_pool::in_pool;
pub use layer_norm::{LayerNorm, SavedNorm};
pub use linear::Linear;
pub use loss::{Loss, Targets, cross_entropy, distillation, exit_head_loss};
pub use packed_layer::{PackedLayer, Span, Workspace};
pub use packed_linear::PackedLinear;
pub use parameters::{Parameters, join};
pub use patch_embedding::PatchEmbedding;
pub use pooler::{Pooler, SavedPooler, tanh};
pub use precision::Precision;
pub use scalar::Scalar;
pub use sigmoid::sigmoid;
pub use tensor::Tensor;
pub use transformer_layer::{LayerDropout, SavedLayer, TransformerLayer};

#[cfg(test)]
mod finite_differences;
