//! `epee grid`: a training run for every combination of some options, each in a process of its own.

mod folder;
mod jobs;
mod progress;
mod results;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::bail;
use epee::Training;
use epee_data::Dataset;
use epee_train::grid::{GridConfig, Majority, Plan, RunRecord, State, Summary, schema};
use serde_json::{Value, json};

use self::folder::Folder;
use self::jobs::{Jobs, Signals, wait_for_orphan};
use self::progress::Progress;
use self::results::Target;
use crate::flags::check_vacant;
use crate::status::Stopped;
use crate::training::base;
use crate::ui::Ui;

/// Train a model for every combination of some options and keep the best by dev
#[derive(clap::Args)]
#[command(
    after_help = "Each run is an `epee train` in DIR/runs/NAME: its options.toml, train.log, metrics.jsonl and run.json stay there. \
    DIR has the config (grid.toml), a row per run (results.csv, results.json) and the best model (best). The weights of the other \
    runs are removed unless --keep-all is given.\n\n\
    Ctrl-C writes a checkpoint of each run in progress and ends with exit status 3; a second Ctrl-C ends at once with 130. The same \
    command with --resume continues the grid and tries failed runs again.\n\n\
    Examples:\n  \
    epee grid --config docs/grid-paper.toml --out grids/paper\n  \
    epee grid --config grid.toml --out grids/notes --jobs 2 --resume\n  \
    epee report --grid grids/notes dev.safetensors --out report.html\n  \
    epee grid --schema > grid.schema.json"
)]
pub(crate) struct Args {
    /// TOML file that describes the runs; docs/grid-paper.toml is an example
    #[arg(long, value_name = "FILE", required_unless_present = "schema")]
    config: Option<PathBuf>,
    /// Folder to write
    #[arg(long, value_name = "DIR", required_unless_present = "schema")]
    out: Option<PathBuf>,
    /// Resume the grid in --out: finished runs stay, the others are resumed or started
    #[arg(long)]
    resume: bool,
    /// Number of runs at a time; they share the threads
    #[arg(long, value_name = "N", default_value_t = 1)]
    jobs: usize,
    /// File for the table of runs, .csv or .parquet [default: results.csv in --out]
    #[arg(long, value_name = "FILE")]
    results: Option<PathBuf>,
    /// Keep the weights of every run
    #[arg(long)]
    keep_all: bool,
    /// Print the JSON schema of the config and exit
    #[arg(long, conflicts_with_all = ["config", "out", "resume", "jobs", "results", "keep_all"])]
    schema: bool,
}

/// Time between two looks at the runs.
const TICK: Duration = Duration::from_millis(50);

pub(crate) fn run(args: &Args, ui: Ui) -> anyhow::Result<()> {
    let (Some(path), Some(out)) = (&args.config, &args.out) else {
        return Ok(ui.print(schema().trim_end())?);
    };
    let threads = rayon::current_num_threads();
    if args.jobs == 0 || args.jobs > threads {
        bail!("--jobs: expected 1 to {threads}, at least one thread for each, got {}", args.jobs);
    }
    let config = GridConfig::read(path)?;
    let mut plan = Plan::new(&config, path)?;
    let target = Target::new(args.results.as_deref(), out, args.resume)?;
    let hint = if args.resume { "it has no grid to resume" } else { "--resume continues the grid in it" };
    check_vacant(out, args.resume && folder::is_grid(out), hint)?;
    let (start, majority) = start(&config, ui)?;
    plan.runs.iter_mut().for_each(|run| run.start = start.clone());
    let folder = Folder::open(out)?;
    folder.read_finished(&mut plan.runs)?;
    folder.keep_config(path)?;
    let mut grid =
        Grid { score: score_name(&plan), plan, start, majority, folder, target, keep_all: args.keep_all, ui };
    let signals = Signals::watch()?;
    grid.train(&config, args.jobs, threads / args.jobs, &signals)?;
    grid.conclude()
}

