//! Rows for other programs: named columns of one type each, written as CSV or as Parquet.

use std::sync::Arc;

use anyhow::bail;
use parquet::basic::Compression;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use serde_json::Value;

/// The type of a column. A missing value is null: empty in CSV and null in Parquet.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// Text that every row has.
    Name,
    Text,
    Number,
    Whole,
    Flag,
}

pub(crate) struct Column {
    name: String,
    kind: Kind,
    values: Vec<Value>,
}

impl Column {
    /// A value for each row; a number that is not finite is missing.
    pub(crate) fn new<V: Into<Value>>(
        name: impl Into<String>,
        kind: Kind,
        values: impl IntoIterator<Item = V>,
    ) -> Column {
        Column { name: name.into(), kind, values: values.into_iter().map(Into::into).collect() }
    }
}

/// A header and a line per row.
pub(crate) fn csv(columns: &[Column]) -> anyhow::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(columns.iter().map(|column| &column.name))?;
    for row in 0..columns.first().map_or(0, |column| column.values.len()) {
        writer.serialize(columns.iter().map(|column| &column.values[row]).collect::<Vec<_>>())?;
    }
    Ok(writer.into_inner().map_err(|error| error.into_error())?)
}

/// The same as one Parquet file; `message` names its schema. Names are letters, digits and `_`.
pub(crate) fn parquet(message: &str, columns: &[Column]) -> anyhow::Result<Vec<u8>> {
    let mut schema = format!("message {message} {{");
    for Column { name, kind, .. } in columns {
        schema += &match kind {
            Kind::Name => format!("required binary {name} (utf8);"),
            Kind::Text => format!("optional binary {name} (utf8);"),
            Kind::Number => format!("optional double {name};"),
            Kind::Whole => format!("optional int64 {name};"),
            Kind::Flag => format!("optional boolean {name};"),
        };
    }
    let schema = Arc::new(parse_message_type(&(schema + "}"))?);
    let properties = WriterProperties::builder().set_compression(Compression::UNCOMPRESSED).build();
    let mut bytes = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, Arc::new(properties))?;
    let mut group = writer.next_row_group()?;
    for Column { kind, values, .. } in columns {
        let text = |value: &Value| value.as_str().map(ByteArray::from);
        match kind {
            Kind::Name => write::<ByteArrayType>(&mut group, values.iter().map(text), true)?,
            Kind::Text => write::<ByteArrayType>(&mut group, values.iter().map(text), false)?,
            Kind::Number => write::<DoubleType>(&mut group, values.iter().map(Value::as_f64), false)?,
            Kind::Whole => write::<Int64Type>(&mut group, values.iter().map(Value::as_i64), false)?,
            Kind::Flag => write::<BoolType>(&mut group, values.iter().map(Value::as_bool), false)?,
        }
    }
    group.close()?;
    writer.close()?;
    Ok(bytes)
}

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
