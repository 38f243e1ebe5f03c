"""What makes one thing differ from the next of its kind: colours, prints with invented words, dents and creases."""

import colorsys
from collections.abc import Callable, Sequence

import numpy as np
from mathutils import Matrix, Vector, noise
from PIL import Image, ImageDraw, ImageFont

from ..soft import crumple
from ..solid import TAU, Solid, curve
from ..surface import Colour

QUARTER = np.pi / 2

SYLLABLES = "ba bu ca da di ga go ka ki ku la lu ma me mi na no pa pi ra ri ro sa se si su ta ti tu wa ya za".split()


def pick(rng: np.random.Generator, *options):
    """One of the options, each as likely."""
    return options[rng.integers(len(options))]


def often(rng: np.random.Generator, chance: float) -> bool:
    """True with this chance."""
    return bool(rng.random() < chance)


def hue(rng: np.random.Generator, low: float = 0.0, high: float = 1.0, saturation=(0.4, 1.0), value=(0.25, 0.95)) -> Colour:
    """A random colour in linear light, its hue between two turns of the colour circle."""
    rgb = colorsys.hsv_to_rgb(rng.uniform(low, high) % 1, rng.uniform(*saturation), rng.uniform(*value))
    return tuple(c**2.2 for c in rgb)


def grey(rng: np.random.Generator, low: float, high: float) -> Colour:
    """A nearly neutral tone, linear, between two brightnesses."""
    return tuple(np.clip(rng.uniform(low, high) * (1 + rng.normal(0, 0.03, 3)), 0, 0.95))


def paint(rng: np.random.Generator) -> Colour:
    """What manufactured things come in: any hue, white, black or grey."""
    return pick(rng, hue(rng), hue(rng), hue(rng), grey(rng, 0.6, 0.85), grey(rng, 0.01, 0.04), grey(rng, 0.1, 0.5))


def byte(colour: Colour) -> tuple[int, int, int]:
    """Linear light to the 8-bit values of a picture."""
    return tuple(int(255 * min(1.0, max(0.0, c)) ** (1 / 2.2)) for c in colour)


def word(rng: np.random.Generator) -> str:
    """An invented name."""
    text = "".join(str(rng.choice(SYLLABLES)) for _ in range(rng.integers(2, 4)))
    return pick(rng, text.upper(), text.title(), text)


def text_lines(rng: np.random.Generator, draw: ImageDraw.ImageDraw, box: Sequence[float], ink, step: float) -> None:
    """Fill a box with lines that look like small print."""
    left, top, right, bottom = box
    y = top
    while y < bottom - step:
        draw.line([left, y, right - rng.uniform(0, 0.3) * (right - left), y], fill=ink, width=max(1, int(step * 0.35)))
        y += step


def artwork(
    rng: np.random.Generator, size: tuple[int, int] = (512, 256), ground: Colour | None = None, copies: int = 2
) -> Image.Image:
    """A printed label: a ground, coloured shapes, a name in large type, small print and sometimes a bar code, `copies` times."""
    w, h = size
    image = Image.new("RGB", size, byte(ground or paint(rng)))
    draw = ImageDraw.Draw(image)
    inks = [byte(paint(rng)) for _ in range(4)]
    kind, part, seed = rng.integers(5), w / copies, int(rng.integers(1 << 30))
    for turn in range(copies):
        shapes, x0 = np.random.default_rng(seed), turn * part
        for _ in range(shapes.integers(0, 5)):
            x, y, r = x0 + shapes.uniform(0, part), shapes.uniform(0, h), shapes.uniform(0.08, 0.5) * h
            ink = inks[shapes.integers(4)]
            if kind == 0:
                draw.ellipse([x - r, y - r, x + r, y + r], fill=ink)
            elif kind == 1:
                draw.rectangle([x0, y, x0 + part, y + 0.5 * r], fill=ink)
            elif kind == 2:
                draw.polygon([(x, y - r), (x + r, y + r), (x - r, y + r)], fill=ink)
            elif kind == 3:
                draw.line(
                    [(x0 + part * t, y + r * 0.3 * np.sin(t * 9)) for t in np.linspace(0, 1, 30)],
                    fill=ink,
                    width=int(0.2 * r) + 2,
                )
            else:
                draw.rounded_rectangle([x - r, y - 0.4 * r, x + r, y + 0.4 * r], 0.2 * r, fill=ink)
        ink, x, y = inks[shapes.integers(4)], x0 + shapes.uniform(0.03, 0.2) * part, shapes.uniform(0.05, 0.4) * h
        font = ImageFont.load_default(max(10, int(h * shapes.uniform(0.16, 0.34))))
        draw.text((x, y), word(shapes), fill=ink, font=font)
        draw.text((x, y + 0.4 * h), word(shapes), fill=ink, font=ImageFont.load_default(max(8, int(h * 0.1))))
        if shapes.random() < 0.6:
            text_lines(shapes, draw, (x, y + 0.55 * h, x + 0.4 * part, min(h, y + 0.9 * h)), ink, max(3, h / 32))
        if shapes.random() < 0.4:
            left, top = x0 + part * 0.6, h * shapes.uniform(0.5, 0.75)
            draw.rectangle([left, top, left + 0.3 * part, top + 0.2 * h], fill="white")
            for line in np.linspace(left + 4, left + 0.3 * part - 4, 24):
                draw.line([line, top + 3, line, top + 0.2 * h - 3], fill="black", width=int(shapes.integers(1, 4)))
    return image


