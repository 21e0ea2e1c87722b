//! What the tests of this crate share.

use crate::Draft;
use epee_input::{Example, Image};

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
