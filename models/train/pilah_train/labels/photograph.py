"""A photograph of labels on a parcel: where they lie, what covers them, light, lens, sensor and JPEG.

The scene is composed in colour at the picture's own resolution; each label is warped once.
"""

import random
from dataclasses import dataclass, field

import cv2
import numpy as np

from . import stickers, surfaces, wear
from .camera import View, overlap
from .framing import CONDITIONS
from .light import Light
from .sheet import Sheet

SIZES = [((1280, 720), 78), ((1920, 1080), 9), ((1280, 960), 6), ((1600, 1200), 2), ((1024, 768), 3), ((960, 720), 2)]

# papers of labels as blue, green, red
WHITE = [(244, 244, 244), (238, 240, 240), (250, 246, 240), (232, 238, 240), (226, 240, 246)]
COLOURED = [(120, 220, 250), (190, 200, 250), (240, 220, 190), (150, 190, 220), (190, 235, 200), (200, 225, 250)]


@dataclass
class Picture:
    """One photograph with everything that is known about it."""

    image: np.ndarray
    "blue, green, red, before JPEG; `jpeg` is the file with its losses"
    truth: dict = field(default_factory=dict)
    lines: list[dict] = field(default_factory=list)
    "text, role, quad (four corners in pixels in reading order), visible, em_px, label (its number, or -1)"
    codes: list[dict] = field(default_factory=list)
    "kind, text, quad, visible, label"
    labels: list[dict] = field(default_factory=list)
    "quad, layout"
    boxes: list[dict] = field(default_factory=list)
    "boxes for handwritten digits: digit, quad, visible, label"
    jpeg: bytes = b""


