"""What a fair turn needs: sides that agree, a process that is quiet, and what others took meanwhile."""

import logging
import multiprocessing
import os
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from bench_train import Others
from peers.engines import PAUSE, TITLES, Epee, EpeeEnded, Peer

# A lower precision that takes this many times f32's time is not worth its turns.
SLOW = 2.0
# How far logits may be from PyTorch's, and a lower precision's probabilities.
CLOSE, LOOSE = 1e-4, 0.2


class Surroundings(Others):
    """Other programs; epee's processes, while they run, are not among them."""

    def __init__(self, sides):
        self.children = [side.process.pid for side in sides if isinstance(side, Epee)]
        super().__init__()

    def seconds(self):
        busy = super().seconds()
        return busy if busy is None else busy - sum(map(processor_seconds, self.children))


def processor_seconds(pid):
    """What a process took so far; 0 where Linux is not there."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def probabilities(logits):
    return torch.from_numpy(np.array(logits, np.float64)).softmax(-1).numpy()


def held_to(reference, side, mode, ids):
    """How far a side is from PyTorch: the greatest difference of a logit and of a probability. Too far ends the run."""
    logits, _ = side.ask(mode, ids, 0, 1)
    expected = reference if mode == "full" else reference[-len(logits) :]  # the last exits, as many as it tells
    what = f"{TITLES[side.engine]} {side.precision}, {mode}"
    if logits.shape != expected.shape:
        raise SystemExit(f"error: {what}: expected logits of shape {expected.shape}, got {logits.shape}")
    logit = float(np.abs(logits - expected).max())
    probability = float(np.abs(probabilities(logits) - probabilities(expected)).max())
    close = np.allclose(logits, expected, rtol=CLOSE, atol=CLOSE) if side.precision == "f32" else probability <= LOOSE
    if not close:
        raise SystemExit(f"error: {what}: logits are off by {logit:.2g}, probabilities by {probability:.2g}")
    return {"logit": logit, "probability": probability}


def idle_share(side, ids):
    """What share of one processor this process and the side's own take after a turn and the pause."""
    pids = [os.getpid()] + ([side.process.pid] if isinstance(side, Epee) else [])
    side.ask("full", ids, 0, 5)
    time.sleep(PAUSE)
    begun, before = time.perf_counter(), sum(map(processor_seconds, pids))
    time.sleep(0.4)
    return (sum(map(processor_seconds, pids)) - before) / (time.perf_counter() - begun)


def prepare(threads):
    """Of a fresh process: thread pools, and quiet."""
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    torch.set_grad_enabled(False)
    torch.set_num_threads(threads)
    onnxruntime.set_global_thread_pool_sizes(threads, 1)


def gather(args, workshop, model_folder, modes, precisions, stack):
    """The sides of one setting, and those left out with the reason."""
    sides, left_out, f32 = [], {}, {}
    for engine in args.engines:
        for precision in precisions[engine]:
            title = f"{TITLES[engine]} {precision}"
            if engine == "openvino" and precision == "bf16" and not workshop.has_bf16():
                left_out[title] = "the processor has no bf16"
                continue
            if engine == "epee":
                try:
                    side = Epee(args.epee, model_folder, precision, workshop.threads)
                except EpeeEnded as error:
                    if precision == "f32":
                        raise SystemExit(f"error: {error}") from None
                    left_out[title] = str(error)
                    continue
                stack.callback(side.close)
            else:
                side = Peer(workshop, engine, precision, modes)
                seconds = min(side.ask(modes[0], workshop.ids, 1, 5)[1])
                if seconds > SLOW * f32.setdefault(engine, seconds):
                    left_out[title] = f"{seconds / f32[engine]:.1f} times as slow as f32"
                    continue
            sides.append(side)
    return sides, left_out


def in_fresh_process(function, *arguments):
    """A thread pool's size is fixed for a process, and memory is given back."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(function, *arguments).result()
