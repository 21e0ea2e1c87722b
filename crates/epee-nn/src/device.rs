//! The device that holds a tensor.

/// The device that holds a tensor's values and runs the operations on it. The CPU is the only one today.
///
/// Other devices fit in here: a block is a struct of [`Tensor`](crate::Tensor)s, and its passes call a dozen functions on whole
/// tensors (product and its two gradients, attention, norm, activation, dropout, gather and scatter, sums, the AdamW step). Another
/// device is another branch in these functions. Blocks and models stay as they are. `ARCHITECTURE.md` has the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Device {
    /// The processor's cores, with the kernels of this crate.
    #[default]
    Cpu,
}
