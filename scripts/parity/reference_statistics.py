#!/usr/bin/env python3
"""Makes the statistics fixture of epee-exit with scipy, scikit-learn and the formulas written out.

    python3 -m venv .venv && .venv/bin/pip install -r scripts/requirements.txt
    .venv/bin/python scripts/parity/reference_statistics.py            writes crates/epee-exit/tests/fixtures/statistics.json
    .venv/bin/python scripts/parity/reference_statistics.py --check    compares instead of writing; exit status 1 if they differ

binomial    [k, n, p, P(X <= k)]: scipy.stats.binom.cdf
upper       [k, n, delta, bound]: scipy.stats.beta.ppf
intervals   [k, n, level, low, high]: scipy.stats.beta.ppf (binomtest's own stop at nine digits)
mcnemar     [b, c, p]: scipy.stats.binomtest
bentkus     [sum of losses, n, epsilon, p], betting: the formulas of Learn then Test and of Waudby-Smith and Ramdas, literally
quality     a trace [N, M, K] drawn here, unlabelled samples among it; per exit the temperature by scipy.optimize, and at that
            temperature NLL, ECE over 10 bins of equal mass, Brier and, by scikit-learn, AUROC
bootstrap   accuracy of 600 samples in a few cells, alone and paired: numpy's percentiles of 40,000 resamples of samples
"""

import argparse
import json
import math
import re
import sys
from pathlib import Path

import numpy as np
import scipy
import sklearn
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from scipy.stats import beta, binom, binomtest
from sklearn.metrics import roc_auc_score

FIXTURE = Path(__file__).resolve().parents[2] / "crates/epee-exit/tests/fixtures/statistics.json"


def binomials(rng):
    rows = [(0, 1, 0.3), (0, 59, 0.05), (7, 10, 0.5), (14, 15, 0.9), (15, 16, 0.9), (98, 100, 0.99)]
    for n in [10, 100, 1000, 10_000, 100_000, 1_000_000]:
        for p in [1e-3, 0.02, 0.3, 0.5, 0.95]:
            for z in [-7, -3, 0, 2, 6]:
                k = round(n * p + z * math.sqrt(n * p * (1 - p)))
                if 0 <= k < n:
                    rows.append((k, n, p))
    return rows


def hoeffding_bentkus(total, n, epsilon):
    def h(a, b):
        return (a * math.log(a / b) if a > 0 else 0) + (1 - a) * math.log((1 - a) / (1 - b))

    hoeffding = math.exp(-n * h(min(total / n, epsilon), epsilon))
    return min(1, hoeffding, math.e * binom.cdf(math.ceil(total), n, epsilon))


def betting(losses, epsilon, delta):
    n = len(losses)
    best = wealth = 1.0
    for i in range(1, n + 1):
        means = [(0.5 + sum(losses[:j])) / (1 + j) for j in range(1, i)]
        variance = (0.25 + sum((loss - mean) ** 2 for loss, mean in zip(losses, means))) / i
        bet = min(1, math.sqrt(2 * math.log(1 / delta) / (n * variance)))
        wealth *= 1 - bet * (losses[i - 1] - epsilon)
        best = max(best, wealth)
    return min(1, 1 / best)


