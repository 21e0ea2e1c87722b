//! Which settings to try and which metric decides: flags that `sweep`, `calibrate` and `compare` share.

use std::str::FromStr;

use anyhow::bail;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use epee_exit::{Ensemble, Grid, Metric, Patiences, PolicyError, PolicyKind, Scoring, Thresholds, Trace, runnable};

/// A policy, or all that can run on a trace.
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

/// The policies that choices name for a trace.
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

/// Reads the name of a policy, or `all`.
pub(crate) fn choice() -> impl TypedValueParser<Value = Choice> {
    let names = ["all"].into_iter().chain(PolicyKind::ALL.map(PolicyKind::name));
    PossibleValuesParser::new(names.collect::<Vec<_>>()).try_map(|name| name.parse::<Choice>())
}

/// Which settings to try.
#[derive(clap::Args)]
pub(crate) struct SettingArgs {
    /// Policies to try, several between commas; `epee policy list` explains them
    #[arg(long, value_name = "POLICY", value_delimiter = ',', default_value = "epee", hide_possible_values = true,
        value_parser = choice())]
    policy: Vec<Choice>,
    /// Thresholds, for every policy that has one [default: each policy's own list, 0:1:0.05 for EPEE]
    #[arg(long, value_name = "LIST|A:B:STEP")]
    threshold: Option<Thresholds>,
    /// Patiences [default: 1 to the number of exits, and never]
    #[arg(long, value_name = "LIST|A:B:STEP")]
    patience: Option<Patiences>,
    /// How an answer is made of the exits up to it
    #[arg(long, default_value = "none", value_parser = PossibleValuesParser::new(Ensemble::ALL.map(Ensemble::name))
        .map(|name| Ensemble::named(&name).unwrap_or_default()))]
    ensemble: Ensemble,
    #[command(flatten)]
    scoring: ScoringArgs,
}

impl SettingArgs {
    /// The grid for a trace.
    pub(crate) fn grid(&self, trace: &Trace) -> Grid {
        Grid {
            thresholds: self.threshold.as_ref().map(|list| list.0.clone()),
            patiences: self.patience.as_ref().map(|list| list.0.clone()),
            ensemble: self.ensemble,
            ..Grid::standard(trace.exits(), trace.classes()).with_kinds(kinds(&self.policy, trace))
        }
    }

    /// The metric that decides.
    pub(crate) fn metric(&self) -> Metric {
        self.scoring.metric
    }

    /// What micro-F1 is taken over.
    pub(crate) fn scoring(&self, trace: &Trace) -> anyhow::Result<Scoring> {
        self.scoring.scoring(trace)
    }
}

/// Which metric decides.
#[derive(clap::Args)]
pub(crate) struct ScoringArgs {
    /// The metric that decides
    #[arg(long, default_value = "macro_f1",
        value_parser = PossibleValuesParser::new(["macro_f1", "micro_f1", "accuracy"])
            .try_map(|name| name.parse::<Metric>()))]
    metric: Metric,
    /// Classes that micro-F1 is taken over, by name or by number from 0 [default: all]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    micro_over: Vec<String>,
}

impl ScoringArgs {
    /// The metric that decides.
    pub(crate) fn metric(&self) -> Metric {
        self.metric
    }

    /// What micro-F1 is taken over.
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

#[cfg(test)]
mod tests {
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
        let scoring = |list| parse(&["--micro-over", list]).unwrap().scoring(&trace());
        assert_eq!(scoring("yes").unwrap().micro_classes, [1]);
        assert_eq!(scoring("1,no").unwrap().micro_classes, [1, 0]);
        let error = scoring("maybe").unwrap_err().to_string();
        assert_eq!(error, "--micro-over: expected one of no, yes, got maybe");
        assert!(scoring("2").is_err());
    }
}
