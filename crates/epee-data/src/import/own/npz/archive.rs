//! A NumPy archive (`.npz`): a zip of array files. Sizes are checked before memory is allocated.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use zip::ZipArchive;
use zip::read::{ZipFile, read_zipfile_from_stream};

use super::header::{Header, exactly};
use crate::budget::Budget;
use crate::error::{Error, Result};
use crate::import::rows::list;
use epee_input::{Image, MAX_PIXELS};

/// The largest array that is read: PathMNIST's training images of 224 pixels are 13.5 GB.
const MAX_ARRAY: u64 = 1 << 34;
/// Bytes of a row beside those of its numbers.
const ROW: u64 = 512;

pub(super) struct Archive {
    path: PathBuf,
    length: u64,
    budget: Budget,
    zip: ZipArchive<BufReader<File>>,
}

type Entry<'a> = ZipFile<'a, BufReader<File>>;

impl Archive {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let open = || File::open(path).map(BufReader::new).map_err(Error::io("read", path));
        if path.is_dir() {
            return Err(Error::content(path, "expected an npz file, got a folder"));
        }
        match ZipArchive::new(open()?) {
            Ok(zip) => {
                let length = std::fs::metadata(path).map_err(Error::io("read", path))?.len();
                Ok(Self { path: path.to_path_buf(), length, budget: Budget::of(length), zip })
            }
            Err(error) => Err(Error::content(
                path,
                match cut(open()?) {
                    Some(entry) => format!("the file is cut short in the entry `{entry}`"),
                    None => format!("no whole npz: {error}"),
                },
            )),
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.zip.index_for_name(&format!("{name}.npy")).is_some()
    }

    fn names(&self) -> String {
        let names: Vec<_> = self.zip.file_names().flatten().collect();
        list(names.iter().map(|name| name.strip_suffix(".npy").unwrap_or(name)))
    }

    /// Images `[n, h, w]` or `[n, h, w, c]` of bytes, c 1 or 3.
    pub(super) fn images(&mut self, name: &str) -> Result<Vec<Image>> {
        self.read(name, |header, entry| {
            let (n, h, w, c) = match *header.shape.as_slice() {
                [n, h, w] => (n, h, w, 1),
                [n, h, w, c] => (n, h, w, c),
                _ => {
                    return Err(format!("expected the shape [n, h, w] or [n, h, w, channels], got {:?}", header.shape));
                }
            };
            if !header.kind.is_u8() {
                return Err("expected bytes from 0 to 255 (uint8), got other numbers".to_owned());
            }
            if c != 1 && c != 3 {
                return Err(format!("expected 1 or 3 channels, got {c}"));
            }
            if h.checked_mul(w).is_none_or(|pixels| pixels > MAX_PIXELS) {
                return Err(format!("{h} x {w} pixels, expected at most {MAX_PIXELS} in all"));
            }
            let one = h * w * c;
            let mut images = Vec::new();
            if header.fortran {
                let mut all = vec![0; n * one];
                exactly(entry, &mut all)?;
                for i in 0..n {
                    let at = |y: usize, x: usize, k: usize| all[i + n * (y + h * (x + w * k))];
                    let places = (0..one).map(|p| at(p / (w * c), p / c % w, p % c));
                    images.push(Image::new(h, w, c, places.collect::<Vec<u8>>()).map_err(|e| e.to_string())?);
                }
            } else {
                let mut data = vec![0; one];
                for _ in 0..n {
                    exactly(entry, &mut data)?;
                    images.push(Image::new(h, w, c, data.as_slice()).map_err(|e| e.to_string())?);
                }
            }
            Ok(images)
        })
    }

    /// Class numbers `[n]` or `[n, 1]`.
    pub(super) fn labels(&mut self, name: &str) -> Result<Vec<i64>> {
        self.read(name, |header, entry| {
            let n = match *header.shape.as_slice() {
                [n] | [n, 1] => n,
                _ => return Err(format!("expected the shape [n] or [n, 1], got {:?}", header.shape)),
            };
            let mut number = [0; 8];
            let number = &mut number[..header.kind.bytes];
            let mut labels = Vec::new();
            for _ in 0..n {
                exactly(entry, number)?;
                labels.push(header.kind.value(number).ok_or("a label above all classes")?);
            }
            Ok(labels)
        })
    }

    fn read<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&Header, &mut Entry<'_>) -> std::result::Result<T, String>,
    ) -> Result<T> {
        let path = self.path.clone();
        let failed = |problem: String| Error::content(&path, format!("entry `{name}`: {problem}"));
        if !self.has(name) {
            return Err(Error::content(&path, format!("no entry `{name}`, there are {}", self.names())));
        }
        let mut entry = self.zip.by_name(&format!("{name}.npy")).map_err(|error| failed(error.to_string()))?;
        let (size, packed) = (entry.size(), entry.compressed_size());
        if size > MAX_ARRAY {
            return Err(failed(format!("{size} bytes, expected at most {MAX_ARRAY}")));
        }
        if packed > self.length {
            return Err(failed(format!("{packed} bytes in a file of {}", self.length)));
        }
        let header = Header::read(&mut entry).map_err(failed)?;
        if header.size > size {
            let shape = &header.shape;
            let problem =
                format!("the header claims {} bytes of numbers ({shape:?}), the entry has {size}", header.size);
            return Err(failed(problem));
        }
        let rows = header.shape.first().map_or(0, |&n| n as u64);
        self.budget.take(header.size.saturating_add(rows.saturating_mul(ROW))).map_err(failed)?;
        if header.shape.contains(&0) {
            return Err(failed(format!("the array is empty: {:?}", header.shape)));
        }
        let value = read(&header, &mut entry).map_err(failed)?;
        // The end: the zip's check sum is looked at there.
        match entry.read(&mut [0; 1]) {
            Ok(0) => Ok(value),
            Ok(_) => Err(failed(format!("expected {} bytes of numbers, got more", header.size))),
            Err(error) => Err(failed(format!("it cannot be read: {error}"))),
        }
    }
}

/// The entry in which a zip without an end stops.
fn cut(mut file: BufReader<File>) -> Option<String> {
    while let Ok(Some(mut entry)) = read_zipfile_from_stream(&mut file) {
        let name = entry.name().ok()?.trim_end_matches(".npy").to_owned();
        let (size, mut limited) = (entry.size().min(MAX_ARRAY), entry.by_ref().take(MAX_ARRAY));
        if std::io::copy(&mut limited, &mut std::io::sink()).ok() != Some(size) {
            return Some(name);
        }
    }
    None
}
