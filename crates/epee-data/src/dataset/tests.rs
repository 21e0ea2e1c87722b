use std::fs;
use std::path::Path;

use proptest::prelude::*;
use zip::CompressionMethod;

use super::images::Images;
use crate::testing::{draft, example, image_draft, zip};
use crate::{Dataset, Draft, Error, Input, write_dataset};
use epee_files::{FileError, OutputLock, sha256};
use epee_input::{Example, Image, TextTokenizer};
use epee_testing::message;

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn refusal(draft: &Draft) -> String {
    let dir = tempfile::tempdir().unwrap();
    let error = write_dataset(&dir.path().join("out"), draft, false).unwrap_err();
    assert!(names(dir.path()).is_empty(), "something was written");
    error.to_string()
}

#[test]
fn what_is_written_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("a/b");
    let draft = Draft { files: vec![("tokenizer.json".into(), b"{}".to_vec())], ..draft() };
    let written = write_dataset(&out, &draft, false).unwrap();
    assert_eq!(names(&out), ["dataset.json", "test.jsonl", "tokenizer.json", "train.jsonl"]);
    assert_eq!(names(out.parent().unwrap()), ["b"], "no temporary folder is left");
    let dataset = Dataset::open(&out).unwrap();
    assert_eq!(dataset.info(), written.info());
    assert_eq!(dataset.split_names(), ["train", "test"]);
    assert!(dataset.has_split("train") && !dataset.has_split("dev"));
    for (name, examples) in &draft.splits {
        let split = dataset.split(name).unwrap();
        assert_eq!((&split.name, &split.examples), (name, examples));
        assert_eq!(split.digest, dataset.info().splits[name].digest);
    }
    let train = fs::read_to_string(out.join("train.jsonl")).unwrap();
    let third = r#"{"id":"3","text":"zinc","pair":"since May","label":"off","grade":3}"#;
    assert_eq!(train.lines().nth(2), Some(third));
}

#[cfg(unix)]
#[test]
fn the_folder_has_the_usual_permissions() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let (out, usual) = (dir.path().join("out"), dir.path().join("usual"));
    write_dataset(&out, &draft(), false).unwrap();
    fs::create_dir(&usual).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&out), mode(&usual));
}

#[test]
fn a_folder_that_holds_something_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("mine.txt"), "mine").unwrap();
    let error = write_dataset(dir.path(), &draft(), false).unwrap_err();
    assert_eq!(error.to_string(), format!("{} already holds something", dir.path().display()));
    assert_eq!(names(dir.path()), ["mine.txt"]);
    let file = dir.path().join("mine.txt");
    let error = write_dataset(&file, &draft(), true).unwrap_err();
    assert_eq!(message(error, dir.path()), "mine.txt: expected a folder, got a file");
}

#[test]
fn an_empty_folder_is_filled() {
    let dir = tempfile::tempdir().unwrap();
    write_dataset(dir.path(), &draft(), false).unwrap();
    assert_eq!(names(dir.path()), ["dataset.json", "test.jsonl", "train.jsonl"]);
}

#[test]
fn force_replaces_the_dataset_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let old = Draft { files: vec![("tokenizer.json".into(), b"{}".to_vec())], ..draft() };
    write_dataset(dir.path(), &old, false).unwrap();
    fs::write(dir.path().join("mine.txt"), "mine").unwrap();
    let mut new = draft();
    new.splits.truncate(1);
    new.splits[0].1[0].text = "takes cod liver oil".into();
    write_dataset(dir.path(), &new, true).unwrap();
    assert_eq!(names(dir.path()), ["dataset.json", "mine.txt", "train.jsonl"]);
    let dataset = Dataset::open(dir.path()).unwrap();
    assert_eq!(dataset.split("train").unwrap().examples, new.splits[0].1);
}

