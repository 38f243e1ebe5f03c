#!/usr/bin/env bash
# smoke.sh DIR PROGRAM: the first things of floor.py, once each, in the virtual machine of boot.sh; DIR is made by
# prepare.sh where it is not there. Two minutes, most of them the download and the emulated boot.
#
# On Debian, as root, it installs what is missing. Elsewhere, or without a Debian mirror, it says what it leaves out.
set -euo pipefail
[ $# = 2 ] || { sed -n '2,5p' "$0"; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
[ "$(uname -m)" = x86_64 ] || { echo "left out: the machine is one of x86-64"; exit 0; }
needed=(qemu-system-x86 busybox-static cpio kmod xz-utils gcc make libelf1 mosquitto mosquitto-clients python3)
missing=()
for one in "${needed[@]}"; do dpkg -s "$one" > /dev/null 2>&1 || missing+=("$one"); done
if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then
    echo "left out: needs Debian with ${missing[*]}"
    exit 0
  fi
  apt-get update -q > /dev/null
  apt-get install -q -y --no-install-recommends "${missing[@]}" > /dev/null
fi
if ! "$here/prepare.sh" "$1"; then
  echo "left out: no kernel to boot; tests/vm/prepare.sh $1 says why"
  exit 0
fi
cd "$here/../.."
"$here/boot.sh" -t 600 "$1" python3 tests/vm/floor.py --smoke "$2"