def quality(rng):
    samples, exits, classes, bins = 98, 3, 3, 10
    labels = rng.integers(0, classes, samples)
    logits = rng.normal(size=(samples, exits, classes)) * np.array([0.5, 2.0, 6.0])[:, None]
    logits += np.eye(classes)[labels][:, None, :] * np.array([0.8, 3.0, 7.0])[:, None]
    logits = np.round(logits, 2).astype(np.float32)
    logits[1] = logits[0]  # equal confidences
    labels[rng.random(samples) < 0.1] = -1
    known = labels >= 0
    y, z = labels[known], logits[known]
    last = z[:, -1].argmax(1) == y
    rows = []
    for m in range(exits):
        row = z[:, m].astype(np.float64)

        def loss(log_t):
            return -log_softmax(row / math.exp(log_t), axis=1)[np.arange(len(y)), y].sum()

        best = minimize_scalar(loss, bounds=(math.log(0.05), math.log(20)), method="bounded", options={"xatol": 1e-10})
        temperature = round(math.exp(best.x), 4)
        tempered = (row / temperature).astype(np.float32).astype(np.float64)
        log_p = log_softmax(tempered, axis=1)
        p = np.exp(log_p)
        predicted = row.argmax(1)
        right = predicted == y
        confidence = p[np.arange(len(y)), predicted]
        order = np.argsort(confidence, kind="stable")
        ece, counts = 0, []
        for b in range(bins):
            part = order[b * len(y) // bins : (b + 1) * len(y) // bins]
            ece += len(part) / len(y) * abs(right[part].mean() - confidence[part].mean())
            counts.append(len(part))
        entropy = -(p * log_p).sum(1) / math.log(classes)
        saved = ~right & last
        rows.append(
            {
                "fitted": math.exp(best.x),
                "temperature": temperature,
                "nll": -log_p[np.arange(len(y)), y].mean(),
                "ece": ece,
                "counts": counts,
                "brier": ((p - np.eye(classes)[y]) ** 2).sum(1).mean(),
                "auroc": roc_auc_score(saved, entropy) if 0 < saved.sum() < len(y) else None,
            }
        )
    flat = [round(float(v), 2) for v in logits.ravel()]
    return {"exits": exits, "classes": classes, "labels": labels.tolist(), "logits": flat, "rows": rows}


def bootstraps(rng):
    labels = rng.integers(0, 3, 600)
    a = np.where(rng.random(600) < 0.8, labels, (labels + 1) % 3)
    b = np.where(rng.random(600) < 0.1, (a + 2) % 3, a)
    right = np.stack([a == labels, b == labels], 1).astype(float)
    drawn = np.array([right[rng.integers(0, 600, 600)].mean(0) for _ in range(40_000)])
    percent = [2.5, 97.5]
    return {
        "labels": labels.tolist(),
        "a": a.tolist(),
        "b": b.tolist(),
        "accuracy": np.percentile(drawn[:, 0], percent).tolist(),
        "difference": np.percentile(drawn[:, 1] - drawn[:, 0], percent).tolist(),
    }


def make():
    rng = np.random.default_rng(17)
    rows = binomials(rng)
    uppers = [(k, n, delta) for k, n, _ in rows for delta in [0.05, 1e-6] if n in (10, 100, 10_000, 1_000_000)]
    exact = [(k, n, level) for k, n, _ in rows for level in [0.95] if n != 100_000] + [(0, 9, 0.9), (9, 9, 0.9), (1, 1_000_000, 0.99)]
    pairs = [(0, 0), (5, 5), (0, 1), (1, 8), (3, 9), (40, 61), (200, 300), (9_000, 9_400)]
    sums = [(s, n, e) for n in [30, 150, 1000] for e in [0.02, 0.1, 0.3] for s in [0.0, 0.25, n * e / 8, n * e / 3 + 0.3, math.ceil(n * e / 4) - 0.04, n * e, n * e * 2]]
    streams = []
    for epsilon, delta, rate, values in [
        (0.05, 0.05, 0.01, [0, 1]),
        (0.1, 0.1, 0.05, [0, 0.5]),
        (0.1, 0.01, 0.3, [0, 1]),
        (0.02, 0.05, 0.1, [0, -1]),
        (0.05, 0.05, 0.08, [0, -1, 1]),
        (0.3, 0.001, 1.0, [0.0, 0.25]),
    ]:
        losses = np.where(rng.random(120) < rate, rng.choice(values, 120), 0).tolist()
        streams.append({"losses": losses, "epsilon": epsilon, "delta": delta, "p": betting(losses, epsilon, delta)})

    def ends(k, n, level):
        half = (1 - level) / 2
        return [beta.ppf(half, k, n - k + 1) if k else 0.0, beta.isf(half, k + 1, n - k) if k < n else 1.0]

    return {
        "about": {"numpy": np.__version__, "scipy": scipy.__version__, "scikit-learn": sklearn.__version__},
        "binomial": [[k, n, p, binom.cdf(k, n, p)] for k, n, p in rows],
        "upper": [[k, n, delta, beta.isf(delta, k + 1, n - k)] for k, n, delta in uppers],
        "intervals": [[*row, *ends(*row)] for row in exact],
        "mcnemar": [[b, c, binomtest(b, b + c).pvalue if b + c else 1.0] for b, c in pairs],
        "bentkus": [[*row, hoeffding_bentkus(*row)] for row in sums],
        "betting": streams,
        "quality": quality(rng),
        "bootstrap": bootstraps(rng),
    }


def same(a, b):
    """Equal but for the last digits of a number, which differ between processors."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=1e-7)
    return a == b


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--check", action="store_true")
    check = arguments.parse_args().check
    plain = json.loads(json.dumps(make(), default=lambda value: value.item()))
    if check:
        if not same(json.loads(FIXTURE.read_text()), plain):
            sys.exit(f"{FIXTURE} is not what this script makes")
        return
    lines = json.dumps(plain, indent=1)
    lines = re.sub(r"\[[^\[\]{}]*\]", lambda match: re.sub(r"\s+", "", match[0]), lines) + "\n"
    FIXTURE.write_text(lines)


if __name__ == "__main__":
    main()
