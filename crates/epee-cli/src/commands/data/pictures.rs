//! `epee data import images` and `npz`: people's own pictures.

use anyhow::{Context, bail};
use epee_data::Draft;
use epee_data::import::{OwnImages, OwnNpz};

use super::{ImportArgs, explain};

/// The importers' names, and what they read.
pub(super) const OWN: [(&str, &str); 2] = [
    ("images", "own PNG and JPEG files: a folder for each class, in train, dev and test or alone"),
    ("npz", "own pictures in a NumPy archive: train_images, train_labels, …; --labels names the classes"),
];

/// Reads the pictures that `--from` names.
pub(super) fn own(args: &ImportArgs) -> anyhow::Result<Draft> {
    let name = args.name.as_str();
    let others = [
        ("--text", args.text.is_some()),
        ("--label", args.label.is_some()),
        ("--pair", args.pair.is_some()),
        ("--id", args.id.is_some()),
        ("--no-header", args.no_header),
        ("--no-quotes", args.no_quotes),
        ("--train", args.train.is_some()),
        ("--labels", args.labels.is_some() && name == "images"),
    ];
    if let Some((flag, _)) = others.iter().find(|(_, given)| *given) {
        bail!("{flag} is not for {name}, which is read with --from");
    }
    let from = args.from.clone().context("--from is missing")?;
    let (seed, fractions) = (args.seed, args.fractions);
    let read = match name {
        "images" => OwnImages { dir: from, seed, fractions }.read(),
        _ => OwnNpz { path: from, labels: args.labels.clone(), seed, fractions }.read(),
    };
    let mut draft = read.map_err(explain)?;
    if let Some(name) = args.out.file_name() {
        draft.name = name.to_string_lossy().into_owned();
    }
    Ok(draft)
}
