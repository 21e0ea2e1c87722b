#!/usr/bin/env bash
# The archive of a release: target/dist/epee-VERSION-TARGET.tar.gz with its SHA-256 beside it.
# Usage: scripts/dist.sh [TARGET]     (default: this machine's; EPEE: a binary built elsewhere)
# Needs cargo-about for the list of licences.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

target=${1:-$(rustc -vV | sed -n 's/^host: //p')}
version=$(sed -n '/^\[workspace.package\]/,/^$/s/^version = "\(.*\)"$/\1/p' Cargo.toml)
epee=${EPEE:-}
if [ -z "$epee" ]; then
    cargo build --release --locked -p epee-cli --target "$target"
    epee=${CARGO_TARGET_DIR:-target}/$target/release/epee
fi

name=epee-$version-$target
dist=target/dist
rm -rf "$dist/$name"
mkdir -p "$dist/$name"
cp "$epee" README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE "$dist/$name/"
just licences "$dist/$name/THIRD-PARTY-LICENCES.txt"

cd "$dist"
tar czf "$name.tar.gz" "$name"
if command -v sha256sum >/dev/null; then
    sha256sum "$name.tar.gz"
else
    shasum -a 256 "$name.tar.gz"
fi >"$name.tar.gz.sha256"
cat "$name.tar.gz.sha256"
