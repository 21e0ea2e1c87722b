//! `epee compare`: every policy at the same saving, or the same loss.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use epee_exit::{ComparedPolicy, Comparison, Goal, Interval, Metric, Trace, check_runs, compare};
use serde_json::{Value, json};

use epee::calibration::goal_text;

use crate::flags::{Choice, ScoringArgs, choice, kinds};
use crate::ui::{Ui, decimal, heading, p_text, table};

/// Compare policies at the same saving, or at the same loss, with confidence intervals
#[derive(clap::Args)]
#[command(
    after_help = "Each policy tries 200 thresholds spread over its own levels, for each value of its other parts. Its best setting for a \
    goal is chosen on --dev and reported on the trace. BranchyNet has one threshold per exit; EPEE and entropy are shown with one \
    threshold and with one per exit. Accuracy has Clopper-Pearson intervals, the metric has bootstrap intervals, and differences \
    from EPEE are paired, with McNemar's exact p. Bootstrap intervals of macro-F1 lean upwards if classes are rare, because a class \
    that a resample lacks does not count. `all` leaves out policies that cannot run on a trace (BERxiT without scores, ELBERT with \
    three classes).\n\n\
    Examples:\n  \
    epee compare test.safetensors --dev dev.safetensors\n  \
    epee compare test.safetensors --dev dev.safetensors --policies epee,entropy,patience --max-loss 0.01\n  \
    epee compare seed-1/test.st seed-2/test.st --dev seed-1/dev.st,seed-2/dev.st --format json"
)]
pub(crate) struct Args {
    /// Traces to report on
    #[arg(required = true, value_name = "TRACE")]
    traces: Vec<PathBuf>,
    /// Traces to choose settings on, one for each trace [default: the same traces, which flatters]
    #[arg(long, value_name = "TRACE", value_delimiter = ',')]
    dev: Vec<PathBuf>,
    /// Policies to compare, comma-separated, or all
    #[arg(long, alias = "policy", value_name = "POLICY,…", value_delimiter = ',', default_value = "all", hide_possible_values = true,
        value_parser = choice())]
    policies: Vec<Choice>,
    /// Savings to match; the best setting within 0.025, else the nearest [default: 0.3,0.5,0.7]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    saving: Vec<f64>,
    /// Tolerated losses of the metric below full depth; each is a goal of its own
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    max_loss: Vec<f64>,
    #[command(flatten)]
    scoring: ScoringArgs,
    /// Show the chosen setting of each policy
    #[arg(long)]
    settings: bool,
    /// Seed of the bootstrap
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub(crate) fn run(args: &Args, ui: Ui) -> anyhow::Result<()> {
    if !args.dev.is_empty() && args.dev.len() != args.traces.len() {
        bail!("--dev: expected a trace for each of the {} to report on, got {}", args.traces.len(), args.dev.len());
    }
    if args.dev.is_empty() {
        ui.note("note: settings are chosen on the traces that they are reported on, which flatters them: see --dev");
    }
    let mut contest = Comparison { kinds: Vec::new(), ..Comparison::all(&Trace::load(&args.traces[0])?) };
    contest.metric = args.scoring.metric;
    contest.bootstrap.seed = args.seed;
    if !(args.saving.is_empty() && args.max_loss.is_empty()) {
        contest.goals = args.saving.iter().map(|&saving| Goal::Matched(saving)).collect();
        contest.goals.extend(args.max_loss.iter().map(|&loss| Goal::MaxLoss(loss)));
    }
    let mut results = Vec::new();
    for (i, path) in args.traces.iter().enumerate() {
        let reporting = Trace::load(path)?;
        let choosing = match args.dev.get(i) {
            Some(dev) => same_model(dev, &reporting, path)?,
            None => reporting.clone(),
        };
        for choice in &args.policies {
            if let Choice::One(kind) = choice {
                check_runs(*kind, &choosing).with_context(|| format!("{}: --policies {kind}", path.display()))?;
            }
        }
        contest.kinds = kinds(&args.policies, &choosing);
        let scoring = args.scoring.scoring(&reporting)?;
        let contestants =
            compare(&choosing, &reporting, &contest, &scoring).with_context(|| path.display().to_string())?;
        let full = epee_exit::full_depth(&reporting, &scoring).get(contest.metric);
        results.push((path, full, contestants));
    }
    if ui.json() {
        let all: Vec<Value> = results
            .iter()
            .map(
                |(path, full, rows)| json!({"trace": path, "metric": contest.metric, "full_depth": full, "rows": rows}),
            )
            .collect();
        return ui.print_json(&all);
    }
    for (i, (path, full, rows)) in results.iter().enumerate() {
        if i > 0 {
            ui.print("")?;
        }
        ui.print(format!("{}: {} at full depth {}\n", path.display(), heading(contest.metric), decimal(*full, 3)))?;
        ui.print(contest_table(rows, contest.metric, args.settings))?;
    }
    if results.len() > 1 {
        let all: Vec<&[ComparedPolicy]> = results.iter().map(|(_, _, rows)| rows.as_slice()).collect();
        ui.print(format!("\nmean of {} traces\n\n{}", results.len(), mean_table(&all, contest.metric)))?;
    }
    Ok(())
}

