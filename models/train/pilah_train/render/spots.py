"""Reflector lamps and the small capsules on pins."""

import numpy as np
from mathutils import Matrix

from .bases import base, base_metal, housing
from .solid import TAU, Solid, Thing, curve
from .surface import clear_glass, milky, solid_colour


def reflector(rng) -> Thing:
    """A spot: a silvered glass reflector, or an LED or halogen spot with lenses on pins."""
    thing = Thing(Solid())
    solid = thing.body
    if rng.random() < 0.5:
        r = base(rng, solid, rng.choice(["e27", "bayonet", "e14"], p=[0.6, 0.2, 0.2]))
        wide, tall = rng.uniform(2.5, 4.8), rng.uniform(5.0, 7.5)
        mirror = solid_colour((0.78, 0.78, 0.78), rng.uniform(0.05, 0.2), 1.0) if rng.random() < 0.7 else housing(rng)
        solid.lathe(
            curve([(r, 0), (r * 1.05, 0.6), (wide * 0.65, 0.4 * tall), (wide * 0.97, 0.8 * tall), (wide, 0.88 * tall)], 20),
            mirror,
        )
        front = milky(
            tuple(
                [(0.88, 0.88, 0.86), (0.8, 0.1, 0.05), (0.1, 0.2, 0.7), (0.9, 0.6, 0.1)][
                    rng.choice(4, p=[0.85, 0.05, 0.05, 0.05])
                ]
            ),
            0.3,
            rng.uniform(0.2, 0.6),
        )
        solid.lathe(curve([(wide, 0.88 * tall), (wide * 0.97, 0.95 * tall), (wide * 0.6, tall), (0, 1.04 * tall)], 12), front)
        return thing
    r = base(rng, solid, rng.choice(["gu10", "pins"], p=[0.65, 0.35]))
    wide, tall = 2.5 * rng.uniform(0.95, 1.1), rng.uniform(2.6, 3.8)
    cone = curve([(r, 0), (r * 1.25, 0.25 * tall), (wide * 0.85, 0.75 * tall), (wide, tall)], 16)
    if rng.random() < 0.5:  # halogen: a faceted glass dish with a capsule
        dish = clear_glass((0.75, 0.78, 0.85), 0.35, 0.05) if rng.random() < 0.4 else solid_colour((0.7, 0.7, 0.74), 0.12, 1.0)
        solid.lathe(cone, dish, 60, lambda rr, z, a: rr * (1 + 0.02 * np.sin(a * 18) * np.sin(z * 7)))
        solid.lathe(
            curve([(0.45, 0.2), (0.5, tall * 0.6), (0.2, tall * 0.75), (0, tall * 0.8)], 10), milky((0.8, 0.8, 0.78), 0.5), 16
        )
        solid.lathe([(wide, tall), (wide * 0.97, tall + 0.15), (0, tall + 0.15)], clear_glass((0.97, 0.98, 0.98)))
        return thing
    shell = housing(rng) if rng.random() < 0.6 else solid_colour((0.6, 0.6, 0.62), 0.4, 0.9)
    fins = rng.random() < 0.4
    solid.lathe(cone, shell, 96, (lambda rr, z, a: rr * (0.94 + 0.08 * (np.sin(a * 16) > 0))) if fins else None)
    solid.lathe([(wide, tall), (wide, tall + 0.3), (wide * 0.93, tall + 0.35), (wide * 0.88, tall + 0.2), (0, tall + 0.2)], shell)
    lenses = int(rng.choice([1, 3, 4, 6]))
    clear = milky((0.85, 0.85, 0.83), 0.5, 0.1)
    for i in range(lenses):
        away, size = (0, wide * 0.8) if lenses == 1 else (wide * 0.52, wide * (0.38 if lenses < 5 else 0.25))
        a = TAU * i / lenses
        dome = Solid().lathe(curve([(size, 0), (size * 0.7, 0.2 * size), (0, 0.3 * size)], 8), clear, 20)
        solid.add(dome, Matrix.Translation((away * np.cos(a), away * np.sin(a), tall + 0.22)))
    return thing


def capsule(rng) -> Thing:
    """A small halogen or LED capsule on two pins or wire loops."""
    solid = Solid()
    metal = base_metal(rng)
    for x in (-0.25, 0.25):
        solid.tube(np.array([(x, 0, 0), (x, 0, -1.1)]), 0.05, metal)
    solid.box((1.0, 0.5, 1.1), (0, 0, 0.5), clear_glass((0.9, 0.92, 0.92), 0.4), 0.1)
    if rng.random() < 0.5:
        solid.lathe(
            curve([(0.45, 0.9), (0.65, 1.3), (0.65, 3.0), (0.3, 3.5), (0.1, 3.8), (0, 3.8)], 20),
            clear_glass((0.97, 0.98, 0.98), 0.4),
            24,
        )
        z = np.linspace(1.3, 2.9, 60)
        solid.tube(
            np.stack([0.15 * np.cos(z * 20), 0.15 * np.sin(z * 20), z], 1), 0.04, solid_colour((0.35, 0.34, 0.33), 0.4, 1.0), 5
        )
    else:
        solid.lathe(
            curve([(0.75, 0.9), (0.8, 1.2), (0.8, 3.6), (0.5, 4.0), (0, 4.1)], 18), milky((0.85, 0.85, 0.8), 0.5, 0.15), 24
        )
        for a in np.arange(12) / 12 * TAU:
            for z in (1.6, 2.4, 3.2):
                solid.box((0.25, 0.25, 0.3), (0.55 * np.cos(a), 0.55 * np.sin(a), z), solid_colour((0.9, 0.7, 0.15)))
    return Thing(solid)
