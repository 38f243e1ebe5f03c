"""Light bulbs of all common kinds, each a little different: sizes, bases, tints, wear and breakage are random."""

import numpy as np
from mathutils import Matrix

from .bases import base, base_metal, housing
from .solid import TAU, Solid, Thing, curve, wobble
from .spots import capsule, reflector
from .surface import clear_glass, label, milky, picture, solid_colour


def _break(rng, thing: Thing, top: float, r: float, glass):
    """A jagged edge for the glass, with shards lying around."""
    edge, height = wobble(rng), rng.uniform(0.35, 0.75) * top
    for _ in range(rng.integers(0, 6)):
        side = rng.uniform(0.15, 0.6) * r
        a = np.linspace(-0.5, 0.5, 5)
        x, y = np.meshgrid(a * side * rng.uniform(0.6, 1.5), a * side)
        bent = np.stack([x * (1.1 - (y / side + 0.5)), y, -(x**2 + y**2) / (2 * r)], -1)
        thing.loose.append(Solid().grid(bent, glass))
    return lambda z, a: z > height + 0.22 * top * edge(a)


def _shell(rng, thing: Thing, profile, frosted: bool, broken: bool, lit: bool) -> None:
    """The envelope of a bulb with what is in it."""
    top, widest = profile[:, 1].max(), profile[:, 0].max()
    if frosted:
        tone = [(0.9, 0.9, 0.88), (0.88, 0.85, 0.76), tuple(rng.uniform(0.3, 0.9, 3))][rng.choice(3, p=[0.7, 0.2, 0.1])]
        glass = milky(
            tone, rng.uniform(0.2, 0.55), rng.uniform(0.15, 0.6), rng.uniform(1, 4) if lit else 0, rng.choice([0, 0, 0.25])
        )
    else:
        tint = [(0.97, 0.98, 0.98), (0.95, 0.72, 0.35), (0.8, 0.8, 0.82), tuple(rng.uniform(0.3, 0.95, 3))][
            rng.choice(4, p=[0.68, 0.16, 0.1, 0.06])
        ]
        glass = clear_glass(tint, rng.uniform(0.4, 0.8), rng.choice([0.01, 0.04, 0.12]), rng.choice([0, 0, 0, 0.5, 0.9]))
    cut = _break(rng, thing, top, widest, glass) if broken else None
    if broken:  # fine enough for a jagged edge
        at = np.linspace(0, len(profile) - 1, 140)
        profile = np.stack([np.interp(at, np.arange(len(profile)), axis) for axis in profile.T], 1)
    thing.body.lathe(profile, glass, 160 if broken else 40, broken=cut)
    if not frosted or broken:
        _filament(rng, thing.body, top, widest, lit)


def _filament(rng, solid: Solid, top: float, r: float, lit: bool) -> None:
    """The stem and either a wound wire, a long looped wire or LED sticks."""
    stem, wire = clear_glass((0.9, 0.93, 0.92), 0.45), solid_colour((0.3, 0.29, 0.28), 0.35, 1.0)
    height, neck = rng.uniform(0.38, 0.52) * top, 0.28 * min(r, 2.5)
    solid.lathe(
        curve(
            [
                (neck * 2.2, 0.1),
                (neck * 1.3, 0.25 * height),
                (neck * 0.55, 0.6 * height),
                (neck * 0.5, 0.95 * height),
                (0, height),
            ],
            14,
        ),
        stem,
        16,
    )
    style = rng.choice(["wound", "loops", "sticks"], p=[0.5, 0.2, 0.3])
    spread = rng.uniform(0.35, 0.6) * r
    if style == "wound":
        x = np.linspace(-spread, spread, 40)
        sag = rng.uniform(0, 0.3)
        path = np.stack([x, sag * np.sin(x / spread * 6), height * 1.25 + 0.12 * (x / spread) ** 2 + 0 * x], 1)
        hot = solid_colour((1, 0.6, 0.2), glow=25) if lit else wire
        solid.tube(path, 0.06, hot, 6)
        for end in (-1, 1):
            solid.tube(
                np.array([(end * 0.12, 0, 0.7 * height), (end * spread, path[0, 1] * -end, height * 1.25)]), 0.035, wire, 6
            )
        solid.tube(np.array([(0, 0, height * 0.95), (0, 0.1, height * 1.25)]), 0.02, wire, 6)
        return
    count = int(rng.integers(4, 9)) if style == "loops" else int(rng.choice([2, 4, 4, 6]))
    tall = min(0.85 * top, height + 0.4 * top)
    low = height * rng.uniform(0.5, 0.9)
    angle = np.arange(count) / count * TAU
    if style == "loops":
        points = [(spread * f * np.cos(a), spread * f * np.sin(a), z) for a in angle for f, z in ((0.7, low), (1, tall))]
        points = np.array(points)[np.argsort(np.repeat(np.arange(count), 2) * 4 + np.tile([0, 1], count))]
        solid.tube(curve(points, 12 * count), 0.04, solid_colour((1, 0.5, 0.15), glow=15) if lit else wire, 6)
    else:
        stick = solid_colour((0.9, 0.62, 0.12), 0.5, glow=6.0 if lit else 0.05)
        for a in angle:
            foot = np.array([0.45 * spread * np.cos(a), 0.45 * spread * np.sin(a), low])
            head = np.array([0.8 * spread * np.cos(a), 0.8 * spread * np.sin(a), tall])
            solid.tube(np.array([foot, head]), 0.12, stick, 8)
            solid.tube(np.array([(0, 0, height), head]), 0.025, wire, 5)
    solid.tube(np.array([(0, 0, height * 0.9), (0, 0, tall)]), 0.04, wire, 6)


