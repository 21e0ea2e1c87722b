use std::path::Path;

use crate::Draft;
use crate::import::published::{Options, RatingCut};
use crate::testing::{assert_notes, class_counts, import, names, sizes};
use epee_testing::{check_refusals, put, shared_data};

/// Rows of these ids, ratings in turn from 1 to 10; `separator` between columns, the first named `id`.
fn file(id: Option<&str>, separator: &str, ids: std::ops::Range<usize>) -> String {
    let mut head = vec!["drugName", "condition", "review", "rating", "date", "usefulCount"];
    head.splice(0..0, id);
    let mut text = head.join(separator) + "\n";
    for i in ids {
        let (number, rating) = (i.to_string(), (i % 10 + 1).to_string());
        let review = format!("\"\"\"It&#039;s{separator} {i}\nsaid \"\"me\"\"\"\"\"");
        let mut row = vec!["Zinc", "Pain", &review, &rating, "20-May-12", "3"];
        row.splice(0..0, id.map(|_| number.as_str()));
        text += &(row.join(separator) + "\n");
    }
    text
}

fn read(path: &Path, dir: &Path, options: &Options) -> Result<Draft, String> {
    import("drug-review", path, dir, options).map_err(|error| error.replace("drugsComTrain_raw.", ""))
}

fn cut(text: &str) -> Options {
    Options { rating_cut: Some(text.parse().unwrap()), ..Options::default() }
}

#[test]
fn parts_are_one_and_the_cut_is_an_option() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| put(dir.path(), &format!("drugsComTrain_raw.{name}"), text);
    write("part1.csv", file(Some("ID"), ",", 0..60));
    write("part2.csv", file(Some("uniqueID"), ",", 40..100));
    write("part3.tsv", file(Some(""), "\t", 100..200));
    let draft = read(dir.path(), dir.path(), &Options::default()).unwrap();
    assert_eq!(draft.labels, ["negative", "positive"]);
    // Of ten ratings two, 5 and 6, lie between.
    assert_eq!(sizes(&draft), [128, 16, 16]);
    let first = draft.splits.iter().flat_map(|(_, rows)| rows).find(|row| row.id == "0").unwrap();
    assert_eq!((first.text.expose(), first.label), ("It's, 0\nsaid \"me\"", Some(0)));
    let note = "220 rows read, 20 of them there already by their id, 0 without a review, \
                40 dropped between the ratings of 7 and above, positive, and 4 and below, negative; the paper dropped none";
    assert_notes(&draft, &[note]);
    let draft = read(dir.path(), dir.path(), &cut("5")).unwrap();
    assert_eq!(sizes(&draft), [160, 20, 20]);
    let six = draft.splits.iter().flat_map(|(_, rows)| rows).find(|row| row.id == "5").unwrap();
    assert_eq!(six.label, Some(1));
    for bad in ["", "4,7", "7,7", "0,5", "11", "a"] {
        assert!(bad.parse::<RatingCut>().is_err(), "{bad}");
    }
}

#[test]
fn ucis_own_files_bring_a_test_split() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "drugsComTrain_raw.tsv", file(Some(""), "\t", 0..90));
    put(dir.path(), "drugsComTrain_raw.part1.csv", file(Some("ID"), ",", 0..10));
    put(dir.path(), "drugsComTest_raw.tsv", file(Some(""), "\t", 90..120));
    let draft = read(dir.path(), dir.path(), &cut("5")).unwrap();
    assert_eq!((names(&draft), sizes(&draft)), (vec!["train", "dev", "test"], vec![80, 10, 30]));
    // A file without ids, alone.
    put(dir.path(), "other.csv", file(None, ",", 0..20));
    let draft = read(&dir.path().join("other.csv"), dir.path(), &cut("5")).unwrap();
    assert_eq!(sizes(&draft), [16, 2, 2]);
    assert!(draft.splits[0].1[0].id.starts_with("other-"));
}

#[test]
fn what_is_wrong_is_said_with_file_and_line() {
    let dir = tempfile::tempdir().unwrap();
    let part = |name: &str, text: &str| put(dir.path(), &format!("drugsComTrain_raw.{name}"), text);
    let none = read(dir.path(), dir.path(), &Options::default()).unwrap_err();
    assert!(none.contains("expected drugsComTrain_raw.tsv, or") || none.contains("expected tsv, or"), "{none}");
    part("part1.csv", &file(Some("ID"), ",", 0..10));
    let error = |text: &str| {
        part("part2.csv", text);
        read(dir.path(), dir.path(), &Options::default()).unwrap_err()
    };
    let good = file(Some("uniqueID"), ",", 5..12);
    let refuse = |(from, to): (String, String)| error(&good.replace(&from, &to));
    check_refusals(include_str!("drug_review.json"), refuse);
    assert_eq!(error(&good[..good.len() - 40]), "part2.csv:14: a quote is opened and never closed");
    assert_eq!(error(&good[..good.len() - 12]), "part2.csv:14: expected 7 columns, got 6");
    assert_eq!(error(""), "part2.csv: the file is empty");
}

#[test]
fn drug_review_parts_have_their_counts() {
    let Some(path) = shared_data("drug_review_parts_have_their_counts", "drug_review") else { return };
    let classes = |options: &Options| {
        let draft = read(&path, &path, options).unwrap();
        assert!(draft.splits.iter().flat_map(|(_, rows)| rows).all(|row| !row.text.expose().contains("&#039;")));
        class_counts::<2>(&draft)
    };
    let total = |splits: &[[usize; 2]]| [0, 1].map(|class| splits.iter().map(|split| split[class]).sum::<usize>());
    let usual = classes(&Options::default());
    assert_eq!(total(&usual), [1432, 3727], "{usual:?}");
    assert_eq!(usual, [[1146, 2981], [143, 373], [143, 373]]);
    let whole = classes(&cut("5"));
    assert_eq!(total(&whole), [1714, 3955], "{whole:?}");
    assert_eq!(whole, [[1372, 3163], [171, 396], [171, 396]]);
}
