"""Random changes that a camera, a belt and a hand bring; each takes a picture and a random generator and gives a picture."""

import io

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter

from .recipe import Fault


def none(picture: Image.Image, rng: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    return picture


def digits(picture: Image.Image, rng: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    """A light digit on black: slant, turn, scale and shift; thicker or thinner pen; lines of the box; blur; contrast; noise."""
    w, h = picture.size
    if rng.random() < 0.25:  # the pen, on a finer grid so that half a pixel counts
        picture = picture.resize((2 * w, 2 * h), Image.Resampling.BICUBIC)
        picture = picture.filter(ImageFilter.MaxFilter(3) if rng.random() < 0.6 else ImageFilter.MinFilter(3))
        picture = picture.resize((w, h), Image.Resampling.BOX)
    if rng.random() < 0.9:
        a, slant = np.deg2rad(rng.uniform(-15, 15)), rng.uniform(-0.3, 0.3)
        sx, sy = np.exp(rng.uniform(-0.25, 0.25, 2) + rng.uniform(-0.1, 0.2))
        turn = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
        m = turn @ np.array([[sx, slant], [0, sy]])
        centre = np.array([w / 2, h / 2])
        shift = centre - m @ (centre + rng.uniform(-2.5, 2.5, 2))
        picture = picture.transform((w, h), Image.Transform.AFFINE, (*m[0], shift[0], *m[1], shift[1]), Image.Resampling.BILINEAR)
    if rng.random() < 0.15:
        picture = _box_lines(picture, rng)
    if rng.random() < 0.25:
        picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 0.9)))
    if rng.random() < 0.4:
        x = np.asarray(picture, np.float32)
        x = x * rng.uniform(0.55, 1.1) + rng.uniform(0, 30) + rng.normal(0, rng.uniform(0, 12), x.shape)
        picture = Image.fromarray(np.clip(x, 0, 255).astype(np.uint8))
    return picture


