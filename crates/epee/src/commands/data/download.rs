//! `epee data download`: archives that are published by address, checked against their MD5.

use std::path::PathBuf;

use anyhow::bail;
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
    /// MedMNIST's files are called so; `_224` is the size of the images, 28 without.
    name: &'static str,
    /// As published; the UCI repository publishes none.
    md5: Option<&'static str>,
    importer: &'static str,
    licence: &'static str,
}

const fn medmnist(name: &'static str, importer: &'static str, md5: &'static str, licence: &'static str) -> Archive {
    Archive { name, md5: Some(md5), importer, licence }
}

const BY: &str = "CC BY 4.0";
const BY_NC: &str = "CC BY-NC 4.0";

/// The digests and licences are those of MedMNIST 3.0.2 (`medmnist/info.py`), whose files are Zenodo record 10519652.
const ARCHIVES: &[Archive] = &[
    medmnist("pathmnist", "pathmnist", "a8b06965200029087d5bd730944a56c1", BY),
    medmnist("pathmnist_224", "pathmnist", "2c51a510bcdc9cf8ddb2af93af1eadec", BY),
    medmnist("dermamnist", "dermamnist", "0744692d530f8e62ec473284d019b0c7", BY_NC),
    medmnist("dermamnist_224", "dermamnist", "8974907d8e169bef5f5b96bc506ae45d", BY_NC),
    medmnist("pneumoniamnist", "pneumoniamnist", "28209eda62fecd6e6a2d98b1501bb15f", BY),
    medmnist("pneumoniamnist_224", "pneumoniamnist", "d6a3c71de1b945ea11211b03746c1fe1", BY),
    medmnist("breastmnist", "breastmnist", "750601b1f35ba3300ea97c75c52ff8f6", BY),
    medmnist("breastmnist_224", "breastmnist", "b56378a6eefa9fed602bb16d192d4c8b", BY),
    medmnist("bloodmnist", "bloodmnist", "7053d0359d879ad8a5505303e11de1dc", BY),
    medmnist("bloodmnist_224", "bloodmnist", "b718ff6835fcbdb22ba9eacccd7b2601", BY),
    Archive { name: "drug-review", md5: None, importer: "drug-review", licence: "none stated" },
];

impl Archive {
    fn url(&self) -> String {
        match self.md5 {
            Some(_) => format!("https://zenodo.org/records/10519652/files/{}.npz?download=1", self.name),
            None => "https://archive.ics.uci.edu/static/public/462/drug+review+dataset+drugs+com.zip".to_owned(),
        }
    }
}

/// Fetches an archive and says what to do with it.
pub(crate) fn run(args: &Args, ui: Ui) -> anyhow::Result<()> {
    let Some(name) = &args.name else { return list(ui) };
    let Some(archive) = ARCHIVES.iter().find(|archive| archive.name == *name) else {
        let names: Vec<&str> = ARCHIVES.iter().map(|archive| archive.name).collect();
        bail!("no archive `{name}`, there are {}", names.join(", "));
    };
    let path = fetch::archive(&archive.url(), archive.md5, &args.out, ui)?;
    let importer = archive.importer;
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
            "path": path, "digest": checked, "licence": archive.licence, "unpack": unpack, "import": import,
        }));
    }
    ui.print(path.display().to_string())?;
    if archive.md5.is_none() {
        ui.note("note: no digest is published for it, so its bytes are not checked");
    }
    let steps: Vec<String> = unpack.into_iter().chain([import]).collect();
    ui.note(format!("licence: {}\nnext: {}", archive.licence, steps.join("\n      ")));
    Ok(())
}

fn list(ui: Ui) -> anyhow::Result<()> {
    if ui.json() {
        let all =
            ARCHIVES.iter().map(|a| json!({ "name": a.name, "url": a.url(), "md5": a.md5, "licence": a.licence }));
        return ui.print_json(&all.collect::<Vec<_>>());
    }
    for archive in ARCHIVES {
        ui.print(format!("{}: {}\n  licence  {}", archive.name, archive.url(), archive.licence))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_have_names_addresses_and_digests_of_their_own() {
        for (i, archive) in ARCHIVES.iter().enumerate() {
            let digest = archive.md5.unwrap_or("0123456789abcdef0123456789abcdef");
            assert!(digest.len() == 32 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()), "{}", archive.name);
            assert!(archive.url().starts_with("https://") && archive.name.starts_with(archive.importer));
            assert!(ARCHIVES[..i].iter().all(|other| {
                other.name != archive.name && other.md5 != archive.md5 && other.url() != archive.url()
            }));
        }
    }
}
