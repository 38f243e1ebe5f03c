"""Things of no class, of clay, stone, wood and wax."""

import bmesh
import numpy as np
from mathutils import Matrix, Vector, noise
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from ..soft import as_built
from ..solid import TAU, Solid, Thing, curve, rounded, wobble
from ..surface import Colour, Shader, milky, picture, solid_colour, steel
from .vary import QUARTER, artwork, at, byte, grey, hue, often, paint, pick, word


def lying(x: float, y: float, z: float, turn: float) -> Matrix:
    """A move, after laying the z axis on the ground."""
    return at(x, y, z, turn) @ Matrix.Rotation(QUARTER, 4, "Y")


def speckled(a: Colour, b: Colour, scale: float, rough: float = 0.8, bump: float = 0.4, amount: float = 0.5):
    """Two colours in spots, rough: cork, stone, foam."""
    s = Shader("speckled")
    spots = s.noise(scale, detail=6)
    inputs = {"Base Color": s.ramp(spots, (amount - 0.08, a), (amount + 0.08, b)), "Roughness": rough}
    return s.finish(s.node("BsdfPrincipled", inputs | {"Normal": s.bump(spots, bump, 0.2)}))


def foam(colour: Colour, scale: float):
    """Foam with open pores."""
    s = Shader("foam")
    holes = s.node("TexVoronoi", {"Vector": s.where(), "Scale": scale})
    shade = s.ramp(holes, (0.1, tuple(0.45 * c for c in colour)), (0.45, colour))
    inputs = {"Base Color": shade, "Roughness": 0.95, "Normal": s.bump(holes, 0.8, 0.15)}
    return s.finish(s.node("BsdfPrincipled", inputs))


def timber(rng: np.random.Generator, axis: str = "X"):
    """Wood with its grain along an axis."""
    s, base = Shader("timber"), np.array(pick(rng, (0.55, 0.36, 0.18), (0.3, 0.16, 0.07), (0.68, 0.5, 0.3), (0.4, 0.3, 0.2)))
    stretch = {"X": (0.06, 1, 1), "Y": (1, 0.06, 1), "Z": (1, 1, 0.06)}[axis]
    where, scale = s.where(stretch), rng.uniform(0.5, 1.5)
    rings = s.node("TexWave", {"Vector": where, "Scale": scale, "Distortion": rng.uniform(4, 12), "Detail": 4.0}, 1,
                   bands_direction="DIAGONAL")  # fmt: skip
    inputs = {"Base Color": s.ramp(rings, (0.0, tuple(base * rng.uniform(0.45, 0.8))), (1.0, tuple(base))), "Roughness": 0.75}
    return s.finish(s.node("BsdfPrincipled", inputs | {"Normal": s.bump(rings, 0.15)}))


def shell(rng, outer, inner, glaze, inside, clay, span: float = TAU) -> Solid:
    """A turned vessel from two profiles of as many points; a span below a full turn leaves a shard with rough edges."""
    outer, inner = np.asarray(outer, float), np.asarray(inner, float)
    whole, turn = span >= TAU, np.linspace(0, 1, 73)[None, :]
    jag = [0 if whole else 0.16 * wobble(rng, 7)(np.linspace(0, 2.5, len(outer)))[:, None] for _ in range(2)]
    if not whole:
        jag = [j + rng.normal(0, 0.02, (len(outer), 1)) for j in jag]
    angle = jag[0] + (span - jag[0] + jag[1]) * turn

    def points(p):
        return np.stack([p[:, :1] * np.cos(angle), p[:, :1] * np.sin(angle), p[:, 1:] + 0 * angle], -1)

    out, within = points(outer), points(inner)
    body = Solid().grid(out, glaze).grid(within, inside).grid(np.stack([out[-1], within[-1]]), glaze)
    if not whole:
        for side in (0, -1):
            body.grid(np.stack([out[:, side], within[:, side]]), clay)
    return body


