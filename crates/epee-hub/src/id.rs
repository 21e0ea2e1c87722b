//! Hub ids: OWNER/NAME@REVISION.

use std::path::Path;

use crate::error::Error;

/// The kind of repository that an id names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A model.
    Model,
    /// A dataset.
    Dataset,
}

impl Kind {
    /// Its name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Model => "model",
            Kind::Dataset => "dataset",
        }
    }
}

/// An id and a revision, both of a form that is safe in paths and addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Id {
    /// `NAME` or `OWNER/NAME`.
    pub name: String,
    /// A branch, a tag or a commit: `main` if none is given.
    pub revision: String,
}

impl Id {
    /// Reads `NAME`, `OWNER/NAME`, either with `@REVISION`.
    ///
    /// # Errors
    /// [`Error::Id`].
    pub fn parse(text: &str) -> Result<Id, Error> {
        let refuse = |got: &str| Error::Id { text: text.to_owned(), got: got.to_owned() };
        let (name, revision) = text.split_once('@').unwrap_or((text, "main"));
        if name.split('/').count() > 2 {
            return Err(refuse("more than one slash"));
        }
        for (part, parts) in [(name, name.split('/')), (revision, revision.split('/'))] {
            if part.len() > 200 || !parts.into_iter().all(is_part) {
                return Err(refuse("other characters than letters, digits, `-`, `_`, `.`, or an empty part"));
            }
        }
        Ok(Id { name: name.to_owned(), revision: revision.to_owned() })
    }

    /// True if the revision is a commit, which cannot move.
    pub(crate) fn is_commit(&self) -> bool {
        is_hex(&self.revision, 40)
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)?;
        if self.revision == "main" { Ok(()) } else { write!(f, "@{}", self.revision) }
    }
}

/// A part that is not empty and does not start with a dot.
fn is_part(part: &str) -> bool {
    !part.is_empty()
        && !part.starts_with('.')
        && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

pub(crate) fn is_hex(text: &str, len: usize) -> bool {
    text.len() == len && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'))
}

/// Extensions of data files: a name that ends so is a mistyped path, not an id.
const FILES: [&str; 13] =
    ["csv", "gz", "json", "jsonl", "npz", "parquet", "safetensors", "tar", "toml", "tsv", "txt", "xml", "zip"];

/// True for a text that can only be meant as a hub id: nothing is there under that path, and it has the form of one.
///
/// A text that starts with `.`, `/` or `~`, has more than one slash, or has a data file's extension is a path, whether
/// the path exists or not.
///
/// ```
/// use epee_hub::looks_like_id;
/// assert!(looks_like_id("albert/albert-base-v2"));
/// assert!(looks_like_id("gpt2@main"));
/// assert!(!looks_like_id("./gpt2") && !looks_like_id("models/minilm/final") && !looks_like_id("src"));
/// ```
pub fn looks_like_id(text: &str) -> bool {
    let is_file =
        || Path::new(text).extension().is_some_and(|end| FILES.iter().any(|file| end.eq_ignore_ascii_case(file)));
    !Path::new(text).exists() && !text.starts_with('~') && !is_file() && Id::parse(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_a_name_and_a_revision() {
        let id = Id::parse("owner/name.v1@refs/pr/3").unwrap();
        assert_eq!((id.name.as_str(), id.revision.as_str()), ("owner/name.v1", "refs/pr/3"));
        assert_eq!(id.to_string(), "owner/name.v1@refs/pr/3");
        assert_eq!(Id::parse("gpt2").unwrap().to_string(), "gpt2");
        assert!(Id::parse(&format!("gpt2@{}", "a1".repeat(20))).unwrap().is_commit());
        for bad in
            ["", "a/b/c", "../x", "a/..", "a/", "/a", "a b", "a\\b", "C:\\x", "a@", "a@../b", "a@x/../y", "é", "a?b"]
        {
            let error = Id::parse(bad).unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{bad}`: expected a hub id")), "{error}");
        }
    }

    #[test]
    fn a_path_is_no_id() {
        let dir = tempfile::tempdir().unwrap();
        let paths = "./a ../a /a/b ~/a ~ . a/b/c src src/id.rs notes.csv data/a.NPZ".split(' ');
        for path in paths.chain(dir.path().to_str()) {
            assert!(!looks_like_id(path), "{path}");
        }
        for id in ["a", "a/b", "a@b", "all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2@main"] {
            assert!(looks_like_id(id), "{id}");
        }
    }
}
