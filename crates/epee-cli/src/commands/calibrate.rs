//! `epee calibrate`: chooses the setting that meets a goal and writes it into the model.

mod latency;
mod of_model;
mod outcome;
mod promise;

use std::path::PathBuf;

use anyhow::{Context, bail};
use epee_exit::{Choice, Goal, PolicyError, Scoring, Trace, choose_on, fit_temperatures, refine, sweep_with};
use epee_model::{Calibration, ExitsFile, ModelDir};
use serde_json::{Value, json};

use self::latency::Latency;
use self::of_model::{of_model, reporting};
pub(crate) use self::outcome::choice_text;
use self::outcome::{outcome, show_temperatures};
use self::promise::PromiseArgs;
use super::settings::SettingArgs;
use super::sweep::{decimal, heading};
use crate::ui::Ui;

/// Choose the exit setting that meets a goal and make it the model's default
#[derive(clap::Args)]
#[command(
    after_help = "Choose on the dev split, report on the test split. With --max-risk one half of the trace finds settings and the other \
    tests them; what passes is certified: with the given confidence, each risk is at most the given one. The certificate stands in the \
    model's exits.json, `epee info` says it in words, and it is void as soon as weights, labels, precision or policy are others. Where \
    nothing can be certified the model falls back to full depth.\n\n\
    Examples:\n  \
    epee calibrate dev.safetensors --model DIR --max-loss 0.01\n  \
    epee calibrate dev.safetensors --model DIR --saving 0.5 --metric accuracy --per-exit\n  \
    epee calibrate dev.safetensors --model DIR --max-latency 20ms\n  \
    epee calibrate dev.safetensors --model DIR --max-risk 0.02 --confidence 0.95\n  \
    epee calibrate dev.safetensors --model DIR --max-risk 0.05 --risk consistency,class:mechanism --fit-temperatures\n  \
    epee calibrate dev.safetensors --model DIR --abstain 0.05"
)]
pub(crate) struct Args {
    /// A trace of the model, as `epee trace` writes it
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The model directory whose exits.json is written
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    #[command(flatten)]
    goal: GoalArgs,
    /// Fit a temperature for each exit, by which its logits are divided before every policy [default: none]
    #[arg(long)]
    fit_temperatures: bool,
    /// Let the chosen threshold differ by exit where that serves the goal better on this trace
    #[arg(long, conflicts_with = "max_risk")]
    per_exit: bool,
    /// Another trace of the model, as of the test split, to report the outcome on
    #[arg(long, value_name = "TRACE")]
    report_on: Option<PathBuf>,
    #[command(flatten)]
    promise: PromiseArgs,
    #[command(flatten)]
    settings: SettingArgs,
}

/// What is asked of a setting.
#[derive(clap::Args)]
#[group(required = true, multiple = true)]
struct GoalArgs {
    /// Save as much as possible while the metric falls by at most this much against full depth, such as 0.01
    #[arg(long, value_name = "LOSS", allow_negative_numbers = true, conflicts_with_all = ["saving", "max_latency", "max_risk"])]
    max_loss: Option<f64>,
    /// Keep the metric as high as possible while at least this share of the layers is saved, such as 0.5
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true, conflicts_with_all = ["max_latency", "max_risk"])]
    saving: Option<f64>,
    /// Keep the metric as high as possible while a sample takes at most this long in the mean, by the times in the trace: 20ms, 0.02s
    #[arg(long, value_name = "TIME", conflicts_with = "max_risk")]
    max_latency: Option<Latency>,
    /// Certify that each --risk is at most this, such as 0.01
    #[arg(long, value_name = "RISK", allow_negative_numbers = true)]
    max_risk: Option<f64>,
    /// Abstain from answers that are too unsure, so that at most this share of the others is wrong; beside a goal, or alone
    #[arg(long, value_name = "RISK", allow_negative_numbers = true)]
    abstain: Option<f64>,
}

impl GoalArgs {
    /// The goal that needs no certificate, where there is one.
    fn goal(&self) -> Option<Goal> {
        let loss = self.max_loss.map(Goal::MaxLoss);
        let latency = || self.max_latency.map(|latency| Goal::MaxLatency(latency.seconds()));
        loss.or(self.saving.map(Goal::Saving)).or_else(latency)
    }
}

