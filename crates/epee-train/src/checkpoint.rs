//! The state of a run on disk: what `--resume` goes on from.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use epee_model::{Model, write_atomic};
use epee_nn::{Parameters, Tensor};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};

use crate::{Error, Trainer};

/// Where a run stands, beside the weights and moments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Names the run: options, data, and the model it started from.
    pub run: String,
    /// Steps taken.
    pub step: u64,
    /// Sum of the losses of the steps taken in the current epoch.
    pub epoch_loss: f64,
    /// The best score so far and its epoch.
    pub best: Option<(usize, f64)>,
}

const KEY: &str = "epee";

impl Checkpoint {
    /// The file of a run that writes into `dir`.
    pub fn path(dir: &Path) -> PathBuf {
        dir.join("checkpoints").join("last.safetensors")
    }

    /// Writes state, weights and moments: to a temporary file, synced, then renamed.
    ///
    /// # Errors
    /// Where the file cannot be written; the one before is untouched then.
    pub fn save(&self, dir: &Path, trainer: &Trainer) -> Result<(), Error> {
        let path = Checkpoint::path(dir);
        let fail = |problem: String| Error::Checkpoint { path: path.clone(), problem };
        let folder = dir.join("checkpoints");
        std::fs::create_dir_all(&folder).map_err(|source| Error::Io { path: folder.clone(), source })?;
        let parts = [("model", &trainer.model), ("m", &trainer.optimiser.m), ("v", &trainer.optimiser.v)];
        let mut tensors: Vec<(String, Vec<usize>, Vec<u8>)> = Vec::new();
        for (part, model) in parts {
            for (name, tensor) in model.parameters() {
                let bytes = tensor.data().iter().flat_map(|x| x.to_le_bytes()).collect();
                tensors.push((format!("{part}.{name}"), tensor.shape().to_vec(), bytes));
            }
        }
        let views: Result<Vec<_>, _> = tensors
            .iter()
            .map(|(name, shape, bytes)| TensorView::new(Dtype::F32, shape.clone(), bytes).map(|view| (name, view)))
            .collect();
        let state = serde_json::to_string(self).map_err(|error| fail(error.to_string()))?;
        let bytes = views
            .and_then(|views| safetensors::serialize(views, Some(HashMap::from([(KEY.to_owned(), state)]))))
            .map_err(|error| fail(error.to_string()))?;
        write_atomic(&path, &bytes)?;
        Ok(())
    }

    /// Reads a checkpoint of the run named `run` into a trainer.
    ///
    /// # Errors
    /// Where there is none, it is damaged, or it belongs to another run.
    pub fn load(dir: &Path, run: &str, trainer: &mut Trainer) -> Result<Checkpoint, Error> {
        let path = Checkpoint::path(dir);
        let fail = |problem: String| Error::Checkpoint { path: path.clone(), problem };
        let bytes = std::fs::read(&path).map_err(|error| fail(format!("no checkpoint to resume from: {error}")))?;
        let damaged = |problem: String| fail(format!("not a whole checkpoint: {problem}"));
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|error| damaged(error.to_string()))?;
        let state = header.metadata().as_ref().and_then(|map| map.get(KEY));
        let state = state.ok_or_else(|| damaged(format!("no metadata {KEY}")))?;
        let checkpoint: Checkpoint = serde_json::from_str(state).map_err(|error| damaged(error.to_string()))?;
        if checkpoint.run != run {
            let problem = "it belongs to another run: expected the same data, model and options as when it was written";
            return Err(fail(problem.to_owned()));
        }
        let file = SafeTensors::deserialize(&bytes).map_err(|error| damaged(error.to_string()))?;
        read_part(&file, "model", &mut trainer.model).map_err(damaged)?;
        read_part(&file, "m", &mut trainer.optimiser.m).map_err(damaged)?;
        read_part(&file, "v", &mut trainer.optimiser.v).map_err(damaged)?;
        trainer.optimiser.steps = checkpoint.step;
        Ok(checkpoint)
    }
}

fn read_part(file: &SafeTensors<'_>, part: &str, model: &mut Model<f32>) -> Result<(), String> {
    for (name, tensor) in model.parameters_mut() {
        let name = format!("{part}.{name}");
        let view = file.tensor(&name).map_err(|error| error.to_string())?;
        fill(tensor, &view).map_err(|problem| format!("{name}: {problem}"))?;
    }
    Ok(())
}

fn fill(tensor: &mut Tensor<f32>, view: &TensorView<'_>) -> Result<(), String> {
    if view.dtype() != Dtype::F32 || view.shape() != tensor.shape() {
        return Err(format!("expected F32 {:?}, got {:?} {:?}", tensor.shape(), view.dtype(), view.shape()));
    }
    for (x, bytes) in tensor.data_mut().iter_mut().zip(view.data().chunks_exact(4)) {
        *x = f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    }
    Ok(())
}
