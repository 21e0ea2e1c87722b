use std::fs;
use std::io::Cursor;

use proptest::prelude::*;
use zip::CompressionMethod;

use super::header::Header;
use crate::import::published::{Options, preset};
use crate::import::{Files, Format, OwnOptions};
use crate::testing::{assert_notes, class_counts, import, names, sizes, zip};
use crate::{Cut, Draft, write_dataset};
use epee_input::Image;
use epee_testing::{check_refusals, message, put, shared_data};

fn npy_of(version: u8, descr: &str, fortran: bool, shape: &str, numbers: &[u8]) -> Vec<u8> {
    let flag = if fortran { "True" } else { "False" };
    let text = format!("{{'descr': {descr}, 'fortran_order': {flag}, 'shape': {shape}, }}\n");
    let length = text.len() as u32;
    let bytes = length.to_le_bytes();
    let length = if version == 1 { &bytes[..2] } else { &bytes[..] };
    [b"\x93NUMPY", &[version, 0][..], length, text.as_bytes(), numbers].concat()
}

fn npy(descr: &str, shape: &str, numbers: &[u8]) -> Vec<u8> {
    npy_of(1, descr, false, shape, numbers)
}

fn npz(arrays: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let files: Vec<_> = arrays.iter().map(|(name, array)| (format!("{name}.npy"), array)).collect();
    zip(&files, CompressionMethod::Deflated)
}

fn read(bytes: &[u8], labels: Option<&[&str]>) -> Result<Draft, String> {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "own.npz", bytes);
    let labels = labels.map(|labels| labels.iter().map(|&label| label.to_owned()).collect());
    let options = OwnOptions { labels, ..OwnOptions::default() };
    let read = Format::Npz.import(&Files::One(dir.path().join("own.npz")), &options, &Cut::default());
    read.map_err(|error| message(error, dir.path()))
}

/// Four images of 2 x 3 with labels 0 1 0 1, in train, val and test, each with pixels of its own.
fn whole() -> Vec<(&'static str, Vec<u8>)> {
    let images = |first: u8| npy("'|u1'", "(4, 2, 3)", &(first..first + 24).collect::<Vec<u8>>());
    let labels = || npy("'|u1'", "(4,)", &[0, 1, 0, 1]);
    vec![
        ("train_images", images(0)),
        ("train_labels", labels()),
        ("val_images", images(40)),
        ("val_labels", labels()),
        ("test_images", images(80)),
        ("test_labels", labels()),
    ]
}

fn with(name: &str, array: Vec<u8>) -> Vec<u8> {
    let mut arrays = whole();
    arrays.iter_mut().filter(|(here, _)| *here == name).for_each(|(_, old)| *old = array.clone());
    npz(&arrays)
}

#[test]
fn splits_images_and_labels() {
    let draft = read(&npz(&whole()), Some(&["off", "on"])).unwrap();
    assert_eq!(draft.labels, ["off", "on"]);
    assert_eq!(names(&draft), ["train", "dev", "test"]);
    let third = &draft.splits[1].1[2];
    assert_eq!((third.id.as_str(), third.label), ("3", Some(0)));
    assert_eq!(third.image, Image::new(2, 3, 1, (52..58).collect::<Vec<u8>>()).ok());
    let dir = tempfile::tempdir().unwrap();
    let dataset = write_dataset(dir.path(), &draft, false).unwrap();
    assert_eq!(dataset.split("test").unwrap().examples, draft.splits[2].1);
}

#[test]
fn every_whole_number_order_and_version_is_read() {
    for (i, size) in [1, 2, 4, 8].into_iter().cycle().take(16).enumerate() {
        let (order, sign) = (["<", ">"][i / 4 % 2], ["u", "i"][i / 8]);
        let place = if order == "<" { 0 } else { size - 1 };
        let number = |value: u8| (0..size).map(move |at| if at == place { value } else { 0 });
        let numbers: Vec<u8> = [7, 9, 7, 9].into_iter().flat_map(number).collect();
        let descr = format!("'{}{sign}{size}'", if size == 1 { "|" } else { order });
        let mut arrays = whole();
        for (_, array) in arrays.iter_mut().filter(|(name, _)| name.ends_with("labels")) {
            *array = npy_of(1 + i as u8 % 3, &descr, i % 2 == 0, "(4, 1)", &numbers);
        }
        let draft = read(&npz(&arrays), None).unwrap();
        assert_eq!(draft.labels, ["7", "9"], "{descr}");
        let labels = draft.splits[2].1.iter().map(|row| row.label.unwrap());
        assert!(labels.eq([0, 1, 0, 1]), "{descr}");
    }
    let negative = Header::read(&mut npy("'<i2'", "(1,)", &[]).as_slice()).unwrap();
    assert_eq!(negative.kind.value(&[0xFE, 0xFF]), Some(-2));
}

