"""The two nets: dense convolutions, batch norm, ReLU, Add and nearest doubling only, so that they quantize and run anywhere."""

import torch
from torch import nn

from ..nets import Add, Conv, Double, Residual, unit
from .charset import CLASSES, STEPS_PER_COLUMN

MAP = ["text00", "text01", "text10", "text11", "paper", "code", "cos", "sin", "height"]
LATE = 9  # the first of the recognizer's blocks that begin as nothing
HELPERS = 2  # cosine and sine of twice the angle: learnt with the map, since an axis is easier than a direction, and not shipped


def conv(i: int, o: int, k, stride=1, act: bool = True) -> nn.Sequential:
    parts = [Conv(i, o, k, stride, bias=False), nn.BatchNorm2d(o)]
    return nn.Sequential(*parts, nn.ReLU()) if act else nn.Sequential(*parts)


def residual(c: int, k=3) -> Residual:
    return Residual(conv(c, c, k, act=False), act=nn.ReLU())


class Recognizer(nn.Module):
    """[n, 1, 32, W] to [n, 2 * classes, 1, W/4]: two CTC steps a column."""

    def __init__(self):
        super().__init__()
        self.blocks = nn.Sequential(
            unit(1, 24, 3, 2),
            conv(24, 48, 3, 2),
            residual(48),
            conv(48, 64, 3, (2, 1)),
            residual(64),
            conv(64, 128, (4, 3), (4, 1)),
            residual(128, (1, 5)),
            residual(128, (1, 5)),
            residual(128, (1, 7)),
            residual(128, (1, 5)),
            residual(128, (1, 7)),
            residual(128, (1, 7)),
        )
        # the last blocks begin as nothing, so that the weights of a net without them can be gone on from
        for late in self.blocks[LATE:]:
            nn.init.zeros_(late.body[1].weight)
        self.head = Conv(128, STEPS_PER_COLUMN * CLASSES, 1)

    def forward(self, x):
        return self.head(self.blocks(x))


class Finder(nn.Module):
    """[n, 1, H, W] to [n, 9 and the helpers, H/4, W/4], H and W multiples of 32."""

    def __init__(self):
        super().__init__()
        self.stem, self.down4 = unit(1, 16, 3, 2), conv(16, 24, 3, 2)
        self.down8 = nn.Sequential(conv(24, 40, 3, 2), residual(40))
        self.down16 = nn.Sequential(conv(40, 80, 3, 2), residual(80))
        self.down32 = nn.Sequential(conv(80, 96, 3, 2), residual(96))
        self.side32, self.side16, self.side8 = conv(96, 80, 1, act=False), conv(80, 40, 1, act=False), conv(40, 24, 1, act=False)
        self.up32, self.up16, self.up8 = Double(), Double(), Double()
        self.add16, self.add8, self.add4 = Add(), Add(), Add()
        self.act16, self.act8, self.act4 = nn.ReLU(), nn.ReLU(), nn.ReLU()
        self.last, self.head = conv(24, 24, 3), Conv(24, len(MAP) + HELPERS, 1)

    def forward(self, x):
        x4 = self.down4(self.stem(x))
        x8 = self.down8(x4)
        x16 = self.down16(x8)
        x = self.side32(self.down32(x16))
        x = self.side16(self.act16(self.add16(self.up32(x), x16)))
        x = self.side8(self.act8(self.add8(self.up16(x), x8)))
        return self.head(self.last(self.act4(self.add4(self.up8(x), x4))))

    def shipped(self) -> "Finder":
        """This net without the helpers."""
        self.head.weight.data = self.head.weight.data[: len(MAP)].clone()
        self.head.bias.data = self.head.bias.data[: len(MAP)].clone()
        self.head.out_channels = len(MAP)
        return self


def multiply_adds(net: nn.Module, height: int, width: int) -> int:
    total, hooks = 0, []

    def count(m, _, out):
        nonlocal total
        total += m.weight.numel() * out.shape[2] * out.shape[3]

    for m in net.modules():
        if isinstance(m, nn.Conv2d):
            hooks.append(m.register_forward_hook(count))
    with torch.inference_mode():
        net.eval()(torch.zeros(1, 1, height, width))
    for h in hooks:
        h.remove()
    return total
