"""A trained model on its test split, every side in turn."""

import contextlib
import itertools
import json
import random
import statistics
import time

import numpy as np
import torch
from tokenizers import Tokenizer

from bench_train import note
from peers.engines import PAUSE, TITLES, Workshop
from peers.graphs import Model, pieces
from peers.tables import busy_line, machine_line, threads_of
from peers.turns import Surroundings, gather, held_to, prepare

# Samples of one turn with --phee.
BLOCK = 32


def read_split(folder, model_folder, limit):
    """The test split: token ids and labels, and what tokenising took a sample."""
    config, exits = (json.loads((model_folder / name).read_text()) for name in ("config.json", "exits.json"))
    labels = json.loads((folder / "dataset.json").read_text())["labels"]
    if labels != [config["id2label"][str(k)] for k in range(len(labels))]:
        raise SystemExit(f"error: {folder} and {model_folder} do not have the same labels")
    rows = [json.loads(line) for line in (folder / "test.jsonl").read_text().splitlines()][:limit]
    if any(row.get("pair") is not None for row in rows):
        raise SystemExit(f"error: {folder}: pairs are not supported: the peers' graphs have one segment")
    tokenizer = Tokenizer.from_file(str(model_folder / "tokenizer.json"))
    tokenizer.no_padding()
    positions = config["max_position_embeddings"]
    tokenizer.enable_truncation(min(exits.get("max_tokens") or positions, positions))
    tokenizer.encode(rows[0]["text"])
    begun = time.perf_counter()
    encoded = [tokenizer.encode(row["text"]).ids for row in rows]
    seconds = (time.perf_counter() - begun) / len(rows)
    return [np.array([ids]) for ids in encoded], [labels.index(row["label"]) for row in rows], seconds


def accuracy_and_f1(actual, predicted):
    """Accuracy and macro-F1, a class that occurs in neither not counted."""
    pairs = list(zip(actual, predicted, strict=True))
    scores = []
    for k in set(actual) | set(predicted):
        scores.append(2 * pairs.count((k, k)) / (actual.count(k) + predicted.count(k)))
    return sum(a == p for a, p in pairs) / len(pairs), statistics.mean(scores)


def measure_phee(args, threads, folder):
    """Every side over the test split, in a process of its own."""
    prepare(threads)
    model_folder, data = args.phee
    model = Model.load(model_folder)
    samples, labels, tokenising = read_split(data, model_folder, args.limit)
    middle = sorted(samples, key=np.size)[len(samples) // 2]
    workshop = Workshop(model, folder, threads, middle, fixed_length=False)
    precisions = {"pytorch": [], "onnxruntime": ["f32", "int8"], "openvino": ["f32"], "epee": ["f32", "int8"]}
    graphs = ["last-exit", "full-trimmed"]
    with contextlib.ExitStack() as stack:
        sides, left_out = gather(args, workshop, model_folder, graphs, precisions, stack)
        reference = pieces(model, "full")[0](torch.from_numpy(middle))[0].numpy()
        runs = {}
        for side in sides:
            modes = ["policy", "full", "full-trimmed"] if side.engine == "epee" else graphs
            for mode in modes:
                runs[f"{TITLES[side.engine]} {side.precision}, {mode}"] = (side, mode)
                if mode != "policy":
                    held_to(reference, side, mode, middle)
        for side, ids in itertools.product(sides, {ids.size: ids for ids in samples}.values()):
            if side.engine == "openvino":  # compiles once for every length
                for mode in graphs:
                    side.ask(mode, ids, 0, 1)
        others, order = Surroundings(sides), random.Random(1)
        answers = {name: [] for name in runs}
        for start in range(0, len(samples), BLOCK):
            for name in order.sample(list(runs), len(runs)):
                time.sleep(PAUSE)
                answers[name] += [answered(*runs[name], ids, args.policy) for ids in samples[start : start + BLOCK]]
        share = others.share()
    result = {"threads": threads, "others_share": share, "left_out": left_out, "tokenising_s": tokenising, "runs": {}}
    result |= {"samples": len(samples), "tokens": statistics.mean(ids.size for ids in samples), "exits": model.depth}
    for name, given in answers.items():
        seconds, predicted, exits = (list(column) for column in zip(*given, strict=True))
        accuracy, f1 = accuracy_and_f1(labels, predicted)
        mean_exit = statistics.mean(exit_ or model.depth for exit_ in exits)
        side, mode = runs[name]
        result["runs"][name] = {
            "engine": side.engine,
            "precision": side.precision,
            "mode": mode,
            "choice": side.choice,
            "mean_s": statistics.mean(seconds),
            "accuracy": accuracy,
            "macro_f1": f1,
            "mean_exit": mean_exit,
            "saving": 1 - mean_exit / model.depth,
        }
    note(phee_table(result))
    return result


def answered(side, mode, ids, policy):
    """Seconds, the class and the exit of one answer, the exit only where epee tells it."""
    if side.engine == "epee":
        answer = side.answer(mode, ids, 1, 3, policy)
        return statistics.median(answer["seconds"]), answer["label"], answer["exit"]
    logits, seconds = side.ask(mode, ids, 1, 3)
    return statistics.median(seconds), int(logits[-1].argmax()), None


def phee_table(result):
    runs = result["runs"]
    heads = ["ms a sample", "accuracy", "macro-F1", "mean exit", "saving, Eq. 5", "measured, of full", "of full-trimmed"]
    lines = [f"| {threads_of(result)} | " + " | ".join(heads) + " |", "|---|" + "--:|" * len(heads)]
    for name, run in runs.items():
        cells = [
            f"{run['mean_s'] * 1e3:.2f}",
            f"{run['accuracy']:.4f}",
            f"{run['macro_f1']:.4f}",
            f"{run['mean_exit']:.2f}",
        ]
        if run["mode"] == "policy":
            own = [runs[f"epee {run['precision']}, {mode}"]["mean_s"] for mode in ("full", "full-trimmed")]
            cells += [f"{saving:.1%}" for saving in (run["saving"], *(1 - run["mean_s"] / seconds for seconds in own))]
        else:
            cells += ["–"] * 3
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines.append("")
    ours = {name: run["mean_s"] for name, run in runs.items() if run["mode"] == "policy"}
    theirs = {name: run["mean_s"] for name, run in runs.items() if run["engine"] != "epee"}
    for (name, seconds), (peer, slower) in itertools.product(ours.items(), theirs.items()):
        lines.append(f"- {peer} / {name}: **{slower / seconds:.2f}**")
    return "\n".join(lines)


def phee_markdown(report):
    first = report["runs"][0]
    about = (
        f"{first['samples']} samples of {first['tokens']:.1f} tokens in the mean, one at a time; policy {report['policy']}. "
        f"Tokenising, not in the times: {first['tokenising_s'] * 1e3:.2f} ms a sample."
    )
    lines = [machine_line(report), "", about]
    for result in report["runs"]:
        chosen = {f"{TITLES[run['engine']]} {run['precision']}: {run['choice']}": None for run in result["runs"].values()}
        lines += ["", phee_table(result), "", f"Chosen, of the candidates: {'; '.join(chosen)}."]
        if result["left_out"]:
            lines += ["", f"Left out: {'; '.join(f'{title} ({why})' for title, why in result['left_out'].items())}."]
    return "\n".join(lines + busy_line([result["others_share"] for result in report["runs"]]))
