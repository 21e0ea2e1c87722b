//! Importers of published datasets; the first byte says which.
#![no_main]

use epee_data::Cut;
use epee_data::import::published::{Options, preset};
use epee_fuzz::{folder, parts, put};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((&kind, data)) = data.split_first() else { return };
    let [a, b, c] = parts(data);
    let (name, from) = match kind % 7 {
        0 => ("mimic", put("notes.csv", a)),
        1 => ("supplement", put("notes.csv", a)),
        2 => ("drug-review", put("reviews.tsv", a)),
        3 => ("health-advice", put("advice.json", a)),
        4 => {
            put("ddi/Train/DrugBank/a.xml", a);
            put("ddi/Test/Test for DDI Extraction task/MedLine/b.xml", b);
            ("ddi", folder().join("ddi"))
        }
        5 => {
            for (split, part) in [("train", a), ("dev", b), ("test", c)] {
                put(&format!("git/renew_triplet_T_{split}.jsonl"), part);
            }
            ("git", folder().join("git"))
        }
        _ => {
            for (split, part) in [("train", a), ("dev", b), ("test", c)] {
                put(&format!("phee/{split}.json"), part);
            }
            ("phee", folder().join("phee"))
        }
    };
    let preset = preset(name).expect("a preset of this name");
    let _ = preset.import(&from, &Options::default(), &Cut::default());
});
