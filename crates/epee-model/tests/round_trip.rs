//! A model that is read and written again: the same tensors, under the same names, for every architecture.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use epee_model::{Artefact, Config, ExitsFile, Heads, ModelCard, PoolerKind, read_backbone, read_whole};
use epee_nn::Precision;
use safetensors::SafeTensors;

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// Shape and bytes of every tensor.
fn tensors(dir: &Path) -> BTreeMap<String, (Vec<usize>, Vec<u8>)> {
    let bytes = std::fs::read(dir.join("model.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    file.tensors().into_iter().map(|(name, view)| (name, (view.shape().to_vec(), view.data().to_vec()))).collect()
}

#[test]
fn what_transformers_wrote_is_written_again() {
    for family in ["bert", "albert", "distilbert", "gpt2", "vit", "deit"] {
        let dir = fixture(&format!("tiny-{family}"));
        let config = Config::read(&dir.join("config.json")).unwrap();
        let heads = Heads::of(&config, 3);
        let model = read_whole(&dir, &config, heads).unwrap();
        let out = tempfile::tempdir().unwrap();
        let labels = ["none", "weak", "strong"].map(str::to_owned);
        let exits = ExitsFile::new(&config, heads);
        let input = ("tokenizer.json", &b"{}"[..]);
        Artefact::save(out.path(), &model, &config, &labels, &exits, input, &ModelCard::default()).unwrap();
        let (expected, got) = (tensors(&dir), tensors(out.path()));
        assert_eq!(got.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{family}");
        assert!(got == expected, "{family}: a tensor changed");

        // The artefact gives the same model, packed and not.
        let artefact = Artefact::load(out.path()).unwrap();
        assert_eq!((artefact.exits.heads(), artefact.config.title()), (heads, config.title()));
        assert_eq!(artefact.engine(Precision::F32).unwrap().depth(), model.depth());
        assert!(tensors(out.path()) == expected);
        let json = |dir: &Path| -> serde_json::Value {
            serde_json::from_slice(&std::fs::read(dir.join("config.json")).unwrap()).unwrap()
        };
        let (mut before, mut after) = (json(&dir), json(out.path()));
        for config in [&mut before, &mut after] {
            config.as_object_mut().unwrap().remove("dtype");
            config.as_object_mut().unwrap().remove("torch_dtype");
        }
        assert_eq!(after, before, "{family}");
    }
}

#[test]
fn a_pooler_of_every_kind_and_exits_without_the_final_norm() {
    for (family, pooler) in [
        ("bert", PoolerKind::None),
        ("albert", PoolerKind::PerExit),
        ("gpt2", PoolerKind::Shared),
        ("vit", PoolerKind::PerExit),
    ] {
        let dir = fixture(&format!("tiny-{family}"));
        let config = Config::read(&dir.join("config.json")).unwrap();
        let heads = Heads { pooler, norm: false, ..Heads::of(&config, 2) };
        let (model, report) = read_backbone(&dir, &config, heads, 1).unwrap();
        let poolers = report.fresh.iter().filter(|name| name.contains("pooler")).count();
        // GPT-2 and this ViT have no pooler to start from.
        let expected = match (family, pooler) {
            ("gpt2", _) => 2,
            ("vit", _) => 2 * model.depth(),
            _ => 0,
        };
        assert_eq!(poolers, expected, "{family}: {:?}", report.fresh);
        assert_eq!(report.left_out.iter().any(|name| name.starts_with("pooler.")), family == "bert");
        let out = tempfile::tempdir().unwrap();
        let labels = ["no", "yes"].map(str::to_owned);
        let exits = ExitsFile::new(&config, heads);
        let input = ("tokenizer.json", &b"{}"[..]);
        Artefact::save(out.path(), &model, &config, &labels, &exits, input, &ModelCard::default()).unwrap();
        let artefact = Artefact::load(out.path()).unwrap();
        let back = artefact.model().unwrap();
        assert!(config.stored(&back, heads) == config.stored(&model, heads), "{family}");
    }
}
