//! How far each exit's confidence can be trusted.

use epee_exit::{Trace, expected_calibration_error, reliability};

use crate::data::{Bin, Reliability, TraceReport};
use crate::error::ReportError;

/// Bins of equal mass.
const BINS: usize = 12;

/// Reliability of every exit, logits taken as they are.
pub(super) fn add(report: &mut TraceReport, trace: &Trace) -> Result<(), ReportError> {
    for exit in 1..=trace.exits() {
        let bins = reliability(trace, exit, 1.0, BINS).map_err(|error| ReportError::Replay(error.to_string()))?;
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
