#!/usr/bin/env python3
"""Times PyTorch, ONNX Runtime, OpenVINO and epee side by side, in one run: one sequence through every layer of BERT.

    python3 -m venv .venv && .venv/bin/pip install -r scripts/requirements.txt
    .venv/bin/python scripts/bench_peers.py --epee BINARY               eight settings, half an hour
    .venv/bin/python scripts/bench_peers.py --epee BINARY --quick       does everything work? a minute
    .venv/bin/python scripts/bench_peers.py --epee BINARY --phee MODEL DATA --policy "epee(threshold=0.1, patience=3)"

Without --epee only the peers are timed. Settings: two models (small: 6 layers of 384, 12 heads, feed-forward 1536; base: 12
layers of 768, 12 heads, feed-forward 3072; vocabulary 30522, random weights, an exit after every layer: shared pooler, a
linear of its own, two classes) x 32 and 128 tokens x 1 and 2 threads. One sequence, no padding, so no attention mask.

full           one graph with every exit's logits; every row of every layer is computed
full-trimmed   one graph with the last exit's logits; of the last layer what these need: keys and values of every row, the
               rest for [CLS] alone
layers         one compiled piece a layer; between two pieces the caller reads the exit's logits and decides by their
               entropy, always to go on. No layer follows the last piece, so it is cut as in full-trimmed

What the peers are given, so that none is a straw man (in each setting the candidates are timed first, in mode full; the
fastest is used, and the report names it):

PyTorch        plain layers on Transformers' weights, held equal to BertModel; eager or SDPA attention, or the latter as
               TorchScript through optimize_for_inference; bf16; int8 by dynamic quantisation of every linear
ONNX Runtime   its own fusions or those of onnxruntime.transformers; without SkipLayerNormalization, whose kernel for CPUs
               cost a tenth of the time where this was written; int8 by quantize_dynamic, U8S8 per channel, with and without
               reduce_range. Lengths are dynamic, which was not slower than fixed ones, and `run` is called as it is, which
               was not slower than bound buffers. All sessions of a process share one thread pool, which `layers` needs:
               pools of their own would spin against each other
OpenVINO       the same ONNX files at a fixed length, latency hint, one stream, one request whose tensors are allocated
               before, each piece reading the last one's output in place; with two threads pinned or not; bf16 where the
               CPU has it; int8 by NNCF: weights alone, or weights and activations, calibrated on random sequences
Not used       torch.compile, which needs a C++ compiler on the user's machine (it was not faster than TorchScript)

Before anything is timed every side's logits are held against PyTorch's: f32 to 1e-4, lower precisions to 0.2 of a
probability: loose, since static quantisation takes random weights badly and no peer shall be left out for that; the report
says how far each is. A lower precision that takes over twice its own engine's f32 is left out, and named.

Each setting has a process of its own, in which the sides alternate: in each of `--rounds` rounds every side and mode has
its turn, in random order: warm up, then the median over so many repeats as take 0.4 s. The tables show the median over
rounds and the range. Threads wait for each other by spinning in their own turn, which is fast; each turn begins after a
pause in which all were seen to have stopped. epee measures inside its own process, the peers around the call from Python:
some 10 us a piece that they could save elsewhere.

--phee takes a trained model and the test split of its dataset instead. The sides take turns of 32 samples, each answered
once to warm up, then three times, of which the median counts. The graphs give the last exit alone: last-exit as anyone
would export them, and full-trimmed. Tokenisation is not in the times.

The machine must be idle: see bench_train.py. The tables say what others took meanwhile.
"""

import argparse
import contextlib
import copy
import functools
import importlib.metadata
import io
import itertools
import json
import logging
import math
import multiprocessing
import os
import platform
import random
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

os.environ["CI"] = "true"  # or OpenVINO and NNCF report their use to their makers

import numpy as np
import onnx
import onnxruntime
import openvino
import torch
from bench_train import BUSY, Others, note, processor
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.transformers import optimizer
from onnxruntime.transformers.fusion_options import FusionOptions
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from torch import nn
from torch.nn.functional import gelu, scaled_dot_product_attention
from transformers import BertConfig, BertModel

