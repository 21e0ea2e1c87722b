#!/usr/bin/env python3
"""Prints the tables of RESULTS.md from what scripts/phee.sh left in a folder."""

import json
import sys
from pathlib import Path
from statistics import mean

out = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/phee")
runs = sorted(out.glob("seed-*"), key=lambda run: int(run.name.split("-")[1]))
load = lambda path: json.loads(path.read_text())

print("| seed | metric | " + " | ".join(f"exit {m}" for m in range(1, 7)) + " | training, s |")
print("|---|---|" + "---|" * 7)
last = []
for run in runs:
    exits = load(run / "exits.json")
    last.append((exits[-1]["accuracy"], exits[-1]["macro_f1"]))
    for metric in ("accuracy", "macro_f1"):
        seconds = (run / "train_seconds").read_text().strip() if metric == "accuracy" else ""
        values = " | ".join(f"{row[metric]:.3f}" for row in exits)
        print(f"| {run.name[5:]} | {metric.replace('macro_f1', 'macro-F1')} | {values} | {seconds} |")
print(f"\nLast exit, mean over {len(runs)} seeds: accuracy {mean(a for a, _ in last):.3f}, macro-F1 {mean(f for _, f in last):.3f}")

print("\n| seed | policy | setting chosen on dev | test accuracy | test macro-F1 | saving | ratio | wall-clock saving | ms/sample |")
print("|---|---|---|---|---|---|---|---|---|")
for run in runs:
    for policy in ("full", "entropy", "patience", "epee"):
        result = load(run / f"eval-{policy}.json")
        metrics, clock = result["metrics"], result["wall_clock"]
        cells = [run.name[5:], policy, f"`{result['policy']}`", f"{metrics['accuracy']:.3f}", f"{metrics['macro_f1']:.3f}",
                 f"{metrics['saving']:.3f}", f"{metrics['ratio']:.2f}", f"{clock['saving']:.3f}", f"{clock['policy_ms']:.2f}"]
        print("| " + " | ".join(cells) + " |")
