//! Writing a dataset's folder, whole or not at all.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;
use std::fs;
use std::path::Path;

use super::info::{FORMAT, Line};
use super::read::is_plain_name;
use super::{DATASET_FILE, Dataset, DatasetInfo, ImagesInfo, Input, SplitInfo, Task, images};
use crate::error::{Error, Result};
use epee_files::{Access, StagedFolder, is_vacant, sha256, sha256_file};
use epee_input::Example;

/// A dataset before it is written: what [`DatasetInfo`] holds, less computed fields.
#[derive(Clone, Default)]
#[allow(missing_docs, reason = "the names say what the fields are")]
pub struct Draft {
    pub name: String,
    pub task: Task,
    /// Names of the classes, in the order of their indices.
    pub labels: Vec<String>,
    pub source: String,
    pub licence: String,
    pub notes: Vec<String>,
    /// Splits by name, such as `train`, `dev`, `test`.
    pub splits: Vec<(String, Vec<Example>)>,
    /// PNG and JPEG files of a split's images, in the order of the examples, to be stored byte for byte. The examples
    /// need no `image` then. Images without files are stored as PNG.
    pub images: BTreeMap<String, Vec<Vec<u8>>>,
    /// Other files of the folder: name and content, such as `tokenizer.json`.
    pub files: Vec<(String, Vec<u8>)>,
}

impl fmt::Debug for Draft {
    /// The name and the sizes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sizes: Vec<_> = self.splits.iter().map(|(name, examples)| (name, examples.len())).collect();
        let (name, classes) = (&self.name, &self.labels.len());
        f.debug_struct("Draft").field("name", name).field("classes", classes).field("splits", &sizes).finish()
    }
}

impl Draft {
    fn input(&self) -> Input {
        let images = self.splits.iter().any(|(_, rows)| rows.iter().any(|example| example.image.is_some()));
        if images || !self.images.is_empty() { Input::Image } else { Input::Text }
    }

    fn images_of<'a>(&'a self, name: &str, examples: &'a [Example]) -> images::Images<'a> {
        images::Images { examples, files: self.images.get(name).map(Vec::as_slice) }
    }
}

/// Writes the folder `dir` and opens it.
///
/// Everything is first written into a temporary folder on the same file system and synced, then
/// moved. If `dir` does not exist, the move is one rename. If it exists, the files are moved
/// into it, `dataset.json` last, and files of an older dataset that the new one lacks are removed;
/// other files stay. New files are [private](Access::Private).
///
/// # Errors
/// A folder that holds something, unless `force`, or that another process writes into; a draft that is no dataset (no rows, fewer than
/// two classes, a class of another split missing in `train`, an empty text, a missing or
/// empty image, an id used twice); a
/// full disk or any other refusal to write, with the name of the file.
pub fn write_dataset(dir: &Path, draft: &Draft, force: bool) -> Result<Dataset> {
    check(draft)?;
    let exists = dir.exists();
    if exists && !dir.is_dir() {
        return Err(Error::content(dir, "expected a folder, got a file"));
    }
    let mut staged = StagedFolder::begin(dir, Access::Private)?;
    if exists && !force && !is_vacant(dir).map_err(Error::io("read", dir))? {
        return Err(Error::NotEmpty { path: dir.to_path_buf() });
    }
    let names = stage(&mut staged, dir, draft)?;
    staged.prepare()?;
    if exists {
        remove_old(dir, &names)?;
    }
    staged.commit()?;
    Dataset::open(dir)
}

/// Writes all files, `dataset.json` last; errors name their path in `dir`.
fn stage(staged: &mut StagedFolder, dir: &Path, draft: &Draft) -> Result<BTreeSet<String>> {
    let mut splits = BTreeMap::new();
    for (name, examples) in &draft.splits {
        let file = format!("{name}.jsonl");
        let mut images = None;
        let mut entries = None;
        if draft.input() == Input::Image {
            let encoded = draft.images_of(name, examples);
            let file = format!("{name}.zip");
            let names = encoded.names()?;
            encoded.write(&names, staged.create(&file)?, &dir.join(&file))?;
            let digest = sha256_file(&staged.staged(&file))?;
            images = Some(ImagesInfo { file, digest });
            entries = Some(names);
        }
        let bytes = to_jsonl(examples, entries.as_deref(), &draft.labels);
        staged.write(&file, &bytes)?;
        let digest = sha256(&bytes);
        splits.insert(name.clone(), SplitInfo { file, rows: examples.len(), digest, images });
    }
    let mut files = BTreeMap::new();
    for (name, bytes) in &draft.files {
        staged.write(name, bytes)?;
        files.insert(name.clone(), sha256(bytes));
    }
    let mut info = DatasetInfo {
        format: FORMAT,
        name: draft.name.clone(),
        task: draft.task,
        input: draft.input(),
        labels: draft.labels.clone(),
        source: draft.source.clone(),
        licence: draft.licence.clone(),
        notes: draft.notes.clone(),
        splits,
        files,
        digest: String::new(),
    };
    info.digest = info.compute_digest();
    // Strings, numbers and maps of them always serialise.
    let mut text = serde_json::to_vec_pretty(&info).unwrap_or_default();
    text.push(b'\n');
    staged.write(DATASET_FILE, &text)?;
    Ok(info.file_names().cloned().collect())
}

