"""What the finder shall say about a photograph: maps from the places of lines, papers and codes.

Lengths are in pixels of the halved photograph. A line is its band: the quad between baseline and cap top, corners in
reading order (top left, top right, bottom right, bottom left).
"""

from dataclasses import dataclass, field
from functools import reduce

import numpy as np
from PIL import Image, ImageDraw

STRIDE = 4
KERNEL_HEIGHT = 0.6  # of the cap height, around its middle
END_SHRINK = 0.3  # of the cap height, at both ends
DIRECTION_GAIN = 4.0
HEIGHT_UNIT = 4.0
LEAST_RANGE = 48


@dataclass
class Scene:
    """A grey photograph, halved or not, with the places of what is on it in its own pixels."""

    grey: np.ndarray
    bands: list[np.ndarray] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    papers: list[np.ndarray] = field(default_factory=list)
    codes: list[np.ndarray] = field(default_factory=list)
    unsure: list[np.ndarray] = field(default_factory=list)  # lines that are partly covered: neither text nor none


def moved(points: np.ndarray, m: np.ndarray) -> np.ndarray:
    """Points [n, 2] through a 3x3 matrix."""
    p = np.c_[points, np.ones(len(points))] @ m.T
    return p[:, :2] / p[:, 2:]


def kernel(band: np.ndarray) -> tuple[np.ndarray, float, float]:
    """The kernel's quad, the reading direction as an angle, and the cap height."""
    tl, tr, br, bl = band
    left, right = (tl + bl) / 2, (tr + br) / 2
    cap = (np.linalg.norm(bl - tl) + np.linalg.norm(br - tr)) / 2
    along = right - left
    length = np.linalg.norm(along)
    along = along / max(length, 1e-6)
    shrink = min(END_SHRINK * cap, 0.3 * length)
    a, b = left + along * shrink, right - along * shrink
    up_a, up_b = (tl - bl) * KERNEL_HEIGHT / 2, (tr - br) * KERNEL_HEIGHT / 2
    return np.array([a + up_a, b + up_b, b - up_b, a - up_a]), float(np.arctan2(along[1], along[0])), float(cap)


def maps(scene: Scene, height: int, width: int) -> np.ndarray:
    """[11, height / 4, width / 4]: the nine channels of the net, with probabilities for its logits; then a weight for direction
    and height, and a weight for text (0 where letters are too small to be called lines)."""
    fine = Image.new("I", (width * 2, height * 2))  # drawn twice as fine: kernels are a few pixels high
    draw = ImageDraw.Draw(fine)
    known = [(0.0, 0.0, 0.0)]
    blur = Image.new("L", (width // STRIDE, height // STRIDE), 1)
    ignored = ImageDraw.Draw(blur)
    for band in scene.unsure:
        ignored.polygon([tuple(p) for p in band / STRIDE], 0, 0)
    for band in scene.bands:
        quad, angle, cap = kernel(band)
        if cap < 3:
            ignored.polygon([tuple(p) for p in band / STRIDE], 0, 0)
            continue
        draw.polygon([tuple(p) for p in quad * 2 - 0.5], len(known))
        known.append((DIRECTION_GAIN * np.cos(angle), DIRECTION_GAIN * np.sin(angle), cap / HEIGHT_UNIT))
    which = np.asarray(fine)
    text = pooled((which > 0).astype(np.float32), 4, np.add) / 16
    cell = pooled(which, 8, np.maximum)
    table = np.array(known, np.float32)
    sub = [text[a::2, b::2] for a in (0, 1) for b in (0, 1)]
    areas = [_filled(polygons, height, width) for polygons in (scene.papers, scene.codes)]
    return np.stack([*sub, *areas, *table[cell].transpose(2, 0, 1), (cell > 0).astype(np.float32), np.asarray(blur, np.float32)])


def _filled(polygons: list[np.ndarray], height: int, width: int) -> np.ndarray:
    image = Image.new("L", (width // 2, height // 2))
    draw = ImageDraw.Draw(image)
    for polygon in polygons:
        if len(polygon) >= 3:
            draw.polygon([tuple(p) for p in np.asarray(polygon) / 2], 1)
    return pooled(np.asarray(image, np.float32), 2, np.add) / 4


def pooled(a: np.ndarray, k: int, combine) -> np.ndarray:
    """Blocks of k x k combined, slice by slice: many times faster than numpy's reductions over short axes."""
    rows = reduce(combine, (a[n::k] for n in range(k)))
    return reduce(combine, (rows[:, n::k] for n in range(k)))


def crop(scene: Scene, rng: np.random.Generator, size: int, zoom: float) -> Scene:
    """A square of `size` pixels, `zoom` of its pixels a pixel of the scene, turned by quarter turns and slightly."""
    h, w = scene.grey.shape
    turn = np.pi / 2 * rng.integers(4) + rng.normal(0, 0.12)
    # where there is text or a code, mostly
    places = [b.mean(0) for b in scene.bands + scene.codes if 0 < b.mean(0)[0] < w and 0 < b.mean(0)[1] < h]
    half = size / 2 / zoom
    if places and rng.random() < 0.75:
        at = places[rng.integers(len(places))] + rng.uniform(-0.5, 0.5, 2) * half
    else:
        at = np.array([rng.uniform(0, w), rng.uniform(0, h)])
    if rng.random() < 0.2:  # beyond the rim, where the fill begins
        at = at + rng.uniform(-0.6, 0.6, 2) * half
    else:
        at = [np.clip(at[0], min(half, w / 2), max(w - half, w / 2)), np.clip(at[1], min(half, h / 2), max(h - half, h / 2))]
    c, s = np.cos(turn) / zoom, np.sin(turn) / zoom
    back = np.array([[c, -s, at[0] - (c - s) * size / 2], [s, c, at[1] - (s + c) * size / 2], [0, 0, 1]])
    grey = Image.fromarray(scene.grey).transform(
        (size, size), Image.Transform.AFFINE, tuple(back.flatten()[:6]), Image.Resampling.BILINEAR, fillcolor=114
    )
    m = np.linalg.inv(back)
    places = [[moved(np.asarray(p, float), m) for p in ps] for ps in (scene.bands, scene.papers, scene.codes, scene.unsure)]
    return Scene(np.asarray(grey), places[0], scene.texts, *places[1:])


def halved(scene: Scene, height: int = 384, width: int = 640, fill: int = 114) -> Scene:
    """The finder's picture: scaled to fit (1280 x 720: halved) by averaging, its levels stretched, at the top left, the rest
    filled."""
    h, w = scene.grey.shape
    scale = min(width / w, height / h)
    size = (round(w * scale), round(h * scale))
    grey = np.full((height, width), fill, np.uint8)
    grey[: size[1], : size[0]] = levelled(np.asarray(Image.fromarray(scene.grey).resize(size, Image.Resampling.BOX)))
    places = [[np.asarray(p, float) * scale for p in ps] for ps in (scene.bands, scene.papers, scene.codes, scene.unsure)]
    return Scene(grey, places[0], scene.texts, *places[1:])


def levelled(grey: np.ndarray) -> np.ndarray:
    """The greys stretched so that 0.5% of the pixels are black and 0.5% white: labels are found in the dark, too."""
    low, high = map(float, np.percentile(grey, (0.5, 99.5), method="nearest"))
    return np.clip(np.round((grey.astype(np.float32) - low) * (255 / max(high - low, LEAST_RANGE))), 0, 255).astype(np.uint8)
