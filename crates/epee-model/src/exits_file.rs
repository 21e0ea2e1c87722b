//! `exits.json`: the exits' settings and the default policy.

use std::path::Path;

use epee_exit::{Abstention, Attempt, Certificate, CheckedPolicy, Policy, PolicyError};
use epee_files::{read_json_object, write_atomic};
use serde::{Deserialize, Serialize};

use crate::families::MOST_LAYERS;
use crate::{Config, Error, ExitConfig, PoolerKind, Pooling};

pub(crate) const NAME: &str = "exits.json";

/// The most classes. Policies allocate by exit and by class; there are at most as many exits as layers.
const MOST_CLASSES: usize = 1 << 16;

/// The content of `exits.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExitsFile {
    /// The version of this file's format: 1.
    pub format: u32,
    /// M, the number of exits.
    pub exits: usize,
    /// K, the number of classes.
    pub classes: usize,
    /// The row that an exit reads.
    pub pooling: Pooling,
    /// The exits' poolers.
    pub pooler: PoolerKind,
    /// True if exits read through the model's final norm; absent if it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_norm: Option<bool>,
    /// True if there is a learned exit head; absent if not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub score: bool,
    /// Texts are cut to this many tokens, as in training. If absent, the model's limit applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<usize>,
    /// The default policy. Full depth until calibration chooses another.
    pub policy: Policy,
    /// Temperatures: each exit's logits are divided by its temperature before any policy reads them. Empty for none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub temperatures: Vec<f64>,
    /// How the policy was chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
    /// The guarantee on the policy's risk, and its evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Certificate>,
    /// The confidence below which the model abstains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abstention: Option<Abstention>,
    /// Every test that was run on calibration samples of this model.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
}

/// The fields that calibration writes. All others shape the model's logits, and are in its digest.
const CALIBRATED: [&str; 6] = ["policy", "temperatures", "calibration", "certificate", "abstention", "attempts"];

/// How the policy was chosen: the goal, the data and the measured values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// The goal: `max-loss 0.01`, `saving 0.5` or `max-latency 20ms`.
    pub goal: String,
    /// The name of the metric.
    pub metric: String,
    /// Its value with the chosen policy on the calibration trace.
    pub value: f64,
    /// Its value at full depth.
    pub full_depth: f64,
    /// The saving with the chosen policy.
    pub saving: f64,
    /// The number of samples in the trace.
    pub samples: usize,
    /// The numeric precision of the trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<String>,
    /// The dataset split of the trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<String>,
    /// The digest of the trace's data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_digest: Option<String>,
}

impl ExitsFile {
    /// Exits with these settings, and full depth as the policy.
    pub fn new(config: &Config, exit_config: ExitConfig) -> ExitsFile {
        ExitsFile {
            format: 1,
            exits: config.depth(),
            classes: exit_config.classes,
            pooling: exit_config.pooling,
            pooler: exit_config.pooler,
            exit_norm: config.shape.final_norm.then_some(exit_config.norm),
            score: exit_config.score,
            max_tokens: None,
            policy: Policy::full(),
            temperatures: Vec::new(),
            calibration: None,
            certificate: None,
            abstention: None,
            attempts: Vec::new(),
        }
    }

    /// The fields that inference reads and calibration does not write, as JSON.
    pub(crate) fn inference_fields(&self) -> String {
        let mut fields = serde_json::json!(self);
        if let Some(fields) = fields.as_object_mut() {
            fields.retain(|name, _| !CALIBRATED.contains(&name.as_str()));
        }
        fields.to_string()
    }

    /// The exits' settings.
    pub fn exit_config(&self) -> ExitConfig {
        let ExitsFile { classes, pooling, pooler, exit_norm, score, .. } = *self;
        ExitConfig { classes, pooling, pooler, norm: exit_norm.unwrap_or(false), score }
    }

    /// Checks that a policy fits this model, and adds the model's temperatures.
    ///
    /// # Errors
    /// If the policy is for another number of exits or classes, if it reads scores and the model has no learned exit head, or if the
    /// temperatures do not fit.
    pub fn check(&self, policy: &Policy) -> Result<CheckedPolicy, PolicyError> {
        if policy.rule.reads_scores() && !self.score {
            return Err(PolicyError::NoScoreHead);
        }
        policy.check(self.exits, self.classes)?.with_temperatures(&self.temperatures)
    }

    /// Reads `exits.json` in a model directory.
    ///
    /// # Errors
    /// If it is missing or invalid, or if its policy does not fit its exits and classes.
    pub fn load(dir: &Path) -> Result<ExitsFile, Error> {
        let path = dir.join(NAME);
        if !path.exists() {
            if dir.join("config.json").exists() {
                return Err(Error::NoExits { path });
            }
            let (expected, hint) = ("config.json, model.safetensors and exits.json", String::new());
            return Err(Error::Missing { path, expected, hint });
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
        if file.exits > MOST_LAYERS || file.classes > MOST_CLASSES {
            let expected = format!("expected at most {MOST_LAYERS} exits and {MOST_CLASSES} classes");
            return Err(json(format!("{expected}, got {} and {}", file.exits, file.classes)));
        }
        file.check(&file.policy).map_err(|error| json(error.to_string()))?;
        Ok(file)
    }

    /// Writes `exits.json` in a model directory.
    ///
    /// # Errors
    /// A policy of the caller's own, which no file can hold. A file that cannot be written; the old one then stays as it was.
    pub fn save(&self, dir: &Path) -> Result<(), Error> {
        let path = dir.join(NAME);
        self.policy.check_storable().map_err(|source| Error::Policy { path: path.clone(), source })?;
        let text = serde_json::to_string_pretty(self).map_err(|error| Error::content(&path, error.to_string()))?;
        Ok(write_atomic(&path, &[text.as_str(), "\n"])?)
    }
}
