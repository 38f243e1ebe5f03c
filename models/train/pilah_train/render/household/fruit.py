"""Fruit and bulbs: whole, bitten, spotted or going off."""

import numpy as np
from mathutils import Matrix
from PIL import Image, ImageDraw, ImageFilter

from ..soft import as_built
from ..solid import TAU, Solid, Thing, curve, wobble
from ..surface import picture, solid_colour
from .skins import BROWN, CREAM, GREEN, ORANGE, RED, YELLOW, banana_colours, bitten, lumpy, ribbon, round_profile, scattered, skin
from .vary import byte, often, pick


def fruit(rng, radius, tall, colours, lobes=0, lump=0.05, stalk=0.0, bite=0.0, flesh=CREAM, shape=None, **look) -> Thing:
    """A round fruit, sometimes bitten and sometimes with another one or two."""

    def one() -> Solid:
        r = rng.uniform(*radius)
        profile = round_profile(r, rng.uniform(*tall), **{k: rng.uniform(*v) for k, v in (shape or {}).items()})
        bites, start = [], rng.uniform(0, TAU)
        for i in range(rng.integers(2, 6) if often(rng, bite) else 0):
            turn, up = start + 0.5 * i, rng.normal(0, 0.25)
            middle = 1.05 * r * np.array([np.cos(turn), np.sin(turn), up])
            bites.append((middle, r * rng.uniform(0.4, 0.6)))
        a, b = colours[rng.integers(len(colours))]
        surface = skin(rng, a, b, spots=pick(rng, 0, 0, rng.uniform(0.1, 0.9)), bites=bites, flesh=flesh, **look)
        wave, phase = rng.uniform(0.005, 0.025), rng.uniform(0, TAU)
        ribs = lambda rr, z, angle: rr * (1 + wave * np.cos(lobes * angle + phase) * (lobes > 0))
        body = Solid().lathe(profile, surface, 64, ribs).bend(lumpy(rng, lump, r)).bend(bitten(bites))
        if often(rng, stalk):
            z, lean = profile[-1, 1], rng.normal(0, 0.5, 2)
            path = curve([(0, 0, z - 0.3), (*0.2 * lean, z + 0.6), (*lean, z + rng.uniform(0.8, 2.2))], 8)
            body.tube(path, rng.uniform(0.1, 0.2), solid_colour(pick(rng, BROWN, (0.08, 0.12, 0.03)), 0.8), 8)
        return body

    body = one()
    for side in (-1, 1)[: pick(rng, 0, 0, 0, 1, 2)]:
        first, other = np.array(body.points), one()
        second = np.array(other.points)
        away = first[:, 0].max() - second[:, 0].min() if side > 0 else first[:, 0].min() - second[:, 0].max()
        body.add(other, Matrix.Translation((0.97 * away, 0, first[:, 2].min() - second[:, 2].min())))
    return as_built(body, 0.15)


def apple(rng: np.random.Generator) -> Thing:
    """An apple: red, yellow or green, streaked, some bitten."""
    colours = [(RED, (0.45, 0.07, 0.02)), (RED, (0.25, 0.01, 0.02)), (GREEN, (0.35, 0.48, 0.1)), ((0.5, 0.2, 0.05), RED)]
    shape = {"top": (0.3, 0.42), "bottom": (0.1, 0.2), "taper": (-0.16, -0.06)}
    return fruit(rng, (3, 4.5), (0.95, 1.15), colours, 5, 0.05, 0.9, 0.3, (0.8, 0.68, 0.4), shape, streaks=40.0, rough=0.35)


def pear(rng: np.random.Generator) -> Thing:
    """A pear or an avocado."""
    colours = [(GREEN, (0.4, 0.4, 0.06)), (YELLOW, (0.5, 0.4, 0.06)), ((0.02, 0.05, 0.015), (0.04, 0.1, 0.02))]
    return fruit(rng, (3, 4.2), (1.3, 1.7), colours, 0, 0.06, 0.8, 0.15, (0.75, 0.7, 0.4), {"taper": (0.45, 0.6)}, pores=0.15)


