//! Whole runs on a toy task: learning, determinism, stopping and resuming, a loss that is not finite.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use epee_exit::Metric;
use epee_input::Encoding;
use epee_model::{Config, ExitConfig, ExitsFile, Model, ModelCard, ModelDir, PoolerKind};
use epee_nn::Parameters;
use epee_train::{
    EpochReport, Error, Examples, Form, Observer, Outcome, Output, RecipeName, Run, RunIdentity, Select, Stage,
    StepReport, TrainOptions, train,
};

fn config() -> Config {
    let json = r#"{"model_type": "bert", "vocab_size": 12, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 32, "max_position_embeddings": 8}"#;
    Config::from_json(serde_json::from_str(json).unwrap()).unwrap()
}

/// Class 1 where token 7 occurs.
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
    let heads = ExitConfig { score: options.recipe().exit_head, ..ExitConfig::of(&config, 2) };
    let exits = ExitsFile::new(&config, heads);
    let output = Output {
        dir,
        config: &config,
        labels: &["no".to_owned(), "yes".to_owned()],
        exits: &exits,
        input: ("tokenizer.json", b"{}"),
        card: ModelCard::default(),
        checkpoint_seconds: watch.every.unwrap_or(60.0),
    };
    let identity = RunIdentity::from([("options".to_owned(), serde_json::to_string(options).unwrap())]);
    let model = Model::new(&config, exits.exit_config(), options.seed);
    let (learnt, dev) = (examples(160, 1), examples(60, 2));
    let run = Run { train: &learnt, dev: &dev, options, output: &output, identity: &identity, resume };
    train(model, &run, watch)
}

fn options() -> TrainOptions {
    TrainOptions { epochs: 12, learning_rate: 5e-3, recipe: RecipeName::Paper, ..TrainOptions::default() }
}

#[test]
fn learns_a_task_and_keeps_the_best_model() {
    let dir = tempfile::tempdir().unwrap();
    let mut watch = Watch::default();
    let outcome = run(dir.path(), &options(), false, &mut watch).unwrap();
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
    let whole = tempfile::tempdir().unwrap();
    let options = TrainOptions { epochs: 3, select: Select::BestExit, metric: Metric::Accuracy, ..options() };
    run(whole.path(), &options, false, &mut Watch::default()).unwrap();
    // Ten steps an epoch: within one, and at both sides of its end.
    for stop in [1, 9, 10, 11, 20, 29, 30] {
        let parts = tempfile::tempdir().unwrap();
        let mut watch = Watch { stop_after: Some(stop), ..Watch::default() };
        let outcome = run(parts.path(), &options, false, &mut watch).unwrap();
        assert!(!outcome.finished && outcome.steps == stop);
        // How often checkpoints are written is no part of the run.
        let mut watch = Watch { every: Some(0.0), ..Watch::default() };
        let outcome = run(parts.path(), &options, true, &mut watch).unwrap();
        assert!(outcome.finished);
        assert_same(whole.path(), parts.path(), &format!("after a stop at {stop}"));
    }
}

