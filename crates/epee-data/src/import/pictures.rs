//! Pictures on their way to examples, compared by their pixels.

use std::collections::{BTreeMap, HashSet};

use crate::dataset::Draft;
use crate::partition::{Fractions, partition};
use epee_files::sha256;
use epee_input::Example;
use epee_input::Image;

/// One picture: what an importer found, the label by its index.
pub(crate) struct Picture {
    pub(crate) id: String,
    pub(crate) label: usize,
    /// Height, width, channels.
    pub(crate) shape: [usize; 3],
    /// Equal for equal pixels.
    content: String,
    source: Source,
}

enum Source {
    /// To be stored as PNG.
    Decoded(Image),
    /// To be stored as it is.
    File(Vec<u8>),
}

impl Picture {
    pub(crate) fn decoded(id: String, label: usize, image: Image) -> Self {
        let (shape, content) = identity(&image);
        Self { id, label, shape, content, source: Source::Decoded(image) }
    }

    /// A picture with the file it was decoded from.
    pub(crate) fn file(id: String, label: usize, image: &Image, file: Vec<u8>) -> Self {
        let (shape, content) = identity(image);
        Self { id, label, shape, content, source: Source::File(file) }
    }
}

fn identity(image: &Image) -> ([usize; 3], String) {
    let shape = [image.height, image.width, image.channels];
    (shape, format!("{shape:?}{}", sha256(&image.data)))
}

/// Turns pictures into a draft with these splits; its name and source are the caller's to set.
pub(crate) fn assemble(parts: Vec<(&'static str, Vec<Picture>)>, labels: Vec<String>) -> Draft {
    let mut draft = Draft { labels, notes: overlaps(&parts), ..Draft::default() };
    let mut all: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    for (split, pictures) in parts {
        let mut examples = Vec::with_capacity(pictures.len());
        for Picture { id, label, source, .. } in pictures {
            let image = match source {
                Source::Decoded(image) => Some(image),
                Source::File(file) => {
                    all.entry(split.to_owned()).or_default().push(file);
                    None
                }
            };
            examples.push(Example { id, image, label: Some(label), ..Example::default() });
        }
        draft.splits.push((split.to_owned(), examples));
    }
    draft.pictures = all;
    draft
}

/// One sentence for each pair of splits that share pictures.
fn overlaps(parts: &[(&'static str, Vec<Picture>)]) -> Vec<String> {
    let contents: Vec<HashSet<&str>> =
        parts.iter().map(|(_, rows)| rows.iter().map(|picture| picture.content.as_str()).collect()).collect();
    let mut notes = Vec::new();
    for (i, second) in contents.iter().enumerate() {
        for (j, first) in contents.iter().enumerate().take(i) {
            let shared = first.intersection(second).count();
            if shared > 0 {
                notes.push(format!("pictures that occur in both {} and {}: {shared}", parts[j].0, parts[i].0));
            }
        }
    }
    notes
}

/// Cuts pictures into train, dev and test, stratified; equal ones stay together.
pub(crate) fn cut(pictures: Vec<Picture>, fractions: Fractions, seed: u64) -> Vec<(&'static str, Vec<Picture>)> {
    let keys: Vec<String> = pictures.iter().map(|picture| picture.content.clone()).collect();
    let classes: Vec<usize> = pictures.iter().map(|picture| picture.label).collect();
    let cut = partition(&keys, &classes, fractions, seed);
    let mut pictures: Vec<Option<Picture>> = pictures.into_iter().map(Some).collect();
    let mut take = |rows: Vec<usize>| rows.into_iter().filter_map(|row| pictures[row].take()).collect::<Vec<_>>();
    let parts = [("train", take(cut.train)), ("dev", take(cut.dev)), ("test", take(cut.test))];
    parts.into_iter().filter(|(split, rows)| *split == "train" || !rows.is_empty()).collect()
}
