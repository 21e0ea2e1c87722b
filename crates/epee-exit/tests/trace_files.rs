//! Trace files: written files are read back, and broken ones are refused.

#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::LazyLock;

use common::any_trace;
use epee_exit::{Provenance, Trace, TraceError, TraceParts};
use proptest::prelude::*;

fn full_parts() -> TraceParts {
    let mut provenance = Provenance::here();
    provenance.model_digest = Some("sha256:0a".into());
    provenance.data_digest = Some("sha256:0b".into());
    provenance.split = Some("dev".into());
    provenance.precision = Some("f32".into());
    provenance.label_names = vec!["no".into(), "„ja“".into()];
    provenance.layer_seconds = vec![1.25e-3, 0.1, 1e-3];
    provenance.other.insert("note".into(), "kept".into());
    TraceParts {
        exits: 3,
        classes: 2,
        logits: (0..12).map(|i| i as f32 / 7.0).collect(),
        labels: vec![1, -1],
        ids: vec!["note-1".into(), "".into()],
        tokens: vec![7, 512],
        scores: Some(vec![0.5; 6]),
        provenance,
    }
}

fn saved(parts: TraceParts) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.safetensors");
    Trace::new(parts).unwrap().save(&path).unwrap();
    fs::read(path).unwrap()
}

/// As text, in which 0.0 and -0.0 differ.
fn same(a: &TraceParts, b: &TraceParts) -> bool {
    format!("{a:?}") == format!("{b:?}")
}

