"""Batteries and electronics for the demo's pictures."""

import numpy as np
from mathutils import Matrix
from PIL import Image, ImageDraw, ImageFont

from .soft import as_built
from .solid import TAU, Solid, Thing, curve, rounded
from .surface import label, picture, solid_colour, steel


def _along(image: Image.Image):
    """Printed so that the words run along a turned thing."""
    return picture(image.rotate(90, expand=True), 0.35)


def _round_cell(rng, r: float, tall: float, cover, tip) -> Solid:
    """A round cell: coloured sleeve, tip of another colour, button and flat end."""
    body = Solid().lathe([(r, 0.05), (r, 0.74 * tall)], cover).lathe([(r, 0.74 * tall), (r, tall - 0.1), (0.85 * r, tall)], tip)
    body.lathe([(0, 0), (0.9 * r, 0), (r, 0.05)], steel())
    return body.lathe(
        [(0.85 * r, tall), (0.4 * r, tall + 0.02), (0.38 * r, tall + 0.17 * r + 0.08), (0, tall + 0.17 * r + 0.1)], steel()
    )


def _cell_print(rng, ground, ink, size: str):
    return _along(label(rng, ground, ink, ["+ KUAT", f"{size} 1.5V ALKALINE", "jangan dibakar"]))


def aa(rng) -> Thing:
    """An AA cell, black and copper."""
    return as_built(
        _round_cell(
            rng,
            0.71,
            4.9,
            _cell_print(rng, (0.015, 0.015, 0.018), (0.8, 0.6, 0.3), "AA LR6"),
            solid_colour((0.62, 0.3, 0.12), 0.25, 0.9),
        ),
        0,
    )


def aa_pair(rng) -> Thing:
    """Two AA cells side by side, head to tail."""
    cell = lambda: _round_cell(
        rng, 0.71, 4.9, _cell_print(rng, (0.02, 0.18, 0.05), (0.85, 0.85, 0.8), "AA R6"), solid_colour((0.75, 0.6, 0.1), 0.3, 0.5)
    )
    tip = Matrix.Rotation(np.pi / 2, 4, "X")
    return as_built(
        Solid()
        .add(cell(), Matrix.Translation((0, 2.5, 0.71)) @ tip)
        .add(cell(), Matrix.Translation((1.6, -2.6, 0.71)) @ Matrix.Rotation(0.12, 4, "Z") @ tip.inverted())
    )


def d_cell(rng) -> Thing:
    """A fat D cell."""
    return as_built(
        _round_cell(
            rng,
            1.65,
            5.9,
            _cell_print(rng, (0.55, 0.03, 0.03), (0.9, 0.85, 0.7), "D R20"),
            solid_colour((0.6, 0.6, 0.62), 0.25, 0.9),
        ),
        0,
    )


def nine_volt(rng) -> Thing:
    """A 9 V block with its two snaps."""
    cover = picture(label(rng, (0.015, 0.02, 0.05), (0.9, 0.75, 0.2), ["9V", "6LR61 ALKALINE"], (512, 384)), 0.35)
    body = Solid().box((4.6, 2.6, 1.7), (0, 0, 0.85), cover, 0.18)
    body.box((0.5, 2.62, 1.72), (2.1, 0, 0.86), solid_colour((0.6, 0.45, 0.2), 0.3, 0.9), 0.12)
    turn = Matrix.Rotation(np.pi / 2, 4, "Y")
    body.add(
        Solid().lathe([(0.33, 0), (0.33, 0.25), (0.28, 0.35), (0, 0.35)], steel()), Matrix.Translation((2.3, -0.65, 0.85)) @ turn
    )
    return as_built(
        body.add(
            Solid().lathe([(0.35, 0), (0.35, 0.1), (0.52, 0.2), (0.55, 0.4), (0.4, 0.4), (0.36, 0.2), (0, 0.2)], steel(), 6),
            Matrix.Translation((2.3, 0.65, 0.85)) @ turn,
        )
    )