#[test]
fn fortran_order_is_turned() {
    // 2 images of 2 x 2 RGB: the number of each sample is its place in C order.
    let (n, h, w, c) = (2, 2, 2, 3);
    let mut numbers = vec![0; n * h * w * c];
    for i in 0..numbers.len() {
        let (p, y, x, k) = (i / (h * w * c), i / (w * c) % h, i / c % w, i % c);
        numbers[p + n * (y + h * (x + w * k))] = i as u8;
    }
    let mut arrays = whole();
    arrays[4].1 = npy_of(2, "'|u1'", true, "(2, 2, 2, 3)", &numbers);
    arrays[5].1 = npy("'|u1'", "(2,)", &[0, 1]);
    let draft = read(&npz(&arrays), None).unwrap();
    let images: Vec<_> = draft.splits[2].1.iter().map(|row| row.image.clone().unwrap()).collect();
    assert_eq!(images[0].data.as_ref(), (0..12).collect::<Vec<u8>>());
    assert_eq!(images[1].data.as_ref(), (12..24).collect::<Vec<u8>>());
}

#[test]
fn without_dev_and_test_both_are_cut_and_equal_images_stay_together() {
    // 40 images, each twice.
    let numbers: Vec<u8> = (0..80_u8).flat_map(|i| [i / 2, 0, 0, 0]).collect();
    let classes: Vec<u8> = (0..80).map(|i| i / 2 % 2).collect();
    let arrays =
        [("train_images", npy("'|u1'", "(80, 2, 2)", &numbers)), ("train_labels", npy("'|u1'", "(80,)", &classes))];
    let draft = read(&npz(&arrays), None).unwrap();
    assert_eq!(sizes(&draft), [64, 8, 8]);
    assert!(!draft.notes.iter().any(|note| note.contains("occur in both")), "{:?}", draft.notes);
}

#[test]
fn what_is_wrong_is_said_with_the_entry() {
    let error = |bytes: &[u8]| read(bytes, Some(&["off", "on"])).unwrap_err();
    let refuse = |(entry, descr, shape, numbers): (String, String, String, Vec<u8>)| {
        error(&with(&entry, npy(&descr, &shape, &numbers)))
    };
    check_refusals(include_str!("refusals.json"), refuse);
    assert_eq!(
        error(&with("train_images", b"PK a zip in a zip".to_vec())),
        "own.npz: entry `train_images`: expected a NumPy array, the first bytes are not its"
    );
    assert_eq!(
        error(&npz(&whole()[2..])),
        "own.npz: no entry `train_labels`, there are `val_images`, `val_labels`, `test_images`, `test_labels`"
    );
    let broken = zip::ZipArchive::new(Cursor::new(b"no zip")).unwrap_err();
    assert_eq!(error(b"no zip"), format!("own.npz: no whole npz: {broken}"));
}

#[test]
fn a_zip_bomb_is_refused_by_its_size() {
    let zeros = npy("'|u1'", "(100, 1024, 1024)", &vec![0; 100 << 20]);
    let error = read(&with("train_images", zeros), None).unwrap_err();
    assert!(error.starts_with("own.npz: entry `train_images`: ") && error.contains("more than 200 times"), "{error}");
}

#[test]
fn a_file_cut_short_is_named_with_its_entry() {
    let bytes = npz(&whole());
    let second = bytes.windows(16).position(|window| window == b"train_labels.npy").unwrap();
    let error = read(&bytes[..second + 40], None).unwrap_err();
    assert_eq!(error, "own.npz: the file is cut short in the entry `train_labels`");
    for length in 0..bytes.len() {
        assert!(read(&bytes[..length], None).is_err(), "{length} of {} bytes", bytes.len());
    }
}

