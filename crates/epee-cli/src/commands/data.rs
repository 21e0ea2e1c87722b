//! `epee data`: datasets in, and a look at them.

mod choices;
mod download;
mod pictures;
mod report;
mod synth;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use clap::{ArgGroup, Subcommand};
use epee_data::import::{Columns, Files, Format, Options, OwnFiles, PRESETS, preset};
use epee_data::{Dataset, Draft, Error, Fractions};
use epee_files::FileError;
use epee_input::TextTokenizer;
use serde_json::json;

use self::choices::Choices;
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
    /// What can be imported, with the paper's counts.
    List,
    /// Bring a dataset into the form that the other commands read.
    Import(Box<ImportArgs>),
    /// Fetch a published archive by its address, to be imported.
    Download(download::Args),
    /// Generate notes on dietary supplements, with a tokenizer, or drawings of blood cells.
    Synth(synth::SynthArgs),
    /// Counts, classes, lengths, repeated texts and a few examples.
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
    /// A dataset of `epee data list`, or csv, tsv, jsonl, images, npz for own files.
    name: String,
    /// The dataset's folder or file, or a hub id; of own files one file, to be cut into train, dev and test.
    #[arg(long, value_name = "PATH")]
    from: Option<PathBuf>,
    /// Own training rows.
    #[arg(long, value_name = "FILE", conflicts_with = "from")]
    train: Option<PathBuf>,
    /// Own development rows [default: cut from train].
    #[arg(long, value_name = "FILE", requires = "train")]
    dev: Option<PathBuf>,
    /// Own test rows.
    #[arg(long, value_name = "FILE", requires = "train")]
    test: Option<PathBuf>,
    /// The folder to write.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Own files: the column (jsonl: the key) with the text; a number from 1 with --no-header.
    #[arg(long, value_name = "COLUMN")]
    text: Option<String>,
    /// Own files: the column with the label.
    #[arg(long, value_name = "COLUMN")]
    label: Option<String>,
    /// Own files: the column with a second text.
    #[arg(long, value_name = "COLUMN")]
    pair: Option<String>,
    /// Own files: the column with the id [default: rows are numbered].
    #[arg(long, value_name = "COLUMN")]
    id: Option<String>,
    /// npz: names of the classes 0, 1, … [default: their numbers].
    #[arg(long, value_name = "A,B,…", value_delimiter = ',')]
    labels: Option<Vec<String>>,
    /// csv, tsv: the first row is a row like the others.
    #[arg(long)]
    no_header: bool,
    /// csv, tsv: quotes are characters like the others.
    #[arg(long)]
    no_quotes: bool,
    /// Seed of the cut, where the dataset brings no splits.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Shares of train, dev and test in that cut: stratified, equal texts together.
    #[arg(long, value_name = "TRAIN,DEV,TEST", default_value = "0.8,0.1,0.1")]
    fractions: Fractions,
    /// Write into a folder that holds something.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    choices: Choices,
}

#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  epee data inspect data/notes --split train")]
struct InspectArgs {
    /// The dataset's folder.
    dir: PathBuf,
    /// One split alone.
    #[arg(long)]
    split: Option<String>,
    /// A tokenizer.json to count tokens with [default: the folder's, if it has one].
    #[arg(long, value_name = "FILE")]
    tokenizer: Option<PathBuf>,
    /// Examples to show of each class and split.
    #[arg(long, default_value_t = 1, value_name = "N")]
    examples: usize,
}

/// Runs the command.
pub(crate) fn run(args: &Args, ui: Ui) -> anyhow::Result<()> {
    match &args.action {
        Action::List => list(ui),
        Action::Import(args) => import(args, ui),
        Action::Download(args) => download::run(args, ui),
        Action::Synth(args) => synth::run(args, ui),
        Action::Inspect(args) => inspect(args, ui),
    }
}

/// Adds what to do about it, where the command line has an answer.
fn explain(error: Error) -> anyhow::Error {
    let hint = match &error {
        Error::NotEmpty { .. } => "choose another folder with --out, or pass --force",
        Error::OpenQuote { .. } => "close it, or pass --no-quotes if quotes are characters like the others",
        Error::Columns { .. } => "a field that holds the separator or a newline stands in quotes",
        _ => return error.into(),
    };
    anyhow!("{error}\nhint: {hint}")
}

const OWN: [(&str, &str); 3] = [
    ("csv", "own comma-separated files"),
    ("tsv", "own tab-separated files"),
    ("jsonl", "own files of one JSON object a line"),
];

