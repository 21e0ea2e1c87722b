//! Hidden states and logits against PyTorch and Transformers (`scripts/parity/reference.py`), and the same bits alone, in batches, on one
//! thread and on several.

#![allow(clippy::unwrap_used)]

mod common;

use common::{Expected, FAMILIES, fixture, fixture_config, pool, text};
use epee_input::Sequence;
use epee_model::{Batch, Config, Engine, ExitConfig, Model, read_backbone, read_whole};
use epee_nn::{Dropout, Precision, Tensor};
use epee_testing::shared_data;

/// `[B, M, K]` as M times `[B, K]`.
fn check_logits(expected: &Expected, logits: &[Tensor<f32>]) {
    let expected = expected.floats("logits");
    let (m, k) = (logits.len(), logits[0].cols());
    assert_eq!(expected.len(), logits[0].rows() * m * k);
    for (exit, z) in logits.iter().enumerate() {
        for (at, got) in z.data().iter().enumerate() {
            let want = expected[(at / k * m + exit) * k + at % k];
            assert!((got - want).abs() <= 1e-4, "exit {}, value {at}: got {got}, expected {want}", exit + 1);
        }
    }
}

fn tiny(family: &str) -> (Config, Model) {
    let name = format!("tiny-{family}");
    let config = fixture_config(&name);
    let model = read_whole(&fixture(&name), &config, ExitConfig::of(&config, 3)).unwrap();
    (config, model)
}

/// Hidden states after every layer, against `[M, T, d]`.
fn check_hidden(what: &str, hidden: Vec<Tensor<f32>>, expected: &[f32]) {
    let got: Vec<f32> = hidden.into_iter().flat_map(Tensor::into_vec).collect();
    assert_eq!(got.len(), expected.len(), "{what}");
    for (i, (got, want)) in got.iter().zip(expected).enumerate() {
        assert!((got - want).abs() <= 1e-4, "{what}, hidden state {i}: got {got}, expected {want}");
    }
}

#[test]
fn logits_of_every_exit_are_transformers() {
    for family in FAMILIES {
        println!("{family}");
        let expected = Expected::read(&format!("tiny-{family}/expected.safetensors"));
        let (_, model) = tiny(family);
        let batch = expected.batch();
        check_hidden(family, model.hidden_states(&batch), &expected.floats("hidden"));
        let logits = model.logits(&batch);
        check_logits(&expected, &logits);
        assert_eq!(Engine::new(&model, Precision::F32).unwrap().logits(&batch), logits, "{family}: the engine's");
        assert_eq!(model.forward(&batch, Dropout::off()).0.logits, logits, "{family}: training without dropout");
        // The default rates of ViT and DeiT are 0.
        if !matches!(family, "vit" | "deit") {
            assert_ne!(model.forward(&batch, Dropout::new(0.1, 1)).0.logits, logits, "{family}: with dropout");
        }
    }
}

#[test]
fn a_hub_shaped_checkpoint_gives_the_same_hidden_states() {
    // Tensors that are not needed: buffers and the heads that Transformers adds.
    let left_out = [
        ("bert", "cls."),
        ("albert", "predictions."),
        ("distilbert", "vocab_layer_norm."),
        ("gpt2", "h.0.attn.masked_bias"),
        ("vit", "classifier."),
        ("deit", "distillation_classifier."),
    ];
    for (family, head) in left_out {
        let expected = Expected::read(&format!("tiny-{family}/expected.safetensors"));
        let name = format!("tiny-{family}-hub");
        let config = fixture_config(&name);
        let (model, report) = read_backbone(&fixture(&name), &config, ExitConfig::of(&config, 2), 1).unwrap();
        check_hidden(family, model.hidden_states(&expected.batch()), &expected.floats("hidden"));
        assert!(report.left_out.iter().any(|name| name.starts_with(head)), "{family}: {:?}", report.left_out);
        assert_eq!(report.fresh.len(), 2 * model.depth(), "{family}: {:?}", report.fresh);
        assert!(report.fresh.iter().all(|name| name.starts_with("exits.")));
    }
}

#[test]
fn positions_are_interpolated_to_another_resolution_as_transformers_does() {
    let expected = Expected::read("tiny-vit/expected.safetensors");
    let (config, mut model) = tiny("vit");
    let larger = config.with_image_size(20, 16).unwrap();
    model.resize_images(&config, &larger);
    let rows = larger.positions();
    let batch =
        Batch { pixels: expected.floats("resized_pixels"), offsets: vec![0, rows, 2 * rows], ..Batch::default() };
    check_hidden("resized", model.hidden_states(&batch), &expected.floats("resized_hidden"));
}

#[test]
fn minilm_agrees_on_real_weights() {
    let Some(dir) = shared_data("minilm_agrees_on_real_weights", "minilm-l6-v2") else { return };
    let expected = Expected::read("minilm-expected.safetensors");
    let config = Config::read(&dir.join("config.json")).unwrap();
    let (mut model, report) = read_backbone(&dir, &config, ExitConfig::of(&config, 2), 1).unwrap();
    assert_eq!(report.left_out, ["embeddings.position_ids"]);
    expected.fill_classifiers(&mut model);
    check_logits(&expected, &model.logits(&expected.batch()));
}

#[test]
fn a_sequence_has_the_same_bits_alone_and_in_any_batch_on_any_number_of_threads() {
    let expected = Expected::read("tiny-bert/expected.safetensors");
    let (_, model) = tiny("bert");
    let batch = expected.batch();
    let sequence = |i: usize| {
        let tokens = batch.offsets[i]..batch.offsets[i + 1];
        text(batch.ids[tokens.clone()].to_vec(), batch.type_ids[tokens].to_vec())
    };
    let sequences: Vec<Sequence> = (0..200).map(|i| sequence(i % batch.len())).collect();
    let all = pool(1).install(|| model.logits(&Batch::new(&sequences)));
    assert_eq!(pool(3).install(|| model.logits(&Batch::new(&sequences))), all);
    let alone: Vec<_> =
        (0..batch.len()).map(|i| pool(2).install(|| model.logits(&Batch::new([&sequences[i]])))).collect();
    let recording = Engine::new(&model, Precision::F32).unwrap().record(&sequences, |_| ());
    for i in 0..sequences.len() {
        for exit in 0..model.depth() {
            let row = all[exit].row(i);
            assert_eq!(row, alone[i % batch.len()][exit].row(0), "sequence {i}, exit {exit}");
            let at = (i * model.depth() + exit) * model.classes();
            assert_eq!(row, &recording.logits[at..at + model.classes()], "sequence {i}, exit {exit}");
        }
    }
}
