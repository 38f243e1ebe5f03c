"""Paper and cardboard: sheets, balls, boxes, cores, bags, books and egg cartons."""

import numpy as np
from mathutils import Matrix
from PIL import Image, ImageDraw, ImageFont

from ..soft import as_built, sheet
from ..solid import TAU, Solid, Thing
from ..surface import Shader, picture, solid_colour
from .vary import artwork, ball, byte, crushed, grey, hue, lifted, often, outline, paint, pick, text_lines, word

KRAFT = ((0.42, 0.27, 0.14), (0.34, 0.21, 0.1), (0.5, 0.36, 0.21), (0.3, 0.2, 0.12))


def _card(rng):
    """Brown or grey board, with fibres, flutes or stains."""
    tone = np.array(pick(rng, *KRAFT) if often(rng, 0.85) else grey(rng, 0.3, 0.5)) * rng.uniform(0.8, 1.25)
    s = Shader("card")
    fibres = s.noise(rng.uniform(0.3, 1), s.where((0.3, 2, 1)), 8)
    colour = s.ramp(fibres, (0.3, tuple(tone * rng.uniform(0.75, 0.95))), (0.7, tuple(tone)))
    flutes = s.node("TexWave", {"Vector": s.where(), "Scale": rng.uniform(0.7, 1.4)}, 1)
    normal = s.bump(flutes, 0.12 * often(rng, 0.5), 0.05)
    return s.finish(s.node("BsdfPrincipled", {"Base Color": colour, "Roughness": 0.85, "Normal": normal}))


def _page(rng, wide: int = 360, tall: int = 512) -> Image.Image:
    """A page: blank, ruled, written, a letter, a newspaper's columns or a magazine's picture."""
    kind = rng.integers(6)
    paper = pick(
        rng, grey(rng, 0.75, 0.9), grey(rng, 0.75, 0.9), (0.75, 0.72, 0.62), hue(rng, saturation=(0.15, 0.5), value=(0.8, 0.95))
    )
    if kind == 0:
        return artwork(rng, (wide, tall), None, 1)
    image = Image.new("RGB", (wide, tall), byte(paper))
    draw, ink = ImageDraw.Draw(image), byte(grey(rng, 0.005, 0.08))
    if kind == 1:
        for y in np.arange(40, tall, 22):
            draw.line([0, y, wide, y], fill=(150, 170, 210), width=1)
        for y in np.arange(38, tall * rng.uniform(0.2, 1), 22):
            x = np.arange(20, wide * rng.uniform(0.4, 0.95), 3.0)
            pen = y + 5 * np.sin(x * rng.uniform(0.4, 0.7)) * np.sin(x * 0.13 + y)
            draw.line(list(zip(x, pen)), fill=pick(rng, (20, 30, 120), (20, 20, 20)), width=2)
    elif kind >= 3:
        columns, y = (int(rng.integers(2, 5)) if kind == 3 else 1), 0.16 * tall
        draw.text(
            (0.06 * wide, 0.04 * tall), word(rng), fill=ink, font=ImageFont.load_default(int(tall * rng.uniform(0.05, 0.1)))
        )
        for c in range(columns):
            left, right = wide * (0.06 + 0.88 * c / columns), wide * (0.04 + 0.88 * (c + 1) / columns)
            while y < 0.95 * tall:
                block = rng.uniform(0.06, 0.3) * tall
                if often(rng, 0.25):
                    draw.rectangle([left, y, right, y + 0.8 * block], fill=byte(pick(rng, paint(rng), grey(rng, 0.1, 0.5))))
                else:
                    text_lines(rng, draw, (left, y, right, min(y + 0.85 * block, 0.95 * tall)), ink, rng.uniform(5, 9))
                y += block
            y = 0.16 * tall
    return image


def one_sheet(rng) -> Thing:
    """A sheet, a torn piece or a receipt, creased."""
    w, h = pick(rng, (10.5, 14.8), (10.5, 14.8), (7.4, 10.5), (14, 20), (3.9, rng.uniform(6, 16)))
    edge = [(-w, -h), (w, -h), (w, h), (-w, h)] if often(rng, 0.75) else outline(rng, w, 0.7 * h, 0.12)
    page = picture(_page(rng), rng.uniform(0.6, 0.95))
    return as_built(sheet(edge, page, rng.uniform(0.3, 3.2), rng.uniform(4, 14), rng.uniform(0, 99), 0.1))


