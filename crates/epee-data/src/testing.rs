//! Helpers that the tests of this crate share.

use std::io::{Cursor, Write};
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::import::published::{Options, preset};
use crate::{Cut, Draft};
use epee_input::{Example, Image};
use epee_testing::message;

pub(crate) fn example(id: &str, text: &str, label: usize) -> Example {
    Example { id: id.into(), text: text.into(), label: Some(label), ..Example::default() }
}

/// A draft of images: two classes, three grey 2 x 3 images in train, one in test, all different.
pub(crate) fn image_draft() -> Draft {
    let row = |id: &str, first: u8, label| {
        let image = Image::new(2, 3, 1, (first..first + 6).collect::<Vec<u8>>()).ok();
        Example { id: id.into(), image, label: Some(label), ..Example::default() }
    };
    Draft {
        name: "images".into(),
        labels: vec!["dark".into(), "light".into()],
        splits: vec![
            ("train".into(), vec![row("a", 0, 0), row("b", 200, 1), Example { grade: Some(2), ..row("c", 30, 0) }]),
            ("test".into(), vec![row("a", 10, 0)]),
        ],
        ..Draft::default()
    }
}

/// A draft with two classes, three training rows and two test rows.
pub(crate) fn draft() -> Draft {
    let train = vec![
        example("1", "takes fish oil", 0),
        example("2", "stopped iron", 1),
        Example { pair: Some("since May".into()), grade: Some(3), ..example("3", "zinc", 1) },
    ];
    let test = vec![example("1", "on \"B12\"\nnow", 0), example("2", "no longer on zinc", 1)];
    Draft {
        name: "small".into(),
        labels: vec!["on".into(), "off".into()],
        source: "made here".into(),
        licence: "CC0".into(),
        splits: vec![("train".into(), train), ("test".into(), test)],
        ..Draft::default()
    }
}

/// Imports a published dataset; an error's paths are cut to names inside `dir`.
pub(crate) fn import(name: &str, from: &Path, dir: &Path, options: &Options) -> Result<Draft, String> {
    preset(name).unwrap().import(from, options, &Cut::default()).map_err(|error| message(error, dir))
}

pub(crate) fn sizes(draft: &Draft) -> Vec<usize> {
    draft.splits.iter().map(|(_, rows)| rows.len()).collect()
}

pub(crate) fn names(draft: &Draft) -> Vec<&str> {
    draft.splits.iter().map(|(name, _)| name.as_str()).collect()
}

pub(crate) fn class_counts<const N: usize>(draft: &Draft) -> Vec<[usize; N]> {
    let count = |rows: &[Example], class| rows.iter().filter(|row| row.label == Some(class)).count();
    draft.splits.iter().map(|(_, rows)| std::array::from_fn(|class| count(rows, class))).collect()
}

#[track_caller]
pub(crate) fn assert_notes(draft: &Draft, starts: &[&str]) {
    for start in starts {
        assert!(draft.notes.iter().any(|note| note.starts_with(start)), "no `{start}` in {:#?}", draft.notes);
    }
}

pub(crate) fn zip<T: AsRef<[u8]>>(entries: &[(impl ToString, T)], method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        zip.start_file(name.to_string(), SimpleFileOptions::default().compression_method(method)).unwrap();
        zip.write_all(content.as_ref()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}
