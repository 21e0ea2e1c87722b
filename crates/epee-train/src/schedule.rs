//! The learning rate over a run.

use serde::{Deserialize, Serialize};

/// Linear warm-up from 0 to the peak, then linear decay to 0 at the end of the run, or of one of its two stages, as Transformers' linear schedule.
///
/// ```
/// let schedule = epee_train::LinearSchedule { peak: 1.0, warmup: 2, total: 6 };
/// assert_eq!((0..6).map(|step| schedule.rate(step)).collect::<Vec<_>>(), [0.0, 0.5, 1.0, 0.75, 0.5, 0.25]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
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
