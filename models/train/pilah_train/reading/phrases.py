"""The recognizer's texts: lines as labels print them, cut anywhere, some without sense: it shall read, not guess."""

import random
from functools import lru_cache

import numpy as np

from ..labels import words

ASCII = [chr(c) for c in range(33, 127)]
LABELS = 20_000  # so many labels' texts: drawing them anew for each strip would cost more than drawing its picture
PRINTED = words.CHARACTERS.replace(" ", "")


class Phrases:
    """Lines of `LABELS` labels from number `first` on: validation's are others than training's."""

    def __init__(self, places: words.Places, first: int = 0):
        self.places, self.first = places, first
        self.label = lru_cache(maxsize=None)(self._label)

    def line(self, rng: np.random.Generator) -> str:
        r = rng.random()
        if r < 0.7:
            return self._printed(rng)
        if r < 0.78:  # a part of a line, as where the finder breaks one
            parts = self._printed(rng).split()
            a = rng.integers(max(1, len(parts)))
            return " ".join(parts[a : a + rng.integers(1, 4)])
        if r < 0.83:
            return numbers(rng)
        if r < 0.87:
            return digits(rng, 5)
        if r < 0.93:  # letters and digits in any order
            pool = pick(
                rng,
                [
                    "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
                    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
                    "abcdefghijklmnopqrstuvwxyz",
                    PRINTED[:94],
                ],
            )
            return " ".join(_of(rng, pool, 2, 9) for _ in range(rng.integers(1, 4)))
        return " ".join(_of(rng, PRINTED if r < 0.985 else ASCII, 1, 7) for _ in range(rng.integers(1, 4)))

    def _printed(self, rng) -> str:
        texts, ends = self.label(self.first + int(rng.integers(LABELS)))
        return texts[int(np.searchsorted(ends, rng.random() * ends[-1], side="right"))]

    def _label(self, n: int) -> tuple[list[str], np.ndarray]:
        found = words.lines(random.Random(n), self.places)
        weights = [{"recipient": 3, "sender": 3, "awb": 4, "sortcode": 2, "other": 1}[role] for _, role in found]
        return [text for text, _ in found], np.cumsum(weights)


def pick(rng, options):
    return options[rng.integers(len(options))]


def digits(rng, n: int) -> str:
    return "".join(map(str, rng.integers(0, 10, n)))


def numbers(rng) -> str:
    parts = [digits(rng, rng.integers(1, 9)) for _ in range(rng.integers(1, 4))]
    text = pick(rng, [" ", "-", "/", ".", ":", ", ", " x "]).join(parts)
    return (
        pick(rng, ["", "", "", "Rp ", "No. ", "RT ", "0", "+62 ", "(", "#"])
        + text
        + pick(rng, ["", "", "", " kg", " gr", ")", " PCS", ",-", "%"])
    )


def _of(rng, pool, least: int, most: int) -> str:
    return "".join(pick(rng, pool) for _ in range(rng.integers(least, most)))
