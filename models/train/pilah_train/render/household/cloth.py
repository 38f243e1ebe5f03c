"""Cloth: dyes, weaves and prints, and how a cut piece lies."""

from collections.abc import Callable

import numpy as np
from mathutils import Matrix, Vector, noise
from PIL import Image, ImageDraw, ImageFilter

from ..soft import as_built, sheet
from ..solid import TAU, Solid, Thing, curve, rounded, wobble
from ..surface import Colour, picture
from .vary import byte, grey, hue, often, paint, pick

SIZE = 384


def dye(rng: np.random.Generator) -> Colour:
    """The colour of a cloth: bright, natural, navy, black or white."""
    natural = hue(rng, 0.05, 0.14, (0.1, 0.5), (0.4, 0.9))
    return pick(rng, paint(rng), hue(rng), natural, (0.01, 0.02, 0.06), grey(rng, 0.015, 0.05), grey(rng, 0.65, 0.85))


def textile(rng: np.random.Generator, colour: Colour, kind: int | None = None) -> Image.Image:
    """A cloth of this ground colour: plain, mottled, striped, checked, dotted, flowered, knitted or denim."""
    x, y = np.meshgrid(np.arange(SIZE) / SIZE, np.arange(SIZE) / SIZE)
    cloth = np.broadcast_to(np.array(byte(colour), float), (SIZE, SIZE, 3)).copy()
    other = lambda: np.array(byte(dye(rng)), float)
    lay = lambda mask, ink, strength=1.0: cloth.__iadd__((strength * mask)[..., None] * (ink - cloth))
    kind = int(rng.integers(9)) if kind is None else kind
    if kind == 3 or kind == 4:
        count, along = rng.integers(5, 28), pick(rng, x, y, y)
        for _ in range(rng.integers(1, 3)):
            shift, share = rng.uniform(0, 1), rng.uniform(0.15, 0.5)
            lay((along * count + shift) % 1 < share, other())
    elif kind == 5:
        count, ink, fine = rng.integers(4, 18), other(), other()
        for along in (x, y):
            lay((along * count) % 1 < 0.5, ink, 0.5)
            lay(abs((along * count) % 1 - 0.7) < 0.04, fine, 0.8)
    elif kind == 6:
        count, r = rng.integers(8, 26), rng.uniform(0.12, 0.35)
        row = np.floor(y * count)
        lay(np.hypot((x * count + 0.5 * (row % 2)) % 1 - 0.5, (y * count) % 1 - 0.5) < r, other())
    elif kind == 7:
        count = rng.integers(24, 50)
        lay(((y * count + 0.35 * abs((x * count) % 1 - 0.5)) % 1 < 0.3) | ((x * count) % 1 < 0.15), 0.6 * cloth[0, 0], 0.7)
    cloth *= 1 + (0.09 if kind in (1, 2) else 0.04) * rng.normal(0, 1, (SIZE, SIZE, 1))
    image = Image.fromarray(np.clip(cloth, 0, 255).astype(np.uint8))
    if kind == 8:
        draw, inks = ImageDraw.Draw(image), [byte(dye(rng)) for _ in range(3)]
        for _ in range(rng.integers(20, 90)):
            u, v, r, turn = *rng.uniform(0, SIZE, 2), rng.uniform(5, 14), rng.uniform(0, TAU)
            for a in turn + np.linspace(0, TAU, 6)[:-1]:
                cx, cy = u + r * np.cos(a), v + r * np.sin(a)
                draw.ellipse([cx - 0.6 * r, cy - 0.6 * r, cx + 0.6 * r, cy + 0.6 * r], fill=inks[int(u) % 2])
            draw.ellipse([u - 0.5 * r, v - 0.5 * r, u + 0.5 * r, v + 0.5 * r], fill=inks[2])
    return image


def denim(rng: np.random.Generator) -> tuple[Colour, Image.Image]:
    """Blue, black or grey jeans cloth, faded in places."""
    colour = pick(rng, (0.03, 0.06, 0.16), (0.1, 0.17, 0.32), (0.02, 0.025, 0.05), (0.25, 0.35, 0.5), (0.015, 0.015, 0.017))
    image = textile(rng, colour, 1)
    pale = Image.new("RGB", image.size, byte(tuple(min(0.8, 1.6 * c + 0.08) for c in colour)))
    mask, draw = (fade := Image.new("L", image.size, 0)), ImageDraw.Draw(fade)
    for x in (0.27, 0.73):
        draw.ellipse([(x - 0.1) * SIZE, 0.25 * SIZE, (x + 0.1) * SIZE, 0.8 * SIZE], fill=int(rng.uniform(0, 200)))
    return colour, Image.composite(pale, image, mask.filter(ImageFilter.GaussianBlur(25)))


