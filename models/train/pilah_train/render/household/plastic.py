"""Plastic: bottles, tubs, trays, cups, bags, cutlery, tubes and caps."""

import numpy as np
from mathutils import Matrix

from ..soft import as_built, mirrored, sheet
from ..solid import Solid, Thing, curve, rounded
from ..surface import clear_glass, milky, picture, solid_colour
from .vary import artwork, ball, crushed, grey, heap, hue, lifted, often, paint, pick

CLEAR = ((0.93, 0.96, 0.97), (0.93, 0.96, 0.97), (0.8, 0.9, 0.97), (0.6, 0.8, 0.95), (0.45, 0.75, 0.45), (0.95, 0.93, 0.85))


def _clear(rng, ripple: float = 0.3):
    """PET and the like: thin, with a wavy shine."""
    return clear_glass(pick(rng, *CLEAR), rng.uniform(0.45, 0.8), rng.uniform(0.03, 0.2), ripple=ripple * rng.uniform(0.5, 1.6))


def _opaque(rng):
    """Polyethylene and polypropylene: dyed through, satin; white most often."""
    colour = pick(rng, grey(rng, 0.6, 0.88), grey(rng, 0.6, 0.88), hue(rng), hue(rng), grey(rng, 0.01, 0.04))
    if often(rng, 0.25):
        return milky(colour, rng.uniform(0.2, 0.6), rng.uniform(0.2, 0.5))
    return solid_colour(colour, rng.uniform(0.15, 0.5), coat=0.5 * often(rng, 0.4), dirt=rng.uniform(0, 0.5) * often(rng, 0.2))


def _cap(rng, r: float, z: float, tall: float) -> Solid:
    """A ribbed screw cap."""
    profile = [(r, z), (r, z + 0.9 * tall), (0.92 * r, z + tall), (0, z + tall)]
    return Solid().lathe(profile, _opaque(rng), 96, lambda rr, zz, a: rr * (1 + 0.02 * np.sin(32 * a)))


def drink_bottle(rng) -> Thing:
    """A drink bottle of PET: ribbed or plain, tall or squat, often crushed, its label and cap on or off."""
    r, tall = rng.uniform(2.6, 4.8), rng.uniform(14, 31)
    neck, shoulder = rng.uniform(1.15, 1.6), tall * rng.uniform(0.55, 0.75)
    profile = [
        (0, 0.9),
        (0.6 * r, 0.1),
        (0.9 * r, 0.3),
        (r, 1.3),
        (r, 0.3 * tall),
        (r * rng.uniform(0.8, 1.0), 0.42 * tall),
        (r, shoulder),
    ]
    profile += [(0.75 * r, 0.5 * (shoulder + tall) - 0.5), (1.1 * neck, tall - 2.6), (neck, tall - 2.2), (neck, tall)]
    line = curve(profile, 100)
    amid = (line[:, 1] > 1.5) & (line[:, 1] < shoulder)
    line[:, 0] += amid * rng.uniform(0, 0.16) * np.sin(line[:, 1] * rng.uniform(2.2, 5))
    petals, deep = int(rng.integers(5, 9)), 0.08 * often(rng, 0.6)
    body = Solid().lathe(
        line, _clear(rng), 56, lambda rr, z, a: rr * (1 + deep * np.sin(petals * a) * (z < 2.2) * (rr > 0.5 * r))
    )
    body.lathe([(neck + 0.4, tall - 2.1), (neck + 0.42, tall - 1.9), (neck, tall - 1.85)], _clear(rng, 0), 40)
    if often(rng, 0.55):
        low = rng.uniform(0.3, 0.45) * tall
        high = min(low + rng.uniform(2.5, 8), shoulder)
        print_ = artwork(rng, (640, 256), pick(rng, None, grey(rng, 0.6, 0.85)))
        body.lathe([(r + 0.04, low), (r + 0.04, (low + high) / 2), (r + 0.04, high)], picture(print_, rng.uniform(0.2, 0.5)), 56)
    if often(rng, 0.6):
        body.add(_cap(rng, neck + 0.25, tall - 1.5, rng.uniform(1.5, 1.9)))
    if often(rng, 0.5):
        body.bend(crushed(rng, rng.uniform(0.3, 1.0)))
    return as_built(body, 0.25)


