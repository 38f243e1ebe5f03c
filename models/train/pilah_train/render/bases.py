"""The bases of light bulbs: screw, bayonet and pins, and what they are made of."""

import numpy as np

from .solid import Solid
from .surface import solid_colour


def base_metal(rng):
    """Base metal: nickel, aluminium or brass, more or less worn."""
    colour = [(0.75, 0.74, 0.72), (0.6, 0.6, 0.6), (0.75, 0.58, 0.3)][rng.choice(3, p=[0.5, 0.25, 0.25])]
    return solid_colour(colour, rng.uniform(0.18, 0.45), 1.0, dirt=rng.choice([0, 0, 0.5]))


def housing(rng):
    """The white, now and then yellowed or grey, plastic of a housing."""
    return solid_colour(
        tuple(np.array([(0.85, 0.85, 0.83), (0.8, 0.76, 0.62), (0.6, 0.62, 0.64)][rng.choice(3, p=[0.7, 0.2, 0.1])])),
        rng.uniform(0.2, 0.5),
        dirt=rng.choice([0, 0, 0.3]),
    )


def base(rng, solid: Solid, kind: str) -> float:
    """Add a base below z = 0 and return the radius to start the body with."""
    metal, black = base_metal(rng), solid_colour((0.02, 0.02, 0.025), 0.3)
    if kind == "bayonet":
        solid.lathe([(1.12, -2.5), (1.12, -0.4), (1.2, -0.2), (1.2, 0.05), (0.9, 0.1)], metal)
        solid.lathe([(0, -2.55), (1.05, -2.55), (1.12, -2.45)], black)
        for side in (-1, 1):
            solid.box((0.35, 0.45, 0.25), (0, 0.5 * side, -2.62), metal, 0.08)
            solid.tube(np.array([(side * 0.9, 0, -1.7), (side * 1.42, 0, -1.7)]), 0.13, metal)
        return 1.15
    if kind in ("gu10", "pins"):
        white = solid_colour((0.8, 0.79, 0.75), 0.5)
        r, apart, pin = (1.15, 0.5, 0.14) if kind == "gu10" else (0.75, 0.3, 0.06)
        solid.lathe([(0, -1.5), (r * 0.95, -1.5), (r, -1.3), (r, 0.05)], white)
        for x in (-apart, apart):
            solid.tube(np.array([(x, 0, -1.4), (x, 0, -2.3)]), pin, metal)
            if kind == "gu10":
                solid.tube(np.array([(x, 0, -2.0), (x, 0, -2.3)]), 0.24, metal)
        return r
    r = 1.3 if kind == "e27" else 0.68
    k = r / 1.3
    solid.lathe([(r * 0.35, -2.75 * k), (r * 0.95, -2.3 * k)], black)
    solid.lathe([(0, -2.95 * k), (r * 0.3, -2.9 * k), (r * 0.38, -2.7 * k)], metal)
    solid.screw(r * 0.96, -2.35 * k, -0.35 * k, 0.36 * k, 0.075 * k, metal)
    solid.lathe([(r * 0.96, -0.4 * k), (r * 1.02, -0.3 * k), (r * 1.03, 0.1), (r * 0.6, 0.12)], metal)
    return r
