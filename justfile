# Recipes of CI (.ci/run calls `just ci`) and of developers. `just` alone lists them.

set shell := ["bash", "-euo", "pipefail", "-c"]

python := env("PYTHON", "python3")

# this list
default:
    @just --list --unsorted

# everything that CI runs, quickest answer first
ci: fmt docs-check layers clippy test examples isa asan doc deny smoke fuzz-ci

# formatting
fmt:
    cargo fmt --all --check

# the arrows between crates
layers:
    bash scripts/check_layers.sh

# lints, warnings are errors
clippy:
    cargo clippy --workspace --all-targets -- -D warnings

# the README's test command: unit tests, end-to-end tests and doc examples
test:
    cargo test --workspace

# the engine's tests on the portable kernels
isa:
    EPEE_ISA=portable cargo test -p epee-nn -p epee-model

# the kernels' tests under the address sanitiser
asan:
    RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=address" CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/asan" PROPTEST_CASES=8 \
        cargo test -p epee-nn --lib --target "$(rustc -vV | sed -n 's/^host: //p')"

# the kernels' tests on an instruction set this machine lacks: avx512 or neon (Debian; downloads an emulator)
emulate ISA *ARGS:
    bash scripts/emulate.sh {{ISA}} {{ARGS}}

# the examples of the library, each of which asserts a number
examples:
    for name in predict train own_logits custom_policy; do cargo run --quiet -p epee --example "$name"; done

# the reference pages, warnings are errors
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# all readers on mutated files, MINUTES for each of fifteen (needs cargo-fuzz and a C++ compiler)
fuzz MINUTES *TARGETS:
    bash scripts/fuzz.sh $(({{MINUTES}} * 60)) {{TARGETS}}

# ten seconds for each, less optimised since that builds faster
fuzz-ci:
    CARGO_PROFILE_RELEASE_OPT_LEVEL=1 FUZZ_JOBS=2 bash scripts/fuzz.sh 10

# licences, bans and sources of the dependencies
deny:
    cargo deny --log-level error check licenses bans sources

# Markdown: line lengths, links, anchors; no registry's host name in any file
docs-check:
    python3 scripts/docs/check.py

# the documentation as a book, in target/book (needs mdbook)
book *ARGS:
    mdbook build {{ARGS}}

# the licences of all crates in the binary, as a text (needs cargo-about)
licences OUT="target/THIRD-PARTY-LICENCES.txt":
    mkdir -p "$(dirname {{OUT}})"
    cargo about generate --locked --fail -m crates/epee-cli/Cargo.toml about.hbs -o {{OUT}}

# the archive of a release, with its checksum, in target/dist
dist *TARGET:
    bash scripts/dist.sh {{TARGET}}

# what must hold before a tag: licences, publishing, semantic versioning (needs cargo-about, cargo-semver-checks)
release-check: deny licences
    cargo publish --workspace --dry-run --locked
    bash scripts/semver.sh

# the release binary: help, exit statuses, quickstart
smoke:
    bash scripts/smoke.sh

# the main job on generated notes, as in the README
quickstart:
    cargo run --release -- quickstart

# a model on a dataset: train, choose on dev, report on test (needs the shared data): just run minilm phee
run MODEL DATASET OUT="runs":
    bash scripts/runs.sh {{MODEL}} {{DATASET}} {{OUT}}

# the tables of what `just run` left
runs-table OUT="runs":
    {{python}} scripts/tables/runs_table.py {{OUT}}

# a full-size random model of each architecture beside Transformers (needs scripts/requirements.txt)
parity-full *NAMES:
    cargo build --release -p epee-model --example bench_peer
    {{python}} scripts/parity/parity_full.py --epee "${CARGO_TARGET_DIR:-target}/release/examples/bench_peer" {{NAMES}}

# certificates against their promise: a thousand calibration sets from each population (synthetic, and any TRACES)
bench-guarantee *TRACES:
    cargo bench -p epee-exit --bench guarantee -- {{TRACES}}

# the tables of policies and certificates from what `just run` left
promises-table OUT="runs":
    {{python}} scripts/tables/promises.py {{OUT}} --epee "${CARGO_TARGET_DIR:-target}/release/epee"

# time and memory of replay, calibration, comparison and the report
bench:
    cargo bench -p epee-exit --bench sweep
    cargo bench -p epee-report --bench report

# training steps, epochs of PHEE, peak memory and an inference, beside PyTorch (needs scripts/requirements.txt; epochs the shared data)
bench-train *ARGS:
    cargo build --release -p epee-train --example bench_step
    {{python}} scripts/bench/bench_train.py --epee "${CARGO_TARGET_DIR:-target}/release/examples/bench_step" {{ARGS}}

# PyTorch, ONNX Runtime, OpenVINO and epee in turns: eight settings, every precision (needs scripts/requirements.txt)
bench-peers *ARGS:
    cargo build --release -p epee-model --example bench_peer
    {{python}} scripts/bench/bench_peers.py --epee "${CARGO_TARGET_DIR:-target}/release/examples/bench_peer" {{ARGS}}

# make the parity fixtures again (needs scripts/requirements.txt and the shared data)
fixtures:
    {{python}} scripts/parity/reference.py
    {{python}} scripts/parity/reference_tokens.py
    {{python}} scripts/parity/reference_images.py
    {{python}} scripts/parity/reference_statistics.py

# trainings killed at random moments and resumed, compared with one left alone
chaos KILLS="200":
    EPEE_CHAOS={{KILLS}} cargo test -p epee-cli --test chaos -- --nocapture

# seconds of a checkpoint of a 6 × 384 model, and its share of a minute
bench-checkpoint *ARGS:
    cargo run --release -p epee-train --example bench_checkpoint -- {{ARGS}}

# fail if the committed fixtures are not what the script makes
fixtures-check:
    {{python}} scripts/parity/reference.py --check
    {{python}} scripts/parity/reference_tokens.py --check
    {{python}} scripts/parity/reference_images.py --check
    {{python}} scripts/parity/reference_statistics.py --check
