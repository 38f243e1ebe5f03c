"""The parts that label layouts are put together from: parties, bars with their number, headers, goods."""

import random

from . import vocabulary as v
from .sheet import ICONS, Sheet
from .words import Party, Waybill

# millimetres an em below which a printer of labels does not go; what does not fit then is cut off
SMALLEST = {"recipient": 2.7, "sender": 2.1}


def party(s: Sheet, x, y, width, height, who: Party, key: str, em: float, role: str, style: str = ""):
    """A party in a column: keyword, name, address, phone, in one of several styles. Returns the y below it."""
    rng = s.rng
    styles = {"inline": 30, "above": 36, "letter": 13, "form": 10, "plain": 0 if s.keyless else 6, "run": 8}
    style = style or rng.choices(list(styles), list(styles.values()))[0]
    s.keyless = s.keyless or (style == "plain" and bool(key))
    hard, bold = rng.random() < 0.08, rng.random() < 0.1
    leading = rng.choice([1.1, 1.15, 1.2, 1.2, 1.3])
    how = {"role": role, "leading": leading, "hard": hard}
    parts = _parts(rng, who, key, style)
    size = em
    while True:  # one size for all parts, the largest that fits
        need = sum(len(s.wrap(text, width, size * scale, strong, hard)) * size * scale * leading for text, scale, strong in parts)
        if need <= height or size < max(em * 0.6, SMALLEST[role]):
            break
        size *= 0.94
    if rng.random() < 0.05:
        s.box(x - 0.6, y - 0.6, x + width + 0.6, y + min(need, height) + 0.6, 0, fill=rng.randrange(205, 238))
    if style in ("above", "letter", "form") and key and rng.random() < 0.45:
        y, parts = _inverted(s, x, y, width, key, size * parts[0][1], role), parts[1:]
    for text, scale, strong in parts:
        if y > s.height - size:
            break
        y = s.block(x, y, width, text, size * scale, bold=strong or bold, **how)
    return y


def _inverted(s: Sheet, x, y, width, key: str, em: float, role: str) -> float:
    """The keyword white on black, in a tab of its own length or a band of the column's. Returns the y below it."""
    rng = s.rng
    edge, lead = rng.uniform(0.05, 0.3) * em, rng.uniform(0.2, 0.6) * em
    whole = width if rng.random() < 0.25 else min(width, s.measure(key, em, True) + 2 * lead)
    s.box(x, y, x + whole, y + em + 2 * edge, 0, fill=0 if rng.random() < 0.8 else rng.randrange(20, 90))
    s.text(x + lead, y + edge, key, em, bold=True, role=role, ink=255)
    return y + em + 2 * edge + rng.uniform(0.1, 0.3) * em


def _parts(rng: random.Random, who: Party, key: str, style: str) -> list[tuple[str, float, bool]]:
    """The texts of a party in their order, each with its scale and whether it is bold."""
    strong = rng.random() < 0.65
    address = who.address()
    if style == "run":
        return [(f"{key.rstrip(' :')}: {who.whole()}", 1, False)]
    phone_with_name = rng.random() < 0.45
    phone = rng.choice(["{}", "{}", "Telp: {}", "HP {}", "({})", "Telp. {}", "No. HP: {}"]).format(who.phone)
    name = f"{who.name} {phone}" if phone_with_name else who.name
    if style == "form":
        label = lambda kind: rng.choice(v.ROW_LABELS[kind]) + rng.choice([": ", " : "])  # noqa: E731
        parts = [(key, 1, rng.random() < 0.6), (label("name") + who.name, 1, strong), (label("street") + address, 1, False)]
        parts.insert(rng.choice([2, 3]), (label("phone") + who.phone, 1, False))
        return parts
    if style == "inline":
        parts = [(f"{key.rstrip(' :')}: {name}", 1, strong), (address, 1, False)]
    elif style == "plain":
        parts = [(name, 1, strong), (address, 1, False)]
    else:
        parts = [
            (key, rng.choice([0.7, 0.85, 1]) if style == "above" else 1, rng.random() < 0.4),
            (name, 1, strong),
            (address, 1, False),
        ]
    if not phone_with_name and rng.random() < 0.92:
        parts.insert(len(parts) if rng.random() < 0.7 else len(parts) - 1, (phone, 1, False))
    return parts


