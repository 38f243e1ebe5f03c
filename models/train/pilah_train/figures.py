"""Figures from probabilities and truth: rates per class, calibration error, thresholds, risk against coverage."""

import math

import numpy as np

from .modelfile import softmax

# with fewer errors nobody can say how much surer a net may be than it is
FEW_ERRORS = 5


def temperature(logits: np.ndarray, y: np.ndarray) -> float:
    """The temperature of least negative log likelihood, by a fine grid: one number needs no optimizer. Where next to nothing is
    wrong the likelihood only grows as it falls, and what is strange would be called sure: there it is 1 at least."""
    grid = np.exp(np.linspace(np.log(0.25), np.log(8), 281))
    if (logits.argmax(1) != y).sum() < FEW_ERRORS:
        grid = grid[grid > 1 - 1e-9]
    loss = [-np.log(softmax(logits, t)[np.arange(len(y)), y] + 1e-12).mean() for t in grid]
    return round(float(grid[int(np.argmin(loss))]), 4)


def ece(p: np.ndarray, y: np.ndarray, bins: int = 15) -> float:
    """Expected calibration error: the gap of confidence and accuracy, in equal bins of confidence."""
    top, right = p.max(1), p.argmax(1) == y
    at = np.minimum((top * bins).astype(int), bins - 1)
    return float(sum(abs(right[at == b].mean() - top[at == b].mean()) * (at == b).mean() for b in range(bins) if (at == b).any()))


def thresholds(p: np.ndarray, y: np.ndarray, precision: float, floor: float) -> list[float]:
    """Per class the lowest probability from which `precision` of what is called so is right, and at least `floor`.

    The errors allowed are rounded to whole ones: else a single error among a few hundred would shut a lane. A class that
    reaches it nowhere gets no lane (1), one never called so 0.95."""
    out = []
    for k in range(p.shape[1]):
        called = p.argmax(1) == k
        order = np.argsort(-p[called, k])
        top, right = p[called, k][order], (y[called] == k)[order]
        allowed = np.round((1 - precision) * np.arange(1, len(right) + 1))
        good = np.nonzero(np.cumsum(~right) <= allowed)[0]
        if len(good) == 0:
            out.append(1.0 if len(top) else 0.95)
            continue
        last = good[-1]
        shut = last + 1 < len(top)
        middle = float(top[last] + top[last + 1]) / 2 if shut else min(float(top[last] + floor) / 2, 0.995)
        # up, not to the nearest: below is what must not pass
        out.append(max(floor, math.ceil(middle * 1000) / 1000 if shut else round(middle, 3)))
    return out


def by_class(p: np.ndarray, y: np.ndarray, ids: list[str]) -> dict[str, dict]:
    called, out = p.argmax(1), {}
    for k, name in enumerate(ids):
        hit, support, said = int(((called == k) & (y == k)).sum()), int((y == k).sum()), int((called == k).sum())
        recall, precision = hit / support if support else np.nan, hit / said if said else np.nan
        f1 = 2 * precision * recall / (precision + recall) if hit else 0.0
        out[name] = {"precision": precision, "recall": recall, "f1": f1, "support": support}
    return out


def macro_recall(p: np.ndarray, y: np.ndarray, ids: list[str]) -> float:
    """Over the classes present, without `unknown`, as the daemon's `evaluate` counts it."""
    return float(np.mean([(p[y == k].argmax(1) == k).mean() for k in np.unique(y) if ids[k] != "unknown"]))


def confusion(p: np.ndarray, y: np.ndarray) -> np.ndarray:
    out = np.zeros((p.shape[1], p.shape[1]), int)
    np.add.at(out, (y, p.argmax(1)), 1)
    return out


def lanes(p: np.ndarray, ids: list[str], limits: np.ndarray) -> np.ndarray:
    """The class whose lane each item gets, or -1: below its limit (`modelfile.limits`), or unknown."""
    called = p.argmax(1)
    sure = p.max(1) >= limits[called]
    known = np.array([name != "unknown" for name in ids])[called]
    return np.where(sure & known, called, -1)


def sorting(p: np.ndarray, y: np.ndarray, ids: list[str], limits: np.ndarray) -> dict[str, float]:
    """What a line sees at the thresholds: the share that gets a lane, how much of it is right, unknown things let through."""
    lane, out = lanes(p, ids, limits), {}
    unknown = y == ids.index("unknown") if "unknown" in ids else np.zeros(len(y), bool)
    out["lane_share"] = float((lane[~unknown] >= 0).mean())
    out["lane_precision"] = float((lane == y)[lane >= 0].mean()) if (lane >= 0).any() else 0.0
    if unknown.any():
        out["unknown_rejected"] = float((lane[unknown] < 0).mean())
    return out


def risk_coverage(p: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Surest first: the share decided, and the share of errors in it."""
    order = np.argsort(-p.max(1))
    wrong = (p.argmax(1) != y)[order]
    n = np.arange(1, len(y) + 1)
    return n / len(y), np.cumsum(wrong) / n