#[test]
fn a_stop_in_an_evaluation_does_it_again() {
    let (whole, parts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let options = TrainOptions { epochs: 2, ..options() };
    run(whole.path(), &options, false, &mut Watch::default()).unwrap();
    let mut watch = Watch { stop_in_evaluation: true, ..Watch::default() };
    let outcome = run(parts.path(), &options, false, &mut watch).unwrap();
    assert!(!outcome.finished && outcome.steps == 10 && watch.epochs.is_empty());
    let mut watch = Watch::default();
    assert!(run(parts.path(), &options, true, &mut watch).unwrap().finished);
    assert_eq!(watch.losses.len(), 10, "a step was taken again");
    assert_eq!(watch.epochs.len(), 2);
    assert_same(whole.path(), parts.path(), "after a stop in an evaluation");
}

#[test]
fn a_log_ahead_of_its_checkpoint_is_cut_back_within_an_epoch_s_end_too() {
    let (whole, parts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let options = TrainOptions { epochs: 2, ..options() };
    run(whole.path(), &options, false, &mut Watch::default()).unwrap();
    // Killed after the epoch was logged and before its checkpoint: the last is that of the step before the evaluation.
    run(parts.path(), &options, false, &mut Watch { stop_after: Some(10), ..Watch::default() }).unwrap();
    let log = std::fs::read_to_string(whole.path().join("metrics.jsonl")).unwrap();
    let first: String = log.lines().take(11).flat_map(|line| [line, "\n"]).collect();
    assert!(first.lines().last().unwrap().contains(r#""event":"epoch""#));
    std::fs::write(parts.path().join("metrics.jsonl"), first).unwrap();
    run(parts.path(), &options, true, &mut Watch::default()).unwrap();
    assert_same(whole.path(), parts.path(), "after a kill between log and checkpoint");
}

#[test]
fn a_checkpoint_is_due_after_its_seconds() {
    let options = TrainOptions { epochs: 1, ..options() };
    for (every, expected) in [
        (0.0, &["step-000000003.safetensors", "step-000000004.safetensors"][..]),
        (1e9, &["step-000000004.safetensors"]),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let mut watch = Watch { every: Some(every), stop_after: Some(4), ..Watch::default() };
        run(dir.path(), &options, false, &mut watch).unwrap();
        let files = checkpoints(dir.path());
        let names: Vec<&str> = files.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, expected);
    }
}

#[test]
fn a_damaged_checkpoint_is_passed_over_and_the_run_ends_the_same() {
    let (whole, parts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let options = TrainOptions { epochs: 2, ..options() };
    run(whole.path(), &options, false, &mut Watch::default()).unwrap();
    let mut watch = Watch { every: Some(0.0), stop_after: Some(7), ..Watch::default() };
    run(parts.path(), &options, false, &mut watch).unwrap();
    let newest = checkpoints(parts.path()).pop().unwrap();
    let mut bytes = std::fs::read(&newest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&newest, bytes).unwrap();
    let mut watch = Watch::default();
    run(parts.path(), &options, true, &mut watch).unwrap();
    assert!(watch.warnings.len() == 1 && watch.warnings[0].contains("step-000000007.safetensors: not a whole"));
    assert_eq!(watch.losses.len(), 14, "expected to go on from step 6");
    assert_same(whole.path(), parts.path(), "after a damaged checkpoint");
}

#[test]
fn a_log_that_cannot_be_read_costs_its_lines_alone_and_is_told() {
    let options = TrainOptions { epochs: 2, ..options() };
    let dir = tempfile::tempdir().unwrap();
    run(dir.path(), &options, false, &mut Watch { stop_after: Some(4), ..Watch::default() }).unwrap();
    let log = dir.path().join("metrics.jsonl");
    let mut bytes = std::fs::read(&log).unwrap();
    // Within the key `event` of the second line; and a time by which the clock is seen to go on.
    let second = 1 + bytes.iter().position(|&byte| byte == b'\n').unwrap();
    bytes[second + 3] = 0xff;
    let fourth = bytes.windows(10).rposition(|part| part == b"\"seconds\":").unwrap();
    bytes.truncate(fourth);
    bytes.extend_from_slice(b"\"seconds\":1000.5}\n");
    std::fs::write(&log, bytes).unwrap();
    let mut watch = Watch { stop_after: Some(2), ..Watch::default() };
    run(dir.path(), &options, true, &mut watch).unwrap();
    assert!(watch.warnings.len() == 1 && watch.warnings[0].contains("metrics.jsonl, line 2: not a line"), "{watch:?}");
    let steps = std::fs::read_to_string(&log).unwrap();
    assert_eq!(steps.lines().count(), 5, "steps 1, 3, 4, 5 and 6");
    let seconds = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["seconds"].as_f64().unwrap();
    assert!(steps.lines().skip(3).all(|line| seconds(line) > 1000.5), "{steps}");
    std::fs::remove_file(&log).unwrap();
    let mut watch = Watch::default();
    run(dir.path(), &options, true, &mut watch).unwrap();
    assert!(watch.warnings.len() == 1 && watch.warnings[0].contains("before step 6 is lost"), "{watch:?}");
}

#[test]
fn what_a_killed_run_logged_after_its_checkpoint_is_written_again() {
    let (whole, parts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let options = TrainOptions { epochs: 2, ..options() };
    run(whole.path(), &options, false, &mut Watch::default()).unwrap();
    run(parts.path(), &options, false, &mut Watch { stop_after: Some(4), ..Watch::default() }).unwrap();
    let log = parts.path().join("metrics.jsonl");
    let mut text = std::fs::read_to_string(&log).unwrap();
    text.push_str("{\"event\":\"step\",\"step\":5}\n{\"event\":\"st");
    std::fs::write(&log, text).unwrap();
    run(parts.path(), &options, true, &mut Watch::default()).unwrap();
    let lines = |dir: &Path| std::fs::read_to_string(dir.join("metrics.jsonl")).unwrap().lines().count();
    assert_eq!(lines(whole.path()), lines(parts.path()));
    // Killed before the first checkpoint: it begins anew.
    let checkpoints = parts.path().join("checkpoints");
    for file in std::fs::read_dir(&checkpoints).unwrap() {
        std::fs::remove_file(file.unwrap().path()).unwrap();
    }
    let mut watch = Watch::default();
    assert!(run(parts.path(), &options, true, &mut watch).unwrap().finished);
    assert_eq!(lines(whole.path()), lines(parts.path()));
    assert_eq!(watch.warnings, ["no checkpoint was written yet: the run begins anew"]);
    // A folder without them may hold a model that is finished: it is not begun anew over that.
    std::fs::remove_dir_all(&checkpoints).unwrap();
    let model = std::fs::read(parts.path().join("model.safetensors")).unwrap();
    let error = run(parts.path(), &options, true, &mut Watch::default()).unwrap_err().to_string();
    assert!(error.contains("no checkpoint to resume from") && error.contains("--force"), "{error}");
    assert!(std::fs::read(parts.path().join("model.safetensors")).unwrap() == model);
}

#[test]
fn of_two_stages_the_best_of_the_second_is_kept() {
    for recipe in [RecipeName::TwoStage, RecipeName::Mixed] {
        let dir = tempfile::tempdir().unwrap();
        let mut watch = Watch::default();
        let options = TrainOptions { epochs: 6, recipe, ..options() };
        let (best, score) = run(dir.path(), &options, false, &mut watch).unwrap().best.unwrap();
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
        let form = Form::of(&model);
        let recipe = RecipeName::TwoStage.recipe();
        let all = model.parameters().into_iter().map(|(name, _)| name);
        let moved = all.filter(|name| recipe.rate_factor(name, Stage::Second, form).is_some());
        moved.filter(|name| name.ends_with("weight")).collect::<Vec<String>>()
    };
    assert_eq!(names(PoolerKind::Shared), ["exits.classifiers.0.weight"]);
    let own = ["exits.poolers.0.dense.weight", "exits.classifiers.0.weight"];
    assert_eq!(names(PoolerKind::PerExit), own);
    assert_eq!(names(PoolerKind::None), own[1..]);
}

#[test]
fn the_same_seed_gives_the_same_losses_and_another_seed_others() {
    let losses = |seed| {
        let dir = tempfile::tempdir().unwrap();
        let mut watch = Watch::default();
        run(dir.path(), &TrainOptions { epochs: 1, seed, ..options() }, false, &mut watch).unwrap();
        watch.losses
    };
    assert_eq!(losses(1), losses(1));
    assert_ne!(losses(1), losses(2));
}

#[test]
fn a_loss_that_is_not_finite_stops_with_step_and_batch() {
    let dir = tempfile::tempdir().unwrap();
    let options = TrainOptions { learning_rate: 1e30, warmup: 0.0, clip: 1e30, ..options() };
    let error = run(dir.path(), &options, false, &mut Watch::default()).unwrap_err();
    assert!(matches!(error, Error::NotFinite { .. }), "{error}");
    assert!(error.to_string().contains("at step 2 (epoch 1, batch of 16 examples: s"), "{error}");
}

#[test]
fn a_checkpoint_of_another_run_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let error = run(dir.path(), &options(), true, &mut Watch::default()).unwrap_err();
    assert!(error.to_string().contains("no checkpoint to resume from"), "{error}");
    let short = TrainOptions { epochs: 1, ..options() };
    run(dir.path(), &short, false, &mut Watch::default()).unwrap();
    let error = run(dir.path(), &TrainOptions { seed: 2, ..short }, true, &mut Watch::default()).unwrap_err();
    assert!(error.to_string().contains("it belongs to another run: options.seed: expected 1, got 2"), "{error}");
    for path in checkpoints(dir.path()) {
        std::fs::write(path, b"short").unwrap();
    }
    let error = run(dir.path(), &short, true, &mut Watch::default()).unwrap_err();
    assert!(error.to_string().contains("no whole checkpoint to resume from"), "{error}");
}

#[test]
fn an_option_out_of_range_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let options = TrainOptions { learning_rate: -1.0, ..options() };
    let error = run(dir.path(), &options, false, &mut Watch::default()).unwrap_err();
    assert_eq!(error.to_string(), "learning-rate: expected a number above 0, got -1");
}

#[test]
fn every_recipe_learns_and_a_stopped_run_resumes_to_the_same_bits() {
    for recipe in RecipeName::ALL {
        let options = TrainOptions { epochs: 16, learning_rate: 3e-3, recipe, batch_tokens: Some(80), ..options() };
        let (whole, parts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut watch = Watch::default();
        let (_, score) = run(whole.path(), &options, false, &mut watch).unwrap().best.unwrap();
        assert!(score > 0.8, "{recipe}: macro-F1 {score}");
        // In the second of two stages, where there are two, and at an odd step.
        let stop = (watch.losses.len() as u64 * 2 / 3) | 1;
        run(parts.path(), &options, false, &mut Watch { stop_after: Some(stop), ..Watch::default() }).unwrap();
        assert!(run(parts.path(), &options, true, &mut Watch::default()).unwrap().finished);
        let read = |dir: &Path| std::fs::read(dir.join("model.safetensors")).unwrap();
        assert!(read(whole.path()) == read(parts.path()), "{recipe}: another model after a stop at {stop}");
    }
}

#[test]
fn early_stopping_ends_a_run_and_resuming_it_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let options = TrainOptions { epochs: 40, early_stopping: Some(3), ..options() };
    let mut watch = Watch::default();
    let outcome = run(dir.path(), &options, false, &mut watch).unwrap();
    let (best, _) = outcome.best.unwrap();
    assert!(outcome.finished && outcome.epochs == best + 3 && outcome.epochs < 40, "{outcome:?}");
    assert_eq!(watch.epochs.len(), outcome.epochs);
    let again = run(dir.path(), &options, true, &mut Watch::default()).unwrap();
    assert_eq!((again.finished, again.steps, again.best), (true, outcome.steps, outcome.best));
}

#[test]
fn a_run_that_diverges_stops_and_keeps_the_best() {
    let dir = tempfile::tempdir().unwrap();
    let options = TrainOptions { learning_rate: 30.0, warmup: 0.0, ..options() };
    let error = run(dir.path(), &options, false, &mut Watch::default()).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, Error::Diverged { .. }), "{text}");
    assert!(
        text.contains("the run diverged: the mean loss of epoch") && text.contains("that of guessing 0.693"),
        "{text}"
    );
}
