#!/usr/bin/env python3
"""Times PyTorch and epee side by side, in one run: training steps, an epoch of PHEE, one inference; peak memory of each.

    python3 -m venv .venv && .venv/bin/pip install -r scripts/requirements.txt
    just bench-train                                      or, by hand:
    cargo build --release -p epee-train --example bench_step
    .venv/bin/python scripts/bench/bench_train.py --epee target/release/examples/bench_step

The model on both sides: BERT of 6 layers of 384 or 12 of 768, 12 heads, feed-forward four times as wide, vocabulary 30522,
random weights, an exit (shared pooler, a linear of its own, four classes) after every layer, f32.

train step   16 x 64 tokens (6x384) or 8 x 64 (12x768), dropout 0.1: forward, Eq. 4, backward, clipping at 1.0, AdamW
epoch        6x384: PHEE's training sentences as MiniLM's tokenizer cuts them, at most 96 tokens, batches of 16; PyTorch
             once in the same random batches padded to the longest, once in batches of neighbours in length
inference    1 sequence x 32 tokens, full depth, every exit's logits

What PyTorch is given, so that it is no straw man: no mask where no sequence is padded; for steps and inferences whichever of
eager and SDPA attention is faster here, timed first; AdamW fused or per tensor group, likewise; inference mode. Not used:
torch.compile, which needs a C++ compiler on the user's machine. What epee does and Transformers does not: of the last layer
only keys and values are computed of rows that no exit reads, forward and backward, which changes no exit's logits or gradient.

Every measurement is a process of its own, so that peak memory is its own too, and the two sides alternate: `--rounds` times,
each warms up and reports its median over `--repeats`; the table shows the median over rounds, the range, and the ratio
epee / PyTorch (below 1: epee is faster, or smaller).

The machine must be idle. PyTorch's threads wait for each other by spinning: with two other jobs on two cores its step was
seen to take twenty times as long, which says nothing about either side. The table says what others took meanwhile.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
SIZES = {"6x384": "16 × 64", "12x768": "8 × 64"}
EPOCH_SIZE, MOST_TOKENS = "6x384", 96
# The share of the machine that other programs may take while the rounds run.
BUSY = 0.05


def note(text):
    print(text, file=sys.stderr, flush=True)


def answer(command):
    """Runs a program that prints a JSON object."""
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        raise SystemExit(f"error: {' '.join(map(str, command))} ended with exit status {done.returncode}")
    return json.loads(done.stdout)


def pytorch(args, task, size, *more):
    script = [sys.executable, ROOT / "bench_train_torch.py", task, "--size", size, "--threads", args.threads]
    return answer([*script, "--repeats", args.repeats, *more])


def epee(args, size, *more):
    return answer([args.epee, "--size", size, "--threads", args.threads, "--repeats", args.repeats, "--json", *more])


def lengths_of_phee(data, path):
    """Writes the tokens of each of PHEE's training sentences, a line each, in random order."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(data / "minilm-l6-v2/tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MOST_TOKENS)
    sentences = [json.loads(line)["context"] for line in (data / "phee/train.json").read_text().splitlines()]
    lengths = [len(encoding.ids) for encoding in tokenizer.encode_batch(sentences)]
    random.Random(1).shuffle(lengths)
    path.write_text("".join(f"{length}\n" for length in lengths))
    return lengths


def processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


class Others:
    """What share of the machine's processors other programs took since this was made; None where Linux is not there."""

    def __init__(self):
        self.begun, self.busy = time.perf_counter(), self.seconds()

    def seconds(self):
        """Processor time of everybody else, in seconds: user, nice and system, without this process and its children."""
        try:
            ticks = Path("/proc/stat").read_text().split()[1:4]
        except OSError:
            return None
        return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK") - sum(os.times()[:4])

    def share(self):
        if self.busy is None:
            return None
        return max(0.0, self.seconds() - self.busy) / (time.perf_counter() - self.begun) / os.cpu_count()


class Rounds:
    """What each side measured, by the table's row."""

    def __init__(self):
        self.rows = {}

    def add(self, row, side, value):
        self.rows.setdefault(row, {}).setdefault(side, []).append(value)

    def cell(self, row, side, show):
        values = self.rows[row].get(side)
        if not values:
            return "–"
        middle = show(statistics.median(values))
        return middle if len(values) == 1 else f"{middle} ({show(min(values))}–{show(max(values))})"

    def ratio(self, row):
        sides = self.rows[row]
        if not sides.get("epee") or not sides.get("pytorch"):
            return "–"
        return f"{statistics.median(sides['epee']) / statistics.median(sides['pytorch']):.2f}"


