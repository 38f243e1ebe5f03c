#!/usr/bin/env bash
# alike.sh: the programs for both processors give the same answers to the shipped pictures; the foreign one runs under
# QEMU. After build.sh for both.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
own=$target/x86_64-unknown-linux-gnu/board/pilah foreign=$target/aarch64-unknown-linux-gnu/board/pilah
emulate=qemu-aarch64-static
if ! [ -e /lib/aarch64-linux-gnu/libc.so.6 ]; then emulate="$emulate -L /usr/aarch64-linux-gnu"; fi
run() { case $1 in arm64) shift; $emulate "$foreign" "$@" ;; *) shift; "$own" "$@" ;; esac; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for processor in amd64 arm64; do
  echo "$processor: $(run $processor --version)"
  for file in config/*.toml; do run $processor check --config "$file"; done
  run $processor classify --json --config config/waste.toml models/waste/golden/*.jpg > "$work/waste.$processor"
  run $processor classify --json --config config/parcels.toml models/label-lines/golden/* models/label-lines/demo/001* > "$work/parcels.$processor"
  run $processor classify --json --config config/demo.toml models/digits/golden/* > "$work/digits.$processor"
done
# Times differ, and the last digits of probabilities: exp and tanh are the processors' own.
python3 - "$work" << 'EOF'
import json, sys
from pathlib import Path
for line in ("waste", "parcels", "digits"):
    sides = [[json.loads(one) for one in (Path(sys.argv[1]) / f"{line}.{p}").read_text().splitlines()] for p in ("amd64", "arm64")]
    assert len(sides[0]) == len(sides[1]) > 0, line
    worst = 0.0
    for own, foreign in zip(*sides):
        for key in ("file", "lane", "sorted", "class", "reason"):
            assert own[key] == foreign[key], f"{line}: {own['file']}: {key} {own[key]!r} and {foreign[key]!r}"
        scores = own["scores"] or {}
        worst = max([worst, *(abs(scores[name] - foreign["scores"][name]) for name in scores)])
    assert worst < 0.01, f"{line}: probabilities differ by {worst}"
    print(f"{line}: {len(sides[0])} pictures alike, probabilities within {worst:.1e}")
EOF
