"""Scraps of a kitchen: peels, shells, bones, bread and grounds."""

import numpy as np
from mathutils import Matrix, Vector

from ..soft import as_built
from ..solid import TAU, Solid, Thing, curve, wobble
from ..surface import solid_colour
from .skins import BROWN, CREAM, ORANGE, RED, banana_colours, bitten, lumpy, ribbon, round_profile, scattered, skin
from .vary import heap, hue, lifted, often, pick


def banana_peel(rng: np.random.Generator) -> Thing:
    """A banana peel: strips spread from the stalk."""
    body, outer = Solid(), skin(rng, **banana_colours(rng))
    inner = skin(
        rng, (0.62, 0.5, 0.24), pick(rng, (0.75, 0.65, 0.4), (0.3, 0.2, 0.08)), 0.7, streaks=9, spots=rng.uniform(0, 0.4)
    )
    count, high, length = rng.integers(3, 6), rng.uniform(1.5, 5), rng.uniform(11, 17)
    for angle in np.linspace(0, TAU, count + 1)[:-1] + rng.normal(0, 0.25, count):
        points, heading = [np.array([0, 0, high])], angle
        for k, z in enumerate((0.9 * high, 0.35 * high, 0.25, rng.uniform(0.2, 1.5), rng.uniform(0.2, 2))):
            points.append(points[-1] + (length / 6 if k else 0.9) * np.array([np.cos(heading), np.sin(heading), 0]))
            points[-1][2] = z
            heading += rng.normal(0, 0.35)
        half = rng.uniform(1.3, 1.9) * np.interp(np.linspace(0, 1, 30), [0, 0.15, 0.5, 0.9, 1], [0.35, 0.7, 1, 0.5, 0.15])
        ribbon(body, curve(points, 30), half, inner, outer, rng.uniform(-0.5, -0.1), 0.25)
    lean = rng.normal(0, 0.8, 2)
    path = curve([(0, 0, high - 0.6), (*0.3 * lean, high + 0.9), (*lean, high + rng.uniform(2, 3.5))], 12)
    body.tube(path, np.linspace(0.9, 0.5, 12), outer, 10).tube(
        path[-2:] + (path[-1] - path[-2]) * 0.3, 0.52, solid_colour(BROWN, 0.8), 10
    )
    return as_built(body, 0.6)


def egg_shell(rng: np.random.Generator) -> Thing:
    """Broken halves of egg shells and splinters."""
    colour = pick(rng, (0.82, 0.8, 0.76), (0.55, 0.3, 0.17), (0.62, 0.4, 0.26), (0.45, 0.6, 0.6))
    outer = skin(
        rng,
        colour,
        tuple(0.9 * c for c in colour),
        0.6,
        0.5,
        spots=pick(rng, 0, 0, 0.2),
        spot=tuple(0.5 * c for c in colour),
        pores=0.05,
    )
    inner = skin(rng, (0.85, 0.83, 0.8), (0.75, 0.72, 0.66), pick(rng, 0.2, 0.5), 0.4)

    def shell(upto: float, turn: float = TAU) -> Solid:
        edge, blunt = wobble(rng, 9), rng.uniform(1.1, 1.45)
        t, a = np.meshgrid(np.linspace(0, 1, 22), np.linspace(0, turn, 72), indexing="ij")
        up = -np.pi / 2 + t * (np.pi / 2 + upto + 0.22 * edge(a if turn == TAU else 0.3 * a))
        point = lambda r: np.stack([r * np.cos(up) * np.cos(a), r * np.cos(up) * np.sin(a), r * blunt * np.sin(up)], -1)
        return Solid().grid(point(2.2), outer).grid(point(2.1), inner).grid(np.stack([point(2.2)[-1], point(2.1)[-1]]), inner)

    halves = [shell(rng.uniform(-0.3, 0.5)) for _ in range(pick(rng, 1, 2, 2, 3))]
    return Thing(
        scattered(rng, halves, 1.4),
        [shell(rng.uniform(-0.9, -0.5), rng.uniform(0.8, 2)) for _ in range(rng.integers(0, 5))],
        upright=0.8,
        end_on=True,
    )


