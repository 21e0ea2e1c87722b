//! One file per command: its flags, and what it does with them.

pub(crate) mod bench;
pub(crate) mod calibrate;
pub(crate) mod compare;
pub(crate) mod data;
pub(crate) mod eval;
pub(crate) mod grid;
pub(crate) mod info;
pub(crate) mod policy;
pub(crate) mod predict;
pub(crate) mod quickstart;
pub(crate) mod report;
pub(crate) mod settings;
pub(crate) mod sweep;
pub(crate) mod trace;
pub(crate) mod train;

use std::path::Path;

use anyhow::{Context, bail};

/// Refuses a folder that holds something, unless forced.
pub(crate) fn check_empty(dir: &Path, force: bool) -> anyhow::Result<()> {
    check_vacant(dir, force, "--force writes into it")
}

/// The same with a hint of its own.
pub(crate) fn check_vacant(dir: &Path, force: bool, hint: &str) -> anyhow::Result<()> {
    if dir.exists() && !dir.is_dir() {
        bail!("{}: expected a folder, got a file", dir.display());
    }
    if force || !dir.exists() {
        return Ok(());
    }
    let mut entries = std::fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))?;
    if entries.next().is_some() {
        bail!("{} holds something already: expected a new or an empty folder\nhint: {hint}", dir.display());
    }
    Ok(())
}

/// Refuses a file that exists, unless forced.
pub(crate) fn check_absent(file: &Path, force: bool) -> anyhow::Result<()> {
    if file.exists() && !file.is_file() {
        bail!("{}: expected a regular file to write, got something else", file.display());
    }
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir()) {
        bail!("{}: no such folder to write {} into", folder.display(), file.display());
    }
    if file.symlink_metadata().is_ok() && !force {
        bail!("{} exists already\nhint: --force replaces it", file.display());
    }
    Ok(())
}
