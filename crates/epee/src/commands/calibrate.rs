//! `epee calibrate`: chooses the setting that meets a goal and writes it into the model.

use std::path::{Path, PathBuf};

use anyhow::bail;
use epee_exit::{Choice, Goal, Metric, Trace, choose_on};
use epee_model::{Calibration, ExitsFile, model_digest};
use serde_json::json;

use super::sweep::{SettingArgs, decimal, heading, setting_table};
use crate::ui::Ui;

/// Choose the exit setting that meets a goal and make it the model's default
#[derive(clap::Args)]
#[command(after_help = "Choose on the dev split, report on the test split.\n\n\
    Examples:\n  \
    epee calibrate dev.safetensors --model DIR --max-loss 0.01\n  \
    epee calibrate dev.safetensors --model DIR --saving 0.5 --metric accuracy")]
pub(crate) struct Args {
    /// A trace of the model, as `epee trace` writes it
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The model directory whose exits.json is written
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    #[command(flatten)]
    goal: GoalArgs,
    #[command(flatten)]
    settings: SettingArgs,
}

/// What is asked of a setting.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct GoalArgs {
    /// Save as much as possible while the metric falls by at most this much against full depth, such as 0.01
    #[arg(long, value_name = "LOSS")]
    max_loss: Option<f64>,
    /// Keep the metric as high as possible while at least this share of the layers is saved, such as 0.5
    #[arg(long, value_name = "SHARE")]
    saving: Option<f64>,
}

impl GoalArgs {
    fn goal(&self) -> Goal {
        match (self.max_loss, self.saving) {
            (Some(loss), _) => Goal::MaxLoss(loss),
            (None, saving) => Goal::Saving(saving.unwrap_or(0.0)),
        }
    }
}

/// Chooses a setting and writes it into `exits.json`.
pub(crate) fn run(args: &Args, ui: Ui) -> anyhow::Result<()> {
    let trace = Trace::load(&args.file)?;
    let mut exits = ExitsFile::load(&args.model)?;
    check_shape(&trace, exits.exits, exits.classes)?;
    let recorded = trace.provenance().model_digest.as_deref();
    if let Some(note) = check_digest(recorded, &model_digest(&args.model)?)? {
        ui.note(format!("{}: {note}", args.file.display()));
    }
    if let Some(split @ ("train" | "test")) = trace.provenance().split.as_deref() {
        ui.note(format!("{}: chosen on the {split} split, so its figures flatter", args.file.display()));
    }
    let (scoring, metric) = (args.settings.scoring(&trace)?, args.settings.metric());
    let choice = choose_on(&trace, &args.settings.grid(&trace), &scoring, args.goal.goal(), metric)?;
    if !choice.met {
        bail!(
            "no setting of the grid reaches the goal ({}); the model keeps its policy, {}\n\
             hint: `epee sweep {}` shows what each setting costs and saves",
            goal_text(choice.goal),
            exits.policy,
            args.file.display()
        );
    }
    exits.policy = choice.policy.clone();
    exits.calibration = Some(calibration(&choice, &trace));
    exits.save(&args.model)?;
    print(&choice, &args.model, ui)
}

/// The trace must have the model's exits and classes.
fn check_shape(trace: &Trace, exits: usize, classes: usize) -> anyhow::Result<()> {
    let got = (trace.exits(), trace.classes());
    if got != (exits, classes) {
        bail!(
            "expected a trace of the model's {exits} exits and {classes} classes, got one of {} exits and {} classes",
            got.0,
            got.1
        );
    }
    Ok(())
}

/// The trace must be one of this model; where it does not say, a note does.
fn check_digest(recorded: Option<&str>, model: &str) -> anyhow::Result<Option<&'static str>> {
    match recorded {
        None => Ok(Some("the trace does not say which model it is of; taken to be this one")),
        Some(digest) if digest == model => Ok(None),
        Some(digest) => bail!(
            "expected a trace of this model (digest {}), got one of another (digest {})\n\
             hint: record it again with `epee trace`",
            short(model),
            short(digest)
        ),
    }
}

/// The first characters of a digest.
fn short(digest: &str) -> String {
    digest.chars().take(12).collect()
}

