#!/usr/bin/env bash
# release.sh [FOLDER]: everything of a release, in FOLDER (target/release-VERSION when left out).
#
#   pilah_VERSION_{amd64,arm64}.deb   the packages
#   pilah_VERSION.cdx.json            what is in the program, as CycloneDX
#   licences.txt                      the licence of each crate, as cargo-deny sees it
#   NOTES.md                          the version's section of CHANGELOG.md
#   SHA256SUMS                        of all of these
#
# Fails where CHANGELOG.md does not have the version of Cargo.toml with a date, files are changed and not committed, or a
# licence or a source is not allowed by deny.toml. Needs what package.sh needs, and cargo-deny. It tags and publishes
# nothing: it says how.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -1)
folder=${1:-target/release-$version}

cross/papers.py notes > /dev/null
if [ -n "$(git status --porcelain)" ]; then echo "these files are not committed:" >&2; git status --short >&2; exit 1; fi
if git rev-parse -q --verify "refs/tags/v$version" > /dev/null; then echo "v$version is released: raise the version" >&2; exit 1; fi
cargo deny --version > /dev/null || { echo "install cargo-deny first: cargo install --locked cargo-deny" >&2; exit 1; }
cargo deny --locked check licenses sources bans

rm -rf "$folder"
mkdir -p "$folder"
for architecture in amd64 arm64; do
  cross/package.sh "$architecture"
  package=target/debian/pilah_${version}_$architecture.deb
  [ "$(dpkg-deb -f "$package" Version Architecture)" = "Version: $version
Architecture: $architecture" ] || { echo "$package is of another version" >&2; exit 1; }
  cp "$package" "$folder/"
done
cross/papers.py notes > "$folder/NOTES.md"
cross/papers.py sbom aarch64-unknown-linux-gnu > "$folder/pilah_$version.cdx.json"
cargo deny --locked list --layout crate > "$folder/licences.txt"
(cd "$folder" && sha256sum -- * > SHA256SUMS && sha256sum --check --quiet SHA256SUMS)

# What the board gets must fit its card and its slowest link.
bytes=$(stat -c %s "$folder/pilah_${version}_arm64.deb")
[ "$bytes" -lt 31457280 ] || { echo "the arm64 package has $bytes bytes, more than 30 MiB" >&2; exit 1; }
ls -l "$folder"
echo "To release: git tag -s v$version && git push --tags, and put these files beside the tag."
