#!/usr/bin/env python3
"""What a shop floor does to a station: devices that are absent, busy, forbidden, broken or wired the wrong way.

Each time the daemon as it ships must stay up, say over MQTT what is wrong and what to do, and go on by itself once it can.
Runs inside the virtual machine of boot.sh:  tests/vm/boot.sh DIR python3 tests/vm/bad_input.py target/release/pilah
"""

import contextlib
import fcntl
import os
import shutil
import struct
import sys
import time
from pathlib import Path

from floor import (
    ENCODER, EYE, GPIO, GREEN, KICK, RED, SECOND, VIVID, WORK,
    Broker, MjpegCamera, Station, Trace, expect, in_mid_move, level, main, pass_eye, pull, until,
)

NOBODY = 65534
CONFIGFS = Path("/sys/kernel/config/gpio-sim")
PICTURE = Path("models/waste/golden/lamp-clear.jpg")


def incidents(broker, code):
    return [i for i in broker.heard("incident") if i["incident"] == code]


def told(broker, code, *words):
    """Waits for an incident; both of its texts say something."""
    opened = lambda: [i for i in incidents(broker, code) if i["phase"] == "opened"]
    text = until(f"{code} is an incident", 40, opened)[-1]["text"]
    print(f"    {code}: {text['en'][:230]}")
    for word in words:
        expect(word in text["en"], f"{code} does not say {word!r}: {text['en']}")
    expect(text["id"] and text["id"] != text["en"], "it says nothing in Indonesian")


def ended(broker, code):
    until(f"{code} is over", 40, lambda: incidents(broker, code)[-1]["phase"] == "closed")


def stands(broker, station, state="fault"):
    """It is up, online, in a state, and nothing moves."""
    until(f"it is in {state}", 40, lambda: broker.heard("status") and broker.heard("status")[-1]["state"] == state)
    expect(broker.heard("status")[-1]["online"], "it is not online")
    expect(station.process.poll() is None, "the daemon ended")
    expect(not level(KICK), "an output is on")


def sorts(broker, station):
    station.wait_ready(broker)
    in_mid_move(broker)


class Held:
    """A line that another program uses."""

    def __init__(self, offset, consumer):
        # struct gpio_v2_line_request, of one input: GPIO_V2_GET_LINE_IOCTL.
        config = struct.pack("<QI5I", 4, 0, *[0] * 5) + bytes(240)
        request = struct.pack("<64I", offset, *[0] * 63) + consumer.encode().ljust(32, b"\0") + config
        request += struct.pack("<2I5Ii", 1, 0, *[0] * 5, 0)
        chip = os.open("/dev/gpiochip0", os.O_RDWR)
        self.file = struct.unpack("<i", fcntl.ioctl(chip, 0xC250B407, request)[-4:])[0]
        os.close(chip)

    def let_go(self):
        os.close(self.file)


class Expander:
    """A chip that comes and goes, with one line."""

    def __enter__(self):
        bank = CONFIGFS / "expander" / "bank0"
        (bank / "line0").mkdir(parents=True)
        (bank / "num_lines").write_text("4")
        (bank / "label").write_text("expander")
        (bank / "line0" / "name").write_text("X0")
        return self

    def plug(self, there):
        live, wanted = CONFIGFS / "expander" / "live", "1" if there else "0"
        if live.read_text().strip() != wanted:
            live.write_text(wanted)

    def __exit__(self, *_):
        self.plug(False)
        for folder in ("expander/bank0/line0", "expander/bank0", "expander"):
            (CONFIGFS / folder).rmdir()


def a_line_that_another_program_uses_is_named_with_its_user(pilah, args):
    held = Held(KICK, "lirc")
    with Broker() as broker, Station(pilah, "busy", on_ms=1000) as station:
        told(broker, "pins-refused", "GPIO23", 'in use (by "lirc")', "stop what uses it")
        stands(broker, station)
        held.let_go()
        sorts(broker, station)
        ended(broker, "pins-refused")


def two_daemons_of_one_folder_do_not_share_outputs(pilah, args):
    with Broker() as broker, Station(pilah, "first", on_ms=1000) as first:
        first.wait_ready(broker)
        with Station(pilah, "second") as second:
            second.process.kill()
            second.process.wait()
            second.env = first.env
            second.start()
            until("the second says who it is", 20, lambda: f"process {first.process.pid} holds them" in second.said())
            expect(second.process.poll() is None, "the second ended instead of waiting in fault")
        in_mid_move(broker)


