"""Simple clothes, food and paper for the demo's pictures."""

import bmesh
import numpy as np
from mathutils import Matrix, Vector, noise
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from .solid import TAU, Solid, Thing, curve
from .surface import Colour, Shader, picture, solid_colour


def as_built(solid: Solid, upright: float = 1.0) -> Thing:
    """A thing that lies the way it was made (or as it falls, for `upright=0`), recognizable from all sides."""
    return Thing(solid, upright=upright, lies=upright == 1.0, end_on=True)


def _folds(points: np.ndarray, scale: float, height: float, seed: float) -> np.ndarray:
    """Soft creases over a sheet: heights at points (n, 2)."""
    return np.array([height * abs(noise.fractal((x / scale, y / scale, seed), 0.8, 2.0, 4)) for x, y in points])


def _inside(points: np.ndarray, outline: np.ndarray) -> np.ndarray:
    """Which points (n, 2) lie inside an outline, by counting crossings."""
    inside = np.zeros(len(points), bool)
    for (x1, y1), (x2, y2) in zip(outline, np.roll(outline, -1, 0)):
        crosses = (y1 > points[:, 1]) != (y2 > points[:, 1])
        inside ^= crosses & (points[:, 0] < (x2 - x1) * (points[:, 1] - y1) / (y2 - y1 + 1e-12) + x1)
    return inside


def sheet(
    outline, material, creases: float = 0.8, scale: float = 9.0, seed: float = 0.0, thick: float = 0.3, fine: int = 150
) -> Solid:
    """A sheet of cloth or paper in the shape of an outline, creased, on the ground."""
    outline = np.asarray(outline, float)
    low, high = outline.min(0), outline.max(0)
    x, y = np.meshgrid(np.linspace(low[0], high[0], fine), np.linspace(low[1], high[1], fine))
    flat = np.stack([x.ravel(), y.ravel()], 1)
    z = thick + _folds(flat, scale, creases, seed)
    points = np.column_stack([flat, z]).reshape(fine, fine, 3)
    middles = (points[:-1, :-1, :2] + points[1:, 1:, :2]).reshape(-1, 2) / 2
    return Solid().grid(points, material, keep=_inside(middles, outline).reshape(fine - 1, fine - 1)).tidy()


def fabric(a: Colour, b: Colour | None = None, stripes: float = 0.15):
    """Woven cloth of one colour, or striped."""
    s = Shader("fabric")
    colour = (
        a
        if b is None
        else s.ramp(s.node("TexWave", {"Vector": s.where(), "Scale": stripes}, 1, bands_direction="Y"), (0.45, a), (0.55, b))
    )
    normal = s.bump(s.noise(14, detail=2), 0.5, 0.1)
    return s.finish(s.node("BsdfPrincipled", {"Base Color": colour, "Roughness": 0.95, "Normal": normal}))


def mirrored(right: list[tuple[float, float]]) -> np.ndarray:
    """A symmetric outline from its right half, top to bottom."""
    return np.array(right + [(-x, y) for x, y in right[::-1]])


def t_shirt(rng) -> Thing:
    """A T-shirt spread out."""
    half = [(4.5, 20), (9, 21), (16, 18.5), (25, 8), (19.5, 2.5), (14.5, 8), (14.5, -24), (0, -24.5)]
    neck = [(0, 16.5), (2.5, 17.2), (4.5, 20)]
    body = sheet(mirrored(neck[:-1] + half), fabric((0.05, 0.2, 0.5)), 1.6, 11, 3.0)
    band = curve([(-4.6, 20, 1.2), (-2.5, 17, 1.2), (0, 16.2, 1.2), (2.5, 17, 1.2), (4.6, 20, 1.2)], 20)
    body.tube(band, 0.6, fabric((0.8, 0.8, 0.78)))
    return as_built(body)


