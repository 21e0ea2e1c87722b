//! MedMNIST v2 (Yang et al. 2023): medical pictures of 28 pixels, and of 224 in the `_224` files.
//!
//! Each dataset is one npz with `train_images`, `val_images`, `test_images` and their labels. Class names, sizes and
//! check sums are those that MedMNIST publishes.

use std::path::{Path, PathBuf};

use super::{Options, PaperCounts, Preset, npz};
use crate::dataset::{Draft, Task};
use crate::error::{Error, Result};

/// A published file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Archive {
    /// The dataset's name in [`PRESETS`](super::PRESETS).
    pub preset: &'static str,
    /// Sides of its pictures.
    pub pixels: usize,
    /// Its name, and its address but for the part that all share.
    pub file: &'static str,
    /// Its published MD5, hexadecimal.
    pub md5: &'static str,
}

impl Archive {
    /// Where it is published.
    pub fn url(&self) -> String {
        format!("https://zenodo.org/records/10519652/files/{}?download=1", self.file)
    }
}

/// The published files of the five datasets.
pub const MEDMNIST: [Archive; 10] = [
    archive("pathmnist", 28, "pathmnist.npz", "a8b06965200029087d5bd730944a56c1"),
    archive("pathmnist", 224, "pathmnist_224.npz", "2c51a510bcdc9cf8ddb2af93af1eadec"),
    archive("pneumoniamnist", 28, "pneumoniamnist.npz", "28209eda62fecd6e6a2d98b1501bb15f"),
    archive("pneumoniamnist", 224, "pneumoniamnist_224.npz", "d6a3c71de1b945ea11211b03746c1fe1"),
    archive("breastmnist", 28, "breastmnist.npz", "750601b1f35ba3300ea97c75c52ff8f6"),
    archive("breastmnist", 224, "breastmnist_224.npz", "b56378a6eefa9fed602bb16d192d4c8b"),
    archive("bloodmnist", 28, "bloodmnist.npz", "7053d0359d879ad8a5505303e11de1dc"),
    archive("bloodmnist", 224, "bloodmnist_224.npz", "b718ff6835fcbdb22ba9eacccd7b2601"),
    archive("dermamnist", 28, "dermamnist.npz", "0744692d530f8e62ec473284d019b0c7"),
    archive("dermamnist", 224, "dermamnist_224.npz", "8974907d8e169bef5f5b96bc506ae45d"),
];

const fn archive(preset: &'static str, pixels: usize, file: &'static str, md5: &'static str) -> Archive {
    Archive { preset, pixels, file, md5 }
}

const SOURCE: &str = "MedMNIST v2 (Yang et al. 2023), zenodo.org/records/10519652";

const fn preset(
    name: &'static str,
    title: &'static str,
    paper: PaperCounts,
    expects: &'static str,
    licence: &'static str,
    read: fn(&Path, &Options) -> Result<Draft>,
) -> Preset {
    Preset { name, title, task: Task::ImageClassification, paper, expects, source: SOURCE, licence, takes: &[], read }
}

pub(super) const PATH: Preset = preset(
    "pathmnist",
    "nine tissues in slides of colorectal cancer, RGB",
    PaperCounts { train: 89996, dev: 10004, test: 7180, classes: 9 },
    "pathmnist.npz or pathmnist_224.npz, or a folder with one",
    "CC BY 4.0",
    |from, _| {
        let labels = [
            "adipose",
            "background",
            "debris",
            "lymphocytes",
            "mucus",
            "smooth muscle",
            "normal colon mucosa",
            "cancer-associated stroma",
            "colorectal adenocarcinoma epithelium",
        ];
        read("pathmnist", from, 3, &labels)
    },
);

pub(super) const PNEUMONIA: Preset = preset(
    "pneumoniamnist",
    "pneumonia in children's chest X-rays, grey",
    PaperCounts { train: 4708, dev: 524, test: 624, classes: 2 },
    "pneumoniamnist.npz or pneumoniamnist_224.npz, or a folder with one",
    "CC BY 4.0",
    |from, _| read("pneumoniamnist", from, 1, &["normal", "pneumonia"]),
);

pub(super) const BREAST: Preset = preset(
    "breastmnist",
    "malignant or not in breast ultrasound, grey",
    PaperCounts { train: 546, dev: 78, test: 156, classes: 2 },
    "breastmnist.npz or breastmnist_224.npz, or a folder with one",
    "CC BY 4.0",
    |from, _| read("breastmnist", from, 1, &["malignant", "normal, benign"]),
);

pub(super) const BLOOD: Preset = preset(
    "bloodmnist",
    "eight kinds of blood cells, RGB",
    PaperCounts { train: 11959, dev: 1712, test: 3421, classes: 8 },
    "bloodmnist.npz or bloodmnist_224.npz, or a folder with one",
    "CC BY 4.0",
    |from, _| {
        let labels = [
            "basophil",
            "eosinophil",
            "erythroblast",
            "immature granulocytes(myelocytes, metamyelocytes and promyelocytes)",
            "lymphocyte",
            "monocyte",
            "neutrophil",
            "platelet",
        ];
        read("bloodmnist", from, 3, &labels)
    },
);

pub(super) const DERMA: Preset = preset(
    "dermamnist",
    "seven skin lesions, RGB",
    PaperCounts { train: 7007, dev: 1003, test: 2005, classes: 7 },
    "dermamnist.npz or dermamnist_224.npz, or a folder with one",
    "CC BY-NC 4.0",
    |from, _| {
        let labels = [
            "actinic keratoses and intraepithelial carcinoma",
            "basal cell carcinoma",
            "benign keratosis-like lesions",
            "dermatofibroma",
            "melanoma",
            "melanocytic nevi",
            "vascular lesions",
        ];
        read("dermamnist", from, 3, &labels)
    },
);

/// `from` is the file or a folder that holds it; of both sizes the smaller is read.
fn read(name: &str, from: &Path, channels: usize, labels: &[&str]) -> Result<Draft> {
    let path = file(name, from);
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let is = |preset: &str| stem == preset || stem.strip_prefix(preset).is_some_and(|rest| rest.starts_with('_'));
    if let Some(other) = MEDMNIST.iter().find(|other| other.preset != name && is(other.preset)) {
        return Err(Error::content(&path, format!("expected a file of {name}, this is one of {}", other.preset)));
    }
    npz::published(&path, labels, |picture| {
        let [height, width, got] = picture.shape;
        match ((height, width), got == channels) {
            ((28, 28) | (64, 64) | (128, 128) | (224, 224), true) => Ok(()),
            _ => Err(format!(
                "expected {channels} channels and 28 or 224 pixels a side, got {got} and {height} x {width}"
            )),
        }
    })
}

fn file(name: &str, from: &Path) -> PathBuf {
    let [small, large] = [format!("{name}.npz"), format!("{name}_224.npz")].map(|file| from.join(file));
    match from.is_dir() {
        false => from.to_path_buf(),
        true if !small.exists() && large.exists() => large,
        true => small,
    }
}
