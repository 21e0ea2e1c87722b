//! Downloading one file: started or resumed, checked against its digest, renamed into place.

use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Read, Seek, Write};
use std::path::Path;

use epee_files::{Access, open_options};
use ureq::http::StatusCode;

use crate::digest::{Algorithm, Expected, Hasher};
use crate::error::Error;
use crate::remote::{Method, Remote, Reply};

/// The most bytes of a file whose size the server does not announce, 256 MiB: an answer may have no end.
const MOST_UNANNOUNCED: u64 = 1 << 28;

/// Progress of a download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// A file begins.
    Begin {
        /// Its name.
        file: &'a str,
        /// Its size in bytes, if known.
        size: Option<u64>,
        /// Bytes that are there already.
        have: u64,
    },
    /// So many more bytes arrived.
    Bytes(u64),
    /// The file is complete.
    End,
    /// Another process fetches this file; this one waits for it.
    Waiting {
        /// Its name.
        file: &'a str,
    },
}

pub(crate) struct Transfer<'a> {
    pub(crate) remote: &'a Remote,
    pub(crate) url: &'a str,
    /// Its name in [`Progress`].
    pub(crate) name: &'a str,
    pub(crate) partial: &'a Path,
    pub(crate) target: &'a Path,
    pub(crate) size: Option<u64>,
    pub(crate) expected: Option<&'a Expected>,
    /// The error that an answer without a file means.
    pub(crate) refuse: &'a dyn Fn(&Reply) -> Error,
}

/// The partial file, and the digest and number of the bytes in it.
struct Partial<'a> {
    path: &'a Path,
    algorithm: Option<Algorithm>,
    /// Size of the whole file, if known.
    size: Option<u64>,
    file: File,
    hasher: Hasher,
    have: u64,
}

impl<'a> Partial<'a> {
    /// Opens the file, or creates it; no other process may be writing it.
    fn open(path: &'a Path, algorithm: Option<Algorithm>, size: Option<u64>) -> Result<Self, Error> {
        let mut options = open_options(path, Access::Usual);
        let file = options.read(true).write(true).create(true).truncate(false).open(path);
        let file = file.map_err(Error::io("write", path))?;
        // Some file systems have no locks.
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            return Err(Error::Busy { path: path.to_owned() });
        }
        let mut partial = Self { path, algorithm, size, file, hasher: Hasher::new(algorithm, size), have: 0 };
        partial.have = partial.hasher.file(&mut partial.file, path)?;
        Ok(partial)
    }

    fn restart(&mut self) -> Result<(), Error> {
        self.file.set_len(0).and_then(|()| self.file.rewind()).map_err(Error::io("write", self.path))?;
        self.hasher = Hasher::new(self.algorithm, self.size);
        self.have = 0;
        Ok(())
    }

    fn is_too_long(&self) -> bool {
        self.have > self.size.unwrap_or(MOST_UNANNOUNCED)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file.write_all(bytes).map_err(Error::io("write", self.path))?;
        self.hasher.update(bytes);
        Ok(())
    }
}

impl Transfer<'_> {
    /// Fetches the missing bytes, checks the digest and renames the file into place.
    ///
    /// A lost connection leaves the partial file; a wrong digest deletes it.
    pub(crate) fn run(&self, progress: &mut dyn FnMut(Progress<'_>)) -> Result<(), Error> {
        let algorithm = self.expected.map(|expected| expected.algorithm);
        let mut partial = Partial::open(self.partial, algorithm, self.size)?;
        if partial.is_too_long() {
            partial.restart()?;
        }
        let reply = match self.size {
            Some(size) if partial.have == size && size > 0 => None,
            _ => Some(self.ask(&mut partial)?),
        };
        if let Some(reply) = &reply {
            partial.size = self.size.or_else(|| Some(partial.have + reply.number("content-length")?));
        }
        progress(Progress::Begin { file: self.name, size: partial.size, have: partial.have });
        if let Some(reply) = reply {
            self.receive(reply, &mut partial, progress)?;
        }
        let Partial { mut file, mut hasher, have, .. } = partial;
        if algorithm == Some(Algorithm::Git) && self.size.is_none() {
            // Git's digest begins with the size, which is known only now.
            hasher = Hasher::new(algorithm, Some(have));
            file.rewind().map_err(Error::io("read", self.partial))?;
            hasher.file(&mut file, self.partial)?;
        }
        self.check(hasher)?;
        file.sync_all().map_err(Error::io("write", self.partial))?;
        std::fs::rename(self.partial, self.target).map_err(Error::io("create", self.target))?;
        progress(Progress::End);
        Ok(())
    }

    /// Asks for the bytes behind those of the partial file; starts anew if the server cannot resume.
    fn ask(&self, partial: &mut Partial<'_>) -> Result<Reply, Error> {
        let mut reply = self.remote.ask(Method::Get, self.url, partial.have)?;
        if partial.have > 0 && reply.status() == StatusCode::RANGE_NOT_SATISFIABLE {
            partial.restart()?;
            reply = self.remote.ask(Method::Get, self.url, 0)?;
        }
        match reply.status() {
            StatusCode::OK if partial.have > 0 => partial.restart()?,
            StatusCode::OK => {}
            StatusCode::PARTIAL_CONTENT => {
                let (range, have) = (reply.header("content-range").unwrap_or_default(), partial.have);
                if !range.starts_with(&format!("bytes {have}-")) {
                    let problem = format!("expected the bytes from {have} on, got Content-Range `{range}`");
                    return Err(Error::protocol(&reply.url, problem));
                }
            }
            _ => return Err((self.refuse)(&reply)),
        }
        Ok(reply)
    }

    fn receive(
        &self,
        reply: Reply,
        partial: &mut Partial<'_>,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<(), Error> {
        let mut body = reply.into_body().into_reader();
        let mut buffer = vec![0; 1 << 16];
        loop {
            let read = match body.read(&mut buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Ok(0) if partial.size.is_none_or(|size| partial.have == size) => return Ok(()),
                Ok(0) | Err(_) => {
                    let Partial { have, size, path, .. } = *partial;
                    return Err(Error::Lost { url: self.url.to_owned(), have, size, partial: path.to_owned() });
                }
                Ok(read) => read,
            };
            partial.have += read as u64;
            if partial.is_too_long() {
                let problem = match partial.size {
                    Some(size) => format!("expected {size} bytes, got more"),
                    None => format!("expected at most {MOST_UNANNOUNCED} bytes of a file without a size, got more"),
                };
                partial.restart()?;
                return Err(Error::protocol(self.url, problem));
            }
            partial.write(&buffer[..read])?;
            progress(Progress::Bytes(read as u64));
        }
    }

    fn check(&self, hasher: Hasher) -> Result<(), Error> {
        let Some(Expected { algorithm, hex }) = self.expected else { return Ok(()) };
        let got = hasher.hex();
        if got == *hex {
            return Ok(());
        }
        std::fs::remove_file(self.partial).map_err(Error::io("delete", self.partial))?;
        Err(Error::Digest { url: self.url.to_owned(), algorithm: *algorithm, expected: hex.clone(), got })
    }
}
