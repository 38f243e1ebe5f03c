#!/usr/bin/env bash
# pi.sh DIR PROGRAM: an emulated Raspberry Pi 3B, on which PROGRAM drives the pins by their registers (rppal).
#
# PROGRAM was built by cross/build.sh arm64. The first time, Debian's kernel for 64-bit ARM is downloaded into DIR; nothing
# is installed. What is done there, and what must be seen at the pins, stands in pi-init. Inputs cannot be pulled from
# outside here, and there is no camera: those are floor.py's.
# Needs the Debian packages qemu-system-arm, cpio, and network access to a Debian mirror. Two minutes.
set -euo pipefail
[ $# = 2 ] || { sed -n '2,7p' "$0"; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1/pi"
dir=$(cd "$1/pi" && pwd)
program=$(realpath "$2")
cd "$here/../.."

if ! [ -e "$dir/ready" ]; then
  # apt with folders of its own: this machine's knows nothing of another processor, and need not.
  mkdir -p "$dir"/apt/state/lists/partial "$dir"/apt/cache/archives/partial "$dir/packages"
  apt=(-o Dir::State="$dir/apt/state" -o Dir::Cache="$dir/apt/cache" -o Dir::State::status=/dev/null
    -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Acquire::Languages=none)
  apt-get "${apt[@]}" -q update > /dev/null
  image=$(apt-cache "${apt[@]}" depends linux-image-6.12-arm64 | awk '/Depends: linux-image-6/ { print $2; exit }')
  [ -n "$image" ] || { echo "no linux-image-6.12-arm64: add bookworm-security to the sources" >&2; exit 1; }
  (cd "$dir/packages" && apt-get "${apt[@]}" -q download "$image" busybox-static libc6 libgcc-s1 > /dev/null 2>&1)
  rm -rf "$dir/kernel" "$dir/base"
  mkdir "$dir/kernel" "$dir/base"
  dpkg-deb -x "$dir/packages/$image"_*.deb "$dir/kernel"
  rm -rf "$dir"/kernel/lib/modules
  for one in busybox-static libc6 libgcc-s1; do dpkg-deb -x "$dir/packages/$one"_*.deb "$dir/base"; done
  rm -rf "$dir/apt" "$dir/packages"
  touch "$dir/ready"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir -p "$root"/{bin,lib,proc,sys,dev,tmp,run,usr/share/pilah/models/digits,pictures}
cp "$dir/base/bin/busybox" "$root/bin/"
for one in ld-linux-aarch64.so.1 libc.so.6 libm.so.6 libgcc_s.so.1; do
  cp -L "$dir/base/lib/aarch64-linux-gnu/$one" "$root/lib/"
done
cp "$program" "$root/bin/pilah"
cp -r models/digits/model.* models/digits/golden "$root/usr/share/pilah/models/digits/"
cp models/digits/demo/4/* "$root/pictures/"
cp "$here/pi-init" "$root/init"
chmod +x "$root/init"
(cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) > "$work/initrd"

# Debian's kernel has no /dev/gpiomem: /dev/mem it is, which iomem=relaxed opens.
board=$(echo "$dir"/kernel/usr/lib/linux-image*/broadcom/bcm2837-rpi-3-b.dtb)
qemu-system-aarch64 -M raspi3b -nodefaults -display none -no-reboot -kernel "$dir"/kernel/boot/vmlinuz-* -dtb "$board" \
  -initrd "$work/initrd" -append "console=ttyS1,115200 quiet loglevel=3 iomem=relaxed panic=-1" \
  -serial null -serial "file:$work/console" &
machine=$!
trap 'kill $machine 2> /dev/null || true; rm -rf "$work"' EXIT
# This machine cannot be switched off by what runs in it.
for _ in $(seq 600); do
  sleep 0.5
  if grep -aqE '^machine ended: |Kernel panic' "$work/console" || ! kill -0 $machine 2> /dev/null; then break; fi
done
tr -d '\r' < "$work/console" | grep -av '^machine ended: ' || true
ended=$(tr -d '\r' < "$work/console" | sed -n 's/^machine ended: //p' | tail -1)
[ -n "$ended" ] || { echo "the machine did not end within 5 minutes" >&2; exit 125; }
exit "$ended"
