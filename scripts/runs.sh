#!/usr/bin/env bash
# One model on one dataset: import, train, trace, choose on dev, report on test; three seeds, or those in SEEDS.
# Usage: scripts/runs.sh MODEL DATASET [OUT]     (default OUT: runs; EPEE: a built binary; data: $EPEE_DATA, else ../shared/data)
#   MODEL    minilm (the real weights), albert, gpt2, vit (small, from fresh weights: scripts/configs/)
#   DATASET  phee, health-advice, git, ddi, drug-review; for vit pneumoniamnist, breastmnist
# Run it again to continue after an interruption. `python3 scripts/tables/runs_table.py OUT` prints the tables of docs/results/datasets.md.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

model=${1:?MODEL: minilm, albert, gpt2 or vit}
dataset=${2:?DATASET: phee, health-advice, git, ddi, drug-review, pneumoniamnist or breastmnist}
out=${3:-runs}
data=${EPEE_DATA:-../shared/data}
epee=${EPEE:-}
if [ -z "$epee" ]; then
    cargo build --release
    epee=${CARGO_TARGET_DIR:-target}/release/epee
fi

# What each dataset is read from, and how.
from=$data/$dataset
import=()
length=96
case $dataset in
phee | git) ;;
health-advice) from=$data/health_advice ;;
ddi) from=$data/ddi/DDICorpus-2013.zip import=(--negative-filter all --entities blind) ;;
drug-review) from=$data/drug_review length=128 ;;
pneumoniamnist | breastmnist) from=$data/medmnist ;;
*) echo "error: no dataset $dataset" >&2 && exit 1 ;;
esac
# GPT-2 knows no [SEP]: a bar stands between the parts.
prepared=$out/data/$dataset
if [ "$model-$dataset" = gpt2-git ]; then
    import=(--separator "|") prepared=$out/data/git-bar
fi

# What each model starts from, its rate, and how often it sees a dataset.
epochs=5
case $model in
minilm)
    rate=2e-4
    case $dataset in
    phee | git) epochs=9 ;;
    drug-review) epochs=3 ;;
    # At 2e-4 it stays with the majority; an epoch is twenty minutes on a core.
    ddi) epochs=1 rate=1e-4 ;;
    esac
    start=(--model "$data/minilm-l6-v2" --learning-rate $rate)
    ;;
albert | gpt2)
    start=(--init "scripts/configs/$model-small.json" --learning-rate 1e-3)
    [ "$model" = gpt2 ] && start+=(--tokenizer "$data/tokenizers/gpt2") || start+=(--tokenizer "$data/tokenizers/albert-v2")
    case $dataset in git) epochs=10 ;; ddi) epochs=2 ;; drug-review | health-advice) epochs=3 ;; esac
    ;;
vit)
    start=(--init scripts/configs/vit-small.json --learning-rate 1e-3)
    epochs=8
    [ "$dataset" = breastmnist ] && epochs=30
    ;;
*) echo "error: no model $model" >&2 && exit 1 ;;
esac

mkdir -p "$out/data"
[ -e "$prepared" ] || "$epee" data import "$dataset" --from "$from" "${import[@]}" --out "$prepared"

for seed in ${SEEDS:-1 2 3}; do
    run=$out/$model/$dataset/seed-$seed
    if [ ! -e "$run/train_seconds" ]; then
        mkdir -p "$run"
        # An interrupted run has a log, a finished one the time it took.
        resume=()
        [ ! -e "$run/model/metrics.jsonl" ] || resume=(--resume)
        begun=$SECONDS
        "$epee" train "${start[@]}" --data "$prepared" --out "$run/model" --recipe paper --epochs "$epochs" --batch-size 16 --warmup 0.1 \
            --max-tokens $length --select weighted-mean --metric macro_f1 --seed "$seed" "${resume[@]}"
        echo $((SECONDS - begun)) >"$run/train_seconds"
    fi
    for split in dev test; do
        "$epee" trace --model "$run/model" --data "$prepared" --split $split --out "$run/$split.safetensors" --force
    done
    # Each policy's best setting: the greatest saving on dev at no more than one point of macro-F1 lost; run live beside full depth.
    for policy in entropy patience epee; do
        "$epee" calibrate "$run/dev.safetensors" --model "$run/model" --max-loss 0.01 --policies $policy \
            --threshold 0:1:0.01 --format json >"$run/choice-$policy.json"
        setting=$(sed -n 's/^ *"policy": "\(.*\)",\{0,1\}$/\1/p' "$run/choice-$policy.json" | head -n 1)
        "$epee" eval --model "$run/model" --data "$prepared" --split test --policy "$setting" --format json \
            >"$run/eval-$policy.json"
    done
    positive=()
    [ "$dataset" != ddi ] || positive=(--micro-over mechanism,effect,advise,int)
    "$epee" sweep "$run/test.safetensors" --policies fixed "${positive[@]}" --format json >"$run/exits.json"
    rm -rf "$run/model/checkpoints"
done
