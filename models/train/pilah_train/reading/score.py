"""Both shipped nets on photographs with a truth.csv: how often what a label says is among the lines that they read.

    python -m pilah_train.reading.score PHOTOGRAPHS --lines ../label-lines --text ../label-text [--show DIR]

No parsing: the recipient's postal code, its regency and the waybill number count where they stand in some line, blanks aside.
"""

import argparse
import csv
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from tqdm import tqdm

from ..recipe import said
from . import cut, export_text, find, measure, ship, strip, targets


def read(grey: np.ndarray, finder, recognizer) -> list[tuple[find.Found, str]]:
    """The lines of a photograph, with their places in its pixels."""
    h, w = grey.shape
    scale = min(640 / w, 384 / h)
    found, _ = find.lines(finder(targets.halved(targets.Scene(grey)).grey))
    for f in found:
        f.left, f.right, f.cap = f.left / scale, f.right / scale, f.cap / scale
    strips = [strip.stretched(cut.cut(grey, f.left, f.right, f.cap)) for f in found]
    return list(zip(found, measure.read_all(recognizer, strips)))


def squeezed(text: str) -> str:
    return "".join(c for c in text.lower() if c.isalnum())


def printed(row: dict, lines: list[str]) -> dict[str, bool]:
    """What of the truth stands in the lines; only what the label prints is asked for."""
    each, whole = [squeezed(t) for t in lines], squeezed("".join(lines))
    out = {}
    if row.get("awb"):
        out["waybill"] = any(squeezed(row["awb"]) in t for t in each)
    if row.get("has_postal_code_text") == "1":
        out["postal code"] = any(row["recipient_postal_code"] in t for t in each)
    name = row.get("recipient_regency", "").removeprefix("Kabupaten ").removeprefix("Kota ")
    if name:
        out["regency, as the register writes it"] = squeezed(name) in whole
    return out


@said
def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("photographs", type=Path, help="a folder with truth.csv and its pictures")
    p.add_argument("--lines", type=Path, required=True, help="the finder's model folder")
    p.add_argument("--text", type=Path, required=True, help="the recognizer's model folder")
    p.add_argument("--count", type=int, default=10**9)
    p.add_argument("--show", type=Path, help="a folder for pictures with their lines, and what was read")
    a = p.parse_args()
    finder = ship.Shipped(a.lines / "model.onnx", "map", fast=True)
    recognizer = export_text.int8_logits(a.text / "model.onnx", fast=True)
    with (a.photographs / "truth.csv").open(newline="", encoding="utf-8") as f:
        rows = list(csv.DictReader(f))[: a.count]
    counts: dict = defaultdict(lambda: [0, 0])
    for row in tqdm(rows, unit="pic", mininterval=5):
        picture = Image.open(a.photographs / row["file"]).convert("L")
        lines = read(np.asarray(picture), finder, recognizer)
        for what, there in printed(row, [t for _, t in lines]).items():
            for part in {"all", row.get("difficulty") or "all"}:
                counts[what, part][0] += there
                counts[what, part][1] += 1
        if a.show:
            show(a.show, picture, row, lines)
    for (what, part), (right, n) in sorted(counts.items()):
        print(f"{what:36} {part:8} {right} of {n} ({right / n:.1%})")


def show(folder: Path, picture: Image.Image, row: dict, lines) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    image = picture.convert("RGB")
    draw = ImageDraw.Draw(image)
    for f, _ in lines:
        along = (f.right - f.left) / max(np.linalg.norm(f.right - f.left), 1e-6)
        up = np.array([-along[1], along[0]]) * f.cap / 2
        draw.polygon([tuple(q) for q in (f.left - up, f.right - up, f.right + up, f.left + up)], outline=(255, 0, 0))
        draw.line([tuple(f.left - up), tuple(f.left + up)], (0, 160, 0), 3)
    image.save(folder / row["file"])
    (folder / row["file"]).with_suffix(".txt").write_text("\n".join(t for _, t in lines) + "\n")


if __name__ == "__main__":
    sys.exit(main())
