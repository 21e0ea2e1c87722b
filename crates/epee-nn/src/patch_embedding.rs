//! Pictures to rows: one for every patch.

use crate::{Linear, Scalar, Tensor, parameters};

/// `y = W p + b` of every patch p of a picture: a convolution whose stride is its kernel, as ViT begins with.
///
/// A patch is flattened channel by channel, row by row, as a convolution's kernel `[d, C, P, P]` is; patches go row by row.
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
    picture: [usize; 3],
    patch: [usize; 2],
}

parameters!(PatchEmbedding { projection });

impl<T: Scalar> PatchEmbedding<T> {
    /// All zeros: for pictures of `[channels, height, width]` and patches of `[height, width]`, which divide them.
    ///
    /// # Panics
    /// Where they do not.
    pub fn zeros(width: usize, picture: [usize; 3], patch: [usize; 2]) -> PatchEmbedding<T> {
        let [channels, h, w] = picture;
        assert!(h.is_multiple_of(patch[0]) && w.is_multiple_of(patch[1]), "patches of {patch:?} in {h} x {w} pixels");
        PatchEmbedding { projection: Linear::zeros(width, channels * patch[0] * patch[1]), picture, patch }
    }

    /// Values of a picture.
    pub fn pixels(&self) -> usize {
        self.picture.iter().product()
    }

    /// Patches of a picture.
    pub fn patches(&self) -> usize {
        self.picture[1] / self.patch[0] * (self.picture[2] / self.patch[1])
    }

    /// `[n, C, H, W] → [n · patches, d]`, and the patches, which the backward pass needs.
    pub fn forward(&self, pixels: &[f32]) -> (Tensor<T>, Tensor<T>) {
        let rows = pixels.len() / self.pixels() * self.patches();
        let mut patches = Vec::with_capacity(pixels.len());
        self.gather(pixels, |x| patches.push(T::of(f64::from(x))));
        let patches = Tensor::from_vec(&[rows, self.projection.inputs()], patches);
        (self.projection.forward(&patches), patches)
    }

    /// Adds the gradient of the weights; pixels have none.
    pub fn backward(&self, dy: &Tensor<T>, patches: &Tensor<T>, grads: &mut PatchEmbedding<T>) {
        self.projection.backward(dy, patches, &mut grads.projection);
    }

    /// Hands out the pixels patch by patch.
    ///
    /// # Panics
    /// Where there are no whole pictures.
    pub fn gather(&self, pixels: &[f32], mut f: impl FnMut(f32)) {
        let ([channels, h, w], [ph, pw]) = (self.picture, self.patch);
        assert!(pixels.len().is_multiple_of(self.pixels()), "{} values, {} a picture", pixels.len(), self.pixels());
        for picture in pixels.chunks_exact(self.pixels()) {
            for (top, left) in (0..h).step_by(ph).flat_map(|top| (0..w).step_by(pw).map(move |left| (top, left))) {
                for (c, y) in (0..channels).flat_map(|c| (top..top + ph).map(move |y| (c, y))) {
                    picture[(c * h + y) * w + left..][..pw].iter().for_each(|&x| f(x));
                }
            }
        }
    }
}
