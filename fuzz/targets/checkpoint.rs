//! Checkpoints of a training: whole files, and states with a digest that fits.
#![no_main]

use std::cell::RefCell;
use std::fs;
use std::path::PathBuf;

use epee_files::Sha256;
use epee_fuzz::{folder, parts};
use epee_model::{Config, ExitConfig, Model};
use epee_train::{Checkpoints, LinearSchedule, State, Trainer};
use serde_json::{Map, Value};

/// The digest that `epee-train` writes: lengths and texts, then each tensor's name, shape and bytes.
fn digest(state: &str, header: &Map<String, Value>, body: &[u8]) -> Option<String> {
    let mut digest = Sha256::default();
    let text = |digest: &mut Sha256, text: &str| {
        digest.update((text.len() as u64).to_le_bytes());
        digest.update(text);
    };
    text(&mut digest, state);
    let offsets =
        |info: &Value| Some((info["data_offsets"][0].as_u64()? as usize, info["data_offsets"][1].as_u64()? as usize));
    let mut tensors: Vec<_> =
        header.iter().filter_map(|(name, info)| Some((offsets(info)?, name, info["shape"].as_array()?))).collect();
    tensors.sort_by_key(|(offsets, name, _)| (*offsets, name.as_str()));
    for ((start, end), name, shape) in tensors {
        text(&mut digest, name);
        digest.update((shape.len() as u64).to_le_bytes());
        for size in shape {
            digest.update(size.as_u64()?.to_le_bytes());
        }
        digest.update(body.get(start..end)?);
    }
    Some(digest.finish().trim_start_matches("sha256:").to_owned())
}

struct Run {
    trainer: Trainer,
    checkpoints: Checkpoints,
    path: PathBuf,
    header: Map<String, Value>,
    body: Vec<u8>,
}

fn run() -> Run {
    let config = br#"{"model_type": "bert", "vocab_size": 3, "hidden_size": 2, "num_hidden_layers": 1,
        "num_attention_heads": 1, "intermediate_size": 2, "max_position_embeddings": 3}"#;
    let config = Config::from_bytes(config).expect("a configuration");
    let mut trainer = Trainer::new(Model::new(&config, ExitConfig::of(&config, 2), 1), 0.01);
    trainer.optimiser.steps = 1;
    let mut checkpoints = Checkpoints::open(folder(), false, 60.0).expect("a folder of checkpoints");
    let schedule: LinearSchedule =
        serde_json::from_value(serde_json::json!({ "peak": 1e-3, "warmup": 1, "total": 9 })).expect("a schedule");
    let state = State {
        run: Vec::new(),
        step: 1,
        epoch: 0,
        batch: 1,
        epoch_loss: 0.5,
        seed: 7,
        best: None,
        schedule,
        order: String::new(),
    };
    checkpoints.save(&state, &trainer).expect("a checkpoint");
    let path = folder().join("checkpoints/step-000000001.safetensors");
    let file = fs::read(&path).expect("the checkpoint");
    let size = u64::from_le_bytes(file[..8].try_into().expect("eight bytes")) as usize;
    let header = serde_json::from_slice(&file[8..8 + size]).expect("its header");
    Run { trainer, checkpoints, path, header, body: file[8 + size..].to_vec() }
}

thread_local!(static RUN: RefCell<Run> = RefCell::new(run()));

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    RUN.with_borrow_mut(|run| {
        let [state, header] = parts(data);
        let file = match serde_json::from_slice::<Value>(state) {
            Err(_) => data.to_vec(),
            Ok(state) => {
                let mut tensors = run.header.clone();
                if let Ok(Value::Object(more)) = serde_json::from_slice(header) {
                    tensors.extend(more);
                }
                let sha256 = digest(&state.to_string(), &tensors, &run.body).unwrap_or_default();
                let envelope =
                    serde_json::json!({ "format": epee_train::CHECKPOINT_FORMAT, "sha256": sha256, "state": state });
                tensors.insert("__metadata__".to_owned(), serde_json::json!({ "epee": envelope.to_string() }));
                let header = serde_json::to_vec(&tensors).expect("JSON");
                [&(header.len() as u64).to_le_bytes()[..], &header, &run.body].concat()
            }
        };
        fs::write(&run.path, file).expect("a checkpoint");
        if let Ok(Some(state)) = run.checkpoints.load(&Vec::new(), &mut run.trainer, &mut |_| ()) {
            let _ = run.checkpoints.check(&state, 7, state.schedule, "");
        }
    });
});