def crumpled(rng) -> Thing:
    """A sheet crumpled to a ball: white, printed or brown."""
    skin = pick(
        rng,
        solid_colour(grey(rng, 0.7, 0.88), 0.9),
        picture(_page(rng), 0.9),
        picture(_page(rng), 0.9),
        solid_colour(pick(rng, *KRAFT), 0.9),
    )
    return as_built(ball(rng, skin, rng.uniform(2.5, 6), rng.uniform(0.1, 0.17), rng.uniform(0.6, 1.0)), 0)


def shipping_box(rng) -> Thing:
    """A brown box: open, closed, or with one flap torn; some with tape and a label."""
    card, body, w = _card(rng), Solid(), 0.35
    x, y, z = rng.uniform(6, 18), rng.uniform(5, 14), rng.uniform(4, 16)
    body.box((2 * x, 2 * y, w), (0, 0, w / 2), card)
    closed = often(rng, 0.45)
    for side in (-1, 1):
        body.box((w, 2 * y, z), (side * x, 0, z / 2), card).box((2 * x, w, z), (0, side * y, z / 2), card)
        for long, reach, turn in ((2 * y, x, 0.0), (2 * x, y, np.pi / 2)):
            if not closed and often(rng, 0.15):
                continue
            flap = Solid().box((y - 0.1, long - 0.4, w), (y / 2, 0, 0), card)
            lean = np.pi - rng.uniform(0, 0.06) if closed else rng.uniform(-0.9, 2.2)
            at = Matrix.Rotation(turn + (np.pi if side < 0 else 0), 4, "Z") @ Matrix.Translation((reach, 0, z + 0.3 * (turn > 0)))
            body.add(flap, at @ Matrix.Rotation(-lean if closed else lean, 4, "Y"))
    if closed and often(rng, 0.7):
        body.box((2 * x, 4.5, 0.03), (0, 0, z + 0.55), solid_colour(pick(rng, (0.6, 0.48, 0.28), grey(rng, 0.6, 0.8)), 0.2))
    if often(rng, 0.5):
        label = picture(_page(rng, 320, 240), 0.6)
        at = (rng.uniform(-0.3, 0.3) * x, rng.uniform(-0.4, 0.4) * y, z + 0.6) if closed else (0, -y - 0.2, z / 2)
        size = (0.9 * x, 0.8 * y, 0.02) if closed else (0.8 * x, 0.02, 0.6 * z)
        body.box(size, at, label)
    if often(rng, 0.2):
        body.bend(crushed(rng, rng.uniform(0.15, 0.5)))
    return as_built(body, 0.7)


def flattened(rng) -> Thing:
    """A box cut open and laid flat, or a torn piece of board."""
    card = _card(rng) if often(rng, 0.75) else picture(artwork(rng, (640, 480)), 0.5)
    if often(rng, 0.45):
        line = outline(rng, rng.uniform(7, 16), rng.uniform(5, 11), 0.16, 60)
        body = Solid().prism(line, rng.uniform(0.15, 0.5), card, 0.03)
    else:
        a, b, z, slot = rng.uniform(7, 13), rng.uniform(5, 9), rng.uniform(6, 12), 0.3
        upper, x = [], -(a + b)
        for wide in (a, b, a, b):
            upper += [(x + slot, z), (x + slot, z + 0.5 * b), (x + wide - slot, z + 0.5 * b), (x + wide - slot, z)]
            x += wide
        line = np.array(upper + [(px, -py) for px, py in upper[::-1]])
        body = Solid().prism(line, 0.35, card)
        for fold in np.cumsum([-(a + b), a, b, a])[1:]:
            body.box((0.25, 2 * z, 0.05), (fold, 0, 0.36), solid_colour((0.2, 0.13, 0.07), 0.9))
    bow = rng.normal(0, 0.012)
    return as_built(body.bend(lifted(lambda p: bow * p[:, 0] ** 2 + 2.0)))


