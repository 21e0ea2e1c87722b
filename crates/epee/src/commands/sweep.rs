//! `epee sweep`: what every exit setting costs and gains, from recorded traces.

mod tables;

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use epee_exit::{Grid, Metric, Patiences, PolicyKind, Scoring, SweepRow, Thresholds, Trace, pareto, sweep_with};
use serde_json::Value;

use crate::ui::Ui;
pub(crate) use tables::{decimal, exit_table, grid_tables, heading, setting_table};

/// Score every exit setting of a grid on recorded traces
#[derive(clap::Args)]
#[command(after_help = "Lists are `a,b,c`; ranges `A:B:STEP` include both ends; `never` is a part that is off.\n\n\
    Examples:\n  \
    epee sweep dev.safetensors\n  \
    epee sweep dev.safetensors --policy entropy --threshold 0:1:0.01 --pareto\n  \
    epee sweep dev.safetensors --threshold 0.1,0.2 --patience 2:6,never --format json")]
pub(crate) struct Args {
    /// Trace files, as `epee trace` writes them
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    settings: SettingArgs,
    /// Only the settings that no other beats in both the metric and the saving
    #[arg(long)]
    pareto: bool,
}

/// Which settings to try and which metric decides: `sweep` and `calibrate` share these.
#[derive(clap::Args)]
pub(crate) struct SettingArgs {
    /// Policies to try, several between commas
    #[arg(long, value_name = "POLICY", value_delimiter = ',', default_value = "epee",
        value_parser = PossibleValuesParser::new(PolicyKind::ALL.map(PolicyKind::name))
            .try_map(|name| name.parse::<PolicyKind>()))]
    policy: Vec<PolicyKind>,
    /// Entropy thresholds [default: 0:1:0.05]
    #[arg(long, value_name = "LIST|A:B:STEP")]
    threshold: Option<Thresholds>,
    /// Patiences [default: 1 to the number of exits, and never]
    #[arg(long, value_name = "LIST|A:B:STEP")]
    patience: Option<Patiences>,
    /// The metric that decides
    #[arg(long, default_value = "macro_f1",
        value_parser = PossibleValuesParser::new(["macro_f1", "micro_f1", "accuracy"])
            .try_map(|name| name.parse::<Metric>()))]
    metric: Metric,
    /// Classes that micro-F1 is taken over, by name or by number from 0 [default: all]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    micro_over: Vec<String>,
}

impl SettingArgs {
    /// The grid for a trace.
    pub(crate) fn grid(&self, trace: &Trace) -> Grid {
        let mut grid = Grid::standard(trace.exits(), trace.classes()).with_kinds(self.policy.iter().copied());
        if let Some(Thresholds(thresholds)) = &self.threshold {
            grid.thresholds = Some(thresholds.clone());
        }
        if let Some(Patiences(patiences)) = &self.patience {
            grid.patiences = Some(patiences.clone());
        }
        grid
    }

    /// The metric that decides.
    pub(crate) fn metric(&self) -> Metric {
        self.metric
    }

    /// What micro-F1 is taken over.
    pub(crate) fn scoring(&self, trace: &Trace) -> anyhow::Result<Scoring> {
        let names: Vec<String> = (0..trace.classes()).map(|class| trace.class_name(class)).collect();
        let class = |wanted: &String| {
            let by_name = names.iter().position(|name| name == wanted);
            let by_number = || wanted.parse().ok().filter(|&class: &usize| class < names.len());
            match by_name.or_else(by_number) {
                Some(class) => Ok(class),
                None => bail!("--micro-over: expected one of {}, got {wanted}", names.join(", ")),
            }
        };
        let micro_classes = self.micro_over.iter().map(class).collect::<Result<_, _>>()?;
        Ok(Scoring { micro_classes, ..Scoring::default() })
    }
}

/// Prints a row for each setting.
pub(crate) fn run(args: &Args, ui: Ui) -> anyhow::Result<()> {
    let mut json = Vec::new();
    for (i, path) in args.files.iter().enumerate() {
        let trace = Trace::load(path)?;
        if trace.labelled() == 0 {
            if args.pareto {
                bail!("{}: --pareto needs labels, and no sample has one", path.display());
            }
            ui.note(format!("{}: no sample has a label, so only savings are known", path.display()));
        }
        let metric = args.settings.metric();
        let grid = args.settings.grid(&trace);
        let all =
            sweep_with(&trace, &grid, &args.settings.scoring(&trace)?).with_context(|| path.display().to_string())?;
        if ui.json() {
            let rows = if args.pareto { pareto(&all, metric) } else { all };
            for row in rows {
                json.push(json_row(&row, path, args.files.len() > 1)?);
            }
        } else {
            if i > 0 {
                ui.print("")?;
            }
            ui.print(title(path, &trace))?;
            ui.print(format!("\neach exit alone\n{}", exit_table(&trace)))?;
            ui.print(format!("\n{}", settings_text(&all, &grid, metric, args.pareto)))?;
        }
    }
    if ui.json() {
        ui.print_json(&json)?;
    }
    Ok(())
}