def crockery(rng: np.random.Generator) -> Thing:
    """A mug, bowl, plate or flower pot of pottery, whole or in shards."""
    kind, colour, n = pick(rng, "mug", "mug", "bowl", "plate", "pot"), paint(rng), 30
    r, thick = (
        {"mug": rng.uniform(3.6, 4.8), "bowl": rng.uniform(6, 9), "plate": rng.uniform(9, 13), "pot": rng.uniform(5, 9)}[kind],
        rng.uniform(0.3, 0.5),
    )
    h = {"mug": rng.uniform(8, 11), "bowl": rng.uniform(5, 7.5), "plate": rng.uniform(1.6, 3), "pot": 1.5 * r}[kind]
    foot, belly = rng.uniform(0.5, 0.65) * r, rng.uniform(-0.3, 0.6)
    wall = {
        "mug": [(0, 0), (0.9 * r, 0), (r, 0.8), (r + belly, 0.5 * h), (r + 0.1, h)],
        "bowl": [(0, 0), (foot, 0), (foot + 0.3, 0.5), (0.92 * r, 0.55 * h), (r, h)],
        "plate": [(0, 0), (foot, 0), (foot + 0.6, 0.35 * h), (0.75 * r, 0.55 * h), (r, h)],
        "pot": [(0, 0), (0.68 * r, 0), (0.72 * r, 0.1 * h), (0.92 * r, 0.78 * h), (0.94 * r, 0.8 * h),
                (1.08 * r, 0.81 * h), (1.12 * r, h)],
    }[kind]  # fmt: skip
    at_each = np.linspace(0, len(wall) - 1, n)
    outer = (
        np.stack([np.interp(at_each, range(len(wall)), axis) for axis in np.transpose(wall)], 1)
        if kind == "pot"
        else curve(wall, n)
    )
    outer[:, 0] = np.maximum(outer[:, 0], 0)
    inner = outer.copy()
    inner[:, 0] = np.maximum(0, outer[:, 0] - thick * np.clip(at_each, 0, 1))
    inner[:, 1] = np.maximum(outer[:, 1], thick)
    clay = speckled((0.75, 0.7, 0.62), (0.62, 0.55, 0.46), 6, 0.95, 0.5)
    terracotta = speckled((0.5, 0.17, 0.07), (0.6, 0.24, 0.11), 2, 0.9, 0.2)
    drawn = artwork(rng, (768, 384), pick(rng, colour, grey(rng, 0.7, 0.85)), pick(rng, 2, 3))
    glaze = terracotta if kind == "pot" else pick(rng, picture(drawn, 0.15), solid_colour(colour, 0.12, coat=0.6))
    inside = (
        terracotta
        if kind == "pot"
        else pick(rng, solid_colour(grey(rng, 0.65, 0.85), 0.15, coat=0.5), solid_colour(paint(rng), 0.15))
    )
    whole = often(rng, 0.7)
    body = shell(rng, outer, inner, glaze, inside, clay, TAU if whole else rng.uniform(2.2, 4.8))
    if kind == "mug":
        grip, x = rng.uniform(2, 3.2), r + belly - 0.25
        handle = [(x - 0.1, 0.8 * h), (x + 0.7 * grip, 0.84 * h), (x + grip, 0.6 * h), (x + 0.8 * grip, 0.3 * h), (x, 0.2 * h)]
        ring = Solid().tube(
            curve([(x, 0, z) for x, z in handle], 30), rng.uniform(0.4, 0.65), solid_colour(colour, 0.12, coat=0.6), 14
        )
        body.add(ring, Matrix.Rotation(0 if whole else 1.0, 4, "Z"))
    shards = []
    for _ in range(0 if whole else rng.integers(1, 5)):
        cut = int(rng.integers(8, n - 8))
        shards.append(shell(rng, outer[cut:], inner[cut:], glaze, inside, clay, rng.uniform(0.5, 1.2)))
    return Thing(body, shards, upright=0.45, end_on=True)


