//! The batches of each epoch and their order.

use epee_input::{pack_count, pack_order};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::TrainOptions;

/// Size of a pool, in batches: large enough that lengths within a batch are close, small enough that batches differ from epoch
/// to epoch.
const POOL: usize = 32;

/// The batches of every epoch. They depend on seed and epoch alone, so a resumed run has the same ones.
pub(crate) struct Order {
    lengths: Vec<usize>,
    batch_size: usize,
    batch_tokens: Option<usize>,
    seed: u64,
}

impl Order {
    /// The order for sequences of these lengths, in tokens.
    pub(crate) fn new(lengths: Vec<usize>, options: &TrainOptions) -> Order {
        let TrainOptions { batch_size, batch_tokens, seed, .. } = *options;
        Order { lengths, batch_size, batch_tokens, seed }
    }

    /// The batches of an epoch (from 0), as indices: each example once.
    ///
    /// With `batch_size`: chunks of a shuffled order. With `batch_tokens`: the shuffled order is cut into pools, each pool is
    /// sorted by length and cut into batches, and the batches are shuffled.
    pub(crate) fn batches(&self, epoch: usize) -> Vec<Vec<usize>> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(epoch as u64 + 1);
        let mut order: Vec<usize> = (0..self.lengths.len()).collect();
        order.shuffle(&mut rng);
        let Some(budget) = self.batch_tokens else {
            return pack_count(&order, self.batch_size);
        };
        let mut batches = Vec::new();
        for mut pool in pack_order(&self.lengths, &order, budget.saturating_mul(POOL), usize::MAX) {
            // Stable: sequences of one length stay shuffled.
            pool.sort_by_key(|&i| self.lengths[i]);
            batches.extend(pack_order(&self.lengths, &pool, budget, usize::MAX));
        }
        batches.shuffle(&mut rng);
        batches
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_tokens_each_example_once_within_the_budget_and_of_like_lengths() {
        let lengths: Vec<usize> = (0..4000).map(|i| 5 + (i * 7919) % 91).collect();
        let options = TrainOptions { batch_tokens: Some(512), seed: 3, ..TrainOptions::default() };
        let order = Order::new(lengths.clone(), &options);
        let batches = order.batches(0);
        let mut seen: Vec<usize> = batches.concat();
        seen.sort_unstable();
        assert!(seen.into_iter().eq(0..4000));
        let tokens = |batch: &Vec<usize>| batch.iter().map(|&i| lengths[i]).sum::<usize>();
        assert!(batches.iter().all(|batch| tokens(batch) <= 512));
        let spread = |batch: &Vec<usize>| {
            let of = || batch.iter().map(|&i| lengths[i]);
            of().max().unwrap_or(0) - of().min().unwrap_or(0)
        };
        let mean = batches.iter().map(spread).sum::<usize>() as f64 / batches.len() as f64;
        assert!(mean < 6.0, "lengths in a batch differ by {mean} on average, of 90 in all");
        // Batches do not come in the order of their lengths.
        let firsts: Vec<usize> = batches.iter().map(|batch| lengths[batch[0]]).collect();
        let rising = firsts.windows(2).filter(|pair| pair[0] <= pair[1]).count();
        assert!((4..6).contains(&(10 * rising / firsts.len())), "{rising} of {} rise", firsts.len());
        assert_eq!(batches, Order::new(lengths, &options).batches(0));
        assert_ne!(batches, order.batches(1));
    }
}
