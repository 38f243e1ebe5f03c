"""Other stickers on parcels: this side up, fragile, checked by. And plain patches that cover things."""

import functools
import random

import numpy as np
from PIL import Image, ImageDraw

from . import fonts
from .sheet import ICONS, Line

DOTS = 8
TEXTS = """THIS SIDE UP|FRAGILE|AWAS PECAH BELAH|JANGAN DIBANTING|DICEK OLEH;QC 07|HANDLE WITH CARE|
BARANG MUDAH PECAH|TERIMA KASIH|JANGAN DITINDIH|PASSED;QC 12|LUNAS|COD|ASURANSI|PRIORITAS|KEEP DRY|
HEAVY 20 KG|SEGEL RUSAK;JANGAN DITERIMA|VIDEO UNBOXING;WAJIB|THANK YOU;for your order|PROMO 50%|
BUKA DISINI|SIMPAN DI TEMPAT KERING|KACA - GLASS|ISI: 12 PCS|NET 500 g|BEST BEFORE;12/2027|NO. 00412|
GUDANG B-17|RAK 33452|HALAL|DANGER|100% ORIGINAL|CABANG JAWA BARAT|EX SURABAYA""".replace("\n", "").split("|")
COLOURS = [
    ((232, 184, 20), (20, 20, 20)),
    ((206, 32, 38), (250, 250, 250)),
    ((245, 245, 245), (20, 20, 20)),
    ((245, 245, 245), (190, 20, 30)),
    ((240, 120, 20), (20, 20, 20)),
    ((40, 120, 60), (245, 245, 245)),
    ((30, 70, 150), (245, 245, 245)),
    ((250, 240, 90), (180, 20, 20)),
    ((30, 30, 30), (240, 240, 240)),
]


@functools.lru_cache(maxsize=64)
def sticker(number: int) -> tuple[np.ndarray, list[Line], tuple[float, float]]:
    """Sticker of this number: its picture (blue, green, red), its lines in millimetres, its size in millimetres."""
    rng = random.Random(number)
    paper, ink = rng.choice(COLOURS)
    rows = rng.choice(TEXTS).split(";")
    em = rng.uniform(4, 10)
    font = fonts.pick(rng, "train").at(round(em * DOTS), True)
    icon = rng.random() < 0.35
    width = max(font.getlength(row) for row in rows) / DOTS + 6 + (em * 2 if icon else 0)
    height = em * 1.25 * len(rows) + 5
    picture = Image.new("RGB", (round(width * DOTS), round(height * DOTS)), paper)
    draw = ImageDraw.Draw(picture)
    if rng.random() < 0.4:
        draw.rectangle([6, 6, picture.width - 7, picture.height - 7], outline=ink, width=3)
    lines = []
    for k, row in enumerate(rows):
        spot = (3 * DOTS, (2.5 + em * (1.25 * k + 0.9)) * DOTS)
        draw.text(spot, row, fill=ink, font=font, anchor="ls")
        l, t, r, b = (c / DOTS for c in draw.textbbox(spot, row, font=font, anchor="ls"))
        lines.append(Line(row, "other", [(l, t), (r, t), (r, b), (l, b)], em, True))
    if icon:
        for part in ICONS[rng.choice(["up", "glass", "umbrella"])]:
            points = [((width - 2 - em * 1.8 + em * 1.6 * a) * DOTS, (2.5 + em * 1.3 * b) * DOTS) for a, b in part]
            draw.polygon(points, fill=ink) if len(part) > 2 else draw.line(points, fill=ink, width=5)
    return np.ascontiguousarray(np.asarray(picture)[:, :, ::-1]), lines, (width, height)


def pick(rng: random.Random) -> tuple[np.ndarray, list[Line], tuple[float, float]]:
    """One of forty stickers."""
    return sticker(rng.randrange(40))
