//! Whatever changes an answer voids the promises of a model: every file and field that inference reads is edited in turn.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use epee::calibration::{AbstentionRequest, CalibrationGoal, CalibrationRequest};
use epee::certificates::{PublicKey, SigningKey};
use epee::exit::{CertificateRequest, Provenance, Trace, TraceParts};
use epee::model::{Config, ExitConfig, ExitsFile, Model, ModelCard, ModelDir, inference_files};
use epee::{Calibrator, Classifier, Example, Image, LoadOptions, Precision, Prediction, Warning};
use epee_testing::json_edits;
use serde_json::Value;
use tempfile::TempDir;

const WORDS: [&str; 12] =
    ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "takes", "zinc", "daily", "##s", "since", "may", "."];
const LABELS: [&str; 3] = ["none", "mild", "severe"];

/// A model directory with random weights, calibrated and with a certificate and an abstention rule.
struct Certified {
    _dir: TempDir,
    model: PathBuf,
    inputs: Vec<Example>,
}

impl Certified {
    fn new(config: &str, vocabulary: usize, files: &[(&str, &[u8])], inputs: Vec<Example>) -> Certified {
        let dir = tempfile::tempdir().unwrap();
        let model = dir.path().join("model");
        let config = Config::from_bytes_for(config.as_bytes(), vocabulary).unwrap();
        let exits = ExitConfig::of(&config, LABELS.len());
        let weights = Model::new(&config, exits, 3);
        let stored = ExitsFile { max_tokens: Some(7), ..ExitsFile::new(&config, exits) };
        let labels = LABELS.map(str::to_owned);
        let ((first, content), rest) = files.split_first().unwrap();
        ModelDir::save(&model, &weights, &config, &labels, &stored, (*first, *content), &ModelCard::default()).unwrap();
        rest.iter().for_each(|(name, content)| fs::write(model.join(name), content).unwrap());
        let certified = Certified { _dir: dir, model, inputs };
        certified.calibrate(None);
        certified
    }

    /// Certifies a setting that stops at once, on a trace that was never recorded but names the model.
    fn calibrate(&self, sign: Option<SigningKey>) {
        let model_dir = ModelDir::load(&self.model).unwrap();
        let provenance = Provenance {
            model_digest: Some(model_dir.digest().unwrap()),
            precision: Some("f32".into()),
            numeric_class: Some(Precision::F32.numeric_class().into()),
            ..Provenance::here()
        };
        let exits = model_dir.exits.exits;
        let (mut logits, mut labels) = (Vec::new(), Vec::new());
        for sample in 0..400 {
            let label = sample % 3;
            let row = |k: usize| if k == label { 3.0 + sample as f32 * 1e-3 } else { 0.0 };
            (0..exits).for_each(|_| logits.extend((0..3).map(row)));
            labels.push(label as i64);
        }
        let trace = self.model.join("../trace.safetensors");
        let parts = TraceParts { exits, classes: 3, logits, labels, provenance, ..TraceParts::default() };
        Trace::new(parts).unwrap().save(&trace).unwrap();
        let mut request = CalibrationRequest::new(CalibrationGoal::Certified(CertificateRequest::new(0.1, 0.05)));
        request.abstain = Some(AbstentionRequest::new(0.1, 0.05));
        request.fit_temperatures = true;
        request.sign = sign;
        Calibrator::open(&self.model, &trace).unwrap().run(&request).unwrap();
        assert_ne!(ModelDir::load(&self.model).unwrap().exits.policy, epee::Policy::full());
    }

    /// The answers, the logits of every exit, and whether a promise is void; `None` for a model that is refused.
    fn answers(&self) -> Option<(Vec<Prediction>, Vec<u32>, bool)> {
        let classifier = Classifier::load(&self.model).ok()?;
        let answers = classifier.predict(self.inputs.clone()).ok()?;
        let encoded = classifier.encode(&self.inputs).ok()?;
        let logits = classifier.engine().record(&encoded.sequences, &mut |_| ()).logits;
        let void = classifier.warnings().iter().any(|it| matches!(it, Warning::VoidPromise { .. }));
        Some((answers, logits.iter().map(|logit| logit.to_bits()).collect(), void))
    }

    /// Edits a file in every way and names the edits that change an answer while the promises still stand.
    fn unnoticed(&self, name: &str) -> Vec<String> {
        let path = self.model.join(name);
        let original = fs::read(&path).unwrap();
        let before = self.answers().unwrap();
        assert!(!before.2);
        let mut edits = bytes(&original);
        if let Ok(whole) = serde_json::from_slice(&original) {
            edits.extend(fields(&whole));
        }
        let (mut unnoticed, mut changed) = (Vec::new(), 0);
        for (edit, content) in edits {
            fs::write(&path, content).unwrap();
            if let Some((answers, logits, void)) = self.answers() {
                let same = (&answers, &logits) == (&before.0, &before.1);
                changed += usize::from(!same);
                unnoticed.extend((!same && !void).then(|| format!("{name}: {edit}")));
            }
        }
        fs::write(&path, original).unwrap();
        assert_eq!(self.answers().unwrap(), before);
        assert!(changed > 0, "{name}: no edit changes an answer, so this file tests nothing");
        unnoticed
    }

