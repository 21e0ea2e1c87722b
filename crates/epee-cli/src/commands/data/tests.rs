use std::fs;
use std::path::Path;

use clap::Parser;
use epee_data::Dataset;
use epee_testing::{check_refusals, put};

use super::{Args, run};
use crate::ui::{Format, Ui};

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    data: Args,
}

/// Runs `epee data` with these words, `DIR` in them standing for `dir`.
fn data(dir: &Path, words: &str) -> Result<(), String> {
    let dir = dir.display().to_string();
    let words = words.split(' ').map(|word| word.replace("DIR", &dir));
    let cli =
        Cli::try_parse_from(std::iter::once("data".to_owned()).chain(words)).map_err(|error| error.to_string())?;
    let ui = Ui { format: Format::Json };
    run(&cli.data, ui).map_err(|error| crate::hints::text(&error).replace(&format!("{dir}/"), ""))
}

/// A folder with `own.csv`: forty rows, two classes.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let rows: String = (0..40).map(|i| format!("{},\"note, {i}\"\n", i % 2)).collect();
    fs::write(dir.path().join("own.csv"), format!("class,note\n{rows}")).unwrap();
    dir
}

const OWN: &str = "import csv --text note --label class --out DIR/out --from DIR/own.csv";

#[test]
fn own_files_are_imported_once_and_again_with_force() {
    let dir = folder();
    data(dir.path(), OWN).unwrap();
    let dataset = Dataset::open(dir.path().join("out")).unwrap();
    assert_eq!(dataset.info().name, "out");
    assert_eq!(dataset.split_names(), ["train", "dev", "test"]);
    assert_eq!(dataset.split("train").unwrap().examples.len(), 32);
    assert_eq!(
        data(dir.path(), OWN).unwrap_err(),
        "out already holds something\nhint: choose another folder with --out, or pass --force"
    );
    data(dir.path(), &format!("{OWN} --force --fractions 0.5,0.25,0.25")).unwrap();
    let dataset = Dataset::open(dir.path().join("out")).unwrap();
    assert_eq!(dataset.split("train").unwrap().examples.len(), 20);
    data(dir.path(), "inspect DIR/out").unwrap();
    data(dir.path(), "list").unwrap();
}

#[test]
fn options_of_a_dataset_reach_its_importer() {
    let dir = tempfile::tempdir().unwrap();
    let line = |predicate: &str, subject: &str| {
        format!(
            "{{\"PREDICATE\":\"{predicate}\",\"SUBJECT_TEXT\":\"{subject}\",\"OBJECT_TEXT\":\"o\",\"SENTENCE\":\"s\"}}\n"
        )
    };
    let write = |name: &str, text: String| {
        fs::write(dir.path().join(format!("renew_triplet_T_{name}.jsonl")), text).unwrap();
    };
    write("train", line("A", "x") + &line("B", "y") + &line("B", "z"));
    write("dev", line("A", "d"));
    write("test", line("B", "z").repeat(2));
    data(
        dir.path(),
        "import git --from DIR --git-splits files --separator | --repeats keep --drop-leaks --out DIR/out",
    )
    .unwrap();
    let dataset = Dataset::open(dir.path().join("out")).unwrap();
    let texts: Vec<_> = dataset.split("train").unwrap().examples.into_iter().map(|row| row.text).collect();
    assert_eq!(texts, ["x | o | s", "y | o | s"]);
    assert_eq!(dataset.split("test").unwrap().examples.len(), 2);
    assert!(dataset.info().notes.iter().any(|note| note.starts_with("dropped 1 of 3")));
}

#[test]
fn cells_are_drawn_and_inspected() {
    let dir = tempfile::tempdir().unwrap();
    let words = "synth --task vision --pixels 16 --train 80 --dev 40 --test 40 --out DIR/cells";
    data(dir.path(), words).unwrap();
    let dataset = Dataset::open(dir.path().join("cells")).unwrap();
    let train = dataset.split("train").unwrap().examples;
    assert_eq!(train[0].image.as_ref().map(|image| (image.width, image.channels)), Some((16, 3)));
    data(dir.path(), "inspect DIR/cells").unwrap();
}

#[test]
fn what_the_user_can_fix_is_said_and_nothing_is_written() {
    let dir = folder();
    put(dir.path(), "columns.csv", "class,note\n0,a\n1,b, c\n");
    put(dir.path(), "quote.csv", "class,note\n0,a\n1,\"b\n");
    fs::create_dir(dir.path().join("empty")).unwrap();
    let refused = |words: String| {
        let message = data(dir.path(), &words).unwrap_err();
        assert!(!dir.path().join("out").exists(), "{words}");
        message
    };
    check_refusals(include_str!("refusals.json"), refused);
    let git = "import git --from DIR --git-splits mine --out DIR/out";
    let ddi = "import ddi --from DIR --negative-filter names --out DIR/out";
    for (words, part) in [
        (ddi.to_owned(), "expected none, all or some of same-name"),
        (git.to_owned(), "expected paper or files, got `mine`"),
        (format!("{OWN} --fractions 0.5,0.5,0.5"), "expected fractions that add up to 1, got 1.5"),
        (format!("{OWN} --train DIR/own.csv"), "cannot be used with"),
    ] {
        let message = refused(words);
        assert!(message.contains(part), "{message}");
    }
}
