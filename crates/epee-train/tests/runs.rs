//! Whole runs on a toy task: learning, determinism, stop and resume, a loss that is not finite.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use epee_exit::Metric;
use epee_input::Encoding;
use epee_model::{Config, ExitConfig, ExitsFile, Model, ModelDir, PoolerKind};
use epee_nn::Parameters;
use epee_train::{
    EpochReport, Error, Examples, ModelShape, Observer, Outcome, RecipeName, Select, Stage, StepReport, TrainOptions,
    TrainingJob, train,
};
use tempfile::TempDir;

fn config() -> Config {
    let json = r#"{"model_type": "bert", "vocab_size": 12, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 32, "max_position_embeddings": 8}"#;
    Config::from_json(serde_json::from_str(json).unwrap()).unwrap()
}

/// Class 1 if token 7 occurs.
fn examples(n: usize, seed: u64) -> Examples {
    let mut state = seed;
    let mut draw = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) % below) as u32
    };
    let mut all = Examples::default();
    for i in 0..n {
        let mut ids: Vec<u32> = (0..3 + draw(4)).map(|_| [3, 4, 5, 6, 8, 9][draw(6) as usize]).collect();
        let label = i % 2;
        if label == 1 {
            let at = draw(ids.len() as u64) as usize;
            ids[at] = 7;
        }
        ids.insert(0, 1);
        all.ids.push(format!("s{i}"));
        all.labels.push(label);
        all.sequences.push(Encoding { type_ids: vec![0; ids.len()], ids, truncated: false }.into());
    }
    all
}

#[derive(Debug, Default)]
struct Watch {
    losses: Vec<f64>,
    epochs: Vec<EpochReport>,
    stop_after: Option<u64>,
    /// Stops in the first evaluation, not before.
    stop_in_evaluation: bool,
    asked: usize,
    /// Seconds between checkpoints.
    every: Option<f64>,
    warnings: Vec<String>,
}

impl Watch {
    fn stop_after(steps: u64) -> Watch {
        Watch { stop_after: Some(steps), ..Watch::default() }
    }
}

impl Observer for Watch {
    fn step(&mut self, report: &StepReport) {
        self.losses.push(report.loss);
    }
    fn epoch(&mut self, report: &EpochReport) {
        self.epochs.push(report.clone());
    }
    fn warn(&mut self, text: &str) {
        self.warnings.push(text.to_owned());
    }
    fn stop(&mut self) -> bool {
        self.asked += 1;
        if self.stop_in_evaluation {
            return self.asked > self.losses.len() && self.epochs.is_empty();
        }
        self.stop_after == Some(self.losses.len() as u64)
    }
}

fn run(dir: &Path, options: &TrainOptions, resume: bool, watch: &mut Watch) -> Result<Outcome, Error> {
    let config = config();
    let exits = ExitsFile::new(&config, options.recipe().exit_config(&config, 2));
    let model = Model::new(&config, exits.exit_config(), options.seed);
    let job = TrainingJob {
        train: &examples(160, 1),
        dev: &examples(60, 2),
        options,
        dir,
        config: &config,
        labels: &["no".to_owned(), "yes".to_owned()],
        exits: &exits,
        input: ("tokenizer.json", b"{}"),
        data: "toy",
        base: "fresh weights",
        checkpoint_seconds: watch.every.unwrap_or(60.0),
        resume,
    };
    train(model, &job, watch)
}

fn fresh(options: &TrainOptions, watch: &mut Watch) -> Result<(TempDir, Outcome), Error> {
    let dir = tempfile::tempdir().unwrap();
    let outcome = run(dir.path(), options, false, watch)?;
    Ok((dir, outcome))
}

fn whole(options: &TrainOptions) -> TempDir {
    fresh(options, &mut Watch::default()).unwrap().0
}

/// A run in a new folder that is stopped after so many steps.
fn stopped(options: &TrainOptions, steps: u64) -> TempDir {
    let (dir, outcome) = fresh(options, &mut Watch::stop_after(steps)).unwrap();
    assert!(!outcome.finished && outcome.steps == steps);
    dir
}

/// Resumes a run to its end; what the observer saw.
fn resume(dir: &TempDir, options: &TrainOptions) -> Watch {
    let mut watch = Watch::default();
    assert!(run(dir.path(), options, true, &mut watch).unwrap().finished);
    watch
}

fn options() -> TrainOptions {
    TrainOptions { epochs: 12, learning_rate: 5e-3, recipe: RecipeName::Paper, ..TrainOptions::default() }
}

