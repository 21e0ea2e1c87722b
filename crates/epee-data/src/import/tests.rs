mod drug_review;
mod git;
mod table;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::{Columns, DoubleTyped, Files, Format, Options, OwnFiles, preset};
use crate::{Draft, Fractions, write_dataset};
use epee_testing::{message, shared_data};

fn columns(text: &str, label: &str) -> Columns {
    Columns { text: text.into(), label: label.into(), ..Columns::default() }
}

/// Writes `train` and `test` with this extension and reads them; dev is the same as test.
fn import(format: Format, train: &[u8], test: &[u8], change: impl Fn(&mut OwnFiles)) -> Result<Draft, String> {
    let dir = tempfile::tempdir().unwrap();
    let [train_path, test_path] = ["train", "test"].map(|name| dir.path().join(name));
    fs::write(&train_path, train).unwrap();
    fs::write(&test_path, test).unwrap();
    let files = Files::Splits { train: train_path, dev: Some(test_path.clone()), test: Some(test_path) };
    let mut own = OwnFiles::new(format, columns("text", "label"), files);
    change(&mut own);
    own.read().map_err(|error| message(error, dir.path()))
}

fn csv(train: &str) -> Result<Draft, String> {
    import(Format::Csv, train.as_bytes(), b"text,label\nx,a\n", |_| {})
}

/// Text and label name of each training row.
fn train(draft: &Draft) -> Vec<(&str, &str)> {
    let rows = draft.splits[0].1.iter();
    rows.map(|row| (row.text.as_str(), draft.labels[row.label.unwrap()].as_str())).collect()
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
    let draft = import(Format::Jsonl, jsonl.as_bytes(), test, |_| {}).unwrap();
    assert_eq!(train(&draft), [("x", "1"), ("y", "true")]);
}

#[test]
fn columns_by_number_without_a_header() {
    let number = |own: &mut OwnFiles| {
        own.header = false;
        own.columns = Columns { text: "3".into(), label: "1".into(), pair: Some("2".into()), id: Some("4".into()) };
    };
    let read = |train: &str| import(Format::Tsv, train.as_bytes(), b"a\tp\tx\t9\n", number);
    let draft = read("a\tp\tx, y\t7\nb\tq\t\"z\tz\"\t8\n").unwrap();
    assert_eq!(train(&draft), [("x, y", "a"), ("z\tz", "b")]);
    let second = &draft.splits[0].1[1];
    assert_eq!((second.pair.as_deref(), second.id.as_str()), (Some("q"), "8"));
    assert_eq!(read("a\tp\tx\n").unwrap_err(), "train: expected a column number from 1 to 3, got `4`");
}

#[test]
fn quotes_may_be_plain_characters() {
    let plain = |own: &mut OwnFiles| own.quotes = false;
    let draft = import(Format::Tsv, b"text\tlabel\n\"x\ta\ny\"\tb\n", b"text\tlabel\nx\ta\n", plain).unwrap();
    assert_eq!(train(&draft), [("\"x", "a"), ("y\"", "b")]);
}

#[test]
fn numbers_are_sorted_by_value_and_names_by_letter() {
    let draft = csv("text,label\nx,10\ny,9\nz,-1\nq,a\n").unwrap();
    assert_eq!(draft.labels, ["-1", "10", "9", "a"]);
    let test = b"text,label\nx,9\n";
    let draft = import(Format::Csv, b"text,label\nx,10\ny,9\nz,-1\n", test, |_| {}).unwrap();
    assert_eq!(draft.labels, ["-1", "9", "10"]);
}

#[test]
fn what_is_wrong_is_said_with_its_line() {
    let error = |train: &str| csv(train).unwrap_err();
    assert_eq!(error(""), "train: the file is empty");
    assert_eq!(error("\u{FEFF}\r\n\n"), "train: the file is empty");
    assert_eq!(error("text,label\n"), "train: the file holds a header and no rows");
    assert_eq!(error("body,class\nx,a\n"), "train: no column `text`, the header has `body`, `class`");
    assert_eq!(error("text,label,text\nx,a,y\n"), "train: the header has two columns `text`");
    assert_eq!(error("text,label\nx,a\n\n\ny\nz,b\n"), "train:5: expected 2 columns, got 1", "blank lines count");
    assert_eq!(
        error("text,label\n\"x\ny\",a\nwell, yes,b\n"),
        "train:4: expected 2 columns, got 3",
        "so do lines inside a field"
    );
    assert_eq!(error("text,label\r\nx,a\r\n\r\ny\r\n"), "train:4: expected 2 columns, got 1");
    assert_eq!(error("text,label\nx,a\n  ,b\n"), "train:3: the text is empty");
    assert_eq!(error("text,label\nx,a\ny, \n"), "train:3: the label, `label`, is empty");
    assert_eq!(error("text,label\nx,a\n\"y,b\nz,c\n"), "train:3: a quote is opened and never closed");
    assert_eq!(error("text,label\nx,a\ny,a\n"), "train: expected at least two classes, got one: every label is `a`");
    assert_eq!(error("text,label\nx,b\ny,c\n"), "test:2: label `a` does not occur in train, which has `b`, `c`");
}