/// The start of all runs with the digests of its files, and the scores of the majority class on dev.
fn start(config: &GridConfig, ui: Ui) -> anyhow::Result<(Value, Majority)> {
    let file = &config.file;
    // A hub model is downloaded here once, before several runs would do it.
    let base = base(file.model.as_deref(), file.init.as_deref(), file.tokenizer.as_deref(), ui)?;
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
        for (name, digest) in Training::new(base).digests(&file.data)? {
            start["digests"][name] = digest.into();
        }
    }
    Ok((start, Majority::of(&labels, &dataset.info().labels)))
}

/// The score by which runs are compared, if it is the same for all.
fn score_name(plan: &Plan) -> Option<String> {
    let name = |options: &epee_train::TrainOptions| format!("{} of {}", options.select.as_str(), options.metric);
    let first = plan.runs.first().map(|run| name(&run.options))?;
    plan.runs.iter().all(|run| name(&run.options) == first).then_some(first)
}

struct Grid {
    plan: Plan,
    start: Value,
    majority: Majority,
    score: Option<String>,
    folder: Folder,
    target: Target,
    keep_all: bool,
    ui: Ui,
}

impl Grid {
    /// Runs what is not finished, some at a time, until all runs have ended or a signal comes.
    fn train(&mut self, config: &GridConfig, jobs: usize, threads: usize, signals: &Signals) -> anyhow::Result<()> {
        let mut queue: VecDeque<usize> =
            (0..self.plan.runs.len()).filter(|&i| self.plan.runs[i].state == State::Planned).collect();
        let done = self.plan.runs.len() - queue.len();
        if done > 0 {
            self.ui.note(format!("{done} of {} runs are finished already", self.plan.runs.len()));
        }
        self.save()?;
        let mut progress = Progress::new(self.ui, self.plan.runs.len(), done);
        let mut running = Jobs::default();
        loop {
            match signals.count() {
                0 => {
                    while running.len() < jobs
                        && let Some(index) = queue.pop_front()
                    {
                        let run = &self.plan.runs[index];
                        let dir = self.folder.begin(run)?;
                        if !wait_for_orphan(&dir, signals, self.ui)? {
                            break;
                        }
                        running.start(index, &dir, &config.file, threads)?;
                        progress.begin(index, &run.name, run.options.epochs, &dir);
                    }
                }
                1 => running.interrupt(|| progress.stopping()),
                _ => running.kill(),
            }
            if running.len() == 0 {
                return Ok(());
            }
            std::thread::sleep(TICK);
            progress.update();
            for (index, ended) in running.ended()? {
                let record = self.folder.end(&self.plan.runs[index], ended, &self.majority)?;
                progress.end(index, &record, &self.majority);
                self.plan.runs[index] = record;
                self.save()?;
            }
        }
    }

    fn summary(&self) -> Summary {
        let runs = self.plan.runs.iter().filter(|run| run.state != State::Planned);
        let runs: Vec<RunRecord> = runs.cloned().collect();
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

    /// Writes the table of runs, keeps the best model and removes files that are not needed any more.
    fn save(&self) -> anyhow::Result<()> {
        let summary = self.summary();
        self.target.write(&self.plan, &summary)?;
        self.folder.keep_summary(&summary)?;
        self.folder.keep_best(&summary, self.keep_all, self.ui)
    }

    /// Prints the table; an error if runs are missing or failed.
    fn conclude(&self) -> anyhow::Result<()> {
        let summary = self.summary();
        if self.ui.json() {
            self.ui.print_json(&summary)?;
        } else {
            self.ui.print(results::table(&summary))?;
            self.ui.note(format!("{}: {} runs", self.target.path().display(), summary.runs.len()));
            let best = summary.best.as_ref().filter(|_| self.folder.best().join(folder::WEIGHTS).is_file());
            if let Some(best) = best {
                self.ui.note(format!("{}: the model of {best}", self.folder.best().display()));
            }
        }
        let count = |state: State| summary.runs.iter().filter(|run| run.state == state).count();
        let (finished, failed) = (count(State::Finished), count(State::Failed));
        if finished + failed < summary.planned {
            let planned = summary.planned;
            let text = format!(
                "stopped: {finished} of {planned} runs are finished\nhint: the same command with --resume continues the grid"
            );
            return Err(Stopped(text).into());
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
