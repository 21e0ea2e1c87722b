//! The schedule of a run: batches and steps of each epoch, the stage of each step, learning rates, early stopping.

use epee_input::{pack_count, pack_order};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::{ModelShape, Objective, Recipe, Stage, TrainOptions};

/// A learning rate that rises linearly from 0 to its peak, then falls linearly to 0, as Transformers' linear schedule. A run with
/// two stages has one for each.
///
/// ```
/// let schedule = epee_train::LinearSchedule { peak: 1.0, warmup: 2, total: 6 };
/// assert_eq!((0..6).map(|step| schedule.rate(step)).collect::<Vec<_>>(), [0.0, 0.5, 1.0, 0.75, 0.5, 0.25]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LinearSchedule {
    /// The highest learning rate.
    pub peak: f64,
    /// Steps until it is reached.
    pub warmup: u64,
    /// Steps in all.
    pub total: u64,
}

impl LinearSchedule {
    /// The learning rate of a step, counted from 0.
    pub fn rate(&self, step: u64) -> f64 {
        if step < self.warmup {
            return self.peak * step as f64 / self.warmup as f64;
        }
        let rest = self.total.saturating_sub(step) as f64;
        self.peak * rest / (self.total - self.warmup.min(self.total)).max(1) as f64
    }
}

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

/// The schedule of a run, which its options and the lengths of its sequences decide.
pub(crate) struct Plan {
    pub(crate) recipe: Recipe,
    /// The step (from 0) each epoch begins with, and the number of steps at the end.
    starts: Vec<u64>,
    /// Epochs of the first stage, 0 if there is one stage only.
    first: usize,
    peak: f64,
    warmup: f64,
    early_stopping: Option<usize>,
}

impl Plan {
    pub(crate) fn new(options: &TrainOptions, order: &Order) -> Plan {
        let recipe = options.recipe();
        let mut starts = vec![0];
        let mut end = 0;
        for epoch in 0..options.epochs {
            end += order.batches(epoch).len() as u64;
            starts.push(end);
        }
        let first = recipe.first_epochs(options.epochs);
        let (peak, warmup) = (options.learning_rate, options.warmup);
        Plan { recipe, starts, first, peak, warmup, early_stopping: options.early_stopping }
    }

    pub(crate) fn steps(&self) -> u64 {
        self.starts.last().copied().unwrap_or(0)
    }

    fn stage(&self, step: u64) -> Stage {
        if step < self.starts[self.first] { Stage::First } else { Stage::Second }
    }

    /// The steps of the stage a step belongs to.
    pub(crate) fn stage_steps(&self, step: u64) -> std::ops::Range<u64> {
        match self.stage(step) {
            Stage::First => 0..self.starts[self.first],
            Stage::Second => self.starts[self.first]..self.steps(),
        }
    }

    pub(crate) fn objective(&self, step: u64, exits: usize) -> Objective {
        self.recipe.objective(self.stage(step), step - self.stage_steps(step).start, exits)
    }

    /// The learning-rate schedule of a step's stage.
    pub(crate) fn schedule(&self, step: u64) -> LinearSchedule {
        let steps = self.stage_steps(step);
        let total = steps.end - steps.start;
        LinearSchedule { peak: self.peak, warmup: (self.warmup * total as f64).round() as u64, total }
    }

    pub(crate) fn rate(&self, step: u64) -> f64 {
        self.schedule(step).rate(step - self.stage_steps(step).start)
    }

    /// The factor on a parameter's learning rate in a step; `None` if it is frozen.
    pub(crate) fn rate_factor(&self, name: &str, step: u64, shape: ModelShape) -> Option<f64> {
        self.recipe.rate_factor(name, self.stage(step), shape)
    }

    /// True if two epochs (from 1) belong to the same stage.
    pub(crate) fn same_stage(&self, a: usize, b: usize) -> bool {
        (a <= self.first) == (b <= self.first)
    }

    /// True if early stopping ends a run after so many epochs, of which `best` (from 1) is the best.
    pub(crate) fn is_stuck(&self, epochs: usize, best: Option<usize>) -> bool {
        let since = best.unwrap_or(0).max(self.first);
        self.early_stopping.is_some_and(|patience| epochs >= since.saturating_add(patience))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RecipeName;

    #[test]
    fn a_run_of_two_stages_warms_up_twice() {
        let options = TrainOptions {
            epochs: 4,
            batch_size: 2,
            learning_rate: 1.0,
            warmup: 0.25,
            recipe: RecipeName::Mixed,
            early_stopping: Some(2),
            ..TrainOptions::default()
        };
        let plan = Plan::new(&options, &Order::new(vec![1; 4], &options));
        assert_eq!((plan.steps(), plan.stage_steps(3), plan.stage_steps(8)), (8, 0..4, 4..8));
        let rates: Vec<f64> = (0..8).map(|step| plan.rate(step)).collect();
        assert_eq!(rates[..4], rates[4..]);
        assert_eq!(rates[..3], [0.0, 1.0, 2.0 / 3.0]);
        assert_eq!(plan.objective(3, 2).exit_weights, [0.0, 1.0]);
        assert_eq!(plan.objective(4, 2).exit_weights, [1.0 / 3.0, 2.0 / 3.0]);
        assert!(plan.same_stage(1, 2) && plan.same_stage(3, 4) && !plan.same_stage(2, 3));
        // Waiting begins with the second stage.
        assert!(!plan.is_stuck(3, Some(1)) && plan.is_stuck(4, Some(1)) && !plan.is_stuck(4, Some(3)));
    }

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
