//! Training options on the command line: flags override a file, a file overrides the defaults.

use std::path::Path;

use clap::{ArgMatches, Args, Command, Error, FromArgMatches};
use epee_train::TrainOptions;
use epee_train::grid::value_text;
use serde_json::Value;

/// The flags of [`TrainOptions`] that were given.
pub(super) struct OptionArgs(ArgMatches);

impl Args for OptionArgs {
    fn augment_args(command: Command) -> Command {
        let defaults = serde_json::to_value(TrainOptions::default()).unwrap_or_default();
        let defaults = defaults.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
        // A default in the help only: clap must not take it for a flag that was given.
        let with_default = |command: Command, (key, value): (&String, &Value)| {
            command.mut_arg(key, |arg| {
                let help = arg.get_help().cloned().unwrap_or_default();
                arg.help(format!("{help} [default: {}]", value_text(value)))
            })
        };
        defaults.fold(TrainOptions::augment_args_for_update(command), with_default)
    }

    fn augment_args_for_update(command: Command) -> Command {
        OptionArgs::augment_args(command)
    }
}

impl FromArgMatches for OptionArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<OptionArgs, Error> {
        Ok(OptionArgs(matches.clone()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.0 = matches.clone();
        Ok(())
    }
}

impl OptionArgs {
    /// The options of a run, checked.
    pub(super) fn resolve(&self, path: Option<&Path>) -> anyhow::Result<TrainOptions> {
        let file = path.map(TrainOptions::read).transpose()?.unwrap_or_default();
        let mut options = file.clone();
        // A number of sequences on the command line overrides a number of tokens in the file.
        if self.0.contains_id("batch_size") {
            options.batch_tokens = None;
        }
        options.update_from_arg_matches(&self.0)?;
        match path {
            Some(path) => options.check_with_file(path, &file)?,
            None => options.check()?,
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use epee_train::{RecipeName, Select};

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        options: OptionArgs,
    }

    fn resolve(flags: &[&str], file: &str) -> anyhow::Result<TrainOptions> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("run.toml");
        std::fs::write(&path, file)?;
        Cli::try_parse_from(["epee"].iter().chain(flags))?.options.resolve(Some(&path))
    }

    #[test]
    fn flags_override_the_file_and_the_file_the_defaults() {
        let options = resolve(&["--epochs", "3", "--recipe", "mixed", "--flip"], "epochs = 9\nclip = 2.0\n").unwrap();
        let expected =
            TrainOptions { epochs: 3, clip: 2.0, recipe: RecipeName::Mixed, flip: true, ..Default::default() };
        assert_eq!(options, expected);
        let options = resolve(&["--flip=false", "--select", "best-exit"], "flip = true\n").unwrap();
        assert_eq!(options, TrainOptions { select: Select::BestExit, ..Default::default() });
        let options = resolve(&["--batch-size", "16"], "batch_tokens = 300\n").unwrap();
        assert_eq!((options.batch_size, options.batch_tokens), (16, None));
        assert!(resolve(&["--batch-size", "4", "--batch-tokens", "9"], "").is_err());
        let error = crate::hints::text(&resolve(&["--learning-rate", "nan"], "").unwrap_err());
        assert_eq!(error, "--learning-rate: expected a number above 0, got NaN");
    }

    #[test]
    fn every_option_has_a_flag_with_its_description_and_default() {
        let help = Cli::augment_args(Command::new("epee")).render_long_help().to_string();
        let options = serde_json::to_value(TrainOptions::default()).unwrap();
        for key in options.as_object().unwrap().keys() {
            assert!(help.contains(&format!("--{}", key.replace('_', "-"))), "{key}");
        }
        assert!(help.contains("Peak learning rate [default: 3e-5]") && help.contains("[default: head-rate]"), "{help}");
    }
}
