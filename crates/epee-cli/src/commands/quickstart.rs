//! `epee quickstart`: the main job on generated notes or drawings, start to end.

mod task;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, bail};
use clap::ValueEnum;
use epee_exit::{Goal, Grid, Metric, Scoring, Trace, choose, full_depth, per_exit, sweep};
use epee_model::{ExitConfig, ExitsFile, Model};
use epee_nn::Precision;
use epee_report::{Options, gather, html, max_points};
use serde_json::json;

use self::task::QuickstartTask;
use super::calibrate::{calibration, choice_text};
use super::sweep::{decimal, exit_table, grid_tables};
use super::{check_empty, eval, predict, trace, train};
use crate::inputs::{self, Classifier};
use crate::ui::Ui;

/// Generate notes or drawings, train a multi-exit model, weigh every exit setting, choose one, and use it: about two minutes
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  epee quickstart --out try\n  epee quickstart --task vision")]
pub(crate) struct Args {
    /// text: notes on dietary supplements and a BERT; vision: drawings of blood cells and a ViT
    #[arg(long, value_enum, default_value_t)]
    task: Task,
    /// The folder to write [default: epee-quickstart, or the next free epee-quickstart-N]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Seed of the data, the weights and the order
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Write into --out even if it holds something
    #[arg(long)]
    force: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Task {
    #[default]
    Text,
    Vision,
}

/// The greatest loss of macro-F1 on dev that the chosen setting may have.
const MAX_LOSS: f64 = 0.005;

/// Samples of the live run: enough for a steady mean, few enough for a short wait.
const LIVE: usize = 1000;

/// Does everything and prints the tables.
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
    let heading = |text: &str| ui.note(format!("\n== {text}"));

    heading("data");
    let task = match args.task {
        Task::Text => task::notes(&out, args.seed, args.force)?,
        Task::Vision => task::cells(&out, args.seed, args.force)?,
    };
    let QuickstartTask { dataset, things, .. } = &task;
    ui.note(&task.generated);
    let test = inputs::split(dataset, "test", None)?;

    heading(&format!("training: {}", task.model));
    let model_dir = out.join("model");
    let trained = fit(&task, &model_dir, ui)?;
    if !trained {
        bail!("stopped; what was written so far is in {}", out.display());
    }

    heading("traces: the logits of every exit, recorded once");
    let mut classifier = Classifier::load(&model_dir, Precision::F32, ui)?;
    let dev_trace = trace::record(&classifier, dataset, "dev", ui)?;
    let test_trace = trace::record(&classifier, dataset, "test", ui)?;
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
    classifier.model_dir.exits.policy = choice.policy.clone();
    classifier.model_dir.exits.calibration = Some(calibration(&choice, &dev_trace));
    classifier.model_dir.exits.save(&model_dir)?;

    let checked = choice.policy.check(dev_trace.exits(), dev_trace.classes())?;
    let chosen = epee_exit::replay(&checked, &test_trace)?.metrics(&test_trace);
    let full_test = full_depth(&test_trace, &Scoring::default());

    heading("a live run of the chosen setting, sample by sample");
    let examples = &test.examples[..LIVE.min(test.examples.len())];
    let sequences = classifier.encode(examples, ui)?;
    let live = eval::live(&classifier.engine, &checked, examples, &sequences, 1, ui)?;
    let grades = eval::grades_of(&test.examples, &epee_exit::replay(&checked, &test_trace)?);
    let (samples, about_samples) = &task.samples;
    let predictions = predict::predict(&classifier, None, samples, ui)?;
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
                eval::grade_table(&grades),
            ),
        ),
        (format!("Live, on {} of them (epee eval)", examples.len()), eval::summary(&choice.policy, &live)),
        ((*about_samples).to_owned(), predict::prediction_table(&classifier, samples, &predictions)),
    ];
    for (title, body) in parts {
        ui.print(format!("\n{title}\n{body}"))?;
    }
    ui.note(format!("\n{:.0} s; everything is in {}", seconds, out.display()));
    ui.note(format!("next: epee predict --model {} {}", model_dir.display(), task.next));
    Ok(())
}

/// The page of figures of some traces.
fn report(traces: &[(&str, &Trace)], path: &Path, ui: Ui) -> anyhow::Result<()> {
    let options = Options::new(max_points(traces.len()));
    let reports = traces.iter().map(|(name, trace)| gather(trace, name, &options)).collect::<Result<Vec<_>, _>>()?;
    epee_files::write_atomic(path, &[html(&reports, None)])?;
    ui.note(format!("{}: every figure, for a browser", path.display()));
    Ok(())
}

/// `epee-quickstart`, or the first free `epee-quickstart-N`.
fn free_folder() -> anyhow::Result<PathBuf> {
    let name = |n: usize| match n {
        1 => PathBuf::from("epee-quickstart"),
        n => PathBuf::from(format!("epee-quickstart-{n}")),
    };
    (1..10_000)
        .map(name)
        .find(|path| !path.exists())
        .context("no free folder epee-quickstart-N left: name one with --out")
}

fn fit(task: &QuickstartTask, out: &Path, ui: Ui) -> anyhow::Result<bool> {
    let QuickstartTask { dataset, config, preprocessor, options, .. } = task;
    let heads = ExitConfig::of(config, dataset.info().classes());
    let model = Model::new(config, heads, options.seed);
    let max_tokens = config.vocab_size().map(|_| options.max_tokens);
    let exits = ExitsFile { max_tokens, ..ExitsFile::new(config, heads) };
    let (config, preprocessor, options) = (config.clone(), preprocessor.clone(), options.clone());
    let base = "fresh weights".to_owned();
    let (resume, checkpoint_seconds) = (false, train::CHECKPOINT_SECONDS);
    let job =
        train::Job { dataset, out, model, config, preprocessor, exits, base, options, resume, checkpoint_seconds };
    Ok(train::fit(job, ui)?.finished)
}

#[cfg(test)]
mod tests {
    use super::*;
    use epee_exit::TraceParts;

    #[test]
    fn grades_are_counted() {
        let parts = TraceParts { exits: 1, classes: 2, logits: vec![0.0, 1.0], labels: vec![1], ..Default::default() };
        let trace = Trace::new(parts).unwrap();
        let replay = epee_exit::replay(&epee_exit::Policy::full().check(1, 2).unwrap(), &trace).unwrap();
        let example = epee_input::Example { label: Some(1), grade: Some(3), ..Default::default() };
        let grades = eval::grades_of(&[example], &replay);
        assert_eq!((grades[0].grade, grades[0].samples, grades[0].accuracy, grades[0].mean_exit), (3, 1, 1.0, 1.0));
    }
}