def tomato(rng: np.random.Generator) -> Thing:
    """A tomato with its star of green."""
    thing = fruit(
        rng,
        (2.2, 4.5),
        (0.75, 1),
        [((0.5, 0.015, 0.01), (0.6, 0.05, 0.015)), (RED, (0.65, 0.12, 0.02))],
        pick(rng, 0, 5, 7),
        shape={"top": (0.1, 0.25), "bottom": (0, 0.1)},
        rough=0.15,
    )
    p = np.array(thing.body.points)
    top, r = p[np.hypot(p[:, 0], p[:, 1]) < 0.4, 2].max(), np.abs(p[:, 1]).max()
    if often(rng, 0.7):
        green = solid_colour((0.05, 0.16, 0.02), 0.7)
        for angle in np.linspace(0, TAU, 6)[:-1] + rng.uniform(0, TAU):
            out = np.array([np.cos(angle), np.sin(angle), 0])
            path = curve(
                [(0, 0, top + 0.1), 0.3 * r * out + (0, 0, top + 0.35), 0.65 * r * out + (0, 0, top + rng.uniform(0, 0.6))], 8
            )
            ribbon(thing.body, path, 0.28 * np.linspace(1, 0.1, 8), green, green, 0.2)
        thing.body.tube(curve([(0, 0, top), (0.1, 0, top + 0.5), (0.4, 0.1, top + 1.1)], 6), 0.2, green, 8)
    return thing


def citrus(rng: np.random.Generator) -> Thing:
    """A whole orange, mandarin, lemon or lime."""
    lemon = often(rng, 0.5)
    colours = (
        [(YELLOW, (0.85, 0.6, 0.06)), (GREEN, (0.12, 0.3, 0.03))] if lemon else [(ORANGE, (0.85, 0.3, 0.02)), (YELLOW, ORANGE)]
    )
    shape = {"nose": (0.1, 0.25)} if lemon else {"top": (0, 0.12)}
    size = (2.3, 3.2) if lemon else (2.8, 4.5)
    return fruit(
        rng, size, (1.05, 1.25) if lemon else (0.8, 1), colours, 0, 0.04, 0, 0, shape=shape, pores=0.35, fine=6, rough=0.35
    )


def mango(rng: np.random.Generator) -> Thing:
    """A mango, a papaya or a plum."""
    colours = [(YELLOW, (0.6, 0.06, 0.02)), (GREEN, (0.6, 0.35, 0.05)), ((0.1, 0.2, 0.03), (0.5, 0.12, 0.03)), (RED, YELLOW)]
    plum = [((0.06, 0.01, 0.04), (0.16, 0.01, 0.03))]
    if often(rng, 0.25):
        return fruit(rng, (1.8, 2.8), (0.95, 1.2), plum, 1, 0.05, 0.5, 0.2, (0.6, 0.3, 0.04), {"top": (0.1, 0.2)}, rough=0.45)
    return fruit(rng, (3.2, 4.5), (1.25, 1.8), colours, 1, 0.12, 0.4, shape={"taper": (0.1, 0.35)}, scale=0.15, pores=0.06)


def potato(rng: np.random.Generator) -> Thing:
    """A potato or a sweet potato, with soil and eyes."""
    colours = [
        ((0.42, 0.27, 0.12), (0.5, 0.36, 0.18)),
        ((0.3, 0.17, 0.08), (0.42, 0.27, 0.13)),
        ((0.35, 0.09, 0.07), (0.42, 0.14, 0.1)),
    ]
    return fruit(rng, (2, 4), (1.1, 1.9), colours, 0, rng.uniform(0.1, 0.22), rough=0.85, pores=0.4, fine=2.5)


