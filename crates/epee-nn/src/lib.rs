//! Transformer blocks with forward and backward passes, losses, AdamW, and the CPU kernels they use.
//!
//! - **Blocks.** A block is a struct of parameters with `forward(&self, x) -> (y, saved)` and
//!   `backward(&self, dy, saved, grads) -> dx`. Gradients have the block's own type, so an optimizer visits both together
//!   ([`Parameters`]).
//! - **Batches.** A batch is one matrix `[tokens, hidden]` and the offset of each sequence. There is no padding and no attention mask.
//! - **Same bits.** The result of a row depends on that row's sequence only, not on the other rows or on the number of threads: every
//!   matrix product sums its inner dimension in one fixed order, and attention works per sequence. So a sequence gives the same bits
//!   alone and in any batch, and a live exit decision equals the decision replayed from a trace.
//!
//! Blocks are generic over [`Scalar`], so that tests can compare each backward pass with finite differences in `f64`.
//! This crate knows no architecture and reads no file.

mod activation;
mod adamw;
mod attention;
mod buffers;
mod dropout;
mod embedding;
mod feed_forward;
mod kernels;
mod layer_norm;
mod linear;
mod loss;
mod packed_layer;
mod parameters;
mod patch_embedding;
mod pooler;
mod precision;
mod scalar;
mod tensor;
mod transformer_layer;

pub use activation::{Activation, sigmoid};
pub use adamw::{AdamW, clip_grad_norm, grad_norm};
pub use attention::{Attention, SavedAttention};
pub use buffers::release_buffers;
pub use dropout::Dropout;
pub use embedding::Embedding;
pub use feed_forward::{FeedForward, SavedFeedForward};
pub use kernels::isa::{Isa, IsaError, check_isa, isa};
pub use kernels::roofline::roofline;
pub use kernels::thread_pool::in_pool;
pub use layer_norm::{LayerNorm, SavedNorm};
pub use linear::{Linear, PackedLinear};
pub use loss::{Loss, Targets, cross_entropy, distillation, exit_head_loss};
pub use packed_layer::{PackedLayer, Span, Workspace};
pub use parameters::{Parameters, join};
pub use patch_embedding::PatchEmbedding;
pub use pooler::{Pooler, SavedPooler, tanh};
pub use precision::{Precision, PrecisionError, WidthError};
pub use scalar::Scalar;
pub use tensor::{Device, Tensor};
pub use transformer_layer::{LayerDropout, SavedLayer, TransformerLayer};

#[cfg(test)]
mod finite_differences;
