//! Downloads with a progress bar: models, datasets and archives.

use std::path::{Path, PathBuf};

use epee_hub::Progress;
use indicatif::{ProgressBar, ProgressStyle};

use crate::ui::Ui;

/// The folder of a model: the path that was given, or the cache's for a hub id.
pub(crate) fn local_model(path: &Path, ui: Ui) -> anyhow::Result<PathBuf> {
    Ok(epee::hub::model(path, &mut Bars { ui, bar: None }.watch())?)
}

/// The files of a dataset: the path that was given, or the cache's for a hub id.
pub(crate) fn local_data(path: &Path, ui: Ui) -> anyhow::Result<PathBuf> {
    Ok(epee::hub::dataset(path, &mut Bars { ui, bar: None }.watch())?)
}

pub(crate) fn archive(url: &str, md5: Option<&str>, dir: &Path, ui: Ui) -> anyhow::Result<PathBuf> {
    Ok(epee_hub::download(url, md5, dir, &mut Bars { ui, bar: None }.watch())?)
}

/// A bar for the file that is being fetched.
struct Bars {
    ui: Ui,
    bar: Option<ProgressBar>,
}

impl Bars {
    fn watch(mut self) -> impl FnMut(Progress<'_>) {
        move |progress| self.show(progress)
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

impl Drop for Bars {
    fn drop(&mut self) {
        self.close();
    }
}
