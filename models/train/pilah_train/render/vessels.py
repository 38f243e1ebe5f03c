"""Cans, bottles, jars and cups for the demo's pictures: metal, glass and plastic."""

import numpy as np
from mathutils import Matrix

from .soft import as_built
from .solid import TAU, Solid, Thing, curve
from .surface import clear_glass, label, picture, solid_colour, steel


def can(rng, crushed: bool = False) -> Thing:
    """A drink can, whole or crushed."""
    paint = label(
        rng,
        (0.6, 0.02, 0.03) if not crushed else (0.02, 0.12, 0.5),
        (0.9, 0.9, 0.9),
        ["SEGAR", "minuman ringan 330 ml"],
        (768, 384),
    )
    body = Solid().lathe([(3.3, z) for z in np.linspace(0.9, 10.6, 40)], picture(paint, 0.28, 0.55), 64)
    body.lathe([(0, 0.7), (1.8, 0.6), (2.4, 0), (2.6, 0.1), (3.3, 0.9)], steel(), 64)
    body.lathe([(3.3, 10.6), (2.75, 11.6), (2.85, 11.75), (2.75, 11.9), (2.55, 11.6), (2.4, 11.3), (0, 11.35)], steel(), 64)
    tab = [(0.9 * np.cos(a), 1.3 * np.sin(a)) for a in np.linspace(0, TAU, 20)[:-1]]
    body.add(Solid().prism(np.array(tab), 0.12, steel(0.2), 0.04), Matrix.Translation((0, 0.6, 11.45)))
    body.add(Solid().prism(0.75 * np.array(tab), 0.02, solid_colour((0.03, 0.03, 0.03))), Matrix.Translation((0, -1.3, 11.38)))
    if crushed:

        def squeeze(p):
            z = p[:, 2:] / 11.9
            a = np.arctan2(p[:, 1], p[:, 0])[:, None]
            waist = np.sin(np.pi * np.clip(z, 0, 1)) ** 0.7
            pinch = 1 - waist * (0.2 + 0.14 * np.sin(3 * a + 5 * z) * np.sin(11 * z + 2 * a))
            flat = np.hstack([np.ones_like(z), 1 - 0.45 * waist])
            return np.hstack([p[:, :2] * pinch * flat + np.hstack([2.2 * waist, 0 * z]), p[:, 2:] * 0.72])

        body.bend(squeeze)
    return as_built(body, 0)


def tin(rng) -> Thing:
    """An opened food tin with ribs and its lid bent up."""
    z = np.linspace(0.4, 10.4, 90)
    ribs = 3.7 + 0.07 * np.sin(z * 5.5) * ((z > 2) & (z < 8.8))
    body = Solid().lathe(
        [(0, 0.3), (3.5, 0.3), (3.8, 0), (3.85, 0.3), *zip(ribs, z), (3.85, 10.6), (3.7, 10.8), (3.55, 10.6)], steel(0.22), 56
    )
    body.lathe([(3.55, 10.6), (3.6, 0.5), (0, 0.5)], solid_colour((0.62, 0.57, 0.45), 0.3, 1.0), 56)
    lid = Solid().lathe([(3.4, 0), (3.2, 0.1), (2.6, 0), (1.8, 0.06), (0, 0)], steel(0.15), 48)
    body.add(lid, Matrix.Translation((0, 3.2, 10.8)) @ Matrix.Rotation(1.15, 4, "X") @ Matrix.Translation((0, 3.4, 0)))
    return as_built(body)


def crown_caps(rng) -> Thing:
    """Three crown caps, one upside down."""
    body = Solid()
    for (x, y), colour, over in (
        ((-1.6, 0), (0.6, 0.04, 0.04), 0),
        ((1.9, 0.6), (0.05, 0.3, 0.1), 0),
        ((0.3, -3.0), (0.75, 0.6, 0.1), 1),
    ):
        r = lambda rr, z, a: rr * (1 + 0.05 * np.sin(21 * a) * np.clip((0.5 - z) * 2.5, 0, 1))
        cap = Solid().lathe([(1.6, 0), (1.5, 0.25), (1.38, 0.5), (1.2, 0.63), (0, 0.66)], solid_colour(colour, 0.3, 0.6), 168, r)
        cap.lathe([(1.55, 0), (1.45, 0.25), (1.3, 0.5), (0, 0.55)], steel(), 168, r)
        body.add(cap, Matrix.Translation((x, y, 0.68 * over)) @ Matrix.Rotation(np.pi * over, 4, "X"))
    return as_built(body)


