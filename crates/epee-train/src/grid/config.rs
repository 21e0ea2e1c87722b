//! The configuration file of a grid, and its JSON schema.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use epee_model::{PoolerKind, Pooling};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use toml::Spanned;

use crate::config_file::{BOTH_BATCHES, explain, line, parse, read};
use crate::{Error, RecipeName, TrainOptions};

/// A grid of training runs: every combination of the lists in `grid`, on top of `options`. Relative paths start at the
/// current directory.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(
    title = "The configuration of `epee grid`",
    extend("oneOf" = [{ "required": ["model"] }, { "required": ["init"] }])
)]
pub struct GridFile {
    /// A Hugging Face model directory or hub id to start from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "PathBuf")]
    pub model: Option<PathBuf>,
    /// A config.json for fresh weights, in place of `model`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "PathBuf")]
    pub init: Option<PathBuf>,
    /// A dataset folder with the splits train and dev.
    pub data: PathBuf,
    /// The tokenizer for fresh weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "PathBuf")]
    pub tokenizer: Option<PathBuf>,
    /// The row of a sequence that an exit reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", extend("enum" = [Pooling::First, Pooling::Last, Pooling::Mean]))]
    pub pooling: Option<Pooling>,
    /// One pooler for all exits, one per exit, or none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", extend("enum" = [PoolerKind::Shared, PoolerKind::PerExit, PoolerKind::None]))]
    pub pooler: Option<PoolerKind>,
    /// Apply the model's final norm before each exit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "bool")]
    pub exit_norm: Option<bool>,
    /// Height and width of images, if other than the model's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "[usize; 2]")]
    pub image_size: Option<[usize; 2]>,
    /// The options of all runs; the keys of `epee train --config`.
    #[serde(default)]
    pub options: TrainOptions,
    /// A list of values for each option that differs between runs. The default is the paper's grid: batch sizes 16, 32, 128
    /// and learning rates 1e-5, 2e-5, 3e-5, 5e-5, unless `options` sets them.
    #[serde(default)]
    pub grid: GridLists,
}

/// The lists of a grid: any key of [`TrainOptions`] may have one.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub struct GridLists(BTreeMap<Spanned<String>, Spanned<Vec<Spanned<toml::Value>>>>);

impl JsonSchema for GridLists {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "GridLists".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut options = TrainOptions::json_schema(generator);
        let mut lists = Map::new();
        if let Some(Value::Object(properties)) = options.remove("properties") {
            for (key, mut item) in properties {
                let mut list = json!({ "type": "array", "minItems": 1, "uniqueItems": true });
                if let Some(item) = item.as_object_mut() {
                    item.remove("default");
                    list["description"] = item.remove("description").unwrap_or_default();
                }
                list["items"] = item;
                lists.insert(key, list);
            }
        }
        json_schema!({ "type": "object", "properties": lists, "additionalProperties": false })
    }
}

/// The JSON schema of a grid's file as text, as in `docs/grid.schema.json`.
pub fn schema() -> String {
    let mut text = serde_json::to_string_pretty(&schemars::schema_for!(GridFile)).unwrap_or_default();
    text.push('\n');
    text
}

/// A grid's file, checked.
#[derive(Clone, Debug)]
pub struct GridConfig {
    /// The file's content.
    pub file: GridFile,
    /// Each option that has a list, with its values as JSON, in the order of [`TrainOptions`].
    pub lists: Vec<(String, Vec<Value>)>,
}

impl GridConfig {
    /// Reads a grid's file and checks every value in it.
    ///
    /// # Errors
    /// A file that cannot be read or is not TOML, an unknown key, a value of the wrong type or out of range, an option that is
    /// both fixed and listed, a list that is empty or has a value twice.
    pub fn read(path: &Path) -> Result<GridConfig, Error> {
        GridConfig::parse(path, &read(path)?)
    }

