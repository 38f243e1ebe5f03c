"""Vegetables, leaves and corn."""

import numpy as np
from mathutils import Matrix, noise
from PIL import Image, ImageDraw, ImageFilter

from ..soft import as_built
from ..solid import TAU, Solid, Thing, curve, wobble
from ..surface import Colour, picture, solid_colour
from .skins import BROWN, ORANGE, RED, ribbon, skin
from .vary import byte, hue, often, pick


def veined(rng: np.random.Generator, colour: Colour, vein: Colour, pairs: int, steep: float, blotches: int) -> Image.Image:
    """The picture of a leaf: a midrib, pairs of veins, blotches."""
    w, h = 192, 384
    image = Image.new("RGB", (w, h), byte(colour))
    draw = ImageDraw.Draw(image)
    for _ in range(blotches):
        x, y, r = rng.uniform(0, w), rng.uniform(0, h), rng.uniform(3, 22)
        draw.ellipse(
            [x - r, y - r, x + r, y + 1.6 * r],
            fill=byte(tuple(np.array(pick(rng, colour, BROWN, (0.4, 0.3, 0.05))) * rng.uniform(0.6, 1.3))),
        )
    image = image.filter(ImageFilter.GaussianBlur(4))
    draw = ImageDraw.Draw(image)
    for y in np.linspace(0, h, pairs):
        for x in (0, w):
            draw.line([w / 2, y, (w / 2 + x) / 2, y - steep * 20, x, y - steep * 60], fill=byte(vein), width=2)
    draw.line([w / 2, 0, w / 2, h], fill=byte(vein), width=6)
    return image.filter(ImageFilter.GaussianBlur(0.8))


def leaves(rng: np.random.Generator) -> Thing:
    """One or several leaves, green or dry and curled."""
    dry, long, wide = often(rng, 0.5), rng.uniform(6, 16), rng.uniform(0.18, 0.38)
    a, b, fall = rng.uniform(0.6, 1.3), rng.uniform(0.6, 1.1), rng.uniform(0.2, 1.6) if dry else rng.uniform(0, 0.4)

    def leaf(body: Solid, at: np.ndarray, heading: float, high: float) -> Solid:
        colour = (
            pick(rng, (0.2, 0.1, 0.03), (0.3, 0.17, 0.05), (0.35, 0.22, 0.04), (0.35, 0.06, 0.02))
            if dry
            else hue(rng, 0.2, 0.36, (0.6, 0.9), (0.2, 0.6))
        )
        vein = tuple(np.array(colour) * (rng.uniform(1.4, 2) if not dry else 0.6))
        surface = picture(veined(rng, colour, vein, rng.integers(7, 16), rng.uniform(0.3, 1), rng.integers(0, 30)), 0.6, bump=0.3)
        size, t = long * rng.uniform(0.7, 1.15), np.linspace(0, 1, 36)
        turn, curl = rng.normal(0, 0.4), rng.uniform(0.2, 1) * fall
        way = np.stack([np.cos(heading + turn * t), np.sin(heading + turn * t), np.zeros(36)], 1)
        path = at + size * t[:, None] * way
        path[:, 2] = high + 0.15 + curl * 0.16 * size * np.sin(t * np.pi * rng.uniform(0.8, 1.8)) + 0.05 * size * t
        half = wide * size * np.sin(np.pi * t**a) ** b + 0.02
        ribbon(body, path, half, surface, surface, rng.uniform(-0.2, 0.6) * (0.3 + fall), 0.02)
        stalk = curve([path[1], path[0], path[0] - 0.12 * size * way[0], path[0] - 0.22 * size * way[0] + (0, 0, 0.2)], 10)
        return body.tube(stalk, 0.012 * size, solid_colour(tuple(0.7 * c for c in colour), 0.7), 6)

    body, twig = Solid(), often(rng, 0.25)
    if twig:
        stem = curve([(0, 0, 0.6), (0.8 * long, rng.normal(0, 1), 1.2), (1.6 * long, rng.normal(0, 3), 0.6)], 30)
        body.tube(stem, np.linspace(0.3, 0.12, 30), solid_colour(pick(rng, BROWN, (0.1, 0.2, 0.03)), 0.8), 8)
        for i, p in enumerate(stem[4::4]):
            leaf(body, p + (0.2 * long * np.array([0.6, (-1) ** i * 0.8, 0])), (-1) ** i * rng.uniform(0.5, 1.2), p[2])
    else:
        for i in range(pick(rng, 1, 2, 4, 8)):
            leaf(body, np.array([*rng.normal(0, 0.25 * long, 2) * (i > 0), 0]), rng.uniform(0, TAU), 0.25 * i)
    loose = [leaf(Solid(), np.zeros(3), 0, 0) for _ in range(pick(rng, 0, 0, 1, 3))]
    return Thing(body, loose, upright=0.25, end_on=True)