def a_chip_that_is_absent_is_waited_for(pilah, args):
    """The reset button hangs on an expander: without it the station stands with a red light."""
    more = lambda text: text.replace('line = "GPIO13"', 'line = "X0"\nchip = "expander"')
    with Broker() as broker, Expander() as expander, Station(pilah, "absent", on_ms=1000, change=more) as station:
        told(broker, "pins-refused", "expander", "no such chip", "pinctrl-bcm2711")
        stands(broker, station)
        until("the red lamp is lit", 5, lambda: level(RED) and not level(GREEN))
        expander.plug(True)
        sorts(broker, station)
        ended(broker, "pins-refused")
        # Pulled out in mid-move: the process ends with its outputs off, and whoever starts it again has it wait.
        expander.plug(False)
        expect(station.process.wait(20) != 0, "it ended well without its inputs")
        expect("its GPIO chip is gone" in station.said(), "it does not say that the chip is gone")
        expect(not level(KICK), "an output stayed on")
        station.start()
        until("it is an incident again", 40, lambda: len(incidents(broker, "pins-refused")) > 2)
        stands(broker, station)
        expander.plug(True)
        station.wait_ready(broker, boots=2)


def a_line_that_is_nowhere_is_told_with_its_neighbours(pilah, args):
    more = lambda text: text.replace('line = "GPIO23"', 'line = "GPIO32"')
    with Broker() as broker, Station(pilah, "nowhere", change=more) as station:
        told(broker, "pins-refused", "output kick", '"GPIO32": no such line', "did you mean GPIO2")
        stands(broker, station)


def who_may_not_is_told_which_group(pilah, args):
    """First the pins, then the camera: each is waited for."""
    chip, camera = Path("/dev/gpiochip0"), Path("/dev/video0")
    chip.chmod(0o600)
    camera.chmod(0o600)
    try:
        with Broker() as broker, Station(pilah, "nobody", camera=VIVID, user=NOBODY) as station:
            told(broker, "pins-refused", "permission denied", "group gpio")
            stands(broker, station)
            chip.chmod(0o666)
            told(broker, "camera-lost", "group video")
            ended(broker, "pins-refused")
            stands(broker, station)
            camera.chmod(0o666)
            station.wait_ready(broker)
            ended(broker, "camera-lost")
    finally:
        chip.chmod(0o600)
        camera.chmod(0o600)


def a_model_that_is_refused_is_waited_for(pilah, args):
    """With a red light: it is not there, then damaged, then whole."""
    folder = WORK / "net"
    more = lambda text: text.replace('model = "digits"', f'model = "{folder}"')
    with Broker() as broker, Station(pilah, "model", on_ms=1000, change=more) as station:
        told(broker, "model-refused", str(folder))
        stands(broker, station)
        until("the red lamp is lit", 5, lambda: level(RED) and not level(GREEN))
        shutil.copytree("models/digits", WORK / "copy")
        net = WORK / "copy" / "model.onnx"
        whole = net.read_bytes()
        net.write_bytes(whole[:-1])
        (WORK / "copy").rename(folder)
        until("it says what is wrong with it", 40, lambda: "sha256" in station.said())
        stands(broker, station)
        (folder / "model.onnx").write_bytes(whole)
        sorts(broker, station)
        ended(broker, "model-refused")
        expect(level(GREEN) and not level(RED), "the lamps still say fault")


def a_camera_without_a_known_format_is_waited_for(pilah, args):
    """It offers planar YUV alone; then MJPEG, under the same name."""
    picture = PICTURE.read_bytes()
    planar = MjpegCamera(picture, b"YU12")
    settings = planar.settings().replace('format = "mjpg"\n', "")
    with Broker() as broker, contextlib.ExitStack() as first:
        first.enter_context(planar)
        with Station(pilah, "format", camera=settings) as station:
            told(broker, "camera-lost", "it offers YU12 and not MJPG, YUYV, RGB3 or GREY", 'driver = "command"')
            stands(broker, station)
            first.close()
            with MjpegCamera(picture):
                station.wait_ready(broker)
                ended(broker, "camera-lost")