def bread(rng: np.random.Generator) -> Thing:
    """A slice of bread or toast, a roll or a piece of baguette, some bitten or mouldy."""
    crust = tuple(np.array((0.33, 0.12, 0.025)) * rng.uniform(0.5, 1.4))
    crumb = tuple(np.array((0.75, 0.58, 0.35)) * rng.uniform(0.6, 1.1))
    mould = {"spots": pick(rng, 0, 0, rng.uniform(0.3, 0.8)), "spot": (0.12, 0.18, 0.13)}
    shell = skin(rng, crust, tuple(1.5 * c for c in crust), 0.6, pores=0.2, **mould)
    soft = skin(rng, crumb, pick(rng, crumb, tuple(0.7 * c for c in crumb), crust), 0.9, 0.25, pores=1.0, fine=2.2, **mould)
    kind = pick(rng, 0, 0, 1, 2)
    if kind == 0:
        w, h, thick = rng.uniform(4.5, 6), rng.uniform(4.5, 6.5), rng.uniform(0.8, 1.8)
        edge = curve(
            np.array(
                [(0, -1), (0.7, -1), (0.95, -0.93), (0.93, 0), (0.92, 0.35), (1.06, 0.6), (0.95, 0.9), (0.55, 1.02), (0, 1.05)]
            )
            * (w, h),
            40,
        )
        edge = np.vstack([edge, edge[-2:0:-1] * (-1, 1)])
        inner = 0.93 * edge
        for a in rng.uniform(0, TAU, 1) + 0.45 * np.arange(rng.integers(0, 5)) * often(rng, 0.6):
            middle, r = np.array([w * np.cos(a), h * np.sin(a)]) * 1.05, rng.uniform(1.4, 2.2)
            edge, inner = (
                np.array(
                    [
                        middle + (p - middle) * max(1, r / np.linalg.norm(p - middle)) if np.linalg.norm(p - middle) < r else p
                        for p in e
                    ]
                )
                for e in (edge, inner)
            )
        body = (
            Solid()
            .prism(edge, thick, shell, 0.1)
            .add(Solid().prism(inner, thick + 0.12, soft, 0.12), Matrix.Translation((0, 0, -0.06)))
        )
        return Thing(
            body.bend(lifted(lambda p: 0.015 * p[:, 0] * p[:, 1] * bool(mould["spots"]))),
            upright=0.15,
            end_on=True,
        )
    long = 1 if kind == 1 else rng.uniform(2, 3.5)
    r, bites = rng.uniform(3.2, 5), []
    for i in range(rng.integers(2, 5) if often(rng, 0.5) else 0):
        bites.append((np.array([r * long, (i - 1.2) * 0.55 * r, rng.normal(0.3, 0.5)]), r * rng.uniform(0.4, 0.6)))
    shell = skin(rng, crust, tuple(1.5 * c for c in crust), 0.35, pores=0.1, bites=bites, flesh=crumb, **mould)
    slashes = r * np.linspace(-0.7, 0.7, 4) * long
    profile = round_profile(r, 0.62)
    flat = lambda p: np.stack([p[:, 0] * long, p[:, 1], np.maximum(p[:, 2], -0.4 * r)], 1)
    body = Solid().lathe(profile, shell, 72).bend(flat).bend(lumpy(rng, 0.06, 3)).bend(bitten(bites))
    for x in slashes if long > 1 else ():
        y = np.linspace(-0.5, 0.5, 12) * r
        z = 0.62 * r * np.sqrt(np.clip(1 - (y / r) ** 2 - ((x + 0.6 * y) / (r * long)) ** 2, 0, 1))
        body.tube(np.stack([x + 0.6 * y, y, z - 0.15], 1), 0.5 * np.sin(np.linspace(0.2, 2.9, 12)), soft, 8)
    seed = solid_colour((0.75, 0.62, 0.4), 0.6)
    for p in np.array(body.points)[rng.integers(0, len(body.points), 160)] if long == 1 and often(rng, 0.6) else ():
        if p[2] > 0.3 * r and not bites:
            way = rng.normal(0, 0.12, 3) * (1, 1, 0.2)
            body.tube(p + np.array([-1, -0.4, 0.4, 1])[:, None] * way, np.array([0.05, 0.11, 0.11, 0.05]), seed, 6)
    return as_built(body, 0.3)


