"""The demo's pictures (`DEMO`), and the odd things in them that belong to no class."""

import numpy as np
from mathutils import Matrix
from PIL import Image, ImageDraw

from . import bulbs, electric, soft, vessels
from .soft import as_built
from .solid import Solid, Thing, curve
from .surface import picture, solid_colour


def toy_bricks(rng) -> Thing:
    """Toy bricks with studs, stacked."""
    body = Solid()
    for x, y, z, count, colour in (
        (0, 0, 0, 4, (0.6, 0.02, 0.02)),
        (0.8, 0, 0.96, 3, (0.75, 0.5, 0.02)),
        (0.4, 0, 1.92, 2, (0.02, 0.12, 0.5)),
        (3.4, -2.4, 0, 2, (0.02, 0.3, 0.06)),
    ):
        paint = solid_colour(colour, 0.2, coat=0.4)
        body.box((0.8 * count, 1.6, 0.94), (x, y, z + 0.48), paint, 0.04)
        for i in range(count):
            for side in (-0.4, 0.4):
                stud = Solid().lathe([(0.25, 0), (0.25, 0.16), (0.23, 0.18), (0, 0.18)], paint, 24)
                body.add(stud, Matrix.Translation((x + 0.8 * (i - (count - 1) / 2), y + side, z + 0.95)))
    return as_built(body)


def beach_ball(rng) -> Thing:
    """A ball with six coloured panels."""
    image = Image.new("RGB", (384, 64), (240, 240, 235))
    for i, colour in enumerate(((210, 30, 30), (245, 245, 240), (30, 80, 200), (245, 245, 240), (250, 200, 30), (245, 245, 240))):
        ImageDraw.Draw(image).rectangle([i * 64, 0, i * 64 + 63, 64], fill=colour)
    z = np.linspace(-1, 1, 41)
    z = np.sin(z * np.pi / 2)
    return as_built(Solid().lathe(np.stack([10 * np.sqrt(np.maximum(0, 1 - z**2)), 10 * z], 1), picture(image, 0.25), 60), 0)


def mug(rng) -> Thing:
    """A mug with a handle."""
    glaze = solid_colour((0.75, 0.3, 0.05), 0.15, coat=0.6)
    body = Solid().lathe([(0, 0.2), (3.4, 0), (4, 0.4), (4.1, 1), (4.1, 9.2), (3.95, 9.4), (3.75, 9.2)], glaze, 56)
    body.lathe([(3.75, 9.2), (3.75, 1), (3.4, 0.6), (0, 0.6)], solid_colour((0.85, 0.83, 0.78), 0.2, coat=0.5), 56)
    return as_built(
        body.tube(
            curve([(4.0, 0, 7.8), (5.6, 0, 8.1), (6.9, 0, 6.6), (6.7, 0, 3.8), (5.4, 0, 2.1), (4.0, 0, 2.0)], 30), 0.55, glaze, 16
        )
    )


def die(rng) -> Thing:
    """A wooden toy die with pips."""
    body = Solid().box((4, 4, 4), (0, 0, 0), solid_colour((0.85, 0.83, 0.75), 0.3, coat=0.4), 0.45)
    spots = {1: [(0, 0)], 2: [(-1, -1), (1, 1)], 3: [(-1, -1), (0, 0), (1, 1)], 5: [(-1, -1), (1, 1), (0, 0), (-1, 1), (1, -1)]}
    spots |= {4: spots[5][:2] + spots[5][3:], 6: [(x, y) for x in (-1, 1) for y in (-1, 0, 1)]}
    pip = solid_colour((0.01, 0.01, 0.012), 0.3)
    quarter = np.pi / 2
    for face, (axis, turn) in zip(
        spots, (("X", 0), ("X", quarter), ("Y", quarter), ("X", -quarter), ("Y", -quarter), ("X", 2 * quarter))
    ):
        for x, y in spots[face]:
            dot = Solid().lathe([(0.36, 0), (0.34, 0.02), (0, 0.02)], pip, 20)
            body.add(dot, Matrix.Rotation(turn, 4, axis) @ Matrix.Translation((x * 1.05, y * 1.05, 2.0)))
    return as_built(body, 0)


def _a_good(seed: int) -> np.random.Generator:
    """Fixed dice, for a bulb that looks like most (clear glass and a wire, a printed cone and a dome)."""
    return np.random.default_rng(seed)


_MAKERS = {
    "battery": {"aa": electric.aa, "aa-pair": electric.aa_pair, "d-cell": electric.d_cell, "nine-volt": electric.nine_volt},
    "clothes": {"folded": soft.folded, "jeans": soft.trousers, "sock": soft.sock, "t-shirt": soft.t_shirt},
    "e-waste": {"board": electric.board, "keyboard": electric.keyboard, "mouse": electric.mouse, "phone": electric.phone},
    "glass": {
        "brown-bottle": vessels.beer_bottle,
        "green-bottle": vessels.wine_bottle,
        "jar": vessels.jar,
        "wine-glass": vessels.drinking_glass,
    },
    "light-bulb": {
        "candle": bulbs.KINDS["candle-frosted"][0],
        "filament": lambda rng: bulbs.incandescent(_a_good(11), "a", False, False),
        "led": lambda rng: bulbs.led(_a_good(10)),
        "spiral": bulbs.cfl_spiral,
    },
    "metal": {
        "can": vessels.can,
        "crown-caps": vessels.crown_caps,
        "crushed-can": lambda rng: vessels.can(rng, True),
        "tin": vessels.tin,
    },
    "organic": {"apple": soft.apple, "banana": soft.banana, "carrot": soft.carrot, "pear": soft.pear},
    "paper": {"box": soft.cardboard_box, "cores": soft.cores, "crumpled": soft.crumpled, "sheet": soft.printed_sheet},
    "plastic": {"cup": vessels.cup, "iced-cup": vessels.iced_cup, "shampoo": vessels.shampoo, "water-bottle": vessels.pet_bottle},
    "unknown": {"ball": beach_ball, "die": die, "mug": mug, "toy-bricks": toy_bricks},
}
DEMO = {
    f"{kind}/{name}": (number, make)
    for number, (kind, name, make) in enumerate(
        (kind, name, make) for kind, makers in _MAKERS.items() for name, make in makers.items()
    )
}
"""The demo's pictures: class and name, with a number for the seed and the maker."""
