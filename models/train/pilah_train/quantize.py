"""A trained net as steps with folded batch norms, their int8 ranges from real pictures, and the QDQ graph of them.

Activations are u8 asymmetric, weights s8 symmetric per output channel, biases int32. ReLU and ReLU6 are no nodes: the range
of their output starts at 0 and ends at 6 or below, and quantizing clips there. Ranges minimize the squared error on the
calibration pictures, and each bias is corrected by the mean error that its channel's rounding makes.

Every scale is a small whole number times a power of two, so that floats hold what the integers say: dequantized values,
their products and (but for the largest) their sums are exact in f32, an output is its sum times such a short number, and a
tie is a tie for every engine. One that works in floats and one that works in integers then give the same logits to the bit.
Zero points are even, since engines differ in whether they add them before rounding half to even or after. What stands between
convolutions without a ReLU may be had in any unit, so it is scaled to where such ranges fit best.
"""

from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import fx, nn
from torch.nn import functional as F

from . import nets
from .recipe import Fault, Input


@dataclass
class Step:
    """One operation; `low` and `high` are what a folded ReLU clips to, `scale` and `zero` how its output is quantized."""

    kind: str  # conv | add | double | pool | flatten | gemm
    name: str
    inputs: list[str]
    weight: torch.Tensor | None = None
    bias: torch.Tensor | None = None
    stride: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)  # left, right, top, bottom
    groups: int = 1
    low: float = -np.inf
    high: float = np.inf
    scale: float = 0.0
    zero: int = 0
    weight_scale: torch.Tensor | None = field(default=None)

    def run(self, values: dict[str, torch.Tensor], weight: torch.Tensor | None = None) -> torch.Tensor:
        """The output before clipping."""
        x = values[self.inputs[0]]
        weight = self.weight if weight is None else weight
        if self.kind == "conv":
            return F.conv2d(F.pad(x, self.pads), weight, self.bias, self.stride, 0, 1, self.groups)
        if self.kind == "gemm":
            return F.linear(x, weight, self.bias)
        if self.kind == "add":
            return x + values[self.inputs[1]]
        if self.kind == "double":
            return F.interpolate(x, scale_factor=2.0, mode="nearest")
        return x.mean((2, 3), keepdim=True) if self.kind == "pool" else x.flatten(1)


class _Tracer(fx.Tracer):
    def is_leaf_module(self, m, name):
        return isinstance(m, (nets.Conv, nets.Add, nets.Double)) or super().is_leaf_module(m, name)


def steps_of(net: nets.Net, i: Input) -> list[Step]:
    """The net in eval mode, batch norms folded into the convolutions and ReLUs into ranges; the input is called `image`."""
    net = net.eval()
    graph, steps, alias = _Tracer().trace(net), [], {}
    for node in graph.nodes:
        if node.op == "placeholder":
            alias[node.name] = "image"
            continue
        if node.op == "output":
            continue
        if node.op != "call_module":
            raise Fault(f"the net has `{node.target}` outside of a module; quantize.py cannot write it")
        m, inputs = net.get_submodule(node.target), [alias[a.name] for a in node.args]
        last = steps[-1] if steps and steps[-1].name == inputs[0] else None
        if isinstance(m, (nn.Identity, nn.Dropout)):
            alias[node.name] = inputs[0]
        elif isinstance(m, nn.BatchNorm2d) and last and last.kind == "conv":
            gain = (m.weight / torch.sqrt(m.running_var + m.eps)).detach()
            last.weight = last.weight * gain[:, None, None, None]
            last.bias = (last.bias - m.running_mean) * gain + m.bias.detach()
            alias[node.name] = last.name
        elif isinstance(m, (nn.ReLU, nn.ReLU6)) and last:
            last.low, last.high = 0.0, 6.0 if isinstance(m, nn.ReLU6) else np.inf
            alias[node.name] = last.name
        else:
            steps.append(_step(m, node.target, inputs))
            alias[node.name] = steps[-1].name
    _place_pads(net, steps, i)
    return steps