    /// Reads a grid from text; `path` is the file that errors name.
    ///
    /// # Errors
    /// As [`GridConfig::read`].
    pub fn parse(path: &Path, text: &str) -> Result<GridConfig, Error> {
        let fail = |problem: String| Error::config(path, None, problem);
        let fail_at = |span: Range<usize>, problem| Error::config(path, Some(line(text, span.start)), problem);
        let file: GridFile = parse(path, text)?;
        if file.model.is_some() == file.init.is_some() {
            let got = if file.model.is_some() { "both" } else { "neither" };
            return Err(fail(format!("expected either model or init, got {got}")));
        }
        file.options.check().map_err(|error| fail(format!("[options] {error}")))?;
        let given: Given = parse(path, text)?;
        let order = keys();
        let mut lists = Vec::new();
        for (key, values) in &file.grid.0 {
            let name = key.get_ref();
            if !order.contains(name) {
                let Err(problem) = checked(name, &toml::Value::Boolean(true)) else { continue };
                return Err(fail_at(key.span(), problem));
            }
            if given.options.contains_key(name) {
                let problem = format!("{name} is fixed in [options]: expected it there or in [grid], got both");
                return Err(fail_at(key.span(), problem));
            }
            let mut list: Vec<Value> = Vec::new();
            for value in values.get_ref() {
                let problem = match checked(name, value.get_ref()) {
                    Ok(found) if !list.contains(&found) => {
                        list.push(found);
                        continue;
                    }
                    Ok(found) => format!("[grid] {name} has {found} twice"),
                    Err(problem) => format!("[grid] {problem}"),
                };
                return Err(fail_at(value.span(), problem));
            }
            if list.is_empty() {
                return Err(fail_at(values.span(), format!("[grid] {name}: expected values, got none")));
            }
            lists.push((name.clone(), list));
        }
        if lists.is_empty() {
            let paper = [("batch_size", json!([16, 32, 128])), ("learning_rate", json!([1e-5, 2e-5, 3e-5, 5e-5]))];
            let fixed = |key: &str| given.options.contains_key(key);
            for (key, list) in paper {
                // A number of tokens stands in place of a number of sequences.
                if !fixed(key) && (key != "batch_size" || !fixed("batch_tokens")) {
                    lists.push((key.to_owned(), list.as_array().cloned().unwrap_or_default()));
                }
            }
        }
        let has = |key: &str| given.options.contains_key(key) || lists.iter().any(|(listed, _)| listed == key);
        if has("batch_size") && has("batch_tokens") {
            return Err(fail(BOTH_BATCHES.to_owned()));
        }
        lists.sort_by_key(|(key, _)| order.iter().position(|known| known == key));
        Ok(GridConfig { file, lists })
    }
}

#[derive(Deserialize)]
struct Given {
    #[serde(default)]
    options: toml::Table,
}

pub(super) fn keys() -> Vec<String> {
    match serde_json::to_value(TrainOptions::default()) {
        Ok(Value::Object(options)) => options.into_iter().map(|(key, _)| key).collect(),
        _ => Vec::new(),
    }
}

