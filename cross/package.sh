#!/usr/bin/env bash
# package.sh [amd64|arm64]: the Debian package of this checkout, in target/debian.
#
# amd64 needs gcc, libclang1-14, linux-libc-dev and dpkg-dev; arm64 those and what cross/README.md names for building.
# cargo-deb makes the package: cargo install --locked cargo-deb
set -euo pipefail
cd "$(dirname "$0")/.."
architecture=${1:-$(dpkg --print-architecture)}
target_dir=${CARGO_TARGET_DIR:-target}
case $architecture in
  amd64) target=x86_64-unknown-linux-gnu ;;
  arm64) target=aarch64-unknown-linux-gnu ;;
  *) sed -n '2,5p' "$0"; exit 2 ;;
esac
run=()
if [ "$architecture" != "$(dpkg --print-architecture)" ]; then
  export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
  export CC_aarch64_unknown_linux_gnu=aarch64-linux-gnu-gcc AR_aarch64_unknown_linux_gnu=aarch64-linux-gnu-ar
  run=(qemu-aarch64-static)
fi
cargo build --locked --release --target "$target" --no-default-features --features board
pilah=$target_dir/$target/release/pilah

# Manual pages and completions come from the program itself.
made=target/package
rm -rf "$made"
mkdir -p "$made/man" "$made/completions"
"${run[@]}" "$pilah" man "$made/man"
gzip -9n "$made"/man/*.1
"${run[@]}" "$pilah" completions bash > "$made/completions/pilah"
"${run[@]}" "$pilah" completions zsh > "$made/completions/_pilah"
"${run[@]}" "$pilah" completions fish > "$made/completions/pilah.fish"

mkdir -p target/debian
cargo deb --locked --no-build --target "$target" --output target/debian/
ls -l target/debian
