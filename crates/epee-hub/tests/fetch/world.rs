//! A hub of one repository, the server its large files are on, and a cache.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::server::{Answer, Request, Server};
use epee_hub::{Error, Hub, Kind, Settings, Wanted};
use sha1::{Digest, Sha1};
use tempfile::TempDir;

pub(crate) const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

#[derive(Clone, Default)]
pub(crate) struct Faults {
    /// The next file breaks off after so many bytes.
    pub(crate) cut: Option<usize>,
    /// Files are served from their beginning, whatever is asked.
    pub(crate) no_ranges: bool,
    pub(crate) wrong: bool,
    /// Requests without this token are refused.
    pub(crate) token: Option<&'static str>,
    /// The status of every answer.
    pub(crate) status: Option<u16>,
    /// The entity tag of every file.
    pub(crate) etag: Option<&'static str>,
}

/// A hub, its file server and a cache, with injected faults.
pub(crate) struct World {
    pub(crate) hub: Server,
    pub(crate) cdn: Server,
    pub(crate) faults: Arc<Mutex<Faults>>,
    pub(crate) dir: TempDir,
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    epee_files::sha256(bytes).replace("sha256:", "")
}

pub(crate) fn git(bytes: &[u8]) -> String {
    epee_files::hex(&Sha1::digest([format!("blob {}\0", bytes.len()).as_bytes(), bytes].concat()))
}

/// Weights that fill several buffers.
pub(crate) fn weights() -> Vec<u8> {
    (0..300_000_u32).flat_map(|i| (i.wrapping_mul(2_654_435_761) >> 24).to_le_bytes()).take(300_000).collect()
}

/// A model's files: the large ones are not in git.
pub(crate) fn model() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("README.md", b"# A model\n".to_vec()),
        ("config.json", b"{\"model_type\": \"bert\"}\n".to_vec()),
        ("model.safetensors", weights()),
        ("tokenizer.json", b"{}".to_vec()),
    ]
}

impl World {
    pub(crate) fn new(files: Vec<(&'static str, Vec<u8>)>) -> World {
        let faults = Arc::new(Mutex::new(Faults::default()));
        let serve = move |request: &Request, bytes: &[u8], faults: &Mutex<Faults>| {
            let mut faults = faults.lock().unwrap();
            let mut bytes = bytes.to_vec();
            if faults.wrong {
                bytes[0] ^= 1;
            }
            let mut answer = if faults.no_ranges { Answer::body(bytes) } else { Answer::file(request, &bytes) };
            if request.method == "GET" {
                answer.cut = faults.cut.take();
            }
            answer
        };
        let (shared, large) = (Arc::clone(&faults), files.clone());
        let cdn = Server::start(move |request| {
            let name = request.path.strip_prefix("/cdn/").unwrap();
            let (_, bytes) = large.iter().find(|(file, _)| *file == name).unwrap();
            serve(request, bytes, &shared)
        });
        let (shared, cdn_url) = (Arc::clone(&faults), cdn.url.clone());
        let hub = Server::start(move |request| {
            let Faults { token, status, etag, .. } = shared.lock().unwrap().clone();
            if let Some(status) = status {
                return Answer::status(status);
            }
            if token.is_some_and(|token| request.header("authorization") != Some(&format!("Bearer {token}"))) {
                return Answer::status(401);
            }
            let path = request.path.strip_prefix("/api/datasets/").or(request.path.strip_prefix("/api/models/"));
            if let Some(path) = path {
                return match path {
                    "owner/name/revision/main" | "owner/name/revision/refs%2Fpr%2F1" => {
                        let siblings: Vec<_> =
                            files.iter().map(|(file, _)| serde_json::json!({ "rfilename": file })).collect();
                        Answer::body(serde_json::json!({ "sha": COMMIT, "siblings": siblings }).to_string())
                    }
                    "old/name/revision/main" => {
                        Answer::status(307).with("Location", "/api/models/owner/name/revision/main")
                    }
                    path if path.starts_with("owner/name/") => {
                        Answer::status(404).with("X-Error-Code", "RevisionNotFound")
                    }
                    _ => Answer::status(404).with("X-Error-Code", "RepoNotFound"),
                };
            }
            let (_, file) = request.path.split_once(&format!("/resolve/{COMMIT}/")).unwrap();
            let (name, bytes) = files.iter().find(|(name, _)| name.replace(' ', "%20") == file).unwrap();
            let tag = |own: String| format!("\"{}\"", etag.map_or(own, str::to_owned));
            if bytes.len() < 1000 {
                return serve(request, bytes, &shared).with("ETag", tag(git(bytes))).with("X-Repo-Commit", COMMIT);
            }
            Answer::status(302)
                .with("Location", format!("{cdn_url}/cdn/{name}"))
                .with("X-Repo-Commit", COMMIT)
                .with("X-Linked-Etag", tag(sha256(bytes)))
                .with("X-Linked-Size", bytes.len().to_string())
        });
        World { hub, cdn, faults, dir: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings { endpoint: self.hub.url.clone(), ..Settings::new(self.dir.path().join("hub")) }
    }

    pub(crate) fn set(&self, faults: Faults) {
        *self.faults.lock().unwrap() = faults;
    }

    pub(crate) fn fetch(&self, id: &str) -> Result<PathBuf, Error> {
        fetch(self.settings(), id)
    }

    /// The refusal, addresses and folders replaced.
    pub(crate) fn refusal(&self, settings: Settings, id: &str) -> String {
        let text = fetch(settings, id).unwrap_err().to_string();
        text.replace(&self.hub.url, "HUB").replace(&self.dir.path().display().to_string(), "DIR")
    }

    pub(crate) fn repository(&self) -> PathBuf {
        self.dir.path().join("hub/models--owner--name")
    }

    pub(crate) fn partial(&self) -> PathBuf {
        self.repository().join("blobs").join(sha256(&weights())).with_extension("incomplete")
    }
}

pub(crate) fn fetch(settings: Settings, id: &str) -> Result<PathBuf, Error> {
    Hub::with(settings).fetch(id, Kind::Model, &Wanted::MODEL, &mut |_| {})
}

pub(crate) fn read(path: impl AsRef<Path>) -> Vec<u8> {
    std::fs::read(path).unwrap()
}
