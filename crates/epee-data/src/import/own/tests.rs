use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::{Columns, Files, Format, OwnOptions};
use crate::testing::{assert_notes, names, sizes};
use crate::{Cut, Draft, Fractions, write_dataset};
use epee_input::{Image, SampleText};
use epee_testing::{check_refusals, message, put};

fn columns(text: &str, label: &str) -> OwnOptions {
    OwnOptions { columns: Columns::new(text, label), ..OwnOptions::default() }
}

/// Writes `train` and `test` and reads them; dev is the same as test.
fn import(format: Format, train: &[u8], test: &[u8], options: &OwnOptions) -> Result<Draft, String> {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "train", train);
    put(dir.path(), "test", test);
    let [train, test] = ["train", "test"].map(|name| dir.path().join(name));
    let files = Files::Splits { train, dev: Some(test.clone()), test: Some(test) };
    format.import(&files, options, &Cut::default()).map_err(|error| message(error, dir.path()))
}

fn csv(train: &str) -> Result<Draft, String> {
    import(Format::Csv, train.as_bytes(), b"text,label\nx,a\n", &OwnOptions::default())
}

/// Text and label name of each training row.
fn train(draft: &Draft) -> Vec<(&str, &str)> {
    let rows = draft.splits[0].1.iter();
    rows.map(|row| (row.text.expose(), draft.labels[row.label.unwrap()].as_str())).collect()
}

#[test]
fn quotes_and_newlines_inside_fields() {
    let draft = csv("label,text\na,\"one, \"\"two\"\"\nthree\"\n\nb,\"\"\"\"\n").unwrap();
    assert_eq!(train(&draft), [("one, \"two\"\nthree", "a"), ("\"", "b")]);
    assert_eq!(draft.splits[0].1[1].id, "2");
}

#[test]
fn byte_order_mark_and_carriage_returns() {
    let draft = csv("\u{FEFF}text,label\r\nx,a\r\ny,b\r\n").unwrap();
    assert_eq!(train(&draft), [("x", "a"), ("y", "b")]);
    let jsonl = "\u{FEFF}{\"text\": \"x\", \"label\": 1}\r\n\r\n{\"text\": \"y\", \"label\": true}\r\n";
    let test = b"{\"text\": \"z\", \"label\": 1}";
    let draft = import(Format::Jsonl, jsonl.as_bytes(), test, &OwnOptions::default()).unwrap();
    assert_eq!(train(&draft), [("x", "1"), ("y", "true")]);
}

#[test]
fn columns_by_number_without_a_header() {
    let columns = Columns { pair: Some("2".into()), id: Some("4".into()), ..Columns::new("3", "1") };
    let number = OwnOptions { columns, no_header: true, ..OwnOptions::default() };
    let read = |train: &str| import(Format::Tsv, train.as_bytes(), b"a\tp\tx\t9\n", &number);
    let draft = read("a\tp\tx, y\t7\nb\tq\t\"z\tz\"\t8\n").unwrap();
    assert_eq!(train(&draft), [("x, y", "a"), ("z\tz", "b")]);
    let second = &draft.splits[0].1[1];
    assert_eq!((second.pair.as_ref().map(SampleText::expose), second.id.as_str()), (Some("q"), "8"));
    assert_eq!(read("a\tp\tx\n").unwrap_err(), "train: expected a column number from 1 to 3, got `4`");
}

#[test]
fn quotes_may_be_plain_characters() {
    let plain = OwnOptions { no_quotes: true, ..OwnOptions::default() };
    let draft = import(Format::Tsv, b"text\tlabel\n\"x\ta\ny\"\tb\n", b"text\tlabel\nx\ta\n", &plain).unwrap();
    assert_eq!(train(&draft), [("\"x", "a"), ("y\"", "b")]);
}

#[test]
fn numbers_are_sorted_by_value_and_names_by_letter() {
    let draft = csv("text,label\nx,10\ny,9\nz,-1\nq,a\n").unwrap();
    assert_eq!(draft.labels, ["-1", "10", "9", "a"]);
    let test = b"text,label\nx,9\n";
    let draft = import(Format::Csv, b"text,label\nx,10\ny,9\nz,-1\n", test, &OwnOptions::default()).unwrap();
    assert_eq!(draft.labels, ["-1", "9", "10"]);
}