def wood(rng: np.random.Generator) -> Thing:
    """Wood: an offcut, planks nailed together, sticks or a branch."""
    kind, body = pick(rng, "block", "planks", "sticks", "branch"), Solid()
    if kind == "block":
        size = np.sort(rng.uniform(2.5, 16, 3))[::-1]
        body.box(size, (0, 0, size[2] / 2), timber(rng), 0.08)
    elif kind == "planks":
        for i in range(rng.integers(1, 4)):
            size = rng.uniform(18, 34), rng.uniform(3, 7), rng.uniform(1, 2)
            board = Solid().box(size, (0, 0, 1.0), timber(rng), 0.06)
            for x in (-0.42, 0.42):
                board.add(Solid().lathe([(0.3, 0), (0.3, 0.08), (0, 0.1)], steel(0.5), 12), at(x * size[0], 0, 1 + size[2] / 2))
            body.add(board, at(*rng.normal(0, 2, 2), 1.8 * i, rng.uniform(-0.3, 0.3) if i == 0 else rng.uniform(0.4, 2.7)))
    elif kind == "sticks":
        long, round_stick, stuff = rng.uniform(9, 24), often(rng, 0.5), timber(rng)
        for i in range(rng.integers(3, 12)):
            wide = rng.uniform(0.25, 0.4) if round_stick else rng.uniform(0.5, 0.8)
            stick = Solid()
            if round_stick:
                stick.tube(
                    np.array([(-long / 2, 0, wide), (long / 2 - 1, 0, wide), (long / 2, 0, wide)]),
                    [wide, wide, 0.3 * wide],
                    stuff,
                )
            else:
                stick.prism(rounded(long, 2 * wide, 0.9 * wide), 0.25, stuff, 0.05)
            body.add(stick, at(*rng.normal(0, 1.6, 2), 0.3 * i, rng.uniform(0, TAU) if often(rng, 0.3) else rng.normal(0, 0.2)))
    else:
        bark = speckled((0.16, 0.1, 0.06), (0.3, 0.22, 0.15), 2, 0.95, 1.0)
        long, thick = rng.uniform(14, 30), rng.uniform(0.7, 2.2)
        path = curve(np.column_stack([np.linspace(0, long, 7), rng.normal(0, 0.05 * long, (7, 2)) * (1, 0.4)]), 50)
        body.tube(path, thick * (1 + 0.06 * rng.normal(0, 1, 50)) * np.linspace(1, 0.5, 50), bark, 16)
        pale = solid_colour((0.6, 0.42, 0.22), 0.8)
        body.tube(np.array([path[0] - (0.06, 0, 0), path[0] + (0.1, 0, 0)]), 0.9 * thick, pale, 20)
        for _ in range(rng.integers(1, 5)):
            start, a = path[rng.integers(10, 45)], rng.uniform(0, TAU)
            twig = np.array([(0.6, 0.8 * np.cos(a), 0.8 * np.sin(a))]) * rng.uniform(2, 9)
            body.tube(curve(start + np.linspace(0, 1, 4)[:, None] * twig + rng.normal(0, 0.3, (4, 3)) * [[0], [1], [1], [1]], 14),
                      np.linspace(0.45, 0.15, 14) * thick, bark, 10)  # fmt: skip
    return as_built(body, 0.3)


def stones(rng: np.random.Generator) -> Thing:
    """A stone, or a few: pebbles or broken rock."""
    body, sharp = Solid(), often(rng, 0.5)
    for i in range(rng.integers(1, 6)):
        base = np.array(pick(rng, grey(rng, 0.05, 0.5), (0.35, 0.26, 0.18), (0.3, 0.13, 0.08), (0.2, 0.22, 0.2)))
        stuff = speckled(tuple(base), tuple(base * rng.uniform(0.4, 1.8)), rng.uniform(0.8, 8), rng.uniform(0.5, 0.95), 0.5)
        mesh, seed, size = bmesh.new(), Vector(rng.uniform(0, 99, 3)), rng.uniform(1.5, 4.5)
        bmesh.ops.create_icosphere(mesh, subdivisions=4, radius=1)
        cuts = [(n / np.linalg.norm(n), rng.uniform(0.55, 0.85)) for n in rng.normal(0, 1, (9, 3))] if sharp else []
        stretch = size * rng.uniform(0.6, 1.3, 3)
        for v in mesh.verts:
            for normal, far in cuts:
                v.co -= Vector(normal) * max(0.0, v.co.dot(Vector(normal)) - far)
            v.co *= 1 + (0.04 if sharp else 0.17) * noise.fractal(
                v.co * (2.5 if sharp else 0.9) + seed, 1.0, 2.0, 5 if sharp else 1
            )
            v.co = Vector(np.array(v.co) * stretch)
        out = 5.2 * np.sqrt(i)
        body.add(Solid().take(mesh, stuff), at(out * np.cos(2.4 * i), out * np.sin(2.4 * i), stretch[2] * 0.8))
    return as_built(body, 0.3)


