use crate::Draft;
use crate::import::published::Options;
use crate::testing::{import, names, sizes};
use epee_testing::put;

fn read(name: &str, csv: &str) -> Result<Draft, String> {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "a.csv", csv);
    import(name, &dir.path().join("a.csv"), dir.path(), &Options::default())
}

const STATUS: [&str; 4] = ["Continuing", "Discontinued", "Started", "Uncertain"];

#[test]
fn splits_are_the_files_or_cut() {
    let rows = |split: &dyn Fn(usize) -> &'static str| -> String {
        (0..40).map(|i| format!("n{i},\"took, {i}\",{}{}\n", STATUS[i % 4], split(i))).collect()
    };
    let draft = read("supplement", &format!("id,text,label\n{}", rows(&|_| ""))).unwrap();
    assert_eq!(draft.labels, STATUS);
    assert_eq!((names(&draft), sizes(&draft)), (vec!["train", "dev", "test"], vec![32, 4, 4]));
    let three = |i: usize| match i {
        0..20 => ",train",
        20..30 => ",dev",
        _ => ",test",
    };
    let draft = read("supplement", &format!("id,text,label,split\n{}", rows(&three))).unwrap();
    assert_eq!((names(&draft), sizes(&draft)), (vec!["train", "dev", "test"], vec![20, 10, 10]));
    let row = &draft.splits[1].1[0];
    assert_eq!(
        (row.id.as_str(), row.text.as_str(), row.label, row.pair.as_deref()),
        ("n20", "took, 20", Some(0), None)
    );
    let two = |i: usize| if i < 36 { ",train" } else { ",test" };
    let draft = read("mimic", &format!("id,text,label,split\n{}", rows(&two)).replace("Continuing", "zz")).unwrap();
    assert_eq!((names(&draft), sizes(&draft)), (vec!["train", "dev", "test"], vec![32, 4, 4]));
    assert_eq!(draft.labels, ["Discontinued", "Started", "Uncertain", "zz"]);
}

#[test]
fn what_is_wrong_is_said_with_its_line() {
    let error = |name: &str, csv: &str| read(name, csv).unwrap_err();
    let good = "text,label,split\na,Continuing,train\nb,Discontinued,train\nc,Started,train\nd,Uncertain,train\n";
    assert_eq!(error("mimic", "text,label\na,x\nb,y\nc,z\n"), "a.csv: expected 4 classes, got 3: `x`, `y`, `z`");
    assert_eq!(
        error("supplement", &format!("{good}e,Stopped,train\n")),
        "a.csv:6: expected a label out of `Continuing`, `Discontinued`, `Started`, `Uncertain`, got `Stopped`"
    );
    assert_eq!(
        error("supplement", &format!("{good}e,Started,holdout\n")),
        "a.csv:6: expected a split out of `train`, `dev`, `test`, got `holdout`"
    );
    assert_eq!(error("supplement", "note,label\na,x\n"), "a.csv: no column `text`, the header has `note`, `label`");
    assert_eq!(error("mimic", &format!("{good}\"e,Started,train\n")), "a.csv:6: a quote is opened and never closed");
    assert_eq!(error("mimic", ""), "a.csv: the file is empty");
}