#[test]
fn a_failed_write_leaves_the_old_dataset_and_no_remains() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let bad = Draft { files: vec![("n".repeat(300), Vec::new())], ..draft() };
    let error = write_dataset(&out, &bad, false).unwrap_err();
    assert!(message(error, &out).starts_with("cannot write nnnn"));
    assert!(names(dir.path()).is_empty());
    write_dataset(&out, &draft(), false).unwrap();
    write_dataset(&out, &bad, true).unwrap_err();
    assert_eq!(names(&out), ["dataset.json", "test.jsonl", "train.jsonl"]);
    assert_eq!(Dataset::open(&out).unwrap().split("train").unwrap().examples, draft().splits[0].1);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_named_with_the_file() {
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let images = Images { examples: &image_draft().splits[0].1, files: None };
    let error = images.write(&images.names().unwrap(), full, Path::new("/x/notes/train.zip")).unwrap_err();
    let expected = "cannot write notes/train.zip: No space left on device (os error 28)";
    assert_eq!(message(error, Path::new("/x")), expected);
}

#[cfg(unix)]
#[test]
fn new_files_are_private_and_replaced_ones_keep_their_mode() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let modes = || {
        let mode = |name: &String| fs::metadata(out.join(name)).unwrap().permissions().mode() & 0o777;
        names(&out).iter().map(mode).collect::<Vec<u32>>()
    };
    write_dataset(&out, &image_draft(), false).unwrap();
    assert_eq!(modes(), [0o600; 5], "{:?}", names(&out));
    for name in names(&out) {
        fs::set_permissions(out.join(name), fs::Permissions::from_mode(0o640)).unwrap();
    }
    write_dataset(&out, &image_draft(), true).unwrap();
    assert_eq!(modes(), [0o640; 5]);
}

#[test]
fn the_second_of_two_writers_is_refused_and_what_a_killed_one_left_goes() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    for exists in [false, true] {
        let first = OutputLock::take(&out).unwrap();
        let error = write_dataset(&out, &draft(), exists).unwrap_err();
        assert!(matches!(error, Error::File(FileError::Busy { .. })), "{error}");
        drop(first);
        let parent = if exists { &out } else { dir.path() };
        let orphan = parent.join(".out.epee-aB3dE6.tmp");
        fs::create_dir(&orphan).unwrap();
        fs::write(orphan.join("train.jsonl"), "half").unwrap();
        write_dataset(&out, &draft(), exists).unwrap();
        assert!(!orphan.exists());
    }
    assert_eq!(names(&out), ["dataset.json", "test.jsonl", "train.jsonl"]);
}

#[test]
fn an_edited_file_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = write_dataset(dir.path(), &draft(), false).unwrap();
    let path = dir.path().join("train.jsonl");
    let text = fs::read_to_string(&path).unwrap().replace("iron", "zinc");
    fs::write(&path, text).unwrap();
    let error = message(dataset.split("train").unwrap_err(), dir.path());
    assert!(error.starts_with("train.jsonl: the file was changed after it was written: expected sha256:"), "{error}");
    dataset.split("test").unwrap();
    fs::remove_file(&path).unwrap();
    let error = message(dataset.split("train").unwrap_err(), dir.path());
    assert_eq!(error, "cannot read train.jsonl: No such file or directory (os error 2)");

    let path = dir.path().join("dataset.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("\"off\"", "\"of\"")).unwrap();
    let error = message(Dataset::open(dir.path()).unwrap_err(), dir.path());
    assert!(error.starts_with("dataset.json: labels or splits were edited: expected"), "{error}");
    fs::write(&path, text.replace("\"format\": 1", "\"format\": 2")).unwrap();
    let error = message(Dataset::open(dir.path()).unwrap_err(), dir.path());
    assert_eq!(error, "dataset.json: expected format 1, got 2");
    fs::write(&path, text.replace("train.jsonl", "../train.jsonl")).unwrap();
    let error = message(Dataset::open(dir.path()).unwrap_err(), dir.path());
    assert_eq!(error, "dataset.json: expected a plain file name, got `../train.jsonl`");
    // Prose may be edited.
    fs::write(&path, text.replace("made here", "made elsewhere")).unwrap();
    assert_eq!(Dataset::open(dir.path()).unwrap().info().source, "made elsewhere");
}

