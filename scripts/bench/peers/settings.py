"""The eight settings: measured, and as tables."""

import contextlib
import itertools
import random
import statistics
import time

import numpy as np
import torch

from bench_train import note
from peers.engines import IDLE, PAUSE, PRECISIONS, TITLES, Workshop
from peers.graphs import Model, pieces
from peers.tables import busy_line, machine_line, threads_of
from peers.turns import CLOSE, Surroundings, gather, held_to, idle_share, prepare

MODES = ["full", "full-trimmed", "layers"]


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
