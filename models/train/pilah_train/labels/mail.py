"""Letters: envelopes with five boxes for the postal code, filled in by hand.

The digits are MNIST's, its test half for the kept-out layouts: `load` needs the folder of its four idx files.
"""

import functools
import os
import random
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from ..prepare import idx
from ..recipe import Fault
from . import fonts
from . import vocabulary as v
from .places import Places
from .sheet import Sheet
from .words import Party, party

SIZES = ((220, 110), (230, 110), (162, 114), (229, 162), (175, 120), (152, 90))
PAPERS = [(240, 242, 244), (236, 240, 240), (226, 236, 244), (150, 180, 206), (120, 158, 190), (214, 226, 214), (240, 232, 222)]
INKS = [(40, 34, 32), (110, 50, 30), (140, 60, 40), (90, 30, 30), (30, 30, 34), (60, 40, 150)]


@functools.lru_cache(maxsize=2)
def load(which: str) -> dict[str, np.ndarray]:
    """The pictures of each digit, of training's half or (`kept-out`) of the test's; $PILAH_DIGITS names the folder."""
    folder = os.environ.get("PILAH_DIGITS")
    if not folder:
        raise Fault("which digits? name MNIST's folder with --digits DIR or in the environment variable PILAH_DIGITS")
    half = "t10k" if which == "kept-out" else "train"
    pictures, classes = (idx(Path(folder), f"{half}-{part}") for part in ("images-idx3-ubyte", "labels-idx1-ubyte"))
    return {str(digit): pictures[classes == digit] for digit in range(10)}


def draw(rng: random.Random, places: Places, which: str) -> tuple[Party, Party, Sheet]:
    """An envelope: its recipient, its sender, and its sheet with the five boxes."""
    width, height = rng.choice(SIZES)
    written = rng.random() < 0.55
    family = fonts.hand(rng) if written else fonts.pick(rng, "kept-out" if which == "kept-out" else "train")
    s = Sheet(rng, width, height, family, 10, False)
    s.name = f"mail-{width}x{height}"
    s.paper, s.ink = rng.choice(PAPERS), rng.choice(INKS)
    to, sender = places.draw(rng), places.draw(rng)
    recipient, by = party(rng, places, to), party(rng, places, sender, sender=True)
    for who in (recipient, by):  # the code stands in the boxes; some write it into the address, too
        if rng.random() < 0.7:
            who.pieces = [piece for piece in who.pieces if piece[0] != "postal"]
    size, m = rng.uniform(7.5, 10.5), rng.uniform(6, 12)
    gap = rng.choice([0, 0, 1, 1.5, 2.5])
    x, y = width - m - 5 * size - 4 * gap, height - m - size
    if rng.random() < 0.12:  # under the address instead of in the corner
        x -= rng.uniform(5, 30)
    _boxes(s, rng, x, y, size, gap, to.postal_code, load(which))
    if rng.random() < 0.35:
        s.text(x, y - 3.6, rng.choice(["Kode Pos", "KODE POS", "Kode Pos:"]), 2.8, role="other")
    _address(s, rng, recipient, by, y)
    _stamp(s, rng)
    return recipient, by, s


def _boxes(s: Sheet, rng: random.Random, x, y, size, gap, code, digits) -> None:
    thick, high = rng.choice([0.2, 0.3, 0.45]), size * rng.choice([1, 1, 1.2])
    y -= high - size
    for k, digit in enumerate(code):
        left = x + k * (size + gap)
        s.box(left, y, left + size, y + high, thick)
        s.boxes.append((digit, [(left, y), (left + size, y), (left + size, y + high), (left, y + high)]))
    scale, lean = rng.uniform(0.55, 0.82), rng.gauss(0, 0.08)
    pen = rng.uniform(70, 175)
    for k, digit in enumerate(code):
        strokes = _strokes(rng, digits[digit][rng.randrange(len(digits[digit]))], size * scale * s.dots, lean, pen)
        middle_x = (x + k * (size + gap) + size / 2 + rng.gauss(0, 0.05 * size)) * s.dots
        middle_y = (y + high / 2 + rng.gauss(0, 0.05 * size)) * s.dots
        spot = (round(middle_x - strokes.shape[1] / 2), round(middle_y - strokes.shape[0] / 2))
        s.image.paste(0, spot, Image.fromarray(strokes))


def _strokes(rng: random.Random, picture: np.ndarray, high: float, lean: float, pen: float) -> np.ndarray:
    """A digit's ink at print resolution: `high` pixels tall, leaning, as a pen of some width leaves it."""
    ys, xs = np.nonzero(picture > 60)
    ink = np.pad(picture[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1], 3)
    scale = high / max(ink.shape[0] - 6, 0.8 * (ink.shape[1] - 6)) * rng.uniform(0.9, 1.1)
    big = cv2.resize(ink, None, fx=scale * rng.uniform(0.9, 1.15), fy=scale, interpolation=cv2.INTER_CUBIC)
    shear = np.array([[1, lean, -lean * big.shape[0] / 2], [0, 1, 0]])
    big = cv2.GaussianBlur(cv2.warpAffine(big, shear, big.shape[::-1]), (0, 0), max(0.5, scale * 0.35))
    edge = np.clip((big.astype(np.float32) - pen) * (8 / scale) + 128, 0, 255)
    return (edge * rng.uniform(0.75, 1)).astype(np.uint8)


def _address(s: Sheet, rng: random.Random, recipient: Party, by: Party, below: float) -> None:
    """The recipient right of the middle, the sender on top or not at all."""
    em = rng.uniform(3.6, 5) if s.width > 160 else rng.uniform(3, 4)
    x = s.width * rng.uniform(0.3, 0.45)
    y = s.height * rng.uniform(0.32, 0.42)
    text = f"{rng.choice(v.TO[:2] + ['Yth.', 'Kepada Yth.', 'Kepada'])}\n{recipient.name}\n{recipient.address()}"
    if rng.random() < 0.9:
        s.block(x, y, s.width - x - 8, text, em, below - y - 5, role="recipient", least=0.75)
    if rng.random() < 0.7:
        text = f"{rng.choice(v.FROM[:2] + ['Dari:'])}\n{by.name}\n{by.address()}"
        s.block(7, 6, s.width * 0.42, text, em * 0.7, s.height * 0.3, role="sender")


def _stamp(s: Sheet, rng: random.Random) -> None:
    """A stamp in the upper right corner, sometimes with a postmark."""
    if rng.random() < 0.7:
        w, h = rng.uniform(18, 25), rng.uniform(22, 30)
        x, y = s.width - w - rng.uniform(4, 9), rng.uniform(4, 9)
        s.box(x, y, x + w, y + h, 0.3, fill=rng.randrange(120, 220))
        s.text(x + w / 2, y + h - 5, rng.choice(["3000", "5000", "INDONESIA", "10.000"]), 3, align="middle")
        if rng.random() < 0.6:
            d, (a, b) = s.dots, (x - rng.uniform(-4, 6), y + h * 0.6)
            for r in (11, 8):
                s.draw.ellipse([(a - r) * d, (b - r) * d, (a + r) * d, (b + r) * d], outline=90, width=3)
