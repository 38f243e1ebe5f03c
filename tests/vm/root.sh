#!/usr/bin/env bash
# root.sh DIR: a small Debian 12 with systemd in DIR/root, for boot.sh -s. Nothing of pilah is in it.
#
# Needs root, the Debian package debootstrap and network access to a Debian mirror.
set -euo pipefail
[ $# = 1 ] || { sed -n '2,4p' "$0"; exit 2; }
mkdir -p "$1"
dir=$(cd "$1" && pwd)
if [ -e "$dir/root-ready" ]; then echo "$dir/root is ready"; exit 0; fi

rm -rf "$dir/root"
# mosquitto is the broker that the package recommends; man-db shows its manual.
debootstrap --variant=minbase --include=systemd-sysv,udev,dbus,python3,mosquitto,mosquitto-clients,man-db,ca-certificates,sudo \
  bookworm "$dir/root" "${MIRROR:-http://deb.debian.org/debian}"
# The console belongs to what boot.sh runs; nothing looks for updates meanwhile.
ln -sf /dev/null "$dir/root/etc/systemd/system/serial-getty@ttyS0.service"
ln -sf /dev/null "$dir/root/etc/systemd/system/getty@tty1.service"
ln -sf /dev/null "$dir/root/etc/systemd/system/apt-daily.timer"
ln -sf /dev/null "$dir/root/etc/systemd/system/apt-daily-upgrade.timer"
: > "$dir/root/etc/machine-id"
echo vm > "$dir/root/etc/hostname"
echo "127.0.0.1 localhost vm" > "$dir/root/etc/hosts"
rm -rf "$dir/root/var/cache/apt/archives/"*.deb "$dir/root/var/lib/apt/lists/"*
touch "$dir/root-ready"
