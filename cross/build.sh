#!/usr/bin/env bash
# build.sh [amd64|arm64] [test]: the board's program for that processor, or with `test` its library's tests, run under
# QEMU where the processor is another one.
#
# Needs gcc, libclang1-14 and linux-libc-dev; for the other processor, on Debian 12 for amd64, gcc-aarch64-linux-gnu,
# libc6-dev-arm64-cross, qemu-user-static and rustup's aarch64-unknown-linux-gnu. On Debian, as root, it installs what is
# missing.
set -euo pipefail
cd "$(dirname "$0")/.."
architecture=${1:-$(dpkg --print-architecture)}
case $architecture in
  amd64) target=x86_64-unknown-linux-gnu ;;
  arm64) target=aarch64-unknown-linux-gnu ;;
  *) sed -n '2,7p' "$0"; exit 2 ;;
esac
needed=(gcc libc6-dev libclang1-14 linux-libc-dev)
if [ "$architecture" = arm64 ] && [ "$(dpkg --print-architecture)" != arm64 ]; then
  needed+=(gcc-aarch64-linux-gnu libc6-dev-arm64-cross linux-libc-dev-arm64-cross qemu-user-static)
  export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
  export CC_aarch64_unknown_linux_gnu=aarch64-linux-gnu-gcc AR_aarch64_unknown_linux_gnu=aarch64-linux-gnu-ar
  # The camera driver's bindings are made from the board's headers, not from this machine's.
  export BINDGEN_EXTRA_CLANG_ARGS_aarch64_unknown_linux_gnu="--sysroot=/usr/aarch64-linux-gnu -I/usr/aarch64-linux-gnu/include"
  # Libraries come from the cross compiler's folder, unless arm64's own are installed beside this machine's.
  run=qemu-aarch64-static
  if ! [ -e /lib/aarch64-linux-gnu/libc.so.6 ]; then run="$run -L /usr/aarch64-linux-gnu"; fi
  export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER=$run
  if command -v rustup > /dev/null && ! [ -d "$(rustc --print sysroot)/lib/rustlib/$target" ]; then rustup target add "$target"; fi
fi
missing=()
for one in "${needed[@]}"; do dpkg -s "$one" > /dev/null 2>&1 || missing+=("$one"); done
if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" != 0 ]; then echo "install first: apt-get install ${missing[*]}" >&2; exit 1; fi
  apt-get update -q && apt-get install -q -y --no-install-recommends "${missing[@]}"
fi

# Panics name the file that they come from: not where this machine keeps it. Without this, a package told who built it, and was
# another one in another folder.
if [ -z "${RUSTFLAGS:-}${CARGO_ENCODED_RUSTFLAGS:-}" ]; then
  printf -v CARGO_ENCODED_RUSTFLAGS '%s\x1f%s' "--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo" "--remap-path-prefix=$PWD=/pilah"
  export CARGO_ENCODED_RUSTFLAGS
fi

options=(--locked --profile board --target "$target" --no-default-features --features board)
if [ "${2:-}" = test ]; then
  # As the program is built: what is tested is the code that ships, and its dependencies are there already.
  # QEMU's vfork is a fork: a program learns too late that the one it starts is not there.
  skip=()
  if [ "$architecture" != "$(dpkg --print-architecture)" ]; then skip=(--skip a_program_that_is_not_there_is_named); fi
  cargo test "${options[@]}" --lib -- "${skip[@]}"
else
  # A hundred thousand relocations are packed, which glibc 2.36 unpacks: 1.2 MB. The linker is the one that Rust brings
  # along; the cross compiler's own cannot pack for this processor.
  linker=$(rustc --print sysroot)/lib/rustlib/$(rustc -vV | sed -n 's/^host: //p')/bin/gcc-ld
  cargo rustc "${options[@]}" --bin pilah -- -C link-arg=-fuse-ld=lld -C link-arg=-B"$linker" \
    -C link-arg=-Wl,-z,pack-relative-relocs
fi