def crushed(rng: np.random.Generator, strength: float) -> Callable[[np.ndarray], np.ndarray]:
    """Points of a thing about z to those after a hand or a foot: flatter, buckled, shorter; 0 leaves it, 1 is flat."""
    flat, short = 1 - strength * rng.uniform(0.2, 0.85), 1 - strength * rng.uniform(0, 0.35)
    turns, lean, seed = rng.uniform(-1.2, 1.2) * strength, rng.normal(0, 0.35, 2) * strength, rng.uniform(0, 99, 3)

    def move(p: np.ndarray) -> np.ndarray:
        low, high = p[:, 2].min(), p[:, 2].max()
        t = (p[:, 2] - low) / (high - low)
        amid = np.sin(np.pi * t) ** 0.7
        reach = np.hypot(p[:, 0], p[:, 1]).max()
        q = p.copy()
        squeeze = 1 - (1 - flat) * amid
        q[:, 1] *= squeeze
        q[:, 0] *= 1 + (1 - squeeze) * 0.35
        angle = turns * t
        q[:, :2] = np.stack(
            [q[:, 0] * np.cos(angle) - q[:, 1] * np.sin(angle), q[:, 0] * np.sin(angle) + q[:, 1] * np.cos(angle)], 1
        )
        buckle = np.array([noise.fractal(Vector(x / (0.7 * reach)) + Vector(seed), 0.9, 2.0, 3) for x in p])
        q *= np.stack([1 + 0.3 * strength * buckle * (0.2 + amid)] * 2 + [np.ones(len(p))], 1)
        q[:, :2] += lean * (amid * reach)[:, None]
        q[:, 2] = low + (q[:, 2] - low) * short
        return q

    return move


def ball(rng: np.random.Generator, material, radius: float = 4.0, rough: float = 0.14, flat: float = 1.0) -> Solid:
    """Something crumpled to an uneven ball."""
    mesh = crumple(rng, radius, rough * radius, 0.4 * rough * radius)
    stretch = rng.uniform(0.75, 1.3, 2)
    for v in mesh.verts:
        v.co.x, v.co.y, v.co.z = v.co.x * stretch[0], v.co.y * stretch[1], v.co.z * flat
    return Solid().take(mesh, material)


def heap(rng: np.random.Generator, material, width: float, height: float, folds: float = 1.0, fine: int = 110) -> Solid:
    """A heap with folds: cloth thrown down, film, coffee grounds; its outline is uneven."""
    angle, out = np.meshgrid(np.linspace(0, TAU, fine), np.linspace(0, 1, fine // 2))
    waves, phase = rng.normal(0, 0.13, 4), rng.uniform(0, TAU, 4)
    edge = 1 + sum(w * np.sin((i + 2) * angle + p) for i, (w, p) in enumerate(zip(waves, phase)))
    x, y = width * edge * out * np.cos(angle), width * edge * out * np.sin(angle)
    seed = rng.uniform(0, 99)
    crease = np.array(
        [abs(noise.fractal((a / width * 1.6, b / width * 1.6, seed), 0.75, 2.0, 5)) for a, b in zip(x.ravel(), y.ravel())]
    ).reshape(x.shape)
    z = height * (1 - out**2.2) * (0.5 + folds * crease) + 0.15 * width * folds * crease * (1 - out**8)
    return Solid().grid(np.stack([x, y, np.maximum(z, 0.02)], -1), material)


def at(x: float, y: float, z: float, turn: float = 0.0) -> Matrix:
    """A move, after a turn about z."""
    return Matrix.Translation((x, y, z)) @ Matrix.Rotation(turn, 4, "Z")


def lifted(by: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    """Moves points, shape (n, 3), up by what `by` says of each."""
    return lambda p: p + np.column_stack([0 * p[:, :2], by(p)])


def widened(by: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    """Takes points, shape (n, 3), as many times as far from the z axis as `by` says of their angles about it."""

    def move(p: np.ndarray) -> np.ndarray:
        times = by(np.arctan2(p[:, 1], p[:, 0]))
        return p * np.column_stack([times, times, np.ones(len(p))])

    return move


def put(body: Solid, piece: Solid, turn: Matrix, where: Sequence[float]) -> None:
    """Add a turned piece at a place (x, y), its lowest point on the ground."""
    low = min((turn @ Vector(p)).z for p in piece.points)
    body.add(piece, Matrix.Translation((*where, -low)) @ turn)


def outline(rng: np.random.Generator, width: float, tall: float, uneven: float, corners: int = 40) -> np.ndarray:
    """An uneven closed outline: a leaf's, a torn piece's, a puddle's."""
    angle = np.linspace(0, TAU, corners + 1)[:-1]
    r = 1 + uneven * sum(rng.normal(0, 1) / k * np.sin(k * angle + rng.uniform(0, TAU)) for k in range(2, 9))
    return np.stack([width * r * np.cos(angle), tall * r * np.sin(angle)], 1)


def cable(rng: np.random.Generator, start: Sequence[float], length: float, thick: float, material) -> Solid:
    """A cable that wanders over the ground from a point."""
    points, heading = [np.array(start, float)], rng.uniform(0, TAU)
    for _ in range(7):
        heading += rng.normal(0, 0.9)
        points.append(points[-1] + length / 7 * np.array([np.cos(heading), np.sin(heading), 0]))
        points[-1][2] = thick * rng.uniform(1, 2.2)
    return Solid().tube(curve(points, 60), thick, material, 8)
