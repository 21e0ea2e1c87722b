#!/usr/bin/env python3
"""F1 of every class at an exit of a trace, and what the classes with few samples do to the mean: class_f1.py TRACE [EXIT] [FEW]"""

import json
import sys

import numpy as np
from safetensors import safe_open

path = sys.argv[1]
with safe_open(path, "np") as file:
    logits, labels = file.get_tensor("logits"), file.get_tensor("labels")
    names = json.loads(file.metadata().get("label_names", "[]"))
exit_ = int(sys.argv[2]) if len(sys.argv) > 2 else logits.shape[1]
few = int(sys.argv[3]) if len(sys.argv) > 3 else 3
predicted = logits[:, exit_ - 1].argmax(-1)
scores = []
for k in range(logits.shape[2]):
    samples, found = (labels == k).sum(), (predicted == k).sum()
    both = ((labels == k) & (predicted == k)).sum()
    scores.append((2 * both / max(samples + found, 1), int(samples)))
    print(f"{names[k] if names else k:<24} {samples:>5} samples  F1 {scores[-1][0]:.3f}")
rare, others = ([f for f, n in scores if (n <= few) == small] for small in (True, False))
mean = lambda values: np.mean(values) if values else float("nan")
print(f"exit {exit_}: macro-F1 {mean([f for f, _ in scores]):.3f}; {len(rare)} classes of at most {few} samples {mean(rare):.3f}, the others {mean(others):.3f}")
