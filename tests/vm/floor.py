#!/usr/bin/env python3
"""The shop floor: the daemon as it ships, on a real kernel's pins and camera, with a real broker.

Runs inside the virtual machine of boot.sh:  tests/vm/boot.sh DIR python3 tests/vm/floor.py target/release/pilah
Pulls inputs from outside, watches outputs through the kernel's trace, kills what a shop floor kills.
"""

import argparse
import fcntl
import json
import os
import random
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

GPIO = Path(os.environ.get("GPIO", "/nowhere"))
TRACE = Path("/sys/kernel/tracing")
WORK = Path("/tmp/floor")
RATE = 10_000  # edges a second that `check` allows an encoder
EYE, ENCODER, SECOND, SEES, ESTOP, RESET = 17, 27, 22, 5, 6, 13  # input lines of the chip
KICK, GATE, RED, GREEN = 23, 24, 18, 20  # output lines
SPEED = 200.0  # mm/s

STATION = """
[station]
site = "vm"
id = "one"
exception_lane = "rest"
[camera]
{camera}
[trigger]
kind = "photo-eye"
input = "eye"
[belt]
speed_mm_s = 200
{encoder}
item_mm = 40
min_gap_mm = {gap}
view_start_mm = 10
view_end_mm = 300
decide_mm = 100
end_mm = 1600
[infer]
model = "digits"
[gpio]
red_line = "GPIO18"
green_line = "GPIO20"
[buttons]
estop = "estop"
reset = "reset"
[[input]]
name = "estop"
line = "GPIO6"
[[input]]
name = "reset"
line = "GPIO13"
[[input]]
name = "eye"
line = "GPIO17"
[[input]]
name = "count"
line = "GPIO27"
[[input]]
name = "second"
line = "GPIO22"
[[input]]
name = "sees"
line = "GPIO5"
[[actuator]]
name = "kick"
kind = "pulse"
line = "GPIO23"
position_mm = 1000
lead_ms = 25
on_ms = {on_ms}
max_on_ms = 5000
[[actuator]]
name = "gate"
kind = "pulse"
line = "GPIO24"
active = "low"
position_mm = 1200
on_ms = 50
[[lane]]
name = "jawa"
classes = ["1", "4", "5", "6"]
moves = [{{ actuator = "kick" }}]
confirm = "sees"
confirm_mm = 1300
[[lane]]
name = "luar-jawa"
classes = ["2", "3", "7", "8", "9"]
moves = [{{ actuator = "gate" }}]
[[lane]]
name = "rest"
classes = ["0"]
[store]
directory = "{state}"
[mqtt]
host = "127.0.0.1"
port = 1883
"""

REPLAY = 'driver = "replay"\npath = "{folder}"\nfps = 20'
VIVID = 'driver = "v4l"\npath = "/dev/video0"\nwidth = 640\nheight = 360\nfps = 30'


class Wrong(Exception):
    """What was seen is not what must be."""


def expect(holds, what):
    if not holds:
        raise Wrong(what)


def until(what, seconds, look, every=0.02):
    """Looks again and again; what it found, or Wrong."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(every)
    raise Wrong(f"{what}: not within {seconds} s")


def pull(line, up):
    (GPIO / f"sim_gpio{line}" / "pull").write_text("pull-up" if up else "pull-down")


def level(line):
    return (GPIO / f"sim_gpio{line}" / "value").read_text().strip() == "1"


class Trace:
    """Each change of an output, with the kernel's monotonic time."""

    def __enter__(self):
        gpio = (Path("/sys/kernel/debug/gpio")).read_text()
        self.base = int(re.search(r"GPIOs (\d+)-\d+[^\n]*gpio-sim", gpio).group(1))
        (TRACE / "trace_clock").write_text("mono")
        (TRACE / "trace").write_text("")
        (TRACE / "events/gpio/gpio_value/enable").write_text("1")
        return self

    def __exit__(self, *_):
        (TRACE / "events/gpio/gpio_value/enable").write_text("0")

    def changes(self, line):
        """(seconds, level) of each time that the line was set."""
        found = re.findall(r"(\d+\.\d+): gpio_value: (\d+) set (\d)", (TRACE / "trace").read_text())
        return [(float(at), value == "1") for at, number, value in found if int(number) == self.base + line]