def onion(rng: np.random.Generator) -> Thing:
    """An onion, a shallot or garlic: a bulb with a dry neck and roots."""
    a, b = pick(
        rng,
        ((0.45, 0.17, 0.04), (0.6, 0.3, 0.09)),
        ((0.12, 0.008, 0.03), (0.22, 0.025, 0.06)),
        ((0.7, 0.62, 0.5), (0.78, 0.72, 0.64)),
    )
    r, h, surface = rng.uniform(1.8, 4.2), rng.uniform(0.8, 1.1), skin(rng, a, b, 0.3, streaks=30)
    neck = rng.uniform(0.3, 0.9) * r
    knots = [
        (0, -0.9),
        (0.35, -0.86),
        (0.8, -0.5),
        (1, 0),
        (0.8, 0.55),
        (0.4, 0.9),
        (0.15, 1.1),
        (0.12, 1.1 + 0.5 * neck / r),
        (0.03, 1.15 + neck / r),
    ]
    flare = wobble(rng)
    body = Solid().lathe(
        curve(np.array(knots) * (r, r * h), 44),
        surface,
        64,
        lambda rr, z, a: rr * (1 + 0.02 * np.cos(9 * a) + (z > h * r) * 0.4 * flare(a)),
    )
    for a in rng.uniform(0, TAU, 14):
        way = np.array([np.cos(a), np.sin(a)])
        body.tube(
            np.array([(*0.25 * way, -0.84 * r * h), (*rng.uniform(0.3, 0.6) * way, -r * h - rng.uniform(0, 0.4))]),
            0.06,
            surface,
            5,
        )
    return as_built(body.bend(lumpy(rng, 0.06, r)), 0)


def apple_core(rng: np.random.Generator) -> Thing:
    """An apple core: the ends kept, the middle gnawed to the core, going brown."""
    r, tall, thin = rng.uniform(2.2, 3.4), rng.uniform(6, 8), rng.uniform(0.3, 0.55)
    fresh = rng.uniform(0, 1)
    flesh = skin(
        rng,
        tuple(np.array(CREAM) * (0.4 + 0.6 * fresh) * (1, 0.9, 0.8)),
        tuple(np.array((0.4, 0.22, 0.07)) * (0.5 + fresh)),
        0.5,
        0.7,
        pores=0.6,
        fine=1.5,
    )
    colours = pick(rng, (RED, (0.6, 0.2, 0.05)), (GREEN, (0.45, 0.5, 0.1)), (YELLOW, RED))
    peel = skin(rng, *colours, 0.35, streaks=14)
    z = np.array([0.02, -0.02, 0.04, 0.13, 0.24, 0.36, 0.5, 0.64, 0.76, 0.87, 0.95, 1.0, 0.96]) * tall
    out = np.array([0.05, 0.3, 0.62, 0.78, 0.7, thin + 0.1, thin, thin + 0.05, 0.75, 0.95, 0.8, 0.4, 0.05]) * r
    gnaw = wobble(rng, 4)
    shape = lambda rr, zz, a: rr * (1 + (0.25 * gnaw(a + 0.3 * zz) * np.exp(-(((zz / tall - 0.5) / 0.3) ** 2))))
    profile = curve(np.stack([np.maximum(out, 0), z], 1), 60)
    profile[:, 0] = np.maximum(profile[:, 0], 0.01)
    cut = lambda low, high: profile[low:high]
    body = Solid().lathe(cut(0, 19), peel, 48, shape).lathe(cut(18, 42), flesh, 48, shape).lathe(cut(41, 60), peel, 48, shape)
    body.tube(
        curve([(0, 0, 0.92 * tall), (0.1, 0, tall + 0.6), (0.5, 0.2, tall + rng.uniform(0.8, 2))], 8),
        0.15,
        solid_colour(BROWN, 0.8),
        8,
    )
    return as_built(body, 0)


def banana(rng: np.random.Generator) -> Thing:
    """A banana, or a few in a bunch."""
    body, surface = Solid(), skin(rng, **banana_colours(rng))
    bend, length, thick, count = rng.uniform(0.5, 1.3), rng.uniform(13, 21), rng.uniform(1.5, 2.1), pick(rng, 1, 1, 1, 2, 3)
    tip = solid_colour(BROWN, 0.8)
    for i in range(count):
        t = np.linspace(0, 1, 46)
        angle, around = (t - 0.5) * 2 * bend, length / (2 * bend)
        path = np.stack([around * np.sin(angle), 0 * t, around * (1 - np.cos(angle))], 1)
        radius = thick * np.interp(t, [0, 0.03, 0.08, 0.25, 0.7, 0.86, 0.9, 1], [0.3, 0.4, 0.65, 1, 1, 0.5, 0.33, 0.36])
        one = Solid().tube(path, radius, surface, 5 * 4).tube(path[[0, 1]] - 0.4 * (path[1] - path[0]), 0.31 * thick, tip)
        one.tube(path[[-2, -1]] + 0.4 * (path[-1] - path[-2]), 0.37 * thick, tip)
        body.add(
            one,
            Matrix.Translation(path[-1])
            @ Matrix.Rotation((i - (count - 1) / 2) * 0.3, 4, "Z")
            @ Matrix.Rotation(rng.normal(0, 0.1), 4, "X")
            @ Matrix.Translation(-path[-1]),
        )
    return as_built(body, 0)


