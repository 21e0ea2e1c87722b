//! Flags and checks that several commands share: policies, thresholds, metrics, threads, output files.

use std::path::Path;
use std::str::FromStr;

use anyhow::{Context, bail};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use epee_exit::{Ensemble, Grid, Metric, Patiences, PolicyError, PolicyKind, Scoring, Thresholds, Trace, runnable};
use epee_files::{OutputLock, check_output, is_vacant};
use serde::de::DeserializeOwned;

/// One policy, or all that can run on a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    All,
    One(PolicyKind),
}

impl FromStr for Choice {
    type Err = PolicyError;

    fn from_str(text: &str) -> Result<Self, PolicyError> {
        if text == "all" { Ok(Choice::All) } else { text.parse().map(Choice::One) }
    }
}

/// The policies to try on a trace, each once.
pub(crate) fn kinds(choices: &[Choice], trace: &Trace) -> Vec<PolicyKind> {
    let mut kinds = Vec::new();
    for choice in choices {
        match choice {
            Choice::All => kinds.extend(runnable(trace)),
            Choice::One(kind) => kinds.push(*kind),
        }
    }
    let mut seen = Vec::new();
    kinds.retain(|kind| {
        let new = !seen.contains(kind);
        seen.push(*kind);
        new
    });
    kinds
}

pub(crate) fn choice() -> impl TypedValueParser<Value = Choice> {
    let names = ["all"].into_iter().chain(PolicyKind::ALL.map(PolicyKind::name));
    PossibleValuesParser::new(names.collect::<Vec<_>>()).try_map(|name| name.parse::<Choice>())
}

#[derive(clap::Args)]
pub(crate) struct SettingArgs {
    /// Policies to try, comma-separated, or all; `epee policy list` explains them
    #[arg(long, alias = "policy", value_name = "POLICY,…", value_delimiter = ',', default_value = "epee",
        hide_possible_values = true, value_parser = choice())]
    policies: Vec<Choice>,
    /// Thresholds, for every policy that has one [default: each policy's own list, 0:1:0.05 for EPEE]
    #[arg(long, value_name = "LIST|A:B:STEP")]
    threshold: Option<Thresholds>,
    /// Patiences [default: 1 to the number of exits, and never]
    #[arg(long, value_name = "LIST|A:B:STEP")]
    patience: Option<Patiences>,
    /// Combination of the exits so far into an answer
    #[arg(long, default_value = "none", value_parser = PossibleValuesParser::new(Ensemble::ALL.map(Ensemble::name))
        .map(|name| Ensemble::named(&name).unwrap_or_default()))]
    ensemble: Ensemble,
    #[command(flatten)]
    pub(crate) scoring: ScoringArgs,
}

impl SettingArgs {
    pub(crate) fn grid(&self, trace: &Trace) -> Grid {
        Grid {
            thresholds: self.threshold.as_ref().map(|list| list.0.clone()),
            patiences: self.patience.as_ref().map(|list| list.0.clone()),
            ensemble: self.ensemble,
            ..Grid::standard(trace.exits(), trace.classes()).with_kinds(kinds(&self.policies, trace))
        }
    }
}

#[derive(clap::Args)]
pub(crate) struct ScoringArgs {
    /// Metric that decides
    #[arg(long, default_value = "macro_f1",
        value_parser = PossibleValuesParser::new(["macro_f1", "micro_f1", "accuracy"])
            .try_map(|name| name.parse::<Metric>()))]
    pub(crate) metric: Metric,
    /// Classes counted in micro-F1, by name or by number from 0 [default: all]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    micro_over: Vec<String>,
}

impl ScoringArgs {
    pub(crate) fn scoring(&self, trace: &Trace) -> anyhow::Result<Scoring> {
        let classes = self.micro_over.iter().map(|wanted| class("--micro-over", wanted, trace));
        Ok(Scoring { micro_classes: classes.collect::<Result<_, _>>()?, ..Scoring::default() })
    }
}

/// A class by its name, or by its number from 0.
pub(crate) fn class(flag: &str, wanted: &str, trace: &Trace) -> anyhow::Result<usize> {
    let names: Vec<String> = (0..trace.classes()).map(|class| trace.class_name(class)).collect();
    let by_name = names.iter().position(|name| name == wanted);
    let by_number = || wanted.parse().ok().filter(|&class: &usize| class < names.len());
    match by_name.or_else(by_number) {
        Some(class) => Ok(class),
        None => bail!("{flag}: expected one of {}, got {wanted}", names.join(", ")),
    }
}

/// Reads a number of threads, at most what the machine or its container allows.
pub(crate) fn threads(text: &str) -> Result<usize, String> {
    let most = std::thread::available_parallelism().map_or(1, usize::from);
    match text.parse() {
        Ok(threads) if (1..=most).contains(&threads) => Ok(threads),
        _ => Err(format!("expected 1 to {most} (what this process may use), got `{text}`")),
    }
}

/// Reads a time such as `20ms` or `0.02s`, in seconds.
pub(crate) fn latency(text: &str) -> Result<f64, String> {
    let trimmed = text.trim();
    let digits = trimmed.trim_end_matches(|c: char| !c.is_ascii_digit() && c != '.');
    let unit = match trimmed[digits.len()..].trim() {
        "s" => Some(1.0),
        "ms" => Some(1e3),
        "us" | "µs" => Some(1e6),
        _ => None,
    };
    let value = digits.parse().ok().filter(|value: &f64| value.is_finite() && *value > 0.0);
    let seconds = value.zip(unit).map(|(value, unit)| value / unit);
    seconds.ok_or_else(|| format!("expected a time such as 20ms, 500us or 0.02s, got `{text}`"))
}

