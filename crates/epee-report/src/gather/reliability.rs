//! Reliability diagrams and calibration errors.

use epee_exit::{Trace, expected_calibration_error, reliability};

use crate::data::{Reliability, TraceReport};
use crate::error::ReportError;

/// Reliability of every exit at temperature 1, in bins of equal mass: twelve, or six if `most` points are few.
pub(super) fn add(report: &mut TraceReport, trace: &Trace, most: usize) -> Result<(), ReportError> {
    let count = if most < 75 { 6 } else { 12 };
    for exit in 1..=trace.exits() {
        let bins = reliability(trace, exit, 1.0, count).map_err(ReportError::replay)?;
        report.reliability.push(Reliability { exit, ece: Some(expected_calibration_error(&bins)), bins });
    }
    Ok(())
}