fn list(ui: Ui) -> anyhow::Result<()> {
    if ui.json() {
        let presets = PRESETS.iter().map(|p| {
            json!({
                "name": p.name, "title": p.title, "task": p.task, "expects": p.expects,
                "source": p.source, "licence": p.licence, "options": p.takes,
                "paper": { "train": p.paper.train, "dev": p.paper.dev, "test": p.paper.test,
                    "classes": p.paper.classes },
            })
        });
        let own = OWN.iter().chain(&pictures::OWN).map(|(name, title)| json!({ "name": name, "title": title }));
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
    for (name, title) in OWN {
        ui.print(format!("{name}: {title}, columns named by --text, --label, --pair, --id"))?;
    }
    for (name, title) in pictures::OWN {
        ui.print(format!("{name}: {title}"))?;
    }
    ui.print("`epee data synth` stands in for the paper's private notes on dietary supplements")?;
    Ok(())
}

fn import(args: &ImportArgs, ui: Ui) -> anyhow::Result<()> {
    let draft = match args.name.as_str() {
        "csv" => own(args, Format::Csv)?,
        "tsv" => own(args, Format::Tsv)?,
        "jsonl" => own(args, Format::Jsonl)?,
        "images" | "npz" => pictures::own(args)?,
        name => published(args, name, ui)?,
    };
    let dataset = epee_data::write_dataset(&args.out, &draft, args.force).map_err(explain)?;
    written(&dataset, ui)
}

fn published(args: &ImportArgs, name: &str, ui: Ui) -> anyhow::Result<Draft> {
    let Some(preset) = preset(name) else {
        let own = OWN.iter().chain(&pictures::OWN).map(|(name, _)| *name);
        let names: Vec<&str> = PRESETS.iter().map(|p| p.name).chain(own).collect();
        bail!("no importer `{name}`, there are {}", names.join(", "));
    };
    let own_only = [
        ("--text", args.text.is_some()),
        ("--label", args.label.is_some()),
        ("--pair", args.pair.is_some()),
        ("--id", args.id.is_some()),
        ("--labels", args.labels.is_some()),
        ("--no-header", args.no_header),
        ("--no-quotes", args.no_quotes),
        ("--train", args.train.is_some()),
    ];
    if let Some((flag, _)) = own_only.iter().find(|(_, given)| *given) {
        bail!("{flag} is for own files: csv, tsv, jsonl, npz; `{name}` is read with --from");
    }
    let from = &fetch::local_data(args.from.as_deref().context("--from is missing")?, ui)?;
    let own = Options { seed: args.seed, fractions: args.fractions, ..Options::default() };
    let options = args.choices.options(preset, own)?;
    preset.import(from, &options).map_err(|error| match &error {
        Error::File(FileError::Io { .. }) => {
            let cause = anyhow::Error::from(error);
            anyhow!("{cause:#}\nhint: `{name}` reads {}", preset.expects)
        }
        _ => explain(error),
    })
}

fn own(args: &ImportArgs, format: Format) -> anyhow::Result<Draft> {
    args.choices.refuse(&args.name)?;
    let needed = |value: &Option<String>, flag: &str| {
        value.clone().with_context(|| format!("{} needs {flag} COLUMN", args.name))
    };
    if format == Format::Jsonl && (args.no_header || args.no_quotes) {
        bail!("--no-header and --no-quotes are for csv and tsv");
    }
    if args.labels.is_some() {
        bail!("--labels is for npz");
    }
    let files = match (&args.from, &args.train) {
        (Some(from), _) => Files::One(from.clone()),
        (None, Some(train)) => Files::Splits { train: train.clone(), dev: args.dev.clone(), test: args.test.clone() },
        (None, None) => bail!("--from or --train is missing"),
    };
    let columns = Columns {
        text: needed(&args.text, "--text")?,
        label: needed(&args.label, "--label")?,
        pair: args.pair.clone(),
        id: args.id.clone(),
    };
    let own = OwnFiles {
        header: !args.no_header,
        quotes: !args.no_quotes,
        seed: args.seed,
        fractions: args.fractions,
        ..OwnFiles::new(format, columns, files)
    };
    let mut draft = own.read().map_err(explain)?;
    if let Some(name) = args.out.file_name() {
        draft.name = name.to_string_lossy().into_owned();
    }
    Ok(draft)
}

/// What was written: rows of each class and split.
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