def _neck(r: float, *points) -> np.ndarray:
    """A smooth profile starting at the neck."""
    return curve([(r * 0.96, 0), (r * 1.0, 0.35), *points], 34)


def incandescent(rng, kind: str, frosted: bool, broken: bool) -> Thing:
    """A glass envelope on a screw or bayonet: A-shape, candle, globe, Edison or golf ball."""
    thing, lit = Thing(Solid()), rng.random() < 0.04
    small = kind in ("candle", "golf") and rng.random() < 0.6
    fit = "e14" if small else rng.choice(["e27", "bayonet"], p=[0.78, 0.22])
    r = base(rng, thing.body, fit)
    w, h = rng.uniform(0.9, 1.1, 2)
    profile = {
        "a": [(1.6, 1.2), (2.3, 2.7), (2.9, 4.2), (3.05, 5.3), (2.75, 6.6), (1.9, 7.6), (0.9, 8.05), (0, 8.15)],
        "candle": [(1.25, 1.2), (1.75, 2.6), (1.75, 3.7), (1.3, 5.4), (0.6, 7.0), (0.2, 7.7), (0, 7.8)],
        "globe": [(1.7, 0.9), (3.4, 2.0), (4.6, 4.2), (4.7, 5.6), (4.0, 7.6), (2.4, 9.0), (0.9, 9.5), (0, 9.6)],
        "edison": [(1.6, 1.4), (2.3, 4.2), (3.1, 7.2), (3.15, 8.6), (2.4, 10.2), (1.0, 10.95), (0, 11.0)],
        "golf": [(1.2, 0.7), (1.9, 1.5), (2.25, 2.7), (2.1, 3.8), (1.3, 4.8), (0.5, 5.1), (0, 5.15)],
    }[kind]
    _shell(rng, thing, _neck(r, *[(x * w, y * h) for x, y in profile]), frosted, broken, lit)
    return thing


