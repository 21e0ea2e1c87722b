#!/usr/bin/env python3
"""Times PyTorch and epee side by side, in one run: a training step, and one inference.

    python3 -m venv .venv && .venv/bin/pip install -r scripts/requirements.txt
    just bench-train                                      or, by hand:
    cargo build --release -p epee-train --example bench_step
    .venv/bin/python scripts/bench_train.py --epee target/release/examples/bench_step

Without --epee only PyTorch is timed. The model on both sides: BERT, 6 layers of 384, 12 heads, feed-forward 1536,
vocabulary 30522, random weights, an exit (shared pooler, a linear of its own, two classes) after every layer, f32.

train step   16 sequences x 64 tokens, dropout 0.1: forward, Eq. 4, backward, clipping at 1.0, AdamW
inference    1 sequence x 32 tokens, full depth, every exit's logits

What PyTorch is given, so that it is no straw man: Transformers' own layers called one after the other, which is what early
exit needs and is not slower than BertModel.forward (the script holds their logits to be equal); no mask, since no sequence
is padded; for each of the two tasks whichever of eager and SDPA attention is faster here, timed first; AdamW fused or per
tensor group, likewise; inference mode. Not used: torch.compile, which needs a C++ compiler on the user's machine.

The two sides alternate: `--rounds` times, each side warms up and reports its median over `--repeats`; the table shows the
median over rounds, the range, and the ratio epee / PyTorch (below 1: epee is faster).

The machine must be idle. PyTorch's threads wait for each other by spinning: with two other jobs on two cores its step was
seen to take twenty times as long, which says nothing about either side. The table says what others took meanwhile.
"""

import argparse
import gc
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch
import transformers
from torch import nn
from torch.nn.functional import cross_entropy, dropout
from transformers import BertConfig, BertModel

BATCH, TRAIN_TOKENS, INFERENCE_TOKENS, CLASSES = 16, 64, 32, 2
SIZE = {
    "vocab_size": 30522,
    "hidden_size": 384,
    "num_hidden_layers": 6,
    "num_attention_heads": 12,
    "intermediate_size": 1536,
    "max_position_embeddings": 512,
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.1,
}
# The share of the machine that other programs may take while the rounds run.
BUSY = 0.05
TASKS = {"train_step_s": "training step, 16 × 64 tokens", "inference_32_s": "inference, 1 × 32 tokens"}


class MultiExit(nn.Module):
    """An exit after every layer, the pooler shared."""

    def __init__(self, attention):
        super().__init__()
        self.bert = BertModel(BertConfig(**SIZE, attn_implementation=attention))
        layers, width = SIZE["num_hidden_layers"], SIZE["hidden_size"]
        self.classifiers = nn.ModuleList(nn.Linear(width, CLASSES) for _ in range(layers))

    def exit(self, m, hidden):
        pooled = self.bert.pooler(hidden)
        return self.classifiers[m](dropout(pooled, 0.1, self.training))

    def forward(self, ids):
        hidden = self.bert.embeddings(ids)
        logits = []
        for m, layer in enumerate(self.bert.encoder.layer):
            hidden = layer(hidden, None)
            logits.append(self.exit(m, hidden))
        return logits

    def through_transformers(self, ids):
        """The same by BertModel.forward, to compare with."""
        hidden = self.bert(ids, output_hidden_states=True).hidden_states[1:]
        return [self.exit(m, state) for m, state in enumerate(hidden)]


def eq4(logits, labels):
    weighted = sum(m * cross_entropy(z, labels) for m, z in enumerate(logits, 1))
    return weighted / (len(logits) * (len(logits) + 1) / 2)


def tokens(batch, length):
    return torch.randint(1, SIZE["vocab_size"], (batch, length))


def trainer(attention, fused):
    """A function that takes one training step."""
    model = MultiExit(attention).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5, weight_decay=0.0, fused=fused)
    ids, labels = tokens(BATCH, TRAIN_TOKENS), torch.randint(0, CLASSES, (BATCH,))

    def step():
        optimizer.zero_grad(set_to_none=True)
        eq4(model(ids), labels).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    return step


def answerer(attention):
    """A function that answers one query at full depth."""
    model = MultiExit(attention).eval()
    ids = tokens(1, INFERENCE_TOKENS)
    with torch.inference_mode():
        for ours, theirs in zip(model(ids), model.through_transformers(ids), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)

    def answer():
        with torch.inference_mode():
            model(ids)

    return answer


def median_time(work, repeats, warm_up):
    for _ in range(warm_up):
        work()
    times = []
    for _ in range(repeats):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def fastest(candidates, repeats, warm_up):
    """The name and the function of the fastest; each is timed twice, in turn, since machines are noisy."""
    timed = {name: [] for name in candidates}
    for _ in range(2):
        for name, work in candidates.items():
            timed[name].append(median_time(work, repeats, warm_up))
    for name, seconds in timed.items():
        note(f"  {name}: {min(seconds) * 1e3:.1f} ms")
    name = min(timed, key=lambda name: min(timed[name]))
    return name, candidates[name]


