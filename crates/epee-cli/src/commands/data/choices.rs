//! Options of `epee data import` that belong to the published datasets.

use anyhow::bail;
use epee_data::import::{
    DoubleTyped, Entities, GitSplits, NegativeFilter, Options, PRESETS, Preset, RatingCut, Repeats,
};

/// Each is `None` or false until it is given.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Options of published datasets")]
pub(super) struct Choices {
    /// Rows whose input and label stand before them in the same split: keep or drop [default: keep; git: drop].
    #[arg(long, value_name = "WHAT")]
    repeats: Option<Repeats>,
    /// Drop rows of train that occur in dev or test, and rows of dev that occur in test.
    #[arg(long)]
    drop_leaks: bool,
    /// git: what stands between subject, object and sentence [default: `[SEP]`].
    #[arg(long, value_name = "TEXT")]
    separator: Option<String>,
    /// git: which file is which split, paper (dev is the file called test, and the reverse) or files [default: paper].
    #[arg(long, value_name = "WHICH")]
    git_splits: Option<GitSplits>,
    /// ddi: the two drugs in markers, blind (as DRUG1 and DRUG2) or typed (markers with their kinds) [default: markers].
    #[arg(long, value_name = "HOW")]
    entities: Option<Entities>,
    /// ddi: leave out same-name, abbreviation, special-case, list, overlap, all or none of these pairs [default: none].
    #[arg(long, value_name = "RULES")]
    negative_filter: Option<NegativeFilter>,
    /// drug-review: positive from, negative down to; one number: positive above, negative otherwise [default: 7,4].
    #[arg(long, value_name = "RATINGS")]
    rating_cut: Option<RatingCut>,
    /// phee: of sentences with events of both types the first, or skip them [default: first].
    #[arg(long, value_name = "WHAT")]
    double_typed: Option<DoubleTyped>,
}

impl Choices {
    /// The flags given: those of all published datasets, then those of single ones.
    fn given(&self) -> [Vec<&'static str>; 2] {
        let names = |flags: &[(&'static str, bool)]| {
            flags.iter().filter(|(_, given)| *given).map(|&(flag, _)| flag).collect::<Vec<_>>()
        };
        [
            names(&[("repeats", self.repeats.is_some()), ("drop-leaks", self.drop_leaks)]),
            names(&[
                ("separator", self.separator.is_some()),
                ("git-splits", self.git_splits.is_some()),
                ("entities", self.entities.is_some()),
                ("negative-filter", self.negative_filter.is_some()),
                ("rating-cut", self.rating_cut.is_some()),
                ("double-typed", self.double_typed.is_some()),
            ]),
        ]
    }

    /// What they mean for this importer, with its defaults where nothing is given.
    ///
    /// # Errors
    /// A flag that the importer does not take.
    pub(super) fn options(&self, preset: &Preset, defaults: Options) -> anyhow::Result<Options> {
        let [_, single] = self.given();
        if let Some(flag) = single.iter().find(|flag| !preset.takes.contains(flag)) {
            let name = preset.name;
            bail!("--{flag} is for {}; `{name}` has no such option", takers(flag).join(", "));
        }
        Ok(Options {
            repeats: self.repeats,
            drop_leaks: self.drop_leaks,
            separator: self.separator.clone().unwrap_or(defaults.separator),
            git_splits: self.git_splits.unwrap_or(defaults.git_splits),
            entities: self.entities.unwrap_or(defaults.entities),
            negative_filter: self.negative_filter.clone().unwrap_or(defaults.negative_filter),
            rating_cut: self.rating_cut.unwrap_or(defaults.rating_cut),
            double_typed: self.double_typed.unwrap_or(defaults.double_typed),
            ..defaults
        })
    }

    /// Refuses all of them: own files take none.
    pub(super) fn refuse(&self, name: &str) -> anyhow::Result<()> {
        match self.given().concat().first() {
            Some(flag) => {
                bail!("--{flag} is for published datasets, see `epee data list`; `{name}` has no such option")
            }
            None => Ok(()),
        }
    }
}

/// The datasets with this option.
fn takers(flag: &str) -> Vec<&'static str> {
    PRESETS.iter().filter(|preset| preset.takes.contains(&flag)).map(|preset| preset.name).collect()
}

#[cfg(test)]
mod tests {
    use clap::{Args, Command};

    use super::*;

    #[test]
    fn every_option_of_a_dataset_has_a_flag_and_every_flag_a_dataset() {
        let command = Choices::augment_args(Command::new("import"));
        let flags: Vec<String> = command.get_arguments().filter_map(|arg| arg.get_long().map(str::to_owned)).collect();
        for preset in PRESETS {
            for flag in preset.takes {
                assert!(flags.iter().any(|have| have == flag), "{}: no --{flag}", preset.name);
            }
        }
        let every = ["repeats", "drop-leaks"];
        for flag in flags.iter().map(String::as_str).filter(|flag| !every.contains(flag)) {
            assert!(!takers(flag).is_empty(), "no dataset takes --{flag}");
        }
    }
}