def _step(m: nn.Module, name: str, inputs: list[str]) -> Step:
    if isinstance(m, nets.Conv):
        bias = torch.zeros(m.out_channels) if m.bias is None else m.bias.detach().clone()
        return Step("conv", name, inputs, m.weight.detach().clone(), bias, m.stride, groups=m.groups)
    if isinstance(m, nn.Linear):
        return Step("gemm", name, inputs, m.weight.detach().clone(), m.bias.detach().clone())
    for kind, step in ((nets.Add, "add"), (nets.Double, "double"), (nn.AdaptiveAvgPool2d, "pool"), (nn.Flatten, "flatten")):
        if isinstance(m, kind):
            return Step(step, name, inputs)
    raise Fault(f"quantize.py cannot write a {type(m).__name__} ({name})")


def _place_pads(net, steps: list[Step], i: Input) -> None:
    """SAME padding depends on the size that arrives, so one empty picture is run through."""
    values = {"image": torch.zeros(1, i.channels, i.height, i.width)}
    for s in steps:
        if s.kind == "conv":
            s.pads = net.get_submodule(s.name).pads(*values[s.inputs[0]].shape[2:])
        values[s.name] = s.run(values)


@torch.inference_mode()
def calibrate(steps: list[Step], batches: list[torch.Tensor], i: Input) -> None:
    """Sets every range and weight scale from normalized NCHW pictures, then corrects the biases."""
    samples: dict[str, list] = {s.name: [] for s in steps}
    means: dict[str, list] = {s.name: [] for s in steps}
    pick = torch.Generator().manual_seed(0)
    for x in batches:
        values = {"image": x}
        for s in steps:
            raw = s.run(values)
            if s.kind in ("conv", "gemm"):
                means[s.name].append(raw.transpose(0, 1).flatten(1).mean(1))
            values[s.name] = raw.clamp(s.low, s.high)
            flat = values[s.name].flatten()
            some = flat[torch.randint(len(flat), (4096,), generator=pick)]
            samples[s.name].append(torch.cat([some, flat.min()[None], flat.max()[None]]))
    quantized, samples = {"image": (i.scale, i.zero_point)}, {name: torch.cat(some) for name, some in samples.items()}
    for unit, members in _units(steps, samples):
        for s in steps:
            if s.inputs[0] in members and s.weight is not None:
                s.weight = s.weight / unit
            if s.name in members:
                samples[s.name] *= unit
                if s.weight is not None:
                    s.weight, s.bias = s.weight * unit, s.bias * unit
                    means[s.name] = [m * unit for m in means[s.name]]
    for s in steps:
        if s.kind in ("flatten", "double"):
            s.scale, s.zero = quantized[s.inputs[0]]
        else:
            _, s.scale, s.zero = _range(samples[s.name], s)
        quantized[s.name] = (s.scale, s.zero)
        if s.weight is not None:
            s.weight_scale = _weight_scales(s, quantized[s.inputs[0]][0])
    values = [{"image": x} for x in batches]
    for s in steps:
        weight = None
        if s.weight is not None:
            weight = _rounded_weight(s)
            raw = [s.run(v, weight).transpose(0, 1).flatten(1).mean(1) for v in values]
            s.bias = s.bias + torch.stack(means[s.name]).mean(0) - torch.stack(raw).mean(0)
        for v in values:
            v[s.name] = fake(s.run(v, weight), s)
        _forget(values, steps, s)


def _forget(values, steps, done: Step) -> None:
    later = {name for s in steps[steps.index(done) + 1 :] for name in s.inputs}
    for v in values:
        for name in [n for n in v if n not in later]:
            del v[name]