#[test]
fn what_is_not_there_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let error = message(Dataset::open(dir.path().join("no")).unwrap_err(), dir.path());
    assert_eq!(error, "no: no such folder");
    let error = Dataset::open(dir.path()).unwrap_err().to_string();
    assert!(error.contains("no dataset here: expected a folder with dataset.json"), "{error}");
    let dataset = write_dataset(dir.path(), &draft(), false).unwrap();
    let error = dataset.split("dev").unwrap_err().to_string();
    assert!(error.ends_with("has no split `dev`, it has train, test"), "{error}");
}

#[test]
fn a_draft_that_is_no_dataset_is_refused() {
    let with = |change: &dyn Fn(&mut Draft)| {
        let mut draft = draft();
        change(&mut draft);
        refusal(&draft)
    };
    assert_eq!(with(&|d| d.labels.truncate(1)), "a dataset needs at least two classes, got 1");
    assert_eq!(with(&|d| d.labels.push("on".into())), "expected different names of classes, got that of class 2 twice");
    assert_eq!(with(&|d| d.splits.clear()), "a dataset needs at least one split, got none");
    assert_eq!(with(&|d| d.splits[1].1.clear()), "split `test`: expected at least one row, got none");
    assert_eq!(with(&|d| d.splits[0].1.truncate(1)), "split `train`: expected at least two classes, got 1");
    assert_eq!(
        with(&|d| d.splits[0].1.iter_mut().for_each(|example| example.label = None)),
        "split `train`: expected at least two classes, got 0"
    );
    assert_eq!(
        with(&|d| {
            d.labels.push("maybe".into());
            d.splits[1].1[1].label = Some(2);
        }),
        "split `test`: class 2, that of `2`, does not occur in train"
    );
    assert_eq!(with(&|d| d.splits[0].1[1].label = Some(2)), "split `train`: `2`: expected a label below 2, got 2");
    assert_eq!(with(&|d| d.splits[0].1[1].text = " \n".into()), "split `train`: the text of `2` is empty");
    assert_eq!(with(&|d| d.splits[0].1[1].id = "1".into()), "split `train`: id `1` is there twice");
    assert_eq!(with(&|d| d.splits[0].0 = "../train".into()), "expected a plain file name, got `../train.jsonl`");
    assert_eq!(with(&|d| d.files.push(("test.jsonl".into(), Vec::new()))), "file `test.jsonl` is there twice");
}