def household_bottle(rng) -> Thing:
    """A bottle of shampoo, soap, oil or bleach: opaque, round or flat, with a flip cap, a spout or a pump."""
    r, tall, flat = rng.uniform(2.2, 5), rng.uniform(10, 27), rng.uniform(0.5, 1.0)
    neck = rng.uniform(0.9, 1.6)
    side = [
        (0, 0.1),
        (0.9 * r, 0),
        (r, 0.6),
        (r * rng.uniform(0.85, 1.05), 0.45 * tall),
        (r * rng.uniform(0.75, 1.0), 0.78 * tall),
    ]
    side += [((r + neck) / 2, 0.92 * tall), (neck, tall)]
    body = Solid().lathe(curve(side, 50), _opaque(rng) if often(rng, 0.85) else _clear(rng, 0.1), 56)
    if often(rng, 0.75):
        low, high = rng.uniform(0.1, 0.25) * tall, rng.uniform(0.5, 0.72) * tall
        line = curve(side, 50)
        line = line[(line[:, 1] > low) & (line[:, 1] < high)] + (0.04, 0)
        if len(line) > 3:
            body.lathe(line, picture(artwork(rng, (640, 384)), rng.uniform(0.2, 0.5)), 56)
    body.bend(lambda p: p * np.column_stack([np.ones(len(p)), np.where(p[:, 2] < 0.9 * tall, flat, 1), np.ones(len(p))]))
    if often(rng, 0.8):
        kind = rng.integers(3)
        if kind == 0:
            body.add(_cap(rng, neck + 0.35, tall - 0.1, rng.uniform(1.2, 3)))
        elif kind == 1:
            lid = _opaque(rng)
            body.lathe(
                [(neck + 0.3, tall), (neck + 0.2, tall + 1.2), (0.6, tall + 1.6), (0.3, tall + 3.4), (0, tall + 3.4)], lid, 40
            )
        else:
            lid = _opaque(rng)
            body.lathe([(neck + 0.2, tall), (neck + 0.2, tall + 1.2), (0.4, tall + 1.4), (0.4, tall + 3)], lid, 32)
            body.tube(curve([(0, 0, tall + 3), (1, 0, tall + 3.4), (3, 0, tall + 3.2), (3.8, 0, tall + 2.6)], 14), 0.4, lid)
    if often(rng, 0.2):
        body.bend(crushed(rng, rng.uniform(0.2, 0.6)))
    return as_built(body, 0.3)


def canister(rng) -> Thing:
    """A canister with a handle, of detergent or oil."""
    x, y, z = rng.uniform(9, 16), rng.uniform(5, 9), rng.uniform(12, 24)
    skin = _opaque(rng)
    body = Solid().add(Solid().prism(rounded(x, y, 0.25 * y), z, skin, 1.1))
    grip = [
        (-0.42 * x, 0, 0.95 * z),
        (-0.42 * x, 0, 1.12 * z),
        (-0.2 * x, 0, 1.22 * z),
        (0.1 * x, 0, 1.2 * z),
        (0.14 * x, 0, 0.97 * z),
    ]
    body.tube(curve(grip, 30), 0.11 * x, skin, 14)
    neck = Solid().lathe([(1.6, 0), (1.6, 1.6)], skin, 32).add(_cap(rng, 1.9, 1.0, 1.9))
    body.add(neck, Matrix.Translation((0.34 * x, 0, z - 0.1)))
    if often(rng, 0.8):
        print_ = picture(artwork(rng, (384, 384), None, 1), 0.4)
        for side in (-1, 1):
            a, b, at = -0.38 * x * side, 0.38 * x * side, -side * (y / 2 + 0.03)
            body.grid(np.array([[(a, at, 0.18 * z), (b, at, 0.18 * z)], [(a, at, 0.72 * z), (b, at, 0.72 * z)]]), print_)
    return as_built(body, 0.35)