def phone(rng) -> Thing:
    """A telephone with a cracked screen."""
    image = Image.new("RGB", (256, 512), (18, 24, 52))
    draw = ImageDraw.Draw(image)
    draw.text((56, 40), "09:41", fill=(235, 235, 240), font=ImageFont.load_default(58))
    for i in range(20):
        x, y = 26 + (i % 4) * 56, 170 + (i // 4) * 64
        draw.rounded_rectangle([x, y, x + 38, y + 38], 9, fill=tuple(int(c) for c in rng.uniform(40, 240, 3)))
    for _ in range(12):
        a, at = rng.uniform(0, TAU), np.array([190.0, 400.0])
        for _ in range(6):
            a += rng.normal(0, 0.3)
            to = at + 45 * np.array([np.cos(a), np.sin(a)])
            draw.line([*at, *to], fill=(200, 205, 210), width=2)
            at = to
    body = Solid().prism(rounded(7.2, 14.8, 1.0, 8), 0.85, solid_colour((0.02, 0.02, 0.022), 0.2, coat=0.5), 0.2)
    body.add(Solid().prism(rounded(6.5, 13.2, 0.3, 8), 0.02, picture(image, 0.12)), Matrix.Translation((0, 0, 0.85)))
    return as_built(body.box((1.6, 0.18, 0.02), (0, 6.95, 0.87), solid_colour((0.15, 0.15, 0.15))))


def board(rng) -> Thing:
    """A green circuit board with chips, capacitors and connectors."""
    image = Image.new("RGB", (640, 480), (18, 92, 48))
    draw = ImageDraw.Draw(image)
    for _ in range(70):
        x, y = (rng.integers(0, 64, 2) * 10).tolist()
        dx, dy = int(rng.integers(-12, 12)) * 10, int(rng.integers(-12, 12)) * 10
        draw.line([x, y, x + dx, y, x + dx + dy // 2, y + dy], fill=(55, 150, 85), width=3)
        draw.ellipse([x - 5, y - 5, x + 5, y + 5], fill=(205, 180, 90))
    body = Solid().box((16, 12, 0.2), (0, 0, 0.1), solid_colour((0.02, 0.12, 0.05), 0.4))
    body.box((15.98, 11.98, 0.01), (0, 0, 0.205), picture(image, 0.35))
    black, pins, white = solid_colour((0.012, 0.012, 0.014), 0.4), steel(), solid_colour((0.8, 0.8, 0.76), 0.5)
    for x, y, w, h in ((-2.5, 1, 4, 4), (4.5, 3.2, 3, 1.4), (4.5, 0.6, 3, 1.4), (-6, -3.6, 1.6, 2.6), (1.6, -3, 2.2, 2.2)):
        body.box((w, h, 0.5), (x, y, 0.5), black, 0.06)
        for side in (-1, 1):
            for t in np.linspace(-0.42, 0.42, int(w * 3)):
                body.box((0.14, 0.5, 0.1), (x + t * w, y + side * (h / 2 + 0.15), 0.28), pins)
    for x, y in ((-6.3, 3.8), (-6.3, 1.8), (-4.2, -4), (-2.6, -4.2), (6.5, -1.6)):
        body.add(
            Solid()
            .lathe([(0.7, 0), (0.7, 1.7), (0.62, 1.8)], solid_colour((0.03, 0.06, 0.25), 0.3), 24)
            .lathe([(0.62, 1.8), (0, 1.8)], pins, 24),
            Matrix.Translation((x, y, 0.2)),
        )
    body.box((2.0, 2.2, 1.5), (7.4, -4.3, 0.95), pins, 0.05).box((5, 0.9, 1.0), (3.2, 5.3, 0.7), white, 0.05)
    for _ in range(26):
        body.box(
            (0.5, 0.28, 0.25),
            (rng.uniform(-7, 7), rng.uniform(-5.4, 5), 0.3),
            solid_colour(((0.5, 0.35, 0.2), (0.05, 0.05, 0.05))[rng.integers(2)]),
        )
    return as_built(body)


def keyboard(rng) -> Thing:
    """A computer keyboard."""
    body = Solid().box((30, 12, 1.2), (0, 0, 0.6), solid_colour((0.03, 0.03, 0.033), 0.45), 0.3)
    font = ImageFont.load_default(44)
    for row, letters in enumerate(("1234567890-=", "QWERTYUIOP[]", "ASDFGHJKL;'#", "ZXCVBNM,./  ")):
        for column, letter in enumerate(letters):
            cap = Image.new("RGB", (64, 64), (62, 62, 66))
            ImageDraw.Draw(cap).text((16, 4), letter, fill=(235, 235, 235), font=font)
            body.box((1.95, 1.85, 0.8), (-12.6 + column * 2.25 + row * 0.3, 4.1 - row * 2.15, 1.5), picture(cap, 0.5), 0.2)
    return as_built(body.box((11, 1.85, 0.8), (-1, -4.5, 1.5), solid_colour((0.045, 0.045, 0.05), 0.5), 0.2))


def mouse(rng) -> Thing:
    """A computer mouse on its cable."""
    dark, seam = solid_colour((0.04, 0.04, 0.045), 0.4), solid_colour((0.005, 0.005, 0.005))
    z = np.linspace(0, np.pi / 2, 20)
    body = Solid().lathe(np.stack([np.cos(z) ** 0.6, np.sin(z)], 1), dark, 64)
    body.bend(lambda p: p * (3.1, 5.6, 3.3) * np.stack([1 + 0.06 * np.cos(3 * p[:, 1]), 1 + 0 * p[:, 0], 1 - 0.22 * p[:, 1]], 1))

    def over(x, y):  # points on the shell
        rho = np.hypot(x / 3.1, y / 5.6)
        z = 3.3 * np.sqrt(np.clip(1 - rho ** (2 / 0.6), 0, 1)) * (1 - 0.22 * y / 5.6)
        return np.stack([x * (1 + 0.06 * np.cos(3 * y / 5.6)), y, z], 1)

    y, x = np.linspace(0.6, 5.2, 24), np.linspace(-2.9, 2.9, 30)
    body.tube(over(0 * y, y), 0.1, seam, 8).tube(over(x, 0 * x + 0.6), 0.1, seam, 8)
    wheel = Solid().lathe([(0.7, -0.3), (0.9, -0.25), (0.9, 0.25), (0.7, 0.3)], solid_colour((0.35, 0.35, 0.36), 0.6), 24)
    body.add(
        wheel, Matrix.Translation((0, 3.2, over(np.zeros(1), np.full(1, 3.2))[0, 2] - 0.35)) @ Matrix.Rotation(np.pi / 2, 4, "Y")
    )
    return as_built(
        body.tube(curve([(0, 5.4, 0.8), (0, 8, 0.3), (3, 9.5, 0.3), (6, 7, 0.3), (5.5, 2, 0.3), (7, -3, 0.3)], 40), 0.25, dark)
    )
