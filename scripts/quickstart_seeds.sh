#!/usr/bin/env bash
# The quickstart over eight generator seeds; the last command prints the table of docs/results/quickstart.md.
# Usage: scripts/quickstart_seeds.sh [OUT]     (default: runs/quickstart; SEEDS="1 2 3 4 5 6 7 8"; EPEE: a built binary)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

out=${1:-runs/quickstart}
epee=${EPEE:-}
if [ -z "$epee" ]; then
    cargo build --release
    epee=${CARGO_TARGET_DIR:-target}/release/epee
fi
mkdir -p "$out"
for seed in ${SEEDS:-1 2 3 4 5 6 7 8}; do
    [ -e "$out/seed-$seed.json" ] && continue
    "$epee" quickstart --seed "$seed" --out "$out/seed-$seed" --force --format json >"$out/seed-$seed.json.part"
    mv "$out/seed-$seed.json.part" "$out/seed-$seed.json"
done
python3 scripts/tables/quickstart_table.py "$out"
