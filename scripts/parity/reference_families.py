"""Tiny random models of the architectures beside BERT, for scripts/parity/reference.py: ALBERT, DistilBERT, GPT-2, ViT, DeiT.

tiny-NAME/              config.json and model.safetensors as Transformers saves them, with heads `exits.{m}.classifier.*`
tiny-NAME/expected.safetensors
    texts: ids, type_ids i64 [T]; pictures: pixels f32 [B, C, H, W]      offsets i64 [B + 1], labels i64 [B]
    logits f32 [B, M, K]    hidden f32 [M, T, d] (after each layer)     embedded f32 [T, d] (before the first)
    loss f32 [1]            grad.NAME f32, NAME as in tiny-NAME/model.safetensors
    tiny-vit: resized_pixels f32 [B, C, H, W] of another size, resized_hidden f32 [M, T, d] with interpolated positions
tiny-NAME-hub/          the same weights as Transformers saves them with a head on: prefixes, heads, buffers

What an exit reads: ALBERT tanh(pooler(first row)), DistilBERT the first row, GPT-2 ln_f(last real row), ViT and DeiT
layernorm(class token's row). A layer's output is taken by a hook: Transformers' own hidden_states of GPT-2 end after ln_f.
"""

import json

import numpy as np
import torch
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
from torch.nn.functional import cross_entropy
from transformers import (
    AlbertConfig,
    AlbertForPreTraining,
    AlbertModel,
    DeiTConfig,
    DeiTForImageClassificationWithTeacher,
    DeiTModel,
    DistilBertConfig,
    DistilBertForMaskedLM,
    DistilBertModel,
    GPT2Config,
    GPT2LMHeadModel,
    GPT2Model,
    ViTConfig,
    ViTForImageClassification,
    ViTModel,
)

CLASSES = 3
LENGTHS = [1, 2, 7, 19, 24]
IMAGES = 3
SIZES = {"hidden_size": 24, "num_attention_heads": 3, "intermediate_size": 40}

FAMILIES = {
    "albert": {
        "classes": (AlbertConfig, AlbertModel, AlbertForPreTraining),
        "config": {**SIZES, "vocab_size": 50, "embedding_size": 10, "num_hidden_layers": 4, "num_hidden_groups": 2,
                   "max_position_embeddings": 24},
        "layers": lambda model: [group.albert_layers[0] for group in model.encoder.albert_layer_groups],
        "read": lambda model, rows: torch.tanh(model.pooler(rows[0])),
    },
    "distilbert": {
        "classes": (DistilBertConfig, DistilBertModel, DistilBertForMaskedLM),
        "config": {"vocab_size": 50, "dim": 24, "n_heads": 3, "hidden_dim": 40, "n_layers": 3, "max_position_embeddings": 24},
        "layers": lambda model: model.transformer.layer,
        "read": lambda model, rows: rows[0],
    },
    "gpt2": {
        "classes": (GPT2Config, GPT2Model, GPT2LMHeadModel),
        "config": {"vocab_size": 50, "n_embd": 24, "n_head": 3, "n_inner": 40, "n_layer": 3, "n_positions": 24},
        "layers": lambda model: model.h,
        "read": lambda model, rows: model.ln_f(rows[-1]),
    },
    "vit": {
        "classes": (ViTConfig, ViTModel, ViTForImageClassification),
        "config": {**SIZES, "num_hidden_layers": 3, "image_size": 12, "patch_size": 4, "num_channels": 1},
        "layers": lambda model: model.layers,
        "read": lambda model, rows: model.layernorm(rows[0]),
        "resized": (20, 16),
    },
    "deit": {
        "classes": (DeiTConfig, DeiTModel, DeiTForImageClassificationWithTeacher),
        "config": {**SIZES, "num_hidden_layers": 3, "image_size": [8, 12], "patch_size": [4, 2], "num_channels": 3},
        "layers": lambda model: model.layers,
        "read": lambda model, rows: model.layernorm(rows[0]),
    },
}

# Transformers 5 renames ViT's parts in memory; its files keep the old names.
IN_MEMORY = [
    ("layers.", "encoder.layer."),
    ("attention.q_proj", "attention.attention.query"),
    ("attention.k_proj", "attention.attention.key"),
    ("attention.v_proj", "attention.attention.value"),
    ("attention.o_proj", "attention.output.dense"),
    ("mlp.fc1", "intermediate.dense"),
    ("mlp.fc2", "output.dense"),
]