def long_vegetable(rng: np.random.Generator) -> Thing:
    """A carrot, cucumber, chilli, aubergine or radish, whole or cut."""
    green, kind = (0.05, 0.16, 0.02), rng.integers(6)
    long, thick, shape, colours, flesh = [
        ((9, 19), (0.1, 0.14), [1, 0.98, 0.85, 0.6, 0.12], [(ORANGE, (0.85, 0.3, 0.03))], (0.85, 0.3, 0.03)),
        ((13, 24), (0.09, 0.12), [0.75, 1, 1, 1, 0.55], [((0.02, 0.07, 0.01), (0.07, 0.18, 0.03))], (0.7, 0.78, 0.45)),
        (
            (5, 14),
            (0.07, 0.1),
            [0.8, 1, 0.85, 0.55, 0.08],
            [((0.5, 0.01, 0.01), (0.65, 0.03, 0.01)), (green, (0.1, 0.28, 0.02)), (ORANGE, RED)],
            RED,
        ),
        ((12, 24), (0.11, 0.17), [0.55, 0.75, 1, 1.1, 0.5], [((0.02, 0.005, 0.02), (0.06, 0.01, 0.06))], (0.75, 0.7, 0.5)),
        ((10, 20), (0.11, 0.16), [1, 1, 0.9, 0.6, 0.1], [((0.75, 0.72, 0.65), (0.8, 0.8, 0.75))], (0.85, 0.85, 0.8)),
        ((10, 18), (0.12, 0.16), [0.8, 1, 1, 1, 0.7], [((0.15, 0.25, 0.04), (0.25, 0.36, 0.07))], (0.75, 0.75, 0.45)),
    ][kind]
    length, cut, t = rng.uniform(*long), often(rng, 0.3) and kind != 2, np.linspace(0, 1, 60)
    r = length * rng.uniform(*thick) * np.interp(t, [0, 0.1, 0.4, 0.8, 1], shape)
    r *= np.clip(np.minimum(t / 0.04, (1 - t) / 0.04), 0.05, 1) ** 0.5 * (
        1 + 0.03 * np.sin(t * rng.uniform(20, 60) + 3 * np.sin(9 * t))
    )
    bow = rng.normal(0, 0.12) * (3 if kind == 2 else 1)
    path = length * np.stack([t, bow * np.sin(np.pi * t), 0.3 * bow * np.sin(2 * np.pi * t)], 1)
    a, b = colours[rng.integers(len(colours))]
    surface = skin(
        rng,
        a,
        b,
        0.15 if kind in (2, 3) else 0.5,
        streaks=14 if kind in (1, 5) else 0,
        spots=pick(rng, 0, 0, rng.uniform(0, 0.7)),
        pores=0.25 * (kind in (0, 1, 4)),
        fine=2,
    )
    keep = rng.integers(22, 46) if cut else 60
    body = Solid().tube(path[:keep], r[:keep], surface, 28)
    if cut:
        inside = skin(rng, flesh, tuple(0.8 * c for c in flesh), 0.4, 1.5)
        body.tube(path[keep - 1 : keep + 1], np.array([1.0, 0.93]) * r[keep - 1], inside, 28)
    leaf = solid_colour(green, 0.7)
    if kind in (0, 4) and often(rng, 0.4):
        for angle in rng.uniform(0, TAU, 8):
            out = rng.uniform(0.05, 0.25) * length
            end = np.array([-rng.uniform(0.3, 0.7) * length, out * np.cos(angle), out * np.sin(angle)])
            stem = curve([(0.1, 0, 0), 0.4 * end * (1, 0.5, 0.5), end], 14)
            body.tube(stem, np.linspace(0.2, 0.06, 14), leaf, 6)
            for p in stem[5:]:
                for side in (-1, 1):
                    body.tube(np.array([p, p + (-0.5, *(side * rng.uniform(0.3, 0.9, 2)))]), np.array([0.1, 0.2]), leaf, 4)
    elif kind in (1, 2, 3, 5) and often(rng, 0.8):
        body.tube(curve([(0.1, 0, 0), (-0.06 * length, 0.1, 0), (-0.14 * length, 0.5, 0.3)], 10), 0.14 * r.max() + 0.08, leaf, 10)
        if kind == 3:
            cap = Solid().lathe(
                [(0.2, -0.4), (0.62, 0.1), (0.8, 1.0), (0.86, 1.9)],
                leaf,
                40,
                lambda rr, z, a: rr * r.max() * (0.85 - 0.25 * (z > 1.5) * np.cos(5 * a)),
            )
            body.add(cap, Matrix.Rotation(np.pi / 2, 4, "Y"))
    return as_built(body, 0)