fn json_row(row: &SweepRow, path: &Path, name_file: bool) -> anyhow::Result<Value> {
    let mut value = serde_json::to_value(row)?;
    if let (true, Some(object)) = (name_file, value.as_object_mut()) {
        object.insert("file".to_owned(), path.display().to_string().into());
    }
    Ok(value)
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

/// The most rows and columns a person reads.
const MOST_ROWS: usize = 30;
const MOST_COLUMNS: usize = 14;

/// The settings for a reader: the grid where it is small, a list where that is, else the Pareto front, thinned out.
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

/// At most [`MOST_ROWS`] rows, evenly taken, with the first and the last.
fn thinned(rows: &[SweepRow]) -> Vec<SweepRow> {
    if rows.len() <= MOST_ROWS {
        return rows.to_vec();
    }
    let last = rows.len() - 1;
    (0..MOST_ROWS).map(|i| rows[i * last / (MOST_ROWS - 1)].clone()).collect()
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use epee_exit::{Provenance, TraceParts, full_depth, sweep};

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: Args,
    }

    fn parse(flags: &[&str]) -> Result<SettingArgs, String> {
        let all = ["epee", "dev.safetensors"].iter().chain(flags);
        Cli::try_parse_from(all).map(|cli| cli.args.settings).map_err(|error| error.to_string())
    }

    fn trace() -> Trace {
        let provenance = Provenance { label_names: vec!["no".into(), "yes".into()], ..Provenance::here() };
        let logits = vec![0.0, 1.0, 2.0, 0.0];
        Trace::new(TraceParts { exits: 2, classes: 2, logits, labels: vec![1], provenance, ..Default::default() })
            .unwrap()
    }

    #[test]
    fn without_flags_the_grid_is_the_standard_one() {
        let args = parse(&[]).unwrap();
        assert_eq!(args.grid(&trace()), Grid::standard(2, 2));
        assert_eq!(args.metric(), Metric::MacroF1);
    }

    #[test]
    fn flags_change_the_grid() {
        let flags = ["--policy", "entropy,fixed", "--threshold", "0:1:0.5", "--patience", "2,never"];
        let grid = parse(&flags).unwrap().grid(&trace());
        assert_eq!(grid.kinds, [PolicyKind::Entropy, PolicyKind::Fixed]);
        assert_eq!(grid.thresholds.unwrap(), [Some(0.0), Some(0.5), Some(1.0)]);
        assert_eq!(grid.patiences.unwrap(), [Some(2), None]);
        assert!(parse(&["--policy", "beem"]).err().unwrap().contains("entropy, patience, epee, branchynet"));
        assert!(parse(&["--threshold", "0:1"]).err().unwrap().contains("expected a range A:B:STEP"));
        assert!(parse(&["--metric", "f1"]).err().unwrap().contains("macro_f1, micro_f1, accuracy"));
    }

    #[test]
    fn classes_go_by_name_or_number() {
        let scoring = |list| parse(&["--micro-over", list]).unwrap().scoring(&trace());
        assert_eq!(scoring("yes").unwrap().micro_classes, [1]);
        assert_eq!(scoring("1,no").unwrap().micro_classes, [1, 0]);
        let error = scoring("maybe").unwrap_err().to_string();
        assert_eq!(error, "--micro-over: expected one of no, yes, got maybe");
        assert!(scoring("2").is_err());
    }

    #[test]
    fn rows_name_their_file_only_among_several() {
        let trace = trace();
        let row = sweep(&trace, &Grid::standard(2, 2)).unwrap()[0].clone();
        let one = json_row(&row, Path::new("a"), false).unwrap();
        assert_eq!((one["policy"].as_str(), one["patience"].as_u64(), one.get("file")), (Some("epee"), Some(1), None));
        assert_eq!(json_row(&row, Path::new("a"), true).unwrap()["file"], "a");
    }

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
