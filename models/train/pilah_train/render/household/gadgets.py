"""Gadgets: headphones, cameras, game controllers, fans."""

import numpy as np
from mathutils import Matrix

from ..soft import as_built
from ..solid import TAU, Solid, Thing, curve
from ..surface import solid_colour, steel
from .casing import Panel, along, case, disc, end_of, fit, plate, tone, underside, wander
from .vary import QUARTER, artwork, at, byte, grey, hue, often, paint, pick


def headphones(rng: np.random.Generator) -> Thing:
    """Headphones: a band with two padded cups."""
    shell, pad = case(rng), solid_colour(pick(rng, grey(rng, 0.01, 0.04), grey(rng, 0.01, 0.04), paint(rng)), 0.7, grain=0.3)
    trim, r, span, tall = case(rng, paint(rng)), rng.uniform(2.8, 4.3), rng.uniform(6.5, 8.5), rng.uniform(8, 11)
    t = np.linspace(0, np.pi, 40)
    band = np.stack([span * np.cos(t) * (1 + 0.12 * np.sin(t) ** 2), tall * np.sin(t) ** 0.8, 0 * t], 1)
    wide = rng.uniform(1.2, 3)
    body = Solid().tube(band, 0.45, shell, 12).tube(band[8:32] * (0.95, 0.95, 1), 0.6, pad, 12)
    body.bend(lambda p: p * (1, 1, wide))
    for side in (-1, 1):
        cup = Solid().lathe([(0, 1.5), (0.6 * r, 1.5), (0.92 * r, 1.1), (r, 0.5), (r, 0), (0, 0)], shell, 36)
        cup.lathe([(0.5 * r, 1.52), (0.5 * r, 1.6), (0, 1.6)], trim, 30)
        cup.lathe(
            [(0.95 * r, 0), (1.04 * r, -0.5), (0.9 * r, -1.5), (0.6 * r, -1.6), (0.5 * r, -1), (0.45 * r, -0.5), (0, -0.5)],
            pad,
            36,
        )
        cup.bend(lambda p: p * (1, 1.12, 1))
        body.add(cup, along("x", side * span, -0.4 * r, 0) @ Matrix.Rotation(0 if side > 0 else np.pi, 4, "Y"))
        body.box((0.5, 0.9 * r, 1.2), (side * (span + 0.3), 0.25 * r, 0), trim, 0.15)
    if often(rng, 0.5):
        path = wander(rng, (-span, -1.3 * r, -0.8 * r), -QUARTER, rng.uniform(8, 20), 0.15) - (0, 0, r)
        path[0, 2] = -0.4 * r
        body.tube(path, 0.15, solid_colour((0.02, 0.02, 0.02), 0.5), 8)
        fit(body, end_of(rng, "jack"), path)
    return as_built(body, 0.35)


def earphones(rng: np.random.Generator) -> Thing:
    """Earphones on a thin, tangled cable with a jack."""
    cover = solid_colour(pick(rng, grey(rng, 0.01, 0.03), grey(rng, 0.7, 0.9), paint(rng)), 0.4)
    tip, body, start = solid_colour(pick(rng, grey(rng, 0.01, 0.04), grey(rng, 0.7, 0.85)), 0.6), Solid(), np.array((0, 0, 0.2))
    path = wander(rng, start, -QUARTER, rng.uniform(4, 8), 0.12)
    body.tube(path, 0.12, cover, 8).box((0.5, 1.0, 0.4), (0, 0, 0.2), cover, 0.12)
    fit(body, end_of(rng, "jack"), path)
    for side in (-1, 1):
        path = wander(rng, start + (0, 0.4, 0), QUARTER - 0.5 * side, rng.uniform(5, 8), 0.1)
        bud = Solid().lathe(
            [(0.15, -1.3), (0.3, -1.2), (0.35, -0.2), (0.75, 0.1), (0.8, 0.5), (0.45, 0.7), (0.4, 0.9), (0, 0.9)], cover, 24
        )
        bud.lathe([(0.4, 0.9), (0.62, 0.95), (0.6, 1.3), (0.4, 1.6), (0, 1.55)], tip, 24)
        body.tube(path, 0.1, cover, 8)
        step = path[-1] - path[-4]
        body.add(
            bud,
            at(*path[-1], np.arctan2(step[1], step[0]))
            @ Matrix.Translation((1.0, 0, 0.5))
            @ Matrix.Rotation(QUARTER + 0.2, 4, "Y"),
        )
    return as_built(body, 0.15)


