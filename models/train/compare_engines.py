"""Our int8 operators beside other engines: the same answers, and at what cost.

    python compare_engines.py --pilah ../../target/release/pilah --model ../waste --pictures DIR
    python compare_engines.py --pilah ../../target/release/pilah --plain

The first compares logits with onnxruntime without graph optimization on real pictures; it fails below 99.5% equal first
classes, or where a logit is more than two steps away. Then, with or without --pictures, all engines run by turns, one
thread each, and their processor time is printed: tract float, tract int8 and ours by `pilah bench`, onnxruntime int8 and
float with all its optimizations, and ncnn float where its packages are there (`pip install ncnn pnnx`; the second converts
the net). --plain measures a plain net of 3x3 convolutions (118 million multiplications) with random weights.
count_instructions.py tells the same of a Raspberry Pi.
"""

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from tqdm import tqdm

from pilah_train import modelfile, pictures
from pilah_train.recipe import Fault, Input, said

AGREE, STEPS = 0.995, 2


@said
def main() -> int:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--pilah", type=Path, required=True, help="the release build")
    net = p.add_mutually_exclusive_group(required=True)
    net.add_argument("--model", type=Path, help="a model's folder")
    net.add_argument("--plain", action="store_true", help="a plain net of 3x3 convolutions in place of a model")
    p.add_argument("--pictures", type=Path, help="a folder of pictures, looked through to its end")
    p.add_argument("--count", type=int, default=600, help="how many pictures, spread over the folder")
    p.add_argument("--rounds", type=int, default=5, help="turns of each engine; 0 measures no time")
    p.add_argument("--kernel", help="a kernel of ours by its name, such as avx2")
    a = p.parse_args()
    environment = {"PILAH_INT8_KERNEL": a.kernel} if a.kernel else {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = plain(Path(scratch)) if a.plain else a.model
        good = not a.pictures or agree(a, folder, environment)
        if a.rounds:
            speed(a, folder, environment)
    return 0 if good else 1


def ours(a, folder: Path, environment: dict, *more) -> str:
    return output([a.pilah.resolve(), "bench", "--model", folder.resolve(), *more], environment)


def output(command: list, environment: dict) -> str:
    """What a program prints; where it fails, what it says of that is the fault."""
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment})
    if done.returncode:
        raise Fault(f"{' '.join(map(str, command))}:\n{done.stderr.strip()}")
    return done.stdout


