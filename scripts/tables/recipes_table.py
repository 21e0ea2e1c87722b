#!/usr/bin/env python3
"""Prints the tables of docs/results/recipes.md from what scripts/recipes.sh left.

recipes_table.py OUT [--dataset phee git] [--seeds 1 2 3]

Per recipe: macro-F1 of each exit on test, the mean over seeds with the smallest and the largest; the area under the
F1-saving curve, on dev and on test; the curve at a saving of 0.3, 0.5 and 0.7; the saving at no more than one point lost.
For the area, the EPEE setting (entropy threshold 0 to 1 by 0.01, every patience) with the best macro-F1 on dev among those
that save at least s there is taken for s = 0, 0.02, ... up to the saving of exit 1; its macro-F1 is averaged over s.
Recipes go by their area on dev, the best first: what is chosen is chosen there.
"""

import argparse
import json
from pathlib import Path
from statistics import mean

parser = argparse.ArgumentParser()
parser.add_argument("out", type=Path, nargs="?", default=Path("runs/recipes"))
parser.add_argument("--dataset", nargs="+", default=["phee", "git"])
parser.add_argument("--seeds", type=int, nargs="+", help="[default: all]")
args = parser.parse_args()

# Where the curve is shown.
SAVINGS = [0.3, 0.5, 0.7]


def rows(run, name):
    return json.loads((run / f"{name}.json").read_text())


def key(row):
    return row["threshold"], row["patience"]


def at(run, saving):
    """Macro-F1, on dev and on test, of the setting that is best on dev among those that save so much there."""
    dev, test = rows(run, "epee-dev"), {key(row): row for row in rows(run, "epee-test")}
    chosen = max((row for row in dev if row["saving"] >= saving - 1e-9), key=lambda row: (row["macro_f1"], row["saving"]))
    return chosen["macro_f1"], test[key(chosen)]["macro_f1"]


def area(run):
    """The mean of these over savings, on dev and on test."""
    most = max(row["saving"] for row in rows(run, "epee-dev"))
    values, saving = [], 0.0
    while saving <= most + 1e-9:
        values.append(at(run, saving))
        saving += 0.02
    return tuple(map(mean, zip(*values, strict=True)))


def one_point(run):
    """Saving and macro-F1 on test of the setting that saves most on dev at no more than one point lost there."""
    dev, test = rows(run, "epee-dev"), {key(row): row for row in rows(run, "epee-test")}
    full = rows(run, "exits-dev")[-1]["macro_f1"]
    chosen = max((row for row in dev if row["macro_f1"] >= full - 0.01), key=lambda row: row["saving"], default=None)
    return test[key(chosen)] if chosen else {"saving": 0.0, "macro_f1": rows(run, "exits-test")[-1]["macro_f1"]}


def spread(values):
    values = list(values)
    if len(values) == 1:
        return f"{values[0]:.3f}"
    return f"{mean(values):.3f} ({min(values):.3f}–{max(values):.3f})"


def finished(folder):
    runs = [run for run in folder.glob("seed-*") if (run / "epee-test.json").exists()]
    runs = [run for run in runs if args.seeds is None or seed(run) in args.seeds]
    return sorted(runs, key=seed)


def seed(run):
    return int(run.name.split("-")[1])


for dataset in args.dataset:
    recipes = {folder.name: finished(folder) for folder in (args.out / dataset).glob("*") if finished(folder)}
    if not recipes:
        continue
    exits = len(rows(next(iter(recipes.values()))[0], "exits-test"))
    print(f"**{dataset}**\n")
    head = ["recipe", "seeds", *(f"exit {m}" for m in range(1, exits + 1)), "last exit, accuracy", "area, dev", "area, test"]
    head += [*(f"at {saving}" for saving in SAVINGS), "saving (≤ 1 point)"]
    print("| " + " | ".join(head) + " |")
    print("|---" * len(head) + "|")
    areas = {recipe: list(zip(*map(area, runs), strict=True)) for recipe, runs in recipes.items()}
    for recipe, runs in sorted(recipes.items(), key=lambda item: -mean(areas[item[0]][0])):
        tests = [rows(run, "exits-test") for run in runs]
        cells = [recipe, ", ".join(str(seed(run)) for run in runs)]
        cells += [spread(test[m]["macro_f1"] for test in tests) for m in range(exits)]
        cells += [spread(test[-1]["accuracy"] for test in tests), *map(spread, areas[recipe])]
        cells += [f"{mean(at(run, saving)[1] for run in runs):.3f}" for saving in SAVINGS]
        cells.append(spread(one_point(run)["saving"] for run in runs))
        print("| " + " | ".join(cells) + " |")
    print()
