"""Devices with a screen or keys: telephones, remote controls, computers, calculators."""

import numpy as np
from mathutils import Matrix

from ..soft import as_built
from ..solid import Solid, Thing, rounded
from ..surface import solid_colour, steel
from .casing import Panel, along, below, case, cracks, disc, end_of, fit, lay_keys, screen, tone, underside, wander
from .vary import QUARTER, at, byte, grey, hue, often, paint, pick, word


def phone(rng: np.random.Generator) -> Thing:
    """A smartphone, front and back, mostly cracked."""
    return _slate(rng, rng.uniform(6.4, 7.8), rng.uniform(12.5, 16.5), rng.uniform(0.7, 1.0))


def tablet(rng: np.random.Generator) -> Thing:
    """A tablet, front and back."""
    return _slate(rng, rng.uniform(13, 19), rng.uniform(20, 27), rng.uniform(0.6, 1.1))


def _slate(rng, w: float, h: float, thick: float) -> Thing:
    corner = rng.uniform(0.06, 0.14) * w
    body = Solid().prism(rounded(w, h, corner), thick, solid_colour(tone(rng), 0.25, pick(rng, 0, 0.9)), 0.25 * thick)
    side, chin = rng.uniform(0.25, 0.6), rng.uniform(0.4, 2.0) * w / 7
    front = Panel(w - 0.3, h - 0.3, pick(rng, grey(rng, 0.003, 0.02), grey(rng, 0.003, 0.02), grey(rng, 0.7, 0.85)), 512)
    shown = screen(rng, w - 2 * side, h - 2 * chin, 0.6)
    left, top, right, bottom = (int(x) for x in front.area(0, 0, w - 2 * side, h - 2 * chin))
    front.image.paste(shown.resize((right - left, bottom - top)), (left, top))
    front.fill(0, h / 2 - 0.45 * chin, 1.4, 0.15, (60, 60, 60), 0.07)
    if chin > 1.1:
        front.draw.ellipse(front.area(0, -h / 2 + 0.55 * chin, 0.55 * chin, 0.55 * chin), outline=(120, 120, 120), width=3)
    body.add(front.solid(corner - 0.12, 0.08), at(0, 0, thick - 0.01))
    back = Panel(w - 0.4, h - 0.4, paint(rng) if often(rng, 0.6) else grey(rng, 0.01, 0.05), 512)
    back.text(0, rng.uniform(-0.3, 0.1) * h, 0.12 * w, word(rng), byte(grey(rng, 0.2, 0.7)))
    if often(rng, 0.35):
        cracks(rng, back.draw, back.image.size)
    body.add(back.solid(corner - 0.12, rng.uniform(0.08, 0.5)), below(0, 0, 0.01))
    rear, bump = Solid(), solid_colour(grey(rng, 0.01, 0.05), 0.2)
    count, lens, x = int(rng.integers(1, 5)), solid_colour((0.005, 0.006, 0.012), 0.03, coat=1), w / 2 - 1.5
    tall = 1.2 * min(count, 3) + 0.5
    rear.prism(rounded(1.5 if count < 4 else 2.6, tall, 0.5), 0.15, bump, 0.05)
    for i in range(count):
        rear.add(
            disc(0.42, 0.2, steel()), at((0, 0.55)[count == 4] * (-1) ** (i // 3), (min(count, 3) - 1) * 0.6 - 1.2 * (i % 3), 0.1)
        )
        rear.add(
            disc(0.34, 0.23, lens), at((0, 0.55)[count == 4] * (-1) ** (i // 3), (min(count, 3) - 1) * 0.6 - 1.2 * (i % 3), 0.1)
        )
    body.add(rear, below(pick(rng, -x, x, 0), -h / 2 + tall / 2 + 0.7, 0.02))
    body.box((0.15, 0.12 * h, 0.3 * thick), (w / 2, 0.15 * h, thick / 2), steel())
    return as_built(body, 0.25)


def key_phone(rng: np.random.Generator) -> Thing:
    """An old telephone with keys and a small screen."""
    w, h, thick = rng.uniform(4.3, 5.4), rng.uniform(10, 13), rng.uniform(1.3, 2.1)
    colour, key = tone(rng), pick(rng, grey(rng, 0.5, 0.8), grey(rng, 0.02, 0.1), paint(rng))
    body = Solid().prism(rounded(w, h, rng.uniform(0.25, 0.45) * w), thick, case(rng, colour), 0.3 * thick)
    front, top = Panel(0.86 * w, 0.9 * h, colour, 512), rng.uniform(0.28, 0.4) * h
    front.fill(0, 0.43 * h - top / 2, 0.76 * w, top, (25, 25, 28), 0.3)
    front.fill(
        0, 0.43 * h - top / 2, 0.62 * w, 0.7 * top, pick(rng, (120, 140, 90), (40, 60, 120), (12, 12, 14), (200, 210, 220)), 0.1
    )
    front.text(0, 0.43 * h - 0.08 * top, 0.06 * h, word(rng), (200, 200, 200))
    y, step, ink = 0.43 * h - top - 0.6, (0.86 * h - top - 1.4) / 5, (20, 20, 20) if sum(key) > 1 else (240, 240, 240)
    front.key(0, y, 0.25 * w, 0.8, 0.2, byte(key), corner=0.3)
    for side, light in ((-1, (30, 150, 60)), (1, (180, 30, 30))):
        front.key(side * 0.27 * w, y, 0.2 * w, 0.6, 0.2, light, corner=0.2)
    for i, letter in enumerate("123456789*0#"):
        front.key((i % 3 - 1) * 0.27 * w, y - 1.05 - step * (i // 3), 0.24 * w, 0.75 * step, 0.2, byte(key), letter, ink, 0.25)
    body.add(front.solid(0.2 * w, 0.3), at(0, 0, thick - 0.02))
    if often(rng, 0.4):
        body.tube(
            np.array([(0.3 * w, 0.4 * h, thick / 2), (0.3 * w, 0.5 * h + rng.uniform(1, 3), thick / 2)]), 0.4, case(rng, colour)
        )
    underside(rng, body, 0.75 * w, 0.75 * h, colour)
    return as_built(body, 0.3)


def remote(rng: np.random.Generator) -> Thing:
    """A remote control with many buttons; some lie on their face."""
    w, h, thick, colour = rng.uniform(3.6, 5.6), rng.uniform(12, 22), rng.uniform(1.3, 2.4), tone(rng)
    waist = rng.uniform(-0.1, 0.12)
    body = Solid().prism(rounded(w, h, rng.uniform(0.12, 0.45) * w), thick, case(rng, colour), 0.25 * thick)
    front, columns = (
        Panel(0.86 * w, 0.93 * h, pick(rng, colour, grey(rng, 0.01, 0.2), grey(rng, 0.4, 0.8))),
        int(rng.integers(3, 5)),
    )
    rows, step, key = (
        int(rng.integers(7, 12)),
        0.8 * w / columns,
        pick(rng, grey(rng, 0.5, 0.8), grey(rng, 0.02, 0.15), paint(rng)),
    )
    ink, round_key, ring = (15, 15, 15) if sum(key) > 0.9 else (240, 240, 240), often(rng, 0.6), int(rng.integers(2, 5))
    drop = 0.8 * h / rows
    size = min(0.8 * step, 0.75 * drop)
    for row in range(rows):
        y = 0.42 * h - row * drop
        if row == ring:
            front.draw.ellipse(front.area(0, y - drop / 2, 0.72 * w, 0.72 * w), fill=byte(grey(rng, 0.02, 0.3)))
            front.key(0, y - drop / 2, 0.3 * w, 0.3 * w, 0.35, byte(key), "OK", ink, 1.0)
        for column in range(columns):
            x, lone = (column - (columns - 1) / 2) * step, byte(key)
            if abs(y - (0.42 * h - (ring + 0.5) * drop)) < 0.4 * w or (row == 0 and 0 < column < columns - 1):
                continue
            lone = (190, 25, 25) if (row, column) == (0, 0) else byte(hue(rng)) if row == rows - 2 and columns > 3 else lone
            front.key(
                x,
                y,
                0.85 * step,
                size if not round_key else 0.8 * size,
                0.3,
                lone,
                str((row * columns + column) % 10),
                ink,
                round_key * 0.9,
            )
    front.text(0, -0.44 * h, 0.12 * w, word(rng), (200, 200, 200) if sum(colour) < 1 else (50, 50, 50))
    body.add(front.solid(0.1 * w, 0.4), at(0, 0, thick - 0.02))
    underside(rng, body, 0.8 * w, 0.8 * h, colour)
    body.bend(lambda p: p * np.stack([1 + waist * np.cos(p[:, 1] / h * 6), 1 + 0 * p[:, 1], 1 + 0 * p[:, 1]], 1))
    return as_built(body, 0.3)


def mouse(rng: np.random.Generator) -> Thing:
    """A computer mouse, mostly on its cable."""
    shell, wide, long, tall, slope = (
        case(rng),
        rng.uniform(2.5, 3.4),
        rng.uniform(4.6, 6.2),
        rng.uniform(2.6, 3.8),
        rng.uniform(0.1, 0.28),
    )
    seam, trim = solid_colour((0.005, 0.005, 0.005)), case(rng, paint(rng))
    z, waist = np.linspace(0, QUARTER, 24), rng.uniform(0.02, 0.09)
    body = Solid().lathe([(0, 0.02), (0.97, 0), *np.stack([np.cos(z) ** 0.6, 0.03 + np.sin(z)], 1)], shell, 56)
    body.bend(
        lambda p: p * np.stack([wide * (1 + waist * np.cos(3 * p[:, 1])), long + 0 * p[:, 0], tall * (1 - slope * p[:, 1])], 1)
    )

    def over(x, y):
        height = np.sqrt(np.clip(1 - np.hypot(x / wide, y / long) ** (2 / 0.6), 0, 1)) + 0.03
        return np.stack([x * (1 + waist * np.cos(3 * y / long)), y, tall * height * (1 - slope * y / long)], 1)

    y, x, split = np.linspace(0.1 * long, 0.93 * long, 24), np.linspace(-0.93 * wide, 0.93 * wide, 30), 0.12 * long
    body.tube(over(0 * y, y), 0.07, seam, 8).tube(over(x, 0 * x + split), 0.07, seam, 8)
    mid = 0.58 * long
    top = over(np.zeros(1), np.full(1, mid))[0, 2]
    body.add(
        Solid().lathe([(0, -0.35), (0.8, -0.35), (0.9, -0.25), (0.9, 0.25), (0.8, 0.35), (0, 0.35)], trim, 24),
        along("x", 0, mid, top - 0.4),
    )
    if often(rng, 0.5):
        body.box((0.6, 1.0, 0.5), (0, 0.32 * long, over(np.zeros(1), np.full(1, 0.32 * long))[0, 2] - 0.1), trim, 0.12)
    underside(rng, body, 1.2 * wide, 1.2 * long, grey(rng, 0.02, 0.3))
    if often(rng, 0.7):
        path = wander(rng, (0, 0.95 * long, 0.7), QUARTER, rng.uniform(8, 22), 0.2)
        body.tube(path, 0.2, pick(rng, shell, solid_colour((0.02, 0.02, 0.02), 0.6)), 8)
        if often(rng, 0.6):
            fit(body, end_of(rng, "usb"), path)
    return as_built(body, 0.6)


def keyboard(rng: np.random.Generator) -> Thing:
    """A computer keyboard, some without a few keys."""
    unit, pad, rim = rng.uniform(1.6, 1.95), often(rng, 0.5), rng.uniform(0.5, 1.6)
    w, h, thick, colour = unit * (15 + 4.3 * pad) + 2 * rim, unit * 6 + 2 * rim, rng.uniform(0.8, 2.0), tone(rng)
    body = Solid().prism(rounded(w, h, rng.uniform(0.3, 1.5)), thick, case(rng, colour), 0.25 * thick)
    front = Panel(w - 1.2 * min(rim, 0.8), h - 1.2 * min(rim, 0.8), tuple(0.7 * c for c in colour), 900)
    lay_keys(rng, front, -w / 2 + rim, h / 2 - rim, unit, rng.uniform(0.35, 0.9), pad, pick(rng, 0, 0, 0.06))
    body.add(front.solid(0.2, rng.uniform(0.3, 0.6)), at(0, 0, thick - 0.01))
    underside(rng, body, 0.94 * w, 0.94 * h, colour)
    if often(rng, 0.4):
        path = wander(rng, (rng.uniform(-0.3, 0.3) * w, h / 2 - 0.2, 0.5), QUARTER, rng.uniform(8, 20), 0.22)
        body.tube(path, 0.22, solid_colour((0.02, 0.02, 0.02), 0.6), 8)
    return as_built(body, 0.3)


def calculator(rng: np.random.Generator) -> Thing:
    """A pocket or desk calculator."""
    w, h, thick, colour = rng.uniform(6, 13), rng.uniform(10, 17), rng.uniform(0.8, 2.4), tone(rng)
    w = min(w, 0.85 * h)
    body = Solid().prism(rounded(w, h, rng.uniform(0.04, 0.12) * w), thick, case(rng, colour), 0.2 * thick)
    front, columns, rows = (
        Panel(0.92 * w, 0.94 * h, pick(rng, colour, paint(rng))),
        int(rng.integers(4, 6)),
        int(rng.integers(5, 7)),
    )
    front.fill(0, 0.35 * h, 0.82 * w, 0.17 * h, (25, 25, 28), 0.2)
    front.fill(0, 0.35 * h, 0.74 * w, 0.11 * h, pick(rng, (150, 165, 130), (130, 150, 120), (90, 100, 85)), 0.1)
    front.text(0.15 * w, 0.35 * h, 0.09 * h, pick(rng, "", "0.", str(rng.integers(99999))), (25, 30, 25))
    front.text(-0.25 * w, 0.455 * h, 0.035 * h, word(rng), (220, 220, 220) if sum(colour) < 0.9 else (30, 30, 30))
    front.fill(0.22 * w, 0.455 * h, 0.3 * w, 0.035 * h, (60, 25, 30))
    key, side, step, drop = grey(rng, 0.02, 0.8), paint(rng), 0.86 * w / columns, 0.68 * h / rows
    for i in range(rows * columns):
        row, column, letters = i // columns, i % columns, "C%√789÷M456×-123-+0.=+"
        plain = (190, 50, 30) if i == 0 else byte(side if column == columns - 1 or row == 0 else key)
        ink = (20, 20, 20) if sum(plain) > 380 else (245, 245, 245)
        place = ((column - (columns - 1) / 2) * step, 0.19 * h - row * drop)
        front.key(*place, 0.78 * step, 0.7 * drop, 0.3, plain, letters[i % len(letters)], ink, 0.2)
    body.add(front.solid(0.2, 0.4), at(0, 0, thick - 0.01))
    underside(rng, body, 0.94 * w, 0.94 * h, colour)
    return as_built(body, 0.3)


def laptop(rng: np.random.Generator) -> Thing:
    """A laptop, open or closed, some with a broken screen."""
    w = rng.uniform(26, 38)
    h, thick, colour = w * rng.uniform(0.62, 0.72), rng.uniform(1.3, 2.6), tone(rng)
    shell = solid_colour(colour, rng.uniform(0.25, 0.5), pick(rng, 0, 0.7))
    body = Solid().prism(rounded(w, h, 0.8), thick, shell, 0.3)
    deck = Panel(w - 0.8, h - 0.8, grey(rng, 0.01, 0.5), 900)
    unit = (w - 3) / 15
    lay_keys(rng, deck, -7.5 * unit, h / 2 - 2.2, unit, 0.2, False, pick(rng, 0, 0, 0.08))
    deck.fill(0, -h / 2 + (h - 2.2 - 6 * unit) / 2, 0.3 * w, 0.75 * (h - 2.4 - 6 * unit), byte(grey(rng, 0.03, 0.3)), 0.3)
    body.add(deck.solid(0.5, 0.4), at(0, 0, thick - 0.01))
    lid = Solid().prism(rounded(w, h, 0.8), 0.8, shell, 0.25)
    front = Panel(w - 0.6, h - 0.6, (0.01, 0.01, 0.012), 640)
    left, top, right, bottom = (int(x) for x in front.area(0, 0.3, w - 2.4, h - 3))
    front.image.paste(screen(rng, w, h).resize((right - left, bottom - top)), (left, top))
    lid.add(front.solid(0.6, 0.12), at(0, 0, 0.79))
    name = Panel(0.2 * w, 0.07 * w, pick(rng, (0.6, 0.6, 0.6), paint(rng)), 128)
    name.text(0, 0, 0.04 * w, word(rng), (20, 20, 20))
    lid.add(name.solid(0.2), below(0, 0, 0.01))
    opened = pick(rng, 0, rng.uniform(1.2, 2.3), rng.uniform(1.2, 2.3), rng.uniform(1.2, 2.3), np.pi - 0.05)
    hinge = Matrix.Translation((0, h / 2 - 0.2, thick + 0.1 + (opened == 0))) @ Matrix.Rotation(-opened, 4, "X")
    body.add(lid, hinge @ Matrix.Translation((0, -h / 2, 0.8)) @ Matrix.Rotation(np.pi, 4, "Y"))
    body.tube(np.array([(-0.35 * w, h / 2 - 0.2, thick), (0.35 * w, h / 2 - 0.2, thick)]), 0.6, solid_colour((0.02, 0.02, 0.02)))
    for y in (0.2, 0.1, 0, -0.1):
        body.box((0.05, 0.06 * h, 0.5), (w / 2, y * h, thick / 2), solid_colour((0.005, 0.005, 0.005)))
    underside(rng, body, 0.94 * w, 0.94 * h, colour)
    return as_built(body, 0.6)


KINDS = {
    "calculator": calculator,
    "key-phone": key_phone,
    "keyboard": keyboard,
    "laptop": laptop,
    "mouse": mouse,
    "phone": phone,
    "remote": remote,
    "tablet": tablet,
}