COMMON = {
    "architectures": ["BertModel"],
    "model_type": "bert",
    "vocab_size": 30522,
    "hidden_act": "gelu",
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
    "layer_norm_eps": 1e-12,
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.1,
    "initializer_range": 0.02,
    "pad_token_id": 0,
    "position_embedding_type": "absolute",
}
SIZES = {
    "small": {"hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536},
    "base": {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072},
}
LABELS = ["no", "yes"]
TITLES = {"pytorch": "PyTorch", "onnxruntime": "ONNX Runtime", "openvino": "OpenVINO", "epee": "epee"}
PRECISIONS = {
    "pytorch": ["f32", "bf16", "int8"],
    "onnxruntime": ["f32", "int8"],
    "openvino": ["f32", "bf16", "int8"],
    "epee": ["f32", "bf16", "int8"],
}
MODES = ["full", "full-trimmed", "layers"]

# A lower precision that takes this many times f32's time is not worth its turns.
SLOW = 2.0
# How far logits may be from PyTorch's, and a lower precision's probabilities.
CLOSE, LOOSE = 1e-4, 0.2
# Random sequences by which NNCF chooses the ranges of activations.
CALIBRATION = 8
# Samples of one turn with --phee.
BLOCK = 32
# Seconds before a turn, in which the last one's threads stop spinning; what share of one processor they may take after it.
PAUSE, IDLE = 0.08, 0.05

SKIP_LAYER_NORM = "SkipLayerNormFusion"
# Which file, and what ONNX Runtime's own optimiser must leave alone.
ONNX_GRAPHS = {
    "its own fusions": ("plain", []),
    "its own fusions without SkipLayerNormalization": ("plain", [SKIP_LAYER_NORM]),
    "BERT fusions without SkipLayerNormalization": ("fused", [SKIP_LAYER_NORM]),
}


class Model(nn.Module):
    """Transformers' BertModel with an exit after every layer, computed by plain operations that export without a mask."""

    def __init__(self, config, classes):
        super().__init__()
        self.config = config
        self.depth, self.heads = config["num_hidden_layers"], config["num_attention_heads"]
        self.bert = BertModel(BertConfig(**config))
        self.classifiers = nn.ModuleList(nn.Linear(config["hidden_size"], classes) for _ in range(self.depth))

    def embed(self, ids):
        tables = self.bert.embeddings
        positions = tables.position_embeddings.weight[: ids.shape[1]]
        return tables.LayerNorm(tables.word_embeddings(ids) + positions + tables.token_type_embeddings.weight[0])

    def split(self, rows):
        """`[1, n, width]` by heads."""
        return rows.reshape(1, -1, self.heads, self.config["hidden_size"] // self.heads).transpose(1, 2)

    def layer(self, m, hidden, first_alone, attention):
        """Layer m, of the first row alone or of all."""
        layer = self.bert.encoder.layer[m]
        project, output = layer.attention.self, layer.attention.output
        rows = hidden[:, :1] if first_alone else hidden
        q, k, v = (self.split(x) for x in (project.query(rows), project.key(hidden), project.value(hidden)))
        context = attention(q, k, v).transpose(1, 2).reshape(1, -1, self.config["hidden_size"])
        rows = output.LayerNorm(output.dense(context) + rows)
        return layer.output.LayerNorm(layer.output.dense(gelu(layer.intermediate.dense(rows))) + rows)

    def exit(self, m, hidden):
        return self.classifiers[m](torch.tanh(self.bert.pooler.dense(hidden[:, 0])))

    def through_transformers(self, ids):
        """The logits by BertModel.forward, to compare with."""
        states = self.bert(ids, output_hidden_states=True).hidden_states[1:]
        return torch.cat([self.exit(m, state) for m, state in enumerate(states)])

    def save(self, folder, labels):
        """A directory as `epee train` writes it, with the least tokenizer."""
        tensors = {name: tensor.contiguous() for name, tensor in self.bert.state_dict().items()}
        for m, classifier in enumerate(self.classifiers, 1):
            tensors |= {f"exits.{m}.classifier.{name}": tensor for name, tensor in classifier.state_dict().items()}
        save_file(tensors, folder / "model.safetensors", {"format": "pt"})
        names = {"id2label": dict(enumerate(labels)), "label2id": {label: k for k, label in enumerate(labels)}}
        exits = {
            "format": 1,
            "exits": self.depth,
            "classes": len(labels),
            "pooling": "first",
            "pooler": "shared",
            "policy": "full",
        }
        (folder / "config.json").write_text(json.dumps(self.config | names, indent=2) + "\n")
        (folder / "exits.json").write_text(json.dumps(exits, indent=2) + "\n")
        vocabulary = {token: k for k, token in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a"])}
        tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
        tokenizer.normalizer, tokenizer.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
        tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
        tokenizer.save(str(folder / "tokenizer.json"))

    @classmethod
    def load(cls, folder):
        exits = json.loads((folder / "exits.json").read_text())
        if (exits["pooling"], exits["pooler"]) != ("first", "shared"):
            raise SystemExit(f"error: {folder}: expected a shared pooler on the first token")
        model = cls(json.loads((folder / "config.json").read_text()), exits["classes"])
        tensors = load_file(folder / "model.safetensors")
        for m, classifier in enumerate(model.classifiers, 1):
            classifier.load_state_dict({name: tensors.pop(f"exits.{m}.classifier.{name}") for name in ("weight", "bias")})
        model.bert.load_state_dict(tensors)
        return model.eval()


def eager(q, k, v):
    return (q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])).softmax(-1) @ v


class Piece(nn.Module):
    """Some layers in a row and the logits of some of their exits; the hidden rows too, where layers follow."""

    def __init__(self, model, layers, exits, trimmed, attention):
        super().__init__()
        self.model, self.layers, self.exits, self.trimmed, self.attention = model, layers, exits, trimmed, attention

    def forward(self, state):
        hidden, logits = (state if self.layers.start else self.model.embed(state)), []
        for m in self.layers:
            hidden = self.model.layer(m, hidden, self.trimmed and m + 1 == self.model.depth, self.attention)
            if m in self.exits:
                logits.append(self.model.exit(m, hidden))
        logits = torch.cat(logits)
        return (logits, hidden) if self.layers.stop < self.model.depth else (logits,)


def pieces(model, mode, attention=eager):
    layers = range(model.depth)
    match mode:
        case "full":
            cuts = [(layers, layers, False)]
        case "last-exit":
            cuts = [(layers, layers[-1:], False)]
        case "full-trimmed":
            cuts = [(layers, layers[-1:], True)]
        case "layers":
            cuts = [(layers[m : m + 1], layers[m : m + 1], True) for m in layers]
    return [Piece(model, *cut, attention).eval() for cut in cuts]


def entropy(logits):
    """Of one exit, Eq. 1."""
    top = max(logits)
    weights = [math.exp(z - top) for z in logits]
    total = sum(weights)
    nats = math.log(total) - sum(w * (z - top) for w, z in zip(weights, logits, strict=True)) / total
    return nats / math.log(len(logits))


def chained(compiled):
    """A function from ids to logits, of pieces `state -> [logits, next state]`. No entropy is below the threshold, 0."""

    def run(ids):
        state, answers = ids, []
        for piece in compiled:
            logits, *following = piece(state)
            answers.append(logits)
            if following:
                if entropy(logits[0].tolist()) < 0.0:
                    break
                state = following[0]
        return np.concatenate(answers)

    return run


def converted(sources, folder, convert, suffix=".onnx"):
    """The files that `convert(source, path)` made of others, or makes now, in a folder beside these."""
    paths = [source.parent / folder / source.with_suffix(suffix).name for source in sources]
    for source, path in zip(sources, paths, strict=True):
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            convert(source, path)
    return paths


@dataclass
class Workshop:
    """A model, where its graphs are kept, and how they are to run. Graphs are made when first asked for."""

    model: Model
    folder: Path
    threads: int
    ids: np.ndarray
    fixed_length: bool
    core: openvino.Core = field(default_factory=openvino.Core)

    def states(self, mode, ids):
        """What goes into each piece."""
        states = [torch.from_numpy(ids)]
        for piece in pieces(self.model, mode)[:-1]:
            states.append(piece(states[-1])[1])
        return states

    def pytorch(self, variant, mode):
        model, attention, script = variant
        modules = pieces(model, mode, attention)
        if script:
            examples = zip(modules, self.states(mode, self.ids), strict=True)
            modules = [torch.jit.optimize_for_inference(torch.jit.trace(module, state)) for module, state in examples]

        def compiled(module):
            def run(state):
                logits, *following = module(torch.as_tensor(state))
                return [logits.float().numpy(), *following]

            return run

        return torch.inference_mode()(chained([compiled(module) for module in modules]))

    def plain(self, mode):
        """The ONNX files of a mode's pieces."""
        modules = pieces(self.model, mode)
        paths = [self.folder / f"{mode}-{k}.onnx" for k in range(len(modules))]
        if not paths[-1].exists():
            self.folder.mkdir(exist_ok=True)
            for module, state, path in zip(modules, self.states(mode, self.ids), paths, strict=True):
                names = ["input", "logits", "hidden"] if module.layers.stop < self.model.depth else ["input", "logits"]
                axes = {name: {1: "tokens"} for name in names if name != "logits"}
                torch.onnx.export(
                    module, (state,), path, input_names=names[:1], output_names=names[1:], dynamic_axes=axes, dynamo=False
                )
        return paths

    def fused(self, mode):
        """The same through onnxruntime.transformers."""
        options = FusionOptions("bert")
        options.enable_skip_layer_norm = options.enable_bias_skip_layer_norm = False
        size = {"num_heads": self.model.heads, "hidden_size": self.model.config["hidden_size"]}

        def fuse(source, path):
            graph = optimizer.optimize_model(str(source), "bert", opt_level=0, optimization_options=options, **size)
            graph.save_model_to_file(str(path))

        return converted(self.plain(mode), "fused", fuse)

    def onnxruntime(self, variant, mode):
        (file, disabled), reduce_range = variant
        paths = self.plain(mode) if file == "plain" else self.fused(mode)
        if reduce_range is not None:
            settings = {"per_channel": True, "reduce_range": reduce_range, "weight_type": QuantType.QInt8}
            settings |= {"extra_options": {"DefaultTensorType": onnx.TensorProto.FLOAT}}
            folder = "int8-reduced" if reduce_range else "int8"
            paths = converted(paths, folder, functools.partial(quantize_dynamic, **settings))

        def compiled(path):
            options = onnxruntime.SessionOptions()
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
            options.use_per_session_threads = False
            options.log_severity_level = 3
            session = onnxruntime.InferenceSession(
                path, options, providers=["CPUExecutionProvider"], disabled_optimizers=disabled
            )
            return lambda state: session.run(None, {"input": state})

        return chained([compiled(path) for path in paths])

    def nncf(self, kind, mode):
        """The pieces' OpenVINO files in int8."""
        import nncf  # slow to load

        draw, paths = np.random.default_rng(2), self.plain(mode)
        vocabulary = self.model.config["vocab_size"]
        rows = [self.states(mode, draw.integers(1, vocabulary, self.ids.shape)) for _ in range(CALIBRATION)]
        inputs = {path: [row[k].numpy() for row in rows] for k, path in enumerate(paths)}

        def quantise(source, path):
            graph = self.core.read_model(source)
            if kind == "int8 weights":
                graph = nncf.compress_weights(graph, mode=nncf.CompressWeightsMode.INT8_SYM)
            else:
                samples = nncf.Dataset(inputs[source])
                graph = nncf.quantize(graph, samples, model_type=nncf.ModelType.TRANSFORMER, subset_size=CALIBRATION)
            openvino.save_model(graph, path, compress_to_fp16=False)

        with contextlib.redirect_stdout(io.StringIO()):  # progress bars
            return converted(paths, kind.replace(" ", "-"), quantise, ".xml")

    def openvino(self, variant, mode):
        kind, hint, pinned = variant
        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": 1,
            "INFERENCE_NUM_THREADS": self.threads,
            "INFERENCE_PRECISION_HINT": hint,
            "ENABLE_CPU_PINNING": pinned,
        }
        paths = self.plain(mode) if kind == "f32" else self.nncf(kind, mode)
        compiled, handed_on = [], None
        for path, state in zip(paths, self.states(mode, self.ids), strict=True):
            graph = self.core.read_model(path)
            if self.fixed_length:
                graph.reshape(list(state.shape))
            request = self.core.compile_model(graph, "CPU", settings).create_infer_request()
            compiled.append(self.request(request, handed_on))
            handed_on = request.get_tensor("hidden") if len(compiled) < len(paths) else None
        return chained(compiled)

    def request(self, request, handed_on):
        """The function of one piece; what an earlier one handed on is read where it is."""
        entry = handed_on
        if handed_on is None and self.fixed_length:
            entry = openvino.Tensor(np.zeros_like(self.ids))
        if entry is not None:
            request.set_input_tensor(entry)

        def run(state):
            if entry is None:
                request.set_input_tensor(openvino.Tensor(state))
            elif handed_on is None:
                entry.data[:] = state
            request.infer()
            return [tensor.data for tensor in request.output_tensors]

        return run

    def variants(self, engine, precision):
        """Candidates by name."""
        match engine, precision:
            case "pytorch", _:
                model = self.model
                if precision == "bf16":
                    model = copy.deepcopy(model).bfloat16()
                if precision == "int8":
                    model = torch.ao.quantization.quantize_dynamic(model, {nn.Linear}, dtype=torch.qint8)
                variants = {"eager": (model, eager, False), "SDPA": (model, scaled_dot_product_attention, False)}
                if precision == "f32":
                    variants["SDPA, TorchScript"] = (model, scaled_dot_product_attention, True)
                return variants
            case "onnxruntime", "f32":
                return {name: (graph, None) for name, graph in ONNX_GRAPHS.items()}
            case "onnxruntime", "int8":
                ranges = {"reduce_range": True, "whole range": False}
                both = itertools.product(ranges.items(), ONNX_GRAPHS.items())
                return {f"{name}, {weights}": (graph, reduce) for (weights, reduce), (name, graph) in both}
            case "openvino", _:
                kinds = ["int8 weights", "int8 weights and activations"] if precision == "int8" else ["f32"]
                hint = "bf16" if precision != "f32" and self.has_bf16() else "f32"
                pins = {"pinned": True, "not pinned": False} if self.threads > 1 else {"not pinned": False}
                both = itertools.product(kinds, pins.items())
                return {f"{kind}, {name}".removeprefix("f32, "): (kind, hint, pinned) for kind, (name, pinned) in both}

    def has_bf16(self):
        return "BF16" in self.core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")