def melon(rng: np.random.Generator) -> Thing:
    """A wedge of watermelon or melon, or the rind that is left of one."""
    water, r, half = often(rng, 0.65), rng.uniform(7, 13), rng.uniform(0.2, 0.5)
    rind, flesh = (
        (pick(rng, (0.02, 0.09, 0.02), (0.1, 0.22, 0.05)), pick(rng, (0.65, 0.05, 0.05), (0.7, 0.12, 0.08), (0.75, 0.5, 0.06)))
        if water
        else pick(rng, ((0.6, 0.45, 0.15), (0.8, 0.3, 0.06)), ((0.5, 0.5, 0.2), (0.6, 0.7, 0.3)))
    )
    eaten = rng.uniform(0.55, 0.82) if often(rng, 0.45) else 0.0
    image = Image.new("RGB", (512, 256), byte(flesh))
    draw = ImageDraw.Draw(image)
    draw.rectangle([0, 0, 512, 34], fill=byte((0.7, 0.75, 0.45)))
    draw.rectangle([0, 0, 512, 10], fill=byte(rind))
    image = image.filter(ImageFilter.GaussianBlur(5))
    draw = ImageDraw.Draw(image)
    for _ in range(rng.integers(10, 50) if water else 0):
        x, y = rng.uniform(20, 492), rng.uniform(60, 150)
        draw.ellipse([x, y, x + 5, y + 12], fill=(25, 12, 8))
    t = np.linspace(0, 1, 30)[:, None]
    phi = np.linspace(-np.pi / 2, np.pi / 2, 70)[None]
    gnaw = wobble(rng, 3)
    inner = np.clip(eaten + (0.06 * np.abs(gnaw(1.5 * phi)) if eaten > 0.2 else 0) + 0 * phi, 0, 0.88)
    rho = r * (inner + (1 - inner) * t)
    point = lambda rho, turn: np.stack(
        np.broadcast_arrays(rho * np.cos(phi) * np.cos(turn), rho * np.sin(phi), rho * np.cos(phi) * np.sin(turn)), -1
    )
    face, across = picture(image, 0.25, bump=0.2), np.linspace(-half, half, 40)[:, None]
    stripes = Image.new("RGB", (256, 256), byte(rind))
    draw = ImageDraw.Draw(stripes)
    for y in np.arange(0, 256, rng.uniform(40, 90)) if water else ():
        draw.line(
            [(x, y + rng.normal(0, 9)) for x in range(0, 260, 8)],
            fill=byte(tuple(np.array((0.22, 0.36, 0.1)) * rng.uniform(0.7, 1.2))),
            width=int(rng.uniform(10, 26)),
        )
    body = Solid().grid(point(rho, half), face).grid(point(rho, -half)[:, ::-1], face)
    body.grid(point(r * inner, across), skin(rng, flesh, tuple(np.array(flesh) * 0.8 + 0.1 * (eaten > 0.2)), 0.3, pores=0.3))
    body.grid(point(np.full_like(inner, r), across), picture(stripes.filter(ImageFilter.GaussianBlur(2)), 0.35))
    return as_built(body, 0)


