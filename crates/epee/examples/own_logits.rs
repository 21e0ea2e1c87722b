//! A trace from any model's logits: record `[N, M, K]` numbers with the tool you have, then choose an exit setting.
//!
//! Run: `cargo run -p epee --example own_logits`

use epee::Trace;
use epee::exit::{Goal, Grid, Metric, Scoring, TraceParts, choose_on, replay};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (samples, exits, classes) = (200, 4, 2);
    let mut logits = Vec::with_capacity(samples * exits * classes);
    let mut labels = Vec::with_capacity(samples);
    for sample in 0..samples {
        let label = sample % classes;
        // Every fourth sample is hard: the first two exits get it wrong, with little certainty.
        let hard = sample % 4 < 2 && sample % 8 < 4;
        for exit in 1..=exits {
            let certainty = if hard && exit <= 2 { -0.3 } else { 1.5 * exit as f32 };
            logits.extend((0..classes).map(|class| if class == label { certainty } else { 0.0 }));
        }
        labels.push(label as i64);
    }
    let trace = Trace::new(TraceParts { exits, classes, logits, labels, ..TraceParts::default() })?;

    let grid = Grid::standard(exits, classes);
    let choice = choose_on(&trace, &grid, &Scoring::default(), Goal::MaxLoss(0.0), Metric::Accuracy)?;
    println!("{}: accuracy {:.3}, saving {:.3}", choice.policy, choice.row.accuracy, choice.row.saving);
    assert_eq!(choice.row.accuracy, 1.0);
    assert_eq!(choice.row.saving, 0.625, "half of the samples leave at exit 1, the hard ones at exit 3 or earlier");

    // The same setting, sample by sample.
    let exits_taken = replay(&choice.policy.check(exits, classes)?, &trace)?.exits;
    assert_eq!(exits_taken.iter().filter(|&&exit| exit == 1).count(), 150);
    Ok(())
}
