"""Draws handwritten-looking digits from stroke skeletons: the demo's items and the golden pictures, free of anyone's rights."""

import argparse
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from .recipe import said

# One list a way of writing it; a stroke is a row of points, x to the right and y down in a box of 100 by 140. Strokes are
# drawn as smooth curves; a point that is there twice makes a corner.
O = [(50, 2), (12, 30), (8, 88), (38, 138), (76, 122), (94, 68), (80, 18), (48, 3)]
SKELETONS: dict[str, list[list[list[tuple[int, int]]]]] = {
    "0": [[O], [[(56, 4), (22, 14), (6, 66), (24, 128), (58, 136), (90, 96), (88, 36), (54, 4)]]],
    "1": [[[(52, 2), (50, 60), (48, 138)]], [[(26, 34), (54, 4), (54, 4), (52, 70), (50, 138)]]],
    "2": [
        [[(12, 36), (26, 8), (62, 2), (84, 30), (70, 68), (34, 108), (8, 134), (8, 134), (52, 134), (94, 132)]],
        [[(14, 30), (44, 2), (80, 20), (72, 62), (36, 112), (18, 134), (16, 112), (44, 118), (70, 136), (96, 126)]],
    ],
    "3": [
        [[(14, 18), (46, 2), (80, 18), (72, 52), (40, 66), (40, 66), (78, 78), (88, 110), (52, 138), (10, 122)]],
        [[(12, 6), (48, 4), (84, 6), (84, 6), (44, 56), (44, 56), (84, 76), (84, 116), (46, 138), (10, 120)]],
    ],
    "4": [
        [[(30, 4), (20, 46), (10, 84), (10, 84), (50, 84), (92, 82)], [(70, 40), (68, 90), (64, 138)]],
        [[(66, 138), (68, 70), (70, 4), (70, 4), (36, 52), (6, 96), (6, 96), (50, 96), (96, 94)]],
    ],
    "5": [
        [[(84, 6), (50, 6), (22, 8), (22, 8), (18, 36), (16, 62), (16, 62), (46, 50), (82, 70), (82, 112), (46, 138), (8, 122)]],
        [
            [(24, 8), (20, 36), (16, 64), (16, 64), (52, 50), (86, 80), (74, 124), (36, 138), (8, 122)],
            [(24, 8), (54, 8), (88, 4)],
        ],
    ],
    "6": [
        [[(72, 4), (38, 26), (14, 74), (16, 118), (46, 138), (78, 120), (76, 84), (46, 70), (18, 94)]],
        [[(60, 2), (30, 40), (12, 92), (28, 132), (64, 136), (84, 104), (62, 74), (30, 82), (14, 102)]],
    ],
    "7": [
        [[(8, 8), (48, 8), (90, 6), (90, 6), (66, 60), (42, 138)]],
        [[(8, 12), (48, 8), (88, 6), (88, 6), (64, 64), (46, 138)], [(34, 70), (58, 68), (84, 66)]],
    ],
    "8": [
        [[(80, 22), (48, 2), (18, 26), (40, 60), (78, 92), (76, 128), (42, 138), (14, 112), (34, 76), (72, 46), (80, 20)]],
        [[(50, 64), (20, 40), (36, 6), (70, 8), (78, 38), (50, 64), (16, 92), (28, 132), (68, 136), (86, 100), (50, 64)]],
    ],
    "9": [
        [[(80, 30), (50, 4), (18, 22), (18, 54), (46, 68), (76, 44), (80, 26), (80, 26), (76, 80), (66, 138)]],
        [[(82, 24), (52, 2), (20, 20), (20, 54), (50, 66), (82, 30), (82, 30), (80, 90), (60, 130), (26, 134)]],
    ],
}


def smooth(points: np.ndarray, steps: int = 12) -> np.ndarray:
    """Catmull-Rom through the points, broken where one is repeated."""
    breaks = [0] + [n for n in range(1, len(points)) if (points[n] == points[n - 1]).all()] + [len(points)]
    curve = []
    for a, b in zip(breaks, breaks[1:]):
        p = points[a:b]
        p = np.concatenate([[2 * p[0] - p[1]], p, [2 * p[-1] - p[-2]]]) if len(p) > 1 else np.repeat(p, 3, 0)
        for n in range(len(p) - 3):
            t = np.linspace(0, 1, steps)[:, None]
            q = p[n : n + 4]
            curve.append(
                0.5
                * (
                    2 * q[1]
                    + (q[2] - q[0]) * t
                    + (2 * q[0] - 5 * q[1] + 4 * q[2] - q[3]) * t**2
                    + (3 * q[1] - q[0] - 3 * q[2] + q[3]) * t**3
                )
            )
    return np.concatenate(curve)