def led(rng) -> Thing:
    """A plastic dome on a cone, smooth or with fins, printed or not."""
    thing, lit = Thing(Solid()), rng.random() < 0.05
    solid, kind = thing.body, rng.choice(["e27", "bayonet", "e14"], p=[0.7, 0.2, 0.1])
    r = base(rng, solid, kind)
    width, tall = (
        (rng.uniform(2.6, 3.5), rng.uniform(3.2, 6.0)) if kind != "e14" else (rng.uniform(1.7, 2.3), rng.uniform(2.5, 3.5))
    )
    shell = housing(rng)
    metal = solid_colour((0.6, 0.6, 0.62), 0.35, 0.9) if rng.random() < 0.25 else shell
    cone = curve([(r * 1.05, 0), (r * 1.2, 0.25 * tall), (width * 0.85, 0.75 * tall), (width, tall)], 16)
    fins = rng.random() < 0.25
    if fins:
        solid.lathe(cone, metal, 120, lambda rr, z, a: rr * (0.93 + 0.1 * (np.sin(a * 20) > 0)))
    else:
        printed = rng.random() < 0.6
        watts = str(rng.choice([3, 5, 7, 9, 10, 12, 15]))
        words = [f"{watts}W", "LED 220-240V", f"{rng.choice([2700, 3000, 4000, 6500])}K 50/60Hz", "E27 mA CE"]
        cover = picture(label(rng, (0.85, 0.85, 0.83), (0.2, 0.2, 0.25), words), 0.4) if printed else metal
        solid.lathe(cone, cover)
    up = rng.uniform(0.55, 1.15)
    dome = [
        (width * 0.99, tall),
        (width * 1.02, tall + 0.35 * width * up),
        (width * 0.88, tall + 0.75 * width * up),
        (width * 0.5, tall + 1.03 * width * up),
        (0, tall + 1.12 * width * up),
    ]
    if rng.random() < 0.12:  # a "corn" or stick lamp: a straight cap
        dome = [
            (width * 0.95, tall),
            (width * 0.95, tall + 2.2 * width),
            (width * 0.8, tall + 2.5 * width),
            (0, tall + 2.6 * width),
        ]
    cap = milky((0.9, 0.9, 0.88), 0.3, rng.uniform(0.2, 0.55), rng.uniform(1, 3) if lit else 0, rng.choice([0, 0, 0.2]))
    off = rng.random() < 0.07
    if off:  # the cap came off: the board with its chips shows
        solid.lathe([(0, tall), (width * 0.97, tall)], solid_colour((0.75, 0.75, 0.72), 0.5))
        for a in np.arange(8) / 8 * TAU:
            solid.box(
                (0.4, 0.4, 0.12), (width * 0.6 * np.cos(a), width * 0.6 * np.sin(a), tall + 0.05), solid_colour((0.8, 0.65, 0.1))
            )
    else:
        solid.lathe(curve(dome, 20), cap)
    return thing


def _ballast(rng, solid: Solid, r: float, tall: float) -> None:
    """The housing of a compact fluorescent lamp above its base; its top is at `tall`."""
    kind = rng.choice(["e27", "bayonet"], p=[0.75, 0.25])
    neck = base(rng, solid, kind)
    shell = housing(rng)
    if rng.random() < 0.5:
        shell = picture(
            label(rng, (0.85, 0.85, 0.83), (0.1, 0.15, 0.4), [f"{rng.integers(5, 30)}W", "220-240V", "50Hz E27"]), 0.35
        )
    solid.lathe(
        curve([(neck * 1.05, 0), (neck * 1.25, 0.2 * tall), (r * 0.96, 0.55 * tall), (r, 0.7 * tall), (r, 0.98 * tall)], 18),
        shell,
    )
    solid.lathe([(r, 0.98 * tall), (r * 0.95, tall), (0, tall)], housing(rng))


def _lamp_glass(rng):
    """Fluorescent-coated glass."""
    return milky(
        tuple(np.array((0.92, 0.92, 0.9)) * rng.uniform(0.85, 1)),
        rng.uniform(0.05, 0.25),
        rng.uniform(0.08, 0.3),
        rng.uniform(1, 3) if rng.random() < 0.04 else 0,
        rng.choice([0, 0, 0.35]),
    )


def cfl_spiral(rng) -> Thing:
    """A compact fluorescent lamp with a double spiral."""
    solid, r, tall = Solid(), rng.uniform(1.9, 2.7), rng.uniform(2.6, 4.2)
    _ballast(rng, solid, r, tall)
    turns, tube = rng.uniform(1.6, 3.6), rng.uniform(0.42, 0.6)
    big, step = r * rng.uniform(0.85, 1.1), 2 * tube * rng.uniform(2.2, 3.0)
    t = np.linspace(0, 1, int(40 * turns))
    glass = _lamp_glass(rng)
    taper = rng.uniform(0, 0.35)
    for start in (0, np.pi):
        a = start + TAU * turns * t
        ring = np.minimum(1, 0.35 + 4 * t) * np.clip(6 * (1.0 - t), 0, 1) ** 0.5 * big * (1 - taper * t)
        z = tall - 0.3 + step * turns * t + 0.6 * np.minimum(1, 6 * t) + 0.5 * np.clip(8 * t - 7, 0, 1)
        solid.tube(np.stack([ring * np.cos(a), ring * np.sin(a), z], 1), tube, glass, 12)
    return Thing(solid)


