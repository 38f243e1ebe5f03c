"""Glass: bottles, jars and drinking glasses, whole or broken, and shards."""

import numpy as np
from mathutils import Matrix

from ..soft import as_built
from ..solid import TAU, Solid, Thing, curve, rounded, wobble
from ..surface import clear_glass, picture, solid_colour
from .vary import artwork, grey, hue, lifted, often, paint, pick, widened

TINTS = (
    (0.93, 0.97, 0.96),
    (0.9, 0.96, 0.93),
    (0.93, 0.97, 0.96),
    (0.25, 0.6, 0.25),
    (0.12, 0.4, 0.16),
    (0.6, 0.26, 0.06),
    (0.4, 0.14, 0.03),
)


def _glass(rng, tint=None):
    """Flint, green, brown, seldom blue; thick at the edge."""
    tint = tint or (pick(rng, *TINTS) if often(rng, 0.93) else hue(rng, 0.55, 0.65, (0.5, 0.9), (0.5, 0.8)))
    return clear_glass(tint, rng.uniform(0.15, 0.5), rng.uniform(0.0, 0.05), soot=rng.uniform(0, 0.25) * often(rng, 0.25))


def hollow(line: np.ndarray, glass, wall: float, broken=None) -> Solid:
    """A vessel with an outside and an inside."""
    inside = np.stack([np.maximum(line[:, 0] - wall, 0), line[:, 1] + 1.5 * wall * (line[:, 1] < line[:, 1].max() * 0.3)], 1)
    return Solid().lathe(line, glass, 56, broken=broken).lathe(inside, glass, 56, broken=broken)


def _jagged(rng, at: float, size: float):
    """Broken off above a jagged line."""
    edge = wobble(rng, 2)
    return lambda z, a: z > at + size * edge(a)


def bottle(rng) -> Thing:
    """A bottle of any drink, sauce or medicine; a third are broken."""
    r, tall = rng.uniform(2.2, 4.3), rng.uniform(11, 32)
    neck, shoulder = rng.uniform(0.3, 0.48) * r, tall * rng.uniform(0.45, 0.72)
    steep = rng.uniform(0.03, 0.2) * tall
    throat = min(shoulder + steep + 0.2 * r, tall - 2.5)
    profile = [(0, 0.5), (0.7 * r, 0.05), (0.95 * r, 0.25), (r, 1.0), (r * rng.uniform(0.93, 1.0), 0.5 * shoulder), (r, shoulder)]
    profile += [(0.55 * r + 0.45 * neck, (shoulder + throat) / 2 + 0.3), (1.08 * neck, throat), (neck, tall - 1.8)]
    profile += [(neck, tall - 1.3), (neck + 0.25, tall - 1.1), (neck + 0.25, tall - 0.3), (neck, tall)]
    broken = _jagged(rng, tall * rng.uniform(0.25, 0.8), 0.1 * tall) if often(rng, 0.25) else None
    body = hollow(curve(profile, 70), _glass(rng), rng.uniform(0.25, 0.4), broken)
    if often(rng, 0.55) and broken is None:
        low, high = sorted(rng.uniform(0.08, 0.95, 2) * shoulder)
        if high - low > 1.5:
            around = np.linspace(0, TAU * pick(rng, 1.0, 0.45, 0.6), 40)
            ring = lambda z: np.stack([(r + 0.03) * np.cos(around), (r + 0.03) * np.sin(around), np.full(40, z)], 1)
            print_ = artwork(rng, (512, 256), pick(rng, grey(rng, 0.6, 0.85), paint(rng)), 2)
            body.grid(np.stack([ring(z) for z in np.linspace(low, high, 4)]), picture(print_, 0.6))
    if often(rng, 0.3) and broken is None:
        cap = solid_colour(paint(rng), 0.3, pick(rng, 0.0, 0.9))
        body.lathe([(neck + 0.3, tall - 1.2), (neck + 0.35, tall), (neck + 0.2, tall + 0.2), (0, tall + 0.2)], cap, 40)
    return as_built(body, 0.3)


def jar(rng) -> Thing:
    """A jar, mostly without its lid."""
    r, tall = rng.uniform(2.6, 5), rng.uniform(5, 16)
    mouth, facets = r * rng.uniform(0.72, 0.95), pick(rng, 0, 0, 0, 6, 8)
    profile = [(0, 0.4), (0.8 * r, 0.05), (r, 0.5), (r, 1.2), (r, 0.5 * tall), (r, tall - 3), (0.97 * r, tall - 2.4)]
    profile += [(mouth, tall - 1.7), (mouth, tall - 0.2), (mouth - 0.15, tall)]
    glass = _glass(rng, pick(rng, *TINTS[:3]) if often(rng, 0.85) else None)
    body = hollow(curve(profile, 60), glass, rng.uniform(0.25, 0.4))
    if facets:
        body.bend(widened(lambda angle: 1 / np.cos(angle % (TAU / facets) - TAU / facets / 2) ** 0.6))
    t = np.linspace(0, 1.8 * TAU, 70)
    body.tube(np.stack([(mouth + 0.03) * np.cos(t), (mouth + 0.03) * np.sin(t), tall - 1.4 + t * 0.06], 1), 0.1, glass, 6)
    if often(rng, 0.5) and not facets:
        print_ = artwork(rng, (512, 256), pick(rng, grey(rng, 0.6, 0.85), paint(rng)))
        body.lathe([(r + 0.03, 0.2 * tall), (r + 0.03, tall - 3.2)], picture(print_, 0.6), 56)
    loose = []
    if often(rng, 0.3):
        lid = solid_colour(pick(rng, (0.75, 0.55, 0.15), paint(rng)), 0.3, 0.9)
        cap = Solid().lathe([(mouth + 0.1, 0), (mouth + 0.2, 1.1), (mouth, 1.3), (0, 1.25)], lid, 48)
        if often(rng, 0.5):
            body.add(cap, Matrix.Translation((0, 0, tall - 1.1)))
        else:
            loose.append(cap)
    return Thing(body, loose, upright=0.4, end_on=True)