def trousers(rng) -> Thing:
    """A pair of jeans spread out."""
    half = [(0, 30), (11, 30), (12, 22), (14.5, -30), (6, -31), (0.8, 12)]
    denim = fabric((0.04, 0.08, 0.2))
    body = sheet(mirrored(half), denim, 1.4, 10, 7.0)
    thread = fabric((0.6, 0.35, 0.08))
    for side in (-1, 1):
        body.tube(curve([(side * 10.8, 22, 1.7), (side * 7, 23, 1.7), (side * 5.5, 28, 1.7)], 12), 0.25, thread)
    body.tube(np.array([(-11, 27.5, 1.6), (11, 27.5, 1.6)]), 0.25, thread)
    body.tube(np.array([(0, 27, 1.7), (0, 14, 1.7)]), 0.25, thread)
    return as_built(body)


def sock(rng) -> Thing:
    """A striped sock."""
    edge = curve(
        [(-4, 14), (-4, 2), (-5, -4), (-3, -8), (4, -9), (13, -9), (15, -6), (13.5, -3), (7, -1.5), (4.5, 2), (4.2, 14)], 50
    )
    body = Solid().prism(edge, 1.6, fabric((0.75, 0.72, 0.68), (0.65, 0.06, 0.08), 0.12), 0.7)
    return as_built(body.add(Solid().box((8.6, 2.6, 2.0), (0.1, 14, 0.9), fabric((0.65, 0.06, 0.08)), 0.5)))


def folded(rng) -> Thing:
    """A shirt folded to a rectangle, with its collar, buttons and the edges of the layers."""
    body, cloth, dark = Solid(), fabric((0.72, 0.3, 0.28), (0.82, 0.8, 0.76), 0.35), fabric((0.5, 0.12, 0.12))
    for layer, inset in enumerate((0.0, 0.25, 0.5, 0.2)):
        body.box((22 - inset, 28 - inset, 1.0), (rng.normal(0, 0.15), rng.normal(0, 0.15), 0.5 + 0.85 * layer), cloth, 0.42)
    top = sheet([(-10.5, -13.5), (10.5, -13.5), (10.5, 13.5), (-10.5, 13.5)], cloth, 0.9, 8, 2.0, 3.75)
    body.add(top).box((2.6, 24, 0.5), (0, -1.6, 4.4), cloth, 0.2)
    for y in (6, 0.5, -5, -10.5):
        body.add(
            Solid().lathe([(0.55, 0), (0.55, 0.25), (0.4, 0.3), (0, 0.2)], solid_colour((0.9, 0.9, 0.88), 0.3), 20),
            Matrix.Translation((0, y, 4.65)),
        )
    for side in (-1, 1):
        flap = np.array([(0.3, 11.2), (2.6, 7.2), (6.4, 11.4), (4.6, 14.2)]) * (side, 1)
        body.add(Solid().prism(flap[::side], 0.7, cloth, 0.2), Matrix.Translation((0, 0, 4.5)))
    ring = np.linspace(0, TAU, 30)
    body.tube(np.stack([4.4 * np.cos(ring), 13 + 1.7 * np.sin(ring), 5.0 + 0.5 * np.sin(ring)], 1), 0.7, cloth)
    body.add(Solid().lathe([(4.3, 0), (0, 0)], dark, 30).bend(lambda p: p * (1, 0.38, 1)), Matrix.Translation((0, 13, 5.0)))
    return as_built(
        body.bend(
            lambda p: p + np.stack([0 * p[:, 0], 0 * p[:, 0], 0.12 * np.sin(p[:, 0] * 0.9 + np.sin(p[:, 1]))], 1) * (p[:, 2:] > 3)
        )
    )


def _painted(draw_on) -> object:
    """A material from a picture 256 around and 256 along."""
    image = Image.new("RGB", (256, 256))
    draw_on(image, ImageDraw.Draw(image))
    return picture(image.filter(ImageFilter.GaussianBlur(3)), 0.45, bump=0.05)