def pencils(rng: np.random.Generator) -> Thing:
    """Pencils, crayons or brushes, one or a bundle thrown down."""
    body, kind, count = Solid(), pick(rng, "pencil", "pencil", "crayon", "brush"), int(rng.integers(1, 9))
    wide = {"pencil": 0.37, "crayon": rng.uniform(0.4, 0.6), "brush": 0.4}[kind]
    long, spread = rng.uniform(7, 18), rng.uniform(0.05, 0.5)
    for i in range(count):
        colour, stick, tall = hue(rng, saturation=(0.7, 1)), Solid(), long * rng.uniform(0.6, 1)
        cover, r = solid_colour(colour, 0.3, coat=0.4), wide
        if kind == "pencil":
            raw, lead = solid_colour((0.66, 0.45, 0.25), 0.8), solid_colour(pick(rng, colour, (0.02, 0.02, 0.022)), 0.5)
            stick.lathe([(0, 0), (r, 0), (r, tall)], cover, 6).lathe([(r, tall), (0.12, tall + 1.5)], raw, 18)
            stick.lathe([(0.12, tall + 1.5), (0, tall + 2)], lead, 12)
            if often(rng, 0.5):
                stick.lathe([(1.05 * r, 0.2), (1.05 * r, -0.8), (0.95 * r, -0.8)], steel(0.35), 24)
                stick.lathe(
                    [(0.95 * r, -0.8), (0.95 * r, -1.6), (0.7 * r, -1.8), (0, -1.8)], solid_colour((0.75, 0.3, 0.3), 0.8), 24
                )
        elif kind == "crayon":
            tall = 0.5 * tall + 2
            wax = solid_colour(colour, 0.55)
            stick.lathe([(0, 0), (r, 0), (r, tall), (0.75 * r, tall + 0.1), (0.4 * r, tall + 0.9), (0, tall + 0.95)], wax, 24)
            band = solid_colour(tuple(0.5 * c + 0.02 for c in colour), 0.8)
            stick.lathe([(1.06 * r, 0.12 * tall), (1.06 * r, 0.85 * tall)], band, 24)
            for z in (0.2, 0.75):
                stick.lathe([(1.08 * r, z * tall), (1.08 * r, (z + 0.04) * tall)], solid_colour((0.01, 0.01, 0.01), 0.8), 24)
        else:
            hair = solid_colour(pick(rng, (0.2, 0.1, 0.04), (0.02, 0.02, 0.02), (0.7, 0.6, 0.45)), 0.9, grain=0.8, grain_scale=9)
            stick.lathe([(0, 0), (0.5 * r, 0.05), (0.6 * r, 0.4 * tall), (r, 0.8 * tall), (0.8 * r, tall)], cover, 20)
            stick.lathe([(0.85 * r, tall - 0.1), (0.9 * r, tall + 2)], steel(0.3), 20)
            stick.lathe([(0.9 * r, tall + 2), (1.2 * r, tall + 2.8), (0.8 * r, tall + 4), (0, tall + 4.8)], hair, 20)
        turn = rng.normal(0, spread) + np.pi * often(rng, 0.2)
        body.add(stick, at((i - count / 2) * 2.4 * wide, 0, wide, turn) @ Matrix.Rotation(QUARTER, 4, "X") @ at(0, 0, -tall / 2))
    return as_built(body, 0.15)


