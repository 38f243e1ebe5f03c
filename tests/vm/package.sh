#!/usr/bin/env bash
# package.sh DIR DEB [OPTION...]: the package on a system with systemd, in two boots of a virtual machine.
#
# DIR was made by prepare.sh and root.sh. The package is installed under an older version first, and upgraded. Options are
# those of package.py first: --soak 30, --only WORD. As root; needs what boot.sh needs with -l, and dpkg-dev. A quarter of
# an hour where the processor is emulated, more on a busy machine.
set -euo pipefail
[ $# -ge 2 ] || { sed -n '2,6p' "$0"; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
dir=$1 new=$(realpath "$2")
shift 2

work=$(mktemp -d "$(realpath "$dir")/package.XXXX")
trap 'rm -rf "$work"' EXIT
dpkg-deb -R "$new" "$work/older"
version=$(dpkg-deb -f "$new" Version)
sed -i 's/^Version: .*/Version: 0.0.9/' "$work/older/DEBIAN/control"
echo "# Of an older version." >> "$work/older/etc/pilah/waste.toml"
dpkg-deb --root-owner-group -Znone -b "$work/older" "$work/older.deb" > /dev/null
sed -i 's/^Architecture: .*/Architecture: riscv64/' "$work/older/DEBIAN/control"
dpkg-deb --root-owner-group -Znone -b "$work/older" "$work/foreign.deb" > /dev/null
rm -r "$work/older"

status=0
"$here/boot.sh" -s -l "$work/disk" -t 3600 "$dir" python3 tests/vm/package.py first --old "/host$work/older.deb" \
  --new "/host$new" --version "$version" --foreign "/host$work/foreign.deb" "$@" || status=$?
"$here/boot.sh" -s -l "$work/disk" -t 900 "$dir" python3 tests/vm/package.py second || status=$?
exit $status