/// Chooses a setting and writes it into `exits.json`.
pub(crate) fn run(args: &Args, ui: Ui) -> anyhow::Result<()> {
    args.promise.check(args.goal.max_risk.is_some(), args.goal.abstain.is_some())?;
    let mut model_dir = ModelDir::load(&args.model)?;
    let trace = of_model(Trace::load(&args.file)?, &model_dir, ui).with_context(|| args.file.display().to_string())?;
    let exits = &mut model_dir.exits;
    let labelled = trace.labelled();
    if (1..trace.samples()).contains(&labelled) {
        ui.note(format!(
            "note: {labelled} of {} samples have a label; what needs labels rests on those alone",
            trace.samples()
        ));
    }
    if let Some(split @ ("train" | "test")) = trace.provenance().split.as_deref() {
        ui.note(format!("{}: chosen on the {split} split, so its figures flatter", args.file.display()));
    }
    let reporting = match &args.report_on {
        Some(path) => Some(reporting(path, &trace)?),
        None => None,
    };
    let before = exits.policy.clone();
    let mut report = Report::default();
    if let Some(goal) = args.goal.goal() {
        choose_plainly(args, &trace, goal, exits, &mut report, ui)?;
    } else if let Some(epsilon) = args.goal.max_risk {
        promise::certify(args, &trace, epsilon, exits, &mut report)?;
    }
    exits.abstention = None;
    if let Some(target) = args.goal.abstain {
        promise::abstain(args, &trace, target, exits, &mut report, ui)?;
    }
    // Nothing is said to be so before it is written.
    exits.save(&args.model)?;
    if let Some(trace) = &reporting {
        outcome(args, trace, exits, &mut report)?;
    }
    if ui.json() {
        report.json.insert("model".to_owned(), args.model.display().to_string().into());
        return ui.print_json(&Value::Object(report.json));
    }
    let only_abstains = args.goal.goal().is_none() && args.goal.max_risk.is_none();
    let verb = if only_abstains && before == exits.policy { "stays" } else { "is now" };
    report.text.push(format!("{} {verb} the default of {}", exits.policy, args.model.display()));
    ui.print(report.text.join("\n"))?;
    Ok(())
}

/// What there is to print when all is done: for people and for scripts.
#[derive(Default)]
struct Report {
    text: Vec<String>,
    json: serde_json::Map<String, Value>,
}

/// Refuses a policy that reads learned exit scores where the model has none: it could not answer.
fn check_answers(args: &Args, trace: &Trace, exits: &ExitsFile) -> anyhow::Result<()> {
    if !exits.score && args.settings.grid(trace).policies().iter().any(|policy| policy.rule.reads_scores()) {
        bail!("{}: {}", args.model.display(), PolicyError::NoScoreHead);
    }
    Ok(())
}

/// Chooses by a goal on this very trace, with no promise for others.
fn choose_plainly(
    args: &Args,
    trace: &Trace,
    goal: Goal,
    exits: &mut ExitsFile,
    report: &mut Report,
    ui: Ui,
) -> anyhow::Result<()> {
    check_answers(args, trace, exits)?;
    let temperatures = if args.fit_temperatures { fit_temperatures(trace)? } else { Vec::new() };
    let scoring = Scoring { temperatures, ..args.settings.scoring(trace)? };
    let mut choice = choose_on(trace, &args.settings.grid(trace), &scoring, goal, args.settings.metric())?;
    if !choice.met {
        bail!(
            "no setting of the grid reaches the goal ({}){}; the model keeps its policy, {}\n\
             hint: `epee sweep {}` shows what each setting costs and saves",
            goal_text(choice.goal),
            nearest(args, trace, &scoring, goal)?,
            exits.policy,
            args.file.display()
        );
    }
    if args.per_exit {
        let one = choice.clone();
        choice = refine(trace, &choice, &scoring)?;
        ui.note(if choice.policy == one.policy {
            "one threshold for all exits serves the goal as well as one for each".to_owned()
        } else {
            format!(
                "a threshold for each exit: saving {} for {}, {} {} for {}",
                decimal(choice.row.saving, 3),
                decimal(one.row.saving, 3),
                heading(choice.metric),
                decimal(choice.row.get(choice.metric), 4),
                decimal(one.row.get(choice.metric), 4)
            )
        });
    }
    show_temperatures(trace, &scoring.temperatures, report)?;
    exits.policy = choice.policy.clone();
    exits.calibration = Some(calibration(&choice, trace));
    exits.certificate = None;
    exits.temperatures.clone_from(&scoring.temperatures);
    report.text.push(choice_text(&choice, trace, &scoring)?);
    for (key, value) in [
        ("policy", json!(choice.policy)),
        ("met", json!(choice.met)),
        ("goal", json!(goal_text(choice.goal))),
        ("metric", json!(choice.metric)),
        ("chosen", json!(choice.row)),
        ("full_depth", json!(choice.full)),
    ] {
        report.json.insert(key.to_owned(), value);
    }
    Ok(())
}

