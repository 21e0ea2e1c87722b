use std::fs;
use std::path::Path;

use zip::CompressionMethod;

use crate::Draft;
use crate::import::published::{Entities, NegativeFilter, Options, preset};
use crate::testing::{assert_notes, class_counts, import, names, zip};
use crate::{Cut, Fractions};
use epee_testing::{check_refusals, put, shared_data};

const SENTENCE: &str = "Alpha- and beta-blockers (BB), such as zinc &amp; iron, raise ZINC.&#xd;&#xa;";

/// A document with that sentence: its drugs and pairs of them by number, with what is said of each pair.
fn document(id: &str, pairs: &[(usize, usize, &str)]) -> String {
    let entities = [
        ("0-5;16-23", "group", "Alpha-blockers"),
        ("11-23", "group", "beta-blockers"),
        ("26-27", "brand", "BB"),
        ("39-42", "drug", "zinc"),
        ("46-49", "drug", "iron"),
        ("58-61", "drug", "ZINC"),
    ];
    let mut xml =
        format!("<?xml version=\"1.0\"?>\n<document id=\"{id}\">\n<sentence id=\"{id}.s0\" text=\"{SENTENCE}\">\n");
    for (i, (offsets, kind, text)) in entities.iter().enumerate() {
        xml += &format!("<entity id=\"{id}.e{i}\" charOffset=\"{offsets}\"\n type=\"{kind}\" text=\"{text}\"/>\n");
    }
    for (i, (a, b, said)) in pairs.iter().enumerate() {
        xml += &format!("<pair id=\"{id}.p{i}\" e1=\"{id}.e{a}\" e2=\"{id}.e{b}\" {said}/>\n");
    }
    xml + "</sentence>\n<sentence id=\"x\" text=\"None.\"/></document>\n"
}

const NO: &str = "ddi=\"false\"";

fn said(kind: &str) -> String {
    format!("ddi=\"true\" type=\"{kind}\"")
}

/// Four training documents, one for test, and one of the other task, which no parser would take.
fn files() -> Vec<(String, String)> {
    let kinds = ["mechanism", "effect", "advise", "int"].map(said);
    let pairs = [(0, 1, NO), (0, 3, &kinds[0]), (1, 3, &kinds[1]), (3, 4, &kinds[2]), (2, 5, &kinds[3]), (3, 5, NO)];
    let mut files: Vec<(String, String)> =
        (0..4).map(|i| (format!("C/Train/DrugBank/{i}.xml"), document(&format!("d{i}"), &pairs))).collect();
    files[0].1 = document("d0", &[pairs.as_slice(), &[(1, 2, NO), (4, 5, "ddi=\"true\"")]].concat());
    files.push(("C/Test/Test for DDI Extraction task/MedLine/t.xml".into(), document("t", &pairs[..2])));
    files.push(("C/Test/Test for DrugNER task/MedLine/t.xml".into(), "no XML".into()));
    files
}

fn zipped(dir: &Path, files: &[(String, String)]) {
    fs::write(dir.join("c.zip"), zip(files, CompressionMethod::Deflated)).unwrap();
}

fn read(path: &Path, options: &Options) -> Result<Draft, String> {
    import("ddi", path, path.parent().unwrap(), options)
}

/// The training and dev text of this pair.
fn text(draft: &Draft, id: &str) -> String {
    draft.splits.iter().flat_map(|(_, rows)| rows).find(|row| row.id == id).unwrap().text.expose().to_owned()
}

#[test]
fn a_zip_and_its_folder_read_alike_with_documents_whole() {
    let dir = tempfile::tempdir().unwrap();
    zipped(dir.path(), &files());
    for (name, text) in files() {
        put(dir.path(), &name, text);
    }
    let cut = Cut { fractions: Fractions::new(0.5, 0.25, 0.25).unwrap(), ..Cut::default() };
    let read = |name: &str| preset("ddi").unwrap().import(&dir.path().join(name), &Options::default(), &cut).unwrap();
    let draft = read("c.zip");
    assert_eq!(draft.splits, read("C").splits);
    assert_eq!(draft.labels, ["negative", "mechanism", "effect", "advise", "int"]);
    assert_eq!(names(&draft), ["train", "dev", "test"]);
    let documents = |split: usize| -> std::collections::BTreeSet<&str> {
        draft.splits[split].1.iter().map(|row| &row.id[..2]).collect()
    };
    assert!(documents(0).is_disjoint(&documents(1)) && documents(1).len() == 1);
    let labels: Vec<_> = draft.splits[2].1.iter().map(|row| row.label.unwrap()).collect();
    assert_eq!(labels, [0, 1]);
    let pairs = "26 and 2 pairs in train and test: 26 train of DrugBank, 2 test of MedLine";
    assert_notes(&draft, &[pairs, "1 interacting pairs without a type left out"]);
}

