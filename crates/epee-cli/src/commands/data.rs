//! `epee data`: import, generate and inspect datasets.

mod download;
mod report;
mod synth;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use clap::{ArgGroup, Subcommand};
use epee_data::import::published::{self, PRESETS, preset};
use epee_data::import::{Files, Format, OwnOptions, check_options, given};
use epee_data::{Cut, Dataset, Draft, Error};
use epee_files::FileError;
use epee_input::TextTokenizer;
use serde_json::json;

use crate::fetch;
use crate::ui::{Ui, table};

/// Import, generate and inspect datasets.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// List the datasets that can be imported, with the paper's counts
    List,
    /// Convert a dataset to the form that the other commands read
    Import(Box<ImportArgs>),
    /// Download a published archive, to be imported
    Download(download::Args),
    /// Generate notes on dietary supplements, with a tokenizer, or drawings of blood cells
    Synth(synth::SynthArgs),
    /// Show counts, classes, lengths, repeated inputs and a few examples
    Inspect(InspectArgs),
}

#[derive(clap::Args, Debug)]
#[command(
    group = ArgGroup::new("files").required(true).args(["from", "train"]),
    after_help = "Examples:
  epee data import phee --from phee/ --out data/phee
  epee data import git --from git/ --drop-leaks --out data/git
  epee data import ddi --from DDICorpus-2013.zip --negative-filter all --out data/ddi
  epee data import csv --from notes.csv --text note --label status --out data/notes
  epee data import breastmnist --from medmnist/ --out data/breast
  epee data import images --from cells/ --out data/cells
  epee data import tsv --train a.tsv --dev b.tsv --test c.tsv --no-header --text 2 --label 1 --out data/own"
)]
struct ImportArgs {
    /// A dataset of `epee data list`, or csv, tsv, jsonl, images, npz for your own files
    name: String,
    /// The dataset's folder or file, or a hub id; one file of your own, to be cut into train, dev and test
    #[arg(long, value_name = "PATH")]
    from: Option<PathBuf>,
    /// Your own training rows
    #[arg(long, value_name = "FILE", conflicts_with = "from")]
    train: Option<PathBuf>,
    /// Your own development rows [default: cut from train]
    #[arg(long, value_name = "FILE", requires = "train")]
    dev: Option<PathBuf>,
    /// Your own test rows
    #[arg(long, value_name = "FILE", requires = "train")]
    test: Option<PathBuf>,
    /// The folder to write
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    own: OwnOptions,
    #[command(flatten)]
    cut: Cut,
    /// Write into a folder that is not empty
    #[arg(long)]
    force: bool,
    #[command(flatten, next_help_heading = "Options of published datasets")]
    published: published::Options,
}

#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  epee data inspect data/notes --split train")]
struct InspectArgs {
    /// The dataset's folder
    dir: PathBuf,
    /// Only this split
    #[arg(long)]
    split: Option<String>,
    /// A tokenizer.json to count tokens with [default: the folder's, if it has one]
    #[arg(long, value_name = "FILE")]
    tokenizer: Option<PathBuf>,
    /// Examples to show for each class and split
    #[arg(long, default_value_t = 1, value_name = "N")]
    examples: usize,
}

pub(crate) fn run(args: &Args, ui: Ui) -> anyhow::Result<()> {
    match &args.action {
        Action::List => list(ui),
        Action::Import(args) => import(args, ui),
        Action::Download(args) => download::run(args, ui),
        Action::Synth(args) => synth::run(args, ui),
        Action::Inspect(args) => inspect(args, ui),
    }
}