def bone(rng: np.random.Generator) -> Thing:
    """A chicken bone, with some meat left or none; or several."""
    colour = tuple(np.array((0.72, 0.58, 0.4)) * rng.uniform(0.8, 1.1))
    surface = skin(
        rng, colour, tuple(np.array(colour) * (0.7, 0.5, 0.4)), 0.4, 0.5, spots=rng.uniform(0, 0.5), spot=(0.22, 0.07, 0.03)
    )

    def one(meat: bool) -> Solid:
        long, r = rng.uniform(6, 11), rng.uniform(0.35, 0.55)
        t = np.linspace(0, 1, 40)
        path = np.stack([long * (t - 0.5), rng.normal(0, 0.6) * np.sin(np.pi * t), 0 * t], 1)
        body = Solid().tube(path, r * np.interp(t, [0, 0.12, 0.3, 0.7, 0.88, 1], [1.1, 1.3, 0.85, 0.8, 1.3, 1.2]), surface, 16)
        for x in (0, -1):
            for side in (-1, 1):
                size = r * rng.uniform(1.1, 1.6)
                knob = Solid().lathe(round_profile(size, 1, count=14), surface, 18)
                body.add(knob, Matrix.Translation(Vector(path[x]) + Vector((0, 0.85 * side * r, rng.normal(0, 0.1)))))
        if meat:
            flesh = skin(rng, (0.25, 0.09, 0.03), (0.5, 0.26, 0.09), 0.35, 0.6, pores=0.8, fine=1.5)
            lump = Solid().lathe(round_profile(rng.uniform(1.2, 2.2), 1.4, taper=0.4), flesh, 40).bend(lumpy(rng, 0.25, 1.5))
            body.add(lump, Matrix.Translation((-0.22 * long, 0, 0)) @ Matrix.Rotation(np.pi / 2, 4, "Y"))
        return body

    return Thing(one(often(rng, 0.5)), [one(often(rng, 0.3)) for _ in range(pick(rng, 0, 0, 1, 2))], upright=0, end_on=True)


def grounds(rng: np.random.Generator) -> Thing:
    """A heap of coffee grounds, tea leaves, rice, noodles or chopped scraps."""
    kind = rng.integers(5)
    a, b = [
        ((0.012, 0.006, 0.003), (0.05, 0.025, 0.012)),
        ((0.03, 0.02, 0.008), (0.1, 0.06, 0.02)),
        ((0.75, 0.72, 0.62), (0.8, 0.78, 0.72)),
        ((0.75, 0.55, 0.2), (0.8, 0.65, 0.33)),
        ((0.2, 0.22, 0.05), (0.4, 0.2, 0.05)),
    ][kind]
    wide = rng.uniform(4, 9)
    high = wide * rng.uniform(0.3, 0.5)
    body = heap(rng, skin(rng, a, b, 0.8 if kind < 3 else 0.4, 2.5, pores=1.0, fine=2.5), wide, high, 0.5, 90)
    under = Solid().add(body).bend(lambda p: p * (1, 1, -0.4))
    points = np.array(body.add(under).points)
    tones = [skin(rng, *pick(rng, (a, b), (b, a)), 0.6) for _ in range(2)]
    if kind == 4:
        tones = [
            solid_colour(pick(rng, hue(rng, 0.0, 0.4, (0.5, 0.95), (0.3, 0.85)), CREAM, (0.1, 0.25, 0.03), ORANGE), 0.4)
            for _ in range(5)
        ]
    size, count = [((0.1, 0.2), 250), ((0.3, 0.8), 250), ((0.5, 0.7), 420), ((5, 10), 70), ((0.5, 1.6), 110)][kind]
    for p in points[rng.integers(0, len(points), count)]:
        way, long = rng.normal(0, 1, 3) * (1, 1, 0.35), rng.uniform(*size)
        way *= long / np.linalg.norm(way)
        if kind == 3:
            knots = p * (0.8, 0.8, 1) + np.cumsum(np.vstack([(0, 0, 0.2), rng.normal(0, 0.13 * long, (6, 3)) * (1, 1, 0)]), 0)
            reach = np.hypot(knots[:, 0], knots[:, 1]) / (1.15 * wide)
            knots[:, 2] = np.maximum(0.15, high * (1.1 - np.minimum(reach, 1) ** 2) * rng.uniform(0.7, 1.3)) * (
                1 if p[2] > 0 else -0.4
            )
            body.tube(curve(knots, 28), rng.uniform(0.16, 0.26), tones[0], 6)
        else:
            r = long * (0.2 if kind == 2 else rng.uniform(0.12, 0.4))
            body.tube(
                p + np.linspace(-0.5, 0.5, 4)[:, None] * way, r * np.array([0.6, 1, 1, 0.6]), tones[rng.integers(len(tones))], 6
            )
    return as_built(body, 0.85)


