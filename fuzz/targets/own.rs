//! People's own tables: CSV, TSV and JSONL; the first byte says which.
#![no_main]

use epee_data::Cut;
use epee_data::import::{Columns, Files, Format, OwnOptions};
use epee_data::write_dataset;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((&kind, data)) = data.split_first() else { return };
    let (format, name) = match kind % 4 {
        0 => (Format::Csv, "own.csv"),
        1 => (Format::Tsv, "own.tsv"),
        _ => (Format::Jsonl, "own.jsonl"),
    };
    let columns = Columns { pair: (kind & 4 != 0).then(|| "pair".to_owned()), ..Columns::new("text", "label") };
    let options = OwnOptions { columns, ..OwnOptions::default() };
    let path = epee_fuzz::put(name, data);
    let Ok(draft) = format.import(&Files::One(path), &options, &Cut::default()) else { return };
    if kind & 8 != 0 {
        let _ = write_dataset(&epee_fuzz::folder().join("dataset"), &draft, true);
    }
});