def _units(steps: list[Step], samples: dict[str, torch.Tensor]) -> list[tuple[float, set[str]]]:
    """Factors for sets of outputs: of what is added together and what else goes from convolutions to convolutions alone."""
    sets = [{s.name} for s in steps if s.low < 0 and s.kind in ("conv", "add")]
    for s in steps:
        if s.kind == "add":
            joined = [one for one in sets if one & {s.name, *s.inputs}]
            sets = [one for one in sets if one not in joined] + [set().union(*joined)]
    out, by_name = [], {s.name: s for s in steps}
    for members in sets:
        users = [s for s in steps if members & set(s.inputs) and s.name not in members]
        adds = [s for s in steps if s.name in members and s.kind == "add"]
        if users and all(s.kind == "conv" for s in users) and all(set(s.inputs) <= members for s in adds):
            cost = {
                unit: sum(_range(samples[n] * unit, by_name[n])[0] / unit**2 / samples[n].var().item() for n in members)
                for unit in 2 ** (np.arange(12) / 12)
            }
            out.append((float(min(cost, key=cost.get)), members))
    return out


def _range(x: torch.Tensor, s: Step) -> tuple[float, float, int]:
    """Squared error, scale and zero point of u8, of the least error; the last layers keep all of the range."""
    low, high = min(0.0, x.min().item()), max(0.0, x.max().item(), 1e-6)
    least = (high - low) / 255 * (1.0 if s.kind in ("gemm", "pool") else 0.4)
    best = (np.inf, 1.0, 0)
    # sums are wanted by many and stay simple; of a mean, this lets no tie arise where ReLU6's range is averaged
    numbers = {"add": (4,), "pool": (6,)}.get(s.kind, (4, 6))
    for scale in _short(numbers, least, 2 * (high - low) / 255):
        if scale * 255 <= s.high - s.low:  # no ReLU6 is written: the end of the range clips
            free = 255 - (high - low) / scale  # steps to spare, or to cut off where negative
            for below in {0.0} if low == 0 else np.linspace(min(free, 0.0), max(free, 0.0), 9):
                zero = int(np.clip(2 * round((-low / scale + below) / 2), 0, 254))
                best = min(best, (((_fake(x, scale, zero) - x) ** 2).mean().item(), scale, zero))
    return best


def _short(numbers, low: float, high: float) -> list[float]:
    """All of the numbers times powers of two from `low` to `high`."""
    first, last = int(np.floor(np.log2(low / max(numbers)))), int(np.ceil(np.log2(high / min(numbers))))
    return sorted({n * 2.0**k for k in range(first, last + 1) for n in numbers if low <= n * 2.0**k <= high})


def _weight_scales(s: Step, scale_in: float) -> torch.Tensor:
    """Per output channel, by the least squared error: numbers of four bits, times what makes an output step of one of them."""
    by = Fraction(s.scale) / Fraction(scale_in)
    odd = by.numerator >> ((by.numerator & -by.numerator).bit_length() - 1)
    numbers, scales = [odd * n for n in range(8, 16)], []
    for row, bias in zip(s.weight.flatten(1), s.bias):
        # a dead channel must not make its int32 bias overflow
        least = max(row.abs().max().item() / 127, abs(bias.item()) / (scale_in * 2**28), 1e-9)
        near = _short(numbers, 0.8 * least, 1.3 * least)
        scales.append(min(near, key=lambda scale: (_rounded(row, scale) - row).square().sum().item()))
    return torch.tensor(scales, dtype=torch.float32)


def _fake(x, scale: float, zero: int):
    return (torch.clamp(torch.round(x / scale) + zero, 0, 255) - zero) * scale


def fake(x: torch.Tensor, s: Step) -> torch.Tensor:
    """Quantized and back; clips as the step's ReLU would, since a clipped range begins at its zero point."""
    return _fake(x.clamp(s.low, s.high), s.scale, s.zero)


def _rounded_weight(s: Step) -> torch.Tensor:
    return _rounded(s.weight, s.weight_scale.reshape(-1, *[1] * (s.weight.ndim - 1)))


def _rounded(weight: torch.Tensor, scale) -> torch.Tensor:
    return torch.clamp(torch.round(weight / scale), -127, 127) * scale