class Peer:
    """One engine at one precision: the fastest of its candidates, in every mode."""

    def __init__(self, workshop, engine, precision, modes):
        self.engine, self.precision = engine, precision
        build, variants = getattr(workshop, engine), workshop.variants(engine, precision)
        candidates = {name: build(variant, modes[0]) for name, variant in variants.items()}
        self.choice = fastest(f"{TITLES[engine]} {precision}", candidates, workshop.ids)
        others = {mode: build(variants[self.choice], mode) for mode in modes[1:]}
        self.runs = {modes[0]: candidates[self.choice]} | others

    def ask(self, mode, ids, warm_up, repeats):
        """Logits, and seconds of each repeat."""
        run = self.runs[mode]
        for _ in range(warm_up):
            run(ids)
        seconds = []
        for _ in range(repeats):
            begun = time.perf_counter()
            logits = run(ids)
            seconds.append(time.perf_counter() - begun)
        return logits, seconds


class Epee:
    """epee at one precision, in a process of its own that waits for requests."""

    engine = "epee"

    def __init__(self, binary, folder, precision, threads):
        self.precision = precision
        command = [str(binary), "--model", str(folder), "--precision", precision, "--threads", str(threads)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ready = self.read()
        self.choice = self.ready["isa"]

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            raise EpeeEnded(f"{shlex.join(self.process.args)} ended with exit status {self.process.wait()}")
        return json.loads(line)

    def answer(self, mode, ids, warm_up, repeats, policy=None):
        request = {"ids": ids[0].tolist(), "mode": mode, "policy": policy, "warm_up": warm_up, "repeats": repeats}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return self.read()

    def ask(self, mode, ids, warm_up, repeats):
        answer = self.answer(mode, ids, warm_up, repeats)
        return np.array(answer["logits"], np.float32), answer["seconds"]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class EpeeEnded(Exception):
    pass


class Surroundings(Others):
    """Other programs; epee's processes, while they run, are not among them."""

    def __init__(self, sides):
        self.children = [side.process.pid for side in sides if isinstance(side, Epee)]
        super().__init__()

    def seconds(self):
        busy = super().seconds()
        return busy if busy is None else busy - sum(map(processor_seconds, self.children))


def processor_seconds(pid):
    """What a process took so far; 0 where Linux is not there."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def fastest(title, candidates, ids):
    """The name of the fastest; each is timed three times, in turn."""
    timed = {name: [] for name in candidates}
    for _ in range(3):
        for name, run in candidates.items():
            time.sleep(PAUSE)
            run(ids)
            for _ in range(5):
                begun = time.perf_counter()
                run(ids)
                timed[name].append(time.perf_counter() - begun)
    best = {name: min(seconds) for name, seconds in timed.items()}
    note(f"  {title}: " + "; ".join(f"{name} {seconds * 1e3:.2f} ms" for name, seconds in best.items()))
    return min(best, key=best.get)


def probabilities(logits):
    return torch.from_numpy(np.array(logits, np.float64)).softmax(-1).numpy()


def held_to(reference, side, mode, ids):
    """How far a side is from PyTorch: the greatest difference of a logit and of a probability. Too far ends the run."""
    logits, _ = side.ask(mode, ids, 0, 1)
    expected = reference if mode == "full" else reference[-len(logits) :]  # the last exits, as many as it tells
    what = f"{TITLES[side.engine]} {side.precision}, {mode}"
    if logits.shape != expected.shape:
        raise SystemExit(f"error: {what}: expected logits of shape {expected.shape}, got {logits.shape}")
    logit = float(np.abs(logits - expected).max())
    probability = float(np.abs(probabilities(logits) - probabilities(expected)).max())
    close = np.allclose(logits, expected, rtol=CLOSE, atol=CLOSE) if side.precision == "f32" else probability <= LOOSE
    if not close:
        raise SystemExit(f"error: {what}: logits are off by {logit:.2g}, probabilities by {probability:.2g}")
    return {"logit": logit, "probability": probability}


def idle_share(side, ids):
    """What share of one processor this process and the side's own take after a turn and the pause."""
    pids = [os.getpid()] + ([side.process.pid] if isinstance(side, Epee) else [])
    side.ask("full", ids, 0, 5)
    time.sleep(PAUSE)
    begun, before = time.perf_counter(), sum(map(processor_seconds, pids))
    time.sleep(0.4)
    return (sum(map(processor_seconds, pids)) - before) / (time.perf_counter() - begun)


def prepare(threads):
    """Of a fresh process: thread pools, and quiet."""
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    torch.set_grad_enabled(False)
    torch.set_num_threads(threads)
    onnxruntime.set_global_thread_pool_sizes(threads, 1)


def gather(args, workshop, model_folder, modes, precisions, stack):
    """The sides of one setting, and those left out with the reason."""
    sides, left_out, f32 = [], {}, {}
    for engine in args.engines:
        for precision in precisions[engine]:
            title = f"{TITLES[engine]} {precision}"
            if engine == "openvino" and precision == "bf16" and not workshop.has_bf16():
                left_out[title] = "the processor has no bf16"
                continue
            if engine == "epee":
                try:
                    side = Epee(args.epee, model_folder, precision, workshop.threads)
                except EpeeEnded as error:
                    if precision == "f32":
                        raise SystemExit(f"error: {error}") from None
                    left_out[title] = str(error)
                    continue
                stack.callback(side.close)
            else:
                side = Peer(workshop, engine, precision, modes)
                seconds = min(side.ask(modes[0], workshop.ids, 1, 5)[1])
                if seconds > SLOW * f32.setdefault(engine, seconds):
                    left_out[title] = f"{seconds / f32[engine]:.1f} times as slow as f32"
                    continue
            sides.append(side)
    return sides, left_out


def measure(args, setting, folder):
    """One setting, in a process of its own."""
    prepare(setting["threads"])
    note(f"{setting['model']}, {setting['tokens']} tokens, {threads_of(setting)}")
    folder = folder / setting["model"]
    model = Model.load(folder)
    ids = np.random.default_rng(1).integers(1, model.config["vocab_size"], (1, setting["tokens"]))
    reference = pieces(model, "full")[0](torch.from_numpy(ids))[0]
    torch.testing.assert_close(reference, model.through_transformers(torch.from_numpy(ids)), rtol=CLOSE, atol=1e-5)
    workshop = Workshop(model, folder / "graphs", setting["threads"], ids, fixed_length=True)
    with contextlib.ExitStack() as stack:
        sides, left_out = gather(args, workshop, folder, MODES, PRECISIONS, stack)
        distance, repeats = {}, {}
        turns = list(itertools.product(range(len(sides)), MODES))
        for side, mode in turns:
            distance[side, mode] = held_to(reference.numpy(), sides[side], mode, ids)
            repeats[side, mode] = max(3, int(args.turn / min(sides[side].ask(mode, ids, 1, 3)[1])))
        idle = [idle_share(side, ids) for side in sides]
        others, order = Surroundings(sides), random.Random(1)
        measured = {turn: [] for turn in turns}
        for _ in range(args.rounds):
            for side, mode in order.sample(turns, len(turns)):
                time.sleep(PAUSE)
                count = repeats[side, mode]
                _, seconds = sides[side].ask(mode, ids, max(2, count // 8), count)
                measured[side, mode].append(statistics.median(seconds))
        share = others.share()
    result = setting | {"others_share": share, "left_out": left_out, "sides": []}
    for k, side in enumerate(sides):
        modes = {
            mode: spread(measured[k, mode]) | {"off_by": distance[k, mode], "repeats": repeats[k, mode]} for mode in MODES
        }
        named = {"engine": side.engine, "precision": side.precision, "choice": side.choice}
        result["sides"].append(named | {"idle_share": idle[k], "ready": getattr(side, "ready", None), "modes": modes})
    note(mode_table([result], "full"))
    return result


def spread(rounds):
    return {"median": statistics.median(rounds), "min": min(rounds), "max": max(rounds), "rounds": rounds}


def best(setting, mode, epee, f32_alone):
    """The least time of epee or of any peer in a mode."""
    times = [
        side["modes"][mode]["median"]
        for side in setting["sides"]
        if (side["engine"] == "epee") == epee and (side["precision"] == "f32" or not f32_alone)
    ]
    return min(times, default=None)


def ratio(setting, mode, f32_alone):
    """epee / best peer, or None."""
    ours, theirs = (best(setting, mode, epee, f32_alone) for epee in (True, False))
    return ours / theirs if ours and theirs else None


def threads_of(result):
    return f"{result['threads']} thread{'s' * (result['threads'] > 1)}"


def mode_table(settings, mode):
    """Rows: sides; columns: settings of one model."""
    heads = [f"{setting['tokens']} tokens, {threads_of(setting)}" for setting in settings]
    lines = [f"| {settings[0]['model']}, {mode}: ms | " + " | ".join(heads) + " |", "|---|" + "--:|" * len(heads)]
    rows = {}
    for column, setting in enumerate(settings):
        for side in setting["sides"]:
            median, least, most = (side["modes"][mode][of] * 1e3 for of in ("median", "min", "max"))
            shown = f"{median:.2f} ({least:.2f}–{most:.2f})"
            rows.setdefault((side["engine"], side["precision"]), ["–"] * len(settings))[column] = shown
    for engine, precisions in PRECISIONS.items():
        for precision in precisions:
            if (engine, precision) in rows:
                lines.append(f"| {TITLES[engine]} {precision} | " + " | ".join(rows[engine, precision]) + " |")
    for f32_alone, title in ((True, "epee / best peer, f32"), (False, "fastest precision of epee / of any peer")):
        ratios = [ratio(setting, mode, f32_alone) for setting in settings]
        if any(ratios):
            lines.append(f"| **{title}** | " + " | ".join(f"**{r:.2f}**" if r else "–" for r in ratios) + " |")
    return "\n".join(lines)


def means(settings):
    """Per mode the geometric means of the ratios over the settings, where epee took part."""
    result = {}
    for mode in MODES:
        for f32_alone, name in ((True, "f32"), (False, "fastest")):
            ratios = [ratio(setting, mode, f32_alone) for setting in settings]
            if all(ratios):
                result.setdefault(mode, {})[name] = statistics.geometric_mean(ratios)
    return result


def machine_line(report):
    machine = report["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return f"{machine['cpu']}, {machine['cpus']} processors. {versions}. `{report['command']}`"


def busy_line(shares):
    """What others took, if it can be told."""
    known = [share for share in shares if share is not None]
    if not known:
        return []
    line = f"Other programs took {max(known):.0%} of the processors" + (" in the worst setting." if len(known) > 1 else ".")
    if max(known) > BUSY:
        line += " **These figures cannot be used: run it again on an idle machine.**"
    return ["", line]


def markdown(report):
    settings = report["settings"]
    lines = [machine_line(report), "", f"Median of {report['rounds']} rounds (range), one sequence."]
    for model, mode in itertools.product(dict.fromkeys(s["model"] for s in settings), MODES):
        lines += ["", mode_table([s for s in settings if s["model"] == model], mode)]
    if report["geometric_means"]:
        lines += [
            "",
            f"| epee / best peer, geometric mean of {len(settings)} settings | f32 / f32 | fastest / fastest precision |",
            "|---|--:|--:|",
        ]
        for mode, mean in report["geometric_means"].items():
            lines.append(f"| {mode} | {mean['f32']:.3f} | {mean['fastest']:.3f} |")
    chosen, off, left_out, spinning = {}, {}, {}, set()
    for setting in settings:
        left_out |= setting["left_out"]
        for side in setting["sides"]:
            title = f"{TITLES[side['engine']]} {side['precision']}"
            chosen.setdefault(title, []).append(side["choice"])
            if side["precision"] != "f32":
                off[title] = max([off.get(title, 0.0), *(mode["off_by"]["probability"] for mode in side["modes"].values())])
            if side["idle_share"] > IDLE:
                spinning.add(title)
    shown = "; ".join(f"{title}: {counted(names)}" for title, names in chosen.items())
    lines += ["", f"Chosen, of the candidates: {shown}."]
    if off:
        shown = "; ".join(f"{title} {distance:.4f}" for title, distance in off.items())
        lines += ["", f"Greatest difference of a probability from PyTorch's f32: {shown}."]
    if left_out:
        lines += ["", "Left out: " + "; ".join(f"{title} ({why})" for title, why in left_out.items()) + "."]
    if spinning:
        lines += ["", f"**Not idle between turns, which took time from others: {', '.join(sorted(spinning))}.**"]
    return "\n".join(lines + busy_line([setting["others_share"] for setting in settings]))


def counted(names):
    """`a (6 of 8), b (2 of 8)`."""
    kinds = dict.fromkeys(names)
    return ", ".join(f"{name} ({names.count(name)} of {len(names)})" for name in kinds)


def read_split(folder, model_folder, limit):
    """The test split: token ids and labels, and what tokenising took a sample."""
    config, exits = (json.loads((model_folder / name).read_text()) for name in ("config.json", "exits.json"))
    labels = json.loads((folder / "dataset.json").read_text())["labels"]
    if labels != [config["id2label"][str(k)] for k in range(len(labels))]:
        raise SystemExit(f"error: {folder} and {model_folder} do not have the same labels")
    rows = [json.loads(line) for line in (folder / "test.jsonl").read_text().splitlines()][:limit]
    if any(row.get("pair") is not None for row in rows):
        raise SystemExit(f"error: {folder}: pairs are not supported: the peers' graphs have one segment")
    tokenizer = Tokenizer.from_file(str(model_folder / "tokenizer.json"))
    tokenizer.no_padding()
    positions = config["max_position_embeddings"]
    tokenizer.enable_truncation(min(exits.get("max_tokens") or positions, positions))
    tokenizer.encode(rows[0]["text"])
    begun = time.perf_counter()
    encoded = [tokenizer.encode(row["text"]).ids for row in rows]
    seconds = (time.perf_counter() - begun) / len(rows)
    return [np.array([ids]) for ids in encoded], [labels.index(row["label"]) for row in rows], seconds


def accuracy_and_f1(actual, predicted):
    """Accuracy and macro-F1, a class that occurs in neither not counted."""
    pairs = list(zip(actual, predicted, strict=True))
    scores = []
    for k in set(actual) | set(predicted):
        scores.append(2 * pairs.count((k, k)) / (actual.count(k) + predicted.count(k)))
    return sum(a == p for a, p in pairs) / len(pairs), statistics.mean(scores)


def measure_phee(args, threads, folder):
    """Every side over the test split, in a process of its own."""
    prepare(threads)
    model_folder, data = args.phee
    model = Model.load(model_folder)
    samples, labels, tokenising = read_split(data, model_folder, args.limit)
    middle = sorted(samples, key=np.size)[len(samples) // 2]
    workshop = Workshop(model, folder, threads, middle, fixed_length=False)
    precisions = {"pytorch": [], "onnxruntime": ["f32", "int8"], "openvino": ["f32"], "epee": ["f32", "int8"]}
    graphs = ["last-exit", "full-trimmed"]
    with contextlib.ExitStack() as stack:
        sides, left_out = gather(args, workshop, model_folder, graphs, precisions, stack)
        reference = pieces(model, "full")[0](torch.from_numpy(middle))[0].numpy()
        runs = {}
        for side in sides:
            modes = ["policy", "full", "full-trimmed"] if side.engine == "epee" else graphs
            for mode in modes:
                runs[f"{TITLES[side.engine]} {side.precision}, {mode}"] = (side, mode)
                if mode != "policy":
                    held_to(reference, side, mode, middle)
        for side, ids in itertools.product(sides, {ids.size: ids for ids in samples}.values()):
            if side.engine == "openvino":  # compiles once for every length
                for mode in graphs:
                    side.ask(mode, ids, 0, 1)
        others, order = Surroundings(sides), random.Random(1)
        answers = {name: [] for name in runs}
        for start in range(0, len(samples), BLOCK):
            for name in order.sample(list(runs), len(runs)):
                time.sleep(PAUSE)
                answers[name] += [answered(*runs[name], ids, args.policy) for ids in samples[start : start + BLOCK]]
        share = others.share()
    result = {"threads": threads, "others_share": share, "left_out": left_out, "tokenising_s": tokenising, "runs": {}}
    result |= {"samples": len(samples), "tokens": statistics.mean(ids.size for ids in samples), "exits": model.depth}
    for name, given in answers.items():
        seconds, predicted, exits = (list(column) for column in zip(*given, strict=True))
        accuracy, f1 = accuracy_and_f1(labels, predicted)
        mean_exit = statistics.mean(exit_ or model.depth for exit_ in exits)
        side, mode = runs[name]
        result["runs"][name] = {
            "engine": side.engine,
            "precision": side.precision,
            "mode": mode,
            "choice": side.choice,
            "mean_s": statistics.mean(seconds),
            "accuracy": accuracy,
            "macro_f1": f1,
            "mean_exit": mean_exit,
            "saving": 1 - mean_exit / model.depth,
        }
    note(phee_table(result))
    return result


def answered(side, mode, ids, policy):
    """Seconds, the class and the exit of one answer, the exit only where epee tells it."""
    if side.engine == "epee":
        answer = side.answer(mode, ids, 1, 3, policy)
        return statistics.median(answer["seconds"]), answer["label"], answer["exit"]
    logits, seconds = side.ask(mode, ids, 1, 3)
    return statistics.median(seconds), int(logits[-1].argmax()), None


def phee_table(result):
    runs = result["runs"]
    heads = ["ms a sample", "accuracy", "macro-F1", "mean exit", "saving, Eq. 5", "measured, of full", "of full-trimmed"]
    lines = [f"| {threads_of(result)} | " + " | ".join(heads) + " |", "|---|" + "--:|" * len(heads)]
    for name, run in runs.items():
        cells = [
            f"{run['mean_s'] * 1e3:.2f}",
            f"{run['accuracy']:.4f}",
            f"{run['macro_f1']:.4f}",
            f"{run['mean_exit']:.2f}",
        ]
        if run["mode"] == "policy":
            own = [runs[f"epee {run['precision']}, {mode}"]["mean_s"] for mode in ("full", "full-trimmed")]
            cells += [f"{saving:.1%}" for saving in (run["saving"], *(1 - run["mean_s"] / seconds for seconds in own))]
        else:
            cells += ["–"] * 3
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines.append("")
    ours = {name: run["mean_s"] for name, run in runs.items() if run["mode"] == "policy"}
    theirs = {name: run["mean_s"] for name, run in runs.items() if run["engine"] != "epee"}
    for (name, seconds), (peer, slower) in itertools.product(ours.items(), theirs.items()):
        lines.append(f"- {peer} / {name}: **{slower / seconds:.2f}**")
    return "\n".join(lines)


def phee_markdown(report):
    first = report["runs"][0]
    about = (
        f"{first['samples']} samples of {first['tokens']:.1f} tokens in the mean, one at a time; policy {report['policy']}. "
        f"Tokenising, not in the times: {first['tokenising_s'] * 1e3:.2f} ms a sample."
    )
    lines = [machine_line(report), "", about]
    for result in report["runs"]:
        chosen = {f"{TITLES[run['engine']]} {run['precision']}: {run['choice']}": None for run in result["runs"].values()}
        lines += ["", phee_table(result), "", f"Chosen, of the candidates: {'; '.join(chosen)}."]
        if result["left_out"]:
            lines += ["", f"Left out: {'; '.join(f'{title} ({why})' for title, why in result['left_out'].items())}."]
    return "\n".join(lines + busy_line([result["others_share"] for result in report["runs"]]))


def versions():
    packages = ["torch", "transformers", "onnxruntime", "openvino", "nncf"]
    return {name: importlib.metadata.version(name) for name in packages} | {"Python": platform.python_version()}


def in_fresh_process(function, *arguments):
    """A thread pool's size is fixed for a process, and memory is given back."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(function, *arguments).result()


def listed(allowed):
    """A parser of `a,b`."""

    def parse(text):
        names = text.split(",")
        if not set(names) <= set(allowed):
            raise argparse.ArgumentTypeError(f"expected some of {','.join(allowed)}")
        return names

    return parse


def numbers(text):
    return [int(number) for number in text.split(",")]


def arguments():
    parser = argparse.ArgumentParser(description="Times PyTorch, ONNX Runtime, OpenVINO and epee side by side.")
    parser.add_argument("--epee", type=Path, metavar="BINARY", help="answers requests, a line of JSON each")
    parser.add_argument("--models", type=listed(SIZES), default=list(SIZES), help="[default: small,base]")
    parser.add_argument("--tokens", type=numbers, default=[32, 128], help="[default: 32,128]")
    parser.add_argument("--threads", type=numbers, default=[1, 2], help="[default: 1,2]")
    parser.add_argument("--engines", type=listed(TITLES), default=list(TITLES), help=f"[default: {','.join(TITLES)}]")
    parser.add_argument("--rounds", type=int, default=7, help="how often the sides take turns [default: 7]")
    parser.add_argument("--turn", type=float, default=0.4, help="seconds of one turn [default: 0.4]")
    parser.add_argument("--quick", action="store_true", help="small, 32 tokens, 1 thread, 2 rounds of short turns")
    parser.add_argument("--phee", type=Path, nargs=2, metavar=("MODEL", "DATA"), help="a trained model and its dataset")
    parser.add_argument("--policy", default="full", help="epee's, with --phee [default: full]")
    parser.add_argument("--limit", type=int, metavar="N", help="samples, with --phee [default: all]")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything measured")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables that stdout gets")
    args = parser.parse_args()
    if args.epee is None:
        args.engines = [engine for engine in args.engines if engine != "epee"]
    elif not os.access(args.epee, os.X_OK):
        parser.error(f"{args.epee} is not there")
    if args.quick:
        args.models, args.tokens, args.threads, args.rounds, args.turn = ["small"], [32], [1], 2, 0.1
        args.limit = args.limit or 20
    return args


def main():
    args = arguments()
    report = {
        "command": shlex.join(["bench_peers.py", *sys.argv[1:]]),
        "machine": {"cpu": processor(), "cpus": os.cpu_count(), "versions": versions()},
    }
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        if args.phee:
            runs = [in_fresh_process(measure_phee, args, threads, scratch) for threads in args.threads]
            report |= {"policy": args.policy, "runs": runs}
            shown = phee_markdown(report)
        else:
            settings = []
            for name, threads, tokens in itertools.product(args.models, args.threads, args.tokens):
                if not (scratch / name).exists():
                    (scratch / name).mkdir()
                    torch.manual_seed(1)
                    model = Model(COMMON | SIZES[name], len(LABELS))
                    for classifier in model.classifiers:
                        nn.init.normal_(classifier.weight, std=0.1)
                    model.save(scratch / name, LABELS)
                setting = {"model": name, "tokens": tokens, "threads": threads}
                settings.append(in_fresh_process(measure, args, setting, scratch))
            report |= {"rounds": args.rounds, "settings": settings, "geometric_means": means(settings)}
            shown = markdown(report)
    print(shown)
    if args.json:
        args.json.write_text(json.dumps(report, indent=2) + "\n")
    if args.markdown:
        args.markdown.write_text(shown + "\n")


if __name__ == "__main__":
    main()
