#!/usr/bin/env bash
# MiniLM with exits at all six layers on PHEE: fine-tune, trace, choose on dev, report on test.
# Usage: scripts/phee.sh [OUT]     (default: runs/phee; SEEDS="1 2 3"; data: $EPEE_DATA, else ../shared/data; EPEE: a built binary)
# RESULTS.md says how long a seed took. Goes on where it was interrupted. The last command prints RESULTS.md's tables.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

data=${EPEE_DATA:-../shared/data}
out=${1:-runs/phee}
epee=${EPEE:-}
if [ -z "$epee" ]; then
    cargo build --release
    epee=${CARGO_TARGET_DIR:-target}/release/epee
fi

mkdir -p "$out"
[ -e "$out/data" ] || "$epee" data import phee --from "$data/phee" --out "$out/data"

for seed in ${SEEDS:-1 2 3}; do
    run=$out/seed-$seed
    model=$run/model
    if [ ! -e "$run/train_seconds" ]; then
        mkdir -p "$run"
        # An interrupted run has a log, a finished one the time it took.
        resume=()
        [ ! -e "$model/metrics.jsonl" ] || resume=(--resume)
        begun=$SECONDS
        "$epee" train --model "$data/minilm-l6-v2" --data "$out/data" --out "$model" --epochs 9 --batch-size 16 \
            --learning-rate 2e-4 --warmup 0.1 --max-tokens 96 --select weighted-mean --metric macro_f1 --seed "$seed" "${resume[@]}"
        echo $((SECONDS - begun)) >"$run/train_seconds"
    fi
    for split in dev test; do
        "$epee" trace --model "$model" --data "$out/data" --split $split --out "$run/$split.safetensors" --force
    done
    # Each policy's best setting: the greatest saving on dev at no more than one point of macro-F1 lost.
    for policy in full entropy patience epee; do
        setting=full
        if [ $policy != full ]; then
            "$epee" calibrate "$run/dev.safetensors" --model "$model" --max-loss 0.01 --policy $policy \
                --threshold 0:1:0.01 --format json >"$run/choice-$policy.json"
            setting=$(sed -n 's/^ *"policy": "\(.*\)",\{0,1\}$/\1/p' "$run/choice-$policy.json" | head -n 1)
        fi
        "$epee" eval --model "$model" --data "$out/data" --split test --policy "$setting" --format json \
            >"$run/eval-$policy.json"
    done
    "$epee" sweep "$run/test.safetensors" --policy fixed --format json >"$run/exits.json"
done
python3 scripts/phee_table.py "$out"