/// The best that settings come to, where none reaches a goal.
fn nearest(args: &Args, trace: &Trace, scoring: &Scoring, goal: Goal) -> anyhow::Result<String> {
    let rows = sweep_with(trace, &args.settings.grid(trace), scoring)?;
    let most = rows.iter().map(|row| row.saving).fold(0.0, f64::max);
    let least = rows.iter().filter_map(|row| row.seconds).fold(f64::INFINITY, f64::min);
    Ok(match goal {
        Goal::Saving(_) => format!(", the greatest saving is {most:.3}"),
        Goal::MaxLatency(_) if least.is_finite() => format!(", the fastest takes {:.3}ms in the mean", 1e3 * least),
        _ => String::new(),
    })
}

/// The goal as it is written on the command line.
pub(crate) fn goal_text(goal: Goal) -> String {
    match goal {
        Goal::MaxLoss(loss) => format!("max-loss {loss}"),
        Goal::Saving(saving) => format!("saving {saving}"),
        Goal::Matched(saving) => format!("saving {saving}, matched"),
        Goal::MaxLatency(seconds) => format!("max-latency {}", Latency::of(seconds)),
    }
}

/// What `exits.json` says of the choice.
pub(crate) fn calibration(choice: &Choice, trace: &Trace) -> Calibration {
    let provenance = trace.provenance();
    Calibration {
        goal: goal_text(choice.goal),
        metric: choice.metric.to_string(),
        value: choice.row.get(choice.metric),
        full_depth: choice.full.get(choice.metric),
        saving: choice.row.saving,
        samples: trace.samples(),
        precision: provenance.precision.clone(),
        split: provenance.split.clone(),
        data_digest: provenance.data_digest.clone(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use epee_exit::{Grid, Metric, Policy, Provenance, TraceParts};

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: Args,
    }

    fn parse(flags: &[&str]) -> Result<Option<Goal>, String> {
        let all = ["epee", "dev.safetensors", "--model", "m"].iter().chain(flags);
        Cli::try_parse_from(all).map(|cli| cli.args.goal.goal()).map_err(|error| error.to_string())
    }

    fn trace() -> Trace {
        // Exit 1 is right already, and sure.
        let provenance = Provenance { split: Some("dev".into()), data_digest: Some("d1".into()), ..Provenance::here() };
        let logits = vec![0.0, 9.0, 0.0, 9.0, 9.0, 0.0, 9.0, 0.0];
        Trace::new(TraceParts { exits: 2, classes: 2, logits, labels: vec![1, 0], provenance, ..Default::default() })
            .unwrap()
    }

    fn choice(goal: Goal) -> Choice {
        choose_on(&trace(), &Grid::standard(2, 2), &Scoring::default(), goal, Metric::MacroF1).unwrap()
    }

    #[test]
    fn one_goal_is_needed() {
        assert_eq!(parse(&["--max-loss", "0.01"]), Ok(Some(Goal::MaxLoss(0.01))));
        assert_eq!(parse(&["--saving", "0.5"]), Ok(Some(Goal::Saving(0.5))));
        assert_eq!(parse(&["--max-latency", "20ms"]), Ok(Some(Goal::MaxLatency(0.02))));
        assert_eq!(parse(&["--max-risk", "0.02", "--confidence", "0.9"]), Ok(None));
        assert_eq!(parse(&["--abstain", "0.05"]), Ok(None));
        assert!(parse(&["--max-latency", "20"]).unwrap_err().contains("expected a time such as 20ms"));
        assert!(parse(&[]).is_err());
        assert!(parse(&["--saving", "0.5", "--max-loss", "0.01"]).is_err());
        assert!(parse(&["--saving", "0.5", "--max-risk", "0.01"]).is_err());
        assert!(parse(&["--max-risk", "0.01", "--per-exit"]).is_err());
    }

    #[test]
    fn the_choice_is_recorded_with_its_origin() {
        let choice = choice(Goal::MaxLoss(0.01));
        assert!(choice.met && choice.policy != Policy::full());
        let entry = calibration(&choice, &trace());
        assert_eq!((entry.goal.as_str(), entry.metric.as_str()), ("max-loss 0.01", "macro_f1"));
        assert_eq!((entry.value, entry.full_depth, entry.saving, entry.samples), (1.0, 1.0, 0.5, 2));
        assert_eq!((entry.split.as_deref(), entry.data_digest.as_deref()), (Some("dev"), Some("d1")));
        let text = choice_text(&choice, &trace(), &Scoring::default()).unwrap();
        assert!(text.contains("macro-F1 0.0000 above full depth, 95 % interval +0.0000 to +0.0000"), "{text}");
    }

    #[test]
    fn a_goal_out_of_reach_is_full_depth() {
        let choice = choice(Goal::Saving(0.9));
        assert_eq!((choice.met, &choice.policy), (false, &Policy::full()));
        let text = choice_text(&choice, &trace(), &Scoring::default()).unwrap();
        assert!(text.contains("full ") && !text.contains("full depth"), "{text}");
    }
}
