//! A policy of your own: live, over a trace and in a sweep, by the same rule.
//!
//! Run: `cargo run -p epee --example custom_policy`

mod shared;

use epee::data::Dataset;
use epee::exit::{Direction, ExitOutput, ExitRule, Grid, PolicyState, Signal, replay, sweep};
use epee::{Classifier, Policy};

/// Exits as soon as the mean margin of the last two exits reaches the threshold. The margin is the difference of the two
/// greatest probabilities.
#[derive(Debug)]
struct SteadyMargin;

impl ExitRule for SteadyMargin {
    fn name(&self) -> &str {
        "steady-margin"
    }

    fn direction(&self) -> Direction {
        Direction::AtLeast
    }

    fn signal(&self, state: &mut PolicyState, exit: &ExitOutput<'_>) -> Signal {
        let before = state.memory().pop();
        state.memory().push(exit.margin());
        // NaN: no threshold lets a sample out at the first exit.
        Signal::level(before.map_or(f64::NAN, |before| (before + exit.margin()) / 2.0))
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let (data, model, _) = shared::train(dir.path(), &mut ())?;
    let classifier = Classifier::load(model)?;
    let dataset = Dataset::open(data)?;
    let trace = classifier.record(&dataset, "test", |_| ())?.trace;

    // Every threshold at once.
    let policy = Policy::custom(SteadyMargin, 0.8);
    let grid = Grid { kinds: vec![], custom: vec![policy.clone()], ..Grid::standard(trace.exits(), trace.classes()) };
    for row in sweep(&trace, &grid)?.iter().step_by(5) {
        println!("{}: accuracy {:.3}, saving {:.3}", row.policy, row.accuracy, row.saving);
    }

    // One of them over the trace, and live: the same exits.
    let replayed = replay(&policy.check(trace.exits(), trace.classes())?, &trace)?;
    let live = classifier.with_policy(policy)?.predict(dataset.split("test")?.examples)?;
    let live: Vec<u32> = live.iter().map(|answer| answer.exit as u32).collect();
    assert_eq!(live, replayed.exits);
    assert!(live.iter().all(|&exit| exit >= 2), "the rule needs two exits");
    println!("live and replayed: the same exits for {} samples", live.len());
    Ok(())
}
