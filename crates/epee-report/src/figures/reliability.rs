//! Reliability diagrams: accuracy against confidence, a small plot for each exit.

use crate::axis::Axis;
use crate::data::Reliability;
use crate::figure::{Figure, Panel, Swatch, Table};
use crate::sketch::{Size, Sketch};
use crate::style::Look;
use crate::text::{count, decimal, percent};

const SMALL: Size = Size { width: 232.0, height: 214.0, text: 11.5 };
const CURVE: Look = Look { hue: 0, dash: 0 };

/// Accuracy against confidence, exit by exit.
pub(super) fn reliability(exits: &[Reliability]) -> Figure {
    let bins = exits.iter().flat_map(|exit| exit.bins.iter().map(move |bin| (exit.exit, bin)));
    let rows = bins.map(|(exit, bin)| {
        vec![exit.to_string(), count(bin.count), decimal(bin.confidence, 4), decimal(bin.accuracy, 4)]
    });
    Figure {
        slug: "reliability".to_owned(),
        title: "Can confidence be trusted?".to_owned(),
        caption:
            "Samples grouped by confidence. Below the diagonal an exit is overconfident. Grey bars show the share of \
                  samples; ECE, the expected calibration error, is the mean distance from the diagonal."
                .to_owned(),
        panels: exits.iter().map(panel).collect(),
        columns: 4,
        tables: vec![Table::new(&["exit", "samples", "mean confidence", "accuracy"], rows)],
        legend: vec![
            (Swatch::Curve(CURVE), "accuracy".to_owned()),
            (Swatch::Line("full"), "calibrated".to_owned()),
            (Swatch::Area("pale"), "share of samples".to_owned()),
        ],
    }
}

fn panel(exit: &Reliability) -> Panel {
    let mut title = format!("exit {}", exit.exit);
    if let Some(ece) = exit.ece {
        title += &format!(" · ECE {}", decimal(ece, 3));
    }
    let mut sketch = Sketch::new(&title, SMALL, Axis::share("mean confidence"), Axis::share("accuracy"), 12.0);
    let all = exit.bins.iter().map(|bin| bin.count).sum::<u64>().max(1) as f64;
    for bin in &exit.bins {
        let (x, share) = (bin.confidence, bin.count as f64 / all);
        sketch.rect("pale", ((x - 0.02).max(0.0), 0.0), ((x + 0.02).min(1.0), share));
    }
    sketch.line("full", [(0.0, 0.0), (1.0, 1.0)].into_iter());
    sketch.line(CURVE.line(), exit.bins.iter().map(|bin| (bin.confidence, bin.accuracy)));
    for bin in &exit.bins {
        let (x, y) = (bin.confidence, bin.accuracy);
        sketch.mark(CURVE, true, (x, y), 3.0);
        let share = percent(bin.count as f64 / all, 1);
        sketch.hit((x, y), format!("{} samples, {share}\nconfidence {x:.3} · accuracy {y:.3}", count(bin.count)));
    }
    sketch.done()
}