def write(
    steps: list[Step], i: Input, shape: list[int | str], name: str, output: str = "logits", width: str | int = 0
) -> onnx.ModelProto:
    """The QDQ graph: u8 NHWC `image` in, f32 `output` out, a map NHWC too. `shape` is the output's (a name: follows the input);
    `width` names the input's where it is free."""
    nodes, constants, quantized = [], [], {"image": (i.scale, i.zero_point)}
    last_float = f"{output}.nchw" if len(shape) == 4 else output

    def constant(label: str, value: np.ndarray) -> str:
        constants.append(numpy_helper.from_array(value, label))
        return label

    def dequantize(label: str, source: str, scale, zero, axis: int | None = None) -> str:
        inputs = [source, constant(f"{label}.scale", np.asarray(scale, np.float32)), constant(f"{label}.zero", zero)]
        nodes.append(helper.make_node("DequantizeLinear", inputs, [label], label, **({} if axis is None else {"axis": axis})))
        return label

    if any(s.kind == "double" for s in steps):
        constant("double.scales", np.array([1, 1, 2, 2], np.float32))
    nodes.append(helper.make_node("Transpose", ["image"], ["image.nchw"], "image.nchw", perm=[0, 3, 1, 2]))
    floats = {"image": dequantize("image.f", "image.nchw", i.scale, np.array(i.zero_point, np.uint8))}
    for s in steps:
        last = s is steps[-1]
        scale, zero = np.array(s.scale, np.float32), np.array(s.zero, np.uint8)
        if s.kind == "flatten":  # of the u8 values: nothing is rounded again
            nodes.append(helper.make_node("Flatten", [f"{s.inputs[0]}.q"], [f"{s.name}.q"], f"{s.name}.q", axis=1))
        else:
            inputs = [floats[n] for n in s.inputs]
            if s.weight is not None:
                w_scale = s.weight_scale.numpy().astype(np.float32)
                b_scale = w_scale * np.float32(quantized[s.inputs[0]][0])
                column = (-1,) + (1,) * (s.weight.ndim - 1)
                w = np.clip(np.round(s.weight.numpy() / w_scale.reshape(column)), -127, 127).astype(np.int8)
                b = np.round(s.bias.numpy().astype(np.float64) / b_scale).astype(np.int32)
                n = len(w_scale)
                inputs.append(dequantize(f"{s.name}.weight", constant(f"{s.name}.weight.q", w), w_scale, np.zeros(n, np.int8), 0))
                inputs.append(dequantize(f"{s.name}.bias", constant(f"{s.name}.bias.q", b), b_scale, np.zeros(n, np.int32), 0))
            nodes.append(_node(s, inputs))
            limits = [constant(f"{s.name}.scale", scale), constant(f"{s.name}.zero", zero)]
            nodes.append(helper.make_node("QuantizeLinear", [f"{s.name}.f", *limits], [f"{s.name}.q"], f"{s.name}.q"))
        quantized[s.name] = (s.scale, s.zero)
        floats[s.name] = dequantize(last_float if last else f"{s.name}.d", f"{s.name}.q", scale, zero)
    if last_float != output:
        nodes.append(helper.make_node("Transpose", [last_float], [output], output, perm=[0, 2, 3, 1]))
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, i.height, width or i.width, i.channels])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], producer_name="pilah_train", ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model


def _node(s: Step, inputs: list[str]) -> onnx.NodeProto:
    out = [f"{s.name}.f"]
    if s.kind == "conv":
        left, right, top, bottom = s.pads
        kernel = list(s.weight.shape[2:])
        return helper.make_node(
            "Conv",
            inputs,
            out,
            s.name,
            kernel_shape=kernel,
            strides=list(s.stride),
            pads=[top, left, bottom, right],
            group=s.groups,
        )
    if s.kind == "double":
        how = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        return helper.make_node("Resize", [*inputs, "", "double.scales"], out, s.name, **how)
    if s.kind == "gemm":
        return helper.make_node("Gemm", inputs, out, s.name, transB=1)
    return helper.make_node({"add": "Add", "pool": "GlobalAveragePool"}[s.kind], inputs, out, s.name)
