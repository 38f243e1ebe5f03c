#!/usr/bin/env python3
"""Power cuts: a station in a virtual machine whose disk loses what was not flushed, killed in the middle of writing.

    tests/vm/power.py DIR target/release/examples/powercut [--cuts 20] [--seed S] [--lie]

DIR was made by prepare.sh. The machine's disk is served from here over NBD, and behaves as one with a write cache and
no battery: what the guest has written is held in memory until it asks for a flush. A cut is SIGKILL to QEMU; of the
writes that wait then, each reaches the disk whole, in part (by sectors of 512 bytes) or not at all, whatever their
order. How many do is drawn for each cut: none, all (as when only the machine dies), or some.

After each cut the machine boots on what the disk kept, and the station says what it found. It must open its database,
find every event that it had said to be committed, and take no number twice. After the last cut it sends all it has;
then every event it ever said to be committed must be at the broker, and `pilah outbox verify` must account for each number.

--lie lets the disk answer a flush and not keep it: then events must get lost, or this test could not fail.

Needs the Debian packages qemu-system-x86, busybox-static, cpio, kmod, xz-utils, binutils, e2fsprogs, mosquitto and
mosquitto-clients; not root.
"""

import argparse
import bisect
import os
import random
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

SECTOR = 512
DISK_BYTES = 192 << 20
FLUSH_S = (0.002, 0.03)  # as SD cards take
BOOT_S = 180  # an emulated machine on a busy one takes half a minute
STATION = "pilah/v1/vm/power"

INIT = """#!/bin/busybox sh
[ $$ = 1 ] || exit 2
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
exec > /dev/console 2>&1
for module in /modules/*; do insmod $module || echo "loading $module failed"; done
mount -t ext4 /dev/vda /state || echo "the disk cannot be mounted"
ip link set lo up
ip addr add 10.0.2.15/24 dev eth0
ip link set eth0 up
/station /state/pilah 10.0.2.2:@PORT@ $(cat /how)
echo "station ended $?"
umount /state
poweroff -f
"""


class Disk:
    """A disk with a write cache, as an NBD server on a socket of its own; one client at a time."""

    def __init__(self, image, place, lie):
        self.durable = open(image, "r+b")
        self.now = bytearray(self.durable.read())
        self.waiting = []  # (offset, bytes), in order
        self.lie, self.lock = lie, threading.Lock()
        self.flushes = self.written = 0
        self.stalled, self.resumed = threading.Event(), threading.Event()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(place))
        self.listener.listen(1)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            client, _ = self.listener.accept()
            try:
                self.talk(client)
            except (ConnectionError, EOFError):
                pass
            client.close()

    def talk(self, client):
        stream = client.makefile("rb")

        def read(count):
            data = stream.read(count)
            if len(data) < count:
                raise EOFError
            return data

        # https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md: fixed newstyle, no zeroes.
        client.sendall(b"NBDMAGICIHAVEOPT" + struct.pack(">H", 3))
        read(4)
        flags = 1 | 1 << 2  # has flags, sends flush
        while True:
            _, option, length = struct.unpack(">8sII", read(16))
            read(length)
            answer = lambda kind, data=b"": client.sendall(struct.pack(">QIII", 0x3E889045565A9, option, kind, len(data)) + data)
            if option == 7:  # go
                answer(3, struct.pack(">HQH", 0, len(self.now), flags))
                answer(1)
                break
            if option == 1:  # export name
                client.sendall(struct.pack(">QH", len(self.now), flags))
                break
            answer(1 << 31 | 1)
        while True:
            _, _, kind, cookie, offset, length = struct.unpack(">IHHQQI", read(28))
            data = b""
            if kind == 2:
                return
            if kind == 3:
                # What waits meanwhile is what a cut meets.
                time.sleep(random.uniform(*FLUSH_S))
                if self.stalled.is_set():
                    self.resumed.wait()
                    return
                with self.lock:
                    self.flushes += 1
                    if not self.lie:
                        self.keep(self.waiting)
                        self.waiting = []
            with self.lock:
                if kind == 0:
                    data = bytes(self.now[offset:offset + length])
                elif kind == 1:
                    written = read(length)
                    self.now[offset:offset + length] = written
                    self.waiting.append((offset, written))
                    self.written += 1
            client.sendall(struct.pack(">IIQ", 0x67446698, 0, cookie) + data)

    def keep(self, writes):
        for offset, data in writes:
            self.durable.seek(offset)
            self.durable.write(data)
        self.durable.flush()

    def stall(self, seconds):
        """Answers no flush any more, once a write waits for one: the cut comes in the middle of writing."""
        end = time.monotonic() + seconds
        while not self.waiting and time.monotonic() < end:
            time.sleep(0.0005)
        self.resumed.clear()
        self.stalled.set()

    def cut(self, draw):
        """The power goes; returns how many writes waited, and how many of their sectors reached the disk."""
        with self.lock:
            share = draw.choice([0.0, 1.0, draw.random()])
            waited, kept, sectors = self.waiting, [], 0
            for offset, data in waited:
                whole = draw.random() < share
                torn = not whole and draw.random() < share
                for at in range(0, len(data), SECTOR):
                    if whole or (torn and draw.random() < 0.5):
                        kept.append((offset + at, data[at:at + SECTOR]))
                        sectors += 1
            self.keep(kept)
            self.waiting = []
            self.durable.seek(0)
            self.now[:] = self.durable.read()
            self.stalled.clear()
            self.resumed.set()
            return len(waited), sectors, sum(len(data) for _, data in waited) // SECTOR


