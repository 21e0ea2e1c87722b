//! The hub client: from an id to a folder with the files.

use std::io::Read;
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;
use ureq::http::StatusCode;

use crate::cache::Folder;
use crate::digest::Expected;
use crate::error::Error;
use crate::id::{Id, Kind};
use crate::remote::{Method, Remote, Reply, escape};
use crate::settings::Settings;
use crate::transfer::{Progress, Transfer};

/// The files of a repository to fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wanted {
    /// Files by name.
    Files {
        /// An error if one of these is missing.
        required: &'static [&'static str],
        /// Fetched if the repository has them.
        optional: &'static [&'static str],
    },
    /// Every file whose name ends so.
    Endings(&'static [&'static str]),
}

impl Wanted {
    /// A model's directory.
    pub const MODEL: Wanted = Wanted::Files {
        required: &["config.json", "model.safetensors"],
        optional: &[
            "tokenizer.json",
            "tokenizer_config.json",
            "special_tokens_map.json",
            "vocab.json",
            "merges.txt",
            "spiece.model",
            "vocab.txt",
            "preprocessor_config.json",
            "exits.json",
        ],
    };

    /// A dataset's files of the forms that are imported.
    pub const DATA: Wanted = Wanted::Endings(&[
        ".json", ".jsonl", ".csv", ".tsv", ".parquet", ".npz", ".zip", ".xml", ".png", ".jpg", ".jpeg",
    ]);
}

/// A hub and the cache in front of it.
pub struct Hub {
    settings: Settings,
    remote: Remote,
}

#[derive(Deserialize)]
struct Listing {
    sha: String,
    siblings: Vec<Sibling>,
}

#[derive(Deserialize)]
struct Sibling {
    rfilename: String,
}

impl Hub {
    /// The hub and the cache that the environment names; see [`Settings::from_env`].
    ///
    /// # Errors
    /// As [`Settings::from_env`].
    pub fn from_env() -> Result<Hub, Error> {
        Ok(Hub::with(Settings::from_env()?))
    }

    /// The hub and the cache of these settings.
    pub fn with(settings: Settings) -> Hub {
        let remote = Remote::new(settings.patience, &settings.endpoint, settings.token.as_deref());
        Hub { settings, remote }
    }

