#!/usr/bin/env bash
# int8 with weights in −64…64, as it is, and in −127…127: the example `precisions` built both ways, the second in a worktree of its own.
# Usage: scripts/bench/int8_range.sh MODEL DATA [COLUMNS FACTOR]...     (paths are absolute or relative to the project)
# Needs AVX-512 VNNI, or EPEE_ISA=portable: the AVX2 kernel's 16-bit sums overflow beyond 64.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
grep -q avx512_vnni /proc/cpuinfo || [ "${EPEE_ISA:-}" = portable ] || {
    echo "int8_range: needs AVX-512 VNNI, or EPEE_ISA=portable" >&2
    exit 1
}
model=$(realpath "${1:?MODEL}") data=$(realpath "${2:?DATA}")
shift 2
tree=$(mktemp -d)
trap 'git worktree remove --force "$tree/wide"; rm -r "$tree"' EXIT
git worktree add --quiet --detach "$tree/wide"
sed -i 's/MOST_WEIGHT: f32 = 64.0/MOST_WEIGHT: f32 = 127.0/' "$tree/wide/crates/epee-nn/src/kernels/micro/mod.rs"
echo "weights in −64…64"
cargo run --quiet --release -p epee --example precisions -- "$model" "$data" "$@"
echo "weights in −127…127"
cd "$tree/wide"
CARGO_TARGET_DIR=$tree/target cargo run --quiet --release -p epee --example precisions -- "$model" "$data" "$@"
