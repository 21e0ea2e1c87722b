"""The engines: what each is given, and how it is asked."""

import contextlib
import copy
import functools
import io
import itertools
import json
import math
import shlex
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import openvino
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.transformers import optimizer
from onnxruntime.transformers.fusion_options import FusionOptions
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

from bench_train import note
from peers.graphs import Model, eager, pieces

TITLES = {"pytorch": "PyTorch", "onnxruntime": "ONNX Runtime", "openvino": "OpenVINO", "epee": "epee"}
PRECISIONS = {
    "pytorch": ["f32", "bf16", "int8"],
    "onnxruntime": ["f32", "int8"],
    "openvino": ["f32", "bf16", "int8"],
    "epee": ["f32", "bf16", "int8"],
}
# Random sequences by which NNCF chooses the ranges of activations.
CALIBRATION = 8
# Seconds before a turn, in which the last one's threads stop spinning; what share of one processor they may take after it.
PAUSE, IDLE = 0.08, 0.05
SKIP_LAYER_NORM = "SkipLayerNormFusion"
# Which file, and what ONNX Runtime's own optimiser must leave alone.
ONNX_GRAPHS = {
    "its own fusions": ("plain", []),
    "its own fusions without SkipLayerNormalization": ("plain", [SKIP_LAYER_NORM]),
    "BERT fusions without SkipLayerNormalization": ("fused", [SKIP_LAYER_NORM]),
}


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
