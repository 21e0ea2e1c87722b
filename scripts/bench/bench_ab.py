#!/usr/bin/env python3
"""Times builds of the engine against one another, in turns: what an optimisation gives, before it is kept.

    cargo build --release -p epee-model --example bench_peer && cp target/release/examples/bench_peer /tmp/before
    (change, build again)
    python3 scripts/bench/bench_ab.py --model runs/phee /tmp/before target/release/examples/bench_peer

Each build runs at full depth, every row computed, as in scripts/bench/bench_peers.py; printed is the least of the rounds' medians,
since what disturbs a run only makes it slower. Wants an idle machine, and nothing but Python.
"""

import argparse
import json
import os
import statistics
import subprocess
from pathlib import Path


def median_ms(binary, model, precision, tokens, threads, seconds, cpus):
    command = [binary, "--model", model, "--precision", precision, "--threads", str(threads)]
    ids = [101, *((i * 7919) % 20000 + 1000 for i in range(tokens - 2)), 102]
    pin = (lambda: os.sched_setaffinity(0, cpus)) if cpus else None
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=pin
    ) as process:
        process.stdout.readline()

        def ask(repeats):
            request = {"ids": ids, "mode": "full", "warm_up": 3, "repeats": repeats}
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            return statistics.median(json.loads(process.stdout.readline())["seconds"])

        once = ask(5)
        median = ask(max(5, round(seconds / once)))
        process.stdin.close()
    return 1e3 * median


def numbers(text):
    return [int(part) for part in text.split(",")]


def main():
    parser = argparse.ArgumentParser(description="Times builds of the engine in turns.")
    parser.add_argument("binaries", nargs="+", metavar="BINARY", help="builds of the example bench_peer")
    parser.add_argument("--model", required=True, metavar="DIR", help="a multi-exit model")
    parser.add_argument("--precision", default="f32,int8", help="[default: f32,int8]")
    parser.add_argument("--tokens", type=numbers, default=[32, 128], help="[default: 32,128]")
    parser.add_argument("--threads", type=int, default=1, help="[default: 1]")
    parser.add_argument("--rounds", type=int, default=4, help="[default: 4]")
    parser.add_argument("--seconds", type=float, default=1.0, help="of one turn [default: 1]")
    parser.add_argument("--cpus", type=numbers, help="cores to stay on, such as 1")
    args = parser.parse_args()
    for precision in args.precision.split(","):
        for tokens in args.tokens:
            best = {}
            for _ in range(args.rounds):
                for binary in args.binaries:
                    ms = median_ms(
                        binary, args.model, precision, tokens, args.threads, args.seconds, args.cpus
                    )
                    best[binary] = min(ms, best.get(binary, ms))
            first = best[args.binaries[0]]
            for binary, ms in best.items():
                print(f"{precision} {tokens:4} tokens  {ms:8.2f} ms  {ms / first:5.2f}  {Path(binary)}", flush=True)


if __name__ == "__main__":
    main()
