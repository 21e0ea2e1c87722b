//! A report on a dataset: counts, lengths, repeats, a few examples.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Serialize, Serializer};

use crate::dataset::{Dataset, Input, Split, Task};
use crate::error::Result;
use crate::import::published::{PaperCounts, preset};
use epee_input::{Example, SampleText, TextTokenizer};

/// A report on a dataset.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the names say what the fields are")]
pub struct Inspection {
    pub name: String,
    pub task: Task,
    pub input: Input,
    pub source: String,
    pub licence: String,
    /// SHA-256 over labels and splits.
    pub digest: String,
    pub labels: Vec<String>,
    /// Notes of its importer or generator.
    pub notes: Vec<String>,
    /// The paper's counts, of a dataset that it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paper: Option<PaperCounts>,
    pub splits: Vec<SplitReport>,
    /// Pairs of splits that share inputs.
    pub overlaps: Vec<Overlap>,
}

/// A report on one split.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the names say what the fields are")]
pub struct SplitReport {
    pub name: String,
    pub rows: usize,
    /// Examples of each class, in the order of the labels.
    pub classes: Vec<ClassCount>,
    /// Examples without a label.
    pub unlabelled: usize,
    /// The largest class's share of the labelled examples: the accuracy of always predicting it.
    pub majority_share: f64,
    /// Examples of each grade of difficulty, if there are grades.
    pub grades: BTreeMap<u32, usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub images: Option<ImageSizes>,
    /// Lengths in words, separated by white space; text and pair together. `None` for images.
    pub words: Option<Lengths>,
    /// Lengths in tokens, special tokens included, nothing truncated.
    pub tokens: Option<Lengths>,
    /// Examples that repeat an earlier input of the same split.
    pub repeated: usize,
    /// The first examples of each class.
    pub examples: Vec<Sample>,
}

/// How many examples a class has.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names say what the fields are")]
pub struct ClassCount {
    pub label: String,
    pub rows: usize,
    /// Their share of all labelled examples.
    pub share: f64,
}

/// A distribution of lengths: the shortest, the arithmetic mean, the nearest-rank percentiles, the longest.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names say what the fields are")]
pub struct Lengths {
    pub min: usize,
    pub mean: f64,
    pub p50: usize,
    pub p90: usize,
    pub p99: usize,
    pub max: usize,
}

impl Lengths {
    /// The distribution of these lengths; `None` if there are none.
    ///
    /// ```
    /// let lengths = epee_data::Lengths::of((1..=100).collect()).unwrap();
    /// assert_eq!((lengths.p50, lengths.p90, lengths.p99, lengths.max), (50, 90, 99, 100));
    /// ```
    pub fn of(mut lengths: Vec<usize>) -> Option<Self> {
        lengths.sort_unstable();
        let (&min, &max) = (lengths.first()?, lengths.last()?);
        let n = lengths.len();
        let rank = |percent: usize| lengths[(n * percent).div_ceil(100).max(1) - 1];
        let mean = lengths.iter().sum::<usize>() as f64 / n as f64;
        Some(Self { min, mean, p50: rank(50), p90: rank(90), p99: rank(99), max })
    }
}

/// One example, for display: serialised, it holds its texts.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names say what the fields are")]
pub struct Sample {
    pub id: String,
    pub label: String,
    #[serde(serialize_with = "exposed")]
    pub text: SampleText,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "exposed_pair")]
    pub pair: Option<SampleText>,
    /// Height, width and channels of its image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<[usize; 3]>,
}

fn exposed<S: Serializer>(text: &SampleText, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text.expose())
}

fn exposed_pair<S: Serializer>(pair: &Option<SampleText>, serializer: S) -> Result<S::Ok, S::Error> {
    pair.as_ref().map(SampleText::expose).serialize(serializer)
}

/// Heights and widths of images in pixels, and how many are grey (one channel) and RGB (three).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names say what the fields are")]
pub struct ImageSizes {
    pub height: Lengths,
    pub width: Lengths,
    pub grey: usize,
    pub rgb: usize,
}

impl ImageSizes {
    /// Those of these examples; `None` without images.
    fn of(examples: &[Example]) -> Option<Self> {
        let images = || examples.iter().filter_map(|example| example.image.as_ref());
        Some(Self {
            height: Lengths::of(images().map(|image| image.height).collect())?,
            width: Lengths::of(images().map(|image| image.width).collect())?,
            grey: images().filter(|image| image.channels == 1).count(),
            rgb: images().filter(|image| image.channels == 3).count(),
        })
    }
}

