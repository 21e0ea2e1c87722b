//! `epee grid`: a training run for every combination of some options, each a process of its own.

mod best;
mod folder;
mod jobs;
mod report;
mod results;
mod watch;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::bail;
use epee_data::Dataset;
use epee_train::grid::{GridConfig, Majority, Plan, RunRecord, State, Summary, schema};
use serde_json::{Value, json};

use self::folder::Folder;
use self::jobs::{Jobs, Signals, wait_for_orphan};
pub(crate) use self::report::report;
use self::results::Target;
use self::watch::Watch;
use super::train::digests;
use crate::fetch;
use crate::flags::check_vacant;
use crate::ui::Ui;

/// Train a model for every combination of some options and keep the best by dev
#[derive(clap::Args)]
#[command(
    after_help = "Each run is an `epee train` in DIR/runs/NAME: its options.toml, train.log, metrics.jsonl and run.json stay there. \
    DIR has the config (grid.toml), a row per run (results.csv, results.json) and the best model (best); the other runs' \
    weights are removed unless --keep-all is given.\n\n\
    Ctrl-C writes a checkpoint of each run in progress; the same command with --resume goes on from there, and tries again what \
    failed.\n\n\
    Examples:\n  \
    epee grid --config docs/grid-paper.toml --out grids/paper\n  \
    epee grid --config grid.toml --out grids/notes --jobs 2 --resume\n  \
    epee report --grid grids/notes dev.safetensors --out report.html\n  \
    epee grid --schema > grid.schema.json"
)]
pub(crate) struct Args {
    /// What the runs are, a TOML file; docs/grid-paper.toml is an example
    #[arg(long, value_name = "FILE", required_unless_present = "schema")]
    config: Option<PathBuf>,
    /// The folder to write
    #[arg(long, value_name = "DIR", required_unless_present = "schema")]
    out: Option<PathBuf>,
    /// Go on with the grid in --out: runs that are finished stay, the others go on or begin
    #[arg(long)]
    resume: bool,
    /// How many runs at a time; they share the threads
    #[arg(long, value_name = "N", default_value_t = 1)]
    jobs: usize,
    /// Where the rows go, a .csv or .parquet file [default: results.csv in --out]
    #[arg(long, value_name = "FILE")]
    results: Option<PathBuf>,
    /// Keep the weights of every run
    #[arg(long)]
    keep_all: bool,
    /// Print the JSON schema of the config and do nothing else
    #[arg(long, conflicts_with_all = ["config", "out", "resume", "jobs", "results", "keep_all"])]
    schema: bool,
}

/// How often children are looked at.
const TICK: Duration = Duration::from_millis(50);

/// Trains what the config says.
pub(crate) fn run(args: &Args, ui: Ui) -> anyhow::Result<()> {
    let (Some(path), Some(out)) = (&args.config, &args.out) else {
        return Ok(ui.print(schema().trim_end())?);
    };
    let threads = rayon::current_num_threads();
    if args.jobs == 0 || args.jobs > threads {
        bail!("--jobs: expected 1 to {threads}, a thread for each at least, got {}", args.jobs);
    }
    let config = GridConfig::read(path)?;
    let plan = Plan::new(&config, path)?;
    let target = Target::new(args.results.as_deref(), out, args.resume)?;
    let hint = if args.resume { "it has no grid to go on with" } else { "--resume goes on with the grid in it" };
    check_vacant(out, args.resume && folder::is_grid(out), hint)?;
    let (start, majority) = start(&config, ui)?;
    let folder = Folder::open(out, &plan, &start)?;
    let records = folder.records()?;
    folder.keep_config(path)?;
    let mut grid = Grid {
        score: score_name(&plan),
        records: records.into_iter().map(|record| record.filter(|record| record.state == State::Finished)).collect(),
        majority,
        start,
        plan,
        folder,
        target,
        keep_all: args.keep_all,
        ui,
    };
    let signals = Signals::watch()?;
    grid.train(&config, args.jobs, threads / args.jobs, &signals)?;
    grid.conclude()
}

/// What all runs start from, with the digests of what can change under them; and what is worth nothing on dev.
fn start(config: &GridConfig, ui: Ui) -> anyhow::Result<(Value, Majority)> {
    let file = &config.file;
    // Fetched once, before several runs would.
    let model = file.model.as_deref().map(|model| fetch::local_model(model, ui)).transpose()?;
    let dataset = Dataset::open(&file.data)?;
    let dev = epee::recording::read_split(&dataset, "dev", None)?;
    let labels: Vec<usize> = dev.examples.iter().filter_map(|example| example.label).collect();
    if labels.is_empty() {
        bail!("{}: the dev split holds no labelled example", file.data.display());
    }
    let mut start = serde_json::to_value(file)?;
    if let Some(start) = start.as_object_mut() {
        start.remove("options");
        start.remove("grid");
        let train = dataset.info().splits.get("train").map(|split| split.content_digest());
        start.insert("digests".to_owned(), json!({ "train": train, "dev": dev.digest }));
        let (init, tokenizer) = (file.init.as_deref(), file.tokenizer.as_deref());
        for (name, digest) in digests(model.as_deref(), init, tokenizer, &file.data, ui)? {
            start["digests"][name] = digest.into();
        }
    }
    Ok((start, Majority::of(&labels, &dataset.info().labels)))
}

