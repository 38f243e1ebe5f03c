"""Writes the recognizer's model folder from a checkpoint, and measures float against int8 on typefaces kept out of training.

    python -m pilah_train.reading.export_text --out runs/label-text --model ../label-text
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from .. import modelfile
from ..recipe import Input
from . import charset, measure, ship, strip, train_text
from .nets import Recognizer

INPUT = Input(
    width=384, height=strip.HEIGHT, channels=1, colour="grey", scale=train_text.SCALE, zero_point=train_text.ZERO, fill=strip.LIGHT
)
TABLE = {
    "charset": charset.CHARSET,
    "blank": charset.BLANK,
    "column_stride": 4,
    "steps_per_column": charset.STEPS_PER_COLUMN,
    "cap_top": strip.CAP_TOP,
    "baseline": strip.BASELINE,
    "dark": strip.DARK,
    "light": strip.LIGHT,
    "low_percentile": strip.LOW_PERCENTILE,
    "high_percentile": strip.HIGH_PERCENTILE,
    "least_contrast": strip.LEAST_CONTRAST,
}
CALIBRATION_SEED = 2_000_000


def int8_logits(path: Path, fast: bool = False):
    """For `measure.read_all`: one strip at a time, as the daemon does."""
    run = ship.Shipped(path, "logits", fast)
    return lambda batch: np.stack([run(x[..., 0])[0] for x in batch])


def calibration(source, count: int) -> list[torch.Tensor]:
    strips = [source(np.random.default_rng((CALIBRATION_SEED, n)), False)[0] for n in range(count)]
    return [train_text.normalized(pixels) for _, pixels in measure.in_batches(strips, 6000)]


def export(checkpoint: Path, folder: Path, addresses: Path | None, version: str, count: int) -> None:
    net = ship.load(Recognizer(), checkpoint)
    known = train_text.kept_out(addresses, count)
    strips, texts = [s for s, _ in known], [t for _, t in known]
    path = ship.quantized(
        net, INPUT, calibration(train_text.drawn_lines(addresses), 256), folder,
        [1, 1, "columns", charset.STEPS_PER_COLUMN * charset.CLASSES], "label-text", "logits", "width",
    )  # fmt: skip
    exact = measure.read_all(lambda b: train_text.float_logits(net, b), strips)
    read = measure.read_all(int8_logits(path), strips)
    a, b = measure.errors(list(zip(exact, texts))), measure.errors(list(zip(read, texts)))
    same = float(np.mean([x == y for x, y in zip(exact, read)]))
    metrics = {
        "kept_out_strips": float(count), "cer_float": a["cer"], "cer_int8": b["cer"], "exact_float": a["exact"], "exact_int8": b["exact"],
        "int8_float_agreement": same,
    }  # fmt: skip
    print(metrics)
    data = [{"name": "lines drawn by pilah_train in free typefaces, addresses from public tables", "licence": "names ODbL", "pictures": 0}]
    described = ship.described(folder, "label-text", version, "text", INPUT, TABLE, data, {k: round(v, 5) for k, v in metrics.items()})
    described["golden"] = golden(folder, path, strips, texts, exact)
    modelfile.write(folder, described)


def golden(folder: Path, path: Path, strips, texts, exact, count: int = 6) -> list[dict]:
    """Strips that float and int8 read right, as pictures with their text."""
    target, rows = folder / "golden", []
    target.mkdir(parents=True, exist_ok=True)
    for old in target.glob("*.png"):
        old.unlink()
    run = int8_logits(path)
    for s, t, e in zip(strips, texts, exact):
        if len(rows) < count and e == t and 8 <= len(t) <= 40 and measure.read_all(run, [s]) == [t]:
            name = f"golden/line-{len(rows) + 1}.png"
            Image.fromarray(s).save(folder / name, optimize=True)
            rows.append({"file": name, "text": t})
    return rows


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--addresses", type=Path, help="the table of villages (csv, gzipped or not); else $PILAH_ADDRESSES")
    p.add_argument("--out", type=Path, required=True, help="the training's folder, with best.pt")
    p.add_argument("--model", type=Path, required=True, help="the model folder to write")
    p.add_argument("--version", default="0.1.0")
    p.add_argument("--strips", type=int, default=1000, help="how many strips to measure on")
    a = p.parse_args()
    torch.set_num_threads(1)
    export(a.out / "best.pt", a.model, a.addresses, a.version, a.strips)


if __name__ == "__main__":
    main()