class Machine:
    """QEMU with the station in it."""

    def __init__(self, work, kernel, initrd, disk, how):
        how_file = work / "how"
        how_file.write_text(how)
        # A second archive behind the first: the kernel unpacks both.
        extra = subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=work, input=b"how\n", capture_output=True, check=True)
        both = work / "initrd-now"
        both.write_bytes(initrd.read_bytes() + extra.stdout)
        trusted = Path("/sys/module/kvm_intel").exists() or Path("/sys/module/kvm_amd").exists()
        kvm = os.access("/dev/kvm", os.W_OK) and trusted
        self.console = open(work / "console", "wb")
        self.process = subprocess.Popen(
            ["qemu-system-x86_64", "-M", "q35", "-accel", "kvm" if kvm else "tcg,thread=multi",
             "-cpu", "host" if kvm else "max", "-smp", "2", "-m", "512", "-nodefaults", "-no-user-config",
             "-display", "none", "-no-reboot", "-kernel", str(kernel), "-initrd", str(both),
             "-append", "console=ttyS0 quiet loglevel=3 panic=-1",
             "-drive", f"file=nbd+unix:///?socket={disk},format=raw,if=virtio,cache=writeback",
             "-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net", "-serial", "stdio"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.lines, self.news = [], threading.Condition()
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        for line in self.process.stdout:
            self.console.write(line)
            # A line that the kill cut short says nothing.
            if line.endswith(b"\n"):
                with self.news:
                    self.lines.append(line.decode(errors="replace").strip())
                    self.news.notify_all()
        with self.news:
            self.lines.append("machine ended")
            self.news.notify_all()

    def wait(self, pattern, seconds):
        """The first line that matches."""
        end, seen = time.monotonic() + seconds, 0
        with self.news:
            while True:
                for line in self.lines[seen:]:
                    if found := re.fullmatch(pattern, line):
                        return found
                    if line.startswith(("station ended", "machine ended")):
                        raise SystemExit("FAIL: the station ended:\n" + "\n".join(self.lines[-30:]))
                seen = len(self.lines)
                if not self.news.wait(end - time.monotonic()):
                    raise SystemExit(f"FAIL: no {pattern!r} in {seconds} s:\n" + "\n".join(self.lines[-30:]))

    def committed(self):
        with self.news:
            told = [line.split()[1] for line in self.lines if re.fullmatch(r"committed \d+", line)]
        return int(told[-1]) if told else None

    def kill(self):
        self.process.kill()
        self.process.wait()
        # What it said before is still to be read.
        with self.news:
            self.news.wait_for(lambda: self.lines[-1:] == ["machine ended"], 10)
        self.console.close()


def make_initrd(work, directory, program, port):
    release = (directory / "ready").read_text().strip()
    root = work / "root"
    for folder in ["bin", "proc", "sys", "dev", "modules", "state"]:
        (root / folder).mkdir(parents=True)
    shutil.copy(shutil.which("busybox"), root / "bin/busybox")
    order = []
    for module in ["virtio_blk", "ext4", "virtio_net"]:
        shown = subprocess.run(["modprobe", "-S", release, "-d", str(directory / "kernel"), "--show-depends", module],
                               capture_output=True, text=True).stdout
        order += [line.split()[1] for line in shown.splitlines() if line.startswith("insmod") and line.split()[1] not in order]
    for number, module in enumerate(order):
        name = f"{number:03}-{Path(module).name.removesuffix('.xz')}"
        data = Path(module).read_bytes()
        if module.endswith(".xz"):
            data = subprocess.run(["xz", "-dc"], input=data, capture_output=True, check=True).stdout
        (root / "modules" / name).write_bytes(data)
    subprocess.run(["strip", "-o", str(root / "station"), str(program)], check=True)
    for library in re.findall(r"(/\S+) \(0x", subprocess.run(["ldd", str(program)], capture_output=True, text=True).stdout):
        place = root / library.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, place)
    (root / "init").write_text(INIT.replace("@PORT@", str(port)))
    (root / "init").chmod(0o755)
    names = "\n".join(str(path.relative_to(root)) for path in sorted(root.rglob("*"))) + "\n"
    packed = subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=root, input=names.encode(), capture_output=True, check=True)
    (work / "initrd").write_bytes(packed.stdout)
    return directory / "kernel/boot" / f"vmlinuz-{release}", work / "initrd"