def table(s: Sheet, x, y, width, height, who: Party, key: str, em: float, role: str, ruled: bool):
    """A party as rows of a form: Nama, Alamat, Kecamatan, Kota, Kode Pos, each with its value. Returns the y below it."""
    rng = s.rng
    rows = [("name", who.name), ("phone", who.phone)]
    street = ", ".join(who.says(kind) for kind in ("street", "rt_rw", "landmark", "village") if who.says(kind))
    rows.append(("street", street))
    rows += [(kind, who.says(kind)) for kind in ("district", "regency", "province", "postal")]
    labels = {kind: rng.choice(v.ROW_LABELS[kind]) for kind in v.ROW_LABELS}
    mark = rng.choice([":", " :", ""])
    rows = [(labels[kind] + mark, _value(kind, text)) for kind, text in rows if text]
    indent = max(s.measure(label, em) for label, _ in rows) + em
    size = em
    while (
        size > max(em * 0.6, SMALLEST[role])
        and (1 + sum(len(s.wrap(text, width - indent, size)) for _, text in rows)) * size * 1.3 > height
    ):
        size *= 0.94
    if key:
        s.text(x, y, key, size, bold=True, role=role)
        y += size * 1.35
    for label, text in rows:
        if y > s.height - size:
            break
        s.text(x, y, label, size, role=role)
        below = s.block(x + indent, y, width - indent, text, size, role=role, bold=rng.random() < 0.1)
        y = max(below, y + size * 1.2) + size * 0.1
        if ruled:
            s.rule(x, y - size * 0.05, x + width, y - size * 0.05, 0.15)
    return y


def _value(kind: str, text: str) -> str:
    """A value without the mark that its row's label already gives."""
    if kind != "postal":
        return text
    digits = "".join(c for c in text if c.isdigit())
    return digits or text


def bars(s: Sheet, x, y, width, height, w: Waybill, em: float, align="middle", number="below"):
    """The waybill's bars with their number. Returns the y below both."""
    if number == "above":
        y = _number(s, x, y, width, w, em, align)
    s.bars(x, y, width, height, w.awb, align)
    y += height + 0.6
    if number == "below":
        y = _number(s, x, y, width, w, em, align)
    return y


def _number(s: Sheet, x, y, width, w: Waybill, em, align):
    while s.measure(w.awb_printed, em) > width and em > 1.8:
        em *= 0.94
    at = x + {"left": 0, "middle": width / 2, "right": width}[align]
    return s.text(at, y, w.awb_printed, em, role="awb", align=align, bold=s.rng.random() < 0.3)


def fitted(s: Sheet, x, y, width, text, em, least=1.8, **how):
    """One line, its letters made smaller until it fits the width. Returns the y below it."""
    while s.measure(text, em, how.get("bold", False)) > width and em > least:
        em *= 0.95
    x += {"left": 0, "middle": width / 2, "right": width}[how.get("align", "left")]
    return s.text(x, y, text, em, **how)


def sort_code(s: Sheet, x, y, width, height, w: Waybill, framed=True):
    """The big code of the way, sometimes white on black."""
    em, black = min(height * 0.85, 11), s.rng.random() < 0.2
    if framed or black:
        s.box(x, y, x + width, y + height, 0.3, fill=0 if black else None)
    fitted(
        s,
        x + 1,
        y + (height - em) / 2,
        width - 2,
        w.sort_code,
        em,
        bold=True,
        role="sortcode",
        align="middle",
        ink=255 if black else 0,
    )
    return y + height


def header(s: Sheet, x, y, width, height, w: Waybill, both=True):
    """The market's and the courier's name in the style of a logo, and the service."""
    rng, em = s.rng, min(height * 0.55, 6.5)
    first, second = (w.market, f"via {w.courier} {w.service}") if both else (w.courier, w.service)
    black = rng.random() < 0.12
    if black:
        s.box(x, y, x + width, y + height, 0, fill=0)
    ink = 255 if black else 0
    fitted(s, x + 1, y + 0.8, width * 0.55, first, em, bold=True, ink=ink)
    if both:
        fitted(s, x + 1, y + em * 1.25, width * 0.6, second, em * 0.5, ink=ink)
    else:
        fitted(s, x + width * 0.6, y + 0.8, width * 0.38, second, em * rng.choice([0.6, 1]), bold=True, align="right", ink=ink)
    return y + height


def goods(s: Sheet, x, y, width, w: Waybill, em, lines=5):
    """Goods, weight, order number, date, notes: the small print, as much as fits."""
    rng = s.rng
    mark = rng.choice(["- ", "", "* ", "1. "])
    rows = [mark + item for item in w.goods[: rng.randrange(1, 5)]] + [w.weight, w.order, w.date, *w.notes]
    if w.cod:
        rows.insert(rng.randrange(len(rows) + 1), w.cod)
    if rng.random() < 0.4:
        rng.shuffle(rows)
    if rng.random() < 0.3:
        rows = [" - ".join(rows[:2]), *rows[2:]]
    for row in rows[:lines]:
        if y + em > s.height - 1:
            break
        for part in s.wrap(row, width, em)[:2]:
            s.text(x, y, part, em)
            y += em * 1.2
            if y + em > s.height - 1:
                break
    return y


def icons(s: Sheet, x, y, size):
    """Two or three handling marks in a row."""
    for k, kind in enumerate(s.rng.sample(list(ICONS), s.rng.randrange(1, 4))):
        s.icon(x + k * size * 1.2, y, size, kind)
