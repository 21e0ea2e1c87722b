#!/usr/bin/env bash
# All recipes on one dataset with MiniLM: train, record traces of dev and test, sweep both.
# Usage: scripts/recipes.sh DATASET [OUT]      (default OUT: runs/recipes; EPEE: a built binary; data: $EPEE_DATA, else ../shared/data)
#   DATASET  phee, git
# Environment: RECIPES (default: all), SEEDS (1), EPOCHS (6), THREADS of each run (1).
# Two calls of this script share the work: each run is claimed by one of them. To continue an interrupted run, remove its claim: `rm OUT/…/claim`.
# `python3 scripts/tables/recipes_table.py OUT` prints the tables of docs/results/recipes.md.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

dataset=${1:?DATASET: phee or git}
out=${2:-runs/recipes}
data=${EPEE_DATA:-../shared/data}
epee=${EPEE:-}
if [ -z "$epee" ]; then
    cargo build --release
    epee=${CARGO_TARGET_DIR:-target}/release/epee
fi
recipes=${RECIPES:-paper mixed distill uniform late balanced head-rate class-weights alternating two-stage layer-decay}

mkdir -p "$out"
[ -e "$out/data/$dataset" ] || "$epee" data import "$dataset" --from "$data/$dataset" --out "$out/data/$dataset"

for seed in ${SEEDS:-1}; do
    for recipe in $recipes; do
        run=$out/$dataset/$recipe/seed-$seed
        mkdir -p "$run"
        mkdir "$run/claim" 2>/dev/null || continue
        resume=()
        [ ! -e "$run/model/metrics.jsonl" ] || resume=(--resume)
        "$epee" train --model "$data/minilm-l6-v2" --data "$out/data/$dataset" --out "$run/model" --recipe "$recipe" \
            --epochs "${EPOCHS:-6}" --learning-rate 2e-4 --batch-size 16 --max-tokens 96 --seed "$seed" \
            --threads "${THREADS:-1}" "${resume[@]}"
        for split in dev test; do
            "$epee" trace --model "$run/model" --data "$out/data/$dataset" --split $split --out "$run/$split.safetensors" --force \
                --threads "${THREADS:-1}"
            "$epee" sweep "$run/$split.safetensors" --policies fixed --format json >"$run/exits-$split.json"
            "$epee" sweep "$run/$split.safetensors" --policies epee --threshold 0:1:0.01 --format json >"$run/epee-$split.json"
        done
        rm -rf "$run/model/checkpoints" "$run/model/model.safetensors"
    done
done