fn list(ui: Ui) -> anyhow::Result<()> {
    if ui.json() {
        let presets = PRESETS.iter().map(|p| {
            json!({
                "name": p.name, "title": p.title, "task": p.task, "expects": p.expects,
                "source": p.source, "licence": p.licence, "options": p.takes, "paper": p.paper,
            })
        });
        let own = Format::ALL.map(|format| json!({ "name": format.name(), "title": format.title() }));
        return ui.print_json(&presets.chain(own).collect::<Vec<_>>());
    }
    let rows = PRESETS.iter().map(|p| {
        let counts = [p.paper.train, p.paper.dev, p.paper.test, p.paper.classes];
        let mut row = vec![p.name.to_owned()];
        row.extend(counts.iter().map(usize::to_string));
        row.push(p.task.to_string());
        row
    });
    ui.print(table(["name", "train", "dev", "test", "classes", "task"], rows))?;
    ui.print("The counts are the paper's.\n")?;
    for p in PRESETS {
        ui.print(format!("{}: {}\n  reads    {}", p.name, p.title, p.expects))?;
        ui.print(format!("  source   {}\n  licence  {}", p.source, p.licence))?;
        if !p.takes.is_empty() {
            ui.print(format!("  options  --{}", p.takes.join(", --")))?;
        }
    }
    for format in Format::ALL {
        ui.print(format!("{}: {}", format.name(), format.title()))?;
        if !format.takes().is_empty() {
            ui.print(format!("  options  --{}", format.takes().join(", --")))?;
        }
    }
    ui.print("`epee data synth` stands in for the paper's private notes on dietary supplements")?;
    Ok(())
}

fn import(args: &ImportArgs, ui: Ui) -> anyhow::Result<()> {
    let mut options = [given(&args.own), given(&args.published)].concat();
    options.extend(args.train.as_ref().map(|_| "train".to_owned()));
    check_options(&args.name, &options)?;
    let draft = match (args.name.parse::<Format>(), preset(&args.name)) {
        (Ok(format), _) => own(args, format)?,
        (Err(_), Some(preset)) => {
            let from = &fetch::local_data(args.from.as_deref().context("--from is missing")?, ui)?;
            preset.import(from, &args.published, &args.cut).map_err(|error| match &error {
                Error::File(FileError::Io { .. }) => {
                    let cause = anyhow::Error::from(error);
                    anyhow!("{cause:#}\nhint: `{}` reads {}", preset.name, preset.expects)
                }
                _ => error.into(),
            })?
        }
        (Err(_), None) => bail!("no importer `{}`", args.name),
    };
    let dataset = epee_data::write_dataset(&args.out, &draft, args.force)?;
    written(&dataset, ui)
}

fn own(args: &ImportArgs, format: Format) -> anyhow::Result<Draft> {
    let files = match (&args.from, &args.train) {
        (Some(from), _) => Files::One(from.clone()),
        (None, Some(train)) => Files::Splits { train: train.clone(), dev: args.dev.clone(), test: args.test.clone() },
        (None, None) => bail!("--from or --train is missing"),
    };
    let mut draft = format.import(&files, &args.own, &args.cut)?;
    if let Some(name) = args.out.file_name() {
        draft.name = name.to_string_lossy().into_owned();
    }
    Ok(draft)
}

/// Prints what was written: rows of each class and split.
fn written(dataset: &Dataset, ui: Ui) -> anyhow::Result<()> {
    let report = epee_data::inspect(dataset, None, None, 0)?;
    if ui.json() {
        let splits: BTreeMap<&str, usize> =
            report.splits.iter().map(|split| (split.name.as_str(), split.rows)).collect();
        return ui.print_json(&json!({
            "dir": dataset.dir(), "name": report.name, "labels": report.labels,
            "splits": splits, "digest": report.digest, "notes": report.notes,
        }));
    }
    ui.print(report::classes(&report))?;
    for note in &report.notes {
        ui.note(note);
    }
    ui.note(format!("written to {}", dataset.dir().display()));
    Ok(())
}

fn inspect(args: &InspectArgs, ui: Ui) -> anyhow::Result<()> {
    let dataset = Dataset::open(&args.dir)?;
    let tokenizer = tokenizer(&dataset, args.tokenizer.as_deref())?;
    let split = args.split.as_deref();
    let report = epee_data::inspect(&dataset, split, tokenizer.as_ref(), args.examples)?;
    if ui.json() {
        return ui.print_json(&report);
    }
    Ok(ui.print(report::text(&report))?)
}

fn tokenizer(dataset: &Dataset, given: Option<&Path>) -> anyhow::Result<Option<TextTokenizer>> {
    let beside = dataset.dir().join("tokenizer.json");
    Ok(match given {
        Some(path) => Some(TextTokenizer::from_file(path)?),
        None if beside.is_file() => Some(TextTokenizer::from_file(beside)?),
        None => None,
    })
}