def gamepad(rng: np.random.Generator) -> Thing:
    """A game controller with two sticks, a cross and buttons."""
    colour, spread, drop = pick(rng, tone(rng), paint(rng)), rng.uniform(6.3, 7.6), rng.uniform(5, 7)
    half = [(0, 3), (3, 3.1), (5, 3.5), (spread, 2.6), (spread + 1, 0), (spread + 0.9, -drop), (spread - 0.8, -drop - 0.9),
            (spread - 2.4, -drop + 1.4), (3.2, -2), (0, -2.1)]  # fmt: skip
    edge = curve(half + [(-x, y) for x, y in half[-2:0:-1]] + [half[0]], 90)[:-1]
    body, z, black = Solid().prism(edge, 3.2, case(rng, colour), 0.75), 3.2, solid_colour((0.01, 0.01, 0.011), 0.6)
    keys, low = case(rng, grey(rng, 0.01, 0.3)), often(rng, 0.5)
    for dx, dy in ((1.9, 0.65), (0.65, 1.9)):
        body.box((dx, dy, 0.5), (-spread + 2, (1 if low else -0.6), z), keys, 0.1)
    for i, light in enumerate(((0.02, 0.35, 0.08), (0.6, 0.03, 0.03), (0.02, 0.1, 0.55), (0.75, 0.55, 0.05))):
        plain = solid_colour(light, 0.3) if often(rng, 0.8) else keys
        body.add(disc(0.5, 0.4, plain, 20), at(spread - 2 + 0.95 * np.cos(i * QUARTER), 1 + 0.95 * np.sin(i * QUARTER), z - 0.02))
    for x, y in ((-2.5 if low else -spread + 2, -0.5 if low else 1.3), (2.5, -0.5)):
        stick = Solid().lathe(
            [(1.25, 0), (1.1, 0.1), (0.5, 0.12), (0.45, 0.8), (0.95, 0.9), (1.0, 1.2), (0.8, 1.3), (0, 1.15)], black, 28
        )
        body.add(stick, at(x, y, z - 0.02))
    for x in (-1.1, 1.1):
        body.box((0.8, 0.35, 0.2), (x, 1.6, z), keys, 0.08)
        body.box((2.8, 0.9, 1.1), (x * spread / 1.6, 3.4, 2.2), keys, 0.3)
    body.add(disc(0.6, 0.1, steel()), at(0, 2.2, z - 0.02))
    underside(rng, body, 6, 3.4, colour)
    if often(rng, 0.5):
        path = wander(rng, (0, 2.9, 1.5), QUARTER, rng.uniform(10, 25), 0.2)
        body.tube(path, 0.2, black, 8)
    return as_built(body, 0.4)


def camera(rng: np.random.Generator) -> Thing:
    """A camera with its lens and a screen behind."""
    w, h, d, shell = rng.uniform(9, 14), rng.uniform(5.8, 8.5), rng.uniform(2.4, 4.5), case(rng, pick(rng, tone(rng), paint(rng)))
    dark, r, x = solid_colour((0.012, 0.012, 0.013), 0.6, grain=0.2), rng.uniform(0.32, 0.42) * h, rng.uniform(-0.05, 0.15) * w
    body = Solid().box((w, d, h), (0, 0, h / 2), shell, 0.12 * d)
    body.box((0.2 * w, 1.0, 0.85 * h), (-0.39 * w, -d / 2 - 0.2, 0.47 * h), dark, 0.4)
    long, ring = rng.uniform(0.8, 6), pick(rng, dark, steel(0.35))
    lens = Solid().lathe([(1.08 * r, 0), (1.08 * r, 0.35), (r, 0.4), (r, 0.45 * long), (0.95 * r, 0.5 * long), (0.95 * r, long),
                          (0.85 * r, long + 0.05), (0.72 * r, long - 0.25)], ring, 40)  # fmt: skip
    lens.lathe(
        [(0.72 * r, long - 0.25), (0.5 * r, long - 0.15), (0, long - 0.08)], solid_colour((0.01, 0.008, 0.03), 0.03, coat=1), 40
    )
    body.add(lens, Matrix.Translation((x, -d / 2, 0.48 * h)) @ Matrix.Rotation(QUARTER, 4, "X"))
    if often(rng, 0.5):
        body.box((0.28 * w, 0.9 * d, 0.2 * h), (x, 0, 1.05 * h), shell, 0.3)
    body.box(
        (1.6, 0.15, 0.8), (-0.2 * w if x > 0 else 0.38 * w, -d / 2, 0.86 * h), solid_colour((0.8, 0.8, 0.75), 0.1, coat=1), 0.05
    )
    body.add(disc(0.7, 0.5, steel()), at(-0.36 * w, 0, h - 0.05)).add(disc(0.8, 0.35, dark), at(0.36 * w, 0, h - 0.02))
    back = Panel(0.92 * w, 0.85 * h, grey(rng, 0.01, 0.08), 400)
    back.fill(-0.12 * w, 0, 0.58 * w, 0.65 * h, pick(rng, (8, 8, 10), (20, 24, 30), byte(hue(rng))), 0.1)
    for i in range(4):
        back.key(0.33 * w, (i - 1.5) * 0.16 * h, 0.09 * w, 0.09 * w, 0.12, (70, 70, 72), corner=1.0)
    body.add(
        back.solid(0.3), Matrix.Translation((0, d / 2, h / 2)) @ Matrix.Rotation(np.pi, 4, "Z") @ Matrix.Rotation(QUARTER, 4, "X")
    )
    return as_built(body, 0.5)


