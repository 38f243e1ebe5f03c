"""What devices are made of: cases, screens, keys, undersides, cables and plugs."""

from functools import lru_cache

import numpy as np
from mathutils import Matrix
from PIL import Image, ImageDraw, ImageFont

from ..solid import TAU, Solid, curve, rounded
from ..surface import Colour, picture, solid_colour, steel
from .vary import QUARTER, artwork, at, byte, grey, hue, often, paint, pick, text_lines

font = lru_cache(ImageFont.load_default)


def tone(rng: np.random.Generator) -> Colour:
    """What cases of devices come in: mostly black, grey and white, some beige, some coloured."""
    beige = tuple(np.array((0.62, 0.56, 0.42)) * rng.uniform(0.6, 1.1))
    return pick(
        rng, *[grey(rng, 0.008, 0.04)] * 4, grey(rng, 0.1, 0.4), grey(rng, 0.6, 0.85), grey(rng, 0.6, 0.85), beige, hue(rng)
    )


def case(rng: np.random.Generator, colour: Colour | None = None):
    """Moulded plastic, shiny or dull, some of it dirty."""
    return solid_colour(
        colour or tone(rng), rng.uniform(0.2, 0.6), coat=pick(rng, 0, 0.4), grain=rng.uniform(0, 0.15), dirt=pick(rng, 0, 0, 0.3)
    )


def below(x: float = 0, y: float = 0, z: float = 0) -> Matrix:
    """Turned over, to be seen from underneath."""
    return Matrix.Translation((x, y, z)) @ Matrix.Rotation(np.pi, 4, "X")


def along(axis: str, x: float, y: float, z: float) -> Matrix:
    """A move, after laying the z axis along x or y."""
    return Matrix.Translation((x, y, z)) @ Matrix.Rotation(QUARTER if axis == "x" else -QUARTER, 4, "Y" if axis == "x" else "X")


def disc(r: float, tall: float, material, segments: int = 24) -> Solid:
    """A closed cylinder on the ground, its upper edge rounded."""
    edge = 0.15 * min(r, tall)
    return Solid().lathe([(0, 0), (r, 0), (r, tall - edge), (r - edge, tall), (0, tall)], material, segments)


class Panel:
    """The printed front of a device, `w` by `h` centimetres, with raised keys that share its picture."""

    def __init__(self, w: float, h: float, ground: Colour, pixels: int = 640) -> None:
        self.w, self.h, self.scale = w, h, pixels / max(w, h)
        self.image = Image.new("RGB", (int(w * self.scale), int(h * self.scale)), byte(ground))
        self.draw, self.keys = ImageDraw.Draw(self.image), []

    def area(self, x: float, y: float, w: float, h: float) -> list[float]:
        """A rectangle around a point, in pixels."""
        s = self.scale
        return [
            (x + self.w / 2 - w / 2) * s,
            (self.h / 2 - y - h / 2) * s,
            (x + self.w / 2 + w / 2) * s,
            (self.h / 2 - y + h / 2) * s,
        ]

    def fill(self, x, y, w, h, colour, corner: float = 0.0) -> None:
        """Print a rectangle."""
        self.draw.rounded_rectangle(self.area(x, y, w, h), corner * self.scale, fill=colour)

    def text(self, x, y, size, words, ink) -> None:
        """Print words around a point."""
        left, top, right, bottom = self.area(x, y, 0, 0)
        self.draw.text((left, top), words, fill=ink, font=font(max(6, int(size * self.scale))), anchor="mm")

    def key(self, x, y, w, h, tall, colour, words="", ink=(255, 255, 255), corner: float = 0.0) -> None:
        """A raised key with a letter on it."""
        self.fill(x, y, w + 0.05, h + 0.05, colour)
        if words:
            self.text(x, y, 0.5 * min(w, h), words, ink)
        self.keys.append((x, y, w, h, tall, corner))

    def solid(self, corner: float = 0.05, rough: float = 0.4) -> Solid:
        """The printed plate and its keys."""
        printed = picture(self.image, rough)
        body = Solid().prism(rounded(self.w, self.h, corner), 0.03, printed, 0)
        for x, y, w, h, tall, round_corner in self.keys:
            if round_corner:
                key = Solid().prism(rounded(w, h, min(round_corner, 0.49 * min(w, h))), tall, printed, 0.25 * tall)
                body.add(key, at(x, y, 0))
            else:
                body.box((w, h, tall), (x, y, tall / 2), printed, 0.15 * tall)
        p = np.array(body.points)[:, :2] / (self.w, self.h) + 0.5
        body.faces = [(corners, slot, [tuple(p[c]) for c in corners]) for corners, slot, _ in body.faces]
        return body


