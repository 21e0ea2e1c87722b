#!/usr/bin/env python3
"""Makes the parity fixtures of epee-model with PyTorch and Hugging Face Transformers.

    python3 -m venv .venv && .venv/bin/pip install -r scripts/requirements.txt
    .venv/bin/python scripts/parity/reference.py            writes crates/epee-model/tests/fixtures/
    .venv/bin/python scripts/parity/reference.py --check    compares instead of writing; exit status 1 if they differ

The model is Transformers' BertModel. Its pooler is shared by all exits: logits_m = classifier_m(tanh(dense(h_m[:, 0]))),
m = 1..M. The loss is the paper's Eq. 4: sum_m m CE_m / sum_m m, CE_m the mean over the batch. Dropout is off.
Everything is computed in float64 from weights that are exact in float32, and stored as float32.

Sequences are stored packed, end to end: sequence i is `ids[offsets[i]:offsets[i + 1]]`. Transformers sees them padded
and masked; the script fails if a sequence alone gives other logits than in the batch. No id is 0, since PyTorch gives the
row of the padding token no gradient.

tiny-bert/              a random BERT, 3 layers of 32, with heads `exits.{m}.classifier.{weight,bias}`, m from 1
tiny-bert/expected.safetensors
    ids, type_ids i64 [T]   offsets i64 [B + 1]   labels i64 [B]
    logits f32 [B, M, K]    hidden f32 [M, T, d] (after each layer)   embedded f32 [T, d] (before the first)
    loss f32 [1]            grad.NAME f32 (the parameter's shape), NAME as in tiny-bert/model.safetensors
tiny-bert-hub/          the same encoder as hubs hold it: `bert.` before each name, LayerNorm.gamma and .beta, `cls.*`,
                        `bert.embeddings.position_ids`, no heads; its hidden states are those of tiny-bert
minilm-expected.safetensors   real weights, not copied: $EPEE_DATA or ../shared/data, minilm-l6-v2/
    exits.{m}.classifier.{weight,bias} f32 (the heads to use)
    ids, type_ids, offsets, labels, logits, loss as above; global_norm f32 [1]
    norm.NAME f32 [1] (L2 norm of the gradient)
    index.NAME i64 [n], value.NAME f32 [n]: n <= 64 entries of the gradient at flat, row-major indices; in embeddings,
    from rows that occur in the batch

tiny-NAME/, tiny-NAME-hub/    the other architectures: scripts/parity/reference_families.py

Each file's metadata has one key, `about`: JSON with versions, and for MiniLM the sentences, to test a tokenizer by.
The same versions on the same machine give the same bytes. Another machine's kernels may differ in a last bit; --check
allows 1e-6 of each tensor's largest value.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
import transformers
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer
from torch.nn.functional import cross_entropy
from transformers import BertConfig, BertModel

import reference_families

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "crates/epee-model/tests/fixtures"
DATA = Path(os.environ.get("EPEE_DATA", ROOT / "../shared/data"))

TINY = {
    "architectures": ["BertModel"],
    "model_type": "bert",
    "vocab_size": 100,
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "hidden_act": "gelu",
    "max_position_embeddings": 40,
    "type_vocab_size": 2,
    "layer_norm_eps": 1e-12,
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.1,
    "initializer_range": 0.02,
    "pad_token_id": 0,
    "position_embedding_type": "absolute",
}
TINY_LABELS = ["none", "weak", "strong"]
TINY_LENGTHS = [1, 2, 7, 19, 40]
SAMPLES = 64

SENTENCES = [
    ("She broke out in hives an hour after the second dose of amoxicillin.", 0),
    ("Two weeks of oral iron brought her haemoglobin back to normal.", 1),
    ("No rash.", 1),
    (
        "A 71-year-old man on warfarin was admitted with a subdural haematoma (INR 8.4), three days after "
        "fluconazole had been started for oesophageal candidiasis; both drugs were withdrawn and he recovered.",
        0,
    ),
]


def random_weights(rng, shapes):
    """Weights large enough that layers, heads and attention all matter; LayerNorm's are no ones and zeros."""
    weights = {}
    for name, shape in shapes.items():
        if name.endswith("LayerNorm.weight"):
            value = 1.0 + 0.2 * rng.standard_normal(shape)
        elif name.endswith("bias"):
            value = 0.1 * rng.standard_normal(shape)
        elif "embeddings" in name:
            value = 0.5 * rng.standard_normal(shape)
        else:
            value = 1.2 / np.sqrt(shape[-1]) * rng.standard_normal(shape)
        weights[name] = value.astype(np.float32)
    return weights


