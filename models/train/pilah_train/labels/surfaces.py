"""What a parcel and what lies under it are made of: grey textures from a pool, coloured when used."""

import functools
import random

import cv2
import numpy as np

TILE = (1400, 2200)
"height and width of a texture; pictures are cut from it"


def clouds(rng: np.random.Generator, height: int, width: int, scales: dict[int, float]) -> np.ndarray:
    """Smooth noise: for each scale in pixels its strength. Float, around nought."""
    out = np.zeros((height, width), np.float32)
    for scale, strength in scales.items():
        small = rng.standard_normal((max(2, height // scale + 2), max(2, width // scale + 2)), np.float32)
        out += strength * cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC if scale > 2 else cv2.INTER_NEAREST)
    return out


def _cardboard(rng):
    fibres = cv2.blur(rng.standard_normal(TILE, np.float32), (9, 1)) * 9
    flutes = 2.5 * np.sin(np.arange(TILE[0], dtype=np.float32) / rng.uniform(4, 9))[:, None]
    return clouds(rng, *TILE, {300: 7, 60: 3, 2: 1.5}) + fibres + flutes * (rng.random() < 0.5)


def _plastic(rng):
    """Wrinkles: a bumpy surface in light from one side, with bright spots."""
    stretch = float(rng.uniform(0.5, 2))
    h = clouds(rng, int(TILE[0] * stretch) // 2, TILE[1] // 2, {110: 22, 40: 7, 16: 2.2, 7: 0.5})
    h = cv2.resize(h, (TILE[1], TILE[0]))
    slope = cv2.Sobel(h, cv2.CV_32F, 1, 0, ksize=5) * np.cos(a := rng.uniform(0, 6.28)) + cv2.Sobel(
        h, cv2.CV_32F, 0, 1, ksize=5
    ) * np.sin(a)
    slope /= slope.std()
    shine = np.clip(slope - rng.uniform(1.2, 2), 0, 2) * rng.uniform(10, 45)
    return slope * rng.uniform(5, 14) + shine


def _belt(rng):
    x = np.arange(TILE[1], dtype=np.float32)
    ribs = rng.uniform(0, 7) * np.sign(np.sin(x / rng.uniform(3, 12)))
    return clouds(rng, *TILE, {350: 8, 40: 2, 3: 2.5, 1: 2.5}) + ribs[None]


def _floor(rng):
    return clouds(rng, *TILE, {500: 10, 120: 7, 30: 4, 8: 2, 2: 2})


def _wood(rng):
    return cv2.resize(clouds(rng, TILE[0], TILE[1] // 20, {30: 14, 6: 6, 2: 3}), TILE[::-1]) + clouds(rng, *TILE, {2: 2})


MAKERS = {"cardboard": _cardboard, "plastic": _plastic, "belt": _belt, "floor": _floor, "wood": _wood}
VARIETY = 3
"textures of each kind in the pool"


@functools.lru_cache(maxsize=len(MAKERS) * VARIETY)
def texture(kind: str, number: int) -> np.ndarray:
    rng = np.random.default_rng([len(kind), sum(map(ord, kind)), number])
    return np.clip(128 + MAKERS[kind](rng), 0, 255).astype(np.uint8)


@functools.lru_cache(maxsize=2)
def noise(number: int) -> np.ndarray:
    """A sensor's noise: mean 128, deviation 32; a little of it is shared by neighbours, as a camera's own filters leave it."""
    rng = np.random.default_rng([5, number])
    grain = rng.standard_normal((1500, 2300, 3), np.float32) + 0.8 * rng.standard_normal((1500, 2300, 1), np.float32)
    grain = cv2.GaussianBlur(grain, (0, 0), 0.6)
    return np.clip(128 + grain * (32 / grain.std()), 0, 255).astype(np.uint8)


def cut(rng: random.Random, tile: np.ndarray, width: int, height: int) -> np.ndarray:
    """A piece of a texture, mirrored or not."""
    y, x = rng.randrange(tile.shape[0] - height + 1), rng.randrange(tile.shape[1] - width + 1)
    piece = tile[y : y + height, x : x + width]
    return piece[:: rng.choice([1, -1]), :: rng.choice([1, -1])]


def coloured(
    rng: random.Random, kind: str, colour: tuple[int, int, int], width: int, height: int, depth: float = 1.0
) -> np.ndarray:
    """A piece of surface in this colour (red, green, blue), its texture as deep as `depth` says."""
    piece = cut(rng, texture(kind, rng.randrange(VARIETY)), width, height)
    shade = 1 + (np.arange(256, dtype=np.float32) - 128) / 128 * depth
    ramp = np.clip(shade[:, None] * np.array(colour[::-1], np.float32), 0, 255).astype(np.uint8)
    return cv2.applyColorMap(np.ascontiguousarray(piece), ramp[:, None])


# texture, colour, how often: what parcels are made of, and what they lie on
PARCELS = {
    "cardboard": ("cardboard", (176, 132, 88), 4),
    "darkboard": ("cardboard", (142, 100, 66), 2),
    "brownmailer": ("plastic", (160, 112, 66), 2),
    "kraft": ("floor", (186, 148, 100), 2),
    "white": ("plastic", (214, 214, 216), 3),
    "grey": ("plastic", (142, 142, 148), 2),
    "pink": ("plastic", (214, 96, 142), 2),
    "black": ("plastic", (34, 34, 36), 2),
    "blue": ("plastic", (60, 96, 168), 0.7),
    "yellow": ("floor", (206, 170, 80), 0.8),
    "orange": ("cardboard", (198, 110, 60), 0.7),
    "green": ("plastic", (80, 140, 92), 0.5),
    "purple": ("plastic", (122, 84, 158), 0.5),
    "whitebox": ("cardboard", (206, 206, 202), 1),
}
GROUNDS = {
    "belt": ("belt", (62, 62, 66), 4),
    "greenbelt": ("belt", (52, 96, 72), 1),
    "greybelt": ("belt", (118, 118, 120), 2),
    "concrete": ("floor", (128, 124, 118), 2),
    "table": ("wood", (168, 136, 104), 1.5),
    "steel": ("belt", (150, 154, 160), 1),
    "white": ("floor", (205, 205, 205), 1),
    "board": ("cardboard", (160, 120, 82), 1),
    "dark": ("floor", (40, 40, 44), 1.5),
}


def pick(rng: random.Random, among: dict) -> tuple[str, str, tuple[int, int, int]]:
    """A name, its texture and its colour, the colour never quite the same."""
    name = rng.choices(list(among), [row[2] for row in among.values()])[0]
    kind, colour, _ = among[name]
    gain = rng.uniform(0.8, 1.15)
    return name, kind, tuple(min(255, round(c * gain * rng.uniform(0.93, 1.07))) for c in colour)