/// Reads a value by its name in files.
pub(crate) fn named<T: DeserializeOwned + Clone + Send + Sync + 'static>(
    names: &'static [&'static str],
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(names).try_map(|name| serde_json::from_value::<T>(name.into()))
}

/// Refuses a folder that is not empty, unless forced.
pub(crate) fn check_empty(dir: &Path, force: bool) -> anyhow::Result<()> {
    check_vacant(dir, force, "--force writes into it")
}

/// As [`check_empty`], with another hint.
pub(crate) fn check_vacant(dir: &Path, force: bool, hint: &str) -> anyhow::Result<()> {
    if dir.exists() && !dir.is_dir() {
        bail!("{}: expected a folder, got a file", dir.display());
    }
    if force || !dir.exists() {
        return Ok(());
    }
    if !is_vacant(dir).with_context(|| format!("cannot read {}", dir.display()))? {
        bail!("{} holds something already: expected a new or an empty folder\nhint: {hint}", dir.display());
    }
    Ok(())
}

/// Claims a file to be written: the lock on it, until the command has ended. Refuses a file that another process writes, that exists
/// (unless forced), or that no regular file can replace.
pub(crate) fn claim(file: &Path, force: bool) -> anyhow::Result<OutputLock> {
    if file.exists() && !file.is_file() {
        bail!("{}: expected a regular file to write, got something else", file.display());
    }
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir()) {
        bail!("{}: no such folder to write {} into", folder.display(), file.display());
    }
    // Before the lock: a name that no file can have is an error of its own.
    check_output(file)?;
    let lock = OutputLock::take(file)?;
    if file.symlink_metadata().is_ok() && !force {
        bail!("{} exists already\nhint: --force replaces it", file.display());
    }
    Ok(lock)
}

#[cfg(test)]
pub(crate) mod tests {
    use clap::Parser;
    use epee_exit::{Provenance, TraceParts};

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: SettingArgs,
    }

    fn parse(flags: &[&str]) -> Result<SettingArgs, String> {
        let all = ["epee"].iter().chain(flags);
        Cli::try_parse_from(all).map(|cli| cli.args).map_err(|error| error.to_string())
    }

    /// One sample, two exits, two classes.
    pub(crate) fn trace() -> Trace {
        let provenance = Provenance { label_names: vec!["no".into(), "yes".into()], ..Provenance::here() };
        let logits = vec![0.0, 1.0, 2.0, 0.0];
        Trace::new(TraceParts { exits: 2, classes: 2, logits, labels: vec![1], provenance, ..Default::default() })
            .unwrap()
    }

    #[test]
    fn times_have_units() {
        for (text, seconds) in [("20ms", 0.02), ("0.5 s", 0.5), ("500us", 5e-4), ("1s", 1.0)] {
            assert_eq!(latency(text), Ok(seconds));
        }
        for text in ["20", "ms", "-5ms", "0ms", "1h", "", "infs", "nan ms"] {
            assert!(latency(text).is_err(), "{text}");
        }
    }

    #[test]
    fn without_flags_the_grid_is_the_standard_one() {
        let args = parse(&[]).unwrap();
        assert_eq!(args.grid(&trace()), Grid::standard(2, 2));
        assert_eq!(args.scoring.metric, Metric::MacroF1);
    }

    #[test]
    fn flags_change_the_grid() {
        let flags = ["--policy", "entropy,fixed", "--threshold", "0:1:0.5", "--patience", "2,never"];
        let grid = parse(&flags).unwrap().grid(&trace());
        assert_eq!(grid.kinds, [PolicyKind::Entropy, PolicyKind::Fixed]);
        assert_eq!(grid.thresholds.unwrap(), [Some(0.0), Some(0.5), Some(1.0)]);
        assert_eq!(grid.patiences.unwrap(), [Some(2), None]);
        assert!(parse(&["--policy", "beem"]).err().unwrap().contains("branchynet"));
        assert!(parse(&["--threshold", "0:1"]).err().unwrap().contains("expected a range A:B:STEP"));
        assert!(parse(&["--metric", "f1"]).err().unwrap().contains("macro_f1, micro_f1, accuracy"));
        assert_eq!(parse(&["--ensemble", "all-mean"]).unwrap().grid(&trace()).ensemble, Ensemble::AllMean);
    }

    #[test]
    fn all_policies_are_those_that_can_run() {
        let grid = parse(&["--policy", "epee,all"]).unwrap().grid(&trace());
        assert_eq!((grid.kinds[0], grid.kinds.len()), (PolicyKind::Epee, 13));
        assert!(!grid.kinds.contains(&PolicyKind::Berxit) && grid.kinds.contains(&PolicyKind::Elbert));
    }

    #[test]
    fn classes_go_by_name_or_number() {
        let scoring = |list| parse(&["--micro-over", list]).unwrap().scoring.scoring(&trace());
        assert_eq!(scoring("yes").unwrap().micro_classes, [1]);
        assert_eq!(scoring("1,no").unwrap().micro_classes, [1, 0]);
        let error = scoring("maybe").unwrap_err().to_string();
        assert_eq!(error, "--micro-over: expected one of no, yes, got maybe");
        assert!(scoring("2").is_err());
    }
}