def banana(rng) -> Thing:
    """A ripe banana."""

    def skin(image, draw):
        for y in range(256):
            v = 1 - y / 255
            end = max(0, 1 - v / 0.06, (v - 0.88) / 0.12)
            draw.line([0, y, 256, y], fill=tuple(int(a + (b - a) * min(1, end)) for a, b in zip((238, 200, 45), (95, 80, 30))))
        for _ in range(70):
            x, y, r = rng.uniform(0, 256), rng.uniform(20, 230), rng.uniform(1, 5)
            draw.ellipse([x - r, y - 2 * r, x + r, y + 2 * r], fill=(120, 80, 25))

    t = np.linspace(0, 1, 50)
    a = -1.05 + 2.0 * t
    path = np.stack([10 * np.sin(a), 10 * np.cos(a), 0 * a], 1)
    radius = 1.75 * np.clip(np.minimum(t / 0.12, (1 - t) / 0.3), 0.05, 1) ** 0.6
    radius = np.where(t > 0.88, np.maximum(0.45, radius * 0.5), np.maximum(radius, 0.3))
    return as_built(Solid().tube(path, radius, _painted(skin), 24), 0)


def _fruit(rng, profile, skin, stalk: float) -> Thing:
    """A turned fruit with a stalk."""
    body = Solid().lathe(
        curve(profile, 40), _painted(skin), 48, lambda r, z, a: r * (1 + 0.02 * np.sin(5 * a + 1) + 0.02 * np.sin(2 * a))
    )
    top = profile[-1][1]
    body.tube(
        curve([(0, 0, top - 0.2), (0.1, 0, top + 0.6 * stalk), (0.5, 0.1, top + stalk)], 8),
        0.17,
        solid_colour((0.1, 0.06, 0.03), 0.8),
        8,
    )
    return as_built(body, 0)


def apple(rng) -> Thing:
    """A red apple with yellow streaks."""

    def skin(image, draw):
        draw.rectangle([0, 0, 256, 256], fill=(170, 22, 25))
        for _ in range(160):
            x, y = rng.uniform(0, 256), rng.uniform(0, 180)
            draw.line([x, y, x + rng.normal(0, 4), y + rng.uniform(10, 70)], fill=(205, int(rng.uniform(50, 170)), 50), width=2)
        draw.rectangle([0, 0, 256, 22], fill=(190, 160, 60))

    return _fruit(
        rng, [(0, 0.7), (0.8, 0.25), (1.8, 0.1), (3.0, 1.3), (3.7, 3.4), (3.4, 5.3), (2.0, 6.4), (0.9, 6.1), (0, 5.3)], skin, 2.0
    )


def pear(rng) -> Thing:
    """A green pear with a blush."""

    def skin(image, draw):
        draw.rectangle([0, 0, 256, 256], fill=(172, 178, 55))
        draw.rectangle([40, 60, 130, 200], fill=(190, 150, 60))
        for _ in range(300):
            x, y = rng.uniform(0, 256, 2)
            draw.ellipse([x, y, x + 2, y + 2], fill=(120, 110, 40))

    return _fruit(
        rng, [(0, 0.4), (1.0, 0.05), (2.6, 0.8), (3.5, 3.0), (3.0, 5.2), (1.9, 7.2), (1.5, 8.6), (0.9, 9.5), (0, 9.5)], skin, 2.2
    )


def carrot(rng) -> Thing:
    """A carrot with its leaves."""
    z = np.linspace(0, 1, 60)
    profile = np.stack([1.75 * np.clip(z, 0.01, 1) ** 0.55 * np.clip((1.01 - z) * 12, 0, 1) ** 0.5, 15 * z], 1)
    body = Solid().lathe(
        profile,
        solid_colour((0.85, 0.24, 0.03), 0.5, dirt=0.25),
        32,
        lambda r, zz, a: r * (1 + 0.025 * np.sin(zz * 9 + np.sin(3 * a))),
    )
    leaf = solid_colour((0.06, 0.22, 0.03), 0.7)
    for _ in range(9):
        a, out = rng.uniform(0, TAU), rng.uniform(0.5, 3)
        x, y = out * np.cos(a), out * np.sin(a)
        stem = curve([(0, 0, 14.7), (x * 0.3, y * 0.3, 17.5), (x, y, rng.uniform(20, 24))], 12)
        body.tube(stem, np.linspace(0.22, 0.08, 12), leaf, 6)
        for p in stem[5:]:
            for side in (-1, 1):
                body.tube(np.array([p, p + (side * 1.1, rng.normal(0, 0.7), 0.6)]), np.array([0.15, 0.25]), leaf, 5)
    return as_built(body, 0)