#[test]
fn learns_a_task_and_keeps_the_best_model() {
    let mut watch = Watch::default();
    let (dir, outcome) = fresh(&options(), &mut watch).unwrap();
    let (epoch, score) = outcome.best.unwrap();
    assert!(outcome.finished && score > 0.95, "macro-F1 {score}");
    assert_eq!(watch.epochs.len(), 12);
    let best = watch.epochs.iter().map(|report| report.score).fold(0.0, f64::max);
    assert_eq!(watch.epochs[epoch - 1].score, best);
    let model_dir = ModelDir::load(dir.path()).unwrap();
    assert_eq!(model_dir.labels, ["no", "yes"]);
    let dev = examples(60, 2);
    let recording = model_dir.engine(epee_nn::Precision::F32).unwrap().record(&dev.sequences, |_| ());
    let right = dev.labels.iter().enumerate().filter(|&(i, &label)| {
        let z = &recording.logits[(i * 2 + 1) * 2..][..2];
        usize::from(z[1] > z[0]) == label
    });
    let accuracy = right.count() as f64 / 60.0;
    assert!((accuracy - watch.epochs[epoch - 1].dev[1].accuracy).abs() < 1e-12, "the stored model is another one");
    let log = std::fs::read_to_string(dir.path().join("metrics.jsonl")).unwrap();
    assert_eq!(log.lines().filter(|line| line.contains(r#""event":"epoch""#)).count(), 12);
    assert_eq!(log.lines().filter(|line| line.contains(r#""event":"step""#)).count(), 120);
}

/// The checkpoints of a run, the newest last.
fn checkpoints(dir: &Path) -> Vec<std::path::PathBuf> {
    let files = std::fs::read_dir(dir.join("checkpoints")).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|path| path.extension().is_some()).collect();
    files.sort();
    files
}

/// Model, newest checkpoint and log of two runs are the same, but for the seconds.
fn assert_same(whole: &Path, parts: &Path, when: &str) {
    let read = |path: &Path| std::fs::read(path).unwrap();
    assert!(read(&whole.join("model.safetensors")) == read(&parts.join("model.safetensors")), "another model {when}");
    let (a, b) = (checkpoints(whole), checkpoints(parts));
    assert_eq!(a.last().unwrap().file_name(), b.last().unwrap().file_name(), "{when}");
    assert!(read(a.last().unwrap()) == read(b.last().unwrap()), "another checkpoint {when}");
    let events = |dir: &Path| {
        let log = std::fs::read_to_string(dir.join("metrics.jsonl")).unwrap();
        log.lines().map(|line| line.split(",\"seconds\"").next().unwrap_or(line).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(events(whole), events(parts), "another log {when}");
}

#[test]
fn a_run_stopped_anywhere_resumes_to_the_same_bits() {
    let options = TrainOptions { epochs: 3, select: Select::BestExit, metric: Metric::Accuracy, ..options() };
    let whole = whole(&options);
    // Ten steps an epoch: within one, and at both sides of its end.
    for stop in [1, 9, 10, 11, 20, 29, 30] {
        let parts = stopped(&options, stop);
        // A resumed run may write checkpoints more often.
        let mut watch = Watch { every: Some(0.0), ..Watch::default() };
        assert!(run(parts.path(), &options, true, &mut watch).unwrap().finished);
        assert_same(whole.path(), parts.path(), &format!("after a stop at {stop}"));
    }
}

#[test]
fn a_run_interrupted_anyhow_resumes_to_the_same_bits() {
    let options = TrainOptions { epochs: 2, ..options() };
    let whole = whole(&options);
    let log = |dir: &TempDir| dir.path().join("metrics.jsonl");

    let mut watch = Watch { stop_in_evaluation: true, ..Watch::default() };
    let (parts, outcome) = fresh(&options, &mut watch).unwrap();
    assert!(!outcome.finished && outcome.steps == 10 && watch.epochs.is_empty());
    let watch = resume(&parts, &options);
    assert_eq!(watch.losses.len(), 10, "a step was taken again");
    assert_eq!(watch.epochs.len(), 2);
    assert_same(whole.path(), parts.path(), "after a stop in an evaluation");

    // Killed after the epoch was logged and before its checkpoint: the last is that of the step before the evaluation.
    let parts = stopped(&options, 10);
    let text = std::fs::read_to_string(log(&whole)).unwrap();
    let first: String = text.lines().take(11).flat_map(|line| [line, "\n"]).collect();
    assert!(first.lines().last().unwrap().contains(r#""event":"epoch""#));
    std::fs::write(log(&parts), first).unwrap();
    resume(&parts, &options);
    assert_same(whole.path(), parts.path(), "after a kill between log and checkpoint");

    let (parts, _) = fresh(&options, &mut Watch { every: Some(0.0), ..Watch::stop_after(7) }).unwrap();
    let newest = checkpoints(parts.path()).pop().unwrap();
    let mut bytes = std::fs::read(&newest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&newest, bytes).unwrap();
    let watch = resume(&parts, &options);
    assert!(watch.warnings.len() == 1 && watch.warnings[0].contains("step-000000007.safetensors: not a whole"));
    assert_eq!(watch.losses.len(), 14, "expected to resume from step 6");
    assert_same(whole.path(), parts.path(), "after a damaged checkpoint");

    // Lines that a killed run logged after its checkpoint.
    let parts = stopped(&options, 4);
    let text = std::fs::read_to_string(log(&parts)).unwrap();
    std::fs::write(log(&parts), text + "{\"event\":\"step\",\"step\":5}\n{\"event\":\"st").unwrap();
    resume(&parts, &options);
    assert_same(whole.path(), parts.path(), "after a kill");
    // Killed before the first checkpoint: it starts again.
    for file in checkpoints(parts.path()) {
        std::fs::remove_file(file).unwrap();
    }
    let watch = resume(&parts, &options);
    assert_same(whole.path(), parts.path(), "after a kill before the first checkpoint");
    assert_eq!(watch.warnings, ["no checkpoint was written yet: the run starts again"]);
    // A folder without checkpoints may hold a finished model, which must stay.
    std::fs::remove_dir_all(parts.path().join("checkpoints")).unwrap();
    let model = std::fs::read(parts.path().join("model.safetensors")).unwrap();
    let error = run(parts.path(), &options, true, &mut Watch::default()).unwrap_err();
    assert!(matches!(error, Error::NothingToResume { occupied: true, .. }), "{error}");
    assert!(std::fs::read(parts.path().join("model.safetensors")).unwrap() == model);
}

#[test]
fn a_checkpoint_is_due_after_its_seconds() {
    let options = TrainOptions { epochs: 1, ..options() };
    for (every, expected) in [
        (0.0, &["step-000000003.safetensors", "step-000000004.safetensors"][..]),
        (1e9, &["step-000000004.safetensors"]),
    ] {
        let (dir, _) = fresh(&options, &mut Watch { every: Some(every), ..Watch::stop_after(4) }).unwrap();
        let files = checkpoints(dir.path());
        let names: Vec<&str> = files.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, expected);
    }
}

#[test]
fn a_log_that_cannot_be_read_costs_its_lines_alone_and_is_told() {
    let options = TrainOptions { epochs: 2, ..options() };
    let dir = stopped(&options, 4);
    let log = dir.path().join("metrics.jsonl");
    let mut bytes = std::fs::read(&log).unwrap();
    // Damages the key `event` of the second line, and sets a time from which the clock must continue.
    let second = 1 + bytes.iter().position(|&byte| byte == b'\n').unwrap();
    bytes[second + 3] = 0xff;
    let fourth = bytes.windows(10).rposition(|part| part == b"\"seconds\":").unwrap();
    bytes.truncate(fourth);
    bytes.extend_from_slice(b"\"seconds\":1000.5}\n");
    std::fs::write(&log, bytes).unwrap();
    let mut watch = Watch::stop_after(2);
    run(dir.path(), &options, true, &mut watch).unwrap();
    assert!(watch.warnings.len() == 1 && watch.warnings[0].contains("metrics.jsonl, line 2: not a line"), "{watch:?}");
    let steps = std::fs::read_to_string(&log).unwrap();
    assert_eq!(steps.lines().count(), 5, "steps 1, 3, 4, 5 and 6");
    let seconds = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["seconds"].as_f64().unwrap();
    assert!(steps.lines().skip(3).all(|line| seconds(line) > 1000.5), "{steps}");
    std::fs::remove_file(&log).unwrap();
    let watch = resume(&dir, &options);
    assert!(watch.warnings.len() == 1 && watch.warnings[0].contains("before step 6 are lost"), "{watch:?}");
}

#[test]
fn of_two_stages_the_best_of_the_second_is_kept() {
    for recipe in [RecipeName::TwoStage, RecipeName::Mixed] {
        let mut watch = Watch::default();
        let options = TrainOptions { epochs: 6, recipe, ..options() };
        let (best, score) = fresh(&options, &mut watch).unwrap().1.best.unwrap();
        assert!(best > 3, "{recipe}: epoch {best}");
        let second = watch.epochs[3..].iter().map(|report| report.score).fold(0.0, f64::max);
        assert_eq!((score, watch.epochs[3].best), (second, true));
    }
}

#[test]
fn in_the_second_of_two_stages_poolers_of_their_own_learn_and_a_shared_one_stands_still() {
    let names = |pooler| {
        let config = config();
        let model = Model::<f32>::new(&config, ExitConfig { pooler, ..ExitConfig::of(&config, 2) }, 1);
        let shape = ModelShape::of(&model);
        let recipe = RecipeName::TwoStage.recipe();
        let all = model.parameters().into_iter().map(|(name, _)| name);
        let moved = all.filter(|name| recipe.rate_factor(name, Stage::Second, shape).is_some());
        moved.filter(|name| name.ends_with("weight")).collect::<Vec<String>>()
    };
    assert_eq!(names(PoolerKind::Shared), ["exits.classifiers.0.weight"]);
    let own = ["exits.poolers.0.dense.weight", "exits.classifiers.0.weight"];
    assert_eq!(names(PoolerKind::PerExit), own);
    assert_eq!(names(PoolerKind::None), own[1..]);
}

#[test]
fn a_run_that_cannot_go_on_is_refused_or_stops() {
    let mild = TrainOptions { warmup: 0.0, ..options() };
    let refused = |options: TrainOptions| {
        let error = fresh(&options, &mut Watch::default()).unwrap_err();
        (error.to_string(), error)
    };
    let (text, error) = refused(TrainOptions { learning_rate: -1.0, ..options() });
    assert!(matches!(error, Error::Option { .. }) && text == "learning_rate: expected a number above 0, got -1");
    let (text, error) = refused(TrainOptions { learning_rate: 1e30, clip: 1e30, ..mild.clone() });
    assert!(matches!(error, Error::NotFinite { .. }), "{text}");
    assert!(
        text.contains("at step 2 (epoch 1, batch of 16 examples: s") && text.contains("no model of this run was kept")
    );
    let (text, error) = refused(TrainOptions { learning_rate: 30.0, ..mild });
    assert!(matches!(error, Error::Diverged { .. }), "{text}");
    assert!(text.contains("the mean loss of epoch") && text.contains("that of guessing 0.693"), "{text}");
}

#[test]
fn another_seed_gives_other_losses_and_is_another_run() {
    let options = TrainOptions { epochs: 1, ..options() };
    let (mut first, mut second) = (Watch::default(), Watch::default());
    let (dir, _) = fresh(&options, &mut first).unwrap();
    let options = TrainOptions { seed: 2, ..options };
    fresh(&options, &mut second).unwrap();
    assert_ne!(first.losses, second.losses);
    let error = run(dir.path(), &options, true, &mut Watch::default()).unwrap_err();
    assert!(error.to_string().contains("it belongs to another run: options.seed: expected 1, got 2"), "{error}");
}

#[test]
fn every_recipe_learns_and_a_stopped_run_resumes_to_the_same_bits() {
    for recipe in RecipeName::ALL {
        let options = TrainOptions { epochs: 16, learning_rate: 3e-3, recipe, batch_tokens: Some(80), ..options() };
        let mut watch = Watch::default();
        let (whole, outcome) = fresh(&options, &mut watch).unwrap();
        let (_, score) = outcome.best.unwrap();
        assert!(score > 0.8, "{recipe}: macro-F1 {score}");
        // In the second stage if there are two, and at an odd step.
        let stop = (watch.losses.len() as u64 * 2 / 3) | 1;
        let parts = stopped(&options, stop);
        resume(&parts, &options);
        assert_same(whole.path(), parts.path(), &format!("in {recipe}, after a stop at {stop}"));
    }
}

#[test]
fn early_stopping_ends_a_run_and_resuming_it_changes_nothing() {
    let options = TrainOptions { epochs: 40, early_stopping: Some(3), ..options() };
    let mut watch = Watch::default();
    let (dir, outcome) = fresh(&options, &mut watch).unwrap();
    let (best, _) = outcome.best.unwrap();
    assert!(outcome.finished && outcome.epochs == best + 3 && outcome.epochs < 40, "{outcome:?}");
    assert_eq!(watch.epochs.len(), outcome.epochs);
    let again = run(dir.path(), &options, true, &mut Watch::default()).unwrap();
    assert_eq!((again.finished, again.steps, again.best), (true, outcome.steps, outcome.best));
}