/// Blank lines count, and so do lines inside a field.
#[test]
fn what_is_wrong_is_said_with_its_line() {
    check_refusals(include_str!("refusals.json"), |(format, train): (String, String)| {
        let format: Format = format.parse().unwrap();
        let test: &[u8] = if format == Format::Csv { b"text,label\nx,a\n" } else { br#"{"text": "x", "label": "a"}"# };
        import(format, train.as_bytes(), test, &OwnOptions::default()).unwrap_err()
    });
}

#[test]
fn ids_occur_once() {
    let columns = Columns { id: Some("id".into()), ..Columns::default() };
    let id = OwnOptions { columns, ..OwnOptions::default() };
    let test = b"text,label,id\nx,a,7\n";
    let error = |train: &[u8]| import(Format::Csv, train, test, &id).unwrap_err();
    assert_eq!(error(b"text,label,id\nx,a,7\ny,b,8\nz,b,7\n"), "train:4: the id is there already, on line 2");
    assert_eq!(error(b"text,label,id\nx,a,7\ny,b,\n"), "train:3: the id is empty");
}

/// Rows in which every column but the last holds a text.
fn mixed_up(rows: usize, text: impl Fn(usize) -> String) -> Vec<u8> {
    let row = |i: usize| format!("{},CANARY note {i},{}\n", text(i), i % 2);
    format!("a,b,c\n{}", (0..rows).map(row).collect::<String>()).into_bytes()
}

/// Labels and ids are printed and stored with models and traces.
#[test]
fn texts_in_the_column_of_labels_or_ids_are_refused_unseen() {
    let import = |text: &str, label: &str, id: Option<&str>, csv: &[u8]| {
        let columns = Columns { id: id.map(str::to_owned), ..Columns::new(text, label) };
        let options = OwnOptions { columns, ..OwnOptions::default() };
        import(Format::Csv, csv, b"a,b,c\nx,y,0\n", &options).unwrap_err()
    };
    let name = "expected a name of at most 200 bytes on one line, got";
    let (short, long) = (mixed_up(20, |i| format!("CANARY {i}")), mixed_up(2, |_| "CANARY ".repeat(30)));
    for (error, expected) in [
        (
            import("b", "a", None, &short),
            "train: expected classes in `a`, got 20 different values in 20 rows".to_owned(),
        ),
        (import("b", "a", None, &long), format!("train:2: the label, `a`: {name} a longer text")),
        (import("b", "b", None, &short), format!("train:2: the label, `b`: {name} the column of the text")),
        (import("b", "c", Some("a"), &long), format!("train:2: the id, `a`: {name} a longer text")),
        (import("b", "c", Some("b"), &short), format!("train:2: the id, `b`: {name} the column of the text")),
    ] {
        assert_eq!(error, expected);
    }
}

#[test]
fn bytes_that_are_not_utf8_are_named_with_their_line() {
    let test = b"text,label\nx,a\n";
    let error = |train: &[u8]| import(Format::Csv, train, test, &OwnOptions::default()).unwrap_err();
    assert_eq!(error(b"text,label\nx,a\nm\xFCde,b\n"), "train:3: expected UTF-8, got byte 0xFC");
    assert_eq!(error(b"\xFF\xFEt\0e\0"), "train: expected UTF-8, got UTF-16");
    assert_eq!(error(b"text,label\nx,a\nend\xE2\x82"), "train:3: expected UTF-8, got byte 0xE2");
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let read = |path: &Path| {
        let files = Files::One(path.to_path_buf());
        let read = Format::Csv.import(&files, &OwnOptions::default(), &Cut::default());
        message(read.unwrap_err(), dir.path())
    };
    let missing = read(&dir.path().join("no.csv"));
    assert_eq!(missing, "cannot read no.csv: No such file or directory (os error 2)");
    let folder = dir.path().join("folder");
    fs::create_dir(&folder).unwrap();
    assert_eq!(read(&folder), "folder: expected a file, got a folder");
}

#[test]
fn one_file_is_cut_by_text_and_class() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("all.csv");
    let label = |i: usize| if i.is_multiple_of(4) { "rare" } else { "usual" };
    let row = |i: usize| format!("\"text\n{}\",{}\n", i % 190, label(i % 190));
    fs::write(&path, format!("text,label\n{}", (0..200).map(row).collect::<String>())).unwrap();
    let fractions = Fractions::new(0.7, 0.1, 0.2).unwrap();
    let read = |files, seed| Format::Csv.import(&files, &OwnOptions::default(), &Cut { seed, fractions }).unwrap();
    let one = |seed| read(Files::One(path.clone()), seed);
    let draft = one(1);
    assert_eq!(names(&draft), ["train", "dev", "test"]);
    assert_eq!(sizes(&draft), [140, 20, 40]);
    assert_eq!(one(1).splits, draft.splits);
    assert_ne!(one(2).splits, draft.splits);
    let texts: Vec<BTreeSet<&str>> =
        draft.splits.iter().map(|(_, rows)| rows.iter().map(|row| row.text.expose()).collect()).collect();
    assert!(texts[0].is_disjoint(&texts[1]) && texts[0].is_disjoint(&texts[2]));
    let rare = |split: usize| draft.splits[split].1.iter().filter(|r| r.label == Some(0)).count();
    assert_eq!((rare(1), rare(2)), (5, 10));
    // Without dev, dev comes out of train, and test stays as it is.
    let splits = Files::Splits { train: path.clone(), dev: None, test: Some(path.clone()) };
    assert_eq!(sizes(&read(splits, 1)), [175, 25, 200]);
}

fn png(seed: u8) -> Vec<u8> {
    Image::new(2, 2, 1, vec![seed, 1, 2, 3]).unwrap().to_png().unwrap()
}

fn read_folder(dir: &Path) -> Result<Draft, String> {
    let read = Format::Images.import(&Files::One(dir.to_path_buf()), &OwnOptions::default(), &Cut::default());
    read.map_err(|error| message(error, dir))
}

