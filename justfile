# The recipes that CI runs (.ci/run calls `just ci`) and those a developer wants beside them.

set shell := ["bash", "-euo", "pipefail", "-c"]

python := env("PYTHON", "python3")

# this list
default:
    @just --list --unsorted

# everything that CI runs, quickest answer first
ci: fmt clippy test doc deny smoke

# formatting
fmt:
    cargo fmt --all --check

# lints, warnings are errors
clippy:
    cargo clippy --workspace --all-targets -- -D warnings

# the README's test command: unit tests, end-to-end tests and doc examples
test:
    cargo test --workspace

# the reference pages, warnings are errors
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# licences, bans and sources of the dependencies
deny:
    cargo deny --log-level error check licenses bans sources

# the built command answers
smoke:
    bash scripts/smoke.sh

# the main job on generated notes, as in the README
quickstart:
    cargo run --release -- quickstart

# fine-tune MiniLM on PHEE, sweep, choose on dev, report on test (needs the shared data)
phee:
    bash scripts/phee.sh

# replay speed: settings x samples x exits per second
bench:
    cargo bench -p epee-exit

# a training step and an inference, beside PyTorch (needs scripts/requirements.txt)
bench-train *ARGS:
    cargo build --release -p epee-train --example bench_step
    {{python}} scripts/bench_train.py --epee "${CARGO_TARGET_DIR:-target}/release/examples/bench_step" {{ARGS}}

# make the parity fixtures again (needs scripts/requirements.txt and the shared data)
fixtures:
    {{python}} scripts/reference.py

# fail if the committed fixtures are not what the script makes
fixtures-check:
    {{python}} scripts/reference.py --check
