"""Things of no class, of rubber, foam and rope, and toys."""

import numpy as np
from mathutils import Matrix, noise
from PIL import Image, ImageDraw

from ..soft import as_built
from ..solid import TAU, Solid, Thing, curve, rounded, wobble
from ..surface import picture, solid_colour
from .crockery import foam, lying, speckled
from .vary import QUARTER, artwork, at, byte, grey, hue, often, paint, pick


def sponge(rng: np.random.Generator) -> Thing:
    """A sponge, often with a scouring side, worn."""
    w, h, z, colour = rng.uniform(8, 14), rng.uniform(5.5, 8.5), rng.uniform(2, 4), hue(rng, 0.0, 1.0, (0.5, 0.95), (0.6, 0.95))
    colour = pick(rng, colour, hue(rng, 0.12, 0.16, (0.7, 0.95), (0.8, 0.98)))
    edge = rounded(w, h, pick(rng, 0.4, 2.5))
    body = Solid().prism(edge, z, foam(colour, rng.uniform(1.5, 4)), 0.3)
    if often(rng, 0.65):
        rub = foam(pick(rng, (0.02, 0.15, 0.04), (0.02, 0.15, 0.04), hue(rng)), 7)
        body.add(Solid().prism(edge * 1.005, 0.7, rub, 0.12), at(0, 0, z - 0.1))
    seed, waist = rng.uniform(0, 99), rng.uniform(0, 0.12)

    def wave(p):
        return np.array([noise.noise((x * 0.3, y * 0.3, seed)) for x, y, _ in p])

    body.bend(lambda p: p * np.stack([1 - 0 * p[:, 0], 1 - waist * np.cos(p[:, 0] / w * np.pi), 1 + 0.25 * wave(p)], 1))
    bow = rng.normal(0, 0.012)
    body.bend(lambda p: p + np.outer(bow * p[:, 0] ** 2, (0, 0, 1)))
    return as_built(body, 0.3)


def toy_bricks(rng: np.random.Generator) -> Thing:
    """Toy bricks with studs: built up, or loose ones."""

    def brick(wide: int, long: int, z: float = 0.94) -> Solid:
        colour = pick(rng, hue(rng, saturation=(0.8, 1)), hue(rng, saturation=(0.8, 1)), paint(rng))
        block, stuff, inside = Solid(), solid_colour(colour, 0.2, coat=0.4), solid_colour(tuple(0.3 * c for c in colour), 0.4)
        block.box((0.8 * long - 0.02, 0.8 * wide - 0.02, z), (0, 0, z / 2), stuff, 0.04)
        block.box((0.8 * long - 0.26, 0.8 * wide - 0.26, 0.02), (0, 0, 0), inside)
        for x in range(1, long):
            tube = Solid().lathe([(0.24, 0.1), (0.24, -0.03), (0.33, -0.03), (0.33, 0.1)], stuff, 18)
            block.add(tube, at(0.8 * (x - long / 2), 0, 0))
        for x in range(long):
            for y in range(wide):
                stud = Solid().lathe([(0.25, 0), (0.25, 0.16), (0.22, 0.19), (0, 0.19)], stuff, 18)
                block.add(stud, at(0.8 * (x - (long - 1) / 2), 0.8 * (y - (wide - 1) / 2), z - 0.01))
        return block

    body, x = brick(2, int(rng.integers(2, 7))), 0.0
    for level in range(1, rng.integers(1, 6)):
        long = int(rng.integers(2, 5))
        x += 0.8 * rng.integers(-1, 2)
        body.add(brick(2, long), at(x + 0.4 * (long % 2), 0, 0.96 * level, pick(rng, 0, 0, QUARTER)))
    return Thing(
        body, [brick(pick(rng, 1, 2, 2), int(rng.integers(1, 5))) for _ in range(rng.integers(0, 5))], upright=0.5, end_on=True
    )