def pen(image: Image.Image, outline: np.ndarray) -> tuple[ImageDraw.ImageDraw, Callable]:
    """Draw on a cloth, at centimetres of its outline."""
    low, span = outline.min(0), np.ptp(outline, axis=0)
    at = lambda *points: [((x - low[0]) / span[0] * SIZE, (1 - (y - low[1]) / span[1]) * SIZE) for x, y in points]
    return ImageDraw.Draw(image), at


def shade(colour: Colour, by: float) -> tuple[int, int, int]:
    """A darker or lighter tone, 8-bit."""
    return byte(tuple(min(0.9, by * c + (0.02 if by > 1 else 0)) for c in colour))


def lie(rng: np.random.Generator, body: Solid, folds: float = 0.4, loose: float = 1.0) -> Solid:
    """Let a spread cloth lie untidily: pulled out of shape, wrinkled, with a part folded over."""
    p = np.array(body.points)
    size, seed = np.ptp(p[:, :2], axis=0).max(), Vector(rng.uniform(0, 99, 3))
    drift = np.array([noise.noise_vector(Vector((*q[:2], 0)) * (2.2 / size) + seed) for q in p])
    p[:, :2] += loose * rng.uniform(0.01, 0.09) * size * drift[:, :2]
    for _ in range(2):
        if often(rng, folds):
            a, away = rng.uniform(0, TAU), rng.uniform(0.12, 0.4) * size
            way = np.array([np.cos(a), np.sin(a)])
            past = p[:, :2] @ way - away
            over = past > 0
            p[over, :2] -= 2 * past[over, None] * way * rng.uniform(0.85, 1)
            p[over, 2] = 0.035 * size * (1 - np.exp(-past[over] / (0.03 * size))) + p[:, 2].max() * 0.5 + 0.6 * p[over, 2]
    body.points = [tuple(q) for q in p]
    return body


def spread(
    rng: np.random.Generator, outline: np.ndarray, image: Image.Image, thick: float = 0.9, creases: float = 1.0, fine: int = 130
) -> Solid:
    """A cloth of this outline on the ground, puffed up a little within its edges, and wrinkled."""
    size = np.ptp(outline, axis=0).max()
    rough = creases * size * rng.uniform(0.015, 0.05)
    body = sheet(
        outline,
        picture(image, 0.95, bump=rng.uniform(0.1, 0.4)),
        rough,
        size * rng.uniform(0.12, 0.3),
        rng.uniform(0, 99),
        thick,
        fine,
    )
    a, b = outline, np.roll(outline, -1, 0)

    def puff(p: np.ndarray) -> np.ndarray:
        q, side = p[:, None, :2] - a, b - a
        t = np.clip((q * side).sum(-1) / ((side**2).sum(-1) + 1e-9), 0, 1)
        edge = np.linalg.norm(q - t[..., None] * side, axis=-1).min(1)
        return p * np.stack([np.ones(len(p))] * 2 + [np.clip(edge / (1.5 * thick), 0.05, 1) ** 0.5], 1)

    return body.bend(puff)


def stack(rng: np.random.Generator) -> Thing:
    """Garments or towels, folded to rectangles, one or a stack."""
    body, z = Solid(), 0.0
    wide, deep = rng.uniform(18, 32), rng.uniform(20, 34)
    for _ in range(pick(rng, 1, 2, 3, 5)):
        colour = dye(rng)
        material = picture(textile(rng, colour), 0.95, bump=0.3)
        layers, thick, w, d = (
            rng.integers(2, 5),
            rng.uniform(0.8, 1.8),
            wide * rng.uniform(0.9, 1.05),
            deep * rng.uniform(0.9, 1.05),
        )
        turn, seed = Matrix.Rotation(rng.normal(0, 0.05), 4, "Z"), Vector(rng.uniform(0, 99, 3))
        for _ in range(layers):
            r = thick / 2
            a = np.linspace(np.pi / 2, 1.5 * np.pi, 9)
            front = np.stack([-d / 2 + r + r * np.cos(a), r * np.sin(a)], 1)
            across = np.concatenate(
                [
                    np.stack([np.linspace(d / 2, -d / 2 + r, 26)[:-1], np.full(25, r)], 1),
                    front,
                    np.stack([np.linspace(-d / 2 + r, d / 2, 26)[1:], np.full(25, -r)], 1),
                ]
            )
            x = np.linspace(-w / 2, w / 2, 34)
            slim = np.clip((w / 2 - np.abs(x)) / r, 0.0, 1)[:, None] ** 0.5
            points = np.stack(np.broadcast_arrays(x[:, None], across[None, :, 0], across[None, :, 1] * slim + z + r), -1)
            layer = Solid().grid(points, material)
            wave = lambda p, seed=seed: p + np.array([noise.noise_vector(Vector(q) / 7 + seed) for q in p]) * (0.5, 0.5, 0.35)
            body.add(layer.bend(wave), turn)
            z += 0.93 * thick
    return as_built(body, 0.8)