/// A value of a list as [`TrainOptions`] reads it, or the problem.
fn checked(key: &str, value: &toml::Value) -> Result<Value, String> {
    let table = toml::Table::from_iter([(key.to_owned(), value.clone())]);
    let options: TrainOptions =
        table.try_into().map_err(|error: toml::de::Error| match keys().iter().any(|k| k == key) {
            true => format!("{key}: {}", explain(error.message())),
            false => explain(error.message()),
        })?;
    // A value that contradicts this recipe may fit another one in the grid; combinations are checked with the runs.
    let fits = |recipe: &RecipeName| TrainOptions { recipe: *recipe, ..options.clone() }.check().is_ok();
    if !RecipeName::ALL.iter().any(fits) {
        options.check().map_err(|error| error.to_string())?;
    }
    let read = serde_json::to_value(&options).map_err(|error| error.to_string())?;
    Ok(read[key].clone())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const HEAD: &str = "init = \"c.json\"\ndata = \"d\"\n";

    fn lists(rest: &str) -> Vec<(String, Vec<Value>)> {
        GridConfig::parse(Path::new("g.toml"), &format!("{HEAD}{rest}")).unwrap().lists
    }

    fn error(rest: &str) -> String {
        GridConfig::parse(Path::new("g.toml"), &format!("{HEAD}{rest}")).unwrap_err().to_string()
    }

    #[test]
    fn an_empty_grid_is_the_paper_s() {
        let paper = lists("");
        assert_eq!(paper, lists("[grid]\n"));
        assert_eq!(paper[0], ("batch_size".to_owned(), vec![json!(16), json!(32), json!(128)]));
        assert_eq!(paper[1].1, [1e-5, 2e-5, 3e-5, 5e-5].map(Value::from));
        let fixed = lists("[options]\nbatch_size = 8\n");
        assert_eq!((fixed.len(), fixed[0].0.as_str()), (1, "learning_rate"));
    }

    #[test]
    fn any_option_may_have_a_list_and_their_order_is_the_options() {
        let keys: Vec<String> =
            lists("[grid]\nselect = [\"best-exit\"]\nseed = [1, 2]\nepochs = [3]\nlearning_rate = [1]\n")
                .into_iter()
                .map(|(key, _)| key)
                .collect();
        assert_eq!(keys, ["epochs", "learning_rate", "seed", "select"]);
        assert_eq!(lists("[grid]\nlearning_rate = [1]\n")[0].1, [json!(1.0)]);
    }

    #[test]
    fn mistakes_are_told_with_file_line_and_the_nearest_name() {
        let unknown = "unknown key `learning_rat`, expected one of";
        let text = error("[grid]\nseed = [1]\nlearning_rat = [1e-5]\n");
        assert!(text.starts_with(&format!("g.toml, line 5: {unknown}")), "{text}");
        assert!(text.ends_with("hint: did you mean `learning_rate`?"), "{text}");
        assert!(error("[grid]\nlearning_rat = []\n").contains(unknown));
        assert!(error("[options]\nlearning_rat = 1e-5\n").contains(unknown));
        assert!(error("pooing = \"first\"\n").contains("did you mean `pooling`?"));
        assert!(error("pooling = \"lst\"\n").contains("did you mean `last`?"));
        let text = error("[grid]\nseed = [1]\nlearning_rate = [1e-5,\n  -2e-5]\n");
        assert_eq!(text, "g.toml, line 6: [grid] learning_rate: expected a number above 0, got -0.00002");
        let text = error("[grid]\nbatch_size = [\"x\"]\n");
        assert_eq!(text, "g.toml, line 4: [grid] batch_size: expected a whole number, at least 0, got \"x\"");
        assert_eq!(error("[options]\nwarmup = 2.0\n"), "g.toml: [options] warmup: expected a share from 0 to 1, got 2");
        assert_eq!(error("[grid]\nseed = []\n"), "g.toml, line 4: [grid] seed: expected values, got none");
        assert_eq!(error("[grid]\nlearning_rate = [1, 1.0]\n"), "g.toml, line 4: [grid] learning_rate has 1.0 twice");
        let text = error("[options]\nseed = 1\n[grid]\nseed = [1]\n");
        assert_eq!(text, "g.toml, line 6: seed is fixed in [options]: expected it there or in [grid], got both");
        assert_eq!(error("model = \"m\"\n"), "g.toml: expected either model or init, got both");
        assert_eq!(error("[grid]\nseed = 1\n"), "g.toml, line 4: expected a list, got 1");
    }

    #[test]
    fn the_example_is_the_paper_s_grid() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/grid-paper.toml");
        let config = GridConfig::read(&path).unwrap();
        assert_eq!(config.lists[..2], lists("")[..], "batch sizes and learning rates");
        assert_eq!(config.file.options.epochs, 15);
    }

    #[test]
    fn the_published_schema_is_that_of_the_types() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/grid.schema.json");
        let published = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(published == schema(), "docs/grid.schema.json differs: `epee grid --schema > docs/grid.schema.json`");
    }

    #[test]
    fn every_option_has_a_list_in_the_schema() {
        let schema: Value = serde_json::from_str(&schema()).unwrap();
        let options = schema["$defs"]["TrainOptions"]["properties"].as_object().unwrap();
        let lists = schema["$defs"]["GridLists"]["properties"].as_object().unwrap();
        assert_eq!(options.keys().collect::<Vec<_>>(), lists.keys().collect::<Vec<_>>());
        assert_eq!(options.keys().cloned().collect::<Vec<_>>(), keys());
        for (key, list) in lists {
            assert_eq!(list["type"], "array", "{key}");
            assert!(list["description"].is_string() && list["items"].is_object(), "{key}");
        }
    }
}