def _bottle(profile, glass, wall: float) -> Solid:
    """A hollow bottle: the profile and the same again inside."""
    line = curve(profile, 60)
    inside = np.stack([np.maximum(line[:, 0] - wall, 0), line[:, 1] + wall * (np.arange(60) < 20)], 1)
    return Solid().lathe(line, glass, 56).lathe(inside, glass, 56)


BOTTLE = [
    (0, 0.8),
    (2.4, 0.1),
    (3.5, 0.3),
    (3.6, 1.2),
    (3.6, 8),
    (3.6, 15),
    (3.3, 17),
    (1.9, 19.5),
    (1.45, 21),
    (1.4, 26),
    (1.6, 26.3),
    (1.6, 27.5),
    (1.3, 27.8),
]


def wine_bottle(rng) -> Thing:
    """A green bottle with a paper label."""
    body = _bottle(BOTTLE, clear_glass((0.3, 0.62, 0.28), 0.3), 0.3)
    return as_built(
        body.lathe(
            [(3.64, 5), (3.64, 13)],
            picture(label(rng, (0.8, 0.76, 0.62), (0.2, 0.05, 0.05), ["Sirup", "Buah Anggur", "750 ml"]), 0.7),
        ),
        0,
    )


def beer_bottle(rng) -> Thing:
    """A brown bottle."""
    shape = [(r * 0.87, z * (0.7 if z < 15 else 0.72) + (0 if z < 15 else -0.2)) for r, z in BOTTLE]
    return as_built(_bottle(shape, clear_glass((0.6, 0.28, 0.07), 0.3), 0.3), 0)


def jar(rng) -> Thing:
    """An empty jar with its thread, its golden lid leaning on it."""
    glass = clear_glass((0.88, 0.95, 0.93), 0.25)
    body = _bottle(
        [(0, 0.5), (3, 0.1), (3.9, 0.4), (4.1, 1.2), (4.1, 5), (4.1, 9.6), (3.7, 10.6), (3.3, 11), (3.3, 12.4), (3.1, 12.6)],
        glass,
        0.35,
    )
    t = np.linspace(0, 1.7 * TAU, 80)
    body.tube(np.stack([3.4 * np.cos(t), 3.4 * np.sin(t), 11.3 + t * 0.06], 1), 0.13, glass)
    body.lathe(
        [(4.14, 3), (4.14, 7.5)], picture(label(rng, (0.75, 0.1, 0.05), (0.9, 0.85, 0.7), ["SELAI", "stroberi 300 g"]), 0.6), 56
    )
    gold = solid_colour((0.75, 0.55, 0.15), 0.25, 1.0)
    lid = Solid().lathe(
        [(3.5, 0), (3.7, 0.1), (3.7, 1.2), (3.5, 1.45), (2.9, 1.5), (2.8, 1.35), (0, 1.35)],
        gold,
        120,
        lambda r, z, a: r * (1 + 0.012 * np.sin(50 * a) * (r > 3.6)),
    )
    return as_built(body.add(lid, Matrix.Translation((8.4, 1.0, 0))))


def drinking_glass(rng) -> Thing:
    """A wine glass, lying or standing."""
    shape = [(3.4, 0), (3.3, 0.15), (0.6, 0.7), (0.35, 2), (0.35, 7), (0.8, 8), (2.8, 9.5), (3.9, 12), (3.8, 14.5), (3.1, 17.5)]
    line = curve(shape, 60)
    glass = clear_glass((0.85, 0.93, 0.91), 0.12)
    return as_built(
        Solid().lathe(line, glass, 56).lathe(curve([(0, 8.4), (2.6, 9.8), (3.7, 12), (3.65, 14.5), (3.0, 17.5)], 30), glass, 56),
        0,
    )


