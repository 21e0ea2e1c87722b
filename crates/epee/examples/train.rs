//! Trains a small multi-exit BERT from fresh weights on generated notes: one call, from a dataset folder.
//!
//! Run: `cargo run -p epee --example train`

mod shared;

use epee::training::{EpochReport, Observer};

/// Prints a line for each epoch.
struct Lines;

impl Observer for Lines {
    fn epoch(&mut self, report: &EpochReport) {
        let by_exit: Vec<String> = report.dev.iter().map(|exit| format!("{:.2}", exit.macro_f1)).collect();
        println!("epoch {}: loss {:.3}, macro-F1 by exit {}", report.epoch, report.train_loss, by_exit.join(" "));
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let (_, _, outcome) = shared::train(dir.path(), &mut Lines)?;
    let (epoch, score) = outcome.best.ok_or("no epoch was finished")?;
    println!("kept the model of epoch {epoch}: weighted mean of the exits' macro-F1 {score:.3} on dev");
    assert!(score > 0.45, "guessing one of four classes gives 0.25 at most, got {score}");
    Ok(())
}
