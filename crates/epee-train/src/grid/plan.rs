//! The runs of a grid.

use std::path::Path;

use serde_json::Value;

use super::config::GridConfig;
use super::record::RunRecord;
use crate::{Error, TrainOptions};

/// The most runs that a grid may have; more is a mistake.
const MOST: usize = 10_000;

/// Options that are in every name and every table, with or without a list.
const ALWAYS: [&str; 3] = ["batch_size", "learning_rate", "seed"];

/// The runs of a grid, in order: the last list changes fastest.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The options that differ between runs, and those that are always shown, in the order of [`TrainOptions`].
    pub keys: Vec<String>,
    /// The runs.
    pub runs: Vec<RunRecord>,
}

impl Plan {
    /// Every combination of a grid's lists; `path` is the file that errors name.
    ///
    /// # Errors
    /// A combination that cannot be trained with, too many of them.
    pub fn new(config: &GridConfig, path: &Path) -> Result<Plan, Error> {
        let fail = |problem: String| Error::config(path, None, problem);
        let count = config.lists.iter().fold(1usize, |all, (_, list)| all.saturating_mul(list.len()));
        if count > MOST {
            return Err(fail(format!("expected at most {MOST} runs, got {count}")));
        }
        let listed = |key: &String| config.lists.iter().any(|(name, _)| name == key);
        // A number of tokens stands in place of a number of sequences.
        let tokens = "batch_tokens".to_owned();
        let by_tokens = config.file.options.batch_tokens.is_some() || listed(&tokens);
        let always = ALWAYS.map(|key| if key == "batch_size" && by_tokens { &tokens } else { key });
        let keys: Vec<String> =
            super::config::keys().into_iter().filter(|key| always.contains(&key.as_str()) || listed(key)).collect();
        let base = serde_json::to_value(&config.file.options).map_err(|error| fail(error.to_string()))?;
        let mut runs: Vec<RunRecord> = Vec::new();
        for number in 0..count {
            let mut options = base.clone();
            let mut rest = number;
            for (key, list) in config.lists.iter().rev() {
                options[key] = list[rest % list.len()].clone();
                rest /= list.len();
            }
            let parts: Vec<String> =
                keys.iter().map(|key| format!("{}-{}", short(key), plain(&options[key]))).collect();
            let mut name = parts.join("_");
            if runs.iter().any(|run| run.name == name) {
                name = format!("{name}_{number}");
            }
            let options: TrainOptions =
                serde_json::from_value(options).map_err(|error| fail(format!("{name}: {error}")))?;
            options.check().map_err(|error| fail(format!("{name}: {error}")))?;
            runs.push(RunRecord::planned(name, options));
        }
        Ok(Plan { keys, runs })
    }
}

fn short(key: &str) -> String {
    match key {
        "batch_size" => "batch".to_owned(),
        "learning_rate" => "rate".to_owned(),
        other => other.replace('_', "-"),
    }
}

/// A value as a person writes it, `2e-5` rather than `0.00002`.
pub fn value_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) if number.is_f64() => {
            let number = number.as_f64().unwrap_or_default();
            let (plain, power) = (number.to_string(), format!("{number:e}"));
            if plain.len() <= power.len() { plain } else { power }
        }
        other => other.to_string(),
    }
}

/// A value in the characters that a folder name may have.
fn plain(value: &Value) -> String {
    let kept = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') { c } else { '-' };
    let name: String = value_text(value).chars().map(kept).take(60).collect();
    name.trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn plan(rest: &str) -> Result<Plan, Error> {
        let path = Path::new("g.toml");
        let text = format!("init = \"c.json\"\ndata = \"d\"\n{rest}");
        Plan::new(&GridConfig::parse(path, &text).unwrap(), path)
    }

    #[test]
    fn every_combination_is_a_run_with_a_readable_name_of_its_own() {
        let paper = plan("[options]\nclip = 2.0\n").unwrap();
        assert_eq!(paper.runs.len(), 12);
        assert_eq!(paper.keys, ["batch_size", "learning_rate", "seed"]);
        assert_eq!(paper.runs[1].name, "batch-16_rate-2e-5_seed-1");
        let last = &paper.runs[11].options;
        assert_eq!((last.batch_size, last.learning_rate, last.clip, last.epochs), (128, 5e-5, 2.0, 15));
        let names: std::collections::HashSet<&str> = paper.runs.iter().map(|run| run.name.as_str()).collect();
        assert_eq!(names.len(), 12);
        let more = plan("[grid]\nselect = [\"best-exit\", \"weighted-mean\"]\nwarmup = [0, 0.1]\n").unwrap();
        assert_eq!(more.keys, ["batch_size", "learning_rate", "warmup", "seed", "select"]);
        assert_eq!(more.runs[3].name, "batch-16_rate-3e-5_warmup-0.1_seed-1_select-weighted-mean");
    }

    #[test]
    fn a_grid_by_tokens_names_tokens() {
        let fixed = plan("[options]\nbatch_tokens = 512\n").unwrap();
        assert_eq!((fixed.runs.len(), fixed.runs[0].name.as_str()), (4, "batch-tokens-512_rate-1e-5_seed-1"));
        let listed = plan("[grid]\nbatch_tokens = [256, 512]\nlearning_rate = [1e-5]\n").unwrap();
        assert_eq!(listed.keys, ["batch_tokens", "learning_rate", "seed"]);
        assert_eq!(listed.runs[1].name, "batch-tokens-512_rate-1e-5_seed-1");
    }

    #[test]
    fn a_grid_without_end_is_refused() {
        let list: Vec<String> = (1..=200).map(|n| n.to_string()).collect();
        let list = list.join(", ");
        let error = plan(&format!("[grid]\nseed = [{list}]\nbatch_size = [{list}]\n")).unwrap_err().to_string();
        assert_eq!(error, "g.toml: expected at most 10000 runs, got 40000");
    }
}
