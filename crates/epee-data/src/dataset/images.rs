//! The zip of images beside a split's file: writing and reading, in parallel.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use rayon::prelude::*;
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::error::{Error, Result};
use crate::zipped::Zipped;
use epee_input::{Example, Image, ImageEncoding};

/// The largest file of an image, 256 MiB.
const MAX_FILE: u64 = 1 << 28;

/// Images that are encoded or decoded at once; as many files are in memory.
const AT_ONCE: usize = 256;

pub(super) struct Images<'a> {
    /// The examples; an image without a file is stored as PNG.
    pub(super) examples: &'a [Example],
    /// Files of the images, stored byte for byte.
    pub(super) files: Option<&'a [Vec<u8>]>,
}

impl Images<'_> {
    /// Checks that there is one image for each example, and no text beside it.
    pub(super) fn check(&self) -> Result<(), String> {
        if let Some(example) = self.examples.iter().find(|example| !example.text.is_empty() || example.pair.is_some()) {
            return Err(format!("`{}` has a text, in a dataset of images", example.id));
        }
        if let Some(files) = self.files.filter(|files| files.len() != self.examples.len()) {
            return Err(format!("expected {} images, one for each row, got {}", self.examples.len(), files.len()));
        }
        self.examples.iter().enumerate().try_for_each(|(i, example)| {
            let checked = match (self.files, &example.image) {
                (Some(files), _) => ImageEncoding::of(&files[i]).map(drop),
                (None, Some(image)) => image.check(),
                (None, None) => return Err(format!("`{}` has no image", example.id)),
            };
            checked.map_err(|problem| format!("the image of `{}`: {problem}", example.id))
        })
    }

    /// Names of the entries, such as `000001.png`, in order.
    pub(super) fn names(&self) -> Result<Vec<String>> {
        let name = |i: usize| {
            let encoding = self.files.map_or(Ok(ImageEncoding::Png), |files| ImageEncoding::of(&files[i]))?;
            Ok(format!("{:06}.{}", i + 1, encoding.extension()))
        };
        (0..self.examples.len()).map(name).collect()
    }

    /// Writes and syncs the zip. An error names `shown`.
    pub(super) fn write(&self, names: &[String], file: File, shown: &Path) -> Result<()> {
        let broken = |error: ZipError| match error {
            ZipError::Io(error) => Error::io("write", shown)(error),
            error => Error::io("write", shown)(error.into()),
        };
        let mut zip = ZipWriter::new(BufWriter::new(file));
        // Always the same bytes for the same images: no time of day, no system's permissions.
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
        file.sync_all().map_err(Error::io("write", shown))
    }

    fn file(&self, i: usize) -> Result<Cow<'_, [u8]>> {
        if let Some(files) = self.files {
            return Ok(files[i].as_slice().into());
        }
        let example = &self.examples[i];
        match example.image.as_ref().map(Image::to_png) {
            Some(Ok(png)) => Ok(png.into()),
            Some(Err(problem)) => Err(Error::Invalid(format!("`{}`: {problem}", example.id))),
            None => Err(Error::Invalid(format!("`{}` has no image", example.id))),
        }
    }
}

/// Decodes these entries of a zip.
pub(super) fn read(path: &Path, names: &[String]) -> Result<Vec<Image>> {
    let mut zip = Zipped::open(path)?;
    let mut images = Vec::with_capacity(names.len());
    for part in names.chunks(AT_ONCE) {
        let files = part.iter().map(|name| zip.read_stored(name, MAX_FILE)).collect::<Result<Vec<_>>>()?;
        let decode = |file: &Vec<u8>| {
            let image = Image::decode(file).map_err(|problem| problem.to_string())?;
            zip.take(image.data.len() as u64).map(|()| image)
        };
        let decoded = files.par_iter().map(decode).collect::<Vec<_>>();
        for (image, name) in decoded.into_iter().zip(part) {
            images.push(image.map_err(|problem| zip.error(name, problem))?);
        }
    }
    Ok(images)
}