/// What runs are compared by, where it is the same for all.
fn score_name(plan: &Plan) -> Option<String> {
    let name = |options: &epee_train::TrainOptions| format!("{} of {}", options.select.as_str(), options.metric);
    let first = plan.runs.first().map(|run| name(&run.options))?;
    plan.runs.iter().all(|run| name(&run.options) == first).then_some(first)
}

/// A grid in progress.
struct Grid {
    plan: Plan,
    start: Value,
    majority: Majority,
    score: Option<String>,
    folder: Folder,
    target: Target,
    keep_all: bool,
    ui: Ui,
    /// By run; none of those that wait or go on.
    records: Vec<Option<RunRecord>>,
}

impl Grid {
    /// Runs what is not finished, some at a time, until all is done or a signal comes.
    fn train(&mut self, config: &GridConfig, jobs: usize, threads: usize, signals: &Signals) -> anyhow::Result<()> {
        let mut queue: VecDeque<usize> = (0..self.plan.runs.len()).filter(|&i| self.records[i].is_none()).collect();
        let done = self.plan.runs.len() - queue.len();
        if done > 0 {
            self.ui.note(format!("{done} of {} runs are finished already", self.plan.runs.len()));
        }
        self.save()?;
        let mut watch = Watch::new(self.ui, self.plan.runs.len(), done);
        let mut running = Jobs::default();
        loop {
            match signals.count() {
                0 => {
                    while running.len() < jobs
                        && let Some(index) = queue.pop_front()
                    {
                        let run = &self.plan.runs[index];
                        let dir = self.folder.begin(run, &self.start)?;
                        if !wait_for_orphan(&dir, signals, self.ui)? {
                            break;
                        }
                        running.start(index, &dir, &config.file, threads)?;
                        watch.begin(index, &run.name, run.options.epochs, &dir);
                    }
                }
                1 => running.interrupt(|| watch.stopping()),
                _ => running.kill(),
            }
            if running.len() == 0 {
                return Ok(());
            }
            std::thread::sleep(TICK);
            watch.look();
            for (index, ended) in running.ended()? {
                let record = self.folder.end(&self.plan.runs[index], &self.start, ended, &self.majority)?;
                watch.end(index, &record, &self.majority);
                self.records[index] = Some(record);
                self.save()?;
            }
        }
    }

    fn summary(&self) -> Summary {
        let runs: Vec<RunRecord> = self.records.iter().flatten().cloned().collect();
        Summary {
            start: self.start.clone(),
            score: self.score.clone(),
            majority: self.majority.clone(),
            keys: self.plan.keys.clone(),
            best: Summary::best_of(&runs).map(|run| run.name.clone()),
            planned: self.plan.runs.len(),
            runs,
        }
    }

    /// Writes the rows, keeps the best model and lets go of what is not needed any more.
    fn save(&self) -> anyhow::Result<()> {
        let summary = self.summary();
        self.target.write(&self.plan, &summary)?;
        self.folder.keep_summary(&summary)?;
        best::keep(&self.folder, &summary, self.keep_all, self.ui)
    }

    /// Prints the table; an error where a run is missing in it.
    fn conclude(&self) -> anyhow::Result<()> {
        let summary = self.summary();
        if self.ui.json() {
            self.ui.print_json(&summary)?;
        } else {
            self.ui.print(results::table(&summary))?;
            self.ui.note(format!("{}: {} runs", self.target.path().display(), summary.runs.len()));
            let best = summary.best.as_ref().filter(|_| self.folder.best().join(best::WEIGHTS).is_file());
            if let Some(best) = best {
                self.ui.note(format!("{}: the model of {best}", self.folder.best().display()));
            }
        }
        let count = |state: State| summary.runs.iter().filter(|run| run.state == state).count();
        let (finished, failed) = (count(State::Finished), count(State::Failed));
        if finished + failed < summary.planned {
            bail!(
                "stopped: {finished} of {} runs are finished\nhint: the same command with --resume goes on from there",
                summary.planned
            );
        }
        if failed > 0 {
            bail!(
                "{failed} of {} runs failed\nhint: each run's train.log says why; --resume tries again",
                summary.planned
            );
        }
        Ok(())
    }
}
