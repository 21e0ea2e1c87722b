#!/usr/bin/env python3
"""Prints the table of docs/results/quickstart.md from what scripts/quickstart_seeds.sh left in a folder."""

import json
import sys
from pathlib import Path

out = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/quickstart")
print("| seed | bag of words | full depth, dev | full depth, test | best exit | chosen on dev | its macro-F1 | lost, points | saving | wall-clock saving | mean exit by grade 1–5 | s |")
print("|---|---|---|---|---|---|---|---|---|---|---|---|")
for path in sorted(out.glob("seed-*.json")):
    run = json.loads(path.read_text())
    best = max(run["exits"], key=lambda row: row["macro_f1"])
    chosen, full = run["test"]["chosen"], run["test"]["full_depth"]
    cells = [
        str(run["seed"]),
        f"{run['baseline_macro_f1']:.3f}",
        f"{run['choice']['full']['macro_f1']:.3f}",
        f"{full['macro_f1']:.3f}",
        f"{best['macro_f1']:.3f} (exit {best['exit']})",
        f"`{run['choice']['policy']}`",
        f"{chosen['macro_f1']:.3f}",
        f"{100 * (full['macro_f1'] - chosen['macro_f1']):.2f}",
        f"{chosen['saving']:.3f}",
        f"{run['live']['wall_clock']['saving']:.3f}",
        " · ".join(f"{grade['mean_exit']:.2f}" for grade in run["grades"]),
        f"{run['seconds']:.0f}",
    ]
    print("| " + " | ".join(cells) + " |")