def stored_name(family, name):
    if family in ("vit", "deit"):
        for memory, stored in IN_MEMORY:
            name = name.replace(memory, stored)
    return name


def randomise(model, rng):
    """Weights large enough that every part matters; norms are no ones and zeros."""
    with torch.no_grad():
        for name, p in model.named_parameters():
            noise = rng.standard_normal(tuple(p.shape))
            if name.endswith("bias"):
                value = 0.1 * noise
            elif p.dim() == 1:
                value = 1.0 + 0.2 * noise
            elif any(part in name for part in ("word_embeddings", "position_embeddings", "token_type", "wte", "wpe", "_token")):
                value = 0.5 * noise
            else:
                conv1d = any(part in name for part in ("c_attn", "c_proj", "c_fc"))
                fan_in = p.shape[0] if conv1d else p[0].numel()
                value = 1.2 / np.sqrt(fan_in) * noise
            p.copy_(torch.from_numpy(value.astype(np.float32)))


def states(spec, model, inputs):
    """What goes into the first layer, and every layer's output."""
    before, after, handles = [], [], []
    first = lambda module, args, kwargs: before.append(args[0] if args else kwargs["hidden_states"])
    layers = spec["layers"](model)
    handles.append(layers[0].register_forward_pre_hook(first, with_kwargs=True))
    for layer in layers:
        handles.append(layer.register_forward_hook(lambda m, a, out: after.append(out[0] if isinstance(out, tuple) else out)))
    model(**inputs)
    for handle in handles:
        handle.remove()
    return before[0], after


def padded(sequences):
    width = max(map(len, sequences))
    rows = torch.tensor([row + [0] * (width - len(row)) for row in sequences])
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in sequences])
    return rows, mask


def f32(tensor):
    return np.ascontiguousarray(tensor.detach().numpy().astype(np.float32))


def i64(values):
    return np.asarray(values, dtype=np.int64)


