"""What a picture costs on a Raspberry Pi in executed instructions, without one: ours, tract and onnxruntime under QEMU.

    ../../cross/build.sh arm64
    python count_instructions.py --pilah ../../target/aarch64-unknown-linux-gnu/board/pilah --model ../waste
    python count_instructions.py --pilah ../../target/aarch64-unknown-linux-gnu/board/pilah --plain

Instructions are no time, but they are the same on a busy machine. Each engine runs a few pictures and a few more, and the
difference is told, so that what starting takes drops out. Needs qemu-aarch64 of Debian's qemu-user (the dynamic one, which
takes plugins), gcc, and packages of arm64 (`dpkg --add-architecture arm64`, `apt-get update`), out of which Python and the
C library for onnxruntime are unpacked into --work and not installed.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx

from compare_engines import dequantized, output, plain
from pilah_train.recipe import said

# QEMU's name of a processor, and the number by which tract knows it.
PROCESSORS = {"cortex-a72": "0xd08", "cortex-a76": "0xd0b"}
PACKAGES = (
    "python3.11-minimal libpython3.11-minimal libpython3.11-stdlib libc6 libexpat1 zlib1g libstdc++6 libgcc-s1 libffi8 libssl3"
)
# Later ones up to 1.32 end in a segmentation fault under QEMU 7.2 as soon as they are loaded.
WHEELS = ["onnxruntime==1.22.1", "numpy", "packaging", "flatbuffers", "protobuf"]
ONNX = """
import sys, numpy, onnxruntime
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
picture = {"image": numpy.fromfile(sys.argv[2], numpy.uint8).reshape(session.get_inputs()[0].shape)}
for _ in range(int(sys.argv[3])):
    session.run(None, picture)
"""


@said
def main() -> int:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--pilah", type=Path, required=True, help="the program for arm64")
    net = p.add_mutually_exclusive_group(required=True)
    net.add_argument("--model", type=Path, help="a model's folder")
    net.add_argument("--plain", action="store_true", help="a plain net of 3x3 convolutions in place of a model")
    p.add_argument("--work", type=Path, default=Path.home() / ".cache/pilah-instructions", help="what is unpacked stays here")
    p.add_argument("--interface", default="1", help="of QEMU's plugins: 1 in Debian 12, 4 from QEMU 10 on")
    a = p.parse_args()
    root, site, plugin = prepare(a.work, a.interface)
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        folder = (plain(scratch) if a.plain else a.model).resolve()
        graph = onnx.load(folder / "model.onnx")
        shape = [side.dim_value for side in graph.graph.input[0].type.tensor_type.shape.dim]
        picture = np.random.default_rng(0).integers(0, 256, shape, np.uint8).tobytes()
        (scratch / "one").write_bytes(picture)
        onnx.save(dequantized(graph), scratch / "float.onnx")
        (scratch / "run.py").write_text(ONNX)

        def pilah(engine: str):
            def command(count: int) -> list[str]:
                (scratch / f"{count}").write_bytes(picture * count)
                return [a.pilah.resolve(), "bench", "--model", folder, "--only", engine, "--tensors", scratch / f"{count}"]

            return command

        def theirs(net: Path):
            return lambda count: [root / "usr/bin/python3.11", scratch / "run.py", net, scratch / "one", str(count)]

        engines = {
            "tract float": pilah("float"),
            "tract int8": pilah("int8-tract"),
            "onnxruntime float": theirs(scratch / "float.onnx"),
            "onnxruntime int8": theirs(folder / "model.onnx"),
            "pilah int8": pilah("int8"),
        }
        for processor, part in PROCESSORS.items():
            environment = {
                "PYTHONHOME": str(root / "usr"),
                "PYTHONPATH": str(site),
                "TRACT_CPU_AARCH64_OVERRIDE_CPU_PART": part,
                "OMP_NUM_THREADS": "1",
            }

            def count(command: list) -> int:
                out = scratch / "instructions"
                qemu = ["qemu-aarch64", "-cpu", processor, "-L", root, "-plugin", f"{plugin},out={out}", *command]
                output(qemu, environment)
                return int(out.read_text())

            costs = {}
            for name, command in engines.items():
                costs[name] = (count(command(6)) - count(command(2))) / 4
                print(f"  {processor} {name}: {costs[name] / 1e6:.1f} million", file=sys.stderr)
            mine = costs["pilah int8"]
            print(f"\n{processor:<20} {'million':>8}  pilah int8 takes")
            for name, value in sorted(costs.items(), key=lambda x: -x[1]):
                print(f"{name:<20} {value / 1e6:>8.1f}  {mine / value:.2f} of it")
    return 0


def prepare(work: Path, interface: str) -> tuple[Path, Path, Path]:
    """A root folder with Python and libraries of arm64, a folder of wheels, and the plugin."""
    root, site, plugin = work / "root", work / "site", work / "count.so"
    work.mkdir(parents=True, exist_ok=True)
    source = Path(__file__).with_suffix(".c")
    subprocess.run(["gcc", "-O2", "-shared", "-fPIC", f"-DINTERFACE={interface}", "-o", plugin, source], check=True)
    if not root.is_dir():
        with tempfile.TemporaryDirectory() as packages:
            names = [f"{name}:arm64" for name in PACKAGES.split()]
            subprocess.run(["apt-get", "download", "-q", *names], check=True, cwd=packages)
            for package in Path(packages).glob("*.deb"):
                subprocess.run(["dpkg", "-x", package, root], check=True)
    if not site.is_dir():
        platforms = [f"--platform=manylinux{version}_aarch64" for version in ("_2_28", "_2_27", "_2_17", "2014")]
        command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--only-binary=:all:", "--python-version=311"]
        subprocess.run([*command, "--implementation=cp", *platforms, f"--target={site}", *WHEELS], check=True)
    return root.resolve(), site.resolve(), plugin.resolve()


if __name__ == "__main__":
    sys.exit(main())
