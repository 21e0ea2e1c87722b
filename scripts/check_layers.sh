#!/usr/bin/env bash
# The arrows between crates (ARCHITECTURE.md, "The map"): fails if a crate depends on one below it, or a command on another, if a crate
# creates a file other than through epee-files, or if a command prints other than through `Ui`.
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

# absent_in PATTERN ADVICE FILE…: no line outside tests and comments may match.
absent_in() {
    local pattern=$1 advice=$2 file
    shift 2
    for file in "$@"; do
        case $file in */tests.rs | */tests/* | */testing.rs | */epee-testing/*) continue ;; esac
        # A module of tests has them at the left margin.
        if grep -q '^#\[test\]' "$file"; then continue; fi
        if awk '/^#\[cfg\(.*test.*\)\]$/ { held = 1; next } held && /^(pub\(.*\) )?mod .*\{/ { exit } { held = 0 } !/^ *\/\// { print FILENAME ":" FNR ": " $0 }' \
            "$file" | grep -E "$pattern"; then
            echo "$advice" >&2
            exit 1
        fi
    done
}

mapfile -t sources < <(find crates/*/src -name '*.rs' ! -path 'crates/epee-files/*')
absent_in '\bFile::(create|options)|OpenOptions|fs::write\(|[^_]tempfile::' \
    "files are created through epee-files: modes, links, temporaries" "${sources[@]}"
mapfile -t sources < <(find crates/epee-cli/src -name '*.rs' ! -path '*/ui/mod.rs')
absent_in '\be?print(ln)?!|stdout\(\)\.(write|lock)|std(out|err)\(\),' \
    "commands print through Ui: what people read has no control characters" "${sources[@]}"
echo "crates depend only on those above them"
