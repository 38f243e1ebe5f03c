"""A label on the printer: drawn in millimetres, and it remembers where every line and every code stands."""

import functools
import random
from dataclasses import dataclass

import numpy as np
import segno
from PIL import Image, ImageDraw, ImageFont

from . import code128
from .fonts import Family


@dataclass
class Line:
    """One line of text; `quad`: its corners in reading order (top left, top right, bottom right, bottom left) in millimetres."""

    text: str
    role: str
    quad: list[tuple[float, float]]
    em: float
    bold: bool = False


@dataclass
class Code:
    """One barcode (code128 or qr), its corners like a line's, without quiet zone."""

    kind: str
    text: str
    quad: list[tuple[float, float]]


@functools.lru_cache(maxsize=400)
def _advances(family: Family, bold: bool) -> dict[str, float]:
    """How wide each character is, in ems."""
    font = family.at(100, bold)
    return {chr(c): font.getlength(chr(c)) / 100 for c in range(32, 127)}


class Sheet:
    """Paper of some size, `dots` to the millimetre; `crisp` printers know only black and white, as thermal ones do."""

    def __init__(self, rng: random.Random, width: float, height: float, family: Family, dots: float = 8, crisp: bool = True):
        self.rng, self.width, self.height, self.family, self.dots, self.crisp = rng, width, height, family, dots, crisp
        self.image = Image.new("L", (round(width * dots), round(height * dots)), 255)
        self.draw = ImageDraw.Draw(self.image)
        self.draw.fontmode = "1" if crisp else "L"
        self.lines: list[Line] = []
        self.codes: list[Code] = []
        self.name = ""
        self.boxes: list[tuple[str, list[tuple[float, float]]]] = []
        "boxes with one handwritten digit each: the digit and the box's corners"
        self.paper: tuple[int, int, int] | None = None
        self.ink: tuple[int, int, int] | None = None
        "colours (blue, green, red) of what is no white label with black print"
        self.keyless = False
        "whether one of the parties has no keyword: the other one must have its own then"

    def font(self, em: float, bold: bool = False) -> ImageFont.FreeTypeFont:
        """The font of this sheet, `em` millimetres high."""
        return self.family.at(max(round(em * self.dots), 6), bold)

    def measure(self, text: str, em: float, bold: bool = False) -> float:
        """The width of a text in millimetres."""
        advances = _advances(self.family, bold)
        return sum(advances.get(c, 0) for c in text) * em

    def text(self, x, y, text, em, bold=False, role="other", align="left", turn=0, ink=0):
        """One line, its em's top at `y`; `x` is its left end, middle or right end. Returns the y below it.

        Turned by 90 it reads upwards and by 270 downwards, and (x, y) is its left top corner on the page.
        """
        text = " ".join(text.split())
        if not text:
            return y
        font, d = self.font(em, bold), self.dots
        if turn:
            self._turned(x, y, text, font, em, bold, role, turn)
            return y + self.measure(text, em, bold)
        width = font.getlength(text)
        left = x * d - width * {"left": 0, "middle": 0.5, "right": 1}[align]
        base = round((y + 0.8 * em) * d)
        self.draw.text((round(left), base), text, fill=ink, font=font, anchor="ls")
        l, t, r, b = self._ink_of(text, font)
        l, t, r, b = ((round(left) + l) / d, (base + t) / d, (round(left) + r) / d, (base + b) / d)
        self.lines.append(Line(text, role, [(l, t), (r, t), (r, b), (l, b)], em, bold))
        return y + em * 1.2

    @staticmethod
    def _ink_of(text, font):
        """What the ink covers, but at least from the top of capitals to the base line."""
        l, t, r, b = font.getbbox(text, anchor="ls")
        return l, min(t, -round(0.68 * font.size)), r, max(b, 0)

    def _turned(self, x, y, text, font, em, bold, role, turn):
        d = self.dots
        l, t, r, b = self._ink_of(text, font)
        strip = Image.new("L", (r - l + 2, b - t + 2), 255)
        pen = ImageDraw.Draw(strip)
        pen.fontmode = self.draw.fontmode
        pen.text((1 - l, 1 - t), text, fill=0, font=font, anchor="ls")
        strip = strip.transpose(Image.Transpose.ROTATE_90 if turn == 90 else Image.Transpose.ROTATE_270)
        left, top = round(x * d), round(y * d)
        self.image.paste(strip, (left, top))
        self.lines.append(Line(text, role, turned_quad(left / d, top / d, strip.width / d, strip.height / d, turn), em, bold))

    def wrap(self, text: str, width: float, em: float, bold: bool = False, hard: bool = False) -> list[str]:
        """The lines of a text that fit into this width; `hard` breaks anywhere, as some systems do."""
        advances = _advances(self.family, bold)
        room, rows = width / em * 0.99, []
        for paragraph in text.split("\n"):
            row, used = "", 0.0
            for word in [*paragraph] if hard else paragraph.split():
                long = sum(advances.get(c, 0) for c in word) + (0 if hard else advances[" "])
                while not hard and long - advances[" "] > room:  # a word wider than the column
                    cut = max(1, int(len(word) * room / long) - 1)
                    rows += [row] if row else []
                    rows.append(word[:cut])
                    row, used, word = "", 0.0, word[cut:]
                    long = sum(advances.get(c, 0) for c in word) + advances[" "]
                if row and used + long - (0 if hard else advances[" "]) > room:
                    rows.append(row)
                    row, used = "", 0.0
                row += word if hard or not row else " " + word
                used += long
            rows.append(row)
        return [row.strip() for row in rows if row.strip()]

    def block(self, x, y, width, text, em, height=1e9, leading=1.2, hard=False, least=0.62, **how):
        """A text wrapped into a column, its letters smaller if the column is too short. Returns the y below it."""
        size = em
        while True:
            rows = self.wrap(text, width, size, how.get("bold", False), hard)
            if len(rows) * size * leading <= height or size <= em * least:
                break
            size *= 0.92
        for row in rows:
            if y + size > self.height:
                break
            self.text(x + {"middle": width / 2, "right": width}.get(how.get("align"), 0), y, row, size, **how)
            y += size * leading
        return y

    def rule(self, x0, y0, x1, y1, thick=0.3, dashed=False):
        """A straight line, across or down."""
        d, n = self.dots, max(1, round(thick * self.dots))
        if not dashed:
            self.draw.line([(x0 * d, y0 * d), (x1 * d, y1 * d)], fill=0, width=n)
            return
        along = max(abs(x1 - x0), abs(y1 - y0))
        for k in range(int(along / 2.4)):
            a, b = k * 2.4 / along, (k * 2.4 + 1.4) / along
            ends = [((x0 + (x1 - x0) * f) * d, (y0 + (y1 - y0) * f) * d) for f in (a, b)]
            self.draw.line(ends, fill=0, width=n)

    def box(self, x0, y0, x1, y1, thick=0.3, fill=None, round_=0.0):
        """A frame, or with `fill` a filled area."""
        d = self.dots
        spot = [x0 * d, y0 * d, max(x1, x0 + 0.3) * d, max(y1, y0 + 0.3) * d]
        how = {"outline": 0 if thick else None, "width": round(thick * d) or 1, "fill": fill}
        self.draw.rounded_rectangle(spot, radius=round_ * d, **how)

    def bars(self, x, y, width, height, text, align="left", turn=0):
        """Code 128 in at most this width, in whole dots of the printer. Returns the width that it takes."""
        row = np.array(code128.modules(text), np.uint8)
        module = max(1, int(width * self.dots / (len(row) + 4)))
        module = min(module, round(self.rng.choice([0.25, 0.375, 0.375, 0.375, 0.375, 0.5]) * self.dots))
        bars = np.repeat(255 * (1 - row), module)
        picture = np.repeat(bars[None], max(4, round(height * self.dots)), 0)
        took = len(bars) / self.dots
        x += {"left": 0, "middle": (width - took) / 2, "right": width - took}[align] if not turn else 0
        self._code("code128", text, picture, x, y, turn)
        return took

    def qr(self, x, y, size, text):
        """A QR code of at most this size; returns its size."""
        matrix = 1 - np.array(segno.make(text, error=self.rng.choice("lmmq"), micro=False).matrix, np.uint8)
        module = max(1, int(size * self.dots / len(matrix)))
        self._code("qr", text, np.kron(matrix * 255, np.ones((module, module), np.uint8)), x, y, 0)
        return len(matrix) * module / self.dots

    def _code(self, kind, text, picture, x, y, turn):
        d, left, top = self.dots, round(x * self.dots), round(y * self.dots)
        if turn:
            picture = np.rot90(picture, 1 if turn == 90 else 3)
        self.image.paste(Image.fromarray(np.ascontiguousarray(picture)), (left, top))
        h, w = picture.shape
        self.codes.append(Code(kind, text, turned_quad(left / d, top / d, w / d, h / d, turn)))

    def icon(self, x, y, size, kind):
        """One of the handling marks: this side up, glass, umbrella, a heart, a house, a truck."""
        d = self.dots
        mark = [[(x + size * a) * d for a, _ in part] for part in ICONS[kind]]
        rows = [[(y + size * b) * d for _, b in part] for part in ICONS[kind]]
        for part, (xs, ys) in zip(ICONS[kind], zip(mark, rows)):
            self.draw.polygon(list(zip(xs, ys)), fill=0) if len(part) > 2 else self.draw.line(
                list(zip(xs, ys)), fill=0, width=max(1, round(size * 0.08 * d))
            )


