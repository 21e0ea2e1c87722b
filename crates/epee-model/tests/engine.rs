//! Inference: a sample's answer has the same bits in any batch, on any number of threads, and for any order of the rows.

#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;

use common::pool;
use epee_exit::rules::Berxit;
use epee_exit::{Answer, Policy, Trace, TraceParts, replay};
use epee_input::{Image, ImageInput, ImageProcessor, Sequence};
use epee_model::{
    Batch, Config, Engine, Error, ExitConfig, ExitRowFirst, Model, Outputs, PoolerKind, Pooling, Session,
};
use epee_nn::{Dropout, Precision, sigmoid};
use proptest::prelude::*;

const DEPTH: usize = 4;
const CLASSES: usize = 3;

/// The fields of all architectures, with widths that are not multiples of any kernel's panel.
fn config(family: &str) -> Config {
    common::config(&serde_json::json!({
        "model_type": family, "vocab_size": 60, "hidden_size": 36, "num_hidden_layers": DEPTH, "num_attention_heads": 3,
        "intermediate_size": 50, "max_position_embeddings": 40, "initializer_range": 0.3, "num_hidden_groups": 2,
        "n_embd": 36, "n_layer": DEPTH, "n_head": 3, "n_inner": 50, "n_positions": 40,
        "image_size": 10, "patch_size": 2, "num_channels": 1,
    }))
}

/// Fresh weights, large enough that exits differ.
fn model(family: &str, pooling: Pooling, pooler: PoolerKind) -> Model {
    let config = config(family);
    Model::new(&config, ExitConfig { pooling, pooler, score: true, ..ExitConfig::of(&config, CLASSES) }, 7)
}

/// BERT in `f32`.
fn bert() -> Engine {
    Engine::new(&model("bert", Pooling::First, PoolerKind::Shared), Precision::F32).unwrap()
}

/// Sequences of the given lengths, with tokens from a seed.
fn sequences(lengths: &[usize], seed: u64) -> Vec<Sequence> {
    let id = |i: usize, t: usize| ((seed as usize ^ (i * 7919)).wrapping_add(t * 104_729) % 60) as u32;
    let sequence =
        |(i, &n): (usize, &usize)| common::text((0..n).map(|t| id(i, t)), (0..n).map(|t| u32::from(t > n / 2)));
    lengths.iter().enumerate().map(sequence).collect()
}

/// As many images as there are lengths.
fn images(lengths: &[usize], seed: u64) -> Vec<Sequence> {
    let processor = Arc::new(ImageProcessor::new(10, 10, 1));
    let image = |i: usize| {
        let data: Vec<u8> =
            (0..100).map(|p| ((seed as usize ^ (i * 7919)).wrapping_add(p * 104_729) % 251) as u8).collect();
        let image = Image::new(10, 10, 1, data).unwrap();
        Sequence::Image(ImageInput { image, processor: processor.clone(), tokens: 26 })
    };
    (0..lengths.len()).map(image).collect()
}

