mod drug_review;
mod git;
mod notes;

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{DoubleTyped, Options, PRESETS, preset};
use crate::testing::{assert_notes, class_counts, import, sizes};
use crate::{Cut, write_dataset};
use epee_testing::{put, shared_data};

#[test]
fn an_import_without_two_classes_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let phee = |id: &str, kind: &str| {
        format!(
            "{{\"id\":\"{id}\",\"context\":\"text {id}\",\"annotations\":\
             [{{\"events\":[{{\"event_type\":\"{kind}\"}}]}}]}}\n"
        )
    };
    let write = |split: &str, text: String| put(dir.path(), &format!("{split}.json"), text);
    let read = || import("phee", dir.path(), dir.path(), &Options::default());
    let skip = Options { double_typed: Some(DoubleTyped::Skip), ..Options::default() };
    let (adverse, potential) = ("Adverse_event", "Potential_therapeutic_event");
    write("train", phee("1", adverse) + &phee("2", potential));
    write("dev", phee("1", adverse));
    assert_eq!(read().unwrap_err(), "cannot read test.json: No such file or directory (os error 2)");
    write("test", phee("1", potential));
    assert_eq!(read().unwrap().labels, [adverse, potential]);
    write("test", phee("1", "Other"));
    assert!(read().unwrap_err().starts_with("test.json:1: the label does not occur in train"));
    write("train", phee("1", adverse) + &phee("2", "Other"));
    assert_eq!(
        read().unwrap_err(),
        "train.json:2: expected a label out of `Adverse_event`, `Potential_therapeutic_event`, \
         got another"
    );
    let two = format!("{{\"event_type\":\"{adverse}\"}},{{\"event_type\":\"{potential}\"}}");
    let both = phee("3", adverse).replace(&format!("{{\"event_type\":\"{adverse}\"}}"), &two);
    write("train", phee("1", adverse) + &phee("2", potential) + &both);
    write("test", phee("1", potential));
    assert_eq!(read().unwrap().splits[0].1.len(), 3);
    let skipped = import("phee", dir.path(), dir.path(), &skip).unwrap();
    assert_eq!(skipped.splits[0].1.len(), 2);
    assert_notes(&skipped, &["1 of 3 train sentences hold events of both types; they are left out"]);
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
        put(dir.path(), "medical_meadow_health_advice.json", text);
        import("health-advice", &path, dir.path(), &Options::default())
            .map_err(|error| error.replace("medical_meadow_health_", ""))
    };
    let entry = |i: usize, output: &str| format!("{{\"input\":\"text {i} \",\"output\":\"{output}\"}}");
    let outputs = ["This is no advice", "This is a weak advice", "This is a strong advice"];
    let entries: Vec<String> = (0..30).map(|i| entry(i, outputs[i % 3])).collect();
    let draft = read(&format!("[{}]", entries.join(","))).unwrap();
    assert_eq!(sizes(&draft), [24, 3, 3]);
    assert_eq!(
        read(&format!("[{},{}]", entries[0], entry(1, "Maybe"))).unwrap_err(),
        "advice.json: entry 2: expected an output out of `This is no advice`, \
         `This is a weak advice`, `This is a strong advice`, got another"
    );
    assert!(read("[{}]").unwrap_err().starts_with("advice.json: missing field `input`"));
    assert!(read("[]").unwrap_err().starts_with("advice.json: expected rows"));
}

#[test]
fn phee_has_the_papers_counts() {
    let Some(path) = shared_data("phee_has_the_papers_counts", "phee") else { return };
    let paper = preset("phee").unwrap().paper;
    let draft = import("phee", &path, &path, &Options::default()).unwrap();
    assert_eq!(sizes(&draft), [paper.train, paper.dev, paper.test]);
    assert_eq!(draft.labels, ["Adverse_event", "Potential_therapeutic_event"]);
    assert_eq!(class_counts(&draft), [[2650, 248], [859, 102], [867, 101]]);
    assert_notes(&draft, &["64 of 2898 train", "22 of 961 dev", "24 of 968 test"]);
    let skip = Options { double_typed: Some(DoubleTyped::Skip), ..Options::default() };
    assert_eq!(sizes(&import("phee", &path, &path, &skip).unwrap()), [2834, 939, 944]);
    assert_eq!(draft.splits[0].1[2].text, "Phenobarbital hepatotoxicity in an 8-month-old infant.");
    let dir = tempfile::tempdir().unwrap();
    let dataset = write_dataset(dir.path(), &draft, false).unwrap();
    assert_eq!(dataset.split("dev").unwrap().examples, draft.splits[1].1);
}

#[test]
fn health_advice_is_cut_into_the_papers_counts() {
    let test = "health_advice_is_cut_into_the_papers_counts";
    let Some(path) = shared_data(test, "health_advice") else { return };
    let read = || import("health-advice", &path, &path, &Options::default()).unwrap();
    let draft = read();
    let sizes = sizes(&draft);
    assert_eq!(sizes, [6940, 868, 868]);
    assert_eq!(draft.labels, ["no advice", "weak advice", "strong advice"]);
    let classes = class_counts::<3>(&draft);
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
        draft.splits.iter().map(|(_, rows)| rows.iter().map(|row| row.text.expose()).collect()).collect();
    let distinct: usize = texts.iter().map(BTreeSet::len).sum();
    // One of the 12 repeated texts stands there a third time, but for the space behind it.
    assert_eq!(distinct, 8676 - 13, "no text in two splits");
    let note = "12 texts occur more than once, 2 of them with different labels";
    assert!(draft.notes.iter().any(|n| n.ends_with(note)), "{:?}", draft.notes);
    assert_eq!(read().splits, draft.splits);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn malformed_files_never_panic(
        bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..80),
            "[ab01\",\t\r\n{}:]{0,80}".prop_map(String::into_bytes),
            "text,label\n[ab01\",\t\r\n]{0,80}".prop_map(String::into_bytes),
            "(\\{\"text\":\"[a-c\"]{0,4}\",\"label\":[01\"{}]{0,3}\\}\n?){0,5}".prop_map(String::into_bytes),
        ],
    ) {
        let dir = tempfile::tempdir().unwrap();
        let git = ["train", "dev", "test"].map(|split| format!("renew_triplet_T_{split}.jsonl"));
        let names = ["train.json", "dev.json", "test.json", "medical_meadow_health_advice.json"];
        let names = names.into_iter().chain(git.iter().map(String::as_str)).chain(["drugsComTrain_raw.tsv"]);
        for name in names.chain(["Train/MedLine/1.xml", "Test/MedLine/1.xml"]) {
            put(dir.path(), name, &bytes);
        }
        for preset in PRESETS {
            for from in [dir.path().to_path_buf(), dir.path().join("train.json")] {
                prop_assert!(preset.import(&from, &Options::default(), &Cut::default()).is_err());
            }
        }
    }
}
