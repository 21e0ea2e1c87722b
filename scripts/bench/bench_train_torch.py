"""PyTorch's side of bench_train.py: one measurement in a process of its own, as a JSON object on stdout.

    bench_train_torch.py choose    --size 6x384              the fastest attention and AdamW for a step, the fastest attention
                                                             for an inference
    bench_train_torch.py step      --size 6x384 --choice C   median seconds of a training step
    bench_train_torch.py epoch     --size 6x384 --choice C --lengths FILE --batches padded|bucketed
    bench_train_torch.py inference --size 6x384 --choice C   median seconds of an inference

The model: Transformers' own BERT layers called one after the other, which is what early exit needs and is not slower than
BertModel.forward (their logits are held to be equal, with and without padding), an exit after every layer, the pooler shared.
"""

import argparse
import json
import random
import resource
import statistics
import time
from pathlib import Path

import torch
from torch import nn
from torch.nn.functional import cross_entropy, dropout
from transformers.models.bert.configuration_bert import BertConfig
from transformers.models.bert.modeling_bert import BertModel

CLASSES, INFERENCE_TOKENS, EPOCH_BATCH = 4, 32, 16
# Layers, width, sequences and tokens of a step.
SIZES = {"6x384": (6, 384, 16, 64), "12x768": (12, 768, 8, 64)}


def peak_bytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class MultiExit(nn.Module):
    def __init__(self, size, attention):
        super().__init__()
        layers, width, _, _ = SIZES[size]
        config = BertConfig(
            vocab_size=30522,
            hidden_size=width,
            num_hidden_layers=layers,
            num_attention_heads=12,
            intermediate_size=4 * width,
            max_position_embeddings=512,
            hidden_dropout_prob=0.1,
            attention_probs_dropout_prob=0.1,
            attn_implementation=attention,
        )
        self.bert = BertModel(config)
        self.classifiers = nn.ModuleList(nn.Linear(width, CLASSES) for _ in range(layers))

    def exit(self, m, hidden):
        return self.classifiers[m](dropout(self.bert.pooler(hidden), 0.1, self.training))

    def forward(self, ids, mask=None):
        """mask: 1 where a token stands, 0 where padding does; none where nothing is padded."""
        hidden = self.bert.embeddings(ids)
        if mask is not None:
            mask = (1.0 - mask[:, None, None, :].to(hidden.dtype)) * torch.finfo(hidden.dtype).min
        logits = []
        for m, layer in enumerate(self.bert.encoder.layer):
            hidden = layer(hidden, mask)
            logits.append(self.exit(m, hidden))
        return logits

    def through_transformers(self, ids, mask=None):
        """The same by BertModel.forward, to compare with."""
        hidden = self.bert(ids, attention_mask=mask, output_hidden_states=True).hidden_states[1:]
        return [self.exit(m, state) for m, state in enumerate(hidden)]


def eq4(logits, labels):
    weighted = sum(m * cross_entropy(z, labels) for m, z in enumerate(logits, 1))
    return weighted / (len(logits) * (len(logits) + 1) / 2)


def tokens(batch, length):
    return torch.randint(1, 30522, (batch, length))


def padded(lengths):
    """Ids and mask of a batch, padded to the longest; no mask where nothing is."""
    mask = (torch.arange(max(lengths))[None, :] < torch.tensor(lengths)[:, None]).long()
    return tokens(len(lengths), max(lengths)) * mask, None if min(lengths) == max(lengths) else mask


def split(choice):
    attention, _, adamw = choice.partition(", ")
    return attention, adamw == "fused AdamW"


class Training:
    def __init__(self, size, choice):
        attention, fused = split(choice)
        self.model = MultiExit(size, attention).train()
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=2e-5, weight_decay=0.0, fused=fused)

    def step(self, ids, mask=None):
        labels = torch.arange(len(ids)) % CLASSES
        self.optimizer.zero_grad(set_to_none=True)
        eq4(self.model(ids, mask), labels).backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()


def stepper(size, choice):
    training, (_, _, batch, length) = Training(size, choice), SIZES[size]
    ids = tokens(batch, length)
    return lambda: training.step(ids)


def answerer(size, choice):
    """A function that answers one query at full depth."""
    model = MultiExit(size, split(choice)[0]).eval()
    with torch.inference_mode():
        for ids, mask in [(tokens(1, INFERENCE_TOKENS), None), padded([9, INFERENCE_TOKENS])]:
            for ours, theirs in zip(model(ids, mask), model.through_transformers(ids, mask), strict=True):
                torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
    ids = tokens(1, INFERENCE_TOKENS)

    def answer():
        with torch.inference_mode():
            model(ids)

    return answer


def median_time(work, repeats, warm_up):
    for _ in range(warm_up):
        work()
    times = []
    for _ in range(repeats):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def fastest(candidates, repeats, warm_up):
    """The name of the fastest; each is timed twice, in turn, since machines are noisy."""
    timed = {name: [] for name in candidates}
    for _ in range(2):
        for name, work in candidates.items():
            timed[name].append(median_time(work, repeats, warm_up))
    return min(timed, key=lambda name: min(timed[name]))


def choose(args):
    attentions = ("eager", "sdpa")
    choices = [f"{attention}, {kind} AdamW" for attention in attentions for kind in ("fused", "plain")]
    steps = {choice: stepper(args.size, choice) for choice in choices}
    step = fastest(steps, repeats=3, warm_up=1)
    return {"step": step, "inference": fastest({a: answerer(args.size, a) for a in attentions}, repeats=50, warm_up=10)}


def step(args):
    imported = peak_bytes()
    seconds = median_time(stepper(args.size, args.choice), args.repeats, warm_up=2)
    return {"seconds": seconds, "imported_bytes": imported, "peak_bytes": peak_bytes()}


def inference(args):
    return {"seconds": median_time(answerer(args.size, args.choice), 10 * args.repeats, warm_up=10)}


def epoch(args):
    """Batches in the file's order, or neighbours in length together and the batches in random order."""
    lengths = [int(line) for line in args.lengths.read_text().split()]
    if args.batches == "bucketed":
        lengths.sort()
    batches = [lengths[i : i + EPOCH_BATCH] for i in range(0, len(lengths), EPOCH_BATCH)]
    if args.batches == "bucketed":
        random.Random(1).shuffle(batches)
    batches = batches[: args.most_batches]
    training = Training(args.size, args.choice)
    training.step(*padded(batches[0]))
    begun = time.perf_counter()
    for batch in batches:
        training.step(*padded(batch))
    seconds = time.perf_counter() - begun
    rows = sum(len(batch) * max(batch) for batch in batches)
    return {"seconds": seconds, "tokens": sum(map(sum, batches)), "rows": rows, "peak_bytes": peak_bytes()}


def main():
    parser = argparse.ArgumentParser()
    tasks = {"choose": choose, "step": step, "epoch": epoch, "inference": inference}
    parser.add_argument("task", choices=tasks)
    parser.add_argument("--size", choices=SIZES, required=True)
    parser.add_argument("--choice", default="sdpa, fused AdamW")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--lengths", type=Path)
    parser.add_argument("--batches", choices=("padded", "bucketed"), default="padded")
    parser.add_argument("--most-batches", type=int)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    print(json.dumps(tasks[args.task](args)))


if __name__ == "__main__":
    main()