def plate(image: Image.Image, w: float, h: float, corner: float = 0.1, rough: float = 0.35) -> Solid:
    """A printed plate, flat on the ground."""
    return Solid().prism(rounded(w, h, corner), 0.03, picture(image, rough))


def underside(rng: np.random.Generator, body: Solid, w: float, h: float, colour: Colour) -> None:
    """What a device has underneath: a rating label, slots for air, a lid with an arrow, screws or feet."""
    panel, dark = Panel(0.92 * w, 0.92 * h, colour, 512), byte(tuple(0.35 * c for c in colour))
    panel.draw.rectangle(panel.area(0, 0, 0.9 * w, 0.9 * h), outline=dark, width=2)
    side, ink = pick(rng, -1, 1), pick(rng, (60, 60, 60), (60, 60, 60), (200, 160, 40))
    panel.fill(0, side * 0.2 * h, 0.5 * w, 0.3 * h, pick(rng, (225, 225, 220), (8, 8, 9), (150, 150, 155)))
    left, top, right, bottom = panel.area(0, side * 0.2 * h, 0.44 * w, 0.24 * h)
    text_lines(rng, panel.draw, (left, top, right, bottom), ink, max(6, (bottom - top) / 8))
    panel.fill(-0.12 * w, side * 0.12 * h, 0.15 * w, 0.06 * h, (240, 240, 240))
    if often(rng, 0.5):
        panel.draw.rectangle(panel.area(0, -side * 0.22 * h, 0.6 * w, 0.36 * h), outline=dark, width=4)
        for i in range(4):
            panel.fill(0, -side * (0.1 + 0.02 * i) * h, (0.2 - 0.04 * i) * w, 0.008 * h, dark)
    else:
        for x in np.linspace(-0.3, 0.3, int(rng.integers(7, 16))):
            panel.fill(x * w, -side * 0.22 * h, 0.02 * w, 0.2 * h, dark)
    body.add(panel.solid(0.1 * min(w, h)), below(0, 0, 0.015))
    foot, r = pick(rng, steel(), solid_colour((0.01, 0.01, 0.01), 0.8)), 0.02 * min(w, h) + 0.1
    for x in (-0.41, 0.41):
        for y in (-0.41, 0.41):
            body.add(disc(r, 0.12, foot, 14), below(x * w, y * h))


def cracks(rng: np.random.Generator, draw: ImageDraw.ImageDraw, size: tuple[int, int]) -> None:
    """Cracks that run from where it was hit, and rings around."""
    hit, reach = rng.uniform(0.1, 0.9, 2) * size, 0.11 * max(size)
    spokes = []
    for a in np.sort(rng.uniform(0, TAU, rng.integers(7, 16))):
        line = [hit]
        for _ in range(rng.integers(3, 10)):
            a += rng.normal(0, 0.25)
            line.append(line[-1] + reach * rng.uniform(0.4, 1) * np.array([np.cos(a), np.sin(a)]))
        spokes.append(line)
        draw.line([tuple(p) for p in line], fill=(190, 195, 200), width=int(rng.integers(1, 4)))
    for one, two in zip(spokes, spokes[1:]):
        for step in (1, 2):
            draw.line([tuple(one[step]), tuple(two[step])], fill=(160, 165, 170), width=1)


