//! A trace must be of the model that it calibrates.

use epee_exit::Trace;
use epee_model::ModelDir;
use epee_nn::Precision;

use super::CalibrateError;
use crate::{Error, Warning};

/// The trace as one of this model: its shape, digest, classes and precision must be the model's; what it does not say is filled in.
pub(super) fn of_model(trace: Trace, model_dir: &ModelDir, warnings: &mut Vec<Warning>) -> Result<Trace, Error> {
    let exits = &model_dir.exits;
    check_shape(&trace, (exits.exits, exits.classes))?;
    let digest = model_dir.digest()?;
    if !check_digest(trace.provenance().model_digest.as_deref(), &digest)? {
        warnings.push(Warning::UnknownModel);
    }
    let mut parts = trace.into_parts();
    let names = &mut parts.provenance.label_names;
    if names.is_empty() {
        names.clone_from(&model_dir.labels);
    } else if *names != model_dir.labels {
        return Err(CalibrateError::Labels { expected: model_dir.labels.clone(), got: names.clone() }.into());
    }
    if let Some(precision) = &parts.provenance.precision {
        precision.parse::<Precision>().map_err(|problem| CalibrateError::Precision(problem.to_string()))?;
    }
    parts.provenance.model_digest = Some(digest);
    Ok(Trace::new(parts)?)
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

/// False if the trace does not say which model recorded it.
fn check_digest(recorded: Option<&str>, model: &str) -> Result<bool, CalibrateError> {
    match recorded {
        None => Ok(false),
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
        assert!(check_digest(Some("abc"), "abc").unwrap());
        assert!(!check_digest(None, "abc").unwrap());
        let error = check_digest(Some("sha256:0123456789abcdef"), "sha256:fedcba9876543210").unwrap_err().to_string();
        assert!(
            error.contains("digest sha256:fedcba987654)") && error.contains("digest sha256:0123456789ab)"),
            "{error}"
        );
        assert!(check_shape(&trace, (2, 2)).is_ok());
        let error = check_shape(&trace, (6, 2)).unwrap_err().to_string();
        assert!(error.contains("6 exits and 2 classes, got one of 2 exits and 2 classes"), "{error}");
        assert!(check_shape(&trace, (2, 3)).is_err());
    }
}