def carton(rng) -> Thing:
    """A printed folding box, of cereal, medicine or cosmetics: closed, open or squashed."""
    x, y, z = rng.uniform(4, 20), rng.uniform(2, 8), rng.uniform(5, 27)
    print_, inner, w = (
        picture(artwork(rng, (768, 384), None, 4), rng.uniform(0.25, 0.6)),
        solid_colour(grey(rng, 0.35, 0.6), 0.9),
        0.06,
    )
    corners = np.array([(-x / 2, -y / 2), (x / 2, -y / 2), (x / 2, y / 2), (-x / 2, y / 2), (-x / 2, -y / 2)])
    skew = rng.normal(0, 0.5) * y * often(rng, 0.3)
    ring = np.concatenate([np.linspace(p, q, 8)[:-1] for p, q in zip(corners[:-1], corners[1:])] + [corners[-1:]])
    levels = np.linspace(0, z, 8)
    walls = lambda grow: np.array([np.column_stack([ring * grow + (0, skew * h / z), np.full(len(ring), h)]) for h in levels])
    body = Solid().grid(walls(1.0), print_).grid(walls(0.985), inner).box((x, y, w), (0, 0, w / 2), print_)
    if often(rng, 0.55):
        body.box((x, y, w), (0, skew, z), print_)
    else:
        for side, long, reach in ((0, x, y), (1, y * 0.95, 0.4 * x), (2, x, y), (3, y * 0.95, 0.4 * x)):
            out = (y / 2, x / 2)[side % 2]
            at = Matrix.Rotation(side * np.pi / 2, 4, "Z") @ Matrix.Translation((0, -out + (skew if side == 0 else 0), z))
            size = min(reach, y)
            body.add(Solid().box((long, size, w), (0, -size / 2, 0), inner), at @ Matrix.Rotation(rng.uniform(-1.4, 0.9), 4, "X"))
    if often(rng, 0.35):
        body.bend(crushed(rng, rng.uniform(0.3, 0.9)))
    return as_built(body, 0.1)


def cores(rng) -> Thing:
    """Cardboard cores, rolls of paper, paper cups."""
    if often(rng, 0.3):
        r, tall = rng.uniform(2.2, 3), rng.uniform(6, 12)
        skin = picture(artwork(rng, (640, 320), pick(rng, None, grey(rng, 0.7, 0.85))), 0.6)
        body = Solid().lathe([(0, 0.5), (r, 0.5), (r, 0)], skin, 48).lathe([(r, 0), (1.35 * r, tall)], skin, 56)
        lip = solid_colour(grey(rng, 0.7, 0.85), 0.6)
        body.lathe(
            [(1.35 * r, tall), (1.42 * r, tall + 0.1), (1.36 * r, tall + 0.25), (1.3 * r, tall), (r, 0.7), (0, 0.7)], lip, 56
        )
        if often(rng, 0.3):
            body.bend(crushed(rng, rng.uniform(0.3, 0.9)))
        return as_built(body, 0.4)
    card, white, body = _card(rng), solid_colour(grey(rng, 0.7, 0.87), 0.95, grain=0.5), Solid()
    for i in range(int(rng.integers(1, 4))):
        r, long = rng.uniform(1.6, 2.6), rng.uniform(8, 13) * pick(rng, 1, 1, 2)
        piece = Solid().lathe(
            [
                (r - 0.15, 0),
                (r, 0),
                *[(r, h) for h in np.linspace(0.1, long - 0.1, 14)],
                (r, long),
                (r - 0.15, long),
                (r - 0.15, 0),
            ],
            card,
            40,
        )
        full = r
        if often(rng, 0.3):
            full = r + rng.uniform(0.3, 3.5)
            piece.lathe([(r, 0.1), (full, 0.1), (full, long - 0.1), (r, long - 0.1)], white, 48)
        elif often(rng, 0.4):
            piece.bend(crushed(rng, rng.uniform(0.2, 0.8)))
        lie = Matrix.Rotation(rng.normal(0, 0.5), 4, "Z") @ Matrix.Rotation(np.pi / 2, 4, "X")
        body.add(piece, Matrix.Translation((6.5 * i, 0, full)) @ lie @ Matrix.Translation((0, 0, -long / 2)))
    return as_built(body)


