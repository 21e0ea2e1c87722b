use std::fs;
use std::path::Path;

use super::{Files, Format, OwnOptions};
use crate::testing::{assert_notes, names, sizes};
use crate::{Cut, Draft, write_dataset};
use epee_input::Image;
use epee_testing::{message, put};

fn png(seed: u8) -> Vec<u8> {
    Image::new(2, 2, 1, vec![seed, 1, 2, 3]).unwrap().to_png().unwrap()
}

fn read(dir: &Path) -> Result<Draft, String> {
    let read = Format::Images.import(&Files::One(dir.to_path_buf()), &OwnOptions::default(), &Cut::default());
    read.map_err(|error| message(error, dir))
}

/// Train, val and test, two classes by number.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (i, split) in ["train", "val", "test"].iter().enumerate() {
        for class in ["10", "9"] {
            for k in 0..3_u8 {
                put(
                    dir.path(),
                    &format!("{split}/{class}/{k}.png"),
                    &png(i as u8 * 40 + k + 9 * u8::from(class == "9")),
                );
            }
        }
    }
    dir
}

#[test]
fn splits_and_classes_are_folders() {
    let dir = folder();
    put(dir.path(), "train/9/.DS_Store", b"x");
    put(dir.path(), "train/9/notes.txt", b"x");
    let draft = read(dir.path()).unwrap();
    assert_eq!(draft.labels, ["9", "10"]);
    assert_eq!(names(&draft), ["train", "dev", "test"]);
    assert_eq!(draft.splits[1].1[0].id, "10/0.png");
    assert_notes(&draft, &["1 files that are named neither"]);
    let out = tempfile::tempdir().unwrap();
    let test = write_dataset(out.path(), &draft, false).unwrap().split("test").unwrap();
    assert_eq!(test.examples[3].image, Image::decode(&png(89)).ok());
    assert_eq!(test.examples[3].label, Some(0));
}

#[test]
fn classes_alone_are_cut_and_equal_images_stay_together() {
    let dir = tempfile::tempdir().unwrap();
    for k in 0..40_u8 {
        let class = if k % 2 == 0 { "a" } else { "b" };
        put(dir.path(), &format!("{class}/{k:02}.png"), &png(k));
        put(dir.path(), &format!("{class}/{k:02} copy.PNG"), &png(k));
    }
    let draft = read(dir.path()).unwrap();
    assert_eq!(sizes(&draft), [64, 8, 8]);
    for (_, rows) in &draft.splits {
        let number = |id: &str| id[2..4].to_owned();
        for row in rows {
            assert_eq!(rows.iter().filter(|other| number(&other.id) == number(&row.id)).count(), 2, "{}", row.id);
        }
    }
    assert_eq!(read(dir.path()).unwrap().splits, draft.splits);
}

#[test]
fn dev_alone_is_cut_from_train() {
    let dir = folder();
    fs::remove_dir_all(dir.path().join("val")).unwrap();
    let draft = read(dir.path()).unwrap();
    assert_eq!((names(&draft), sizes(&draft)), (vec!["train", "dev", "test"], vec![5, 1, 6]));
}

#[test]
fn what_is_wrong_is_said_with_its_file() {
    let with = |name: &str, bytes: &[u8]| {
        let dir = folder();
        put(dir.path(), name, bytes);
        read(dir.path()).map(|_| ()).unwrap_err()
    };
    assert!(with("train/9/x.png", &png(1)[..50]).starts_with("train/9/x.png: no whole PNG: "));
    assert_eq!(with("test/9/x.jpg", b"GIF89a.."), "test/9/x.jpg: expected PNG or JPEG, got Gif");
    assert_eq!(with("val/9/x.png", b""), "val/9/x.png: expected PNG or JPEG, got an empty file");
    assert_eq!(with("test/11/x.png", &png(1)), "test: class `11` does not occur in train, which has `9`, `10`");
    assert_eq!(with("train/9/more/x.png", &png(1)), "train/9/more: expected images in a class's folder, got a folder");
    assert_eq!(with("train/12/x.txt", b"x"), "train/12: expected PNG or JPEG files, got none");
    let empty = tempfile::tempdir().unwrap();
    put(empty.path(), "train/x.png", &png(1));
    assert_eq!(read(empty.path()).unwrap_err(), "train: expected a folder for each class, got none");
    let none = read(&empty.path().join("no")).unwrap_err();
    assert!(none.contains("No such file or directory"), "{none}");
}