def candle(rng: np.random.Generator) -> Thing:
    """A candle, burnt down a little, with drips."""
    r, colour = (
        pick(rng, rng.uniform(0.9, 1.4), rng.uniform(1.8, 3.2)),
        pick(rng, grey(rng, 0.75, 0.9), (0.85, 0.75, 0.5), hue(rng), hue(rng, 0.95, 1.02, (0.7, 1))),
    )
    tall = rng.uniform(6, 18) if r < 1.5 else r * rng.uniform(2, 4)
    wax, edge, deep = milky(colour, 0.3, 0.35), wobble(rng, 2), rng.uniform(0.1, 0.5) * r
    profile = [(0, 0), (0.96 * r, 0), (r, 0.1 * r)]
    profile += [(r, z) for z in np.linspace(0.2 * r, tall, 12)] + [
        (0.88 * r, tall + 0.02),
        (0.7 * r, tall - deep),
        (0, tall - 1.1 * deep),
    ]
    body = Solid().lathe(profile, wax, 56, lambda q, z, a: q * (1 + 0.02 * edge(a)))
    uneven = rng.uniform(0, 0.2) * r
    body.bend(
        lambda p: (
            p
            + np.outer(
                uneven * edge(np.arctan2(p[:, 1], p[:, 0])) * (p[:, 2] > 0.9 * tall) * (np.hypot(p[:, 0], p[:, 1]) > 0.8 * r),
                (0, 0, 1),
            )
        )
    )
    for a in rng.uniform(0, TAU, rng.integers(0, 9)):
        down, fat = rng.uniform(0.15, 0.7) * tall, rng.uniform(0.08, 0.18) * r + 0.06
        z = np.linspace(tall, tall - down, 14)
        out = np.array([np.cos(a), np.sin(a)]) * r
        body.tube(
            np.column_stack([np.repeat(out[None], 14, 0), z]),
            fat * np.array([*np.linspace(0.8, 0.6, 9), 0.7, 1, 1.3, 1.2, 0.4]),
            wax,
            10,
        )
    wick = curve(
        [(0, 0, tall - 1.2 * deep), (0.05, 0, tall - 0.4 * deep + 0.3), (rng.normal(0, 0.4), 0.2, tall + rng.uniform(0.6, 1.6))],
        10,
    )
    return as_built(body.tube(wick, 0.13, solid_colour((0.02, 0.018, 0.015), 0.9), 8), 0.45)


def soap(rng: np.random.Generator) -> Thing:
    """A bar of soap with a name pressed in, worn and perhaps cracked."""
    w, h, z, worn = rng.uniform(6.5, 9.5), rng.uniform(4, 6), rng.uniform(1.4, 3), rng.uniform(0.2, 1)
    colour = pick(
        rng, grey(rng, 0.75, 0.9), hue(rng, saturation=(0.15, 0.6), value=(0.75, 0.98)), hue(rng, saturation=(0.2, 0.8))
    )
    round_bar = rounded(w, h, pick(rng, 0.15, 0.3, 0.48) * h)
    body, dark = Solid().prism(round_bar, z, milky(colour, 0.15, 0.3), 0.42 * z), byte(tuple(0.6 * c for c in colour))
    image = Image.new("RGB", (320, 200), byte(colour))
    draw, name = ImageDraw.Draw(image), word(rng)
    draw.rounded_rectangle([18, 18, 302, 182], 70, outline=dark, width=5)
    draw.text((160, 100), name, fill=dark, font=ImageFont.load_default(58), anchor="mm")
    if often(rng, 0.4):
        for _ in range(4):
            draw.line(
                [tuple(p) for p in np.cumsum(rng.normal(0, 22, (6, 2)), 0) + rng.uniform(40, 200, 2)], fill=(90, 70, 50), width=2
            )
    image = image.filter(ImageFilter.GaussianBlur(1 + worn))
    body.add(Solid().prism(rounded(0.8 * w, 0.74 * h, 0.3 * h), 0.02, picture(image, 0.3)), at(0, 0, z - 0.005))
    sag = rng.uniform(0, 0.25) * z
    return as_built(body.bend(lambda p: p - np.outer(sag * (1 - (p[:, 0] / w * 2) ** 2) * (p[:, 2] > 0.6 * z), (0, 0, 1))), 0.3)


KINDS = {
    "candle": candle,
    "crockery": crockery,
    "pencils": pencils,
    "soap": soap,
    "stones": stones,
    "wood": wood,
}