/// The goal as it is written on the command line.
pub(crate) fn goal_text(goal: Goal) -> String {
    match goal {
        Goal::MaxLoss(loss) => format!("max-loss {loss}"),
        Goal::Saving(saving) => format!("saving {saving}"),
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

/// The chosen setting above full depth, and what lies between them.
pub(crate) fn choice_text(choice: &Choice) -> String {
    if !choice.met {
        return setting_table(std::slice::from_ref(&choice.full), choice.metric);
    }
    format!(
        "{}\n{}",
        setting_table(&[choice.row.clone(), choice.full.clone()], choice.metric),
        loss_line(choice.metric, choice.row.get(choice.metric), choice.full.get(choice.metric))
    )
}

fn loss_line(metric: Metric, value: f64, full: f64) -> String {
    let change = if value < full { "below" } else { "above" };
    format!("{} {} {change} full depth", heading(metric), decimal((value - full).abs(), 4))
}

fn print(choice: &Choice, model: &Path, ui: Ui) -> anyhow::Result<()> {
    if ui.json() {
        return ui.print_json(&json!({
            "policy": choice.policy,
            "met": choice.met,
            "goal": goal_text(choice.goal),
            "metric": choice.metric,
            "chosen": choice.row,
            "full_depth": choice.full,
            "model": model.display().to_string(),
        }));
    }
    ui.print(choice_text(choice))?;
    ui.print(format!("{} is now the default of {}", choice.policy, model.display()))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use epee_exit::{Grid, Policy, Provenance, Scoring, TraceParts};

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: Args,
    }

    fn parse(flags: &[&str]) -> Result<Goal, String> {
        let all = ["epee", "dev.safetensors", "--model", "m"].iter().chain(flags);
        Cli::try_parse_from(all).map(|cli| cli.args.goal.goal()).map_err(|error| error.to_string())
    }

    fn trace() -> Trace {
        // Exit 1 is right already, and sure.
        let provenance = Provenance { split: Some("dev".into()), data_digest: Some("d1".into()), ..Provenance::here() };
        let logits = vec![0.0, 9.0, 0.0, 9.0];
        Trace::new(TraceParts { exits: 2, classes: 2, logits, labels: vec![1], provenance, ..Default::default() })
            .unwrap()
    }

    fn choice(goal: Goal) -> Choice {
        choose_on(&trace(), &Grid::standard(2, 2), &Scoring::default(), goal, Metric::MacroF1).unwrap()
    }

    #[test]
    fn one_goal_is_needed() {
        assert_eq!(parse(&["--max-loss", "0.01"]), Ok(Goal::MaxLoss(0.01)));
        assert_eq!(parse(&["--saving", "0.5"]), Ok(Goal::Saving(0.5)));
        assert!(parse(&[]).is_err());
        assert!(parse(&["--saving", "0.5", "--max-loss", "0.01"]).is_err());
    }

    #[test]
    fn another_model_is_an_error() {
        assert_eq!(check_digest(Some("abc"), "abc").unwrap(), None);
        assert!(check_digest(None, "abc").unwrap().is_some());
        let error = check_digest(Some("0123456789abcdef"), "fedcba9876543210").unwrap_err().to_string();
        assert!(error.contains("digest fedcba987654") && error.contains("digest 0123456789ab"), "{error}");
        assert!(check_shape(&trace(), 2, 2).is_ok());
        let error = check_shape(&trace(), 6, 2).unwrap_err().to_string();
        assert!(error.contains("6 exits and 2 classes, got one of 2 exits and 2 classes"), "{error}");
        assert!(check_shape(&trace(), 2, 3).is_err());
    }

    #[test]
    fn the_choice_is_recorded_with_its_origin() {
        let choice = choice(Goal::MaxLoss(0.01));
        assert!(choice.met && choice.policy != Policy::full());
        let entry = calibration(&choice, &trace());
        assert_eq!((entry.goal.as_str(), entry.metric.as_str()), ("max-loss 0.01", "macro_f1"));
        assert_eq!((entry.value, entry.full_depth, entry.saving, entry.samples), (1.0, 1.0, 0.5, 1));
        assert_eq!((entry.split.as_deref(), entry.data_digest.as_deref()), (Some("dev"), Some("d1")));
        assert!(choice_text(&choice).contains("macro-F1 0.0000 above full depth"));
    }

    #[test]
    fn a_goal_out_of_reach_is_full_depth() {
        let choice = choice(Goal::Saving(0.9));
        assert_eq!((choice.met, &choice.policy), (false, &Policy::full()));
        assert!(!choice_text(&choice).contains("full depth"));
        assert!(choice_text(&choice).contains("full "));
    }
}