def _box_lines(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """One or two sides of the printed box, at the rim where a box finder leaves them."""
    w, h = picture.size
    lines = Image.new("L", (w * 4, h * 4))
    draw = ImageDraw.Draw(lines)
    for side in rng.choice(4, rng.integers(1, 3), replace=False):
        at, lean, ink = rng.uniform(-2, 9), rng.uniform(-5, 5), int(rng.integers(90, 230))
        ends = [(at, 0), (at + lean, h * 4)] if side < 2 else [(0, at), (w * 4, at + lean)]
        if side % 2:
            ends = [(w * 4 - 1 - x, y) if side < 2 else (x, h * 4 - 1 - y) for x, y in ends]
        draw.line(ends, fill=ink, width=int(rng.integers(2, 6)))
    return Image.fromarray(np.maximum(np.asarray(picture), np.asarray(lines.resize((w, h), Image.Resampling.BOX))))


def objects(picture: Image.Image, rng: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    """Any pose, light, camera and background, so that no class can be known by the look of its source."""
    w, h = size
    cut = None
    if rng.random() < 0.6:
        cut = _cut_out(picture)
    if cut is not None:
        picture = _on_background(picture, cut, rng)
    picture = _degrade(picture, rng)
    picture = _pose(picture, rng, (w, h))
    picture = _light(picture, rng)
    if rng.random() < 0.15:
        picture = _cover(picture, rng)
    return picture


def light(picture: Image.Image, rng: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    """Another lamp and another camera alone: for things that may not be turned or mirrored, such as print."""
    return _light(_degrade(picture, rng), rng)


def _degrade(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Another resolution, blur and JPEG: each source has its own, and a net would learn them instead of the thing."""
    if rng.random() < 0.45:
        long = max(picture.size)
        ratio = min(1.0, np.exp(rng.uniform(np.log(100), np.log(288))) / long)
        if ratio < 1:
            small = (max(1, round(picture.width * ratio)), max(1, round(picture.height * ratio)))
            picture = picture.resize(small, Image.Resampling.BILINEAR)
    if rng.random() < 0.15:
        picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.5)))
    if rng.random() < 0.5:
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=int(rng.integers(30, 92)))
        picture = Image.open(file).convert("RGB")
    return picture


def _pose(picture: Image.Image, rng: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    """One affine map for turn, scale, aspect, shift and mirror; what falls outside continues the rim's colour."""
    w, h = size
    quarter = rng.integers(4) if rng.random() < 0.4 else 0
    a = np.deg2rad(rng.uniform(-30, 30) if rng.random() < 0.5 else 0) + quarter * np.pi / 2
    scale = np.exp(rng.uniform(np.log(0.7), np.log(1.3)))  # of the source, in view: below 1 is nearer
    aspect = np.exp(rng.uniform(-0.2, 0.2))
    turn = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
    m = np.diag([picture.width / w, picture.height / h]) @ turn @ np.diag([scale * aspect, scale / aspect])
    if rng.random() < 0.5:
        m[:, 0] = -m[:, 0]
    slack = max(0.08, abs(1 - scale) * 0.4)
    middle = np.array(picture.size) * (0.5 + rng.uniform(-slack, slack, 2) * 0.7)
    shift = middle - m @ np.array([w / 2, h / 2])
    rim = _rim(picture)
    fill = tuple(int(v) for v in np.median(rim, axis=0)) if rng.random() < 0.7 else tuple(int(v) for v in rng.integers(0, 256, 3))
    box = (*m[0], shift[0], *m[1], shift[1])
    return picture.transform((w, h), Image.Transform.AFFINE, box, Image.Resampling.BILINEAR, fillcolor=fill)


def _light(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    for kind, low, high, share in (
        (ImageEnhance.Brightness, 0.6, 1.4, 0.5),
        (ImageEnhance.Contrast, 0.7, 1.3, 0.4),
        (ImageEnhance.Color, 0.4, 1.5, 0.4),
    ):
        if rng.random() < share:
            picture = kind(picture).enhance(rng.uniform(low, high))
    x = np.asarray(picture)
    if rng.random() < 0.5:  # white balance
        gains = np.exp(rng.normal(0, 0.07, 3))
        x = np.clip(x * gains, 0, 255).astype(np.uint8)
    if rng.random() < 0.3:  # a lamp to one side
        axis = int(rng.integers(2))
        ramp = np.linspace(*rng.uniform(0.6, 1.25, 2), x.shape[axis], dtype=np.float32)
        x = np.clip(x * (ramp[None, :, None] if axis else ramp[:, None, None]), 0, 255).astype(np.uint8)
    if rng.random() < 0.25:  # sensor noise
        x = np.clip(x + rng.normal(0, rng.uniform(2, 10), x.shape), 0, 255).astype(np.uint8)
    return Image.fromarray(x)


def _cover(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A finger, a gate, another thing's corner: a flat or noisy rectangle over a part."""
    x = np.array(picture)
    h, w = x.shape[:2]
    bh, bw = (rng.uniform(0.1, 0.4, 2) * (h, w)).astype(int)
    top, left = rng.integers(0, h - bh + 1), rng.integers(0, w - bw + 1)
    x[top : top + bh, left : left + bw] = np.clip(
        rng.integers(0, 256, 3) + rng.normal(0, rng.uniform(0, 40), (bh, bw, 1)), 0, 255
    )
    return Image.fromarray(x)


def _rim(picture: Image.Image) -> np.ndarray:
    x = np.asarray(picture)
    return np.concatenate([x[0], x[-1], x[:, 0], x[:, -1]])


def _cut_out(picture: Image.Image) -> Image.Image | None:
    """The thing's mask where the background is plain: flooded from the rim in from all sides; None where that fails."""
    n = 112
    small = picture.resize((n, n), Image.Resampling.BILINEAR).filter(ImageFilter.GaussianBlur(0.6))
    rim = _rim(small).astype(np.float32)
    usual = np.median(rim, axis=0)
    if np.median(np.abs(rim - usual).sum(1)) > 40:
        return None
    mark = (1, 254, 3)
    for at in [p for t in range(0, n, 8) for s in (0, n - 1) for p in ((t, s), (s, t))]:
        value = small.getpixel(at)
        if value != mark and np.abs(np.array(value, np.float32) - usual).sum() < 90:
            ImageDraw.floodfill(small, at, mark, thresh=26)
    thing = (np.asarray(small) != np.array(mark)).any(2)
    if not 0.06 < thing.mean() < 0.85:
        return None
    mask = Image.fromarray((thing * 255).astype(np.uint8)).filter(ImageFilter.MedianFilter(5))
    return mask.resize(picture.size, Image.Resampling.BILINEAR).filter(ImageFilter.GaussianBlur(1.0))


def _on_background(picture: Image.Image, mask: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Belts, trays, tables: a colour with a gradient, grain at several scales, sometimes slats."""
    w, h = picture.size
    base = rng.integers(20, 250, 3) if rng.random() < 0.4 else np.full(3, rng.integers(20, 250)) + rng.normal(0, 8, 3)
    ground = np.ones((h, w, 3), np.float32) * base
    for cells in (3, 12, 48):
        grain = rng.normal(0, rng.uniform(0, 22), (cells, cells)).astype(np.float32)
        ground += np.asarray(Image.fromarray(grain).resize((w, h), Image.Resampling.BICUBIC))[:, :, None]
    if rng.random() < 0.25:
        a, period = rng.uniform(0, np.pi), rng.uniform(6, 40)
        y, x = np.mgrid[0:h, 0:w]
        ground += (rng.uniform(-30, 30) * np.sign(np.sin((x * np.cos(a) + y * np.sin(a)) * 2 * np.pi / period)))[:, :, None]
    if rng.random() < 0.7:  # a soft shadow to one side
        shadow = mask.filter(ImageFilter.GaussianBlur(rng.uniform(0.01, 0.06) * max(w, h)))
        shadow = ImageChops.offset(shadow, *(int(v) for v in rng.uniform(-0.05, 0.05, 2) * (w, h)))
        ground *= 1 - rng.uniform(0.15, 0.6) * np.asarray(shadow, np.float32)[:, :, None] / 255
    ground = Image.fromarray(np.clip(ground, 0, 255).astype(np.uint8))
    return Image.composite(picture, ground, mask)


AUGMENTS = {"none": none, "digits": digits, "objects": objects, "light": light}


def named(name: str):
    if name not in AUGMENTS:
        raise Fault(f"unknown augmentation `{name}`: {', '.join(AUGMENTS)}")
    return AUGMENTS[name]