def fan(rng: np.random.Generator) -> Thing:
    """A fan from a computer: a square frame, blades and a hub."""
    w, z, frame = pick(rng, 8, 9.2, 12), rng.uniform(1.5, 2.6), case(rng)
    r, blade, count, pitch = (
        0.475 * w,
        case(rng, pick(rng, grey(rng, 0.01, 0.04), paint(rng))),
        int(rng.integers(5, 12)),
        rng.uniform(0.35, 0.6),
    )

    def square(a):
        return np.minimum(w / 2 / np.maximum(np.maximum(abs(np.cos(a)), abs(np.sin(a))), 1e-6), 0.66 * w)

    body = Solid().lathe([(r, 0), (0.6 * w, 0), (0.6 * w, 0.3), (r + 0.1, 0.32), (r + 0.1, z - 0.32),
                          (0.6 * w, z - 0.3), (0.6 * w, z),
                          (r, z), (r, 0)], frame, 72, lambda rr, zz, a: np.where(rr > 0.55 * w, square(a), rr))  # fmt: skip
    hub = 0.19 * w
    body.add(disc(hub, z - 0.25, blade, 36), at(0, 0, 0.2)).add(
        plate(artwork(rng, (160, 160), copies=1), 1.5 * hub, 1.5 * hub, 0.7 * hub), at(0, 0, z - 0.05)
    )
    out, across = np.meshgrid(np.linspace(hub, 0.95 * r, 8), np.linspace(-0.5, 0.5, 6))
    for i in range(count):
        a = TAU * i / count + across * TAU / count * 0.85 + 0.25 * (out - hub) / r
        body.grid(np.stack([out * np.cos(a), out * np.sin(a), z / 2 + across * pitch * z * 1.3], -1), blade)
    for i in range(4):
        body.tube(np.array([(0, 0, 0.15), (r * np.cos(i * QUARTER + 0.4), r * np.sin(i * QUARTER + 0.4), 0.15)]), 0.18, frame, 8)
    for x, y in ((-1, -1), (-1, 1), (1, -1), (1, 1)):
        for level in (-0.01, z):
            body.add(disc(0.25, 0.02, solid_colour((0.002, 0.002, 0.002)), 14), at(x * 0.44 * w, y * 0.44 * w, level))
    wires = wander(rng, (0.4 * w, 0.3 * w, 0.3), 0.4, rng.uniform(6, 12), 0.12)
    for i, light in enumerate(((0.6, 0.02, 0.02), (0.7, 0.55, 0.03), (0.01, 0.01, 0.01))):
        body.tube(wires + (0, 0.2 * i, 0), 0.1, solid_colour(light, 0.4), 6)
    fit(body, Solid().box((1.3, 1.0, 0.5), (0.5, 0.2, 0.1), solid_colour((0.8, 0.8, 0.76)), 0.05), wires)
    return as_built(body, 0.25)


KINDS = {
    "camera": camera,
    "earphones": earphones,
    "fan": fan,
    "gamepad": gamepad,
    "headphones": headphones,
}