def cfl_u(rng) -> Thing:
    """A compact fluorescent lamp with 1 to 4 U-shaped tubes, on a ballast or a plug-in base."""
    solid, count = Solid(), int(rng.integers(1, 5))
    long, tube = rng.uniform(5, 13), rng.uniform(0.5, 0.65)
    plug = count <= 2 and rng.random() < 0.6
    r = 1.4 + 0.35 * count
    if plug:
        tall = 0.0
        white = housing(rng)
        solid.box((3.4, 2.2 + 0.6 * count, 1.8), (0, 0, -0.7), white, 0.2).box((2.3, 1.7, 1.9), (0, 0, -2.4), white, 0.15)
        for x in (-0.5, 0.5):
            solid.tube(np.array([(x, 0, -3.3), (x, 0, -4.0)]), 0.13, base_metal(rng))
    else:
        tall = rng.uniform(2.8, 4.5)
        _ballast(rng, solid, r + 0.5, tall)
    glass = _lamp_glass(rng)
    for i in range(count):
        turn = Matrix.Rotation(TAU * i / count, 4, "Z") if count > 2 else Matrix.Translation((0, (i - (count - 1) / 2) * 1.6, 0))
        away = r * 0.8 if count > 2 else 0.0
        bend = np.linspace(0, np.pi, 12)
        half = min(0.75, r * 0.5)
        arch = np.stack([half * np.cos(bend), np.full(12, away), tall + long + half * np.sin(bend)], 1)
        legs = np.array([(half, away, tall - 0.2)]), np.array([(-half, away, tall - 0.2)])
        solid.add(Solid().tube(np.vstack([legs[0], arch, legs[1]]), tube, glass, 14), turn)
    return Thing(solid)


def tube(rng) -> Thing:
    """A fluorescent or LED tube, straight with two caps or bent to a ring; some broken."""
    solid, r = Solid(), rng.choice([0.8, 1.3, 1.3, 1.9])
    glass, metal = _lamp_glass(rng), solid_colour((0.65, 0.65, 0.66), 0.35, 0.95, dirt=rng.choice([0, 0.4]))
    if rng.random() < 0.15:
        a = np.linspace(0.12, TAU - 0.12, 60)
        big = rng.uniform(7, 11)
        solid.tube(np.stack([big * np.cos(a), big * np.sin(a), 0 * a], 1), r, glass, 16)
        solid.box((2.6 * r, 4.2, 2.6 * r), (big, 0, 0), housing(rng), 0.3)
        return Thing(solid, end_on=True)
    thing, half = Thing(solid, long=True, upright=0), rng.choice([7, 12, 22, 35]) * rng.uniform(0.8, 1.2)
    profile = np.stack([np.full(40, r), np.linspace(-half, half, 40)], 1)
    cut = None
    if rng.random() < 0.2:
        edge, height = wobble(rng), rng.uniform(-0.2, 0.6) * half
        cut = lambda z, a: z > height + 1.2 * r * edge(a)
    solid.lathe(profile, glass, 40, broken=cut)
    if rng.random() < 0.5:  # blackened ends
        solid.lathe([(r * 1.003, -half), (r * 1.003, -half + rng.uniform(0.8, 2.5))], solid_colour((0.25, 0.23, 0.2), 0.3))
    for end in (-1, 1) if cut is None else (-1,):
        cap = [(r * 1.02, half - 0.6), (r * 1.02, half + 0.6), (r * 0.85, half + 0.75), (0, half + 0.75)]
        solid.lathe([(x, z * end) for x, z in cap], metal)
        for x in (-0.45, 0.45):
            x *= min(1, r / 1.0)
            solid.tube(np.array([(x, 0, end * (half + 0.7)), (x, 0, end * (half + 1.5))]), 0.12, base_metal(rng))
    return thing


def _envelope(kind: str, frosted: bool):
    return lambda rng: incandescent(rng, kind, frosted, rng.random() < 0.14)


KINDS = {
    "a-clear": (_envelope("a", False), 5),
    "a-frosted": (_envelope("a", True), 4),
    "led": (led, 6),
    "candle-clear": (_envelope("candle", False), 2),
    "candle-frosted": (_envelope("candle", True), 2),
    "globe-clear": (_envelope("globe", False), 1),
    "globe-frosted": (_envelope("globe", True), 1),
    "golf-clear": (_envelope("golf", False), 1),
    "golf-frosted": (_envelope("golf", True), 1),
    "edison": (_envelope("edison", False), 2),
    "cfl-spiral": (cfl_spiral, 4),
    "cfl-u": (cfl_u, 4),
    "tube": (tube, 4),
    "reflector": (reflector, 3),
    "capsule": (capsule, 1),
}
"""Each kind's maker and how often it comes in a round."""