def ball(rng: np.random.Generator) -> Thing:
    """A ball: tennis, basketball, beach, football or plain rubber."""
    kind, z = pick(rng, "tennis", "basket", "beach", "foot", "rubber"), np.sin(np.linspace(-QUARTER, QUARTER, 41))
    r = {"tennis": 3.3, "basket": 12, "beach": rng.uniform(8, 15), "foot": 11, "rubber": rng.uniform(2.5, 9)}[kind]
    flat, line = Matrix.Diagonal((1, 1, rng.uniform(0.55, 1), 1)) if often(rng, 0.2) else Matrix(), np.linspace(0, TAU, 97)

    def globe(material):
        return Solid().lathe(np.stack([r * np.sqrt(np.maximum(0, 1 - z**2)), r * z], 1), material, 56)

    def on(p):
        return r * p / np.linalg.norm(p, axis=1, keepdims=True)

    if kind == "tennis":
        body = globe(
            solid_colour(hue(rng, 0.17, 0.23, (0.7, 0.95), (0.7, 0.95)), 0.95, grain=0.9, grain_scale=5, dirt=pick(rng, 0, 0.3))
        )
        seam = np.stack(
            [np.cos(line) + 0.35 * np.cos(3 * line), np.sin(line) - 0.35 * np.sin(3 * line), 1.05 * np.sin(2 * line)], 1
        )
        body.tube(on(seam), 0.1, solid_colour((0.8, 0.8, 0.76), 0.9), 6)
    elif kind == "basket":
        body, black = (
            globe(solid_colour(hue(rng, 0.03, 0.07, (0.8, 1), (0.6, 0.85)), 0.7, grain=0.6, grain_scale=4)),
            solid_colour((0.01, 0.01, 0.01), 0.7),
        )
        c, s = np.cos(line), np.sin(line)
        bow = 0.8 * c * abs(c) + 0.3 * c
        rings = [(c, s, 0 * s), (c, 0 * c, s), *((bow, side * (0.75 + 0.25 * s**2), s) for side in (-1, 1))]
        for ring in (np.stack(axes, 1) for axes in rings):
            body.tube(on(ring), 0.16, black, 6)
    elif kind == "foot":
        body, dark = (
            globe(solid_colour(grey(rng, 0.7, 0.85), 0.35)),
            solid_colour(pick(rng, (0.012, 0.012, 0.013), hue(rng)), 0.35),
        )
        seam, golden = solid_colour((0.1, 0.1, 0.1), 0.8), (1 + 5**0.5) / 2
        corners = [np.array((0, a, b * golden))[[i, i - 2, i - 1]] for i in range(3) for a in (-1, 1) for b in (-1, 1)]
        for c in corners:
            c = c / np.linalg.norm(c)
            near = sorted((d / np.linalg.norm(d) for d in corners), key=lambda d: -d @ c)[1:6]
            first = near[0]
            near = sorted(near, key=lambda d: np.arctan2(d @ np.cross(first, c), d @ (first - c * (first @ c))))
            five = np.array([(2 * c + d) / 3 for d in near])
            rim = np.array([five[i] + t * (five[(i + 1) % 5] - five[i]) for i in range(5) for t in (0, 0.33, 0.67)])
            rim = np.vstack([rim, rim[:1]])
            body.grid(np.stack([on(c + t * (rim - c)) * 1.006 for t in (0.001, 0.35, 0.7, 1)]), dark)
            for d in near:
                body.tube(on(np.linspace((2 * c + d) / 3, (c + d) / 2, 6)), 0.1, seam, 6)
    else:
        strip = artwork(rng, (512, 256)) if kind == "rubber" else Image.new("RGB", (384, 64), (240, 240, 235))
        panels, other = int(rng.integers(4, 9)), byte(grey(rng, 0.7, 0.9))
        for i in range(panels * (kind == "beach")):
            ink = other if i % 2 else byte(hue(rng, saturation=(0.7, 1)))
            ImageDraw.Draw(strip).rectangle([i * 384 / panels, 0, (i + 1) * 384 / panels, 64], fill=ink)
        body = globe(
            pick(rng, picture(strip, 0.3), solid_colour(paint(rng), 0.5, dirt=0.3)) if kind == "rubber" else picture(strip, 0.25)
        )
    return as_built(Solid().add(body, flat), 0.2)