#[test]
fn ids_occur_once() {
    let id = |own: &mut OwnFiles| own.columns.id = Some("id".into());
    let test = b"text,label,id\nx,a,7\n";
    let error = |train: &[u8]| import(Format::Csv, train, test, id).unwrap_err();
    assert_eq!(error(b"text,label,id\nx,a,7\ny,b,8\nz,b,7\n"), "train:4: id `7` is there already, on line 2");
    assert_eq!(error(b"text,label,id\nx,a,7\ny,b,\n"), "train:3: the id is empty");
}

#[test]
fn bytes_that_are_not_utf8_are_named_with_their_line() {
    let test = b"text,label\nx,a\n";
    let error = |train: &[u8]| import(Format::Csv, train, test, |_| {}).unwrap_err();
    assert_eq!(error(b"text,label\nx,a\nm\xFCde,b\n"), "train:3: expected UTF-8, got byte 0xFC");
    assert_eq!(error(b"\xFF\xFEt\0e\0"), "train: expected UTF-8, got UTF-16");
    assert_eq!(error(b"text,label\nx,a\nend\xE2\x82"), "train:3: expected UTF-8, got byte 0xE2");
}

#[test]
fn objects_that_are_not_as_expected_are_named_with_their_line() {
    let test = b"{\"text\": \"x\", \"label\": \"a\"}\n";
    let good = "{\"text\": \"x\", \"label\": \"a\"}\n";
    let error = |line: &str| {
        let train = format!("{good}\n{line}\n");
        import(Format::Jsonl, train.as_bytes(), test, |_| {}).unwrap_err()
    };
    assert_eq!(error("[1]"), "train:3: expected a JSON object, got an array");
    assert!(error("{\"text\": ").starts_with("train:3: EOF while parsing"));
    assert_eq!(error("{\"body\": \"x\", \"label\": \"a\"}"), "train:3: no key `text`, the object has `body`, `label`");
    assert_eq!(error("{\"text\": [], \"label\": \"a\"}"), "train:3: expected text or a number in `text`, got an array");
    assert_eq!(error("{\"text\": \"y\", \"label\": null}"), "train:3: expected text or a number in `label`, got null");
    assert_eq!(error("{\"text\": \"y\", \"label\": \" \"}"), "train:3: the label, `label`, is empty");
    assert_eq!(import(Format::Jsonl, b"\n", test, |_| {}).unwrap_err(), "train: the file is empty");
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let read = |path: &Path| {
        let files = Files::One(path.to_path_buf());
        let error = OwnFiles::new(Format::Csv, columns("text", "label"), files).read().unwrap_err();
        message(error, dir.path())
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
    let mut own = OwnFiles::new(Format::Csv, columns("text", "label"), Files::One(path.clone()));
    own.fractions = Fractions::new(0.7, 0.1, 0.2).unwrap();
    let draft = own.read().unwrap();
    let names: Vec<&str> = draft.splits.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["train", "dev", "test"]);
    let sizes: Vec<usize> = draft.splits.iter().map(|(_, rows)| rows.len()).collect();
    assert_eq!(sizes, [140, 20, 40]);
    assert_eq!(own.read().unwrap().splits, draft.splits);
    own.seed = 2;
    assert_ne!(own.read().unwrap().splits, draft.splits);
    let texts: Vec<BTreeSet<&str>> =
        draft.splits.iter().map(|(_, rows)| rows.iter().map(|row| row.text.as_str()).collect()).collect();
    assert!(texts[0].is_disjoint(&texts[1]) && texts[0].is_disjoint(&texts[2]));
    let rare = |split: usize| draft.splits[split].1.iter().filter(|r| r.label == Some(0)).count();
    assert_eq!((rare(1), rare(2)), (5, 10));
    // Without dev, dev comes out of train, and test stays as it is.
    own.files = Files::Splits { train: path.clone(), dev: None, test: Some(path) };
    let sizes: Vec<usize> = own.read().unwrap().splits.iter().map(|(_, rows)| rows.len()).collect();
    assert_eq!(sizes, [175, 25, 200]);
}