def citrus_half(rng: np.random.Generator) -> Thing:
    """Half or a slice of a citrus fruit, fresh or squeezed out."""
    rind, pulp = pick(
        rng,
        ((0.8, 0.25, 0.01), (0.85, 0.35, 0.03)),
        ((0.8, 0.55, 0.03), (0.8, 0.68, 0.2)),
        ((0.1, 0.25, 0.02), (0.55, 0.62, 0.15)),
        ((0.8, 0.35, 0.04), (0.7, 0.1, 0.06)),
    )
    r, squeezed, slices = rng.uniform(2.2, 4.5), often(rng, 0.35), rng.integers(8, 12)
    image = Image.new("RGB", (512, 128), byte((0.85, 0.75, 0.5)))
    draw, step, ink = ImageDraw.Draw(image), 512 / slices, byte(pulp)
    for i in range(slices):
        x = (i + 0.08) * step
        draw.polygon([(x, 20), (x + 0.84 * step, 20), (x + 0.84 * step, 80), (x + 0.5 * step, 108), (x, 80)], fill=ink)
        for _ in range(26):
            u, v = x + rng.uniform(0.05, 0.8) * step, rng.uniform(20, 90)
            draw.line([u, v, u, v + 14], fill=byte(tuple(np.array(pulp) * rng.uniform(0.7, 1.2))), width=3)
    if squeezed:
        image = Image.blend(image, Image.new("RGB", image.size, byte((0.8, 0.68, 0.4))), rng.uniform(0.3, 0.75))
    image = image.filter(ImageFilter.GaussianBlur(1)).transpose(Image.FLIP_TOP_BOTTOM)
    deep = -rng.uniform(0.5, 0.85) * r if squeezed else rng.uniform(-0.1, 0.1)
    t = np.linspace(0, 1, 16)
    face = np.stack([0.97 * r * (1 - t), deep * np.sin(t * np.pi / 2) ** 0.7], 1)
    up = np.linspace(-np.pi / 2, 0, 20)
    outer = np.stack([r * np.cos(up), r * np.sin(up) * rng.uniform(0.8, 1.15)], 1)
    if not squeezed and often(rng, 0.3):
        outer = np.stack([r * np.array([0, 0.92, 0.98, 1, 1]), r * np.array([-0.3, -0.3, -0.28, -0.2, 0])], 1)
    surface = skin(rng, rind, tuple(0.9 * c for c in rind), 0.4, pores=0.35, spots=pick(rng, 0, 0, rng.uniform(0, 0.6)))

    def half(x: float = 1) -> Solid:
        rough = lambda rr, z, a: rr * (1 + 0.03 * np.sin(2 * a + x) + (squeezed * 0.05) * np.sin(3 * a + 2 * x))
        solid = (
            Solid().lathe(outer, surface, 60, rough).lathe([outer[-1], face[0]], solid_colour((0.85, 0.78, 0.6), 0.7), 60, rough)
        )
        return solid.lathe(face, picture(image, 0.3, bump=0.25), 60, rough).bend(lambda p: p * (1, 1 - 0.25 * squeezed * x, 1))

    return as_built(scattered(rng, [half(x) for x in (1, 0.3, 0.6)[: pick(rng, 1, 2, 2, 3)]], 1.0), 0.45)


KINDS = {
    "apple": apple,
    "pear": pear,
    "tomato": tomato,
    "citrus": citrus,
    "mango": mango,
    "potato": potato,
    "onion": onion,
    "apple-core": apple_core,
    "banana": banana,
    "citrus-half": citrus_half,
}
