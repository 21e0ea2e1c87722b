//! Reading and writing models in safetensors files, with Hugging Face's names.

mod weights;

use std::collections::BTreeMap;
use std::path::Path;

use epee_nn::{Parameters, Precision, Scalar, Tensor, in_pool};
use safetensors::Dtype;

use crate::backbone::layer_zeros;
use crate::embeddings::Embeddings;
use crate::model::Normal;
use crate::names::Place;
use crate::{Config, Engine, Error, ExitConfig, Exits, Model, PoolerKind};
use weights::{Layout, Weights};

/// The tensors that a checkpoint had too many or too few.
#[derive(Clone, Debug, Default)]
pub struct LoadReport {
    /// Known tensors that are not needed: pretraining heads and buffers.
    pub left_out: Vec<String>,
    /// Parameters with fresh weights: the exits, and the pooler if the checkpoint has none.
    pub fresh: Vec<String>,
}

/// A block's parameters and their places. `prefix` is the block's name in the model.
fn places<'a, T: Scalar, P: Parameters<T>>(
    config: &Config,
    pooler: PoolerKind,
    prefix: &str,
    block: &'a mut P,
) -> Vec<(Place, &'a mut Tensor<T>)> {
    let mut places = Vec::new();
    block.visit_mut(prefix, &mut |name, tensor| places.push((config.place(&name, tensor.shape(), pooler), tensor)));
    places
}

/// Reads the backbone of a Hugging Face directory, and adds fresh exits.
///
/// # Errors
/// If a file is missing or damaged, a tensor is unknown or has the wrong shape, or a parameter has no tensor.
pub fn read_backbone(
    dir: &Path,
    config: &Config,
    exit_config: ExitConfig,
    seed: u64,
) -> Result<(Model<f32>, LoadReport), Error> {
    let mut weights = Weights::open(dir, config)?;
    weights.leave_out("exits.");
    if exit_config.pooler == PoolerKind::None {
        weights.leave_out("pooler.");
    }
    weights.may_start = true;
    let mut model = Model::zeros(config, exit_config);
    // A checkpoint without a pooler is valid. One with half a pooler is damaged.
    let has_pooler = weights.tensors.keys().any(|name| name.starts_with("pooler."));
    let head = |name: &str| name.contains("classifier.") || name.starts_with("exits.score.");
    let may_be_fresh = |name: &str| head(name) || !has_pooler && name.contains("pooler.");
    let fresh = weights.fill(places(config, exit_config.pooler, "", &mut model), may_be_fresh)?;
    let left_out = weights.finish()?;
    let mut normal = Normal::new(seed, config.shape.initializer_range);
    for (place, tensor) in places(config, exit_config.pooler, "", &mut model) {
        if fresh.contains(&place.name) {
            normal.fill(&place.name, tensor);
        }
    }
    Ok((model, LoadReport { left_out, fresh }))
}

/// Reads a model with its exits, for training or inspection.
///
/// # Errors
/// As [`read_backbone`], and if an exit has no tensor.
pub fn read_whole(dir: &Path, config: &Config, exit_config: ExitConfig) -> Result<Model<f32>, Error> {
    let mut weights = Weights::open(dir, config)?;
    let mut model = Model::zeros(config, exit_config);
    weights.fill(places(config, exit_config.pooler, "", &mut model), |_| false)?;
    weights.finish()?;
    Ok(model)
}

/// Checks that the file of weights is complete and has about the configuration's size, without reading the weights.
pub(crate) fn check(dir: &Path, config: &Config) -> Result<(), Error> {
    Weights::open(dir, config).map(|_| ())
}

/// Reads and packs a model layer by layer, so that at most one unpacked layer is in memory.
pub(crate) fn read_engine(
    dir: &Path,
    config: &Config,
    exit_config: ExitConfig,
    precision: Precision,
) -> Result<Engine, Error> {
    let shape = &config.shape;
    // Before reading gigabytes. Every product of a layer has rows of one of these widths.
    for (name, width) in [("hidden_size", shape.hidden_size), ("intermediate_size", shape.intermediate_size)] {
        let problem = |error| format!("{name}: {error}");
        precision.check_width(width).map_err(|error| Error::content(&dir.join("config.json"), problem(error)))?;
    }
    let mut weights = Weights::open(dir, config)?;
    let mut embeddings = Embeddings::zeros(shape);
    weights.fill(places(config, exit_config.pooler, "embeddings", &mut embeddings), |_| false)?;
    let mut layers = Vec::with_capacity(shape.num_hidden_groups);
    for m in 0..shape.num_hidden_groups {
        let mut layer = layer_zeros(shape);
        weights.fill(places(config, exit_config.pooler, &format!("layers.{m}"), &mut layer), |_| false)?;
        layers.push(in_pool(|| layer.pack(precision))?);
    }
    let mut exits = Exits::zeros(shape, exit_config);
    weights.fill(places(config, exit_config.pooler, "exits", &mut exits), |_| false)?;
    weights.finish()?;
    let (embeddings, exits) = (embeddings.pack(), exits.pack());
    epee_nn::release_buffers();
    Ok(Engine { embeddings, layers, depth: shape.num_hidden_layers, exits, precision })
}

impl Config {
    /// A model's weights in stored form: name, shape and values, as plain Transformers reads them.
    pub fn stored(&self, model: &Model<f32>, exit_config: ExitConfig) -> BTreeMap<String, (Vec<usize>, Vec<f32>)> {
        let mut stored = BTreeMap::new();
        for (name, tensor) in model.parameters() {
            let place = self.place(&name, tensor.shape(), exit_config.pooler);
            let size = place.shape.iter().product();
            let layout = Layout::of(&place);
            let (_, values) = stored.entry(place.name).or_insert_with(|| (place.shape, vec![0.0; size]));
            for (index, value) in values.iter_mut().enumerate() {
                if let Some(at) = layout.ours(index) {
                    *value = tensor.data()[at];
                }
            }
        }
        stored
    }
}

pub(crate) fn to_bytes(weights: &BTreeMap<String, (Vec<usize>, Vec<f32>)>) -> Result<Vec<u8>, String> {
    let bytes: Vec<Vec<u8>> =
        weights.values().map(|(_, values)| values.iter().flat_map(|x| x.to_le_bytes()).collect()).collect();
    let views: Result<Vec<_>, _> = weights
        .iter()
        .zip(&bytes)
        .map(|((name, (shape, _)), bytes)| {
            safetensors::tensor::TensorView::new(Dtype::F32, shape.clone(), bytes).map(|view| (name, view))
        })
        .collect();
    // Transformers requires this entry.
    let metadata = std::collections::HashMap::from([("format".to_owned(), "pt".to_owned())]);
    views.and_then(|views| safetensors::serialize(views, Some(metadata))).map_err(|error| error.to_string())
}