def turned_quad(x: float, y: float, w: float, h: float, turn: int) -> list[tuple[float, float]]:
    """The corners, in reading order, of something that fills this box of the page and reads upwards (90) or downwards (270)."""
    corners = [(x, y), (x + w, y), (x + w, y + h), (x, y + h)]
    return [corners[(k + {0: 0, 90: 3, 180: 2, 270: 1}[turn]) % 4] for k in range(4)]


ICONS = {
    "up": [[(0.1, 0.95), (0.9, 0.95)]]
    + [[(c - 0.17, 0.35), (c, 0.05), (c + 0.17, 0.35)] for c in (0.27, 0.73)]
    + [[(c, 0.3), (c, 0.85)] for c in (0.27, 0.73)],
    "glass": [
        [(0.2, 0.05), (0.8, 0.05), (0.7, 0.5), (0.5, 0.6), (0.3, 0.5)],
        [(0.5, 0.55), (0.5, 0.9)],
        [(0.25, 0.93), (0.75, 0.93)],
    ],
    "umbrella": [
        [(0.05, 0.5), (0.2, 0.2), (0.5, 0.08), (0.8, 0.2), (0.95, 0.5)],
        [(0.5, 0.4), (0.5, 0.9)],
        [(0.5, 0.9), (0.35, 0.85)],
    ],
    "truck": [
        [(0.02, 0.3), (0.6, 0.3), (0.6, 0.75), (0.02, 0.75)],
        [(0.64, 0.45), (0.85, 0.45), (0.98, 0.6), (0.98, 0.75), (0.64, 0.75)],
    ],
    "house": [[(0.5, 0.05), (0.95, 0.5), (0.8, 0.5), (0.8, 0.95), (0.2, 0.95), (0.2, 0.5), (0.05, 0.5)]],
    "drop": [[(0.5, 0.05), (0.8, 0.55), (0.7, 0.85), (0.5, 0.95), (0.3, 0.85), (0.2, 0.55)]],
    "star": [
        [(0.5, 0.0), (0.65, 0.35), (1, 0.4), (0.75, 0.63), (0.8, 1), (0.5, 0.8), (0.2, 1), (0.25, 0.63), (0, 0.4), (0.35, 0.35)]
    ],
}
