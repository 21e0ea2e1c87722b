//! One file, from an address into a place: begun anew or gone on with, checked, put in place whole.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use ureq::http::StatusCode;

use crate::digest::{Algorithm, Expected, Hasher};
use crate::error::Error;
use crate::remote::{Method, Remote, Reply};

/// How a file gets on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// A file begins.
    Begin {
        /// Its name.
        file: &'a str,
        /// Its bytes, where known.
        size: Option<u64>,
        /// Those that are there already.
        have: u64,
    },
    /// So many more bytes are there.
    Bytes(u64),
    /// The file is complete.
    End,
    /// Another process fetches this file; this one waits for it.
    Waiting {
        /// Its name.
        file: &'a str,
    },
}

/// A file to fetch.
pub(crate) struct Transfer<'a> {
    pub(crate) remote: &'a Remote,
    pub(crate) url: &'a str,
    /// What progress calls it.
    pub(crate) name: &'a str,
    /// Where it is until it is complete.
    pub(crate) partial: &'a Path,
    pub(crate) target: &'a Path,
    pub(crate) size: Option<u64>,
    pub(crate) expected: Option<&'a Expected>,
    /// What an answer that is no file means.
    pub(crate) refuse: &'a dyn Fn(&Reply) -> Error,
}

impl Transfer<'_> {
    /// Fetches what is missing, checks the whole and puts it in place.
    ///
    /// A connection that is lost leaves the partial file; bytes that are not the published ones take it away.
    pub(crate) fn run(&self, progress: &mut dyn FnMut(Progress<'_>)) -> Result<(), Error> {
        let mut file = self.open()?;
        let algorithm = self.expected.map(|expected| expected.algorithm);
        let mut size = self.size;
        let mut hasher = Hasher::new(algorithm, size);
        let mut have = hasher.file(&mut file, self.partial)?;
        if size.is_some_and(|size| have > size) {
            have = self.restart(&mut file, &mut hasher, size)?;
        }
        if size.is_none_or(|size| have < size) || have == 0 {
            let reply = self.ask(&mut file, &mut hasher, &mut have)?;
            size = size.or_else(|| Some(have + reply.number("content-length")?));
            progress(Progress::Begin { file: self.name, size, have });
            self.receive(reply, &mut file, &mut hasher, &mut have, size, progress)?;
        } else {
            progress(Progress::Begin { file: self.name, size, have });
        }
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

    fn open(&self) -> Result<File, Error> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(self.partial);
        let file = file.map_err(Error::io("write", self.partial))?;
        // A file system without locks does without.
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => Err(Error::Busy { path: self.partial.to_owned() }),
            Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
        }
    }

    /// Throws away what is there.
    fn restart(&self, file: &mut File, hasher: &mut Hasher, size: Option<u64>) -> Result<u64, Error> {
        file.set_len(0).and_then(|()| file.rewind()).map_err(Error::io("write", self.partial))?;
        *hasher = Hasher::new(self.expected.map(|expected| expected.algorithm), size);
        Ok(0)
    }

    /// An answer whose body goes on where the partial file ends; a server that cannot go on makes it begin anew.
    fn ask(&self, file: &mut File, hasher: &mut Hasher, have: &mut u64) -> Result<Reply, Error> {
        let mut reply = self.remote.ask(Method::Get, self.url, *have)?;
        if *have > 0 && reply.status() == StatusCode::RANGE_NOT_SATISFIABLE {
            *have = self.restart(file, hasher, self.size)?;
            reply = self.remote.ask(Method::Get, self.url, 0)?;
        }
        match reply.status() {
            StatusCode::OK if *have > 0 => *have = self.restart(file, hasher, self.size)?,
            StatusCode::OK => {}
            StatusCode::PARTIAL_CONTENT => {
                let range = reply.header("content-range").unwrap_or_default();
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
        file: &mut File,
        hasher: &mut Hasher,
        have: &mut u64,
        size: Option<u64>,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<(), Error> {
        let mut body = reply.into_body().into_reader();
        let mut buffer = vec![0; 1 << 16];
        loop {
            let read = match body.read(&mut buffer) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Ok(0) if size.is_none_or(|size| *have == size) => return Ok(()),
                Ok(0) | Err(_) => {
                    let lost =
                        Error::Lost { url: self.url.to_owned(), have: *have, size, partial: self.partial.to_owned() };
                    return Err(lost);
                }
                Ok(read) => read,
            };
            let bytes = &buffer[..read];
            *have += read as u64;
            if size.is_some_and(|size| *have > size) {
                self.restart(file, hasher, size)?;
                let problem = format!("expected {} bytes, got more", size.unwrap_or_default());
                return Err(Error::protocol(self.url, problem));
            }
            file.write_all(bytes).map_err(Error::io("write", self.partial))?;
            hasher.update(bytes);
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
