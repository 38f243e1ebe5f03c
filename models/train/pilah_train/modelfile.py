"""The model folder's `model.toml`, written and read, and the int8 net under the reference engine."""

import hashlib
import re
import tomllib
from pathlib import Path

import numpy as np
import onnxruntime
from tqdm import tqdm

from .recipe import Fault, replace_file


def read(folder: Path) -> dict:
    path = Path(folder) / "model.toml"
    try:
        return tomllib.loads(path.read_text())
    except (OSError, ValueError) as e:
        raise Fault(f"reading the model {path}: {e}") from e


def write(folder: Path, model: dict, net: Path | None = None) -> None:
    """Scalars first, then tables, then arrays of tables: the order in which TOML wants them. `net` is the model.onnx.part that
    `model` describes: both get their names at once, since the daemon refuses a folder where one of the two is an older one."""
    lines = [f"{_key(k)} = {_value(v)}" for k, v in model.items() if not isinstance(v, (dict, list))]
    for key, table in model.items():
        rows = [table] if isinstance(table, dict) else table if isinstance(table, list) else []
        for row in rows:
            lines += ["", f"[[{key}]]" if isinstance(table, list) else f"[{key}]"]
            lines += [f"{_key(k)} = {_value(v)}" for k, v in row.items()]
    replace_file(Path(folder) / "model.toml", "\n".join(lines) + "\n", net)


def _key(name: str) -> str:
    """Classes and folders may be called anything."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _value(name)


def _value(v) -> str:
    if isinstance(v, bool):
        return str(v).lower()
    if isinstance(v, (int, np.integer)):
        return str(int(v))
    if isinstance(v, (float, np.floating)):
        text = repr(float(v))
        return text if any(c in text for c in ".en") else text + ".0"
    if isinstance(v, (list, tuple)):
        return "[" + ", ".join(_value(x) for x in v) + "]"
    escaped = str(v).replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in escaped) + '"'


def limits(model: dict) -> np.ndarray:
    """The probability from which each class gets its lane: its threshold, and never less than `unknown`, as in the daemon."""
    return np.maximum([c["threshold"] for c in model["class"]], model["output"]["unknown"])


def sha256(path: Path) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


class Reference:
    """onnxruntime, one picture at a time: without graph optimization what every other engine is measured against, with it
    (`fast`) the same much sooner."""

    def __init__(self, path: Path, threads: int = 2, output: str = "logits", fast: bool = False):
        self.output = output
        options = onnxruntime.SessionOptions()
        if not fast:
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.intra_op_num_threads = threads
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # the cores are often shared
        try:
            self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as e:  # onnxruntime has no error of its own for a file that is none
            raise Fault(f"loading the net {path}: {e}") from e

    def logits(self, tensor: np.ndarray) -> np.ndarray:
        return self.session.run([self.output], {"image": tensor[None]})[0][0]

    def logits_of(self, tensors, what: str = "int8") -> np.ndarray:
        return np.stack([self.logits(np.asarray(t)) for t in tqdm(tensors, desc=what, unit="pic", mininterval=5)])


def softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    x = np.exp((logits - logits.max(-1, keepdims=True)) / temperature)
    return x / x.sum(-1, keepdims=True)
