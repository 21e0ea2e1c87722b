//! The rows of a sweep for scripts: JSON, CSV and Parquet, made of the same lines.

use std::path::Path;
use std::sync::Arc;

use epee_exit::{Rule, SweepRow, Threshold};
use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use serde::Serialize;
use serde_json::Value;

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

/// One setting as flat columns; what a policy lacks, or no number has, is empty.
#[derive(Serialize)]
struct Line {
    file: String,
    policy: &'static str,
    setting: String,
    threshold: Option<f64>,
    patience: Option<i64>,
    exit: Option<i64>,
    accuracy: Option<f64>,
    macro_f1: Option<f64>,
    micro_f1: Option<f64>,
    saving: Option<f64>,
    ratio: Option<f64>,
    seconds: Option<f64>,
}

fn lines(found: &Found<'_>) -> Vec<Line> {
    let known = |value: f64| Some(value).filter(|value| value.is_finite());
    let whole = |value: usize| i64::try_from(value).ok();
    let line = |path: &Path, row: &SweepRow| Line {
        file: path.display().to_string(),
        policy: row.policy.kind().name(),
        setting: row.policy.to_string(),
        threshold: row.policy.threshold().and_then(Threshold::scalar),
        patience: row.policy.rule.patience().and_then(whole),
        exit: match &row.policy.rule {
            Rule::Fixed(fixed) => whole(fixed.exit),
            _ => None,
        },
        accuracy: known(row.accuracy),
        macro_f1: known(row.macro_f1),
        micro_f1: known(row.micro_f1),
        saving: known(row.saving),
        ratio: known(row.ratio),
        seconds: row.seconds,
    };
    found.iter().flat_map(|(path, rows)| rows.iter().map(move |row| line(path, row))).collect()
}

pub(super) fn csv(found: &Found<'_>) -> anyhow::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for line in lines(found) {
        writer.serialize(line)?;
    }
    Ok(writer.into_inner().map_err(|error| error.into_error())?)
}

const SCHEMA: &str = "message settings {
    required binary file (utf8);
    required binary policy (utf8);
    required binary setting (utf8);
    optional double threshold;
    optional int64 patience;
    optional int64 exit;
    optional double accuracy;
    optional double macro_f1;
    optional double micro_f1;
    optional double saving;
    optional double ratio;
    optional double seconds;
}";

pub(super) fn parquet(found: &Found<'_>) -> anyhow::Result<Vec<u8>> {
    let lines = lines(found);
    let schema = Arc::new(parse_message_type(SCHEMA)?);
    let properties = WriterProperties::builder().set_compression(Compression::UNCOMPRESSED).build();
    let mut bytes = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, Arc::new(properties))?;
    let mut group = writer.next_row_group()?;
    type Text = fn(&Line) -> &str;
    for text in [|l: &Line| l.file.as_str(), |l| l.policy, |l| l.setting.as_str()] as [Text; 3] {
        column::<ByteArrayType>(&mut group, lines.iter().map(|line| Some(ByteArray::from(text(line)))), true)?;
    }
    column::<DoubleType>(&mut group, lines.iter().map(|line| line.threshold), false)?;
    column::<Int64Type>(&mut group, lines.iter().map(|line| line.patience), false)?;
    column::<Int64Type>(&mut group, lines.iter().map(|line| line.exit), false)?;
    type Number = fn(&Line) -> Option<f64>;
    let numbers: [Number; 6] =
        [|l| l.accuracy, |l| l.macro_f1, |l| l.micro_f1, |l| l.saving, |l| l.ratio, |l| l.seconds];
    for number in numbers {
        column::<DoubleType>(&mut group, lines.iter().map(number), false)?;
    }
    group.close()?;
    writer.close()?;
    Ok(bytes)
}

/// Writes the next column.
fn column<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, &mut Vec<u8>>,
    values: impl Iterator<Item = Option<T::T>>,
    required: bool,
) -> anyhow::Result<()> {
    let values: Vec<Option<T::T>> = values.collect();
    let levels: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
    let values: Vec<T::T> = values.into_iter().flatten().collect();
    let Some(mut column) = group.next_column()? else { anyhow::bail!("the schema has fewer columns than a line") };
    column.typed::<T>().write_batch(&values, (!required).then_some(&levels), None)?;
    Ok(column.close()?)
}

#[cfg(test)]
mod tests {
    use epee_exit::{Grid, PolicyKind, Trace, TraceParts, sweep};
    use parquet::file::reader::{FileReader, SerializedFileReader};

    use super::*;

    fn rows() -> Vec<SweepRow> {
        let logits = vec![0.0, 1.0, 2.0, 0.0];
        let trace = Trace::new(TraceParts { exits: 2, classes: 2, logits, labels: vec![1], ..Default::default() });
        let kinds = [PolicyKind::Epee, PolicyKind::Fixed];
        sweep(&trace.unwrap(), &Grid::standard(2, 2).with_kinds(kinds)).unwrap()
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
