//! `epee quickstart`: the main job on generated notes or drawings, start to end.

mod task;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use clap::ValueEnum;
use epee_exit::{Goal, Grid, Metric, Scoring, Trace, choose, full_depth, per_exit, sweep};
use epee_report::{Options, gather, html, max_points};
use serde_json::json;

use self::task::QuickstartTask;
use epee::calibration::calibration_entry;
use epee::evaluation::grades_of;
use epee::recording::read_split;
use epee::{Base, Classifier, Training};

use crate::flags::check_empty;
use crate::status::Stopped;
use crate::training;
use crate::ui::{self, Ui, choice_text, decimal, evaluation_summary, exit_table, grade_table, grid_tables};

/// Generate data, train a multi-exit model, choose an exit setting and use it, in about a minute
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  epee quickstart --out try\n  epee quickstart --task vision")]
pub(crate) struct Args {
    /// text: notes on dietary supplements and a small BERT; vision: drawings of blood cells and a small ViT
    #[arg(long, value_enum, default_value_t)]
    task: Task,
    /// Folder to write [default: epee-quickstart, or the next free epee-quickstart-N]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Seed of the data, the weights and the order of training
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Write into --out even if it is not empty
    #[arg(long)]
    force: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Task {
    #[default]
    Text,
    Vision,
}

/// The largest loss of macro-F1 on dev that the chosen setting may have.
const MAX_LOSS: f64 = 0.005;

/// Samples of the live run: enough for a steady mean, few enough for a short wait.
const LIVE: usize = 1000;

pub(crate) fn run(args: &Args, ui: Ui) -> anyhow::Result<()> {
    let start = Instant::now();
    let out = match &args.out {
        Some(out) => {
            check_empty(out, args.force)?;
            out.clone()
        }
        None => free_folder()?,
    };
    std::fs::create_dir_all(&out).with_context(|| format!("cannot create {}", out.display()))?;
    let _lock = epee_files::OutputLock::take(&out)?;
    let heading = |text: &str| ui.note(format!("\n== {text}"));

    heading("data");
    let task = match args.task {
        Task::Text => task::notes(&out, args.seed, args.force)?,
        Task::Vision => task::cells(&out, args.seed, args.force)?,
    };
    let QuickstartTask { dataset, things, .. } = &task;
    ui.note(&task.generated);
    let test = read_split(dataset, "test", None)?;

    heading(&format!("training: {}", task.model));
    let model_dir = out.join("model");
    let base = Base::Config { config: Box::new(task.config.clone()), preprocessor: task.preprocessor.clone() };
    let training = Training { options: task.options.clone(), ..Training::new(base) };
    if !training::fit(&training, dataset.dir(), &model_dir, ui)?.finished {
        return Err(Stopped(format!("stopped: {} has what was written so far", out.display())).into());
    }

    heading("traces: the logits of every exit, recorded once");
    let classifier = Classifier::load(&model_dir)?;
    let dev_trace = ui::record(&classifier, dataset, "dev", ui)?;
    let test_trace = ui::record(&classifier, dataset, "test", ui)?;
    for (name, trace) in [("dev", &dev_trace), ("test", &test_trace)] {
        let path = out.join(format!("{name}.trace.safetensors"));
        trace.save(&path)?;
        ui.note(path.display().to_string());
    }
    report(&[("dev", &dev_trace), ("test", &test_trace)], &out.join("report.html"), ui)?;

    let grid = Grid::standard(dev_trace.exits(), dev_trace.classes());
    let rows = sweep(&dev_trace, &grid)?;
    let full = full_depth(&dev_trace, &Scoring::default());
    let choice = choose(&rows, &full, Goal::MaxLoss(MAX_LOSS), Metric::MacroF1)?;
    let mut exits = classifier.model_dir().exits.clone();
    exits.policy = choice.policy.clone();
    exits.calibration = Some(calibration_entry(&choice, &dev_trace));
    exits.save(&model_dir)?;
    let classifier = classifier.with_policy(choice.policy.clone())?;

    let checked = choice.policy.check(dev_trace.exits(), dev_trace.classes())?;
    let chosen = epee_exit::replay(&checked, &test_trace)?.metrics(&test_trace);
    let full_test = full_depth(&test_trace, &Scoring::default());

    heading("a live run of the chosen setting, sample by sample");
    let examples = &test.examples[..LIVE.min(test.examples.len())];
    let live = ui::evaluate(&classifier, examples, 1, ui)?;
    let grades = grades_of(&test.examples, &epee_exit::replay(&checked, &test_trace)?);
    let (samples, about_samples) = &task.samples;
    let inputs = ui::examples(&classifier, samples)?;
    let predictions = ui::predict(&classifier, &inputs, ui)?;
    let (baseline_title, baseline) = task.baseline;
    let seconds = start.elapsed().as_secs_f64();

    if ui.json() {
        return ui.print_json(&json!({
            "out": out, "seed": args.seed, "seconds": seconds, "baseline_macro_f1": baseline,
            "exits": per_exit(&test_trace), "sweep": rows, "choice": choice,
            "test": { "chosen": chosen, "full_depth": full_test }, "grades": grades,
            "live": { "metrics": live.metrics, "wall_clock": live.wall_clock },
        }));
    }
    let best = per_exit(&test_trace).into_iter().map(|exit| exit.macro_f1).fold(0.0, f64::max);
    let parts = [
        (format!("Every exit, on {} test {things}", test_trace.samples()), exit_table(&test_trace)),
        (
            baseline_title.to_owned(),
            format!("macro-F1 {} against {} of the best exit", decimal(baseline, 3), decimal(best, 3)),
        ),
        (format!("Every setting, on {} dev {things}", dev_trace.samples()), grid_tables(&rows, &grid, Metric::MacroF1)),
        (
            format!("The setting chosen on dev: the greatest saving at no more than {MAX_LOSS} macro-F1 lost"),
            choice_text(&choice, &dev_trace, &Scoring::default())?,
        ),
        (
            format!("The same setting on {} test {things}", test_trace.samples()),
            format!(
                "macro-F1 {} against {} at full depth, saving {}, ratio {}\n\n{}",
                decimal(chosen.macro_f1, 3),
                decimal(full_test.macro_f1, 3),
                decimal(chosen.saving, 3),
                decimal(chosen.ratio, 2),
                grade_table(&grades),
            ),
        ),
        (format!("Live, on {} of them (epee eval)", examples.len()), evaluation_summary(&choice.policy, &live)),
        ((*about_samples).to_owned(), ui::prediction_table(&classifier, samples, &predictions)),
    ];
    for (title, body) in parts {
        ui.print(format!("\n{title}\n{body}"))?;
    }
    ui.note(format!("\n{:.0} s; everything is in {}", seconds, out.display()));
    ui.note(format!("next: epee predict --model {} {}", model_dir.display(), task.next));
    Ok(())
}

fn report(traces: &[(&str, &Trace)], path: &Path, ui: Ui) -> anyhow::Result<()> {
    let options = Options::new(max_points(traces.len()));
    let reports = traces.iter().map(|(name, trace)| gather(trace, name, &options)).collect::<Result<Vec<_>, _>>()?;
    epee_files::write_private(path, &[html(&reports, None)])?;
    ui.note(format!("{}: every figure, for a browser", path.display()));
    Ok(())
}

/// `epee-quickstart`, or the first free `epee-quickstart-N`.
fn free_folder() -> anyhow::Result<PathBuf> {
    let first = std::iter::once(PathBuf::from("epee-quickstart"));
    first
        .chain((2..10_000).map(|n| PathBuf::from(format!("epee-quickstart-{n}"))))
        .find(|path| !path.exists())
        .context("no free folder epee-quickstart-N left: name one with --out")
}
