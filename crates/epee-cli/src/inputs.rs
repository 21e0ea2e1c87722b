//! What several commands read: a model with its tokenizer, the examples of a split.

use std::path::Path;

use anyhow::bail;
use epee_data::{Dataset, Split};
use epee_exit::{CheckedPolicy, Policy, RuntimeIdentity};
use epee_input::{Example, Sequence};
use epee_model::{Engine, ModelDir};
use epee_nn::Precision;

use crate::fetch;
use crate::preprocessor::Preprocessor;
use crate::ui::Ui;

/// A multi-exit model and what prepares its inputs.
pub(crate) struct Classifier {
    pub(crate) model_dir: ModelDir,
    pub(crate) preprocessor: Preprocessor,
    pub(crate) engine: Engine,
}

impl Classifier {
    /// Reads a model directory, or one of the hub's, its weights at a precision.
    pub(crate) fn load(model: &Path, precision: Precision, ui: Ui) -> anyhow::Result<Classifier> {
        let dir = &fetch::local_model(model, ui)?;
        if !dir.is_dir() {
            bail!("{}: no such folder: expected a model directory, as `epee train` writes it", dir.display());
        }
        let model_dir = ModelDir::load(dir)?;
        let preprocessor = Preprocessor::load(dir, &model_dir.config)?;
        let engine = model_dir.engine(precision)?;
        Ok(Classifier { model_dir, preprocessor, engine })
    }

    /// Turns examples into inputs, texts cut to the length the model was trained with; says once how many were too long.
    pub(crate) fn encode(&self, examples: &[Example], ui: Ui) -> anyhow::Result<Vec<Sequence>> {
        let config = &self.model_dir.config;
        let positions = config.positions();
        let most = self.model_dir.exits.max_tokens.map_or(positions, |most| most.min(positions));
        self.preprocessor.encode(config, examples, most, ui)
    }

    /// The policy that was asked for, or the model's own, over the model's temperatures; says where that was chosen at another precision.
    pub(crate) fn policy(&self, asked: Option<Policy>, ui: Ui) -> anyhow::Result<CheckedPolicy> {
        let exits = &self.model_dir.exits;
        let chosen_at = exits.calibration.as_ref().and_then(|calibration| calibration.precision.as_deref());
        let runs_at = self.engine.precision().name();
        if let (None, Some(chosen_at)) = (&asked, chosen_at)
            && chosen_at != runs_at
        {
            ui.note(format!("note: {} was chosen on a trace at {chosen_at}, this runs at {runs_at}", exits.policy));
        }
        if exits.certificate.is_some() || exits.abstention.is_some() {
            let policy = asked.as_ref().unwrap_or(&exits.policy);
            let digest = self.model_dir.digest()?;
            for (promise, reason) in void(&self.model_dir, &digest, runs_at, policy) {
                ui.note(format!(
                    "warning: the {promise} of this model is void: {reason}; it answers by {policy}, without that promise\n\
                     hint: record a trace of it as it runs and use `epee calibrate` again"
                ));
            }
        }
        Ok(exits.check(asked.as_ref().unwrap_or(&exits.policy))?)
    }

    /// Refuses a dataset with other classes than the model's.
    pub(crate) fn check_labels(&self, dataset: &Dataset) -> anyhow::Result<()> {
        let (model, data) = (&self.model_dir.labels, &dataset.info().labels);
        if model != data {
            bail!(
                "{}: expected the model's classes ({}), got {}",
                dataset.dir().display(),
                model.join(", "),
                data.join(", ")
            );
        }
        Ok(())
    }
}

/// The promises of a model that do not hold where it runs a policy at a precision, each with its reason.
pub(crate) fn void(
    model_dir: &ModelDir,
    digest: &str,
    precision: &str,
    policy: &Policy,
) -> Vec<(&'static str, String)> {
    let exits = &model_dir.exits;
    let runs = RuntimeIdentity {
        model_digest: digest,
        labels: &model_dir.labels,
        precision,
        policy,
        temperatures: &exits.temperatures,
    };
    let certificate = exits.certificate.as_ref().and_then(|certificate| certificate.void(&runs));
    let abstention = exits.abstention.as_ref().and_then(|abstention| abstention.scope.void(&runs));
    [("certificate", certificate), ("abstention", abstention)]
        .into_iter()
        .filter_map(|(promise, reason)| Some((promise, reason?)))
        .collect()
}

/// Reads a split, or only its first examples.
pub(crate) fn split(dataset: &Dataset, name: &str, limit: Option<usize>) -> anyhow::Result<Split> {
    let mut split = dataset.split(name)?;
    if let Some(limit) = limit {
        split.examples.truncate(limit);
    }
    if split.examples.is_empty() {
        bail!("{}: the {name} split holds no example", dataset.dir().display());
    }
    Ok(split)
}

/// Labels as a trace has them: -1 where unknown.
pub(crate) fn labels(examples: &[Example]) -> Vec<i64> {
    examples.iter().map(|example| example.label.map_or(-1, |label| label as i64)).collect()
}
