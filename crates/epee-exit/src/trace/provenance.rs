//! Provenance: the origin of a trace, and its metadata keys.

use std::collections::BTreeMap;

use super::TraceProblem;

/// The metadata keys of a trace file: the fields of [`Provenance`], and the sample ids. Lists are JSON.
pub(super) mod keys {
    pub(crate) const EPEE_VERSION: &str = "epee_version";
    pub(crate) const MODEL_DIGEST: &str = "model_digest";
    pub(crate) const DATA_DIGEST: &str = "data_digest";
    pub(crate) const SPLIT: &str = "split";
    pub(crate) const PRECISION: &str = "precision";
    pub(crate) const LABEL_NAMES: &str = "label_names";
    pub(crate) const LAYER_SECONDS: &str = "layer_seconds";
    pub(crate) const IDS: &str = "ids";
}

/// The origin of a trace. Everything is optional: another tool may not know it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Provenance {
    /// The version of epee that recorded the trace.
    pub epee_version: Option<String>,
    /// Digest of the model: weights, configuration and tokenizer.
    pub model_digest: Option<String>,
    /// Digest of the data.
    pub data_digest: Option<String>,
    /// The split: `train`, `dev`, `test`, or another name.
    pub split: Option<String>,
    /// The precision of the forward pass, such as `f32`.
    pub precision: Option<String>,
    /// The K label names, or nothing.
    pub label_names: Vec<String>,
    /// The measured cost of each of the M layers, in seconds per sample, or nothing.
    pub layer_seconds: Vec<f64>,
    /// Metadata under other keys, kept as it is.
    pub other: BTreeMap<String, String>,
}

impl Provenance {
    /// Empty but for the version of epee that is running.
    pub fn here() -> Self {
        let epee_version = Some(env!("CARGO_PKG_VERSION").to_owned());
        Provenance { epee_version, ..Provenance::default() }
    }

    pub(super) fn check(&self, exits: usize, classes: usize) -> Result<(), TraceProblem> {
        let (names, times) = (self.label_names.len(), self.layer_seconds.len());
        let bad = self.layer_seconds.iter().find(|t| !t.is_finite() || **t < 0.0);
        if names != 0 && names != classes {
            let expected = format!("{classes} names (the number of classes)");
            Err(TraceProblem::mismatch(keys::LABEL_NAMES, expected, names))
        } else if times != 0 && times != exits {
            let expected = format!("{exits} times (the number of exits)");
            Err(TraceProblem::mismatch(keys::LAYER_SECONDS, expected, times))
        } else if let Some(bad) = bad {
            Err(TraceProblem::mismatch(keys::LAYER_SECONDS, "times of at least 0", bad))
        } else {
            Ok(())
        }
    }

    /// As metadata, without the ids.
    pub(super) fn to_metadata(&self) -> BTreeMap<String, String> {
        let mut metadata = self.other.clone();
        for (key, value) in [
            (keys::EPEE_VERSION, &self.epee_version),
            (keys::MODEL_DIGEST, &self.model_digest),
            (keys::DATA_DIGEST, &self.data_digest),
            (keys::SPLIT, &self.split),
            (keys::PRECISION, &self.precision),
        ] {
            if let Some(value) = value {
                metadata.insert(key.to_owned(), value.clone());
            }
        }
        if !self.label_names.is_empty() {
            metadata.insert(keys::LABEL_NAMES.to_owned(), serde_json::json!(self.label_names).to_string());
        }
        if !self.layer_seconds.is_empty() {
            metadata.insert(keys::LAYER_SECONDS.to_owned(), serde_json::json!(self.layer_seconds).to_string());
        }
        metadata
    }

    /// From metadata, without the ids.
    pub(super) fn from_metadata(mut metadata: BTreeMap<String, String>) -> Result<Self, TraceProblem> {
        Ok(Provenance {
            epee_version: metadata.remove(keys::EPEE_VERSION),
            model_digest: metadata.remove(keys::MODEL_DIGEST),
            data_digest: metadata.remove(keys::DATA_DIGEST),
            split: metadata.remove(keys::SPLIT),
            precision: metadata.remove(keys::PRECISION),
            label_names: list(keys::LABEL_NAMES, "strings", &mut metadata)?,
            layer_seconds: list(keys::LAYER_SECONDS, "numbers", &mut metadata)?,
            other: metadata,
        })
    }
}

/// Takes a JSON list out of the metadata; empty if the key is absent.
pub(super) fn list<T: serde::de::DeserializeOwned>(
    key: &'static str,
    what: &str,
    metadata: &mut BTreeMap<String, String>,
) -> Result<Vec<T>, TraceProblem> {
    let Some(text) = metadata.remove(key) else { return Ok(Vec::new()) };
    serde_json::from_str(&text)
        .map_err(|_| TraceProblem::mismatch(key, format!("a JSON list of {what}"), abbreviated(&text)))
}

fn abbreviated(text: &str) -> String {
    const MOST: usize = 40;
    match text.char_indices().nth(MOST) {
        Some((at, _)) => format!("`{}…`", &text[..at]),
        None => format!("`{text}`"),
    }
}
