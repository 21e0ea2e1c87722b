//! A trace must be of the model that it is used for.

use std::path::Path;

use anyhow::{Context, anyhow, bail};
use epee_exit::Trace;
use epee_model::ModelDir;
use epee_nn::Precision;

use crate::ui::Ui;

/// The trace as one of this model: its shape, digest, classes and precision must not be another's; what it does not say is taken
/// from the model.
pub(super) fn of_model(trace: Trace, model_dir: &ModelDir, ui: Ui) -> anyhow::Result<Trace> {
    let exits = &model_dir.exits;
    check_shape(&trace, exits.exits, exits.classes)?;
    let digest = model_dir.digest()?;
    if let Some(note) = check_digest(trace.provenance().model_digest.as_deref(), &digest)? {
        ui.note(format!("note: {note}"));
    }
    let mut parts = trace.into_parts();
    let names = &mut parts.provenance.label_names;
    if names.is_empty() {
        names.clone_from(&model_dir.labels);
    } else if *names != model_dir.labels {
        bail!("expected the model's classes ({}), got {}", model_dir.labels.join(", "), names.join(", "));
    }
    if let Some(precision) = &parts.provenance.precision {
        precision.parse::<Precision>().map_err(|problem| anyhow!("precision: {problem}"))?;
    }
    parts.provenance.model_digest = Some(digest);
    Ok(Trace::new(parts)?)
}

/// The trace to report on: of the same model as the one that chooses.
pub(super) fn reporting(path: &Path, choosing: &Trace) -> anyhow::Result<Trace> {
    let trace = Trace::load(path)?;
    let problem = check_shape(&trace, choosing.exits(), choosing.classes());
    problem.with_context(|| format!("--report-on {}", path.display()))?;
    let (model, recorded) = (&choosing.provenance().model_digest, &trace.provenance().model_digest);
    if let Some(model) = model {
        check_digest(recorded.as_deref(), model).with_context(|| format!("--report-on {}", path.display()))?;
    }
    if choosing.scores().is_some() && trace.scores().is_none() {
        bail!("--report-on {}: expected learned exit scores, as the trace that chooses has, got none", path.display());
    }
    Ok(trace)
}

/// The trace must have the model's exits and classes.
fn check_shape(trace: &Trace, exits: usize, classes: usize) -> anyhow::Result<()> {
    let got = (trace.exits(), trace.classes());
    if got != (exits, classes) {
        bail!(
            "expected a trace of the model's {exits} exits and {classes} classes, got one of {} exits and {} classes",
            got.0,
            got.1
        );
    }
    Ok(())
}

/// The trace must be one of this model; where it does not say, a note does.
fn check_digest(recorded: Option<&str>, model: &str) -> anyhow::Result<Option<&'static str>> {
    match recorded {
        None => Ok(Some("the trace does not say which model it is of; taken to be this one")),
        Some(digest) if digest == model => Ok(None),
        Some(digest) => bail!(
            "expected a trace of this model (digest {}), got one of another (digest {})\n\
             hint: record it again with `epee trace`",
            short(model),
            short(digest)
        ),
    }
}

/// The first characters of a digest.
fn short(digest: &str) -> String {
    digest.chars().take(12).collect()
}

#[cfg(test)]
mod tests {
    use epee_exit::TraceParts;

    use super::*;

    #[test]
    fn another_model_is_an_error() {
        let parts = TraceParts { exits: 2, classes: 2, logits: vec![0.0; 4], labels: vec![1], ..TraceParts::default() };
        let trace = Trace::new(parts).unwrap();
        assert_eq!(check_digest(Some("abc"), "abc").unwrap(), None);
        assert!(check_digest(None, "abc").unwrap().is_some());
        let error = check_digest(Some("0123456789abcdef"), "fedcba9876543210").unwrap_err().to_string();
        assert!(error.contains("digest fedcba987654") && error.contains("digest 0123456789ab"), "{error}");
        assert!(check_shape(&trace, 2, 2).is_ok());
        let error = check_shape(&trace, 6, 2).unwrap_err().to_string();
        assert!(error.contains("6 exits and 2 classes, got one of 2 exits and 2 classes"), "{error}");
        assert!(check_shape(&trace, 2, 3).is_err());
    }
}
