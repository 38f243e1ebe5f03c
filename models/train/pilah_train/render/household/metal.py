"""Metal: cans, tins, sprays, foil, lids, cutlery and small ware."""

import numpy as np
from mathutils import Matrix

from ..soft import as_built, mirrored, sheet
from ..solid import TAU, Solid, Thing, curve, rounded
from ..surface import Shader, picture, solid_colour
from .vary import artwork, ball, cable, crushed, grey, lifted, often, paint, pick, put


def _bare(rng, rough=(0.15, 0.45)):
    """Aluminium or tinplate, often scratched or stained, seldom brass or rust."""
    tone = grey(rng, 0.5, 0.8)
    if often(rng, 0.15):
        s = Shader("rust")
        rust = s.ramp(s.noise(0.8, detail=8), (rng.uniform(0.3, 0.5), tone), (0.65, (0.22, 0.08, 0.03)))
        return s.finish(s.node("BsdfPrincipled", {"Base Color": rust, "Roughness": 0.6, "Metallic": 0.6}))
    return solid_colour(tone, rng.uniform(*rough), 1.0, grain=rng.uniform(0, 0.08), dirt=rng.uniform(0, 0.5) * often(rng, 0.3))


def drink_can(rng) -> Thing:
    """A drink can of any size and print, whole, dented or trodden flat."""
    r, tall = pick(rng, (3.3, 12), (3.3, 12), (2.9, 14.5), (2.65, 13.2), (3.3, 16.5))
    bare = _bare(rng, (0.15, 0.3))
    side = _bare(rng) if often(rng, 0.08) else picture(artwork(rng, (768, 384)), rng.uniform(0.2, 0.4), rng.uniform(0.3, 0.8))
    body = Solid().lathe([(r, z) for z in np.linspace(0.9, tall - 1.2, 34)], side, 56)
    body.lathe([(0, 0.9), (0.6 * r, 0.6), (0.75 * r, 0), (0.82 * r, 0.1), (r, 0.9)], bare, 56)
    top = [(r, tall - 1.2), (0.84 * r, tall - 0.25), (0.87 * r, tall), (0.83 * r, tall), (0.78 * r, tall - 0.45), (0, tall - 0.4)]
    body.lathe(top, bare, 56)
    mouth = 0.75 * rounded(2.2, 1.7, 0.8)
    body.add(Solid().prism(mouth, 0.03, solid_colour((0.01, 0.01, 0.01), 0.6)), Matrix.Translation((0, -0.4 * r, tall - 0.4)))
    if often(rng, 0.8):
        tab = Solid().prism(rounded(1.6, 2.4, 0.75), 0.1, bare, 0.03)
        body.add(
            tab, Matrix.Translation((0, 0.25 * r, tall - 0.33)) @ Matrix.Rotation(rng.uniform(0, 0.5) * often(rng, 0.5), 4, "X")
        )
    if often(rng, 0.55):
        strength = rng.uniform(0.25, 1.1)
        body.bend(crushed(rng, strength))
        if often(rng, 0.3):
            short = rng.uniform(0.3, 0.7)
            body.bend(lambda p: p * (1, 1, short))
    return as_built(body, 0.25)