def agree(a, folder: Path, environment: dict) -> bool:
    model, reference = modelfile.read(folder), modelfile.Reference(folder / "model.onnx")
    wanted = {k: v for k, v in model["input"].items() if k in Input.__dataclass_fields__}
    files = sorted(f for f in a.pictures.rglob("*") if f.suffix.lower() in (".jpg", ".jpeg", ".png"))
    if not files:
        raise Fault(f"{a.pictures} holds no picture (jpg, jpeg, png)")
    files = files[:: max(1, len(files) // a.count)][: a.count]
    tensors = [pictures.read(f, Input(**wanted)) for f in tqdm(files, desc="pictures", mininterval=5)]
    with tempfile.NamedTemporaryFile() as raw:
        raw.write(b"".join(t.tobytes() for t in tensors))
        raw.flush()
        found = np.array([json.loads(line) for line in ours(a, folder, environment, "--tensors", raw.name).splitlines()])
    graph = onnx.load(folder / "model.onnx").graph
    last = next(n for n in graph.node if n.output[0] == graph.output[0].name)
    step = float(next(numpy_helper.to_array(c) for c in graph.initializer if c.name == last.input[1]))
    quick = start(onnx.load(folder / "model.onnx"))
    operators = np.stack(
        [quick.run(None, {"image": t[None]})[0][0] for t in tqdm(tensors, desc="its int8 operators", mininterval=5)]
    )
    for what, expected in (
        ("its int8 operators", operators),
        ("no optimization", reference.logits_of(tensors, "no optimization")),
    ):
        off = np.abs(found - expected).max(1) / step
        same = (found.argmax(1) == expected.argmax(1)).mean()
        print(f"onnxruntime, {what}, {len(files)} pictures: the first class is the same on {same:.2%}; logits differ by")
        print(f"  {off.max():.1f} steps at most, {off.mean():.2f} on average; by none on {(off < 0.5).mean():.1%}")
    return same >= AGREE and off.max() < STEPS + 0.5


def speed(a, folder: Path, environment: dict) -> None:
    model = onnx.load(folder / "model.onnx")
    picture = {"image": np.random.default_rng(0).integers(0, 256, shape_of(model), np.uint8)}
    engines = {}
    for name, net in (("onnxruntime int8", model), ("onnxruntime float", dequantized(model))):
        engines[name] = partial(start(net).run, None, picture)
    if importlib.util.find_spec("ncnn") and importlib.util.find_spec("pnnx"):
        engines["ncnn float"] = by_ncnn(model)
    else:
        print("ncnn is left out: pip install ncnn pnnx")
    costs: dict[str, list[float]] = {}
    for _ in tqdm(range(a.rounds), desc="rounds", mininterval=5):
        for name, run in engines.items():
            costs.setdefault(name, []).append(turn(run))
        for name, only in (("tract float", "float"), ("tract int8", "int8-tract"), ("pilah int8", "int8")):
            cost = json.loads(ours(a, folder, environment, "--only", only))
            costs.setdefault(name, []).append(cost["cpu_ms_p50"])
            if only == "int8":
                kernel = cost["kernel"]
    middle = {name: statistics.median(values) for name, values in costs.items()}
    mine = middle["pilah int8"]
    print(f"{'engine':<20} {'cpu ms':>8} {'least':>8}  pilah int8 takes ({kernel})")
    for name, value in sorted(middle.items(), key=lambda x: -x[1]):
        print(f"{name:<20} {value:>8.2f} {min(costs[name]):>8.2f}  {mine / value:.2f} of it")


def start(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def shape_of(model: onnx.ModelProto) -> list[int]:
    return [side.dim_value for side in model.graph.input[0].type.tensor_type.shape.dim]


def by_ncnn(model: onnx.ModelProto):
    """ncnn with the float net, from where bytes have become floats on; its answer must be onnxruntime's."""
    import ncnn

    whole = dequantized(model)
    at = next(n for n, node in enumerate(whole.graph.node) if node.op_type == "DequantizeLinear")
    _, height, width, channels = shape_of(model)
    name, shape = whole.graph.node[at].output[0], [1, channels, height, width]
    nodes = whole.graph.node[at + 1 :]
    used = {name for node in nodes for name in node.input}
    constants = [c for c in whole.graph.initializer if c.name in used]
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)]
    graph = helper.make_graph(nodes, "float", inputs, whole.graph.output, constants)
    floats = helper.make_model(graph, opset_imports=whole.opset_import, ir_version=whole.ir_version)
    net = ncnn.Net()
    net.opt.num_threads = 1
    net.opt.use_fp16_storage = net.opt.use_fp16_packed = net.opt.use_fp16_arithmetic = net.opt.use_bf16_storage = False
    with tempfile.TemporaryDirectory() as scratch:
        onnx.save(floats, f"{scratch}/net.onnx")
        converter = Path(importlib.util.find_spec("pnnx").origin).parent / "pnnx"
        subprocess.run([converter, "net.onnx", "fp16=0"], check=True, capture_output=True, cwd=scratch)
        assert net.load_param(f"{scratch}/net.ncnn.param") == 0 and net.load_model(f"{scratch}/net.ncnn.bin") == 0
    picture = np.random.default_rng(0).standard_normal(shape).astype(np.float32)

    def run() -> np.ndarray:
        extractor = net.create_extractor()
        extractor.input("in0", ncnn.Mat(picture[0]))
        return np.array(extractor.extract("out0")[1])

    off = np.abs(run() - start(floats).run(None, {name: picture})[0][0]).max()
    assert off < 1e-2, f"ncnn's logits differ from onnxruntime's by {off}"
    return run


def turn(run) -> float:
    """The median of what one run takes of the processor, in ms."""
    times, begin = [], time.monotonic()
    while len(times) < 20 or time.monotonic() - begin < 2:
        before = time.thread_time()
        run()
        times.append((time.thread_time() - before) * 1e3)
    return statistics.median(times[3:])


def dequantized(model: onnx.ModelProto) -> onnx.ModelProto:
    """The float net out of the same file, as the daemon makes it."""
    graph = model.graph
    constants = {c.name: numpy_helper.to_array(c) for c in graph.initializer}
    nodes, floats, first = [], [], True
    for node in graph.node:
        source = node.input[0]
        if node.op_type == "DequantizeLinear" and source in constants:
            axis = next((x.i for x in node.attribute if x.name == "axis"), 1)
            q, scale = constants[source].astype(np.float32), constants[node.input[1]]
            shape = [-1 if k == axis else 1 for k in range(q.ndim)] if scale.ndim else []
            floats.append(numpy_helper.from_array((q * scale.reshape(shape)).astype(np.float32), node.output[0]))
        elif node.op_type == "DequantizeLinear" and first:
            first = False
            nodes.append(node)
        elif node.op_type == "QuantizeLinear" and constants[node.input[2]] == 0:
            ends = [f"{node.output[0]}.{end}" for end in ("low", "high")]
            for name, value in zip(ends, (0.0, 255.0 * float(constants[node.input[1]]))):
                floats.append(numpy_helper.from_array(np.array(value, np.float32), name))
            nodes.append(helper.make_node("Clip", [source, *ends], node.output, node.name))
        elif node.op_type in ("DequantizeLinear", "QuantizeLinear"):
            nodes.append(helper.make_node("Identity", [source], node.output, node.name))
        else:
            nodes.append(node)
    used = {name for node in nodes for name in node.input}
    floats += [c for c in graph.initializer if c.name in used]
    new = helper.make_graph(nodes, graph.name, graph.input, graph.output, floats)
    return helper.make_model(new, opset_imports=model.opset_import, ir_version=model.ir_version)


def plain(folder: Path) -> Path:
    """A model of 3x3 convolutions with 16, 32, 64, 128 and 192 channels and 1000 classes, random but for its ranges."""
    import torch

    from pilah_train import nets, quantize

    torch.manual_seed(0)
    layers, inputs = [], 3
    for channels, times in ((16, 1), (32, 1), (64, 2), (128, 2), (192, 1)):
        for at in range(times):
            layers.append(nets.unit(inputs, channels, 3, 2 if at == 0 else 1))
            inputs = channels
    i, classes = Input(224, 224), 1000
    net = nets.Net(layers, inputs, classes, 0.0).eval()
    steps = quantize.steps_of(net, i)
    quantize.calibrate(steps, [(torch.randint(0, 256, (2, 3, 224, 224)) - i.zero_point) * i.scale for _ in range(4)], i)
    onnx.save(quantize.write(steps, i, [1, classes], "plain"), str(folder / "model.onnx"))
    names = [{"id": f"c{k}", "en": "-", "id_ID": "-", "threshold": 0.5} for k in range(classes)]
    model = {"schema": 1, "name": "plain", "version": "1", "task": "classify", "file": "model.onnx", "licence": "-"}
    model |= {"sha256": modelfile.sha256(folder / "model.onnx"), "input": vars(i), "class": names}
    modelfile.write(folder, model | {"output": {"temperature": 1.0, "unknown": 0.5}})
    return folder


if __name__ == "__main__":
    sys.exit(main())