def random_heads(rng, exits, classes, width, scale):
    """`scale` is the standard deviation of the weights: such that sequences differ by much more than a tolerance."""
    heads = {}
    for m in range(1, exits + 1):
        heads[f"exits.{m}.classifier.weight"] = scale * rng.standard_normal((classes, width))
        heads[f"exits.{m}.classifier.bias"] = 0.1 * rng.standard_normal(classes)
    return {name: value.astype(np.float32) for name, value in heads.items()}


def bert(config, weights):
    """Transformers' encoder in float64, holding exactly these weights."""
    model = BertModel(BertConfig(**config, attn_implementation="eager")).double().eval()
    model.load_state_dict({name: torch.from_numpy(value).double() for name, value in weights.items()}, strict=True)
    return model


def parameter_shapes(config):
    return {name: tuple(p.shape) for name, p in BertModel(BertConfig(**config)).named_parameters()}


def pad(sequences):
    """[B, longest] with zeros, and the mask of what is real."""
    width = max(map(len, sequences))
    padded = torch.tensor([row + [0] * (width - len(row)) for row in sequences])
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in sequences])
    return padded, mask


def forward(model, heads, ids, type_ids):
    """Logits [B, M, K], and the hidden states, embeddings first, each [B, longest, d]."""
    ids, mask = pad(ids)
    type_ids, _ = pad(type_ids)
    hidden = model(ids, attention_mask=mask, token_type_ids=type_ids, output_hidden_states=True).hidden_states
    logits = [
        model.pooler(state) @ heads[f"exits.{m}.classifier.weight"].T + heads[f"exits.{m}.classifier.bias"]
        for m, state in enumerate(hidden)
        if m > 0
    ]
    return torch.stack(logits, dim=1), hidden


def eq4(logits, labels):
    exits = logits.shape[1]
    weighted = sum(m * cross_entropy(logits[:, m - 1], labels) for m in range(1, exits + 1))
    return weighted / (exits * (exits + 1) / 2)


def reference(config, weights, head_weights, ids, type_ids, labels):
    """Logits, packed hidden states, the loss and its gradient by parameter name."""
    model = bert(config, weights)
    heads = {name: torch.from_numpy(value).double().requires_grad_() for name, value in head_weights.items()}
    logits, hidden = forward(model, heads, ids, type_ids)
    loss = eq4(logits, torch.tensor(labels))
    loss.backward()
    for i in range(len(ids)):
        alone, _ = forward(model, heads, ids[i : i + 1], type_ids[i : i + 1])
        difference = (alone[0] - logits[i]).abs().max().item()
        if not difference < 1e-12:
            raise SystemExit(f"error: sequence {i} alone differs from the batch by {difference}")
    packed = [torch.cat([state[i, : len(row)] for i, row in enumerate(ids)]) for state in hidden]
    gradients = {name: p.grad for name, p in [*model.named_parameters(), *heads.items()]}
    return logits.detach(), [state.detach() for state in packed], loss.detach(), gradients


def f32(tensor):
    return np.ascontiguousarray(tensor.numpy().astype(np.float32))


def i64(values):
    return np.asarray(values, dtype=np.int64)