def rope(rng: np.random.Generator) -> Thing:
    """A rope of three strands, coiled or lying in bends."""
    thick, n = rng.uniform(0.25, 0.6), 330
    colour = pick(rng, (0.5, 0.36, 0.18), (0.6, 0.48, 0.3), hue(rng), grey(rng, 0.6, 0.8))
    if often(rng, 0.65):
        turns, r = rng.uniform(2.5, 5.5), rng.uniform(4, 7)
        a = np.linspace(0, TAU * turns, n)
        ring = r * (1 + 0.05 * a / TAU) + curve(rng.normal(0, 0.06 * r, (12, 1)), n)[:, 0]
        path = np.stack([ring * np.cos(a), rng.uniform(0.65, 1) * ring * np.sin(a), 2 * thick + 0.5 * thick * a / TAU * 2], 1)
    else:
        bends = np.column_stack(
            [np.linspace(-10, 10, 9) + rng.normal(0, 2, 9), rng.normal(0, 6, 9), 2 * thick * rng.uniform(1, 2, 9)]
        )
        path = curve(bends, n)
    gone = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    ahead = np.gradient(path, axis=0)
    side = np.cross(ahead, (0, 0, 1.0))
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    up, body, strand = (
        np.cross(side, ahead / np.linalg.norm(ahead, axis=1, keepdims=True)),
        Solid(),
        solid_colour(colour, 0.95, grain=0.8, grain_scale=6),
    )
    for turn in range(3):
        a = (gone * 1.5 / thick / 2 + turn * TAU / 3)[:, None]
        body.tube(path + 0.62 * thick * (np.cos(a) * side + np.sin(a) * up), 0.6 * thick, strand, 7)
    return as_built(body, 0.1)


def corks(rng: np.random.Generator) -> Thing:
    """Bottle corks, one or a few, some printed or stained."""
    body = Solid()
    for i in range(rng.integers(1, 6)):
        stuff = speckled((0.25, 0.13, 0.06), (0.62, 0.42, 0.24), rng.uniform(3, 6), 0.9, 0.3, rng.uniform(0.35, 0.45))
        r, h, z = rng.uniform(1.0, 1.25), rng.uniform(3.4, 4.8), 0.08
        cork = Solid().lathe([(0, 0), (r - z, 0), (r, z), (r * rng.uniform(0.95, 1.12), h - z), (r - z, h), (0, h)], stuff, 32)
        cork.lathe([(0.97 * r, -0.01), (0, -0.01)], solid_colour(pick(rng, (0.12, 0.02, 0.04), (0.5, 0.33, 0.18)), 0.9), 28)
        body.add(
            cork,
            lying(4.6 * np.cos(2.4 * i) * (i > 0), 4.6 * np.sin(2.4 * i) * (i > 0), r, rng.uniform(0, TAU)) @ at(0, 0, -h / 2),
        )
    return as_built(body, 0.15)


