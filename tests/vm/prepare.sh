#!/usr/bin/env bash
# prepare.sh DIR: a kernel for the virtual machine, unpacked into DIR without installing anything.
#
# Debian 12's kernel leaves gpio-sim out, so it is built here as a module, with two changes:
#   - its interrupt simulator uses a function that the kernel does not export; the exported way to the same thing is taken;
#   - a released output keeps its level. That is what Raspberry Pi kernels do, and gpio-sim does not: with it as it comes,
#     no test could tell whether outputs were switched off or only let go.
# v4l2loopback, a camera whose pictures a program gives, is built as well: vivid has no MJPEG. It is Debian 13's, since
# Debian 12's does not build for this kernel.
#
# Needs the Debian packages gcc, make, kmod, xz-utils, libelf1 and network access to a Debian mirror.
set -euo pipefail
[ $# = 1 ] || { sed -n '2,11p' "$0"; exit 2; }
mkdir -p "$1"
dir=$(cd "$1" && pwd)
if [ -e "$dir/ready" ]; then echo "$dir is ready"; exit 0; fi
cd "$dir"

image=$(apt-cache depends linux-image-6.12-amd64 | awk '/Depends: linux-image-6/ { print $2; exit }')
[ -n "$image" ] || { echo "no linux-image-6.12-amd64 here: add bookworm-security to the sources, then apt-get update" >&2; exit 1; }
release=${image#linux-image-}
base=${release%-amd64}
version=$(apt-cache policy "$image" | awk '/Candidate:/ { print $2 }')

rm -rf packages kernel headers module
mkdir packages kernel headers module
echo "downloading kernel $version"
(cd packages && apt-get download -q "$image=$version" "linux-headers-$release=$version" \
  "linux-headers-$base-common=$version" "linux-kbuild-$base=$version" "linux-source-6.12=$version" > /dev/null)
dpkg-deb -x packages/"$image"_*.deb kernel
for part in "linux-headers-$release" "linux-headers-$base-common" "linux-kbuild-$base"; do
  dpkg-deb -x packages/"${part}"_*.deb headers
done
# The headers find each other by absolute paths.
sed -i "s#/usr/src/#$dir/headers/usr/src/#g" "headers/usr/src/linux-headers-$release/Makefile"
find headers/usr/src -maxdepth 2 -type l | while read -r link; do
  to=$(readlink "$link")
  case $to in /*) ln -sfn "$dir/headers$to" "$link" ;; esac
done

dpkg-deb --fsys-tarfile packages/linux-source-6.12_*.deb | tar -xO ./usr/src/linux-source-6.12.tar.xz |
  tar -xJ -C module --strip-components=3 linux-source-6.12/drivers/gpio/gpio-sim.c linux-source-6.12/kernel/irq/irq_sim.c
sed -i -e 's/irq_to_desc(\([a-z]*\))/irq_data_to_desc(irq_get_irq_data(\1))/' \
  -e 's/#include <linux\/irq.h>/&\n#include <linux\/irqdesc.h>/' module/irq_sim.c
# In gpio_sim_free, and nowhere else: the line that sets the value back to the pull.
awk '
  /^static void gpio_sim_free\(/ { inside = 1 }
  inside && /__assign_bit\(offset, chip->value_map/ { cut = 1 }
  cut { gone++; if (/;/) cut = 0; next }
  /^}/ { inside = 0 }
  { print }
  END { exit gone ? 0 : 1 }
' module/gpio-sim.c > module/kept.c || { echo "gpio-sim.c is not what this script knows" >&2; exit 1; }
mv module/kept.c module/gpio-sim.c
printf 'obj-m := gpio-simx.o\ngpio-simx-y := gpio-sim.o irq_sim.o\n' > module/Makefile
echo "building gpio-sim"
make -s -C "headers/usr/src/linux-headers-$release" M="$dir/module" CONFIG_DEBUG_INFO_BTF_MODULES= modules
cp module/gpio-simx.ko .

echo "building v4l2loopback"
# apt with folders of its own: this machine's keeps its sources.
mkdir -p apt/lists/partial apt/archives/partial
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${MIRROR:-http://deb.debian.org/debian} trixie main" > apt/sources
apt=(-o Dir::State="$dir/apt" -o Dir::Cache="$dir/apt" -o Dir::State::status=/dev/null -o Dir::Etc::SourceList="$dir/apt/sources"
  -o Dir::Etc::SourceParts=/dev/null -o Acquire::Languages=none)
apt-get "${apt[@]}" -q update > /dev/null
(cd packages && apt-get "${apt[@]}" -q download v4l2loopback-dkms > /dev/null 2>&1)
dpkg-deb -x packages/v4l2loopback-dkms_*.deb loopback
source=$(echo "$dir"/loopback/usr/src/v4l2loopback-*)
make -s -C "headers/usr/src/linux-headers-$release" M="$source" CONFIG_DEBUG_INFO_BTF_MODULES= modules
cp "$source/v4l2loopback.ko" .
rm -rf apt loopback packages headers module kernel/usr/share
depmod -b kernel "$release"
echo "$release" > ready
