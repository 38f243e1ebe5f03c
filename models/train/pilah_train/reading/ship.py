"""What both exports share: the best checkpoint as an int8 graph in a model folder, and that file run as the daemon would."""

from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn

from .. import modelfile, quantize
from ..recipe import Fault, Input

LICENCE = "MIT OR Apache-2.0"


def load(net: nn.Module, checkpoint: Path) -> tuple[nn.Module, int]:
    """The averaged weights of a checkpoint, and how many strips were drawn for them; 0 where it does not say."""
    if not checkpoint.exists():
        raise Fault(f"{checkpoint} does not exist; train first")
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    net.load_state_dict(state["average"])
    return net.eval(), state.get("drawn", 0)


def quantized(net: nn.Module, i: Input, batches: list[torch.Tensor], folder: Path, shape: list, name: str, output: str, width="",
              limits: tuple[float, float] = (-np.inf, np.inf)) -> Path:  # fmt: skip
    """Calibrates on normalized pictures and writes `model.onnx.part`, to be measured and then named by `modelfile.write`; the
    output is clipped to `limits`, so that its 256 levels lie where something is decided."""
    steps = quantize.steps_of(net, i)
    steps[-1].low, steps[-1].high = limits
    quantize.calibrate(steps, batches, i)
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / "model.onnx.part"
    onnx.save(quantize.write(steps, i, shape, name, output, width), str(part))
    print(f"{part}: {part.stat().st_size / 1e3:.0f} kB")
    return part


class Shipped(modelfile.Reference):
    """A reading net's int8 file on one thread."""

    def __init__(self, path: Path, output: str, fast: bool = False):
        super().__init__(path, 1, output, fast)

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        """u8 [H, W] to the output without its first dimension."""
        return self.logits(picture[:, :, None])


def described(path: Path, name: str, version: str, task: str, i: Input, extra: dict, data: list[dict], metrics: dict) -> dict:
    """`model.toml` for the net `path`, without its golden pictures."""
    return {
        "schema": 1,
        "name": name,
        "version": version,
        "task": task,
        "file": "model.onnx",
        "sha256": modelfile.sha256(path),
        "licence": LICENCE,
        "input": {
            "width": i.width, "height": i.height, "channels": 1, "colour": "grey", "scale": i.scale,
            "zero_point": i.zero_point, "fit": i.fit, "fill": i.fill, "filter": i.filter, "invert": "never",
        },
        task: extra,
        "data": data,
        "metrics": metrics,
    }  # fmt: skip
