//! Transformer layer packed for inference. Its rows can be computed in any order.

use crate::kernels::attend::attend;
use crate::kernels::packed::Converted;
use crate::kernels::thread_pool;
use crate::kernels::vectorised;
use crate::{Activation, LayerNorm, Linear, PackedLinear, Precision, TransformerLayer, WidthError};

pub use crate::kernels::attend::Span;

/// Buffers of a forward pass. They grow to the largest batch and are reused.
#[derive(Debug, Default)]
pub struct Workspace {
    pub(crate) converted: Converted,
    normed: Vec<f32>,
    keys_values: Vec<f32>,
    queries: Vec<f32>,
    context: Vec<f32>,
    middle: Vec<f32>,
    wide: Vec<f32>,
}

/// [`TransformerLayer`] for inference. It saves nothing for a backward pass, and allocates nothing once the [`Workspace`] has grown.
///
/// A layer has two steps: [`PackedLayer::keys_values`] for all rows, then [`PackedLayer::rows`] for some of them, once or several
/// times. The result of a row has the same bits whichever rows are computed with it. In `f32` they equal
/// [`TransformerLayer::forward`]'s.
pub struct PackedLayer {
    query: PackedLinear,
    key_value: PackedLinear,
    output: PackedLinear,
    attention_norm: LayerNorm<f32>,
    up: PackedLinear,
    down: PackedLinear,
    feed_forward_norm: LayerNorm<f32>,
    heads: usize,
    causal: bool,
    activation: Activation,
    norm_first: bool,
}

impl TransformerLayer<f32> {
    /// Packs the weights for inference.
    ///
    /// # Errors
    /// A layer that is too wide for the precision, see [`Precision::check_width`].
    pub fn pack(&self, precision: Precision) -> Result<PackedLayer, WidthError> {
        let (attention, feed_forward) = (&self.attention, &self.feed_forward);
        precision.check_width(feed_forward.up.inputs())?;
        precision.check_width(feed_forward.down.inputs())?;
        let pack = |maps: &[&Linear<f32>]| PackedLinear::join(maps, precision);
        Ok(PackedLayer {
            query: pack(&[&attention.query]),
            key_value: pack(&[&attention.key, &attention.value]),
            output: pack(&[&attention.output]),
            attention_norm: self.attention_norm.clone(),
            up: pack(&[&feed_forward.up]),
            down: pack(&[&feed_forward.down]),
            feed_forward_norm: self.feed_forward_norm.clone(),
            heads: attention.heads,
            causal: attention.causal,
            activation: feed_forward.activation,
            norm_first: self.norm_first,
        })
    }
}

impl PackedLayer {
    /// d, the width of a row.
    pub fn width(&self) -> usize {
        self.query.outputs()
    }

    /// The width of the feed-forward block.
    pub fn intermediate(&self) -> usize {
        self.up.outputs()
    }

    /// Memory of the weights in bytes.
    pub fn bytes(&self) -> usize {
        [&self.query, &self.key_value, &self.output, &self.up, &self.down].iter().map(|map| map.bytes()).sum()
    }

    /// Multiplications plus additions per row, without attention: of [`PackedLayer::rows`] and of [`PackedLayer::keys_values`].
    pub fn operations(&self) -> (usize, usize) {
        let of = |map: &PackedLinear| 2 * map.0.inputs * map.0.outputs;
        (of(&self.query) + of(&self.output) + of(&self.up) + of(&self.down), of(&self.key_value))
    }

    /// Computes keys and values of all rows x `[tokens, d]`, for the next calls of [`PackedLayer::rows`].
    pub fn keys_values(&self, x: &[f32], work: &mut Workspace) {
        let x = self.attention_input(x, &mut work.normed);
        self.key_value.apply(x, Activation::None, None, &mut work.converted, &mut work.keys_values);
    }

    /// The layer's output for some rows. `x` has these rows one after the other; `spans` gives their places.
    pub fn rows(&self, x: &[f32], spans: &[Span], work: &mut Workspace, y: &mut Vec<f32>) {
        let Workspace { converted, normed, keys_values, queries, context, middle, wide } = work;
        self.query.apply(self.attention_input(x, normed), Activation::None, None, converted, queries);
        context.resize(x.len(), 0.0);
        attend(queries, keys_values, spans, self.heads, self.causal, context);
        self.output.apply(context, Activation::None, Some(x), converted, middle);
        if self.norm_first {
            let input = norm_of(&self.feed_forward_norm, middle, normed);
            self.up.apply(input, self.activation, None, converted, wide);
            self.down.apply(wide, Activation::None, Some(middle), converted, y);
        } else {
            self.attention_norm.apply(middle);
            self.up.apply(middle, self.activation, None, converted, wide);
            self.down.apply(wide, Activation::None, Some(middle), converted, y);
            self.feed_forward_norm.apply(y);
        }
    }

    /// The input of attention: the rows, or their norm.
    fn attention_input<'a>(&self, x: &'a [f32], normed: &'a mut Vec<f32>) -> &'a [f32] {
        if self.norm_first { norm_of(&self.attention_norm, x, normed) } else { x }
    }
}

/// The norm of some rows, written to `normed`.
fn norm_of<'a>(norm: &LayerNorm<f32>, x: &[f32], normed: &'a mut Vec<f32>) -> &'a [f32] {
    normed.clear();
    normed.extend_from_slice(x);
    norm.apply(normed);
    normed
}

impl LayerNorm<f32> {
    /// As [`LayerNorm::forward`], in place and without saved values.
    pub fn apply(&self, x: &mut [f32]) {
        let (d, eps) = (self.weight.len(), self.eps as f32);
        let rows = (x.len() / d).div_ceil(thread_pool::threads()).max(4);
        thread_pool::chunks(x, rows * d, |_, block| {
            vectorised!({
                for row in block.chunks_exact_mut(d) {
                    crate::kernels::rows::normalise(row, self.weight.data(), self.bias.data(), eps);
                }
            });
        });
    }
}
