//! The directory a multi-exit model is stored in.

use std::path::{Path, PathBuf};

use epee_nn::{Parameters, Precision};

use crate::{Config, Engine, Error, ExitsFile, Model, checkpoint, model_digest};
use epee_files::write_atomic;

/// A multi-exit model as it is stored: what plain Transformers can open as the backbone, and its exits. The weights are
/// read when they are asked for.
pub struct ModelDir {
    /// The directory it was read from.
    pub dir: PathBuf,
    /// Sizes.
    pub config: Config,
    /// Class names, in the order of the logits.
    pub labels: Vec<String>,
    /// The heads' shape and the default policy.
    pub exits: ExitsFile,
}

/// What the model card tells, beside the sizes.
#[derive(Clone, Debug, Default)]
pub struct ModelCard {
    /// What it was trained on.
    pub data: String,
    /// What it was trained from.
    pub base: String,
    /// How, in a line.
    pub recipe: String,
    /// A table or a sentence on how good it is.
    pub results: String,
}

impl ModelDir {
    /// Reads a directory, all but the weights.
    ///
    /// # Errors
    /// Where a file is missing or damaged, or the files do not fit one another.
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
        if exits.exits != config.depth() {
            return Err(Error::content(
                &dir.join(crate::exits_file::NAME),
                format!("exits: expected {} as in config.json, got {}", config.depth(), exits.exits),
            ));
        }
        if exits.exit_norm.is_some() != config.shape.final_norm {
            let expected = if config.shape.final_norm { "true or false" } else { "none" };
            let has = if config.shape.final_norm { "has" } else { "has no" };
            return Err(Error::content(
                &dir.join(crate::exits_file::NAME),
                format!("exit_norm: expected {expected}, as {} {has} final norm", config.title()),
            ));
        }
        let labels = config.labels().unwrap_or_default();
        if labels.len() != exits.classes {
            return Err(Error::content(
                &path,
                format!("id2label: expected names for the ids 0 to {}, as exits.json has classes", exits.classes - 1),
            ));
        }
        checkpoint::check(dir, &config)?;
        Ok(ModelDir { dir: dir.to_owned(), config, labels, exits })
    }

    /// Names weights, configuration and tokenizer; reads all three.
    ///
    /// # Errors
    /// Where one of the files cannot be read.
    pub fn digest(&self) -> Result<String, Error> {
        model_digest(&self.dir)
    }

    /// Reads the weights, packed for inference at a precision.
    ///
    /// # Errors
    /// Where the file is missing or damaged, does not fit the configuration, or holds a value that is not finite.
    pub fn engine(&self, precision: Precision) -> Result<Engine, Error> {
        checkpoint::read_engine(&self.dir, &self.config, self.exits.heads(), precision)
    }

    /// Reads the weights as they are trained.
    ///
    /// # Errors
    /// As [`ModelDir::engine`].
    pub fn model(&self) -> Result<Model<f32>, Error> {
        checkpoint::read_whole(&self.dir, &self.config, self.exits.heads())
    }

    /// Writes a model into a directory, `exits.json` last; `input` is what prepares its inputs, the name and content of one of
    /// [`crate::INPUT_FILES`].
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn save(
        dir: &Path,
        model: &Model<f32>,
        config: &Config,
        labels: &[String],
        exits: &ExitsFile,
        (input, content): (&str, &[u8]),
        card: &ModelCard,
    ) -> Result<(), Error> {
        std::fs::create_dir_all(dir).map_err(Error::io("create", dir))?;
        // An older model's policy must not stand beside new weights, not even for a moment.
        let old = dir.join(crate::exits_file::NAME);
        if old.exists() {
            std::fs::remove_file(&old).map_err(Error::io("remove", &old))?;
        }
        let path = dir.join("model.safetensors");
        let bytes = checkpoint::to_bytes(&config.stored(model, exits.heads()))
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
            "\n## Use\n\n```\nepee predict --model . \"some text\"\n```\n\n`exits.json` holds the policy that decides at which \
             layer it answers. Plain Transformers opens the backbone: `AutoModel.from_pretrained(\".\")` (it reports the \
             exits' weights as unused).\n",
        );
        text
    }
}