#[test]
fn a_split_may_be_without_labels() {
    let mut draft = draft();
    draft.splits[1].1.iter_mut().for_each(|example| example.label = None);
    let dir = tempfile::tempdir().unwrap();
    let dataset = write_dataset(dir.path(), &draft, false).unwrap();
    assert_eq!(dataset.split("test").unwrap().examples, draft.splits[1].1);
}

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
    assert_eq!(names(&out), ["dataset.json", "test.jsonl", "test.zip", "train.jsonl", "train.zip"]);
    assert_eq!(dataset.info().input, Input::Image);
    for (name, examples) in &draft.splits {
        assert_eq!(&dataset.split(name).unwrap().examples, examples);
    }
    let train = fs::read_to_string(out.join("train.jsonl")).unwrap();
    assert_eq!(train.lines().nth(2), Some(r#"{"id":"c","image":"000003.png","label":"dark","grade":2}"#));
    let again = write_dataset(&dir.path().join("again"), &draft, false).unwrap();
    assert_eq!(again.info().digest, dataset.info().digest, "the same images give the same bytes");
}

/// Lines of a few bytes each, which name one small PNG again and again, must not take as much memory as its pixels.
#[test]
fn a_small_zip_holds_no_gigabytes_of_pixels() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let blank = Image::new(2048, 2048, 1, vec![255; 1 << 22]).unwrap();
    let example = |id: &str, label| Example { id: id.to_owned(), label: Some(label), ..Example::from(blank.clone()) };
    let mut draft = image_draft();
    draft.splits = vec![("train".to_owned(), vec![example("a", 0), example("b", 1)])];
    let mut info = write_dataset(&out, &draft, false).unwrap().info().clone();
    let line = fs::read_to_string(out.join("train.jsonl")).unwrap().lines().next().unwrap().to_owned() + "\n";
    let lines = line.repeat(30);
    fs::write(out.join("train.jsonl"), &lines).unwrap();
    let split = info.splits.get_mut("train").unwrap();
    (split.rows, split.digest) = (30, epee_files::sha256(lines.as_bytes()));
    info.digest = info.compute_digest();
    fs::write(out.join("dataset.json"), serde_json::to_vec(&info).unwrap()).unwrap();
    let length = fs::metadata(out.join("train.zip")).unwrap().len();
    assert!(length < 60_000, "{length}");
    let error = Dataset::open(&out).unwrap().split("train").unwrap_err().to_string();
    let expected = format!("the {length} bytes of the file unfold to more than 200 times as many");
    assert!(error.ends_with(&expected), "{error}");
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
    let with = |change: &dyn Fn(&mut Draft)| {
        let mut draft = image_draft();
        change(&mut draft);
        refusal(&draft)
    };
    assert_eq!(with(&|d| d.splits[0].1[1].image = None), "split `train`: `b` has no image");
    assert_eq!(with(&|d| d.splits[1].1[0].text = "x".into()), "split `test`: `a` has a text, in a dataset of images");
    let empty = Image { height: 0, width: 3, channels: 1, data: Vec::new().into() };
    assert_eq!(
        with(&|d| d.splits[0].1[2].image = Some(empty.clone())),
        "split `train`: the image of `c`: the image is empty: 0 x 3 pixels"
    );
    assert_eq!(with(&|d| d.files.push(("test.zip".into(), Vec::new()))), "file `test.zip` is there twice");
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_survives(
        texts in prop::collection::vec(("\\PC*|[\\s\\S]{0,8}", prop::option::of(".*")), 1..6),
    ) {
        let mut draft = draft();
        for (i, (text, pair)) in texts.into_iter().enumerate() {
            let text = format!("x{text}");
            draft.splits[0].1.push(Example { pair: pair.map(Into::into), ..example(&format!("p{i}"), &text, i % 2) });
        }
        let dir = tempfile::tempdir().unwrap();
        let dataset = write_dataset(dir.path(), &draft, false).unwrap();
        prop_assert_eq!(&dataset.split("train").unwrap().examples, &draft.splits[0].1);
    }

    #[test]
    fn malformed_files_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("dataset.json"), &bytes).unwrap();
        prop_assert!(Dataset::open(dir.path()).is_err());
        prop_assert!(TextTokenizer::from_bytes(&bytes).is_err());
    }

    #[test]
    fn a_damaged_file_never_panics(cut in 0_usize..400, flip in any::<u8>()) {
        let dir = tempfile::tempdir().unwrap();
        let dataset = write_dataset(dir.path(), &draft(), false).unwrap();
        for name in ["dataset.json", "train.jsonl"] {
            let path = dir.path().join(name);
            let mut bytes = fs::read(&path).unwrap();
            let at = cut % bytes.len();
            bytes[at] ^= flip;
            if flip % 3 == 0 {
                bytes.truncate(at);
            }
            fs::write(&path, bytes).unwrap();
        }
        let _ = Dataset::open(dir.path());
        let changed = dataset.split("train");
        prop_assert!(changed.is_err() || flip == 0);
    }
}
