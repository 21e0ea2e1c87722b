//! TensorBoard's event files: records of `Event` messages (tensorboard/compat/proto/event.proto), each framed as
//! `length u64, crc(length) u32, message, crc(message) u32`, little-endian, with masked CRC-32C.
//!
//! A process that resumes a run starts a new file with a mark, by which TensorBoard drops later steps of earlier files.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::Error;

pub(super) struct Events {
    path: PathBuf,
    file: File,
}

impl Events {
    /// Starts a file for the steps after `step`; a run from step 0 removes older files.
    pub(super) fn open(dir: &Path, step: u64) -> Result<Events, Error> {
        std::fs::create_dir_all(dir).map_err(Error::write(dir))?;
        if step == 0 {
            for entry in std::fs::read_dir(dir).map_err(Error::write(dir))?.flatten() {
                if entry.file_name().to_string_lossy().starts_with(PREFIX) {
                    std::fs::remove_file(entry.path()).map_err(Error::write(&entry.path()))?;
                }
            }
        }
        let now = now();
        // TensorBoard reads the files of a folder in the order of their names.
        let path = dir.join(format!("{PREFIX}{:010}.{:06}.epee", now as u64, (now.fract() * 1e6) as u64));
        let file = epee_files::open_options(&path, epee_files::Access::Usual)
            .create_new(true)
            .append(true)
            .open(&path)
            .map_err(Error::write(&path))?;
        let mut events = Events { path, file };
        events.append(&version(now))?;
        if step > 0 {
            events.append(&restart(now, step + 1))?;
        }
        Ok(events)
    }

    pub(super) fn write(&mut self, step: u64, values: &[(String, f64)]) -> Result<(), Error> {
        self.append(&scalars(now(), step, values))
    }

    fn append(&mut self, message: &[u8]) -> Result<(), Error> {
        self.file.write_all(&record(message)).map_err(Error::write(&self.path))
    }
}

const PREFIX: &str = "events.out.tfevents.";

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// `Event { wall_time, file_version: "brain.Event:2" }`
fn version(time: f64) -> Vec<u8> {
    [double(1, time), bytes(3, b"brain.Event:2")].concat()
}

/// `Event { wall_time, step, session_log: { status: START } }`
fn restart(time: f64, step: u64) -> Vec<u8> {
    [double(1, time), integer(2, step), bytes(7, &integer(1, 1))].concat()
}

/// `Event { wall_time, step, summary: { value: [{ tag, simple_value }] } }`
fn scalars(time: f64, step: u64, values: &[(String, f64)]) -> Vec<u8> {
    let entry = |(tag, value): &(String, f64)| {
        bytes(1, &[bytes(1, tag.as_bytes()), key(2, 5), (*value as f32).to_le_bytes().to_vec()].concat())
    };
    let summary: Vec<u8> = values.iter().flat_map(entry).collect();
    [double(1, time), integer(2, step), bytes(5, &summary)].concat()
}

fn record(message: &[u8]) -> Vec<u8> {
    let length = (message.len() as u64).to_le_bytes();
    [&length[..], &masked_crc(&length), message, &masked_crc(message)].concat()
}

/// CRC-32C, rotated and shifted so that the CRC of data that holds CRCs is not all zeros.
fn masked_crc(data: &[u8]) -> [u8; 4] {
    crc32c::crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

/// A field's number and its wire type: 0 integer, 1 eight bytes, 2 length and bytes, 5 four bytes.
fn key(field: u64, kind: u64) -> Vec<u8> {
    varint(field << 3 | kind)
}

fn integer(field: u64, value: u64) -> Vec<u8> {
    [key(field, 0), varint(value)].concat()
}

fn double(field: u64, value: f64) -> Vec<u8> {
    [key(field, 1), value.to_le_bytes().to_vec()].concat()
}

fn bytes(field: u64, value: &[u8]) -> Vec<u8> {
    [key(field, 2), varint(value.len() as u64), value.to_vec()].concat()
}

/// Seven bits per byte, lowest first; the eighth bit marks that more follow.
fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The file that TensorBoard's own writer makes of the same events (`scripts/parity/reference_tensorboard.py`).
    #[test]
    fn the_bytes_are_those_of_tensorboards_writer() {
        let expected = include_bytes!("../../tests/fixtures/tensorboard.tfevents");
        let values = [("train/loss".to_owned(), 0.75), ("dev_macro_f1/exit_12".to_owned(), 1.0 / 3.0)];
        let events = [
            version(1_700_000_000.25),
            restart(1_700_000_000.5, 300),
            scalars(1_700_000_001.0, 300, &values),
            scalars(1_700_000_002.0, 4_000_000_000, &values[..1]),
        ];
        let got: Vec<u8> = events.iter().flat_map(|event| record(event)).collect();
        assert!(got == expected, "{} bytes, expected {}", got.len(), expected.len());
    }

    #[test]
    fn a_new_run_has_one_file_and_a_resumed_one_two() {
        let dir = tempfile::tempdir().unwrap();
        let files = || std::fs::read_dir(dir.path()).unwrap().count();
        Events::open(dir.path(), 0).unwrap();
        Events::open(dir.path(), 0).unwrap();
        assert_eq!(files(), 1);
        Events::open(dir.path(), 7).unwrap();
        assert_eq!(files(), 2);
    }
}