    /// Returns the folder with an id's files, and fetches those that the cache lacks.
    ///
    /// Named files that are all in the cache cost no request: a branch stays where it was first fetched, until its ref is
    /// deleted. `@REVISION` names another one.
    ///
    /// # Errors
    /// An invalid or unknown id, no access, no connection or a lost one, a wrong digest.
    pub fn fetch(
        &self,
        id: &str,
        kind: Kind,
        files: &Wanted,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<PathBuf, Error> {
        let id = Id::parse(id)?;
        let folder = Folder::new(&self.settings.cache, &id, kind);
        match cached(&folder, files, self.settings.offline) {
            Ok(snapshot) => return Ok(snapshot),
            Err(missing) if self.settings.offline => {
                return Err(Error::Offline { id: id.to_string(), missing, cache: self.settings.cache.clone() });
            }
            Err(_) => {}
        }
        let Listing { sha: commit, siblings } = self.list(&id, kind)?;
        let have: Vec<String> = siblings.into_iter().map(|sibling| sibling.rfilename).collect();
        for file in choose(&folder, &commit, files, &id, have)? {
            if !folder.has(&commit, &file) {
                self.file(&id, kind, &folder, &commit, &file, progress)?;
            }
        }
        folder.set_commit(&commit)?;
        Ok(folder.snapshot(&commit))
    }

    fn list(&self, id: &Id, kind: Kind) -> Result<Listing, Error> {
        let Settings { endpoint, .. } = &self.settings;
        let revision = escape(&id.revision).replace('/', "%2F");
        let url = format!("{endpoint}/api/{}s/{}/revision/{revision}", kind.name(), id.name);
        let reply = self.remote.ask(Method::Get, &url, 0)?;
        if reply.status() != StatusCode::OK {
            return Err(self.refusal(id, kind, &reply));
        }
        let mut text = Vec::new();
        let body = reply.into_body().into_reader();
        body.take(1 << 26).read_to_end(&mut text).map_err(|error| Error::protocol(&url, error.to_string()))?;
        let listing: Listing = serde_json::from_slice(&text)
            .map_err(|error| Error::protocol(&url, format!("expected the hub's list of files: {error}")))?;
        if !crate::id::is_hex(&listing.sha, 40) {
            return Err(Error::protocol(&url, format!("expected a commit of 40 digits, got `{}`", listing.sha)));
        }
        Ok(listing)
    }

    fn file(
        &self,
        id: &Id,
        kind: Kind,
        folder: &Folder,
        commit: &str,
        file: &str,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<(), Error> {
        let prefix = if kind == Kind::Dataset { "datasets/" } else { "" };
        let url = format!("{}/{prefix}{}/resolve/{commit}/{}", self.settings.endpoint, id.name, escape(file));
        let refuse = |reply: &Reply| self.refusal(id, kind, reply);
        let head = self.remote.ask(Method::Head, &url, 0)?;
        if !(head.status().is_success() || head.status().is_redirection()) {
            return Err(refuse(&head));
        }
        let tag = head.header("x-linked-etag").or_else(|| head.header("etag")).unwrap_or_default();
        let Some(digest) = Expected::of_etag(tag) else {
            let problem = format!("expected an ETag of 40 or 64 digits, the file's digest, got `{tag}`");
            return Err(Error::protocol(&url, problem));
        };
        let linked = head.number("x-linked-size");
        let size = linked.or_else(|| head.number("content-length").filter(|_| head.status().is_success()));
        let _lock = folder.lock(&digest, || progress(Progress::Waiting { file }))?;
        let (blob, partial) = folder.blob(&digest)?;
        if !blob.exists() {
            let transfer = Transfer {
                remote: &self.remote,
                url: &url,
                name: file,
                partial: &partial,
                target: &blob,
                size,
                expected: Some(&digest),
                refuse: &refuse,
            };
            transfer.run(progress)?;
        }
        folder.link(commit, file, &digest)
    }

    /// The error that an answer without a file means.
    fn refusal(&self, id: &Id, kind: Kind, reply: &Reply) -> Error {
        let token = self.settings.token.is_some();
        let endpoint = self.settings.endpoint.clone();
        match reply.status() {
            status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
                Error::Denied { id: id.name.clone(), endpoint, status: status.as_u16(), token }
            }
            StatusCode::NOT_FOUND => {
                let what = match reply.header("x-error-code") {
                    Some("RevisionNotFound") => format!("revision {} of the {}", id.revision, kind.name()),
                    _ => kind.name().to_owned(),
                };
                Error::NotFound { what, id: id.name.clone(), endpoint, token }
            }
            status => Error::Status { url: reply.url.clone(), status: status.as_u16() },
        }
    }
}

/// The folder if the cache has every wanted file, else the first one that it lacks.
fn cached(folder: &Folder, files: &Wanted, offline: bool) -> Result<PathBuf, String> {
    let commit = folder.commit().ok_or("any commit")?;
    let snapshot = folder.snapshot(&commit);
    match files {
        Wanted::Files { required, optional } => {
            if let Some(missing) = required.iter().find(|file| !folder.has(&commit, file)) {
                return Err((*missing).to_owned());
            }
            let known = |file: &&str| folder.has(&commit, file) || folder.lacks(&commit, file);
            match optional.iter().find(|file| !known(file)) {
                Some(unknown) if !offline => Err((*unknown).to_owned()),
                _ => Ok(snapshot),
            }
        }
        // Whether it has all of them, only the hub can say.
        Wanted::Endings(_) if offline && snapshot.is_dir() => Ok(snapshot),
        Wanted::Endings(_) => Err("its files".to_owned()),
    }
}

/// The wanted ones of the files that a commit has.
fn choose(folder: &Folder, commit: &str, files: &Wanted, id: &Id, have: Vec<String>) -> Result<Vec<String>, Error> {
    match files {
        Wanted::Files { required, optional } => {
            let is_there = |file: &&&str| have.iter().any(|have| have == **file);
            if let Some(missing) = required.iter().find(|file| !is_there(file)) {
                return Err(Error::NoFile { id: id.to_string(), file: (*missing).to_owned(), have });
            }
            for file in optional.iter().filter(|file| !is_there(file)) {
                folder.set_lacks(commit, file)?;
            }
            Ok(required.iter().chain(*optional).filter(is_there).map(|file| (*file).to_owned()).collect())
        }
        Wanted::Endings(endings) => {
            let wanted = |file: &&String| {
                let name = file.to_ascii_lowercase();
                endings.iter().any(|ending| name.ends_with(ending)) && stays_inside(file)
            };
            let chosen: Vec<String> = have.iter().filter(wanted).cloned().collect();
            if chosen.is_empty() {
                let file = format!("file that ends in {}", endings.join(", "));
                return Err(Error::NoFile { id: id.to_string(), file, have });
            }
            Ok(chosen)
        }
    }
}

/// False for a name that would leave the folder it is put into.
fn stays_inside(file: &str) -> bool {
    !file.contains('\\') && Path::new(file).components().all(|part| matches!(part, Component::Normal(_)))
}