def heaped(rng: np.random.Generator) -> Thing:
    """A cloth or a garment thrown down in a heap."""
    width, colour = rng.uniform(15, 28), dye(rng)
    image = textile(rng, colour) if often(rng, 0.8) else denim(rng)[1]
    angle, out = np.meshgrid(np.linspace(0, TAU, 161), np.linspace(0, 1, 70))
    edge, seed, coarse = wobble(rng, 2), Vector(rng.uniform(0, 99, 3)), rng.uniform(1.0, 1.7)
    reach = width * out * (1 + 0.25 * edge(angle))
    x, y = reach * np.cos(angle), reach * np.sin(angle)

    def ridge(p: Vector) -> float:
        p = p * (coarse / width) + seed
        p = p + 0.7 * noise.noise_vector(p * 0.8)
        return (1 - abs(noise.noise(p))) ** 4 + 0.5 * (1 - abs(noise.noise(2.3 * p))) ** 4

    folds = np.array([ridge(Vector((a, b, 0))) for a, b in zip(x.ravel(), y.ravel())]).reshape(x.shape)
    z = width * rng.uniform(0.3, 0.5) * ((1 - out**2) * 0.4 + (1 - out**5) * 0.6 * folds) + 0.3 * (1 - out**20)
    body = Solid().grid(np.stack([x, y, z], -1), picture(image, 0.95, bump=0.2))
    under = Solid().add(body).bend(lambda p: p * (1, 1, -0.6))
    for one in (body, under):
        spots = np.array(one.points)
        flat = (spots[:, :2] + spots[:, 2:] * (0.6, 0.8)) / (2.2 * width)
        one.faces = [(corners, slot, [tuple(flat[c]) for c in corners]) for corners, slot, _ in one.faces]
    return as_built(body.add(under), 0.65)


def towel(rng: np.random.Generator) -> Thing:
    """A towel, a rag or a scarf with fringes, creased or folded over."""
    w, h = pick(
        rng,
        (rng.uniform(30, 50), rng.uniform(50, 90)),
        (rng.uniform(25, 40), rng.uniform(25, 40)),
        (rng.uniform(14, 24), rng.uniform(80, 110)),
    )
    colour = dye(rng)
    image, outline = textile(rng, colour, pick(rng, 1, 4, 5, 7, None)), rounded(w, h, 0.8)
    draw, at = pen(image, outline)
    ink = pick(rng, byte(dye(rng)), shade(colour, 0.6))
    for y in rng.uniform(0.3, 0.46, 1) * h + np.arange(rng.integers(0, 4)) * 0.03 * h:
        for side in (-1, 1):
            draw.line(at((-w, side * y), (w, side * y)), fill=ink, width=int(rng.uniform(3, 9)))
    body = spread(rng, outline, image, 0.7, 1.6)
    if h > 2.5 * w or often(rng, 0.2):
        thread = picture(textile(rng, colour, 0).resize((32, 32)), 0.95)
        for x in np.arange(-w / 2, w / 2, 0.9):
            for side in (-1, 1):
                knots = [
                    (x, side * (h / 2 - 0.5), 0.5),
                    (x + rng.normal(0, 0.4), side * (h / 2 + 2.5), 0.4),
                    (x + rng.normal(0, 0.9), side * (h / 2 + rng.uniform(4, 6)), 0.3),
                ]
                body.tube(curve(knots, 6), 0.22, thread, 5)
    bow = rng.normal(0, 0.25) * (h > 2.5 * w)
    body.bend(lambda p: p + np.stack([bow * h * np.cos(np.pi * p[:, 1] / h), 0 * p[:, 0], 0 * p[:, 0]], 1))
    return as_built(lie(rng, body, 0.6, 1.5), 0.15)


KINDS = {
    "folded-stack": stack,
    "cloth-heap": heaped,
    "towel": towel,
}
