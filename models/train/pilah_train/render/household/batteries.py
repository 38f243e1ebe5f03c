"""Household batteries: round cells, blocks, coin cells and packs of cells."""

import numpy as np
from mathutils import Matrix

from ..soft import as_built
from ..solid import TAU, Solid, Thing, rounded
from ..surface import picture, solid_colour, steel
from .vary import artwork, cable, grey, hue, often, paint, pick

SIZES = {"aaa": (0.525, 4.4), "aa": (0.71, 4.95), "c": (1.3, 4.9), "d": (1.65, 6.0), "18650": (0.92, 6.5), "cr123": (0.85, 3.4)}
"""Radius and length in cm, of IEC 60086-2."""


def _metallic(rng):
    """A sleeve's other colour: copper, gold, silver or paint."""
    bright = pick(rng, (0.62, 0.3, 0.12), (0.75, 0.55, 0.15), (0.62, 0.62, 0.64), (0.62, 0.62, 0.64), (0.03, 0.03, 0.03))
    return solid_colour(bright, rng.uniform(0.2, 0.4), 0.9) if often(rng, 0.7) else solid_colour(paint(rng), 0.35)


def _sleeve(rng):
    """A maker of covers that are alike, as those of cells of one pack are."""
    ground, seed = pick(rng, grey(rng, 0.01, 0.03), hue(rng), hue(rng), grey(rng, 0.5, 0.8)), int(rng.integers(1 << 30))
    image = artwork(np.random.default_rng(seed), (512, 256), ground)
    return picture(image.rotate(90, expand=True), rng.uniform(0.25, 0.5), float(often(rng, 0.3)) * 0.6)


def _cell(rng, r: float, tall: float, cover, tip, worn: float) -> Solid:
    """A round cell: a sleeve, a band of another colour at one end, the button and the flat end."""
    band, bare = rng.uniform(0.6, 0.92), solid_colour(grey(rng, 0.5, 0.75), 0.2 + 0.4 * worn, 1.0, dirt=0.8 * worn)
    body = Solid().lathe([(0, 0.03), (0.8 * r, 0.03), (0.82 * r, 0), (0.95 * r, 0.02), (r, 0.08)], bare)
    body.lathe([(r, 0.08), (r, band * tall)], cover).lathe([(r, band * tall), (r, tall - 0.1), (0.84 * r, tall)], tip)
    nub = min(0.38 * r, 0.4)
    return body.lathe(
        [
            (0.84 * r, tall),
            (1.2 * nub, tall + 0.01),
            (nub, tall + 0.06),
            (nub, tall + 0.17),
            (0.8 * nub, tall + 0.2),
            (0, tall + 0.2),
        ],
        bare,
    )


def _lying(cell: Solid, r: float, at: tuple[float, float], turn: float) -> tuple[Solid, Matrix]:
    place = Matrix.Translation((*at, r)) @ Matrix.Rotation(turn, 4, "Z") @ Matrix.Rotation(np.pi / 2, 4, "X")
    return cell, place @ Matrix.Rotation(turn * 7, 4, "Z")


def single(rng) -> Thing:
    """One round cell."""
    r, tall = SIZES[pick(rng, "aaa", "aa", "aa", "aa", "c", "d", "18650", "cr123")]
    return Thing(_cell(rng, r, tall, _sleeve(rng), _metallic(rng), rng.beta(1, 3)), upright=0.15, end_on=False)


