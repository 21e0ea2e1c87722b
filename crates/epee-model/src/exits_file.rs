//! `exits.json`: the heads' shape and the default policy.

use std::path::Path;

use epee_exit::{Abstention, Certificate, CheckedPolicy, Policy, PolicyError};
use serde::{Deserialize, Serialize};

use crate::{Config, Error, ExitConfig, PoolerKind, Pooling};
use epee_files::{read_json_object, write_atomic};

/// The name of the file in a model directory.
pub(crate) const NAME: &str = "exits.json";

/// What `exits.json` says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExitsFile {
    /// The version of this file's format: 1.
    pub format: u32,
    /// M
    pub exits: usize,
    /// K
    pub classes: usize,
    /// Which row an exit reads.
    pub pooling: Pooling,
    /// Whether exits have a pooler, and whether they share it.
    pub pooler: PoolerKind,
    /// Whether exits read through the model's final norm; absent where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_norm: Option<bool>,
    /// Whether there is a learned exit head; absent where there is none.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub score: bool,
    /// Tokens a text is cut to, as in training; the model's positions where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<usize>,
    /// What answers where no other policy is asked for; full depth until one is chosen.
    pub policy: Policy,
    /// What each exit's logits are divided by before every policy; nothing where they are taken as they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub temperatures: Vec<f64>,
    /// How the policy was chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
    /// What is promised of the policy, and on what grounds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Certificate>,
    /// Below which confidence the model abstains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abstention: Option<Abstention>,
}

/// How a policy was chosen, on which data, and what it promised there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// What was asked for, as on the command line: `max-loss 0.01`, `saving 0.5`, `max-latency 20ms`.
    pub goal: String,
    /// The metric of the goal.
    pub metric: String,
    /// The metric of the chosen setting on the calibration trace.
    pub value: f64,
    /// The metric of full depth there.
    pub full_depth: f64,
    /// The saving there.
    pub saving: f64,
    /// Samples in the trace.
    pub samples: usize,
    /// The precision the trace was recorded at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<String>,
    /// The split the trace was recorded on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<String>,
    /// The digest of the data the trace was recorded on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_digest: Option<String>,
}

impl ExitsFile {
    /// Full depth, with exits of this form.
    pub fn new(config: &Config, heads: ExitConfig) -> ExitsFile {
        ExitsFile {
            format: 1,
            exits: config.depth(),
            classes: heads.classes,
            pooling: heads.pooling,
            pooler: heads.pooler,
            exit_norm: config.shape.final_norm.then_some(heads.norm),
            score: heads.score,
            max_tokens: None,
            policy: Policy::full(),
            temperatures: Vec::new(),
            calibration: None,
            certificate: None,
            abstention: None,
        }
    }

    /// The form of the exits.
    pub fn heads(&self) -> ExitConfig {
        let ExitsFile { classes, pooling, pooler, exit_norm, score, .. } = *self;
        ExitConfig { classes, pooling, pooler, norm: exit_norm.unwrap_or(false), score }
    }

    /// Checks a policy for this model, over its temperatures.
    ///
    /// # Errors
    /// A policy for another number of exits or classes, one that reads learned exit scores where there are none, temperatures that do not
    /// fit.
    pub fn check(&self, policy: &Policy) -> Result<CheckedPolicy, PolicyError> {
        if policy.rule.reads_scores() && !self.score {
            return Err(PolicyError::NoScoreHead);
        }
        policy.check(self.exits, self.classes)?.with_temperatures(&self.temperatures)
    }

    /// Reads `exits.json` in a model directory.
    ///
    /// # Errors
    /// Where it is missing, not what it should be, or its policy does not fit its exits and classes.
    pub fn load(dir: &Path) -> Result<ExitsFile, Error> {
        let path = dir.join(NAME);
        if !path.exists() {
            let hint = if dir.join("config.json").exists() {
                "\nhint: this is a backbone without exits; `epee train --model DIR …` makes a multi-exit model of it"
                    .to_owned()
            } else {
                String::new()
            };
            return Err(Error::Missing { path, expected: "config.json, model.safetensors and exits.json", hint });
        }
        let json = |problem: String| Error::content(&path, problem);
        let file: ExitsFile = serde_json::from_value(serde_json::Value::Object(read_json_object(&path)?))
            .map_err(|error| json(error.to_string()))?;
        if file.format != 1 {
            return Err(json(format!("format: expected 1, got {}", file.format)));
        }
        if file.exits == 0 || file.classes == 0 {
            return Err(json(format!("expected exits and classes above 0, got {} and {}", file.exits, file.classes)));
        }
        file.check(&file.policy).map_err(|error| json(error.to_string()))?;
        Ok(file)
    }

    /// Writes `exits.json` in a model directory.
    ///
    /// # Errors
    /// A policy of the caller's own, which no file can hold; a file that cannot be written, and the old one stays.
    pub fn save(&self, dir: &Path) -> Result<(), Error> {
        let path = dir.join(NAME);
        self.policy.check_storable().map_err(|source| Error::Policy { path: path.clone(), source })?;
        let text = serde_json::to_string_pretty(self).map_err(|error| Error::content(&path, error.to_string()))?;
        Ok(write_atomic(&path, &[text.as_str(), "\n"])?)
    }
}
