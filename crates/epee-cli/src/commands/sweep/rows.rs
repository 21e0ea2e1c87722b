//! The rows of a sweep for scripts: JSON, CSV and Parquet, made of the same lines.

use std::path::Path;

use epee_exit::{Rule, SweepRow, Threshold};
use serde_json::Value;

use crate::ui::{self, Column, Kind};

/// The settings of some traces.
pub(super) type Found<'a> = [(&'a Path, Vec<SweepRow>)];

/// A list of objects; each names its file where there are several.
pub(super) fn json(found: &Found<'_>) -> anyhow::Result<Vec<u8>> {
    let mut all = Vec::new();
    for (path, rows) in found {
        for row in rows {
            let mut value = serde_json::to_value(row)?;
            if let (true, Some(object)) = (found.len() > 1, value.as_object_mut()) {
                object.insert("file".to_owned(), path.display().to_string().into());
            }
            all.push(value);
        }
    }
    let mut bytes = serde_json::to_vec_pretty(&Value::Array(all))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// One setting a row; what a policy lacks, or no number has, is missing.
fn columns(found: &Found<'_>) -> Vec<Column> {
    let rows = || found.iter().flat_map(|(path, rows)| rows.iter().map(move |row| (*path, row)));
    let name = |name: &str, text: fn(&Path, &SweepRow) -> String| {
        Column::new(name, Kind::Name, rows().map(|(path, row)| text(path, row)))
    };
    let number = |name: &str, get: fn(&SweepRow) -> Option<f64>| {
        Column::new(name, Kind::Number, rows().map(|(_, row)| get(row)))
    };
    let whole = |name: &str, get: fn(&SweepRow) -> Option<usize>| {
        Column::new(name, Kind::Whole, rows().map(|(_, row)| get(row)))
    };
    let fixed = |row: &SweepRow| match &row.policy.rule {
        Rule::Fixed(fixed) => Some(fixed.exit),
        _ => None,
    };
    vec![
        name("file", |path, _| path.display().to_string()),
        name("policy", |_, row| row.policy.name().to_owned()),
        name("setting", |_, row| row.policy.to_string()),
        number("threshold", |row| row.policy.threshold().and_then(Threshold::scalar)),
        whole("patience", |row| row.policy.rule.patience()),
        whole("exit", fixed),
        number("accuracy", |row| Some(row.accuracy)),
        number("macro_f1", |row| Some(row.macro_f1)),
        number("micro_f1", |row| Some(row.micro_f1)),
        number("saving", |row| Some(row.saving)),
        number("ratio", |row| Some(row.ratio)),
        number("seconds", |row| row.seconds),
    ]
}

pub(super) fn csv(found: &Found<'_>) -> anyhow::Result<Vec<u8>> {
    ui::csv(&columns(found))
}

pub(super) fn parquet(found: &Found<'_>) -> anyhow::Result<Vec<u8>> {
    ui::parquet("settings", &columns(found))
}

#[cfg(test)]
mod tests {
    use epee_exit::{Grid, PolicyKind, sweep};
    use parquet::file::reader::{FileReader, SerializedFileReader};

    use super::*;
    use crate::flags::tests::trace;

    fn rows() -> Vec<SweepRow> {
        let kinds = [PolicyKind::Epee, PolicyKind::Fixed];
        sweep(&trace(), &Grid::standard(2, 2).with_kinds(kinds)).unwrap()
    }

    #[test]
    fn json_rows_name_their_file_only_among_several() {
        let a = Path::new("a");
        let one: Value = serde_json::from_slice(&json(&[(a, rows())]).unwrap()).unwrap();
        assert_eq!(
            (one[0]["policy"].as_str(), one[0]["patience"].as_u64(), one[0].get("file")),
            (Some("epee"), Some(1), None)
        );
        let two: Value = serde_json::from_slice(&json(&[(a, rows()), (Path::new("b"), rows())]).unwrap()).unwrap();
        assert_eq!((two[0]["file"].as_str(), two[rows().len()]["file"].as_str()), (Some("a"), Some("b")));
    }

    #[test]
    fn csv_and_parquet_hold_the_same_values() {
        let found = [(Path::new("dev.st"), rows())];
        let text = String::from_utf8(csv(&found).unwrap()).unwrap();
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let header = reader.headers().unwrap().clone();
        let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!(records.len(), rows().len());
        let file = SerializedFileReader::new(bytes::Bytes::from(parquet(&found).unwrap())).unwrap();
        assert_eq!(file.metadata().file_metadata().num_rows() as usize, rows().len());
        for (row, record) in file.get_row_iter(None).unwrap().zip(&records) {
            for ((name, field), (column, text)) in row.unwrap().get_column_iter().zip(header.iter().zip(record)) {
                assert_eq!(name, column);
                match field {
                    parquet::record::Field::Null => assert_eq!(text, ""),
                    parquet::record::Field::Double(value) => assert_eq!(text.parse::<f64>().unwrap(), *value, "{name}"),
                    parquet::record::Field::Str(value) => assert_eq!(text, value),
                    parquet::record::Field::Long(value) => assert_eq!(text, value.to_string()),
                    other => panic!("{name}: {other:?}"),
                }
            }
        }
    }
}
