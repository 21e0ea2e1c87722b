#!/usr/bin/env python3
"""One full-size random model of each architecture (12 layers of 768; DistilBERT 6) beside Transformers: every exit's logits.

    cargo build --release -p epee-model --example bench_peer
    python3 scripts/parity/parity_full.py --epee target/release/examples/bench_peer [NAME…]

Transformers makes the model, in its own initialisation, and computes in float64; epee reads the directory it saved, with heads
beside the weights, and answers in f32. Prints the table of docs/results/parity.md; exit status 1 if a logit differs by more than 1e-4 of the
largest. The other way round: AutoModel opens the same directory and must miss nothing and find nothing but `exits.*`.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
import transformers
from safetensors.numpy import load_file, save_file
from transformers import AutoConfig, AutoModel

CLASSES = 4
TOKENS = 64
FAMILIES = {
    "bert": ({"vocab_size": 30522, "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072}, "shared"),
    "albert": ({"vocab_size": 30000, "embedding_size": 128, "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072}, "shared"),
    "distilbert": ({"vocab_size": 30522}, "none"),
    "gpt2": ({"vocab_size": 50257}, "none"),
    "vit": ({}, "none"),
    "deit": ({}, "none"),
}


def layers(name, model):
    if name == "bert":
        return model.encoder.layer
    if name == "albert":
        return [group.albert_layers[0] for group in model.encoder.albert_layer_groups]
    if name == "distilbert":
        return model.transformer.layer
    return model.h if name == "gpt2" else model.layers


def read(name, model, state):
    if name == "bert":
        return model.pooler(state)
    if name == "albert":
        return torch.tanh(model.pooler(state[:, 0]))
    if name == "gpt2":
        return model.ln_f(state[:, -1])
    return state[:, 0] if name == "distilbert" else model.layernorm(state[:, 0])


def compare(name, engine, dir):
    changes, pooler = FAMILIES[name]
    config = AutoConfig.for_model(name, **changes)
    torch.manual_seed(7)
    pooling = {"add_pooling_layer": False} if name in ("vit", "deit") else {}
    model = AutoModel.from_config(config, attn_implementation="eager", **pooling).eval()
    model.save_pretrained(dir)
    depth, d = config.num_hidden_layers, config.hidden_size
    rng = np.random.default_rng(7)
    weights = load_file(dir / "model.safetensors")
    for m in range(1, depth + 1):
        weights[f"exits.{m}.classifier.weight"] = (rng.standard_normal((CLASSES, d)) / d**0.5).astype(np.float32)
        weights[f"exits.{m}.classifier.bias"] = (0.1 * rng.standard_normal(CLASSES)).astype(np.float32)
    save_file(weights, dir / "model.safetensors", metadata={"format": "pt"})
    labels = [f"class {k}" for k in range(CLASSES)]
    written = json.loads((dir / "config.json").read_text())
    written |= {"id2label": {str(k): label for k, label in enumerate(labels)}, "label2id": {label: k for k, label in enumerate(labels)}}
    (dir / "config.json").write_text(json.dumps(written))
    exits = {"format": 1, "exits": depth, "classes": CLASSES, "pooling": "last" if name == "gpt2" else "first", "pooler": pooler, "policy": "full"}
    if name in ("gpt2", "vit", "deit"):
        exits["exit_norm"] = True
    (dir / "exits.json").write_text(json.dumps(exits))

    if name in ("vit", "deit"):
        pixels = rng.standard_normal((1, 3, 224, 224)).astype(np.float32)
        inputs, request = {"pixel_values": torch.from_numpy(pixels).double()}, {"pixels": pixels.ravel().tolist()}
    else:
        ids = rng.integers(1, config.vocab_size, size=TOKENS)
        inputs, request = {"input_ids": torch.from_numpy(ids)[None]}, {"ids": ids.tolist()}

    model = model.double()
    after = []
    for layer in layers(name, model):
        layer.register_forward_hook(lambda m, a, out: after.append(out[0] if isinstance(out, tuple) else out))
    with torch.no_grad():
        model(**inputs)
        expected = [
            (read(name, model, state) @ torch.from_numpy(weights[f"exits.{m}.classifier.weight"]).double().T)[0].numpy()
            + weights[f"exits.{m}.classifier.bias"]
            for m, state in enumerate(after, start=1)
        ]
    request |= {"mode": "full", "warm_up": 0, "repeats": 1}
    answer = subprocess.run([engine, "--model", dir, "--threads", "2"], input=json.dumps(request) + "\n", capture_output=True, text=True)
    if answer.returncode:
        raise SystemExit(f"error: {name}: {answer.stderr}")
    got = json.loads(answer.stdout.splitlines()[-1])["logits"]
    if len(got) != depth:
        raise SystemExit(f"error: {name}: {len(got)} exits, expected {depth}")
    differences = [np.abs(np.array(g) - e).max() for g, e in zip(got, expected)]
    largest = max(np.abs(e).max() for e in expected)

    _, info = AutoModel.from_pretrained(dir, output_loading_info=True, **pooling)
    strange = [key for key in info["unexpected_keys"] if not key.startswith("exits.")]
    if info["missing_keys"] or strange:
        raise SystemExit(f"error: {name}: Transformers misses {info['missing_keys']} and does not know {strange}")
    return sum(p.numel() for p in model.parameters()), depth, differences, largest


def main():
    parser = argparse.ArgumentParser(description="Full-size parity with Transformers.")
    parser.add_argument("--epee", required=True, help="the built bench_peer example")
    parser.add_argument("names", nargs="*", default=[*FAMILIES], help="architectures [default: all]")
    args = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    print("| architecture | parameters | exits | largest logit | largest difference, exit 1 | last exit | any exit |")
    print("|---|---|---|---|---|---|---|")
    failed = False
    for name in args.names:
        with tempfile.TemporaryDirectory() as scratch:
            parameters, depth, differences, largest = compare(name, args.epee, Path(scratch))
        failed |= max(differences) > 1e-4 * largest
        print(
            f"| {name} | {parameters:,} | {depth} | {largest:.2f} | {differences[0]:.1e} | {differences[-1]:.1e} | {max(differences):.1e} |",
            flush=True,
        )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