def screen(rng: np.random.Generator, w: float, h: float, broken: float = 0.5) -> Image.Image:
    """A screen: dark, or lit with a clock and icons, perhaps cracked."""
    size = (int(480 * w / max(w, h)), int(480 * h / max(w, h)))
    image = Image.new("RGB", size, byte(grey(rng, 0.004, 0.03)))
    draw = ImageDraw.Draw(image)
    if often(rng, 0.4):
        image.paste(artwork(rng, size, copies=1))
        for i in range(rng.integers(8, 28)):
            x, y = (0.1 + 0.2 * (i % 4)) * size[0], 0.3 * size[1] + (i // 4) * 0.2 * size[0]
            draw.rounded_rectangle([x, y, x + 0.14 * size[0], y + 0.14 * size[0]], 8, fill=byte(paint(rng)))
        draw.text((0.5 * size[0], 0.12 * size[1]), f"{rng.integers(24):02}:{rng.integers(60):02}", "white", font(70), anchor="mm")
    if often(rng, broken):
        cracks(rng, draw, size)
    return image


def wander(rng: np.random.Generator, start, heading: float, length: float, thick: float) -> np.ndarray:
    """The line of a cable over the ground from a point."""
    points, bow = [np.array(start, float)], rng.normal(0, 0.35)
    for _ in range(8):
        heading += bow + rng.normal(0, 0.35)
        points.append(points[-1] + length / 8 * np.array([np.cos(heading), np.sin(heading), 0]))
        points[-1][2] = thick * rng.uniform(1, 2)
    return curve(points, 64)


def end_of(rng: np.random.Generator, kind: str | None = None) -> Solid:
    """What is at the end of a cable, along x: a USB, mains, sound or power plug."""
    kind, cover, metal = kind or pick(rng, "usb", "usb", "mains", "jack", "power"), case(rng), steel()
    body, round_plug = Solid(), along("x", 0, 0, 0)
    if kind == "usb":
        w = rng.uniform(0.7, 1.3)
        return body.box((2.4, w + 0.4, 0.8), (1.2, 0, 0), cover, 0.2).box((1.3, w, 0.4), (3.0, 0, 0), metal, 0.05)
    if kind == "mains":
        outline = np.array([(0, -0.6), (0.6, -0.9), (3.2, -1.7), (4, -1.7), (4, 1.7), (3.2, 1.7), (0.6, 0.9), (0, 0.6)])
        body.add(Solid().prism(outline, 1.4, cover, 0.3), at(0, 0, -0.7))
        for y in (-0.95, 0.95):
            body.tube(np.array([(4, y, 0), (5.9, y, 0)]), 0.22, metal)
        return body
    if kind == "jack":
        body.add(disc(0.4, 2.0, cover), round_plug)
        gold = solid_colour((0.8, 0.55, 0.2), 0.2, 1.0)
        return body.add(
            Solid().lathe([(0.18, 2), (0.18, 3.1), (0.12, 3.2), (0.18, 3.4), (0, 3.6)], pick(rng, gold, metal)), round_plug
        )
    return body.add(disc(0.5, 2.2, cover), round_plug).add(disc(0.28, 3.2, metal), round_plug)


def fit(body: Solid, end: Solid, path: np.ndarray) -> None:
    """Put a plug at the end of a cable."""
    step = path[-1] - path[-4]
    body.add(end, at(*path[-1], np.arctan2(step[1], step[0])))


ROWS = ([1] * 15, [1] * 13 + [2], [1.5] + [1] * 12 + [1.5], [1.75] + [1] * 11 + [2.25], [2.25] + [1] * 10 + [2.75],
        [1.25] * 3 + [6.25] + [1.25] * 4)  # fmt: skip


LETTERS = ("~123456789FEDCBA", "`1234567890-=<", " QWERTYUIOP[]|", " ASDFGHJKL;' ", " ZXCVBNM,./ ", "    " * 2)


def lay_keys(rng, panel: Panel, left: float, top: float, unit: float, tall: float, pad: bool, lost: float = 0.0) -> None:
    """The keys of a computer, from the upper left corner on."""
    cap = pick(rng, grey(rng, 0.01, 0.05), grey(rng, 0.01, 0.05), grey(rng, 0.15, 0.4), grey(rng, 0.6, 0.85))
    ink, other, gap = (20, 20, 20) if sum(cap) > 1 else (235, 235, 235), tuple(0.7 * c for c in cap), 0.12 * unit
    for row, (widths, letters) in enumerate(zip(ROWS, LETTERS)):
        x, y = left, top - unit * (row + 0.5)
        widths = list(widths) + ([0.3] + [1] * 4) * pad
        for i, width in enumerate(widths):
            wordy = letters[i] if i < len(letters) else "" if i < len(widths) - 4 * pad else str(rng.integers(10))
            if width >= 0.5 and not often(rng, lost):
                plain = byte(cap if width == 1 else other)
                panel.key(x + width * unit / 2, y, width * unit - gap, unit - gap, tall, plain, wordy.strip(), ink)
            x += width * unit
