//! `epee calibrate`: chooses the setting that meets a goal and writes it into the model.

mod promise;
mod text;

use std::path::PathBuf;

use epee::Calibrator;
use epee::calibration::{CalibrationGoal, CalibrationRequest};
use epee::exit::{Goal, Risk, Trace};
use serde_json::{Map, Value};

use self::promise::PromiseArgs;
use crate::flags::{SettingArgs, latency};
use crate::ui::Ui;

/// Choose the exit setting that meets a goal, and make it the model's policy
#[derive(clap::Args)]
#[command(
    after_help = "Choose on the dev split and report on the test split. With --max-risk, one half of the trace proposes settings and the \
    other half tests them. A setting that passes is certified: with the given confidence, each risk is at most the given one. The \
    certificate is in the model's exits.json, and `epee info` explains it. It is void if anything changes that an answer depends on. \
    Anybody who can write exits.json can write a certificate: --sign shows who wrote it. If nothing can be certified, the model answers at full depth.\n\n\
    Examples:\n  \
    epee calibrate dev.safetensors --model DIR --max-loss 0.01\n  \
    epee calibrate dev.safetensors --model DIR --saving 0.5 --metric accuracy --per-exit\n  \
    epee calibrate dev.safetensors --model DIR --max-latency 20ms\n  \
    epee calibrate dev.safetensors --model DIR --max-risk 0.02 --confidence 0.95\n  \
    epee calibrate dev.safetensors --model DIR --max-risk 0.05 --risk consistency,class:mechanism --fit-temperatures\n  \
    epee calibrate dev.safetensors --model DIR --max-risk 0.02 --sign key.pem\n  \
    epee calibrate dev.safetensors --model DIR --abstain 0.05"
)]
pub(crate) struct Args {
    /// Trace of the model, from `epee trace`
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Model directory whose exits.json is written
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    #[command(flatten)]
    goal: GoalArgs,
    /// Fit a temperature for each exit; logits are divided by it before the policy sees them [default: none]
    #[arg(long)]
    fit_temperatures: bool,
    /// Let the threshold differ by exit if that meets the goal better on this trace
    #[arg(long, conflicts_with = "max_risk")]
    per_exit: bool,
    /// Another trace of the model, for instance of the test split, to report the result on
    #[arg(long, value_name = "TRACE")]
    report_on: Option<PathBuf>,
    #[command(flatten)]
    promise: PromiseArgs,
    #[command(flatten)]
    settings: SettingArgs,
}

/// The goal of a calibration.
#[derive(clap::Args)]
#[group(required = true, multiple = true)]
struct GoalArgs {
    /// Save the most layers while the metric is at most this much below full depth, such as 0.01
    #[arg(long, value_name = "LOSS", allow_negative_numbers = true, conflicts_with_all = ["saving", "max_latency", "max_risk"])]
    max_loss: Option<f64>,
    /// Keep the metric highest while at least this share of the layers is saved, such as 0.5
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true, conflicts_with_all = ["max_latency", "max_risk"])]
    saving: Option<f64>,
    /// Keep the metric highest while a sample takes at most this long on average, by the times in the trace: 20ms, 0.02s
    #[arg(long, value_name = "TIME", conflicts_with = "max_risk", value_parser = latency)]
    max_latency: Option<f64>,
    /// Certify that each --risk is at most this, such as 0.01
    #[arg(long, value_name = "RISK", allow_negative_numbers = true)]
    max_risk: Option<f64>,
    /// Abstain from uncertain answers, so that at most this share of the given answers is wrong; with a goal, or alone
    #[arg(long, value_name = "RISK", allow_negative_numbers = true)]
    abstain: Option<f64>,
}

impl GoalArgs {
    /// The goal that needs no certificate, if there is one.
    fn goal(&self) -> Option<Goal> {
        let loss = self.max_loss.map(Goal::MaxLoss);
        loss.or(self.saving.map(Goal::Saving)).or(self.max_latency.map(Goal::MaxLatency))
    }
}

pub(crate) fn run(args: &Args, ui: Ui) -> anyhow::Result<()> {
    args.promise.check(args.goal.max_risk.is_some(), args.goal.abstain.is_some())?;
    let _lock = epee_files::OutputLock::take(&args.model)?;
    let open = if args.promise.trust_trace { Calibrator::open_trusted } else { Calibrator::open };
    let mut calibrator = open(&args.model, &args.file)?;
    let request = args.request(calibrator.trace())?;
    let report_trace = args.report_on.as_deref().map(|path| calibrator.open_report_trace(path)).transpose()?;
    ui.warn(calibrator.warnings());
    let report = calibrator.run(&request)?;
    ui.warn(&report.warnings);
    let mut shown = Shown::default();
    text::report(args, calibrator.trace(), &request, &report, &mut shown, ui)?;
    if let Some(trace) = &report_trace {
        let risks: Vec<Risk> = match &request.goal {
            CalibrationGoal::Certified(certificate) => certificate.risks.clone(),
            _ if calibrator.model_dir().exits.certificate.is_some() => args.promise.risks(trace)?,
            _ => Vec::new(),
        };
        text::outcome(trace, request.metric, &calibrator.outcome(trace, &request, &risks)?, &mut shown);
    }
    if ui.json() {
        shown.json.insert("model".to_owned(), args.model.display().to_string().into());
        return ui.print_json(&Value::Object(shown.json));
    }
    let only_abstains = matches!(request.goal, CalibrationGoal::Keep);
    let verb = if only_abstains && report.policy_before == report.policy { "stays" } else { "is now" };
    shown.text.push(format!("{} {verb} the default of {}", report.policy, args.model.display()));
    Ok(ui.print(shown.text.join("\n"))?)
}

impl Args {
    fn request(&self, trace: &Trace) -> anyhow::Result<CalibrationRequest> {
        let goal = match (self.goal.goal(), self.goal.max_risk) {
            (Some(goal), _) => CalibrationGoal::Best(goal),
            (None, Some(epsilon)) => {
                CalibrationGoal::Certified(self.promise.request(epsilon, self.fit_temperatures, trace)?)
            }
            (None, None) => CalibrationGoal::Keep,
        };
        Ok(CalibrationRequest {
            grid: Some(self.settings.grid(trace)),
            metric: self.settings.scoring.metric,
            scoring: self.settings.scoring.scoring(trace)?,
            fit_temperatures: self.fit_temperatures,
            per_exit: self.per_exit,
            abstain: self.goal.abstain.map(|risk| self.promise.abstention(risk)),
            sign: self.promise.key()?,
            ..CalibrationRequest::new(goal)
        })
    }
}

/// The output of a calibration, for people and for scripts.
#[derive(Default)]
struct Shown {
    text: Vec<String>,
    json: Map<String, Value>,
}

#[cfg(test)]
mod tests {
    use clap::Parser;

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
}