def batch_tensors(ids, type_ids, labels, logits, loss):
    return {
        "ids": i64([token for row in ids for token in row]),
        "type_ids": i64([token for row in type_ids for token in row]),
        "offsets": i64(np.concatenate([[0], np.cumsum([len(row) for row in ids])])),
        "labels": i64(labels),
        "logits": f32(logits),
        "loss": f32(loss.reshape(1)),
    }


def about(**more):
    """One key only: the order of several is not fixed, and the bytes should be."""
    versions = {"torch": torch.__version__, "transformers": transformers.__version__}
    made = {"made_by": "scripts/parity/reference.py", "computed_in": "float64", **versions, **more}
    return {"about": json.dumps(made)}


def write_config(folder, config):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")


def tiny(out):
    rng = np.random.default_rng(20240611)
    weights = random_weights(rng, parameter_shapes(TINY))
    heads = random_heads(rng, TINY["num_hidden_layers"], len(TINY_LABELS), TINY["hidden_size"], scale=0.3)
    ids = [rng.integers(1, TINY["vocab_size"], size=n).tolist() for n in TINY_LENGTHS]
    # A first and a second segment, as for pairs; the shortest has only the first.
    type_ids = [[0] * ((n + 1) // 2) + [1] * (n // 2) for n in TINY_LENGTHS]
    labels = [0, 2, 1, 2, 0]
    logits, hidden, loss, gradients = reference(TINY, weights, heads, ids, type_ids, labels)

    folder = out / "tiny-bert"
    names = {str(i): label for i, label in enumerate(TINY_LABELS)}
    write_config(folder, {**TINY, "id2label": names, "label2id": {label: int(i) for i, label in names.items()}})
    save_file({**weights, **heads}, folder / "model.safetensors", metadata={"format": "pt"})
    expected = batch_tensors(ids, type_ids, labels, logits, loss)
    expected["embedded"] = f32(hidden[0])
    expected["hidden"] = f32(torch.stack(hidden[1:]))
    expected |= {f"grad.{name}": f32(gradient) for name, gradient in gradients.items()}
    save_file(expected, folder / "expected.safetensors", metadata=about())

    hub(out / "tiny-bert-hub", rng, weights, ids, type_ids, hidden)


def hub(folder, rng, weights, ids, type_ids, hidden):
    """A checkpoint as the first TensorFlow conversions left it, checked by loading it with Transformers."""

    def old(name):
        return name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")

    width, vocabulary = TINY["hidden_size"], TINY["vocab_size"]
    tensors = {f"bert.{old(name)}": value for name, value in weights.items()}
    tensors["bert.embeddings.position_ids"] = i64([range(TINY["max_position_embeddings"])])
    head = {
        "cls.predictions.bias": (vocabulary,),
        "cls.predictions.transform.dense.weight": (width, width),
        "cls.predictions.transform.dense.bias": (width,),
        "cls.predictions.transform.LayerNorm.weight": (width,),
        "cls.predictions.transform.LayerNorm.bias": (width,),
        "cls.seq_relationship.weight": (2, width),
        "cls.seq_relationship.bias": (2,),
    }
    tensors |= {old(name): value for name, value in random_weights(rng, head).items()}
    tensors["cls.predictions.decoder.weight"] = weights["embeddings.word_embeddings.weight"].copy()
    write_config(folder, {**TINY, "architectures": ["BertForPreTraining"]})
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})

    model = BertModel.from_pretrained(folder, dtype=torch.float64, attn_implementation="eager").eval()
    padded, mask = pad(ids)
    with torch.no_grad():
        last = model(padded, attention_mask=mask, token_type_ids=pad(type_ids)[0]).last_hidden_state
    packed = torch.cat([last[i, : len(row)] for i, row in enumerate(ids)])
    difference = (packed - hidden[-1]).abs().max().item()
    if not difference < 1e-12:
        raise SystemExit(f"error: {folder}: Transformers reads it as another model, by {difference}")


