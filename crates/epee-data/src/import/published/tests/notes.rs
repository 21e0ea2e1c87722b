use crate::Draft;
use crate::import::published::Options;
use crate::testing::{import, names, sizes};
use epee_input::SampleText;
use epee_testing::{check_refusals, put};

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
        (row.id.as_str(), row.text.expose(), row.label, row.pair.as_ref().map(SampleText::expose)),
        ("n20", "took, 20", Some(0), None)
    );
    let two = |i: usize| if i < 36 { ",train" } else { ",test" };
    let draft = read("mimic", &format!("id,text,label,split\n{}", rows(&two)).replace("Continuing", "zz")).unwrap();
    assert_eq!((names(&draft), sizes(&draft)), (vec!["train", "dev", "test"], vec![32, 4, 4]));
    assert_eq!(draft.labels, ["Discontinued", "Started", "Uncertain", "zz"]);
}

#[test]
fn what_is_wrong_is_said_with_its_line() {
    let refuse = |(name, csv): (String, String)| read(&name, &csv).unwrap_err();
    check_refusals(include_str!("notes.json"), refuse);
}
