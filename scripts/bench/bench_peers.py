#!/usr/bin/env python3
"""Times PyTorch, ONNX Runtime, OpenVINO and epee side by side, in one run: one sequence through every layer of BERT.

    python3 -m venv .venv && .venv/bin/pip install -r scripts/requirements.txt
    .venv/bin/python scripts/bench/bench_peers.py --epee BINARY               eight settings, half an hour
    .venv/bin/python scripts/bench/bench_peers.py --epee BINARY --quick       does everything work? a minute
    .venv/bin/python scripts/bench/bench_peers.py --epee BINARY --phee MODEL DATA --policy "epee(threshold=0.1, patience=3)"

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
import itertools
import json
import os
import shlex
import sys
import tempfile
from pathlib import Path

import torch
from torch import nn

from bench_train import processor
from peers.engines import TITLES
from peers.graphs import COMMON, LABELS, SIZES, Model
from peers.phee import measure_phee, phee_markdown
from peers.settings import markdown, means, measure
from peers.tables import versions
from peers.turns import in_fresh_process


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
