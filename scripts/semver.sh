#!/usr/bin/env bash
# Compares the public API of every library crate with that of the last release (needs cargo-semver-checks).
# Usage: scripts/semver.sh [BASELINE]     (a commit or tag; default: the last tag v* before HEAD)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

baseline=${1:-$(git describe --tags --abbrev=0 --match 'v*' HEAD^ 2>/dev/null || true)}
if [ -z "$baseline" ]; then
    echo "semver: no earlier release to compare with"
    exit 0
fi
cargo semver-checks --workspace --baseline-rev "$baseline"