class Broker:
    """mosquitto, and what a subscriber heard there."""

    def __init__(self, work):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        conf = work / "mosquitto.conf"
        conf.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n")
        program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        self.broker = subprocess.Popen([program, "-c", str(conf)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.stream = work / "stream"
        for _ in range(100):
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", self.port)) == 0:
                    break
            time.sleep(0.1)
        self.subscriber = subprocess.Popen(
            ["mosquitto_sub", "-V", "5", "-p", str(self.port), "-q", "1", "-v", "-t", f"{STATION}/+"], stdout=open(self.stream, "wb"))
        time.sleep(0.5)

    def numbers(self):
        return sorted({int(seq) for seq in re.findall(rb'"seq":(\d+),"boot"', self.stream.read_bytes())})

    def end(self):
        for process in [self.subscriber, self.broker]:
            process.kill()
            process.wait()


def missing(promised, numbers):
    """How many numbers of the promised ranges did not arrive."""
    count = lambda low, high: bisect.bisect_right(numbers, high) - bisect.bisect_left(numbers, low)
    return sum(high + 1 - low - count(low, high) for low, high in promised)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path, metavar="DIR")
    parser.add_argument("program", type=Path, help="the example powercut")
    parser.add_argument("--pilah", type=Path, help="the program, for its verdict on what arrived; beside the example's folder")
    parser.add_argument("--cuts", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--lie", action="store_true", help="the disk forgets what it was told to flush: the test must fail")
    args = parser.parse_args()
    pilah = args.pilah or args.program.parent.parent / "pilah"
    draw = random.Random(args.seed)
    print(f"seed {args.seed}")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        broker = Broker(work)
        try:
            return cut_power(args, work, broker, pilah, draw)
        finally:
            broker.end()


def cut_power(args, work, broker, pilah, draw):
    kernel, initrd = make_initrd(work, args.directory.resolve(), args.program, broker.port)
    image = work / "disk.img"
    with open(image, "wb") as file:
        file.truncate(DISK_BYTES)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", str(image)], check=True)
    disk = Disk(image, work / "disk", args.lie)
    promised, wrong, in_writing = [], [], 0

    def found(machine, cut):
        first, last, aside = map(int, machine.wait(r"began (\d+) (\d+) (\d+)", BOOT_S).groups())
        if aside:
            wrong.append(f"after cut {cut} the database did not open and was moved aside")
        if promised and last < promised[-1][1]:
            wrong.append(f"after cut {cut} the last event was {last}, and {promised[-1][1]} had been committed")
        if promised and first <= promised[-1][1]:
            wrong.append(f"after cut {cut} the number {first} came again")
        return first, last

    for cut in range(1, args.cuts + 1):
        machine = Machine(work, kernel, initrd, work / "disk", "")
        try:
            first, last = found(machine, cut - 1)
            machine.wait(r"committed \d+", 60)
            time.sleep(draw.uniform(0, 4))
            disk.stall(2)
        finally:
            machine.kill()
        committed = machine.committed()
        promised.append((first, committed))
        waited, kept, all_sectors = disk.cut(draw)
        in_writing += waited > 0
        print(f"cut {cut}: found {last}, then committed {first} to {committed}; {waited} writes waited, "
              f"{kept} of their {all_sectors} sectors kept", flush=True)
        if wrong:
            break
    if not wrong:
        machine = Machine(work, kernel, initrd, work / "disk", "drain")
        try:
            found(machine, args.cuts)
            drained = int(machine.wait(r"drained (\d+)", 300).group(1))
        finally:
            machine.kill()
        end = time.monotonic() + 60
        while broker.numbers()[-1:] != [drained] and time.monotonic() < end:
            time.sleep(0.2)
        numbers = broker.numbers()
        lost = missing(promised, numbers)
        if lost:
            wrong.append(f"{lost} events that had been committed did not arrive")
        verdict = subprocess.run([str(pilah), "outbox", "verify", str(broker.stream)], capture_output=True, text=True)
        print(verdict.stdout.strip())
        if verdict.returncode:
            wrong.append("the stream does not verify")
        if not re.search(r"stores +1$", verdict.stdout, re.MULTILINE):
            wrong.append("a number came back in another run")
        total = sum(high + 1 - low for low, high in promised)
        print(f"{args.cuts} cuts, {in_writing} of them while writes waited; {total} events committed, {lost} of them lost; "
              f"{disk.written} writes and {disk.flushes} flushes")
    for line in wrong:
        print("FAIL: " + line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