def tin(rng) -> Thing:
    """A food tin, round or oval, ribbed or with a label, closed or opened."""
    r, tall, oval = rng.uniform(3, 5.5), rng.uniform(2.5, 13), rng.uniform(0.55, 0.75) if often(rng, 0.2) else 1.0
    bare, z = _bare(rng), np.linspace(0.3, tall - 0.3, 80)
    ribs = r + 0.06 * np.sin(z * 5) * ((z > 0.25 * tall) & (z < 0.75 * tall)) * often(rng, 0.6)
    body = Solid().lathe(
        [(0, 0.25), (r - 0.15, 0.25), (r + 0.1, 0), (r + 0.12, 0.25), *zip(ribs, z), (r + 0.12, tall - 0.2)], bare, 56
    )
    if often(rng, 0.5):
        print_ = artwork(rng, (768, 384), pick(rng, None, grey(rng, 0.6, 0.8)))
        body.lathe([(r + 0.08, 0.35), (r + 0.08, tall - 0.4)], picture(print_, rng.uniform(0.3, 0.7), pick(rng, 0.0, 0.7)), 56)
    body.lathe([(r + 0.12, tall - 0.2), (r, tall), (r - 0.1, tall - 0.1)], bare, 56)
    lid = [(r - 0.15, 0), (0.9 * r, 0.1), (0.75 * r, 0), (0.5 * r, 0.05), (0, 0)]
    if often(rng, 0.55):
        inside = solid_colour(pick(rng, (0.62, 0.57, 0.45), (0.6, 0.6, 0.6), (0.75, 0.75, 0.72)), 0.3, 0.9)
        body.lathe([(r - 0.1, tall - 0.1), (r - 0.1, 0.4), (0, 0.4)], inside, 56)
        if often(rng, 0.7):
            turn = (
                Matrix.Translation((0, 0.95 * r, tall))
                @ Matrix.Rotation(rng.uniform(0.4, 1.9), 4, "X")
                @ Matrix.Translation((0, -0.95 * r, 0))
            )
            body.add(Solid().lathe(lid, bare, 48), turn)
    else:
        body.add(Solid().lathe(lid, bare, 48), Matrix.Translation((0, 0, tall - 0.2)))
        if often(rng, 0.5):
            ring = np.linspace(0, TAU, 30)
            body.tube(np.stack([0.9 * np.cos(ring), 0.4 * r + 1.1 * np.sin(ring), np.full(30, tall)], 1), 0.12, bare, 8)
    body.bend(lambda p: p * (1, oval, 1))
    if often(rng, 0.25):
        body.bend(crushed(rng, rng.uniform(0.2, 0.7)))
    return as_built(body, 0.4)


def spray(rng) -> Thing:
    """A spray can, with its cap or its button."""
    r, tall = rng.uniform(1.9, 3.3), rng.uniform(10, 21)
    bare = _bare(rng)
    body = Solid().lathe([(0, 0.4), (0.85 * r, 0.3), (r, 0.1), (r, 0.4)], bare, 48)
    body.lathe(
        [(r, z) for z in np.linspace(0.4, tall, 20)],
        picture(artwork(rng, (640, 384)), rng.uniform(0.15, 0.35), rng.uniform(0, 0.6)),
        56,
    )
    dome = [
        (1.02 * r, tall),
        (r, tall + 0.3),
        *curve([(0.95 * r, tall + 0.3), (0.7 * r, tall + 0.9), (0.45 * r, tall + 1.3)], 8),
        (0.4 * r, tall + 1.6),
    ]
    body.lathe([*dome, (0, tall + 1.5)], bare, 48)
    plastic = solid_colour(paint(rng), 0.35)
    if often(rng, 0.5):
        body.lathe([(0.98 * r, tall + 0.35), (0.95 * r, tall + 3.4), (0.85 * r, tall + 3.8), (0, tall + 3.8)], plastic, 48)
    else:
        body.lathe([(0.55, tall + 1.5), (0.6, tall + 2.8), (0.4, tall + 3.0), (0, tall + 2.9)], plastic, 24)
    if often(rng, 0.2):
        body.bend(crushed(rng, rng.uniform(0.15, 0.5)))
    return as_built(body, 0.25)


def foil(rng) -> Thing:
    """Foil, crumpled to a ball or lying creased."""
    shiny = solid_colour(grey(rng, 0.75, 0.9), rng.uniform(0.2, 0.5), 1.0, grain=0.15, grain_scale=1.5)
    if often(rng, 0.55):
        return as_built(ball(rng, shiny, rng.uniform(1.5, 5), rng.uniform(0.1, 0.2), rng.uniform(0.5, 1.0)), 0)
    w, h = rng.uniform(5, 13), rng.uniform(4, 9)
    edge = [(-w, -h), (w * rng.uniform(0.8, 1), -h), (w, h * rng.uniform(0.7, 1)), (-w * rng.uniform(0.8, 1), h)]
    return as_built(sheet(edge, shiny, rng.uniform(1.5, 3), rng.uniform(2, 5), rng.uniform(0, 99), 0.1, 130))