/// Train, val and test, two classes by number.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (i, split) in ["train", "val", "test"].iter().enumerate() {
        for class in ["10", "9"] {
            for k in 0..3_u8 {
                let file = png(i as u8 * 40 + k + 9 * u8::from(class == "9"));
                put(dir.path(), &format!("{split}/{class}/{k}.png"), file);
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
    let draft = read_folder(dir.path()).unwrap();
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
        put(dir.path(), &format!("{class}/{k:02}.png"), png(k));
        put(dir.path(), &format!("{class}/{k:02} copy.PNG"), png(k));
    }
    let draft = read_folder(dir.path()).unwrap();
    assert_eq!(sizes(&draft), [64, 8, 8]);
    for (_, rows) in &draft.splits {
        let number = |id: &str| id[2..4].to_owned();
        for row in rows {
            assert_eq!(rows.iter().filter(|other| number(&other.id) == number(&row.id)).count(), 2, "{}", row.id);
        }
    }
    assert_eq!(read_folder(dir.path()).unwrap().splits, draft.splits);
}

#[test]
fn dev_alone_is_cut_from_train() {
    let dir = folder();
    fs::remove_dir_all(dir.path().join("val")).unwrap();
    let draft = read_folder(dir.path()).unwrap();
    assert_eq!((names(&draft), sizes(&draft)), (vec!["train", "dev", "test"], vec![5, 1, 6]));
}

#[test]
fn what_is_wrong_in_a_folder_is_said_with_its_file() {
    let with = |name: &str, bytes: &[u8]| {
        let dir = folder();
        put(dir.path(), name, bytes);
        read_folder(dir.path()).map(|_| ()).unwrap_err()
    };
    assert!(with("train/9/x.png", &png(1)[..50]).starts_with("train/9/x.png: no whole PNG: "));
    assert_eq!(with("test/9/x.jpg", b"GIF89a.."), "test/9/x.jpg: expected PNG or JPEG, got Gif");
    assert_eq!(with("val/9/x.png", b""), "val/9/x.png: expected PNG or JPEG, got an empty file");
    assert_eq!(with("test/11/x.png", &png(1)), "test: class `11` does not occur in train, which has `9`, `10`");
    assert_eq!(with("train/9/more/x.png", &png(1)), "train/9/more: expected images in a class's folder, got a folder");
    assert_eq!(with("train/12/x.txt", b"x"), "train/12: expected PNG or JPEG files, got none");
    let empty = tempfile::tempdir().unwrap();
    put(empty.path(), "train/x.png", png(1));
    assert_eq!(read_folder(empty.path()).unwrap_err(), "train: expected a folder for each class, got none");
    let none = read_folder(&empty.path().join("no")).unwrap_err();
    assert!(none.contains("No such file or directory"), "{none}");
}

/// A field as RFC 4180 writes it, in quotes always.
fn quoted(field: &str) -> String {
    format!("\"{}\"", field.replace('"', "\"\""))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn quoted_fields_survive(
        texts in prop::collection::vec("[a-c\",\t\r\n \u{e9}]{0,12}", 1..8),
        tsv in any::<bool>(),
        crlf in any::<bool>(),
    ) {
        let (format, delimiter) = if tsv { (Format::Tsv, '\t') } else { (Format::Csv, ',') };
        let end = if crlf { "\r\n" } else { "\n" };
        let mut file = format!("label{delimiter}text{end}");
        for (i, text) in texts.iter().enumerate() {
            file.push_str(&format!("{}{delimiter}{}{end}", i % 2, quoted(&format!("x{text}"))));
        }
        file.push_str(&format!("1{delimiter}last{end}0{delimiter}\"last\""));
        let test = format!("label{delimiter}text\n0{delimiter}y\n");
        let draft = import(format, file.as_bytes(), test.as_bytes(), &OwnOptions::default()).unwrap();
        let rows = train(&draft);
        prop_assert_eq!(rows.len(), texts.len() + 2);
        for (i, text) in texts.iter().enumerate() {
            prop_assert_eq!(rows[i].0, format!("x{text}"));
            prop_assert_eq!(rows[i].1, (i % 2).to_string());
        }
    }

    #[test]
    fn malformed_files_never_panic(
        bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..80),
            "[ab01\",\t\r\n{}:]{0,80}".prop_map(String::into_bytes),
            "text,label\n[ab01\",\t\r\n]{0,80}".prop_map(String::into_bytes),
            "(\\{\"text\":\"[a-c\"]{0,4}\",\"label\":[01\"{}]{0,3}\\}\n?){0,5}".prop_map(String::into_bytes),
        ],
        header in any::<bool>(),
    ) {
        for format in [Format::Csv, Format::Tsv, Format::Jsonl] {
            let options = OwnOptions { no_header: !header, ..if header { columns("text", "label") } else { columns("1", "2") } };
            let read = import(format, &bytes, &bytes, &options);
            if let Err(error) = read {
                prop_assert!(error.starts_with("train") || error.starts_with("test"), "{}", error);
            }
        }
    }
}
