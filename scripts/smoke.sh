#!/usr/bin/env bash
# Checks the release binary: help, exit statuses, and the quickstart.
# Usage: scripts/smoke.sh [PATH_TO_EPEE]     (default: builds the release binary)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

epee=${1:-}
if [ -z "$epee" ]; then
    cargo build --release
    epee=${CARGO_TARGET_DIR:-target}/release/epee
fi
epee=$(realpath "$epee")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

fail() {
    echo "smoke: $*" >&2
    exit 1
}

# expect STATUS ARGUMENT...: runs epee, leaves its output in $dir/out and $dir/err.
expect() {
    local want=$1 got=0
    shift
    "$epee" "$@" >"$dir/out" 2>"$dir/err" </dev/null || got=$?
    [ "$got" = "$want" ] || fail "epee $*: expected exit status $want, got $got: $(head -c 2000 "$dir/err")"
}

expect 0 --version
grep -q '^epee [0-9]' "$dir/out" || fail "epee --version printed: $(cat "$dir/out")"

expect 0 --help
commands=$(sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' "$dir/out" | grep -v '^help$' || true)
[ -n "$commands" ] || fail "epee --help lists no commands"
for command in $commands; do
    expect 0 "$command" --help
done

# Faults on purpose belong to the chaos tests' builds.
! grep -q EPEE_FAULT "$epee" || fail "the release binary reads EPEE_FAULT"

expect 2 --no-such-flag
expect 1 info "$dir/nothing-here"
[ ! -s "$dir/out" ] || fail "an error wrote to stdout: $(cat "$dir/out")"
grep -q '^error: ' "$dir/err" || fail "an error without a sentence: $(cat "$dir/err")"

begun=$SECONDS
expect 0 quickstart --out "$dir/quickstart"
cat "$dir/out"
[ -n "$(find "$dir/quickstart" -name model.safetensors)" ] || fail "quickstart left no model"
echo "smoke: ok, quickstart took $((SECONDS - begun)) s"
