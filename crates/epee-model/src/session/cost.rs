//! The cost model: does a layer save time if it computes its exit row first?

use std::time::Instant;

use epee_nn::{PackedLayer, Span, Workspace};

use crate::Engine;

/// When a layer computes the row that its exit reads before its other rows.
///
/// The order is: keys and values of all rows, then the exit row, then the exit. If the sample leaves, its other rows are never
/// computed. If it stays, they are computed next, and the layer's weights are read a second time. Answers have the same bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExitRowFirst {
    /// If it is likely to save time, by the exits seen so far and the costs measured on this machine.
    #[default]
    Auto,
    /// At every exit that the policy looks at.
    Always,
    /// Never. The last layer also computes all rows: the work of the whole model.
    Never,
}

/// Decides by least expected time.
pub(super) struct CostModel {
    pub(super) mode: ExitRowFirst,
    seen: Vec<Seen>,
    /// Measured when first needed.
    costs: Option<Costs>,
}

/// How many samples reached an exit, and how many left there.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    reached: u64,
    left: u64,
}

/// The time of a layer on this machine.
#[derive(Clone, Copy, Debug)]
struct Costs {
    /// Seconds per row.
    row: f64,
    /// Extra seconds for the first row, which loads the weights.
    weights: f64,
}

impl CostModel {
    pub(super) fn new(depth: usize) -> CostModel {
        CostModel { mode: ExitRowFirst::Auto, seen: vec![Seen::default(); depth], costs: None }
    }

    /// Counts samples that reached the exit of a layer (from 0), and those that left there.
    pub(super) fn record(&mut self, layer: usize, reached: usize, left: usize) {
        self.seen[layer].reached += reached as u64;
        self.seen[layer].left += left as u64;
    }

    /// True if the exit row of a layer (from 0) should be computed first, for samples at these places (first row, number of rows).
    pub(super) fn worth_it(&mut self, engine: &Engine, layer: usize, places: &[(usize, usize)]) -> bool {
        match self.mode {
            ExitRowFirst::Always => return true,
            ExitRowFirst::Never => return false,
            ExitRowFirst::Auto => {}
        }
        let (samples, rows) = (places.len(), places.iter().map(|&(_, length)| length).sum::<usize>());
        let Seen { reached, left } = self.seen[layer];
        // Starts at one in two, so that the first sample has little weight.
        let leave = (left as f64 + 1.0) / (reached as f64 + 2.0);
        let costs = *self.costs.get_or_insert_with(|| Costs::measure(engine));
        // The weights are read again unless all samples leave. A sample that leaves saves its other rows.
        let again = (1.0 - leave.powi(samples as i32)) * costs.weights;
        let saved = leave * (rows - samples) as f64 * costs.row;
        again < saved
    }
}

impl Costs {
    /// Measures on the available threads. Takes the fastest of a few tries, each on a different layer, so that the weights come from
    /// the same cache level or memory as during inference.
    fn measure(engine: &Engine) -> Costs {
        const ROWS: usize = 24;
        const TRIES: usize = 6;
        let (mut work, mut y) = (Workspace::default(), Vec::new());
        let x = vec![0.5; ROWS * engine.width()];
        let mut time = |rows: usize| {
            let span = Span { query: 0, rows, first: 0, length: ROWS, position: 0 };
            let mut once = |layer: &PackedLayer| {
                layer.keys_values(&x, &mut work);
                let start = Instant::now();
                layer.rows(&x[..rows * engine.width()], &[span], &mut work, &mut y);
                start.elapsed().as_secs_f64()
            };
            (0..TRIES).map(|i| once(&engine.layers[i % engine.layers.len()])).fold(f64::INFINITY, f64::min)
        };
        let (one, many) = (time(1), time(ROWS));
        let row = ((many - one) / (ROWS - 1) as f64).max(0.0);
        Costs { row, weights: (one - row).max(0.0) }
    }
}
