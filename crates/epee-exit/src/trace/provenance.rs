//! Provenance: the origin of a trace, and its metadata keys.

use std::collections::BTreeMap;

use serde_json::json;

use super::TraceProblem;

/// The metadata keys of the lists, which are JSON.
pub(super) const IDS: &str = "ids";
const LABEL_NAMES: &str = "label_names";
const LAYER_SECONDS: &str = "layer_seconds";

/// The longest time of all samples and layers, 285 years: sweeps add nanoseconds in 64 bits.
const MOST_SECONDS: f64 = 9e9;

/// The origin of a trace. Everything is optional: another tool may not know it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Provenance {
    /// The version of epee that recorded the trace.
    pub epee_version: Option<String>,
    /// Digest of the model: every file and field that inference reads.
    pub model_digest: Option<String>,
    /// Digest of the data.
    pub data_digest: Option<String>,
    /// The split: `train`, `dev`, `test`, or another name.
    pub split: Option<String>,
    /// The precision of the forward pass, such as `f32`.
    pub precision: Option<String>,
    /// The numeric class of the forward pass, such as `fused-1`: machines of one class give the same bits.
    pub numeric_class: Option<String>,
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

    pub(super) fn check(&self, samples: usize, exits: usize, classes: usize) -> Result<(), TraceProblem> {
        for (part, of, expected, got) in [
            (LABEL_NAMES, "names (the number of classes)", classes, self.label_names.len()),
            (LAYER_SECONDS, "times (the number of exits)", exits, self.layer_seconds.len()),
        ] {
            if got != 0 && got != expected {
                return Err(TraceProblem::mismatch(part, format!("{expected} {of}"), got));
            }
        }
        let bad = self.layer_seconds.iter().find(|t| !t.is_finite() || **t < 0.0);
        if let Some(bad) = bad {
            return Err(TraceProblem::mismatch(LAYER_SECONDS, "times of at least 0", bad));
        }
        let all = samples as f64 * self.layer_seconds.iter().sum::<f64>();
        if all > MOST_SECONDS {
            return Err(TraceProblem::mismatch(LAYER_SECONDS, format!("at most {MOST_SECONDS:e} s in all"), all));
        }
        Ok(())
    }

    /// The metadata keys of the texts.
    fn texts(&mut self) -> [(&'static str, &mut Option<String>); 6] {
        [
            ("epee_version", &mut self.epee_version),
            ("model_digest", &mut self.model_digest),
            ("data_digest", &mut self.data_digest),
            ("split", &mut self.split),
            ("precision", &mut self.precision),
            ("numeric_class", &mut self.numeric_class),
        ]
    }

    /// As metadata, without the ids.
    pub(super) fn into_metadata(mut self) -> BTreeMap<String, String> {
        let mut metadata = std::mem::take(&mut self.other);
        let known = self.texts().into_iter().filter_map(|(key, value)| Some((key.to_owned(), value.take()?)));
        metadata.extend(known);
        let lists = [(LABEL_NAMES, json!(self.label_names)), (LAYER_SECONDS, json!(self.layer_seconds))];
        let lists = lists.into_iter().filter(|(_, list)| *list != json!([]));
        metadata.extend(lists.map(|(key, list)| (key.to_owned(), list.to_string())));
        metadata
    }

    /// From metadata, without the ids.
    pub(super) fn from_metadata(mut metadata: BTreeMap<String, String>) -> Result<Self, TraceProblem> {
        let label_names = list(LABEL_NAMES, "strings", &mut metadata)?;
        let layer_seconds = list(LAYER_SECONDS, "numbers", &mut metadata)?;
        let mut provenance = Provenance { label_names, layer_seconds, ..Provenance::default() };
        for (key, value) in provenance.texts() {
            *value = metadata.remove(key);
        }
        Ok(Provenance { other: metadata, ..provenance })
    }
}

/// Takes a JSON list out of the metadata; empty if the key is absent.
pub(super) fn list<T: serde::de::DeserializeOwned>(
    key: &'static str,
    what: &str,
    metadata: &mut BTreeMap<String, String>,
) -> Result<Vec<T>, TraceProblem> {
    let Some(text) = metadata.remove(key) else { return Ok(Vec::new()) };
    serde_json::from_str(&text).map_err(|_| {
        TraceProblem::mismatch(key, format!("a JSON list of {what}"), format!("other text of {} bytes", text.len()))
    })
}