def corn(rng: np.random.Generator) -> Thing:
    """A corn cob: full, half eaten or bare, some with husk."""
    rows, along, eaten = int(rng.integers(12, 17)), int(rng.integers(26, 36)), pick(rng, 0.0, rng.uniform(0.2, 0.7), 1.0)
    base = np.array(pick(rng, (0.8, 0.48, 0.03), (0.8, 0.58, 0.12), (0.75, 0.65, 0.35)))
    tone = base * rng.uniform(0.75, 1.1, (along, rows, 1))
    gone = (
        rng.random((along, rows))
        < np.clip(eaten + 0.45 * np.sin(np.linspace(0, rng.uniform(3, 9), along) + rng.uniform(0, TAU)) * (0 < eaten < 1), 0, 1)[
            :, None
        ]
    )
    tone[gone] = np.array((0.6, 0.42, 0.2)) * rng.uniform(0.6, 1, (gone.sum(), 1))
    big = np.kron(tone, np.ones((6, 6, 1)))
    image = Image.fromarray((255 * np.clip(big, 0, 1) ** (1 / 2.2)).astype(np.uint8)[::-1])
    t = np.linspace(0, 1, 6 * along + 1)
    long, r = rng.uniform(13, 20), rng.uniform(1.9, 2.7)
    profile = np.stack([r * np.clip(np.interp(t, [0, 0.04, 0.15, 0.7, 1], [0.6, 0.9, 1, 0.92, 0.35]), 0, 1), long * t], 1)
    lift = np.kron(np.where(gone, 0.25, 1), np.ones((6, 6)))
    lift = np.pad(lift, ((0, 1), (0, 1)), "wrap")
    bump = (
        np.abs(np.sin(np.pi * along * t))[:, None] ** 0.5
        * np.abs(np.sin(np.linspace(0, np.pi * rows, 6 * rows + 1)))[None] ** 0.5
    )
    body = Solid().lathe(
        profile, picture(image, 0.3), 6 * rows, lambda rr, z, a: rr * (0.82 + 0.2 * bump * lift - 0.14 * (lift < 1))
    )
    pith = solid_colour((0.6, 0.5, 0.28), 0.9, grain=0.5)
    body.tube(np.array([(0, 0, -rng.uniform(0.5, 3)), (0, 0, 0.3)]), 0.55 * r, pith, 20).tube(
        np.array([(0, 0, long - 0.2), (0, 0, long + 0.2)]), 0.3 * r, pith, 16
    )
    for a in rng.uniform(0, TAU, 5) if often(rng, 0.4) else ():
        way, green = np.array([np.cos(a), np.sin(a), 0]), skin(rng, (0.3, 0.4, 0.1), (0.55, 0.55, 0.25), 0.7, streaks=20)
        out = rng.uniform(0.3, 3)
        path = curve(
            [
                0.5 * r * way + (0, 0, -0.5),
                (r + 0.3) * way + (0, 0, 0.25 * long),
                (r + out) * way + (0, 0, rng.uniform(0.5, 0.8) * long),
            ],
            24,
        )
        ribbon(body, path, 1.1 * r * np.sin(np.pi * np.linspace(0.12, 0.99, 24)), green, green, 0.35, 0.03, up=-way)
    return as_built(body, 0)


def lettuce(rng: np.random.Generator) -> Thing:
    """Crumpled leaves of lettuce or cabbage."""
    colour, vein = pick(
        rng,
        ((0.25, 0.45, 0.06), (0.6, 0.68, 0.35)),
        ((0.45, 0.56, 0.18), (0.7, 0.72, 0.45)),
        ((0.14, 0.02, 0.06), (0.5, 0.25, 0.35)),
        ((0.06, 0.17, 0.03), (0.45, 0.55, 0.25)),
    )
    body = Solid()
    ruffle, deep = rng.uniform(0.3, 1), rng.uniform(0.1, 0.5)
    for i in range(pick(rng, 1, 1, 2, 3)):
        size, seed, edge = rng.uniform(7, 12), rng.uniform(0, 99), wobble(rng, 4)
        surface = picture(veined(rng, colour, vein, 9, 1.5, rng.integers(0, 12)).resize((192, 192)), 0.45, bump=0.5)
        u, t = np.meshgrid(np.linspace(-1, 1, 80), np.linspace(0, 1, 80))
        half = size * 0.75 * np.sin(np.pi * (0.08 + 0.84 * t**0.75)) ** 0.7
        x, y = u * half * (1 + 0.08 * edge(3 * t)), size * 1.5 * (t - 0.5) + 0.2 * size * (1 - u**2) * (t - 0.3)
        crease = np.array(
            [noise.fractal((a / size * 3, b / size * 3, seed), 0.8, 2, 4) for a, b in zip(x.ravel(), y.ravel())]
        ).reshape(u.shape)
        out = np.maximum(np.abs(u), np.abs(2 * t - 1)) ** 3
        z = (
            deep * size * (u**2 + (2 * t - 1) ** 2) * 0.5
            + crease * size * 0.1 * (0.5 + 1.2 * ruffle * out)
            + ruffle * 0.05 * size * out * np.sin(20 * (u + 2 * t))
        )
        leaf = Solid().grid(np.stack([x, y, z], -1), surface)
        leaf.tube(
            np.stack([0 * t[:60, 0], size * 1.5 * (t[:60, 40] - 0.5) + 0.2 * size * (t[:60, 40] - 0.3), z[:60, 40] - 0.1], 1),
            0.045 * size * np.linspace(1, 0.2, 60),
            solid_colour(vein, 0.5),
            8,
        )
        body.add(
            leaf,
            Matrix.Translation((*rng.normal(0, 2.5, 2) * (i > 0), 1.5 * i))
            @ Matrix.Rotation(rng.uniform(0, TAU), 4, "Z")
            @ Matrix.Rotation(rng.normal(0, 0.3), 4, "X"),
        )
    return as_built(body, 0.4)


KINDS = {
    "leaves": leaves,
    "long-vegetable": long_vegetable,
    "melon": melon,
    "corn": corn,
    "lettuce": lettuce,
}
