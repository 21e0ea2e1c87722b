//! `epee sweep`: what every exit setting costs and gains, from recorded traces.

mod rows;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use epee_exit::{Grid, Metric, PolicyKind, SweepRow, Trace, pareto, sweep_with};

use crate::flags::{SettingArgs, claim};
use crate::ui::{Format, Ui, exit_table, grid_tables, setting_table};

/// Score every exit setting on recorded traces
#[derive(clap::Args)]
#[command(
    after_help = "Lists are `a,b,c`. Ranges `A:B:STEP` include both ends. `never` switches a part of a policy off.\n\n\
    Examples:\n  \
    epee sweep dev.safetensors\n  \
    epee sweep dev.safetensors --policies entropy --threshold 0:1:0.01 --pareto\n  \
    epee sweep dev.safetensors --threshold 0.1,0.2 --patience 2:6,never --format json\n  \
    epee sweep dev.safetensors --policies all --format parquet --out settings.parquet"
)]
pub(crate) struct Args {
    /// Trace files, from `epee trace`
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    settings: SettingArgs,
    /// Only the Pareto front: settings that no other beats in both metric and saving
    #[arg(long)]
    pareto: bool,
    /// Write the rows to this file instead of stdout (with --format json, csv or parquet)
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace the file if it exists
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(args: &Args, ui: Ui) -> anyhow::Result<()> {
    let _claim = match &args.out {
        Some(_) if ui.format == Format::Table => {
            bail!("--out: expected --format json, csv or parquet beside it, got tables")
        }
        Some(out) => Some(claim(out, args.force)?),
        None if ui.format == Format::Parquet && std::io::stdout().is_terminal() => {
            bail!("parquet is no text for a terminal\nhint: name a file with --out")
        }
        None => None,
    };
    let mut found: Vec<(&Path, Vec<SweepRow>)> = Vec::new();
    for (i, path) in args.files.iter().enumerate() {
        let trace = Trace::load(path)?;
        if trace.labelled() == 0 {
            if args.pareto {
                bail!("{}: --pareto needs labels, and no sample has one", path.display());
            }
            ui.note(format!("{}: no sample has a label, so only savings are known", path.display()));
        }
        let metric = args.settings.scoring.metric;
        let grid = args.settings.grid(&trace);
        let all = sweep_with(&trace, &grid, &args.settings.scoring.scoring(&trace)?)
            .with_context(|| path.display().to_string())?;
        if ui.format == Format::Table {
            if i > 0 {
                ui.print("")?;
            }
            ui.print(title(path, &trace))?;
            ui.print(format!("\neach exit alone\n{}", exit_table(&trace)))?;
            ui.print(format!("\n{}", settings_text(&all, &grid, metric, args.pareto)))?;
        } else {
            found.push((path, if args.pareto { pareto(&all, metric) } else { all }));
        }
    }
    let bytes = match ui.format {
        Format::Table => return Ok(()),
        Format::Json => rows::json(&found)?,
        Format::Csv => rows::csv(&found)?,
        Format::Parquet => rows::parquet(&found)?,
    };
    match &args.out {
        Some(out) => {
            epee_files::write_atomic(out, &[bytes])?;
            ui.note(format!("{}: {} settings", out.display(), found.iter().map(|(_, rows)| rows.len()).sum::<usize>()));
        }
        None => ui.print_data(&bytes)?,
    }
    Ok(())
}

fn title(path: &Path, trace: &Trace) -> String {
    let split = trace.provenance().split.as_ref().map_or_else(String::new, |split| format!(", {split}"));
    format!(
        "{}{split}: {} samples ({} labelled), {} exits, {} classes",
        path.display(),
        trace.samples(),
        trace.labelled(),
        trace.exits(),
        trace.classes()
    )
}

/// The largest table shown to a person.
const MOST_ROWS: usize = 30;
const MOST_COLUMNS: usize = 14;

/// The settings for a person: a grid if it is small, a list if it is short, else the Pareto front, thinned out.
pub(crate) fn settings_text(rows: &[SweepRow], grid: &Grid, metric: Metric, front_only: bool) -> String {
    let front = pareto(rows, metric);
    let count = match front.len() {
        0 => format!("{} settings", rows.len()), // no labels, no front
        front => format!("{} settings, {front} on the Pareto front", rows.len()),
    };
    let hint = if front.is_empty() { "" } else { " (--pareto lists it)" };
    if front_only {
        return format!("{}\n{count}", setting_table(&front, metric));
    }
    let only_epee = grid.kinds == [PolicyKind::Epee];
    if only_epee && grid.thresholds_of(PolicyKind::Epee).len() <= MOST_ROWS && grid.patiences().len() <= MOST_COLUMNS {
        return format!("{}\n{count}{hint}", grid_tables(rows, grid, metric));
    }
    if rows.len() <= MOST_ROWS {
        return format!("{}\n{count}", setting_table(rows, metric));
    }
    if front.is_empty() {
        return format!("{}\n{count}, some of them shown", setting_table(&thinned(rows), metric));
    }
    let shown = thinned(&front);
    let more = if shown.len() < front.len() {
        format!(", {} of them shown (--pareto lists it whole)", shown.len())
    } else {
        String::new()
    };
    format!("{}\n{count}{more}", setting_table(&shown, metric))
}

/// At most [`MOST_ROWS`] rows, evenly spaced, with the first and the last.
fn thinned(rows: &[SweepRow]) -> Vec<SweepRow> {
    if rows.len() <= MOST_ROWS {
        return rows.to_vec();
    }
    let last = rows.len() - 1;
    (0..MOST_ROWS).map(|i| rows[i * last / (MOST_ROWS - 1)].clone()).collect()
}

#[cfg(test)]
mod tests {
    use epee_exit::{Scoring, full_depth};

    use super::*;
    use crate::flags::tests::trace;

    #[test]
    fn a_long_front_is_thinned_out() {
        let full = full_depth(&trace(), &Scoring::default());
        let rows: Vec<SweepRow> =
            (0..100).map(|i| SweepRow { saving: f64::from(i), accuracy: f64::from(-i), ..full.clone() }).collect();
        let shown = thinned(&rows);
        assert_eq!((shown.len(), shown[0].saving, shown[MOST_ROWS - 1].saving), (MOST_ROWS, 0.0, 99.0));
        let grid = Grid::standard(2, 2).with_kinds([PolicyKind::Entropy]);
        let text = settings_text(&rows, &grid, Metric::Accuracy, false);
        assert!(text.contains("100 settings, 100 on the Pareto front, 30 of them shown"), "{text}");
        assert!(settings_text(&rows, &grid, Metric::Accuracy, true).lines().count() > 100);
        let unknown: Vec<SweepRow> = rows.iter().map(|row| SweepRow { accuracy: f64::NAN, ..row.clone() }).collect();
        let text = settings_text(&unknown, &grid, Metric::Accuracy, false);
        assert!(text.contains("100 settings, some of them shown"), "{text}");
    }
}
