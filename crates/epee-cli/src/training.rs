//! A training run in the terminal: initial weights, a bar, a line per epoch, and the stop signal.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use epee::{Base, Training};
use epee_train::{EpochReport, Observer, Outcome, StepReport};
use indicatif::ProgressBar;

use crate::fetch;
use crate::status::{INTERRUPTED, Stopped};
use crate::ui::Ui;

/// The initial weights: a model, which is downloaded if it is a hub id, or a config.
pub(crate) fn base(
    model: Option<&Path>,
    init: Option<&Path>,
    tokenizer: Option<&Path>,
    ui: Ui,
) -> anyhow::Result<Base> {
    let Some(model) = model else {
        let config = init.unwrap_or(Path::new("config.json")).to_owned();
        return Ok(Base::Fresh { config, tokenizer: tokenizer.map(Path::to_owned) });
    };
    let name = model.file_name().unwrap_or(model.as_os_str()).display().to_string();
    Ok(Base::Pretrained { dir: fetch::local_model(model, ui)?, name })
}

/// Runs a training with a progress bar and a line per epoch.
pub(crate) fn fit(training: &Training, data: &Path, out: &Path, ui: Ui) -> anyhow::Result<Outcome> {
    let mut progress = Progress::new(ui, training.options.epochs);
    let outcome = training.run(data, out, &mut progress);
    progress.bar.finish_and_clear();
    // From now on Ctrl-C ends the process at once: there is no checkpoint to wait for.
    let stopped = progress.stop.swap(true, Ordering::SeqCst);
    let outcome = outcome?;
    if stopped && outcome.finished {
        return Err(Stopped("stopped after the last epoch: the model is complete".to_owned()).into());
    }
    Ok(outcome)
}

/// Weight of the past in a moving average.
const KEPT: f64 = 0.95;

/// A bar with the speed and moving averages of the loss and each exit's accuracy, and a line per epoch.
struct Progress {
    ui: Ui,
    bar: ProgressBar,
    /// Set by the first Ctrl-C or SIGTERM.
    stop: Arc<AtomicBool>,
    epochs: usize,
    /// Moving averages: the loss, then each exit's accuracy.
    means: Vec<f64>,
    tokens: u64,
    start: Instant,
}

impl Progress {
    fn new(ui: Ui, epochs: usize) -> Progress {
        let (stop, means, tokens, start) = (Arc::default(), Vec::new(), 0, Instant::now());
        Progress { ui, bar: ui.progress(0, "train"), stop, epochs, means, tokens, start }
    }

    /// Tokens per second since the run started or was resumed.
    fn speed(&self) -> f64 {
        self.tokens as f64 / self.start.elapsed().as_secs_f64().max(1e-9)
    }
}

/// The environment variable in which a grid passes its process id to its runs.
pub(crate) const PARENT: &str = "EPEE_GRID_PROCESS";

/// True if the grid that started this run is gone. The run then stops, so that the next grid can use its folder.
fn orphaned() -> bool {
    static GRID: OnceLock<Option<u32>> = OnceLock::new();
    let grid = GRID.get_or_init(|| std::env::var(PARENT).ok().and_then(|id| id.parse().ok()));
    grid.is_some_and(|grid| parent().is_some_and(|parent| parent != grid))
}

#[cfg(unix)]
fn parent() -> Option<u32> {
    Some(std::os::unix::process::parent_id())
}

#[cfg(not(unix))]
fn parent() -> Option<u32> {
    None
}

impl Observer for Progress {
    fn begin(&mut self) {
        let (stop, ui) = (Arc::clone(&self.stop), self.ui);
        let handler = ctrlc::set_handler(move || {
            if stop.swap(true, Ordering::SeqCst) {
                std::process::exit(INTERRUPTED);
            }
            ui.note("stopping after this step with a checkpoint; a second Ctrl-C stops at once without one");
        });
        if let Err(error) = handler {
            self.warn(&format!("cannot watch for Ctrl-C: {error}"));
        }
        self.start = Instant::now();
    }

    fn step(&mut self, report: &StepReport) {
        let values = std::iter::once(report.loss).chain(report.exit_accuracies.iter().copied());
        if self.means.is_empty() {
            // A resumed run starts in the middle; earlier steps must not count in the remaining time.
            self.bar.set_length(report.steps);
            self.bar.set_position(report.step - 1);
            self.bar.reset_eta();
            self.means = values.collect();
        } else {
            self.means.iter_mut().zip(values).for_each(|(mean, value)| *mean = KEPT * *mean + (1.0 - KEPT) * value);
        }
        self.tokens += report.tokens as u64;
        self.bar.set_position(report.step);
        if !self.bar.is_hidden() {
            let accuracies: Vec<String> = self.means[1..].iter().map(|mean| format!("{mean:.2}")).collect();
            let (loss, speed) = (self.means[0], self.speed());
            self.bar.set_message(format!("{speed:.0} tokens/s, loss {loss:.3}, accuracy {}", accuracies.join(" ")));
        }
    }

    fn epoch(&mut self, report: &EpochReport) {
        let f1: Vec<String> = report.dev.iter().map(|exit| format!("{:.3}", exit.macro_f1)).collect();
        let best = if report.best { ", best so far" } else { "" };
        let constant = match report.constant_exits {
            0 => String::new(),
            n if n == report.dev.len() => ", every exit gives the same answer to all of dev".to_owned(),
            n => format!(", {n} of {} exits give the same answer to all of dev", report.dev.len()),
        };
        let line = format!(
            "epoch {}/{}: loss {:.3}, dev macro-F1 by exit {} ({:.0} s so far, {:.0} tokens/s){best}{constant}",
            report.epoch,
            self.epochs,
            report.train_loss,
            f1.join(" "),
            report.seconds,
            self.speed(),
        );
        self.bar.suspend(|| self.ui.note(line));
    }

    fn note(&mut self, text: &str) {
        self.bar.suspend(|| self.ui.note(text));
    }

    fn warn(&mut self, text: &str) {
        self.bar.suspend(|| self.ui.note(format!("warning: {text}")));
    }

    fn stop(&mut self) -> bool {
        self.stop.load(Ordering::SeqCst) || orphaned()
    }
}
