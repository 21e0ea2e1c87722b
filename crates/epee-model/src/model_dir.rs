//! The directory that stores a multi-exit model.

use std::fs;
use std::path::{Path, PathBuf};

use epee_files::write_atomic;
use epee_nn::{Parameters, Precision};

use crate::{Config, Engine, Error, ExitsFile, Model, checkpoint, digest, exits_file};

/// A stored multi-exit model. Plain Transformers can open its backbone. [`ModelDir::engine`] and [`ModelDir::model`] read the weights.
pub struct ModelDir {
    /// The directory.
    pub dir: PathBuf,
    /// The architecture and its sizes.
    pub config: Config,
    /// Class names, in the order of the logits.
    pub labels: Vec<String>,
    /// The exits' settings and the default policy.
    pub exits: ExitsFile,
}

/// The texts of the model card (`README.md`).
#[derive(Clone, Debug, Default)]
pub struct ModelCard {
    /// The training data.
    pub data: String,
    /// The initial weights.
    pub base: String,
    /// The training recipe, in one line.
    pub recipe: String,
    /// The results, as Markdown.
    pub results: String,
}

impl ModelDir {
    /// Reads a directory, except for the weights.
    ///
    /// # Errors
    /// If a file is missing or damaged, or if the files do not fit together.
    pub fn load(dir: &Path) -> Result<ModelDir, Error> {
        let path = dir.join("config.json");
        if !path.exists() {
            return Err(Error::Missing {
                path,
                expected: "config.json, model.safetensors, a tokenizer.json or preprocessor_config.json, and exits.json",
                hint: String::new(),
            });
        }
        let config = Config::read(&path)?;
        let exits = ExitsFile::load(dir)?;
        let wrong_exits = |problem: String| Err(Error::content(&dir.join(exits_file::NAME), problem));
        if exits.exits != config.depth() {
            return wrong_exits(format!("exits: expected {} as in config.json, got {}", config.depth(), exits.exits));
        }
        if exits.exit_norm.is_some() != config.shape.final_norm {
            let (expected, has) = if config.shape.final_norm { ("true or false", "has") } else { ("none", "has no") };
            return wrong_exits(format!("exit_norm: expected {expected}, as {} {has} final norm", config.title()));
        }
        let labels = config.labels().unwrap_or_default();
        if labels.len() != exits.classes {
            let last = exits.classes - 1;
            let problem = format!("id2label: expected names for the ids 0 to {last}, as exits.json has classes");
            return Err(Error::content(&path, problem));
        }
        checkpoint::check(dir, &config)?;
        Ok(ModelDir { dir: dir.to_owned(), config, labels, exits })
    }

    /// The digest of every file and field that inference reads: `v2:` and the 64 hexadecimal digits of SHA-256. It leaves out
    /// what calibration writes into `exits.json`: policy, temperatures and promises are part of a certificate's scope.
    ///
    /// # Errors
    /// If one of the files cannot be read.
    pub fn digest(&self) -> Result<String, Error> {
        digest::digest(&self.dir, &self.config, Some(&self.exits))
    }

    /// Reads the weights and packs them for inference at a precision.
    ///
    /// # Errors
    /// If the file is missing or damaged, does not fit the configuration, or has a value that is not finite; if a layer is too wide
    /// for the precision.
    pub fn engine(&self, precision: Precision) -> Result<Engine, Error> {
        checkpoint::read_engine(&self.dir, &self.config, self.exits.exit_config(), precision)
    }

    /// Reads the weights for training or inspection.
    ///
    /// # Errors
    /// As [`ModelDir::engine`].
    pub fn model(&self) -> Result<Model<f32>, Error> {
        checkpoint::read_whole(&self.dir, &self.config, self.exits.exit_config())
    }

    /// Writes a model into a directory, `exits.json` last. `input` is the name and content of the tokenizer or image
    /// processor.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn save(
        dir: &Path,
        model: &Model<f32>,
        config: &Config,
        labels: &[String],
        exits: &ExitsFile,
        (input, content): (&str, &[u8]),
        card: &ModelCard,
    ) -> Result<(), Error> {
        fs::create_dir_all(dir).map_err(Error::io("create", dir))?;
        // The policy of an older model must never be beside new weights.
        let old = dir.join(exits_file::NAME);
        if old.exists() {
            fs::remove_file(&old).map_err(Error::io("remove", &old))?;
        }
        let path = dir.join("model.safetensors");
        let bytes = checkpoint::to_bytes(&config.stored(model, exits.exit_config()))
            .map_err(|problem| Error::content(&path, problem))?;
        write_atomic(&path, &[bytes])?;
        let path = dir.join("config.json");
        let text = serde_json::to_string_pretty(&config.to_json(labels))
            .map_err(|error| Error::content(&path, error.to_string()))?;
        write_atomic(&path, &[text, "\n".into()])?;
        write_atomic(&dir.join(input), &[content])?;
        write_atomic(&dir.join("README.md"), &[card.text(model, config, labels)])?;
        exits.save(dir)
    }
}

impl ModelCard {
    fn text(&self, model: &Model<f32>, config: &Config, labels: &[String]) -> String {
        let mut text = format!(
            "# A multi-exit classifier\n\n{} of {} layers and width {} with a classifier after every layer, {} parameters, trained with epee.\n\n| | |\n|---|---|\n",
            config.title(),
            config.depth(),
            config.shape.hidden_size,
            model.count(),
        );
        let rows = [
            ("classes", labels.join(", ")),
            ("data", self.data.clone()),
            ("started from", self.base.clone()),
            ("recipe", self.recipe.clone()),
        ];
        for (name, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
            text.push_str(&format!("| {name} | {value} |\n"));
        }
        if !self.results.is_empty() {
            text.push_str(&format!("\n## Results\n\n{}\n", self.results.trim_end()));
        }
        text.push_str(
            "\n## Use\n\n```\nepee predict --model . \"some text\"\n```\n\n`exits.json` holds the policy that decides after which \
             layer it answers. Plain Transformers opens the backbone: `AutoModel.from_pretrained(\".\")` (it reports the \
             exits' weights as unused).\n",
        );
        text
    }
}
