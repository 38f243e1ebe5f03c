"""Where a point of a label falls in the picture: turned, tilted, seen in perspective, and bent with a soft parcel."""

import math
import random
from dataclasses import dataclass, field

import cv2
import numpy as np

STEP = 8
"pixels from node to node of the bent mesh"


@dataclass
class View:
    """One camera's view of one plane, in millimetres around `middle` of the picture; turns clockwise."""

    width: int
    height: int
    px_per_mm: float
    rotation: float
    tilt: float
    axis: float = 0.0
    "direction of the axis of the tilt, in degrees"
    middle: tuple[float, float] = (0, 0)
    "where the plane's origin falls, in pixels"
    distance: float = 450.0
    "from the camera to the plane in millimetres"
    bend: np.ndarray | None = field(default=None, repr=False)
    "what a soft surface shifts, in pixels, at the nodes of the mesh"

    def matrix(self) -> np.ndarray:
        """Millimetres of the plane to pixels, without the bend."""
        r, t, a = (math.radians(v) for v in (self.rotation, self.tilt, self.axis))
        turn = np.array([[math.cos(r), -math.sin(r)], [math.sin(r), math.cos(r)]])
        along = np.array([math.cos(a), math.sin(a)])
        across = np.array([-math.sin(a), math.cos(a)])
        flat = np.outer(along, along) + math.cos(t) * np.outer(across, across)
        deep = math.sin(t) * across
        f = self.px_per_mm * self.distance
        m = np.zeros((3, 3))
        m[:2, :2] = f * flat @ turn
        m[2, :2] = deep @ turn
        m[2, 2] = self.distance
        shift = np.array([[1, 0, self.middle[0]], [0, 1, self.middle[1]], [0, 0, 1]])
        m = shift @ m
        return m / m[2, 2]

    def bend_softly(self, rng: np.random.Generator, amount: float, length: float) -> None:
        """Let the surface shift points by about `amount` pixels, in waves of `length` pixels."""
        shape = (self.height // STEP + 2, self.width // STEP + 2)
        small = rng.standard_normal(
            (max(3, int(shape[0] * STEP / length) + 3), max(3, int(shape[1] * STEP / length) + 3), 2), np.float32
        )
        self.bend = cv2.resize(small * amount, shape[::-1], interpolation=cv2.INTER_CUBIC)

    def points(self, mm) -> np.ndarray:
        """Points of the plane, in millimetres, as pixels of the picture."""
        flat = cv2.perspectiveTransform(np.asarray(mm, np.float64).reshape(-1, 1, 2), self.matrix())[:, 0]
        if self.bend is None:
            return flat
        at = flat
        for _ in range(2):
            at = flat - self._bend_at(at)
        return at

    def _bend_at(self, px: np.ndarray) -> np.ndarray:
        where = (px / STEP).astype(np.float32)[None]
        return cv2.remap(self.bend, where, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[0].astype(np.float64)

    def place(
        self, picture: np.ndarray, dots: float, origin: tuple[float, float], region: tuple[int, int, int, int]
    ) -> np.ndarray:
        """A flat picture (`dots` pixels a millimetre, its corner at `origin`) as seen in this region (x0, y0, x1, y1)."""
        x0, y0, x1, y1 = region
        to_dots = np.array([[dots, 0, -origin[0] * dots - 0.5], [0, dots, -origin[1] * dots - 0.5], [0, 0, 1]])
        back = to_dots @ np.linalg.inv(self.matrix())
        if self.bend is None:
            back = back @ np.array([[1, 0, x0], [0, 1, y0], [0, 0, 1]])
            flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
            return cv2.warpPerspective(
                picture, back, (x1 - x0, y1 - y0), flags=flags, borderMode=cv2.BORDER_CONSTANT, borderValue=0
            )
        rows, columns = self.bend.shape[:2]
        nodes = np.stack(np.meshgrid(np.arange(columns) * STEP, np.arange(rows) * STEP), -1).astype(np.float32)
        there = cv2.perspectiveTransform((nodes + self.bend).reshape(-1, 1, 2), back).reshape(rows, columns, 2)
        grow = np.array([[1 / STEP, 0, x0 / STEP], [0, 1 / STEP, y0 / STEP]])
        field_ = cv2.warpAffine(
            there, grow, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
        )
        return cv2.remap(picture, field_, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)


def random_view(rng: random.Random, size: tuple[int, int], px_per_mm: float, tilt: float) -> View:
    """A view of this scale and at most this tilt; half of all parcels lie nearly straight, the others anyhow."""
    straight = rng.random() < 0.45
    rotation = rng.gauss(0, 6) if straight else rng.uniform(-180, 180)
    if straight and rng.random() < 0.15:
        rotation += rng.choice([90, -90, 180])
    return View(
        *size,
        px_per_mm,
        rotation,
        tilt * rng.uniform(0.1, 1),
        rng.uniform(0, 360),
        (size[0] / 2, size[1] / 2),
        rng.uniform(280, 650),
    )


def overlap(quad: np.ndarray, other: np.ndarray) -> float:
    """The share of a quadrilateral that another one covers."""
    a, b = np.asarray(quad, np.float32), np.asarray(other, np.float32)
    if (
        a[:, 0].max() < b[:, 0].min()
        or b[:, 0].max() < a[:, 0].min()
        or a[:, 1].max() < b[:, 1].min()
        or b[:, 1].max() < a[:, 1].min()
    ):
        return 0.0
    return cv2.intersectConvexConvex(a, b)[0] / max(1.0, cv2.contourArea(a))
