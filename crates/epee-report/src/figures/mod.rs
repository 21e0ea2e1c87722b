//! The figures, each a function from plain data to a [`Figure`].

mod degeneracy;
mod exits;
mod grid;
mod histogram;
mod reliability;
mod risk;
mod tradeoff;
mod training;

use crate::data::TraceReport;
use crate::error::ReportError;
use crate::figure::Figure;

pub use training::training;

/// The figures of a report, in the order of the page. What the report has no values for is left out.
///
/// # Errors
/// A figure that cannot be drawn.
pub fn figures(report: &TraceReport) -> Result<Vec<Figure>, ReportError> {
    let mut all = Vec::new();
    if !report.saving.is_empty() {
        all.push(tradeoff::saving(&report.saving)?);
    }
    if let Some(fronts) = &report.fronts {
        all.push(tradeoff::fronts(fronts, report.choice.as_ref())?);
    }
    if !report.histogram.is_empty() {
        let setting = report.choice.as_ref().map_or("", |choice| &choice.setting);
        all.push(histogram::histogram(&report.histogram, setting)?);
    }
    if !report.exits.is_empty() {
        all.push(exits::exits(&report.exits)?);
    }
    if let Some(grid) = &report.grid {
        all.push(grid::grid(grid)?);
    }
    if let Some(degeneracy) = &report.degeneracy {
        all.push(degeneracy::degeneracy(degeneracy)?);
    }
    for risk in &report.risks {
        all.push(risk::risk(risk)?);
    }
    if !report.reliability.is_empty() {
        all.push(reliability::reliability(&report.reliability)?);
    }
    Ok(all)
}

/// Cells of a table's header.
fn head(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}
