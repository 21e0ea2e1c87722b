//! The quickstart's two tasks: data, model, options and the inputs shown at the end.

use std::path::Path;

use anyhow::Context;
use epee_data::synth::cells::{self, CellsConfig};
use epee_data::{Dataset, synth};
use epee_exit::Counts;
use epee_input::{Example, ImageProcessor, SampleText, TextTokenizer};
use epee_model::Config;
use epee_train::{RecipeName, TrainOptions};

use epee::Preprocessor;
use epee::recording::{read_split, trace_labels};

/// A generated dataset and how it is learnt.
pub(super) struct QuickstartTask {
    pub(super) dataset: Dataset,
    /// The generated data, in a sentence.
    pub(super) generated: String,
    /// The name of examples, in the plural.
    pub(super) things: &'static str,
    /// The model, in a few words.
    pub(super) model: &'static str,
    pub(super) config: Config,
    pub(super) preprocessor: Preprocessor,
    pub(super) options: TrainOptions,
    /// A simpler method and its macro-F1 on the test split.
    pub(super) baseline: (&'static str, f64),
    /// A few inputs for `predict`, and what to say of them.
    pub(super) samples: (Vec<SampleText>, &'static str),
    /// The command to try next, after `epee predict --model DIR`.
    pub(super) next: &'static str,
}

/// `config.json` without a vocabulary size, which comes from the tokenizer.
const BERT: &[u8] = include_bytes!("../../../assets/quickstart-bert.json");
const VIT: &[u8] = include_bytes!("../../../assets/quickstart-vit.json");

/// An easy sentence, a middling one, a hard one; where two supplements are named, brackets mark the one asked about.
const SENTENCES: [&str; 3] = [
    "Patient is taking ginkgo 120 mg daily.",
    "Pt had stopped garlic in 2014 but now takes it.",
    "He quit turmeric and began [kava kava].",
];

/// Notes on dietary supplements, and a small BERT.
pub(super) fn notes(out: &Path, seed: u64, force: bool) -> anyhow::Result<QuickstartTask> {
    // Of 2,000 notes, 300 are of grade 5: in 40 passes some seeds learned those by heart instead of the rule behind them.
    // Twice the notes in half the passes are as many steps.
    let sizes = synth::SynthConfig { seed, train: 4000, dev: 1000, test: 5000 };
    let dataset = synth::write(&sizes, &out.join("data"), force)?;
    let tokenizer = TextTokenizer::from_file(dataset.dir().join("tokenizer.json"))?;
    let config = Config::from_bytes_for(BERT, tokenizer.vocab_size())?;
    let bag = baseline(&dataset, synth::bag_of_words)?;
    Ok(QuickstartTask {
        generated: format!(
            "{} training, {} dev and {} test notes on dietary supplements, four statuses of use; \
             the test notes' templates do not occur in training",
            sizes.train, sizes.dev, sizes.test
        ),
        things: "notes",
        model: "a small BERT from fresh weights, an exit after every layer",
        preprocessor: Preprocessor::text(tokenizer, &config)?,
        config,
        options: TrainOptions { max_tokens: 64, ..options(20, seed) },
        baseline: ("A bag of words (logistic regression on the same training notes)", bag),
        samples: (
            SENTENCES.map(SampleText::from).to_vec(),
            "Three sentences (epee predict); brackets mark the supplement asked about",
        ),
        next: "\"Your own sentence.\"",
        dataset,
    })
}

fn options(epochs: usize, seed: u64) -> TrainOptions {
    let recipe = RecipeName::Paper;
    TrainOptions { epochs, batch_size: 64, learning_rate: 2e-3, seed, recipe, ..TrainOptions::default() }
}

/// Drawings of blood cells, and a small ViT.
pub(super) fn cells(out: &Path, seed: u64, force: bool) -> anyhow::Result<QuickstartTask> {
    let sizes = CellsConfig { seed, train: 4000, dev: 1000, test: 5000, ..CellsConfig::default() };
    let dataset = cells::write(&sizes, &out.join("data"), force)?;
    let config = Config::from_bytes(VIT)?;
    let colours = baseline(&dataset, cells::nearest_colour)?;
    let processor = ImageProcessor::new(sizes.pixels, sizes.pixels, 3);
    Ok(QuickstartTask {
        generated: format!(
            "{} training, {} dev and {} test drawings of blood cells, eight kinds in five grades of difficulty",
            sizes.train, sizes.dev, sizes.test
        ),
        things: "drawings",
        model: "a small ViT from fresh weights, an exit after every layer",
        preprocessor: Preprocessor::image(processor, &config)?,
        config,
        options: options(20, seed),
        baseline: ("The nearest mean colour of the training drawings", colours),
        samples: (
            pictures(&dataset, out)?,
            "Three drawings of grades 1, 3 and 5 (epee predict); the name says what each shows",
        ),
        next: "picture.png",
        dataset,
    })
}

/// Writes a test drawing of an easy, a middling and a hard grade as PNG files, each of another kind.
fn pictures(dataset: &Dataset, out: &Path) -> anyhow::Result<Vec<SampleText>> {
    let test = read_split(dataset, "test", None)?;
    let folder = out.join("pictures");
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let mut paths = Vec::new();
    for (kind, grade) in [1, 3, 5].into_iter().enumerate() {
        let shown = |example: &&Example| example.grade == Some(grade) && example.label == Some(2 * kind);
        let Some(example) = test.examples.iter().find(shown) else { continue };
        let (Some(image), Some(label)) = (&example.image, example.label) else { continue };
        let path = folder.join(format!("grade-{grade}-{}.png", dataset.info().labels[label].replace(' ', "-")));
        epee_files::write_atomic(&path, &[image.to_png()?])?;
        paths.push(path.display().to_string().into());
    }
    Ok(paths)
}

/// Macro-F1 of a simpler method on the test split: training examples, test examples and classes to a class each.
fn baseline(dataset: &Dataset, method: impl Fn(&[Example], &[Example], usize) -> Vec<usize>) -> anyhow::Result<f64> {
    let (train, test) = (read_split(dataset, "train", None)?, read_split(dataset, "test", None)?);
    let classes = dataset.info().classes();
    let predictions: Vec<u32> =
        method(&train.examples, &test.examples, classes).into_iter().map(|label| label as u32).collect();
    Ok(Counts::of(&trace_labels(&test.examples), &predictions, classes).macro_f1())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_configurations_are_such() {
        let bert = Config::from_bytes_for(BERT, 1000).unwrap();
        assert_eq!(bert.vocab_size(), Some(1000));
        assert!(bert.positions() >= 64);
        let vit = Config::from_bytes(VIT).unwrap();
        assert_eq!((vit.positions(), vit.depth()), (17, 6));
    }
}
