//! Reliability diagrams and calibration errors.

use epee_exit::{Trace, expected_calibration_error, reliability};

use crate::data::{ConfidenceBin, Reliability, TraceReport};
use crate::error::ReportError;

/// Reliability of every exit at temperature 1, in bins of equal mass: twelve, or six if `most` points are few.
pub(super) fn add(report: &mut TraceReport, trace: &Trace, most: usize) -> Result<(), ReportError> {
    let count = if most < 75 { 6 } else { 12 };
    for exit in 1..=trace.exits() {
        let bins = reliability(trace, exit, 1.0, count).map_err(ReportError::replay)?;
        let ece = Some(expected_calibration_error(&bins));
        let bins = bins.into_iter().map(|bin| ConfidenceBin {
            count: bin.count,
            confidence: bin.confidence,
            accuracy: bin.accuracy,
        });
        report.reliability.push(Reliability { exit, ece, bins: bins.collect() });
    }
    Ok(())
}
