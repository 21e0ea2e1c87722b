//! From what the user wrote to a path on this machine: the hub is asked where no such path is there.

use std::path::{Path, PathBuf};

use anyhow::Context;
use epee_hub::{Hub, Kind, Progress, Wanted, looks_like_id};
use indicatif::{ProgressBar, ProgressStyle};

use crate::ui::Ui;

/// The folder of a model: the path that was given, or the cache's, for a hub id.
pub(crate) fn local_model(path: &Path, ui: Ui) -> anyhow::Result<PathBuf> {
    path.to_str().map_or_else(|| Ok(path.to_owned()), |text| local(text, Kind::Model, &Wanted::MODEL, ui))
}

/// The files of a dataset: the path that was given, or the cache's, for a hub id.
pub(crate) fn local_data(path: &Path, ui: Ui) -> anyhow::Result<PathBuf> {
    path.to_str().map_or_else(|| Ok(path.to_owned()), |text| local(text, Kind::Dataset, &Wanted::DATA, ui))
}

/// A path stays as it is, there or not, and never touches the network.
fn local(text: &str, kind: Kind, files: &Wanted, ui: Ui) -> anyhow::Result<PathBuf> {
    // A folder beside this one was meant where its first part is a folder here.
    let here = Path::new(text).parent().is_some_and(|parent| !parent.as_os_str().is_empty() && parent.is_dir());
    if here || !looks_like_id(text) {
        return Ok(PathBuf::from(text));
    }
    let mut bars = Bars::new(ui);
    let found = Hub::from_env().and_then(|hub| hub.fetch(text, kind, files, &mut |progress| bars.show(progress)));
    bars.close();
    found.with_context(|| format!("{text}: no such path here, so it was taken for the hub id of a {}", kind.name()))
}

/// Fetches an archive by its address into a folder.
pub(crate) fn archive(url: &str, md5: Option<&str>, dir: &Path, ui: Ui) -> anyhow::Result<PathBuf> {
    let mut bars = Bars::new(ui);
    let path = epee_hub::download(url, md5, dir, &mut |progress| bars.show(progress));
    bars.close();
    Ok(path?)
}

/// A bar for the file that is being fetched.
struct Bars {
    ui: Ui,
    bar: Option<ProgressBar>,
}

impl Bars {
    fn new(ui: Ui) -> Bars {
        Bars { ui, bar: None }
    }

    fn show(&mut self, progress: Progress<'_>) {
        match progress {
            Progress::Begin { file, size, have } => {
                self.close();
                let bar = self.ui.progress(size.unwrap_or_default(), file);
                let template = match size {
                    Some(_) => "{prefix} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}",
                    None => "{prefix} {bytes} {bytes_per_sec}",
                };
                if let Ok(style) = ProgressStyle::with_template(template) {
                    bar.set_style(style);
                }
                bar.set_position(have);
                bar.reset_eta();
                self.bar = Some(bar);
            }
            Progress::Bytes(bytes) => {
                if let Some(bar) = &self.bar {
                    bar.inc(bytes);
                }
            }
            Progress::Waiting { file } => self.ui.note(format!("{file}: waiting for another process that fetches it")),
            _ => self.close(),
        }
    }

    fn close(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}
