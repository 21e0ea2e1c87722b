#!/usr/bin/env python3
"""Prints the tables of docs/results/policies.md and certificates.md from the models and traces that scripts/runs.sh left.

promises.py OUT [--epee BINARY] [--model minilm]

Everything is chosen on dev and reported on test. No model folder is written to: exits.json is copied into a temporary one
whose other files are links.
"""

import argparse
import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from statistics import mean

parser = argparse.ArgumentParser()
parser.add_argument("out", type=Path, nargs="?", default=Path("runs"))
parser.add_argument("--epee", default="target/release/epee")
parser.add_argument("--model", default="minilm")
args = parser.parse_args()
ORDER = ["phee", "health-advice", "git", "ddi"]


def run(*command):
    return subprocess.run([args.epee, *map(str, command), "--format", "json"], capture_output=True, text=True)


def seeds(dataset):
    found = (args.out / args.model / dataset).glob("seed-*")
    traced = [seed for seed in found if (seed / "dev.safetensors").exists() and (seed / "test.safetensors").exists()]
    return sorted(traced, key=lambda seed: int(seed.name.split("-")[1]))


def linked(model, folder):
    """A model folder of links, but for exits.json."""
    for file in model.iterdir():
        if file.name == "exits.json":
            shutil.copy(file, folder / file.name)
        elif file.is_file():
            (folder / file.name).symlink_to(file.resolve())
    return folder


def compared(runs, *flags):
    tests = [run_ / "test.safetensors" for run_ in runs]
    devs = ",".join(str(run_ / "dev.safetensors") for run_ in runs)
    done = run("compare", *tests, "--dev", devs, *flags)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout)


def goal(row):
    (kind, value), = row["goal"].items()
    return f"saving {value}" if kind == "matched" else f"at most {value} lost"


def signed(value):
    return f"{value:+.3f}"


datasets = [(dataset, seeds(dataset)) for dataset in ORDER if seeds(dataset)]
print("### Policies at matched saving: test macro-F1, chosen on dev\n")
for dataset, runs in datasets:
    results = compared(runs)
    full = mean(result["full_depth"] for result in results)
    note = f"{len(runs)} seeds, means" if len(runs) > 1 else "one seed, 95 % bootstrap interval"
    print(f"**{dataset}** ({note}; full depth {full:.3f})\n")
    goals = list(dict.fromkeys(goal(row) for row in results[0]["rows"]))
    names = list(dict.fromkeys(row["name"] for row in results[0]["rows"]))
    print("| policy | " + " | ".join(f"{g} | against EPEE" for g in goals) + " |")
    print("|---|" + "---|" * 2 * len(goals))
    for name in names:
        cells = [name]
        for g in goals:
            rows = [row for result in results for row in result["rows"] if row["name"] == name and goal(row) == g]
            value, saving = mean(row["value"] for row in rows), mean(row["saving"] for row in rows)
            text = f"{value:.3f} at {saving:.2f}"
            if len(rows) == 1:
                text += f" [{rows[0]['interval']['low']:.3f}, {rows[0]['interval']['high']:.3f}]"
            cells.append(text)
            against = [row["against_epee"] for row in rows if row["against_epee"]]
            if not against:
                cells.append("")
            elif len(against) == 1:
                it = against[0]
                cells.append(f"{signed(it['value'])} [{signed(it['interval']['low'])}, {signed(it['interval']['high'])}], p {it['mcnemar']:.2f}")
            else:
                # Over the seeds: how many intervals leave 0 out, on either side.
                better = sum(it["interval"]["low"] > 0 for it in against)
                worse = sum(it["interval"]["high"] < 0 for it in against)
                cells.append(f"{signed(mean(it['value'] for it in against))} (above in {better}, below in {worse} of {len(against)})")
        print("| " + " | ".join(cells) + " |")
    print()

print("### The headline: the greatest saving at no more than 0.01 macro-F1 lost on dev, on test\n")
print("| dataset | seeds | policy | saving | macro-F1 | full depth | lost | against EPEE |")
print("|---|---|---|---|---|---|---|---|")
for dataset, runs in datasets:
    results = compared(runs, "--max-loss", "0.01", "--policies", "epee,entropy,patience")
    full = mean(result["full_depth"] for result in results)
    for i, name in enumerate(["epee", "epee, per exit", "entropy", "entropy, per exit", "patience"]):
        rows = [row for result in results for row in result["rows"] if row["name"] == name]
        value = mean(row["value"] for row in rows)
        against = [row["against_epee"]["value"] for row in rows if row["against_epee"]]
        first = f"{dataset} | {len(runs)}" if i == 0 else " | "
        print(
            f"| {first} | {name} | {mean(row['saving'] for row in rows):.3f} | {value:.3f} | {full:.3f} | {full - value:+.3f} | "
            + (f"{signed(mean(against))} |" if against else " |")
        )

print("\n### Certificates: confidence 95 %, EPEE's standard settings, on dev; what became of each on test\n")
print("| dataset | seed | risk | path | ε | certified setting | tested | saving | upper bound | risk on test | saving on test |")
print("|---|---|---|---|---|---|---|---|---|---|---|")
for dataset, runs in datasets:
    for run_ in runs:
        for risk, path, policy in [("consistency", "pareto", "epee"), ("gap", "pareto", "epee"), ("consistency", "prior", "entropy")]:
            for epsilon in (0.01, 0.02, 0.05):
                with tempfile.TemporaryDirectory() as folder:
                    model = linked(run_ / "model", Path(folder))
                    done = run(
                        "calibrate", run_ / "dev.safetensors", "--model", model, "--max-risk", epsilon, "--risk", risk, "--path", path,
                        "--policies", policy, "--report-on", run_ / "test.safetensors",
                    )
                first = f"| {dataset} | {run_.name[5:]} | {risk} | {path}, {policy} | {epsilon:.0%} |"
                if done.returncode:
                    print(f"{first} {done.stderr.splitlines()[0].removeprefix('error: ')} | | | | | |")
                    continue
                said = json.loads(done.stdout)
                certificate, outcome = said["certificate"], said["reported_on"]
                bound = certificate["risks"][0]
                print(
                    f"{first} `{certificate['scope']['policy']}` | {bound['n']} | {certificate['saving']:.3f} | {bound['upper']:.4f} | "
                    f"{outcome['risks'][risk]['mean']:.4f} | {outcome['chosen']['saving']:.3f} |"
                )
