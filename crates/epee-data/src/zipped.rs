//! Reading untrusted zip files: whole entries, none larger than a limit.

use std::fmt::Display;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use crate::budget::Budget;
use crate::error::{Error, Result};

pub(crate) struct Zipped {
    path: PathBuf,
    archive: ZipArchive<BufReader<File>>,
    budget: Budget,
}

impl Zipped {
    /// Opens it and reads its directory.
    ///
    /// # Errors
    /// A file that cannot be read, or is no zip file, or is cut short.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(Error::io("read", path))?;
        let budget = Budget::of(file.metadata().map_err(Error::io("read", path))?.len());
        let archive = ZipArchive::new(BufReader::new(file))
            .map_err(|e| Error::content(path, format!("expected a whole zip file: {e}")))?;
        Ok(Self { path: path.to_path_buf(), archive, budget })
    }

    pub(crate) fn names(&self) -> Result<Vec<String>> {
        let refuse = |e: ZipError| Error::content(&self.path, format!("an entry's name cannot be read: {e}"));
        self.archive.file_names().map(|name| name.map(|name| name.into_owned()).map_err(refuse)).collect()
    }

    pub(crate) fn error(&self, name: &str, problem: impl Display) -> Error {
        entry_error(&self.path, name, problem)
    }

    /// The content of an entry of at most `largest` bytes, whatever size the file states for it. All entries together are
    /// bounded by the file's own length.
    ///
    /// # Errors
    /// An entry that is missing, larger, cut short, or not what its checksum says.
    pub(crate) fn read(&mut self, name: &str, largest: u64) -> Result<Vec<u8>> {
        let entry = self.archive.by_name(name).map_err(|e| entry_error(&self.path, name, e))?;
        let stated = entry.size();
        let too_large =
            |got: &str| entry_error(&self.path, name, format!("expected at most {largest} bytes, got {got}"));
        if stated > largest {
            return Err(too_large(&stated.to_string()));
        }
        self.budget.take(stated).map_err(|problem| entry_error(&self.path, name, problem))?;
        let mut bytes = Vec::with_capacity(stated as usize);
        entry.take(largest + 1).read_to_end(&mut bytes).map_err(|e| entry_error(&self.path, name, e))?;
        if bytes.len() as u64 > largest {
            return Err(too_large("more"));
        }
        Ok(bytes)
    }

    /// Takes the bytes that an entry is decoded to.
    ///
    /// # Errors
    /// All of them are larger than the file allows.
    pub(crate) fn take(&self, bytes: u64) -> Result<(), String> {
        self.budget.take(bytes)
    }

    /// As [`Zipped::read`], for an entry that must not be compressed.
    pub(crate) fn read_stored(&mut self, name: &str, largest: u64) -> Result<Vec<u8>> {
        let entry = self.archive.by_name(name).map_err(|e| entry_error(&self.path, name, e))?;
        if entry.compression() != CompressionMethod::Stored {
            let problem = format!("expected a stored entry, got {}", entry.compression());
            return Err(entry_error(&self.path, name, problem));
        }
        drop(entry);
        self.read(name, largest)
    }
}

fn entry_error(path: &Path, name: &str, problem: impl Display) -> Error {
    Error::content(path, format!("entry `{name}`: {problem}"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::testing::zip;
    use epee_testing::message;

    /// Entries that are small one by one, and entries that share their bytes.
    #[test]
    fn a_small_file_does_not_unfold_to_a_large_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.zip");
        let names: Vec<String> = (0..24).map(|i| format!("{i}.xml")).collect();
        let files: Vec<_> = names.iter().map(|name| (name.as_str(), vec![b' '; 4 << 20])).collect();
        fs::write(&path, zip(&files, CompressionMethod::Deflated)).unwrap();
        let length = fs::metadata(&path).unwrap().len();
        assert!(length < 110_000, "{length}");
        let mut zip = Zipped::open(&path).unwrap();
        let read = names.iter().map_while(|name| zip.read(name, 16 << 20).ok()).count();
        assert!((16..24).contains(&read), "{read} entries of 4 MiB from {length} bytes");
        let error = message(zip.read("23.xml", 16 << 20).unwrap_err(), dir.path());
        let expected = format!("the {length} bytes of the file unfold to more than 200 times as many");
        assert!(error.ends_with(&expected), "{error}");
    }

    #[test]
    fn entries_are_read_whole_and_none_too_large() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.zip");
        fs::write(&path, zip(&[("b/c.txt", [b'x'; 5000])], CompressionMethod::Deflated)).unwrap();
        let read = |largest| Zipped::open(&path).unwrap().read("b/c.txt", largest).map_err(|e| message(e, dir.path()));
        assert_eq!(Zipped::open(&path).unwrap().names().unwrap(), ["b/c.txt"]);
        assert_eq!(read(5000).unwrap(), [b'x'; 5000]);
        assert_eq!(read(4999).unwrap_err(), "a.zip: entry `b/c.txt`: expected at most 4999 bytes, got 5000");
        // The size in the directory says 5 bytes now, the content has 5000 all the same.
        let bytes = fs::read(&path).unwrap();
        let mut lying = bytes.clone();
        for (at, window) in bytes.windows(4).enumerate() {
            if window == 5000_u32.to_le_bytes() {
                lying[at..at + 4].copy_from_slice(&5_u32.to_le_bytes());
            }
        }
        assert_ne!(lying, bytes);
        fs::write(&path, &lying).unwrap();
        assert!(read(10).unwrap_err().starts_with("a.zip: entry `b/c.txt`: File is larger"), "{:?}", read(10));
        fs::write(&path, &bytes[..bytes.len() - 10]).unwrap();
        let cut = message(Zipped::open(&path).err().unwrap(), dir.path());
        assert!(cut.starts_with("a.zip: expected a whole zip file: "), "{cut}");
        let mut flipped = bytes;
        flipped[45] ^= 0xFF;
        fs::write(&path, &flipped).unwrap();
        assert!(read(5000).unwrap_err().starts_with("a.zip: entry `b/c.txt`: "), "{:?}", read(5000));
    }
}