class Scene:
    """A picture in the making."""

    def __init__(self, rng: random.Random, difficulty: str, size: tuple[int, int] | None = None):
        self.rng, self.c = rng, CONDITIONS[difficulty]
        self.size = size or rng.choices([s for s, _ in SIZES], [n for _, n in SIZES])[0]
        self.light = Light(rng, *self.size)
        self.notes: list[str] = []
        self.out = Picture(np.zeros(0))
        self.covers: list[np.ndarray] = []
        name, kind, colour = surfaces.pick(rng, surfaces.GROUNDS)
        self.image = surfaces.coloured(rng, kind, colour, *self.size, depth=rng.uniform(0.6, 1.3))
        self.ground, self.soft = name, False

    def lay_parcel(self, outline_mm: np.ndarray, view: View) -> None:
        """A parcel under everything that comes: its outline around what it must carry, often larger than the picture."""
        rng = self.rng
        name, kind, colour = surfaces.pick(rng, surfaces.PARCELS)
        self.notes.append(f"bg={name}")
        self.soft = kind == "plastic"
        (x0, y0), (x1, y1) = outline_mm.min(0), outline_mm.max(0)
        grow = lambda: rng.choice([rng.uniform(4, 30), rng.uniform(10, 120)])  # noqa: E731
        x0, y0, x1, y1 = x0 - grow(), y0 - grow(), x1 + grow(), y1 + grow()
        n = 10
        around = [(x0 + (x1 - x0) * k / n, y0) for k in range(n)] + [(x1, y0 + (y1 - y0) * k / n) for k in range(n)]
        around += [(x1 - (x1 - x0) * k / n, y1) for k in range(n)] + [(x0, y1 - (y1 - y0) * k / n) for k in range(n)]
        around = np.array(around)
        if self.soft:
            around += np.random.default_rng(rng.getrandbits(32)).normal(0, 1.6, around.shape)
        a = np.radians(rng.gauss(0, 4))
        around = around @ np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]])
        outline = view.points(around)
        self.light.fall(outline, rng.uniform(0.2, 0.6), rng.uniform(3, 20))
        piece = surfaces.coloured(rng, kind, colour, *self.size, depth=rng.uniform(0.6, 1.5))
        mask = np.zeros(self.size[::-1], np.uint8)
        cv2.fillPoly(mask, [np.round(outline * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
        self._blend(piece, mask, (0, 0, *self.size))
        inside = np.zeros((self.light.h, self.light.w), np.uint8)  # the parcel's own shadow falls beside it
        cv2.fillPoly(inside, [np.round(outline / 2).astype(np.int32)], 1)
        self.light.gain[inside > 0] = 1
        if kind == "cardboard" and rng.random() < 0.35:
            self._brown_tape(view, (x0, y0, x1, y1))

    def _brown_tape(self, view: View, around) -> None:
        rng, (x0, y0, x1, y1) = self.rng, around
        wide, clear = rng.uniform(40, 55), rng.random() < 0.4
        at = rng.uniform(x0, x1 - wide)
        quad = view.points([(at, y0), (at + wide, y0), (at + wide, y1), (at, y1)])
        mask = np.zeros(self.size[::-1], np.uint8)
        cv2.fillPoly(mask, [np.round(quad * 16).astype(np.int32)], 70 if clear else 190, cv2.LINE_AA, 4)
        colour = np.array([200, 205, 210] if clear else [70, 105, 150], np.float32) * rng.uniform(0.7, 1.1)
        self._blend(np.full_like(self.image, np.clip(colour, 0, 255).astype(np.uint8)), mask, (0, 0, *self.size))

    def stick_label(self, sheet: Sheet, view: View, clean: bool = False) -> np.ndarray:
        """A label onto the parcel; its corners in pixels."""
        rng, number = self.rng, len(self.out.labels)
        w, h = sheet.width, sheet.height
        corners = np.array([(0, 0), (w, 0), (w, h), (0, h)]) - (w / 2, h / 2)
        quad = view.points(corners)
        flat, dots, notes = wear.worn(rng, sheet, 1.5 * view.px_per_mm, 0 if clean else self.c.wear)
        self.notes += notes
        region = self._region(quad)
        if region:
            seen = view.place(flat, dots, (-w / 2, -h / 2), region)
            grey, mask = cv2.split(seen)
            paper = np.array(rng.choice(COLOURED if rng.random() < 0.07 else WHITE), np.float32)
            paper = paper if sheet.paper is None else np.array(sheet.paper, np.float32)
            ink = rng.uniform(12, 60) if sheet.ink is None else np.array(sheet.ink, np.float32)
            ramp = ink + (paper - ink) * (np.arange(256, dtype=np.float32) / 255)[:, None]
            self._blend(cv2.applyColorMap(grey, ramp.astype(np.uint8)[:, None]), mask, region)
        place = lambda corners: view.points(np.array(corners) - (w / 2, h / 2)).round(1)  # noqa: E731
        for line in sheet.lines:
            self._line(line.text, line.role, place(line.quad), line.em * view.px_per_mm, number)
        for code in sheet.codes:
            self.out.codes.append({"kind": code.kind, "text": code.text, "quad": place(code.quad), "label": number})
        for digit, box in sheet.boxes:
            self.out.boxes.append({"digit": digit, "quad": place(box), "label": number})
        self.out.labels.append({"quad": quad.round(1), "layout": sheet.name})
        return quad

    def stick_other(self, near: np.ndarray, view: View, keep: list[np.ndarray]) -> None:
        """Some other sticker near these corners, but over nothing that must be kept."""
        picture, lines, (w, h) = stickers.pick(self.rng)
        for _ in range(8):
            base = near[self.rng.randrange(4)] + [self.rng.gauss(0, 160), self.rng.gauss(0, 120)]
            other = View(
                *self.size,
                view.px_per_mm,
                view.rotation + self.rng.gauss(0, 25),
                view.tilt,
                view.axis,
                tuple(base),
                view.distance,
                view.bend,
            )
            place = lambda corners, o=other: o.points(np.array(corners) - (w / 2, h / 2)).round(1)  # noqa: E731
            quad = place([(0, 0), (w, 0), (w, h), (0, h)])
            if not any(overlap(quad, box) > 0 for box in keep):
                break
        else:
            return
        region = self._region(quad)
        if not region:
            return
        opaque = np.full(picture.shape[:2], 255, np.uint8)
        seen = other.place(cv2.merge([picture, opaque]), stickers.DOTS, (-w / 2, -h / 2), region)
        self._blend(np.ascontiguousarray(seen[:, :, :3]), seen[:, :, 3], region)
        self.covers.append(quad)
        for line in lines:
            self._line(line.text, "other", place(line.quad), line.em * view.px_per_mm, -1, len(self.covers))

    def cover(self, quad: np.ndarray) -> None:
        """A patch over something: paper, cardboard, tape."""
        rng = self.rng
        name, kind, colour = surfaces.pick(rng, surfaces.PARCELS)
        region = self._region(quad)
        if not region:
            return
        x0, y0, x1, y1 = region
        mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
        cv2.fillPoly(mask, [np.round((quad - (x0, y0)) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
        self._blend(surfaces.coloured(rng, kind, colour, x1 - x0, y1 - y0, 0.5), mask, region)
        self.covers.append(quad)
        self.notes.append("covered")

    def develop(self, blur: float, clean: bool = False) -> Picture:
        """Light, lens, sensor, JPEG: the finished picture. Its truth is the caller's."""
        rng, c, light, image = self.rng, self.c, self.light, self.image
        light.uneven(rng.uniform(0, 0.3))
        gain = rng.uniform(*c.light)
        warm = rng.gauss(0, 0.06)
        image = light.on(image, (gain * (1 + warm), gain * rng.gauss(1, 0.02), gain * (1 - warm)))
        if blur > 0.3:
            image = cv2.GaussianBlur(image, (0, 0), blur)
        if rng.random() < c.motion and not clean:
            image = _smear(image, rng.uniform(1.5, 4), rng.uniform(0, np.pi))
            self.notes.append("motion")
        if rng.random() < 0.25:  # the camera's own sharpening
            image = cv2.addWeighted(image, 1.6, cv2.GaussianBlur(image, (0, 0), 1.2), -0.6, 0)
        strength = rng.uniform(*c.noise) / 32
        grain = surfaces.cut(rng, surfaces.noise(0), *self.size)
        image = cv2.addWeighted(image, 1, grain, strength, -128 * strength)
        quality = rng.randrange(60, 96)
        out = self.out
        out.jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
        out.image = image
        self.notes += light.notes
        for k, line in enumerate(out.lines):
            line["visible"] = self._visible(line["quad"], line.pop("under")) and blur < line["em_px"] / 4
            out.lines[k] = line
        for code in out.codes + out.boxes:
            code["visible"] = self._visible(code["quad"], 0)
        return out

    def _line(self, text, role, quad, em_px, label, under=0):
        self.out.lines.append(
            {"text": text, "role": role, "quad": quad, "em_px": round(float(em_px), 1), "label": label, "under": under}
        )

    def _visible(self, quad: np.ndarray, under: int) -> bool:
        """Whether all of it is in the picture and hardly any of it under a cover that came after it."""
        w, h = self.size
        if quad[:, 0].min() < 1 or quad[:, 1].min() < 1 or quad[:, 0].max() > w - 2 or quad[:, 1].max() > h - 2:
            return False
        return not any(overlap(quad, cover) > 0.03 for cover in self.covers[under:])

    def _region(self, quad: np.ndarray) -> tuple[int, int, int, int] | None:
        """The part of the picture around these corners."""
        x0, y0 = np.floor(quad.min(0) - 3).astype(int).clip(0)
        x1, y1 = np.ceil(quad.max(0) + 3).astype(int).clip(0, self.size)
        return (int(x0), int(y0), int(x1), int(y1)) if x1 - x0 > 2 and y1 - y0 > 2 else None

    def _blend(self, top: np.ndarray, mask: np.ndarray, region: tuple[int, int, int, int]) -> None:
        x0, y0, x1, y1 = region
        under = self.image[y0:y1, x0:x1]
        weight = mask.astype(np.float32) * (1 / 255)
        self.image[y0:y1, x0:x1] = cv2.blendLinear(top, under, weight, 1 - weight)


def _smear(image: np.ndarray, length: float, angle: float) -> np.ndarray:
    """Motion blur."""
    n = int(length) | 1
    kernel = np.zeros((n + 2, n + 2), np.float32)
    c, d = (n + 1) / 2, np.array([np.cos(angle), np.sin(angle)]) * length / 2
    ends = np.round((np.array([[c, c]] * 2) + [-d, d]) * 16).astype(int)
    cv2.line(kernel, tuple(ends[0].tolist()), tuple(ends[1].tolist()), 1, 1, cv2.LINE_AA, 4)
    return cv2.filter2D(image, -1, kernel / kernel.sum())
