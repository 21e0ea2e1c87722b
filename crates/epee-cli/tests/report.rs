//! `epee report`: the page and the figures it writes, and the inputs it refuses.

#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::path::Path;

use common::Workshop;
use epee_data::{Draft, write_dataset};
use epee_exit::{Provenance, Trace, TraceParts};
use epee_input::Example;

/// Half of the samples become clear at exit 2 or 3, the others never.
fn trace(path: &Path, change: impl FnOnce(&mut TraceParts)) {
    let mut parts = TraceParts { exits: 3, classes: 2, provenance: Provenance::here(), ..TraceParts::default() };
    for sample in 0..40i64 {
        let right = if sample % 2 == 0 { 1.0f32 } else { -1.0 };
        for exit in 1..=3 {
            let clear = if sample % 4 < 2 { exit as f32 * right } else { 0.1 * right * (exit as f32 - 1.5) };
            parts.logits.extend([clear, -clear]);
        }
        parts.labels.push(sample % 2);
        parts.ids.push(format!("id-{sample}"));
        parts.tokens.push(10 + sample);
    }
    parts.provenance.split = Some("dev".into());
    change(&mut parts);
    Trace::new(parts).unwrap().save(path).unwrap();
}

#[test]
fn a_page_and_its_figures_are_written() {
    let shop = Workshop::empty();
    trace(&shop.dir().join("phee-dev.safetensors"), |_| {});
    trace(&shop.dir().join("git-dev.safetensors"), |_| {});
    let out = shop.path("report.html");
    let said = shop.json("report phee-dev.safetensors git-dev.safetensors --out report.html --figures figures");
    let page = fs::read_to_string(&out).unwrap();
    assert_eq!(said["bytes"], page.len());
    assert!(
        page.contains("phee-dev") && page.contains("git-dev") && page.contains("id-") && !page.contains("<th>text")
    );
    let files: Vec<String> =
        said["figures"].as_array().unwrap().iter().map(|f| f.as_str().unwrap().to_owned()).collect();
    assert_eq!(files.len(), 28);
    assert!(files.iter().all(|file| fs::metadata(shop.dir().join(file)).unwrap().len() > 500));
    let png = shop.read("figures/phee-dev-fig1-saving.png");
    assert!(png.starts_with(b"\x89PNG"));
    assert!(shop.read_text("figures/git-dev-fig8-degeneracy.svg").starts_with("<svg"));

    // Existing files stay, unless forced.
    let error = shop.error("report phee-dev.safetensors --out report.html");
    assert!(error.contains("report.html exists already") && error.contains("--force"), "{error}");
    let error = shop.error("report phee-dev.safetensors --out new.html --figures figures");
    assert!(error.contains("figures holds something already"), "{error}");
    assert!(!shop.dir().join("new.html").exists());
    assert_eq!(fs::read_to_string(&out).unwrap(), page);
    shop.run("report phee-dev.safetensors --out report.html --force");
    assert!(!fs::read_to_string(&out).unwrap().contains("git-dev"));
}

#[test]
fn what_cannot_be_reported_is_refused_with_its_file() {
    let shop = Workshop::empty();
    let (out, bad) = (shop.path("report.html"), shop.path("bad.safetensors"));
    let error = shop.error("report absent.safetensors --out report.html");
    assert!(error.contains("cannot read") && error.contains("absent.safetensors"), "{error}");
    fs::write(&bad, b"no trace").unwrap();
    let error = shop.error("report bad.safetensors --out report.html");
    assert!(error.contains("bad.safetensors"), "{error}");
    trace(Path::new(&bad), |_| {});
    let error = shop.error("report bad.safetensors --out nowhere/report.html");
    assert!(error.contains("no such folder to write"), "{error}");
    let error = shop.error("report bad.safetensors --out ./");
    assert!(error.contains("expected a regular file"), "{error}");
    let one_class = |parts: &mut TraceParts| {
        parts.classes = 1;
        parts.logits.truncate(120);
        parts.labels.fill(0);
    };
    trace(Path::new(&bad), one_class);
    let error = shop.error("report bad.safetensors --out report.html");
    assert!(error.contains("bad.safetensors: the trace cannot be replayed") && error.contains("2 classes"), "{error}");
    assert!(!Path::new(&out).exists());
    trace(Path::new(&bad), |parts| parts.labels.fill(-1));
    let done = shop.epee("report bad.safetensors --out report.html").assert().success();
    let said = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
    assert!(said.contains("no sample has a label"), "{said}");
    assert!(fs::read_to_string(&out).unwrap().contains("No sample of this trace has a label"));
}

#[test]
fn texts_are_shown_only_when_asked_for_and_only_of_the_same_data() {
    let shop = Workshop::empty();
    let example = |i: i64| Example {
        id: format!("id-{i}"),
        text: format!("secret {i} <b>").into(),
        label: Some((i % 2) as usize),
        ..Example::default()
    };
    let draft = Draft {
        name: "two".into(),
        labels: vec!["a".into(), "b".into()],
        splits: vec![("dev".into(), (0..40).map(example).collect())],
        ..Draft::default()
    };
    let dataset = write_dataset(&shop.dir().join("data"), &draft, false).unwrap();
    let digest = dataset.split("dev").unwrap().digest;
    let (file, out) = (shop.path("t.safetensors"), shop.path("report.html"));
    trace(Path::new(&file), |parts| parts.provenance.data_digest = Some(digest));
    let base = "report t.safetensors --out report.html --force";
    shop.run(base);
    assert!(!fs::read_to_string(&out).unwrap().contains("secret"));
    shop.run(&format!("{base} --include-text --data data"));
    let page = fs::read_to_string(&out).unwrap();
    assert!(page.contains("secret") && page.contains("&lt;b&gt;") && !page.contains("<b>"));
    for flags in ["--include-text", "--data data"] {
        shop.epee(&format!("{base} {flags}")).assert().code(2);
    }
    trace(Path::new(&file), |parts| parts.provenance.data_digest = Some("sha256:other".into()));
    let error = shop.error(&format!("{base} --include-text --data data"));
    assert!(
        error.contains("t.safetensors: --data: expected the split the trace was recorded on (sha256:other)"),
        "{error}"
    );
    assert_eq!(fs::read_to_string(&out).unwrap(), page);
}