#[test]
fn an_import_without_two_classes_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let phee = |id: &str, kind: &str| {
        format!(
            "{{\"id\":\"{id}\",\"context\":\"text {id}\",\"annotations\":\
             [{{\"events\":[{{\"event_type\":\"{kind}\"}}]}}]}}\n"
        )
    };
    let write = |split: &str, text: String| {
        fs::write(dir.path().join(format!("{split}.json")), text).unwrap();
    };
    let read = || {
        let draft = preset("phee").unwrap().import(dir.path(), &Options::default());
        draft.map_err(|error| message(error, dir.path()))
    };
    let (adverse, potential) = ("Adverse_event", "Potential_therapeutic_event");
    write("train", phee("1", adverse) + &phee("2", potential));
    write("dev", phee("1", adverse));
    assert_eq!(read().unwrap_err(), "cannot read test.json: No such file or directory (os error 2)");
    write("test", phee("1", potential));
    assert_eq!(read().unwrap().labels, [adverse, potential]);
    write("test", phee("1", "Other"));
    assert!(read().unwrap_err().starts_with("test.json:1: label `Other` does not occur in train"));
    write("train", phee("1", adverse) + &phee("2", "Other"));
    assert_eq!(
        read().unwrap_err(),
        "train.json:2: expected a label out of `Adverse_event`, `Potential_therapeutic_event`, \
         got `Other`"
    );
    let two = format!("{{\"event_type\":\"{adverse}\"}},{{\"event_type\":\"{potential}\"}}");
    let both = phee("3", adverse).replace(&format!("{{\"event_type\":\"{adverse}\"}}"), &two);
    write("train", phee("1", adverse) + &phee("2", potential) + &both);
    write("test", phee("1", potential));
    assert_eq!(read().unwrap().splits[0].1.len(), 3);
    let skip = Options { double_typed: DoubleTyped::Skip, ..Options::default() };
    let skipped = preset("phee").unwrap().import(dir.path(), &skip).unwrap();
    assert_eq!(skipped.splits[0].1.len(), 2);
    let note = "1 of 3 train sentences hold events of both types; they are left out";
    assert!(skipped.notes.iter().any(|n| n == note), "{:?}", skipped.notes);
    write("train", phee("1", adverse));
    assert!(read().unwrap_err().starts_with("train.json: expected at least two classes, got one"));
    write("train", "{\"id\":\"1\",\"context\":\"x\",\"annotations\":[]}\n".into());
    assert_eq!(read().unwrap_err(), "train.json:1: expected at least one event, got none");
    write("train", phee("1", adverse) + &phee("2", potential)[..30]);
    assert!(read().unwrap_err().starts_with("train.json:2: EOF while parsing"));
    write("train", "\n{\"id\":\"1\"}\n".into());
    assert!(read().unwrap_err().starts_with("train.json:2: missing field `context`"));
}

#[test]
fn entries_of_health_advice_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("medical_meadow_health_advice.json");
    let read = |text: &str| {
        fs::write(&path, text).unwrap();
        let draft = preset("health-advice").unwrap().import(&path, &Options::default());
        draft.map_err(|error| message(error, dir.path()).replace("medical_meadow_health_", ""))
    };
    let entry = |i: usize, output: &str| format!("{{\"input\":\"text {i} \",\"output\":\"{output}\"}}");
    let outputs = ["This is no advice", "This is a weak advice", "This is a strong advice"];
    let entries: Vec<String> = (0..30).map(|i| entry(i, outputs[i % 3])).collect();
    let draft = read(&format!("[{}]", entries.join(","))).unwrap();
    let sizes: Vec<usize> = draft.splits.iter().map(|(_, rows)| rows.len()).collect();
    assert_eq!(sizes, [24, 3, 3]);
    assert_eq!(
        read(&format!("[{},{}]", entries[0], entry(1, "Maybe"))).unwrap_err(),
        "advice.json: entry 2: expected an output out of `This is no advice`, \
         `This is a weak advice`, `This is a strong advice`, got `Maybe`"
    );
    assert!(read("[{}]").unwrap_err().starts_with("advice.json: missing field `input`"));
    assert!(read("[]").unwrap_err().starts_with("advice.json: expected rows"));
}