/// A safetensors file made by hand.
fn file(header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

fn problem(bytes: &[u8]) -> String {
    Trace::from_bytes(bytes).unwrap_err().to_string()
}

#[test]
fn everything_comes_back() {
    let bytes = saved(full_parts());
    let back = Trace::from_bytes(&bytes).unwrap().into_parts();
    assert!(same(&back, &full_parts()), "{back:?}");
    assert_eq!(saved(back), bytes, "the same content gives the same bytes");
}

#[test]
fn the_crate_that_defines_the_format_reads_it() {
    let bytes = saved(full_parts());
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let metadata = header.metadata().as_ref().unwrap();
    assert_eq!(metadata["split"], "dev");
    assert_eq!(metadata["ids"], r#"["note-1",""]"#);
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(tensors.tensor("logits").unwrap().shape(), [2, 3, 2]);
    assert_eq!(tensors.tensor("labels").unwrap().dtype(), safetensors::Dtype::I64);
    assert_eq!(tensors.tensor("labels").unwrap().data()[8..], (-1i64).to_le_bytes());
}

#[test]
fn another_tool_may_know_less() {
    let header = r#"{"logits":{"dtype":"F32","shape":[1,1,2],"data_offsets":[0,8]},"labels":{"dtype":"I32","shape":[1],"data_offsets":[8,12]},"more":{"dtype":"U8","shape":[1],"data_offsets":[12,13]}}"#;
    let trace = Trace::from_bytes(&file(header, &[0, 0, 128, 63, 0, 0, 0, 64, 1, 0, 0, 0, 9])).unwrap();
    assert_eq!((trace.logits(), trace.labels()), (&[1.0, 2.0][..], &[1][..]));
    assert_eq!((trace.ids().len(), trace.tokens().len()), (0, 0));
    assert_eq!(trace.provenance(), &Provenance::default());
    let alone = r#"{"logits":{"dtype":"F32","shape":[2,1,1],"data_offsets":[0,8]}}"#;
    assert_eq!(Trace::from_bytes(&file(alone, &[0; 8])).unwrap().labels(), [-1, -1]);
}

#[test]
fn wrong_tensors_are_named() {
    let logits = ("logits", "F32", "[2,2,1]", "[0,16]");
    let with = |tensors: &[(&str, &str, &str, &str)]| {
        let entry = |&(name, dtype, shape, at): &(&str, &str, &str, &str)| {
            format!(r#""{name}":{{"dtype":"{dtype}","shape":{shape},"data_offsets":{at}}}"#)
        };
        let entries: Vec<String> = tensors.iter().map(entry).collect();
        file(&format!("{{{}}}", entries.join(",")), &[0; 32])
    };
    let second = |name, dtype, shape| with(&[logits, (name, dtype, shape, "[16,32]")]);
    let empty = r#"{"logits":{"dtype":"F32","shape":[0,2,2],"data_offsets":[0,0]}}"#;
    for (bytes, want) in [
        (file("{}", &[]), "expected a tensor `logits`, got none"),
        (file(empty, &[]), "expected at least 1 sample, 1 exit and 1 class, got 0 samples, 2 exits and 2 classes"),
        (with(&[("x", "U8", "[32]", "[0,32]")]), "expected a tensor `logits`, got `x`"),
        (with(&[("logits", "F64", "[2,2,1]", "[0,32]")]), "tensor `logits`: expected type F32, got F64"),
        (with(&[("logits", "F32", "[8]", "[0,32]")]), "tensor `logits`: expected shape [N, M, K], got [8]"),
        (second("labels", "I64", "[1,2]"), "tensor `labels`: expected shape [2], got [1, 2]"),
        (second("labels", "F32", "[4]"), "tensor `labels`: expected type I64, got F32"),
        (second("scores", "F32", "[1,4]"), "tensor `scores`: expected shape [2, 2], got [1, 4]"),
        (second("tokens", "I32", "[4]"), "tensor `tokens`: expected shape [2], got [4]"),
    ] {
        assert_eq!(problem(&bytes), want);
    }
}

#[test]
fn invalid_values_are_named() {
    let mut parts = full_parts();
    parts.provenance = Provenance::default();
    let bytes = saved(parts);
    let at = bytes.windows(4).rposition(|w| w == (11f32 / 7.0).to_le_bytes()).unwrap();
    let mut broken = bytes.clone();
    broken[at..at + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    // The last sample's id is empty.
    assert_eq!(problem(&broken), "sample ``, exit 3: expected finite logits, got NaN");

    let header =
        r#"{"__metadata__":{"label_names":"no, yes"},"logits":{"dtype":"F32","shape":[1,1,2],"data_offsets":[0,8]}}"#;
    let got = problem(&file(header, &[0; 8]));
    assert_eq!(got, "label_names: expected a JSON list of strings, got other text of 7 bytes");
}

#[test]
fn inconsistent_headers_are_refused() {
    let logits =
        |shape: &str, at: &str| format!(r#"{{"logits":{{"dtype":"F32","shape":{shape},"data_offsets":{at}}}}}"#);
    let with = |shape: &str, at: &str| file(&logits(shape, at), &[0; 12]);
    for (bytes, want) in [
        (vec![], "not a safetensors file: expected at least 8 bytes, got 0"),
        (
            vec![255; 20],
            "not a safetensors file: the file has 20 bytes, fewer than the length of the header that it begins with",
        ),
        (with("[1,1,4]", "[0,16]"), "the header describes 16 bytes of tensors, the file has 12"),
        (with("[1,1,1]", "[0,4]"), "the header describes 4 bytes of tensors, the file has 12"),
    ] {
        assert_eq!(problem(&bytes), want);
    }
    for header in [
        String::new(),
        "[]".into(),
        r#"{"logits": 3}"#.into(),
        logits("[1]", "[0,4]").replace("F32", "F99"),
        logits("[1,1,2]", "[0,4]"),
        logits("[1,1,1]", "[4,0]"),
        logits("[4294967296,4294967296,4]", "[0,4]"),
        logits("[-1,1,1]", "[0,4]"),
    ] {
        let got = problem(&file(&header, &[0; 4]));
        assert!(got.starts_with("not a safetensors file: "), "{header}: {got}");
    }
    // Offsets whose sum with the header's length passes 2^64.
    let part = |name: &str, from: u64, to: u64| {
        let size = to - from;
        format!(r#""{name}":{{"dtype":"U8","shape":[{size}],"data_offsets":[{from},{to}]}}"#)
    };
    let step = u64::MAX / 16;
    let parts: Vec<String> = (0..16).map(|i| part(&format!("t{i:02}"), i * step, (i + 1) * step)).collect();
    let got = problem(&file(&format!("{{{}}}", parts.join(",")), &[0; 4]));
    assert!(got.contains("the file has 4"), "{got}");
}

#[test]
fn a_missing_file_is_named() {
    let error = Trace::load("no/such/trace.safetensors").unwrap_err();
    assert_eq!(error.to_string(), "cannot read no/such/trace.safetensors");
    assert!(std::error::Error::source(&error).is_some());
}

#[test]
fn a_save_that_fails_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let trace = Trace::new(full_parts()).unwrap();
    let inside = |path: &Path| fs::read_dir(path).unwrap().count();

    let nowhere = folder.path().join("missing").join("t.safetensors");
    let error = trace.save(&nowhere).unwrap_err();
    assert!(matches!(error, TraceError::File(_)));
    assert_eq!(error.to_string(), format!("cannot write {}", nowhere.display()));

    let taken = folder.path().join("folder");
    fs::create_dir(&taken).unwrap();
    assert!(trace.save(&taken).is_err());
    assert_eq!((inside(folder.path()), inside(&taken)), (1, 0));

    let path = folder.path().join("t.safetensors");
    fs::File::create(&path).unwrap().write_all(b"old").unwrap();
    trace.save(&path).unwrap();
    assert!(same(&Trace::load(&path).unwrap().into_parts(), &full_parts()));
    assert_eq!(inside(folder.path()), 2, "no temporary file is left");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_trace_comes_back(trace in any_trace(1..7), scored in any::<bool>()) {
        let mut parts = trace.into_parts();
        parts.scores = parts.scores.filter(|_| scored);
        let back = Trace::from_bytes(&saved(parts.clone())).unwrap();
        prop_assert!(same(&back.into_parts(), &parts));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Trace::from_bytes(&bytes).is_err());
    }

    #[test]
    fn damaged_files_never_panic(
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<prop::sample::Index>(),
    ) {
        static WHOLE: LazyLock<Vec<u8>> = LazyLock::new(|| saved(full_parts()));
        let bytes = WHOLE.clone();
        let cut = cut.index(bytes.len());
        prop_assert!(Trace::from_bytes(&bytes[..cut]).is_err(), "cut at {}", cut);
        let mut damaged = bytes;
        let at = at.index(damaged.len());
        damaged[at] = byte;
        let _ = Trace::from_bytes(&damaged);
    }
}
