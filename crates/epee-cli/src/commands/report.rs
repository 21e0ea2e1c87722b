//! `epee report`: figures and one HTML page, from recorded traces.

use std::collections::HashMap;
use std::path::PathBuf;

use anyhow::{Context, bail};
use epee_data::Dataset;
use epee_exit::Trace;
use epee_files::{Access, StagedFolder, write_private};
use epee_report::{Options, TraceReport, figures, gather, html, max_points, trace_names, training_figure};
use serde_json::json;

use crate::flags::{check_empty, claim};
use crate::grids;
use crate::ui::Ui;

/// Write figures of recorded traces and one HTML page that opens offline
#[derive(clap::Args)]
#[command(
    after_help = "The page shows every setting of every policy, each exit, certified risks, calibration, and the samples that\n\
    leave last. It is one file and fetches nothing. --figures also writes each figure as SVG and PNG.\n\n\
    Examples:\n  \
    epee report dev.safetensors --out report.html\n  \
    epee report phee-dev.safetensors git-dev.safetensors --out report.html --figures figures\n  \
    epee report dev.safetensors --out report.html --include-text --data data/phee\n  \
    epee report dev.safetensors --grid grids/paper --out report.html"
)]
pub(crate) struct Args {
    /// Trace files, as `epee trace` writes them
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The HTML page to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The folder of an `epee grid`, to show after the traces
    #[arg(long, value_name = "DIR")]
    grid: Option<PathBuf>,
    /// The greatest risk of a certified setting
    #[arg(long, value_name = "RISK", default_value_t = 0.05)]
    max_risk: f64,
    /// The confidence of the certificates
    #[arg(long, value_name = "SHARE", default_value_t = 0.95)]
    confidence: f64,
    /// Also write each figure into this folder, as SVG and PNG
    #[arg(long, value_name = "DIR")]
    figures: Option<PathBuf>,
    /// Show the texts of the samples that leave last; anyone who has the page can read them
    #[arg(long, requires = "data")]
    include_text: bool,
    /// The dataset folder the traces were recorded on, for --include-text
    #[arg(long, value_name = "DIR", requires = "include_text")]
    data: Option<PathBuf>,
    /// Replace the page and write into the figures folder if they exist
    #[arg(long)]
    force: bool,
}

/// A page of more bytes is slow to open.
const LARGE: usize = 2_000_000;

/// Writes the page and the figures.
pub(crate) fn run(args: &Args, ui: Ui) -> anyhow::Result<()> {
    let _claim = claim(&args.out, args.force)?;
    let figures_folder = match &args.figures {
        Some(dir) => {
            check_empty(dir, args.force)?;
            Some((dir, StagedFolder::begin(dir, Access::Usual)?))
        }
        None => None,
    };
    let dataset = args.data.as_deref().map(Dataset::open).transpose()?;
    let grid = args.grid.as_deref().map(grids::read).transpose()?;
    let options = Options {
        max_points: max_points(args.files.len()),
        epsilon: share("--max-risk", args.max_risk)?,
        delta: 1.0 - share("--confidence", args.confidence)?,
    };
    let mut reports = Vec::new();
    for (path, name) in args.files.iter().zip(trace_names(&args.files)) {
        let trace = Trace::load(path)?;
        let mut report = gather(&trace, &name, &options).with_context(|| path.display().to_string())?;
        report.facts.insert(0, ("file".to_owned(), path.display().to_string()));
        if trace.labelled() == 0 {
            ui.note(format!("{}: no sample has a label, so the figures that need labels are left out", path.display()));
        }
        if let Some(dataset) = &dataset {
            add_texts(&mut report, &trace, dataset).with_context(|| path.display().to_string())?;
            if report.late.is_none() {
                ui.note(format!("{}: no sample leaves after exit 1, so no text is shown", path.display()));
            }
        }
        reports.push(report);
    }
    let page = html(&reports, grid.as_ref());
    let mut written = Vec::new();
    if let Some((dir, mut staged)) = figures_folder {
        let of_traces =
            reports.iter().flat_map(|report| figures(report).into_iter().map(move |figure| (&report.name, figure)));
        let of_grid = grid.iter().filter_map(|grid| Some((&grid.name, training_figure(grid)?)));
        for (of, figure) in of_traces.chain(of_grid) {
            for (extension, bytes) in [("svg", figure.svg(of).into_bytes()), ("png", figure.png(of)?)] {
                let name = format!("{of}-{}.{extension}", figure.slug);
                staged.write(&name, &bytes)?;
                written.push(dir.join(name));
            }
        }
        staged.commit()?;
    }
    write_private(&args.out, &[page.as_bytes()])?;
    let bytes = page.len();
    if bytes > LARGE {
        ui.note(format!("note: {} is {bytes} bytes\nhint: a page of fewer traces opens faster", args.out.display()));
    }
    if ui.json() {
        let figures: Vec<String> = written.iter().map(|path| path.display().to_string()).collect();
        return ui.print_json(&json!({ "page": args.out, "bytes": bytes, "figures": figures }));
    }
    let traces = if reports.len() == 1 { "1 trace".to_owned() } else { format!("{} traces", reports.len()) };
    ui.note(format!("{}: {traces}, {} KB", args.out.display(), bytes.div_ceil(1000)));
    if let Some(dir) = &args.figures {
        ui.note(format!("{}: {} files", dir.display(), written.len()));
    }
    Ok(())
}

/// A number between 0 and 1.
fn share(flag: &str, value: f64) -> anyhow::Result<f64> {
    if value > 0.0 && value < 1.0 {
        return Ok(value);
    }
    bail!("{flag}: expected a number above 0 and below 1, got {value}")
}

/// Looks up the texts of the samples that leave last.
fn add_texts(report: &mut TraceReport, trace: &Trace, dataset: &Dataset) -> anyhow::Result<()> {
    let Some(late) = &mut report.late else { return Ok(()) };
    let from = trace.provenance();
    let Some(split) = &from.split else {
        bail!("--include-text: expected a trace that names its split, got one that does not");
    };
    if trace.ids().is_empty() {
        bail!("--include-text: expected a trace with sample ids, got one without");
    }
    let split = dataset.split(split)?;
    if let Some(recorded) = from.data_digest.as_ref().filter(|digest| **digest != split.digest) {
        bail!("--data: expected the split the trace was recorded on ({recorded}), got {}", split.digest);
    }
    let texts: HashMap<&str, String> = split
        .examples
        .iter()
        .filter(|example| !example.text.is_empty())
        .map(|example| {
            let pair = example.pair.as_ref().map_or_else(String::new, |pair| format!(" ¶ {}", pair.expose()));
            (example.id.as_str(), format!("{}{pair}", example.text.expose()))
        })
        .collect();
    for row in &mut late.rows {
        row.text = texts.get(row.id.as_str()).cloned();
    }
    Ok(())
}
