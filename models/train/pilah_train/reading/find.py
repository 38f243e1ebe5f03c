"""From the finder's map to lines, in plain numpy: a reference for the daemon's code, and what figures are measured with."""

from dataclasses import dataclass

import numpy as np

from .targets import DIRECTION_GAIN, END_SHRINK, HEIGHT_UNIT, STRIDE


@dataclass
class Found:
    """A line: its middle axis from left to right in the net's pixels, its cap height, how sure its kernel is, and its label."""

    left: np.ndarray
    right: np.ndarray
    cap: float
    score: float
    label: int


def kernel_map(logits: np.ndarray) -> np.ndarray:
    """[H/4, W/4, 9] to the probabilities [H/2, W/2] of text kernels."""
    h, w, _ = logits.shape
    k = logits[..., :4].reshape(h, w, 2, 2).transpose(0, 2, 1, 3).reshape(2 * h, 2 * w)
    return 1 / (1 + np.exp(-np.clip(k, -30, 30)))


def components(mask: np.ndarray) -> np.ndarray:
    """Labels from 1 of the 8-connected parts of a mask, 0 elsewhere: runs of each row joined to the row above."""
    labels, parent, above = np.zeros(mask.shape, np.int32), [0], []

    def root(n: int) -> int:
        while parent[n] != n:
            n = parent[n]
        return n

    for y, row in enumerate(mask):
        edges = np.flatnonzero(np.diff(np.r_[0, row.astype(np.int8), 0]))
        runs = []
        for a, b in zip(edges[::2], edges[1::2]):
            touching = [n for c, d, n in above if c <= b and a <= d]
            if touching:
                n = min(root(t) for t in touching)
                for t in touching:
                    parent[root(t)] = n
            else:
                n = len(parent)
                parent.append(n)
            labels[y, a:b] = n
            runs.append((a, b, n))
        above = runs
    return np.array([root(n) for n in range(len(parent))], np.int32)[labels]


def lines(logits: np.ndarray, threshold: float = 0.5, least: int = 6) -> tuple[list[Found], np.ndarray]:
    """The lines of a map, and the labelled kernels."""
    k = kernel_map(logits)
    labels = components(k > threshold)
    ys, xs = np.nonzero(labels)
    order = np.argsort(labels[ys, xs], kind="stable")
    ys, xs = ys[order], xs[order]
    usual = logits[ys // 2, xs // 2, 6:8].sum(0)
    names, starts = np.unique(labels[ys, xs], return_index=True)
    found = []
    for name, y, x in zip(names, np.split(ys, starts[1:]), np.split(xs, starts[1:])):
        cells = logits[y // 2, x // 2]
        cap = float(cells[:, 8].mean() * HEIGHT_UNIT)
        if len(y) < least or cap < 2:
            continue
        points = np.c_[x + 0.5, y + 0.5] * (STRIDE / 2)
        middle = points.mean(0)
        along = way(points - middle, cells[:, 6:8].mean(0), usual)
        t = (points - middle) @ along
        # what targets took away, and from the last pixel's middle to its edge
        outward = END_SHRINK * cap + STRIDE / 4
        found.append(
            Found(
                middle + along * (t.min() - outward), middle + along * (t.max() + outward), cap, float(k[y, x].mean()), int(name)
            )
        )
    return found, labels


def way(spread: np.ndarray, direction: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """A line's unit vector. The axis is its kernel's where that is long, else what the net says there. The way along it is that
    of the whole picture (`usual`, the sum over all kernels) where the line lies along or against it: a label has one upright, and
    a single line is easily taken for its reverse."""
    strength = np.linalg.norm(direction)
    values, vectors = np.linalg.eigh(spread.T @ spread)
    if values[1] > 30 * values[0] or strength < 0.4 * DIRECTION_GAIN:
        axis = vectors[:, 1]
    else:
        axis = direction / strength
    along_usual = axis @ usual / max(np.linalg.norm(usual), 1e-6)
    known = along_usual if abs(along_usual) > 0.85 else axis @ direction
    return axis if known >= 0 else -axis


def matched(found: list[Found], bands: list[np.ndarray]) -> tuple[list[int], int]:
    """Which found line is each true one (-1: none): one whose axis covers at least nine tenths of it, overshoots little, and is
    of its axis and height; and how many found lines are no part of any true line. Which way round is for `upright`."""
    truth, used = [], set()
    for band in bands:
        a, b = (band[0] + band[3]) / 2, (band[1] + band[2]) / 2
        cap = np.linalg.norm(band[3] - band[0]) / 2 + np.linalg.norm(band[2] - band[1]) / 2
        length, best = np.linalg.norm(b - a), -1
        along = (b - a) / max(length, 1e-6)
        across = np.array([-along[1], along[0]])
        for n, f in enumerate(found):
            slant = abs((f.right - f.left) @ across) / max(np.linalg.norm(f.right - f.left), 1e-6)
            s, e = sorted([(f.left - a) @ along, (f.right - a) @ along])
            off = max(abs((f.left - a) @ across), abs((f.right - a) @ across))
            if off < 0.6 * cap and min(e, length) - max(s, 0) > 0.5 * min(abs(e - s), length):
                used.add(n)
            covered = (min(e, length + 0.01) - max(s, 0)) / max(length, 1e-6)
            over = max(0, -s) + max(0, e - length)
            if (
                slant < 0.2
                and off < 0.45 * cap
                and covered > 1 - max(0.1, 0.5 * cap / max(length, 1))
                and over < max(1.5 * cap, 0.1 * length)
            ):
                if 0.75 < f.cap / cap < 1.33:
                    best = n
        truth.append(best)
    return truth, len(found) - len(used)


def upright(f: Found, band: np.ndarray) -> bool:
    """Whether a line that was found runs the way it reads."""
    return bool((f.right - f.left) @ (band[1] - band[0]) > 0)