def tub(rng) -> Thing:
    """A cup or tub of yoghurt, margarine, ice cream or a drink, open or lidded, whole or squeezed."""
    r, tall, out = rng.uniform(2.3, 6), rng.uniform(3.5, 13), rng.uniform(1.02, 1.45)
    skin = pick(rng, _opaque(rng), _opaque(rng), _clear(rng, 0.1))
    top = r * out
    line = [
        (0, 0.3),
        (0.85 * r, 0.3),
        (0.9 * r, 0),
        (r, 0.1),
        (0.5 * (r + top), 0.5 * tall),
        (top, tall - 0.3),
        (top + 0.4, tall - 0.2),
    ]
    line += [(top + 0.4, tall), (top, tall), (0.5 * (r + top) - 0.1, 0.5 * tall), (0.97 * r, 0.5), (0, 0.45)]
    ribs, deep = int(rng.integers(16, 40)), 0.012 * often(rng, 0.35)
    body = Solid().lathe(line, skin, 80, lambda rr, z, a: rr * (1 + deep * np.sin(ribs * a)))
    if often(rng, 0.55):
        wide = lambda z: r + (top - r) * z / tall + 0.03
        low, high = 0.12 * tall, 0.85 * tall
        body.lathe([(wide(low), low), (wide(high), high)], picture(artwork(rng, (640, 256)), 0.35), 60)
    if often(rng, 0.25):
        lid = _opaque(rng) if often(rng, 0.6) else _clear(rng, 0.1)
        dome = rng.uniform(0, 0.6) * r * often(rng, 0.4)
        body.lathe(
            [
                (top + 0.5, tall - 0.4),
                (top + 0.55, tall + 0.2),
                (0.9 * top, tall + 0.3),
                (0.5 * top, tall + 0.3 + dome),
                (0, tall + 0.3 + dome),
            ],
            lid,
            48,
        )
    if often(rng, 0.3):
        body.tube(np.array([(0.5, 0, 0.6), (-0.6, 0.3, tall + 7)]), 0.3, solid_colour(paint(rng), 0.3), 10)
    if often(rng, 0.3):
        body.bend(crushed(rng, rng.uniform(0.2, 0.9)))
    return as_built(body, 0.35)


def tray(rng) -> Thing:
    """A food tray or box: black, clear or foamed white, open or with its lid hinged up."""
    x, y, z, corner = rng.uniform(10, 22), rng.uniform(8, 15), rng.uniform(1.8, 6), rng.uniform(0.8, 3)
    skin = pick(
        rng,
        _clear(rng, 0.15),
        solid_colour(grey(rng, 0.01, 0.03), 0.3),
        solid_colour(grey(rng, 0.75, 0.88), 0.7, grain=0.1),
        _opaque(rng),
    )

    def shell() -> Solid:
        rings = []
        for grow, h in ((0.05, 0.25), (0.8, 0.2), (0.84, 0.25), (0.97, z - 0.2), (1.0, z), (1.07, z), (1.07, z - 0.25)):
            line = rounded(x, y, corner) * grow
            rings.append(np.column_stack([np.vstack([line, line[:1]]), np.full(len(line) + 1, h)]))
        return Solid().grid(np.array(rings), skin)

    body = shell()
    if often(rng, 0.35):
        hinge = (
            Matrix.Translation((0, 0.53 * y, z))
            @ Matrix.Rotation(-rng.uniform(0.1, 2.9), 4, "X")
            @ Matrix.Translation((0, -0.53 * y, -z))
        )
        body.add(shell(), hinge @ Matrix.Translation((0, 0, 2 * z)) @ Matrix.Diagonal((1, 1, -1, 1)))
    if often(rng, 0.25):
        body.box((0.4 * x, 0.5 * y, 0.02), (0, 0, 0.3), picture(artwork(rng, (256, 192), None, 1), 0.4))
    return as_built(body, 0.6)


def _film(rng, kinds: int = 4):
    """Thin film: clear, milky, printed, or (of four kinds) black or dyed."""
    kind = rng.integers(kinds)
    if kind == 0:
        return clear_glass((0.95, 0.96, 0.97), 0.85, 0.08, ripple=0.5)
    if kind == 1:
        return milky(pick(rng, grey(rng, 0.7, 0.9), hue(rng)), rng.uniform(0.4, 0.7), 0.3)
    if kind == 2:
        return picture(artwork(rng, (512, 512)), 0.15, bump=0.2)
    return solid_colour(pick(rng, grey(rng, 0.008, 0.03), hue(rng), grey(rng, 0.6, 0.85)), 0.2, coat=0.3)


def bag(rng) -> Thing:
    """A carrier bag laid flat or thrown down in a heap."""
    if often(rng, 0.5):
        w, h = rng.uniform(7, 13), rng.uniform(9, 16)
        half = [(0.25 * w, 0.62 * h), (0.3 * w, h), (0.75 * w, h), (0.8 * w, 0.6 * h), (w, 0.5 * h), (w, -h), (0, -h)]
        edge = np.vstack([mirrored(half), [(-0.25 * w, 0.55 * h), (0.25 * w, 0.55 * h)]])
        return as_built(sheet(edge, _film(rng), rng.uniform(0.8, 2.0), rng.uniform(3, 7), rng.uniform(0, 99), 0.2, 130))
    width = rng.uniform(6, 13)
    return as_built(heap(rng, _film(rng), width, width * rng.uniform(0.15, 0.5), rng.uniform(0.8, 1.8)))


