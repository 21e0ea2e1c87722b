//! The figures, each a function from plain data to a [`Figure`].

mod exits;
mod grid;
mod histogram;
mod reliability;
mod risk;
mod special;
mod tradeoff;
mod training;

use crate::data::TraceReport;
use crate::figure::Figure;

pub use training::training_figure;

/// The figures of a report, in the order of the page; only those that the report has values for.
pub fn figures(report: &TraceReport) -> Vec<Figure> {
    let mut all = Vec::new();
    if !report.tradeoffs.is_empty() {
        all.push(tradeoff::tradeoffs(&report.tradeoffs));
    }
    all.extend(report.fronts.as_ref().map(|fronts| tradeoff::fronts(fronts, report.choice.as_ref())));
    if !report.histogram.is_empty() {
        let setting = report.choice.as_ref().map_or("", |choice| &choice.setting);
        all.push(histogram::histogram(&report.histogram, setting));
    }
    if !report.exits.is_empty() {
        all.push(exits::exits(&report.exits));
    }
    all.extend(report.grid.as_ref().map(grid::grid));
    all.extend(report.special_cases.as_ref().map(special::special_cases));
    all.extend(report.risks.iter().map(risk::risk));
    if !report.reliability.is_empty() {
        all.push(reliability::reliability(&report.reliability));
    }
    all
}
