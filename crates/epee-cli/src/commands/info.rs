//! `epee info`: what a model directory or a trace file is.

use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use epee::Trace;
use epee::certificates::{
    Promise, PublicKey, Standing, explain_abstention, explain_certificate, require_promises, standings,
};
use epee_model::{Calibration, Config, ExitsFile, InputShape, ModelDir, model_digest};
use epee_nn::Parameters;
use serde_json::{Value, json};

use crate::fetch;
use crate::ui::Ui;

/// Show the contents of a model directory or a trace file
#[derive(clap::Args)]
#[command(
    after_help = "With --verify, the exit status is 1 unless every promise of the model holds and the key signed it.\n\n\
    Examples:\n  epee info runs/phee\n  epee info bert-base/config.json\n  epee info runs/phee --verify public.pem"
)]
pub(crate) struct Args {
    /// Model directory or hub id, config.json, or trace file
    #[arg(value_name = "DIR|ID|FILE")]
    path: PathBuf,
    /// Check that this ed25519 public key (PEM) signed the model's promises
    #[arg(long, value_name = "PUBKEY")]
    verify: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, ui: Ui) -> anyhow::Result<()> {
    let path = &fetch::local_model(&args.path, ui)?;
    let signer = args.verify.as_deref().map(PublicKey::read).transpose()?;
    let mut verified =
        signer.as_ref().map(|_| Err(anyhow!("--verify: expected a model directory, got {}", path.display())));
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
        let model_dir = ModelDir::load(path)?;
        let standings = standings(&model_dir, None, &model_dir.exits.policy, signer.as_ref())?;
        verified = signer.as_ref().map(|_| Ok(require_promises(&model_dir, &standings)?));
        model_facts(&model_dir, &standings)?
    } else {
        backbone_facts(path)?
    };
    show(&facts, ui)?;
    verified.unwrap_or(Ok(()))
}

fn show(facts: &Facts, ui: Ui) -> anyhow::Result<()> {
    if ui.json() {
        return ui.print_json(
            &facts.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect::<serde_json::Map<_, _>>(),
        );
    }
    let width = facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, value) in facts {
        let value = match (*name, value) {
            // What is said in words is not shown as data too.
            ("certificate" | "certificate_void" | "certificate_signer", _) => continue,
            ("abstention" | "abstention_void" | "abstention_signer" | "calibration_attempts", _) => continue,
            ("certificate_words" | "abstention_words", Value::Array(lines)) => {
                let indent = format!("\n{:<width$}  ", "");
                let lines = lines.iter().filter_map(Value::as_str).flat_map(|line| wrapped(line, WIDTH));
                lines.collect::<Vec<_>>().join(&indent)
            }
            ("calibration", Value::Object(_)) => calibration_words(value),
            (_, Value::String(text)) => text.clone(),
            (_, Value::Bool(true)) => "yes".to_owned(),
            (_, Value::Array(values)) if values.iter().all(Value::is_string) => {
                values.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
            }
            (_, other) => other.to_string(),
        };
        ui.print(format!("{:<width$}  {value}", name.trim_end_matches("_words").replace('_', " ")))?;
    }
    Ok(())
}

const WIDTH: usize = 96;

/// Wraps a sentence and keeps its indentation.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let indent = &text[..text.len() - text.trim_start().len()];
    let mut lines = vec![indent.to_owned()];
    for word in text.split_whitespace() {
        let last = lines.len() - 1;
        let line = &mut lines[last];
        if line.trim().is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(format!("{indent}{word}"));
        }
    }
    lines
}

fn calibration_words(value: &Value) -> String {
    let Ok(it) = serde_json::from_value::<Calibration>(value.clone()) else { return value.to_string() };
    format!(
        "{} {:.4} against {:.4} at full depth, saving {:.3}, on {} samples{}; asked for: {}",
        it.metric,
        it.value,
        it.full_depth,
        it.saving,
        it.samples,
        it.split.map_or_else(String::new, |split| format!(" of {split}")),
        it.goal,
    )
}

