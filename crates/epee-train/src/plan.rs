//! The course of a run: how many steps each epoch has, which stage it belongs to, the learning rate of each step.

use crate::order::Order;
use crate::recipe::{Form, Recipe, Regime, Stage, Step, first_epochs};
use crate::{LinearSchedule, TrainOptions};

/// The course of a run, made from its options and the lengths of its sequences alone.
pub(crate) struct Plan {
    pub(crate) recipe: Recipe,
    /// The step (from 0) each epoch begins with, and the number of steps at the end.
    starts: Vec<u64>,
    /// Epochs of the first stage, 0 where there is one stage.
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
        let first = match recipe.regime {
            Regime::TwoStage | Regime::Mixed => first_epochs(recipe.first_stage, options.epochs),
            Regime::Joint | Regime::Alternating => 0,
        };
        let (peak, warmup) = (options.learning_rate, options.warmup);
        Plan { recipe, starts, first, peak, warmup, early_stopping: options.early_stopping }
    }

    /// Steps in the whole run.
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

    /// What a step is made of.
    pub(crate) fn step(&self, step: u64, exits: usize) -> Step {
        self.recipe.step(self.stage(step), step - self.stage_steps(step).start, exits)
    }

    /// The learning rate of a stage.
    pub(crate) fn schedule(&self, step: u64) -> LinearSchedule {
        let steps = self.stage_steps(step);
        let total = steps.end - steps.start;
        LinearSchedule { peak: self.peak, warmup: (self.warmup * total as f64).round() as u64, total }
    }

    /// The learning rate of a step.
    pub(crate) fn rate(&self, step: u64) -> f64 {
        self.schedule(step).rate(step - self.stage_steps(step).start)
    }

    /// What a parameter's learning rate is multiplied with in a step; none where it stands still.
    pub(crate) fn rate_factor(&self, name: &str, step: u64, form: Form) -> Option<f64> {
        self.recipe.rate_factor(name, self.stage(step), form)
    }

    /// Whether two epochs (from 1) belong to one stage.
    pub(crate) fn same_stage(&self, a: usize, b: usize) -> bool {
        (a <= self.first) == (b <= self.first)
    }

    /// Whether a run with so many epochs behind it, the best of them being `best` (from 1), has waited long enough for a better one.
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
        assert_eq!(plan.step(3, 2).weights, [0.0, 1.0]);
        assert_eq!(plan.step(4, 2).weights, [1.0 / 3.0, 2.0 / 3.0]);
        assert!(plan.same_stage(1, 2) && plan.same_stage(3, 4) && !plan.same_stage(2, 3));
        // Waiting begins with the second stage.
        assert!(!plan.is_stuck(3, Some(1)) && plan.is_stuck(4, Some(1)) && !plan.is_stuck(4, Some(3)));
    }
}
