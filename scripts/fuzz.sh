#!/usr/bin/env bash
# Fuzzes every reader: scripts/fuzz.sh SECONDS [TARGET …], $FUZZ_JOBS targets at once (1). Fails if one finds
# something, which is printed.
#
# Needs cargo-fuzz and a C++ compiler; the stable toolchain does. Inputs grow in $FUZZ_CORPUS (target/fuzz/corpus).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../fuzz"

export seconds=$1
shift
# The instrumentation is a flag of the compiler that stable refuses without this.
export RUSTC_BOOTSTRAP=1
# A target is one thread, so that what it finds happens again.
export RAYON_NUM_THREADS=1
target=${CARGO_TARGET_DIR:-../target}/fuzz
export corpus=${FUZZ_CORPUS:-$target/corpus}
# One build for all targets: optimised, with overflow checks, without the address sanitiser (the readers have no unsafe code).
cargo fuzz build --sanitizer none --release --debug-assertions --target-dir "$target"
binaries=$target/$(rustc -vV | sed -n 's/^host: //p')/release
export binaries

fuzz() {
    local name=$1 log=$corpus/$1.log
    mkdir -p "$corpus/$name"
    # Bounds first: no input of a few kilobytes may take a gigabyte at once, two in all, or twenty seconds.
    if ! "$binaries/$name" "$corpus/$name" "seeds/$name" \
        -max_total_time="$seconds" -max_len=16384 -timeout=20 -malloc_limit_mb=1024 -rss_limit_mb=2048 \
        -print_final_stats=1 -artifact_prefix="$corpus/$name-" >"$log" 2>&1; then
        tail -40 "$log"
        echo "fuzz: $name: found something; see $log"
        return 1
    fi
    printf 'fuzz: %-16s %12d executions\n' "$name" "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")"
}
export -f fuzz

trap 'rm -rf /dev/shm/epee-fuzz-*' EXIT
names=("$@")
[ ${#names[@]} -gt 0 ] || mapfile -t names < <(cargo fuzz list)
printf '%s\n' "${names[@]}" | xargs -P "${FUZZ_JOBS:-1}" -I{} bash -c 'fuzz {}'
echo "fuzz: no finding"
