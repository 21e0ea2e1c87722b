use std::fs;
use std::path::Path;

use zip::CompressionMethod;

use crate::testing::{draft, image_draft, zip};
use crate::{Dataset, Draft, Input, write_dataset};
use epee_files::sha256;
use epee_input::Image;
use epee_testing::message;

/// Puts these bytes in place of a file and its digest in place of the file's, as one who means it would.
fn replace(dir: &Path, file: &str, bytes: &[u8]) {
    let marker = dir.join("dataset.json");
    let old = sha256(&fs::read(dir.join(file)).unwrap());
    fs::write(dir.join(file), bytes).unwrap();
    let mut info: crate::DatasetInfo =
        serde_json::from_str(&fs::read_to_string(&marker).unwrap().replace(&old, &sha256(bytes))).unwrap();
    info.digest = info.compute_digest();
    fs::write(marker, serde_json::to_vec(&info).unwrap()).unwrap();
}

#[test]
fn images_that_are_written_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let draft = image_draft();
    let dataset = write_dataset(&out, &draft, false).unwrap();
    let mut names: Vec<_> =
        fs::read_dir(&out).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["dataset.json", "test.jsonl", "test.zip", "train.jsonl", "train.zip"]);
    assert_eq!(dataset.info().input, Input::Image);
    for (name, examples) in &draft.splits {
        assert_eq!(&dataset.split(name).unwrap().examples, examples);
    }
    let train = fs::read_to_string(out.join("train.jsonl")).unwrap();
    assert_eq!(train.lines().nth(2), Some(r#"{"id":"c","image":"000003.png","label":"dark","grade":2}"#));
    let again = write_dataset(&dir.path().join("again"), &draft, false).unwrap();
    assert_eq!(again.info().digest, dataset.info().digest, "the same images give the same bytes");
}

#[test]
fn a_pixel_changes_every_digest() {
    let dir = tempfile::tempdir().unwrap();
    let written = |name: &str, draft: &Draft| write_dataset(&dir.path().join(name), draft, false).unwrap();
    let first = written("first", &image_draft());
    let mut draft = image_draft();
    draft.splits[0].1[0].image = Image::new(2, 3, 1, vec![0, 1, 2, 3, 4, 6]).ok();
    let second = written("second", &draft);
    assert_ne!(first.info().digest, second.info().digest);
    assert_ne!(first.split("train").unwrap().digest, second.split("train").unwrap().digest);
    assert_eq!(first.split("test").unwrap().digest, second.split("test").unwrap().digest);
    assert_eq!(first.info().splits["train"].digest, second.info().splits["train"].digest, "the lines are the same");
}

#[test]
fn the_digest_of_texts_is_what_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = write_dataset(dir.path(), &draft(), false).unwrap();
    let expected = "sha256:8d43c79220efe338392ad8ae657d29357e1944fc2c209ed04c728de2359f11a8";
    assert_eq!(dataset.info().digest, expected);
}

#[test]
fn files_are_stored_byte_for_byte() {
    let mut draft = image_draft();
    let mut files: Vec<Vec<u8>> =
        draft.splits[0].1.iter().map(|row| row.image.as_ref().unwrap().to_png().unwrap()).collect();
    let tensors =
        safetensors::SafeTensors::deserialize(include_bytes!("../../../epee-input/tests/fixtures/images.safetensors"));
    files[1] = tensors.unwrap().tensor("file.grey.jpg").unwrap().data().to_vec();
    draft.splits[0].1.iter_mut().for_each(|row| row.image = None);
    draft.images.insert("train".into(), files.clone());
    let dir = tempfile::tempdir().unwrap();
    let dataset = write_dataset(dir.path(), &draft, false).unwrap();
    let read = dataset.split("train").unwrap();
    for (row, file) in read.examples.iter().zip(&files) {
        assert_eq!(row.image, Image::decode(file).ok());
    }
    let zip = fs::read(dir.path().join("train.zip")).unwrap();
    assert!(files.iter().all(|file| zip.windows(file.len()).any(|window| window == file)));
    let lines = fs::read_to_string(dir.path().join("train.jsonl")).unwrap();
    assert!(lines.lines().nth(1).unwrap().contains("\"000002.jpg\""), "{lines}");
    draft.images.insert("train".into(), files[..2].to_vec());
    let error = write_dataset(&dir.path().join("no"), &draft, false).unwrap_err().to_string();
    assert_eq!(error, "split `train`: expected 3 images, one for each row, got 2");
}