def pet_bottle(rng) -> Thing:
    """A water bottle with a blue cap and a label."""
    z = np.linspace(0, 1, 80)
    shape = curve(
        [(0, 0.8), (2.0, 0.1), (3.0, 0.4), (3.2, 1.5), (3.2, 7), (3.2, 13), (2.9, 15), (1.9, 17.5), (1.25, 18.6), (1.2, 19.6)], 80
    )
    shape[:, 0] += 0.1 * np.sin(shape[:, 1] * 4.2) * ((z > 0.25) & (shape[:, 1] < 7))
    body = Solid().lathe(shape, clear_glass((0.88, 0.94, 0.97), 0.5, 0.08), 56)
    body.lathe(
        [(3.25, 8), (3.25, 12.5)],
        picture(label(rng, (0.1, 0.35, 0.75), (0.95, 0.95, 0.95), ["Tirta", "air mineral 600 ml"]), 0.3),
        48,
    )
    cap = lambda r, zz, a: r * (1 + 0.02 * np.sin(40 * a))
    return as_built(
        body.lathe([(1.5, 18.9), (1.5, 20.6), (1.35, 20.8), (0, 20.8)], solid_colour((0.02, 0.15, 0.65), 0.35), 160, cap), 0
    )


def cup(rng) -> Thing:
    """A red party cup."""
    red, white = solid_colour((0.6, 0.02, 0.02), 0.3, coat=0.3), solid_colour((0.85, 0.85, 0.83), 0.35)
    body = Solid().lathe(
        [
            (0, 0.3),
            (2.7, 0.3),
            (2.8, 0),
            (3.2, 3.9),
            (3.28, 4.0),
            (3.7, 7.9),
            (3.8, 8),
            (4.4, 11.7),
            (4.65, 11.9),
            (4.55, 12.15),
            (4.3, 12),
        ],
        red,
        48,
    )
    return as_built(body.lathe([(4.3, 12), (2.65, 0.5), (0, 0.5)], white, 48))


def shampoo(rng) -> Thing:
    """A flat bottle with a pump-less flip cap."""
    side = curve([(0, 0), (4.3, 0), (4.6, 1), (4.6, 8), (4.4, 14), (3, 16.3), (1.7, 17)], 40)
    body = Solid().lathe(side, solid_colour((0.03, 0.42, 0.4), 0.25, coat=0.5), 56)
    body.lathe(
        [(4.63, 4), (4.63, 12)], picture(label(rng, (0.9, 0.9, 0.88), (0.05, 0.3, 0.3), ["Wangi", "sampo 400 ml"]), 0.35), 56
    )
    body.lathe([(1.75, 17), (2.1, 17.1), (2.1, 19.6), (1.9, 19.9), (0, 19.9)], solid_colour((0.85, 0.85, 0.83), 0.3), 40)
    return as_built(body.bend(lambda p: p * (1, 0.55, 1)), 0)


def iced_cup(rng) -> Thing:
    """A clear takeaway cup with a domed lid, a straw and a rest of coffee."""
    clear = clear_glass((0.9, 0.92, 0.93), 0.3, 0.1)
    body = Solid().lathe([(0, 0.1), (2.8, 0), (4.4, 12), (4.6, 12.1)], clear, 48)
    body.lathe([(4.6, 12), (4.7, 12.5), *curve([(4.5, 12.6), (4.1, 14.5), (2.5, 16), (0.9, 16.4)], 14)], clear, 48)
    body.lathe([(4.65, 11.9), (4.8, 12.2), (4.65, 12.5)], solid_colour((0.85, 0.85, 0.85), 0.3), 48)
    body.lathe([(0, 0.3), (2.75, 0.3), (3.25, 4.2), (0, 4.2)], solid_colour((0.3, 0.16, 0.07), 0.2), 48)
    body.lathe([(3.5, 5), (4.05, 9.4)], picture(label(rng, (0.04, 0.3, 0.12), (0.9, 0.9, 0.85), ["KOPI", "es"]), 0.4), 48)
    return as_built(body.tube(np.array([(0.8, 0, 0.5), (-0.6, 0, 21)]), 0.35, solid_colour((0.05, 0.45, 0.12), 0.3), 14))
