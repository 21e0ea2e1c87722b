#!/usr/bin/env bash
# The arrows between crates (ARCHITECTURE.md, "The map"): fails if a crate depends on one below it, or a command on another.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# absent PACKAGE "FLAGS" CRATE…: PACKAGE must not depend on any CRATE.
absent() {
    local package=$1 flags=$2 tree
    shift 2
    # shellcheck disable=SC2086
    tree=$(cargo tree --locked -p "$package" -e normal $flags --prefix none | cut -d' ' -f1 | sort -u)
    for crate in "$@"; do
        if grep -qx "$crate" <<<"$tree"; then
            echo "$package depends on $crate: see \"The map\" in ARCHITECTURE.md" >&2
            exit 1
        fi
    done
}

absent epee-files "" epee-exit epee-input
absent epee-exit "" epee-input epee-nn
absent epee-input "" epee-exit epee-data epee-nn
absent epee-data "" epee-exit epee-nn epee-model
absent epee-nn "" epee-files epee-exit epee-input epee-model
# Inference compiles no importer, no training, no network.
absent epee-model "" epee-data epee-train epee-hub epee-report
absent epee "--no-default-features" epee-data epee-train epee-hub epee-report
absent epee-train "" epee-data epee-hub epee-report epee
absent epee-report "" epee-model epee-data epee
absent epee "" epee-cli clap

# What commands share is beside them, in crates/epee-cli/src, or in a library.
commands=crates/epee-cli/src/commands
if grep -nE '^(pub(\(.*\))? )?use super::' $commands/*.rs || grep -rnE 'crate::commands|super::super::' $commands; then
    echo "a command imports another command" >&2
    exit 1
fi
echo "crates depend only on those above them"
