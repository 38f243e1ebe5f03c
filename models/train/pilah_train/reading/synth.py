"""Strips of one printed line, drawn and spoilt as a label, a parcel and a camera would, with the text on them."""

import io
import math
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from . import strip as form
from .charset import clean

DRAWN_CAP = 28  # cap height in pixels at which text is drawn, before the camera


@lru_cache(maxsize=512)
def font_of(path: str, index: int, cap: int) -> ImageFont.FreeTypeFont:
    """The font at the size where a capital H is `cap` pixels high."""
    probe = ImageFont.truetype(path, 100, index, layout_engine=ImageFont.Layout.BASIC)
    high = -probe.getbbox("H", anchor="ls")[1]
    return ImageFont.truetype(path, max(4, round(100 * cap / max(high, 1))), index, layout_engine=ImageFont.Layout.BASIC)


def chance(rng, p: float) -> bool:
    return rng.random() < p


class Lines:
    """Draws from texts (`texts(rng) -> str`) and fonts (paths with weights): the same strip for the same generator."""

    def __init__(self, texts, fonts: list[tuple[str, float]], hard: float = 1.0):
        self.texts, self.hard = texts, hard
        self.fonts = [f for f, _ in fonts]
        weights = np.array([w for _, w in fonts])
        self.weights = np.cumsum(weights / weights.sum())

    def strip(self, rng: np.random.Generator, longest: int = form.WIDEST) -> tuple[np.ndarray, str]:
        while True:
            text = clean(self.texts(rng))
            if not text or len(text) * 5 > longest * 1.4:
                words = text.split()
                text = " ".join(words[: 1 + len(words) // 2]) if words else ""
            drawn = self._drawn(rng, text) if text else None
            if drawn is None:
                continue
            out = self._seen(rng, *drawn)
            if out.shape[1] <= longest:
                return form.stretched(out), text

    def _drawn(self, rng, text: str):
        """Coverage of ink 0..255 at DRAWN_CAP, with the baseline's row and the text's ends."""
        path = self.fonts[int(np.searchsorted(self.weights, rng.random()))]
        font = font_of(path, 0, DRAWN_CAP)
        spread = float(rng.choice([0, 0, 0, 0, 0.04, 0.1])) * DRAWN_CAP
        wide = 1.0 if chance(rng, 0.6) else rng.uniform(0.78, 1.2)  # printers stretch fonts
        left, right = int(rng.uniform(0.1, 1.3) * DRAWN_CAP), int(rng.uniform(0.1, 1.3) * DRAWN_CAP)
        length = font.getlength(text) + spread * len(text)
        if length < 2 or length * wide * form.CAP / DRAWN_CAP > form.WIDEST * 1.2:
            return None
        margin = DRAWN_CAP * 2
        width, base = int(length + 2 * margin), int(DRAWN_CAP * 2.6)
        page = Image.new("L", (width, int(DRAWN_CAP * 4.2)))
        draw = ImageDraw.Draw(page)
        _write(draw, font, margin, base, text, spread)
        if chance(rng, 0.55):
            pitch = DRAWN_CAP * rng.uniform(1.42, 2.1)
            for side in (-1, 1):
                if chance(rng, 0.75):
                    other = font if chance(rng, 0.7) else font_of(path, 0, int(DRAWN_CAP * rng.uniform(0.7, 1.3)))
                    at = base + pitch * side + (0 if side < 0 else max(0, (other.size / font.size - 1) * DRAWN_CAP))
                    shift = 0 if chance(rng, 0.7) else rng.uniform(-4, 4) * DRAWN_CAP
                    _write(draw, other, margin + shift, at, clean(self.texts(rng)) or "x", 0)
        if chance(rng, 0.1):  # rules of a form
            thick = max(1, int(DRAWN_CAP * rng.uniform(0.05, 0.16)))
            at = base + DRAWN_CAP * (rng.uniform(0.36, 0.8) if chance(rng, 0.5) else -rng.uniform(1.3, 1.7))
            draw.line([(0, at), (width, at)], 255, thick)
        if chance(rng, 0.05):
            at = margin - left * 0.9 if chance(rng, 0.5) else margin + length + right * 0.9
            draw.line([(at, 0), (at, page.height)], 255, max(1, int(DRAWN_CAP * rng.uniform(0.05, 0.15))))
        ink = page
        if chance(rng, 0.12):
            ink = ink.filter(ImageFilter.MaxFilter(3))
        elif chance(rng, 0.12):
            ink = ink.filter(ImageFilter.MinFilter(3))
        return np.asarray(ink), base, margin - left, margin + length + right, wide

    def _seen(self, rng, ink: np.ndarray, base: int, start: float, end: float, wide: float) -> np.ndarray:
        hard = self.hard
        cap = float(np.exp(rng.uniform(math.log(6.5), math.log(24))))  # pixels of the camera
        blur = float(np.clip(rng.lognormal(math.log(0.7), 0.42), 0.35, 0.145 * cap + 0.1)) * min(hard, 1)
        ink = spoilt(rng, ink.astype(np.float32) / 255, DRAWN_CAP / cap, hard)
        zoom = DRAWN_CAP / cap
        page = Image.fromarray(np.round(ink * 255).astype(np.uint8)).filter(
            ImageFilter.GaussianBlur(math.hypot(blur * zoom, 0.38 * zoom))
        )
        # the camera's own grid: turned, with perspective
        turn = math.radians(rng.normal(0, 4)) * hard
        shear = rng.normal(0, 0.06) * hard
        tilt = rng.normal(0, 0.02) * hard / max(1.0, (end - start))
        w_cam, h_cam = int((end - start) * wide / zoom) + 2, int(DRAWN_CAP * 3.4 / zoom)
        # strip (u, v) in camera pixels around the line's middle -> drawn page
        cy, cx = base - DRAWN_CAP / 2, (start + end) / 2
        to_page = np.array([[zoom / wide, shear * zoom, cx], [0, zoom, cy], [0, 0, 1]]) @ np.array(
            [[1, 0, 0], [0, 1, 0], [tilt * zoom, 0, 1]]
        )
        c, s = math.cos(turn), math.sin(turn)
        rotate = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
        w_box, h_box = int(w_cam * c + h_cam * abs(s)) + 1, int(w_cam * abs(s) + h_cam * c) + 1
        centre = np.array([[1, 0, -w_box / 2], [0, 1, -h_box / 2], [0, 0, 1]])
        m = to_page @ rotate @ centre
        m /= m[2, 2]
        seen = page.transform((w_box, h_box), Image.Transform.PERSPECTIVE, tuple(m.flatten()[:8]), Image.Resampling.BILINEAR)
        grey = photographed(rng, np.asarray(seen, np.float32) / 255, blur, hard)
        # the reader's cut, with its errors
        k = cap / form.CAP * math.exp(rng.normal(0, 0.06) * hard)
        drift, lift = math.radians(rng.normal(0, 0.7)) * hard, rng.normal(0, 0.9) * hard
        width = max(8, int(round(w_cam / k)))
        c2, s2 = math.cos(drift), math.sin(drift)
        cut = np.array([[k * c2, -k * s2, 0], [k * s2, k * c2, 0], [0, 0, 1]]) @ np.array(
            [[1, 0, -width / 2], [0, 1, -(form.CAP_TOP + form.CAP / 2 + lift)], [0, 0, 1]]
        )
        m = np.linalg.inv(centre) @ np.linalg.inv(rotate) @ cut
        return np.asarray(
            grey.transform((width, form.HEIGHT), Image.Transform.PERSPECTIVE, tuple(m.flatten()[:8]), Image.Resampling.BILINEAR)
        )


def _write(draw, font, x: float, y: float, text: str, spread: float) -> None:
    if not spread:
        draw.text((x, y), text, 255, font, anchor="ls")
        return
    for c in text:
        draw.text((x, y), c, 255, font, anchor="ls")
        x += font.getlength(c) + spread


def spoilt(rng, ink: np.ndarray, zoom: float, hard: float) -> np.ndarray:
    """What printer and transport did to the ink; `zoom` is drawn pixels a camera pixel."""
    h, w = ink.shape
    if chance(rng, 0.25 * hard):  # faded, in patches
        ink = ink * (1 - rng.uniform(0.1, 0.6) * patches(rng, h, w, DRAWN_CAP * rng.uniform(1, 4)))
    if chance(rng, 0.15 * hard):  # dead dots of the thermal head
        ink = ink.copy()
        for _ in range(rng.integers(1, 4)):
            thick = max(1, int(DRAWN_CAP * rng.uniform(0.03, 0.11)))
            if chance(rng, 0.45):
                at = int(rng.uniform(DRAWN_CAP * 1.3, DRAWN_CAP * 3))
                ink[at : at + thick] *= rng.uniform(0, 0.3)
            else:
                at = int(rng.uniform(0, w))
                ink[:, at : at + thick] *= rng.uniform(0, 0.3)
    if chance(rng, 0.12 * hard):  # thermal drop-out
        step = max(2, int(DRAWN_CAP * rng.uniform(0.06, 0.14)))
        dots = rng.random((h // step + 1, w // step + 1)) < rng.uniform(0.03, 0.3)
        ink = ink * (1 - np.kron(dots, np.ones((step, step), np.float32))[:h, :w] * rng.uniform(0.4, 1))
    if chance(rng, 0.12 * hard):  # scratches
        mask = Image.new("L", (w, h))
        draw = ImageDraw.Draw(mask)
        for _ in range(rng.integers(1, 7)):
            x, y, a, n = rng.uniform(0, w), rng.uniform(0, h), rng.uniform(0, 6.3), rng.uniform(0.5, 4) * DRAWN_CAP
            draw.line([(x, y), (x + n * math.cos(a), y + n * math.sin(a))], 255, max(1, int(rng.uniform(0.03, 0.1) * DRAWN_CAP)))
        ink = ink * (1 - np.asarray(mask, np.float32) / 255 * rng.uniform(0.5, 1))
    return ink


def patches(rng, h: int, w: int, size: float) -> np.ndarray:
    """Smooth noise 0..1 with features of about `size` pixels."""
    coarse = rng.random((max(2, int(h / size) + 2), max(2, int(w / size) + 2))) * 255
    return np.asarray(Image.fromarray(coarse.astype(np.uint8)).resize((w, h), Image.Resampling.BICUBIC), np.float32) / 255


def photographed(rng, ink: np.ndarray, blur: float, hard: float) -> Image.Image:
    """Coverage to the grey levels of a photograph: paper, light, glare, creases, noise, JPEG."""
    h, w = ink.shape
    paper = rng.uniform(95, 245)
    dark = rng.uniform(8, 70) if chance(rng, 0.75) else paper * rng.uniform(0.3, 0.68)
    dark = min(dark, paper * 0.75)
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    light = 1 + rng.normal(0, 0.1) * hard * (x / w - 0.5) + rng.normal(0, 0.05) * hard * (y / h - 0.5)
    if chance(rng, 0.12 * hard):  # the edge of a shadow
        a = rng.uniform(0, 6.3)
        d = (x - rng.uniform(0, w)) * math.cos(a) + (y - h / 2) * math.sin(a)
        light *= 1 - rng.uniform(0.15, 0.5) / (1 + np.exp(-np.clip(d / rng.uniform(0.5, 12), -30, 30)))
    if chance(rng, 0.25 * hard):  # creases: a bright and a dark flank
        for _ in range(rng.integers(1, 3)):
            a = rng.uniform(0, 6.3)
            d = ((x - rng.uniform(0, w)) * math.cos(a) + (y - h / 2) * math.sin(a)) / rng.uniform(0.6, 4)
            light += rng.uniform(-0.25, 0.25) * d * np.exp(-np.minimum(d * d, 30))
    if chance(rng, 0.2):
        light += rng.uniform(0.02, 0.12) * (patches(rng, h, w, rng.uniform(3, 30)) - 0.5)
    grey = (paper - (paper - dark) * ink) * light
    if chance(rng, 0.12 * hard):  # glare, not so strong that nobody could read
        d = ((x - rng.uniform(0, w)) / rng.uniform(8, 90)) ** 2 + ((y - rng.uniform(0, h)) / rng.uniform(5, 40)) ** 2
        grey += (255 - grey) * rng.uniform(0.2, 0.78) * np.exp(-np.minimum(d, 30))
    if chance(rng, 0.05):  # light print on a dark band
        grey = 255 - grey
    if chance(rng, 0.1 * hard) and w > 12:  # motion
        n, axis = int(rng.integers(2, 2 + max(1, min(3, h // 18)))), int(rng.integers(0, 2))
        grey = np.mean([np.roll(grey, i, axis) for i in range(n)], axis=0)
    if chance(rng, 0.3):  # sharpened by the camera
        soft = np.asarray(Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(1)), np.float32)
        grey = grey + rng.uniform(0.2, 1.0) * (grey - soft)
    grey = grey + rng.normal(0, rng.uniform(0.5, 5.5 if chance(rng, 0.85) else 10) * min(1, hard), grey.shape).astype(np.float32)
    image = Image.fromarray(np.clip(np.round(grey), 0, 255).astype(np.uint8))
    if chance(rng, 0.85):
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=int(rng.integers(55, 96)))
        image = Image.open(buffer)
        image.load()
    return image
