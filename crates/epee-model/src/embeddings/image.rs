//! Pixels to rows.

use epee_nn::{PatchEmbedding, Scalar, Tensor, parameters};

use crate::shape::ImageInput;

/// A class token, perhaps a second one, and a row for each patch; positions are added to all of them.
#[derive(Clone, Debug)]
pub(crate) struct ImageEmbeddings<T: Scalar> {
    /// `[1, 1, d]`
    class_token: Tensor<T>,
    /// DeiT's, `[1, 1, d]`.
    distillation_token: Option<Tensor<T>>,
    /// `[1, rows of a picture, d]`
    positions: Tensor<T>,
    pub(super) patches: PatchEmbedding<T>,
}

parameters!(ImageEmbeddings { class_token, distillation_token, positions, patches });

/// Rows of some pictures.
struct Places {
    /// Of every row, its position.
    positions: Vec<usize>,
    /// Of every token, its row in each picture.
    tokens: Vec<Vec<usize>>,
    /// The patches' rows.
    patches: Vec<usize>,
}

impl<T: Scalar> ImageEmbeddings<T> {
    pub(super) fn zeros(input: ImageInput, d: usize) -> ImageEmbeddings<T> {
        let picture = [input.channels, input.height, input.width];
        ImageEmbeddings {
            class_token: Tensor::zeros(&[1, 1, d]),
            distillation_token: (input.tokens == 2).then(|| Tensor::zeros(&[1, 1, d])),
            positions: Tensor::zeros(&[1, input.rows(), d]),
            patches: PatchEmbedding::zeros(d, picture, input.patch),
        }
    }

    /// The tokens that are no patches.
    fn tokens(&self) -> impl Iterator<Item = &Tensor<T>> {
        std::iter::once(&self.class_token).chain(&self.distillation_token)
    }

    /// The rows of all pictures, and the patches, which the backward pass needs.
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

    /// Where everything stands in the rows of some pictures.
    fn places(&self, pictures: usize) -> Places {
        let (n, tokens) = (self.positions.rows(), self.tokens().count());
        let each = |i: usize| (0..pictures).map(move |picture| picture * n + i);
        Places {
            positions: (0..pictures * n).map(|row| row % n).collect(),
            tokens: (0..tokens).map(|token| each(token).collect()).collect(),
            patches: (0..pictures * n).filter(|row| row % n >= tokens).collect(),
        }
    }

    /// What [`ImageEmbeddings::forward`] makes of the patches' rows, on the host and into memory that stays.
    pub(super) fn place(&self, rows: &[T], x: &mut Vec<T>) {
        x.clear();
        for picture in rows.chunks_exact(self.patches.patches() * self.positions.cols()) {
            let first = x.len();
            self.tokens().for_each(|token| x.extend_from_slice(token.data()));
            x.extend_from_slice(picture);
            x[first..].iter_mut().zip(self.positions.data()).for_each(|(x, &position)| *x += position);
        }
    }

    /// The same embeddings for pictures of another size: positions of patches are interpolated, tokens keep theirs.
    pub(crate) fn resized(&self, from: ImageInput, to: ImageInput) -> ImageEmbeddings<T> {
        let d = self.positions.cols();
        let (tokens, patches) = self.positions.data().split_at(from.tokens * d);
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