def a_camera_of_garbage_is_lost_and_comes_back(pilah, args):
    """Frames that are no pictures, in a stream that runs."""
    whole = PICTURE.read_bytes()
    with Broker() as broker, MjpegCamera(whole) as camera:
        with Station(pilah, "garbage", on_ms=1000, camera=camera.settings()) as station:
            station.wait_ready(broker)
            camera.picture = bytes(range(256)) * 40
            told(broker, "camera-lost", "no frame")
            stands(broker, station)
            camera.picture = whole
            ended(broker, "camera-lost")
            station.wait_ready(broker)


def an_eye_that_chatters_sees_one_item(pilah, args):
    """Seven edges where one belongs, as dirt and vibration make them; the lock-out is set to how slow this machine is."""
    more = lambda text: text.replace('input = "eye"', 'input = "eye"\nlockout_ms = 80')
    with Broker() as broker, Station(pilah, "chatter", change=more) as station:
        station.wait_ready(broker)
        line = os.open(GPIO / f"sim_gpio{EYE}" / "pull", os.O_WRONLY)
        levels = (b"pull-down", b"pull-up")
        for last in (1, 0):
            began = time.monotonic()
            for edge in range(7):
                os.pwrite(line, levels[last ^ edge % 2], 0)
            print(f"    seven edges in {(time.monotonic() - began) * 1000:.1f} ms")
            time.sleep(0.2)
        os.close(line)
        until("its outcome", 30, lambda: broker.heard("outcome"))
        time.sleep(2)
        items = len(broker.heard("decision"))
        expect(items == 1, f"{items} items were seen")


def an_eye_that_sticks_is_a_jam(pilah, args):
    with Broker() as broker, Station(pilah, "stuck", on_ms=1000) as station:
        station.wait_ready(broker)
        pull(EYE, True)
        told(broker, "jam", "photo-eye")
        pull(EYE, False)
        ended(broker, "jam")
        sorts(broker, station)


def a_belt_that_runs_back_moves_nothing_until_it_is_there_again(pilah, args):
    """An encoder of two channels: an item of 4 goes 300 mm forth, 200 back, and on; it is kicked where it lies."""
    encoder = 'encoder = "count"\nencoder_second = "second"\nmm_per_count = 4.0'
    with Broker() as broker, Trace() as trace, Station(pilah, "back", encoder=encoder) as station:
        station.wait_ready(broker)
        at = [0.0, False]

        def run(counts, backwards=False):
            for _ in range(counts):
                at[1] = not at[1]
                # A quarter of a turn apart, as a disc's two channels are.
                pull(SECOND, at[1] == backwards)
                time.sleep(0.01)
                pull(ENCODER, at[1])
                at[0] += -4.0 if backwards else 4.0
                time.sleep(0.01)

        run(30)
        came = at[0]
        pull(EYE, True)
        run(10)
        pull(EYE, False)
        run(65)
        run(50, backwards=True)
        told(broker, "belt-backwards", "channels")
        expect(not [high for _, high in trace.changes(KICK) if high], "the kicker moved while the belt ran back")
        run(50)
        kicked = None
        while kicked is None and at[0] - came < 1400:
            run(1)
            if [high for _, high in trace.changes(KICK) if high]:
                kicked = at[0] - came
        print(f"    kicked after {kicked} mm of belt, forwards less backwards")
        expect(kicked is not None and abs(kicked - 1020) < 60, f"kicked after {kicked} mm")
        expect(station.process.poll() is None, "the daemon ended")


TESTS = [
    a_line_that_another_program_uses_is_named_with_its_user,
    two_daemons_of_one_folder_do_not_share_outputs,
    a_chip_that_is_absent_is_waited_for,
    a_line_that_is_nowhere_is_told_with_its_neighbours,
    who_may_not_is_told_which_group,
    a_model_that_is_refused_is_waited_for,
    a_camera_without_a_known_format_is_waited_for,
    a_camera_of_garbage_is_lost_and_comes_back,
    an_eye_that_chatters_sees_one_item,
    an_eye_that_sticks_is_a_jam,
    a_belt_that_runs_back_moves_nothing_until_it_is_there_again,
]

if __name__ == "__main__":
    sys.exit(main(TESTS))
