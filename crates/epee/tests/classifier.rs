//! The library as a user calls it: load, predict, record, evaluate, calibrate.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use epee::calibration::{CalibrationGoal, CalibrationRequest};
use epee::data::{Dataset, synth};
use epee::model::{Config, ExitConfig, ExitsFile, Model, ModelCard, ModelDir};
use epee::{Calibrator, Classifier, Error, Example, Image, LoadOptions, Policy, Precision, Reason, Warning, calibrate};
use tempfile::TempDir;

const CONFIG: &[u8] = br#"{"model_type": "bert", "hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2,
    "intermediate_size": 32, "max_position_embeddings": 24, "initializer_range": 0.3}"#;

/// A folder with a dataset of generated notes and a model of random weights.
fn workshop() -> (TempDir, Dataset) {
    let dir = tempfile::tempdir().unwrap();
    let sizes = synth::SynthConfig { seed: 1, train: 60, dev: 60, test: 40 };
    let dataset = synth::write(&sizes, &dir.path().join("data"), false).unwrap();
    let tokenizer = std::fs::read(dataset.dir().join("tokenizer.json")).unwrap();
    let vocabulary = epee::input::TextTokenizer::from_bytes(&tokenizer).unwrap().vocab_size();
    let config = Config::from_bytes_for(CONFIG, vocabulary).unwrap();
    let labels = dataset.info().labels.clone();
    let exits = ExitConfig::of(&config, labels.len());
    let (model, file) = (Model::new(&config, exits, 7), ExitsFile::new(&config, exits));
    let (out, input) = (dir.path().join("model"), ("tokenizer.json", tokenizer.as_slice()));
    ModelDir::save(&out, &model, &config, &labels, &file, input, &ModelCard::default()).unwrap();
    (dir, dataset)
}

fn with_policy(model: &Path, policy: &str) -> Classifier {
    let options = LoadOptions { policy: Some(policy.parse().unwrap()), ..LoadOptions::default() };
    Classifier::load_with(model, options).unwrap()
}

#[test]
fn texts_and_pairs_are_answered_alike_alone_and_together() {
    let (dir, _) = workshop();
    let classifier = with_policy(&dir.path().join("model"), "epee(threshold=0.9, patience=2)");
    let long = "zinc ".repeat(40);
    let together = classifier
        .predict([Example::from("Takes ginkgo."), ("Takes zinc.", "Since May.").into(), long.as_str().into()])
        .unwrap();
    assert_eq!(together[0], classifier.predict(["Takes ginkgo."]).unwrap()[0]);
    assert_eq!(together[1], classifier.predict([("Takes zinc.", "Since May.")]).unwrap()[0]);
    for answer in &together {
        assert_eq!(answer.label, classifier.labels()[answer.class]);
        assert_eq!(answer.probability, answer.probabilities[answer.class]);
        assert!((1..=3).contains(&answer.exit) && answer.exits == 3 && !answer.abstains);
        assert!((answer.probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-5);
    }
    let cut: Vec<bool> = together.iter().map(|answer| answer.truncated).collect();
    assert_eq!((cut, together[2].tokens), (vec![false, false, true], 24));
    let full = Classifier::load(dir.path().join("model")).unwrap().predict(["Takes ginkgo."]).unwrap();
    assert_eq!((full[0].exit, full[0].reason), (3, Reason::Last));
}

#[test]
fn what_cannot_be_answered_is_named() {
    let (dir, _) = workshop();
    let classifier = Classifier::load(dir.path().join("model")).unwrap();
    let image = Image::new(1, 1, 1, vec![0]).unwrap();
    let error = classifier.predict([Example::from("a"), image.into()]).unwrap_err();
    assert_eq!(error.to_string(), "example 2: expected a text, got an image: BERT reads text");
    let missing = Classifier::load(dir.path().join("nothing")).err().unwrap();
    assert!(matches!(missing, Error::NoModel { .. }), "{missing}");
    let policy = Some(Policy::fixed(9));
    let error = Classifier::load_with(dir.path().join("model"), LoadOptions { policy, ..LoadOptions::default() });
    assert_eq!(error.err().unwrap().to_string(), "exit: expected 1 to 3 (the number of exits), got 9");
}

#[test]
fn a_trace_calibrates_and_the_model_answers_by_it() {
    let (dir, dataset) = workshop();
    let model = dir.path().join("model");
    let classifier = Classifier::load(&model).unwrap();
    let recorded = classifier.record(&dataset, "dev", |_| ()).unwrap();
    assert_eq!((recorded.trace.samples(), recorded.trace.exits()), (60, 3));
    let trace = dir.path().join("dev.safetensors");
    recorded.trace.save(&trace).unwrap();

    let report = calibrate(&model, &trace, 1.0).unwrap();
    // Any loss is tolerated: every sample leaves at exit 1.
    assert!((report.choice.unwrap().row.saving - 2.0 / 3.0).abs() < 1e-12);
    let classifier = Classifier::load(&model).unwrap();
    assert_eq!(*classifier.policy().policy(), report.policy);
    let split = dataset.split("test").unwrap();
    let evaluation = classifier.evaluate(&split.examples, 8, |_| ()).unwrap();
    assert!(evaluation.answers.iter().all(|answer| answer.exit == 1));
    assert!((evaluation.metrics.saving - 2.0 / 3.0).abs() < 1e-12);

    let unreachable = CalibrationRequest::new(CalibrationGoal::Best(epee::exit::Goal::Saving(0.9)));
    let error = Calibrator::open(&model, &trace).unwrap().run(&unreachable).unwrap_err().to_string();
    assert!(
        error.contains("no setting of the grid reaches the goal (saving 0.9), the greatest saving is 0.667"),
        "{error}"
    );
    assert_eq!(ModelDir::load(&model).unwrap().exits.policy, report.policy, "the model keeps its policy");
}

#[test]
fn warnings_are_values() {
    let (dir, dataset) = workshop();
    let model = dir.path().join("model");
    let trace = dir.path().join("test.safetensors");
    let classifier = Classifier::load(&model).unwrap();
    assert!(classifier.warnings().is_empty());
    classifier.record(&dataset, "test", |_| ()).unwrap().trace.save(&trace).unwrap();
    let calibrator = Calibrator::open(&model, &trace).unwrap();
    assert_eq!(calibrator.warnings(), [Warning::ChosenOn { split: "test".into() }]);
    let report = calibrate(&model, &trace, 1.0).unwrap();
    let options = LoadOptions { precision: Precision::Int8, ..LoadOptions::default() };
    let int8 = Classifier::load_with(&model, options).unwrap();
    let expected = Warning::OtherPrecision { policy: report.policy, chosen_at: "f32".into(), runs_at: Precision::Int8 };
    assert_eq!(int8.warnings(), [expected]);
}