    fn check(&self) {
        let config = Config::read(&self.model.join("config.json")).unwrap();
        let mut files = inference_files(&self.model, &config).unwrap();
        files.push("exits.json");
        let unnoticed: Vec<String> = files.iter().flat_map(|name| self.unnoticed(name)).collect();
        assert_eq!(unnoticed, [""; 0]);
        // No file that inference reads is missing from the list: without any of the others the answers are the same.
        let before = self.answers().unwrap();
        for entry in fs::read_dir(&self.model).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            if !files.contains(&name.as_str()) {
                fs::remove_file(entry.path()).unwrap();
                assert_eq!(self.answers().as_ref(), Some(&before), "{name}");
            }
        }
    }
}

/// Bytes of a file changed one at a time, evenly sampled.
fn bytes(original: &[u8]) -> Vec<(String, Vec<u8>)> {
    let count = original.len().min(100);
    let edit = |i| {
        let at = i * original.len() / count;
        let mut edited = original.to_vec();
        edited[at] ^= 1;
        (format!("byte {at}"), edited)
    };
    (0..count).map(edit).collect()
}

/// Values of a JSON file changed one at a time, keys that vanish or exchange their values, and other settings of the exits.
fn fields(whole: &Value) -> Vec<(String, Vec<u8>)> {
    let mut edits = json_edits(whole);
    let Value::Object(map) = whole else { return Vec::new() };
    for key in map.keys() {
        let mut edited = map.clone();
        edited.remove(key);
        edits.push((format!("without {key}"), edited.into()));
    }
    let keys: Vec<&String> = map.keys().collect();
    for pair in keys.windows(2) {
        let mut edited = map.clone();
        (edited[pair[0]], edited[pair[1]]) = (map[pair[1]].clone(), map[pair[0]].clone());
        edits.push((format!("{} and {} exchanged", pair[0], pair[1]), edited.into()));
    }
    let settings = [
        ("pooling", &["first", "last", "mean"][..]),
        ("pooler", &["none", "shared", "per-exit"]),
        ("policy", &["full", "patience(patience=1)"]),
    ];
    for (key, value) in settings.iter().flat_map(|(key, values)| values.iter().map(move |value| (key, value))) {
        if map.contains_key(*key) {
            let mut edited = map.clone();
            edited.insert((*key).to_string(), (*value).into());
            edits.push((format!("{key} = {value}"), edited.into()));
        }
    }
    edits.into_iter().map(|(edit, json)| (edit, json.to_string().into_bytes())).collect()
}

fn bert(files: &[(&str, &[u8])]) -> Certified {
    let config = r#"{"model_type": "bert", "hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2,
        "intermediate_size": 32, "max_position_embeddings": 12, "initializer_range": 0.4}"#;
    let texts = ["Takes zincs daily.", "Since May daily daily daily zinc zinc.", "MAY"];
    let mut inputs: Vec<Example> = texts.map(Example::from).into();
    inputs.push(("Takes zinc.", "Since may.").into());
    Certified::new(config, WORDS.len(), files, inputs)
}

#[test]
fn bert_with_a_whole_tokenizer() {
    let tokenizer = epee::input::TextTokenizer::from_vocab_txt(&WORDS.join("\n")).unwrap();
    // A file that is not read beside tokenizer.json.
    let settings: &[u8] = br#"{"do_lower_case": false}"#;
    bert(&[("tokenizer.json", tokenizer.bytes()), ("tokenizer_config.json", settings)]).check();
}

#[test]
fn bert_with_word_pieces() {
    let words = WORDS.join("\n");
    let settings: &[u8] = br#"{"do_lower_case": true, "tokenize_chinese_chars": true, "strip_accents": null}"#;
    bert(&[("vocab.txt", words.as_bytes()), ("tokenizer_config.json", settings)]).check();
}

#[test]
fn gpt2_with_byte_pairs() {
    let config = r#"{"model_type": "gpt2", "n_embd": 16, "n_layer": 3, "n_head": 2, "n_positions": 12, "initializer_range": 0.4,
        "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5}"#;
    let vocab: &[u8] = br#"{"<|endoftext|>": 0, "z": 1, "i": 2, "n": 3, "c": 4, "zi": 5, "nc": 6, "zinc": 7, "\u0120": 8, "\u0120zinc": 9}"#;
    let merges: &[u8] = "#version: 0.2\nz i\nn c\nzi nc\nĠ zinc\n".as_bytes();
    let settings: &[u8] = br#"{"add_prefix_space": false}"#;
    let files = [("vocab.json", vocab), ("merges.txt", merges), ("tokenizer_config.json", settings)];
    let inputs = ["zinc zinc", "zizi nc", "cniz zinc zinc zinc zinc zinc zinc zinc"].map(Example::from);
    Certified::new(config, 10, &files, inputs.into()).check();
}

