"""Generated photographs in a folder (as `python -m pilah_train.labels` writes it) as scenes: grey pixels, each line's band."""

import json
import re
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from ..labels import fonts
from ..recipe import Fault
from .charset import clean
from .targets import Scene, levelled

PROBE = 80
USUAL_FONT = "Liberation Sans"


@lru_cache(maxsize=100)
def _font(family: str):
    found = {f.name: f for f in fonts.families()}
    return (found.get(family) or found[USUAL_FONT]).at(PROBE)


def band_of(quad: np.ndarray, text: str, family: str) -> np.ndarray:
    """From the box around a line's ink to the band between baseline and cap top: where they are follows from its letters."""
    font = _font(family)
    _, top, _, bottom = font.getbbox(text, anchor="ls")
    cap = -font.getbbox("H", anchor="ls")[1]
    high = max(1, bottom - top)
    a, b = (-cap - top) / high, -top / high
    tl, tr, br, bl = quad
    return np.array([tl + (bl - tl) * a, tr + (br - tr) * a, tr + (br - tr) * b, tl + (bl - tl) * b])


class Pool:
    """The photographs that are there; those whose number is a multiple of `EVERY` are its validation.

    A folder may hold a folder `kept-out` of photographs of layouts kept out of training: then those are the validation. It is
    looked for once: if it appeared later, what is in validation would come into training.
    """

    EVERY, FEWEST = 40, 20

    def __init__(self, folder: Path, part: str):
        apart = Path(folder) / "kept-out"
        self.part, self.apart = part, apart.exists()
        self.folder = apart if self.apart and part == "validation" else Path(folder)
        self.rows, self.read = [], 0
        self.refresh()
        if len(self.rows) < self.FEWEST:
            raise Fault(
                f"{self.folder} has {len(self.rows)} photographs for {part}, {self.FEWEST} are needed; let pilah_train.labels "
                f"make more (one in {self.EVERY} is for validation where there is no folder kept-out), then start again"
            )

    def __len__(self) -> int:
        return len(self.rows)

    def _wanted(self, n: int) -> bool:
        return self.apart or (n % self.EVERY == 0) == (self.part == "validation")

    def refresh(self) -> None:
        """Reads what was written since the last look."""
        table = self.folder / "lines.jsonl"
        if not table.exists():
            return
        with table.open(encoding="utf-8") as f:
            f.seek(self.read)
            while (line := f.readline()).endswith("\n"):
                self.read = f.tell()
                row = json.loads(line)
                if self._wanted(int(re.sub(r"\D", "", row["file"]))):
                    self.rows.append(row)
        truth = self.folder / "truth.csv"
        names = re.findall(r"^([^,\n]+),.*?font=([^;,\n]+)", truth.read_text(encoding="utf-8"), re.M) if truth.exists() else []
        self.font = dict(names)

    def scene(self, n: int) -> Scene:
        """At full resolution."""
        return self._scene(n, 1)

    @lru_cache(maxsize=4000)  # noqa: B019  a pool lives as long as its process
    def half(self, n: int) -> Scene:
        """Halved and levelled: for training, without what `targets.halved` fills up."""
        return self._scene(n, 2)

    def _scene(self, n: int, shrink: int) -> Scene:
        row = self.rows[n]
        with Image.open(self.folder / row["file"]) as image:
            grey = image.convert("L")
        h, w = row["size"][1], row["size"][0]
        grey = levelled(np.asarray(grey.crop((0, 0, w // 2 * 2, h // 2 * 2)).reduce(2))) if shrink == 2 else np.asarray(grey)
        family = self.font.get(row["file"], USUAL_FONT)
        scene = Scene(grey)
        for line in row["lines"]:
            quad = np.array(line["quad"], float)
            band, text = band_of(quad, line["text"], family) / shrink, clean(line["text"])
            cut = quad.min() < 1 or quad[:, 0].max() > w - 2 or quad[:, 1].max() > h - 2
            if line["visible"] or cut:
                scene.bands.append(band)
                scene.texts.append(text if line["visible"] else "")
            else:
                scene.unsure.append(band)
        scene.papers = [np.array(p["quad"], float) / shrink for p in row["labels"]]
        scene.codes = [np.array(c["quad"], float) / shrink for c in row["codes"] if c["visible"]]
        return scene