def tiny(out, name, about):
    spec = FAMILIES[name]
    Config, Model, WithHead = spec["classes"]
    rng = np.random.default_rng(20241124 + len(name))
    config = Config(**spec["config"], attn_implementation="eager")
    pooling = {"add_pooling_layer": False} if name in ("vit", "deit") else {}
    model = Model(config, **pooling).eval()
    randomise(model, rng)
    exits = config.num_hidden_layers if name != "gpt2" else config.n_layer
    d = config.hidden_size
    heads = {}
    for m in range(1, exits + 1):
        heads[f"exits.{m}.classifier.weight"] = (0.3 * rng.standard_normal((CLASSES, d))).astype(np.float32)
        heads[f"exits.{m}.classifier.bias"] = (0.1 * rng.standard_normal(CLASSES)).astype(np.float32)

    folder = out / f"tiny-{name}"
    model.save_pretrained(folder)
    weights = load_file(folder / "model.safetensors")
    save_file({**weights, **heads}, folder / "model.safetensors", metadata={"format": "pt"})
    written = json.loads((folder / "config.json").read_text())
    labels = ["none", "weak", "strong"]
    written |= {"id2label": {str(i): label for i, label in enumerate(labels)}, "label2id": {label: i for i, label in enumerate(labels)}}
    (folder / "config.json").write_text(json.dumps(written, indent=2) + "\n")
    for extra in folder.glob("generation_config.json"):
        extra.unlink()
    for key, p in model.named_parameters():
        if not np.array_equal(weights[stored_name(name, key)], p.detach().numpy()):
            raise SystemExit(f"error: {name}: {key} is stored under another name")

    image = name in ("vit", "deit")
    if image:
        height, width = (config.image_size,) * 2 if isinstance(config.image_size, int) else config.image_size
        pixels = rng.standard_normal((IMAGES, config.num_channels, height, width)).astype(np.float32)
        lengths = [1] * IMAGES
        inputs = {"pixel_values": torch.from_numpy(pixels).double()}
        labels = [0, 2, 1]
    else:
        vocab = spec["config"]["vocab_size"]
        ids = [rng.integers(1, vocab, size=n).tolist() for n in LENGTHS]
        type_ids = [[0] * ((n + 1) // 2) + [1] * (n // 2) for n in LENGTHS]
        rows, mask = padded(ids)
        inputs = {"input_ids": rows, "attention_mask": mask}
        if name == "albert":
            inputs["token_type_ids"] = padded(type_ids)[0]
        lengths = LENGTHS
        labels = [0, 2, 1, 2, 0]

    model = model.double()
    head = {key: torch.from_numpy(value).double().requires_grad_() for key, value in heads.items()}

    def forward(inputs, lengths):
        before, after = states(spec, model, inputs)
        logits = []
        for m, state in enumerate(after, start=1):
            features = torch.stack([spec["read"](model, state[i] if image else state[i, :n]) for i, n in enumerate(lengths)])
            logits.append(features @ head[f"exits.{m}.classifier.weight"].T + head[f"exits.{m}.classifier.bias"])
        return torch.stack(logits, dim=1), before, after

    logits, before, after = forward(inputs, lengths)
    if len(after) != exits:
        raise SystemExit(f"error: {name}: {len(after)} layers ran, expected {exits}")
    loss = sum(m * cross_entropy(logits[:, m - 1], torch.tensor(labels)) for m in range(1, exits + 1)) / (exits * (exits + 1) / 2)
    loss.backward()
    for i in range(len(lengths)):
        alone = {key: value[i : i + 1] if image else value[i : i + 1, : lengths[i]] for key, value in inputs.items()}
        difference = (forward(alone, lengths[i : i + 1])[0][0] - logits[i]).abs().max().item()
        if not difference < 1e-12:
            raise SystemExit(f"error: {name}: sequence {i} alone differs from the batch by {difference}")

    pack = (lambda state: state.reshape(-1, d)) if image else (lambda state: torch.cat([state[i, :n] for i, n in enumerate(lengths)]))
    if image:
        lengths = [before.shape[1]] * IMAGES
        expected = {"pixels": pixels}
    else:
        expected = {"ids": i64(sum(ids, [])), "type_ids": i64(sum(type_ids, []))}
    expected |= {
        "offsets": i64(np.concatenate([[0], np.cumsum(lengths)])),
        "labels": i64(labels),
        "logits": f32(logits),
        "loss": f32(loss.reshape(1)),
        "embedded": f32(pack(before)),
        "hidden": f32(torch.stack([pack(state) for state in after])),
    }
    for key, p in [*model.named_parameters(), *head.items()]:
        gradient = torch.zeros_like(p) if p.grad is None else p.grad
        expected[f"grad.{stored_name(name, key)}"] = f32(gradient)
    if "resized" in spec:
        height, width = spec["resized"]
        pixels = rng.standard_normal((2, config.num_channels, height, width)).astype(np.float32)
        inputs = {"pixel_values": torch.from_numpy(pixels).double(), "interpolate_pos_encoding": True}
        _, after = states(spec, model, inputs)
        expected |= {"resized_pixels": pixels, "resized_hidden": f32(torch.stack([pack(state) for state in after]))}
    save_file(expected, folder / "expected.safetensors", metadata=about)
    hub(out / f"tiny-{name}-hub", name, spec, config, weights)


def hub(folder, name, spec, config, weights):
    """The same weights with a head on."""
    Config, Model, WithHead = spec["classes"]
    torch.manual_seed(1)
    model = WithHead(config).eval()
    base = getattr(model, model.base_model_prefix)
    loaded = {key: torch.from_numpy(weights[stored_name(name, key)]) for key, _ in base.named_parameters() if stored_name(name, key) in weights}
    base.load_state_dict(loaded, strict=False)
    model.save_pretrained(folder)
    tensors = load_file(folder / "model.safetensors")
    if name == "gpt2":
        # Old conversions kept the causal mask, and the head that is tied to the words.
        tensors["lm_head.weight"] = tensors["transformer.wte.weight"].copy()
        tensors["transformer.h.0.attn.bias"] = np.tril(np.ones((1, 1, 24, 24), dtype=np.uint8))
        tensors["transformer.h.0.attn.masked_bias"] = np.full((), -1e4, dtype=np.float32)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    for extra in folder.glob("generation_config.json"):
        extra.unlink()
    held = [key for key in tensors if not key.startswith(f"{model.base_model_prefix}.")]
    with safe_open(folder / "model.safetensors", "np") as file:
        found = sum(key.startswith(f"{model.base_model_prefix}.") for key in file.keys())
    if not held or found < len(weights):
        raise SystemExit(f"error: {name}: expected a checkpoint with a head, got {sorted(tensors)}")
