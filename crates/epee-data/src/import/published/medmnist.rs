//! MedMNIST v2 (Yang et al. 2023): medical images of 28 pixels a side, and of 224 in the `_224` files.
//!
//! Each dataset is one npz with `train_images`, `val_images`, `test_images` and their labels. Class names and sizes are
//! those that MedMNIST publishes.

use std::path::Path;

use super::{Options, PaperCounts, Preset};
use crate::dataset::{Draft, Task};
use crate::error::{Error, Result};
use crate::import::own::npz;
use crate::partition::Cut;

type Read = fn(&Path, &Options, &Cut) -> Result<Draft>;

const fn preset(name: &'static str, title: &'static str, paper: PaperCounts, read: Read) -> Preset {
    Preset {
        name,
        title,
        task: Task::ImageClassification,
        paper,
        expects: "its .npz or _224.npz, or a folder with one of them",
        source: "MedMNIST v2 (Yang et al. 2023), zenodo.org/records/10519652",
        licence: "CC BY 4.0",
        takes: &[],
        read,
    }
}

const PATH: &str = "adipose|background|debris|lymphocytes|mucus|smooth muscle|normal colon mucosa|\
                    cancer-associated stroma|colorectal adenocarcinoma epithelium";
const BLOOD: &str = "basophil|eosinophil|erythroblast|\
                     immature granulocytes(myelocytes, metamyelocytes and promyelocytes)|\
                     lymphocyte|monocyte|neutrophil|platelet";
const DERMA: &str = "actinic keratoses and intraepithelial carcinoma|basal cell carcinoma|benign keratosis-like lesions|\
                     dermatofibroma|melanoma|melanocytic nevi|vascular lesions";

pub(super) const PRESETS: [Preset; 5] = [
    preset(
        "pathmnist",
        "nine tissues in slides of colorectal cancer, RGB",
        PaperCounts::new(89996, 10004, 7180, 9),
        |from, _, _| read("pathmnist", from, 3, PATH),
    ),
    preset(
        "pneumoniamnist",
        "pneumonia in children's chest X-rays, grey",
        PaperCounts::new(4708, 524, 624, 2),
        |from, _, _| read("pneumoniamnist", from, 1, "normal|pneumonia"),
    ),
    preset(
        "breastmnist",
        "malignant or not in breast ultrasound, grey",
        PaperCounts::new(546, 78, 156, 2),
        |from, _, _| read("breastmnist", from, 1, "malignant|normal, benign"),
    ),
    preset("bloodmnist", "eight kinds of blood cells, RGB", PaperCounts::new(11959, 1712, 3421, 8), |from, _, _| {
        read("bloodmnist", from, 3, BLOOD)
    }),
    Preset {
        licence: "CC BY-NC 4.0",
        ..preset("dermamnist", "seven skin lesions, RGB", PaperCounts::new(7007, 1003, 2005, 7), |from, _, _| {
            read("dermamnist", from, 3, DERMA)
        })
    },
];

/// `from` is the file or a folder that holds it; of both sizes the smaller is read. `labels` are separated by `|`.
fn read(name: &str, from: &Path, channels: usize, labels: &str) -> Result<Draft> {
    let [small, large] = [format!("{name}.npz"), format!("{name}_224.npz")].map(|file| from.join(file));
    let path = match from.is_dir() {
        false => from.to_path_buf(),
        true if !small.exists() && large.exists() => large,
        true => small,
    };
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let is = |preset: &str| stem == preset || stem.strip_prefix(preset).is_some_and(|rest| rest.starts_with('_'));
    let names = PRESETS.map(|preset| preset.name);
    if let Some(other) = names.into_iter().find(|&other| other != name && is(other)) {
        return Err(Error::content(&path, format!("expected a file of {name}, this is one of {other}")));
    }
    npz::read_published(&path, &labels.split('|').collect::<Vec<_>>(), channels)
}
