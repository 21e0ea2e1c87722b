#!/usr/bin/env bash
# The paper's grid (batch 16, 32, 128 × rate 1e-5, 2e-5, 3e-5, 5e-5, 15 epochs) with MiniLM on a thousand PHEE sentences, 500 for dev.
# Usage: scripts/grid.sh [OUT]      (default OUT: runs/grid; EPEE: a built binary; data: $EPEE_DATA, else ../shared/data; JOBS: runs at a time)
# Run it again to continue after an interruption. OUT/grid/results.csv has a row per run; docs/results/grid.md has the table that `epee grid` prints.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

out=${1:-runs/grid}
data=${EPEE_DATA:-../shared/data}
epee=${EPEE:-}
if [ -z "$epee" ]; then
    cargo build --release
    epee=${CARGO_TARGET_DIR:-target}/release/epee
fi
mkdir -p "$out"
if [ ! -e "$out/phee-1000" ]; then
    "$epee" data import phee --from "$data/phee" --out "$out/phee" --force
    head -n 1000 "$out/phee/train.jsonl" >"$out/train.jsonl"
    head -n 500 "$out/phee/dev.jsonl" >"$out/dev.jsonl"
    "$epee" data import jsonl --train "$out/train.jsonl" --dev "$out/dev.jsonl" --text text --label label --id id --out "$out/phee-1000"
fi
sed -e "s|^model = .*|model = \"$data/minilm-l6-v2\"|" -e "s|^data = .*|data = \"$out/phee-1000\"|" \
    -e 's|^epochs = .*|&\nmax_tokens = 96|' docs/grid-paper.toml >"$out/grid.toml"
resume=()
[ ! -e "$out/grid/grid.toml" ] || resume=(--resume)
"$epee" grid --config "$out/grid.toml" --out "$out/grid" --jobs "${JOBS:-2}" "${resume[@]}"