def draw(digit: str, rng: np.random.Generator, size: int = 64) -> Image.Image:
    """Dark ink on a light card, as a camera over a desk sees it."""
    fine, ways = size * 6, SKELETONS[digit]
    strokes = [np.array(s, float) for s in ways[rng.integers(len(ways))]]
    wobble = {}  # the same point moves the same way, so that corners stay corners

    def moved(p):
        return p + wobble.setdefault(tuple(p), rng.normal(0, 2.6, 2))

    strokes = [np.array([moved(p) for p in s]) - (50, 70) for s in strokes]
    a, slant = np.deg2rad(rng.normal(0, 4)), rng.normal(-0.12, 0.12)
    height = size * rng.uniform(0.56, 0.7)
    wide = rng.uniform(0.8, 1.1)
    m = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]) @ np.array([[wide, slant], [0, 1]]) * height / 140 * 6
    at = np.array([fine / 2, fine / 2]) + rng.uniform(-0.04, 0.04, 2) * fine
    pen = height * rng.uniform(0.075, 0.13) * 6
    ink = Image.new("L", (fine, fine))
    canvas = ImageDraw.Draw(ink)
    for s in strokes:
        curve = smooth(s) @ m.T + at
        width = pen * (1 + 0.12 * np.sin(np.linspace(0, rng.uniform(2, 6), len(curve)) + rng.uniform(0, 6)))
        for (x, y), r in zip(_dense(curve), np.repeat(width / 2, 4)):
            canvas.ellipse([x - r, y - r, x + r, y + r], fill=255)
    cover = ink.filter(ImageFilter.GaussianBlur(fine / 160)).resize((size, size), Image.Resampling.BOX)
    cover = np.asarray(cover, np.float32) / 255
    card, dark = rng.uniform(205, 245), rng.uniform(15, 75)
    lamp = np.linspace(0, rng.uniform(-18, 6), size)[None, :] if rng.random() < 0.6 else 0.0
    x = (card + lamp) * (1 - cover) + dark * cover
    return Image.fromarray((np.clip(np.round(x / 8) * 8, 0, 255)).astype(np.uint8))  # few levels: small files


def _dense(curve: np.ndarray) -> np.ndarray:
    """Four points for one, so that the pen leaves no beads."""
    at = np.arange(len(curve))
    between = np.linspace(0, len(curve) - 1, len(curve) * 4)
    return np.stack([np.interp(between, at, curve[:, 0]), np.interp(between, at, curve[:, 1])], 1)


def golden(folder: Path) -> None:
    """Five pictures that between them take every turn of the preprocessing: sizes, bars, light on dark, colour."""
    folder.mkdir(parents=True, exist_ok=True)

    def one(digit: str, size: int) -> Image.Image:
        return draw(digit, np.random.default_rng((77, int(digit))), size)

    one("3", 64).save(folder / "three.png", optimize=True)
    Image.fromarray(255 - np.asarray(one("7", 28))).save(folder / "seven-light-on-dark.png", optimize=True)
    one("5", 96).crop((16, 0, 80, 96)).save(folder / "five-tall.png", optimize=True)
    tinted = np.stack([np.asarray(one("2", 80), np.float32) * k for k in (0.75, 0.9, 1.0)], 2)
    Image.fromarray(tinted.astype(np.uint8)).save(folder / "two-colour.jpg", quality=90)
    wide = Image.new("L", (120, 72), 224)
    wide.paste(one("8", 72).point(lambda v: min(224, v)), (24, 0))
    wide.save(folder / "eight-wide.png", optimize=True)


@said
def main() -> None:
    p = argparse.ArgumentParser(prog="pilah_train.draw_digits", description=__doc__)
    p.add_argument("folder", type=Path, help="gets <digit>/<digit>-<n>.png")
    p.add_argument("--each", type=int, default=6)
    p.add_argument("--size", type=int, default=64)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--golden", action="store_true", help="draw the golden pictures into the folder instead")
    a = p.parse_args()
    if a.golden:
        golden(a.folder)
        return
    for digit in SKELETONS:
        (a.folder / digit).mkdir(parents=True, exist_ok=True)
        for n in range(a.each):
            picture = draw(digit, np.random.default_rng((a.seed, int(digit), n)), a.size)
            picture.save(a.folder / digit / f"{digit}-{n}.png", optimize=True)


if __name__ == "__main__":
    sys.exit(main())