#[test]
fn drugs_are_marked_typed_or_blinded_piece_by_piece() {
    let dir = tempfile::tempdir().unwrap();
    zipped(dir.path(), &files());
    let shown = |entities, id: &str| {
        text(&read(&dir.path().join("c.zip"), &Options { entities: Some(entities), ..Options::default() }).unwrap(), id)
    };
    let tail = "(BB), such as zinc & iron, raise ZINC.";
    assert_eq!(shown(Entities::Markers, "d1.p0"), format!("@ Alpha- @ and # beta-@ blockers @ # {tail}"));
    assert_eq!(
        shown(Entities::Markers, "d1.p5"),
        "Alpha- and beta-blockers (BB), such as @ zinc @ & iron, raise # ZINC #."
    );
    assert_eq!(
        shown(Entities::Typed, "d1.p4"),
        "Alpha- and beta-blockers (@ * brand * BB @), such as zinc & iron, raise # ^ drug ^ ZINC #."
    );
    assert_eq!(shown(Entities::Blind, "d1.p0"), "DRUG1 and DRUG2 (DRUG0), such as DRUG0 & DRUG0, raise DRUG0.");
    assert_eq!(shown(Entities::Blind, "d1.p3"), "DRUG0 and DRUG0 (DRUG0), such as DRUG1 & DRUG2, raise DRUG0.");
}

#[test]
fn filters_drop_by_name_and_by_what_stands_between() {
    let dir = tempfile::tempdir().unwrap();
    zipped(dir.path(), &files());
    let left = |filter: &str| {
        let negative_filter = Some(filter.parse().unwrap());
        let draft = read(&dir.path().join("c.zip"), &Options { negative_filter, ..Options::default() }).unwrap();
        let ids = draft.splits.iter().flat_map(|(_, rows)| rows).map(|row| row.id.clone());
        let mut ids: Vec<String> = ids.filter(|id| id.starts_with("d0")).collect();
        ids.sort();
        (ids.join(" ").replace("d0.p", ""), draft.notes)
    };
    assert_eq!(left("none").0, "0 1 2 3 4 5 6");
    assert_eq!(left("same-name").0, "0 1 2 3 4 6");
    assert_eq!(left("abbreviation").0, "0 1 2 3 4 5");
    assert_eq!(left("special-case").0, "0 3 4 5 6");
    assert_eq!(left("overlap,same-name").0, "1 2 3 4 6");
    let (_, notes) = left("overlap");
    let note = "negative filter overlap: 4 and 1 pairs of train and test dropped, 0 and 0 of them interacting";
    assert!(notes.iter().any(|n| n.starts_with(note)), "{notes:?}");
    assert!(
        "lists"
            .parse::<NegativeFilter>()
            .unwrap_err()
            .to_string()
            .starts_with("expected none, all or some of same-name")
    );
}

#[test]
fn lists_are_of_three_or_more() {
    use super::filter::{Rule, rules};
    let pairs = |text: &str, drugs: &[&str]| -> Vec<bool> {
        let mut xml = format!("<document><sentence text=\"{text}\">");
        for (i, drug) in drugs.iter().enumerate() {
            let from = text.find(drug).unwrap();
            xml += &format!(
                "<entity id=\"{i}\" type=\"drug\" text=\"{drug}\" charOffset=\"{from}-{}\"/>",
                from + drug.len() - 1
            );
        }
        for i in 1..drugs.len() {
            xml += &format!("<pair id=\"p{i}\" e1=\"{}\" e2=\"{i}\" ddi=\"false\"/>", i - 1);
        }
        let read = super::xml::pairs(Path::new("x"), &(xml + "</sentence></document>")).unwrap();
        read.iter().map(|pair| rules(pair).contains(&Rule::List)).collect()
    };
    assert_eq!(pairs("zinc and iron", &["zinc", "iron"]), [false]);
    assert_eq!(pairs("zinc, iron, and/or copper", &["zinc", "iron", "copper"]), [true, true]);
    assert_eq!(pairs("zinc, iron or copper raise lead", &["zinc", "iron", "copper", "lead"]), [true, true, false]);
    assert_eq!(pairs("zinc. Iron, copper", &["zinc", "Iron", "copper"]), [false, false]);
}