/// Inputs that two splits share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the names say what the fields are")]
pub struct Overlap {
    pub first: String,
    pub second: String,
    /// Distinct inputs that occur in both.
    pub inputs: usize,
}

/// Reports on one split or on all, with lengths in tokens if there is a tokenizer, and with the first `examples` of each
/// class.
///
/// # Errors
/// A split that does not exist or cannot be read, a text that the tokenizer refuses.
pub fn inspect(
    dataset: &Dataset,
    split: Option<&str>,
    tokenizer: Option<&TextTokenizer>,
    examples: usize,
) -> Result<Inspection> {
    let info = dataset.info();
    let names = match split {
        Some(name) => vec![name],
        None => dataset.split_names(),
    };
    let splits: Vec<Split> = names.into_iter().map(|name| dataset.split(name)).collect::<Result<_>>()?;
    let reports = splits.iter().map(|split| report(split, &info.labels, tokenizer, examples)).collect::<Result<_>>()?;
    Ok(Inspection {
        name: info.name.clone(),
        task: info.task,
        input: info.input,
        source: info.source.clone(),
        licence: info.licence.clone(),
        digest: info.digest.clone(),
        labels: info.labels.clone(),
        notes: info.notes.clone(),
        paper: preset(&info.name).map(|preset| preset.paper),
        splits: reports,
        overlaps: overlaps(&splits),
    })
}

fn report(split: &Split, labels: &[String], tokenizer: Option<&TextTokenizer>, examples: usize) -> Result<SplitReport> {
    let rows = &split.examples;
    let mut counts = vec![0_usize; labels.len()];
    let mut grades = BTreeMap::new();
    let mut samples = Vec::new();
    for example in rows {
        if let Some(label) = example.label {
            counts[label] += 1;
            if counts[label] <= examples {
                samples.push((label, sample(example, &labels[label])));
            }
        }
        if let Some(grade) = example.grade {
            *grades.entry(grade).or_default() += 1;
        }
    }
    samples.sort_by_key(|&(label, _)| label);
    let labelled: usize = counts.iter().sum();
    let share = |count: usize| count as f64 / labelled.max(1) as f64;
    let images = ImageSizes::of(rows);
    let tokens = match tokenizer {
        Some(tokenizer) if images.is_none() => {
            let encodings = tokenizer.encode_batch(rows, usize::MAX)?;
            Lengths::of(encodings.iter().map(|encoding| encoding.ids.len()).collect())
        }
        _ => None,
    };
    let distinct: HashSet<_> = rows.iter().map(Example::key).collect();
    Ok(SplitReport {
        name: split.name.clone(),
        rows: rows.len(),
        majority_share: share(counts.iter().copied().max().unwrap_or(0)),
        classes: labels
            .iter()
            .zip(&counts)
            .map(|(label, &rows)| ClassCount { label: label.clone(), rows, share: share(rows) })
            .collect(),
        unlabelled: rows.len() - labelled,
        grades,
        words: if images.is_none() { Lengths::of(rows.iter().map(words).collect()) } else { None },
        images,
        tokens,
        repeated: rows.len() - distinct.len(),
        examples: samples.into_iter().map(|(_, sample)| sample).collect(),
    })
}

fn words(example: &Example) -> usize {
    let texts = std::iter::once(&example.text).chain(&example.pair);
    texts.map(|text| text.expose().split_whitespace().count()).sum()
}

fn sample(example: &Example, label: &str) -> Sample {
    Sample {
        id: example.id.clone(),
        label: label.to_owned(),
        text: example.text.clone(),
        pair: example.pair.clone(),
        image: example.image.as_ref().map(|image| [image.height, image.width, image.channels]),
    }
}

