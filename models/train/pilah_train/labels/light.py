"""Light on a scene: uneven, shadowed, mirrored by plastic and tape, broken by creases. All at half resolution."""

import math
import random

import cv2
import numpy as np

from .surfaces import clouds

HALF = 2


class Light:
    """What the scene is multiplied with (`gain`) and what is added to it (`shine`, 0 to 255)."""

    def __init__(self, rng: random.Random, width: int, height: int):
        self.rng, self.noise = rng, np.random.default_rng(rng.getrandbits(32))
        self.w, self.h = width // HALF, height // HALF
        self.gain = np.ones((self.h, self.w), np.float32)
        self.shine = np.zeros((self.h, self.w), np.float32)
        self.notes: list[str] = []

    def uneven(self, amount: float) -> None:
        """A lamp somewhere: brighter here than there."""
        a = self.rng.uniform(0, 2 * math.pi)
        x = np.linspace(-1, 1, self.w, dtype=np.float32)[None]
        y = np.linspace(-1, 1, self.h, dtype=np.float32)[:, None]
        self.gain *= 1 + amount * (math.cos(a) * x + math.sin(a) * y)
        self.gain *= 1 - amount * self.rng.uniform(0, 0.6) * (x * x + y * y) * 0.5

    def shadow(self) -> None:
        """Someone or something stands in the light."""
        a, at = self.rng.uniform(0, 2 * math.pi), self.rng.uniform(-0.35, 0.35) * self.w
        x = np.arange(self.w, dtype=np.float32)[None] - self.w / 2
        y = np.arange(self.h, dtype=np.float32)[:, None] - self.h / 2
        along = math.cos(a) * x + math.sin(a) * y + 8 * np.sin((y - x) / self.rng.uniform(30, 120))
        self.gain *= 1 - self.rng.uniform(0.25, 0.6) / (1 + np.exp(-np.clip((along - at) / self.rng.uniform(3, 22), -30, 30)))
        self.notes.append("shadow")

    def fall(self, outline: np.ndarray, depth: float, spread: float) -> None:
        """The shadow of something that lies on the ground, from its outline in pixels."""
        k = 4
        mask = np.zeros((self.h * HALF // k + 1, self.w * HALF // k + 1), np.uint8)
        off = np.array([self.rng.uniform(-1, 1), self.rng.uniform(-1, 1)]) * spread
        cv2.fillPoly(mask, [np.round((outline + off) / k).astype(np.int32)], 255)
        mask = cv2.GaussianBlur(mask, (0, 0), max(0.8, spread / k))
        self.gain *= 1 - depth * cv2.resize(mask, (self.w, self.h)).astype(np.float32) / 255

    def glare(self, strong: float) -> None:
        """A lamp mirrored in plastic: spots and streaks."""
        k = 4
        canvas = np.zeros((self.h // k + 1, self.w // k + 1), np.uint8)
        rng = self.rng
        for _ in range(rng.randrange(1, 4)):
            x, y = rng.uniform(0, canvas.shape[1]), rng.uniform(0, canvas.shape[0])
            if rng.random() < 0.5:
                a, t = rng.uniform(0, 2 * math.pi), np.linspace(-1, 1, 14)
                long, curve = rng.uniform(8, 60), rng.uniform(-15, 15)
                points = np.stack(
                    [
                        x + math.cos(a) * t * long - math.sin(a) * curve * t**2,
                        y + math.sin(a) * t * long + math.cos(a) * curve * t**2,
                    ],
                    1,
                )
                cv2.polylines(
                    canvas,
                    [np.round(points * 8).astype(np.int32)],
                    False,
                    rng.randrange(120, 256),
                    rng.choice([1, 1, 2, 3]),
                    cv2.LINE_AA,
                    3,
                )
            else:
                axes = (rng.randrange(2, 14), rng.randrange(1, 5))
                cv2.ellipse(canvas, (int(x), int(y)), axes, rng.uniform(0, 180), 0, 360, rng.randrange(120, 256), -1, cv2.LINE_AA)
        soft = cv2.GaussianBlur(canvas, (0, 0), rng.uniform(0.8, 3))
        self.shine += strong * cv2.resize(soft, (self.w, self.h)).astype(np.float32)
        self.notes.append("glare")

    def crease(self, quad: np.ndarray, strong: float) -> None:
        """Folds of a label: on one side lighter, on the other darker."""
        rng, q = self.rng, quad / HALF
        inside = lambda: q[0] + (q[1] - q[0]) * rng.random() + (q[3] - q[0]) * rng.random()  # noqa: E731
        for _ in range(rng.randrange(1, 4)):
            fold = np.zeros((self.h, self.w), np.float32)
            points, heading = [inside()], rng.uniform(0, 2 * math.pi)
            for _ in range(rng.randrange(3, 9)):
                heading += rng.gauss(0, 0.18)
                points.append(points[-1] + np.array([math.cos(heading), math.sin(heading)]) * rng.uniform(10, 45))
            line = np.round(np.array(points) * 8).astype(np.int32)
            dark, light = strong * rng.uniform(0.1, 0.3), strong * rng.uniform(0.1, 0.3)
            cv2.polylines(fold, [line + 10], False, -dark, rng.choice([1, 2, 3]), cv2.LINE_AA, 3)
            cv2.polylines(fold, [line], False, light, rng.choice([1, 1, 2]), cv2.LINE_AA, 3)
            self.gain *= 1 + cv2.GaussianBlur(fold, (0, 0), rng.uniform(0.5, 2.2))
        self.notes.append("creased")

    def ripple(self, quad: np.ndarray, strong: float) -> None:
        """A label that follows a soft parcel: gently lighter and darker."""
        x0, y0 = np.floor(quad.min(0) / HALF).astype(int).clip(0)
        x1, y1 = np.ceil(quad.max(0) / HALF).astype(int).clip(0, (self.w, self.h))
        if x1 - x0 > 8 and y1 - y0 > 8:
            self.gain[y0:y1, x0:x1] *= np.clip(1 + clouds(self.noise, y1 - y0, x1 - x0, {60: strong, 25: strong / 2}), 0.6, 1.4)

    def tape(self, quad: np.ndarray, wide: float) -> None:
        """Clear tape across a label: a veil with edges and mirrored spots; `wide` in pixels."""
        rng, q = self.rng, quad / HALF
        lengthways = rng.random() < 0.5
        u, v = (q[1] - q[0], q[3] - q[0]) if lengthways else (q[3] - q[0], q[1] - q[0])
        long, across = np.linalg.norm(u) + 1e-6, v / (np.linalg.norm(v) + 1e-6)
        start = q[0] + v * rng.uniform(0.05, 0.8) - u * rng.uniform(0.05, 0.3)
        end = start + u * rng.uniform(1.1, 1.5) + across * long * rng.uniform(-0.05, 0.05)
        side = across * wide / HALF
        outline = np.round(np.array([start, end, end + side, start + side]) * 8).astype(np.int32)
        veil = np.zeros((self.h, self.w), np.float32)
        cv2.fillPoly(veil, [outline], rng.uniform(4, 26), cv2.LINE_AA, 3)
        cv2.polylines(veil, [outline], True, rng.uniform(10, 45), 1, cv2.LINE_AA, 3)
        for _ in range(rng.randrange(0, 6)):  # bubbles and mirrored spots
            spot = start + (end - start) * rng.random() + side * rng.random()
            axes = (rng.randrange(2, 14), rng.randrange(1, 5))
            cv2.ellipse(
                veil, tuple(int(c) for c in spot), axes, rng.uniform(0, 180), 0, 360, rng.uniform(15, 90), -1, cv2.LINE_AA
            )
        self.shine += cv2.GaussianBlur(veil, (0, 0), 0.8)
        self.notes.append("cleartape")

    def on(self, picture: np.ndarray, cast: tuple[float, float, float]) -> np.ndarray:
        """The lit picture; `cast` tints the light (blue, green, red)."""
        h, w = picture.shape[:2]
        gain = np.clip(self.gain[..., None] * (np.array(cast, np.float32) * 100), 0, 255).astype(np.uint8)
        picture = cv2.multiply(picture, cv2.resize(gain, (w, h)), scale=1 / 100)
        if self.shine.any():
            shine = cv2.resize(np.clip(self.shine, 0, 255).astype(np.uint8), (w, h))
            picture = cv2.add(picture, cv2.merge([shine] * 3))
        return picture