#[test]
fn what_is_wrong_is_said_with_entry_and_line() {
    let dir = tempfile::tempdir().unwrap();
    let error = |change: &dyn Fn(&str) -> String| {
        let mut files = files();
        files[1].1 = change(&files[1].1);
        zipped(dir.path(), &files);
        read(&dir.path().join("c.zip"), &Options::default()).unwrap_err()
    };
    let at = "c.zip/C/Train/DrugBank/1.xml";
    let cut = error(&|xml| xml[..xml.len() - 60].to_owned());
    assert!(cut.starts_with(&format!("{at}:21: ")), "{cut}");
    let cut = error(&|xml| xml[..xml.find("<pair").unwrap()].to_owned());
    assert_eq!(cut, format!("{at}:16: the XML is cut short: 2 elements are not closed"));
    assert_eq!(error(&|_| "text".into()), format!("{at}: expected XML, got no element"));
    let refuse = |(from, to): (String, String)| error(&|xml| xml.replace(&from, &to));
    check_refusals(include_str!("refusals.json"), refuse);
    let huge = error(&|_| " ".repeat(17 << 20));
    assert_eq!(huge, "c.zip: entry `C/Train/DrugBank/1.xml`: expected at most 16777216 bytes, got 17825792");
    zipped(dir.path(), &files()[..4]);
    let none = read(&dir.path().join("c.zip"), &Options::default()).unwrap_err();
    assert_eq!(none, "c.zip: expected XML files under `Test/Test for DDI Extraction task`, got none");
    let whole = fs::read(dir.path().join("c.zip")).unwrap();
    fs::write(dir.path().join("c.zip"), &whole[..whole.len() / 2]).unwrap();
    let cut = read(&dir.path().join("c.zip"), &Options::default()).unwrap_err();
    assert!(cut.starts_with("c.zip: expected a whole zip file: "), "{cut}");
}

#[test]
fn ddi_has_the_corpus_counts() {
    let Some(path) = shared_data("ddi_has_the_corpus_counts", "ddi/DDICorpus-2013.zip") else { return };
    let draft = read(&path, &Options::default()).unwrap();
    let [train, dev, test] = class_counts::<5>(&draft)[..] else { panic!("three splits") };
    assert_eq!([0, 1, 2, 3, 4].map(|class| train[class] + dev[class]), [23771, 1319, 1687, 826, 188]);
    assert_eq!(test, [4737, 302, 360, 221, 96]);
    assert_notes(&draft, &["27792 and 5716 pairs in train and test: "]);
    let filtered =
        read(&path, &Options { negative_filter: Some(NegativeFilter::all()), ..Options::default() }).unwrap();
    assert_eq!(
        class_counts(&filtered),
        [[11843, 1117, 1460, 664, 145], [1361, 187, 176, 135, 43], [2535, 301, 338, 216, 94]]
    );
    let notes = [
        "1 interacting pairs without a type left out: their class is not known",
        "negative filters, pairs left in train with dev and in test: same-name leaves 25802 and 5334, \
         abbreviation leaves 27611 and 5668, special-case leaves 26470 and 5360, list leaves 20552 and 4254, \
         overlap leaves 27745 and 5709, all leave 17132 and 3484; the paper has 12841 and 3020",
        "negative filter all: 10660 and 2232 pairs of train and test dropped, 93 and 30 of them interacting; \
         entities markers",
    ];
    assert_notes(&filtered, &notes);
    for entities in [Entities::Blind, Entities::Typed] {
        let draft = read(&path, &Options { entities: Some(entities), ..Options::default() }).unwrap();
        let signs: [&str; 2] = if entities == Entities::Blind { ["DRUG1", "DRUG2"] } else { ["@ * ", "# ^ "] };
        for row in draft.splits.iter().flat_map(|(_, rows)| rows) {
            assert!(signs.iter().all(|sign| row.text.expose().contains(sign)), "{}: {}", row.id, row.text.expose());
        }
    }
}
