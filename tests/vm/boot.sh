#!/usr/bin/env bash
# boot.sh [-t SECONDS] [-s] [-l IMAGE] DIR COMMAND...: runs COMMAND in a virtual machine with a camera and pins; exits
# as it does.
#
# DIR was made by prepare.sh. The machine sees this machine's files, read-only below a layer that it forgets, so programs
# built here run as they are.
#   -s        boots the Debian of root.sh instead, with systemd as the first process; COMMAND runs as a service after
#             multi-user.target, in this folder as it is seen below /host
#   -l IMAGE  keeps the layer in a disk image, which is made when it is missing: the next boot finds what this one wrote
# The machine has
#   /dev/video0              vivid, the kernel's virtual camera
#   /dev/video10             v4l2loopback, which shows what a program writes to it
#   a GPIO chip of gpio-sim  labelled pinctrl-bcm2711, with lines GPIO0 to GPIO27; $GPIO is its folder in sysfs, where
#                            sim_gpioN/pull pulls an input and sim_gpioN/value shows a level
#   /sys/kernel/tracing      where the event gpio:gpio_value tells when a line changed
# Needs the Debian packages qemu-system-x86, busybox-static, cpio, kmod, xz-utils, and e2fsprogs for -l. Without usable
# KVM the machine is emulated, ten times slower.
set -euo pipefail
seconds=300 system='' image=''
while getopts t:sl: option; do
  case $option in t) seconds=$OPTARG ;; s) system=1 ;; l) image=$OPTARG ;; *) exit 2 ;; esac
done
shift $((OPTIND - 1))
[ $# -ge 2 ] || { sed -n '2,18p' "$0"; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
dir=$(cd "$1" && pwd)
shift
release=$(cat "$dir/ready")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

root=$work/root
mkdir -p "$root"/{bin,proc,sys,dev,modules,host,layer,new}
cp "$(command -v busybox)" "$root/bin/busybox"
modules=(9pnet_virtio 9p overlay configfs vivid) disk=()
if [ -n "$image" ]; then
  if ! [ -e "$image" ]; then truncate -s 3G "$image" && mkfs.ext4 -q -F "$image"; fi
  disk=(-drive "file=$image,format=raw,if=virtio,cache=unsafe")
  modules+=(virtio_blk ext4)
  touch "$root/disk"
fi
number=100
load() { # FILE: a module, in the order of loading
  local name=$number-$(basename "${1%.xz}")
  case $1 in *.xz) xz -dc "$1" > "$root/modules/$name" ;; *) cp "$1" "$root/modules/$name" ;; esac
  number=$((number + 1))
}
for module in "${modules[@]}"; do
  modprobe -S "$release" -d "$dir/kernel" --show-depends "$module" 2> /dev/null || true
done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' > "$work/order"
while read -r module; do load "$module"; done < "$work/order"
load "$dir/gpio-simx.ko"
if [ -e "$dir/v4l2loopback.ko" ]; then load "$dir/v4l2loopback.ko"; fi

files=/
printf '%q ' "$@" > "$root/command"
printf '%s' "$PWD" > "$root/folder"
if [ -n "$system" ]; then
  files=$dir/root
  [ -e "$dir/root-ready" ] || { echo "$files is not there: make it by root.sh $dir" >&2; exit 1; }
  mkdir -p "$files/host"
  touch "$root/system"
  printf '#!/bin/sh\nexport GPIO=@GPIO@ HOME=/root\ncd %q && %s\n' "/host$PWD" "$(cat "$root/command")" > "$root/vm-command"
  printf 'echo "machine ended: $?"\nsync\nsystemctl poweroff --force --force\n' >> "$root/vm-command"
  chmod +x "$root/vm-command"
  printf '[Unit]\nAfter=multi-user.target\n[Service]\nExecStart=/usr/local/sbin/vm-command\n' > "$root/vm-command.service"
  printf 'StandardOutput=tty\nStandardError=tty\nTTYPath=/dev/console\n' >> "$root/vm-command.service"
fi
cp "$here/init" "$root/init"
chmod +x "$root/init"
(cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) > "$work/initrd"

# A nested machine may show /dev/kvm and yet not run a stock kernel on it: only the processor's own modules are trusted.
acceleration="tcg,thread=multi" cpu=max
if [ -w /dev/kvm ] && { [ -d /sys/module/kvm_intel ] || [ -d /sys/module/kvm_amd ]; }; then acceleration=kvm cpu=host; fi
# An emulated timer may come too late for the kernel's own look at it, which ends in a panic: no_timer_check.
share=security_model=none,readonly=on,multidevs=remap
status=0
timeout "$seconds" qemu-system-x86_64 -M q35 -accel "$acceleration" -cpu "$cpu" -smp 2 -m 1024 -nodefaults -no-user-config \
  -display none -no-reboot -kernel "$dir/kernel/boot/vmlinuz-$release" -initrd "$work/initrd" "${disk[@]}" \
  -append "console=ttyS0 quiet loglevel=3 panic=-1 no_timer_check systemd.show_status=0" -serial "file:$work/console" \
  -virtfs "local,path=$files,mount_tag=root,$share" -virtfs "local,path=/,mount_tag=host,$share" || status=$?
tr -d '\r' < "$work/console" | grep -v '^machine ended: ' || true
ended=$(tr -d '\r' < "$work/console" | sed -n 's/^machine ended: //p' | tail -1)
[ -n "$ended" ] || { echo "the machine did not end by itself within $seconds s (QEMU: $status)" >&2; exit 125; }
exit "$ended"