#[test]
fn albert_with_sentence_pieces() {
    let config = r#"{"model_type": "albert", "hidden_size": 16, "embedding_size": 8, "num_hidden_layers": 3, "num_attention_heads": 2,
        "intermediate_size": 32, "max_position_embeddings": 12, "initializer_range": 0.4}"#;
    let field = |number: u8, bytes: &[u8]| [&[number << 3 | 2, bytes.len() as u8], bytes].concat();
    let piece = |text: &str, score: f32, kind: u8| {
        let score = [&[2 << 3 | 5][..], &score.to_le_bytes()].concat();
        field(1, &[field(1, text.as_bytes()), score, vec![3 << 3, kind]].concat())
    };
    let mut model =
        ["<pad>", "<unk>", "[CLS]", "[SEP]"].map(|text| piece(text, 0.0, if text == "<unk>" { 2 } else { 3 })).concat();
    for (i, text) in ["▁", "▁zinc", "s", "▁iron", "z", "i", "n", "c", "É"].iter().enumerate() {
        model.extend(piece(text, -2.0 - i as f32, 1));
    }
    // Unigram, and the unknown piece is the second.
    model.extend(field(2, &[3 << 3, 1, 0xC0, 0x02, 1]));
    let settings: &[u8] = br#"{"do_lower_case": true, "keep_accents": false}"#;
    let inputs = ["Zincs iron", "zic iron iron iron iron iron", "É"].map(Example::from);
    Certified::new(config, 13, &[("spiece.model", &model), ("tokenizer_config.json", settings)], inputs.into()).check();
}

#[test]
fn vit_with_an_image_processor() {
    let config = r#"{"model_type": "vit", "hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 32,
        "image_size": 8, "patch_size": 4, "num_channels": 3, "initializer_range": 0.4}"#;
    let processor: &[u8] =
        br#"{"image_processor_type": "ViTImageProcessor", "do_resize": true, "size": {"height": 8, "width": 8},
        "resample": 2, "do_rescale": true, "rescale_factor": 0.00392156862745098, "do_normalize": true,
        "image_mean": [0.5, 0.4, 0.5], "image_std": [0.5, 0.5, 0.6]}"#;
    let image = |seed: usize| {
        let pixels: Vec<u8> = (0..12 * 10 * 3).map(|i| (i * (7 + seed) % 251) as u8).collect();
        Example::from(Image::new(12, 10, 3, pixels).unwrap())
    };
    Certified::new(config, 1, &[("preprocessor_config.json", processor)], vec![image(0), image(3)]).check();
}

#[test]
fn the_list_of_files_names_what_a_directory_is_read_from() {
    let words = WORDS.join("\n");
    let certified = bert(&[("vocab.txt", words.as_bytes())]);
    let files = |dir: &Path| inference_files(dir, &Config::read(&dir.join("config.json")).unwrap()).unwrap();
    assert_eq!(files(&certified.model), ["config.json", "model.safetensors", "vocab.txt"]);
    // A file that is read from now on, though it was not there when the certificate was given.
    let void = || certified.answers().unwrap().2;
    assert!(!void());
    fs::write(certified.model.join("tokenizer_config.json"), r#"{"do_lower_case": false}"#).unwrap();
    assert!(void());
}

#[test]
fn a_program_may_ask_for_a_signer() {
    let words = WORDS.join("\n");
    let certified = bert(&[("vocab.txt", words.as_bytes())]);
    let pem = |kind: &str, body: &str| format!("-----BEGIN {kind} KEY-----\n{body}\n-----END {kind} KEY-----\n");
    let file = |name: &str, content: String| {
        let path = certified.model.join("..").join(name);
        fs::write(&path, content).unwrap();
        path
    };
    // RFC 8032, tests 1 and 2.
    let secret = pem("PRIVATE", "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g");
    let key = SigningKey::read(&file("key.pem", secret)).unwrap();
    let other = pem("PUBLIC", "MCowBQYDK2VwAyEAPUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=");
    let other = PublicKey::read(&file("other.pem", other)).unwrap();
    assert!(!format!("{key:?}").contains("9d61b19d"), "the secret is not shown");
    let load = |signer: &PublicKey| {
        let options = LoadOptions { signer: Some(signer.clone()), ..LoadOptions::default() };
        Classifier::load_with(&certified.model, options).map(|_| ()).map_err(|error| error.to_string())
    };
    let refused = |signer: &PublicKey, reason: &str| {
        let error = load(signer).unwrap_err();
        assert!(error.ends_with(reason), "{error}");
    };
    refused(&key.public(), "model: the certificate is void: it is not signed");
    certified.calibrate(Some(key.clone()));
    assert_eq!(load(&key.public()), Ok(()));
    refused(&other, "it is signed by the key d75a980182b1, not by 3d4017c3e843");
    let mut exits = ModelDir::load(&certified.model).unwrap().exits;
    (exits.certificate, exits.abstention) = (None, None);
    exits.save(&certified.model).unwrap();
    refused(&key.public(), "expected a signed certificate, got a model without one");
}
