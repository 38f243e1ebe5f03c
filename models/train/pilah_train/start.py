"""A finished model's weights as those that a training starts from, instead of ImageNet's: what it knows is kept, and a few
pictures of another camera or of own things are added to it."""

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from . import modelfile, nets
from .recipe import Fault


def load(net: nets.Net, folder: Path, ids: list[str]) -> bool:
    """Gives `net` the weights of the model in `folder`, from int8 to float; whether its head came along, which it does where
    the classes are `ids`, in their order."""
    try:
        model = modelfile.read(folder)
        graph = onnx.load(str(folder / model["file"])).graph
        theirs = [c["id"] for c in model["class"]]
    except Exception as e:  # onnx has no error of its own for a file that is none
        raise Fault(f"{folder} is no model to start from: {e}") from e
    if any(isinstance(m, torch.nn.BatchNorm2d) for m in net.modules()):
        raise Fault("a training can go on only from nets that have no batch norms left: efficientnet-lite")
    constants = {c.name: numpy_helper.to_array(c) for c in graph.initializer}
    parts = {name: m for name, m in net.named_modules() if isinstance(m, (nets.Conv, torch.nn.Linear))}
    if theirs != ids:
        del parts["head"]
    with torch.no_grad():
        for name, part in parts.items():
            for what, ours in (("weight", part.weight), ("bias", part.bias)):
                key = f"{name}.{what}"
                if f"{key}.q" not in constants or constants[f"{key}.q"].shape != tuple(ours.shape):
                    raise Fault(f"the model in {folder} is another net than the recipe's; set `net` in [train] to its own")
                scale = constants[f"{key}.scale"].reshape(-1, *[1] * (ours.ndim - 1))
                ours.copy_(torch.from_numpy(constants[f"{key}.q"].astype(np.float32) * scale))
    return theirs == ids