type Facts = Vec<(&'static str, Value)>;

fn sizes(config: &Config) -> Facts {
    let shape = &config.shape;
    let mut facts = vec![("architecture", json!(config.title())), ("layers", json!(shape.num_hidden_layers))];
    if shape.num_hidden_groups < shape.num_hidden_layers {
        facts.push(("layers_with_weights_of_their_own", json!(shape.num_hidden_groups)));
    }
    facts.extend([
        ("hidden_size", json!(shape.hidden_size)),
        ("heads", json!(shape.num_attention_heads)),
        ("intermediate_size", json!(shape.intermediate_size)),
    ]);
    match shape.input {
        InputShape::Text(input) => {
            facts
                .extend([("vocabulary", json!(input.vocab_size)), ("positions", json!(input.max_position_embeddings))]);
        }
        InputShape::Image(input) => facts.extend([
            ("image", json!(format!("{} x {} pixels, {}", input.height, input.width, channels(input.num_channels)))),
            ("patch", json!(format!("{} x {}", input.patch_size[0], input.patch_size[1]))),
            ("tokens", json!(input.rows())),
        ]),
    }
    facts.push(("backbone_parameters", json!(config.parameters())));
    facts
}

fn channels(count: usize) -> String {
    if count == 1 { "1 channel".to_owned() } else { format!("{count} channels") }
}

fn model_facts(model_dir: &ModelDir, standings: &[(Promise, Standing)]) -> anyhow::Result<Facts> {
    let ExitsFile { pooling, pooler, score, policy, temperatures, calibration, certificate, abstention, exits, .. } =
        &model_dir.exits;
    let mut facts = vec![("kind", json!("multi-exit model"))];
    facts.extend(sizes(&model_dir.config));
    facts.extend([
        ("parameters", json!(model_dir.model()?.count())),
        ("instruction_set", json!(epee_nn::isa().name())),
        ("exits", json!(exits)),
        ("classes", json!(model_dir.labels)),
        ("pooling", json!(pooling)),
        ("pooler", json!(pooler)),
    ]);
    facts.extend(known([
        ("learned_exit_head", json!(score.then_some(true))),
        ("policy", json!(policy)),
        ("temperatures", json!(Some(temperatures).filter(|all| !all.is_empty()))),
        ("calibration", json!(calibration)),
    ]));
    for (promise, standing) in standings {
        let void = match standing {
            Standing::Void(reason) => Some(reason.to_string()),
            _ => None,
        };
        let signer = match standing {
            Standing::Signed { key } | Standing::Verified { key } => Some(key),
            _ => None,
        };
        match (promise, certificate, abstention) {
            (Promise::Certificate, Some(it), _) => facts.extend([
                ("certificate_words", json!(explain_certificate(it, standing))),
                ("certificate_void", json!(void)),
                ("certificate_signer", json!(signer)),
                ("certificate", json!(it)),
            ]),
            (Promise::Abstention, _, Some(it)) => facts.extend([
                ("abstention_words", json!(explain_abstention(it, standing))),
                ("abstention_void", json!(void)),
                ("abstention_signer", json!(signer)),
                ("abstention", json!(it)),
            ]),
            _ => {}
        }
    }
    let attempts = &model_dir.exits.attempts;
    facts.extend(known([("calibration_attempts", json!(Some(attempts).filter(|all| !all.is_empty())))]));
    facts.push(("digest", json!(model_dir.digest()?)));
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
    Ok(known([
        ("kind", json!("trace")),
        ("samples", json!(trace.samples())),
        ("labelled", json!(trace.labelled())),
        ("exits", json!(trace.exits())),
        ("classes", json!((0..trace.classes()).map(|class| trace.class_name(class)).collect::<Vec<_>>())),
        ("learned_exit_scores", json!(trace.scores().map(|_| true))),
        ("split", json!(from.split)),
        ("precision", json!(from.precision)),
        ("numeric_class", json!(from.numeric_class)),
        ("model_digest", json!(from.model_digest)),
        ("data_digest", json!(from.data_digest)),
        ("epee_version", json!(from.epee_version)),
        ("layer_seconds", json!(Some(&from.layer_seconds).filter(|all| !all.is_empty()))),
    ])
    .collect())
}

fn known<const N: usize>(facts: [(&'static str, Value); N]) -> impl Iterator<Item = (&'static str, Value)> {
    facts.into_iter().filter(|(_, value)| !value.is_null())
}
