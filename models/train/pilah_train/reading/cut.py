"""A line cut out of a photograph as a strip, exactly as the daemon does it, and with the errors that a finder would make."""

import numpy as np
from PIL import Image

from . import strip as form
from .targets import Scene, pooled

MARGIN = 0.5  # of the cap height, on both sides
COARSE = 28  # from this cap height on, strips are cut from the halved picture
LEAST_CAP = 5.5  # pixels of the photograph; what is smaller nobody can read


def cut(grey: np.ndarray, left: np.ndarray, right: np.ndarray, cap: float) -> np.ndarray:
    """The strip of the line whose middle axis runs from `left` to `right`, before its greys are stretched."""
    if cap >= COARSE:
        h, w = grey.shape[0] // 2 * 2, grey.shape[1] // 2 * 2
        half = pooled(grey[:h, :w].astype(np.uint16), 2, np.add)
        return cut(((half + 2) // 4).astype(np.uint8), left / 2, right / 2, cap / 2)
    length = float(np.linalg.norm(right - left))
    along = (right - left) / max(length, 1e-6)
    k = cap / form.CAP
    width = int(np.clip(round((length + 2 * MARGIN * cap) / k), 8, form.WIDEST))
    start = left - along * MARGIN * cap
    middle = form.CAP_TOP + form.CAP / 2
    c, s = along * k
    matrix = (c, -s, start[0] + s * middle, s, c, start[1] - c * middle)
    # only what the strip covers: the whole picture would be copied otherwise
    corners = np.array([[c * u - s * v + matrix[2], s * u + c * v + matrix[5]] for u in (0, width) for v in (0, form.HEIGHT)])
    x0, y0 = np.maximum(np.floor(corners.min(0)).astype(int) - 2, 0)
    x1, y1 = np.ceil(corners.max(0)).astype(int) + 3
    part = Image.fromarray(np.ascontiguousarray(grey[y0:y1, x0:x1]))
    if 0 in part.size:
        return np.full((form.HEIGHT, width), form.LIGHT, np.uint8)
    moved = (c, -s, matrix[2] - x0, s, c, matrix[5] - y0)
    return np.asarray(
        part.transform((width, form.HEIGHT), Image.Transform.AFFINE, moved, Image.Resampling.BILINEAR, fillcolor=128)
    )


def readable(scene: Scene) -> list[int]:
    """The lines of a full-resolution scene that have a text, are large enough and not too long."""
    out = []
    for n, (band, text) in enumerate(zip(scene.bands, scene.texts)):
        left, right, cap = axis(band)
        if text and cap >= LEAST_CAP and np.linalg.norm(right - left) * form.CAP / cap < form.WIDEST - 24:
            out.append(n)
    return out


def axis(band: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Left and right end of the line between baseline and cap top, and the cap height."""
    left, right = (band[0] + band[3]) / 2, (band[1] + band[2]) / 2
    return left, right, float(np.linalg.norm(band[3] - band[0]) + np.linalg.norm(band[2] - band[1])) / 2


def jittered(scene: Scene, n: int, rng: np.random.Generator) -> np.ndarray:
    """A line's strip as a finder with its usual errors would have it cut."""
    left, right, cap = axis(scene.bands[n])
    along = (right - left) / max(np.linalg.norm(right - left), 1e-6)
    across = np.array([-along[1], along[0]])
    left = left + along * rng.normal(-0.05, 0.2) * cap + across * rng.normal(0, 0.06) * cap
    right = right + along * rng.normal(0.05, 0.2) * cap + across * rng.normal(0, 0.06) * cap
    lift = across * rng.normal(0, 0.05) * cap
    return cut(scene.grey, left + lift, right + lift, cap * float(np.exp(rng.normal(0, 0.07))))