/// The two traces must be of the same model.
fn same_model(dev: &Path, reporting: &Trace, path: &Path) -> anyhow::Result<Trace> {
    let choosing = Trace::load(dev)?;
    let digests = (&choosing.provenance().model_digest, &reporting.provenance().model_digest);
    if let (Some(a), Some(b)) = digests
        && a != b
    {
        bail!(
            "{} and {} are of different models (digests {a} and {b})\nhint: record both with the same model",
            dev.display(),
            path.display()
        );
    }
    Ok(choosing)
}

fn contest_table(rows: &[ComparedPolicy], metric: Metric, settings: bool) -> String {
    let mut header = vec!["policy", "saving", "accuracy", "", heading(metric), "", "against EPEE", "", "McNemar p"];
    header.extend(settings.then_some("setting"));
    let mut lines = Vec::new();
    let mut goal = None;
    for row in rows {
        lines.extend(goal_line(&mut goal, row.goal));
        let mut cells = vec![format!("  {}", row.name)];
        if row.met {
            cells.extend([decimal(row.saving, 3), decimal(row.accuracy, 3), range(row.accuracy_interval, false)]);
            cells.extend([decimal(row.value, 3), range(row.interval, false)]);
            if let Some(other) = &row.against_epee {
                cells.extend([format!("{:+.3}", other.value), range(other.interval, true), p_text(other.mcnemar)]);
            }
        } else {
            cells.push("none reaches it".to_owned());
        }
        if settings {
            cells.resize(9, String::new());
            cells.push(row.policy.to_string());
        }
        lines.push(cells);
    }
    table(header, lines)
}

fn goal_line(current: &mut Option<Goal>, goal: Goal) -> Option<Vec<String>> {
    (current.replace(goal) != Some(goal)).then(|| vec![goal_text(goal)])
}

fn range(interval: Interval, signed: bool) -> String {
    if interval.low.is_nan() {
        String::new()
    } else if signed {
        format!("[{:+.3}, {:+.3}]", interval.low, interval.high)
    } else {
        format!("[{:.3}, {:.3}]", interval.low, interval.high)
    }
}

/// Means over traces with minimum and maximum; a policy that some trace lacks is left out.
fn mean_table(all: &[&[ComparedPolicy]], metric: Metric) -> String {
    let of = |values: Vec<f64>| {
        let (low, high) = values.iter().fold((f64::MAX, f64::MIN), |(low, high), &v| (low.min(v), high.max(v)));
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        [decimal(mean, 3), format!("{low:.3} to {high:.3}")]
    };
    let mut lines = Vec::new();
    let mut goal = None;
    for row in all[0] {
        let same =
            |rows: &&[ComparedPolicy]| rows.iter().find(|r| r.goal == row.goal && r.name == row.name && r.met).cloned();
        let Some(rows) = all.iter().map(same).collect::<Option<Vec<ComparedPolicy>>>() else { continue };
        lines.extend(goal_line(&mut goal, row.goal));
        let mut cells = vec![format!("  {}", row.name)];
        for value in [|r: &ComparedPolicy| r.saving, |r: &ComparedPolicy| r.accuracy, |r: &ComparedPolicy| r.value] {
            cells.extend(of(rows.iter().map(value).collect()));
        }
        let against: Option<Vec<f64>> = rows.iter().map(|r| r.against_epee.map(|d| d.value)).collect();
        cells.extend(against.map(|all| format!("{:+.3}", all.iter().sum::<f64>() / all.len() as f64)));
        lines.push(cells);
    }
    table(["policy", "saving", "", "accuracy", "", heading(metric), "", "against EPEE"], lines)
}
