//! Rows for other programs: named columns of one type each, written as CSV or as Parquet.

use std::sync::Arc;

use anyhow::bail;
use parquet::basic::Compression;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use serde::Serialize;

/// A column's values; what is missing is empty in CSV and null in Parquet.
pub(crate) enum Values {
    /// Text that every row has.
    Name(Vec<String>),
    Text(Vec<Option<String>>),
    Number(Vec<Option<f64>>),
    Whole(Vec<Option<i64>>),
    Flag(Vec<Option<bool>>),
}

/// One column.
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) values: Values,
}

impl Column {
    pub(crate) fn new(name: impl Into<String>, values: Values) -> Column {
        Column { name: name.into(), values }
    }

    /// A number a row; what is not finite is missing.
    pub(crate) fn numbers(name: impl Into<String>, values: impl Iterator<Item = Option<f64>>) -> Column {
        Column::new(name, Values::Number(values.map(|value| value.filter(|value| value.is_finite())).collect()))
    }

    fn rows(&self) -> usize {
        match &self.values {
            Values::Name(values) => values.len(),
            Values::Text(values) => values.len(),
            Values::Number(values) => values.len(),
            Values::Whole(values) => values.len(),
            Values::Flag(values) => values.len(),
        }
    }

    fn cell(&self, row: usize) -> Cell<'_> {
        match &self.values {
            Values::Name(values) => Cell::Text(Some(&values[row])),
            Values::Text(values) => Cell::Text(values[row].as_deref()),
            Values::Number(values) => Cell::Number(values[row]),
            Values::Whole(values) => Cell::Whole(values[row]),
            Values::Flag(values) => Cell::Flag(values[row]),
        }
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum Cell<'a> {
    Text(Option<&'a str>),
    Number(Option<f64>),
    Whole(Option<i64>),
    Flag(Option<bool>),
}

/// A header and a line per row.
pub(crate) fn csv(columns: &[Column]) -> anyhow::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(columns.iter().map(|column| &column.name))?;
    for row in 0..columns.first().map_or(0, Column::rows) {
        writer.serialize(columns.iter().map(|column| column.cell(row)).collect::<Vec<_>>())?;
    }
    Ok(writer.into_inner().map_err(|error| error.into_error())?)
}

/// The same as one Parquet file; `message` names its schema. Names are letters, digits and `_`.
pub(crate) fn parquet(message: &str, columns: &[Column]) -> anyhow::Result<Vec<u8>> {
    let mut schema = format!("message {message} {{");
    for Column { name, values } in columns {
        schema += &match values {
            Values::Name(_) => format!("required binary {name} (utf8);"),
            Values::Text(_) => format!("optional binary {name} (utf8);"),
            Values::Number(_) => format!("optional double {name};"),
            Values::Whole(_) => format!("optional int64 {name};"),
            Values::Flag(_) => format!("optional boolean {name};"),
        };
    }
    let schema = Arc::new(parse_message_type(&(schema + "}"))?);
    let properties = WriterProperties::builder().set_compression(Compression::UNCOMPRESSED).build();
    let mut bytes = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, Arc::new(properties))?;
    let mut group = writer.next_row_group()?;
    for Column { values, .. } in columns {
        match values {
            Values::Name(values) => {
                write::<ByteArrayType>(&mut group, values.iter().map(|v| Some(v.as_str().into())), true)?;
            }
            Values::Text(values) => {
                write::<ByteArrayType>(&mut group, values.iter().map(|v| v.as_deref().map(ByteArray::from)), false)?;
            }
            Values::Number(values) => write::<DoubleType>(&mut group, values.iter().copied(), false)?,
            Values::Whole(values) => write::<Int64Type>(&mut group, values.iter().copied(), false)?,
            Values::Flag(values) => write::<BoolType>(&mut group, values.iter().copied(), false)?,
        }
    }
    group.close()?;
    writer.close()?;
    Ok(bytes)
}

/// Writes the next column.
fn write<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, &mut Vec<u8>>,
    values: impl Iterator<Item = Option<T::T>>,
    required: bool,
) -> anyhow::Result<()> {
    let values: Vec<Option<T::T>> = values.collect();
    let levels: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
    let values: Vec<T::T> = values.into_iter().flatten().collect();
    let Some(mut column) = group.next_column()? else { bail!("the schema has fewer columns than a row") };
    column.typed::<T>().write_batch(&values, (!required).then_some(&levels), None)?;
    Ok(column.close()?)
}