def _page(rng, paper=(244, 243, 238)) -> Image.Image:
    """A page of text with a heading and a figure."""
    image = Image.new("RGB", (362, 512), paper)
    draw = ImageDraw.Draw(image)
    draw.text((40, 30), "Surat Jalan", fill=(20, 20, 30), font=ImageFont.load_default(40))
    for line in range(26):
        y = 96 + line * 15
        if not 9 <= line <= 15:
            draw.line([40, y, 322 - (rng.uniform(0, 160) if line % 6 == 5 else 0), y], fill=(90, 90, 95), width=4)
    draw.rectangle([70, 232, 290, 318], fill=(120, 150, 190))
    return image


def printed_sheet(rng) -> Thing:
    """A printed sheet, creased from having been folded."""
    return as_built(
        sheet([(-10.5, -14.8), (10.5, -14.8), (10.5, 14.8), (-10.5, 14.8)], picture(_page(rng), 0.8), 1.8, 9, 5.0, 0.1)
    )


def crumple(rng: np.random.Generator, radius: float, coarse: float, fine: float) -> bmesh.types.BMesh:
    """A ball of creased facets, coarse ones broken into fine ones, each moved by so many centimetres."""
    ball = bmesh.new()
    bmesh.ops.create_icosphere(ball, subdivisions=3, radius=radius)
    for turn, jitter in enumerate((coarse, fine)):
        if turn == 1:
            bmesh.ops.subdivide_edges(ball, edges=ball.edges, cuts=1, use_grid_fill=True)
        for v in ball.verts:
            v.co += Vector(rng.normal(0, jitter, 3))
    return ball


def crumpled(rng) -> Thing:
    """A crumpled sheet."""
    return as_built(Solid().take(crumple(rng, 4, 0.55, 0.2), solid_colour((0.85, 0.85, 0.83), 0.9)), 0)


def cardboard_box(rng) -> Thing:
    """An open cardboard box."""
    s = Shader("cardboard")
    colour = s.ramp(s.noise(0.4, detail=8), (0.3, (0.4, 0.25, 0.12)), (0.7, (0.5, 0.33, 0.18)))
    card = s.finish(s.node("BsdfPrincipled", {"Base Color": colour, "Roughness": 0.85}))
    body, (x, y, z), w = Solid(), (15, 11, 12), 0.35
    body.box((2 * x, 2 * y, w), (0, 0, w / 2), card)
    for side in (-1, 1):
        body.box((w, 2 * y, z), (side * x, 0, z / 2), card).box((2 * x, w, z), (0, side * y, z / 2), card)
        for long, turn in ((2 * y, 0), (2 * x, np.pi / 2)):
            flap = Solid().box((8, long - 0.4, w), (4, 0, 0), card)
            lean = Matrix.Rotation(rng.uniform(-0.1, 0.6), 4, "Y")
            at = (
                Matrix.Rotation(turn + (np.pi if side < 0 else 0), 4, "Z")
                @ Matrix.Translation((x if turn == 0 else y, 0, z))
                @ lean
            )
            body.add(flap, at)
    body.box((4, 0.05, 8), (0, -y - 0.2, z - 4), solid_colour((0.62, 0.5, 0.3), 0.25))
    return as_built(body)


def cores(rng) -> Thing:
    """Two cardboard cores of paper rolls, one with some paper left."""
    card, white = solid_colour((0.42, 0.28, 0.16), 0.9, grain=0.2), solid_colour((0.85, 0.85, 0.83), 0.95, grain=0.5)
    body, turn = Solid(), Matrix.Rotation(np.pi / 2, 4, "X")
    body.add(Solid().lathe([(2.0, 0), (2.2, 0), (2.2, 10), (2.0, 10), (2.0, 0)], card), Matrix.Translation((-5.5, 5, 2.2)) @ turn)
    roll = (
        Solid()
        .lathe([(2.2, 0), (4.6, 0), (4.7, 0.1), (4.7, 9.9), (4.6, 10), (2.2, 10)], white, 48)
        .lathe([(2.2, 10), (2.0, 10), (2.0, 0), (2.2, 0)], card)
    )
    body.add(roll, Matrix.Translation((3.5, 0, 0)))
    return as_built(body)
