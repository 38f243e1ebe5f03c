"""How well lines are read: share of lines without any error, and errors a character."""

from collections import defaultdict

import numpy as np

from . import charset, strip


def distance(a: str, b: str) -> int:
    """Insertions, deletions and replacements from one text to the other."""
    row = np.arange(len(b) + 1)
    codes = np.array([ord(c) for c in b])
    for i, c in enumerate(a, 1):
        cost = np.minimum(row[1:] + 1, row[:-1] + (codes != ord(c)))
        new = np.concatenate([[i], cost])
        for j in range(1, len(new)):
            if new[j] > new[j - 1] + 1:
                new[j] = new[j - 1] + 1
        row = new
    return int(row[-1])


def errors(pairs: list[tuple[str, str]]) -> dict:
    """Of (read, true)."""
    wrong, length, exact = 0, 0, 0
    for read, true in pairs:
        wrong += distance(read, true)
        length += len(true)
        exact += read == true
    return {"cer": wrong / max(1, length), "exact": exact / max(1, len(pairs))}


def in_batches(strips: list[np.ndarray], pixels: int = 12_000):
    """Indices and a padded u8 batch [n, 32, W, 1] of strips of like width."""
    groups = defaultdict(list)
    for n in np.argsort([s.shape[1] for s in strips], kind="stable"):
        groups[bucket(strips[n].shape[1])].append(n)
    for width, members in groups.items():
        step = max(1, pixels // width)
        for at in range(0, len(members), step):
            part = members[at : at + step]
            yield part, np.stack([strip.padded(strips[n], width) for n in part])[..., None]


def bucket(width: int) -> int:
    """The padded width: multiples of 32 to 256, of 64 to 512, then of 128."""
    for step, most in ((32, 256), (64, 512), (128, strip.WIDEST)):
        if width <= most:
            return -(-width // step) * step
    raise ValueError(f"a strip of {width} pixels is wider than {strip.WIDEST}")


def read_all(logits_of, strips: list[np.ndarray]) -> list[str]:
    """`logits_of(u8 [n, 32, W, 1]) -> [n, columns, 2 * classes]`."""
    out = [""] * len(strips)
    for part, batch in in_batches(strips):
        for n, logits in zip(part, charset.steps(logits_of(batch))):
            out[n] = charset.greedy(logits)
    return out