def wrapper(rng) -> Thing:
    """A crumpled ball of film."""
    return as_built(ball(rng, _film(rng, 3), rng.uniform(3, 6), rng.uniform(0.12, 0.2), rng.uniform(0.5, 1.0)), 0)


def cutlery(rng) -> Thing:
    """Spoons, forks and knives, straws or stirrers, one or a few."""
    skin, body = pick(rng, _opaque(rng), solid_colour(grey(rng, 0.7, 0.88), 0.25), _clear(rng, 0)), Solid()
    if often(rng, 0.25):
        for i in range(int(rng.integers(1, 8))):
            x, a, straw = 0.9 * i, rng.normal(0, 0.25), pick(rng, skin, solid_colour(hue(rng), 0.3))
            path = np.array(
                [(x - 9 * np.sin(a), -9 * np.cos(a), 0.3), (x, 0, 0.3 + 0.2 * i), (x + 9 * np.sin(a), 9 * np.cos(a), 0.3)]
            )
            body.tube(curve(path, 12), 0.3, straw, 10)
        return as_built(body)
    for i in range(int(rng.integers(1, 4))):
        kind, wide = rng.integers(3), rng.uniform(0.35, 0.6)
        side = [(wide, -8), (0.7 * wide, -1), (0.5 * wide, 3)]
        side += (
            [(1.6, 5.5), (1.7, 7), (1.0, 8.6), (0, 9)],
            [(1.3, 4.6), (1.3, 9), (0.9, 9), (0.85, 6), (0.35, 6), (0.3, 9), (0, 9)],
            [(0.9, 4), (0.8, 8.5), (0, 9.5)],
        )[kind]
        piece, bowl = Solid().prism(mirrored(side), 0.2, skin, 0.05), 0.6 if kind == 0 else 0.15
        piece.bend(lifted(lambda p: bowl * (p[:, 0] ** 2 - 1) * (p[:, 1] > 3.5) * 0.4 + 0.25 + 0.004 * p[:, 1] ** 2))
        body.add(
            piece,
            Matrix.Translation((3.6 * i, rng.normal(0, 1), 0.2))
            @ Matrix.Rotation(rng.normal(0, 0.3) + np.pi * rng.integers(2), 4, "Z"),
        )
    return as_built(body)


def tube(rng) -> Thing:
    """A tube of toothpaste or cream, with or without its cap."""
    r, tall = rng.uniform(1.3, 2.6), rng.uniform(9, 17)
    skin = picture(artwork(rng, (512, 384)), 0.3) if often(rng, 0.8) else _opaque(rng)
    body = Solid().lathe(
        [(0.5, -1.2), (0.5, -0.3), (0.8 * r, 0), (r, 0.4), *[(r, z) for z in np.linspace(1, tall, 16)]], skin, 40
    )
    dent = rng.uniform(0, 0.5)
    body.bend(
        lambda p: (
            p
            * np.column_stack(
                [
                    1 + 0.5 * np.clip(p[:, 2] / tall, 0, 1),
                    np.maximum(0.02, 1 - np.clip(p[:, 2] / tall, 0, 1) ** (1 - dent)),
                    np.ones(len(p)),
                ]
            )
        )
    )
    if often(rng, 0.7):
        body.add(_cap(rng, rng.uniform(0.8, 0.95 * r), -2.0, 1.8))
    return Thing(body, upright=0.05, end_on=True)


def caps(rng) -> Thing:
    """Bottle caps and lids."""
    body = Solid()
    for i in range(int(rng.integers(2, 8))):
        r, tall = pick(rng, (1.5, 1.4), (1.5, 1.4), (2.2, 1.6), (4.2, 1.0))
        cap = _cap(rng, r, 0, tall).lathe(
            [(0.95 * r, 0), (0.9 * r, 0.85 * tall), (0, 0.85 * tall)], solid_colour(grey(rng, 0.3, 0.7), 0.4), 32
        )
        a, away = 2.4 * i, 2.7 * np.sqrt(i)
        over = rng.integers(2)
        flip = Matrix.Translation((0, 0, tall * over)) @ Matrix.Rotation(np.pi * over, 4, "X")
        body.add(cap, Matrix.Translation((away * np.cos(a), away * np.sin(a), 0)) @ flip)
    return as_built(body)


KINDS = {
    "drink-bottle": drink_bottle,
    "household-bottle": household_bottle,
    "canister": canister,
    "tub": tub,
    "tray": tray,
    "bag": bag,
    "wrapper": wrapper,
    "cutlery": cutlery,
    "tube": tube,
    "caps": caps,
}
