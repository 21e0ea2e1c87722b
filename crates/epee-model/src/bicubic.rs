//! Bicubic interpolation of position embeddings, for another image size.

use epee_nn::Scalar;

/// Bicubic interpolation of a grid of vectors `[height, width, d]`, as PyTorch's `interpolate(mode="bicubic",
/// align_corners=False)`: Keys' kernel with a = −0.75, no smoothing, edges repeated.
pub(crate) fn resize<T: Scalar>(x: &[T], from: [usize; 2], to: [usize; 2], d: usize) -> Vec<T> {
    let (rows, cols) = (taps(from[0], to[0]), taps(from[1], to[1]));
    let mut resized = Vec::with_capacity(to[0] * to[1] * d);
    for row in &rows {
        for col in &cols {
            for c in 0..d {
                let mut sum = 0.0;
                for &(i, weight_i) in row {
                    for &(j, weight_j) in col {
                        sum += weight_i * weight_j * x[(i * from[1] + j) * d + c].f64();
                    }
                }
                resized.push(T::of(sum));
            }
        }
    }
    resized
}

/// For each new index: four old indices and their weights.
fn taps(from: usize, to: usize) -> Vec<[(usize, f64); 4]> {
    const A: f64 = -0.75;
    let near = |x: f64| ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0;
    let far = |x: f64| ((A * x - 5.0 * A) * x + 8.0 * A) * x - 4.0 * A;
    let last = from as isize - 1;
    (0..to)
        .map(|i| {
            let at = (i as f64 + 0.5) * from as f64 / to as f64 - 0.5;
            let t = at - at.floor();
            let weights = [far(1.0 + t), near(t), near(1.0 - t), far(2.0 - t)];
            std::array::from_fn(|k| {
                let place = (at.floor() as isize - 1 + k as isize).clamp(0, last);
                (place as usize, weights[k])
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_size_changes_nothing_and_a_constant_stays() {
        let x: Vec<f64> = (0..24).map(f64::from).collect();
        assert_eq!(resize(&x, [3, 4], [3, 4], 2), x);
        for value in resize(&[2.5; 9], [3, 3], [5, 2], 1) {
            assert!((value - 2.5f64).abs() < 1e-12);
        }
    }

    /// `torch.nn.functional.interpolate(torch.tensor([[[[0., 1.], [2., 4.]]]]), size=(3, 3), mode="bicubic")`, PyTorch 2.15.
    #[test]
    fn a_small_grid_is_pytorch_s() {
        let expected = [
            -0.252_881_462,
            0.282_986_111,
            0.818_853_684,
            0.869_791_667,
            1.75,
            2.630_208_333,
            1.992_464_796,
            3.217_013_889,
            4.441_562_982,
        ];
        for (got, want) in resize(&[0.0f64, 1.0, 2.0, 4.0], [2, 2], [3, 3], 1).into_iter().zip(expected) {
            assert!((got - want).abs() < 1e-8, "{got}, expected {want}");
        }
    }
}