def flip_flop(rng: np.random.Generator) -> Thing:
    """A flip-flop, or a shoe sole without its strap."""
    long, side, z = rng.uniform(18, 28), pick(rng, -1, 1), rng.uniform(1.2, 2.4)
    half = [(0, -0.5), (0.13, -0.46), (0.15, -0.3), (0.12, -0.05), (0.19, 0.22), (0.16, 0.4), (0.02, 0.5), (-0.12, 0.46),
            (-0.17, 0.28),
            (-0.15, 0.1), (-0.14, -0.3), (-0.11, -0.46), (0, -0.5)]  # fmt: skip
    edge = curve(np.array(half) * long * (side, 1), 70)[:-1]
    colour, top = paint(rng), paint(rng)
    body = Solid().prism(edge, 0.6 * z, solid_colour(colour, 0.7), 0.12)
    upper = foam(top, 9) if often(rng, 0.5) else picture(artwork(rng, (256, 512), top, 1), 0.7, bump=0.2)
    body.add(Solid().prism(edge * 0.995, 0.4 * z, upper, 0.12), at(0, 0, 0.58 * z))
    dark = solid_colour(tuple(0.3 * c for c in colour), 0.8)
    for y in np.linspace(-0.42, 0.42, 22):
        wide = 0.2 if y < 0 else 0.25
        body.box((wide * long, 0.012 * long, 0.25), (0.01 * long * side, y * long, -0.05), dark)
    if often(rng, 0.8):
        strap, toe = solid_colour(pick(rng, paint(rng), colour), 0.4), np.array((-0.03 * side * long, 0.3 * long, z))
        for end in (-1, 1):
            foot = np.array((end * 0.125 * long, -0.08 * long, z - 0.2))
            bow = (toe + foot) / 2 + (end * 0.04 * long, 0.02 * long, 0.15 * long)
            body.tube(curve([toe + (0, 0, 0.8), bow, foot], 24), np.linspace(0.45, 0.75, 24), strap, 10)
        body.tube(np.array([toe - (0, 0, 0.3), toe + (0, 0, 1.1)]), 0.4, strap, 10)
    bow = rng.uniform(0, 0.004)
    body.bend(lambda p: p + np.outer(bow * (p[:, 1] - 0.1 * long).clip(0) ** 2, (0, 0, 1)))
    return as_built(body, 0.25)


def rubber(rng: np.random.Generator) -> Thing:
    """Rubber: a coil or piece of hose, or a tangle of bands."""
    body = Solid()
    if often(rng, 0.5):
        r, colour = rng.uniform(0.6, 1.3), pick(rng, (0.02, 0.2, 0.05), (0.02, 0.2, 0.05), (0.01, 0.01, 0.011), hue(rng))
        hose, n = solid_colour(colour, 0.5, grain=0.1, dirt=pick(rng, 0, 0.3)), 150
        bend = rng.uniform(0.5, 3.2) * TAU
        a, ring = np.linspace(0, bend, n), rng.uniform(7, 11)
        path = np.stack([ring * np.cos(a), ring * np.sin(a) * rng.uniform(0.7, 1), r * (1 + 2.05 * a / TAU)], 1)
        body.tube(path, r, hose, 16)
        stripe = path + np.array((0, 0, 0.98 * r))
        body.tube(stripe, 0.12 * r, solid_colour(pick(rng, (0.8, 0.7, 0.05), tuple(0.4 * c for c in colour)), 0.5), 6)
        hole = solid_colour((0.002, 0.002, 0.002), 0.9)
        for end, other in ((0, 1), (-1, -2)):
            out = (path[end] - path[other]) / np.linalg.norm(path[end] - path[other])
            body.tube(np.array([path[end] - 0.1 * out, path[end] + 0.03 * out]), 0.7 * r, hole, 16)
    else:
        for _ in range(rng.integers(2, 14)):
            a, size, bend = np.linspace(0, TAU, 60), rng.uniform(1.8, 4), wobble(rng, 2)
            ring = size * (1 + 0.3 * bend(a))
            path = np.stack([ring * np.cos(a), rng.uniform(0.4, 1) * ring * np.sin(a), 0.4 + 0.25 * wobble(rng, 2)(a)], 1)
            band = Solid().tube(path, 0.1, solid_colour(pick(rng, (0.6, 0.4, 0.18), hue(rng, saturation=(0.7, 1))), 0.5), 6)
            body.add(band.bend(lambda p: p * (1, 1, 1.6)), at(*rng.normal(0, 1.6, 2), rng.uniform(0, 0.5), rng.uniform(0, TAU)))
    return as_built(body, 0.2)


KINDS = {
    "ball": ball,
    "corks": corks,
    "flip-flop": flip_flop,
    "rope": rope,
    "rubber": rubber,
    "sponge": sponge,
    "toy-bricks": toy_bricks,
}
