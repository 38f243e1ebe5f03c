"""What fruit and vegetables are made of: skins and flesh, turned shapes, bites, strips of peel."""

from collections.abc import Callable, Sequence

import numpy as np
from mathutils import Matrix, Vector, noise

from ..solid import TAU, Solid
from ..surface import Colour, Shader
from .vary import pick

BROWN, CREAM = (0.07, 0.035, 0.015), (0.75, 0.62, 0.36)


def lumpy(rng: np.random.Generator, amount: float, scale: float) -> Callable[[np.ndarray], np.ndarray]:
    """Moves points in and out from the origin."""
    seed = Vector(rng.uniform(0, 99, 3))
    return lambda p: p * (1 + amount * np.array([noise.noise(Vector(x) / scale + seed) for x in p]))[:, None]


def bitten(bites: Sequence[tuple[np.ndarray, float]]) -> Callable[[np.ndarray], np.ndarray]:
    """Moves points towards the origin and out of the bites, balls of a middle and a radius."""

    def move(p: np.ndarray) -> np.ndarray:
        for middle, r in bites:
            inward = -p / (np.linalg.norm(p, axis=1, keepdims=True) + 1e-9)
            gap = p - middle
            b, c = (gap * inward).sum(1), (gap**2).sum(1) - r**2
            way = np.where(c < 0, -b + np.sqrt(np.maximum(b**2 - c, 0)), 0)
            p = p + inward * np.minimum(way, 0.8 * np.linalg.norm(p, axis=1))[:, None]
        return p

    return move


def skin(
    rng: np.random.Generator,
    a: Colour,
    b: Colour,
    rough: float = 0.4,
    scale: float = 0.3,
    streaks: float = 0.0,
    spots: float = 0.0,
    spot: Colour = BROWN,
    pores: float = 0.0,
    fine: float = 5.0,
    bites: Sequence[tuple[np.ndarray, float]] = (),
    flesh: Colour = CREAM,
):
    """Two colours in clouds or in streaks along the thing, spots, pores, and flesh where it was bitten."""
    s = Shader("skin")
    place = lambda source, by: s.node(
        "Mapping", {"Vector": s.node("TexCoord", out=source), "Location": tuple(rng.uniform(0, 99, 3)), "Scale": by}
    )
    mix = lambda factor, x, y: s.node("Mix", {0: factor, 6: x, 7: y}, 2, data_type="RGBA")
    where = place("UV", (streaks, 0.8, 1)) if streaks else place("Object", (scale,) * 3)
    colour = s.ramp(s.noise(1, where, 5), (0.35, a), (0.65, b))
    if spots:
        edge = 0.72 - 0.24 * spots
        there = s.ramp(s.noise(1, place("Object", (rng.uniform(0.4, 1.6),) * 3), 6), (edge, (0, 0, 0)), (edge + 0.06, (1, 1, 1)))
        colour = mix(there, colour, spot)
    for middle, r in bites:
        away = s.node("VectorMath", {0: s.where(), 1: tuple(middle)}, "Value", operation="DISTANCE")
        colour = mix(s.node("Math", {0: away, 1: r + 0.12}, operation="LESS_THAN"), colour, flesh)
    inputs = {"Base Color": colour, "Roughness": rough}
    if pores:
        inputs["Normal"] = s.bump(s.noise(fine, place("Object", (1, 1, 1)), 2), pores, 0.15)
    return s.finish(s.node("BsdfPrincipled", inputs))


def round_profile(radius: float, tall: float, top=0.0, bottom=0.0, nose=0.0, taper=0.0, count: int = 40) -> np.ndarray:
    """Of a fruit: a circle with hollows at its ends, or a nose, and narrower above by `taper`."""
    up = np.linspace(-np.pi / 2, np.pi / 2, count)
    near = lambda end, wide: np.exp(-(((up - end * np.pi / 2) / wide) ** 2))
    out = 1 - top * near(1, 0.45) - bottom * near(-1, 0.45) + nose * (near(1, 0.3) + 0.6 * near(-1, 0.3))
    r = radius * out * np.cos(up) * (1 - taper * np.clip(np.sin(up) + 0.2, 0, 1.2))
    return np.stack([np.maximum(r, 0), radius * tall * out * np.sin(up)], 1)


RED, YELLOW, GREEN, ORANGE = (0.45, 0.02, 0.02), (0.75, 0.45, 0.05), (0.25, 0.4, 0.05), (0.8, 0.2, 0.01)


def ribbon(
    body: Solid, path: np.ndarray, half: np.ndarray, outer, inner, cup: float, thick: float = 0.12, up=(0, 0, 1), across: int = 8
) -> Solid:
    """A band along a path, `half` its width to each side, its edges turned up by `cup`: `outer` below, `inner` above."""
    path, half = np.asarray(path, float), np.asarray(half, float)[:, None, None]
    along = np.gradient(path, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-9
    up = np.broadcast_to(np.asarray(up, float), path.shape)
    side = np.cross(along, up)
    side /= np.linalg.norm(side, axis=1, keepdims=True) + 1e-9
    normal = np.cross(side, along)[:, None]
    c = np.linspace(-1, 1, across + 1)[None, :, None]
    low = path[:, None] + side[:, None] * half * c + normal * cup * half * c**2
    return body.grid(low, outer).grid(low + normal * thick * (1.05 - c**2), inner)


def banana_colours(rng: np.random.Generator) -> dict:
    """Green, ripe, spotted or brown."""
    a, b = pick(
        rng,
        ((0.3, 0.4, 0.04), (0.5, 0.45, 0.05)),
        ((0.75, 0.48, 0.03), (0.8, 0.55, 0.05)),
        ((0.65, 0.38, 0.03), (0.75, 0.5, 0.05)),
        ((0.2, 0.09, 0.02), (0.45, 0.25, 0.04)),
    )
    return {"a": a, "b": b, "spots": pick(rng, 0.0, rng.uniform(0.2, 0.6), rng.uniform(0.6, 1.0)), "rough": 0.45}


def scattered(rng: np.random.Generator, pieces: Sequence[Solid], tilt: float) -> Solid:
    """Pieces side by side on the ground, every other one upside down, each tilted somehow."""
    body, x = Solid(), 0.0
    for i, piece in enumerate(pieces):
        turn = Matrix.Rotation(rng.uniform(0, TAU), 4, "Z") @ Matrix.Rotation(np.pi * (i % 2) + rng.uniform(-tilt, tilt), 4, "X")
        p = np.array([turn @ Vector(q) for q in piece.points])
        body.add(piece, Matrix.Translation((x - p[:, 0].min(), rng.normal(0, 1), -p[:, 2].min())) @ turn)
        x += np.ptp(p[:, 0]) * 1.02
    return body
