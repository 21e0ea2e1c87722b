//! The zip beside a split's file: pictures on their way in and out, many at a time.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;

use rayon::prelude::*;
use zip::read::ZipFile;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use crate::error::{Error, Result};
use epee_files::sha256_file;
use epee_input::Example;
use epee_input::{Image, ImageEncoding};

/// The largest file of a picture, 256 MiB.
const MAX_FILE: u64 = 1 << 28;

/// How many pictures are encoded or decoded side by side, while as many files are in memory.
const AT_ONCE: usize = 256;

/// The pictures of a split on their way into its zip.
pub(super) enum Pictures<'a> {
    /// Files, stored byte for byte.
    Files(&'a [Vec<u8>]),
    /// Decoded ones, stored as PNG.
    Decoded(&'a [Example]),
}

impl Pictures<'_> {
    /// One picture for each example, and nothing beside it.
    pub(super) fn check(&self, examples: &[Example]) -> Result<(), String> {
        if let Some(example) = examples.iter().find(|example| !example.text.is_empty() || example.pair.is_some()) {
            return Err(format!("`{}` has a text, in a dataset of pictures", example.id));
        }
        match self {
            Self::Files(files) if files.len() != examples.len() => {
                Err(format!("expected {} pictures, one for each row, got {}", examples.len(), files.len()))
            }
            Self::Files(files) => {
                files.iter().zip(examples).try_for_each(|(file, example)| match ImageEncoding::of(file) {
                    Ok(_) => Ok(()),
                    Err(problem) => Err(format!("the picture of `{}`: {problem}", example.id)),
                })
            }
            Self::Decoded(_) => examples.iter().try_for_each(|example| match &example.image {
                None => Err(format!("`{}` has no picture", example.id)),
                Some(image) => image.check().map_err(|problem| format!("the picture of `{}`: {problem}", example.id)),
            }),
        }
    }

    /// Names of the entries, such as `000001.png`, in order.
    pub(super) fn names(&self) -> Result<Vec<String>> {
        let name = |i: usize, encoding: ImageEncoding| format!("{:06}.{}", i + 1, encoding.extension());
        match self {
            Self::Files(files) => {
                let named = |(i, file): (usize, &Vec<u8>)| Ok(name(i, ImageEncoding::of(file)?));
                files.iter().enumerate().map(named).collect()
            }
            Self::Decoded(examples) => Ok((0..examples.len()).map(|i| name(i, ImageEncoding::Png)).collect()),
        }
    }

    /// Writes and syncs the zip; its SHA-256. An error names `shown`.
    pub(super) fn write(&self, names: &[String], path: &Path, shown: &Path) -> Result<String> {
        let broken = |error: zip::result::ZipError| Error::io("write", shown)(error.into());
        let mut zip = ZipWriter::new(BufWriter::new(File::create(path).map_err(Error::io("write", shown))?));
        // Always the same bytes for the same pictures: no time of day, no system's permissions.
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(zip::DateTime::default())
            .unix_permissions(0o644);
        let places: Vec<usize> = (0..names.len()).collect();
        for part in places.chunks(AT_ONCE) {
            let files: Vec<_> = part.par_iter().map(|&i| self.file(i)).collect::<Result<_>>()?;
            for (&i, file) in part.iter().zip(files) {
                zip.start_file(names[i].as_str(), options).map_err(broken)?;
                zip.write_all(&file).map_err(Error::io("write", shown))?;
            }
        }
        let buffer = zip.finish().map_err(broken)?;
        let file = buffer.into_inner().map_err(|error| Error::io("write", shown)(error.into_error()))?;
        file.sync_all().map_err(Error::io("write", shown))?;
        Ok(sha256_file(path)?)
    }

    fn file(&self, i: usize) -> Result<std::borrow::Cow<'_, [u8]>> {
        match self {
            Self::Files(files) => Ok(files[i].as_slice().into()),
            Self::Decoded(examples) => {
                let example = &examples[i];
                let refuse = |problem: String| Error::Invalid(format!("`{}`: {problem}", example.id));
                let image = example.image.as_ref().ok_or_else(|| refuse("it has no picture".to_owned()))?;
                Ok(image.to_png().map_err(|problem| refuse(problem.to_string()))?.into())
            }
        }
    }
}

/// Decodes these entries of a zip.
pub(super) fn read(path: &Path, names: &[String]) -> Result<Vec<Image>> {
    let file = File::open(path).map_err(Error::io("read", path))?;
    let mut zip =
        ZipArchive::new(BufReader::new(file)).map_err(|e| Error::content(path, format!("no whole zip: {e}")))?;
    let mut images = Vec::with_capacity(names.len());
    for part in names.chunks(AT_ONCE) {
        let at = |name: &str, problem: String| Error::content(path, format!("entry `{name}`: {problem}"));
        let mut files = Vec::with_capacity(part.len());
        for name in part {
            let entry = zip.by_name(name).map_err(|error| at(name, error.to_string()))?;
            files.push(content(entry).map_err(|problem| at(name, problem))?);
        }
        let decoded: Result<Vec<Image>> = files
            .par_iter()
            .zip(part)
            .map(|(file, name)| Image::decode(file).map_err(|problem| at(name, problem.to_string())))
            .collect();
        images.extend(decoded?);
    }
    Ok(images)
}

fn content(mut entry: ZipFile<'_, impl Read>) -> Result<Vec<u8>, String> {
    if entry.compression() != CompressionMethod::Stored {
        return Err(format!("expected a stored entry, got {}", entry.compression()));
    }
    if entry.size() > MAX_FILE {
        return Err(format!("{} bytes, expected at most {MAX_FILE}", entry.size()));
    }
    let mut bytes = Vec::with_capacity(entry.size() as usize);
    entry.by_ref().take(MAX_FILE).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    Ok(bytes)
}
