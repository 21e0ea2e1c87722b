use std::fs;
use std::path::Path;

use crate::import::published::{GitSplits, Options, Repeats, preset};
use crate::testing::{assert_notes, import, sizes};
use crate::{Draft, write_dataset};
use epee_testing::{put, shared_data};

fn line(predicate: &str, subject: &str, sentence: &str) -> String {
    format!(
        "{{\"PREDICATE\": \"{predicate}\", \"SUBJECT_TEXT\": \"{subject}\", \"OBJECT_TEXT\": \"rats\", \
         \"SENTENCE\": \"{sentence}\"}}\n"
    )
}

fn read(dir: &Path, options: &Options) -> Result<Draft, String> {
    import("git", dir, dir, options).map_err(|error| error.replace("renew_triplet_T_", ""))
}

/// Train leaks a row into the file called dev, the file called test holds each row twice.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| put(dir.path(), &format!("renew_triplet_T_{name}.jsonl"), text);
    write(
        "train",
        line("TREATS", "zinc", "a  zinc  b") + "\n" + &line("AFFECTS", "iron", "c") + &line("AFFECTS", "x", "d"),
    );
    write("dev", line("TREATS", "zinc", "a  zinc  b"));
    write("test", line("AFFECTS", "tonin", "e").repeat(2));
    dir
}

#[test]
fn splits_separator_repeats_and_leaks_are_options() {
    let dir = folder();
    let draft = read(dir.path(), &Options::default()).unwrap();
    assert_eq!(draft.labels, ["AFFECTS", "TREATS"]);
    assert_eq!(sizes(&draft), [3, 1, 1]);
    let [(_, train), (_, dev), (_, test)] = draft.splits.as_slice() else { panic!("three splits") };
    assert_eq!(train[0].text, "zinc [SEP] rats [SEP] a  zinc  b");
    assert_eq!((train[1].id.as_str(), train[1].label), ("train-3", Some(0)));
    assert_eq!((dev[0].id.as_str(), dev[0].text.expose()), ("dev-1", "tonin [SEP] rats [SEP] e"));
    assert_eq!(test[0].label, Some(1));
    let notes = ["texts that occur in both train and test: 1", "dropped 1 of 2 dev rows, which repeat an earlier one"];
    assert_notes(&draft, &notes);

    let files = Options { git_splits: Some(GitSplits::Files), repeats: Some(Repeats::Keep), ..Options::default() };
    assert_eq!(sizes(&read(dir.path(), &files).unwrap()), [3, 1, 2]);
    let bar = Options { separator: Some("|".into()), drop_leaks: true, ..Options::default() };
    let draft = read(dir.path(), &bar).unwrap();
    assert_eq!(sizes(&draft), [2, 1, 1]);
    assert_eq!(draft.splits[0].1[0].text, "iron | rats | c");
}

#[test]
fn what_is_wrong_is_said_with_file_and_line() {
    let dir = folder();
    let error = |text: &str| {
        put(dir.path(), "renew_triplet_T_train.jsonl", text);
        read(dir.path(), &Options::default()).unwrap_err()
    };
    let good = line("TREATS", "zinc", "a") + &line("AFFECTS", "zinc", "b");
    let cut = error(&format!("{good}{}", &line("TREATS", "iron", "c")[..40]));
    assert!(cut.starts_with("train.jsonl:3: EOF while parsing"), "{cut}");
    let missing = error(&format!("{good}{{\"PREDICATE\": \"TREATS\"}}"));
    assert!(missing.starts_with("train.jsonl:3: missing field `SUBJECT_TEXT`"), "{missing}");
    assert_eq!(
        error(&(good.clone() + &line("TREATS", " ", "c"))),
        "train.jsonl:3: expected text in `SUBJECT_TEXT`, got none"
    );
    assert!(error(&line("TREATS", "zinc", "a").repeat(2)).starts_with("train.jsonl: expected at least two classes"));
    fs::remove_file(dir.path().join("renew_triplet_T_dev.jsonl")).unwrap();
    put(dir.path(), "renew_triplet_T_train.jsonl", good);
    assert!(read(dir.path(), &Options::default()).unwrap_err().starts_with("cannot read dev.jsonl: No such file"));
}

#[test]
fn git_has_the_papers_counts() {
    let Some(path) = shared_data("git_has_the_papers_counts", "git") else { return };
    let paper = preset("git").unwrap().paper;
    let draft = read(&path, &Options::default()).unwrap();
    assert_eq!(sizes(&draft), [paper.train, paper.dev, paper.test]);
    assert_eq!(draft.labels.len(), 22);
    assert_eq!((draft.labels[0].as_str(), draft.labels[21].as_str()), ("ADMINISTERED_TO", "USES"));
    let notes = [
        "texts that occur in both train and dev: 1",
        "texts that occur in both train and test: 3",
        "texts that occur in both dev and test: 27",
        "dropped 465 of 930 dev rows, which repeat an earlier one, with its label",
    ];
    assert_notes(&draft, &notes);
    assert!(
        draft.splits[2].1[0]
            .text
            .expose()
            .starts_with("colchicine [SEP] protein subunits [SEP] the finding that  colchicine")
    );
    let clean = read(&path, &Options { drop_leaks: true, ..Options::default() }).unwrap();
    assert_eq!(sizes(&clean), [3731, 438, 492]);
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(write_dataset(dir.path(), &draft, false).unwrap().split("dev").unwrap().examples, draft.splits[1].1);
}
