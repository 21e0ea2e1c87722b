//! `epee data download`: published archives, checked against their MD5 digest.

use std::path::PathBuf;

use anyhow::{Context, bail};
use epee_data::import::published::{ARCHIVES, Archive};
use serde_json::json;

use crate::fetch;
use crate::ui::Ui;

#[derive(clap::Args, Debug)]
#[command(after_help = "Run the same command again to resume after a lost connection.\n\n\
    Example:\n  epee data download breastmnist_224 --out downloads")]
pub(crate) struct Args {
    /// The archive to download; lists all archives if omitted
    name: Option<String>,
    /// Folder for the archive
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
}

/// Downloads an archive and prints the next command.
pub(crate) fn run(args: &Args, ui: Ui) -> anyhow::Result<()> {
    let Some(name) = &args.name else { return list(ui) };
    let Some(archive) = ARCHIVES.iter().find(|archive| archive.name == *name) else {
        let names = ARCHIVES.map(|archive| archive.name);
        bail!("no archive `{name}`, there are {}", names.join(", "));
    };
    let path = fetch::archive(&archive.url(), archive.md5, &args.out, ui)?;
    let (importer, licence) = (archive.preset, licence(archive)?);
    let (unpack, from) = match path.extension() {
        Some(extension) if extension == "zip" => {
            let folder = args.out.join(archive.name);
            (Some(format!("unzip {} -d {}", path.display(), folder.display())), folder)
        }
        _ => (None, path.clone()),
    };
    let import = format!("epee data import {importer} --from {} --out data/{importer}", from.display());
    if ui.json() {
        let checked = archive.md5.map(|md5| format!("md5:{md5}"));
        return ui.print_json(&json!({
            "path": path, "digest": checked, "licence": licence, "unpack": unpack, "import": import,
        }));
    }
    ui.print(path.display().to_string())?;
    if archive.md5.is_none() {
        ui.note("note: no digest is published for it, so its bytes are not checked");
    }
    let steps: Vec<String> = unpack.into_iter().chain([import]).collect();
    ui.note(format!("licence: {licence}\nnext: {}", steps.join("\n      ")));
    Ok(())
}

fn licence(archive: &Archive) -> anyhow::Result<&'static str> {
    Ok(archive.importer().context("the archive has no importer")?.licence)
}

fn list(ui: Ui) -> anyhow::Result<()> {
    if ui.json() {
        let json = |a: &Archive| Ok(json!({ "name": a.name, "url": a.url(), "md5": a.md5, "licence": licence(a)? }));
        return ui.print_json(&ARCHIVES.iter().map(json).collect::<anyhow::Result<Vec<_>>>()?);
    }
    for archive in &ARCHIVES {
        ui.print(format!("{}: {}\n  licence  {}", archive.name, archive.url(), licence(archive)?))?;
    }
    Ok(())
}
