//! The processes of a grid's runs, and the signals that stop them.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use epee_files::{Access, OutputLock, open_options};
use epee_train::grid::{GridFile, State, value_text};
use serde_json::Value;

use super::folder::{LOG, MESSAGES, OPTIONS};
use crate::core_dumps;
use crate::status::{INTERRUPTED, STOPPED};
use crate::training::PARENT;
use crate::ui::Ui;

/// Counts Ctrl-C and other signals that ask to end.
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

/// The end of a run.
pub(super) struct Ended {
    pub(super) state: State,
    pub(super) reason: Option<String>,
}

struct Job {
    index: usize,
    dir: PathBuf,
    child: Child,
}

/// The runs in progress. If the grid ends early, they are interrupted and waited for.
#[derive(Default)]
pub(super) struct Jobs {
    running: Vec<Job>,
    interrupted: bool,
}

impl Jobs {
    pub(super) fn len(&self) -> usize {
        self.running.len()
    }

    /// Starts a run in its folder, or resumes it if it has a log.
    pub(super) fn start(&mut self, index: usize, dir: &Path, file: &GridFile, threads: usize) -> anyhow::Result<()> {
        let path = dir.join(MESSAGES);
        let mut options = open_options(&path, Access::Private);
        let messages = options
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path)
            .with_context(|| format!("cannot write {}", path.display()))?;
        let mut command = Command::new(std::env::current_exe().context("cannot find epee itself")?);
        command.args(["--threads", &threads.to_string()]);
        command.args(core_dumps::allowed().then_some(core_dumps::FLAG));
        command.arg("train");
        command.arg("--out").arg(dir).arg("--config").arg(dir.join(OPTIONS));
        // Keys of the file are flags of `epee train`, except for the options and the lists.
        let start = serde_json::to_value(file)?;
        for (key, value) in start.as_object().into_iter().flatten() {
            let text = match value {
                Value::Object(_) => continue,
                Value::Array(size) => size.iter().map(value_text).collect::<Vec<_>>().join("x"),
                value => value_text(value),
            };
            command.arg(format!("--{}={text}", key.replace('_', "-")));
        }
        // A new run needs --force, because the folder already has its options and record.
        command.arg(if dir.join(LOG).exists() { "--resume" } else { "--force" });
        command.env(PARENT, std::process::id().to_string());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(messages);
        // In a process group of its own a run gets a signal only from here, and so only once; a second would end it at once.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let child = command.spawn().context("cannot start `epee train`")?;
        self.running.push(Job { index, dir: dir.to_owned(), child });
        Ok(())
    }

    /// Interrupts all runs, once: they write a checkpoint and end.
    pub(super) fn interrupt(&mut self, say: impl FnOnce()) {
        if std::mem::replace(&mut self.interrupted, true) {
            return;
        }
        say();
        self.running.iter().for_each(|job| interrupt(&job.child));
    }

    /// Kills all runs and ends the grid.
    pub(super) fn kill(&mut self) -> ! {
        for job in &mut self.running {
            // It may have ended already.
            let _ = job.child.kill();
            let _ = job.child.wait();
        }
        std::process::exit(INTERRUPTED)
    }

    /// The runs that have ended since the last call.
    pub(super) fn ended(&mut self) -> anyhow::Result<Vec<(usize, Ended)>> {
        let mut ended = Vec::new();
        let mut at = 0;
        while let Some(job) = self.running.get_mut(at) {
            match job.child.try_wait().context("cannot wait for `epee train`")? {
                Some(status) => {
                    let job = self.running.swap_remove(at);
                    ended.push((job.index, end_of(status, &job.dir, self.interrupted)));
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

/// Longest wait for a run whose grid was killed: it ends after a step and a checkpoint.
const ORPHANS: Duration = Duration::from_secs(120);

/// Waits until a run whose grid was killed has left its folder. False if a signal came first.
pub(super) fn wait_for_orphan(dir: &Path, signals: &Signals, ui: Ui) -> anyhow::Result<bool> {
    let begun = Instant::now();
    let mut said = false;
    while let Err(locked) = OutputLock::check(dir) {
        if begun.elapsed() > ORPHANS {
            return Err(locked.into());
        }
        if signals.count() > 0 {
            return Ok(false);
        }
        if !std::mem::replace(&mut said, true) {
            ui.note(format!("{locked}: waiting until it ends"));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(true)
}

#[cfg(unix)]
fn interrupt(child: &Child) {
    use nix::sys::signal::{Signal, kill};
    if let Ok(id) = i32::try_from(child.id()) {
        // It may have ended already.
        let _ = kill(nix::unistd::Pid::from_raw(id), Signal::SIGINT);
    }
}

/// On other systems a console's Ctrl-C reaches the runs too.
#[cfg(not(unix))]
fn interrupt(_: &Child) {}

/// The end of a run, from its exit status; the reason of a failure is the last error in its messages.
fn end_of(status: ExitStatus, dir: &Path, interrupted: bool) -> Ended {
    let state = match status.code() {
        Some(0) => State::Finished,
        Some(code) if code == i32::from(STOPPED) => State::Stopped,
        // Before training starts, a signal ends the process at once.
        None if interrupted => State::Stopped,
        _ => State::Failed,
    };
    let reason = (state == State::Failed).then(|| {
        let messages = std::fs::read(dir.join(MESSAGES)).unwrap_or_default();
        let messages = String::from_utf8_lossy(&messages);
        let error = messages.lines().filter_map(|line| line.strip_prefix("error: ")).next_back();
        error.map_or_else(|| format!("ended with {status} and no error message"), str::to_owned)
    });
    Ended { state, reason }
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::os::unix::process::ExitStatusExt;

    use super::*;

    #[test]
    fn the_exit_status_decides_and_messages_only_explain() {
        let dir = tempfile::tempdir().unwrap();
        let state = |raw: i32, interrupted| end_of(ExitStatus::from_raw(raw), dir.path(), interrupted);
        let exited = |code: u8| i32::from(code) << 8;
        assert_eq!(state(exited(0), true).state, State::Finished);
        assert_eq!(state(exited(STOPPED), false).state, State::Stopped);
        let killed = 9;
        assert_eq!(state(killed, true).state, State::Stopped);
        let silent = state(killed, false);
        assert_eq!(silent.state, State::Failed);
        assert_eq!(silent.reason.unwrap(), "ended with signal: 9 (SIGKILL) and no error message");
        std::fs::write(dir.path().join(MESSAGES), "note\nerror: stopped by a full disk\n").unwrap();
        let failed = state(exited(1), true);
        assert_eq!((failed.state, failed.reason.as_deref()), (State::Failed, Some("stopped by a full disk")));
    }
}