def note(text):
    print(text, file=sys.stderr, flush=True)


def epee_round(binary, repeats, threads):
    command = [str(binary), "--repeats", str(repeats), "--threads", str(threads), "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        raise SystemExit(f"error: {' '.join(command)} ended with exit status {done.returncode}")
    answer = json.loads(done.stdout)
    return {task: answer[task] for task in TASKS}


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


def summary(rounds):
    """Per task: each side's median and range over rounds, and the ratio of the medians."""
    result = {}
    for task in TASKS:
        sides = {}
        for side, measured in rounds.items():
            if measured:
                seconds = [one[task] for one in measured]
                sides[side] = {"median": statistics.median(seconds), "min": min(seconds), "max": max(seconds)}
        if "epee" in sides:
            sides["ratio"] = sides["epee"]["median"] / sides["pytorch"]["median"]
        result[task] = sides
    return result


def markdown(report):
    def cell(side):
        return f"{side['median'] * 1e3:.1f} ({side['min'] * 1e3:.1f}–{side['max'] * 1e3:.1f})" if side else "–"

    machine = report["machine"]
    others = report["others_share"]
    lines = [
        f"{machine['cpu']}, {report['threads']} threads, PyTorch {machine['torch']}, Transformers "
        f"{machine['transformers']}, Python {machine['python']}. PyTorch's choices: training "
        f"{report['pytorch_choice']['train_step_s']}, inference {report['pytorch_choice']['inference_32_s']}.",
        "",
        f"| ms, median of {report['rounds']} rounds (range) | PyTorch | epee | epee / PyTorch |",
        "|---|--:|--:|--:|",
    ]
    for task, title in TASKS.items():
        sides = report["summary"][task]
        ratio = f"{sides['ratio']:.2f}" if "ratio" in sides else "–"
        lines.append(f"| {title} | {cell(sides['pytorch'])} | {cell(sides.get('epee'))} | {ratio} |")
    if others is not None:
        lines += ["", f"Other programs took {others:.0%} of the processors."]
        if others > BUSY:
            lines[-1] += " **These figures cannot be used: run it again on an idle machine.**"
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description="Times PyTorch and epee side by side.")
    parser.add_argument("--epee", type=Path, metavar="BINARY", help="target/release/examples/bench_step")
    parser.add_argument("--rounds", type=int, default=5, help="how often the two sides take turns [default: 5]")
    parser.add_argument("--repeats", type=int, default=10, help="steps a round, inferences ten times that [default: 10]")
    parser.add_argument("--threads", type=int, default=2, help="[default: 2]")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything measured")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table that stdout gets")
    args = parser.parse_args()
    if args.epee and not os.access(args.epee, os.X_OK):
        parser.error(f"{args.epee} is not there\nhint: cargo build --release -p epee-train --example bench_step")
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    machine = {
        "cpu": processor(),
        "cpus": os.cpu_count(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "python": platform.python_version(),
    }

    note("PyTorch, training step:")
    steps = {
        f"{attention} attention, {kind} AdamW": trainer(attention, kind == "fused")
        for attention in ("eager", "sdpa")
        for kind in ("fused", "plain")
    }
    step_name, step = fastest(steps, repeats=3, warm_up=1)
    note("PyTorch, inference:")
    answers = {f"{attention} attention": answerer(attention) for attention in ("eager", "sdpa")}
    answer_name, answer = fastest(answers, repeats=50, warm_up=10)
    del steps, answers
    gc.collect()

    others = Others()
    rounds = {"pytorch": [], "epee": []}
    for i in range(args.rounds):
        measured = {
            "train_step_s": median_time(step, args.repeats, warm_up=2),
            "inference_32_s": median_time(answer, 10 * args.repeats, warm_up=10),
        }
        rounds["pytorch"].append(measured)
        if args.epee:
            rounds["epee"].append(epee_round(args.epee, args.repeats, args.threads))
        shown = {side: measured[-1] for side, measured in rounds.items() if measured}
        note(f"round {i + 1}: " + json.dumps(shown))

    report = {
        "machine": machine,
        "threads": args.threads,
        "others_share": others.share(),
        "rounds": args.rounds,
        "repeats": args.repeats,
        "pytorch_choice": {"train_step_s": step_name, "inference_32_s": answer_name},
        "measured": rounds,
        "summary": summary(rounds),
    }
    print(markdown(report))
    if args.json:
        args.json.write_text(json.dumps(report, indent=2) + "\n")
    if args.markdown:
        args.markdown.write_text(markdown(report) + "\n")


if __name__ == "__main__":
    main()