def peelings(rng: np.random.Generator) -> Thing:
    """Strips peeled off a potato, carrot, cucumber, apple or orange."""
    peel, flesh = pick(
        rng,
        ((0.4, 0.25, 0.11), (0.75, 0.65, 0.35)),
        ((0.75, 0.2, 0.02), (0.8, 0.32, 0.05)),
        ((0.03, 0.1, 0.015), (0.55, 0.65, 0.25)),
        (RED, CREAM),
        ((0.35, 0.45, 0.05), CREAM),
        (ORANGE, (0.8, 0.65, 0.4)),
    )
    outer, inner = (
        skin(rng, peel, tuple(0.8 * c for c in peel), 0.5, spots=rng.uniform(0, 0.4)),
        skin(rng, flesh, tuple(0.85 * c for c in flesh), 0.5),
    )
    spiral = often(rng, 0.15)

    def strip(at: np.ndarray) -> Solid:
        t, long, turn = np.linspace(0, 1, 60), rng.uniform(5, 14), rng.normal(0, 2.2)
        if spiral:
            turns, r = rng.uniform(1.5, 3.5), rng.uniform(2, 3.5)
            a = TAU * turns * t
            path = np.stack(
                [
                    r * np.sin(np.pi * (0.15 + 0.8 * t)) * np.cos(a),
                    r * np.sin(np.pi * (0.15 + 0.8 * t)) * np.sin(a),
                    rng.uniform(4, 7) * t,
                ],
                1,
            )
            return ribbon(
                Solid(), path, 0.6 * np.sin(np.pi * np.clip(t, 0.05, 0.95)) ** 0.3, outer, inner, 0.2, 0.12, up=-path * (1, 1, 0)
            )
        heading = rng.uniform(0, TAU) + turn * t
        path = at + np.cumsum(np.stack([np.cos(heading), np.sin(heading), 0 * t], 1), 0) * long / 60
        path[:, 2] += rng.uniform(0.2, 1.8) * np.abs(np.sin(np.pi * t * rng.uniform(0.5, 2) + rng.uniform(0, 3))) + 0.2
        twist = rng.normal(0, 1.5) * (t - 0.5) + pick(rng, 0, np.pi)
        up = np.stack([-np.sin(heading) * np.sin(twist), np.cos(heading) * np.sin(twist), np.cos(twist)], 1)
        half = rng.uniform(0.5, 1.1) * np.sin(np.pi * np.clip(t, 0.03, 0.97)) ** 0.4
        return ribbon(Solid(), path, half, outer, inner, rng.uniform(0, 0.5), 0.1, up)

    body = Solid()
    for i in range(1 if spiral else rng.integers(3, 15)):
        body.add(strip(np.array([*rng.normal(0, 3, 2), 0.12 * i])))
    return Thing(body, [strip(np.zeros(3)) for _ in range(pick(rng, 0, 0, 1, 3))], upright=0.4, end_on=True)


KINDS = {
    "banana-peel": banana_peel,
    "egg-shell": egg_shell,
    "bread": bread,
    "bone": bone,
    "grounds": grounds,
    "peelings": peelings,
}