#[test]
fn a_draft_that_mixes_texts_and_images_is_refused() {
    let refusal = |change: &dyn Fn(&mut Draft)| {
        let mut draft = image_draft();
        change(&mut draft);
        let dir = tempfile::tempdir().unwrap();
        let error = write_dataset(&dir.path().join("out"), &draft, false).unwrap_err().to_string();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "something was written");
        error
    };
    assert_eq!(refusal(&|d| d.splits[0].1[1].image = None), "split `train`: `b` has no image");
    assert_eq!(
        refusal(&|d| d.splits[1].1[0].text = "x".into()),
        "split `test`: `a` has a text, in a dataset of images"
    );
    let empty = Image { height: 0, width: 3, channels: 1, data: Vec::new().into() };
    assert_eq!(
        refusal(&|d| d.splits[0].1[2].image = Some(empty.clone())),
        "split `train`: the image of `c`: the image is empty: 0 x 3 pixels"
    );
    assert_eq!(refusal(&|d| d.files.push(("test.zip".into(), Vec::new()))), "file `test.zip` is there twice");
}

#[test]
fn a_damaged_zip_is_named_with_its_entry() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path();
    write_dataset(out, &image_draft(), false).unwrap();
    let read = || message(Dataset::open(out).unwrap().split("test").map(|_| ()).unwrap_err(), out);
    let whole = fs::read(out.join("test.zip")).unwrap();
    fs::write(out.join("test.zip"), &whole[..whole.len() - 1]).unwrap();
    assert!(read().starts_with("test.zip: the file was changed after it was written: expected sha256:"), "{}", read());
    fs::write(out.join("test.zip"), &whole).unwrap();
    replace(out, "test.zip", &whole[..whole.len() / 2]);
    assert!(read().starts_with("test.zip: expected a whole zip file: "), "{}", read());
    let png = image_draft().splits[1].1[0].image.as_ref().unwrap().to_png().unwrap();
    replace(out, "test.zip", &zip(&[("other.png", &png)], CompressionMethod::Stored));
    assert_eq!(read(), "test.zip: entry `000001.png`: specified file not found in archive");
    replace(out, "test.zip", &zip(&[("000001.png", &png)], CompressionMethod::Deflated));
    assert_eq!(read(), "test.zip: entry `000001.png`: expected a stored entry, got Deflated");
    replace(out, "test.zip", &zip(&[("000001.png", &png[..40])], CompressionMethod::Stored));
    assert!(read().starts_with("test.zip: entry `000001.png`: no whole PNG: "), "{}", read());
    fs::remove_file(out.join("test.zip")).unwrap();
    assert_eq!(read(), "cannot read test.zip: No such file or directory (os error 2)");
}

#[test]
fn lines_that_do_not_fit_the_input_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path();
    write_dataset(out, &image_draft(), false).unwrap();
    let read = || message(Dataset::open(out).unwrap().split("test").map(|_| ()).unwrap_err(), out);
    replace(out, "test.jsonl", br#"{"id":"a","label":"dark"}"#);
    assert_eq!(read(), "test.jsonl:1: missing field `image`");
    replace(out, "test.jsonl", br#"{"id":"a","text":"x","image":"000001.png","label":"dark"}"#);
    assert_eq!(read(), "test.jsonl:1: `text` in a dataset of images");
    let marker = out.join("dataset.json");
    let text = fs::read_to_string(&marker).unwrap().replace("\"input\":\"image\"", "\"input\":\"text\"");
    fs::write(&marker, text).unwrap();
    let error = message(Dataset::open(out).unwrap_err(), out);
    assert_eq!(error, "dataset.json: split `test`: images and `input` do not go together");
}

#[test]
fn force_removes_the_zips_of_the_old_dataset() {
    let dir = tempfile::tempdir().unwrap();
    write_dataset(dir.path(), &image_draft(), false).unwrap();
    write_dataset(dir.path(), &draft(), true).unwrap();
    assert!(!dir.path().join("train.zip").exists() && dir.path().join("train.jsonl").exists());
}
