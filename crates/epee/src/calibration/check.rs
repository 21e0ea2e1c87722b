//! A trace must be of the model that it calibrates.

use epee_exit::{Caveat, Trace};
use epee_model::{ModelDir, is_outdated};
use epee_nn::{Precision, PrecisionError};

use super::CalibrateError;
use crate::Error;

/// The trace as one of this model: its shape, classes and precision must be the model's; what it does not say is filled in. The
/// caveat is what the caller vouches for with `trust`, or would have to.
pub(super) fn of_model(trace: Trace, model_dir: &ModelDir, trust: bool) -> Result<(Trace, Option<Caveat>), Error> {
    let exits = &model_dir.exits;
    check_shape(&trace, (exits.exits, exits.classes))?;
    let digest = model_dir.digest()?;
    let names = trace.provenance().model_digest.clone();
    let caveat = match check_digest(names.as_deref(), &digest) {
        Ok(true) => None,
        Ok(false) => Some(Caveat::TrustedTrace { names: None }),
        Err(_) if trust => Some(Caveat::TrustedTrace { names }),
        Err(error) => return Err(error.into()),
    };
    let mut parts = trace.into_parts();
    let names = &mut parts.provenance.label_names;
    if names.is_empty() {
        names.clone_from(&model_dir.labels);
    } else if *names != model_dir.labels {
        return Err(CalibrateError::Labels { expected: model_dir.labels.clone(), got: names.clone() }.into());
    }
    let provenance = &mut parts.provenance;
    if let Some(precision) = &provenance.precision {
        let precision: Precision =
            precision.parse().map_err(|problem: PrecisionError| CalibrateError::Precision(problem.to_string()))?;
        if trust {
            provenance.numeric_class.get_or_insert_with(|| precision.numeric_class().to_owned());
        }
    }
    provenance.model_digest = Some(digest);
    Ok((Trace::new(parts)?, caveat))
}

/// A trace to report on must be of the same model as the one that chooses.
pub(super) fn same_model(trace: &Trace, choosing: &Trace) -> Result<(), CalibrateError> {
    check_shape(trace, (choosing.exits(), choosing.classes()))?;
    if let Some(model) = &choosing.provenance().model_digest {
        check_digest(trace.provenance().model_digest.as_deref(), model)?;
    }
    if choosing.scores().is_some() && trace.scores().is_none() {
        return Err(CalibrateError::NoScores);
    }
    Ok(())
}

fn check_shape(trace: &Trace, expected: (usize, usize)) -> Result<(), CalibrateError> {
    let got = (trace.exits(), trace.classes());
    if got == expected { Ok(()) } else { Err(CalibrateError::Shape { expected, got }) }
}

/// False if the trace does not say which model recorded it, or says it as epee 0.1 did, whose digests left files and fields out.
fn check_digest(recorded: Option<&str>, model: &str) -> Result<bool, CalibrateError> {
    match recorded {
        None => Ok(false),
        Some(digest) if is_outdated(digest) => Ok(false),
        Some(digest) if digest == model => Ok(true),
        Some(digest) => Err(CalibrateError::OtherModel { expected: model.to_owned(), got: digest.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use epee_exit::TraceParts;

    use super::*;

    #[test]
    fn a_trace_of_another_model_is_refused() {
        let parts = TraceParts { exits: 2, classes: 2, logits: vec![0.0; 4], labels: vec![1], ..TraceParts::default() };
        let trace = Trace::new(parts).unwrap();
        assert!(check_digest(Some("v2:abc"), "v2:abc").unwrap());
        assert!(!check_digest(None, "v2:abc").unwrap() && !check_digest(Some("sha256:abc"), "v2:abc").unwrap());
        let error = check_digest(Some("v2:0123456789abcdef"), "v2:fedcba9876543210").unwrap_err().to_string();
        assert!(error.contains("digest v2:fedcba987654)") && error.contains("digest v2:0123456789ab)"), "{error}");
        assert!(check_shape(&trace, (2, 2)).is_ok());
        let error = check_shape(&trace, (6, 2)).unwrap_err().to_string();
        assert!(error.contains("6 exits and 2 classes, got one of 2 exits and 2 classes"), "{error}");
        assert!(check_shape(&trace, (2, 3)).is_err());
    }
}