def foil_tray(rng) -> Thing:
    """A crimped tray of foil, a cake case or a tea light's cup."""
    width, tall = pick(rng, (1.9, 1.5), (4.5, 2.5), (7.5, 3.5), (10, 3))
    tall *= rng.uniform(0.8, 1.2)
    square, folds = often(rng, 0.5) and width > 4, int(rng.integers(30, 60))
    skin = solid_colour(grey(rng, 0.65, 0.85), rng.uniform(0.15, 0.35), 1.0, grain=0.05)
    a = np.linspace(0, TAU, 240)
    shape = lambda k: (np.abs(np.cos(a)) ** k + np.abs(np.sin(a)) ** k) ** (-1 / k)
    long, wave = rng.uniform(1.0, 1.5), 1 + 0.02 * np.sin(folds * a)
    rings = []
    for grow, h, crimp in (
        (0.02, 0.15, 0),
        (0.4, 0.05, 0),
        (0.78, 0.0, 0),
        (0.82, 0.1, 0.3),
        (0.97, tall - 0.1, 1),
        (1.0, tall, 1),
        (1.08, tall, 0.6),
        (1.09, tall - 0.2, 0.3),
    ):
        line = width * grow * (shape(6) if square else 1) * (1 + crimp * (wave - 1))
        rings.append(np.stack([long * line * np.cos(a), line * np.sin(a), np.full(240, h)], 1))
    body = Solid().grid(np.array(rings), skin)
    if often(rng, 0.4):
        body.bend(crushed(rng, rng.uniform(0.15, 0.5)))
    return as_built(body, 0.6)


def lids(rng) -> Thing:
    """Jar lids and crown caps."""
    body = Solid()
    big = often(rng, 0.5)
    for i in range(int(rng.integers(1, 4)) if big else int(rng.integers(2, 8))):
        r = rng.uniform(2.6, 4.3) if big else 1.45
        tall, teeth = (1.2, 60) if big else (0.6, 21)
        cover = picture(artwork(rng, (192, 192), None, 1), 0.3, 0.6) if often(rng, 0.4) else solid_colour(paint(rng), 0.3, 0.7)
        flare = lambda rr, z, a: rr * (1 + 0.04 * np.sin(teeth * a) * np.clip((0.7 * tall - z) * 2.5, 0, 1))
        cap = Solid().lathe([(1.12 * r if not big else r, 0), (r, 0.6 * tall), (0.9 * r, tall)], cover, 160, flare)
        cap.lathe([(0.92 * r, tall), (0, tall)], cover, 160).lathe(
            [(0.97 * r, 0.02), (0.9 * r, 0.8 * tall), (0, 0.85 * tall)], _bare(rng), 160, flare
        )
        a, away, over = 2.4 * i, (1.9 * r if big else 3.0) * np.sqrt(i), rng.integers(2)
        flip = Matrix.Translation((0, 0, tall * over)) @ Matrix.Rotation(np.pi * over, 4, "X")
        body.add(cap, Matrix.Translation((away * np.cos(a), away * np.sin(a), 0)) @ flip)
    return as_built(body)


