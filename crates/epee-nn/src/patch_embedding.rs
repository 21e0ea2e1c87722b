//! Patch embedding: an image becomes one row per patch.

use crate::{Linear, Scalar, Tensor, parameters};

/// `y = W p + b` for every patch p of an image (ViT, Dosovitskiy et al., 2021): a convolution whose stride equals its kernel size.
///
/// A patch is flattened channel by channel and row by row, as a convolution kernel `[d, C, P, P]`. Patches are in row order.
///
/// ```
/// use epee_nn::{Parameters, PatchEmbedding, Tensor};
/// // One channel, 2 × 4 pixels, patches of 2 × 2: the weights sum a patch.
/// let mut embedding = PatchEmbedding::<f32>::zeros(1, [1, 2, 4], [2, 2]);
/// embedding.parameters_mut()[0].1.data_mut().fill(1.0);
/// let (y, _) = embedding.forward(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
/// assert_eq!(y.data(), [14.0, 22.0]);
/// ```
#[derive(Clone, Debug)]
pub struct PatchEmbedding<T: Scalar> {
    /// C P P → d
    pub projection: Linear<T>,
    image: [usize; 3],
    patch: [usize; 2],
}

parameters!(PatchEmbedding { projection });

impl<T: Scalar> PatchEmbedding<T> {
    /// All weights zero, for images `[channels, height, width]` and patches `[height, width]`.
    ///
    /// # Panics
    /// If the patches do not divide the image.
    pub fn zeros(width: usize, image: [usize; 3], patch: [usize; 2]) -> PatchEmbedding<T> {
        let [channels, h, w] = image;
        assert!(h.is_multiple_of(patch[0]) && w.is_multiple_of(patch[1]), "patches of {patch:?} in {h} x {w} pixels");
        PatchEmbedding { projection: Linear::zeros(width, channels * patch[0] * patch[1]), image, patch }
    }

    /// The number of values of an image.
    pub fn pixels(&self) -> usize {
        self.image.iter().product()
    }

    /// The number of patches of an image.
    pub fn patches(&self) -> usize {
        self.image[1] / self.patch[0] * (self.image[2] / self.patch[1])
    }

    /// `[n, C, H, W] → [n · patches, d]`, and the patches for the backward pass.
    pub fn forward(&self, pixels: &[f32]) -> (Tensor<T>, Tensor<T>) {
        let rows = pixels.len() / self.pixels() * self.patches();
        let mut patches = Vec::with_capacity(pixels.len());
        self.gather(pixels, |x| patches.push(T::of(f64::from(x))));
        let patches = Tensor::from_vec(&[rows, self.projection.inputs()], patches);
        (self.projection.forward(&patches), patches)
    }

    /// Adds the gradient of the weights. Pixels have no gradient.
    pub fn backward(&self, dy: &Tensor<T>, patches: &Tensor<T>, grads: &mut PatchEmbedding<T>) {
        self.projection.backward(dy, patches, &mut grads.projection);
    }

    /// Calls `f` with every pixel, patch by patch.
    ///
    /// # Panics
    /// If `pixels` does not have whole images.
    pub fn gather(&self, pixels: &[f32], mut f: impl FnMut(f32)) {
        let ([channels, h, w], [ph, pw]) = (self.image, self.patch);
        assert!(pixels.len().is_multiple_of(self.pixels()), "{} values, {} per image", pixels.len(), self.pixels());
        for image in pixels.chunks_exact(self.pixels()) {
            for (top, left) in (0..h).step_by(ph).flat_map(|top| (0..w).step_by(pw).map(move |left| (top, left))) {
                for (c, y) in (0..channels).flat_map(|c| (top..top + ph).map(move |y| (c, y))) {
                    image[(c * h + y) * w + left..][..pw].iter().for_each(|&x| f(x));
                }
            }
        }
    }
}
