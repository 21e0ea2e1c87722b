//! What the tests of this crate share.

use std::path::{Path, PathBuf};

use crate::{Draft, Example, Image};

/// A file or folder of the shared data, or `None` after saying that the test is skipped.
pub(crate) fn shared(test: &str, path: &str) -> Option<PathBuf> {
    let root = match std::env::var_os("EPEE_DATA") {
        Some(root) => PathBuf::from(root),
        None => Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")).into(),
    };
    let full = root.join(path);
    if full.exists() {
        return Some(full);
    }
    let required = std::env::var("EPEE_REQUIRE_DATA").is_ok_and(|value| value == "1");
    assert!(!required, "{test} needs {}", full.display());
    eprintln!("skipped: {test} needs {}", full.display());
    None
}

/// An error with its causes, as the command prints it, paths cut to file names.
pub(crate) fn message(error: crate::Error, dir: &Path) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text.replace(&format!("{}/", dir.display()), "")
}

/// An example with this label.
pub(crate) fn example(id: &str, text: &str, label: usize) -> Example {
    Example { id: id.into(), text: text.into(), label: Some(label), ..Example::default() }
}

/// A draft of pictures: two classes, three grey 2 x 3 pictures in train, one in test, all different.
pub(crate) fn picture_draft() -> Draft {
    let row = |id: &str, first: u8, label| {
        let image = Image::new(2, 3, 1, (first..first + 6).collect::<Vec<u8>>()).ok();
        Example { id: id.into(), image, label: Some(label), ..Example::default() }
    };
    Draft {
        name: "pictures".into(),
        labels: vec!["dark".into(), "light".into()],
        splits: vec![
            ("train".into(), vec![row("a", 0, 0), row("b", 200, 1), Example { grade: Some(2), ..row("c", 30, 0) }]),
            ("test".into(), vec![row("a", 10, 0)]),
        ],
        ..Draft::default()
    }
}

/// A draft with two classes, three training rows and two test rows.
pub(crate) fn draft() -> Draft {
    let train = vec![
        example("1", "takes fish oil", 0),
        example("2", "stopped iron", 1),
        Example { pair: Some("since May".into()), grade: Some(3), ..example("3", "zinc", 1) },
    ];
    let test = vec![example("1", "on \"B12\"\nnow", 0), example("2", "no longer on zinc", 1)];
    Draft {
        name: "small".into(),
        labels: vec!["on".into(), "off".into()],
        source: "made here".into(),
        licence: "CC0".into(),
        splits: vec![("train".into(), train), ("test".into(), test)],
        ..Draft::default()
    }
}
