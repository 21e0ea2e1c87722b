//! `epee info`: what a model directory or a trace file is.

use std::path::{Path, PathBuf};

use anyhow::bail;
use epee_exit::Trace;
use epee_model::{Artefact, Config, ExitsFile, Input, model_digest};
use epee_nn::Parameters;
use serde_json::{Value, json};

use crate::fetch;
use crate::ui::Ui;

/// Show what a model directory or a trace file holds
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  epee info runs/phee\n  epee info bert-base/config.json")]
pub(crate) struct Args {
    /// A model directory or hub id, a config.json or a trace file
    #[arg(value_name = "DIR|ID|FILE")]
    path: PathBuf,
}

/// Prints the facts.
pub(crate) fn run(args: &Args, ui: Ui) -> anyhow::Result<()> {
    let path = &fetch::local_model(&args.path, ui)?;
    let facts = if path.extension().is_some_and(|extension| extension == "json") && path.is_file() {
        let mut facts = vec![("kind", json!("configuration"))];
        facts.extend(sizes(&Config::read(path)?));
        facts
    } else if path.is_file() {
        trace_facts(path)?
    } else if !path.exists() {
        bail!("{}: no such file or folder: expected a model directory, a config.json or a trace file", path.display());
    } else if path.join("dataset.json").exists() {
        bail!("{}: this is a dataset\nhint: epee data inspect {0}", path.display());
    } else if path.join("exits.json").exists() {
        model_facts(path)?
    } else {
        backbone_facts(path)?
    };
    if ui.json() {
        return ui.print_json(
            &facts.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect::<serde_json::Map<_, _>>(),
        );
    }
    let width = facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, value) in &facts {
        let value = match value {
            Value::String(text) => text.clone(),
            Value::Array(values) if values.iter().all(Value::is_string) => {
                values.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
            }
            other => other.to_string(),
        };
        ui.print(format!("{:<width$}  {value}", name.replace('_', " ")))?;
    }
    Ok(())
}

type Facts = Vec<(&'static str, Value)>;

fn sizes(config: &Config) -> Facts {
    let shape = &config.shape;
    let mut facts = vec![("architecture", json!(config.title())), ("layers", json!(shape.layers))];
    if shape.groups < shape.layers {
        facts.push(("layers_with_weights_of_their_own", json!(shape.groups)));
    }
    facts.extend([
        ("hidden_size", json!(shape.hidden_size)),
        ("heads", json!(shape.heads)),
        ("intermediate_size", json!(shape.intermediate_size)),
    ]);
    match shape.input {
        Input::Text(input) => {
            facts.extend([("vocabulary", json!(input.vocab_size)), ("positions", json!(input.positions))]);
        }
        Input::Image(input) => facts.extend([
            ("picture", json!(format!("{} x {} pixels, {}", input.height, input.width, channels(input.channels)))),
            ("patch", json!(format!("{} x {}", input.patch[0], input.patch[1]))),
            ("tokens", json!(input.rows())),
        ]),
    }
    facts.push(("backbone_parameters", json!(config.parameters())));
    facts
}

fn channels(count: usize) -> String {
    if count == 1 { "1 channel".to_owned() } else { format!("{count} channels") }
}

fn model_facts(dir: &Path) -> anyhow::Result<Facts> {
    let artefact = Artefact::load(dir)?;
    let ExitsFile { pooling, pooler, policy, calibration, exits, .. } = &artefact.exits;
    let mut facts = vec![("kind", json!("multi-exit model"))];
    facts.extend(sizes(&artefact.config));
    facts.extend([
        ("parameters", json!(artefact.model()?.count())),
        ("instruction_set", json!(epee_nn::isa().name())),
        ("exits", json!(exits)),
        ("classes", json!(artefact.labels)),
        ("pooling", json!(pooling)),
        ("pooler", json!(pooler)),
        ("policy", json!(policy)),
    ]);
    if let Some(calibration) = calibration {
        facts.push(("calibration", json!(calibration)));
    }
    facts.push(("digest", json!(artefact.digest()?)));
    Ok(facts)
}

fn backbone_facts(dir: &Path) -> anyhow::Result<Facts> {
    let path = dir.join("config.json");
    if !path.exists() {
        bail!("{}: expected config.json: this is no model directory", dir.display());
    }
    let mut facts = vec![("kind", json!("backbone without exits"))];
    facts.extend(sizes(&Config::read(&path)?));
    if dir.join("model.safetensors").exists() {
        facts.push(("digest", json!(model_digest(dir)?)));
    }
    Ok(facts)
}

fn trace_facts(path: &Path) -> anyhow::Result<Facts> {
    let trace = Trace::load(path)?;
    let from = trace.provenance();
    let mut facts = vec![
        ("kind", json!("trace")),
        ("samples", json!(trace.samples())),
        ("labelled", json!(trace.labelled())),
        ("exits", json!(trace.exits())),
        ("classes", json!((0..trace.classes()).map(|class| trace.class_name(class)).collect::<Vec<_>>())),
    ];
    let texts = [
        ("split", &from.split),
        ("precision", &from.precision),
        ("model_digest", &from.model_digest),
        ("data_digest", &from.data_digest),
        ("epee_version", &from.epee_version),
    ];
    facts.extend(texts.into_iter().filter_map(|(name, value)| value.as_ref().map(|value| (name, json!(value)))));
    if !from.layer_seconds.is_empty() {
        facts.push(("layer_seconds", json!(from.layer_seconds)));
    }
    Ok(facts)
}