def carrier(rng) -> Thing:
    """A paper bag, standing open, folded or crumpled."""
    x, y, z = rng.uniform(8, 14), rng.uniform(4, 8), rng.uniform(12, 30)
    skin = (
        solid_colour(pick(rng, *KRAFT), 0.85, grain=0.2) if often(rng, 0.6) else picture(artwork(rng, (640, 384), None, 2), 0.6)
    )
    line = np.array([(-x, -y), (0, -y), (x, -y), (x, 0), (x, y), (0, y), (-x, y), (-x, 0), (-x, -y)], float) / 2
    rings, pinch = [], rng.uniform(0, 0.9)
    for t in np.linspace(0, 1, 16):
        fold = np.array([1 + 0.12 * t, 1 - pinch * t])
        wave = rng.normal(0, 0.15, (8, 2))
        rings.append(np.column_stack([line * fold + np.vstack([wave, wave[:1]]), np.full(9, z * t)]))
    body = Solid().grid(np.array(rings), skin).box((x, y, 0.1), (0, 0, 0.05), skin)
    if often(rng, 0.4):
        for side in (-1, 1):
            t = np.linspace(0, np.pi, 24)
            ends = side * y / 2 * (1 - pinch)
            body.tube(np.stack([0.22 * x * np.cos(t), np.full(24, ends), z + 5 * np.sin(t)], 1), 0.25, skin, 8)
    if often(rng, 0.35):
        body.bend(crushed(rng, rng.uniform(0.3, 0.8)))
    return as_built(body, 0.35)


def stack(rng) -> Thing:
    """Books, magazines, newspapers or envelopes, one or a few."""
    body, z = Solid(), 0.0
    for _ in range(int(rng.integers(1, 5))):
        w, h, thick = rng.uniform(10, 24), rng.uniform(14, 30), pick(rng, 0.15, 0.5, rng.uniform(0.8, 3.5))
        cover = picture(_page(rng) if thick < 0.6 else artwork(rng, (360, 512), None, 1), rng.uniform(0.2, 0.8))
        piece = Solid().box((w, h, thick), (0, 0, thick / 2), solid_colour(grey(rng, 0.6, 0.8), 0.9, grain=0.3))
        piece.box((w + 0.1, h + 0.1, 0.06), (0, 0, thick + 0.03), cover).box(
            (0.1, h + 0.1, thick), (-w / 2 - 0.05, 0, thick / 2), cover
        )
        body.add(
            piece, Matrix.Translation((rng.normal(0, 1.2), rng.normal(0, 1.2), z)) @ Matrix.Rotation(rng.normal(0, 0.25), 4, "Z")
        )
        z += thick + 0.1
    bow = abs(rng.normal(0, 0.01))
    return as_built(body.bend(lifted(lambda p: bow * p[:, 1] ** 2)))


def egg_carton(rng) -> Thing:
    """An egg carton of moulded pulp."""
    pulp = solid_colour(
        pick(rng, grey(rng, 0.2, 0.4), (0.4, 0.3, 0.2), hue(rng, saturation=(0.2, 0.5), value=(0.4, 0.7))),
        0.95,
        grain=0.4,
        grain_scale=6,
    )
    long, wide = pick(rng, (3, 2), (5, 2), (6, 5), (2, 2))
    x, y = np.meshgrid(np.linspace(0, long, 16 * long + 1), np.linspace(0, wide, 16 * wide + 1))
    cup = np.sqrt(np.abs(np.sin(np.pi * x) * np.sin(np.pi * y)))
    peak = np.clip(np.cos(TAU * x) * np.cos(TAU * y), 0, 1) ** 4
    z = 2.6 - 2.6 * cup + 1.6 * peak * ((x > 0.5) & (x < long - 0.5) & (y > 0.5) & (y < wide - 0.5))
    body = Solid().grid(np.stack([4.6 * (x - long / 2), 4.6 * (y - wide / 2), z + 0.1], -1), pulp)
    if often(rng, 0.4):
        flat = np.clip(np.minimum(np.minimum(x, long - x), np.minimum(y, wide - y)) * 4, 0, 1)
        lid = Solid().grid(np.stack([4.7 * (x - long / 2), 4.7 * (y - wide / 2), 3.0 * flat], -1), pulp)
        body.add(
            lid,
            Matrix.Translation((0, 2.35 * wide, 2.6))
            @ Matrix.Rotation(rng.uniform(-0.2, 1.6), 4, "X")
            @ Matrix.Translation((0, 2.35 * wide, 0)),
        )
    return as_built(body, 0.75)


KINDS = {
    "sheet": one_sheet,
    "crumpled": crumpled,
    "shipping-box": shipping_box,
    "flattened": flattened,
    "carton": carton,
    "cores": cores,
    "carrier": carrier,
    "stack": stack,
    "egg-carton": egg_carton,
}