def measure(args, choices, lengths, rounds, notes):
    for size in args.sizes:
        choice = choices[size]
        theirs = pytorch(args, "step", size, "--choice", choice["step"])
        step, memory = f"training step, {size}, {SIZES[size]} tokens, ms", f"peak memory, {size}, MB"
        rounds.add(step, "pytorch", theirs["seconds"] * 1e3)
        rounds.add(memory, "pytorch", theirs["peak_bytes"] / 1e6)
        notes[f"PyTorch's memory after its imports, {size}, MB"] = round(theirs["imported_bytes"] / 1e6)
        inference = f"inference, {size}, 1 × 32 tokens, ms"
        theirs = pytorch(args, "inference", size, "--choice", choice["inference"])
        rounds.add(inference, "pytorch", theirs["seconds"] * 1e3)
        if args.epee:
            ours = epee(args, size)
            rounds.add(step, "epee", ours["train_step_s"] * 1e3)
            rounds.add(memory, "epee", ours["peak_bytes"] / 1e6)
            rounds.add(inference, "epee", ours["inference_32_s"] * 1e3)
            rounds.add(f"share of the f32 ceiling in a step, {size}, %", "epee", ours["share"] * 100)
    if lengths is None:
        return
    most = [] if args.batches is None else ["--most-batches", args.batches]
    ours = None
    if args.epee:
        ours = epee(args, EPOCH_SIZE, "--lengths", lengths, *(["--batches", args.batches] if args.batches else []))
    for batches in ("padded", "bucketed"):
        choice = choices[EPOCH_SIZE]["step"]
        theirs = pytorch(
            args, "epoch", EPOCH_SIZE, "--choice", choice, "--lengths", lengths, "--batches", batches, *most
        )
        row = f"epoch of PHEE, {EPOCH_SIZE}, PyTorch's batches {batches}, s"
        memory = f"its peak memory, PyTorch's batches {batches}, MB"
        rounds.add(row, "pytorch", theirs["seconds"])
        rounds.add(memory, "pytorch", theirs["peak_bytes"] / 1e6)
        notes[f"rows of PyTorch's {batches} epoch over its tokens"] = round(theirs["rows"] / theirs["tokens"], 3)
        if ours:
            rounds.add(row, "epee", ours["epoch_s"])
            rounds.add(memory, "epee", ours["peak_bytes"] / 1e6)


def markdown(report, rounds):
    machine, others = report["machine"], report["others_share"]
    chosen = "; ".join(f"{size}: {c['step']}, inference {c['inference']}" for size, c in report["choices"].items())
    lines = [
        f"{machine['cpu']}, {report['threads']} threads, PyTorch {machine['torch']}, Transformers "
        f"{machine['transformers']}, Python {machine['python']}. PyTorch's choices: {chosen}.",
        "",
        f"| median of {report['rounds']} rounds (range) | PyTorch | epee | epee / PyTorch |",
        "|---|--:|--:|--:|",
    ]
    for row in rounds.rows:
        show = (lambda value: f"{value:.0f}") if row.endswith(("MB", "%")) else (lambda value: f"{value:.1f}")
        sides = [rounds.cell(row, side, show) for side in ("pytorch", "epee")]
        lines.append(f"| {row} | {sides[0]} | {sides[1]} | {rounds.ratio(row)} |")
    lines += ["", "; ".join(f"{what}: {value}" for what, value in report["notes"].items()) + "."]
    if others is not None:
        lines += ["", f"Other programs took {others:.0%} of the processors."]
        if others > BUSY:
            lines[-1] += " **These figures cannot be used: run it again on an idle machine.**"
    return "\n".join(lines)


def arguments():
    parser = argparse.ArgumentParser(description="Times PyTorch and epee side by side.")
    parser.add_argument("--epee", type=Path, metavar="BINARY", help="target/release/examples/bench_step")
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=list(SIZES), help="[default: both]")
    parser.add_argument("--rounds", type=int, default=5, help="how often the two sides take turns [default: 5]")
    parser.add_argument("--repeats", type=int, default=10, help="steps a round, inferences ten times that [default: 10]")
    parser.add_argument("--threads", type=int, default=2, help="[default: 2]")
    parser.add_argument("--batches", type=int, metavar="N", help="only the epoch's first batches, to try the script out")
    data = Path(os.environ.get("EPEE_DATA", "../shared/data"))
    parser.add_argument("--data", type=Path, default=data, help="where phee and minilm-l6-v2 are [default: $EPEE_DATA]")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything measured")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table that stdout gets")
    args = parser.parse_args()
    if args.epee and not os.access(args.epee, os.X_OK):
        parser.error(f"{args.epee} is not there\nhint: cargo build --release -p epee-train --example bench_step")
    return args


def main():
    args = arguments()
    rounds, notes = Rounds(), {}
    with tempfile.TemporaryDirectory() as scratch:
        lengths = None
        if EPOCH_SIZE in args.sizes and (args.data / "phee/train.json").exists():
            lengths = Path(scratch) / "lengths"
            of_phee = lengths_of_phee(args.data, lengths)
            notes["PHEE's sentences"] = f"{len(of_phee)}, {sum(of_phee) / len(of_phee):.1f} tokens on average"
        else:
            note("no epoch of PHEE: it wants 6x384, and --data with phee and minilm-l6-v2")
        choices = {}
        for size in args.sizes:
            choices[size] = pytorch(args, "choose", size)
            note(f"PyTorch, {size}: {choices[size]}")
        others = Others()
        for i in range(args.rounds):
            measure(args, choices, lengths, rounds, notes)
            note(f"round {i + 1}: " + json.dumps({row: {s: v[-1] for s, v in m.items()} for row, m in rounds.rows.items()}))
        share = others.share()
    report = {
        "machine": {
            "cpu": processor(),
            "cpus": os.cpu_count(),
            "torch": importlib.metadata.version("torch"),
            "transformers": importlib.metadata.version("transformers"),
            "python": platform.python_version(),
        },
        "threads": args.threads,
        "others_share": share,
        "rounds": args.rounds,
        "repeats": args.repeats,
        "choices": choices,
        "notes": notes,
        "measured": rounds.rows,
    }
    table = markdown(report, rounds)
    print(table)
    if args.json:
        args.json.write_text(json.dumps(report, indent=2) + "\n")
    if args.markdown:
        args.markdown.write_text(table + "\n")


if __name__ == "__main__":
    main()
