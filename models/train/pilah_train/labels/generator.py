"""Pictures of labels without end: `for picture in stream(seed)`.

Picture number k of a seed is the same whatever came before it, so any part of a stream can be made on its own.
"""

import itertools
import random
from collections.abc import Iterator

from . import negatives, scenes, surfaces
from .photograph import Picture
from .places import Places

DIFFICULTIES = {"easy": 40, "medium": 40, "hard": 20}


def stream(
    seed: int,
    layouts: str = "train",
    kind: str = "label",
    places: Places | None = None,
    start: int = 0,
    step: int = 1,
    difficulty: str = "",
    size: tuple[int, int] | None = None,
) -> Iterator[Picture]:
    """Pictures number `start`, `start + step`, ... of this seed, without end.

    `layouts` is train, kept-out or all; `kind` is label, negative, two, mail, mixed (nine labels to one negative), or one case
    of negatives (negative:foreign); `places` is the table of addresses ($PILAH_ADDRESSES if not given). A loader with n workers
    gives worker k start=k and step=n.
    """
    places = places or Places.load()
    for number in itertools.count(start, step):
        yield make(seed, number, layouts, kind, places, difficulty, size)


def make(seed: int, number: int, which: str, kind: str, places: Places, difficulty: str = "", size=None) -> Picture:
    """One picture of a stream."""
    rng = random.Random(f"{seed}-{number}-{which}-{kind}")
    if kind == "mixed":
        kind = "negative" if rng.random() < 0.1 else "label"
    difficulty = difficulty or rng.choices(list(DIFFICULTIES), list(DIFFICULTIES.values()))[0]
    if kind == "mail":
        return scenes.letter(rng, which, places, difficulty, size)
    if kind == "label":
        return scenes.label(rng, which, places, difficulty, size)
    kind, _, case = kind.partition(":")
    case = case or ("two" if kind == "two" else "") or rng.choices(list(negatives.CASES), list(negatives.CASES.values()))[0]
    return negatives.negative(rng, which, places, difficulty, case, size)


def warm_up() -> None:
    """Make the pool of surfaces now rather than with the first pictures."""
    for kind in surfaces.MAKERS:
        for number in range(surfaces.VARIETY):
            surfaces.texture(kind, number)
    surfaces.noise(0)