def cutlery(rng) -> Thing:
    """Spoons, forks, knives or a key of steel."""
    body = Solid()
    for i in range(int(rng.integers(1, 4))):
        steel, kind = solid_colour(grey(rng, 0.6, 0.75), rng.uniform(0.08, 0.3), 1.0), rng.integers(3)
        wide = rng.uniform(0.5, 0.8)
        side = [(0.6 * wide, -10), (wide, -8.5), (0.35, 0), (0.35, 3.5)]
        side += (
            [(1.7, 5.5), (2.0, 7.5), (1.3, 9.6), (0, 10.2)],
            [(1.25, 5), (1.3, 10), (1.0, 10), (0.95, 6.5), (0.4, 6.5), (0.35, 10), (0, 10)],
            [(1.0, 4.5), (1.0, 10), (0.1, 12)],
        )[kind]
        piece, deep = Solid().prism(mirrored(side), 0.18, steel, 0.05), 0.35 if kind == 0 else 0.08
        piece.bend(lifted(lambda p: deep * p[:, 0] ** 2 * (p[:, 1] > 4) + 0.012 * p[:, 1] ** 2 * (p[:, 1] > 0)))
        turn = Matrix.Rotation(rng.normal(0, 0.25) + np.pi * rng.integers(2), 4, "Z")
        body.add(piece, Matrix.Translation((4.0 * i, rng.normal(0, 1.2), 0.1)) @ turn)
    return as_built(body)


def small_ware(rng) -> Thing:
    """Screws, nuts, nails and pieces of pipe."""
    body = Solid()
    for i in range(int(rng.integers(3, 11))):
        metal, kind = _bare(rng), rng.integers(3)
        if kind == 0:
            r, long = rng.uniform(0.2, 0.45), rng.uniform(2, 6)
            piece = (
                Solid()
                .screw(r, 0, long, 0.35 * r * 2, 0.1 * r, metal)
                .lathe([(0, long), (2 * r, long), (1.7 * r, long + r), (0, long + r)], metal, pick(rng, 6, 24))
            )
        elif kind == 1:
            r = rng.uniform(0.5, 1.2)
            piece = Solid().lathe([(0.5 * r, 0), (r, 0), (r, 0.6 * r), (0.5 * r, 0.6 * r), (0.5 * r, 0)], metal, 6)
        else:
            r, long = rng.uniform(0.4, 1.1), rng.uniform(2, 7)
            piece = Solid().lathe([(0.85 * r, 0), (r, 0), (r, long), (0.85 * r, long), (0.85 * r, 0)], metal, 28)
        a, away = 2.4 * i, 2.6 * np.sqrt(i)
        lie = Matrix.Rotation(rng.uniform(0, TAU), 4, "Z") @ Matrix.Rotation(np.pi / 2 * (kind != 1), 4, "X")
        put(body, piece, lie, (away * np.cos(a), away * np.sin(a)))
    return as_built(body)


def hanger(rng) -> Thing:
    """A clothes hanger of wire, or a tangle of wire."""
    metal, thick = _bare(rng), rng.uniform(0.1, 0.22)
    if often(rng, 0.6):
        w, h = rng.uniform(18, 21), rng.uniform(8, 12)
        z = lambda: thick + abs(rng.normal(0, 0.15))
        loop = [
            (0, h),
            (-0.5 * w, 0.45 * h),
            (-w, 0),
            (-0.96 * w, -0.8),
            (0, -1),
            (0.96 * w, -0.8),
            (w, 0),
            (0.5 * w, 0.45 * h),
            (0, h),
        ]
        body = Solid().tube(curve([(*p, z()) for p in loop], 90), thick, metal, 8)
        hook = [(0, h - 0.4), (0, h + 3), (2.2, h + 5), (0.5, h + 8), (-2.3, h + 6.4)]
        return as_built(body.tube(curve([(*p, z()) for p in hook], 40), thick, metal, 8))
    body = Solid()
    for _ in range(int(rng.integers(2, 5))):
        body.add(cable(rng, (rng.normal(0, 2), rng.normal(0, 2), 0.3), rng.uniform(20, 45), thick, metal))
    return as_built(body)


KINDS = {
    "drink-can": drink_can,
    "tin": tin,
    "spray": spray,
    "foil": foil,
    "foil-tray": foil_tray,
    "lids": lids,
    "cutlery": cutlery,
    "small-ware": small_ware,
    "hanger": hanger,
}