fn overlaps(splits: &[Split]) -> Vec<Overlap> {
    let mut places: HashMap<_, HashSet<usize>> = HashMap::new();
    for (i, split) in splits.iter().enumerate() {
        for example in &split.examples {
            places.entry(example.key()).or_default().insert(i);
        }
    }
    let mut overlaps = Vec::new();
    for second in 0..splits.len() {
        for first in 0..second {
            let both = |set: &&HashSet<usize>| set.contains(&first) && set.contains(&second);
            let inputs = places.values().filter(both).count();
            if inputs > 0 {
                let name = |i: usize| splits[i].name.clone();
                overlaps.push(Overlap { first: name(first), second: name(second), inputs });
            }
        }
    }
    overlaps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{draft, example, image_draft};
    use crate::write_dataset;
    use epee_input::Image;

    #[test]
    fn counts_shares_lengths_and_repeats() {
        let mut draft = draft();
        draft.splits[0].1.push(example("4", " stopped iron\n", 1));
        draft.splits[1].1.push(Example { label: None, ..example("3", "takes fish oil", 0) });
        let dir = tempfile::tempdir().unwrap();
        let dataset = write_dataset(dir.path(), &draft, false).unwrap();
        let report = inspect(&dataset, None, None, 1).unwrap();
        let [train, test] = report.splits.as_slice() else {
            panic!("expected two splits");
        };
        assert_eq!((train.rows, test.rows), (4, 3));
        let class = |label: &str, rows, share| ClassCount { label: label.into(), rows, share };
        assert_eq!(train.classes, [class("on", 1, 0.25), class("off", 3, 0.75)]);
        assert_eq!(train.majority_share, 0.75);
        // A row without a label is outside the shares.
        assert_eq!(test.classes, [class("on", 1, 0.5), class("off", 1, 0.5)]);
        assert_eq!((train.unlabelled, test.unlabelled), (0, 1));
        assert_eq!((train.repeated, test.repeated), (1, 0));
        assert_eq!(train.grades, BTreeMap::from([(3, 1)]));
        // takes fish oil · stopped iron, twice · zinc, since May
        let words = train.words.unwrap();
        assert_eq!((words.min, words.p50, words.max), (2, 2, 3));
        assert_eq!(words.mean, 2.5);
        assert_eq!(train.tokens, None);
        let shown: Vec<(&str, &str)> = train.examples.iter().map(|e| (e.id.as_str(), e.label.as_str())).collect();
        assert_eq!(shown, [("1", "on"), ("2", "off")]);
        let overlap = Overlap { first: "train".into(), second: "test".into(), inputs: 1 };
        assert_eq!(report.overlaps, [overlap]);
    }

    #[test]
    fn one_split_alone() {
        let dir = tempfile::tempdir().unwrap();
        let dataset = write_dataset(dir.path(), &draft(), false).unwrap();
        let report = inspect(&dataset, Some("test"), None, 5).unwrap();
        assert_eq!(report.splits.len(), 1);
        assert_eq!(report.splits[0].examples.len(), 2);
        assert!(inspect(&dataset, Some("dev"), None, 0).is_err());
        assert_eq!(report.paper, None);
    }

    #[test]
    fn the_papers_counts_stand_beside_its_datasets() {
        let dir = tempfile::tempdir().unwrap();
        let named = crate::Draft { name: "phee".into(), ..draft() };
        let dataset = write_dataset(dir.path(), &named, false).unwrap();
        let paper = inspect(&dataset, None, None, 0).unwrap().paper.unwrap();
        assert_eq!((paper.train, paper.dev, paper.test, paper.classes), (2898, 961, 968, 2));
    }

    #[test]
    fn lengths_of_nothing_and_of_one() {
        assert_eq!(Lengths::of(Vec::new()), None);
        let one = Lengths::of(vec![7]).unwrap();
        assert_eq!((one.min, one.p50, one.p99, one.max), (7, 7, 7, 7));
    }

    #[test]
    fn sizes_repeats_and_leaks_are_those_of_images() {
        let mut draft = image_draft();
        let again = draft.splits[0].1[1].clone();
        draft.splits[0].1.push(Example { id: "d".into(), ..again.clone() });
        draft.splits[1].1.push(Example { id: "b".into(), ..again });
        let rgb = Image::new(4, 2, 3, vec![7; 24]).ok();
        draft.splits[1].1.push(Example { id: "c".into(), image: rgb, label: Some(0), ..Example::default() });
        let dir = tempfile::tempdir().unwrap();
        let dataset = write_dataset(dir.path(), &draft, false).unwrap();
        let report = inspect(&dataset, None, None, 1).unwrap();
        assert_eq!(report.input, Input::Image);
        let [train, test] = report.splits.as_slice() else { panic!("expected two splits") };
        assert_eq!((train.words, train.tokens), (None, None));
        let sizes = test.images.unwrap();
        assert_eq!((sizes.grey, sizes.rgb), (2, 1));
        assert_eq!((sizes.height.min, sizes.height.max, sizes.width.min, sizes.width.max), (2, 4, 2, 3));
        assert_eq!((train.repeated, test.repeated), (1, 0));
        assert_eq!(report.overlaps.iter().map(|overlap| overlap.inputs).collect::<Vec<_>>(), [1]);
        assert_eq!(train.examples[0].image, Some([2, 3, 1]));
    }
}