class Broker:
    """mosquitto, and a subscriber that keeps all that the station says."""

    def __enter__(self):
        conf = WORK / "mosquitto.conf"
        conf.write_text("listener 1883 127.0.0.1\nallow_anonymous true\nuser root\n")
        self.broker = subprocess.Popen(["mosquitto", "-c", conf], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.file = WORK / "messages"
        until("the broker listens", 20, self.listens, every=0.2)
        with open(self.file, "w") as out:
            self.subscriber = subprocess.Popen(
                ["mosquitto_sub", "-V", "5", "-q", "1", "-t", "pilah/#", "-F", "%t %p"], stdout=out
            )
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            for line in self.file.read_text().splitlines()[-12:]:
                print("    " + line[:400])
        self.subscriber.kill()
        self.broker.kill()

    @staticmethod
    def listens():
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", 1883)) == 0

    def heard(self, kind):
        """The payloads of one topic, in the order of their coming."""
        lines = [line.split(" ", 1) for line in self.file.read_text().splitlines()]
        return [json.loads(payload) for topic, payload in lines if topic.endswith("/" + kind)]


class MjpegCamera:
    """Gives v4l2loopback its pictures, 15 a second, no two of them alike; silent, it is a camera that has stalled."""

    DEVICE = "/dev/video10"

    def __init__(self, picture, code=b"MJPG"):
        self.picture, self.code, self.silent, self.frozen, self.ended = picture, code, False, False, False
        start = re.search(rb"\xff[\xc0\xc2]..\x08(..)(..)", picture, re.DOTALL)
        self.height, self.width = (int.from_bytes(side, "big") for side in start.groups())

    def __enter__(self):
        self.file = os.open(self.DEVICE, os.O_RDWR)
        # struct v4l2_format of an output: VIDIOC_S_FMT.
        pixels = struct.pack("<2I4s4I", self.width, self.height, self.code, 1, 0, self.width * self.height * 2, 8)
        wanted = struct.pack("<2I", 2, 0) + pixels.ljust(200, b"\0")
        # Busy while the daemon looks at what the device offers.
        given = until("the loopback takes the format", 10, lambda: self.set_format(wanted))
        expect(given[16:20] == self.code, f"the loopback gives {given[16:20]} instead of {self.code}")
        self.thread = threading.Thread(target=self.show)
        self.thread.start()
        return self

    def set_format(self, wanted):
        try:
            return fcntl.ioctl(self.file, 0xC0D05605, wanted)
        except OSError:
            return None

    def show(self):
        count = 0
        while not self.ended:
            count += not self.frozen
            # As a sensor's noise would: a comment behind the start marker.
            comment = b"\xff\xfe\x00\x0a%08d" % count
            picture = self.picture[:2] + comment + self.picture[2:]
            if self.code != b"MJPG":
                picture = picture.ljust(self.width * self.height * 2, b"\0")
            if not self.silent:
                os.write(self.file, picture)
            time.sleep(1 / 15)

    def __exit__(self, *_):
        self.ended = True
        self.thread.join()
        os.close(self.file)

    def settings(self):
        size = f"width = {self.width}\nheight = {self.height}"
        return f'driver = "v4l"\npath = "{self.DEVICE}"\nformat = "mjpg"\n{size}\nfps = 15'


def gap_for(on_ms):
    """Millimetres between two items of 40 at 200 mm/s so that a kick of `on_ms` at the middle of one is over before the next."""
    return max(20, on_ms // 5 - 20)


class Station:
    """The daemon in a folder of its own; `change` makes its configuration another one, `user` runs it as somebody else."""

    def __init__(self, pilah, name, on_ms=60, camera=None, encoder="", change=lambda text: text, user=None):
        self.pilah, self.folder, self.user = pilah, WORK / name, user
        self.folder.mkdir(parents=True)
        pictures = self.folder / "pictures"
        pictures.mkdir()
        for picture in sorted(Path("models/digits/demo").rglob("*")):
            if picture.is_file() and picture.parent.name == "4":
                (pictures / picture.name).symlink_to(picture.resolve())
        camera = camera or REPLAY.format(folder=pictures)
        text = STATION.format(camera=camera, encoder=encoder, on_ms=on_ms, gap=gap_for(on_ms), state=self.folder / "state")
        self.config = self.folder / "station.toml"
        self.config.write_text(change(text))
        self.env = dict(os.environ, RUNTIME_DIRECTORY=str(self.folder / "run"))
        self.log = open(self.folder / "log", "a")
        if user is not None:
            subprocess.run(["chown", "-R", str(user), self.folder], check=True)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                if kind is None:
                    raise Wrong("the daemon did not stop within 20 s") from None
        if kind is not None:
            print("".join("    " + line for line in self.said().splitlines(True)[-20:]))

    def said(self):
        return (self.folder / "log").read_text()

    def start(self):
        seen = self.said().count("state=ready") + self.said().count("state=running")
        self.process = subprocess.Popen(
            [self.pilah, "run", "--config", self.config], env=self.env, stdout=self.log, stderr=self.log, user=self.user
        )
        return seen

    def wait_ready(self, broker, boots=1):
        """Waits until the camera's first frame made the station ready."""
        until(
            "the station is ready",
            60,
            lambda: len(broker.heard("start")) >= boots
            and [s for s in broker.heard("status") if s.get("state") in ("ready", "running")]
            and broker.heard("status")[-1].get("state") in ("ready", "running"),
        )

    def outputs_off(self):
        return subprocess.run([self.pilah, "outputs-off"], env=self.env, capture_output=True, text=True)


def pass_eye(seconds=0.15):
    """An item passes the photo-eye; its middle was there between the two times."""
    came = time.monotonic()
    pull(EYE, True)
    seen = time.monotonic()
    time.sleep(seconds)
    leaving = time.monotonic()
    pull(EYE, False)
    return (came + leaving) / 2, (seen + time.monotonic()) / 2


def in_mid_move(broker):
    """Until the kicker is on. Where the machine is starved of its processor an item is decided too late and moves
    nothing, as it must: then another one is sent."""
    for left in (2, 1, 0):
        pass_eye()
        try:
            return until("the kicker is on", 15, lambda: level(KICK))
        except Wrong:
            print(f"    an item moved nothing: {counted(broker)}", flush=True)
            if not left:
                raise


def counted(broker):
    """What the station has counted, as it said last."""
    said = broker.heard("health")
    return {name: count for name, count in said[-1]["counters"].items() if count} if said else {}


def the_right_line_moves_at_the_right_place(pilah, args):
    """A 4 belongs to Jawa: the kicker meets its middle at 1,000 mm, 25 ms early, and nothing else moves; its sensor
    confirms it."""
    with Broker() as broker, Trace() as trace, Station(pilah, "place") as station:
        station.wait_ready(broker)
        off = []
        for n in range(args.items):
            earliest, latest = pass_eye()
            travel = 1000 / SPEED - 0.025
            time.sleep(max(0.0, earliest + 1300 / SPEED - time.monotonic()))
            pull(SEES, True)
            time.sleep(0.05)
            pull(SEES, False)
            moves = [at for at, high in trace.changes(KICK) if high and at > earliest]
            expect(len(moves) == 1, f"item {n}: the kicker moved {len(moves)} times")
            # This program may be held up between a pull and the reading of its time: what lies between is no error.
            after = moves[0] - travel
            off.append(min(0.0, after - earliest) + max(0.0, after - latest))
            print(f"    item {n}: {off[-1] * 1000:+.1f} ms, its middle known to {(latest - earliest) * 1000:.1f} ms", flush=True)
            ends = [at for at, high in trace.changes(KICK) if not high and at > moves[0]]
            expect(ends and 0.03 < ends[0] - moves[0] < 0.2, f"item {n}: on for {[e - moves[0] for e in ends]} s")
            until("its outcome", 10, lambda: len(broker.heard("outcome")) > n)
        # The gate is active low: high is off. Setting it off again is no move.
        expect(all(high for _, high in trace.changes(GATE)), "the gate moved")
        decisions, outcomes = broker.heard("decision"), broker.heard("outcome")
        expect(all(d["target_lane"] == "jawa" for d in decisions), f"lanes {[d['target_lane'] for d in decisions]}")
        expect(all(o["outcome"] == "diverted" for o in outcomes), f"outcomes {[o['outcome'] for o in outcomes]}")
        worst = max(map(abs, off)) * 1000
        print(f"    {len(off)} items, 5 s of travel: worst {worst:.1f} ms from the plan")
        expect(worst < args.within_ms, f"a move was {worst:.1f} ms from its time")


def an_encoder_counts_the_belt(pilah, args):
    """The belt runs at half its nominal speed: the kick comes by the count, not by the clock."""
    with Broker() as broker, Trace() as trace:
        with Station(pilah, "encoder", encoder='encoder = "count"\nmm_per_count = 2.0') as station:
            station.wait_ready(broker)
            counted, up, came = [], False, None
            for count in range(1, 1001):
                counted.append(time.monotonic())
                up = not up
                pull(ENCODER, up)
                if count == 150:
                    came = count
                    pull(EYE, True)
                if count == 170:
                    pull(EYE, False)
                time.sleep(0.02)
            kicks = [at for at, high in trace.changes(KICK) if high]
            expect(len(kicks) == 1, f"the kicker moved {len(kicks)} times")
            kicked = sum(at < kicks[0] for at in counted)
            travel = (kicked - came) * 2.0
            print(f"    kicked after {travel:.0f} mm of belt by the encoder")
            expect(abs(travel - 1000) < 40, f"kicked after {travel} mm instead of 1000")


def beside_its_interrupts(consumer):
    """Moves this program and the kernel's thread for a line's interrupts onto one processor, where an interrupt is served
    before the next edge is made. On two, of which each is a thread of this machine, one stands still now and then for
    longer than the other takes for a few edges, and the kernel hands those over as one."""
    found = [l.split(":")[0].strip() for l in Path("/proc/interrupts").read_text().splitlines() if l.endswith(consumer)]
    expect(len(found) == 1, f"{len(found)} interrupts of {consumer}")
    threads = [int(p.parent.name) for p in Path("/proc").glob("[0-9]*/comm") if p.read_text().startswith(f"irq/{found[0]}-")]
    expect(len(threads) == 1, f"{len(threads)} threads for interrupt {found[0]}")
    for one in (0, threads[0]):
        os.sched_setaffinity(one, {os.cpu_count() - 1})


def an_encoder_at_full_rate_loses_no_count(pilah, args):
    """Edges as fast as `check` allows, or as this machine can give them: each one is a tenth of a millimetre of belt."""
    most = args.encoder_rate
    with Broker() as broker:
        encoder = f'encoder = "count"\nmm_per_count = {SPEED / most}'
        with Station(pilah, "fast", encoder=encoder) as station:
            station.wait_ready(broker)
            line = os.open(GPIO / f"sim_gpio{ENCODER}" / "pull", os.O_WRONLY)
            levels = (b"pull-down", b"pull-up")
            beside_its_interrupts("pilah count")
            # The first edge only says where counting starts.
            os.pwrite(line, levels[1], 0)
            time.sleep(0.5)
            edges, began = 0, time.monotonic()
            due = began
            while (lasted := time.monotonic() - began) < args.encoder_s:
                # Never two edges closer than allowed: what this program was held up for is not made good by a burst.
                if began + lasted >= due:
                    os.pwrite(line, levels[edges % 2], 0)
                    edges, due = edges + 1, began + lasted + 1 / most
            os.close(line)
            said = len(broker.heard("health"))
            until("health is told twice more", 60, lambda: len(broker.heard("health")) > said + 1)
            run, wanted = broker.heard("health")[-1]["gauges"]["belt_mm"], edges * SPEED / most
            print(f"    {edges:,} edges, {edges / lasted:,.0f} a second for {lasted:.0f} s: {run} of {wanted:.1f} mm")
            expect(abs(run - wanted) <= 1, f"{wanted - run:.1f} mm were lost")
            expect(station.process.poll() is None, "the daemon ended")


def a_killed_daemon_leaves_a_level_and_outputs_off_ends_it(pilah, args):
    """SIGKILL in mid-move: the level stays, as on a Raspberry Pi, until outputs-off releases it."""
    with Broker() as broker, Station(pilah, "kill", on_ms=3000) as station:
        for n in range(args.kills):
            station.wait_ready(broker, boots=n + 1)
            in_mid_move(broker)
            time.sleep(random.random() * 0.5)
            station.process.send_signal(signal.SIGKILL)
            station.process.wait()
            expect(level(KICK), "the level went by itself: this kernel proves nothing")
            began = time.monotonic()
            done = station.outputs_off()
            took = time.monotonic() - began
            expect(done.returncode == 0 and not level(KICK), f"outputs-off: {done.stdout}{done.stderr}")
            expect(level(GATE), "the gate, which is active low, was left on")
            expect(took < 5, f"outputs-off took {took:.1f} s")
            station.start()
        station.wait_ready(broker, boots=args.kills + 1)


def a_start_releases_what_a_killed_run_left_on(pilah, args):
    with Broker() as broker, Station(pilah, "left", on_ms=3000) as station:
        station.wait_ready(broker)
        in_mid_move(broker)
        station.process.kill()
        station.process.wait()
        expect(level(KICK), "the level went by itself")
        station.start()
        until("the next start switches it off", 20, lambda: not level(KICK))


def stopping_switches_off(pilah, args):
    with Broker() as broker, Station(pilah, "stop", on_ms=3000) as station:
        station.wait_ready(broker)
        in_mid_move(broker)
        station.process.terminate()
        expect(station.process.wait(20) == 0, "it ended with an error")
        expect(not level(KICK) and level(GATE), "an output stayed on")
        expect(station.outputs_off().returncode == 0, "outputs-off failed where nothing is on")


def an_emergency_stop_ends_a_move_and_only_a_person_ends_it(pilah, args):
    with Broker() as broker, Station(pilah, "estop", on_ms=3000) as station:
        station.wait_ready(broker)
        until("the green lamp is lit", 5, lambda: level(GREEN) and not level(RED))
        in_mid_move(broker)
        pressed = time.monotonic()
        pull(ESTOP, True)
        until("the move ends", 5, lambda: not level(KICK), every=0.002)
        print(f"    off {(time.monotonic() - pressed) * 1000:.0f} ms after the button")
        until("the red lamp is lit", 5, lambda: level(RED) and not level(GREEN))
        pull(RESET, True)
        time.sleep(0.3)
        pull(RESET, False)
        pull(ESTOP, False)
        time.sleep(1)
        expect(broker.heard("status")[-1]["state"] == "e-stop", "it ended without a reset after unlocking")
        station.process.kill()
        station.process.wait()
        station.start()
        # What the killed run had sent may come again.
        starts = lambda: {start["seq"] for start in broker.heard("start")}
        back = lambda: len(starts()) == 2 and broker.heard("status")[-1].get("state") == "e-stop"
        until("a new start holds it still", 60, back)
        expect(level(RED) and not level(GREEN), "the lamps forgot it")
        pull(RESET, True)
        until("it is ready", 5, lambda: broker.heard("status")[-1]["state"] == "ready")
        pull(RESET, False)
        told = lambda: {i["seq"]: i["phase"] for i in broker.heard("incident") if i["incident"] == "e-stop"}
        until("the incident is over", 5, lambda: [told()[seq] for seq in sorted(told())] == ["opened", "opened", "closed"])


def two_daemons_do_not_share_lines(pilah, args):
    with Broker() as broker, Station(pilah, "first") as first:
        first.wait_ready(broker)
        with Station(pilah, "second") as second:
            # The log escapes the quotes of a field.
            until("the second says who holds the line", 20, lambda: 'in use (by \\"pilah ' in second.said())
            expect(second.process.poll() is None, "the second ended instead of waiting in fault")
            expect(first.process.poll() is None, "the first ended")


def a_camera_that_goes_comes_back(pilah, args):
    """The camera's driver is unbound and bound again: the station stands, then sorts within 2 s."""
    driver = Path("/sys/bus/platform/drivers/vivid")
    with Broker() as broker, Station(pilah, "camera", camera=VIVID) as station:
        station.wait_ready(broker)
        def incidents(phase):
            return [i for i in broker.heard("incident") if i["incident"] == "camera-lost" and i["phase"] == phase]

        def size():
            """Threads, and resident memory in MB."""
            fields = dict(line.split(":", 1) for line in Path(f"/proc/{station.process.pid}/status").read_text().splitlines())
            return int(fields["Threads"]), int(fields["VmRSS"].split()[0]) / 1024

        worst, sizes = 0.0, []
        for _ in range(args.cameras):
            lost = len(incidents("opened"))
            (driver / "unbind").write_text("vivid.0")
            until("the loss is an incident", 20, lambda: len(incidents("opened")) > lost)
            time.sleep(random.random() * 2)
            closed = len(incidents("closed"))
            (driver / "bind").write_text("vivid.0")
            back = time.monotonic()
            until("the camera is back", 30, lambda: len(incidents("closed")) > closed)
            worst = max(worst, time.monotonic() - back)
            expect(station.process.poll() is None, "the daemon ended")
            sizes.append(size())
        # The first rounds fill what is kept; from then on nothing may grow.
        early, last = sizes[len(sizes) // 5], sizes[-1]
        print(f"    {args.cameras} times: back after {worst:.2f} s at most")
        print(f"    {early[0]} and {last[0]} threads, {early[1]:.1f} and {last[1]:.1f} MB after a fifth of them and after all")
        expect(last[0] <= early[0], "threads were left behind")
        expect(last[1] <= early[1] * 1.05 + 1, "memory grows")
        expect(worst < args.camera_back, f"took {worst:.2f} s")


def a_camera_of_mjpeg_is_looked_at_through_garbage_and_a_stall(pilah, args):
    """Pictures cut off in the middle give no vote and harm nothing; a silent camera is an incident, then forgotten."""
    whole = Path("models/waste/golden/lamp-clear.jpg").read_bytes()
    with Broker() as broker, MjpegCamera(whole) as camera:
        with Station(pilah, "mjpeg", camera=camera.settings()) as station:
            station.wait_ready(broker)

            def item():
                before = len(broker.heard("decision"))
                pass_eye()
                return until("its decision", 20, lambda: broker.heard("decision")[before:])[0]

            expect(item()["frames"] > 0, "no frame was looked at")
            camera.picture = whole[: len(whole) // 2]
            time.sleep(1)
            seen = item()
            expect(seen["target_lane"] == "rest", f"garbage was sorted: {seen}")
            camera.picture = whole
            time.sleep(1)
            expect(item()["frames"] > 0, "no frame was looked at after garbage")
            # A camera that changes its size in mid-run.
            camera.picture = Path("models/waste/demo/unknown/mug.jpg").read_bytes()
            time.sleep(1)
            expect(item()["frames"] > 0, "no frame was looked at in another size")
            camera.picture = whole
            before = len(broker.heard("decision"))
            camera.frozen = True
            incidents = lambda: [i["phase"] for i in broker.heard("incident") if i["incident"] == "camera-lost"]
            until("a frozen picture is an incident", 30, lambda: incidents() == ["opened"])
            camera.frozen = False
            until("it is over", 20, lambda: incidents() == ["opened", "closed"])
            expect(len(broker.heard("decision")) == before, "something was sorted by a frozen picture")
            camera.silent = True
            until("the stall is an incident", 20, lambda: incidents()[2:] == ["opened"])
            time.sleep(3)
            camera.silent = False
            back = time.monotonic()
            until("it is over", 20, lambda: incidents()[2:] == ["opened", "closed"])
            took = time.monotonic() - back
            expect(item()["frames"] > 0, "no frame was looked at after the stall")
            print(f"    {camera.width}x{camera.height}: sorting again {took:.2f} s after a stall")
            expect(took < args.camera_back, f"took {took:.2f} s")
            expect(station.process.poll() is None, "the daemon ended")


TESTS = [
    the_right_line_moves_at_the_right_place,
    an_encoder_counts_the_belt,
    an_encoder_at_full_rate_loses_no_count,
    a_killed_daemon_leaves_a_level_and_outputs_off_ends_it,
    a_start_releases_what_a_killed_run_left_on,
    stopping_switches_off,
    an_emergency_stop_ends_a_move_and_only_a_person_ends_it,
    two_daemons_do_not_share_lines,
    a_camera_that_goes_comes_back,
    a_camera_of_mjpeg_is_looked_at_through_garbage_and_a_stall,
]
# What shows in a minute whether the daemon and a kernel understand each other, and does not depend on how fast they are.
SMOKE = [
    the_right_line_moves_at_the_right_place,
    a_killed_daemon_leaves_a_level_and_outputs_off_ends_it,
    an_emergency_stop_ends_a_move_and_only_a_person_ends_it,
]


def main(tests=TESTS):
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("pilah", help="the program, built with --features board")
    p.add_argument("--only", help="tests whose names contain this")
    p.add_argument("--smoke", action="store_true", help="only a few tests, once each, without a word on how punctual it is")
    p.add_argument("--within-ms", type=float, default=20.0, help="how far from its time a move may be")
    p.add_argument("--items", type=int, default=5, help="items that pass the photo-eye")
    p.add_argument("--kills", type=int, default=3, help="how often the daemon is killed in mid-move")
    p.add_argument("--encoder-s", type=float, default=30.0, help="seconds of the encoder at full rate")
    p.add_argument("--encoder-rate", type=int, default=RATE, help="its edges a second, at most what `check` allows")
    p.add_argument("--cameras", type=int, default=3, help="how often the camera goes")
    p.add_argument("--camera-back", type=float, default=2.0, help="seconds until the station sorts again")
    args = p.parse_args()
    if args.smoke:
        tests, args.within_ms, args.items, args.kills = SMOKE, 500.0, 1, 1
    pilah = str(Path(args.pilah).resolve())
    failed = 0
    for test in tests:
        if args.only and args.only not in test.__name__:
            continue
        subprocess.run(["rm", "-rf", WORK], check=True)
        WORK.mkdir()
        for line in (EYE, ENCODER, SECOND, SEES, ESTOP, RESET):
            pull(line, False)
        name, began = test.__name__.replace("_", " "), time.monotonic()
        try:
            test(pilah, args)
            print(f"ok    {name} ({time.monotonic() - began:.0f} s)", flush=True)
        except Wrong as wrong:
            failed += 1
            print(f"WRONG {name}: {wrong}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
