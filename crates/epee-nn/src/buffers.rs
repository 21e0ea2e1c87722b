//! A pool of freed tensor buffers.
//!
//! A training step frees about 100 MB and allocates it again. Returning pages to the operating system and faulting them in again
//! took a tenth of the time. So freed buffers are kept here, and serve any request of at least half their size. Sizes are powers of
//! two, so that batches of different lengths can share them. Pages that were never written take no memory.

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::Scalar;

/// Buffers with fewer values go back to the allocator.
const SMALL: usize = 1 << 12;

/// Free buffers of one number type, by capacity.
#[derive(Debug, Default)]
pub struct Buffers<T>(Mutex<BTreeMap<usize, Vec<Vec<T>>>>);

impl<T> Buffers<T> {
    pub(crate) const fn new() -> Buffers<T> {
        Buffers(Mutex::new(BTreeMap::new()))
    }
}

/// A buffer of `len` arbitrary values.
pub(crate) fn take<T: Scalar>(len: usize) -> Vec<T> {
    if len < SMALL {
        return vec![T::ZERO; len];
    }
    let found = T::buffers().0.lock().ok().and_then(|mut free| {
        // Up to twice the size is accepted.
        let (&capacity, _) = free.range(len..=2 * len).next()?;
        let stack = free.get_mut(&capacity)?;
        let buffer = stack.pop();
        if stack.is_empty() {
            free.remove(&capacity);
        }
        buffer
    });
    match found {
        Some(mut buffer) => {
            buffer.resize(len, T::ZERO);
            buffer
        }
        None => {
            let mut buffer = vec![T::ZERO; len.next_power_of_two()];
            buffer.truncate(len);
            buffer
        }
    }
}

pub(crate) fn zeros<T: Scalar>(len: usize) -> Vec<T> {
    if len < SMALL {
        return vec![T::ZERO; len];
    }
    let mut buffer = take(len);
    buffer.fill(T::ZERO);
    buffer
}

pub(crate) fn give<T: Scalar>(buffer: Vec<T>) {
    if buffer.capacity() < SMALL {
        return;
    }
    if let Ok(mut free) = T::buffers().0.lock() {
        free.entry(buffer.capacity()).or_default().push(buffer);
    }
}

/// Returns all freed `f32` buffers to the allocator. Call it after loading a model, when buffers of those sizes are not needed again.
pub fn release_buffers() {
    if let Ok(mut free) = f32::buffers().0.lock() {
        free.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_comes_back_in_any_fitting_length_and_zeros_are_zeros() {
        // A size no other test of this crate uses.
        let len = 1_234_567;
        let mut buffer: Vec<f64> = take(len);
        buffer.fill(3.0);
        let address = buffer.as_ptr();
        give(buffer);
        let shorter: Vec<f64> = take(len - 1000);
        assert_eq!((shorter.as_ptr(), shorter.len()), (address, len - 1000));
        give(shorter);
        let longer: Vec<f64> = zeros(len);
        assert!(longer.as_ptr() == address && longer.iter().all(|&x| x == 0.0));
        give(longer);
        let much_longer: Vec<f64> = take(2_000_000);
        assert_eq!(much_longer.as_ptr(), address, "lengths between the same powers of two share buffers");
    }
}