/// A published file's format: `[n, 28, 28, 3]`, `[n, 1]`, deflated.
#[test]
fn medmnist_files_become_datasets() {
    let dir = tempfile::tempdir().unwrap();
    let arrays = |channels: usize, side: usize| -> Vec<(&'static str, Vec<u8>)> {
        let shape = if channels == 3 { format!("(16, {side}, {side}, 3)") } else { format!("(16, {side}, {side})") };
        let images = npy("'|u1'", &shape, &vec![5; 16 * side * side * channels]);
        let labels = |n: u8| npy("'|u1'", "(16, 1)", &(0..16).map(|i| i % n).collect::<Vec<u8>>());
        let classes = if channels == 3 { 7 } else { 2 };
        let array = |name: &str| if name.ends_with("images") { images.clone() } else { labels(classes) };
        whole().into_iter().map(|(name, _)| (name, array(name))).collect()
    };
    let read = |name: &str, file: &str| import(name, &dir.path().join(file), dir.path(), &Options::default());
    for (name, channels) in
        [("pathmnist", 3), ("bloodmnist", 3), ("dermamnist", 3), ("breastmnist", 1), ("pneumoniamnist", 1)]
    {
        put(dir.path(), &format!("{name}_224.npz"), npz(&arrays(channels, 224)));
        let large = read(name, "").unwrap();
        assert_eq!(large.splits[0].1[0].image.as_ref().unwrap().height, 224, "{name}");
        put(dir.path(), &format!("{name}.npz"), npz(&arrays(channels, 28)));
        let draft = read(name, "").unwrap();
        assert_eq!(draft.labels.len(), preset(name).unwrap().paper.classes, "{name}");
        let image = draft.splits[1].1[0].image.as_ref().unwrap();
        assert_eq!((image.height, image.channels), (28, channels), "{name}");
        assert_notes(&draft, &["images that occur in both train and dev: 1"]);
    }
    let error = |name: &str, file: &str| read(name, file).unwrap_err();
    let other = error("breastmnist", "bloodmnist.npz");
    assert_eq!(other, "bloodmnist.npz: expected a file of breastmnist, this is one of bloodmnist");
    for (from, to) in [("bloodmnist.npz", "eight.npz"), ("breastmnist.npz", "grey.npz")] {
        fs::copy(dir.path().join(from), dir.path().join(to)).unwrap();
    }
    let labels = error("breastmnist", "eight.npz");
    assert_eq!(labels, "eight.npz: entry `train_labels`: expected a label out of 0 to 1, got 2 for image 3");
    let error = error("bloodmnist", "grey.npz");
    assert_eq!(error, "grey.npz: expected 3 channels and 28 or 224 pixels a side, got 1 and 28 x 28");
}

fn real(test: &str, name: &str, pixels: usize, classes: &[[usize; 2]; 3]) {
    let Some(path) = shared_data(test, &format!("medmnist/{name}.npz")) else { return };
    let draft = import(name, &path, &path, &Options::default()).unwrap();
    let paper = preset(name).unwrap().paper;
    assert_eq!(sizes(&draft), [paper.train, paper.dev, paper.test]);
    assert_eq!(class_counts::<2>(&draft), classes);
    let dir = tempfile::tempdir().unwrap();
    let dataset = write_dataset(dir.path(), &draft, false).unwrap();
    for (name, rows) in &draft.splits {
        let read = dataset.split(name).unwrap();
        assert_eq!(&read.examples, rows, "every pixel of {name}");
        assert!(rows.iter().all(|row| row.image.as_ref().is_some_and(|image| image.width == pixels)));
    }
}

#[test]
fn breastmnist_has_the_papers_counts() {
    real("breastmnist_has_the_papers_counts", "breastmnist", 28, &[[147, 399], [21, 57], [42, 114]]);
}

#[test]
fn pneumoniamnist_has_the_papers_counts() {
    real("pneumoniamnist_has_the_papers_counts", "pneumoniamnist", 28, &[[1214, 3494], [135, 389], [234, 390]]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_damaged_file_never_panics(flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let mut bytes = npz(&whole());
        for (place, byte) in flips {
            let at = place.index(bytes.len());
            bytes[at] = byte;
        }
        if let Err(error) = read(&bytes, None) {
            prop_assert!(error.contains("own.npz") || error.contains("split"), "{}", error);
        }
    }

    #[test]
    fn headers_never_panic(text in "[{}'a-z_: |<>()0-9,]{0,60}", bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let whole = [b"\x93NUMPY\x01\0", &(text.len() as u16).to_le_bytes()[..], text.as_bytes()].concat();
        prop_assert!(Header::read(&mut whole.as_slice()).is_err());
        let _ = Header::read(&mut bytes.as_slice());
    }
}

/// A few kilobytes that hold, and state, tens of millions of rows of one pixel.
#[test]
fn a_small_archive_has_no_more_rows_than_it_may() {
    let n = 2_000_000;
    let shape = format!("({n}, 1, 1)");
    let arrays = vec![
        ("train_labels", npy("'|u1'", "(4,)", &[0, 1, 0, 1])),
        ("train_images", npy("'|u1'", &shape, &vec![0; n])),
    ];
    let bytes = npz(&arrays);
    let error = read(&bytes, None).unwrap_err();
    let expected = format!(
        "own.npz: entry `train_images`: the {} bytes of the file unfold to more than 200 times as many",
        bytes.len()
    );
    assert_eq!(error, expected);
}