#[test]
fn phee_has_the_papers_counts() {
    let Some(path) = shared_data("phee_has_the_papers_counts", "phee") else { return };
    let phee = preset("phee").unwrap();
    let draft = phee.import(&path, &Options::default()).unwrap();
    let paper = [phee.paper.train, phee.paper.dev, phee.paper.test];
    let sizes: Vec<usize> = draft.splits.iter().map(|(_, rows)| rows.len()).collect();
    assert_eq!(sizes, paper);
    assert_eq!(draft.labels, ["Adverse_event", "Potential_therapeutic_event"]);
    let classes: Vec<[usize; 2]> = draft
        .splits
        .iter()
        .map(|(_, rows)| [0, 1].map(|c| rows.iter().filter(|r| r.label == Some(c)).count()))
        .collect();
    assert_eq!(classes, [[2650, 248], [859, 102], [867, 101]]);
    for both in ["64 of 2898 train", "22 of 961 dev", "24 of 968 test"] {
        assert!(draft.notes.iter().any(|note| note.starts_with(both)), "{:?}", draft.notes);
    }
    let skip = Options { double_typed: DoubleTyped::Skip, ..Options::default() };
    let skipped = phee.import(&path, &skip).unwrap();
    let sizes: Vec<usize> = skipped.splits.iter().map(|(_, rows)| rows.len()).collect();
    assert_eq!(sizes, [2834, 939, 944]);
    assert_eq!(draft.splits[0].1[2].text, "Phenobarbital hepatotoxicity in an 8-month-old infant.");
    let dir = tempfile::tempdir().unwrap();
    let dataset = write_dataset(dir.path(), &draft, false).unwrap();
    assert_eq!(dataset.split("dev").unwrap().examples, draft.splits[1].1);
}

#[test]
fn health_advice_is_cut_into_the_papers_counts() {
    let test = "health_advice_is_cut_into_the_papers_counts";
    let Some(path) = shared_data(test, "health_advice") else { return };
    let draft = preset("health-advice").unwrap().import(&path, &Options::default()).unwrap();
    let sizes: Vec<usize> = draft.splits.iter().map(|(_, rows)| rows.len()).collect();
    assert_eq!(sizes, [6940, 868, 868]);
    assert_eq!(draft.labels, ["no advice", "weak advice", "strong advice"]);
    let classes: Vec<[usize; 3]> = draft
        .splits
        .iter()
        .map(|(_, rows)| [0, 1, 2].map(|c| rows.iter().filter(|r| r.label == Some(c)).count()))
        .collect();
    for class in 0..3 {
        let total: usize = classes.iter().map(|split| split[class]).sum();
        assert_eq!(total, [6477, 1338, 861][class]);
        for split in 1..3 {
            let share = classes[split][class] as f64 / sizes[split] as f64;
            // Texts with two labels count under the first.
            assert!((share - total as f64 / 8676.0).abs() < 0.004, "{classes:?}");
        }
    }
    let texts: Vec<BTreeSet<&str>> =
        draft.splits.iter().map(|(_, rows)| rows.iter().map(|row| row.text.as_str()).collect()).collect();
    let distinct: usize = texts.iter().map(BTreeSet::len).sum();
    // One of the 12 repeated texts stands there a third time, but for the space behind it.
    assert_eq!(distinct, 8676 - 13, "no text in two splits");
    let note = "12 texts occur more than once, 2 of them with different labels";
    assert!(draft.notes.iter().any(|n| n.ends_with(note)), "{:?}", draft.notes);
    let again = preset("health-advice").unwrap().import(&path, &Options::default()).unwrap();
    assert_eq!(again.splits, draft.splits);
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
        let draft = import(format, file.as_bytes(), test.as_bytes(), |_| {}).unwrap();
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
            let read = import(format, &bytes, &bytes, |own| {
                if !header {
                    own.header = false;
                    own.columns = columns("1", "2");
                }
            });
            if let Err(error) = read {
                prop_assert!(error.starts_with("train") || error.starts_with("test"), "{}", error);
            }
        }
        let dir = tempfile::tempdir().unwrap();
        let git = ["train", "dev", "test"].map(|split| format!("renew_triplet_T_{split}.jsonl"));
        let names = ["train.json", "dev.json", "test.json", "medical_meadow_health_advice.json"];
        let names = names.into_iter().chain(git.iter().map(String::as_str)).chain(["drugsComTrain_raw.tsv"]);
        for name in names.chain(["Train/MedLine/1.xml", "Test/MedLine/1.xml"]) {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, &bytes).unwrap();
        }
        for preset in super::PRESETS {
            for from in [dir.path().to_path_buf(), dir.path().join("train.json")] {
                prop_assert!(preset.import(&from, &Options::default()).is_err());
            }
        }
    }
}