def tumbler(rng) -> Thing:
    """A drinking glass: straight, tapered or on a stem; a third are broken."""
    glass, wall = _glass(rng, pick(rng, *TINTS[:3]) if often(rng, 0.85) else None), rng.uniform(0.12, 0.3)
    r, tall = rng.uniform(2.8, 4.5), rng.uniform(7, 16)
    edge = _jagged(rng, tall * rng.uniform(0.4, 0.8), 0.12 * tall) if often(rng, 0.25) else None
    if often(rng, 0.6):
        foot = r * rng.uniform(0.65, 1.0)
        line = curve([(0, 0), (0.9 * foot, 0), (foot, 0.3), (foot + 0.3 * (r - foot), 0.4 * tall), (r, tall)], 40)
        body = hollow(line, glass, wall, edge)
        if often(rng, 0.3):
            body.bend(widened(lambda angle: 1 + 0.025 * np.cos(12 * angle)))
        return as_built(body, 0.4)
    stem, bowl = rng.uniform(3, 9), rng.uniform(6, 11)
    foot = [(0.95 * r, 0), (0.9 * r, 0.15), (0.5, 0.6), (0.38, 1.5), (0.36, stem)]
    cup = [(0.7, stem + 0.8), (0.8 * r, stem + 0.35 * bowl), (r, stem + 0.6 * bowl), (r * rng.uniform(0.75, 1.0), stem + bowl)]
    body = Solid().lathe(curve(foot + cup, 60), glass, 48, broken=edge)
    return as_built(
        body.lathe(
            curve([(0, stem + 0.9), (0.7 * r, stem + 0.35 * bowl + 0.2), *[(x - 0.1, z) for x, z in cup[2:]]], 30), glass, 48
        ),
        0.3,
    )


def _shard(rng, glass) -> Solid:
    """A piece of a broken bottle or pane."""
    size, curved = rng.uniform(1.5, 5), rng.uniform(0.02, 0.25) * often(rng, 0.7)
    angle = np.sort(rng.uniform(0, TAU, int(rng.integers(4, 8))))
    line = size * np.stack([np.cos(angle) * rng.uniform(0.7, 1.4), np.sin(angle)], 1)
    piece = Solid().prism(line * rng.uniform(0.7, 1.2, (len(line), 1)), rng.uniform(0.2, 0.45), glass)
    return piece.bend(lifted(lambda p: -0.5 * curved * p[:, 0] ** 2))


def shards(rng) -> Thing:
    """Pieces of one broken thing."""
    glass, body = _glass(rng), Solid()
    for i in range(int(rng.integers(2, 8))):
        a, away = i * 2.4 + rng.uniform(0, 0.6), 2.6 * np.sqrt(i) * rng.uniform(0.8, 1.2)
        turn = Matrix.Rotation(rng.uniform(0, TAU), 4, "Z") @ Matrix.Rotation(rng.normal(0, 0.2), 4, "X")
        body.add(_shard(rng, glass), Matrix.Translation((away * np.cos(a), away * np.sin(a), rng.uniform(0.2, 0.8))) @ turn)
    return as_built(body)


def flask(rng) -> Thing:
    """A square flask of scent, ink or medicine, with its cap."""
    x, y, z = rng.uniform(2.5, 6), rng.uniform(2, 3.5), rng.uniform(3.5, 9)
    glass = _glass(rng)
    body = Solid().add(Solid().prism(rounded(x, y, rng.uniform(0.1, 0.9)), z, glass, 0.25))
    body.add(Solid().prism(rounded(0.8 * x, 0.7 * y, 0.2), 0.8 * z, glass, 0.2), Matrix.Translation((0, 0, 0.4)))
    r, tall = 0.3 * min(x, y), rng.uniform(0.8, 3)
    body.lathe([(r, z), (r, z + 0.6)], glass, 32)
    if often(rng, 0.7):
        cap = solid_colour(paint(rng), 0.25, pick(rng, 0.0, 0.95))
        body.lathe([(1.2 * r, z + 0.4), (1.3 * r, z + 0.4 + tall), (0, z + 0.4 + tall)], cap, pick(rng, 32, 4))
    if often(rng, 0.5):
        print_ = picture(artwork(rng, (256, 256), paint(rng), 1), 0.5)
        body.grid(
            np.array(
                [
                    [(-0.35 * x, -y / 2 - 0.02, 0.2 * z), (0.35 * x, -y / 2 - 0.02, 0.2 * z)],
                    [(-0.35 * x, -y / 2 - 0.02, 0.7 * z), (0.35 * x, -y / 2 - 0.02, 0.7 * z)],
                ]
            ),
            print_,
        )
    return as_built(body, 0.3)


def dish(rng) -> Thing:
    """A glass bowl or plate."""
    r, tall = rng.uniform(6, 12), rng.uniform(1.2, 7)
    line = curve([(0, 0), (0.45 * r, 0), (0.55 * r, 0.2), (0.85 * r, 0.55 * tall), (r, tall)], 40)
    body = hollow(line, _glass(rng), rng.uniform(0.25, 0.4))
    waves = pick(rng, 0, 12, 24)
    if waves:
        body.bend(widened(lambda angle: 1 + 0.03 * np.cos(waves * angle)))
    return as_built(body, 0.7)


KINDS = {"bottle": bottle, "jar": jar, "tumbler": tumbler, "shards": shards, "flask": flask, "dish": dish}
