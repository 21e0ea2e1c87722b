//! The children of a grid, and the signals that stop it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use epee_train::grid::{GridFile, State};
use epee_train::refuse_if_locked;

use super::folder::{LOG, MESSAGES, OPTIONS};
use crate::commands::train::PARENT;
use crate::ui::Ui;

/// How often Ctrl-C was pressed, or another signal came that asks to end.
pub(super) struct Signals(Arc<AtomicUsize>);

impl Signals {
    pub(super) fn watch() -> anyhow::Result<Signals> {
        let count = Arc::new(AtomicUsize::new(0));
        let handler = Arc::clone(&count);
        ctrlc::set_handler(move || {
            handler.fetch_add(1, Ordering::SeqCst);
        })
        .context("cannot watch for Ctrl-C")?;
        Ok(Signals(count))
    }

    pub(super) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// How a child ended.
pub(super) struct Ended {
    pub(super) state: State,
    pub(super) reason: Option<String>,
}

struct Job {
    index: usize,
    dir: PathBuf,
    child: Child,
}

/// The children that run. Where the grid ends early they are told to stop, and waited for.
#[derive(Default)]
pub(super) struct Jobs {
    running: Vec<Job>,
    told: bool,
}

impl Jobs {
    pub(super) fn len(&self) -> usize {
        self.running.len()
    }

    /// Starts a run in its folder, or goes on with it where it has a log.
    pub(super) fn start(&mut self, index: usize, dir: &Path, file: &GridFile, threads: usize) -> anyhow::Result<()> {
        let path = dir.join(MESSAGES);
        let messages = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        let mut command = Command::new(std::env::current_exe().context("cannot find epee itself")?);
        command.args(["--threads", &threads.to_string(), "train"]).arg("--data").arg(&file.data);
        command.arg("--out").arg(dir).arg("--config").arg(dir.join(OPTIONS));
        for (flag, path) in [("--model", &file.model), ("--init", &file.init), ("--tokenizer", &file.tokenizer)] {
            if let Some(path) = path {
                command.arg(flag).arg(path);
            }
        }
        let name = |value: serde_json::Value| value.as_str().map(str::to_owned);
        let pooling = file.pooling.map(serde_json::to_value).transpose()?.and_then(name);
        let pooler = file.pooler.map(serde_json::to_value).transpose()?.and_then(name);
        let norm = file.exit_norm.map(|norm| norm.to_string());
        let size = file.image_size.map(|[height, width]| format!("{height}x{width}"));
        for (flag, value) in
            [("--pooling", pooling), ("--pooler", pooler), ("--exit-norm", norm), ("--image-size", size)]
        {
            if let Some(value) = value {
                command.args([flag, &value]);
            }
        }
        // The folder holds what the grid keeps of the run, so a fresh one is forced too.
        command.arg(if dir.join(LOG).exists() { "--resume" } else { "--force" });
        command.env(PARENT, std::process::id().to_string());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(messages);
        // In a group of its own a child gets each signal once, from here: of Ctrl-C a second would end it at once.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let child = command.spawn().context("cannot start `epee train`")?;
        self.running.push(Job { index, dir: dir.to_owned(), child });
        Ok(())
    }

    /// Tells all children, once, to write a checkpoint and end.
    pub(super) fn interrupt(&mut self, say: impl FnOnce()) {
        if std::mem::replace(&mut self.told, true) {
            return;
        }
        say();
        self.running.iter().for_each(|job| interrupt(&job.child));
    }

    /// Ends all children, and the grid.
    pub(super) fn kill(&mut self) -> ! {
        for job in &mut self.running {
            // One that has ended is as good.
            let _ = job.child.kill();
            let _ = job.child.wait();
        }
        std::process::exit(130)
    }

    /// Those that have ended since the last time.
    pub(super) fn ended(&mut self) -> anyhow::Result<Vec<(usize, Ended)>> {
        let mut ended = Vec::new();
        let mut at = 0;
        while let Some(job) = self.running.get_mut(at) {
            match job.child.try_wait().context("cannot wait for `epee train`")? {
                Some(status) => {
                    let job = self.running.swap_remove(at);
                    ended.push((job.index, how(status, &job.dir, self.told)));
                }
                None => at += 1,
            }
        }
        Ok(ended)
    }
}

impl Drop for Jobs {
    fn drop(&mut self) {
        self.interrupt(|| ());
        for job in &mut self.running {
            let _ = job.child.wait();
        }
    }
}

/// The longest that a run of a grid that was killed may take to notice: a step and a checkpoint.
const ORPHANS: Duration = Duration::from_secs(120);

/// Waits for a run of a grid that was killed to leave its folder, and says so. False where a signal came first.
pub(super) fn wait_for_orphan(dir: &Path, signals: &Signals, ui: Ui) -> anyhow::Result<bool> {
    let begun = Instant::now();
    let mut said = false;
    while let Err(locked) = refuse_if_locked(dir) {
        if begun.elapsed() > ORPHANS {
            return Err(locked.into());
        }
        if signals.count() > 0 {
            return Ok(false);
        }
        if !std::mem::replace(&mut said, true) {
            ui.note(format!("{locked}: it is waited for until it ends"));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(true)
}

#[cfg(unix)]
fn interrupt(child: &Child) {
    use nix::sys::signal::{Signal, kill};
    if let Ok(id) = i32::try_from(child.id()) {
        // One that has ended needs no signal.
        let _ = kill(nix::unistd::Pid::from_raw(id), Signal::SIGINT);
    }
}

/// Elsewhere a console's Ctrl-C reaches the children too.
#[cfg(not(unix))]
fn interrupt(_: &Child) {}

fn how(status: ExitStatus, dir: &Path, told: bool) -> Ended {
    if status.success() {
        return Ended { state: State::Finished, reason: None };
    }
    let messages = std::fs::read(dir.join(MESSAGES)).unwrap_or_default();
    let messages = String::from_utf8_lossy(&messages);
    let error = messages.lines().filter_map(|line| line.strip_prefix("error: ")).next_back();
    // Before training begins nothing waits for a signal, so that one just ends it.
    let stopped = error.map_or(told && status.code().is_none(), |error| error.starts_with("stopped"));
    if stopped {
        return Ended { state: State::Stopped, reason: None };
    }
    let reason = error.map_or_else(|| format!("ended without a word ({status})"), str::to_owned);
    Ended { state: State::Failed, reason: Some(reason) }
}