fn to_jsonl(examples: &[Example], entries: Option<&[String]>, labels: &[String]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (i, example) in examples.iter().enumerate() {
        let line = Line {
            id: example.id.clone(),
            text: entries.is_none().then(|| example.text.expose().to_owned()),
            image: entries.map(|entries| entries[i].clone()),
            pair: example.pair.as_ref().map(|pair| pair.expose().to_owned()),
            label: example.label.map(|label| labels[label].clone()),
            grade: example.grade,
        };
        bytes.extend(serde_json::to_vec(&line).unwrap_or_default());
        bytes.push(b'\n');
    }
    bytes
}

/// Removes what the dataset in `dir` has and the new one lacks, and `dataset.json`: until the new one is there, it is none.
fn remove_old(dir: &Path, names: &BTreeSet<String>) -> Result<()> {
    let stale = match Dataset::open(dir) {
        Ok(old) => &old.info().file_names().cloned().collect() - names,
        Err(_) => BTreeSet::new(),
    };
    for path in std::iter::once(DATASET_FILE).chain(stale.iter().map(String::as_str)).map(|name| dir.join(name)) {
        if path.is_file() {
            fs::remove_file(&path).map_err(Error::io("remove", &path))?;
        }
    }
    Ok(())
}

fn check(draft: &Draft) -> Result<()> {
    let invalid = |problem: String| Err(Error::Invalid(problem));
    if draft.labels.len() < 2 {
        return invalid(format!("a dataset needs at least two classes, got {}", draft.labels.len()));
    }
    let mut seen = HashSet::new();
    if let Some(second) = draft.labels.iter().position(|label| !seen.insert(label)) {
        return invalid(format!("expected different names of classes, got that of class {second} twice"));
    }
    if draft.splits.is_empty() {
        return invalid("a dataset needs at least one split, got none".to_owned());
    }
    let mut names = HashSet::from([DATASET_FILE.to_owned()]);
    let files = draft.files.iter().map(|(name, _)| name.clone());
    let zips = draft.splits.iter().filter(|_| draft.input() == Input::Image).map(|(name, _)| format!("{name}.zip"));
    for name in draft.splits.iter().map(|(name, _)| format!("{name}.jsonl")).chain(zips).chain(files) {
        if !is_plain_name(&name) {
            return invalid(format!("expected a plain file name, got `{name}`"));
        }
        if !names.insert(name.clone()) {
            return invalid(format!("file `{name}` is there twice"));
        }
    }
    for (name, examples) in &draft.splits {
        check_split(name, examples, &draft.labels)?;
        let checked = match draft.input() {
            Input::Image => draft.images_of(name, examples).check(),
            Input::Text => match examples.iter().find(|example| example.text.is_blank()) {
                Some(example) => Err(format!("the text of `{}` is empty", example.id)),
                None => Ok(()),
            },
        };
        checked.map_err(|problem| Error::Invalid(format!("split `{name}`: {problem}")))?;
    }
    check_classes(draft)
}

fn check_split(name: &str, examples: &[Example], labels: &[String]) -> Result<()> {
    let invalid = |problem: String| Err(Error::Invalid(format!("split `{name}`: {problem}")));
    if examples.is_empty() {
        return invalid("expected at least one row, got none".to_owned());
    }
    let mut ids = HashSet::new();
    for example in examples {
        let id = &example.id;
        if !ids.insert(id) {
            return invalid(format!("id `{id}` is there twice"));
        }
        if let Some(label) = example.label.filter(|&label| label >= labels.len()) {
            let count = labels.len();
            return invalid(format!("`{id}`: expected a label below {count}, got {label}"));
        }
    }
    Ok(())
}

/// `train` needs at least two classes, and each class that the other splits have.
fn check_classes(draft: &Draft) -> Result<()> {
    let Some((_, train)) = draft.splits.iter().find(|(name, _)| name == "train") else {
        return Ok(());
    };
    let known: BTreeSet<usize> = train.iter().filter_map(|example| example.label).collect();
    if known.len() < 2 {
        let problem = format!("split `train`: expected at least two classes, got {}", known.len());
        return Err(Error::Invalid(problem));
    }
    for (name, examples) in &draft.splits {
        let unseen = examples.iter().find(|e| e.label.is_some_and(|label| !known.contains(&label)));
        if let Some(Example { id, label: Some(label), .. }) = unseen {
            let problem = format!("split `{name}`: class {label}, that of `{id}`, does not occur in train");
            return Err(Error::Invalid(problem));
        }
    }
    Ok(())
}
