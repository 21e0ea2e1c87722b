//! The file of a grid.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use epee_model::{PoolerKind, Pooling};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use toml::Spanned;

use crate::config_file::{BATCHES, ConfigError, in_file, line, parse, read, suggest};
use crate::{RecipeName, TrainOptions};

/// A grid of training runs: every combination of the lists in `grid`, over `options`. Paths are seen from where the command
/// is called, as those of flags are.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(
    title = "The configuration of `epee grid`",
    extend("oneOf" = [{ "required": ["model"] }, { "required": ["init"] }])
)]
pub struct GridFile {
    /// A Hugging Face directory or a hub id to start from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "PathBuf")]
    pub model: Option<PathBuf>,
    /// A config.json to start from with fresh weights, in place of `model`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "PathBuf")]
    pub init: Option<PathBuf>,
    /// A dataset folder with the splits train and dev.
    pub data: PathBuf,
    /// The tokenizer of a fresh model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "PathBuf")]
    pub tokenizer: Option<PathBuf>,
    /// Which row of a sequence an exit reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "pooling_schema")]
    pub pooling: Option<Pooling>,
    /// One pooler for all exits, one each, or none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "pooler_schema")]
    pub pooler: Option<PoolerKind>,
    /// Whether exits read through the model's final norm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "bool")]
    pub exit_norm: Option<bool>,
    /// Height and width of pictures, other than the model's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "[usize; 2]")]
    pub image_size: Option<[usize; 2]>,
    /// The options of all runs; the keys of `epee train --config`.
    #[serde(default)]
    pub options: TrainOptions,
    /// A list of values for each option that differs between runs. Left out or empty: the paper's, batch sizes 16, 32, 128
    /// and learning rates 1e-5, 2e-5, 3e-5, 5e-5, but for what `options` has.
    #[serde(default)]
    pub grid: Axes,
}

fn pooling_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": [Pooling::First, Pooling::Last, Pooling::Mean] })
}

fn pooler_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": [PoolerKind::Shared, PoolerKind::PerExit, PoolerKind::None] })
}

/// The lists of a grid as they are written: any key of [`TrainOptions`] may have one.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Axes(BTreeMap<Spanned<String>, Spanned<Vec<Spanned<toml::Value>>>>);

impl JsonSchema for Axes {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Axes".into()
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

/// A grid's file, checked.
#[derive(Clone, Debug)]
pub struct GridConfig {
    /// What the file says.
    pub file: GridFile,
    /// Each option that has a list, and its values as JSON, in the order of [`TrainOptions`].
    pub lists: Vec<(String, Vec<Value>)>,
}

impl GridConfig {
    /// Reads a grid's file and checks every value in it.
    ///
    /// # Errors
    /// A file that cannot be read or is not TOML, an unknown key, a value of another kind or out of range, an option that is
    /// both fixed and listed, a list that is empty or has a value twice.
    pub fn read(path: &Path) -> Result<GridConfig, ConfigError> {
        GridConfig::parse(path, &read(path)?)
    }

    /// The same of a text; `path` is what errors name.
    ///
    /// # Errors
    /// As [`GridConfig::read`].
    pub fn parse(path: &Path, text: &str) -> Result<GridConfig, ConfigError> {
        let fail = |span: Option<Range<usize>>, problem: String| ConfigError {
            path: path.to_owned(),
            line: span.map(|span| line(text, span.start)),
            problem,
        };
        let file: GridFile = parse(path, text)?;
        if file.model.is_some() == file.init.is_some() {
            let got = if file.model.is_some() { "both" } else { "neither" };
            return Err(fail(None, format!("expected either model or init, got {got}")));
        }
        file.options.check().map_err(|error| fail(None, format!("[options] {}", in_file(&error))))?;
        let given: Given = parse(path, text)?;
        let mut lists = Vec::new();
        for (key, values) in &file.grid.0 {
            if given.options.contains_key(key.get_ref().as_str()) {
                let problem =
                    format!("{} is fixed in [options]: expected it there or in [grid], got both", key.get_ref());
                return Err(fail(Some(key.span()), problem));
            }
            let mut list: Vec<Value> = Vec::new();
            for value in values.get_ref() {
                let (found, span) = checked(key.get_ref(), value.get_ref())
                    .map_err(|(unknown, problem)| fail(Some(if unknown { key.span() } else { value.span() }), problem))
                    .map(|found| (found, value.span()))?;
                if list.contains(&found) {
                    return Err(fail(Some(span), format!("[grid] {} has {found} twice", key.get_ref())));
                }
                list.push(found);
            }
            if list.is_empty() {
                // An unknown key is the greater mistake.
                checked(key.get_ref(), &toml::Value::Boolean(true))
                    .map_or_else(|(unknown, problem)| if unknown { Err(problem) } else { Ok(()) }, |_| Ok(()))
                    .map_err(|problem| fail(Some(key.span()), problem))?;
                return Err(fail(Some(values.span()), format!("[grid] {}: expected values, got none", key.get_ref())));
            }
            lists.push((key.get_ref().clone(), list));
        }
        let has = |lists: &[(String, Vec<Value>)], key: &str| {
            given.options.contains_key(key) || lists.iter().any(|(listed, _)| listed == key)
        };
        if has(&lists, "batch_size") && has(&lists, "batch_tokens") {
            return Err(fail(None, BATCHES.to_owned()));
        }
        if lists.is_empty() {
            lists = PAPER.map(|(key, list)| (key.to_owned(), list())).into();
            lists.retain(|(key, _)| !given.options.contains_key(key));
            // A number of tokens stands in place of a number of sequences.
            lists.retain(|(key, _)| key != "batch_size" || !given.options.contains_key("batch_tokens"));
        }
        let order = keys();
        lists.sort_by_key(|(key, _)| order.iter().position(|known| known == key));
        Ok(GridConfig { file, lists })
    }
}

/// Which options a file fixes.
#[derive(Deserialize)]
struct Given {
    #[serde(default)]
    options: toml::Table,
}

type List = fn() -> Vec<Value>;

/// The grid of the paper.
const PAPER: [(&str, List); 2] = [
    ("batch_size", || [16, 32, 128].map(Value::from).into()),
    ("learning_rate", || [1e-5, 2e-5, 3e-5, 5e-5].map(Value::from).into()),
];

/// The names of all options, in their order.
pub(super) fn keys() -> Vec<String> {
    match serde_json::to_value(TrainOptions::default()) {
        Ok(Value::Object(options)) => options.into_iter().map(|(key, _)| key).collect(),
        _ => Vec::new(),
    }
}

/// A value of a list as [`TrainOptions`] reads it; else whether it is the key that is wrong, and what is.
fn checked(key: &str, value: &toml::Value) -> Result<Value, (bool, String)> {
    let table = toml::Table::from_iter([(key.to_owned(), value.clone())]);
    let options: TrainOptions = table.try_into().map_err(|error: toml::de::Error| {
        let message = error.message();
        let unknown = message.starts_with("unknown field") && message.contains(&format!("`{key}`,"));
        (unknown, if unknown { suggest(message) } else { format!("[grid] {key}: {}", suggest(message)) })
    })?;
    // What fits another recipe may fit the one beside it: combinations are checked when there are runs.
    let fits = |recipe: &RecipeName| TrainOptions { recipe: *recipe, ..options.clone() }.check().is_ok();
    if !RecipeName::ALL.iter().any(fits) {
        options.check().map_err(|error| (false, format!("[grid] {}", in_file(&error))))?;
    }
    let read = serde_json::to_value(&options).map_err(|error| (false, error.to_string()))?;
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
}
