//! `epee data download`: archives that are published by address, checked against their MD5.

use std::path::PathBuf;

use anyhow::bail;
use epee_data::import::{MEDMNIST, Preset, preset};
use serde_json::json;

use crate::fetch;
use crate::ui::Ui;

#[derive(clap::Args, Debug)]
#[command(after_help = "A connection that was lost is gone on with by the same command.\n\n\
    Example:\n  epee data download breastmnist_224 --out downloads")]
pub(crate) struct Args {
    /// The archive; without one they are listed.
    name: Option<String>,
    /// The folder to put it into.
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
}

/// A published file, and what reads it.
struct Archive {
    /// MedMNIST's files are called so; `_224` is the size of the pictures, 28 without.
    name: &'static str,
    url: String,
    /// As published; the UCI repository publishes none.
    md5: Option<&'static str>,
    preset: &'static Preset,
}

fn archives() -> Vec<Archive> {
    let medmnist = MEDMNIST.iter().map(|file| {
        let name = file.file.strip_suffix(".npz").unwrap_or(file.file);
        (name, file.url(), Some(file.md5), file.preset)
    });
    let uci = "https://archive.ics.uci.edu/static/public/462/drug+review+dataset+drugs+com.zip";
    medmnist
        .chain([("drug-review", uci.to_owned(), None, "drug-review")])
        .filter_map(|(name, url, md5, importer)| Some(Archive { name, url, md5, preset: preset(importer)? }))
        .collect()
}

/// Fetches an archive and says what to do with it.
pub(crate) fn run(args: &Args, ui: Ui) -> anyhow::Result<()> {
    let Some(name) = &args.name else { return list(ui) };
    let archives = archives();
    let Some(archive) = archives.iter().find(|archive| archive.name == *name) else {
        let names: Vec<&str> = archives.iter().map(|archive| archive.name).collect();
        bail!("no archive `{name}`, there are {}", names.join(", "));
    };
    let path = fetch::archive(&archive.url, archive.md5, &args.out, ui)?;
    let (importer, licence) = (archive.preset.name, archive.preset.licence);
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

fn list(ui: Ui) -> anyhow::Result<()> {
    let archives = archives();
    if ui.json() {
        let all =
            archives.iter().map(|a| json!({ "name": a.name, "url": a.url, "md5": a.md5, "licence": a.preset.licence }));
        return ui.print_json(&all.collect::<Vec<_>>());
    }
    for archive in archives {
        ui.print(format!("{}: {}\n  licence  {}", archive.name, archive.url, archive.preset.licence))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_have_names_addresses_and_digests_of_their_own() {
        let archives = archives();
        // None was lost for want of its importer.
        assert_eq!(archives.len(), MEDMNIST.len() + 1);
        for (i, archive) in archives.iter().enumerate() {
            let digest = archive.md5.unwrap_or("0123456789abcdef0123456789abcdef");
            assert!(digest.len() == 32 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()), "{}", archive.name);
            assert!(archive.url.starts_with("https://") && archive.name.starts_with(archive.preset.name));
            assert!(
                archives[..i].iter().all(|other| {
                    other.name != archive.name && other.md5 != archive.md5 && other.url != archive.url
                })
            );
        }
    }
}
