//! A folder with a dataset and a small trained model, and the binary to use on it.

#![allow(dead_code, reason = "each test file uses its part")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use assert_cmd::Command;
use epee_model::{ExitConfig, ExitsFile, Model, ModelCard, ModelDir};
use epee_nn::Parameters;
use tempfile::TempDir;

/// The binary.
pub(crate) fn epee() -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("epee"));
    command.env_remove("RUST_BACKTRACE");
    command
}

/// Runs it and reads its stdout as JSON.
pub(crate) fn json(command: &mut Command) -> serde_json::Value {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Runs it and expects exit status 1, nothing on stdout, and one error on stderr.
pub(crate) fn error_of(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{command:?}: {stderr}");
    assert!(output.stdout.is_empty(), "{command:?} wrote to stdout: {}", String::from_utf8_lossy(&output.stdout));
    assert!(stderr.contains("error: ") && !stderr.contains("panicked"), "{command:?}: {stderr}");
    stderr
}

/// A temporary folder.
pub(crate) struct Workshop(TempDir);

const CONFIG: &str = r#"{"model_type": "bert", "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
    "intermediate_size": 64, "max_position_embeddings": 48, "initializer_range": 0.1}"#;

impl Workshop {
    /// With nothing in it but a configuration.
    pub(crate) fn empty() -> Workshop {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("config.json"), CONFIG).unwrap();
        Workshop(dir)
    }

    /// With generated notes in `data` and a model trained on them in `model`: made once, copied for each test.
    pub(crate) fn trained() -> Workshop {
        static MADE: OnceLock<Workshop> = OnceLock::new();
        let made = MADE.get_or_init(|| {
            let shop = Workshop::empty();
            shop.run("data synth --out data --train 240 --dev 60 --test 80");
            shop.run("train --init config.json --data data --out model --epochs 4 --learning-rate 2e-3");
            shop
        });
        let shop = Workshop::empty();
        for part in ["data", "model"] {
            copy(&made.dir().join(part), &shop.dir().join(part));
        }
        shop
    }

    /// Gives the trained model a learned exit head, untrained: random, and its scores well apart.
    pub(crate) fn add_score_head(&self) {
        let dir = self.dir().join("model");
        let model_dir = ModelDir::load(&dir).unwrap();
        let trained = model_dir.model().unwrap();
        let heads = ExitConfig { score: true, ..model_dir.exits.exit_config() };
        let mut model: Model = Model::new(&model_dir.config, heads, 3);
        for ((name, tensor), old) in
            model.parameters_mut().into_iter().zip(trained.parameters().into_iter().map(Some).chain([None, None]))
        {
            match old {
                Some((old, trained)) => {
                    assert_eq!(name, old);
                    tensor.data_mut().copy_from_slice(trained.data());
                }
                None => tensor.data_mut().iter_mut().for_each(|x| *x *= 10.0),
            }
        }
        let exits = ExitsFile { max_tokens: model_dir.exits.max_tokens, ..ExitsFile::new(&model_dir.config, heads) };
        let tokenizer = fs::read(dir.join("tokenizer.json")).unwrap();
        let input = ("tokenizer.json", &tokenizer[..]);
        ModelDir::save(&dir, &model, &model_dir.config, &model_dir.labels, &exits, input, &ModelCard::default())
            .unwrap();
    }

    pub(crate) fn dir(&self) -> &Path {
        self.0.path()
    }

    /// The binary in this folder. Arguments are separated by blanks; one with blanks is within `'`.
    pub(crate) fn epee(&self, args: &str) -> Command {
        let mut command = epee();
        command.current_dir(self.dir());
        for (i, part) in args.split('\'').enumerate() {
            let quoted = i % 2 == 1;
            command.args(quoted.then_some(part).into_iter().chain(part.split_whitespace().filter(|_| !quoted)));
        }
        command
    }

    /// Runs it and expects success.
    pub(crate) fn run(&self, args: &str) {
        self.epee(args).assert().success();
    }

    /// Runs it with `--format json` and reads its stdout.
    pub(crate) fn json(&self, args: &str) -> serde_json::Value {
        json(self.epee(args).args(["--format", "json"]))
    }

    /// Runs it and expects an error.
    pub(crate) fn error(&self, args: &str) -> String {
        error_of(&mut self.epee(args))
    }

    /// A file's content.
    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.dir().join(name)).unwrap()
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.dir().join(name), content).unwrap();
    }

    pub(crate) fn read_text(&self, name: &str) -> String {
        fs::read_to_string(self.dir().join(name)).unwrap()
    }

    pub(crate) fn read_json(&self, name: &str) -> serde_json::Value {
        serde_json::from_slice(&self.read(name)).unwrap()
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn config(&self) -> String {
        self.path("config.json")
    }

    /// The model's class names.
    pub(crate) fn labels(&self) -> Vec<String> {
        let config = self.read_json("model/config.json");
        (0..4).map(|i| config["id2label"][i.to_string()].as_str().unwrap().to_owned()).collect()
    }
}

fn copy(from: &Path, to: &PathBuf) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}
