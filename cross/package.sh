#!/usr/bin/env bash
# package.sh [amd64|arm64]: the Debian package of this checkout, in target/debian.
#
# Needs what cross/README.md names for building, dpkg-dev, python3, and cargo-deb: cargo install --locked cargo-deb
# With NO_BUILD=1 a program that is there already is packed.
set -euo pipefail
cd "$(dirname "$0")/.."
architecture=${1:-$(dpkg --print-architecture)}
case $architecture in
  amd64) target=x86_64-unknown-linux-gnu ;;
  arm64) target=aarch64-unknown-linux-gnu ;;
  *) sed -n '2,5p' "$0"; exit 2 ;;
esac
[ -n "${NO_BUILD:-}" ] || cross/build.sh "$architecture"
run=()
if [ "$architecture" = arm64 ] && [ "$(dpkg --print-architecture)" != arm64 ]; then
  run=(qemu-aarch64-static)
  [ -e /lib/aarch64-linux-gnu/libc.so.6 ] || run+=(-L /usr/aarch64-linux-gnu)
fi

# The same checkout gives the same package: files, and the changelog's head, carry the time of its last change.
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2> /dev/null || stat -c %Y CHANGELOG.md)}

# What is made for the package, beside what the checkout has.
made=target/package
rm -rf "$made"
mkdir -p "$made/man" "$made/completions"
cp "${CARGO_TARGET_DIR:-target}/$target/board/pilah" "$made/pilah"
pilah=("${run[@]}" "$made/pilah")
"${pilah[@]}" man --out "$made/man"
gzip -9n "$made"/man/*.1
"${pilah[@]}" completions bash > "$made/completions/pilah"
"${pilah[@]}" completions zsh > "$made/completions/_pilah"
"${pilah[@]}" completions fish > "$made/completions/pilah.fish"
cross/papers.py copyright "$target" > "$made/copyright"
cross/papers.py changelog | gzip -9n > "$made/changelog.gz"
cp systemd/lintian "$made/lintian"

mkdir -p target/debian
cargo deb --locked --no-build --no-strip --target "$target" --deb-revision '' --output target/debian/
ls -l "$made/pilah" target/debian/*"_$architecture.deb"
if command -v lintian > /dev/null; then lintian --fail-on error,warning target/debian/*"_$architecture.deb"; fi
