#!/usr/bin/env python3
"""Prints the tables of docs/results/datasets.md from what scripts/runs.sh left in a folder: runs_table.py OUT [MODEL]"""

import json
import sys
from pathlib import Path
from statistics import mean

out = Path(sys.argv[1] if len(sys.argv) > 1 else "runs")
only = sys.argv[2] if len(sys.argv) > 2 else None
load = lambda path: json.loads(path.read_text())
ORDER = ["phee", "health-advice", "git", "ddi", "drug-review", "pneumoniamnist", "breastmnist"]


def finished(folder):
    seeds = [run for run in folder.glob("seed-*") if (run / "exits.json").exists()]  # the last file a run writes
    return sorted(seeds, key=lambda run: int(run.name.split("-")[1]))


def runs():
    for model in ("minilm", "albert", "gpt2", "vit"):
        for dataset in ORDER:
            seeds = finished(out / model / dataset)
            if seeds and only in (None, model):
                yield model, dataset, seeds


def spread(values, digits=3):
    """The mean; with several seeds also the smallest and the largest."""
    text = f"{mean(values):.{digits}f}"
    return text if len(values) == 1 else f"{text} ({min(values):.{digits}f}–{max(values):.{digits}f})"


print("| model | dataset | seeds | metric | " + " | ".join(f"exit {m}" for m in range(1, 7)) + " | training, s |")
print("|---|---|---|---|" + "---|" * 7)
for model, dataset, seeds in runs():
    exits = [load(run / "exits.json") for run in seeds]
    metrics = ["accuracy", "macro_f1"] + (["micro_f1"] if dataset == "ddi" else [])
    for metric in metrics:
        name = {"accuracy": "accuracy", "macro_f1": "macro-F1", "micro_f1": "F1 of the four positive classes"}[metric]
        values = " | ".join(f"{mean(rows[m][metric] for rows in exits):.3f}" for m in range(6))
        seconds = " · ".join((run / "train_seconds").read_text().strip() for run in seeds) if metric == "accuracy" else ""
        first = f"{model} | {dataset} | {len(seeds)}" if metric == "accuracy" else "| |"
        print(f"| {first} | {name} | {values} | {seconds} |")

print()
print("| model | dataset | policy | settings chosen on dev | test accuracy | test macro-F1 | saving | wall-clock saving | ms/sample |")
print("|---|---|---|---|---|---|---|---|---|")
for model, dataset, seeds in runs():
    for policy in ("full", "entropy", "patience", "epee"):
        # Full depth is beside every policy.
        name = "entropy" if policy == "full" else policy
        evals = [load(path) for path in (run / f"eval-{name}.json" for run in seeds) if path.exists() and path.stat().st_size]
        if not evals:
            continue
        results = [e["full_depth" if policy == "full" else "metrics"] for e in evals]
        settings = ["full"] if policy == "full" else list(dict.fromkeys(e["policy"] for e in evals))
        column = lambda key: spread([result[key] for result in results])
        clock = [e["wall_clock"] for e in evals]
        saved = 0 if policy == "full" else mean(c["saving"] for c in clock)
        time = mean(c["full_depth_ms" if policy == "full" else "policy_ms"] for c in clock)
        first = f"{model} | {dataset}" if policy == "full" else " | "
        print(
            f"| {first} | {policy} | {', '.join(f'`{s}`' for s in settings)} | {column('accuracy')} | {column('macro_f1')} | "
            f"{column('saving')} | {saved:.3f} | {time:.2f} |"
        )
