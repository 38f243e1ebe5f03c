#!/usr/bin/env python3
"""The package on a system with systemd: installed, run, killed, starved, upgraded, booted, removed.

Runs inside the virtual machine, twice on one disk, by package.sh: `package.py first ...`, then `package.py second`.
"""

import argparse
import json
import os
import pwd
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from floor import EYE, GATE, KICK, STATION, Broker, Trace, Wrong, counted, expect, gap_for, in_mid_move, level, pass_eye, pull, until

CONFIG = Path("/etc/pilah/pilah.toml")
PICTURES = Path("/etc/pilah/pictures")
STATE = Path("/var/lib/pilah")
# Longer than in floor.py: everything is emulated here, systemd and apt too.
LONG = 120


def sh(command, wrong=0):
    """What a shell command printed; Wrong when it does not exit as it should (None: whatever it does)."""
    done = subprocess.run(["sh", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    expect(wrong is None or done.returncode == wrong, f"{command}: {done.returncode}\n{done.stdout}")
    return done.stdout.strip()


def unit(name):
    return sh(f"systemctl show pilah.service --property={name} --value")


def log(since):
    return sh(f"journalctl --unit=pilah --since=@{since} --output=cat --no-pager", wrong=None)


def pid():
    return int(unit("MainPID"))


class Ears(Broker):
    """A subscriber to the system's own broker."""

    def __enter__(self):
        self.file = Path("/tmp/messages")
        until("the broker listens", LONG, self.listens, every=0.5)
        command = ["mosquitto_sub", "-V", "5", "-q", "1", "-t", "pilah/#", "-F", "%t %p"]
        self.subscriber = subprocess.Popen(command, stdout=open(self.file, "w"))
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            said = [line for line in self.file.read_text().splitlines() if "/health " not in line]
            print("".join(f"    {line[:300]}\n" for line in said[-8:]))
            print(f"    {counted(self)}")
            print("".join(f"    {line[:300]}\n" for line in log(time.time() - 60).splitlines()[-20:]))
        self.subscriber.kill()

    def state(self):
        said = self.heard("status")
        return said[-1].get("state") if said and said[-1]["online"] else None

    def events(self):
        """Every event that came, by its number."""
        kinds = ("decision", "outcome", "incident", "start")
        return {event["seq"]: event for kind in kinds for event in self.heard(kind)}


def configure(camera=None, on_ms=3000, more=""):
    PICTURES.mkdir(exist_ok=True)
    for picture in Path("models/digits/demo/4").iterdir():
        (PICTURES / picture.name).write_bytes(picture.read_bytes())
    camera = camera or f'driver = "replay"\npath = "{PICTURES}"\nfps = 20'
    CONFIG.write_text(STATION.format(camera=camera, encoder="", on_ms=on_ms, gap=gap_for(on_ms), state=STATE) + more)


def started(ears):
    """Starts the service, and waits until it sorts."""
    before = len(ears.heard("start"))
    sh("systemctl restart pilah")
    up_again(ears, before)


def up_again(ears, before):
    sorts = lambda: len(ears.heard("start")) > before and ears.state() in ("ready", "running")
    until("the station sorts", LONG, sorts, every=0.2)


def all_off():
    # The gate is active low.
    return not level(KICK) and level(GATE)


# --- first boot ------------------------------------------------------------------------------------------------------


def installing_says_the_next_two_steps(args):
    sh("systemctl is-active mosquitto")
    said = sh(f"apt-get install -q -y --no-install-recommends {args.old}")
    expect("Two steps to a line that sorts" in said, said)
    print("".join(f"    {line}\n" for line in said.splitlines()[-6:]), end="")
    expect({"gpio", "video"} <= set(sh("id -nG pilah").split()), sh("id pilah"))
    expect(sh("stat -c '%G %a' /dev/gpiochip0") == "gpio 660", sh("ls -l /dev/gpiochip0"))
    expect(sh(f"stat -c '%U %G %a' {STATE} /run/pilah") == "pilah pilah 750\npilah pilah 755", "folders")
    expect(sh("systemctl is-enabled pilah", 1) == "disabled" and sh("systemctl is-active pilah", 3) == "inactive", "unit")
    expect(sh("dpkg --verify pilah") == "", sh("dpkg --verify pilah"))
    expect("pilah-run" in sh("man --where pilah-run"), "no manual page")
    sh("pilah demo", wrong=2)
    expect(len(sh("pilah model list").splitlines()) >= 4, "no models")


def a_service_without_a_configuration_stays_down_and_says_why(args):
    now = time.time()
    sh("systemctl start pilah", wrong=1)
    stays_down_with_78(now, "there is no such file")


def stays_down_with_78(since, why):
    time.sleep(4)
    expect(unit("ActiveState") == "failed" and unit("ExecMainStatus") == "78", f"{unit('ActiveState')} {unit('ExecMainStatus')}")
    expect(unit("NRestarts") == "0", f"restarted {unit('NRestarts')} times")
    told = [line for line in log(since).splitlines() if why in line]
    expect(told, f"the journal does not say {why!r}:\n{log(since)}")
    print(f"    {told[0]}")
    sh("systemctl reset-failed pilah")


def the_readmes_steps_lead_to_a_sorted_item(args):
    """The commands of README's page, one after the other; the line that edits the file is what the engineer does."""
    page = Path("README.md").read_text().split("## From a board to the first sorted item", 1)[1].split("\n## ", 1)[0]
    steps = [step for block in re.findall(r"```sh\n(.*?)```", page, re.DOTALL) for step in block.splitlines()]
    with Ears() as ears, Trace() as trace:
        for step in steps:
            step = step.split("  #")[0].strip()
            if step.startswith("sudo apt install"):
                continue  # the first test did
            if step.startswith("sudoedit"):
                configure()
                continue
            if step.startswith(("journalctl", "mosquitto_sub")):
                step = f"timeout 3 {step}"
            elif "lane-test" in step:
                step = step.replace("LANE", "jawa")
            print(f"    $ {step}")
            said = sh(step, wrong=None if step.startswith("timeout") else 0)
            if "doctor" in step:
                print("".join(f"      {line}\n" for line in said.splitlines()), end="")
            if "lane-test" in step:
                expect([high for _, high in trace.changes(KICK)].count(True) == 1, "the lane did not move by hand")
        until("the station sorts", LONG, lambda: ears.state() in ("ready", "running"), every=0.2)
        in_mid_move(ears)
        until("its decision", 30, lambda: [d for d in ears.heard("decision") if d["target_lane"] == "jawa"])
        until("its outcome", 30, lambda: ears.heard("outcome"))
        expect(ears.heard("outcome")[-1]["outcome"] in ("diverted", "missed", "unconfirmed"), str(ears.heard("outcome")))


def it_runs_with_the_rights_that_it_needs_and_no_others(args):
    expect(unit("ActiveState") == "active" and unit("StatusText") == "sorting", unit("StatusText"))
    process = Path(f"/proc/{pid()}")
    status = dict(line.split(":\t", 1) for line in (process / "status").read_text().splitlines() if ":\t" in line)
    expect(status["Uid"].split()[0] == str(pwd.getpwnam("pilah").pw_uid), f"runs as {status['Uid']}")
    expect(int(status["CapEff"], 16) == 0 and status["NoNewPrivs"] == "1" and status["Seccomp"] == "2", str(status))
    limits = (process / "limits").read_text()
    expect(re.search(r"Max core file size +0 +0", limits), limits)
    fifo = {
        (process / "task" / task / "comm").read_text().strip(): os.sched_getparam(int(task)).sched_priority
        for task in os.listdir(process / "task")
        if os.sched_getscheduler(int(task)) & ~os.SCHED_RESET_ON_FORK == os.SCHED_FIFO
    }
    expect(list(fifo) == ["actuate"] and 0 < fifo["actuate"] <= 50, f"real-time threads: {fifo}")
    # Even root, put into the service's group, may open cameras and pins alone.
    group = Path("/sys/fs/cgroup") / unit("ControlGroup").lstrip("/") / "cgroup.procs"
    opened = {}
    for device in ("/dev/video0", "/dev/gpiochip0", "/dev/null", "/dev/vda", "/dev/kmsg", "/dev/ttyS0"):
        done = subprocess.run(["sh", "-c", f"echo $$ > {group} && exec 3< {device}"], stderr=subprocess.PIPE, text=True)
        opened[device] = done.returncode == 0
        expect(done.returncode == 0 or "Operation not permitted" in done.stderr, done.stderr)
    expect([device for device, may in opened.items() if may] == ["/dev/video0", "/dev/gpiochip0", "/dev/null"], str(opened))
    score = sh("systemd-analyze security --no-pager pilah.service").splitlines()[-1]
    print(f"    {score}")
    expect(float(re.search(r"(\d+\.\d+)", score)[1]) <= 2.5, score)
    properties = sh("systemctl show pilah --property=StartLimitIntervalUSec,RestartPreventExitStatus,WatchdogSignal,Restart")
    for wanted in ("StartLimitIntervalUSec=0", "RestartPreventExitStatus=78", "WatchdogSignal=9", "Restart=always"):
        expect(wanted in properties.splitlines(), properties)


def the_page_is_served_and_its_buttons_work(args):
    page = '[page]\nlisten = "0.0.0.0:8080"\ncommands = ["pause", "resume", "lane-test", "snapshot", "reload"]\n'
    configure(more=page)

    def ask(path, command=None):
        headers = {"X-Pilah-Command": command} if command else {}
        request = urllib.request.Request(f"http://127.0.0.1:8080{path}", headers=headers, method="POST" if command else "GET")
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.read()

    def done(command, more=""):
        said = json.loads(ask(f"/commands/{command}{more}", command))
        expect(said["ok"], said)
        return said["text"]

    with Ears() as ears, Trace() as trace:
        started(ears)
        in_mid_move(ears)
        until("the page shows an item", LONG, lambda: json.loads(ask("/state.json"))["items"], every=0.5)
        expect(b"pilah_items_total" in ask("/metrics"), "no numbers")
        expect(ask("/commands/snapshot", "snapshot").startswith(b"\xff\xd8"), "no picture of what the camera sees")
        done("pause")
        until("it is paused", LONG, lambda: ears.state() == "paused" and all_off(), every=0.2)
        moved = [high for _, high in trace.changes(KICK)].count(True)
        print(f"    by hand: {done('lane-test', '/jawa')}")
        expect([high for _, high in trace.changes(KICK)].count(True) == moved + 1, "the lane did not move by hand")
        done("resume")
        expect(all_off(), "it was let go with a lane that was moved by hand")
        until("it sorts", LONG, lambda: ears.state() in ("running", "ready"), every=0.2)
        old, before = pid(), len(ears.heard("start"))
        configure(more=page + 'names = ["belt-1.plant.example"]\n')
        done("reload")
        up_again(ears, before)
        expect((pid(), unit("NRestarts")) == (old, "0"), "it was not the same process")
    configure()


def a_killed_daemon_is_started_again_with_all_outputs_off(args):
    configure()
    slowest_off = slowest = 0.0
    with Ears() as ears:
        started(ears)
        for n in range(args.kills):
            in_mid_move(ears)
            before, old, began = len(ears.heard("start")), pid(), time.time()
            os.kill(old, signal.SIGKILL)
            killed = time.monotonic()
            until("outputs are off", 30, all_off, every=0.005)
            slowest_off = max(slowest_off, time.monotonic() - killed)
            up_again(ears, before)
            slowest = max(slowest, time.monotonic() - killed)
            expect(pid() != old and unit("NRestarts") == str(n + 1), f"NRestarts {unit('NRestarts')}")
            expect("GPIO23 of pinctrl-bcm2711: off" in log(began), f"outputs-off said nothing:\n{log(began)}")
    print(f"    {args.kills} times: off {slowest_off:.2f} s after SIGKILL, sorting again after {slowest:.1f} s, at most")


def a_hung_daemon_is_killed_by_the_watchdog(args):
    configure()
    slowest_kill = slowest_off = slowest = 0.0
    with Ears() as ears:
        started(ears)
        for _ in range(args.hangs):
            in_mid_move(ears)
            before, old, began = len(ears.heard("start")), pid(), time.time()
            os.kill(old, signal.SIGSTOP)
            stopped = time.monotonic()
            gone = lambda: not Path(f"/proc/{old}").exists() or " Z " in Path(f"/proc/{old}/stat").read_text()
            until("it is killed", 15, gone, every=0.01)
            slowest_kill = max(slowest_kill, time.monotonic() - stopped)
            until("outputs are off", 30, all_off, every=0.01)
            slowest_off = max(slowest_off, time.monotonic() - stopped)
            up_again(ears, before)
            slowest = max(slowest, time.monotonic() - stopped)
            expect("Watchdog timeout" in log(began), log(began))
            expect("signal=KILL" in log(began) or "status=9/KILL" in log(began), log(began))
            expect(not list(Path("/var/lib/systemd").glob("coredump/*")), "a core was written")
    times = f"killed {slowest_kill:.2f} s after SIGSTOP, off after {slowest_off:.2f} s, sorting again after {slowest:.1f} s"
    print(f"    {args.hangs} times: {times}, at most")
    expect(slowest_off < 3 + args.slack, f"off only {slowest_off:.1f} s after SIGSTOP, WatchdogSec is 3")


def a_wrong_configuration_stays_down_and_says_why(args):
    configure(more="[metrics]\nport = 9\n")
    now = time.time()
    sh("systemctl restart pilah", wrong=1)
    stays_down_with_78(now, "metrics: no such key")
    configure()
    CONFIG.chmod(0o600)
    now = time.time()
    sh("systemctl start pilah", wrong=1)
    stays_down_with_78(now, "this user may not read it")
    CONFIG.chmod(0o644)


def a_missing_camera_is_a_fault_that_ends_by_itself(args):
    configure(camera='driver = "v4l"\npath = "/dev/video0"\nwidth = 640\nheight = 360\nfps = 30')
    driver = Path("/sys/bus/platform/drivers/vivid")
    (driver / "unbind").write_text("vivid.0")
    with Ears() as ears:
        sh("systemctl start pilah")
        until("it is online, in fault", LONG, lambda: ears.state() == "fault", every=0.2)
        lost = lambda: [i for i in ears.heard("incident") if i["incident"] == "camera-lost"]
        print(f"    {until('it is an incident', 30, lost)[-1]['text']['en']}")
        time.sleep(8)
        expect(unit("ActiveState") == "active" and unit("NRestarts") == "0", "it did not stay up")
        (driver / "bind").write_text("vivid.0")
        until("it sorts", LONG, lambda: ears.state() in ("ready", "running"), every=0.2)
    configure()


def a_state_folder_of_another_user_is_told_or_taken_over(args):
    sh("systemctl stop pilah")
    # The whole folder: systemd gives it back at the start.
    sh(f"chown -R root:root {STATE}")
    told = doctor("state")
    expect("it belongs to root" in told and "chown -R pilah" in told, told)
    with Ears() as ears:
        started(ears)
        expect(sh(f"stat -c %U {STATE}/events.db") == "pilah", "not given back")
        sh("systemctl stop pilah")
        # A file in it, as a command that root ran by hand leaves it: told, since nobody gives that back.
        sh(f"chown root:root {STATE}/events.db && chmod 600 {STATE}/events.db")
        told = doctor("state")
        expect(f"chown pilah {STATE}/events.db" in told, told)
        print(f"    {told}")
        now, before = time.time(), len(ears.heard("start"))
        sh("systemctl start pilah")
        time.sleep(5)
        expect(unit("ActiveState") == "active", "a station that cannot write must sort all the same")
        said = [line for line in log(now).splitlines() if "records cannot be kept" in line and "chown pilah" in line]
        expect(len(said) == 1, log(now))
        sh(f"chown pilah:pilah {STATE}/events.db")
        until("it writes", LONG, lambda: len(ears.heard("start")) > before, every=0.5)


def doctor(what):
    said = sh(f"sudo -u pilah pilah doctor --config {CONFIG}", wrong=None)
    found = [line for line in said.splitlines() if line.split()[1:2] == [what]]
    expect(found, said)
    return found[0]


def a_full_disk_is_told_and_sorting_goes_on(args):
    configure()
    sh("systemctl stop pilah")
    sh(f"mount -t tmpfs -o size=200k,uid=$(id -u pilah),gid=$(id -g pilah),mode=750 full {STATE}")
    try:
        told = doctor("state")
        expect(told.startswith("FAIL") and "free some space" in told, told)
        print(f"    {told}")
        sh(f"sudo -u pilah dd if=/dev/zero of={STATE}/fill bs=1k count=500", wrong=1)
        told = doctor("state")
        expect(told.startswith("FAIL") and "free some space" in told, told)
        with Ears() as ears:
            now = time.time()
            sh("systemctl start pilah")
            until("it sorts", LONG, lambda: ears.state() in ("ready", "running"), every=0.2)
            said = [line for line in log(now).splitlines() if "records cannot be kept" in line]
            expect(len(said) == 1 and "free some space" in said[0], log(now))
            in_mid_move(ears)
        sh("systemctl stop pilah", wrong=None)
    finally:
        sh(f"umount {STATE}")


def a_user_without_the_groups_is_told(args):
    said = sh(f"sudo -u nobody pilah doctor --config {CONFIG}", wrong=None)
    for told in ("this user is not in gpio; usermod -aG gpio", "permission denied; add the user to the group gpio"):
        expect(told in said, said)


def the_package_of_another_processor_is_refused(args):
    said = sh(f"dpkg --install {args.foreign}", wrong=1)
    line = [line.strip() for line in said.splitlines() if "does not match" in line]
    expect(line, said)
    print(f"    {line[0]}")
    sh("dpkg --audit")
    expect("0.0.9" in sh("dpkg-query --show pilah"), sh("dpkg-query --show pilah"))


def an_upgrade_that_refuses_the_configuration_leaves_the_line_running(args):
    with Ears() as ears:
        configure()
        started(ears)
        old = pid()
        configure(more="[metrics]\nport = 9\n")
        said = sh(f"dpkg --install {args.old}")
        expect("metrics: no such key" in said and "The line runs on with the old program" in said, said)
        expect(pid() == old, "it was restarted all the same")
        configure()


def an_upgrade_asks_with_the_variables_of_the_unit(args):
    """What stands in the unit alone is missed by nobody, and a wrong value there is refused as one in the file is."""
    drop_in = Path("/etc/systemd/system/pilah.service.d/override.conf")
    names = Path("/etc/pilah/names of this machine")
    drop_in.parent.mkdir()
    try:
        with Ears() as ears:
            configure()
            CONFIG.write_text(CONFIG.read_text().replace('id = "one"\n', "").replace('site = "vm"\n', ""))
            names.write_text("PILAH__STATION__ID=7\n")
            drop_in.write_text(
                "[Service]\nEnvironment=PILAH__STATION__SITE=vm \"PILAH__MQTT__USERNAME=a 'b' $$c\"\n"
                f"EnvironmentFile={names}\nEnvironmentFile=-/nowhere\n"
            )
            sh("systemctl daemon-reload")
            started(ears)
            old, before = pid(), len(ears.heard("start"))
            said = sh(f"dpkg --install {args.old}")
            expect("refuses" not in said, said)
            up_again(ears, before)
            expect(pid() != old, "it was not restarted")
            old = pid()
            names.write_text("PILAH__STATION__ID=no/topic\n")
            said = sh(f"dpkg --install {args.old}")
            expect("PILAH__STATION__ID: station.id" in said and "The line runs on with the old program" in said, said)
            expect(pid() == old, "it was restarted all the same")
    finally:
        names.unlink()
        drop_in.unlink()
        drop_in.parent.rmdir()
        sh("systemctl daemon-reload")
        configure()


def an_upgrade_of_a_running_line_switches_off_and_loses_nothing(args):
    with Ears() as ears, Trace() as trace:
        started(ears)
        first = max(ears.events())
        for _ in range(3):
            pass_eye()
            time.sleep(1.5)
        in_mid_move(ears)
        old, before, began = pid(), len(ears.heard("start")), time.monotonic()
        # A lane that moves while files are replaced; the old program goes on until the new one is whole.
        said = sh(f"apt-get install -q -y --no-install-recommends {args.new}")
        took = time.monotonic() - began
        expect("Two steps" not in said, said)
        up_again(ears, before)
        expect(pid() != old, "the old program still runs")
        expect(sh("dpkg-query --show --showformat='${Version}' pilah") == args.version, "version")
        offs = [at for at, high in trace.changes(KICK) if not high and at > began]
        expect(offs and all_off(), "the kicker was not switched off")
        statuses = ears.heard("status")
        down = [s for s in statuses if not s["online"]]
        expect(down and down[-1]["offline_by"] == "stop", f"it went without a word: {down}")
        until("all is sent", 60, lambda: json.loads(sh(f"pilah outbox stat --json --store {STATE}"))["unsent"] == 0, every=1)
        # Numbers run on; where they jump the start says after which one, and that one came.
        events = ears.events()
        for seq in sorted(events)[1:]:
            if seq - 1 in events:
                continue
            expect("last_committed_seq" in events[seq], f"nothing says what is between {seq} and the one before it")
            last = events[seq]["last_committed_seq"]
            expect(last in events or last <= first, f"{last} was on disk and never came")
            expect(not [between for between in range(last + 1, seq) if between in events], "numbers out of order")
        decided = {e["id"] for e in events.values() if "target_lane" in e and "reason" in e}
        expect(len(decided) >= 4, f"{len(decided)} items of 4 were decided")
        # The engineer's file is his own; the templates are the new version's.
        expect("vm" in CONFIG.read_text(), "the configuration was changed")
        expect("Of an older version" not in Path("/etc/pilah/waste.toml").read_text(), "the template was not renewed")
        print(f"    {took:.1f} s for the upgrade; {len(events)} events without a gap, {len(decided)} items decided")


def memory_stays_flat(args):
    """Items pass for some time: no restart, and memory within 5 percent once it is warm."""
    with Ears() as ears:
        configure(on_ms=60)
        started(ears)
        old = pid()

        def resident():
            return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{old}/status").read_text())[1])

        end, warm, items = time.monotonic() + 60 * args.soak, None, 0
        while time.monotonic() < end:
            pass_eye()
            items += 1
            time.sleep(1.0)
            if warm is None and time.monotonic() > end - 54 * args.soak:
                warm = resident()
        last = resident()
        expect(pid() == old and unit("NRestarts") == "0", "it was restarted")
        print(f"    {items} items in {args.soak:g} min: {warm} kB when warm, {last} kB at the end, {len(ears.heard('decision'))} decided")
        expect(abs(last - warm) <= 0.05 * warm, f"{warm} kB became {last} kB")


# --- second boot -----------------------------------------------------------------------------------------------------


def it_is_ready_soon_after_a_boot(args):
    """A unit that tells when it is ready holds up multi-user.target: what counts is its own time, and the target's."""
    # What this runs in comes after multi-user.target.
    until("it is active", LONG, lambda: unit("ActiveState") == "active", every=0.2)

    def at(what, name):
        return int(sh(f"systemctl show {what} --property={name} --value")) / 1e6

    ready = at("pilah.service", "ActiveEnterTimestampMonotonic")
    begun = at("pilah.service", "ExecMainStartTimestampMonotonic")
    target = at("multi-user.target", "ActiveEnterTimestampMonotonic")
    print(f"    boot: started at {begun:.1f} s, ready at {ready:.1f} s ({ready - begun:.1f} s), multi-user.target at {target:.1f} s")
    expect(ready - target < 3, f"ready {ready - target:.1f} s after multi-user.target")
    with Ears() as ears:
        until("it sorts", LONG, lambda: ears.state() in ("ready", "running"), every=0.2)
        in_mid_move(ears)


def removing_stops_the_line_and_keeps_what_is_its_own(args):
    with Ears() as ears:
        started(ears)
        in_mid_move(ears)
        sh("apt-get remove -q -y pilah")
        expect(all_off(), "an output stayed on")
        until("it says that it is offline", 10, lambda: ears.heard("status") and not ears.heard("status")[-1]["online"])
    expect(sh("systemctl is-active pilah", wrong=None) == "inactive", sh("systemctl status pilah", wrong=None))
    expect(not Path("/usr/bin/pilah").exists() and not Path("/usr/lib/systemd/system/pilah.service").exists(), "files")
    expect(not list(Path("/etc/systemd/system").rglob("pilah.service")), "still enabled")
    expect(CONFIG.exists() and (STATE / "events.db").exists(), "configuration or history went")


def purging_takes_everything(args):
    sh("cp /var/lib/dpkg/info/pilah.postrm /tmp/postrm")
    sh("apt-get purge -q -y pilah")
    left = [path for path in ("/etc/pilah", STATE, "/run/pilah", "/usr/share/pilah") if Path(path).exists()]
    expect(not left, f"left: {left}")
    expect("pilah" not in sh("dpkg-query --show", wrong=None), "dpkg still knows it")
    # A disk of its own stays, empty; of a link what it leads to is emptied as well.
    sh(f"mkdir {STATE} && mount -t tmpfs state {STATE} && touch {STATE}/events.db && sh /tmp/postrm purge")
    expect(not list(STATE.iterdir()), sh(f"ls -la {STATE}"))
    sh(f"umount {STATE} && rmdir {STATE} && mkdir /tmp/disk && touch /tmp/disk/events.db && ln -s /tmp/disk {STATE}")
    sh("sh /tmp/postrm purge")
    expect(not STATE.is_symlink() and not list(Path("/tmp/disk").iterdir()), "something of the linked folder stayed")


FIRST = [
    installing_says_the_next_two_steps,
    a_service_without_a_configuration_stays_down_and_says_why,
    the_readmes_steps_lead_to_a_sorted_item,
    it_runs_with_the_rights_that_it_needs_and_no_others,
    the_page_is_served_and_its_buttons_work,
    a_killed_daemon_is_started_again_with_all_outputs_off,
    a_hung_daemon_is_killed_by_the_watchdog,
    a_wrong_configuration_stays_down_and_says_why,
    a_missing_camera_is_a_fault_that_ends_by_itself,
    a_state_folder_of_another_user_is_told_or_taken_over,
    a_full_disk_is_told_and_sorting_goes_on,
    a_user_without_the_groups_is_told,
    the_package_of_another_processor_is_refused,
    an_upgrade_that_refuses_the_configuration_leaves_the_line_running,
    an_upgrade_asks_with_the_variables_of_the_unit,
    an_upgrade_of_a_running_line_switches_off_and_loses_nothing,
]
SECOND = [
    it_is_ready_soon_after_a_boot,
    removing_stops_the_line_and_keeps_what_is_its_own,
    purging_takes_everything,
]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("boot", choices=["first", "second"])
    p.add_argument("--old", help="the package under an older version")
    p.add_argument("--new", help="the package")
    p.add_argument("--version", help="its version")
    p.add_argument("--foreign", help="the package for another processor")
    p.add_argument("--only", help="beside the first test those whose names contain one of these, with commas between")
    p.add_argument("--kills", type=int, default=1, help="how often the daemon is killed in mid-move")
    p.add_argument("--hangs", type=int, default=1, help="how often it is made to hang in mid-move")
    p.add_argument("--slack", type=float, default=1, help="seconds beyond WatchdogSec until a hung daemon's outputs are off")
    p.add_argument("--soak", type=float, default=0, help="minutes for which items pass")
    args = p.parse_args()
    tests = FIRST if args.boot == "first" else SECOND
    if args.boot == "first" and args.soak:
        tests = [*FIRST, memory_stays_flat]
    if args.only:
        words = [word.replace(" ", "_") for word in args.only.split(",")]
        tests = tests[:1] + [test for test in tests[1:] if any(word in test.__name__ for word in words)]
    failed = 0
    for test in tests:
        pull(EYE, False)
        name, began = test.__name__.replace("_", " "), time.monotonic()
        try:
            test(args)
            print(f"ok    {name} ({time.monotonic() - began:.0f} s)", flush=True)
        except Exception as wrong:  # the next test is told as well
            failed += 1
            print(f"WRONG {name}: {wrong if isinstance(wrong, Wrong) else repr(wrong)}", flush=True)
            subprocess.run(["systemctl", "reset-failed", "pilah"], stderr=subprocess.DEVNULL)
    sh("systemctl reset-failed; sync", wrong=None)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
