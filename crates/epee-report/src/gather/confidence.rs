//! How far each exit's confidence can be trusted.

use epee_exit::{Trace, expected_calibration_error, reliability};

use crate::data::{Bin, Reliability, TraceReport};
use crate::error::ReportError;

/// Reliability of every exit, logits taken as they are, in bins of equal mass: twelve, or six where `most` points are few.
pub(super) fn add(report: &mut TraceReport, trace: &Trace, most: usize) -> Result<(), ReportError> {
    let bins = if most < 75 { 6 } else { 12 };
    for exit in 1..=trace.exits() {
        let bins = reliability(trace, exit, 1.0, bins).map_err(|error| ReportError::Replay(error.to_string()))?;
        let bin = |bin: &epee_exit::ReliabilityBin| Bin {
            count: bin.count,
            confidence: bin.confidence,
            accuracy: bin.accuracy,
        };
        let ece = Some(expected_calibration_error(&bins));
        report.reliability.push(Reliability { exit, ece, bins: bins.iter().map(bin).collect() });
    }
    Ok(())
}