fn policies() -> impl Strategy<Value = Policy> {
    let threshold = prop::option::of(0.3..1.0f64);
    let patience = prop::option::of(1..=DEPTH);
    prop_oneof![
        Just(Policy::full()),
        (1..=DEPTH).prop_map(Policy::fixed),
        (threshold, patience).prop_map(|(threshold, patience)| Policy::epee(threshold, patience)),
        (0.1..0.9f64).prop_map(|threshold| Policy::new(Berxit, threshold)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn an_answer_is_the_same_bits_alone_and_in_any_mix(
        lengths in prop::collection::vec(1usize..40, 1..12),
        family in prop_oneof![Just("bert"), Just("albert"), Just("gpt2"), Just("vit")],
        pooling in prop_oneof![Just(Pooling::First), Just(Pooling::Last), Just(Pooling::Mean)],
        policy in policies(),
        seed: u64,
        most_tokens in 1usize..200,
    ) {
        let pooler = if family == "bert" || family == "albert" { PoolerKind::Shared } else { PoolerKind::None };
        let model = model(family, pooling, pooler);
        let sequences = if family == "vit" { images(&lengths, seed) } else { sequences(&lengths, seed) };
        let policy = policy.check(DEPTH, CLASSES).unwrap();
        for precision in Precision::ALL {
            let engine = Engine::new(&model, precision).unwrap();
            let alone: Vec<Answer> = sequences
                .iter()
                .map(|sequence| {
                    let mut session = Session::new(&engine).exit_row_first(ExitRowFirst::Never);
                    session.classify(&Batch::new([sequence]), &policy).unwrap().remove(0)
                })
                .collect();
            let batch = Batch::new(&sequences);
            for first in [ExitRowFirst::Auto, ExitRowFirst::Always, ExitRowFirst::Never] {
                for threads in [1, 3] {
                    let mut session = Session::new(&engine).exit_row_first(first);
                    let together = pool(threads).install(|| session.classify(&batch, &policy).unwrap());
                    prop_assert_eq!(&together, &alone, "{}, {:?}, {} threads", precision, first, threads);
                }
            }
            // The same session again, in parts: what an earlier batch left behind changes nothing.
            let mut session = Session::new(&engine).most_tokens(most_tokens);
            for _ in 0..2 {
                prop_assert_eq!(&session.classify(&batch, &policy).unwrap(), &alone, "{}, in parts", precision);
            }
            let recording = engine.record(&sequences, |_| ());
            for (i, scores) in recording.scores.as_ref().unwrap().chunks_exact(DEPTH).enumerate() {
                let alone = engine.record(&sequences[i..=i], |_| ()).scores.unwrap();
                prop_assert_eq!(scores, alone, "{}, scores of sample {}", precision, i);
            }
            let parts = TraceParts {
                exits: DEPTH,
                classes: CLASSES,
                logits: recording.logits,
                scores: recording.scores,
                labels: vec![-1; sequences.len()],
                ..TraceParts::default()
            };
            let replayed = replay(&policy, &Trace::new(parts).unwrap()).unwrap();
            for (i, answer) in alone.iter().enumerate() {
                let live = (answer.exit as u32, answer.label as u32);
                prop_assert_eq!(live, (replayed.exits[i], replayed.labels[i]), "{}, replayed", precision);
            }
        }
    }
}

#[test]
fn logits_equal_those_of_training_in_f32_and_are_close_at_other_precisions() {
    for (family, pooling, pooler) in [
        ("bert", Pooling::First, PoolerKind::Shared),
        ("bert", Pooling::Last, PoolerKind::PerExit),
        ("albert", Pooling::Mean, PoolerKind::Shared),
        ("gpt2", Pooling::Last, PoolerKind::None),
        ("gpt2", Pooling::Mean, PoolerKind::Shared),
        ("vit", Pooling::First, PoolerKind::PerExit),
    ] {
        let model = model(family, pooling, pooler);
        let sequences = if family == "vit" { images(&[0; 4], 3) } else { sequences(&[5, 17, 1, 40], 3) };
        let batch = Batch::new(&sequences);
        let (Outputs { logits: exact, scores }, _) = model.forward(&batch, Dropout::off());
        let engine = Engine::new(&model, Precision::F32).unwrap();
        assert_eq!(engine.logits(&batch), exact);
        let recorded = engine.record(&sequences, |_| ()).scores.unwrap();
        for (i, recorded) in recorded.chunks_exact(DEPTH).enumerate() {
            let trained: Vec<f32> = scores.iter().map(|score| sigmoid(score.data()[i])).collect();
            assert_eq!(recorded, trained);
        }
        for (precision, bound) in [(Precision::Bf16, 0.05), (Precision::Int8, 0.15)] {
            let logits = Engine::new(&model, precision).unwrap().logits(&batch);
            let values = || exact.iter().flat_map(|z| z.data());
            let size = (values().map(|x| x * x).sum::<f32>()).sqrt();
            let error = values().zip(logits.iter().flat_map(|z| z.data())).map(|(a, b)| (a - b) * (a - b)).sum::<f32>();
            let relative = error.sqrt() / size;
            assert!(relative > 0.0 && relative < bound, "{precision}: relative error {relative}");
        }
    }
}

#[test]
fn samples_can_leave_by_hand() {
    let engine = bert();
    let sequences = sequences(&[9, 3, 22], 5);
    let batch = Batch::new(&sequences);
    let all = engine.logits(&batch);
    for first in [ExitRowFirst::Always, ExitRowFirst::Never] {
        let mut session = Session::new(&engine).exit_row_first(first);
        session.start(&batch);
        assert!(session.advance(true));
        assert_eq!(session.logits(), all[0].data());
        session.keep(&[true, false, true]);
        assert_eq!(session.samples(), [0, 2]);
        // An exit can be computed again, skipped, and computed late.
        assert_eq!(session.head(), [all[0].row(0), all[0].row(2)].concat());
        assert!(session.advance(false));
        assert_eq!(session.head(), [all[1].row(0), all[1].row(2)].concat());
        assert!(session.advance(true));
        assert_eq!(session.logits(), [all[2].row(0), all[2].row(2)].concat());
        session.keep(&[false, true]);
        assert!(session.advance(true));
        assert_eq!(session.logits(), all[3].row(2));
        assert!(!session.advance(true), "there is no fifth layer");
        session.start(&batch);
        session.keep(&[false; 3]);
        assert!(!session.advance(true), "no sample is left");
    }
}

#[test]
fn scores_exist_if_there_is_a_learned_exit_head() {
    let sequences = sequences(&[9, 3, 22], 5);
    let batch = Batch::new(&sequences);
    let engine = bert();
    let all = engine.record(&sequences, |_| ()).scores.unwrap();
    assert!(all.iter().all(|score| (0.0..=1.0).contains(score)));
    let mut session = Session::new(&engine);
    session.start(&batch);
    session.advance(true);
    assert_eq!(session.scores(), [all[0], all[DEPTH], all[2 * DEPTH]]);
    session.keep(&[true, false, true]);
    session.advance(true);
    assert_eq!(session.scores(), [all[1], all[2 * DEPTH + 1]]);

    let config = config("bert");
    let engine = Engine::new(&Model::new(&config, ExitConfig::of(&config, CLASSES), 7), Precision::F32).unwrap();
    assert!(!engine.has_scores() && engine.record(&sequences, |_| ()).scores.is_none());
    let policy = Policy::new(Berxit, 0.5).check(DEPTH, CLASSES).unwrap();
    let error = Session::new(&engine).classify(&batch, &policy).unwrap_err();
    let Error::ExitOutput { source, .. } = error else { panic!("{error}") };
    assert!(source.to_string().contains("a learned exit score, which this model does not have"), "{source}");
}

#[test]
fn sequences_of_one_token_have_no_pending_rows() {
    let engine = bert();
    for lengths in [&[1][..], &[1, 1], &[1, 30]] {
        let batch = Batch::new(&sequences(lengths, 2));
        let all = engine.logits(&batch);
        let mut session = Session::new(&engine).exit_row_first(ExitRowFirst::Always);
        session.start(&batch);
        for z in &all {
            assert!(session.advance(true));
            assert_eq!(session.logits(), z.data());
        }
        // Only the one token stays.
        session.start(&batch);
        session.advance(true);
        let keep: Vec<bool> = lengths.iter().map(|&length| length == 1).collect();
        session.keep(&keep);
        session.advance(true);
        assert_eq!(session.logits()[..CLASSES], all[1].data()[..CLASSES]);
    }
}

#[test]
fn an_error_about_logits_names_the_sample() {
    let mut broken = model("bert", Pooling::First, PoolerKind::Shared);
    for (name, tensor) in epee_nn::Parameters::parameters_mut(&mut broken) {
        if name == "embeddings.words.weight" {
            tensor.row_mut(59).fill(f32::MAX);
        }
    }
    let engine = Engine::new(&broken, Precision::F32).unwrap();
    let sequences = [[1; 4], [1; 4], [1, 59, 1, 1]].map(|ids| common::text(ids, [0; 4]));
    let policy = Policy::full().check(DEPTH, CLASSES).unwrap();
    for most_tokens in [100, 4] {
        let mut session = Session::new(&engine).most_tokens(most_tokens);
        let error = session.classify(&Batch::new(&sequences), &policy).unwrap_err();
        assert_eq!(error.to_string(), "sample 2 of the batch");
    }
}
