"""What happens to a print before the camera sees it: faded, scuffed, lines of a worn head, torn edges."""

import random

import cv2
import numpy as np

from .sheet import Sheet
from .surfaces import clouds


def worn(rng: random.Random, sheet: Sheet, dots: float, wear: float) -> tuple[np.ndarray, float, list[str]]:
    """The sheet as grey and opacity (two channels) at about `dots` pixels a millimetre, that resolution, and what happened to it.

    `wear` is from 0 (fresh) to 1.
    """
    notes = []
    grey = np.asarray(sheet.image).copy()
    if sheet.dots > 11 and rng.random() < 0.05:
        grey = _dot_matrix(grey, sheet.dots)
        notes.append("dotmatrix")
    if rng.random() < 0.3 * wear + 0.04:
        for _ in range(rng.randrange(1, 4)):
            c = rng.randrange(grey.shape[1])
            grey[:, c : c + rng.choice([1, 1, 2, 2, 3])] = 255
        notes.append("deadline")
    if dots < sheet.dots:
        scale = dots / sheet.dots
        grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        dots = grey.shape[1] / sheet.width
    else:
        dots = sheet.dots
    h, w = grey.shape
    noise = np.random.default_rng(rng.getrandbits(32))
    lightest = rng.uniform(0, 0.2) if rng.random() < 0.7 else 0
    if rng.random() < 0.75 * wear:
        lightest = rng.uniform(0.2, 0.4 + 0.2 * wear)
        notes.append("faded")
    patchy = rng.uniform(0, 0.2) if lightest > 0.2 else 0
    scuffed = rng.random() < 0.45 * wear
    if lightest or scuffed:
        lift = np.full((h // 8 + 1, w // 8 + 1), lightest, np.float32)
        if patchy:
            lift += clouds(noise, *lift.shape, {12: patchy / 2, 4: patchy / 4})
        if scuffed:
            spots = clouds(noise, *lift.shape, {9: 1, 3: 0.6})
            lift += np.clip((spots - rng.uniform(1.8, 2.6)) * 2, 0, rng.uniform(0.2, 0.7))
            notes.append("scuffed")
        lift = cv2.resize((np.clip(lift, 0, 0.9) * 255).astype(np.uint8), (w, h))
        grey = cv2.add(grey, cv2.multiply(255 - grey, lift, scale=1 / 255))
    opaque = np.full((h, w), 255, np.uint8)
    if rng.random() < 0.5:
        _round_corners(opaque, round(rng.uniform(1, 3) * dots))
    if rng.random() < 0.08 + 0.1 * wear:
        if _tear(rng, opaque, dots, sheet):
            notes.append("torn_edge")
    return cv2.merge([grey, opaque]), dots, notes


def _dot_matrix(grey: np.ndarray, dots: float) -> np.ndarray:
    """Ink only where the pins strike."""
    pitch = max(2, round(0.3 * dots))
    pins = np.zeros((pitch, pitch), np.uint8)
    pins[: pitch - 1, :] = 255
    pins[:, : pitch - 1] = np.maximum(pins[:, : pitch - 1], 120)
    h, w = grey.shape
    grid = np.tile(pins, (h // pitch + 1, w // pitch + 1))[:h, :w]
    return 255 - cv2.min(255 - grey, grid)


def _round_corners(opaque: np.ndarray, r: int) -> None:
    h, w = opaque.shape
    corner = np.zeros((r, r), np.uint8)
    cv2.circle(corner, (r, r), r, 255, -1, cv2.LINE_AA)
    for y, x, k in ((0, 0, corner), (0, w - r, corner[:, ::-1]), (h - r, 0, corner[::-1]), (h - r, w - r, corner[::-1, ::-1])):
        opaque[y : y + r, x : x + r] = k


def _tear(rng: random.Random, opaque: np.ndarray, dots: float, sheet: Sheet) -> bool:
    """A piece torn off an edge, unless print stands there."""
    h, w = opaque.shape
    steps, depth = 14, rng.uniform(1.5, 4.5) * dots
    along = rng.choice([w, h])
    a, b = sorted(rng.uniform(-0.2, 1.2) * along for _ in range(2))
    edge = [(a + (b - a) * k / steps, depth * rng.uniform(0.2, 1) if 0 < k < steps else -2) for k in range(steps + 1)]
    edge += [(b, -5), (a, -5)]
    side = rng.randrange(2)
    points = [(u, (v if side == 0 else (h if along == w else w) - v)) for u, v in edge]
    points = points if along == w else [(v, u) for u, v in points]
    torn = np.round(points).astype(np.int32)
    (x0, y0), (x1, y1) = torn.min(0) / dots, torn.max(0) / dots
    for part in [*sheet.lines, *sheet.codes]:
        xs, ys = zip(*part.quad)
        if min(xs) < x1 and max(xs) > x0 and min(ys) < y1 and max(ys) > y0:
            return False
    cv2.fillPoly(opaque, [torn], 0, cv2.LINE_AA)
    return True
