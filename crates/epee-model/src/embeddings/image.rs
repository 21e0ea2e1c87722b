//! Embeddings of images.

use epee_nn::{PatchEmbedding, Scalar, Tensor, parameters};

use crate::shape::ImageShape;

/// A class token, perhaps a second token, and a row for each patch. Positions are added to all rows.
#[derive(Clone, Debug)]
pub(crate) struct ImageEmbeddings<T: Scalar> {
    /// `[1, 1, d]`
    class_token: Tensor<T>,
    /// DeiT's second token, `[1, 1, d]`.
    distillation_token: Option<Tensor<T>>,
    /// `[1, rows of an image, d]`
    positions: Tensor<T>,
    pub(super) patches: PatchEmbedding<T>,
}

parameters!(ImageEmbeddings { class_token, distillation_token, positions, patches });

struct Places {
    positions: Vec<usize>,
    /// For every token before the patches, its row in each image.
    tokens: Vec<Vec<usize>>,
    patches: Vec<usize>,
}

impl<T: Scalar> ImageEmbeddings<T> {
    pub(super) fn zeros(input: ImageShape, d: usize) -> ImageEmbeddings<T> {
        let image = [input.num_channels, input.height, input.width];
        ImageEmbeddings {
            class_token: Tensor::zeros(&[1, 1, d]),
            distillation_token: (input.num_prefix_tokens == 2).then(|| Tensor::zeros(&[1, 1, d])),
            positions: Tensor::zeros(&[1, input.rows(), d]),
            patches: PatchEmbedding::zeros(d, image, input.patch_size),
        }
    }

    fn tokens(&self) -> impl Iterator<Item = &Tensor<T>> {
        std::iter::once(&self.class_token).chain(&self.distillation_token)
    }

    /// The rows of all images, and the patches for the backward pass.
    pub(super) fn forward(&self, pixels: &[f32]) -> (Tensor<T>, Tensor<T>) {
        let (rows, patches) = self.patches.forward(pixels);
        let places = self.places(rows.rows() / self.patches.patches());
        let mut x = self.positions.gather(&places.positions);
        for (token, rows) in self.tokens().zip(&places.tokens) {
            x.scatter_add(rows, &token.gather(&vec![0; rows.len()]));
        }
        x.scatter_add(&places.patches, &rows);
        (x, patches)
    }

    pub(super) fn backward(&self, dy: &Tensor<T>, patches: &Tensor<T>, grads: &mut ImageEmbeddings<T>) {
        let places = self.places(dy.rows() / self.positions.rows());
        grads.positions.scatter_add(&places.positions, dy);
        let tokens = std::iter::once(&mut grads.class_token).chain(&mut grads.distillation_token);
        for (token, rows) in tokens.zip(&places.tokens) {
            token.scatter_add(&vec![0; rows.len()], &dy.gather(rows));
        }
        self.patches.backward(&dy.gather(&places.patches), patches, &mut grads.patches);
    }

    /// The places in the rows of several images.
    fn places(&self, images: usize) -> Places {
        let (n, tokens) = (self.positions.rows(), self.tokens().count());
        let each = |i: usize| (0..images).map(move |image| image * n + i);
        Places {
            positions: (0..images * n).map(|row| row % n).collect(),
            tokens: (0..tokens).map(|token| each(token).collect()).collect(),
            patches: (0..images * n).filter(|row| row % n >= tokens).collect(),
        }
    }

    /// As [`ImageEmbeddings::forward`], from the rows of the patches. Reuses the memory of `x`.
    pub(super) fn place(&self, rows: &[T], x: &mut Vec<T>) {
        x.clear();
        for image in rows.chunks_exact(self.patches.patches() * self.positions.cols()) {
            let first = x.len();
            self.tokens().for_each(|token| x.extend_from_slice(token.data()));
            x.extend_from_slice(image);
            x[first..].iter_mut().zip(self.positions.data()).for_each(|(x, &position)| *x += position);
        }
    }

    /// The same embeddings for images of another size. The positions of patches are interpolated.
    pub(crate) fn resized(&self, from: ImageShape, to: ImageShape) -> ImageEmbeddings<T> {
        let d = self.positions.cols();
        let (tokens, patches) = self.positions.data().split_at(from.num_prefix_tokens * d);
        let mut positions = tokens.to_vec();
        positions.extend(crate::bicubic::resize(patches, from.grid(), to.grid(), d));
        let mut resized = ImageEmbeddings::zeros(to, d);
        resized.class_token = self.class_token.clone();
        resized.distillation_token = self.distillation_token.clone();
        resized.positions = Tensor::from_vec(&[1, to.rows(), d], positions);
        resized.patches.projection = self.patches.projection.clone();
        resized
    }
}