def minilm(out):
    folder = DATA / "minilm-l6-v2"
    if not folder.is_dir():
        print(f"skipped: minilm-expected.safetensors needs {folder}", file=sys.stderr)
        return
    config = json.loads((folder / "config.json").read_text())
    for key in ("_name_or_path", "transformers_version", "gradient_checkpointing"):
        config.pop(key, None)
    weights = load_file(folder / "model.safetensors")
    weights.pop("embeddings.position_ids")
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    encoded = [tokenizer.encode(text) for text, _ in SENTENCES]
    ids = [line.ids for line in encoded]
    type_ids = [line.type_ids for line in encoded]
    labels = [label for _, label in SENTENCES]
    rng = np.random.default_rng(20240612)
    # This checkpoint's pooler gives values near 0.02 in size at every sentence.
    heads = random_heads(rng, config["num_hidden_layers"], 2, config["hidden_size"], scale=1.5)
    logits, _, loss, gradients = reference(config, weights, heads, ids, type_ids, labels)

    rows = {
        "embeddings.word_embeddings.weight": sorted({token for row in ids for token in row}),
        "embeddings.position_embeddings.weight": range(max(map(len, ids))),
        "embeddings.token_type_embeddings.weight": sorted({kind for row in type_ids for kind in row}),
    }
    expected = {**batch_tensors(ids, type_ids, labels, logits, loss), **heads}
    for name, gradient in gradients.items():
        flat = gradient.reshape(-1)
        places = np.arange(flat.numel()).reshape(gradient.shape)
        places = places[list(rows[name])].ravel() if name in rows else places.ravel()
        index = np.sort(rng.choice(places, size=min(SAMPLES, places.size), replace=False)).astype(np.int64)
        expected[f"norm.{name}"] = f32(flat.norm().reshape(1))
        expected[f"index.{name}"] = index
        expected[f"value.{name}"] = f32(flat[torch.from_numpy(index)])
    squares = sum(gradient.square().sum() for gradient in gradients.values())
    expected["global_norm"] = f32(squares.sqrt().reshape(1))
    out.mkdir(parents=True, exist_ok=True)
    save_file(expected, out / "minilm-expected.safetensors", metadata=about(sentences=[text for text, _ in SENTENCES]))


def differences(fresh, committed):
    """Sentences on how two fixture folders differ."""
    for path in sorted(p for p in fresh.rglob("*") if p.is_file()):
        name = path.relative_to(fresh)
        other = committed / name
        if not other.is_file():
            yield f"{name}: missing"
        elif path.suffix != ".safetensors":
            if path.read_bytes() != other.read_bytes():
                yield f"{name}: differs"
        else:
            yield from tensor_differences(name, load_file(path), load_file(other))


def tensor_differences(name, fresh, committed):
    if fresh.keys() != committed.keys():
        yield f"{name}: other tensors: {sorted(fresh.keys() ^ committed.keys())}"
        return
    for key, value in fresh.items():
        other = committed[key]
        if value.shape != other.shape or value.dtype != other.dtype:
            yield f"{name}: {key}: expected {value.dtype} {value.shape}, got {other.dtype} {other.shape}"
            continue
        allowed = 0 if value.dtype == np.int64 else 1e-6 * np.abs(value).max()
        worst = np.abs(value - other).max()
        if not worst <= allowed:
            yield f"{name}: {key}: differs by {worst}"


def main():
    parser = argparse.ArgumentParser(description="Makes the parity fixtures of epee-model.")
    parser.add_argument("--out", type=Path, default=FIXTURES, help="the folder to write [default: the committed one]")
    parser.add_argument("--check", action="store_true", help="compare with what is in --out; write nothing")
    args = parser.parse_args()
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) if args.check else args.out
        tiny(out)
        minilm(out)
        for name in reference_families.FAMILIES:
            reference_families.tiny(out, name, about())
        if args.check:
            found = list(differences(out, args.out))
            print("\n".join(found) or "the fixtures are what the script makes")
            return 1 if found else 0
    for path in sorted(args.out.rglob("*")):
        if path.is_file():
            print(f"{path.stat().st_size:>8}  {path.relative_to(args.out)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