def several(rng) -> Thing:
    """Two to five round cells of one pack, in a row or spilled."""
    r, tall = SIZES[pick(rng, "aaa", "aa", "aa", "c", "d")]
    cover, tip, body, row = _sleeve(rng), _metallic(rng), Solid(), often(rng, 0.5)
    for i in range(int(rng.integers(2, 6))):
        cell = _cell(rng, r, tall, cover, tip, 0.1)
        middle = Matrix.Translation((0, 0, -tall / 2))
        turn = (np.pi * rng.integers(2) + rng.normal(0, 0.04)) if row else rng.uniform(0, TAU)
        at = (2.15 * r * i, rng.normal(0, 0.1)) if row else (1.05 * tall * (i % 2) + rng.normal(0, 0.2), 1.0 * tall * (i // 2))
        solid, place = _lying(cell, r, at, turn)
        body.add(solid, place @ middle)
    return as_built(body)


def block(rng) -> Thing:
    """A 9 V block with its two snaps, or a lantern battery with springs."""
    big = often(rng, 0.2)
    x, y, z = (6.7, 6.7, 10.2) if big else (2.6, 1.7, 4.6)
    ground = pick(rng, grey(rng, 0.01, 0.03), hue(rng), hue(rng))
    sides = picture(artwork(rng, (768, 384), ground, 4), 0.35)
    edge = 0.25 * y / 1.7
    line = rounded(x, y, edge)
    ring = np.vstack([line, line[:1]])
    levels = np.array([0.0, 0.86, 0.86, 1.0]) * z
    body = Solid().grid(np.stack([np.column_stack([ring, np.full(len(ring), h)]) for h in levels[:2]]), sides)
    body.grid(np.stack([np.column_stack([ring, np.full(len(ring), h)]) for h in levels[2:]]), _metallic(rng))
    cap = solid_colour(grey(rng, 0.01, 0.3), 0.5)
    body.add(Solid().prism(line * 0.999, 0.06, cap), Matrix.Translation((0, 0, z - 0.05))).prism(line * 0.999, 0.05, cap)
    bare = steel(0.3)
    if big:
        for side in (-1, 1):
            t = np.linspace(0, 4 * TAU, 120)
            r = 0.9 * (1 - t / t[-1] * 0.8)
            body.tube(np.stack([1.8 * side + r * np.cos(t), 1.8 * side + r * np.sin(t), z + t * 0.08], 1), 0.09, bare, 6)
        return as_built(body, 0.4)
    for side, profile, count in (
        (-0.64, [(0.3, 0), (0.3, 0.28), (0.26, 0.34), (0, 0.34)], 24),
        (0.64, [(0.33, 0), (0.33, 0.1), (0.5, 0.2), (0.53, 0.36), (0.4, 0.36), (0.34, 0.2), (0, 0.2)], 6),
    ):
        body.add(Solid().lathe(profile, bare, count), Matrix.Translation((side, 0, z)))
    return as_built(body, 0.1)


def coins(rng) -> Thing:
    """One to six coin and button cells."""
    body, shade = Solid(), pick(rng, 0.0, 0.0, 0.4)
    for i in range(int(rng.integers(1, 7))):
        r, tall = pick(rng, (1.0, 0.32), (1.0, 0.25), (1.2, 0.5), (0.58, 0.54), (0.4, 0.36))
        bare = solid_colour(grey(rng, 0.55, 0.75), rng.uniform(0.15, 0.4), 1.0, dirt=shade)
        dark = solid_colour((0.02, 0.02, 0.02), 0.5)
        coin = Solid().lathe([(0, 0), (r - 0.04, 0), (r, 0.04), (r, tall * 0.6), (r - 0.03, tall * 0.7)], bare, 40)
        coin.lathe([(r - 0.03, tall * 0.7), (r - 0.1, tall * 0.7)], dark, 40)
        coin.lathe([(r - 0.1, tall * 0.7), (r - 0.12, tall), (0, tall)], bare, 40)
        face = artwork(rng, (128, 128), (0.5, 0.5, 0.5), 1).convert("L").convert("RGB")
        coin.box((1.1 * r, 1.1 * r, 0.004), (0, 0, -0.003), picture(face, 0.35, 0.8))
        flip = Matrix.Rotation(np.pi * rng.integers(2), 4, "X")
        away = 0.0 if i == 0 else rng.uniform(2.1, 4.2)
        a = i * 1.1 + rng.uniform(0, 0.5)
        body.add(
            coin,
            Matrix.Translation((away * np.cos(a), away * np.sin(a), tall / 2)) @ flip @ Matrix.Translation((0, 0, -tall / 2)),
        )
    return as_built(body)


def pack(rng) -> Thing:
    """A flat pack of a telephone, camera or drone: a slab with a label and contacts, or a soft pouch with wires."""
    x, y, z = rng.uniform(3.5, 6.5), rng.uniform(4.5, 9), rng.uniform(0.35, 1.6)
    pouch = often(rng, 0.4)
    shell = pick(rng, solid_colour(grey(rng, 0.01, 0.05), 0.4), solid_colour(grey(rng, 0.4, 0.7), 0.3, 0.9 * pouch))
    body = Solid().add(Solid().prism(rounded(x, y, 0.3), z, shell, min(0.12, z / 4)))
    ground = pick(rng, grey(rng, 0.01, 0.04), grey(rng, 0.6, 0.85), hue(rng))
    face = picture(artwork(rng, (320, 420), ground, 1), 0.45)
    body.box((x * 0.9, y * rng.uniform(0.6, 0.9), 0.01), (0, -0.04 * y, z + 0.003), face)
    if pouch:
        body.box((x * 0.9, 0.8, 0.1), (0, y / 2 + 0.3, z / 2), solid_colour((0.75, 0.5, 0.08), 0.35), 0.03)
        for i, colour in enumerate(((0.6, 0.02, 0.02), (0.01, 0.01, 0.01))):
            body.add(cable(rng, (0.5 * i - 0.3, y / 2, 0.2), 9, 0.1, solid_colour(colour, 0.4)))
    else:
        for i in range(int(rng.integers(3, 6))):
            body.box((0.35, 0.03, 0.25 * z + 0.1), (-x / 4 + 0.6 * i, y / 2, z / 2), solid_colour((0.8, 0.55, 0.15), 0.25, 1.0))
    return as_built(body, 0.85)


KINDS = {"single": single, "several": several, "block": block, "coins": coins, "pack": pack}
